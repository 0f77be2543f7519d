"""Networks: lines are the weights and their gradients, units the activations and the biases' gradients."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris, make_friedman1
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPRegressor, trace
from skmlp_scratch.layers import Activation, Dense
from skmlp_scratch.network import Network
from skmlp_scratch.plotting import NetworkDisplay

from .pictures import X, Y, assert_legible, briefly, network

IRIS = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def deep():
    """Three classes, two hidden layers, far from an optimum."""
    return briefly(network(hidden_layer_sizes=(5, 4), solver="sgd", max_iter=3, alpha=0.5), *IRIS)


def slope(net, matrix, index, loss):
    """The loss's derivative with respect to one entry of a matrix of the net, which is put back."""
    at = matrix[index]
    losses = []
    for step in (1e-5, -1e-5):
        matrix[index] = at + step
        losses.append(loss(net))
    matrix[index] = at
    return (losses[0] - losses[1]) / 2e-5


def penalized_log_loss(net):
    data, labels = IRIS
    likelihood = net.predict_log_proba(data)[np.arange(len(labels)), labels].mean()
    return 0.5 * net.alpha * sum((W**2).sum() for W in net.coefs_) / len(labels) - likelihood


def test_lines_are_the_weights_between_their_units(deep):
    display = NetworkDisplay.from_estimator(deep)
    for layer, (lines, W) in enumerate(zip(display.lines_, deep.coefs_, strict=True)):
        np.testing.assert_array_equal(lines.get_array(), W.ravel())
        starts, ends = np.swapaxes(lines.get_segments(), 0, 1)
        before, after = (display.units_[k].get_offsets() for k in (layer, layer + 1))
        np.testing.assert_allclose(starts, np.repeat(before, len(after), axis=0))
        np.testing.assert_allclose(ends, np.tile(after, (len(before), 1)))
        np.testing.assert_array_equal(np.argsort(lines.get_linewidths()), np.argsort(np.abs(W.ravel())))
    largest = max(np.abs(W).max() for W in deep.coefs_)
    assert {lines.get_clim() for lines in display.lines_} == {(-largest, largest)}
    assert [units.get_array() for units in display.units_] == [None] * 4
    assert {tuple(units.get_facecolor()[0]) for units in display.units_} == {(1, 1, 1, 1)}
    assert display.gradient_lines_ == display.gradient_units_ == []
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["input", "hidden 1", "hidden 2", "output"]
    assert display.ax_.get_title() == "weights"
    assert_legible(display.figure_)


def test_units_of_a_layer_stand_apart_with_the_first_at_the_top(deep):
    display = NetworkDisplay.from_estimator(deep)
    for layer, (units, n) in enumerate(zip(display.units_, (4, 5, 4, 3), strict=True)):
        x, y = units.get_offsets().T
        assert set(x) == {layer}
        np.testing.assert_allclose(y, np.linspace(1, 0, 2 * n + 1)[1::2])


@pytest.mark.parametrize("rows", [slice(0, 1), slice(None)])
def test_units_are_activations_averaged_over_the_rows(deep, rows):
    data = IRIS[0][rows]
    display = NetworkDisplay.from_estimator(deep, data)
    expected = [data, deep.hidden_activations(data, 0), deep.hidden_activations(data, 1), deep.predict_proba(data)]
    for units, values in zip(display.units_, expected, strict=True):
        np.testing.assert_allclose(units.get_array(), values.mean(axis=0))
    everything = np.concatenate([values.mean(axis=0) for values in expected])
    assert {units.get_clim() for units in display.units_} == {(everything.min(), everything.max())}
    assert len(display.axes_) == 1
    assert_legible(display.figure_)


def test_outputs_of_two_classes_of_numbers_and_of_several_labels(fitted):
    shown = NetworkDisplay.from_estimator(fitted, X)
    np.testing.assert_allclose(shown.units_[-1].get_array(), fitted.predict_proba(X)[:, 1].mean())
    assert shown.output_names == ["class 1"]
    labels = np.column_stack([Y, 1 - Y, X[:, 0] > 0])
    multilabel = network().fit(X, labels)
    shown = NetworkDisplay.from_estimator(multilabel, X)
    np.testing.assert_allclose(shown.units_[-1].get_array(), multilabel.predict_proba(X).mean(axis=0))
    assert shown.output_names == ["class 0", "class 1", "class 2"]
    for target in (X[:, 1], X):
        net = ScratchMLPRegressor(hidden_layer_sizes=3, solver="lbfgs", tol=1e-2, random_state=0).fit(X, target)
        shown = NetworkDisplay.from_estimator(net, X)
        np.testing.assert_allclose(shown.units_[-1].get_array(), net.predict(X).reshape(len(X), -1).mean(axis=0))
        assert shown.output_names is None


def test_gradients_are_slopes_of_the_loss(deep):
    display = NetworkDisplay.from_estimator(deep, *IRIS)
    assert [ax.get_title() for ax in display.axes_] == ["weights and activations", "gradients on the way back"]
    for lines, units, W, b in zip(
        display.gradient_lines_, display.gradient_units_[1:], deep.coefs_, deep.intercepts_, strict=True
    ):
        shown = lines.get_array().reshape(W.shape)
        for index in ((0, 0), (1, 2), (3, 1)):
            np.testing.assert_allclose(shown[index], slope(deep, W, index, penalized_log_loss), rtol=1e-4, atol=1e-9)
        for index in ((0,), (2,)):
            expected = slope(deep, b, index, penalized_log_loss)
            np.testing.assert_allclose(units.get_array()[index], expected, rtol=1e-4, atol=1e-9)
    assert display.gradient_units_[0].get_array() is None
    scale = {artist.get_clim() for artist in display.gradient_lines_ + display.gradient_units_[1:]}
    gradients = display.weight_gradients + display.bias_gradients
    largest = max(np.abs(gradient).max() for gradient in gradients)
    assert scale == {(-largest, largest)}
    assert_legible(display.figure_)


def test_showing_a_network_changes_nothing(deep):
    before = deep.params_.copy()
    NetworkDisplay.from_estimator(deep, *IRIS)
    np.testing.assert_array_equal(deep.params_, before)


@pytest.mark.parametrize("params", [{"dropout": 0.5, "input_dropout": 0.2}, {"early_stopping": True}])
def test_gradients_are_without_dropout_and_of_all_rows(params):
    net = briefly(network(solver="adam", max_iter=3, **params), X, Y)
    shown = NetworkDisplay.from_estimator(net, X, Y)
    plain = briefly(network(solver="adam", max_iter=1), X, Y)
    plain.coefs_, plain.intercepts_ = [W.copy() for W in net.coefs_], [b.copy() for b in net.intercepts_]
    expected = NetworkDisplay.from_estimator(plain, X, Y)
    for gradient, other in zip(shown.weight_gradients, expected.weight_gradients, strict=True):
        np.testing.assert_allclose(gradient, other)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_normalized_networks_are_drawn(normalization):
    net = briefly(network(normalization=normalization, solver="adam", max_iter=3), X.astype(np.float32), Y)
    display = NetworkDisplay.from_estimator(net, X.astype(np.float32), Y)
    assert [W.shape for W in display.weight_gradients] == [W.shape for W in net.coefs_]
    assert [b.shape for b in display.bias_gradients] == [b.shape for b in net.intercepts_]


def test_without_hidden_layers_and_from_sparse_rows():
    net = network(hidden_layer_sizes=()).fit(X, Y)
    display = NetworkDisplay.from_estimator(net, csr_matrix(X), Y)
    np.testing.assert_allclose(display.units_[0].get_array(), X.mean(axis=0))
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["input", "output"]


def test_data_reach_the_network_as_in_fit():
    data, target = make_friedman1(60, n_features=5, random_state=0)
    inner = ScratchMLPRegressor(hidden_layer_sizes=3, solver="adam", max_iter=3, random_state=0)
    scaled = TransformedTargetRegressor(make_pipeline(StandardScaler(), inner), transformer=StandardScaler())
    search = briefly(GridSearchCV(scaled, {"regressor__scratchmlpregressor__alpha": [1.0]}, cv=2), data, target)
    display = NetworkDisplay.from_estimator(search, data, target)
    net = search.best_estimator_.regressor_[-1]
    scaled_data, scaled_target = ((values - values.mean(axis=0)) / values.std(axis=0) for values in (data, target))
    expected = NetworkDisplay.from_estimator(net, scaled_data, scaled_target)
    for key in ("activations", "weight_gradients", "bias_gradients"):
        for values, others in zip(getattr(display, key), getattr(expected, key), strict=True):
            np.testing.assert_allclose(values, others, atol=1e-12)


def test_names_of_columns_and_classes_stand_beside_the_units():
    pd = pytest.importorskip("pandas")
    iris = load_iris()
    frame = pd.DataFrame(iris.data, columns=iris.feature_names)
    net = briefly(network(hidden_layer_sizes=6, max_iter=20), frame, iris.target_names[iris.target])
    display = NetworkDisplay.from_estimator(net, frame, iris.target_names[iris.target])
    for panel in display.axes_:
        assert [label.get_text() for label in panel.get_yticklabels()] == iris.feature_names
        assert [text.get_text() for text in panel.texts] == ["class setosa", "class versicolor", "class virginica"]
        np.testing.assert_allclose(panel.get_yticks(), display.units_[0].get_offsets()[:, 1])
        heights = [text.xy[1] for text in panel.texts]
        np.testing.assert_allclose(heights, display.units_[-1].get_offsets()[:, 1])
    assert_legible(display.figure_)


def test_names_that_would_overlap_are_left_out():
    W = np.ones((21, 1))
    assert len(NetworkDisplay(weights=[W[:20]], input_names=["x" * 30] * 20).plot().ax_.get_yticks()) == 20
    display = NetworkDisplay(weights=[W], input_names=["x"] * 21).plot()
    assert len(display.ax_.get_yticks()) == 0
    assert_legible(display.figure_)


def test_network_in_given_axes(fitted):
    _, ax = plt.subplots()
    display = NetworkDisplay.from_estimator(fitted, X, Y, ax=ax, linewidths=3, cmap="plasma")
    assert list(display.axes_) == [ax]
    assert display.gradient_lines_ == display.gradient_units_ == []
    assert {units.get_linewidths()[0] for units in display.units_} == {3}
    assert display.units_[0].get_cmap().name == "plasma"
    figure, axes = plt.subplots(1, 2)
    display.plot(axes)
    assert len(display.gradient_units_) == 3
    assert display.figure_ is figure


@pytest.mark.parametrize("names", [["a", "b"], ["a name of several words that is long", "b"], ["x" * 90, "y" * 20]])
def test_names_of_outputs_stand_clear_of_units_and_color_bars(names):
    figure, ax = plt.subplots()
    W = np.array([[1.0, 2.0], [3.0, 4.0]])
    display = NetworkDisplay(weights=[W], activations=[[0, 1], [2, 3]], output_names=names).plot(ax)
    figure.draw_without_rendering()
    (_, units), bars = display.units_[1].get_offsets(), figure.axes[1:]
    edge = min(bar.get_window_extent().x0 for bar in bars)
    for text in ax.texts:
        box = text.get_window_extent()
        assert ax.transData.transform(units)[0] + 12 < box.x0
        assert box.x1 < edge
    assert_legible(figure)


def test_all_weights_zero():
    display = NetworkDisplay(weights=[np.zeros((2, 3))], weight_gradients=[np.zeros((2, 3))], bias_gradients=[[0] * 3])
    assert display.plot().lines_[0].get_clim() == (-1, 1)


def test_sklearn_network_shows_its_weights_alone():
    peer = MLPClassifier(5, solver="lbfgs", alpha=0.1, random_state=0, max_iter=1000).fit(X, Y)
    display = NetworkDisplay.from_estimator(peer)
    np.testing.assert_array_equal(display.lines_[0].get_array(), peer.coefs_[0].ravel())
    with pytest.raises(ValueError, match="X is given, but MLPClassifier does not tell its hidden activations"):
        NetworkDisplay.from_estimator(peer, X)


def test_network_rejects_what_it_cannot_draw(fitted):
    with pytest.raises(ValueError, match="y is given without X"):
        NetworkDisplay.from_estimator(fitted, y=Y)
    for wrong in (np.zeros(80, int), Y + 1, np.arange(80) % 3):
        with pytest.raises(ValueError, match=r"y must have a row of each class that the network knows: \[0, 1\]"):
            NetworkDisplay.from_estimator(fitted, X, wrong)
    with pytest.raises(ValueError, match="ax holds 3 axes, but there are 2 panels"):
        NetworkDisplay.from_estimator(fitted, X, Y, ax=plt.subplots(3)[1])


def test_a_trace_is_drawn():
    net = Network([Dense(2, 3, bias=False), Activation("tanh"), Dense(3, 1)])
    params = net.init(np.random.RandomState(0))
    step = trace(net, X, X[:, 0], params=params, loss="squared_error", learning_rate=0.1)
    display = NetworkDisplay.from_trace(step)
    for lines, W in zip(display.lines_ + display.gradient_lines_, step.W + step.dW, strict=True):
        np.testing.assert_array_equal(lines.get_array(), W.ravel())
    for units, A in zip(display.units_, step.A, strict=True):
        np.testing.assert_allclose(units.get_array(), A.mean(axis=0))
    assert display.gradient_units_[0].get_array() is None
    np.testing.assert_allclose(display.gradient_units_[1].get_array(), step.delta[0].sum(axis=0))
    np.testing.assert_allclose(display.gradient_units_[2].get_array(), step.db[1])
