"""The base of both tabular estimators: from a table over members in training to what predicts.

The estimator changes in one place, at the end of a fit. Whatever goes wrong before leaves it as it was.
"""

import dataclasses
import threading
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._checks import quiet
from .._sklearn import ApiPage, CallbackSupportMixin, Interval, StrOptions, fit_context, one_of
from .._types import Inputs
from ..activations import ACTIVATIONS
from ..encoding import TableEncoder
from ..estimators._atomic import Atomic
from ..estimators._callbacks import EpochCallbacks
from ..estimators._together import check_each
from ..export._skl2onnx import Exportable
from ..tables import as_table
from ._members import Member
from ._plan import Plan, auto_epochs
from ._read import read_rows, read_validation, shared_out
from ._table import Share, Table
from ._train import Judge, Training
from ._units import Units

SEEDS = 2**31 - 1


class BaseScratchTabular(ApiPage, CallbackSupportMixin, Atomic, Exportable, BaseEstimator):
    """What classifier and regressor share: all but the targets.

    A subclass is a dataclass of its parameters, and names its ``_targets_class``.
    """

    _targets_class: Any = None
    _plan_class = Plan
    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [one_of(lambda: ACTIVATIONS), callable, list, tuple],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "ema": [Interval(Real, 0, 1, closed="left")],
        "n_bins": [Interval(Integral, 0, None, closed="left")],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

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
        """Fit the networks to a table.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            Table as it is: numbers, booleans, categories and dates, with missing cells, unscaled.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights of the rows, at least 0. Rows with zero weight are ignored.
        X_val, y_val : {DataFrame, array-like} or None, default=None
            Validation set, which takes the place of the folds: every member then learns from all rows.
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
    def _fit(self, X, y, sample_weight, validation):
        table = as_table(X)
        n_epochs = auto_epochs(table.shape[0]) if self.max_iter == "auto" else self.max_iter
        callbacks = EpochCallbacks.of(self, X, y, sample_weight, n_epochs)
        door = self._copy()  # nothing of the estimator changes before the end
        training = door._prepare(table, y, sample_weight, validation)
        if callbacks:
            callbacks.attributes = lambda params: door._attributes(params, training.latest_temperature)
        if self.verbose:
            print(f"Computed by {training.members[0].engine()}.")
        training.run(self.n_jobs, self.verbose, callbacks)
        door._keep(training)
        return self._become(door, training.notes, callbacks)

    def _prepare(self, X, y, sample_weight, validation):
        """Bring table and plan together: members about to be trained, and what is known before."""
        flat = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        check_each(flat, self._parameter_constraints, per_hidden_layer=["activation"])
        X, y, weight, targets = read_rows(self, X, y, sample_weight, flat)
        columns = targets.columns(y)
        targets.loss.check_targets(np.asarray(columns, dtype=np.float64))
        units = Units.of(targets.loss, columns, weight)
        encoder = TableEncoder(self.categorical_features, n_bins=self.n_bins)
        whole = Share(Table(encoder, encoder.fit_compress(X)), units.learned(columns), weight, np.arange(len(columns)))
        held = read_validation(validation, encoder, targets, units)
        plan = self._plan_class(flat, whole.table.n_columns, targets.n_columns, len(whole))
        rng, stopped = check_random_state(self.random_state), threading.Event()
        shares = shared_out(whole, held, targets.strata(y), self.n_members, self.n_folds, rng)
        seeds = rng.randint(SEEDS, size=self.n_members)
        loss = self._learned_loss(units.loss, targets)
        members = [Member(plan, loss, *share, seed, stopped) for share, seed in zip(shares, seeds, strict=True)]
        judge = Judge(units.loss, [share for _, share in shares], self._is_calibrated(targets))
        self.encoder_, self.network_, self.n_outputs_ = encoder, plan.network, targets.n_columns
        self._targets, self._units = targets, units
        return Training(members, judge, plan.n_epochs, self.learning_rate_init, stopped)

    def _learn_targets(self, y, flat):
        """Return what the targets are."""
        return self._targets_class.learn(y, flat)

    def _learned_loss(self, loss, targets):
        """Return the loss that the members minimize."""
        return loss

    def _is_calibrated(self, targets):
        """Whether the members' raw predictions have a temperature."""
        return False

    def _keep(self, training):
        """Set the fitted attributes."""
        vars(self).update(self._attributes(training.params, training.temperature))
        self.n_iter_, self.history_ = training.n_iter, training.history
        self.best_validation_score_ = training.best_score

    def _attributes(self, params, temperature):
        """Return the attributes from which an estimator can predict."""
        names = ("encoder_", "network_", "n_outputs_", "_targets", "_units")
        return {name: getattr(self, name) for name in names} | {"params_": params}

    @property
    def validation_scores_(self) -> Any:
        """``history_["val_score"]``: the joint score of each epoch."""
        return self.history_["val_score"]

    @property
    def members_(self) -> Any:
        """The networks one by one: estimators that predict as this one does, each with a single member."""
        check_is_fitted(self)
        members = []
        for params in self.params_:
            member = self._copy()
            member.params_ = params[np.newaxis]
            members.append(member)
        return members

    def _raws(self, X):
        """Return each member's raw predictions, in float64: those of a row do not depend on the rows around it."""
        table = Table(self.encoder_, self.encoder_.compress(as_table(X)), kept=False)
        params = self.params_.astype(np.float64)
        parts = []
        for rows in table.blocks(np.arange(len(table))):
            encoded = table.take(rows)
            parts.append([self.network_.predict(vector, encoded) for vector in params])
        return [np.concatenate(raws) for raws in zip(*parts, strict=True)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
