"""The target, the folds and the scores of a comparison."""

from decimal import Decimal
from numbers import Integral, Real

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit, check_cv

from .._checks import check_number
from ..tables import is_missing
from ._table import ONE_SIDED

INNER_FOLDS = 3
# With more rows than this one inner fold tells the sizes apart.
MANY_ROWS = 5000
# Numbers with more distinct values than this are a quantity, not labels.
MAX_CLASSES = 20


def check_target(y):
    """Return the target as a one-dimensional array of numbers, booleans or strings.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        What was given.

    Returns
    -------
    y : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If it has several columns, or missing or infinite values.
    """
    y = np.asarray(y)
    if y.ndim != 1 and y.size != len(y):
        raise ValueError(f"y has shape {y.shape}; a comparison takes one target, of shape (n_samples,).")
    y = y.ravel()
    missing = [i for i, cell in enumerate(y) if is_missing(cell)]
    if missing:
        raise ValueError(f"y is missing in {len(missing)} rows, the first is row {missing[0]}: leave those rows out.")
    if y.dtype.kind == "O":
        y = y.astype(float if all(isinstance(cell, Real | Decimal) for cell in y) else str)
    if y.dtype.kind in "mM":
        raise ValueError("y holds dates or durations: turn them into numbers first.")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("y holds infinite values: leave those rows out.")
    return y


def is_continuous(y):
    """Whether a target is a quantity: more than 20 distinct numbers, or numbers that are not whole.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The target.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If it has one value only.
    """
    values = np.unique(y)
    if len(values) == 1:
        raise ValueError(f"y has one value only, {values.tolist()[0]!r}: there is nothing to predict.")
    return y.dtype.kind in "iuf" and (len(values) > MAX_CLASSES or bool(np.any(values % 1)))


def make_folds(X, y, cv, continuous, seed):
    """Return the outer folds, fixed once for all models, and the splitter for the inner ones.

    Parameters
    ----------
    X, y
        The data.
    cv : int, splitter or iterable
        As in :func:`compare_with_baselines`.
    continuous : bool
        Whether the target is a quantity; the folds of classes are stratified.
    seed : int
        Shuffles the folds.

    Returns
    -------
    outer : list of (train, test)
    inner : splitter
    """
    kind = KFold if continuous else StratifiedKFold
    if isinstance(cv, Integral):
        splitter = kind(check_number("cv", cv, low=2, integer=True), shuffle=True, random_state=seed)
        _check_rows(y, cv, continuous)
    else:
        splitter = check_cv(cv, y, classifier=not continuous)
    inner = kind(INNER_FOLDS, shuffle=True, random_state=seed)
    if len(y) > MANY_ROWS:
        once = ShuffleSplit if continuous else StratifiedShuffleSplit
        inner = once(1, test_size=1 / INNER_FOLDS, random_state=seed)
    return list(splitter.split(X, y)), inner


def _check_rows(y, cv, continuous):
    """Every test fold needs a row of each class, or two rows for R², and so does every inner one."""
    names, counts = (["y"], [len(y)]) if continuous else np.unique(y, return_counts=True)
    least = 2 if continuous else 1
    for name, count in zip(np.asarray(names).tolist(), np.asarray(counts).tolist(), strict=True):
        training = count - -(-count // cv)
        if count < least * cv or training < least * INNER_FOLDS:
            what = "y" if continuous else f"class {name!r} of y"
            raise ValueError(
                f"{what} has {count} rows, too few for cv={cv} folds and {INNER_FOLDS} inner ones: "
                f"{'add rows or lower cv' if continuous else 'add rows, or leave the class out'}."
            )


def make_scorers(scoring, y, folds, continuous):
    """Return the scorers by name, the one that ranks first.

    Parameters
    ----------
    scoring : str, list of str or None
        As in :func:`compare_with_baselines`.
    y : ndarray of shape (n_samples,)
        The target.
    folds : list of (train, test)
        The outer folds.
    continuous : bool
        Whether the target is a quantity.

    Returns
    -------
    scorers : dict of str to scorer

    Raises
    ------
    ValueError
        If there is no scorer of such a name.
    """
    if scoring is None:
        names = _default_scores(y, folds, continuous)
    else:
        names = [scoring] if isinstance(scoring, str) else list(scoring)
    if not names:
        raise ValueError("scoring=[] must name at least one score, such as 'accuracy' or 'r2'.")
    return dict(map(_scorer, names))


def _default_scores(y, folds, continuous):
    if continuous:
        return ["r2", "neg_root_mean_squared_error", "neg_mean_absolute_error"]
    n_classes = len(np.unique(y))
    if any(len(np.unique(y[rows])) < n_classes for fold in folds for rows in fold):
        return ["accuracy"]  # the others are not defined without a row of each class
    names = ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc" if n_classes == 2 else "roc_auc_ovr"]
    one_sided = np.unique(y, return_counts=True)[1].max() > ONE_SIDED * len(y)
    return names[-1:] + names[:-1] if one_sided else names


def _scorer(name):
    """Return a score's name and scorer; errors may be named without the "neg_" that makes larger better."""
    for known in (name, f"neg_{name}"):
        try:
            return known, get_scorer(known)
        except (ValueError, KeyError):
            continue
    raise ValueError(f"scoring={name!r} is unknown; sklearn.metrics.get_scorer_names() lists what there is.")
