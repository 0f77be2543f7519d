r"""Objective: network, loss, penalty and data become one function of one vector.

.. math:: f(p) = \frac{1}{\sum_i w_i} \Big( \sum_i w_i\, \ell(y_i, \mathrm{raw}(x_i; p))
    + \alpha \big( \tfrac{1 - r}{2} \lVert W \rVert^2 + r \lVert W \rVert_1 \big) \Big)

This is all that a solver ever sees, and the only place where it is defined: training, gradient checks, the reported
loss and early stopping share it. The sums run over the training set. A minibatch B of it estimates f without bias: its
loss is scaled by n / (\|B\| sum w), while the penalty does not depend on the batch size.

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

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from . import _engine
from ._parallel import map_threads, thread_count
from .layers import NARROW
from .losses import as_loss
from .penalties import ElasticNet

# The chunks of a full batch are summed in this many lanes, in order, and then the lanes in order: the result
# does not depend on the number of threads, and only this many gradients exist at a time.
LANES = 8
BOUND = {"_params", "_grad", "_compiled", "_views", "_weights", "_grad_views", "_grad_weights"}  # to one vector
INDEX = np.dtype(np.intp)


CHUNK_TARGETS = 2**15  # targets that are cast to floats at a time where nothing is learned from them


class Objective:
    """The function that training minimizes, with its gradient.

    Parameters
    ----------
    network : Network
        Description of the function from X to raw predictions.
    loss : str or Loss
        A name of ``LOSSES`` or an object with ``value_and_grad`` and ``inverse_link``, which is copied.
    X : {array-like, sparse matrix} of shape (n_samples, n_in)
        Inputs, in any memory order.
    y : array-like of shape (n_samples,) or (n_samples, n_out)
        Targets: one row per sample, or class indices for a network with several outputs.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights of the rows; None counts each once.
    alpha : float, default=0.0
        Penalty strength.
    l1_ratio : float, default=0.0
        Share of L1 in the penalty, in [0, 1].

    Attributes
    ----------
    n_samples : int
        Number of rows.
    dtype : dtype
        Precision of the inputs, which the parameters need at least.
    is_stochastic : bool
        True with dropout: then ``loss_and_grad`` needs ``rng``.
    weight_slice : slice
        The parameters that are weights.
    l1_slice : slice or None
        Parameters whose penalty has a kink at zero (L1), so that a solver can keep them exactly there.
    rate_factors : list of (slice, float)
        Parameters that learn faster or slower than the rest, and by which factor.

    Raises
    ------
    ValueError
        If loss, targets or penalty cannot be used.
    """

    def __init__(self, network, loss, X, y, sample_weight=None, alpha=0.0, l1_ratio=0.0):
        self.network = network
        self.loss = as_loss(loss, network.n_out)
        self.X = _inputs(X)
        if self.X.shape[1:] != (network.n_in,):
            raise ValueError(f"X has shape {self.X.shape}, the network takes {network.n_in} columns.")
        self.n_samples, self.dtype = self.X.shape[0], self.X.dtype
        self.y = _targets(y, network.n_out, self.X.dtype)
        if len(self.y) != self.n_samples:
            raise ValueError(f"y has {len(self.y)} rows, X has {self.n_samples}.")
        self.sample_weight, self._weight_sum = _weights(sample_weight, self.n_samples, self.X.dtype)
        self._is_wide, self._is_packed = network.n_out > NARROW, _is_packed(self.X)
        self._by_index = sparse.issparse(self.X) or not self.X.flags.c_contiguous  # take would first copy all of X
        self._is_chunked = network.is_rowwise and self.n_samples > network.chunk_rows
        for rows in self._small_chunks(self.n_samples) if self._is_wide else [None]:
            self.loss.check_targets(self._take(rows)[1])
        self.penalty = ElasticNet(alpha, l1_ratio)
        self.is_stochastic = network.is_stochastic
        self.weight_slice = network.weight_slice
        self.l1_slice = network.weight_slice if self.penalty.l1 else None
        self.rate_factors = network.rate_factors
        self._params = self._grad = self._compiled = None

    def __getstate__(self):
        # A copy shares no buffer, and is compiled anew.
        kept = {name: value for name, value in vars(self).items() if name not in BOUND}
        return kept | dict.fromkeys(("_params", "_grad", "_compiled"))

    def loss_and_grad(
        self, params: NDArray, rows: slice | NDArray | None = None, rng: np.random.RandomState | None = None
    ) -> tuple[float, NDArray]:
        """Evaluate the objective and its gradient.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector.
        rows : slice, ndarray of int or None, default=None
            A minibatch of the training set; None takes all of it.
        rng : numpy.random.RandomState or None, default=None
            Random numbers for dropout.

        Returns
        -------
        loss : float
        grad : ndarray of shape (n_params,)
            A buffer that the next call overwrites: copy it to keep it.
        """
        if self._by_index and isinstance(rows, np.ndarray) and not sparse.issparse(self.X):
            self._pack()
        self._bind(params)
        rows = self._checked(rows)
        if self._compiled and (value := self._compiled(params, self._grad, rows, rng)) is not None:
            return value, self._grad
        value = self._add_up(rows, rng, self._scale(rows))
        value += self.penalty.add_to(self._weights, self._grad_weights, 1 / self._weight_sum)
        return value, self._grad

    def sums(
        self, params: NDArray, rows: Any = None, rng: Any = None, scale: float = 1.0
    ) -> tuple[float, NDArray, float]:
        """Sum the loss and its gradient over rows, without penalty: one partition's share of a larger training set.

        Parameters
        ----------
        params, rows, rng
            As for :meth:`loss_and_grad`.
        scale : float, default=1.0
            Factor of each row's loss. With that of the whole training set, the partitions' sums are bit for bit what
            its own chunks give.

        Returns
        -------
        value : float
            Weighted sum of the rows' losses, times ``scale``.
        grad : ndarray of shape (n_params,)
            Its gradient, in the same buffer.
        weight : float
            Sum of the rows' weights: with ``scale=1`` value and gradient are to be divided by its total over all
            partitions.
        """
        self._bind(params)
        rows = self._checked(rows)
        value = self._compiled and self._compiled.sums(params, self._grad, rows, rng, scale)
        if value is None:
            value = self._add_up(rows, rng, scale)
        weight = self._weight_sum if rows is None else self._count(rows)
        if rows is not None and self.sample_weight is not None:
            weight = np.sum(self.sample_weight[rows], dtype=np.float64)
        return value, self._grad, float(weight)

    def value(self, params: NDArray, rows: slice | NDArray | None = None) -> float:
        """Evaluate the objective at inference: without dropout, with the population statistics, without a gradient.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector.
        rows : slice, ndarray of int or None, default=None
            A part of the training set, which then stands for all of it; None takes all.

        Returns
        -------
        loss : float
        """
        return self.data_value(params, rows) + self.penalty.value(self._weights, 1 / self._weight_sum)

    def data_value(self, params: Any, rows: Any = None) -> float:
        """Evaluate the mean loss at inference, without penalty; as for :meth:`value`.

        Parameters
        ----------
        params, rows
            As for :meth:`value`.

        Returns
        -------
        loss : float
        """
        self._bind(params)
        rows = self._checked(rows)
        if self._compiled:
            return self._compiled.sum_of_losses(params, rows) * self._scale(rows)
        views = self._views
        return self._mean_loss(lambda X, chunk: self.network.predict(views, X), rows)

    def calibrate(self, params: NDArray, seen: int = 0) -> None:
        """Measure the population statistics of batch normalization over the training set, in place.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector; its statistics are changed.
        seen : int, default=0
            Number of earlier rows that the statistics stand for, with which these are merged.
        """
        self.network.calibrate(params, self.X, seen)

    def value_of_raw(self, raw: NDArray, rows: slice | None = None) -> float:
        """Evaluate the mean loss of raw predictions, without penalty.

        Parameters
        ----------
        raw : ndarray of shape (n_samples, n_out) or (1, n_out)
            Raw predictions, or one for every row alike.
        rows : slice or None, default=None
            A part of the training set, which then stands for all of it; None takes all.

        Returns
        -------
        loss : float
        """
        raw = np.broadcast_to(raw, (self.n_samples, self.network.n_out))
        return self._mean_loss(lambda X, chunk: raw[chunk], rows)

    def _mean_loss(self, predict, rows):
        """Mean loss of what ``predict(X, rows)`` gives for each chunk of rows."""

        def run(chunk):
            X, y, sample_weight = self._take(chunk)
            return self.loss.value_and_grad(y, predict(X, chunk), sample_weight)[0]

        chunks = self._small_chunks(self._count(rows))
        if rows is not None:
            index = np.arange(self.n_samples)[rows] if isinstance(rows, slice) else rows
            chunks = [index[chunk] for chunk in chunks]
        return float(sum(map_threads(run, chunks))) * self._scale(rows)

    def _small_chunks(self, n_samples):
        """Slices of rows whose targets, cast to floats, stay small."""
        size = self.network.chunk_rows
        if self.network.n_out > NARROW:
            size = min(size, max(32, CHUNK_TARGETS // self.network.n_out))
        return [slice(start, start + size) for start in range(0, n_samples, size)]

    def _bind(self, params):
        """Create the views of a parameter vector once; remaking them costs a fifth of a small step."""
        if params is self._params:
            return
        if params.shape != (self.network.size,):
            raise ValueError(f"params have shape {params.shape}, the network needs {(self.network.size,)}.")
        if params.dtype not in (np.float32, np.float64) or np.result_type(params, self.X) != params.dtype:
            raise ValueError(
                f"params are {params.dtype} and X is {self.X.dtype}: give params at least X's precision, float32 or "
                "float64."
            )
        if not (params.flags.c_contiguous and params.flags.aligned):
            raise ValueError("params must be contiguous and aligned: np.array(params) is.")
        views = self.network.unflatten(params)
        grad = self._grad
        if grad is None or grad.dtype != params.dtype:
            grad = np.zeros(self.network.size, dtype=params.dtype)
            self._compiled = _engine.compile_objective(self, params.dtype, thread_count())
        grad_views, weights = self.network.unflatten(grad), self.network.weight_slice
        # The mark that says what is bound comes last, so that an interrupt leaves nothing half bound.
        self._views, self._weights = views, params[weights]
        self._grad_views, self._grad_weights, self._grad = grad_views, grad[weights], grad
        self._params = params

    def _checked(self, rows):
        """Return rows as kernels and numpy read alike, if there are any."""
        if rows is None or (type(rows) is np.ndarray and rows.dtype is INDEX and rows.size):
            return rows
        rows = rows if isinstance(rows, slice) else np.asarray(rows)
        if not self._count(rows):
            raise ValueError("rows must not be empty.")
        if isinstance(rows, slice):
            return rows
        if rows.dtype.kind not in "iu":
            raise ValueError(f"rows are {rows.dtype}, and must be integers: of a mask take np.flatnonzero(mask).")
        return rows.astype(INDEX)

    def _count(self, rows):
        if rows is None:
            return self.n_samples
        return len(range(*rows.indices(self.n_samples))) if isinstance(rows, slice) else len(rows)

    def _scale(self, rows):
        """Factor by which the sum over some rows estimates the mean over all."""
        return self.n_samples / (self._count(rows) * self._weight_sum)

    def _pack(self):
        """Copy X into row order, once: elsewhere each number of a row drawn at random lies in a place of its own."""
        self.X = np.ascontiguousarray(self.X)
        self._by_index, self._is_packed = False, True
        self._params = self._grad = self._compiled = None  # the kernels hold X, too

    def _take(self, rows):
        """Rows of X, y as floats, and the weights."""
        X, y, sample_weight = self.X, self.y, self.sample_weight
        if rows is not None:
            is_slice = isinstance(rows, slice)
            if not is_slice and rows.min() < 0:  # as the kernels say it; numpy would count from the end
                raise IndexError("rows are out of bounds: one is negative.")
            X = X[rows] if is_slice or self._by_index else X.take(rows, axis=0)  # faster than X[rows]
            if is_slice and not self._is_packed:
                X = np.ascontiguousarray(X)  # once, where every product would copy it
            # In column order taking along the first axis would first copy all of y.
            y = y[rows] if is_slice or self._is_wide else y.T.take(rows, axis=1).T
            sample_weight = None if sample_weight is None else sample_weight[rows]
        if self._is_wide:
            y = _one_hot(y, self.network.n_out, X.dtype) if y.ndim == 1 else y.astype(X.dtype, copy=False)
        return X, y, sample_weight

    def _add_up(self, rows, rng, scale):
        """Loss and gradient of some rows, both times ``scale``; the gradient goes into the buffer."""
        if rows is None and self._is_chunked:
            return self._in_chunks(rng, scale)
        return self._evaluate(rows, scale, rng, self._grad_views)

    def _evaluate(self, rows, scale, rng, grads):
        """Loss and gradient of rows in one piece, both times ``scale``."""
        X, y, sample_weight = self._take(rows)
        raw, backward = self.network.forward(self._views, X, rng)
        value, d_raw = self.loss.value_and_grad(y, raw, sample_weight)
        d_raw = np.asarray(d_raw, dtype=raw.dtype)  # a custom loss may have promoted it
        d_raw *= scale
        backward(d_raw, grads)
        return float(value) * scale

    def _in_chunks(self, rng, scale):
        """Full batch in row chunks that fit the cache, spread over threads."""
        chunks = self.network.chunks(self.n_samples)
        n_lanes = min(LANES, len(chunks))
        lanes = [chunks[len(chunks) * k // n_lanes : len(chunks) * (k + 1) // n_lanes] for k in range(n_lanes)]

        def run(lane):
            value, total, part = 0.0, np.zeros_like(self._grad), np.zeros_like(self._grad)
            views = self.network.unflatten(part)
            for rows in lane:
                value += self._evaluate(rows, scale, rng, views)
                total += part
            return value, total

        # Dropout draws from one generator, so its chunks keep their order.
        results = list(map(run, lanes)) if self.is_stochastic else map_threads(run, lanes)
        self._grad[...] = 0
        for _, total in results:
            self._grad += total
        return sum(value for value, _ in results)


def _is_packed(X):
    """Whether the linear algebra library can read it: numbers side by side along rows or columns."""
    return sparse.issparse(X) or (X.itemsize in X.strides and min(X.strides) > 0)


def _inputs(X):
    """Inputs as floats that the linear algebra library knows; duplicate entries of a sparse matrix are summed."""
    X = X.tocsr() if sparse.issparse(X) else np.asarray(X)
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float64)
    if sparse.issparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()  # dropout drops whole entries
    return X


def _weights(sample_weight, n_samples, dtype):
    """Sample weights as an array of shape (n_samples,) or None, and their sum."""
    if sample_weight is None:
        return None, float(n_samples)
    given, sample_weight = sample_weight, np.asarray(sample_weight, dtype=dtype)
    if sample_weight.shape != (n_samples,):
        raise ValueError(f"sample_weight has shape {sample_weight.shape}, y has {n_samples} rows.")
    if not (np.isfinite(sample_weight) & (sample_weight >= 0)).all() or not sample_weight.any():
        raise ValueError("sample_weight must be finite, not negative, and not zero for every row.")
    total, limits = float(np.sum(given, dtype=np.float64)), np.finfo(dtype)
    if not limits.tiny <= total <= limits.max / n_samples:
        raise ValueError(
            f"sample_weight sums to {total:g}, which {np.dtype(dtype).name} cannot divide by: scale the weights."
        )
    return sample_weight, total


def _targets(y, n_out, dtype):
    """Targets of shape (n_samples, n_out) as floats, or in their own compact type where they are many per row.

    Few targets per row are kept in column order, as raw predictions are: sums over them run along memory.
    """
    y = np.asarray(y)
    if y.ndim == 1 and n_out > 1:
        if not np.issubdtype(y.dtype, np.integer) or (len(y) and (y.min() < 0 or y.max() >= n_out)):
            raise ValueError(f"y must be class indices from 0 to {n_out - 1}, or have one row of {n_out} per sample.")
        return np.asfortranarray(_one_hot(y, n_out, dtype)) if n_out <= NARROW else y
    y = y.reshape(len(y), -1)
    if y.shape[1] != n_out:
        raise ValueError(f"y has {y.shape[1]} columns, the network has {n_out} outputs.")
    if n_out > NARROW and y.dtype.kind in "biu":
        return np.ascontiguousarray(y)
    y = y.astype(dtype, order="F" if n_out <= NARROW else "C", copy=False)
    if not np.isfinite(y).all():
        raise ValueError(f"y has values that are nan, infinite, or too large for {np.dtype(dtype).name}.")
    return y


def _one_hot(index, n_out, dtype):
    y = np.zeros((len(index), n_out), dtype=dtype)
    y[np.arange(len(index)), index] = 1
    return y
