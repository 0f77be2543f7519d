"""Displays: what is in the artists is what the networks hold, and nothing overlaps or is cut."""

import sys
from itertools import combinations
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.datasets import load_iris, make_friedman1, make_moons
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.comparison import ComparisonRow
from skmlp_scratch.optimizers import SGD, Adam
from skmlp_scratch.plotting import (
    COLORS,
    ActivationDisplay,
    ComparisonDisplay,
    DecisionSurfaceDisplay,
    LossCurveDisplay,
    WeightsDisplay,
)
from skmlp_scratch.schedules import Cosine
from skmlp_scratch.solvers import GradientDescent

mpl.use("Agg")
import matplotlib.pyplot as plt

X, Y = make_moons(80, noise=0.2, random_state=0)


def network(**params):
    params = {"solver": "lbfgs", "activation": "tanh", "alpha": 0.1, "random_state": 0, "max_iter": 500} | params
    return ScratchMLPClassifier(params.pop("hidden_layer_sizes", 4), **params)


@pytest.fixture(scope="module")
def fitted():
    return network().fit(X, Y)


@pytest.fixture(scope="module")
def validated():
    params = {"solver": "adam", "learning_rate_init": 0.05, "max_iter": 400}
    return network(early_stopping=True, **params).fit(X, Y)


def histories(*columns):
    """Histories as the estimators record them, from (loss, val_loss, val_score)."""
    keys = ("loss", "val_loss", "val_score")
    made = []
    for column in columns:
        n = len(column[0])
        lists = [values if values is not None else [np.nan] * n for values in column]
        seconds = list(0.5 * np.arange(1, n + 1))
        made.append({"epoch": list(range(1, n + 1)), "seconds": seconds, **dict(zip(keys, lists, strict=True))})
    return made


def curves(*columns, **kwargs):
    names = [f"net {i}" for i in range(len(columns))]
    return LossCurveDisplay(histories=histories(*columns), names=names).plot(**kwargs)


def texts(figure):
    """The visible texts that a reader needs: titles, labels of axes and ticks, legends."""
    figure.draw_without_rendering()
    found = []
    for ax in figure.axes:
        found += [ax.title, ax.xaxis.label, ax.yaxis.label]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            found += [label for place, label in ticks if low <= place <= high]
        if ax.get_legend() is not None:
            found += ax.get_legend().get_texts()
    for legend in figure.legends:
        found += legend.get_texts()
    return [text for text in found if text.get_visible() and text.get_text()]


def assert_legible(figure):
    """No text is cut by the figure's edge, and no two texts overlap."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    width, height = figure.bbox.size
    for text, box in boxes:
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= width + 1, text
        assert box.y1 <= height + 1, text
    for (one, first), (other, second) in combinations(boxes, 2):
        # Boxes include the room for accents and descenders: a touch of a pixel or two is no overlap.
        inner = first.padded(-1.5)
        assert not (inner.overlaps(second.padded(-1.5))), (one, other)


# Loss curves


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


def test_seconds_of_different_magnitude_have_a_log_scale():
    short, long = [2.0, 1.0], list(np.linspace(2, 1, 200))
    display = curves((short, None, None), (long, None, [0.5] * 200), x="seconds")
    assert [ax.get_xscale() for ax in display.axes_] == ["log", "log"]
    assert curves((short, None, None), (short, None, None), x="seconds").ax_.get_xscale() == "linear"


def test_several_networks_differ_in_colour_and_marker(fitted, validated):
    display = LossCurveDisplay.from_estimator([fitted, validated], names=["one", "two"])
    styles = {(line.get_color(), line.get_marker()) for line in display.lines_}
    assert len(styles) == len({color for color, _ in styles}) == len({marker for _, marker in styles}) == 2
    assert display.validation_lines_[0] is None
    assert display.validation_lines_[1].get_color() == display.lines_[1].get_color()
    (legend,) = display.figure_.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["one", "two", "training", "validation", "best epoch"]


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
    nets = [network(alpha=0.0002848035868435802).fit(X, Y), network(alpha=1.5e-7, solver=rate).fit(X, Y)]
    assert "\n" in str(rate)
    first, second = LossCurveDisplay.from_estimator(nets).names
    assert first == "alpha=0.000285, solver=lbfgs"
    assert second.startswith("alpha=1.5e-07, solver=GradientDescent(batch_size=32, learning_rate=Cosine(")
    assert "beta_1=0.812)" in second
    assert "\n" not in second


@pytest.fixture(scope="module")
def with_solvers():
    """Networks whose default names are long."""
    sizes = ((Adam(beta_1=0.8), Cosine(0.1, 50), 32), (SGD(0.9), 0.01, 16), (SGD(), Cosine(0.2, 9), 8))
    solvers = [GradientDescent(o, learning_rate=rate, batch_size=n, max_iter=2) for o, rate, n in sizes]
    return [network(solver=solver).fit(X, Y) for solver in solvers]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8])
def test_long_titles_are_wrapped_and_shortened(with_solvers, n):
    nets = (with_solvers * 3)[:n]
    display = DecisionSurfaceDisplay.from_estimator(nets, X, Y, names=[str(net.solver) for net in nets])
    for title, net in zip([ax.get_title() for ax in display.axes_], nets, strict=True):
        shown, whole = "".join(title.split()), "".join(str(net.solver).split())
        assert title.count("\n") <= 3
        assert shown == whole or (title.endswith("…") and whole.startswith(shown[:-1]))
    assert_legible(display.figure_)


def test_long_default_titles_are_legible_in_given_axes(with_solvers):
    figure, axes = plt.subplots(1, 3, layout="constrained")
    DecisionSurfaceDisplay.from_estimator(with_solvers, X, Y, ax=axes, grid_resolution=10)
    assert_legible(figure)


def test_words_without_spaces_are_broken(fitted):
    display = DecisionSurfaceDisplay.from_estimator([fitted] * 2, X, names=["x" * 200, "y\nz"], grid_resolution=10)
    first, second = (ax.get_title().split("\n") for ax in display.axes_)
    assert len(first) == 4
    assert first[-1].endswith("x…")
    assert second == ["y", "z"]
    assert_legible(display.figure_)


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


def test_network_is_found_in_pipeline_and_search(fitted):
    search = GridSearchCV(make_pipeline(StandardScaler(), network()), {"scratchmlpclassifier__alpha": [0.1]}, cv=2)
    search.fit(X, Y)
    display = LossCurveDisplay.from_estimator([search, search.best_estimator_])
    expected = search.best_estimator_[-1].loss_curve_
    for line in display.lines_:
        np.testing.assert_array_equal(line.get_ydata(), expected)


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


# Decision surfaces


def test_surface_is_the_probability_on_a_grid_around_the_points(fitted):
    display = DecisionSurfaceDisplay.from_estimator(fitted, X, Y, grid_resolution=20)
    (shown,) = display.surfaces_
    grid = np.column_stack([shown.xx0.ravel(), shown.xx1.ravel()])
    np.testing.assert_allclose(shown.response.ravel(), fitted.predict_proba(grid)[:, 1])
    margin = 0.1 * np.ptp(X, axis=0)
    np.testing.assert_allclose(grid.min(axis=0), X.min(axis=0) - margin)
    np.testing.assert_allclose(grid.max(axis=0), X.max(axis=0) + margin)
    assert shown.surface_.levels[[0, -1]].tolist() == [0, 1]


def test_points_are_those_of_each_class(fitted):
    display = DecisionSurfaceDisplay.from_estimator([fitted, fitted], X, Y, names=["a", "b"], grid_resolution=10)
    for points in display.points_:
        for label, collection in enumerate(points):
            np.testing.assert_array_equal(collection.get_offsets(), X[label == Y])
    colors = {tuple(points.get_facecolor()[0]) for points in display.points_[0]}
    shapes = {points.get_paths()[0].vertices.shape for points in display.points_[0]}
    assert len(colors) == len(shapes) == 2
    assert [ax.get_title() for ax in display.axes_] == ["a", "b"]


def test_black_line_separates_the_classes(fitted):
    constant = DummyClassifier().fit(X, (np.arange(len(X)) % 3 > 0).astype(int))
    display = DecisionSurfaceDisplay.from_estimator([fitted, constant], X, Y, names=["a", "b"])
    (boundary,), nothing = display.boundaries_
    assert boundary.levels.tolist() == [0]
    on_line = np.concatenate(boundary.allsegs[0])
    np.testing.assert_allclose(fitted.predict_proba(on_line)[:, 1], 0.5, atol=0.05)
    # Where one class wins everywhere there is nothing to separate.
    assert nothing == []


def test_surface_of_three_named_classes_in_a_dataframe():
    pd = pytest.importorskip("pandas")
    iris = load_iris()
    frame = pd.DataFrame(iris.data[:, :2], columns=["sepal length", "sepal width"])
    kinds = iris.target_names[iris.target]
    pipeline = make_pipeline(StandardScaler(), network(hidden_layer_sizes=5)).fit(frame, kinds)
    display = DecisionSurfaceDisplay.from_estimator(pipeline, frame, kinds, grid_resolution=80)
    (shown,) = display.surfaces_
    grid = pd.DataFrame({name: g.ravel() for name, g in zip(frame.columns, (shown.xx0, shown.xx1), strict=True)})
    np.testing.assert_allclose(shown.response.reshape(-1, 3), pipeline.predict_proba(grid))
    for label, boundary in enumerate(display.boundaries_[0]):
        on_line = pd.DataFrame(np.concatenate(boundary.allsegs[0]), columns=frame.columns)
        own, others = np.split(np.roll(pipeline.predict_proba(on_line), -label, axis=1), [1], axis=1)
        assert np.median(np.abs(own.ravel() - others.max(axis=1))) < 0.02
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == tuple(frame.columns)
    labels = [text.get_text() for text in display.figure_.legends[0].get_texts()]
    assert labels == ["class setosa", "class versicolor", "class virginica"]
    assert_legible(display.figure_)


def test_more_classes_than_colours():
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(12, 2)) * 10
    many = np.arange(120) % 12
    points = centers[many] + rng.normal(size=(120, 2))
    display = DecisionSurfaceDisplay.from_estimator(LogisticRegression(max_iter=1000).fit(points, many), points, many)
    looks = [(tuple(shown.get_facecolor()[0]), str(shown.get_paths()[0].vertices)) for shown in display.points_[0]]
    assert len(looks) == len(set(looks)) == 12
    assert len({color for color, _ in looks}) == len(COLORS)
    assert_legible(display.figure_)


def test_colour_and_marker_return_together_only_after_their_product():
    display = curves(*[([2.0, 1.0], None, None)] * 110)
    assert len({(line.get_color(), line.get_marker()) for line in display.lines_}) == 110


@pytest.mark.parametrize("n", [1, 3])
def test_long_class_names_fit(n):
    names = np.array(["A", "a class name that tells in full how it came about, by whom, and where"], dtype=object)
    net = network().fit(X, names[Y])
    display = DecisionSurfaceDisplay.from_estimator([net] * n, X, names[Y], grid_resolution=10)
    label = display.figure_.axes[-1].get_ylabel()
    assert label.replace("\n", " ").startswith("probability of class a class name that")
    assert label.endswith("…")
    assert_legible(display.figure_)


def test_surfaces_of_regressors_share_one_scale():
    data, target = make_friedman1(60, n_features=5, random_state=0)
    plane = data[:, :2]
    net = ScratchMLPRegressor(hidden_layer_sizes=5, solver="lbfgs", alpha=1.0, max_iter=2000, random_state=0)
    models = [Ridge().fit(plane, target), net.fit(plane, target)]
    display = DecisionSurfaceDisplay.from_estimator(
        models, plane, target, feature_names=["hours", "sleep"], grid_resolution=20
    )
    shown = display.surfaces_[1]
    grid = np.column_stack([shown.xx0.ravel(), shown.xx1.ravel()])
    np.testing.assert_allclose(shown.response.ravel(), models[1].predict(grid))
    np.testing.assert_array_equal(display.points_[0][0].get_array(), target)
    artists = [shown.surface_ for shown in display.surfaces_] + [points for (points,) in display.points_]
    assert {artist.get_clim() for artist in artists} == {(target.min(), target.max())}
    assert [ax.get_ylabel() for ax in display.axes_] == ["sleep", ""]
    assert_legible(display.figure_)
    bare = DecisionSurfaceDisplay.from_estimator(models[0], plane)
    assert bare.surfaces_[0].surface_.get_clim() == (
        bare.surfaces_[0].response.min(),
        bare.surfaces_[0].response.max(),
    )


def test_eight_surfaces_are_legible(fitted):
    names = [f"{i} hidden units\naccuracy 0.955" for i in range(8)]
    display = DecisionSurfaceDisplay.from_estimator([fitted] * 8, X, Y, names=names, feature_names=["x0", "x1"])
    assert [ax.get_xlabel() for ax in display.axes_] == [""] * 4 + ["x0"] * 4
    assert [ax.get_ylabel() for ax in display.axes_] == ["x1", "", "", ""] * 2
    assert_legible(display.figure_)


def test_surface_in_given_axes(fitted):
    _, axes = plt.subplots(1, 2)
    display = DecisionSurfaceDisplay.from_estimator([fitted, fitted], X, Y, ax=axes, grid_resolution=10)
    assert list(display.axes_) == list(axes)
    with pytest.raises(ValueError, match="ax holds 1 axes, but there are 2 panels"):
        display.plot(ax=axes[0])


def test_surface_rejects_what_it_cannot_draw(fitted):
    with pytest.raises(ValueError, match=r"X has shape \(80, 3\); a surface needs two features"):
        DecisionSurfaceDisplay.from_estimator(fitted, np.ones((80, 3)), Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        DecisionSurfaceDisplay.from_estimator(fitted, X, Y[1:])


# Weights


def test_weights_are_the_matrices(fitted):
    display = WeightsDisplay.from_estimator(make_pipeline(StandardScaler(), network()).fit(X, Y))
    assert [image.get_array().shape for image in display.images_] == [(2, 4), (4, 1)]
    display = WeightsDisplay.from_estimator(fitted)
    for image, W in zip(display.images_, fitted.coefs_, strict=True):
        np.testing.assert_array_equal(image.get_array(), W)
    largest = max(np.abs(W).max() for W in fitted.coefs_)
    assert {image.get_clim() for image in display.images_} == {(-largest, largest)}
    assert [ax.get_title() for ax in display.axes_] == ["layer 0", "layer 1"]
    assert [ax.get_ylabel() for ax in display.axes_] == ["from input", "from unit"]
    assert_legible(display.figure_)


def test_weight_ticks_are_whole_numbers(fitted):
    display = WeightsDisplay.from_estimator(fitted)
    for ax in display.axes_:
        for ticks in (ax.get_xticks(), ax.get_yticks()):
            np.testing.assert_array_equal(ticks, np.round(ticks))


@pytest.mark.parametrize("layer, index", [(0, 0), (1, 1), (-1, 1), (-2, 0)])
def test_one_layer(fitted, layer, index):
    display = WeightsDisplay.from_estimator(fitted, layer=layer)
    (image,) = display.images_
    np.testing.assert_array_equal(image.get_array(), fitted.coefs_[index])
    assert display.ax_.get_title() == f"layer {index}"
    assert display.ax_.get_ylabel() == ("from unit" if index else "from input")


def test_some_units_under_a_name_of_their_own(fitted):
    display = WeightsDisplay(weights=[fitted.coefs_[0][:, :2]], names=["two units"]).plot()
    np.testing.assert_array_equal(display.images_[0].get_array(), fitted.coefs_[0][:, :2])
    assert (display.ax_.get_title(), display.ax_.get_ylabel()) == ("two units", "from input")


def test_images_are_tiles_row_by_row():
    W = np.arange(12 * 5, dtype=float).reshape(12, 5)
    peer = MLPClassifier()
    peer.coefs_ = [W, W.T]
    display = WeightsDisplay.from_estimator(peer, image_shape=(3, 4))
    tiles = display.images_[0].get_array()
    assert tiles.shape == (2 * 4 - 1, 3 * 5 - 1)
    for unit in range(5):
        row, column = divmod(unit, 3)
        tile = tiles[row * 4 : row * 4 + 3, column * 5 : column * 5 + 4]
        np.testing.assert_array_equal(tile, W[:, unit].reshape(3, 4))
    # The lines between the tiles, and the place without a unit.
    assert tiles.mask[3].all()
    assert tiles.mask[:, [4, 9]].all()
    assert tiles.mask[4:, 10:].all()


def test_weights_reject_what_they_cannot_draw(fitted):
    for layer in (2, -3, 0.5):
        with pytest.raises(ValueError, match=f"layer={layer} must be None or a whole number from -2 to 1"):
            WeightsDisplay.from_estimator(fitted, layer=layer)
    with pytest.raises(ValueError, match=r"image_shape=\(2, 2\) does not hold the 2 inputs"):
        WeightsDisplay.from_estimator(fitted, image_shape=(2, 2))


# Activations


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


def test_activations_of_ones_own():
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


# Comparison


def comparison(sizes):
    def row(model, size, scores, seconds):
        return ComparisonRow(model, size, np.array(scores), seconds, None)

    networks = [
        row(name, size, [0.9 - shift, 1.0 - shift], seconds)
        for name, shift in (("MLPClassifier", 0.1), ("ScratchMLPClassifier", 0.0))
        for size, seconds in sizes.items()
    ]
    baselines = [row("DummyClassifier", None, [0.5, 0.5], 0.001), row("LogisticRegression", None, [0.8, 0.9], 0.002)]
    return SimpleNamespace(rows=baselines + networks, metric="accuracy")


@pytest.fixture
def table():
    return comparison({1: 0.01, (20, 10): 0.1, "chosen": 1.0})


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


def test_networks_of_a_comparison_differ_in_colour_and_marker_and_stand_side_by_side(table):
    points = [container[0] for container in ComparisonDisplay.from_comparison(table).scores_.values()]
    assert len({p.get_color() for p in points}) == len({p.get_marker() for p in points}) == 2
    assert not set(points[0].get_xdata()) & set(points[1].get_xdata())


def test_comparison_in_one_given_axes(table):
    _, ax = plt.subplots()
    display = ComparisonDisplay.from_comparison(table, ax=ax)
    assert list(display.axes_) == [ax]
    assert display.seconds_ == {}
    assert len(ax.get_legend().get_texts()) == 4


# All displays


def displays(fitted, table):
    return [
        lambda: LossCurveDisplay.from_estimator(fitted),
        lambda: DecisionSurfaceDisplay.from_estimator(fitted, X, Y, grid_resolution=10),
        lambda: WeightsDisplay.from_estimator(fitted),
        lambda: ActivationDisplay.from_activation("tanh"),
        lambda: ComparisonDisplay.from_comparison(table),
    ]


@pytest.mark.parametrize("unfitted", [network(), make_pipeline(StandardScaler(), network()), MLPClassifier()])
def test_unfitted_estimators_are_refused(unfitted):
    for draw in (
        LossCurveDisplay.from_estimator,
        WeightsDisplay.from_estimator,
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


def test_colours_are_told_apart_with_any_colour_vision():
    # Viénot, Brettel & Mollon 1999 for two kinds of dichromats, in linear RGB; the first colours carry all comparisons.
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
