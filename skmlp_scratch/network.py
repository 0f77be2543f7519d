r"""Network: a chain of layers, and the layout of all their arrays in one flat vector.

Forward runs the layers in order and collects their backwards; backward runs those in reverse order. Everything
trainable is one vector, so an optimizer sees one array and scipy sees what it expects: all weights W first (one
contiguous slice for the penalty), then everything else in layer order, measured statistics last.

A network is a pure description: no arrays, so it can be pickled and shared between threads.

Examples
--------
>>> import numpy as np
>>> from skmlp_scratch.layers import Activation, Dense
>>> from skmlp_scratch.network import Network
>>> net = Network([Dense(2, 3), Activation("tanh"), Dense(3, 2)])
>>> params = net.init(np.random.RandomState(0))
>>> net.size, net.weight_slice, net.predict(params, np.ones((5, 2))).shape
(17, slice(0, 12, None), (5, 2))
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _engine
from ._checks import quiet
from ._parallel import map_threads, thread_count
from ._registry import resolve
from .initializers import INITIALIZERS

# Hidden values of one row chunk: about 2 600 rows of 100 units, which fit the second cache level.
CHUNK_VALUES = 2**18


class Network:
    """A chain of layers over one flat parameter vector.

    Parameters
    ----------
    layers : sequence of Layer
        In the order of the forward pass.

    Attributes
    ----------
    layers : tuple of Layer
    size : int
        Length of the flat vector.
    weight_slice : slice
        The weights, which the penalty shrinks.
    rate_factors : list of (slice, float)
        Parts of the vector that learn faster or slower than the rest, and by which factor.
    n_in, n_out : int
        Widths of input and output.
    is_stochastic : bool
        Whether ``forward`` draws random numbers (dropout).
    is_rowwise : bool
        Whether a row's output depends on that row alone (not with batch normalization).
    has_statistics : bool
        Whether ``calibrate`` has something to measure.
    chunk_rows : int
        Number of rows that fit the cache together.

    Raises
    ------
    ValueError
        If the widths of neighbouring layers do not fit, or no layer has parameters.
    """

    def __init__(self, layers):
        self.layers = tuple(layers)
        widths = _check_widths(self.layers)
        self.n_in, self.n_out = widths[0], widths[-1]
        self._layout, self.size, self.weight_slice = _lay_out(self.layers)
        rates = ((slice(start, stop), self.layers[i].rates.get(name, 1.0)) for i, name, start, stop, _ in self._layout)
        self.rate_factors = [(part, rate) for part, rate in rates if rate != 1]
        # Below the first layer with parameters no gradient is needed.
        self._first = next(i for i, layer in enumerate(self.layers) if layer.shapes)
        # A layer that overwrites its input gets a copy of what another layer, or the caller, still needs.
        before = (None, *self.layers)
        self._steps = tuple(
            (layer, layer.overwrites_input and not getattr(previous, "owns_output", False))
            for previous, layer in zip(before, self.layers, strict=False)
        )
        self.is_stochastic = any(layer.stochastic for layer in self.layers)
        self.is_rowwise = all(layer.rowwise for layer in self.layers)
        self.has_statistics = any(layer.statistics for layer in self.layers)
        self.chunk_rows = max(256, CHUNK_VALUES // max(sum(widths[1:]), 1))

    def __eq__(self, other):
        return isinstance(other, Network) and self.layers == other.layers

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self):
        return f"Network({list(self.layers)!r})"

    def init(self, rng: np.random.RandomState, init: str | Callable = "auto", dtype: Any = np.float64) -> NDArray:
        """Draw an initial parameter vector.

        Parameters
        ----------
        rng : numpy.random.RandomState
            Source of randomness.
        init : str or callable, default="auto"
            A name of ``INITIALIZERS`` or a function ``(rng, n_in, n_out) -> (W, b)``. Where scikit-learn draws from a
            narrower range, that is where all activations are logistic, the function is ``initializers.auto_logistic``.
        dtype : dtype, default=numpy.float64
            Type of the vector. Numbers are drawn in float64 whatever it is.

        Returns
        -------
        params : ndarray of shape (size,)

        Raises
        ------
        ValueError
            If ``init`` is unknown or returns arrays of other shapes.
        """
        initializer = resolve(INITIALIZERS, init, "init")
        if not callable(initializer):
            raise ValueError(f"init={init!r} must be a name or a function (rng, n_in, n_out) -> (W, b).")
        params = np.zeros(self.size, dtype=dtype)
        for layer, views in zip(self.layers, self.unflatten(params), strict=True):
            arrays = layer.init(rng, initializer)
            for name, view in views.items():
                if np.shape(arrays[name]) != view.shape:
                    raise ValueError(f"init gave {name} of shape {np.shape(arrays[name])}, {layer} needs {view.shape}.")
                view[...] = arrays[name]
        return params

    def unflatten(self, params: NDArray | list[dict]) -> list[dict]:
        """Return one dict of views per layer; views passed in are returned unchanged.

        Parameters
        ----------
        params : ndarray of shape (size,), or list of dict
            The flat vector, or what this method made of it.

        Returns
        -------
        views : list of dict of str to ndarray
        """
        if isinstance(params, list):
            return params
        views = [{} for _ in self.layers]
        for i, name, start, stop, shape in self._layout:
            views[i][name] = params[start:stop].reshape(shape)
        return views

    def forward(
        self, params: NDArray | list[dict], X: Any, rng: np.random.RandomState | None = None
    ) -> tuple[NDArray, Callable]:
        """Run the layers in training.

        Parameters
        ----------
        params : ndarray of shape (size,), or list of dict
            The flat vector, or its views.
        X : {ndarray, sparse matrix} of shape (n_samples, n_in)
            Inputs; left as they are.
        rng : numpy.random.RandomState or None, default=None
            Random numbers for dropout.

        Returns
        -------
        raw : ndarray of shape (n_samples, n_out)
            Raw predictions.
        backward : callable
            ``backward(d_raw, grad)`` fills ``grad``, a flat vector or its views, with the gradient; it may overwrite
            d_raw.
        """
        backwards = []
        for (layer, copies), views in zip(self._steps, self.unflatten(params), strict=True):
            X, layer_backward = layer.forward(views, X.copy() if copies else X, rng)
            backwards.append(layer_backward)

        def backward(d_raw, grad):
            grads = self.unflatten(grad)
            for i in range(len(backwards) - 1, self._first - 1, -1):
                d_raw = backwards[i](d_raw, grads[i], i > self._first)

        return X, backward

    def predict(self, params: NDArray | list[dict], X: Any, stop: int | None = None) -> NDArray:
        """Run the layers at inference.

        Parameters
        ----------
        params : ndarray of shape (size,), or list of dict
            The flat vector, or its views.
        X : {ndarray, sparse matrix} of shape (n_samples, n_in)
            Inputs; left as they are.
        stop : int or None, default=None
            How many layers to run; None runs all.

        Returns
        -------
        raw : ndarray of shape (n_samples, n_out)
        """
        if stop is None and (raw := _engine.predict(self, params, X, thread_count)) is not None:
            return raw
        views = self.unflatten(params)
        if X.shape[0] <= self.chunk_rows:
            return self._apply(views, X, stop)
        # In chunks, as in training: memory does not grow with the number of rows.
        first = self._apply(views, X[:1], stop)
        out = np.empty((X.shape[0], first.shape[1]), dtype=first.dtype)

        def run(rows):
            out[rows] = self._apply(views, X[rows], stop)

        map_threads(run, self.chunks(X.shape[0]))
        return out

    def _apply(self, views, X, stop):
        """Run the first ``stop`` layers at inference, in one piece."""
        for (layer, copies), arrays in zip(self._steps[:stop], views[:stop], strict=True):
            X = layer.predict(arrays, X.copy() if copies else X)
        return X

    @quiet
    def calibrate(self, params: NDArray, X: Any, seen: int = 0) -> None:
        """Measure the population statistics of batch normalization over X, in place.

        One layer after the other, as each one's inputs depend on the statistics of those before it.

        Parameters
        ----------
        params : ndarray of shape (size,)
            The flat vector; its statistics are changed.
        X : {ndarray, sparse matrix} of shape (n_samples, n_in)
            The training set, or a further part of it.
        seen : int, default=0
            Number of earlier rows that the statistics stand for; X is merged with them by the number of rows.

        Raises
        ------
        ValueError
            If a statistic is not finite.
        """
        views = self.unflatten(params)

        def measure(i):
            chunks = (self._apply(views, X[rows], i) for rows in self.chunks(X.shape[0]))
            self.layers[i].calibrate(views[i], chunks, seen)

        self.calibrate_by(measure, params)

    def calibrate_by(self, measure, params):
        """Have the population statistics measured, one layer after the other, and check them.

        Parameters
        ----------
        measure : callable
            ``measure(i)`` sets the statistics of layer i in ``params``, from those of the layers before it.
        params : ndarray of shape (size,)
            The flat vector.

        Raises
        ------
        ValueError
            If a statistic is not finite.
        """
        views = self.unflatten(params)
        for i, layer in enumerate(self.layers):
            if not layer.statistics:
                continue
            measure(i)
            if not all(np.isfinite(views[i][name]).all() for name in layer.statistics):
                raise ValueError(
                    f"the statistics of {layer} are not finite in {views[i][next(iter(layer.statistics))].dtype}: X "
                    "holds numbers that are too large; scale X (StandardScaler)."
                )

    def chunks(self, n_samples: int) -> list[slice]:
        """Split the rows into slices of equal length that fit the cache, as few as possible.

        Parameters
        ----------
        n_samples : int
            Number of rows.

        Returns
        -------
        slices : list of slice
        """
        n_chunks = -(-n_samples // self.chunk_rows)
        return [slice(n_samples * k // n_chunks, n_samples * (k + 1) // n_chunks) for k in range(n_chunks)]


def _check_widths(layers):
    widths = []
    for layer in layers:
        if not hasattr(layer, "n_in"):
            continue
        if widths and widths[-1] != layer.n_in:
            raise ValueError(
                f"layers do not fit: {layer} takes {layer.n_in} inputs, the one before gives {widths[-1]}."
            )
        widths += [layer.n_out] if widths else [layer.n_in, layer.n_out]
    if not widths:
        raise ValueError("layers must hold at least one layer with parameters, such as Dense.")
    return widths


def _lay_out(layers):
    """Place every array: weights first, then the rest, then statistics; return places, size, weight slice."""
    weights, rest, measured = [], [], []
    for i, layer in enumerate(layers):
        for name, shape in layer.shapes.items():
            (weights if name in layer.penalized else rest).append((i, name, shape))
        measured += [(i, name, shape) for name, shape in layer.statistics.items()]
    layout, stop = [], 0
    for i, name, shape in weights + rest + measured:
        start, stop = stop, stop + math.prod(shape)
        layout.append((i, name, start, stop, shape))
    return layout, stop, slice(0, sum(math.prod(shape) for _, _, shape in weights))
