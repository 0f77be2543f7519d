"""Predictions over the plane of two features."""

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_regressor
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.utils.validation import check_consistent_length

from .._types import Inputs
from ._base import Display, as_lists, room, set_title, styles, wrap


class DecisionSurfaceDisplay(Display):
    """Predictions of classifiers or regressors over the plane of two features, with the training points.

    For two classes the probability of the second is shaded from the first class's color over white to the second's;
    for more, each class's probability where it is the largest. A black line separates the classes. For regressors the
    prediction is shaded. Each panel is drawn by scikit-learn's :class:`~sklearn.inspection.DecisionBoundaryDisplay`.

    Parameters
    ----------
    estimators : list of estimators
        Estimators fitted on two features.
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
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        The panels, one per estimator.
    figure_ : matplotlib Figure
        The figure.
    surfaces_ : list of DecisionBoundaryDisplay
        scikit-learn's display in each panel, with the predictions as ``response``.
    boundaries_ : list of lists of matplotlib QuadContourSet
        The lines between the classes in each panel.
    points_ : list of lists of matplotlib PathCollection
        The points in each panel, one collection per class.

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
        cls,
        estimator: Any,
        X: Inputs,
        y: ArrayLike | None = None,
        *,
        names: str | list[str] | None = None,
        feature_names: Sequence | None = None,
        grid_resolution: Any = 150,
        n_cols: Any = 4,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the surfaces of fitted estimators.

        Parameters
        ----------
        estimator : estimator or list of estimators
            Estimators fitted on X; all classifiers, or all regressors.
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
        estimators, _, names = as_lists(estimator, names)
        display = cls(estimators=estimators, names=names, X=X, y=y, feature_names=feature_names)
        return display.plot(ax, grid_resolution=grid_resolution, n_cols=n_cols, **kwargs)

    def plot(self, ax: Any = None, *, grid_resolution: int = 150, n_cols: int = 4, **kwargs: Any) -> Self:
        """Draw one panel per estimator.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Axes to draw in, one per panel; None makes a figure.
        grid_resolution : int, default=150
            Number of points along each axis at which the estimators predict.
        n_cols : int, default=4
            Number of panels side by side.
        **kwargs : dict
            Arguments of matplotlib's ``scatter``.

        Returns
        -------
        self : DecisionSurfaceDisplay

        Raises
        ------
        ValueError
            If X does not have two columns of numbers, or y has another length.
        """
        corners = self._corners()
        n_panels = len(self.estimators)
        n_cols = min(n_cols, n_panels)
        self._open(ax, n_panels, n_cols, (2.6, 2.5) if n_panels > 1 else (5, 4.2))
        shade = partial(self._shade, n_cols, X=corners, eps=0, grid_resolution=grid_resolution)
        if is_regressor(self.estimators[0]):
            self._draw_predictions(shade, kwargs)
        else:
            self._draw_probabilities(shade, kwargs, outside=ax is None)
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

    def _shade(self, n_cols, **how):
        """Shade every panel and set its title and labels; return scikit-learn's displays."""
        x_label, y_label = getattr(self.X, "columns", ("", "")) if self.feature_names is None else self.feature_names
        surfaces = []
        for i, (panel, estimator, name) in enumerate(zip(self.axes_, self.estimators, self.names, strict=True)):
            surfaces.append(DecisionBoundaryDisplay.from_estimator(estimator, ax=panel, **how))
            has_neighbor_below = i + n_cols < len(self.axes_)
            panel.set(xlabel="" if has_neighbor_below else x_label, ylabel="" if i % n_cols else y_label)
            set_title(panel, name)
        return surfaces

    def _draw_predictions(self, shade, kwargs):
        """Shade what regressors predict, and the points, on one scale for all panels."""
        self.surfaces_ = shade(response_method="predict", plot_method="pcolormesh", cmap="viridis", rasterized=True)
        self.boundaries_ = [[] for _ in self.axes_]
        style = {"s": 18, "edgecolors": "black", "linewidths": 0.5, "cmap": "viridis", **kwargs}
        points = np.asarray(self.X, dtype=float)
        self.points_ = [[] if self.y is None else [ax.scatter(*points.T, c=self.y, **style)] for ax in self.axes_]
        scale = [shown.response for shown in self.surfaces_] if self.y is None else self.y
        for artist in chain([shown.surface_ for shown in self.surfaces_], *self.points_):
            artist.set_clim(np.min(scale), np.max(scale))
        self.figure_.colorbar(self.surfaces_[0].surface_, ax=list(self.axes_), extend="both", label="prediction")

    def _draw_probabilities(self, shade, kwargs, outside):
        """Shade the probabilities of classes in pale versions of the points' colors."""
        classes = self.estimators[0].classes_
        self.surfaces_ = shade(response_method="predict_proba", **_shades(len(classes)))
        self.boundaries_ = [_boundaries(shown) for shown in self.surfaces_]
        self.points_ = [[] if self.y is None else self._scatter_classes(panel, classes, kwargs) for panel in self.axes_]
        if self.y is not None:
            self._legend(self.points_[0], outside)
        if len(classes) == 2:
            bar = self.figure_.colorbar(self.surfaces_[0].surface_, ax=list(self.axes_))
            label = f"probability of class {classes[1]}"
            bar.set_label(wrap(label, room(bar.ax.bbox.height, self.figure_), 2))

    def _scatter_classes(self, panel, classes, kwargs):
        X, y = np.asarray(self.X, dtype=float), np.asarray(self.y)
        style = {"s": 14, "edgecolors": "black", "linewidths": 0.5, **kwargs}
        return [
            panel.scatter(*X[y == label].T, color=color, marker=marker, label=f"class {label}", **style)
            for label, (color, marker) in zip(classes, styles(len(classes)), strict=True)
        ]


def _shades(n_classes):
    """Return how scikit-learn's display is to shade the probabilities."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    pale = [tuple(1 - 0.6 * (1 - np.array(to_rgb(color)))) for color, _ in styles(n_classes)]
    if n_classes == 2:
        cmap = LinearSegmentedColormap.from_list("two classes", [pale[0], "white", pale[1]])
        return {"plot_method": "contourf", "levels": np.linspace(0, 1, 11), "cmap": cmap}
    scale = {"vmin": 1 / n_classes, "vmax": 1}
    return {"plot_method": "pcolormesh", "multiclass_colors": pale, "rasterized": True, **scale}


def _boundaries(shown):
    """Draw black lines where the most probable class changes."""
    response = shown.response
    if response.ndim == 2:
        margins = [response - 0.5]
    else:
        others = [np.delete(response, k, axis=2).max(axis=2) for k in range(response.shape[2])]
        margins = [response[..., k] - other for k, other in enumerate(others)]
    # Where a class wins everywhere or nowhere there is no line, and matplotlib would warn.
    margins = [margin for margin in margins if margin.min() < 0 < margin.max()]
    style = {"levels": [0], "colors": "black", "linewidths": 0.8}
    return [shown.ax_.contour(shown.xx0, shown.xx1, margin, **style) for margin in margins]
