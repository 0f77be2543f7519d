"""Loss curves: what is in the artists is what the networks recorded."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from skmlp_scratch import ScratchTabularClassifier
from skmlp_scratch.plotting import LossCurveDisplay

from .pictures import X, Y, assert_legible, histories


def curves(*columns, **kwargs):
    names = [f"net {i}" for i in range(len(columns))]
    return LossCurveDisplay(histories=histories(*columns), names=names).plot(**kwargs)


def test_loss_curve_holds_the_history(fitted):
    display = LossCurveDisplay.from_estimator(fitted)
    (line,) = display.lines_
    np.testing.assert_array_equal(line.get_xdata(), fitted.history_["epoch"])
    np.testing.assert_array_equal(line.get_ydata(), fitted.loss_curve_)
    assert display.validation_lines_ == display.score_lines_ == [None]
    assert list(display.axes_) == [display.ax_]
    assert display.figure_ is display.ax_.figure
    assert display.ax_.get_xlabel() == "epoch"


def test_validation_is_drawn_dashed_with_the_score_below(validated):
    display = LossCurveDisplay.from_estimator(validated)
    assert len(display.axes_) == 2
    np.testing.assert_array_equal(display.validation_lines_[0].get_ydata(), validated.history_["val_loss"])
    np.testing.assert_array_equal(display.score_lines_[0].get_ydata(), validated.validation_scores_)
    assert display.lines_[0].get_linestyle() == "-"
    assert display.validation_lines_[0].get_linestyle() == display.score_lines_[0].get_linestyle() == "--"
    assert display.axes_[1].get_ylabel() == "validation score"
    (star,) = display.best_
    assert star.get_xdata()[0] == 1 + np.argmax(validated.validation_scores_)
    assert_legible(display.figure_)


@pytest.mark.parametrize(
    "columns, epoch, height",
    [
        (([3.0, 1.0, 2.0], None, None), 2, 1.0),
        (([3.0, 2.0, 1.0], [4.0, 3.0, 3.5], None), 2, 3.0),
        (([3.0, 2.0, 1.0], [4.0, 3.0, 3.5], [0.9, 0.5, 0.6]), 1, 4.0),
        (([3.0, 2.0, 1.0], None, [np.nan, 0.5, 0.6]), 3, 1.0),
    ],
)
def test_star_marks_the_best_epoch(columns, epoch, height):
    (star,) = curves(columns).best_
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (epoch, height)
    assert star.get_marker() == "*"


def test_x_is_seconds_where_recorded(fitted):
    display = LossCurveDisplay.from_estimator(fitted, x="seconds")
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), fitted.history_["seconds"])
    assert display.ax_.get_xlabel() == "seconds"


@pytest.mark.parametrize(
    "losses, log_scale, scale",
    [
        ([2.0, 1.0, 0.5], None, "linear"),
        ([2.0, 0.1, 0.01], None, "log"),
        ([2.0, 0.1, -1.0], None, "linear"),
        ([2.0, 0.1, 0.01], False, "linear"),
        ([2.0, 1.0, 0.5], True, "log"),
    ],
)
def test_loss_scale_follows_its_range(losses, log_scale, scale):
    assert curves((losses, None, None), log_scale=log_scale).ax_.get_yscale() == scale


@pytest.mark.parametrize("x", ["epoch", "seconds"])
def test_scores_stand_below_their_losses(x):
    losses = list(np.linspace(2, 1, 50))
    display = curves((losses, None, None), (losses[:10], None, [0.5] * 10), x=x)
    assert display.axes_[0].get_xlim() == display.axes_[1].get_xlim()
    assert display.axes_[0].get_xlim()[1] >= display.lines_[0].get_xdata()[-1]


def test_seconds_of_different_magnitude_have_a_log_scale():
    short, long = [2.0, 1.0], list(np.linspace(2, 1, 200))
    display = curves((short, None, None), (long, None, [0.5] * 200), x="seconds")
    assert [ax.get_xscale() for ax in display.axes_] == ["log", "log"]
    assert curves((short, None, None), (short, None, None), x="seconds").ax_.get_xscale() == "linear"


def test_several_networks_differ_in_color_and_marker(fitted, validated):
    display = LossCurveDisplay.from_estimator([fitted, validated], names=["one", "two"])
    styles = {(line.get_color(), line.get_marker()) for line in display.lines_}
    assert len(styles) == len({color for color, _ in styles}) == len({marker for _, marker in styles}) == 2
    assert display.validation_lines_[0] is None
    assert display.validation_lines_[1].get_color() == display.lines_[1].get_color()
    (legend,) = display.figure_.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["one", "two", "training", "validation", "best epoch"]


def test_color_and_marker_return_together_only_after_their_product():
    display = curves(*[([2.0, 1.0], None, None)] * 110)
    assert len({(line.get_color(), line.get_marker()) for line in display.lines_}) == 110


def test_sklearn_network_is_drawn_too():
    peer = MLPClassifier(5, learning_rate_init=0.1, early_stopping=True, random_state=0).fit(X, Y)
    display = LossCurveDisplay.from_estimator(peer)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), peer.loss_curve_)
    np.testing.assert_array_equal(display.score_lines_[0].get_ydata(), peer.validation_scores_)
    with pytest.raises(ValueError, match="MLPClassifier has recorded no seconds"):
        display.plot(x="seconds")


def test_loss_curve_in_given_axes(validated):
    figure, axes = plt.subplots(2)
    assert list(LossCurveDisplay.from_estimator(validated, ax=axes).axes_) == list(axes)
    _, ax = plt.subplots()
    display = LossCurveDisplay.from_estimator(validated, ax=ax, linewidth=3)
    assert display.ax_ is ax
    assert display.score_lines_ == [None]
    assert display.lines_[0].get_linewidth() == 3
    assert ax.get_legend() is not None
    assert figure.legends == display.figure_.legends == []


def test_loss_curve_rejects_what_it_cannot_draw(fitted):
    with pytest.raises(ValueError, match="x='minutes' must be 'epoch' or 'seconds'"):
        LossCurveDisplay.from_estimator(fitted, x="minutes")
    with pytest.raises(ValueError, match="LogisticRegression has no loss curve"):
        LossCurveDisplay.from_estimator(LogisticRegression().fit(X, Y))
    with pytest.raises(ValueError, match="names has 2 entries for 1 estimators"):
        LossCurveDisplay.from_estimator(fitted, names=["a", "b"])
    with pytest.raises(ValueError, match="no finite loss"):
        curves(([np.nan], None, None))
    with pytest.raises(ValueError, match="ax holds 3 axes, but there are 1 panels"):
        LossCurveDisplay.from_estimator(fitted, ax=plt.subplots(3)[1])


def test_long_names_fit_the_legend(with_solvers):
    display = LossCurveDisplay.from_estimator(with_solvers)
    assert_legible(display.figure_)
    first = display.figure_.legends[0].get_texts()[0].get_text()
    assert first.replace("\n", " ").startswith("solver=GradientDescent(batch_size=32,")
    _, ax = plt.subplots()
    LossCurveDisplay.from_estimator(with_solvers, ax=ax)
    assert_legible(ax.figure)


@pytest.mark.parametrize("n, length", [(9, 12), (3, 50), (12, 3)])
def test_legend_of_any_length_is_whole(n, length):
    names = [f"{i:0{length}d}" for i in range(n)]
    made = histories(*[([2.0, 1.0 + i], None, [0.5, 0.6]) for i in range(n)])
    assert_legible(LossCurveDisplay(histories=made, names=names).plot().figure_)


def test_tabular_network_is_drawn_with_its_joint_score():
    X, y = np.random.RandomState(0).standard_normal((60, 2)), np.arange(60) % 2
    clf = ScratchTabularClassifier(4, n_members=2, n_folds=2, max_iter=3, random_state=0).fit(X, y)
    display = LossCurveDisplay.from_estimator(clf)
    assert display.lines_[0].get_ydata().tolist() == clf.history_["loss"]
    assert display.validation_lines_ == [None]
    assert display.score_lines_[0].get_ydata().tolist() == clf.validation_scores_
