"""Decision surfaces: what is shaded is what the estimators predict."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_iris, make_friedman1
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPRegressor
from skmlp_scratch.plotting import COLORS, DecisionSurfaceDisplay

from .pictures import X, Y, assert_legible, network


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
    # The least probability that can be the largest of three is white.
    assert {mesh.get_clim() for mesh in shown.surface_} == {(1 / 3, 1)}
    for label, boundary in enumerate(display.boundaries_[0]):
        on_line = pd.DataFrame(np.concatenate(boundary.allsegs[0]), columns=frame.columns)
        own, others = np.split(np.roll(pipeline.predict_proba(on_line), -label, axis=1), [1], axis=1)
        assert np.median(np.abs(own.ravel() - others.max(axis=1))) < 0.02
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == tuple(frame.columns)
    labels = [text.get_text() for text in display.figure_.legends[0].get_texts()]
    assert labels == ["class setosa", "class versicolor", "class virginica"]
    assert_legible(display.figure_)


def test_more_classes_than_colors():
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(12, 2)) * 10
    many = np.arange(120) % 12
    points = centers[many] + rng.normal(size=(120, 2))
    display = DecisionSurfaceDisplay.from_estimator(LogisticRegression(max_iter=1000).fit(points, many), points, many)
    looks = [(tuple(shown.get_facecolor()[0]), str(shown.get_paths()[0].vertices)) for shown in display.points_[0]]
    assert len(looks) == len(set(looks)) == 12
    assert len({color for color, _ in looks}) == len(COLORS)
    assert_legible(display.figure_)


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
