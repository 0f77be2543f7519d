"""The way into skl2onnx, so that it converts estimators that contain ours."""

import numpy as np
from sklearn.base import ClassifierMixin, is_classifier

from ._graph import PartOfGraph, require
from ._model import read
from ._nodes import write
from ._table import write_encoding

# Those of skl2onnx's own classifiers; ``raw_scores`` asks for the decision function in place of probabilities.
CLASSIFIER_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [True, False],
}


class Exportable:
    """Mixin of the estimators: what skl2onnx asks for, so that it never takes another estimator's rule for ours."""

    def onnx_converter(self):
        """Return the function with which skl2onnx converts this estimator.

        Returns
        -------
        converter : callable
            ``(scope, operator, container) -> None``.
        """
        return converter

    def onnx_shape_calculator(self):
        """Return the function with which skl2onnx finds the types of the outputs.

        Returns
        -------
        shape_calculator : callable
            ``operator -> None``.
        """
        return shape_calculator


class ExportableEncoder:
    """Mixin of the encoder of tables: what skl2onnx asks for."""

    def onnx_converter(self):
        """Return the function with which skl2onnx converts this encoder.

        Returns
        -------
        converter : callable
            ``(scope, operator, container) -> None``.
        """
        return encoding_converter

    def onnx_shape_calculator(self):
        """Return the function with which skl2onnx finds the type of the output.

        Returns
        -------
        shape_calculator : callable
            ``operator -> None``.
        """
        return encoding_shape_calculator


def convert_containing(estimator, X):
    """Convert a pipeline, or another scikit-learn estimator that may contain one of ours.

    Parameters
    ----------
    estimator : scikit-learn estimator
        Fitted estimator.
    X : {array-like, DataFrame} of shape (n_samples, n_features) or None
        Sample rows, whose types become those of the inputs. None stands for one float32 array.

    Returns
    -------
    model : onnx.ModelProto
    """
    require("skl2onnx", f"to_onnx of a {type(estimator).__name__}")
    import skl2onnx

    for kind in _kinds(Exportable):  # by name, too, for what is not a pipeline
        options = CLASSIFIER_OPTIONS if issubclass(kind, ClassifierMixin) else None
        alias = f"{kind.__module__}.{kind.__qualname__}"
        skl2onnx.update_registered_converter(kind, alias, shape_calculator, converter, options=options)
    from ._target import register_transformed_target  # its part of scikit-learn is slow to import

    register_transformed_target()
    X = np.zeros((1, estimator.n_features_in_), np.float32) if X is None else X
    return skl2onnx.to_onnx(estimator, X, options={"zipmap": False} if is_classifier(estimator) else None)


def _kinds(parent):
    """All classes derived from a class."""
    return [kind for child in parent.__subclasses__() for kind in (child, *_kinds(child))]


def converter(scope, operator, container):
    """Convert an estimator of ours, as skl2onnx asks for it.

    Parameters
    ----------
    scope : skl2onnx.common._topology.Scope
        Source of names.
    operator : skl2onnx.common._topology.Operator
        The estimator with its inputs and outputs.
    container : skl2onnx.common._container.ModelComponentContainer
        The graph.
    """
    model, graph = read(operator.raw_operator), PartOfGraph(scope, container)
    if hasattr(operator.raw_operator, "encoder_"):
        X = write_encoding(operator.raw_operator.encoder_, graph, _names(operator))
    else:
        X = graph.cast(operator.inputs[0].full_name, np.float32)
    options = container.get_options(operator.raw_operator, {"raw_scores": False}, fail=False) or {}
    raw_scores = options.get("raw_scores", False)
    if raw_scores and hasattr(operator.raw_operator, "encoder_"):  # the logarithm of a mean of probabilities
        raise ValueError(f"The decision function of {model.name} cannot be exported, only its probabilities can.")
    write(model, graph, X, [output.full_name for output in operator.outputs], raw_scores)


def shape_calculator(operator):
    """Set the types of the outputs, as skl2onnx asks for it.

    Parameters
    ----------
    operator : skl2onnx.common._topology.Operator
        The estimator with its inputs and outputs.
    """
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    kinds = {np.float32: FloatTensorType, np.int64: Int64TensorType, object: StringTensorType}
    n_rows = operator.inputs[0].get_first_dimension()
    for output, (dtype, *shape) in zip(operator.outputs, read(operator.raw_operator).types, strict=True):
        output.set_type(kinds[dtype]([n_rows, *shape]))


def encoding_converter(scope, operator, container):
    """Convert an encoder of tables, as skl2onnx asks for it; as for :func:`converter`."""
    graph = PartOfGraph(scope, container)
    write_encoding(operator.raw_operator, graph, _names(operator), operator.outputs[0].full_name)


def encoding_shape_calculator(operator):
    """Set the type of the encoded table, as skl2onnx asks for it; as for :func:`shape_calculator`."""
    from skl2onnx.common.data_types import FloatTensorType

    width = len(operator.raw_operator.get_feature_names_out())
    operator.outputs[0].set_type(FloatTensorType([operator.inputs[0].get_first_dimension(), width]))


def _names(operator):
    """Names in the graph of an array, or of the columns of a table."""
    names = {variable.raw_name: variable.full_name for variable in operator.inputs}
    return names | {"X": operator.inputs[0].full_name} if len(names) == 1 else names
