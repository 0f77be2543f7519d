"""Reading: tables, targets and weights, validated; and which rows each member learns from."""

import numpy as np
from scipy import sparse
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import validate_data

from ..estimators._rows import read_weights
from ..tables import as_frame, as_table
from ._table import Share, Table, folds


def read_rows(door, X, y, sample_weight, flat):
    """Validate the training rows, leave out those of weight zero, and learn what the targets are.

    Parameters
    ----------
    door : estimator
        Remembers the number of features and their names.
    X : {DataFrame, array-like} of shape (n_rows, n_features)
        Table.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Targets.
    sample_weight : array-like, float or None
        Weights of the rows.
    flat : dict
        The estimator's parameters.

    Returns
    -------
    X, y, weight, targets
    """
    kind = door._targets_class
    kind.refuse(y, "y")
    X = as_table(X)
    validate_data(door, X, y, skip_check_array=True)
    y = read_targets(y, X, "y", kind.task)
    weight = read_weights(sample_weight, X, "sample_weight")
    X, y, weight = _without_zeros(X, y, weight)
    targets = door._learn_targets(y, flat)
    y = targets.check(y, "y")
    X, y, weight = _without_zeros(X, y, targets.weights(y, weight, flat.get("class_weight"), np.float32))
    if y.shape[0] < 2:
        raise ValueError(
            f"X has {y.shape[0]} sample that counts, and at least 2 are needed: one to learn from and one to judge by."
        )
    return X, y, weight, targets


def read_targets(y, X, name, task):
    """Validate targets: one row per row of the table, finite, numbers for a regression.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Targets.
    X : {DataFrame, ndarray}
        Table.
    name : str
        What errors call the targets.
    task : {"classification", "regression"}
        Task.

    Returns
    -------
    y : ndarray or csr matrix
    """
    numeric = task == "regression"
    try:
        y = check_array(
            y,
            accept_sparse=False if numeric else "csr",
            dtype="numeric" if numeric else None,
            ensure_2d=False,
            input_name=name,
        )
    except TypeError as error:
        raise ValueError(f"{name} cannot be used: {error}") from error
    if y.ndim == 2 and y.shape[1] == 1:
        y = y.toarray().ravel() if sparse.issparse(y) else column_or_1d(y, warn=True)
    if y.shape[0] != X.shape[0]:
        table = name.replace("y", "X")
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {table} has {X.shape[0]}, {name} has "
            f"{y.shape[0]}."
        )
    return y


def read_validation(validation, encoder, targets, units):
    """Validate a validation set as the training rows were.

    Parameters
    ----------
    validation : tuple
        ``X_val``, ``y_val`` and ``sample_weight_val``.
    encoder : TableEncoder
        Fitted to the training rows.
    targets : ClassTargets or NumberTargets
        Of the training rows.
    units : Units
        How they are learned.

    Returns
    -------
    Share or None
        None where there is none.
    """
    X, y, weight = validation
    if X is None:
        if y is not None or weight is not None:
            raise ValueError("y_val and sample_weight_val need X_val.")
        return None
    if y is None:
        raise ValueError("X_val needs y_val.")
    targets.refuse(y, "y_val")
    try:
        X = as_table(X)
        compressed = encoder.compress(X)
    except (ValueError, TypeError) as error:
        raise type(error)(f"X_val cannot be used: {error}") from error
    y = targets.check(read_targets(y, X, "y_val", targets.task), "y_val")
    columns = targets.columns(y)
    if columns.shape[1] != targets.n_columns:
        raise ValueError(f"y_val has {columns.shape[1]} columns, and y has {targets.n_columns}.")
    targets.loss.check_targets(np.asarray(columns, dtype=np.float64))
    weight = read_weights(weight, X, "sample_weight_val")
    return Share(Table(encoder, compressed), units.learned(columns), weight, np.arange(len(columns)))


def shared_out(whole, held, strata, n_members, n_folds, rng):
    """Give each member the rows to learn from and those to be judged on.

    Parameters
    ----------
    whole : Share
        All training rows.
    held : Share or None
        Validation set, which takes the place of the folds.
    strata : ndarray of shape (n_rows,) or None
        Classes of which each fold has its part.
    n_members, n_folds : int
        The m-th member leaves out the m-th fold, and begins again after the last.
    rng : numpy.random.RandomState
        Source of randomness.

    Returns
    -------
    shares : list of tuple of Share
    """
    if held is not None:
        return [(whole, held)] * n_members
    strata = np.zeros(len(whole)) if strata is None else np.unique(strata, return_inverse=True)[1]
    fold = folds(strata, n_folds, rng)
    left_out = np.arange(n_members) % (fold.max() + 1)
    return [(whole.only(fold != k), whole.only(fold == k)) for k in left_out]


def _without_zeros(X, y, weight):
    """Leave out the rows that count for nothing, so that they change nothing either."""
    if weight is None or weight.all():
        return X, y, weight
    kept, frame = np.flatnonzero(weight), as_frame(X)
    return X[kept] if frame is None else frame[kept].to_native(), y[kept], weight[kept]
