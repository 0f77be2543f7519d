"""Export: fitted estimators as ONNX graphs and as plain C, for programs without Python.

What is exported is what the layers and the loss's link compute at inference, in float32: weights, activations and
normalizations; dropout is absent. The modules here read fitted attributes and import no estimator, so that the
estimators can lean on them.

A model that stays in Python is saved with pickle or, to load files from others without running their code, with skops.
Only names of this package then have to be trusted:

>>> import skops.io
>>> from sklearn.datasets import load_iris
>>> from skmlp_scratch import ScratchMLPClassifier
>>> X, y = load_iris(return_X_y=True)
>>> data = skops.io.dumps(ScratchMLPClassifier(8, solver="lbfgs", random_state=0).fit(X, y))
>>> names = skops.io.get_untrusted_types(data=data)
>>> all(name.startswith("skmlp_scratch.") for name in names)
True
>>> skops.io.loads(data, trusted=names).predict(X[:3])
array([0, 0, 0])

MLflow takes the same names: ``mlflow.sklearn.log_model(clf, name="model", skops_trusted_types=names)``, and
``mlflow.sklearn.load_model(uri)`` gives the estimator back.
"""

from ._c import to_c
from ._onnx import to_onnx

__all__ = ["to_c", "to_onnx"]
