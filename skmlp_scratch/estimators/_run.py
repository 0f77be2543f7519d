"""Run: a plan and rows are brought together once, a solver minimizes, and what prediction needs is handed back.

The stopping rule (:class:`~skmlp_scratch.stopping.Patience`) and the guard against divergence are set up here.

A run changes neither the estimator nor the objects that it was given. :class:`Fitted` is what a fit leaves for
predictions, ``Carry`` what it leaves for the next fit.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .. import _engine
from ..history import Monitor
from ..losses import Smoothed
from ..solvers import GradientDescent
from ..stopping import (
    CONVERGED,
    INTERRUPT_MESSAGE,
    DivergenceError,
    DivergenceGuard,
    InterruptedFit,
    Patience,
    diverged,
)
from ._carry import Carry, digest
from ._troubles import troubles

SCALE_ROWS = 200  # rows on which the scale of the loss before training is estimated


@dataclass(frozen=True)
class Fitted:
    """All that prediction needs, and what is reported of the training.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
        Trained parameters.
    loss_value : float
        The last training loss.
    monitor : Monitor
        History of this run.
    notes : list of tuple
        Text and category of each warning.
    """

    params: np.ndarray
    loss_value: float
    monitor: Monitor
    notes: list = field(default_factory=list)


class Run:
    """One training run.

    Parameters
    ----------
    plan : Plan
        What to train and how.
    targets : ClassTargets or NumberTargets
        Knows the loss.
    train : Rows
        Training rows; any object with a method ``objective`` that has the other attributes of rows.
    params : ndarray of shape (n_params,)
        Starting point.
    rng : numpy.random.RandomState
        Orders minibatches and draws dropout.
    carry : Carry or None, default=None
        What an earlier fit left, if this one continues it.
    shown : ndarray of shape (n_params,) or None, default=None
        The parameters that it returned.
    """

    def __init__(self, plan, targets, train, params, rng, carry=None, shown=None):
        self.plan, self.targets, self.train, self.rng = plan, targets, train, rng
        self.params, self.carry, self.shown = params, carry or Carry(), shown
        flat, loss = plan.flat, targets.loss
        if flat.get("label_smoothing"):
            loss = Smoothed(loss, flat["label_smoothing"], targets.is_multilabel)
        self.objective = train.objective(plan.network, loss, alpha=flat["alpha"], l1_ratio=flat["l1_ratio"])
        self.solver = plan.solver(len(train))
        self.guard = self._guard(resumed=carry is not None)
        self.notes = []

    def _guard(self, resumed):
        """Watch over the loss: it has diverged far above where it began and above what raw = 0 costs."""
        objective, params = self.objective, self.params
        zero = np.zeros((1, objective.network.n_out), dtype=params.dtype)

        # In absolute value: a likelihood without its constants may be negative. It does not know the run, which knows
        # it: in a cycle the data would outlive the fit.
        def exact_limit():
            scale = abs(objective.value_of_raw(zero))
            if not resumed:
                scale = max(scale, abs(objective.value(params)))
            return DivergenceGuard.explosion * scale

        # Estimate the limit on a sample of raw = 0 first; only a loss that exceeds it is worth evaluating the rows for.
        step = len(self.train) // SCALE_ROWS
        scale = abs(objective.value_of_raw(zero, slice(None, None, step) if step > 1 else None))
        return DivergenceGuard(max(DivergenceGuard.explosion * scale, self.carry.limit), exact_limit)

    def calibrated(self, params):
        """Return parameters in the training dtype, with the population statistics of batch normalization measured."""
        params = np.asarray(params, dtype=self.params.dtype)
        if self.plan.network.has_statistics:
            params = params.copy()
            self.objective.calibrate(params, self.carry.n_seen if self.plan.incremental else 0)
        return params

    def minimize(self, validation, listener, history):
        """Train.

        Parameters
        ----------
        validation : Validation or None
            Measured after each epoch.
        listener : callable or None
            ``params -> stop``, called after each epoch.
        history : History or None
            Of the fits that this one continues.

        Returns
        -------
        fitted : Fitted
        carry : Carry
        """
        flat = self.plan.flat
        early = flat["early_stopping"]
        best = None
        if early and validation.digest == self.carry.held and not self.carry.is_edited(self.shown):
            best = self.carry.best_score, self.shown
        monitor = Monitor(
            self.objective,
            validate=validation and (lambda params: validation.measure(self.calibrated(params))),
            patience=Patience(flat["tol"], flat["n_iter_no_change"]) if early else None,
            guard=self.guard,
            verbose=flat["verbose"],
            listener=listener,
            epochs_before=len(history["epoch"]) if history else 0,
            seconds_before=history["seconds"][-1] if history and history["seconds"] else 0.0,
            max_epochs=1 if self.plan.incremental else None,
            best=best,
        )
        if monitor.verbose:
            print(f"Computed by {_engine.status(self.objective)}.")
        result = self._solve(monitor)
        last = np.array(result["x"], dtype=self.params.dtype)
        best = last if monitor.best_params is None else monitor.best_params
        if not np.isfinite(best).all():
            raise diverged(math.nan, monitor.epochs, math.nan)
        fitted = Fitted(self.calibrated(best), float(result["fun"]), monitor, self.notes)
        self.notes += monitor.warnings
        try:
            self.notes += troubles(self, fitted, result, validation)
        except KeyboardInterrupt:  # what has been trained is not lost for a warning
            self.notes.append((INTERRUPT_MESSAGE, InterruptedFit))
        return fitted, self._leave(fitted, result, None if best is last else last, validation)

    def _solve(self, monitor):
        """Run the solver; on failure, fall back to the best or latest parameters, if any."""
        try:
            result = self.solver.minimize(
                self.objective, self.params, callback=monitor, rng=self.rng, state=self.carry.solver
            )
            if not monitor.epochs:
                monitor.fill(int(result.get("nit", 1)), float(result.fun))
            if monitor.verbose and isinstance(self.solver, GradientDescent) and result.status == CONVERGED:
                print(result.message)
            if result.get("message") == INTERRUPT_MESSAGE:
                self.notes.append((INTERRUPT_MESSAGE, InterruptedFit))
            if monitor.best_params is None and not math.isnan(result.fun):
                self.guard.check(float(result.fun), monitor.epochs, last_rate(monitor))
        except DivergenceError as error:
            if monitor.best_params is None:
                raise
            self.notes.append((f"{error} The best weights so far are kept.", ConvergenceWarning))
            result = {"x": monitor.best_params, "fun": monitor.history["loss"][-1], "success": True}
        except KeyboardInterrupt:  # the package's solvers return; this is for others
            self.notes.append((INTERRUPT_MESSAGE, InterruptedFit))
            latest = self.params if monitor.params is None else monitor.params
            result = {"x": latest, "fun": math.nan, "success": True}
        if math.isnan(result["fun"]):  # interrupted in the first epoch
            result["fun"] = self.objective.value(np.asarray(result["x"], self.params.dtype))
        return result

    def _leave(self, fitted, result, last, validation):
        """Return what the next fit can go on from."""
        early = self.plan.flat["early_stopping"]
        return Carry(
            solver=result.get("state"),
            limit=self.guard.limit,
            n_seen=len(self.train) + (self.carry.n_seen if self.plan.incremental else 0),
            last=last,
            shown=digest(fitted.params) if early else b"",
            held=validation.digest if early else b"",
            best_score=fitted.monitor.best_score,
        )


def last_rate(monitor):
    """Return the learning rate of the last epoch; nan where there is none."""
    return (monitor.history["learning_rate"] or [math.nan])[-1]
