"""Each layer against its formula, and its backward, down to the inputs, against differences."""

import dataclasses
import pickle

import numpy as np
import pytest
from scipy import sparse

from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Scale
from skmlp_scratch.network import Network

LAYERS = [
    Dense(3, 4),
    Dense(3, 4, bias=False),
    *[Activation(name) for name in ("tanh", "relu", "gelu", "identity")],
    Dropout(0.4),
    Dropout(0.0),
    BatchNorm(3),
    LayerNorm(3),
    Scale(3),
    Scale(3, rate=6.0),
]
EPSILON = 1e-5


def random_params(layer, rng):
    params = {name: rng.randn(*shape) for name, shape in layer.shapes.items()}
    return params | {name: rng.uniform(0.5, 2, shape) for name, shape in layer.statistics.items()}


def forward(layer, params, X, seed=0):
    """In training, with the same dropout mask each time, and never at the expense of X."""
    return layer.forward(params, X.copy(), np.random.RandomState(seed))


def gradients(layer, params, X, C):
    """Of sum(C * Y), with respect to X and to each array."""
    _, backward = forward(layer, params, X)
    grads = {name: np.full(shape, np.nan) for name, shape in layer.shapes.items()}
    return {"X": backward(C.copy(), grads)} | grads


def numeric_gradient(layer, params, X, C, name, h=1e-3):
    arrays = params | {"X": X}
    numeric = np.empty(arrays[name].shape)
    for place in np.ndindex(numeric.shape):

        def value(step, place=place):
            moved = arrays[name].copy()
            moved[place] += step
            changed = arrays | {name: moved}
            return float((C * forward(layer, changed, changed["X"])[0]).sum())

        numeric[place] = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
    return numeric


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_gradients_equal_the_difference_quotients(layer):
    for seed in range(10):
        rng = np.random.RandomState(seed)
        X, params = rng.randn(5, 3), random_params(layer, rng)
        X[abs(X) < 0.01] = 0.5  # clear of relu's kink
        C = rng.randn(*forward(layer, params, X)[0].shape)
        for name, grad in gradients(layer, params, X, C).items():
            numeric = numeric_gradient(layer, params, X, C, name)
            bound = 1e-7 if isinstance(layer, BatchNorm) else 1e-8
            assert np.linalg.norm(grad - numeric) < bound * np.linalg.norm(grad + numeric)


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if not isinstance(layer, Activation)], ids=repr)
def test_arguments_are_left_as_they_are(layer):
    rng = np.random.RandomState(0)
    X, params, C = rng.randn(5, 3), random_params(layer, rng), rng.randn(5, 4 if isinstance(layer, Dense) else 3)
    kept = X.copy(), {name: array.copy() for name, array in params.items()}
    _, backward = layer.forward(params, X, np.random.RandomState(0))
    backward(C, {name: np.empty(shape) for name, shape in layer.shapes.items()})
    layer.predict(params, X)
    np.testing.assert_array_equal(X, kept[0])
    for name, array in params.items():
        np.testing.assert_array_equal(array, kept[1][name])


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer.rowwise and not layer.stochastic], ids=repr)
def test_what_draws_nothing_predicts_as_it_trains(layer):
    rng = np.random.RandomState(0)
    X, params = rng.randn(5, 3), random_params(layer, rng)
    np.testing.assert_array_equal(layer.predict(params, X.copy()), forward(layer, params, X)[0])


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_float32_stays_float32(layer):
    rng = np.random.RandomState(0)
    X, params = rng.randn(5, 3), random_params(layer, rng)
    exact = forward(layer, params, X)[0]
    single = {name: array.astype(np.float32) for name, array in params.items()}
    Y, backward = forward(layer, single, X.astype(np.float32))
    grads = {name: np.empty(shape, dtype=np.float32) for name, shape in layer.shapes.items()}
    assert Y.dtype == layer.predict(single, X.astype(np.float32)).dtype == np.float32
    assert backward(np.ones_like(Y), grads).dtype == np.float32
    np.testing.assert_allclose(Y, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_a_layer_is_a_frozen_description(layer):
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert eval(repr(layer)) == layer
    assert hash(layer) == hash(eval(repr(layer)))
    for field in dataclasses.fields(layer):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(layer, field.name, 1)


@pytest.mark.parametrize("bias", [True, False])
def test_dense_follows_the_formula(bias):
    rng = np.random.RandomState(0)
    dense, X = Dense(3, 4, bias=bias), rng.randn(5, 3)
    params = random_params(dense, rng)
    assert dense.shapes == ({"W": (3, 4), "b": (4,)} if bias else {"W": (3, 4)})
    expected = [[sum(x * w for x, w in zip(row, column, strict=True)) for column in params["W"].T] for row in X]
    np.testing.assert_allclose(dense.predict(params, X), np.array(expected) + params.get("b", 0), rtol=1e-13)


@pytest.mark.parametrize("convert", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array], ids=lambda f: f.__name__)
@pytest.mark.parametrize("bias", [True, False])
def test_dense_takes_sparse_inputs(convert, bias):
    rng = np.random.RandomState(0)
    dense, X = Dense(3, 4, bias=bias), rng.randn(6, 3) * (rng.rand(6, 3) < 0.5)
    params, C = random_params(dense, rng), rng.randn(6, 4)
    Y, backward = dense.forward(params, convert(X), None)
    grads = {name: np.empty(shape) for name, shape in dense.shapes.items()}
    assert backward(C, grads, need_dX=False) is None
    np.testing.assert_allclose(Y, forward(dense, params, X)[0], rtol=1e-13, atol=1e-15)
    expected = gradients(dense, params, X, C)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, expected[name], rtol=1e-13, atol=1e-15)


def test_the_first_layer_saves_itself_the_gradient_of_the_inputs():
    rng = np.random.RandomState(0)
    for layer in (Dense(3, 3), BatchNorm(3), LayerNorm(3)):
        params, X, C = random_params(layer, rng), rng.randn(5, 3), rng.randn(5, 3)
        _, backward = forward(layer, params, X)
        grads = {name: np.empty(shape) for name, shape in layer.shapes.items()}
        assert backward(C, grads, False) is None
        for name, grad in gradients(layer, params, X, C).items():
            if name != "X":
                np.testing.assert_array_equal(grads[name], grad)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activation_layer_runs_the_function(name):
    z = np.linspace(-2, 2, 6).reshape(2, 3)
    a, backward = ACTIVATIONS[name](z.copy())
    np.testing.assert_array_equal(Activation(name).predict({}, z.copy()), a)
    np.testing.assert_array_equal(forward(Activation(name), {}, z)[1](np.ones((2, 3)), {}), backward(np.ones((2, 3))))
    assert Activation(name).predict({}, z.copy()).tolist() == Activation(ACTIVATIONS[name]).predict({}, z).tolist()


def test_dropout_drops_its_share_and_scales_the_rest():
    X = np.full((300, 200), 2.0)
    Y, backward = forward(Dropout(0.3), {}, X)
    dropped = Y == 0
    assert dropped.mean() == pytest.approx(0.3, abs=0.006)  # three standard errors of 60 000 draws
    np.testing.assert_allclose(Y[~dropped], 2 / 0.7, rtol=1e-14)
    np.testing.assert_array_equal(backward(X, {}), Y)  # the same mask on the way down


def test_dropout_keeps_the_expectation_and_predicts_untouched():
    X = np.array([[1.0, -2.0, 3.0]])
    rng = np.random.RandomState(0)
    mean = np.mean([Dropout(0.5).forward({}, X, rng)[0] for _ in range(20000)], axis=0)
    np.testing.assert_allclose(mean, X, atol=4 * 3 / np.sqrt(20000))
    np.testing.assert_array_equal(Dropout(0.5).predict({}, X), X)


def test_dropout_of_nothing_draws_as_many_numbers():
    X, rng, twin = np.ones((4, 3)), np.random.RandomState(0), np.random.RandomState(0)
    np.testing.assert_array_equal(Dropout(0.0).forward({}, X, rng)[0], X)
    Dropout(0.9).forward({}, X, twin)
    assert rng.rand() == twin.rand()


@pytest.mark.parametrize("convert", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array], ids=lambda f: f.__name__)
def test_dropout_of_sparse_inputs_drops_stored_values(convert):
    rng = np.random.RandomState(0)
    dense = rng.uniform(1, 2, (200, 100)) * (rng.rand(200, 100) < 0.3)
    X = convert(dense)
    Y, _ = Dropout(0.4).forward({}, X, np.random.RandomState(0))
    assert type(Y) is type(X)
    np.testing.assert_array_equal(X.toarray(), dense)
    Y = Y.toarray()
    assert not Y[dense == 0].any()
    stored = Y[dense != 0]
    assert (stored == 0).mean() == pytest.approx(0.4, abs=0.02)
    np.testing.assert_allclose(stored[stored != 0], dense[dense != 0][stored != 0] / 0.6, rtol=1e-14)


def test_batch_norm_normalizes_columns_and_layer_norm_rows():
    rng = np.random.RandomState(0)
    X = 5 + 3 * rng.randn(50, 4)
    for layer, axis in ((BatchNorm(4), 0), (LayerNorm(4), 1)):
        plain = layer.init(rng, None)
        Y = forward(layer, plain, X)[0]
        np.testing.assert_allclose(Y.mean(axis=axis), 0, atol=1e-13)
        var = X.var(axis=axis)
        np.testing.assert_allclose(Y.var(axis=axis), var / (var + EPSILON), rtol=1e-12)
        params = plain | {"gamma": np.array([1.0, 2.0, 0.0, -1.0]), "beta": np.arange(4.0)}
        np.testing.assert_allclose(
            forward(layer, params, X)[0], Y * params["gamma"] + params["beta"], rtol=1e-12, atol=1e-13
        )


def test_batch_norm_predicts_with_the_population():
    rng = np.random.RandomState(0)
    layer, X = BatchNorm(3), rng.randn(40, 3)
    params = random_params(layer, rng)
    expected = (X - params["mean"]) / np.sqrt(params["var"] + EPSILON) * params["gamma"] + params["beta"]
    np.testing.assert_allclose(layer.predict(params, X), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.predict(params, X[7:8]), expected[7:8], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("sizes", [[40], [1, 39], [13, 13, 14], [1] * 40])
def test_calibration_in_chunks_equals_mean_and_variance(sizes):
    X = 1000 + np.random.RandomState(0).randn(40, 3)
    layer = BatchNorm(3)
    params = layer.init(None, None)
    params = {name: array.copy() for name, array in params.items()}
    layer.calibrate(params, np.split(X, np.cumsum(sizes)[:-1]))
    np.testing.assert_allclose(params["mean"], X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(params["var"], X.var(axis=0), rtol=1e-9)
    np.testing.assert_array_equal(params["gamma"], np.ones(3))


@pytest.mark.parametrize("layer", [BatchNorm(3), LayerNorm(3)], ids=repr)
def test_a_constant_is_no_division_by_zero(layer):
    params, X = random_params(layer, np.random.RandomState(0)), np.full((4, 3), 7.0)
    Y, backward = forward(layer, params, X)
    np.testing.assert_array_equal(Y, np.tile(params["beta"], (4, 1)))
    assert np.isfinite(backward(np.ones((4, 3)), {name: np.empty(3) for name in layer.shapes})).all()


def test_batch_norm_of_one_row_has_nothing_to_learn_from_it():
    layer, rng = BatchNorm(3), np.random.RandomState(0)
    params = random_params(layer, rng)
    Y, backward = forward(layer, params, rng.randn(1, 3))
    grads = {name: np.empty(3) for name in layer.shapes}
    np.testing.assert_array_equal(Y[0], params["beta"])
    np.testing.assert_array_equal(backward(np.ones((1, 3)), grads), np.zeros((1, 3)))
    np.testing.assert_array_equal(grads["gamma"], np.zeros(3))
    np.testing.assert_array_equal(grads["beta"], np.ones(3))


def test_only_batch_norm_looks_across_rows_and_only_dropout_draws():
    assert [layer for layer in LAYERS if not layer.rowwise] == [BatchNorm(3)]
    assert [layer for layer in LAYERS if layer.stochastic] == [Dropout(0.4), Dropout(0.0)]


@pytest.mark.parametrize(
    "make, parameter",
    [
        *[(lambda bad=bad: Dense(bad, 2), "n_in") for bad in (0, -1, 2.5, "3", None, True)],
        *[(lambda bad=bad: Dense(2, bad), "n_out") for bad in (0, 2.5, np.nan)],
        *[(lambda bad=bad: BatchNorm(bad), "n") for bad in (0, 2.5, None)],
        *[(lambda bad=bad: LayerNorm(bad), "n") for bad in (0, 2.5, None)],
        *[(lambda bad=bad: Dropout(bad), "p") for bad in (-0.1, 1, 1.5, np.nan, "0.5", None, True)],
        *[(lambda bad=bad: Activation(bad), "activation") for bad in ("ReLU", 3, None)],
    ],
)
def test_bad_parameter_is_named(make, parameter):
    with pytest.raises(ValueError, match=f"^{parameter}="):
        make()


@pytest.mark.parametrize("convert", [sparse.csr_matrix, sparse.csr_array], ids=lambda f: f.__name__)
def test_scale_takes_sparse_inputs(convert):
    rng = np.random.RandomState(0)
    X = np.where(rng.rand(6, 3) < 0.5, rng.randn(6, 3), 0)
    layer, params, C = Scale(3), {"scale": rng.randn(3)}, rng.randn(6, 3)
    thin = convert(X)
    Y, backward = layer.forward(params, thin, None)
    assert sparse.issparse(Y)
    assert type(Y) is type(thin)
    np.testing.assert_allclose(Y.toarray(), X * params["scale"], rtol=1e-15)
    grads = {"scale": np.empty(3)}
    np.testing.assert_allclose(backward(C, grads), C * params["scale"])
    np.testing.assert_allclose(grads["scale"], (C * X).sum(axis=0), rtol=1e-14)
    np.testing.assert_array_equal(thin.toarray(), X)


def test_scale_starts_at_one_free_of_the_penalty_at_its_own_rate():
    net = Network([Scale(3, rate=6.0), Dense(3, 2), Scale(2), Dense(2, 1)])
    views = net.unflatten(net.init(np.random.RandomState(0)))
    np.testing.assert_array_equal(views[0]["scale"], np.ones(3))
    assert net.weight_slice == slice(0, 8)
    assert net.rate_factors == [(slice(8, 11), 6.0)]
    assert Network([Scale(3), Dense(3, 2)]).rate_factors == []


@pytest.mark.parametrize("one, other", [("sigmoid", "logistic"), ("swish", "silu"), ("tanh", ACTIVATIONS["tanh"])])
def test_two_names_of_a_function_are_one_layer(one, other):
    assert Activation(one) == Activation(other)
    assert repr(Activation(one)) == repr(Activation(other))
    assert hash(Activation(one)) == hash(Activation(other))


def halving(z):
    return z / 2, lambda delta: delta / 2


def test_a_function_shows_its_name_once_it_is_in_the_table(monkeypatch):
    assert "halving at" in repr(Activation(halving))
    monkeypatch.setitem(ACTIVATIONS, "halving", halving)
    assert repr(Activation("halving")) == "Activation('halving')"
    assert Activation("halving") == Activation(halving)


@pytest.mark.parametrize("layer", [Dropout(np.float64(0.5)), Dropout(np.float32(0.5))], ids=repr)
def test_numpys_own_numbers_do_not_promote(layer):
    X = np.ones((3, 2), dtype=np.float32)
    assert layer.forward({}, X, np.random.RandomState(0))[0].dtype == np.float32
