"""Number targets: numbers as columns, and the way back from predictions; for regression what ``_class_targets`` is."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.metrics import r2_score

from ..losses import Loss
from ._label_checks import refuse_masked
from ._loss import loss_of_numbers
from ._text import without_text


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
        targets = cls(loss_of_numbers(flat, n_columns), n_columns)
        targets.check(y, "y")
        return targets

    @staticmethod
    def refuse(y, name):
        """Raise a ValueError for what cannot be numbers."""
        if sparse.issparse(y):
            raise ValueError(f"{name} is a sparse matrix: pass {name}.toarray().")
        refuse_masked(y, name)
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

    def weights(self, y, sample_weight, class_weight, dtype, is_all=True):
        """Return the sample weights: there are no classes to weigh."""
        return sample_weight

    def labels(self, y_pred):
        """Return predictions in the shape of y."""
        return y_pred.ravel() if y_pred.shape[1] == 1 else y_pred

    def score(self, y, raw, sample_weight):
        """Return R² of raw predictions; nan where they are not finite, and of a single row."""
        y_pred = self.loss.inverse_link(raw)
        if len(y) < 2 or not np.isfinite(y_pred).all():
            return np.nan
        return r2_score(y, y_pred, sample_weight=sample_weight)

    def strata(self, y):
        """Return None: numbers have no classes to stratify by."""
        return None

    def describe_split_failure(self, y):
        """Return None: a split of numbers fails for no reason of y's."""
        return None
