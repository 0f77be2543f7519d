"""Split: the training rows, and those on which training is judged."""

import functools

import numpy as np
from sklearn.model_selection import train_test_split

from ._rows import read_validation


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
    return *hold_out(rows, estimator.validation_fraction, rng, targets), state


def hold_out(rows, validation_fraction, rng, targets):
    """Split the rows into training and validation rows, drawn as scikit-learn's perceptrons draw them.

    Two classes are split in their proportions. For more, as in scikit-learn, the split is plain, unless that would
    leave a class out of either side.

    Parameters
    ----------
    rows : Rows
        All rows.
    validation_fraction : float
        Share of the rows to hold out.
    rng : numpy.random.RandomState
        Source of randomness.
    targets : ClassTargets or NumberTargets
        Knows which labels a split can be stratified by.

    Returns
    -------
    train, held : Rows
    """
    if validation_fraction == 0:
        raise ValueError("early_stopping=True needs a validation_fraction above 0, or X_val and y_val in fit.")
    labels = targets.strata(rows.y)
    binary = labels is not None and len(targets.classes) <= 2
    split = functools.partial(train_test_split, np.arange(len(rows)), random_state=rng, test_size=validation_fraction)
    try:
        train, held = split(stratify=labels if binary else None)
    except ValueError as error:
        what = (len(rows) > 2 and targets.describe_split_failure(rows.y)) or str(error)
        raise ValueError(
            f"validation_fraction={validation_fraction} does not split {len(rows)} rows: {what}"
        ) from error
    if labels is not None and not binary:
        present, counts = np.unique(labels, return_counts=True)
        left_out = any(len(np.unique(labels[side])) < len(present) for side in (train, held))
        if left_out and counts.min() > 1 and min(len(train), len(held)) >= len(present):
            train, held = split(stratify=labels)
    if len(held) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    return rows.take(train), rows.take(held)
