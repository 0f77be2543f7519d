"""Units: targets as the networks learn them, and the way back to those of y."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from ..losses import AbsoluteError, Gamma, Huber, Poisson, Quantile, SquaredError

# Losses that only change their scale, as a whole, with that of the targets.
EQUIVARIANT = (SquaredError, AbsoluteError, Huber, Quantile, Poisson, Gamma)


@dataclass(frozen=True)
class Units:
    """An affine map between targets in units of y and those that the networks learn, as far as the loss allows one.

    Attributes
    ----------
    loss : Loss
        Loss in the units that the networks learn.
    shift, scale : ndarray of shape (n_columns,) or None
        What is learned is ``(y - shift) / scale``; where there is no scale, y itself.
    """

    loss: object
    shift: np.ndarray | None = None
    scale: np.ndarray | None = None

    @classmethod
    def of(cls, loss, columns, weight):
        """Return the units of a loss for some targets.

        With the identity as link, targets are standardized; with the logarithm, they are divided by their mean, since
        their zero has a meaning; with any other, or a custom loss, they are learned as they are.

        Parameters
        ----------
        loss : Loss
            Loss in units of y.
        columns : ndarray of shape (n_rows, n_columns)
            Targets.
        weight : ndarray of shape (n_rows,) or None
            Weights of the rows.

        Returns
        -------
        Units

        Examples
        --------
        >>> import numpy as np
        >>> units = Units.of(SquaredError(), np.array([[1.0], [3.0]]), None)
        >>> units.shift, units.scale, units.learned(np.array([[3.0]]))
        (array([2.]), array([1.]), array([[1.]]))
        """
        link = loss.link if type(loss) in EQUIVARIANT else None
        if link not in ("identity", "log"):
            return cls(loss)
        mean = np.average(columns, axis=0, weights=weight)
        if link == "log":
            return cls(loss, np.zeros_like(mean), np.where(mean > 0, mean, 1.0))
        scale = _deviation(columns - mean, weight)
        if isinstance(loss, Huber):  # its one delta is in units of y
            scale = np.full_like(scale, np.median(scale))
            loss = clone(loss).set_params(delta=loss.delta / scale[0])
        return cls(loss, mean, scale)

    def learned(self, columns):
        """Return targets as the networks learn them.

        Parameters
        ----------
        columns : ndarray of shape (n_rows, n_columns)
            Targets in units of y.

        Returns
        -------
        columns : ndarray of shape (n_rows, n_columns)
        """
        return columns if self.scale is None else (columns - self.shift) / self.scale

    def restored(self, raw):
        """Return raw predictions in units of y.

        Parameters
        ----------
        raw : ndarray of shape (n_rows, n_columns)
            What a network puts out.

        Returns
        -------
        raw : ndarray of shape (n_rows, n_columns), float64
        """
        raw = raw.astype(np.float64)
        if self.scale is None:
            return raw
        return raw + np.log(self.scale) if self.loss.link == "log" else raw * self.scale + self.shift


def _deviation(differences, weight):
    """Return the standard deviation of each column, 1 for a constant one; no square overflows."""
    largest = np.abs(differences).max(axis=0)
    largest = np.where(largest > 0, largest, 1.0)
    scale = largest * np.sqrt(np.average((differences / largest) ** 2, axis=0, weights=weight))
    return np.where(scale > 0, scale, 1.0)
