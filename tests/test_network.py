"""The chain of layers: the layout of the flat vector, backpropagation by hand, prediction in chunks."""

import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from skmlp_scratch import check_gradient
from skmlp_scratch.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective

MIXED = [
    Dense(4, 3),
    BatchNorm(3),
    Activation("tanh"),
    Dropout(0.3),
    Dense(3, 2, bias=False),
    LayerNorm(2),
    Dense(2, 2),
]


def draw(net, seed=0):
    """Parameters unlike what ``init`` gives, with population variances that can be."""
    params = np.random.RandomState(seed).randn(net.size)
    for views in net.unflatten(params):
        if "var" in views:
            views["var"][...] = abs(views["var"]) + 0.5
    return params


def test_weights_come_first_then_the_rest_in_layer_order_then_statistics():
    net = Network(MIXED)
    views = net.unflatten(np.arange(net.size))
    places = [{name: (view.ravel()[0], view.ravel()[-1]) for name, view in arrays.items()} for arrays in views]
    assert places == [
        {"W": (0, 11), "b": (22, 24)},
        {"gamma": (25, 27), "beta": (28, 30), "mean": (37, 39), "var": (40, 42)},
        {},
        {},
        {"W": (12, 17)},
        {"gamma": (31, 32), "beta": (33, 34)},
        {"W": (18, 21), "b": (35, 36)},
    ]
    assert (net.size, net.weight_slice) == (43, slice(0, 22))


def test_what_a_network_knows_of_itself():
    net = Network(MIXED)
    assert (net.n_in, net.n_out) == (4, 2)
    assert (net.is_stochastic, net.is_rowwise, net.has_statistics) == (True, False, True)
    plain = Network([Dense(4, 2), LayerNorm(2), Activation("relu")])
    assert (plain.n_in, plain.n_out) == (4, 2)
    assert (plain.is_stochastic, plain.is_rowwise, plain.has_statistics) == (False, True, False)
    with_dropout_only = Network([Dropout(0.5), Dense(4, 2)])
    assert (with_dropout_only.is_stochastic, with_dropout_only.is_rowwise) == (True, True)


def test_views_follow_the_flat_vector_and_views_of_views_are_the_same():
    net = Network(MIXED)
    params = np.zeros(net.size)
    views = net.unflatten(params)
    views[0]["W"][1, 2] = 5
    assert params[1 * 3 + 2] == 5
    assert net.unflatten(views) is views


def test_forward_and_backward_equal_backpropagation_by_hand():
    rng = np.random.RandomState(0)
    net = Network([Dense(2, 3), Activation("tanh"), Dense(3, 2)])
    params, X, d_raw = draw(net), rng.randn(7, 2), rng.randn(7, 2)
    W1, W2, b1, b2 = params[:6].reshape(2, 3), params[6:12].reshape(3, 2), params[12:15], params[15:]
    raw, backward = net.forward(params, X)
    a = np.tanh(X @ W1 + b1)
    np.testing.assert_allclose(raw, a @ W2 + b2, rtol=1e-13)
    grad = np.full(net.size, np.nan)
    backward(d_raw.copy(), grad)
    delta = (d_raw @ W2.T) * (1 - a**2)
    by_hand = np.concatenate([(X.T @ delta).ravel(), (a.T @ d_raw).ravel(), delta.sum(axis=0), d_raw.sum(axis=0)])
    np.testing.assert_allclose(grad, by_hand, rtol=1e-12, atol=1e-14)


class Spy(Layer):
    """A layer that scales by two; it writes down whether it was asked for the gradient of its inputs."""

    shapes = {"W": (1,)}
    n_in = n_out = 3

    def __init__(self):
        self.asked = []

    def init(self, rng, initializer):
        return {"W": np.full(1, 2.0)}

    def predict(self, params, X):
        return params["W"] * X

    def forward(self, params, X, rng):
        def backward(delta, grads, need_dX=True):
            self.asked.append(need_dX)
            grads["W"][0] = (X * delta).sum()
            return params["W"] * delta if need_dX else None

        return self.predict(params, X), backward


class Barrier(Layer):
    """Hands its input through; there is no way back."""

    def forward(self, params, X, rng):
        def backward(delta, grads, need_dX=True):
            raise AssertionError("nothing below the first layer with parameters needs a gradient")

        return X, backward


@pytest.mark.parametrize("below", [[], [Barrier()], [Activation("tanh"), Barrier()], [Dropout(0.5), Barrier()]])
def test_no_gradient_is_computed_below_the_first_layer_with_parameters(below):
    first, second = Spy(), Spy()
    net = Network([*below, first, Activation("tanh"), second])
    params = net.init(np.random.RandomState(0))
    np.testing.assert_array_equal(params, [2, 2])
    raw, backward = net.forward(params, np.random.RandomState(0).randn(4, 3), np.random.RandomState(0))
    backward(np.ones_like(raw), np.empty(2))
    assert (first.asked, second.asked) == ([False], [True])


OVERWRITERS = {
    "activation first": [Activation("tanh"), Dense(4, 2)],
    "dropout first": [Dropout(0.5), Dense(4, 2)],
    "dropout, then activation": [Dropout(0.5), Activation("relu"), Dense(4, 2)],
    "two activations": [Dense(4, 4), Activation("tanh"), Activation("relu"), Dense(4, 2)],
    "an identity between": [Activation("identity"), Activation("tanh"), Activation("identity"), Dense(4, 2)],
    "activation after normalization": [BatchNorm(4), Activation("tanh"), LayerNorm(4), Activation("relu"), Dense(4, 2)],
    "activation last": [Dense(4, 2), Activation("identity"), Activation("tanh")],
    "dropout between": [Dense(4, 4), Activation("tanh"), Dropout(0.3), Activation("relu"), Dense(4, 2)],
}


@pytest.mark.parametrize("name", OVERWRITERS)
def test_inputs_are_left_as_they_are(name):
    net = Network(OVERWRITERS[name])
    params, X = draw(net), np.random.RandomState(1).randn(6, 4)
    kept = X.copy(), params.copy()
    raw, backward = net.forward(params, X, np.random.RandomState(0))
    backward(np.ones_like(raw), np.empty(net.size))
    net.predict(params, X)
    for stop in range(len(net.layers) + 1):
        net.predict(params, X, stop=stop)
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(params, kept[1])


def test_two_activations_in_a_row_do_not_disturb_each_other():
    rng = np.random.RandomState(0)
    net = Network([Dense(2, 2, bias=False), Activation("tanh"), Activation("logistic"), Activation("tanh")])
    params, X = rng.randn(4), rng.randn(5, 2)
    raw, backward = net.forward(params, X)
    inner = np.tanh(X @ params.reshape(2, 2))
    middle = 1 / (1 + np.exp(-inner))
    np.testing.assert_allclose(raw, np.tanh(middle), rtol=1e-13)
    grad = np.empty(4)
    backward(np.ones_like(raw), grad)
    delta = (1 - np.tanh(middle) ** 2) * middle * (1 - middle) * (1 - inner**2)
    np.testing.assert_allclose(grad, (X.T @ delta).ravel(), rtol=1e-12)


def in_small_chunks(layers, rows=16):
    net = Network(layers)
    net.chunk_rows = rows
    return net


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix, sparse.csr_array], ids=lambda f: f.__name__)
@pytest.mark.parametrize("rows", [1, 16, 99, 100, 101])
def test_prediction_in_chunks_equals_one_piece(rows, convert):
    X = np.random.RandomState(0).randn(100, 4)
    whole, net = Network(MIXED), in_small_chunks(MIXED, rows)
    params = draw(whole)
    assert len(whole.chunks(100)) == 1
    np.testing.assert_allclose(net.predict(params, convert(X)), whole.predict(params, X), rtol=1e-12, atol=1e-14)
    hidden = net.predict(params, convert(X), stop=3)
    np.testing.assert_allclose(hidden, whole.predict(params, X, stop=3), rtol=1e-12, atol=1e-14)


def test_chunks_cover_every_row_once():
    net = in_small_chunks(MIXED, 16)
    rows = [row for chunk in net.chunks(100) for row in range(100)[chunk]]
    assert rows == list(range(100))
    lengths = [chunk.stop - chunk.start for chunk in net.chunks(100)]
    assert len(lengths) == 7
    assert max(lengths) - min(lengths) <= 1  # threads that share them end together
    assert Network([Dense(4, 100_000)]).chunk_rows == 256


@pytest.mark.parametrize("n_threads", [1, 2])
def test_prediction_does_not_depend_on_threads(n_threads):
    X = np.random.RandomState(0).randn(100, 4)
    net = in_small_chunks(MIXED)
    params = draw(net)
    in_order = np.vstack([net.predict(params, X[rows]) for rows in net.chunks(100)])
    with threadpool_limits(n_threads, user_api="blas"):
        np.testing.assert_array_equal(net.predict(params, X), in_order)


def test_many_threads_may_predict_with_one_network():
    rng = np.random.RandomState(0)
    net = in_small_chunks([Dense(4, 30), Activation("relu"), BatchNorm(30), Activation("tanh"), Dense(30, 2)])
    params, inputs = draw(net), [rng.randn(200, 4) for _ in range(40)]
    expected = [net.predict(params, X) for X in inputs]
    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda X: net.predict(params, X), inputs))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_prediction_takes_bounded_memory():
    net = Network([Dense(10, 100), Activation("relu"), Dense(100, 1)])
    params, X = draw(net), np.random.RandomState(0).randn(60_000, 10)
    tracemalloc.start()
    net.predict(params, X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6  # in one piece the hidden units alone take 48 MB


def test_no_rows_no_predictions():
    net = Network([Dense(4, 3), Activation("tanh"), Dense(3, 2)])
    assert net.predict(draw(net), np.empty((0, 4))).shape == (0, 2)


def test_one_row_is_predicted_as_it_is_among_others():
    net = Network(MIXED)
    params, X = draw(net), np.random.RandomState(0).randn(20, 4)
    together = net.predict(params, X)
    alone = np.vstack([net.predict(params, X[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(alone, together, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rows", [7, 1000])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array], ids=lambda f: f.__name__)
def test_calibrate_measures_the_population_layer_by_layer(rows, convert):
    layers = [Dense(4, 3), BatchNorm(3), Activation("tanh"), Dense(3, 5), BatchNorm(5), Activation("relu"), Dense(5, 1)]
    net = in_small_chunks(layers, rows)
    params, X = draw(net), 3 + np.random.RandomState(0).randn(50, 4)
    before = params.copy()
    net.calibrate(params, convert(X))
    views = net.unflatten(params)
    z = X @ views[0]["W"] + views[0]["b"]
    np.testing.assert_allclose(views[1]["mean"], z.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(views[1]["var"], z.var(axis=0), rtol=1e-12)
    normal = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5)
    a = np.tanh(normal * views[1]["gamma"] + views[1]["beta"])
    z = a @ views[3]["W"] + views[3]["b"]
    np.testing.assert_allclose(views[4]["mean"], z.mean(axis=0), rtol=1e-11)
    np.testing.assert_allclose(views[4]["var"], z.var(axis=0), rtol=1e-11)
    np.testing.assert_array_equal(params[:-16], before[:-16])  # 3 + 3 and 5 + 5 statistics


def test_once_calibrated_prediction_of_the_training_set_equals_training():
    net = Network([Dense(4, 3), BatchNorm(3), Activation("tanh"), Dense(3, 2)])
    params, X = draw(net), np.random.RandomState(0).randn(50, 4)
    net.calibrate(params, X)
    np.testing.assert_allclose(net.predict(params, X), net.forward(params, X)[0], rtol=1e-12, atol=1e-13)


def test_init_fills_every_array_and_starts_normalizations_plain():
    net = Network(MIXED)
    views = net.unflatten(net.init(np.random.RandomState(0)))
    assert all(views[i]["W"].all() for i in (0, 4, 6))
    for i in (1, 5):
        np.testing.assert_array_equal(views[i]["gamma"], np.ones_like(views[i]["gamma"]))
        np.testing.assert_array_equal(views[i]["beta"], np.zeros_like(views[i]["beta"]))
    np.testing.assert_array_equal(views[1]["mean"], np.zeros(3))
    np.testing.assert_array_equal(views[1]["var"], np.ones(3))


def test_initial_weights_depend_on_sizes_and_seed_alone():
    dense = [Dense(4, 3), Activation("tanh"), Dense(3, 2)]
    padded = [Dropout(0.5), Dense(4, 3), LayerNorm(3), Activation("tanh"), Dropout(0.5), Dense(3, 2)]
    for dtype in (np.float64, np.float32):
        one, other = (Network(layers) for layers in (dense, padded))
        weights = [net.init(np.random.RandomState(0), dtype=dtype)[net.weight_slice] for net in (one, other)]
        assert weights[0].dtype == dtype
        np.testing.assert_array_equal(*weights)
    doubles = one.init(np.random.RandomState(0))
    np.testing.assert_array_equal(doubles.astype(np.float32), one.init(np.random.RandomState(0), dtype=np.float32))


def test_a_network_is_a_small_description_that_survives_a_pickle():
    layers = [Dense(784, 1000), BatchNorm(1000), Activation("gelu"), Dropout(0.5), Dense(1000, 10)]
    net = Network(layers)
    params, X = net.init(np.random.RandomState(0)), np.random.RandomState(0).randn(3, 784)
    net.forward(params, X, np.random.RandomState(0))
    net.predict(params, X)
    pickled = pickle.dumps(net)
    again = pickle.loads(pickled)
    assert len(pickled) < 4000  # the vector takes 6 MB
    assert again == net
    assert again != Network(layers[:-1])
    np.testing.assert_array_equal(again.predict(params, X), net.predict(params, X))
    assert eval(repr(net)) == net


@pytest.mark.parametrize(
    "layers, said",
    [
        ([], "layers must hold at least one layer with parameters"),
        ([Activation("tanh"), Dropout(0.5)], "layers must hold at least one layer with parameters"),
        ([Dense(2, 3), Dense(2, 1)], r"layers do not fit: Dense\(n_in=2, .* takes 2 inputs, the one before gives 3"),
        ([Dense(2, 3), Activation("tanh"), BatchNorm(4)], r"layers do not fit: BatchNorm\(n=4\) takes 4 inputs"),
        ([LayerNorm(3), Dropout(0.1), Dense(2, 1)], "layers do not fit: .* takes 2 inputs, the one before gives 3"),
    ],
)
def test_layers_that_do_not_fit_are_named(layers, said):
    with pytest.raises(ValueError, match=said):
        Network(layers)


def test_statistics_of_parts_are_merged_by_their_rows():
    net = Network([Dense(4, 3), BatchNorm(3), Activation("tanh"), Dense(3, 2)])
    whole, merged, X = draw(net), draw(net), np.random.RandomState(0).randn(90, 4) * np.arange(1, 91)[:, np.newaxis]
    net.calibrate(whole, X)
    for part in (slice(0, 60), slice(60, 64), slice(64, 90)):
        net.calibrate(merged, X[part], seen=part.start)
    np.testing.assert_allclose(merged, whole, rtol=1e-12)


def test_what_was_measured_before_counts_for_nothing_without_rows():
    net = Network([Dense(4, 3), BatchNorm(3), Dense(3, 2)])
    spoiled, fresh, X = draw(net), draw(net), np.random.RandomState(0).randn(9, 4)
    spoiled[-6:] = np.nan
    for params in (spoiled, fresh):
        net.calibrate(params, X)
    np.testing.assert_array_equal(spoiled, fresh)


@pytest.mark.parametrize("dtype, huge", [(np.float64, 1e200), (np.float32, 1e25)])
@pytest.mark.parametrize("spread", [True, False], ids=["one entry", "all entries"])
def test_statistics_that_are_not_finite_are_named(dtype, huge, spread):
    net = Network([Dense(4, 3), BatchNorm(3), Activation("tanh"), Dense(3, 2)])
    X = np.zeros((20, 4), dtype=dtype)
    X[0 if spread else slice(None, None, 2), 0] = huge
    with pytest.raises(ValueError, match=r"the statistics of BatchNorm\(n=3\) are not finite in float.*; scale X"):
        net.calibrate(draw(net).astype(dtype), X)


@dataclass(frozen=True)
class Bilinear(Layer):
    """A custom layer with two arrays, of which it has one penalized, and which overwrites its input."""

    n_in: int
    n_out: int
    overwrites_input = True

    @property
    def shapes(self):
        return {"A": (self.n_in, self.n_out), "W": (self.n_in,)}

    penalized = ("A",)

    def init(self, rng, initializer):
        return {"A": rng.randn(self.n_in, self.n_out), "W": rng.randn(self.n_in)}

    def forward(self, params, X, rng):
        inputs = X.copy()

        def backward(delta, grads, need_dX=True):
            grads["A"][...] = (inputs * params["W"]).T @ delta
            grads["W"][...] = ((delta @ params["A"].T) * inputs).sum(axis=0)
            return (delta @ params["A"].T) * params["W"]

        return self.predict(params, X), backward

    def predict(self, params, X):
        X *= params["W"]
        return X @ params["A"]


def test_a_layer_says_what_the_penalty_shrinks_and_what_it_overwrites():
    net = Network([Dense(2, 3), Bilinear(3, 4), Bilinear(4, 2)])
    assert net.weight_slice == slice(0, 6 + 12 + 8)
    params, X = draw(net), np.random.RandomState(0).randn(5, 2)
    views, kept = net.unflatten(params), X.copy()
    expected = X @ views[0]["W"] + views[0]["b"]
    for arrays in views[1:]:
        expected = (expected * arrays["W"]) @ arrays["A"]
    for _ in range(2):
        np.testing.assert_allclose(net.predict(params, X), expected, rtol=1e-12)
        np.testing.assert_allclose(net.forward(params, X)[0], expected, rtol=1e-12)
    first = Network([Bilinear(2, 2)])
    first.predict(draw(first), X)
    np.testing.assert_array_equal(X, kept)
    objective = Objective(net, "squared_error", X, np.zeros((5, 2)), alpha=0.5)
    assert check_gradient(objective, params).passed
    objective.loss_and_grad(params)
    penalty = objective.value(params) - Objective(net, "squared_error", X, np.zeros((5, 2))).value(params)
    assert penalty == pytest.approx(0.5 / 10 * (params[:26] ** 2).sum(), rel=1e-10)
