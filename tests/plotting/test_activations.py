"""Activations: the curves are the functions and their derivatives."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.plotting import ActivationDisplay

from .pictures import assert_legible


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_and_derivative(name):
    z = np.linspace(-3, 3, 61) + 0.05  # off the kinks at 0
    display = ActivationDisplay.from_activation(name, z=z)
    f = lambda z: ACTIVATIONS[name](z.copy())[0]  # noqa: E731  a formula
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), z)
    np.testing.assert_allclose(display.lines_[0].get_ydata(), f(z))
    slope = (f(z + 1e-5) - f(z - 1e-5)) / 2e-5
    np.testing.assert_allclose(display.derivative_lines_[0].get_ydata(), slope, atol=1e-8)
    assert display.ax_.get_title() == name


def test_custom_activations():
    def cube(z):
        return z**3, lambda delta: delta * 3 * z**2

    display = ActivationDisplay.from_activation(["relu", cube])
    assert [ax.get_title() for ax in display.axes_] == ["relu", "cube"]
    z = display.lines_[1].get_xdata()
    np.testing.assert_allclose(display.derivative_lines_[1].get_ydata(), 3 * z**2)
    assert_legible(display.figure_)
    _, ax = plt.subplots()
    assert ActivationDisplay.from_activation(cube, ax=ax).ax_ is ax


def test_all_activations_are_legible():
    assert_legible(ActivationDisplay.from_activation(list(ACTIVATIONS)).figure_)


def test_unknown_activation_lists_the_choices():
    with pytest.raises(ValueError, match=r"activation=.rleu. is unknown.*.relu."):
        ActivationDisplay.from_activation("rleu")
