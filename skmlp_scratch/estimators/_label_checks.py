"""Label checks: what can be a class label, and what the arguments that speak of classes may hold."""

import numpy as np
from scipy import sparse
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_array, column_or_1d

from .._checks import check_number
from .._sklearn import is_missing


def refuse_labels(y, name):
    """Raise a ValueError for what cannot be labels: missing values, mixtures, sequences, arbitrary objects."""
    if y is None or sparse.issparse(y):
        return
    refuse_masked(y, name)
    labels = _as_labels(y)
    if labels.dtype != object:
        if labels.dtype.kind == "f" and np.isnan(labels).any():
            raise ValueError(f"{name} contains None, NA or NaN: give every row a label, or leave the row out.")
        return
    labels = labels.ravel()
    if any(map(is_missing, labels)):
        raise ValueError(f"{name} contains None, NA or NaN: give every row a label, or leave the row out.")
    kinds = set(map(type, labels))
    sequence = next((kind for kind in kinds if issubclass(kind, (tuple, list, set, frozenset, np.ndarray))), None)
    if isinstance(y, (list, tuple)) and sequence is None and np.shape(y)[1:]:  # as many strings in each
        sequence = type(y[0])
    if sequence is not None:
        raise ValueError(
            f"{name} holds a {sequence.__name__} per row: for several labels per row use MultiLabelBinarizer()."
            f"fit_transform({name}), for one label {name} needs one string or integer per row."
        )
    if len({issubclass(kind, (str, bytes)) for kind in kinds}) > 1:
        raise ValueError(
            f"{name} mixes strings and other labels: make them all of one kind, e.g. with {name}.astype(str)."
        )
    other = next((kind for kind in kinds if not issubclass(kind, (str, bytes))), None)
    if other is not None:
        raise ValueError(
            f"{name} holds objects of type {other.__name__} as labels (Unknown label type): make them integers or "
            f"strings, e.g. with {name}.astype(str)."
        )


def refuse_masked(y, name):
    """Raise a ValueError for masked cells, which other checks would not see."""
    if isinstance(y, np.ma.MaskedArray) and np.ma.is_masked(y):
        raise ValueError(f"{name} is masked: fill the masked rows, or leave them out.")


def _as_labels(y):
    """Return labels as an array; lists that numpy would turn into text, or cannot make an array of, cell by cell."""
    if not isinstance(y, (list, tuple)):
        return np.asarray(y)
    try:
        labels = np.asarray(y)
    except ValueError:  # ragged
        labels = None
    if labels is None or labels.dtype.kind in "USO":
        if labels is not None and labels.ndim > 1:
            return labels.astype(object)
        cells = np.empty(len(y), dtype=object)
        for i, label in enumerate(y):
            cells[i] = label
        return cells
    return labels


def read_classes(classes):
    """Validate the argument ``classes`` of partial_fit: a list of distinct labels."""
    if (
        isinstance(classes, (str, bytes, dict, set, frozenset))
        or not hasattr(classes, "__len__")
        or not np.ndim(classes)
    ):
        raise ValueError(f"Expected array-like, got classes={classes!r}: pass all labels, e.g. np.unique(y).")
    if np.ndim(classes) != 1 or not len(classes):
        raise ValueError(f"classes has shape {np.shape(classes)}: pass one list of all labels, e.g. np.unique(y).")
    refuse_labels(classes, "classes")
    return column_or_1d(check_array(classes, ensure_2d=False, dtype=None))


def binarizer_of_all(y, classes):
    """Return a binarizer of the labels that the first call of partial_fit is told of."""
    if classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    classes = read_classes(classes)
    if y.ndim == 2:
        if not np.array_equal(np.unique(classes), np.arange(y.shape[1])):
            raise ValueError(
                f"classes={list(classes)} must be the numbers of the {y.shape[1]} labels, from 0 to {y.shape[1] - 1}."
            )
        return LabelBinarizer().fit(y)
    return LabelBinarizer().fit(classes)


def check_class_weight(class_weight, y):
    if not isinstance(class_weight, (dict, list)):
        return
    wanted = "a list of dicts, one per label," if y.ndim == 2 else "a dict"
    dicts = class_weight if y.ndim == 2 else [class_weight]
    if not (isinstance(dicts, list) and all(isinstance(each, dict) for each in dicts)):
        raise ValueError(f"class_weight={class_weight!r} must be {wanted} or 'balanced' for this y.")
    for weight in (weight for each in dicts for weight in each.values()):
        check_number("class_weight", weight, low=0)
