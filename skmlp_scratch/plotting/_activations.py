"""Activation functions and their derivatives."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._registry import resolve
from ..activations import ACTIVATIONS
from ._base import COLORS, Display, set_title


class ActivationDisplay(Display):
    """Activations with their derivatives, one panel each.

    Parameters
    ----------
    z : ndarray of shape (n_points,)
        Points of evaluation.
    values, derivatives : list of ndarray of shape (n_points,)
        The functions and their derivatives there.
    names : list of str
        Titles of the panels.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        The panels, one per activation.
    figure_ : matplotlib Figure
        The figure.
    lines_, derivative_lines_ : list of matplotlib Line2D
        Curves, one per activation.

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
    def from_activation(
        cls, activation: str | Callable | list, *, z: ArrayLike | None = None, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Plot activations.

        Parameters
        ----------
        activation : str, callable, or list of these
            Names of ``ACTIVATIONS`` or functions ``z -> (a, backward)``.
        z : array-like of shape (n_points,), default=None
            Points of evaluation; None is 401 points from -4 to 4.
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
        functions = [resolve(ACTIVATIONS, function, "activation") for function in given]
        names = [name if isinstance(name, str) else getattr(name, "__name__", repr(name)) for name in given]
        values, derivatives = zip(*(_value_and_derivative(function, z) for function in functions), strict=True)
        return cls(z=z, values=values, derivatives=derivatives, names=names).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw each function solid and its derivative dashed.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Axes to draw in, one per panel; None makes a figure.
        **kwargs : dict
            Arguments of matplotlib's ``plot``, for all curves.

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
            set_title(panel, name)
        self._legend([self.lines_[0], self.derivative_lines_[0]], outside=ax is None)
        return self


def _value_and_derivative(function, z):
    """Return f(z) and f'(z), which is what backward makes of a delta of ones."""
    a, backward = function(z.reshape(-1, 1).copy())
    a = a.copy()
    return a.ravel(), backward(np.ones((len(z), 1))).ravel()
