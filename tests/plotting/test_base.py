"""What holds for every display: names, text that fits, colors, errors."""

import sys
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch.optimizers import Adam
from skmlp_scratch.plotting import (
    COLORS,
    ActivationDisplay,
    ComparisonDisplay,
    DecisionSurfaceDisplay,
    LossCurveDisplay,
    NetworkDisplay,
    WeightsDisplay,
)
from skmlp_scratch.plotting._base import wrap
from skmlp_scratch.schedules import Cosine
from skmlp_scratch.solvers import GradientDescent

from .pictures import X, Y, assert_legible, briefly, network


def test_names_tell_what_differs(fitted):
    other = network(hidden_layer_sizes=2, alpha=0.2).fit(X, Y)
    linear = LogisticRegression().fit(X, Y)
    display = DecisionSurfaceDisplay.from_estimator([linear, fitted, other], X, grid_resolution=10)
    expected = ["LogisticRegression", "alpha=0.1, hidden_layer_sizes=4", "alpha=0.2, hidden_layer_sizes=2"]
    assert display.names == expected
    assert [ax.get_title() for ax in display.axes_] == [name.replace(", ", ",\n") for name in expected]
    assert_legible(display.figure_)


def test_default_names_are_one_line_with_short_numbers():
    rate = GradientDescent(Adam(beta_1=0.8123456), learning_rate=Cosine(1e-05, 5), batch_size=32, max_iter=2)
    nets = [
        briefly(network(alpha=0.0002848035868435802, max_iter=200), X, Y),
        briefly(network(alpha=1.5e-7, solver=rate), X, Y),
    ]
    assert "\n" in str(rate)
    first, second = LossCurveDisplay.from_estimator(nets).names
    assert first == "alpha=0.000285, solver=lbfgs"
    assert second.startswith("alpha=1.5e-07, solver=GradientDescent(batch_size=32, learning_rate=Cosine(")
    assert "beta_1=0.812)" in second
    assert "\n" not in second


@pytest.mark.parametrize(
    "text, n_chars, max_lines, wrapped",
    [
        ("one two three", 9, 4, "one two\nthree"),
        ("one two three", 13, 4, "one two three"),
        ("one two  three", 9, 4, "one two\nthree"),
        ("SGD(momentum=0.9)", 12, 4, "SGD(\nmomentum=0.9\n)"),
        ("f(x, g(y))", 8, 4, "f(x, g(\ny))"),
        ("x" * 20, 8, 4, "xxxxxxxx\nxxxxxxxx\nxxxx"),
        ("x" * 20, 8, 2, "xxxxxxxx\nxxxxxxx…"),
        ("one\n\ntwo", 8, 4, "one\ntwo"),
        ("one two", 3, 4, "one two"),  # no line is shorter than 8
        ("a\tb", 8, 4, "a\nb"),
        (7, 8, 4, "7"),
        ("$\\frac{1}{1 + e^{-z}}$", 8, 1, "$\\frac{1}{1 + e^{-z}}$"),
        ("", 8, 4, ""),
    ],
)
def test_text_is_wrapped(text, n_chars, max_lines, wrapped):
    assert wrap(text, n_chars, max_lines) == wrapped


def test_network_is_found_in_pipeline_and_search(fitted):
    search = GridSearchCV(make_pipeline(StandardScaler(), network()), {"scratchmlpclassifier__alpha": [0.1]}, cv=2)
    search.fit(X, Y)
    display = LossCurveDisplay.from_estimator([search, search.best_estimator_, search.best_estimator_[-1:]])
    expected = search.best_estimator_[-1].loss_curve_
    for line in display.lines_:
        np.testing.assert_array_equal(line.get_ydata(), expected)


def displays(fitted, table):
    return [
        lambda: LossCurveDisplay.from_estimator(fitted),
        lambda: DecisionSurfaceDisplay.from_estimator(fitted, X, Y, grid_resolution=10),
        lambda: WeightsDisplay.from_estimator(fitted),
        lambda: NetworkDisplay.from_estimator(fitted, X),
        lambda: ActivationDisplay.from_activation("tanh"),
        lambda: ComparisonDisplay.from_comparison(table),
    ]


@pytest.mark.parametrize("unfitted", [network(), make_pipeline(StandardScaler(), network()), MLPClassifier()])
def test_unfitted_estimators_are_refused(unfitted):
    for draw in (
        LossCurveDisplay.from_estimator,
        WeightsDisplay.from_estimator,
        NetworkDisplay.from_estimator,
        lambda estimator: DecisionSurfaceDisplay.from_estimator(estimator, X, Y),
        lambda estimator: DecisionSurfaceDisplay.from_estimator(estimator, X, Y, names="mine"),
    ):
        with pytest.raises(NotFittedError, match="MLPClassifier instance is not fitted yet"):
            draw(unfitted)


def test_plot_returns_the_display(fitted, table):
    for make in displays(fitted, table):
        display = make()
        first = display.figure_
        assert display.plot() is display
        assert display.figure_ is not first
        assert display.ax_ is display.axes_[0]


def test_message_without_matplotlib(fitted, table, monkeypatch):
    makers = displays(fitted, table)
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    for make in makers:
        with pytest.raises(ImportError, match=r'Display requires matplotlib: pip install "skmlp_scratch\[plot\]"'):
            make()


def test_colors_are_told_apart_with_any_color_vision():
    # Viénot, Brettel & Mollon 1999 for two kinds of dichromats, in linear RGB; the first colors carry all comparisons.
    protan = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
    deutan = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    colors = np.array([mpl.colors.to_rgb(color) for color in COLORS[:4]])
    linear = np.where(colors > 0.04045, ((colors + 0.055) / 1.055) ** 2.4, colors / 12.92)
    gray = np.tile([0.2126, 0.7152, 0.0722], (3, 1))
    for seen, least in ((np.eye(3), 0.2), (protan, 0.2), (deutan, 0.2), (gray, 0.0)):
        image = np.clip(linear @ seen.T, 0, 1) ** (1 / 2.4)
        distances = [np.linalg.norm(a - b) for a, b in combinations(image, 2)]
        assert min(distances) > least, seen
    # The two of every binary surface differ in lightness as well, so that a print in black and white tells them apart.
    blue, red = (linear @ gray[0])[:2] ** (1 / 2.4)
    assert blue - red > 0.15
