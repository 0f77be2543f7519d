"""Initializers: variances, bounds, and scikit-learn's draws bit by bit."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skmlp_scratch.initializers import INITIALIZERS, auto_logistic
from skmlp_scratch.layers import Activation, Dense
from skmlp_scratch.network import Network

N_IN, N_OUT = 300, 200

VARIANCES = {
    "auto": 2 / (N_IN + N_OUT),
    "glorot_uniform": 2 / (N_IN + N_OUT),
    "glorot_normal": 2 / (N_IN + N_OUT),
    "he_uniform": 2 / N_IN,
    "he_normal": 2 / N_IN,
    "lecun_uniform": 1 / N_IN,
    "lecun_normal": 1 / N_IN,
    "uniform": 1 / 3,
}


def draw(name, seed=0):
    return INITIALIZERS[name](np.random.RandomState(seed), N_IN, N_OUT)


def mlp(*sizes, activation="relu"):
    layers = []
    for i in range(len(sizes) - 1):
        layers += [Dense(sizes[i], sizes[i + 1]), Activation(activation)]
    return Network(layers[:-1])


def test_the_registry_holds_what_the_documentation_promises():
    assert set(INITIALIZERS) == set(VARIANCES)


@pytest.mark.parametrize("name", VARIANCES)
def test_shapes_mean_and_variance(name):
    W, b = draw(name)
    assert (W.shape, b.shape) == ((N_IN, N_OUT), (N_OUT,))
    # Standard errors over 60 000 draws: 0.4 % of the spread, at most 0.6 % of the variance.
    assert abs(W.mean()) < 0.02 * np.sqrt(VARIANCES[name])
    assert W.var() == pytest.approx(VARIANCES[name], rel=0.03)


@pytest.mark.parametrize("name", [name for name in VARIANCES if not name.endswith("normal")])
def test_uniform_draws_fill_their_bounds(name):
    bound = np.sqrt(3 * VARIANCES[name])
    largest = abs(draw(name)[0]).max()
    assert 0.999 * bound < largest <= bound


@pytest.mark.parametrize("name", [name for name in VARIANCES if name.endswith("normal")])
def test_normal_draws_have_normal_tails(name):
    W = draw(name)[0] / np.sqrt(VARIANCES[name])
    assert np.mean(abs(W) > 1.959964) == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("name", VARIANCES)
def test_biases(name):
    b = draw(name)[1]
    if name in {"auto", "uniform"}:
        bound = np.sqrt(3 * VARIANCES[name])
        assert 0.9 * bound < abs(b).max() <= bound
    else:
        assert not b.any()


@pytest.mark.parametrize("name", VARIANCES)
def test_same_seed_same_draw(name):
    np.testing.assert_array_equal(draw(name)[0], draw(name)[0])
    assert (draw(name)[0] != draw(name, seed=1)[0]).all()


def test_logistic_units_get_the_narrower_range():
    W, b = auto_logistic(np.random.RandomState(0), N_IN, N_OUT)
    wide, _ = draw("auto")
    np.testing.assert_allclose(W, wide / np.sqrt(3), atol=1e-15)
    assert abs(b).max() <= np.sqrt(2 / (N_IN + N_OUT))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "activation, hidden",
    [(name, sizes) for name in ("relu", "tanh", "logistic", "identity") for sizes in [(5,), (4, 3)]] + [("tanh", ())],
)
@pytest.mark.parametrize("peer, n_out", [(MLPClassifier, 3), (MLPRegressor, 1)])
def test_auto_draws_as_scikit_learn(peer, n_out, activation, hidden, dtype):
    rng = np.random.RandomState(0)
    X, y = rng.randn(30, 6).astype(dtype), np.arange(30) % 3
    # A step too short to change any weight leaves the peer's initial ones to be read.
    settings = {"solver": "sgd", "learning_rate_init": 1e-37, "max_iter": 1, "random_state": 7}
    with pytest.warns(ConvergenceWarning):
        peer = peer(hidden_layer_sizes=hidden, activation=activation, **settings).fit(X, y)
    net = mlp(6, *hidden, n_out, activation=activation)
    views = net.unflatten(
        net.init(np.random.RandomState(7), auto_logistic if activation == "logistic" else "auto", dtype)
    )[::2]
    for arrays, W, b in zip(views, peer.coefs_, peer.intercepts_, strict=True):
        np.testing.assert_array_equal(arrays["W"], W)
        np.testing.assert_array_equal(arrays["b"], b)


def test_lecun_normal_draws_standard_normals_layer_by_layer():
    net = mlp(2, 3, 2, activation="tanh")
    first, _, second = net.unflatten(net.init(np.random.RandomState(0), "lecun_normal"))
    rng = np.random.RandomState(0)
    np.testing.assert_array_equal(first["W"], rng.randn(2, 3) / np.sqrt(2))
    np.testing.assert_array_equal(second["W"], rng.randn(3, 2) / np.sqrt(3))


def test_a_function_of_ones_own():
    def ramp(rng, n_in, n_out):
        return np.arange(n_in * n_out).reshape(n_in, n_out), np.full(n_out, 0.5)

    params = mlp(2, 2).init(np.random.RandomState(0), ramp)
    np.testing.assert_array_equal(params, [0, 1, 2, 3, 0.5, 0.5])


def flat(rng, n_in, n_out):
    return np.zeros(n_in * n_out), np.zeros(n_out)


def column_bias(rng, n_in, n_out):
    return np.zeros((n_in, n_out)), np.zeros((n_out, 1))


@pytest.mark.parametrize(
    "init, said",
    [
        ("xavier", "init='xavier'.*'glorot_uniform'"),
        (3, "init=3"),
        (None, "init=None"),
        (flat, r"init gave W of shape \(6,\).*\(2, 3\)"),
        (column_bias, r"init gave b of shape \(3, 1\).*\(3,\)"),
    ],
)
def test_bad_init_is_named(init, said):
    with pytest.raises(ValueError, match=said):
        mlp(2, 3).init(np.random.RandomState(0), init)
