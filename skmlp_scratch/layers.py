r"""Layers: each is a function of its parameters and inputs that returns its outputs and its own backward.

A layer is a frozen description: sizes, but no arrays. ``forward(params, X, rng)`` computes the outputs Y and hands back
``backward(delta, grads)``. Given ``delta = dL/dY``, that fills ``grads`` with the gradients of the layer's own
parameters and returns ``dL/dX``, the next layer's delta: this is all of backpropagation. ``predict(params, X)`` is the
same function at inference; there is no flag that could be set wrongly.

Row vectors: one row per sample, ``Z = X @ W + b`` with W of shape (n_in, n_out).

Examples
--------
>>> import numpy as np
>>> from skmlp_scratch.layers import Dense
>>> dense = Dense(2, 1)
>>> params = {"W": np.array([[1.0], [2.0]]), "b": np.array([0.5])}
>>> Y, backward = dense.forward(params, np.array([[3.0, 4.0]]), rng=None)
>>> Y
array([[11.5]])
>>> grads = {"W": np.empty((2, 1)), "b": np.empty(1)}
>>> backward(np.array([[1.0]]), grads), grads["W"].ravel(), grads["b"]
(array([[1., 2.]]), array([3., 4.]), array([1.]))
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._checks import Checked
from ._registry import resolve
from .activations import ACTIVATIONS

NARROW = 16  # columns
EPSILON = 1e-5  # keeps a normalization's quotient finite, as in Ioffe & Szegedy 2015


class Layer(Checked):
    """Base class of the layers; by itself the identity.

    Attributes
    ----------
    shapes : dict of str to tuple
        Shapes of the trainable arrays.
    penalized : tuple of str
        Names of the arrays that the penalty shrinks.
    rates : dict of str to float
        Factors on the learning rate of arrays that learn faster or slower than the rest.
    statistics : dict of str to tuple
        Shapes of arrays that are measured, not trained.
    stochastic : bool
        Whether ``forward`` draws from ``rng``.
    rowwise : bool
        Whether a row's output depends on that row alone.
    owns_output : bool
        Whether the next layer may overwrite this one's output.
    overwrites_input : bool
        Whether this layer overwrites its input; the network then copies what is still needed.
    n_in, n_out : int
        Widths; a layer without them takes any and keeps it.
    """

    shapes: ClassVar[dict] = {}
    penalized: ClassVar[tuple] = ("W",)
    rates: ClassVar[dict] = {}
    statistics: ClassVar[dict] = {}
    stochastic: ClassVar[bool] = False
    rowwise: ClassVar[bool] = True
    owns_output: ClassVar[bool] = False
    overwrites_input: ClassVar[bool] = False

    def __post_init__(self):
        self.check()

    def init(self, rng: np.random.RandomState, initializer: Callable) -> dict:
        """Draw the initial arrays.

        Parameters
        ----------
        rng : numpy.random.RandomState
            Source of randomness.
        initializer : callable
            ``(rng, n_in, n_out) -> (W, b)``.

        Returns
        -------
        arrays : dict of str to ndarray
        """
        return {}

    def forward(self, params: dict, X: Any, rng: Any) -> tuple[NDArray, Callable]:
        """Compute the outputs in training.

        Parameters
        ----------
        params : dict of str to ndarray
            The layer's arrays.
        X : ndarray of shape (n_samples, n_in)
            Inputs.
        rng : numpy.random.RandomState or None
            Random numbers for stochastic layers.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_out)
            Outputs.
        backward : callable
            ``backward(delta, grads, need_dX=True) -> dX``; fills ``grads`` in place. The first layer of a network is
            asked with ``need_dX=False``, and may then return None.
        """
        return self.predict(params, X), lambda delta, grads, need_dX=True: delta

    def predict(self, params: dict, X: Any) -> NDArray:
        """Compute the outputs at inference; as for :meth:`forward`."""
        return X


@dataclass(frozen=True)
class Dense(Layer):
    r"""All inputs to all outputs: :math:`Z = X W + b`.

    .. math:: dL/dW = X^T \Delta, \quad dL/db = \sum_i \Delta_i, \quad dL/dX = \Delta W^T

    The first is the multiply gate, which hands each factor the other one times what arrives; the second is the add
    gate, which hands on what arrives, summed where b was spread over the rows (Bishop 2006, section 5.3).

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    bias : bool, default=True
        Whether b is added.

    Examples
    --------
    >>> Dense(2, 3).shapes
    {'W': (2, 3), 'b': (3,)}
    """

    n_in: int
    n_out: int
    bias: bool = True
    owns_output: ClassVar[bool] = True
    bounds: ClassVar[dict] = {"n_in": "int [1, inf)", "n_out": "int [1, inf)", "bias": "bool"}

    @property
    def shapes(self) -> dict:
        """Shapes of W and, with bias, b."""
        return {"W": (self.n_in, self.n_out)} | ({"b": (self.n_out,)} if self.bias else {})

    def init(self, rng: np.random.RandomState, initializer: Callable) -> dict:
        """Draw W and b; as for :meth:`Layer.init`."""
        arrays = initializer(rng, self.n_in, self.n_out)
        if not (isinstance(arrays, (tuple, list)) and len(arrays) == 2):
            raise ValueError(f"init must return (W, b), of shapes {(self.n_in, self.n_out)} and {(self.n_out,)}.")
        return {"W": arrays[0], "b": arrays[1]}

    def forward(self, params: dict, X: Any, rng: Any) -> tuple[NDArray, Callable]:
        """As :meth:`Layer.forward`; X may be a sparse matrix."""

        def backward(delta, grads, need_dX=True):
            if sparse.issparse(X):
                grads["W"][...] = X.T @ delta
            else:
                np.dot(X.T, delta, out=grads["W"])
            if self.bias:
                np.add.reduce(delta, axis=0, out=grads["b"])
            if need_dX:
                return _product(delta, params["W"].T)
            return None

        return self.predict(params, X), backward

    def predict(self, params: dict, X: Any) -> NDArray:
        """As :meth:`Layer.predict`; X may be a sparse matrix."""
        Z = X @ params["W"] if sparse.issparse(X) else _product(X, params["W"])
        if self.bias:
            Z += params["b"]
        return Z


def _product(A, B):
    """Matrix product, in column order where it has few columns: sums over few outputs then run along memory."""
    return np.dot(B.T, A.T).T if B.shape[1] <= NARROW else np.dot(A, B)


@dataclass(frozen=True)
class Activation(Layer):
    """An activation function as a layer.

    Parameters
    ----------
    function : str or callable
        A name of ``ACTIVATIONS`` or a function ``z -> (a, backward)``.

    Examples
    --------
    >>> import numpy as np
    >>> Activation("relu").predict({}, np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    """

    function: Any
    overwrites_input: ClassVar[bool] = True

    def __post_init__(self):
        found = resolve(ACTIVATIONS, self.function, "activation")
        if not callable(found):
            raise ValueError(f"activation={self.function!r} must be a name or a function z -> (a, backward).")
        object.__setattr__(self, "function", found)  # the function, so that two names of it are one layer

    def __repr__(self):
        names = [name for name, function in ACTIVATIONS.items() if function is self.function]
        return f"Activation({(names or [self.function])[0]!r})"

    def __getstate__(self):
        return {"function": self.function}  # whether it has been called leaves no trace

    @cached_property
    def _call(self):
        trusted = self.function in ACTIVATIONS.values()
        return self.function if trusted else partial(_call_custom, self.function)

    def forward(self, params: dict, X: Any, rng: Any) -> tuple[NDArray, Callable]:
        """As :meth:`Layer.forward`; X is overwritten."""
        a, backward = self._call(X)
        return a, lambda delta, grads, need_dX=True: backward(delta)

    def predict(self, params: dict, X: Any) -> NDArray:
        """As :meth:`Layer.predict`; X is overwritten."""
        return self._call(X)[0]


def _call_custom(function, z):
    """Call a user's activation, checking what it returns and casting back to the input's dtype."""
    result = function(z)
    if not (isinstance(result, (tuple, list)) and len(result) == 2 and callable(result[1])):
        raise ValueError(f"activation={function!r} must return (a, backward): the value and a function of delta.")
    a, backward = result
    return np.asarray(a, dtype=z.dtype), lambda delta: np.asarray(backward(delta), dtype=delta.dtype)


@dataclass(frozen=True)
class Scale(Layer):
    r"""One trained factor per input, starting at 1: :math:`Y_{ij} = s_j X_{ij}`.

    .. math:: dL/ds_j = \sum_i \Delta_{ij} X_{ij}, \quad dL/dX_{ij} = s_j \Delta_{ij}

    Before the first dense layer it lets useless inputs fade quickly; there it can do with a higher learning rate than
    the weights. The penalty does not act on it.

    Parameters
    ----------
    n : int
        Width.
    rate : float, default=1.0
        Factor on the learning rate of the factors, above 0.

    Examples
    --------
    >>> import numpy as np
    >>> Scale(2).predict({"scale": np.array([1.0, 0.5])}, np.array([[3.0, 4.0]]))
    array([[3., 2.]])
    """

    n: int
    rate: float = 1.0
    owns_output: ClassVar[bool] = True
    bounds: ClassVar[dict] = {"n": "int [1, inf)", "rate": "(0, inf)"}

    @property
    def n_in(self) -> int:
        """Width of the input."""
        return self.n

    @property
    def n_out(self) -> int:
        """Width of the output."""
        return self.n

    @property
    def shapes(self) -> dict:
        """Shape of the factors."""
        return {"scale": (self.n,)}

    @property
    def rates(self) -> dict:
        """Factor on the learning rate of the factors."""
        return {"scale": float(self.rate)}

    def init(self, rng: np.random.RandomState, initializer: Callable) -> dict:
        """Start at 1; as for :meth:`Layer.init`."""
        return {"scale": np.ones(self.n)}

    def forward(self, params: dict, X: Any, rng: Any) -> tuple[NDArray, Callable]:
        """As :meth:`Layer.forward`; X may be a sparse matrix."""

        def backward(delta, grads, need_dX=True):
            product = X.multiply(delta) if sparse.issparse(X) else delta * X
            grads["scale"][...] = np.ravel(product.sum(axis=0))
            return delta * params["scale"] if need_dX else None

        return self.predict(params, X), backward

    def predict(self, params: dict, X: Any) -> NDArray:
        """As :meth:`Layer.predict`; X may be a sparse matrix."""
        if sparse.issparse(X):
            return type(X)((X.data * params["scale"][X.indices], X.indices, X.indptr), shape=X.shape)
        return X * params["scale"]


@dataclass(frozen=True)
class Dropout(Layer):
    r"""Drop each input with probability p in training: :math:`Y = X \odot M / (1 - p)`.

    M is 0 with probability p, else 1. Scaling in training keeps the expectation, so prediction needs nothing
    (Srivastava et al. 2014, section 10, "inverted").

    Parameters
    ----------
    p : float
        Drop probability, in [0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> Dropout(0.5).forward({}, np.ones((1, 4)), np.random.RandomState(0))[0]
    array([[2., 2., 2., 2.]])
    """

    p: float
    stochastic: ClassVar[bool] = True
    bounds: ClassVar[dict] = {"p": "[0, 1)"}

    def forward(self, params: dict, X: Any, rng: Any) -> tuple[Any, Callable | None]:
        """As :meth:`Layer.forward`; of a sparse X only the stored values are drawn for."""
        values = X.data if sparse.issparse(X) else X
        # The same number each call at p = 0, too, so that p never changes what else is drawn.
        mask = (rng.random_sample(values.shape) >= self.p).astype(values.dtype)
        mask /= 1 - float(self.p)
        if sparse.issparse(X):
            return type(X)((X.data * mask, X.indices, X.indptr), shape=X.shape), None
        return X * mask, lambda delta, grads, need_dX=True: delta * mask


@dataclass(frozen=True)
class BatchNorm(Layer):
    r"""Normalize each feature over the batch, then scale and shift.

    .. math:: \hat X = (X - \mu) / \sqrt{\sigma^2 + \epsilon}, \quad Y = \gamma \hat X + \beta

    with mean :math:`\mu` and variance :math:`\sigma^2` over the rows of the batch. Since both depend on every row, so
    does the gradient: :math:`dL/dX = (D - \bar D - \hat X\, \overline{D \hat X}) / \sqrt{\sigma^2 + \epsilon}` with
    :math:`D = \gamma\, dL/dY` and bars for means over the batch. Prediction uses the mean and variance over the
    whole training set, from an explicit pass (``Network.calibrate``). Sample weights weigh the loss, not these
    statistics.

    Parameters
    ----------
    n : int
        Width.

    References
    ----------
    Ioffe & Szegedy 2015, "Batch normalization", algorithms 1 and 2. Running averages are replaced by the explicit
    pass, as in their algorithm 2, line 10.

    Examples
    --------
    >>> import numpy as np
    >>> params = {"gamma": np.ones(1), "beta": np.zeros(1)}
    >>> BatchNorm(1).forward(params, np.array([[1.0], [3.0]]), None)[0].round(3)
    array([[-1.],
           [ 1.]])
    """

    n: int
    rowwise: ClassVar[bool] = False
    owns_output: ClassVar[bool] = True
    bounds: ClassVar[dict] = {"n": "int [1, inf)"}

    @property
    def n_in(self) -> int:
        """Width of the input."""
        return self.n

    @property
    def n_out(self) -> int:
        """Width of the output."""
        return self.n

    @property
    def shapes(self) -> dict:
        """Shapes of scale and shift."""
        return {"gamma": (self.n,), "beta": (self.n,)}

    @property
    def statistics(self) -> dict:
        """Shapes of the population's mean and variance."""
        return {"mean": (self.n,), "var": (self.n,)}

    def init(self, rng: np.random.RandomState, initializer: Callable) -> dict:
        """Start as the plain normalization; as for :meth:`Layer.init`."""
        one, zero = np.ones(self.n), np.zeros(self.n)
        return {"gamma": one, "beta": zero, "mean": zero, "var": one}

    def forward(self, params: dict, X: Any, rng: Any) -> tuple[NDArray, Callable]:
        """As :meth:`Layer.forward`."""
        return _normalize(params, X, stats_axis=0)

    def predict(self, params: dict, X: Any) -> NDArray:
        """As :meth:`Layer.predict`, with the population's statistics."""
        scale = params["gamma"] / np.sqrt(params["var"] + X.dtype.type(EPSILON))
        return (X - params["mean"]) * scale + params["beta"]

    def calibrate(self, params: dict, chunks: Any, seen: int = 0) -> None:
        """Measure the population's mean and variance.

        Parameters
        ----------
        params : dict of str to ndarray
            The layer's arrays; ``mean`` and ``var`` are changed in place.
        chunks : iterable of ndarray of shape (n_rows, n)
            The layer's inputs.
        seen : int, default=0
            Number of earlier rows that ``mean`` and ``var`` stand for; the new rows are merged with them.

        Notes
        -----
        Chunks are merged by Chan, Golub & LeVeque 1979, equation 2.1, in float64.
        """
        parts = map(moments, chunks)
        if seen:
            before = seen, params["mean"].astype(np.float64), params["var"].astype(np.float64)
            parts = chain([before], parts)
        _, params["mean"][...], params["var"][...] = merge_moments(parts)


def moments(X):
    """Return number, mean and variance of the rows, in float64.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The rows.

    Returns
    -------
    count : int
    mean, var : ndarray of shape (n_features,)

    Examples
    --------
    >>> import numpy as np
    >>> moments(np.array([[1.0], [3.0]]))
    (2, array([2.]), array([1.]))
    """
    return len(X), X.mean(axis=0, dtype=np.float64), X.var(axis=0, dtype=np.float64)


def merge_moments(parts):
    """Merge the moments of parts into those of all rows.

    Parameters
    ----------
    parts : iterable of tuple
        Number, mean and variance of each part, as :func:`moments` returns them.

    Returns
    -------
    count : int
    mean, var : ndarray of shape (n_features,)

    References
    ----------
    Chan, Golub & LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample variances",
    equation 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> merge_moments([moments(np.array([[1.0]])), moments(np.array([[3.0]]))])
    (2, array([2.]), array([1.]))
    """
    count, mean, squares = 0, 0.0, 0.0
    for n, part_mean, part_var in parts:
        gap = part_mean - mean
        mean = mean + gap * (n / (count + n))
        squares = squares + part_var * n + gap * gap * (count * n / (count + n))
        count += n
    return count, mean, squares / count


@dataclass(frozen=True)
class LayerNorm(Layer):
    r"""Normalize each row over its features, then scale and shift (Ba, Kiros & Hinton 2016).

    As :class:`BatchNorm` with means over the features of one row; training and prediction are the same.

    Parameters
    ----------
    n : int
        Width.

    Examples
    --------
    >>> import numpy as np
    >>> params = {"gamma": np.ones(2), "beta": np.zeros(2)}
    >>> LayerNorm(2).predict(params, np.array([[1.0, 3.0]])).round(3)
    array([[-1.,  1.]])
    """

    n: int
    owns_output: ClassVar[bool] = True
    bounds: ClassVar[dict] = {"n": "int [1, inf)"}

    @property
    def n_in(self) -> int:
        """Width of the input."""
        return self.n

    @property
    def n_out(self) -> int:
        """Width of the output."""
        return self.n

    @property
    def shapes(self) -> dict:
        """Shapes of scale and shift."""
        return {"gamma": (self.n,), "beta": (self.n,)}

    def init(self, rng: np.random.RandomState, initializer: Callable) -> dict:
        """Start as the plain normalization; as for :meth:`Layer.init`."""
        return {"gamma": np.ones(self.n), "beta": np.zeros(self.n)}

    def forward(self, params: dict, X: Any, rng: Any) -> tuple[NDArray, Callable]:
        """As :meth:`Layer.forward`."""
        return _normalize(params, X, stats_axis=1)

    def predict(self, params: dict, X: Any) -> NDArray:
        """As :meth:`Layer.predict`."""
        return self.forward(params, X, None)[0]


def _normalize(params, X, stats_axis):
    """Batch (axis 0) and layer (axis 1) normalization with their backward."""
    centered = X - X.mean(axis=stats_axis, keepdims=True)
    inverse = 1 / np.sqrt((centered * centered).mean(axis=stats_axis, keepdims=True) + X.dtype.type(EPSILON))
    normal = centered * inverse

    def backward(delta, grads, need_dX=True):
        grads["gamma"][...] = (delta * normal).sum(axis=0)
        grads["beta"][...] = delta.sum(axis=0)
        if not need_dX:
            return None
        D = delta * params["gamma"]
        pull = normal * (D * normal).mean(axis=stats_axis, keepdims=True)
        return (D - D.mean(axis=stats_axis, keepdims=True) - pull) * inverse

    return normal * params["gamma"] + params["beta"], backward
