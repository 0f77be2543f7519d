"""A decision surface while it is learned."""

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier

from .._types import Inputs
from ._base import pyplot_for
from ._surfaces import DecisionSurfaceDisplay


def animate_surface(
    estimator: Any,
    X: Inputs,
    y: ArrayLike,
    *,
    epochs: Sequence = range(1, 101, 3),
    grid_resolution: int = 80,
    interval: int = 150,
    **kwargs: Any,
) -> Any:
    """Train an estimator epoch by epoch, and draw the surface that it has learned so far.

    Parameters
    ----------
    estimator : estimator
        Classifier or regressor with ``partial_fit``, which passes over the rows once; a clone is trained.
    X : array-like or dataframe of shape (n_samples, 2)
        Training data.
    y : array-like of shape (n_samples,)
        Target.
    epochs : sequence of int, default=range(1, 101, 3)
        The epochs after which a frame is drawn, in increasing order; training ends with the last.
    grid_resolution : int, default=80
        Number of points along each axis at which the estimator predicts.
    interval : int, default=150
        Milliseconds between frames.
    **kwargs : dict
        Arguments of matplotlib's ``scatter``.

    Returns
    -------
    animation : matplotlib.animation.FuncAnimation
        ``animation.save("surface.gif", writer="pillow")`` writes it to a file, and
        ``IPython.display.HTML(animation.to_jshtml())`` shows it in a notebook. Drawing begins there.

    Raises
    ------
    ValueError
        If ``epochs`` are not positive and increasing, or, when it is drawn, X does not have two columns.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import make_moons
    >>> from skmlp_scratch import ScratchMLPClassifier
    >>> from skmlp_scratch.plotting import animate_surface
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> clf = ScratchMLPClassifier((10,), learning_rate_init=0.05, random_state=0)
    >>> animation = animate_surface(clf, X, y, epochs=[1, 10, 100], grid_resolution=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     animation.save(os.path.join(folder, "surface.gif"), writer="pillow")
    """
    plt = pyplot_for("animate_surface")
    from matplotlib.animation import FuncAnimation

    frames = _train(estimator, X, y, list(epochs))
    figure = plt.figure(figsize=(5, 4.2), layout="constrained")

    def draw(frame):
        epoch, learned = frame
        figure.clear()
        surface = DecisionSurfaceDisplay(estimators=[learned], names=[f"after epoch {epoch}"], X=X, y=y)
        return surface.plot(figure.add_subplot(), grid_resolution=grid_resolution, **kwargs).axes_

    return FuncAnimation(figure, draw, frames, init_func=lambda: [], interval=interval)


def _train(estimator, X, y, epochs):
    """Return each epoch that is drawn with the estimator as it is then."""
    whole = all(isinstance(epoch, Integral) for epoch in epochs)
    if not epochs or not whole or epochs[0] < 1 or any(later <= epoch for epoch, later in pairwise(epochs)):
        raise ValueError(f"epochs={epochs!r} must be whole numbers of at least 1, in increasing order.")
    learned, frames = clone(estimator), []
    known = {"classes": np.unique(y)} if is_classifier(estimator) else {}
    for epoch in range(1, epochs[-1] + 1):
        learned.partial_fit(X, y, **known)
        if epoch in epochs:
            frames.append((epoch, deepcopy(learned)))
    return frames
