"""Comparisons: the points hold the table, whatever the order of its rows."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skmlp_scratch.plotting import ComparisonDisplay

from .pictures import assert_legible, comparison


def test_comparison_holds_the_table(table):
    display = ComparisonDisplay.from_comparison(table)
    for name, mean in (("MLPClassifier", 0.85), ("ScratchMLPClassifier", 0.95)):
        points, _, (bars,) = display.scores_[name]
        np.testing.assert_allclose(points.get_ydata(orig=False), [mean] * 3)
        for segment in bars.get_segments():
            np.testing.assert_allclose(segment[:, 1], [mean - 0.05, mean + 0.05])
        assert display.seconds_[name].get_ydata().tolist() == [0.01, 0.1, 1.0]
    assert display.baselines_["DummyClassifier"].get_ydata() == [0.5, 0.5]
    np.testing.assert_allclose(display.baselines_["LogisticRegression"].get_ydata(), [0.85, 0.85])
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["1", "20-10", "chosen"]
    assert display.ax_.get_ylabel().startswith("accuracy")
    assert display.axes_[1].get_yscale() == "log"
    labels = [text.get_text() for text in display.figure_.legends[0].get_texts()]
    assert labels == ["DummyClassifier", "LogisticRegression", "MLPClassifier", "ScratchMLPClassifier"]
    assert_legible(display.figure_)


@pytest.mark.parametrize(
    "sizes, angle",
    [
        ([1, 2, 3, 4, 5, 20, 50], 0),
        ([1, 2, 3, 4, 5, 6, 8, 10, (10, 10, 10), (20, 20, 20), (30, 30), 50, 100], 90),
        ([(100, 100, 100), (200, 200, 200), (300, 300, 300, 300)], 90),
        (range(100, 140), 90),
    ],
)
def test_sizes_of_a_comparison_are_legible(sizes, angle):
    display = ComparisonDisplay.from_comparison(comparison(dict.fromkeys([*sizes, "chosen"], 0.1)))
    assert {label.get_rotation() for ax in display.axes_ for label in ax.get_xticklabels()} == {angle}
    assert_legible(display.figure_)


def test_networks_of_a_comparison_differ_in_color_and_marker_and_stand_side_by_side(table):
    points = [container[0] for container in ComparisonDisplay.from_comparison(table).scores_.values()]
    assert len({p.get_color() for p in points}) == len({p.get_marker() for p in points}) == 2
    assert not set(points[0].get_xdata()) & set(points[1].get_xdata())


def test_order_of_the_rows_does_not_matter(table):
    straight = ComparisonDisplay.from_comparison(table)
    turned = ComparisonDisplay(rows=table.rows[::-1], metric=table.metric).plot()
    for name, line in straight.baselines_.items():
        other = turned.baselines_[name]
        assert (line.get_ydata(), line.get_linestyle()) == (other.get_ydata(), other.get_linestyle())
    for display in (straight, turned):
        ticks = [label.get_text() for label in display.ax_.get_xticklabels()]
        assert ticks[-1] == "chosen"
        for row in table.rows[2:]:
            seconds = display.seconds_[row.model]
            drawn = dict(zip(np.round(seconds.get_xdata()), seconds.get_ydata(), strict=True))
            assert drawn[ticks.index(row.size)] == row.fit_seconds
    assert len({line.get_linestyle() for line in straight.baselines_.values()}) == 2


def test_networks_of_different_sizes_share_the_axis(table):
    rows = [row for row in table.rows if row.size != "1" or row.model != "ScratchMLPClassifier"]
    display = ComparisonDisplay(rows=rows, metric="accuracy").plot()
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["1", "20-10", "chosen"]
    assert [len(display.seconds_[name].get_xdata()) for name in ("MLPClassifier", "ScratchMLPClassifier")] == [3, 2]
    np.testing.assert_array_equal(np.round(display.seconds_["ScratchMLPClassifier"].get_xdata()), [1, 2])


def test_one_size_that_nothing_was_chosen_from(table):
    display = ComparisonDisplay(rows=[row for row in table.rows if row.size in "-1"], metric="accuracy").plot()
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["1"]
    assert_legible(display.figure_)


def test_comparison_in_one_given_axes(table):
    _, ax = plt.subplots()
    display = ComparisonDisplay.from_comparison(table, ax=ax)
    assert list(display.axes_) == [ax]
    assert display.seconds_ == {}
    assert len(ax.get_legend().get_texts()) == 4


def test_a_dummy_far_below_is_said_and_leaves_room_for_the_others(table):
    display = ComparisonDisplay.from_comparison(table)
    assert display.ax_.get_ylim()[0] > 0.5
    assert [text.get_text() for text in display.ax_.texts] == ["DummyClassifier: 0.500, below"]
    near = [row for row in table.rows if row.model != "ScratchMLPClassifier" or row.size != "chosen"]
    near = [dataclasses.replace(row, scores={"accuracy": np.array([0.4, 1.0])}) for row in near]
    assert list(ComparisonDisplay(rows=near, metric="accuracy").plot().ax_.texts) == []


def test_every_kind_of_model_has_its_line(table):
    linear = next(row for row in table.rows if row.kind == "linear")
    more = [dataclasses.replace(linear, kind=kind, model=kind) for kind in ("trees", "tabular")]
    display = ComparisonDisplay(rows=[*more, *table.rows], metric="accuracy").plot()
    lines = display.baselines_.values()
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(lines) == 4
    assert_legible(display.figure_)
