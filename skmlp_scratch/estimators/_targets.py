"""Targets: what y says, which loss and how many columns it needs, and the way back from predictions.

This is the one object in which classifier and regressor differ. It is made of y alone, without any training.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_array, column_or_1d, compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from .._checks import check_number
from .._sklearn import is_missing
from ..losses import LOSSES, Loss, as_loss
from ._plan import configured
from ._rows import without_text

SCALARS = (str, bytes, bool, int, float, np.generic)


@dataclass(frozen=True)
class ClassTargets:
    """Class labels.

    Attributes
    ----------
    binarizer : LabelBinarizer
        Knows the labels and of what kind they are.
    loss : Loss
        Of the network's raw predictions, one column per output.
    n_columns : int
        Outputs of the network.
    """

    binarizer: LabelBinarizer
    loss: Loss
    n_columns: int
    task = "classification"

    @classmethod
    def learn(cls, y, flat, known=None, classes=None, incremental=False):
        """Learn the labels, or check that they are those known.

        Parameters
        ----------
        y : ndarray or csr matrix of shape (n_rows,) or (n_rows, n_labels)
            Labels.
        flat : dict
            The estimator's parameters.
        known : ClassTargets or None, default=None
            Labels of the fit that is continued.
        classes : array-like or None, default=None
            All labels, as ``partial_fit`` is given them.
        incremental : bool, default=False
            Whether y may lack some of the labels.

        Returns
        -------
        ClassTargets
        """
        if y.ndim == 2 or y.dtype.kind == "f":  # integers and strings are always valid labels
            check_classification_targets(y)
        if known is not None:
            binarizer = known.binarizer
            known.check_kind(y, "y")
            if classes is not None and not np.array_equal(binarizer.classes_, np.unique(_read_classes(classes))):
                raise ValueError(
                    f"classes={classes!r} is not the same as on last call to partial_fit, was: {binarizer.classes_!r}"
                )
            if not incremental and set(unique_labels(y)) != set(binarizer.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {binarizer.classes_}, `y` has {unique_labels(y)}"
                )
        elif incremental:
            binarizer = _binarizer_of_all(y, classes)
        else:
            binarizer = LabelBinarizer().fit(y)
        loss, n_columns = _class_loss(flat, binarizer)
        targets = cls(binarizer, loss, n_columns)
        if known is not None or incremental or y.ndim == 2:
            targets.check(y, "y")
        return targets

    @property
    def classes(self):
        """Labels, in order."""
        return self.binarizer.classes_

    @property
    def is_multilabel(self):
        """Whether a row may have several labels, or none."""
        return _is_multilabel(self.binarizer)

    @staticmethod
    def refuse(y, name):
        """Raise a ValueError for what cannot be labels: missing values, mixtures, sequences, arbitrary objects."""
        if y is None or sparse.issparse(y):
            return
        if isinstance(y, np.ma.MaskedArray) and np.ma.is_masked(y):
            raise ValueError(f"{name} is masked: give every row a label, or leave the row out.")
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
        if sequence is not None:
            raise ValueError(
                f"{name} holds a {sequence.__name__} per row: for several labels per row use MultiLabelBinarizer()."
                f"fit_transform({name}), for one label {name} needs one string or integer per row."
            )
        if len({issubclass(kind, (str, bytes)) for kind in kinds}) > 1:
            raise ValueError(
                f"{name} mixes strings and other labels: make them all of one kind, e.g. with {name}.astype(str)."
            )
        other = next((kind for kind in kinds if not issubclass(kind, SCALARS)), None)
        if other is not None or any(isinstance(v, int) and abs(v) >= 2**63 for v in labels if not isinstance(v, str)):
            kind = "int beyond 64 bits" if other is None else other.__name__
            raise ValueError(f"{name} holds labels of type {kind}: make them strings, e.g. with {name}.astype(str).")

    def check_kind(self, y, name):
        """Raise a ValueError if y is an indicator matrix where labels were learned, or the other way around."""
        if (y.ndim == 2) != self.is_multilabel:
            kinds = ["one label per row", "an indicator matrix of labels"]
            now, before = kinds[y.ndim - 1], kinds[int(self.is_multilabel)]
            raise ValueError(f"{name} has shape {y.shape}, {now}; it was {before} when the model was first fitted.")

    def check(self, y, name):
        """Return y if it holds known labels only."""
        self.check_kind(y, name)
        if y.ndim == 2 and not np.isin(y.data if sparse.issparse(y) else y, (0, 1)).all():
            raise ValueError(f"{name} must be an indicator of labels, of zeros and ones.")
        if y.ndim == 2 and y.shape[1] != len(self.classes):
            raise ValueError(f"{name} has {y.shape[1]} columns of labels, and there are {len(self.classes)} labels.")
        if y.ndim == 1 and not np.isin(y, self.classes).all():
            unknown = np.setdiff1d(y, self.classes)
            raise ValueError(
                f"`{name}` has classes not in `self.classes_`. `self.classes_` has {self.classes}, not {unknown}."
            )
        return y

    def columns(self, y):
        """Return the targets with one column per output: an indicator of the label, or of the labels."""
        if self.is_multilabel:
            return (y.toarray() if sparse.issparse(y) else y).astype(bool)
        index = np.searchsorted(self.classes, y)
        if self.n_columns > 1:
            return np.eye(self.n_columns, dtype=bool)[index]
        return (index == len(self.classes) - 1)[:, np.newaxis]

    def weights(self, y, sample_weight, class_weight, dtype):
        """Return the sample weights times the class weights, or None."""
        if class_weight is None:
            return sample_weight
        _check_class_weight(class_weight, y)
        if y.ndim == 2:
            weights = compute_sample_weight(class_weight, y.toarray() if sparse.issparse(y) else y)
        else:
            per_class = compute_class_weight(class_weight, classes=self.classes, y=y, sample_weight=sample_weight)
            weights = per_class[np.searchsorted(self.classes, y)]
        weights = weights if sample_weight is None else weights * sample_weight
        if not weights.any():
            raise ValueError(f"class_weight={class_weight!r} is zero for every row: there is nothing to learn from.")
        return weights.astype(dtype)

    def labels(self, y_pred):
        """Return the labels that predictions of the network's outputs stand for."""
        if y_pred.shape[1] > 1 and not self.is_multilabel:
            return self.classes[y_pred.argmax(axis=1)]
        y_pred = y_pred.ravel() if y_pred.shape[1] == 1 else y_pred
        return self.binarizer.inverse_transform(y_pred, threshold=0.5)

    def score(self, y, raw, sample_weight):
        """Return the accuracy of raw predictions; nan where they are not finite."""
        if not np.isfinite(raw).all():
            return np.nan
        return accuracy_score(y, self.labels(self.loss.inverse_link(raw)), sample_weight=sample_weight)

    def strata(self, y):
        """Return the labels that a split may be stratified by, or None."""
        return y if y.ndim == 1 else None

    def describe_split_failure(self, y):
        """Name the class that is too small to be split, if that is why a split failed."""
        labels = self.strata(y)
        if labels is None:
            return None
        present, counts = np.unique(labels, return_counts=True)
        if counts.min() > 1:
            return None
        return f"class {present[counts.argmin()].item()!r} has a single row, and each side needs one."


@dataclass(frozen=True)
class NumberTargets:
    """Numbers.

    Attributes
    ----------
    loss : Loss
        Of the network's raw predictions, one column per output.
    n_columns : int
        Outputs of the network.
    """

    loss: Loss
    n_columns: int
    task = "regression"
    classes = None

    @classmethod
    def learn(cls, y, flat, known=None, classes=None, incremental=False):
        """Return the targets of y; as for :meth:`ClassTargets.learn`."""
        n_columns = 1 if y.ndim == 1 else y.shape[1]
        loss = flat["loss"]
        targets = cls(as_loss(configured(LOSSES[loss], flat) if isinstance(loss, str) else loss, n_columns), n_columns)
        targets.check(y, "y")
        return targets

    @staticmethod
    def refuse(y, name):
        """Raise a ValueError for what cannot be numbers."""
        if sparse.issparse(y):
            raise ValueError(f"{name} is a sparse matrix: pass {name}.toarray().")
        without_text(y, name)

    def check(self, y, name):
        """Return y as finite numbers."""
        y = np.asarray(y, dtype=np.float64)
        if not np.isfinite(y).all():
            raise ValueError(f"{name} contains NaN or infinity.")
        return y

    def columns(self, y):
        """Return the targets with one column per output."""
        return np.asarray(y, dtype=np.float64).reshape(len(y), -1)

    def weights(self, y, sample_weight, class_weight, dtype):
        """Return the sample weights: there are no classes to weigh."""
        return sample_weight

    def labels(self, y_pred):
        """Return predictions in the shape of y."""
        return y_pred.ravel() if y_pred.shape[1] == 1 else y_pred

    def score(self, y, raw, sample_weight):
        """Return R² of raw predictions; nan where they are not finite."""
        y_pred = self.loss.inverse_link(raw)
        return r2_score(y, y_pred, sample_weight=sample_weight) if np.isfinite(y_pred).all() else np.nan

    def strata(self, y):
        """Return None: numbers have no classes to stratify by."""
        return None

    def describe_split_failure(self, y):
        """Return None: a split of numbers fails for no reason of y's."""
        return None


def _is_multilabel(binarizer):
    return binarizer.y_type_.startswith("multilabel")


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


def _read_classes(classes):
    """Validate the argument ``classes`` of partial_fit."""
    if not np.iterable(classes) or isinstance(classes, (str, bytes)):
        raise ValueError(f"Expected array-like, got classes={classes!r}: pass all labels, e.g. np.unique(y).")
    if not hasattr(classes, "__len__"):
        classes = list(classes)
    return column_or_1d(check_array(classes, ensure_2d=False, dtype=None))


def _binarizer_of_all(y, classes):
    """Return a binarizer of the labels that the first call of partial_fit is told of."""
    if classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    classes = _read_classes(classes)
    if y.ndim == 2:
        if not np.array_equal(np.unique(classes), np.arange(y.shape[1])):
            raise ValueError(
                f"classes={list(classes)} must be the numbers of the {y.shape[1]} labels, from 0 to {y.shape[1] - 1}."
            )
        return LabelBinarizer().fit(y)
    return LabelBinarizer().fit(classes)


def _class_loss(flat, binarizer):
    """Choose the loss, and the number of columns that it needs."""
    n_classes, multilabel = len(binarizer.classes_), _is_multilabel(binarizer)
    single = multilabel or n_classes <= 2
    given = flat["loss"]
    if given == "binary_cross_entropy" and not single:
        raise ValueError(
            "Only binary classification is supported. The type of the target is multiclass: use loss='log_loss' "
            "instead of 'binary_cross_entropy'."
        )
    loss = given
    if isinstance(given, str) and given != "log_loss":
        loss = configured(LOSSES[given], flat | {"link": "logistic" if single else "softmax"})
    loss = as_loss(loss, 1 if single else n_classes)
    links = ["logistic"] if multilabel else ["softmax"] if n_classes > 2 else ["logistic", "softmax"]
    if loss.out_activation not in [*links, "custom"]:
        raise ValueError(
            f"loss={given!r} gives no probabilities of {n_classes} {'labels' if multilabel else 'classes'}: its "
            f"output is {loss.out_activation}, and must be {' or '.join(links)}."
        )
    if multilabel or n_classes > 2:
        return loss, n_classes
    return loss, 2 if n_classes == 2 and loss.out_activation == "softmax" else 1


def _check_class_weight(class_weight, y):
    if not isinstance(class_weight, (dict, list)):
        return
    wanted = "a list of dicts, one per label," if y.ndim == 2 else "a dict"
    dicts = class_weight if y.ndim == 2 else [class_weight]
    if not (isinstance(dicts, list) and all(isinstance(each, dict) for each in dicts)):
        raise ValueError(f"class_weight={class_weight!r} must be {wanted} or 'balanced' for this y.")
    for weight in (weight for each in dicts for weight in each.values()):
        check_number("class_weight", weight, low=0)
