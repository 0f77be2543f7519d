"""Rows: the data that fit is given, validated; and which of them are held out.

Everything the estimators ask of X, y and the weights before training is asked here, of the training rows and of a
validation set alike.
"""

import functools
from dataclasses import dataclass
from numbers import Number
from types import NoneType

import numpy as np
from scipy import sparse
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from .._sklearn import check_sample_weight

FLOATS = (np.float64, np.float32)


@dataclass(frozen=True)
class Rows:
    """Rows to learn from or to measure on; every array has one entry per row.

    Attributes
    ----------
    X : {ndarray, csr matrix} of shape (n_rows, n_features)
        Inputs.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Targets as they were given: what a scorer compares with.
    columns : ndarray of shape (n_rows, n_columns)
        Targets as the loss takes them.
    weight : ndarray of shape (n_rows,) or None
        Sample weights.
    """

    X: object
    y: np.ndarray
    columns: np.ndarray
    weight: np.ndarray | None

    def __len__(self):
        return self.X.shape[0]

    def take(self, index):
        """Return the rows with these numbers."""
        weight = None if self.weight is None else self.weight[index]
        return Rows(self.X[index], self.y[index], self.columns[index], weight)

    def without_zero_weights(self):
        """Leave out the rows that count for nothing, so that they change nothing either."""
        if self.weight is None or self.weight.all():
            return self
        return self.take(np.flatnonzero(self.weight))


def read_inputs(door, X, name, **options):
    """Validate inputs: scikit-learn's own checks, and no text or dates, which numpy would quietly turn into numbers.

    Parameters
    ----------
    door : estimator
        Remembers the number of features and their names.
    X : {array-like, sparse matrix, DataFrame} of shape (n_rows, n_features)
        Inputs.
    name : str
        What errors call it.
    **options
        Passed to ``validate_data``.

    Returns
    -------
    X : {ndarray, csr matrix} of float32 or float64; or X and y where ``options`` hold y
    """
    X = without_text(X, name)
    checked = validate_data(door, X, accept_sparse="csr", **{"dtype": FLOATS} | options)
    X, *rest = checked if isinstance(checked, tuple) else (checked,)
    X = X if X.dtype in FLOATS else X.astype(np.float64)  # a sparse frame of booleans is not converted
    return (X, *rest) if rest else X


def read_rows(door, X, y, sample_weight, *, numeric, dtype=None, reset=True):
    """Validate the training rows, and leave out those of weight zero.

    Parameters
    ----------
    door : estimator
        Remembers the number of features and their names.
    X, y : array-like
        Inputs and targets.
    sample_weight : array-like, float or None
        Weights of the rows, at least 0.
    numeric : bool
        Whether the targets are numbers.
    dtype : dtype or None
        What the inputs are converted to; None keeps float32 and float64.
    reset : bool
        Whether the features are learned anew.

    Returns
    -------
    X, y, sample_weight
    """
    X, y = read_inputs(door, X, "X", y=y, multi_output=True, y_numeric=numeric, dtype=dtype or FLOATS, reset=reset)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y.toarray().ravel() if sparse.issparse(y) else column_or_1d(y, warn=True)
    sample_weight = read_weights(sample_weight, X, "sample_weight")
    if sample_weight is not None and not sample_weight.all():
        kept = np.flatnonzero(sample_weight)
        X, y, sample_weight = X[kept], y[kept], sample_weight[kept]
    return X, y, sample_weight


def read_weights(weight, X, name):
    """Validate sample weights: finite, not negative, and not zero for every row; a number counts for every row."""
    if weight is None:
        return None
    try:
        weight = check_sample_weight(weight, X)
    except ValueError as error:
        if "ero" not in str(error):  # newer versions of scikit-learn refuse zeros themselves
            raise
        weight = np.zeros(1)
    if (weight < 0).any():
        raise ValueError(f"{name} must not be negative, and has {weight.min()}.")
    if not weight.any():
        raise ValueError(f"{name} is zero for every row: there is nothing to learn from.")
    return weight


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
    targets.refuse(y, "y_val")
    try:
        X = read_inputs(door, X, "X_val", dtype=train.X.dtype, reset=False)
    except ValueError as error:
        if str(error).startswith("X_val"):
            raise
        raise ValueError(f"X_val cannot be used: {error}") from error
    y = y if sparse.issparse(y) else np.asarray(y)
    y = y.ravel() if y.shape[1:] == (1,) and train.y.ndim == 1 else y
    if y.ndim == 0 or y.shape[1:] != train.y.shape[1:]:
        raise ValueError(f"y_val has shape {y.shape}, y {train.y.shape}: they need the same columns.")
    if y.shape[0] != X.shape[0]:
        raise ValueError(f"X_val has {X.shape[0]} rows, y_val has {y.shape[0]}.")
    y = targets.check(y, "y_val")
    return Rows(X, y, targets.columns(y), read_weights(weight, X, "sample_weight_val"))


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
        what = targets.describe_split_failure(rows.y) or str(error)
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


def without_text(data, name):
    """Return the data if it holds numbers only, lists as arrays, lazy collections computed.

    Parameters
    ----------
    data : {array-like, sparse matrix, DataFrame}
        Inputs, or targets of a regression.
    name : str
        What the error calls them.

    Returns
    -------
    data : object

    Raises
    ------
    ValueError
        If there are strings, dates or other objects; it names the first column and value.
    """
    if hasattr(data, "dask") and hasattr(data, "compute"):
        data = data.compute()
    if isinstance(data, (list, tuple)):
        data = np.asarray(data)
    for column, cells in _columns_to_look_at(data):
        found = _first_not_a_number(cells)
        if found is not None:
            where, cells = ("", name) if column is None else (f" in column {column!r}", f"{name}[{column!r}]")
            raise ValueError(
                f"{name} holds strings or dates{where}, such as {found!r}: convert it to numbers first, text with "
                f"{cells}.astype(float), dates to elapsed time"
                + (", categories with OneHotEncoder." if name.startswith("X") else ".")
            )
    return data


def _columns_to_look_at(data):
    """Yield name and cells of what may hold text or dates, judged by dtype: numbers are not walked through."""
    if sparse.issparse(data) or data is None:
        return
    if hasattr(data, "columns") and hasattr(data, "dtypes"):  # a frame
        for i, column in enumerate(data.columns):
            series = data[:, i] if not hasattr(data, "iloc") else data.iloc[:, i]
            if not _is_numeric(series.dtype):
                yield column, series.to_numpy() if hasattr(data, "iloc") else np.array(series.to_list(), dtype=object)
    elif hasattr(data, "dtype") and not _is_numeric(data.dtype):
        yield None, np.asarray(data).ravel()


def _is_numeric(dtype):
    """Whether a numpy, pandas or polars dtype is one of numbers or booleans."""
    if hasattr(dtype, "is_numeric"):  # polars
        return dtype.is_numeric() or str(dtype) in ("Boolean", "Null")
    if hasattr(dtype, "categories"):
        dtype = dtype.categories.dtype
    return getattr(dtype, "kind", "O") in "biufc"


def _first_not_a_number(cells):
    """Return the first cell that is no number and not missing, or None."""
    if cells.dtype.kind in "mMSU":
        return cells[0] if len(cells) else None
    numbers = (Number, NoneType, np.bool_)
    others = {t for t in set(map(type, cells)) if not issubclass(t, numbers) and t.__name__ != "NAType"}
    return next((cell for cell in cells if type(cell) in others), None)
