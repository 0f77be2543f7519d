"""Split: the validation split, into the rows of training and those on which training is judged."""

import numpy as np
from scipy import sparse

from ._rows import Rows, read_inputs, read_once, read_weights


def split(estimator, rows, validation, targets, rng, state):
    """Return training rows and validation rows: those given, held-out ones, or none.

    Parameters
    ----------
    estimator : estimator
        About to be fitted.
    rows : Rows
        All rows.
    validation : tuple
        ``X_val``, ``y_val`` and ``sample_weight_val``, as given to fit.
    targets : ClassTargets or NumberTargets
        Of the rows.
    rng : numpy.random.RandomState
        Source of randomness.
    state : tuple or None
        State of the random generator with which an earlier fit held rows out, to do it in the same way.

    Returns
    -------
    train, held : Rows, held may be None
    state : tuple or None
        With which to do it again.
    """
    if validation[0] is not None:
        return rows, read_validation(estimator, validation, rows, targets), state
    if validation[1] is not None or validation[2] is not None:
        raise ValueError("y_val and sample_weight_val need X_val.")
    if not estimator.early_stopping:
        return rows, None, state
    if state is not None:
        rng = np.random.RandomState()
        rng.set_state(state)
    state = rng.get_state()
    if estimator.validation_fraction == 0:
        raise ValueError("early_stopping=True needs a validation_fraction above 0, or X_val and y_val in fit.")
    train, held = rows.hold_out(estimator.validation_fraction, rng, targets)
    if len(held) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    return train, held, state


def read_validation(door, validation, train, targets):
    """Validate a validation set as the training rows were.

    Parameters
    ----------
    door : estimator
        Knows the features.
    validation : tuple
        ``X_val``, ``y_val`` and ``sample_weight_val``.
    train : Rows
        The training rows.
    targets : ClassTargets or NumberTargets
        Of the training rows.

    Returns
    -------
    Rows
    """
    X, y, weight = validation
    if y is None:
        raise ValueError("X_val needs y_val.")
    y = read_once(y)
    targets.refuse(y, "y_val")
    try:
        X = read_inputs(door, X, "X_val", dtype=train.dtype, reset=False)
    except ValueError as error:
        if str(error).startswith("X_val"):
            raise
        raise ValueError(f"X_val cannot be used: {error}") from error
    y = y if sparse.issparse(y) else np.asarray(y)
    y = y.ravel() if y.shape[1:] == (1,) and not train.y_shape else y
    if y.ndim == 0 or y.shape[1:] != train.y_shape:
        raise ValueError(f"y_val has shape {y.shape}, y {(len(train), *train.y_shape)}: they need the same columns.")
    if y.shape[0] != X.shape[0]:
        raise ValueError(f"X_val has {X.shape[0]} rows, y_val has {y.shape[0]}.")
    y = targets.check(y, "y_val")
    return Rows(X, y, targets.columns(y), read_weights(weight, X, "sample_weight_val"))
