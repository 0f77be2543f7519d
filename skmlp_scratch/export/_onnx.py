"""The door to ONNX."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._types import Inputs
from ._graph import Graph, require
from ._model import read
from ._nodes import write
from ._skl2onnx import convert_containing
from ._table import inputs_of, write_encoding


def to_onnx(estimator: Any, X: Inputs | None = None) -> Any:
    """Convert a fitted estimator to ONNX.

    The graph takes ``X``, float32, and computes in float32. Its outputs are named as skl2onnx names them: ``label`` and
    ``probabilities`` of a classifier, ``variable``, of shape (n_samples, n_outputs), of a regressor. Labels are strings
    or int64; for multilabel targets an indicator.

    The graph of a tabular estimator takes the columns of a frame one by one under their names, each of shape
    (n_samples, 1), but for those that were dropped: numbers as float32, nan where missing, and categories as strings,
    empty where missing. Of an array of numbers it takes ``X``.

    Parameters
    ----------
    estimator : ScratchMLPClassifier, ScratchMLPRegressor, tabular estimator, or scikit-learn estimator
        Fitted estimator. Pipelines and other estimators that contain one of ours are converted by skl2onnx, which has
        to be installed; they may begin with a ``TableEncoder``, and end with ``TransformedTargetRegressor``.
    X : {array-like, DataFrame} of shape (n_samples, n_features) or None, default=None
        Sample rows, whose types become those of a pipeline's inputs. None stands for one float32 array.

    Returns
    -------
    model : onnx.ModelProto
        ``onnx.save(model, "model.onnx")`` writes it to a file.

    Raises
    ------
    ImportError
        If onnx, or for pipelines skl2onnx, is not installed.
    ValueError
        If the estimator has a custom activation, layer or loss, or a table has dates.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmlp_scratch import ScratchMLPClassifier
    >>> from skmlp_scratch.export import to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = ScratchMLPClassifier(8, solver="lbfgs", random_state=0).fit(X, y)
    >>> model = to_onnx(clf)

    What runs it needs onnxruntime and nothing of this package:

    >>> import numpy as np
    >>> import onnxruntime
    >>> session = onnxruntime.InferenceSession(model.SerializeToString())
    >>> label, probabilities = session.run(["label", "probabilities"], {"X": X[:2].astype(np.float32)})
    >>> print(label)
    [0 0]
    """
    check_is_fitted(estimator)
    require("onnx", "to_onnx")
    if not hasattr(estimator, "network_"):
        return convert_containing(estimator, X)
    model, graph = read(estimator), Graph()
    inputs, X = {"X": (np.float32, model.n_in)}, "X"
    if hasattr(estimator, "encoder_"):
        inputs = inputs_of(estimator.encoder_)
        X = write_encoding(estimator.encoder_, graph, {name: name for name in inputs})
    outputs = ["variable"] if model.classes is None else ["label", "probabilities"]
    write(model, graph, X, outputs)
    return graph.to_proto(model.name, inputs, dict(zip(outputs, model.types, strict=True)))
