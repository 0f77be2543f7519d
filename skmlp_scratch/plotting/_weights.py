"""The weights of a network."""

from typing import Any, Self

import numpy as np

from ._base import Display, set_title, unwrap


class WeightsDisplay(Display):
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
        Which layer of the network the first matrix is: the rows of layer 0 are inputs, those of later layers units.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        The panels, one per layer.
    figure_ : matplotlib Figure
        The figure.
    images_ : list of matplotlib AxesImage
        The pictures, one per layer; the images of a layer's units are tiles of one picture, row by row.

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
    def from_estimator(
        cls,
        estimator: Any,
        *,
        layer: int | None = None,
        image_shape: tuple | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the weights of a fitted network.

        Parameters
        ----------
        estimator : estimator
            Fitted network with ``coefs_``; it may be the last step of a pipeline, or the best of a search.
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
        coefs = unwrap(estimator)[0].coefs_
        if layer is not None and layer not in range(-len(coefs), len(coefs)):
            raise ValueError(f"layer={layer!r} must be None or a whole number from {-len(coefs)} to {len(coefs) - 1}.")
        first = range(len(coefs))[layer or 0]
        weights = coefs if layer is None and image_shape is None else [coefs[first]]
        names = [f"layer {first + i}" for i in range(len(weights))]
        display = cls(weights=weights, names=names, image_shape=image_shape, first_layer=first)
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw one panel per layer.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Axes to draw in, one per panel; None makes a figure.
        **kwargs : dict
            Arguments of matplotlib's ``imshow``.

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
            set_title(panel, name)
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
        # A network's zero weights are white; the lines between the images and the places without one are gray.
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
