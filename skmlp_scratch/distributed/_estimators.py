"""The estimators over Dask: the local ones, with rows that stay on the workers."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dask
import numpy as np
from dask import array as da
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.validation import check_is_fitted

from ..estimators import ScratchMLPClassifier, ScratchMLPRegressor
from ..estimators._chunks import Source
from ._objective import open_client
from ._source import DaskSource, one_block_per_row


class OnDask:
    """What both estimators add to the local ones."""

    _parameter_constraints: dict[str, Any] = {"client": "no_validation"}
    _local_class: Any = None

    def _prepare(self, X, y, sample_weight, validation, *arguments, **options):
        if isinstance(X, Source):  # chunks that pass by here
            return super()._prepare(X, y, sample_weight, validation, *arguments, **options)
        source = DaskSource(open_client(self.client), X, y, sample_weight)
        return super()._prepare(source, None, None, dask.compute(*validation), *arguments, **options)

    def _reader(self):
        """Return an estimator for the workers, which knows the features only."""
        reader = self._local_class()
        known = {name: getattr(self, name) for name in FEATURES if hasattr(self, name)}
        vars(reader).update(known)
        return reader

    def to_local(self):
        """Return the plain estimator with everything that fit has found; it needs no Dask.

        Returns
        -------
        estimator : ScratchMLPClassifier or ScratchMLPRegressor
        """
        check_is_fitted(self)
        model = object.__new__(self._local_class)
        vars(model).update({name: value for name, value in vars(self).items() if name != "client"})
        return model

    def _lazily(self, method, X):
        """Call a method of the plain estimator, on a collection chunk by chunk when that is computed."""
        model = self.to_local()
        if not dask.is_dask_collection(X):
            return getattr(model, method)(X)
        nameless = model._copy()
        vars(nameless).pop("feature_names_in_", None)
        empty = getattr(nameless, method)(np.zeros((1, self.n_features_in_), dtype=self.params_.dtype))[:0]
        call = partial(_call, model, method, empty)
        if isinstance(X, da.Array):
            axes = {"drop_axis": 1} if empty.ndim == 1 else {"chunks": (X.chunks[0], (empty.shape[1],))}
            return one_block_per_row(X, "X").map_blocks(call, meta=empty, **axes)
        columns = self.classes_ if method != "predict" and empty.ndim == 2 else None
        call = partial(_call_on_frame, call, columns)
        return X.map_partitions(call, meta=call(X._meta))

    def predict(self, X):
        """Predict; a dask array gives a dask array, a dask frame a dask series or frame, computed when asked for.

        Parameters
        ----------
        X : {dask array, dask DataFrame, array-like} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        y : {dask array, dask Series, dask DataFrame, ndarray} of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._lazily("predict", X)

    def score(self, X, y, sample_weight=None):
        """Return the accuracy of a classifier, or R² of a regressor.

        Parameters
        ----------
        X : {dask array, dask DataFrame, array-like} of shape (n_samples, n_features)
            Inputs.
        y : {dask array, dask Series, array-like} of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : {dask array, array-like} of shape (n_samples,) or None, default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        metric = accuracy_score if self._targets_class.task == "classification" else r2_score
        y, y_pred, sample_weight = dask.compute(y, self.predict(X), sample_weight)
        return metric(y, y_pred, sample_weight=sample_weight)

    def __sklearn_clone__(self):
        twin = self._copy()  # a client cannot be copied, and belongs to the clone as well
        twin.client = None
        clone = super(OnDask, twin).__sklearn_clone__()
        clone.client = self.client
        return clone

    def __getstate__(self):
        return super().__getstate__() | {"client": None}


FEATURES = ("n_features_in_", "feature_names_in_")


def _call(model, method, empty, X):
    return getattr(model, method)(X) if X.shape[0] else empty


def _call_on_frame(call, columns, frame):
    import pandas as pd

    found = call(frame)
    if found.ndim == 1:
        return pd.Series(found, index=frame.index)
    return pd.DataFrame(found, index=frame.index, columns=columns)


def documented(cls):
    """Complete the docstring with the parameters and attributes of the local class."""
    if cls.__doc__:  # none with python -OO
        _, parameters, attributes = cls._local_class.__doc__.split("----------\n", 2)
        parameters = parameters.split("\n\n    Attributes")[0].strip()
        attributes = attributes.split("\n\n    Examples")[0].strip()
        cls.__doc__ = cls.__doc__.replace("{parameters}", parameters).replace("{attributes}", attributes)
    return cls


@documented
@dataclass(eq=False, repr=False)
class DaskScratchMLPClassifier(OnDask, ScratchMLPClassifier):
    """Multi-layer perceptron classifier, trained on the workers of a Dask cluster.

    ``fit`` takes dask arrays and frames that are chunked by rows, of known or unknown sizes; what
    :class:`ScratchMLPClassifier` takes is cut into eight chunks. Chunks without rows are left out. A full batch gives
    what the local fit gives, up to the rounding of sums; so does a minibatch, which takes its rows from every shard.

    Two things differ. ``early_stopping`` holds out the same share of each chunk, drawn plainly, and brings these rows
    to the client: choose ``validation_fraction`` so that they fit. With ``normalization="batch"``, which only
    full-batch solvers take here, each shard normalizes by its own rows.

    Parameters
    ----------
    {parameters}
    client : distributed.Client or None, default=None
        Client of the cluster; None takes the current one. A pickle has none.

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> from dask import array as da
    >>> from distributed import Client
    >>> from skmlp_scratch.distributed import DaskScratchMLPClassifier
    >>> X = da.random.default_rng(0).normal(size=(300, 2), chunks=(100, 2))
    >>> with Client(processes=False, n_workers=1, dashboard_address=None) as client:
    ...     clf = DaskScratchMLPClassifier(8, solver="lbfgs", random_state=0, client=client).fit(X, X[:, 0] > 0)
    ...     clf.predict(X).compute().shape, clf.score(X, X[:, 0] > 0) > 0.95
    ((300,), True)
    """

    client: Any = field(default=None, kw_only=True)

    _local_class = ScratchMLPClassifier
    _parameter_constraints = ScratchMLPClassifier._parameter_constraints | OnDask._parameter_constraints

    def predict_proba(self, X):
        """Predict probabilities, as :meth:`predict` predicts labels.

        Parameters
        ----------
        X : {dask array, dask DataFrame, array-like} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        y_prob : {dask array, dask DataFrame, ndarray} of shape (n_samples, n_classes)
        """
        return self._lazily("predict_proba", X)

    def predict_log_proba(self, X):
        """Predict logarithms of probabilities; as :meth:`predict_proba`."""
        return self._lazily("predict_log_proba", X)

    def decision_function(self, X):
        """Predict logits; as :meth:`predict_proba`."""
        return self._lazily("decision_function", X)


@documented
@dataclass(eq=False, repr=False)
class DaskScratchMLPRegressor(OnDask, ScratchMLPRegressor):
    """Multi-layer perceptron regressor, trained on the workers of a Dask cluster.

    What is said of :class:`DaskScratchMLPClassifier` holds here.

    Parameters
    ----------
    {parameters}
    client : distributed.Client or None, default=None
        Client of the cluster; None takes the current one. A pickle has none.

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> from dask import array as da
    >>> from distributed import Client
    >>> from skmlp_scratch.distributed import DaskScratchMLPRegressor
    >>> X = da.random.default_rng(0).normal(size=(300, 2), chunks=(100, 2))
    >>> with Client(processes=False, n_workers=1, dashboard_address=None) as client:
    ...     reg = DaskScratchMLPRegressor(hidden_layer_sizes=(), solver="lbfgs", client=client).fit(X, X[:, 0] + 1)
    >>> reg.to_local().predict([[2.0, 0.0]]).round(2)
    array([3.])
    """

    client: Any = field(default=None, kw_only=True)

    _local_class = ScratchMLPRegressor
    _parameter_constraints = ScratchMLPRegressor._parameter_constraints | OnDask._parameter_constraints
