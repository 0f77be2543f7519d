r"""Objective: network, loss, penalty and data become one function of one vector.

.. math:: f(p) = \frac{1}{\sum_i w_i} \Big( \sum_i w_i\, \ell(y_i, \mathrm{raw}(x_i; p))
    + \alpha \big( \tfrac{1 - r}{2} \lVert W \rVert^2 + r \lVert W \rVert_1 \big) \Big)

This is all that a solver ever sees, and the only place where it is defined: training, gradient checks, the reported
loss and early stopping share it. The sums run over the training set. A minibatch B of it estimates f without bias: its
loss is scaled by n / (\|B\| sum w), while the penalty stays as it is, whatever the batch size.

Examples
--------
>>> import numpy as np
>>> from skmlp_scratch.layers import Dense
>>> from skmlp_scratch.network import Network
>>> from skmlp_scratch.objective import Objective
>>> objective = Objective(Network([Dense(1, 1)]), "squared_error", np.array([[1.0], [2.0]]), np.array([1.0, 2.0]))
>>> loss, grad = objective.loss_and_grad(np.zeros(2))
>>> loss, grad
(1.25, array([-2.5, -1.5]))
"""

from numbers import Real

import numpy as np
from scipy import sparse

from ._parallel import map_threads
from ._registry import instance
from .losses import LOSSES, Loss
from .penalties import ElasticNet

# The chunks of a full batch are summed in this many lanes, in order, and then the lanes in order: the result
# does not depend on the number of threads, and only this many gradients exist at a time.
LANES = 8


class Objective:
    """The function that training minimizes, with its gradient.

    Parameters
    ----------
    network : Network
        Description of the function from X to raw predictions.
    loss : str or Loss
        A name of ``LOSSES`` or an object with ``value_and_grad`` and ``inverse_link``.
    X : {array-like, sparse matrix} of shape (n_samples, n_in)
        Inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_out)
        Targets: one row a sample, or class indices for a network with several outputs.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights of the rows; None counts each once.
    alpha : float, default=0.0
        Strength of the penalty.
    l1_ratio : float, default=0.0
        Share of L1 in the penalty, in [0, 1].

    Attributes
    ----------
    n_samples : int
        Number of rows.
    is_stochastic : bool
        True with dropout: then ``loss_and_grad`` needs ``rng``.
    kinked : slice or None
        Parameters whose penalty has a kink at zero (L1), so that a solver can keep them exactly there.

    Raises
    ------
    ValueError
        If loss, targets or penalty cannot be used.
    """

    def __init__(self, network, loss, X, y, sample_weight=None, alpha=0.0, l1_ratio=0.0):
        self.network = network
        self.loss = instance(LOSSES, loss, "loss", "value_and_grad")
        X = X.tocsr() if sparse.issparse(X) else np.asarray(X)
        self.X = X if X.dtype in (np.float32, np.float64) else X.astype(np.float64)
        # Column order, as the raw predictions have it: with few outputs their sums run along memory.
        self.y = np.asfortranarray(_targets(y, network.n_out, self.X.dtype))
        if self.X.shape[1:] != (network.n_in,):
            raise ValueError(f"X has shape {self.X.shape}, the network takes {network.n_in} columns.")
        if len(self.y) != self.X.shape[0]:
            raise ValueError(f"y has {len(self.y)} rows, X has {self.X.shape[0]}.")
        if hasattr(self.loss, "check_targets"):
            self.loss.check_targets(self.y)
        if not isinstance(self.loss, Loss):
            _probe(self.loss, self.y)
        self.sample_weight = None if sample_weight is None else _weights(sample_weight, len(self.y), self.X.dtype)
        self.penalty = ElasticNet(alpha, l1_ratio)
        self.n_samples = self.X.shape[0]
        self.is_stochastic = network.is_stochastic
        self.kinked = network.weight_slice if self.penalty.l1 else None
        self._weight_sum = float(self.n_samples if sample_weight is None else np.sum(sample_weight, dtype=np.float64))
        self._params = self._grad = None

    def loss_and_grad(self, params, rows=None, rng=None):
        """Evaluate the objective and its gradient.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector.
        rows : slice, ndarray of int or None, default=None
            A minibatch of the training set; None takes all of it.
        rng : numpy.random.RandomState or None, default=None
            For dropout.

        Returns
        -------
        loss : float
        grad : ndarray of shape (n_params,)
            A buffer that the next call overwrites: copy it to keep it.
        """
        self._bind(params)
        if rows is None and self.network.is_rowwise and self.n_samples > self.network.chunk_rows:
            value = self._in_chunks(rng)
        else:
            X, y, sample_weight, n_rows = self._take(rows)
            scale = self.n_samples / (n_rows * self._weight_sum)
            value = self._evaluate(X, y, sample_weight, scale, rng, self._grad_views)
        value += self.penalty.add_to(self._weights, self._grad_weights, 1 / self._weight_sum)
        return value, self._grad

    def _bind(self, params):
        """Make the views of a parameter vector once: of 19 us that a step of 2-3-2 takes, they would be 4."""
        if params is self._params:
            return
        if params.shape != (self.network.size,):
            raise ValueError(f"params have shape {params.shape}, the network needs {(self.network.size,)}.")
        if np.result_type(params, self.X) != params.dtype:
            raise ValueError(f"params are {params.dtype} and X is {self.X.dtype}: give params at least X's precision.")
        self._params, self._views = params, self.network.unflatten(params)
        self._weights = params[self.network.weight_slice]
        if self._grad is None or self._grad.dtype != params.dtype:
            self._grad = np.zeros(self.network.size, dtype=params.dtype)
            self._grad_views = self.network.unflatten(self._grad)
            self._grad_weights = self._grad[self.network.weight_slice]

    def _take(self, rows):
        """Rows of X, y and the weights, and how many they are."""
        if rows is None:
            return self.X, self.y, self.sample_weight, self.n_samples
        if isinstance(rows, slice) or sparse.issparse(self.X):
            X = self.X[rows]
        else:
            X = self.X.take(rows, axis=0)  # 0.7 us, X[rows] 2.3
        # take(axis=0) would first copy all of a y in column order: 110 instead of 0.7 us for 20 000 x 10.
        y = self.y[rows] if isinstance(rows, slice) else self.y.T.take(rows, axis=1).T
        return X, y, None if self.sample_weight is None else self.sample_weight[rows], X.shape[0]

    def _evaluate(self, X, y, sample_weight, scale, rng, grads):
        """Loss and gradient of some rows, both times ``scale``."""
        raw, backward = self.network.forward(self._views, X, rng)
        value, d_raw = self.loss.value_and_grad(y, raw, sample_weight)
        d_raw = d_raw.astype(raw.dtype, copy=False)  # a loss of one's own may have drawn it into float64
        d_raw *= scale
        backward(d_raw, grads)
        return float(value) * scale

    def _in_chunks(self, rng):
        """Full batch in row chunks that fit the cache, spread over threads."""
        chunks = self.network.chunks(self.n_samples)
        n_lanes = min(LANES, len(chunks))
        lanes = [chunks[len(chunks) * k // n_lanes : len(chunks) * (k + 1) // n_lanes] for k in range(n_lanes)]

        def run(lane):
            value, total, part = 0.0, np.zeros_like(self._grad), np.zeros_like(self._grad)
            views = self.network.unflatten(part)
            for rows in lane:
                X, y, sample_weight, _ = self._take(rows)
                value += self._evaluate(X, y, sample_weight, 1 / self._weight_sum, rng, views)
                total += part
            return value, total

        # Dropout draws from one generator, so its chunks keep their order.
        results = list(map(run, lanes)) if self.is_stochastic else map_threads(run, lanes)
        self._grad[...] = 0
        for _, total in results:
            self._grad += total
        return sum(value for value, _ in results)


def _probe(loss, y):
    """Raise a ValueError if a loss of one's own does not give a number and a gradient like ``raw``."""
    result = loss.value_and_grad(y, np.zeros_like(y), None)
    pair = isinstance(result, (tuple, list)) and len(result) == 2
    if not pair or not isinstance(result[0], Real) or np.shape(result[1]) != y.shape:
        found = f"{type(result[0]).__name__} and {np.shape(result[1])}" if pair else type(result).__name__
        raise ValueError(
            f"loss={loss!r}: value_and_grad must return a number and, here, an array of shape {y.shape}, not {found}."
        )


def _weights(sample_weight, n_samples, dtype):
    """Sample weights as an array of shape (n_samples,)."""
    sample_weight = np.asarray(sample_weight, dtype=dtype)
    if sample_weight.shape != (n_samples,):
        raise ValueError(f"sample_weight has shape {sample_weight.shape}, y has {n_samples} rows.")
    if not (np.isfinite(sample_weight) & (sample_weight >= 0)).all() or not sample_weight.any():
        raise ValueError("sample_weight must be finite, not negative, and not zero for every row.")
    return sample_weight


def _targets(y, n_out, dtype):
    """Targets as a float array of shape (n_samples, n_out); class indices become one-hot rows."""
    y = np.asarray(y)
    if y.ndim == 1 and n_out > 1:
        if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= n_out:
            raise ValueError(f"y must be class indices from 0 to {n_out - 1}, or have one row of {n_out} a sample.")
        return np.eye(n_out, dtype=dtype)[y]
    y = y.reshape(len(y), -1).astype(dtype, copy=False)
    if not np.isfinite(y).all():
        raise ValueError(f"y has values that are nan, infinite, or too large for {np.dtype(dtype).name}.")
    if y.shape[1] != n_out:
        raise ValueError(f"y has {y.shape[1]} columns, the network has {n_out} outputs.")
    return y
