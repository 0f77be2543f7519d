"""Rows: the data that fit is given, validated.

Everything the estimators ask of X, y and the weights before training is asked here, of the training rows and of a
validation set alike. :class:`Rows` is the one seam between data and training: whatever has its methods can be trained
on, wherever its rows lie.
"""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from .._sklearn import check_sample_weight
from ..objective import Objective
from ._text import without_text

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

    @property
    def dtype(self):
        """Precision of the inputs."""
        return self.X.dtype

    @property
    def y_shape(self):
        """Shape of a row's targets."""
        return self.y.shape[1:]

    def y_range(self):
        """Return the lowest and the highest targets."""
        return np.min(self.y, axis=0), np.max(self.y, axis=0)

    def best_constant(self, loss):
        """Return the raw prediction that is best for every row alike, or None where it is not known."""
        return loss.best_constant(self.columns, self.weight)

    def objective(self, network, loss, **penalty):
        """Return the function that training minimizes.

        Parameters
        ----------
        network : Network
            Description of the network.
        loss : Loss
            Loss of the columns.
        **penalty
            ``alpha`` and ``l1_ratio``.

        Returns
        -------
        Objective
        """
        return Objective(network, loss, self.X, self.columns, self.weight, **penalty)

    def hold_out(self, fraction, rng, targets):
        """Split the rows into training and validation rows, drawn as scikit-learn's perceptrons draw them.

        Two classes are split in their proportions. For more, as in scikit-learn, the split is plain, unless that would
        leave a class out of either side.

        Parameters
        ----------
        fraction : float
            Share of the rows to hold out, above 0.
        rng : numpy.random.RandomState
            Source of randomness.
        targets : ClassTargets or NumberTargets
            Knows which labels a split can be stratified by.

        Returns
        -------
        train, held : Rows
        """
        labels = targets.strata(self.y)
        binary = labels is not None and len(targets.classes) <= 2
        split = functools.partial(train_test_split, np.arange(len(self)), random_state=rng, test_size=fraction)
        try:
            train, held = split(stratify=labels if binary else None)
        except ValueError as error:
            what = (len(self) > 2 and targets.describe_split_failure(self.y)) or str(error)
            raise ValueError(f"validation_fraction={fraction} does not split {len(self)} rows: {what}") from error
        if labels is not None and not binary:
            present, counts = np.unique(labels, return_counts=True)
            left_out = any(len(np.unique(labels[side])) < len(present) for side in (train, held))
            if left_out and counts.min() > 1 and min(len(train), len(held)) >= len(present):
                train, held = split(stratify=labels)
        return self.take(train), self.take(held)


def read_inputs(door, X, name, dtype=FLOATS, **options):
    """Validate inputs: scikit-learn's own checks, and no text or dates, which numpy would quietly turn into numbers.

    Parameters
    ----------
    door : estimator
        Remembers the number of features and their names.
    X : {array-like, sparse matrix, DataFrame} of shape (n_rows, n_features)
        Inputs.
    name : str
        What errors call it.
    dtype, **options
        Passed to ``validate_data``.

    Returns
    -------
    X : {ndarray, csr matrix} of float32 or float64; or X and y where ``options`` hold y
    """
    X = without_text(X, name)
    checked = validate_data(door, X, accept_sparse="csr", dtype=dtype, **options)
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


def read_once(y):
    """Return targets that are computed when they are asked for as an array, so that they are computed once."""
    lazy = hasattr(y, "__array__") and not isinstance(y, np.ndarray) and not hasattr(y, "iloc")
    return np.asarray(y) if lazy else y


def read_weights(weight, X, name):
    """Validate sample weights: finite, not negative, and not zero for every row; a number counts for every row."""
    if weight is None:
        return None
    given = weight.item() if isinstance(weight, np.ndarray) and weight.ndim == 0 else weight
    try:
        weight = check_sample_weight(given, X)
    except (ValueError, TypeError) as error:
        numbers = np.asarray(given)
        if numbers.dtype.kind in "biuf" and numbers.size and not numbers.any():  # scikit-learn itself may refuse zeros
            weight = np.zeros(1)
        else:
            raise ValueError(f"{name} cannot be used: {error}") from error
    if (weight < 0).any():
        raise ValueError(f"{name} must not be negative, and has {weight.min()}.")
    if not weight.any():
        raise ValueError(f"{name} is zero for every row: there is nothing to learn from.")
    return weight
