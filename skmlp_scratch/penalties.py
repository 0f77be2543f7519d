r"""The penalty: large weights cost, so that the network fits the pattern rather than the noise.

The elastic net adds ``alpha * ((1 - l1_ratio) / 2 * ||W||^2 + l1_ratio * ||W||_1)`` over all weights, biases excluded.
L2 shrinks every weight in proportion; L1 pulls with a constant force and so drives the useless ones to zero. It acts
on the contiguous weight slice of the flat vector, and the objective divides it by the sum of the sample weights.
"""

from typing import ClassVar

import numpy as np
from scipy.linalg import blas

from ._checks import Checked

# OpenBLAS threads longer vectors, and waking the threads costs more than the work; blocks also stay in the first cache
# level for the second pass.
BLOCK = 8192
_AXPY = {np.dtype(np.float32): blas.saxpy, np.dtype(np.float64): blas.daxpy}


class ElasticNet(Checked):
    """``alpha * ((1 - l1_ratio) / 2 * ||W||^2 + l1_ratio * ||W||_1)`` (Zou & Hastie 2005).

    Parameters
    ----------
    alpha : float, default=0.0
        Strength, at least 0.
    l1_ratio : float, default=0.0
        Share of L1, in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> grad = np.zeros(2)
    >>> ElasticNet(alpha=1.0).add_to(np.array([3.0, 4.0]), grad, scale=1.0)
    12.5
    >>> grad
    array([3., 4.])
    """

    bounds: ClassVar[dict] = {"alpha": "[0, inf)", "l1_ratio": "[0, 1]"}

    def __init__(self, alpha=0.0, l1_ratio=0.0):
        self.alpha, self.l1_ratio = alpha, l1_ratio
        self.check()
        self.l1, self.l2 = float(alpha) * float(l1_ratio), float(alpha) * (1 - float(l1_ratio))

    def value(self, W, scale):
        """Compute the penalty, times ``scale``.

        Parameters
        ----------
        W : ndarray of shape (n_weights,)
            The weights.
        scale : float
            ``1 / sum(sample_weight)``.

        Returns
        -------
        value : float
        """
        value = self.l1 * scale * float(np.abs(W).sum()) if self.l1 else 0.0
        return value + 0.5 * self.l2 * scale * float(np.einsum("i,i", W, W)) if self.l2 else value

    def add_to(self, W, grad, scale):
        """Add the penalty's gradient to the data's, and give its value, both times ``scale``.

        L1 has no derivative where a weight is zero. There the subgradient of least norm is taken: none while the
        data's gradient is within the L1 force, the excess otherwise (Andrew & Gao 2007, equation 4). So a weight at
        zero feels a force only if leaving zero lowers the objective.

        Parameters
        ----------
        W : ndarray of shape (n_weights,)
            The weights.
        grad : contiguous ndarray of shape (n_weights,)
            The data's gradient, of the same dtype, changed in place.
        scale : float
            ``1 / sum(sample_weight)``.

        Returns
        -------
        value : float
        """
        value = 0.0
        if self.l1:
            force = self.l1 * scale
            at_zero = W == 0
            outward = np.sign(np.where(np.abs(grad) > force, -grad, 0))
            grad += force * np.where(at_zero, outward, np.sign(W))
            grad[at_zero & (outward == 0)] = 0
            value += force * float(np.abs(W).sum())
        if self.l2:
            force, square = self.l2 * scale, 0.0
            for start in range(0, len(W), BLOCK):
                w = W[start : start + BLOCK]
                _AXPY[W.dtype](w, grad[start : start + BLOCK], a=force)
                square += float(np.dot(w, w))
            value += 0.5 * force * square
        return value
