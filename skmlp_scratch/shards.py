r"""Shards: the objective of rows that lie in several places, or pass by one after the other.

Loss and gradient are sums over rows, so each shard gives its own, and they are added in the order of the shards,
wherever and in whatever order they are computed. The penalty is added once, to the total:

.. math:: f(p) = \frac{1}{\sum_s w_s} \Big( \sum_s \mathrm{sums}_s(p) + \mathrm{penalty}(p) \Big)

Batch normalization is the one layer whose rows look at each other: each shard normalizes by its own rows, and the
population statistics are those of all shards.

Examples
--------
>>> import numpy as np
>>> from skmlp_scratch.layers import Dense
>>> from skmlp_scratch.network import Network
>>> net = Network([Dense(1, 1)])
>>> chunks = [(np.array([[1.0]]), np.array([1.0])), (np.array([[2.0]]), np.array([2.0]))]
>>> objective = StreamedObjective(net, "squared_error", lambda: iter(chunks), [(1, 1.0), (1, 1.0)])
>>> objective.loss_and_grad(np.zeros(2))
(1.25, array([-2.5, -1.5]))
"""

import copy

import numpy as np
from scipy import sparse

from .layers import BatchNorm, merge_moments, moments
from .losses import as_loss
from .objective import Objective
from .penalties import ElasticNet

SEEDS = 2**31 - 1


class Shard:
    """A part of a training set, and what is asked of it; it is never changed, so that several may ask at a time.

    Parameters
    ----------
    network : Network
        Description of the network.
    loss : str or Loss
        As :class:`Objective` takes it.
    X, y, sample_weight
        Its rows, likewise.

    Attributes
    ----------
    size : (int, float)
        Number of its rows, and sum of their weights.

    Examples
    --------
    >>> from skmlp_scratch.layers import Dense
    >>> from skmlp_scratch.network import Network
    >>> Shard(Network([Dense(1, 1)]), "squared_error", np.ones((3, 1)), np.ones(3)).sums(np.zeros(2))
    (1.5, array([-3., -3.]))
    """

    def __init__(self, network, loss, X, y, sample_weight=None):
        self._objective = Objective(network, loss, *map(_aligned, (X, y, sample_weight)))
        self.dtype = self._objective.dtype
        weight = len(self._objective.y) if sample_weight is None else np.sum(sample_weight, dtype=np.float64)
        self.size = self._objective.n_samples, float(weight)

    def sums(self, params, rows=None, seed=None, scale=1.0):
        """Sum the loss and its gradient over rows, without penalty; as :meth:`Objective.sums`.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector.
        rows : slice, ndarray of int or None, default=None
            Some of the shard's rows; None takes all.
        seed : int or None, default=None
            Random numbers for dropout.
        scale : float, default=1.0
            Factor of each row's loss.

        Returns
        -------
        value : float
        grad : ndarray of shape (n_params,)
        """
        rng = None if seed is None else np.random.RandomState(seed)
        return self._own_objective().sums(params, rows, rng, scale)[:2]

    def value(self, params):
        """Return the weighted sum of the losses at inference, without penalty.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector.

        Returns
        -------
        value : float
        """
        return self._own_objective().data_value(params) * self.size[1]

    def value_of_raw(self, params, raw, step):
        """Return the weighted sum of the losses of one raw prediction for every row alike.

        Parameters
        ----------
        params : None
            Not needed.
        raw : ndarray of shape (1, n_out)
            Raw prediction.
        step : int or None
            Each step-th row stands for all of them; None takes all.

        Returns
        -------
        value : float
        """
        return self._own_objective().value_of_raw(raw, slice(None, None, step)) * self.size[1]

    def moments(self, params, i):
        """Measure the inputs of a layer.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector.
        i : int
            Number of the layer.

        Returns
        -------
        count : int
        mean, var : ndarray of shape (n,)
        """
        network, X = self._objective.network, self._objective.X
        inputs = (network.predict(params, X[rows], stop=i) for rows in network.chunks(X.shape[0]))
        return merge_moments(map(moments, inputs))

    def _own_objective(self):
        """An objective with buffers of its own: a late evaluation may run beside the one that replaced it."""
        return copy.copy(self._objective)

    def __reduce__(self):
        kept = self._objective
        return Shard, (kept.network, kept.loss, kept.X, kept.y, kept.sample_weight)

    def __sizeof__(self):
        X = self._objective.X  # what a scheduler weighs before it moves a shard
        return (X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes) + self._objective.y.nbytes


def _aligned(data):
    """Return data whose numbers lie where the compiled kernels read them: what came by a network may lie anywhere."""
    if sparse.issparse(data):
        data = data.tocsr()
        arrays = tuple(map(_aligned, (data.data, data.indices, data.indptr)))
        return type(data)(arrays, shape=data.shape)
    return np.require(data, requirements="A") if isinstance(data, np.ndarray) else data


class ShardedObjective:
    """What an :class:`Objective` offers to solvers and estimators, over shards.

    A subclass says in ``_map`` how a method is called on every shard.

    Parameters
    ----------
    network : Network
        Description of the network.
    loss : str or Loss
        As :class:`Objective` takes it.
    sizes : list of (int, float)
        Number of rows of each shard, and the sum of their weights.
    dtype : dtype, default=numpy.float64
        Precision of the inputs.
    alpha : float, default=0.0
        Penalty strength.
    l1_ratio : float, default=0.0
        Share of L1 in the penalty, in [0, 1].
    """

    def __init__(self, network, loss, sizes, dtype=np.float64, alpha=0.0, l1_ratio=0.0):
        self.network, self.loss, self.dtype = network, as_loss(loss, network.n_out), np.dtype(dtype)
        self.penalty = ElasticNet(alpha, l1_ratio)
        counts, weights = zip(*sizes, strict=True)
        self.starts = np.cumsum([0, *counts])
        self.n_samples, self._weight_sum = int(self.starts[-1]), float(sum(weights))
        self.is_stochastic, self.rate_factors = network.is_stochastic, network.rate_factors
        self.weight_slice = network.weight_slice
        self.l1_slice = network.weight_slice if self.penalty.l1 else None

    @property
    def kinked(self):
        """Whether the penalty has a kink at zero (L1)."""
        return self.l1_slice is not None

    def _map(self, method, params, *each):
        """Yield what a method of each shard returns, in order; ``each`` holds one list per further argument."""
        raise NotImplementedError

    def _sums(self, params, *each):
        """Yield sums of loss and gradient whose total is that of all shards."""
        return self._map("sums", params, *each)

    def loss_and_grad(self, params, rows=None, rng=None):
        """Evaluate the objective and its gradient; as :meth:`Objective.loss_and_grad`.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector.
        rows : slice, ndarray of int or None, default=None
            A minibatch, by the rows' numbers in all shards one after the other; None takes all rows.
        rng : numpy.random.RandomState or None, default=None
            Random numbers for dropout: one seed per shard is drawn from it.

        Returns
        -------
        loss : float
        grad : ndarray of shape (n_params,)
        """
        parts = [None] * (len(self.starts) - 1) if rows is None else self._split(rows)
        n_rows = self.n_samples if rows is None else sum(map(len, parts))
        seeds = rng.randint(SEEDS, size=len(parts)).tolist() if self.is_stochastic else [None] * len(parts)
        scale = self.n_samples / (n_rows * self._weight_sum)
        value, grad = 0.0, np.zeros(self.network.size, dtype=params.dtype)
        for part_value, part_grad in self._sums(params, parts, seeds, [scale] * len(parts)):
            value += part_value
            grad += part_grad
        return self._with_penalty(value, grad, params), grad

    def _with_penalty(self, value, grad, params):
        return value + self.penalty.add_to(params[self.weight_slice], grad[self.weight_slice], 1 / self._weight_sum)

    def _split(self, rows):
        """Rows of each shard, by their numbers within it."""
        if not self.network.is_rowwise:
            raise ValueError(
                "normalization='batch' needs a minibatch in one place, and here it comes from every shard: use a "
                "full-batch solver ('gd', 'lbfgs'), or normalization='layer'."
            )
        rows = np.arange(*rows.indices(self.n_samples)) if isinstance(rows, slice) else np.asarray(rows)
        if not len(rows) or rows.min() < 0 or rows.max() >= self.n_samples:
            raise IndexError(f"rows must be numbers from 0 to {self.n_samples - 1}, at least one.")
        shard = np.searchsorted(self.starts, rows, side="right") - 1
        return [rows[shard == k] - start for k, start in enumerate(self.starts[:-1])]

    def value(self, params):
        """Evaluate the objective at inference; as :meth:`Objective.value`.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector.

        Returns
        -------
        loss : float
        """
        return self.data_value(params) + self.penalty.value(params[self.weight_slice], 1 / self._weight_sum)

    def data_value(self, params):
        """Evaluate the mean loss at inference, without penalty; as for :meth:`value`."""
        return float(sum(self._map("value", params))) / self._weight_sum

    def value_of_raw(self, raw, rows=None):
        """Evaluate the mean loss of one raw prediction for every row alike, without penalty.

        Parameters
        ----------
        raw : ndarray of shape (1, n_out)
            Raw prediction.
        rows : slice or None, default=None
            Its step says which rows of each shard stand for all of them; None takes all.

        Returns
        -------
        loss : float
        """
        n_shards = len(self.starts) - 1
        step = None if rows is None else rows.step
        return float(sum(self._map("value_of_raw", None, [raw] * n_shards, [step] * n_shards))) / self._weight_sum

    def calibrate(self, params, seen=0):
        """Measure the population statistics of batch normalization over all shards; as :meth:`Objective.calibrate`.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector; its statistics are changed.
        seen : int, default=0
            Number of earlier rows that the statistics stand for, with which these are merged.
        """
        views = self.network.unflatten(params)

        def measure(i):
            if not isinstance(self.network.layers[i], BatchNorm):
                raise ValueError(f"the statistics of {self.network.layers[i]} cannot be merged over shards.")
            arrays = views[i]
            before = [(seen, arrays["mean"].astype(np.float64), arrays["var"].astype(np.float64))] if seen else []
            parts = self._map("moments", params, [i] * (len(self.starts) - 1))
            _, arrays["mean"][...], arrays["var"][...] = merge_moments([*before, *parts])

        self.network.calibrate_by(measure, params)


class StreamedObjective(ShardedObjective):
    """The objective of chunks that are read anew in each pass: memory holds two of them at most.

    Parameters
    ----------
    network, loss
        As for :class:`ShardedObjective`.
    open_chunks : callable
        Opens a pass: returns an iterator of ``(X, y)`` or ``(X, y, sample_weight)``, always the same.
    sizes, dtype, alpha, l1_ratio
        As for :class:`ShardedObjective`.
    """

    def __init__(self, network, loss, open_chunks, sizes, dtype=np.float64, alpha=0.0, l1_ratio=0.0):
        super().__init__(network, loss, sizes, dtype, alpha, l1_ratio)
        self.open_chunks, self._current = open_chunks, None

    def _map(self, method, params, *each):
        for k, chunk in enumerate(self.open_chunks()):
            yield getattr(Shard(self.network, self.loss, *chunk), method)(params, *(values[k] for values in each))

    def batches(self, batch_size, rng):
        """Yield minibatches of one chunk after the other, so that the rest need not be there.

        Parameters
        ----------
        batch_size : int
            Number of rows per step; what is left of a chunk is a smaller step.
        rng : numpy.random.RandomState or None
            Shuffles the rows of each chunk.

        Yields
        ------
        rows : ndarray of int
            Rows of the current chunk.
        n_rows : int
        """
        for chunk in self.open_chunks():
            self._current = Objective(self.network, self.loss, *chunk)
            n = self._current.n_samples
            order = np.arange(n) if rng is None else rng.permutation(n)
            for start in range(0, n, batch_size):
                rows = order[start : start + batch_size]
                yield rows, len(rows)

    def loss_and_grad(self, params, rows=None, rng=None):
        """Evaluate the objective on all chunks, or on rows that :meth:`batches` has just given.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector.
        rows : ndarray of int or None, default=None
            A minibatch of the current chunk; None takes all rows of all chunks.
        rng : numpy.random.RandomState or None, default=None
            Random numbers for dropout.

        Returns
        -------
        loss : float
        grad : ndarray of shape (n_params,)
            A buffer that the next call overwrites: copy it to keep it.
        """
        if rows is None:
            return super().loss_and_grad(params, rng=rng)
        value, grad, _ = self._current.sums(params, rows, rng, self.n_samples / (len(rows) * self._weight_sum))
        return self._with_penalty(value, grad, params), grad
