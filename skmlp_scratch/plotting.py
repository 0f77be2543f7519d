"""Displays: pictures of fitted networks, after scikit-learn's conventions.

A display stores what is to be drawn, ``plot`` draws it, and ``from_estimator`` does both. ``plot`` returns the display,
which then holds the axes, the figure and the artists, to be changed at will. Colours are told apart with any kind of
colour vision (Petroff 2021, "Accessible color sequences for data visualization"), and lines and points differ in
style or marker as well, so that a print in black and white can be read. Matplotlib is imported when something is drawn.
"""

import re
import textwrap
from itertools import groupby, pairwise

import numpy as np
from sklearn.base import is_regressor
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ._registry import lookup
from .activations import ACTIVATIONS

# The sequence of ten of https://arxiv.org/abs/2107.02270, with red, the strongest contrast to blue, as the second.
COLORS = ("#3f90da", "#bd1f01", "#ffa90e", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")
# Eleven, so that colour and marker return together only after 110.
MARKERS = "osD^vPX<>*d"
# What spans more than this factor is drawn on a logarithmic scale.
LOG_SPAN = 30
# Of the default font, on average; room is reserved by it, as a text's true width is known only when it is drawn.
CHARS_PER_INCH = 12


class _Display:
    """What the displays share: opening the panels, and texts that are not cut."""

    def _open(self, ax, n_panels, n_cols, size, optional=False):
        """Set the axes: those given, or n_panels in a new figure; size is that of a panel in inches.

        Optional panels, all but the first, are left out if a single axes is given.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            needs = f'{type(self).__name__} requires matplotlib: pip install "skmlp_scratch[plot]"'
            raise ImportError(needs) from error
        self._own_figure = ax is None
        if self._own_figure:
            n_rows = -(-n_panels // n_cols)
            figure = plt.figure(figsize=(size[0] * n_cols, size[1] * n_rows), layout="constrained")
            ax = [figure.add_subplot(n_rows, n_cols, i + 1) for i in range(n_panels)]
        self.axes_ = np.ravel(ax)
        if len(self.axes_) != n_panels and not (optional and isinstance(ax, plt.Axes)):
            raise ValueError(f"ax holds {len(self.axes_)} axes, but there are {n_panels} panels to draw.")
        self.ax_ = self.axes_[0]
        self.figure_ = self.ax_.figure

    def _chars(self, pixels):
        return int(CHARS_PER_INCH * pixels / self.figure_.dpi)

    def _title(self, panel, text):
        # A title may reach into the gaps between the panels, which are a fifth of their width.
        panel.set_title(_wrap(text, self._chars(1.2 * panel.bbox.width), 4), fontsize="medium")

    def _legend(self, handles):
        """Put the legend below the panels of our own figure, in as many columns as fit; else into the last panel."""
        n_chars = self._chars((self.figure_ if self._own_figure else self.axes_[-1]).bbox.width)
        # A handle and the gaps take the room of 8.
        labels = [_wrap(handle.get_label(), n_chars - 8, 2) for handle in handles]
        if not self._own_figure:
            return self.axes_[-1].legend(handles, labels, fontsize="small")
        lines = [line for label in labels for line in label.split("\n")]
        n_cols = max(1, min(n_chars // (max(map(len, lines)) + 8), len(handles)))
        self.figure_.set_figheight(self.figure_.get_figheight() + 0.2 * -(-len(lines) // n_cols))
        return self.figure_.legend(handles, labels, loc="outside lower center", frameon=False, ncols=n_cols)


def _wrap(text, n_chars, max_lines):
    """Break the text's lines at n_chars; what does not fit into max_lines is left out."""
    if "$" in str(text):  # a formula would fall apart
        return text
    n_chars = max(n_chars, 8)
    wrapper = textwrap.TextWrapper(n_chars, break_on_hyphens=False)
    wrapper.wordsep_simple_re = re.compile(r"( +|(?<=\())")  # an object's repr breaks after its name, too
    lines = [piece for line in str(text).splitlines() for piece in wrapper.wrap(line)]
    if len(lines) > max_lines:
        lines[max_lines - 1 :] = [lines[max_lines - 1][: n_chars - 1] + "…"]
    return "\n".join(lines)


def _network(estimator):
    """Return the fitted network inside a pipeline, a search or a target transformer."""
    if hasattr(estimator, "best_estimator_"):
        return _network(estimator.best_estimator_)
    if hasattr(estimator, "steps"):
        return _network(estimator.steps[-1][1])
    if hasattr(estimator, "regressor_"):
        return _network(estimator.regressor_)
    check_is_fitted(estimator)
    return estimator


def _as_list(estimators, names):
    """Return the estimators as a list, the networks inside them, and a name for each."""
    estimators = list(estimators) if isinstance(estimators, list | tuple) else [estimators]
    networks = [_network(estimator) for estimator in estimators]
    if names is None:
        names = [_default_name(network, networks) for network in networks]
    names = [names] if isinstance(names, str) else list(names)
    if len(names) != len(estimators):
        raise ValueError(f"names has {len(names)} entries for {len(estimators)} estimators.")
    return estimators, networks, names


def _default_name(network, networks):
    """Return the class name, or in which parameters the network differs from the others of its class."""
    alike = [other.get_params(deep=False) for other in networks if type(other) is type(network)]
    params = network.get_params(deep=False)
    differing = [f"{key}={value}" for key, value in params.items() if len({repr(p[key]) for p in alike}) > 1]
    # Solvers with many parameters print as several lines, and searches draw numbers with 16 digits.
    name = " ".join(", ".join(differing).split())
    return re.sub(r"\d+\.\d+(e-?\d+)?", lambda number: f"{float(number[0]):.3g}", name) or type(network).__name__


def _styles(n):
    """Return n pairs of colour and marker."""
    return [(COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)]) for i in range(n)]


class LossCurveDisplay(_Display):
    """Training loss, validation loss and validation score of one or several networks.

    Training is drawn solid, validation dashed; if a validation score was measured, it has a panel of its own below. A
    star marks the best epoch: that of the best validation score, else of the lowest validation loss, else of
    the lowest training loss.

    Parameters
    ----------
    histories : list of dict
        For each network lists ``epoch``, ``loss``, ``val_loss``, ``val_score``, ``seconds`` of equal length.
    names : list of str
        A name for each.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of the losses.
    axes_ : ndarray of matplotlib Axes
        That panel, and the one of the validation scores if there are any.
    figure_ : matplotlib Figure
        The figure.
    lines_, validation_lines_, score_lines_ : list of matplotlib Line2D
        Curves, one a network; None where nothing was measured.
    best_ : list of matplotlib Line2D
        The stars, on the panel of the losses.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skmlp_scratch import ScratchMLPClassifier
    >>> from skmlp_scratch.plotting import LossCurveDisplay
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> clf = ScratchMLPClassifier((5,), solver="lbfgs", activation="tanh", alpha=0.1, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(clf)
    >>> len(display.lines_[0].get_xdata()) == clf.n_iter_
    True
    """

    def __init__(self, *, histories, names):
        self.histories = histories
        self.names = names

    @classmethod
    def from_estimator(cls, estimator, *, names=None, x="epoch", log_scale=None, ax=None, **kwargs):
        """Plot the curves of fitted networks.

        Parameters
        ----------
        estimator : estimator or list of estimators
            Fitted; the network may be the last step of a pipeline, or the best of a search. Of networks without
            ``history_``, such as scikit-learn's, ``loss_curve_`` and ``validation_scores_`` are drawn.
        names : str or list of str, default=None
            Names for the legend; by default the class, or the parameters in which the networks differ.
        x, log_scale, ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        NotFittedError
            If a network is not fitted.
        ValueError
            If a network has no loss curve.
        """
        _, networks, names = _as_list(estimator, names)
        display = cls(histories=[_history(network) for network in networks], names=names)
        return display.plot(ax, x=x, log_scale=log_scale, **kwargs)

    def plot(self, ax=None, *, x="epoch", log_scale=None, **kwargs):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw, one axes a panel; a single one shows the losses alone. None makes a figure.
        x : {"epoch", "seconds"}, default="epoch"
            The horizontal axis. For scipy's solvers an epoch is an iteration.
        log_scale : bool, default=None
            Whether the loss has a logarithmic scale; None decides by its range.
        **kwargs : dict
            For matplotlib's ``plot``, for all curves.

        Returns
        -------
        self : LossCurveDisplay

        Raises
        ------
        ValueError
            If ``x`` is neither of the two, or a network has not recorded it.
        """
        self._check_x(x)
        scored = any(_measured(history, "val_score") for history in self.histories)
        self._open(ax, 1 + scored, 1, (7, 3.4), optional=True)
        self.lines_, self.validation_lines_, self.score_lines_, self.best_ = [], [], [], []
        for history, name, (color, marker) in zip(self.histories, self.names, _styles(len(self.names)), strict=True):
            marks = {"marker": marker, "markevery": 0.15, "markersize": 4} if len(self.names) > 1 else {}
            self._draw(history, x, {"color": color, **marks, **kwargs, "label": name})
        self._scale(x, log_scale)
        self.axes_[-1].set_xlabel(x)
        for panel, label in zip(self.axes_, ("loss", "validation score"), strict=False):
            panel.set_ylabel(label)
        self._legend(self.lines_ + _keys(any(self.validation_lines_ + self.score_lines_)))
        return self

    def _check_x(self, x):
        if x not in ("epoch", "seconds"):
            raise ValueError(f"x={x!r} must be 'epoch' or 'seconds'.")
        for history, name in zip(self.histories, self.names, strict=True):
            if x not in history:
                raise ValueError(f"x='seconds': {name} has recorded no seconds; only networks with history_ have.")

    def _draw(self, history, x, style):
        best = _best_epoch(history)
        self.lines_ += self.ax_.plot(history[x], history["loss"], **style)
        self.validation_lines_.append(_dashed(self.ax_, history, x, "val_loss", style))
        self.score_lines_ += [_dashed(panel, history, x, "val_score", style) for panel in self.axes_[1:]] or [None]
        starred = "val_loss" if self.validation_lines_[-1] else "loss"
        self.best_.append(_star(self.ax_, history, x, starred, best, style))
        if self.score_lines_[-1]:
            _star(self.axes_[1], history, x, "val_score", best, style)

    def _scale(self, x, log_scale):
        losses = np.concatenate([[*history["loss"], *history["val_loss"]] for history in self.histories])
        if _wide(losses) if log_scale is None else log_scale:
            self.ax_.set_yscale("log")
        for ax in self.axes_:
            ax.grid(alpha=0.3)
            if x == "seconds" and _wide([history[x][-1] for history in self.histories]):
                ax.set_xscale("log")


def _keys(validated):
    """Return the legend's entries for what looks alike in all networks."""
    from matplotlib.lines import Line2D

    star = {"color": "none", "marker": "*", "markersize": 12, "markeredgecolor": "black", "markerfacecolor": "0.8"}
    styles = [{"label": "training"}, {"label": "validation", "linestyle": "--"}] if validated else []
    return [Line2D([], [], color="0.3", **style) for style in styles] + [Line2D([], [], **star, label="best epoch")]


def _history(network):
    """Return what a network recorded; of scikit-learn's networks, what they have."""
    if hasattr(network, "history_"):
        return network.history_
    if not hasattr(network, "loss_curve_"):
        raise ValueError(f"{type(network).__name__} has no loss curve: only some networks and solvers record one.")
    epochs = len(network.loss_curve_)
    nothing, scores = [np.nan] * epochs, getattr(network, "validation_scores_", None)
    return {
        "epoch": list(range(1, epochs + 1)),
        "loss": network.loss_curve_,
        "val_loss": nothing,
        "val_score": nothing if scores is None else scores,
    }


def _measured(history, key):
    return np.isfinite(history[key]).any()


def _best_epoch(history):
    """Return the index of the best validation score, else of the lowest validation loss, else of the lowest loss."""
    for key, sign in (("val_score", 1), ("val_loss", -1), ("loss", -1)):
        if _measured(history, key):
            return int(np.nanargmax(sign * np.asarray(history[key])))
    raise ValueError("history has no finite loss or score to draw.")


def _dashed(ax, history, x, y, style):
    dashed = {"linestyle": "--", **style, "label": None}
    return ax.plot(history[x], history[y], **dashed)[0] if _measured(history, y) else None


def _star(ax, history, x, y, epoch, style):
    star = {"color": style["color"], "markersize": 14, "markeredgecolor": "black", "zorder": 5}
    return ax.plot(history[x][epoch], history[y][epoch], "*", **star)[0]


def _wide(values):
    values = np.asarray(values)[np.isfinite(values)]
    return bool(values.min() > 0 and values.max() > LOG_SPAN * values.min())


class DecisionSurfaceDisplay(_Display):
    """What classifiers or regressors predict over the plane of two features, beside the training points.

    For two classes the probability of the second is shaded from the first class's colour over white to the second's;
    for more, each class's probability where it is the largest. A black line separates the classes. For regressors the
    prediction is shaded. Each panel is drawn by scikit-learn's :class:`~sklearn.inspection.DecisionBoundaryDisplay`.

    Parameters
    ----------
    estimators : list of estimators
        Fitted on two features.
    names : list of str
        Titles of the panels.
    X : array-like or dataframe of shape (n_samples, 2)
        The points; the surface extends a tenth beyond them.
    y : array-like of shape (n_samples,), default=None
        Their classes or values; None draws no points.
    feature_names : sequence of two str, default=None
        Labels of the axes; None takes a dataframe's columns.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One a panel; ``ax_`` is the first.
    ax_ : matplotlib Axes
        The first panel.
    figure_ : matplotlib Figure
        The figure.
    surfaces_ : list of DecisionBoundaryDisplay
        scikit-learn's display in each panel, with the predictions as ``response``.
    boundaries_ : list of lists of matplotlib QuadContourSet
        In each panel the lines between the classes.
    points_ : list of lists of matplotlib PathCollection
        In each panel the points, one collection a class.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmlp_scratch.plotting import DecisionSurfaceDisplay
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> display = DecisionSurfaceDisplay.from_estimator(LogisticRegression().fit(X, y), X, y)
    >>> display.ax_.get_title()
    'LogisticRegression'
    """

    def __init__(self, *, estimators, names, X, y=None, feature_names=None):
        self.estimators = estimators
        self.names = names
        self.X = X
        self.y = y
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls, estimator, X, y=None, *, names=None, feature_names=None, grid_resolution=150, n_cols=4, ax=None, **kwargs
    ):
        """Plot the surfaces of fitted estimators.

        Parameters
        ----------
        estimator : estimator or list of estimators
            Fitted on X; all classifiers, or all regressors.
        X : array-like or dataframe of shape (n_samples, 2)
            Training data.
        y : array-like of shape (n_samples,), default=None
            Target; None draws no points.
        names : str or list of str, default=None
            Titles, wrapped and shortened where they are long; by default the class, or the parameters in which the
            networks differ.
        feature_names : sequence of two str, default=None
            Labels of the axes.
        grid_resolution, n_cols, ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : DecisionSurfaceDisplay

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        """
        estimators, _, names = _as_list(estimator, names)
        display = cls(estimators=estimators, names=names, X=X, y=y, feature_names=feature_names)
        return display.plot(ax, grid_resolution=grid_resolution, n_cols=n_cols, **kwargs)

    def plot(self, ax=None, *, grid_resolution=150, n_cols=4, **kwargs):
        """Draw one panel an estimator.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw, one axes a panel; None makes a figure.
        grid_resolution : int, default=150
            Points along each axis at which the estimators predict.
        n_cols : int, default=4
            Panels in a row.
        **kwargs : dict
            For matplotlib's ``scatter``.

        Returns
        -------
        self : DecisionSurfaceDisplay

        Raises
        ------
        ValueError
            If X has not two columns of numbers, or y another length.
        """
        corners = self._corners()
        n_panels = len(self.estimators)
        n_cols = min(n_cols, n_panels)
        self._open(ax, n_panels, n_cols, (2.6, 2.5) if n_panels > 1 else (5, 4.2))
        painter = _RegressorPainter if is_regressor(self.estimators[0]) else _ClassifierPainter
        paint = painter(self.estimators[0], self.y)
        labels = getattr(self.X, "columns", ("", "")) if self.feature_names is None else self.feature_names
        self.surfaces_, self.points_ = [], []
        for i, (panel, estimator, name) in enumerate(zip(self.axes_, self.estimators, self.names, strict=True)):
            where = {"xlabel": labels[0] if i + n_cols >= n_panels else "", "ylabel": "" if i % n_cols else labels[1]}
            style = {"ax": panel, "eps": 0, "grid_resolution": grid_resolution, **where, **paint.shades}
            self.surfaces_.append(DecisionBoundaryDisplay.from_estimator(estimator, corners, **style))
            self.points_.append([] if self.y is None else paint.points(panel, np.asarray(self.X, dtype=float), kwargs))
            self._title(panel, name)
        self.boundaries_ = [paint.boundaries(shown) for shown in self.surfaces_]
        paint.legend(self)
        return self

    def _corners(self):
        """Return two rows that span the picture, of X's own type so that dataframe columns keep their names."""
        if np.shape(self.X)[1:] != (2,):
            raise ValueError(f"X has shape {np.shape(self.X)}; a surface needs two features.")
        check_consistent_length(self.X, self.y)
        points = np.asarray(self.X, dtype=float)
        low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
        margin = 0.1 * (high - low)
        corners = np.array([low - margin, high + margin])
        if not hasattr(self.X, "columns"):
            return corners
        return type(self.X)(dict(zip(self.X.columns, corners.T, strict=True)))


class _ClassifierPainter:
    """Shade the probabilities in pale versions of the points' colours."""

    def __init__(self, estimator, y):
        from matplotlib.colors import LinearSegmentedColormap, to_rgb

        self.y, self.classes = y, estimator.classes_
        self.styles = _styles(len(self.classes))
        self.pale = [tuple(1 - 0.6 * (1 - np.array(to_rgb(color)))) for color, _ in self.styles]
        if len(self.classes) == 2:
            cmap = LinearSegmentedColormap.from_list("two classes", [self.pale[0], "white", self.pale[1]])
            self.shades = {"plot_method": "contourf", "levels": np.linspace(0, 1, 11), "cmap": cmap}
        else:
            self.shades = {"plot_method": "pcolormesh", "vmin": 1 / len(self.classes), "vmax": 1, "rasterized": True}
            self.shades["multiclass_colors"] = self.pale
        self.shades["response_method"] = "predict_proba"

    def boundaries(self, shown):
        """Draw a black line where the most probable class changes."""
        response = shown.response
        if response.ndim == 2:
            margins = [response - 0.5]
        else:
            margins = [response[..., k] - np.delete(response, k, axis=2).max(axis=2) for k in range(len(self.classes))]
        # Where a class wins everywhere or nowhere there is no line, and matplotlib would warn.
        margins = [margin for margin in margins if margin.min() < 0 < margin.max()]
        style = {"levels": [0], "colors": "black", "linewidths": 0.8}
        return [shown.ax_.contour(shown.xx0, shown.xx1, margin, **style) for margin in margins]

    def points(self, ax, X, kwargs):
        style = {"s": 14, "edgecolors": "black", "linewidths": 0.5, **kwargs}
        return [
            ax.scatter(*X[np.asarray(self.y) == label].T, color=color, marker=marker, label=f"class {label}", **style)
            for label, (color, marker) in zip(self.classes, self.styles, strict=True)
        ]

    def legend(self, display):
        if self.y is not None:
            display._legend(display.points_[0])
        if len(self.classes) == 2:
            bar = display.figure_.colorbar(display.surfaces_[0].surface_, ax=list(display.axes_))
            label = f"probability of class {self.classes[1]}"
            bar.set_label(_wrap(label, display._chars(bar.ax.bbox.height), 2))


class _RegressorPainter:
    """Shade the predictions, and the points, on one scale for all panels."""

    shades = {"response_method": "predict", "plot_method": "pcolormesh", "cmap": "viridis", "rasterized": True}

    def __init__(self, estimator, y):
        self.y = y

    def boundaries(self, shown):
        return []

    def points(self, ax, X, kwargs):
        style = {"s": 18, "edgecolors": "black", "linewidths": 0.5, "cmap": "viridis", **kwargs}
        return [ax.scatter(*X.T, c=self.y, **style)]

    def legend(self, display):
        scale = self.y if self.y is not None else [shown.response for shown in display.surfaces_]
        artists = [shown.surface_ for shown in display.surfaces_] + [p for points in display.points_ for p in points]
        for artist in artists:
            artist.set_clim(np.min(scale), np.max(scale))
        display.figure_.colorbar(artists[0], ax=list(display.axes_), extend="both", label="prediction")


class WeightsDisplay(_Display):
    """The weights of a network: each layer as a matrix, or each unit's incoming weights as an image.

    Blue is negative, white zero, red positive, on one scale for all panels.

    Parameters
    ----------
    weights : list of ndarray of shape (n_in, n_out)
        Matrices to draw.
    names : list of str
        Titles of the panels.
    image_shape : tuple of int, default=None
        Height and width of the images; their product is n_in. None draws matrices.
    first_layer : int, default=0
        Which layer of the network the first matrix is: the rows of layer 0 are inputs, those of later ones units.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        One a layer.
    figure_ : matplotlib Figure
        The figure.
    images_ : list of matplotlib AxesImage
        One a layer; the images of a layer's units are tiles of one picture, row by row.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmlp_scratch import ScratchMLPClassifier
    >>> from skmlp_scratch.plotting import WeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = ScratchMLPClassifier((12,), solver="lbfgs", tol=0.1, random_state=0).fit(X / 16, y)
    >>> WeightsDisplay.from_estimator(clf).images_[0].get_array().shape
    (64, 12)
    >>> WeightsDisplay.from_estimator(clf, image_shape=(8, 8)).images_[0].get_array().shape
    (26, 35)
    """

    def __init__(self, *, weights, names, image_shape=None, first_layer=0):
        self.weights = weights
        self.names = names
        self.image_shape = image_shape
        self.first_layer = first_layer

    @classmethod
    def from_estimator(cls, estimator, *, layer=None, image_shape=None, ax=None, **kwargs):
        """Plot the weights of a fitted network.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``coefs_``; the network may be the last step of a pipeline, or the best of a search.
        layer : int, default=None
            The one layer to draw, counted from 0 at the input or from -1 at the output. None draws all, or the first if
            ``image_shape`` is given.
        image_shape : tuple of int, default=None
            Height and width if the layer's inputs are the pixels of an image.
        ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : WeightsDisplay

        Raises
        ------
        NotFittedError
            If the network is not fitted.
        ValueError
            If the network has no such layer, or the layer's inputs no such shape.
        """
        coefs = _network(estimator).coefs_
        if layer is not None and layer not in range(-len(coefs), len(coefs)):
            raise ValueError(f"layer={layer!r} must be None or a whole number from {-len(coefs)} to {len(coefs) - 1}.")
        first = range(len(coefs))[layer or 0]
        weights = coefs if layer is None and image_shape is None else [coefs[first]]
        names = [f"layer {first + i}" for i in range(len(weights))]
        display = cls(weights=weights, names=names, image_shape=image_shape, first_layer=first)
        return display.plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw one panel a layer.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw, one axes a panel; None makes a figure.
        **kwargs : dict
            For matplotlib's ``imshow``.

        Returns
        -------
        self : WeightsDisplay
        """
        draw = self._draw_matrix if self.image_shape is None else self._draw_images
        n_panels = len(self.weights)
        self._open(ax, n_panels, n_panels, (3.4, 4) if n_panels > 1 else (5.5, 4.5))
        largest = max(np.abs(W).max() for W in self.weights)
        style = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest, "interpolation": "nearest", **kwargs}
        self.images_ = [draw(panel, W, style) for panel, W in zip(self.axes_, self.weights, strict=True)]
        for panel, name in zip(self.axes_, self.names, strict=True):
            self._title(panel, name)
        self.figure_.colorbar(self.images_[0], ax=list(self.axes_), label="weight")
        return self

    def _draw_matrix(self, ax, W, style):
        for axis in (ax.xaxis, ax.yaxis):
            axis.get_major_locator().set_params(integer=True, nbins=6, min_n_ticks=1)
        ax.set(xlabel="to unit", ylabel="from unit" if self.first_layer or ax is not self.ax_ else "from input")
        return ax.imshow(W, **{"aspect": "auto", **style})

    def _draw_images(self, ax, W, style):
        height, width = self.image_shape
        if height * width != len(W):
            raise ValueError(f"image_shape={self.image_shape} does not hold the {len(W)} inputs of the layer.")
        # A network's zero weights are white, the lines between the images and the places without one grey.
        ax.set(xticks=[], yticks=[], facecolor="0.7")
        ax.spines[:].set_visible(False)
        return ax.imshow(_tiles(W.T.reshape(-1, height, width)), **style)


def _tiles(images):
    """Lay images out in a near-square grid, row by row, with a line of nan between them."""
    n = len(images)
    n_cols = int(np.ceil(np.sqrt(n)))
    n_rows = -(-n // n_cols)
    tiles = np.pad(images, ((0, n_rows * n_cols - n), (0, 1), (0, 1)), constant_values=np.nan)
    _, height, width = tiles.shape
    grid = tiles.reshape(n_rows, n_cols, height, width).swapaxes(1, 2)
    return grid.reshape(n_rows * height, n_cols * width)[:-1, :-1]


class ActivationDisplay(_Display):
    """Activations with their derivatives, one panel each.

    Parameters
    ----------
    z : ndarray of shape (n_points,)
        Where they are evaluated.
    values, derivatives : list of ndarray of shape (n_points,)
        The functions and their derivatives there.
    names : list of str
        Titles of the panels.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        One an activation.
    figure_ : matplotlib Figure
        The figure.
    lines_, derivative_lines_ : list of matplotlib Line2D
        Curves, one an activation.

    Examples
    --------
    >>> from skmlp_scratch.plotting import ActivationDisplay
    >>> display = ActivationDisplay.from_activation(["tanh", "relu"])
    >>> [ax.get_title() for ax in display.axes_]
    ['tanh', 'relu']
    """

    def __init__(self, *, z, values, derivatives, names):
        self.z = z
        self.values = values
        self.derivatives = derivatives
        self.names = names

    @classmethod
    def from_activation(cls, activation, *, z=None, ax=None, **kwargs):
        """Plot activations.

        Parameters
        ----------
        activation : str, callable, or list of these
            Names of ``ACTIVATIONS`` or functions ``z -> (a, backward)``.
        z : array-like of shape (n_points,), default=None
            Where to evaluate; None is 401 points from -4 to 4.
        ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : ActivationDisplay

        Raises
        ------
        ValueError
            If a name is unknown.
        """
        z = np.linspace(-4, 4, 401) if z is None else np.asarray(z, dtype=float)
        given = list(activation) if isinstance(activation, list | tuple) else [activation]
        functions = [lookup(ACTIVATIONS, function, "activation") for function in given]
        names = [name if isinstance(name, str) else getattr(name, "__name__", repr(name)) for name in given]
        values, derivatives = zip(*(_value_and_derivative(function, z) for function in functions), strict=True)
        return cls(z=z, values=values, derivatives=derivatives, names=names).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw the function solid and its derivative dashed.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw, one axes a panel; None makes a figure.
        **kwargs : dict
            For matplotlib's ``plot``, for all curves.

        Returns
        -------
        self : ActivationDisplay
        """
        n_panels = len(self.names)
        self._open(ax, n_panels, min(4, n_panels), (2.4, 2.2) if n_panels > 1 else (4.5, 3.8))
        self.lines_, self.derivative_lines_ = [], []
        for panel, a, slope, name in zip(self.axes_, self.values, self.derivatives, self.names, strict=True):
            panel.axhline(0, color="0.7", linewidth=0.8)
            panel.axvline(0, color="0.7", linewidth=0.8)
            self.lines_ += panel.plot(self.z, a, **{"color": COLORS[0], "label": "f(z)", **kwargs})
            dashed = {"color": COLORS[1], "linestyle": "--", "label": "f'(z)", **kwargs}
            self.derivative_lines_ += panel.plot(self.z, slope, **dashed)
            self._title(panel, name)
        self._legend([self.lines_[0], self.derivative_lines_[0]])
        return self


def _value_and_derivative(function, z):
    """Return f(z) and f'(z), which is what backward makes of a delta of ones."""
    a, backward = function(z.reshape(-1, 1).copy())
    a = a.copy()
    return a.ravel(), backward(np.ones((len(z), 1))).ravel()


class ComparisonDisplay(_Display):
    """Score and fit time of every row of a comparison, over the hidden sizes.

    Networks are points with error bars, one standard deviation of the folds' scores to either side; the size that was
    chosen inside each fold stands apart at the right. Baselines are horizontal lines.

    Parameters
    ----------
    rows : list of ComparisonRow
        The rows of the table.
    metric : str
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of the scores.
    axes_ : ndarray of matplotlib Axes
        That panel and the one of the fit seconds.
    figure_ : matplotlib Figure
        The figure.
    scores_ : dict
        Name of each network -> ErrorbarContainer of its scores.
    seconds_ : dict
        Name of each network -> Line2D of its fit seconds.
    baselines_ : dict
        Name of each baseline -> Line2D of its score.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skmlp_scratch.comparison import compare_with_baselines
    >>> from skmlp_scratch.plotting import ComparisonDisplay
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> table = compare_with_baselines(X, y, hidden_layer_sizes=[1, 5], cv=2)
    >>> display = ComparisonDisplay.from_comparison(table)
    >>> [label.get_text() for label in display.ax_.get_xticklabels()]
    ['1', '5', 'chosen']
    """

    def __init__(self, *, rows, metric):
        self.rows = rows
        self.metric = metric

    @classmethod
    def from_comparison(cls, table, *, ax=None, **kwargs):
        """Plot a comparison.

        Parameters
        ----------
        table : ComparisonTable
            What ``compare_with_baselines`` returned.
        ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : ComparisonDisplay
        """
        return cls(rows=table.rows, metric=table.metric).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw scores and fit seconds.

        Parameters
        ----------
        ax : matplotlib Axes or pair of them, default=None
            Where to draw; a single one shows the scores alone. None makes a figure.
        **kwargs : dict
            For matplotlib's ``errorbar`` and ``plot`` of the networks.

        Returns
        -------
        self : ComparisonDisplay
        """
        # A table starts with its two baselines.
        models = [list(rows) for _, rows in groupby(self.rows, key=lambda row: row.model)]
        sizes = [row.size for row in models[-1]]
        self._open(ax, 2, 2, (max(4.8, 0.25 * len(sizes)), 3.8), optional=True)
        self.scores_, self.seconds_, self.baselines_ = {}, {}, {}
        for (row,), color, linestyle in zip(models[:2], ("0.6", "black"), (":", "--"), strict=True):
            self._draw_baseline(row, {"color": color, "linestyle": linestyle})
        for i, rows in enumerate(models[2:]):
            style = {"color": COLORS[1 - i], "marker": MARKERS[1 - i], "markersize": 5, "linestyle": "none"}
            self._draw_network(rows[0].model, rows, 0.2 * i - 0.1, {**style, **kwargs})
        self._label(sizes)
        self._legend([*self.baselines_.values(), *self.scores_.values()])
        return self

    def _draw_baseline(self, row, style):
        self.baselines_[row.model] = self.ax_.axhline(row.mean_score, label=row.model, **style)
        for seconds in self.axes_[1:]:
            seconds.axhline(row.fit_seconds, **style)

    def _draw_network(self, name, rows, offset, style):
        x = np.arange(len(rows)) + offset
        means, spreads = [row.mean_score for row in rows], [row.std_score for row in rows]
        self.scores_[name] = self.ax_.errorbar(x, means, yerr=spreads, capsize=2, label=name, **style)
        for seconds in self.axes_[1:]:
            (self.seconds_[name],) = seconds.plot(x, [row.fit_seconds for row in rows], **style)

    def _label(self, sizes):
        # Two neighbours reach half of each into the room between their ticks.
        widest = max(len(one) + len(other) for one, other in pairwise(sizes)) / 2 + 1
        for panel in self.axes_:
            upright = widest * len(sizes) > self._chars(panel.bbox.width)
            panel.set_xticks(range(len(sizes)), sizes, rotation=90 if upright else 0)
            panel.set_xlabel("hidden units")
            panel.axvline(len(sizes) - 1.5, color="0.8", linewidth=0.8)
            panel.grid(axis="y", alpha=0.3)
        self.ax_.set_ylabel(f"{self.metric},\nmean and standard deviation")
        for seconds in self.axes_[1:]:
            seconds.set(yscale="log", ylabel="seconds a fit")
