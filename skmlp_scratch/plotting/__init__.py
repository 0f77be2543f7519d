"""Displays: pictures of fitted networks, following scikit-learn's conventions.

A display stores what is to be drawn, ``plot`` draws it, and ``from_estimator`` does both. ``plot`` returns the display,
which then holds the axes, the figure and the artists, to be changed at will. Colors are told apart with any kind of
color vision (Petroff 2021, "Accessible color sequences for data visualization"), and lines and points also differ in
style or marker, so that a black-and-white print is readable. Matplotlib is imported when something is drawn.
"""

from ._activations import ActivationDisplay
from ._animation import animate_surface
from ._base import COLORS, MARKERS
from ._comparison import ComparisonDisplay
from ._curves import LossCurveDisplay
from ._importance import ImportanceDisplay
from ._network import NetworkDisplay
from ._surfaces import DecisionSurfaceDisplay
from ._weights import WeightsDisplay

__all__ = [
    "COLORS",
    "MARKERS",
    "ActivationDisplay",
    "ComparisonDisplay",
    "DecisionSurfaceDisplay",
    "ImportanceDisplay",
    "LossCurveDisplay",
    "NetworkDisplay",
    "WeightsDisplay",
    "animate_surface",
]
