"""Chunk survey: what training has to know of data that come in chunks, before it sees them again.

Each chunk is validated by itself, as all rows would be, and says little enough of itself to be brought together.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ._rows import Rows, read_once, read_rows

SAMPLE = 200  # rows per chunk from which the best constant is estimated


@dataclass(frozen=True)
class Part:
    """One chunk, validated.

    Attributes
    ----------
    X, y, weight
        Inputs, targets and weights, the latter None where all count alike; no rows of weight zero.
    names : ndarray or None
        Names of the features.
    """

    X: object
    y: np.ndarray
    weight: np.ndarray | None
    names: np.ndarray | None = None

    def rows(self, targets, class_weight):
        """Return the rows as training takes them."""
        y = targets.check(self.y, "y")
        weight = targets.weights(y, self.weight, class_weight, self.X.dtype, is_all=False)
        return Rows(self.X, y, targets.columns(y), weight).without_zero_weights()


def read_part(X, y, sample_weight, door, kind, dtype=None, reset=True):
    """Validate one chunk.

    Parameters
    ----------
    X, y, sample_weight
        As fit takes them.
    door : estimator
        Knows the features, unless ``reset``.
    kind : type
        ClassTargets or NumberTargets.
    dtype : dtype or None, default=None
        What the inputs are converted to; None keeps float32 and float64.
    reset : bool, default=True
        Whether the features are learned anew.

    Returns
    -------
    Part, or None for a chunk without rows that count
    """
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    unused = sample_weight is not None and np.size(sample_weight) in (1, n_rows) and not np.any(sample_weight)
    if not n_rows or unused:
        return None
    y = read_once(y)
    kind.refuse(y, "y")
    door = door._copy()
    numeric = kind.task == "regression"
    X, y, weight = read_rows(door, X, y, sample_weight, numeric=numeric, dtype=dtype, reset=reset)
    return Part(X, y, weight, getattr(door, "feature_names_in_", None))


@dataclass(frozen=True)
class Survey:
    """What chunks, or one of them, have in common, and what is counted over them.

    Attributes
    ----------
    dtype : dtype
        Precision of the inputs.
    n_features : int
        Number of features.
    names : tuple or None
        Their names.
    y_shape : tuple
        Shape of a row's targets.
    labels : dict
        Weight of the rows of each label; empty unless there is one label per row.
    low, high : ndarray
        Lowest and highest targets of a regression.
    sample : list of (ndarray, ndarray or None)
        Targets and weights of some rows.
    """

    dtype: np.dtype
    n_features: int
    names: tuple | None
    y_shape: tuple
    labels: dict
    low: np.ndarray | None
    high: np.ndarray | None
    sample: list

    @classmethod
    def of(cls, part, kind):
        """Survey one part; None of None."""
        if part is None:
            return None
        y, numeric = part.y, kind.task == "regression"
        labels = {}
        if not numeric and y.ndim == 1:
            found, index = np.unique(y, return_inverse=True)
            labels = dict(zip(found.tolist(), np.bincount(index, part.weight), strict=True))
        step = max(1, y.shape[0] // SAMPLE)
        some = y[::step].toarray() if sparse.issparse(y) else y[::step]
        low, high = (np.min(y, axis=0), np.max(y, axis=0)) if numeric else (None, None)
        names = None if part.names is None else tuple(part.names)
        weight = None if part.weight is None else part.weight[::step]
        return cls(part.X.dtype, part.X.shape[1], names, y.shape[1:], labels, low, high, [(some, weight)])

    def __add__(self, other):
        for what in ("dtype", "n_features", "names", "y_shape"):
            one, two = getattr(self, what), getattr(other, what)
            if one != two:
                raise ValueError(
                    f"the chunks differ in {SAID[what]}: {one} in one and {two} in a later one. Make them alike."
                )
        labels = self.labels | {label: self.labels.get(label, 0) + weight for label, weight in other.labels.items()}
        low = None if self.low is None else np.minimum(self.low, other.low)
        high = None if self.high is None else np.maximum(self.high, other.high)
        return replace(self, labels=labels, low=low, high=high, sample=self.sample + other.sample)

    def targets(self, kind, flat, known=None, classes=None, incremental=False):
        """Learn what the targets are; as :meth:`ClassTargets.learn`."""
        if kind.task == "classification" and self.y_shape:
            y = np.vstack([np.zeros(self.y_shape, dtype=int), np.ones(self.y_shape, dtype=int)])  # an indicator
        elif kind.task == "classification":
            y = np.array(list(self.labels), dtype=self._labels_dtype())
        else:
            y = self.sample[0][0]
        return kind.learn(y, flat, known, classes, incremental)

    def _labels_dtype(self):
        """Return the dtype that holds the labels of every chunk; None lets numpy choose one for text."""
        dtypes = {y.dtype for y, _ in self.sample}
        is_text = [dtype.kind in "SU" for dtype in dtypes]
        if any(is_text) and any(dtype.kind in "biuf" for dtype in dtypes):
            raise ValueError("the chunks differ in the labels: numbers in one and text in another. Make them alike.")
        return None if all(is_text) else np.result_type(*dtypes)

    def class_weight(self, class_weight):
        """Return the class weights, "balanced" ones as the numbers that scikit-learn computes of all rows."""
        if class_weight != "balanced":
            return class_weight
        if self.y_shape:
            raise ValueError(
                "class_weight='balanced' is not available for several labels per row in chunks: pass one dict per "
                "label."
            )
        total = sum(self.labels.values())
        return {label: total / (len(self.labels) * weight) for label, weight in self.labels.items()}

    def best_constant(self, loss, targets):
        """Return the raw prediction that is best for the sampled rows alike: no better than the best for all."""
        columns = targets.columns(np.concatenate([y for y, _ in self.sample]))
        weights = [np.ones(len(y)) if weight is None else weight for y, weight in self.sample]
        return loss.best_constant(columns, np.concatenate(weights))


SAID = {
    "dtype": "the dtype of X",
    "n_features": "the number of features",
    "names": "the names of the features",
    "y_shape": "the shape of a row of y",
}


def survey_all(surveys, door, reset):
    """Bring the surveys of all chunks together, and tell the estimator of the features.

    Parameters
    ----------
    surveys : iterable of Survey or None
        One per chunk, in order.
    door : estimator
        Remembers the features, if ``reset``.
    reset : bool
        Whether the features are learned anew.

    Returns
    -------
    Survey
    """
    total = None
    for survey in surveys:
        total = survey if total is None else total if survey is None else total + survey
    if total is None:
        raise ValueError("X has no rows, or sample_weight is zero for every row: there is nothing to learn from.")
    if reset:
        door.n_features_in_ = total.n_features
        vars(door).pop("feature_names_in_", None)
        if total.names is not None:
            door.feature_names_in_ = np.array(total.names, dtype=object)
    return total
