"""Same seed, same result as scikit-learn's perceptrons: weights, loss curves, stopping and predictions.

The peer clips probabilities and divides ``alpha`` by the size of the batch. Where that matters, the comparison is with
the mathematics instead, and the test's name says so. Everywhere else ``alpha`` is 0 or a batch is the whole data.
"""

import itertools

import numpy as np
import pytest
from scipy import sparse
from scipy.special import logsumexp, softmax
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

N_SAMPLES, N_EPOCHS = 300, 20
LOSS_RTOL = {np.float64: 1e-8, np.float32: 1e-4}


def make_data(kind):
    if kind == "binary":
        X, y = make_classification(N_SAMPLES, 8, random_state=0)
    elif kind == "multiclass":
        X, y = make_classification(N_SAMPLES, 8, n_informative=5, n_classes=4, random_state=0)
    elif kind == "multilabel":
        X, y = make_multilabel_classification(N_SAMPLES, 8, random_state=0)
    else:
        X, y = make_regression(N_SAMPLES, 8, random_state=0)
        y /= y.std()
    if kind == "poisson":
        y = np.random.RandomState(0).poisson(np.exp(0.5 * y)).astype(float)
    return StandardScaler().fit_transform(X), y


DATA = {kind: make_data(kind) for kind in ("binary", "multiclass", "multilabel", "regression", "poisson")}

each_kind = pytest.mark.parametrize("kind", DATA)
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])


def both(kind, **params):
    """The peer and ours, unfitted, with the same parameters."""
    params = {"max_iter": N_EPOCHS, "alpha": 0, "random_state": 3, **params}
    if kind in ("regression", "poisson"):
        params["loss"] = {"regression": "squared_error", "poisson": "poisson"}[kind]
        return MLPRegressor(**params), ScratchMLPRegressor(**params)
    return MLPClassifier(**params), ScratchMLPClassifier(**params)


def fit_both(kind, dtype=np.float64, sample_weight=None, container=np.asarray, **params):
    X, y = DATA[kind]
    X = container(X.astype(dtype))
    if kind in ("regression", "poisson"):
        y = y.astype(dtype)
    return [model.fit(X, y, sample_weight) for model in both(kind, **params)], X


def assert_same_training(peer, ours, dtype=np.float64):
    rtol = LOSS_RTOL[dtype]
    assert ours.n_iter_ == peer.n_iter_
    assert ours.t_ == peer.t_
    np.testing.assert_allclose(ours.loss_curve_, peer.loss_curve_, rtol=rtol)
    np.testing.assert_allclose(ours.loss_, peer.loss_, rtol=rtol)
    if peer.best_loss_ is None:
        assert ours.best_loss_ is None
        np.testing.assert_allclose(ours.validation_scores_, peer.validation_scores_, rtol=100 * rtol)
        np.testing.assert_allclose(ours.best_validation_score_, peer.best_validation_score_, rtol=100 * rtol)
    else:
        np.testing.assert_allclose(ours.best_loss_, peer.best_loss_, rtol=rtol)
        assert ours.validation_scores_ is peer.validation_scores_ is None
        assert ours.best_validation_score_ is peer.best_validation_score_ is None


def assert_same_model(peer, ours, X, dtype=np.float64, tol=100):
    tol *= LOSS_RTOL[dtype]
    for mine, theirs in zip(ours.coefs_ + ours.intercepts_, peer.coefs_ + peer.intercepts_, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=tol, atol=tol)
    assert (ours.out_activation_, ours.n_layers_, ours.n_outputs_) == (
        peer.out_activation_,
        peer.n_layers_,
        peer.n_outputs_,
    )
    if isinstance(peer, MLPRegressor):
        np.testing.assert_allclose(ours.predict(X), peer.predict(X), rtol=tol, atol=tol)
        return
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), rtol=0, atol=tol)
    differ = ours.predict(X) != peer.predict(X)
    assert differ.mean() <= (0 if dtype == np.float64 else 0.01)


@each_kind
@each_dtype
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), 7, (10, 5)], ids=str)
def test_initial_weights_are_bitwise_the_peers(kind, dtype, activation, hidden):
    # A learning rate that no weight can feel: what is seen after an epoch is what was drawn.
    (peer, ours), _ = fit_both(
        kind,
        dtype,
        activation=activation,
        hidden_layer_sizes=hidden,
        solver="sgd",
        momentum=0,
        learning_rate_init=1e-300,
        max_iter=1,
    )
    for mine, theirs in zip(ours.coefs_ + ours.intercepts_, peer.coefs_ + peer.intercepts_, strict=True):
        assert mine.dtype == theirs.dtype == dtype
        np.testing.assert_array_equal(mine, theirs)
    assert np.ptp(ours.coefs_[0]) > 0.1


def test_initial_weights_do_not_depend_on_the_size_of_the_data():
    X, y = DATA["binary"]
    still = {"solver": "sgd", "momentum": 0, "learning_rate_init": 1e-300, "max_iter": 1, "random_state": 0}
    few, many = (ScratchMLPClassifier(**still).fit(X[:n], y[:n]) for n in (20, 300))
    np.testing.assert_array_equal(few.params_, many.params_)


WAYS = {
    "sgd": {"solver": "sgd", "learning_rate_init": 0.01},
    "sgd without momentum": {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.1},
    "sgd without Nesterov": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.01},
    "sgd unshuffled": {"solver": "sgd", "shuffle": False, "batch_size": 32},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3, "learning_rate_init": 0.1},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.02},
    "adam": {"solver": "adam"},
    "adam with other figures": {"solver": "adam", "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
    "adam unshuffled": {"solver": "adam", "shuffle": False},
    "batches of 1": {"solver": "adam", "batch_size": 1, "max_iter": 5},
    "batches of 37": {"solver": "adam", "batch_size": 37},
    "one batch": {"solver": "sgd", "batch_size": N_SAMPLES, "learning_rate_init": 0.1},
    "tanh, two layers": {"activation": "tanh", "hidden_layer_sizes": (10, 5)},
    "logistic": {"activation": "logistic", "hidden_layer_sizes": 12},
    "identity": {"activation": "identity", "hidden_layer_sizes": (10, 5)},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "no hidden layer, logistic": {"hidden_layer_sizes": (), "activation": "logistic"},
    "early stopping": {"early_stopping": True, "hidden_layer_sizes": 20},
    "early stopping, unshuffled": {"early_stopping": True, "solver": "sgd", "shuffle": False},
    "early stopping that stops": {"early_stopping": True, "n_iter_no_change": 2, "tol": 0.05, "batch_size": 50},
    "stopping": {"n_iter_no_change": 3, "tol": 1.0},
    "adaptive with early stopping": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "early_stopping": True,
        "n_iter_no_change": 1,
        "tol": 0.1,
    },
}


# Every kind with every way in float64; in float32 every way with one kind, and every kind with several ways.
DESCENTS = [(kind, np.float64, way) for kind in DATA for way in WAYS]
DESCENTS += [(kind, np.float32, way) for kind, way in zip(itertools.cycle(DATA), WAYS, strict=False)]


def id_of(value):
    return value.__name__ if isinstance(value, type) else str(value)


@pytest.mark.parametrize("kind, dtype, way", DESCENTS, ids=id_of)
def test_gradient_descent_as_the_peer(kind, dtype, way):
    (peer, ours), X = fit_both(kind, dtype, **WAYS[way])
    assert_same_training(peer, ours, dtype)
    assert_same_model(peer, ours, X, dtype)


@each_kind
@each_dtype
@pytest.mark.parametrize("params", [{"solver": "adam"}, {"solver": "sgd", "early_stopping": True}], ids=str)
def test_sparse_X_as_the_peer(kind, dtype, params):
    (peer, ours), X = fit_both(kind, dtype, container=sparse.csr_matrix, **params)
    assert_same_training(peer, ours, dtype)
    assert_same_model(peer, ours, X, dtype)


@each_kind
@pytest.mark.parametrize("alpha", [1e-4, 0.1, 10])
@pytest.mark.parametrize("weighted", [False, True])
def test_full_batch_with_any_alpha_as_the_peer(kind, alpha, weighted):
    # In one batch the peer's normalization by the batch is that by the whole.
    weights = np.random.RandomState(1).uniform(0.1, 3, N_SAMPLES) if weighted else None
    one_batch = {"batch_size": N_SAMPLES, "learning_rate_init": 0.05, "hidden_layer_sizes": 20}
    (peer, ours), X = fit_both(kind, sample_weight=weights, solver="sgd", alpha=alpha, **one_batch)
    assert_same_training(peer, ours)
    assert_same_model(peer, ours, X)
    full = both(kind, alpha=alpha, learning_rate_init=0.05, hidden_layer_sizes=20)[1].set_params(solver="gd")
    np.testing.assert_allclose(full.fit(X, DATA[kind][1], weights).loss_curve_, peer.loss_curve_, rtol=1e-8)


# Each number of iterations with every pair of the others' values.
SETTINGS_OF_LBFGS = [
    (kind, dtype, activation, alpha, (1, 5, 20)[i % 3])
    for i, (dtype, alpha, activation, kind) in enumerate(
        itertools.product([np.float64, np.float32], [0, 0.1, 10], ["tanh", "relu", "logistic"], DATA)
    )
]


@pytest.mark.parametrize("kind, dtype, activation, alpha, max_iter", SETTINGS_OF_LBFGS, ids=id_of)
def test_lbfgs_as_the_peer(kind, dtype, activation, alpha, max_iter):
    (peer, ours), X = fit_both(
        kind, dtype, solver="lbfgs", activation=activation, alpha=alpha, max_iter=max_iter, hidden_layer_sizes=15
    )
    assert ours.n_iter_ == peer.n_iter_ == len(ours.loss_curve_)
    # Line searches multiply rounding: here the peer's own float32 run ends up to 3 % from its float64 run.
    chaotic = dtype == np.float32 and max_iter == 20 and activation != "tanh"
    np.testing.assert_allclose(ours.loss_, peer.loss_, rtol=0.05 if chaotic else LOSS_RTOL[dtype])
    if dtype == np.float64:
        assert_same_model(peer, ours, X)


@each_kind
def test_lbfgs_with_sparse_X_and_weights_as_the_peer(kind):
    weights = np.random.RandomState(1).uniform(0.1, 3, N_SAMPLES)
    (peer, ours), X = fit_both(kind, sample_weight=weights, container=sparse.csr_matrix, solver="lbfgs", alpha=0.1)
    np.testing.assert_allclose(ours.loss_, peer.loss_, rtol=1e-8)
    assert_same_model(peer, ours, X)


@each_kind
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_as_the_peer(kind, solver):
    # Unshuffled: the peer draws the same order anew in every call from an integer random_state, ours goes on.
    X, y = DATA[kind]
    models = both(kind, solver=solver, shuffle=False, batch_size=50)
    classes = {"classes": np.unique(y)} if kind in ("binary", "multiclass") else {}
    classes = {"classes": range(y.shape[1])} if kind == "multilabel" else classes
    for _ in range(5):
        for model in models:
            model.partial_fit(X[:200], y[:200], **classes)
    peer, ours = models
    np.testing.assert_allclose(ours.loss_curve_, peer.loss_curve_, rtol=1e-8)
    assert ours.t_ == peer.t_
    assert_same_model(peer, ours, X)


def test_a_random_state_instance_is_drawn_from_as_the_peer_does():
    states = []
    X, y = DATA["multiclass"]
    for model in both("multiclass", early_stopping=True):
        states.append(np.random.RandomState(7))
        model.set_params(random_state=states[-1]).fit(X, y)
    assert states[0].uniform() == states[1].uniform()


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_batches_larger_than_the_data_as_the_peer(kind):
    with pytest.warns(UserWarning, match="batch") as caught:
        (peer, ours), X = fit_both(kind, batch_size=N_SAMPLES + 1)
    assert {str(w.filename) == __file__ for w in caught if "all of them are one batch" in str(w.message)}
    assert_same_training(peer, ours)
    assert_same_model(peer, ours, X)


def test_a_peer_is_replaced_by_a_change_of_the_import():
    ours, peers = ScratchMLPClassifier().get_params(), MLPClassifier().get_params()
    assert {name: ours[name] for name in peers if name != "loss"} == {k: v for k, v in peers.items() if k != "loss"}
    ours, peers = ScratchMLPRegressor().get_params(), MLPRegressor().get_params()
    assert {name: ours[name] for name in peers} == peers
    assert ScratchMLPRegressor("poisson", (3,), "tanh").get_params()["loss"] == MLPRegressor("poisson").loss


# Where the peer departs from the mathematics.


def linear_sgd(X, Y, W, b, *, loss_and_delta, alpha, rate, batch_size, n_epochs):
    """Plain gradient descent of a linear model on the objective as it is written; loss curve."""
    n, curve = len(X), []
    for _ in range(n_epochs):
        total = 0.0
        for start in range(0, n, batch_size):
            x, y = X[start : start + batch_size], Y[start : start + batch_size]
            values, delta = loss_and_delta(y, x @ W + b)
            total += values.sum() + len(x) * alpha / (2 * n) * (W**2).sum()
            W = W - rate * (x.T @ delta / len(x) + alpha / n * W)
            b = b - rate * delta.mean(axis=0)
        curve.append(total / n)
    return curve


def cross_entropy(y, raw):
    return logsumexp(raw, axis=1) - (y * raw).sum(axis=1), softmax(raw, axis=1) - y


def squared_error(y, raw):
    return 0.5 * ((raw - y) ** 2).mean(axis=1), (raw - y) / y.shape[1]


@pytest.mark.parametrize("kind, loss", [("multiclass", cross_entropy), ("regression", squared_error)])
@pytest.mark.parametrize("batch_size", [1, 7, 300])
def test_minibatches_with_alpha_follow_the_mathematics_where_the_peer_divides_alpha_by_the_batch(
    kind, loss, batch_size
):
    X, y = DATA[kind]
    alpha, rate = 5.0, 0.01
    params = {"solver": "sgd", "momentum": 0, "shuffle": False, "hidden_layer_sizes": (), "batch_size": batch_size}
    (peer, ours), _ = fit_both(kind, alpha=alpha, learning_rate_init=rate, max_iter=4, **params)
    start = fit_both(kind, **params | {"learning_rate_init": 1e-300, "max_iter": 1})[0][1]
    Y = np.eye(4)[y] if kind == "multiclass" else y[:, None]
    W, b = start.coefs_[0].copy(), start.intercepts_[0].copy()
    expected = linear_sgd(X, Y, W, b, loss_and_delta=loss, alpha=alpha, rate=rate, batch_size=batch_size, n_epochs=4)
    np.testing.assert_allclose(ours.loss_curve_, expected, rtol=1e-12)
    assert np.allclose(peer.loss_curve_, expected, rtol=1e-6) == (batch_size == N_SAMPLES)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_wrong_and_certain_predictions_follow_the_mathematics_where_the_peer_clips(kind):
    # Inputs a thousand times too large: the peer's loss of a row never goes above 36.04, -log of the smallest double.
    X, y = DATA[kind]
    peer, ours = both(kind, solver="sgd", learning_rate_init=1e-300, max_iter=1, momentum=0, hidden_layer_sizes=())
    peer.fit(1000 * X, y)
    ours.fit(1000 * X, y)
    raw = 1000 * X @ ours.coefs_[0] + ours.intercepts_[0]
    if kind == "binary":
        raw = np.hstack([np.zeros_like(raw), raw])
    expected = cross_entropy(np.eye(raw.shape[1])[y], raw)[0].mean()
    np.testing.assert_allclose(ours.loss_, expected, rtol=1e-12)
    assert expected > 100 > 36.05 > peer.loss_
