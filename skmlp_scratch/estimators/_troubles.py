"""Troubles: what the user should be told after training, since the figures alone would not show it."""

import math

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..solvers import GradientDescent
from ..stopping import CONVERGED

ESTIMATE_ROWS = 200  # rows on which the loss of the best constant is estimated
ENOUGH_EPOCHS = 10  # epochs after which a network that is still learning should know more than a constant
CLOSE = 0.9  # share of the best constant's loss above which it is worth comparing exactly
FAR_OFF = -1.0  # a validation R² below it is worse than twice the error of the mean


def troubles(run, fitted, result, validation):
    """Return what is wrong with a finished run, as (text, category) pairs.

    Parameters
    ----------
    run : Run
        The run.
    fitted : Fitted
        What came of it.
    result : dict
        The solver's result.
    validation : Validation or None
        Validation set.

    Returns
    -------
    notes : list of tuple
    """
    texts = [_rose(run, fitted)]
    at_rest = result.get("status") == CONVERGED or fitted.monitor.has_stalled
    if not run.plan.incremental and (at_rest or not result.get("success", True)):
        found = [_not_converged(run, fitted, result)]
        if at_rest or fitted.monitor.epochs >= ENOUGH_EPOCHS:
            found.append(_no_better_than_constant(run, fitted))
        texts.append(" ".join(filter(None, found)))
    notes = [(text, ConvergenceWarning) for text in texts if text]
    if run.plan.flat["early_stopping"] and fitted.monitor.best_params is not None:
        undefined = sum(not math.isfinite(score) for score in fitted.monitor.history["val_score"])
        if undefined:
            text = f"scoring gave a number that is not finite in {undefined} epochs, which count as no improvement."
            notes.append((text, UserWarning))
    if validation is not None and run.targets.classes is None:
        text = _other_units(run, fitted, validation)
        notes += [(text, UserWarning)] if text else []
    return notes


def _rose(run, fitted):
    monitor, loss = fitted.monitor, fitted.loss_value
    first = monitor.history["loss"][0] if monitor.epochs else loss
    if run.guard.worth_a_warning(loss, first):
        rise = f"from {first:g} to {loss:g}" if loss > first else f"to {loss:g}, far above where training began,"
        return (
            f"The loss rose {rise} in epoch {monitor.epochs}, with learning rate "
            f"{monitor.history['learning_rate'][-1]:g}; lower it or scale X and y."
        )
    return None


def _not_converged(run, fitted, result):
    if result.get("success", True):
        return None
    if isinstance(run.solver, GradientDescent):
        return (
            f"Stochastic Optimizer: Maximum iterations ({run.solver.max_iter}) reached and the optimization hasn't "
            "converged yet. Increase max_iter or the learning rate, or scale the data."
        )
    return (
        f"solver={run.plan.flat['solver']!r} stopped after {fitted.monitor.epochs} iterations without converging: "
        f"{str(result.get('message', 'no reason given')).rstrip('.')}. Increase max_iter or scale the data."
    )


def _no_better_than_constant(run, fitted):
    """Compare the final loss with that of the best constant prediction: first roughly, then exactly."""
    objective, train = run.objective, run.train
    constant = train.best_constant(objective.loss)
    if constant is None or not np.isfinite(constant).all():  # not known; or a class that is absent
        return None
    constant = constant.astype(train.dtype)
    step = len(train) // ESTIMATE_ROWS
    estimate = objective.value_of_raw(constant, slice(None, None, step) if step > 1 else None)
    if fitted.loss_value < CLOSE * estimate:
        return None
    reached, exact = objective.data_value(fitted.params), objective.value_of_raw(constant)
    if reached < exact or exact <= np.finfo(train.dtype).eps * max(abs(reached), 1.0):
        return None
    return (
        f"The loss of {reached:g} is no better than that of a constant prediction, {exact:g}: the model has learned "
        "nothing. Scale X and y (StandardScaler, TransformedTargetRegressor), or change learning_rate_init, tol or "
        "max_iter."
    )


def _other_units(run, fitted, validation):
    """Look for a validation set in other units than the training rows: y is transformed in one place, y_val is not."""
    y_val, flat = validation.rows.y, run.plan.flat
    low, high = run.train.y_range()
    center = np.mean(y_val, axis=0)
    if np.any((center < low) | (center > high)):
        return (
            f"The mean of y_val, {center}, lies outside the range of y, {low} to {high}: is y_val in the same units? "
            "TransformedTargetRegressor transforms y only; give y_val as the network is to see it."
        )
    best = fitted.monitor.best_score
    if flat["scoring"] is None and fitted.monitor.has_stalled and best < FAR_OFF:
        return (
            f"The best validation R² is {best:g}, far worse than predicting the mean of y_val: are X_val and y_val "
            "scaled like X and y? In a pipeline, pass them through it (Pipeline's transform_input)."
        )
    return None
