"""Batch and layer normalization in training and prediction: statistics, single rows, weights, sparse inputs."""

import pickle

import numpy as np
import pytest
from scipy import sparse

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.layers import EPSILON, BatchNorm, Dense
from skmlp_scratch.network import CHUNK_VALUES, Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.solvers import SOLVERS

# Most of these run a few epochs only.
pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

rng = np.random.RandomState(0)
X = rng.standard_normal((121, 4)) * [1, 5, 0.2, 3] + [0, 10, 0, -4]
TARGET = np.tanh(X[:, 0]) + (X[:, 1] - 10) / 5 + 0.1 * rng.standard_normal(121)
LABELS = (TARGET > 0).astype(int)


def regressor(**parameters):
    settings = {"hidden_layer_sizes": (7, 5), "normalization": "batch", "max_iter": 8, "random_state": 0}
    return ScratchMLPRegressor(**settings | parameters)


def relu(z):
    return np.maximum(z, 0)


def layers_of(model):
    """The arrays of Dense and BatchNorm in turn, and of the last Dense."""
    return [views for views in model.network_.unflatten(model.params_) if views]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("batch_size", [20, 121])
def test_statistics_are_those_of_an_explicit_pass(solver, batch_size):
    """Mean and variance of each layer's inputs over the training set, under the weights that came out."""
    if batch_size == 20 and solver in ("gd", "bfgs", "lbfgs", "cg"):
        batch_size = "auto"  # they take all rows
    model = regressor(solver=solver, batch_size=batch_size).fit(X, TARGET)
    hidden = X
    arrays = layers_of(model)
    for dense, norm in zip(arrays[0:4:2], arrays[1:4:2], strict=True):
        z = hidden @ dense["W"] + dense["b"]
        np.testing.assert_allclose(norm["mean"], z.mean(axis=0), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(norm["var"], z.var(axis=0), rtol=1e-9, atol=1e-9)
        scaled = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPSILON)
        hidden = relu(scaled * norm["gamma"] + norm["beta"])
    by_hand = (hidden @ arrays[4]["W"] + arrays[4]["b"]).ravel()
    np.testing.assert_allclose(model.predict(X), by_hand, rtol=1e-9, atol=1e-9)


def test_statistics_over_many_chunks():
    """More rows than one chunk holds: the chunks' means and variances are merged."""
    network = Network([Dense(3, 6), BatchNorm(6), Dense(6, 1)])
    n = 3 * network.chunk_rows + 17
    assert network.chunk_rows < CHUNK_VALUES
    big = np.random.RandomState(0).standard_normal((n, 3)) + 50
    params = network.init(np.random.RandomState(1))
    network.calibrate(params, big)
    dense, norm, _ = network.unflatten(params)
    z = big @ dense["W"] + dense["b"]
    np.testing.assert_allclose(norm["mean"], z.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(norm["var"], z.var(axis=0), rtol=1e-10)


def test_statistics_have_no_gradient_and_no_penalty():
    model = regressor(alpha=3.0).fit(X, TARGET)
    objective = Objective(model.network_, "squared_error", X, TARGET, alpha=3.0, l1_ratio=0.5)
    _, grad = objective.loss_and_grad(model.params_)
    for views in model.network_.unflatten(grad):
        for name in ("mean", "var"):
            np.testing.assert_array_equal(views.get(name, 0), 0)
    # They lie at the end of the vector, and the weights, which alone are penalized, at its beginning.
    n_weights = 4 * 7 + 7 * 5 + 5
    assert model.network_.weight_slice == slice(0, n_weights)
    tail = np.concatenate([array.ravel() for views in layers_of(model) for name, array in views.items()
                           if name in ("mean", "var")])  # fmt: skip
    np.testing.assert_array_equal(model.params_[-len(tail) :], tail)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("estimator, y", [(ScratchMLPClassifier, LABELS), (ScratchMLPRegressor, TARGET)])
def test_a_row_is_predicted_the_same_alone_and_in_company(normalization, estimator, y):
    model = estimator(hidden_layer_sizes=(7, 5), normalization=normalization, max_iter=8, random_state=0).fit(X, y)
    method = "predict_proba" if estimator is ScratchMLPClassifier else "predict"
    together = getattr(model, method)(X)
    alone = np.concatenate([getattr(model, method)(row[None]) for row in X])
    np.testing.assert_allclose(alone, together, rtol=1e-10, atol=1e-12)
    assert np.ptp(together, axis=0).max() > 0.1


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("batch_size", [10, 20, 40])
def test_a_last_batch_of_one_row_trains(solver, batch_size):
    """121 rows leave one over. Normalized by itself it is 0 in every unit, so it moves biases and shifts only."""
    model = regressor(solver=solver, batch_size=batch_size, max_iter=150, learning_rate_init=0.03).fit(X, TARGET)
    assert np.isfinite(model.params_).all()
    assert model.score(X, TARGET) > 0.8


def test_sample_weights_do_not_break_it():
    weights = rng.uniform(0.1, 5, 121)
    weights[:40] = 0
    for solver in ("adam", "lbfgs"):
        settings = {"solver": solver, "batch_size": 20}
        model = regressor(**settings).fit(X, TARGET, sample_weight=weights)
        # Rows of weight zero are absent, from the statistics too.
        dropped = regressor(**settings).fit(X[40:], TARGET[40:], sample_weight=weights[40:])
        np.testing.assert_array_equal(model.params_, dropped.params_)
        # A common factor changes nothing but the strength of alpha.
        scaled = regressor(alpha=0.0, **settings).fit(X, TARGET, sample_weight=1000 * weights)
        plain = regressor(alpha=0.0, **settings).fit(X, TARGET, sample_weight=weights)
        np.testing.assert_allclose(scaled.params_, plain.params_, rtol=1e-5, atol=1e-7)


def test_class_weights_do_not_break_it():
    y = (TARGET > 1.2).astype(int)
    settings = {"hidden_layer_sizes": (7,), "normalization": "batch", "max_iter": 20, "random_state": 0}
    plain = ScratchMLPClassifier(**settings).fit(X, y)
    model = ScratchMLPClassifier(class_weight="balanced", **settings).fit(X, y)
    assert model.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean()


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_inputs_equal_dense_ones(normalization, solver):
    X_sparse = sparse.random(121, 9, density=0.3, format="csr", random_state=0)
    y = X_sparse.toarray()[:, :3].sum(axis=1)
    stored = regressor(normalization=normalization, solver=solver).fit(X_sparse, y)
    dense = regressor(normalization=normalization, solver=solver).fit(X_sparse.toarray(), y)
    np.testing.assert_allclose(stored.params_, dense.params_, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(stored.predict(X_sparse), dense.predict(X_sparse.toarray()), rtol=1e-5, atol=1e-7)


def test_the_scale_of_the_inputs_does_not_matter_to_batch_normalization():
    """z is as often larger as its gradient is smaller: the same steps lead to the same predictions."""
    settings = {"max_iter": 60, "learning_rate_init": 0.01, "alpha": 0.0}
    near, far = (regressor(**settings).fit(scale * X, TARGET).predict(scale * X) for scale in (1, 1000))
    np.testing.assert_allclose(far, near, atol=1e-3)
    settings["normalization"] = None
    near, far = (regressor(**settings).fit(scale * X, TARGET).predict(scale * X) for scale in (1, 1000))
    assert np.abs(far - near).max() > 1


def test_the_bias_before_a_batch_normalization_changes_nothing():
    model = regressor().fit(X, TARGET)
    before = model.predict(X)
    model.intercepts_[0][...] += 5.0  # properties are views of the flat vector
    model.network_.calibrate(model.params_, X)
    np.testing.assert_allclose(model.predict(X), before, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_early_stopping_measures_and_returns_calibrated_statistics(solver):
    model = regressor(solver=solver, early_stopping=True, max_iter=25, learning_rate_init=0.05, batch_size=30)
    model.fit(X[:90], TARGET[:90], X_val=X[90:], y_val=TARGET[90:])
    assert model.score(X[90:], TARGET[90:]) == pytest.approx(model.best_validation_score_, rel=1e-12)
    arrays = layers_of(model)
    z = X[:90] @ arrays[0]["W"] + arrays[0]["b"]
    np.testing.assert_allclose(arrays[1]["mean"], z.mean(axis=0), rtol=1e-9, atol=1e-9)


def test_a_warm_start_goes_on_as_if_it_had_not_been_interrupted():
    whole = regressor(max_iter=8, batch_size=30).fit(X, TARGET)
    parts = regressor(max_iter=4, batch_size=30, warm_start=True).fit(X, TARGET)
    parts = pickle.loads(pickle.dumps(parts)).fit(X, TARGET)
    np.testing.assert_array_equal(parts.params_, whole.params_)


def test_partial_fit_over_all_rows():
    model = regressor(learning_rate_init=0.03)
    for _ in range(150):
        model.partial_fit(X, TARGET)
    assert model.score(X, TARGET) > 0.8


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "bfgs"])
@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_float32_stays_float32(normalization, solver):
    model = regressor(normalization=normalization, solver=solver).fit(X.astype(np.float32), TARGET)
    assert model.params_.dtype == np.float32
    assert model.predict(X.astype(np.float32)).dtype == np.float32
    if solver == "adam":
        exact = regressor(normalization=normalization, solver=solver).fit(X, TARGET)
        np.testing.assert_allclose(model.predict(X.astype(np.float32)), exact.predict(X), atol=1e-3)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_layer_normalization_by_hand(activation):
    model = regressor(normalization="layer", activation=activation).fit(X, TARGET)
    hidden = X
    arrays = layers_of(model)
    for dense, norm in zip(arrays[0:4:2], arrays[1:4:2], strict=True):
        z = hidden @ dense["W"] + dense["b"]
        z = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + EPSILON)
        hidden = {"relu": relu, "tanh": np.tanh}[activation](z * norm["gamma"] + norm["beta"])
    by_hand = (hidden @ arrays[4]["W"] + arrays[4]["b"]).ravel()
    np.testing.assert_allclose(model.predict(X), by_hand, rtol=1e-9, atol=1e-9)
    assert np.abs(arrays[1]["gamma"] - 1).max() > 1e-4  # scale and shift are trained
    assert np.abs(arrays[1]["beta"]).max() > 1e-4


def test_a_constant_unit_does_not_divide_by_zero():
    flat = np.ones((40, 2))
    model = regressor(hidden_layer_sizes=(3,)).fit(flat, TARGET[:40])
    np.testing.assert_allclose(model.predict(flat), model.predict(flat)[0], rtol=1e-12)
    assert np.isfinite(model.params_).all()
