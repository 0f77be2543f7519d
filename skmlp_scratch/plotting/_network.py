"""A network as units and lines: what flows forward, and what comes back."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier

from .._types import Inputs
from ._base import Display, room, set_title, unwrap, wrap

# More names than this would overlap.
MAX_NAMED = 20
# Diameter in points.
LARGEST_UNIT = 24


class NetworkDisplay(Display):
    r"""A network with a line per weight and a circle per unit.

    Lines are colored by the weight (blue is negative, white zero, red positive) and are the thicker the larger it is;
    units are colored by their activation. A second panel shows the gradients on the way back: lines by that of the
    weight, units by that of the bias, which is the mean over the rows of :math:`\partial L / \partial z`. The picture
    is meant for networks of up to some dozens of units per layer; :class:`WeightsDisplay` draws larger ones.

    Parameters
    ----------
    weights : list of ndarray of shape (n_in, n_out)
        Weight matrices, one per layer.
    activations : list of ndarray of shape (n_units,), default=None
        Inputs, activations of the hidden layers, and outputs; None leaves the units white.
    weight_gradients : list of ndarray of shape (n_in, n_out), default=None
        Gradients of the weights; None leaves the second panel out.
    bias_gradients : list of ndarray of shape (n_out,), default=None
        Gradients of the biases, one array per layer; needed with ``weight_gradients``.
    input_names, output_names : sequence of str, default=None
        Names of the first and last layer's units.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of the weights and activations.
    axes_ : ndarray of matplotlib Axes
        That panel, and the one of the gradients if there are any.
    figure_ : matplotlib Figure
        The figure.
    lines_, gradient_lines_ : list of matplotlib LineCollection
        Lines, one collection per weight matrix, ordered as ``W.ravel()``; without gradients the second list is empty.
    units_, gradient_units_ : list of matplotlib PathCollection
        Units, one collection per layer, the inputs included; without gradients the second list is empty.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skmlp_scratch import ScratchMLPClassifier
    >>> from skmlp_scratch.plotting import NetworkDisplay
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> clf = ScratchMLPClassifier((3,), solver="lbfgs", alpha=0.1, tol=1e-2, random_state=0).fit(X, y)
    >>> display = NetworkDisplay.from_estimator(clf, X, y)
    >>> [len(lines.get_segments()) for lines in display.lines_]
    [6, 3]
    """

    def __init__(
        self,
        *,
        weights,
        activations=None,
        weight_gradients=None,
        bias_gradients=None,
        input_names=None,
        output_names=None,
    ):
        self.weights = weights
        self.activations = activations
        self.weight_gradients = weight_gradients
        self.bias_gradients = bias_gradients
        self.input_names = input_names
        self.output_names = output_names

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Inputs | None = None, y: ArrayLike | None = None, *, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Plot a fitted network.

        Parameters
        ----------
        estimator : estimator
            Fitted network; it may be the last step of a pipeline, the best of a search, or in a target transformer.
        X : array-like or dataframe of shape (n_samples, n_features), default=None
            Inputs of ``estimator``, one row or more; activations are means over the rows. None draws the weights alone.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets, with a row of each class. The gradients are those of the objective that ``fit`` minimizes, penalty
            included, without dropout. None leaves them out.
        ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : NetworkDisplay

        Raises
        ------
        NotFittedError
            If the network is not fitted.
        ValueError
            If y is given without X, lacks a class, or X is given for another package's network.
        """
        if y is not None and X is None:
            raise ValueError("y is given without X: gradients need both.")
        network, X, y = unwrap(estimator, X, y)
        shown = {"input_names": getattr(network, "feature_names_in_", None), "output_names": _output_names(network)}
        if X is not None:
            shown["activations"] = _activations(network, X)
        if y is not None:
            shown["weight_gradients"], shown["bias_gradients"] = _gradients(network, X, y)
        return cls(weights=list(network.coefs_), **shown).plot(ax, **kwargs)

    @classmethod
    def from_trace(cls, trace: Any, *, ax: Any = None, **kwargs: Any) -> Self:
        """Plot one training step: the weights before it, what flowed forward, and what came back.

        Parameters
        ----------
        trace : Trace
            What :func:`skmlp_scratch.inspection.trace` returned, of a network whose weights form a chain of layers;
            activations are means over its rows.
        ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : NetworkDisplay

        Examples
        --------
        >>> import numpy as np
        >>> from skmlp_scratch.inspection import trace
        >>> from skmlp_scratch.layers import Activation, Dense
        >>> from skmlp_scratch.network import Network
        >>> from skmlp_scratch.plotting import NetworkDisplay
        >>> net = Network([Dense(2, 3), Activation("tanh"), Dense(3, 1)])
        >>> params = net.init(np.random.RandomState(0))
        >>> step = trace(net, [[1.0, 2.0]], [0.5], params=params, loss="squared_error", learning_rate=0.1)
        >>> [ax.get_title() for ax in NetworkDisplay.from_trace(step).axes_]
        ['weights and activations', 'gradients on the way back']
        """
        forward = [A.mean(axis=0) for A in trace.A]
        # A layer without a bias has the gradient that a bias would have.
        biases = [delta.sum(axis=0) for delta in trace.delta]
        return cls(weights=trace.W, activations=forward, weight_gradients=trace.dW, bias_gradients=biases).plot(
            ax, **kwargs
        )

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the network, and its gradients if there are any.

        Parameters
        ----------
        ax : matplotlib Axes or pair of them, default=None
            Axes to draw in, one per panel; a single one shows the network without gradients. None makes a figure.
        **kwargs : dict
            Properties of the units, matplotlib's ``PathCollection``, such as ``cmap`` or ``linewidths``.

        Returns
        -------
        self : NetworkDisplay
        """
        n_panels = 1 if self.weight_gradients is None else 2
        sizes = [len(self.weights[0]), *(W.shape[1] for W in self.weights)]
        n_named = sum(names is not None for names in (self.input_names, self.output_names))
        size = (max(5, 1.7 * len(sizes)) + n_named, min(max(3, 0.4 * max(sizes)), 9))
        self._open(ax, n_panels, n_panels, size, optional=True)
        self._draw_forward(self.ax_, sizes)
        self.gradient_lines_, self.gradient_units_ = [], []
        for panel in self.axes_[1:]:
            self._draw_backward(panel, sizes)
        for units in self.units_ + self.gradient_units_:
            units.set(**kwargs)
        for panel in self.axes_:
            self._label(panel)
        return self

    def _draw_forward(self, panel, sizes):
        self.lines_ = _connect(panel, self.weights, _largest(self.weights))
        self.figure_.colorbar(self.lines_[0], ax=panel, label="weight")
        if self.activations is None:
            self.units_ = _place(panel, sizes, [None] * len(sizes))
            set_title(panel, "weights")
            return
        everything = np.concatenate(self.activations)
        scale = {"cmap": "viridis", "vmin": everything.min(), "vmax": everything.max()}
        self.units_ = _place(panel, sizes, self.activations, **scale)
        self.figure_.colorbar(self.units_[0], ax=panel, label="activation")
        set_title(panel, "weights and activations")

    def _draw_backward(self, panel, sizes):
        largest = _largest([*self.weight_gradients, *self.bias_gradients])
        scale = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        self.gradient_lines_ = _connect(panel, self.weight_gradients, largest)
        self.gradient_units_ = _place(panel, sizes, [None, *self.bias_gradients], **scale)
        self.figure_.colorbar(self.gradient_lines_[0], ax=panel, label="gradient")
        set_title(panel, "gradients on the way back")

    def _label(self, panel):
        n_hidden = len(self.weights) - 1
        hidden = ["hidden"] if n_hidden == 1 else [f"hidden {i + 1}" for i in range(n_hidden)]
        panel.set_xticks(range(n_hidden + 2), ["input", *hidden, "output"])
        panel.set(ylim=(0, 1), frame_on=False)
        panel.tick_params(length=0)
        inputs, outputs = _fitting(self.input_names), _fitting(self.output_names)
        panel.set_yticks(_heights(len(inputs)), inputs, fontsize="small")
        right = n_hidden + 1.3
        if outputs:
            # Inside the panel, as beside it there are the color bars.
            longest = max(len(line) for name in outputs for line in name.split("\n"))
            share = min(longest / room(panel.bbox.width, self.figure_), 0.5)
            right += (right + 0.3) * share / (1 - share)
        panel.set_xlim(-0.3, right)
        for height, name in zip(_heights(len(outputs)), outputs, strict=True):
            beside = {"xytext": (0.7 * LARGEST_UNIT, 0), "textcoords": "offset points", "va": "center"}
            panel.annotate(name, (n_hidden + 1, height), **beside, fontsize="small")


def _fitting(names):
    """Return the names in short lines, or none of them where they would overlap."""
    return [] if names is None or len(names) > MAX_NAMED else [wrap(name, 20, 2) for name in names]


def _heights(n):
    """Return where the units of a layer stand, the first at the top."""
    return 1 - (np.arange(n) + 0.5) / max(n, 1)


def _largest(arrays):
    return max(np.abs(array).max() for array in arrays) or 1.0


def _connect(panel, matrices, largest):
    """Draw a line per entry."""
    from matplotlib.collections import LineCollection

    drawn = []
    for layer, W in enumerate(matrices):
        starts, ends = np.meshgrid(*map(_heights, W.shape), indexing="ij")
        left, right = np.full(W.size, layer), np.full(W.size, layer + 1)
        segments = np.stack([np.column_stack([left, starts.ravel()]), np.column_stack([right, ends.ravel()])], axis=1)
        widths = 0.5 + 3 * np.abs(W.ravel()) / largest
        lines = LineCollection(segments, array=W.ravel(), linewidths=widths, cmap="RdBu_r", zorder=1)
        lines.set_clim(-largest, largest)
        drawn.append(panel.add_collection(lines))
    return drawn


def _place(panel, sizes, values, **scale):
    """Draw a circle per unit, colored by the values of its layer, or white where there are none."""
    height = panel.bbox.height * 72 / panel.figure.dpi
    style = {"s": min(LARGEST_UNIT, 0.6 * height / max(sizes)) ** 2, "edgecolors": "black", "zorder": 2}
    colors = [{"color": "white"} if value is None else {"c": value, **scale} for value in values]
    return [
        panel.scatter(np.full(n, layer), _heights(n), **style, **color)
        for layer, (n, color) in enumerate(zip(sizes, colors, strict=True))
    ]


def _output_names(network):
    """Return the classes whose probabilities the output units are; None for numbers."""
    classes = getattr(network, "classes_", None)
    if classes is None:
        return None
    return [f"class {label}" for label in (classes if len(classes) == network.n_outputs_ else classes[-1:])]


def _activations(network, X):
    """Return the inputs, hidden activations and outputs, as means over the rows."""
    if not hasattr(network, "hidden_activations"):
        raise ValueError(f"X is given, but {type(network).__name__} does not tell its hidden activations: leave X out.")
    hidden = [network.hidden_activations(X, layer) for layer in range(len(network.coefs_) - 1)]
    outputs = network.predict_proba(X)[:, -network.n_outputs_ :] if is_classifier(network) else network.predict(X)
    layers = [X.toarray() if issparse(X) else np.asarray(X, dtype=float), *hidden, outputs]
    return [np.reshape(layer, (len(layer), -1)).mean(axis=0) for layer in layers]


def _gradients(network, X, y):
    """Return the gradients of weights and of biases at the fitted parameters."""
    if is_classifier(network) and np.ndim(y) == 1 and not np.array_equal(np.unique(y), network.classes_):
        raise ValueError(f"y must have a row of each class that the network knows: {network.classes_.tolist()}.")
    objective, _ = clone(network).set_params(dropout=0.0, input_dropout=0.0).objective(X, y)
    _, grad = objective.loss_and_grad(network.params_.astype(np.float64))
    layers = [arrays for arrays in network.network_.unflatten(grad.copy()) if "W" in arrays]
    return [arrays["W"] for arrays in layers], [arrays["b"] for arrays in layers]
