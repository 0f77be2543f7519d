"""Class targets: labels learned, encoded as columns and weighted by class, and the way back from predictions.

Targets are the one object in which classifier and regressor differ. They are made of y alone, without any training.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from ..losses import Loss
from ._label_checks import binarizer_of_all, check_class_weight, read_classes, refuse_labels
from ._loss import loss_of_labels


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
            if classes is not None and not np.array_equal(binarizer.classes_, np.unique(read_classes(classes))):
                raise ValueError(
                    f"classes={classes!r} is not the same as on last call to partial_fit, was: {binarizer.classes_!r}"
                )
            if not incremental and set(unique_labels(y)) != set(binarizer.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {binarizer.classes_}, `y` has {unique_labels(y)}"
                )
        elif incremental:
            binarizer = binarizer_of_all(y, classes)
        else:
            binarizer = LabelBinarizer().fit(y)
        loss, n_columns = loss_of_labels(flat, len(binarizer.classes_), _is_multilabel(binarizer))
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
        """Raise a ValueError for what cannot be labels."""
        refuse_labels(y, name)

    def check_kind(self, y, name):
        """Raise a ValueError if y is an indicator matrix where labels were learned, or the other way around."""
        if (y.ndim == 2) != self.is_multilabel:
            kinds = ["one label per row", "an indicator matrix of labels"]
            now, before = kinds[y.ndim - 1], kinds[int(self.is_multilabel)]
            raise ValueError(f"{name} has shape {y.shape}, {now}; it was {before} when the model was first fitted.")

    def check(self, y, name):
        """Return y if it holds known labels only."""
        self.check_kind(y, name)
        bits = y.data if sparse.issparse(y) else y
        if y.ndim == 2 and not ((bits == 0) | (bits == 1)).all():
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

    def weights(self, y, sample_weight, class_weight, dtype, is_all=True):
        """Return the sample weights times the class weights, or None; of all rows at least one has to count."""
        if class_weight is None:
            return sample_weight
        check_class_weight(class_weight, y)
        if y.ndim == 2:
            weights = compute_sample_weight(class_weight, y.toarray() if sparse.issparse(y) else y)
        else:
            classes = np.unique(y) if class_weight == "balanced" else self.classes  # traced rows may lack some
            per_class = compute_class_weight(class_weight, classes=classes, y=y, sample_weight=sample_weight)
            weights = per_class[np.searchsorted(classes, y)]
        weights = weights if sample_weight is None else weights * sample_weight
        if is_all and not weights.any():
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


def _is_multilabel(binarizer):
    return binarizer.y_type_.startswith("multilabel")
