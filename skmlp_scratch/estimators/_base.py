"""The base of both estimators: fit in one direction, from data over a plan to a run, and what is read off afterwards.

The estimator changes in one place, at the end of a fit. Whatever goes wrong before leaves it as it was.
"""

import dataclasses
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._checks import quiet
from .._sklearn import ApiPage, CallbackSupportMixin, fit_context
from .._types import Inputs
from ..export._skl2onnx import Exportable
from ..objective import Objective
from ._atomic import Atomic
from ._callbacks import EpochCallbacks
from ._carry import Carry
from ._chunks import FitsChunks, Source
from ._constraints import CONSTRAINTS
from ._fitted_state import FittedState
from ._plan import Plan
from ._rows import Rows, read_once, read_rows
from ._run import Run
from ._split import split
from ._text import without_text
from ._together import check_nested, check_together, differences, notes_on
from ._validation import CALIBRATED, NO_TEMPERATURE, Validation


class BaseScratchMLP(ApiPage, CallbackSupportMixin, Atomic, FittedState, FitsChunks, Exportable, BaseEstimator):
    """What classifier and regressor share: all but the targets.

    A subclass is a dataclass of its parameters, and names the class of its targets.
    """

    _targets_class: Any = None
    _parameter_constraints = CONSTRAINTS

    @fit_context
    def fit(
        self,
        X: Inputs,
        y: ArrayLike,
        sample_weight: ArrayLike | float | None = None,
        *,
        X_val: Inputs | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | float | None = None,
    ) -> Self:
        """Fit the network to X and y.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Inputs. float32 gives float32 weights.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights of the rows, at least 0. Rows with zero weight are ignored.
        X_val, y_val : array-like or None, default=None
            Validation set, measured after each epoch; with ``early_stopping=True`` it takes the place of a split. It is
            used as it is: what a pipeline or ``TransformedTargetRegressor`` does to X and y has to be done to it, too
            (``Pipeline(transform_input=["X_val"])``).
        sample_weight_val : array-like, float or None, default=None
            Weights of the validation rows.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If parameters or data cannot be used, or training diverges. The estimator is then as it was.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @quiet
    def _fit(self, X, y, sample_weight, validation, incremental=False, classes=None):
        resumes = hasattr(self, "params_") and (incremental or self.warm_start)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: it sees one epoch at a time.")
        n_epochs = 1 if incremental else self.max_iter if isinstance(self.solver, str) else None
        callbacks = EpochCallbacks.of(self, X, y, sample_weight, n_epochs)
        run, door, validation, state = self._prepare(X, y, sample_weight, validation, resumes, incremental, classes)
        if callbacks:
            callbacks.attributes = lambda params: door._attributes(run, run.calibrated(params).copy(), validation)
        fitted, carry = run.minimize(validation, callbacks, self.history_ if resumes else None)
        door._keep(run, fitted, resumes, validation)
        door._carry = None
        if self.warm_start or incremental:
            own = isinstance(self.random_state, Integral)
            door._carry = dataclasses.replace(carry, rng=run.rng.get_state() if own else None, split=state)
        self._become(door, fitted.notes, callbacks)
        if resumes:  # the earlier epochs are shared, and stay as they are if a warning was made an error
            self.history_.extend(fitted.monitor.history)
        return self

    def _prepare(self, X, y, sample_weight, validation, resumes, incremental=False, classes=None):
        """Bring data and plan together: a run, the estimator's successor, a validation set, and how it was split."""
        door = self._copy()  # nothing of the estimator changes before the end
        carry = (self._carry or Carry()) if resumes else None
        flat = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        check_together(flat, self._parameter_constraints)
        rows, targets = door._read(X, y, sample_weight, flat, resumes, incremental, classes)
        n_before = len(self.history_["epoch"]) if resumes else 0
        plan = Plan(flat, door.n_features_in_, targets.n_columns, n_before, incremental)
        rng = self._generator(carry)
        if resumes:
            self._check_continuation(plan)
            params = carry.start(self.params_)
        else:
            params = plan.network.init(rng, plan.initializer, rows.dtype)
        train, held, state = split(door, rows, validation, targets, rng, carry and carry.split)
        run = Run(plan, targets, train, params, rng, carry, self.params_ if resumes else None)
        run.notes += notes_on(plan, len(train), {field.name: field.default for field in dataclasses.fields(self)})
        as_estimator = door._as_estimator(run)
        if self.scoring == CALIBRATED and held is None:
            run.notes.append((NO_TEMPERATURE, UserWarning))
        measured = held and Validation(held, plan.network, targets, self.scoring, as_estimator, self.early_stopping)
        return run, door, measured, state

    def _read(self, X, y, sample_weight, flat, resumes, incremental, classes):
        """Validate the training data; learn what the targets are."""
        kind, known = self._targets_class, self._targets if resumes else None
        if isinstance(X, Source):
            return X.rows(self, flat, known, classes, incremental)
        y = read_once(y)
        kind.refuse(y, "y")
        dtype = self.params_.dtype if resumes else None
        numeric = kind.task == "regression"
        X, y, weight = read_rows(self, X, y, sample_weight, numeric=numeric, dtype=dtype, reset=not resumes)
        targets = kind.learn(y, flat, known, classes, incremental)
        y = targets.check(y, "y") if numeric else y
        weight = targets.weights(y, weight, flat.get("class_weight"), X.dtype)
        return Rows(X, y, targets.columns(y), weight).without_zero_weights(), targets

    def _generator(self, carry):
        """Return the source of randomness: of an integer seed, a continued fit goes on where the last one ended."""
        rng = check_random_state(self.random_state)
        if carry and carry.rng is not None and isinstance(self.random_state, Integral):
            rng = np.random.RandomState()
            rng.set_state(carry.rng)
        return rng

    def _check_continuation(self, plan):
        """Raise a ValueError if the weights no longer fit the network."""
        changed = differences(self.network_, plan.network)
        if changed:
            raise ValueError(
                f"warm_start and partial_fit keep the network, and {changed}: change it back, or begin anew with "
                "warm_start=False."
            )

    def objective(self, X: Inputs, y: ArrayLike) -> tuple[Objective, NDArray]:
        """Return the objective that fit would minimize, in float64, and initial parameters.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        objective : Objective
            Function of the flat parameter vector.
        params : ndarray of shape (n_params,)
            Starting point of ``fit``.
        """
        model = self._copy()
        model.early_stopping = False
        X = without_text(X, "X")
        X = X.astype(np.float64) if sparse.issparse(X) else np.asarray(X, dtype=np.float64)
        run, *_ = model._prepare(X, y, None, (None, None, None), resumes=False)
        return run.objective, run.params

    def _continued(self, X, y):
        """Return the run in which ``partial_fit`` would go on with X and y."""
        check_is_fitted(self)
        model = self._copy()
        model.early_stopping = False
        run, *_ = model._prepare(X, y, None, (None, None, None), resumes=True, incremental=True)
        return run

    def set_params(self, **params: Any) -> Self:
        """Set parameters, of nested objects too (``solver__learning_rate``).

        Parameters
        ----------
        **params
            Names and values.

        Returns
        -------
        self : object
        """
        check_nested(self, params)
        return super().set_params(**params)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
