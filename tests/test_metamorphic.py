"""Relations between fits: what must not matter does not.

Each relation states its tolerance. ``EXACT`` ones change the order of additions only, over a few dozen steps; those
over minibatches hold bit for bit where the same numbers are added in the same order.

Four relations do not hold, on purpose: permuted rows with minibatches (other batches), permuted columns or classes with
the initial weights of ``init`` (other draws), duplicated rows with minibatches (other batches, other draws), and scaled
weights beside an ``alpha`` that is not scaled (the penalty is divided by the sum of the weights).
"""

import numpy as np
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_moons
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor

# A few dozen steps show whether two fits are the same.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
EXACT = {"rtol": 1e-8, "atol": 1e-10}
BITWISE = {"rtol": 0, "atol": 0}

rng = np.random.RandomState(0)
N = 48
X = rng.standard_normal((N, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
Y3 = np.digitize(X[:, 0] + X[:, 1], [-0.6, 0.6])
TARGET = np.sin(X[:, 0]) + X[:, 1]
TARGETS = np.column_stack([TARGET, X[:, 2], np.abs(X[:, 3])])
WEIGHTS = rng.uniform(0.2, 3, N)
FULL = ("gd", "lbfgs", "bfgs", "cg")
each_full_batch_solver = pytest.mark.parametrize("solver", FULL)
each_estimator = pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
W1, W2 = rng.standard_normal((4, 6)) / 2, rng.standard_normal((6, 3)) / 3


def starting_from(*weights):
    """An initializer that gives these weights, layer after layer."""

    def init(rng, n_in, n_out):
        W = next(W for W in weights if W.shape == (n_in, n_out))
        return W.copy(), np.zeros(n_out)

    return init


def settings(solver, **params):
    """Twelve iterations, smooth activations: rounding is not blown up by kinks or by long runs."""
    base = {"hidden_layer_sizes": (6,), "activation": "tanh", "solver": solver, "max_iter": 12, "random_state": 0}
    return base | {"tol": 0.0, "alpha": 0.01} | params


def target_of(estimator):
    return Y if estimator is ScratchMLPClassifier else TARGET


def assert_same(one, other, **tolerance):
    np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, **tolerance)
    np.testing.assert_allclose(one.params_, other.params_, **tolerance)
    method = "predict_proba" if hasattr(one, "classes_") else "predict"
    np.testing.assert_allclose(getattr(one, method)(X), getattr(other, method)(X), **tolerance)


# Rows


@each_estimator
@each_full_batch_solver
@pytest.mark.parametrize("weighted", [False, True])
def test_the_order_of_the_rows_does_not_matter_in_a_full_batch(estimator, solver, weighted):
    order, y = rng.permutation(N), target_of(estimator)
    weights = WEIGHTS if weighted else np.ones(N)
    one = estimator(**settings(solver, shuffle=False)).fit(X, y, weights)
    other = estimator(**settings(solver, shuffle=False)).fit(X[order], y[order], weights[order])
    assert_same(one, other, **EXACT)


@each_estimator
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_the_order_within_a_minibatch_does_not_matter(estimator, solver):
    """With shuffle off the batches are the rows in order, of 8 each."""
    order = np.concatenate([start + rng.permutation(8) for start in range(0, N, 8)])
    y = target_of(estimator)
    one = estimator(**settings(solver, shuffle=False, batch_size=8)).fit(X, y)
    other = estimator(**settings(solver, shuffle=False, batch_size=8)).fit(X[order], y[order])
    assert_same(one, other, **EXACT)


def test_the_order_of_the_validation_rows_does_not_matter():
    order = rng.permutation(N)
    one, other = (ScratchMLPRegressor(**settings("adam", early_stopping=True)) for _ in range(2))
    one.fit(X, TARGET, X_val=X, y_val=TARGET)
    other.fit(X, TARGET, X_val=X[order], y_val=TARGET[order])
    np.testing.assert_allclose(one.validation_scores_, other.validation_scores_, **EXACT)
    np.testing.assert_array_equal(one.params_, other.params_)


@each_estimator
@each_full_batch_solver
def test_duplicated_rows_are_doubled_weights(estimator, solver):
    y = target_of(estimator)
    doubled = estimator(**settings(solver)).fit(X, y, np.full(N, 2.0))
    duplicated = estimator(**settings(solver)).fit(np.vstack([X, X]), np.r_[y, y])
    assert_same(doubled, duplicated, **EXACT)


@each_estimator
@each_full_batch_solver
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_whole_weights_are_repeated_rows(estimator, solver, container):
    counts, y = rng.randint(0, 4, N), target_of(estimator)
    weighted = estimator(**settings(solver)).fit(container(X), y, counts)
    repeated = estimator(**settings(solver)).fit(container(np.repeat(X, counts, axis=0)), np.repeat(y, counts))
    assert_same(weighted, repeated, **EXACT)


@each_estimator
@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_whole_weights_are_repeated_rows_to_a_normalization_of_layers_only(estimator, normalization):
    """Batch normalization measures rows, not weights; a layer's is of one row."""
    y = target_of(estimator)
    one = estimator(**settings("gd", normalization=normalization)).fit(X, y, np.full(N, 2.0))
    other = estimator(**settings("gd", normalization=normalization)).fit(np.vstack([X, X]), np.r_[y, y])
    assert_same(one, other, **EXACT)


# Weights


@each_estimator
@pytest.mark.parametrize("solver", [*FULL, "sgd", "adam", "adagrad", "rmsprop", "adamw"])
@pytest.mark.parametrize("factor", [4.0, 3.7])
def test_scaled_weights_with_a_scaled_penalty_are_the_same(estimator, solver, factor):
    """The penalty is alpha / (2 Σw) ‖W‖²: bit for bit for a power of two in minibatches."""
    y = target_of(estimator)
    one = estimator(**settings(solver, alpha=0.02)).fit(X, y, WEIGHTS)
    other = estimator(**settings(solver, alpha=0.02 * factor)).fit(X, y, WEIGHTS * factor)
    exact = solver not in FULL and factor == 4
    np.testing.assert_allclose(one.params_, other.params_, **(BITWISE if exact else EXACT))


@pytest.mark.parametrize("solver", [*FULL, "adam"])
def test_class_weights_are_sample_weights(solver):
    weights = np.array([0.5, 1.0, 3.0])
    one = ScratchMLPClassifier(**settings(solver, class_weight=dict(enumerate(weights)))).fit(X, Y3)
    other = ScratchMLPClassifier(**settings(solver)).fit(X, Y3, weights[Y3])
    assert_same(one, other, **BITWISE)


@each_estimator
@pytest.mark.parametrize("solver", [*FULL, "adam"])
def test_rows_of_weight_zero_anywhere_do_not_matter(estimator, solver):
    y, junk = target_of(estimator), 1e6 * rng.standard_normal((10, 4))
    place = np.sort(rng.randint(0, N, 10))
    one = estimator(**settings(solver)).fit(X, y)
    rows, labels = np.insert(X, place, junk, axis=0), np.insert(y, place, 1)
    other = estimator(**settings(solver)).fit(rows, labels, np.insert(np.ones(N), place, 0))
    assert_same(one, other, **EXACT)


# Columns


@each_estimator
@pytest.mark.parametrize("solver", [*FULL, "sgd", "adam"])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_the_order_of_the_columns_does_not_matter(estimator, solver, container):
    """From initial weights in the same order."""
    order, y = rng.permutation(4), target_of(estimator)
    one = estimator(**settings(solver, init=starting_from(W1, W2[:, :1]))).fit(container(X), y)
    other = estimator(**settings(solver, init=starting_from(W1[order], W2[:, :1]))).fit(container(X[:, order]), y)
    np.testing.assert_allclose(one.coefs_[0][order], other.coefs_[0], **EXACT)
    np.testing.assert_allclose(one.coefs_[1], other.coefs_[1], **EXACT)
    np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, **EXACT)


@each_estimator
@pytest.mark.parametrize("solver", [*FULL, "adam"])
def test_a_column_of_zeros_does_not_matter(estimator, solver):
    """It has no gradient but that of the penalty, and no weight to begin with."""
    y = target_of(estimator)
    one = estimator(**settings(solver, init=starting_from(W1, W2[:, :1]))).fit(X, y)
    wider = np.vstack([W1, np.zeros((1, 6))])
    other = estimator(**settings(solver, init=starting_from(wider, W2[:, :1]))).fit(np.c_[X, np.zeros(N)], y)
    np.testing.assert_allclose(one.coefs_[0], other.coefs_[0][:4], **EXACT)
    np.testing.assert_array_equal(other.coefs_[0][4], 0)


@each_estimator
@pytest.mark.parametrize("solver", [*FULL, "adam"])
def test_the_order_of_the_hidden_units_does_not_matter(estimator, solver):
    order, y = rng.permutation(6), target_of(estimator)
    one = estimator(**settings(solver, init=starting_from(W1, W2[:, :1]))).fit(X, y)
    other = estimator(**settings(solver, init=starting_from(W1[:, order], W2[order, :1]))).fit(X, y)
    np.testing.assert_allclose(one.coefs_[0][:, order], other.coefs_[0], **EXACT)
    np.testing.assert_allclose(one.predict(X), other.predict(X), **EXACT)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_units_of_the_inputs_do_not_matter_behind_a_scaler(solver):
    scale, shift = np.array([1e-3, 10.0, 1.0, 1e4]), np.array([5.0, -3.0, 0.0, 1e5])
    one, other = (make_pipeline(StandardScaler(), ScratchMLPRegressor(**settings(solver))) for _ in range(2))
    one.fit(X, TARGET)
    other.fit(X * scale + shift, TARGET)
    # Shifting by ten times the spread costs a digit of the inputs.
    np.testing.assert_allclose(one.predict(X), other.predict(X * scale + shift), rtol=1e-6, atol=1e-8)


# Targets


@pytest.mark.parametrize("names", [["a", "b", "c"], [-5, 0, 70], [0.0, 1.0, 2.0]], ids=str)
@pytest.mark.parametrize("solver", [*FULL, "adam"])
def test_the_names_of_the_classes_do_not_matter(names, solver):
    """In the same order: they are sorted."""
    one = ScratchMLPClassifier(**settings(solver)).fit(X, Y3)
    other = ScratchMLPClassifier(**settings(solver)).fit(X, np.array(names)[Y3])
    assert_same(one, other, **BITWISE)
    np.testing.assert_array_equal(np.array(names)[one.predict(X)], other.predict(X))


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("solver", [*FULL, "adam"])
def test_the_order_of_the_classes_does_not_matter(solver, loss):
    """From initial weights in the same order."""
    order = np.array([2, 0, 1])
    one = ScratchMLPClassifier(**settings(solver, loss=loss, init=starting_from(W1, W2))).fit(X, Y3)
    renamed = np.argsort(order)[Y3]  # class order[k] is now called k
    other = ScratchMLPClassifier(**settings(solver, loss=loss, init=starting_from(W1, W2[:, order]))).fit(X, renamed)
    np.testing.assert_allclose(one.predict_proba(X)[:, order], other.predict_proba(X), **EXACT)
    np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, **EXACT)


@pytest.mark.parametrize("solver", [*FULL, "adam"])
def test_two_classes_that_change_their_names_change_signs(solver):
    one = ScratchMLPClassifier(**settings(solver, init=starting_from(W1, W2[:, :1]))).fit(X, Y)
    other = ScratchMLPClassifier(**settings(solver, init=starting_from(W1, -W2[:, :1]))).fit(X, 1 - Y)
    np.testing.assert_allclose(one.decision_function(X), -other.decision_function(X), **EXACT)
    np.testing.assert_allclose(one.predict_proba(X)[:, ::-1], other.predict_proba(X), **EXACT)


@pytest.mark.parametrize("solver", [*FULL, "adam"])
def test_the_order_of_the_targets_does_not_matter(solver):
    order = np.array([1, 2, 0])
    one = ScratchMLPRegressor(**settings(solver, init=starting_from(W1, W2))).fit(X, TARGETS)
    other = ScratchMLPRegressor(**settings(solver, init=starting_from(W1, W2[:, order]))).fit(X, TARGETS[:, order])
    np.testing.assert_allclose(one.predict(X)[:, order], other.predict(X), **EXACT)


@pytest.mark.parametrize("solver", [*FULL, "adam"])
def test_the_same_target_twice_is_the_target_once(solver):
    """Loss and gradient are means over the outputs, and every output starts from the same weights."""
    twice = np.repeat(W2[:, :1], 2, axis=1)
    one = ScratchMLPRegressor(**settings(solver, alpha=0.0, init=starting_from(W1, W2[:, :1]))).fit(X, TARGET)
    other = ScratchMLPRegressor(**settings(solver, alpha=0.0, init=starting_from(W1, twice)))
    other.fit(X, np.column_stack([TARGET, TARGET]))
    np.testing.assert_allclose(other.predict(X)[:, 0], other.predict(X)[:, 1], **EXACT)
    if solver in ("gd", "adam"):  # the loss before the first step
        assert other.loss_curve_[0] == pytest.approx(one.loss_curve_[0], rel=1e-12)


@pytest.mark.parametrize("solver", ["adam", "gd", "lbfgs"])
@pytest.mark.parametrize("scale, shift", [(3.0, 0.0), (1e-3, 5.0), (1e5, -2e5)])
def test_units_of_the_target_do_not_matter_behind_a_standardizing_wrapper(solver, scale, shift):
    one, other = (
        TransformedTargetRegressor(ScratchMLPRegressor(**settings(solver)), transformer=StandardScaler())
        for _ in range(2)
    )
    one.fit(X, TARGET)
    other.fit(X, scale * TARGET + shift)
    expected = scale * one.predict(X) + shift
    # A shift of 5 beside a spread of 1e-3 costs four digits of the target.
    np.testing.assert_allclose(other.predict(X), expected, rtol=1e-7, atol=1e-7 * scale)


def test_a_negated_target_negates_an_odd_network():
    """tanh is odd: with the signs of the last weights changed, so is everything."""
    one = ScratchMLPRegressor(**settings("lbfgs", init=starting_from(W1, W2[:, :1]))).fit(X, TARGET)
    other = ScratchMLPRegressor(**settings("lbfgs", init=starting_from(W1, -W2[:, :1]))).fit(X, -TARGET)
    np.testing.assert_allclose(one.predict(X), -other.predict(X), **EXACT)


# Relations that hold statistically


@pytest.mark.parametrize("what", ["rows", "columns", "seed", "duplicates"])
def test_what_changes_the_draws_does_not_change_the_quality(what):
    """Accuracy on 400 other rows over three seeds: the means lie within 0.05, where one score varies by 0.02."""
    data, labels = make_moons(300, noise=0.2, random_state=0)
    test, truth = make_moons(400, noise=0.2, random_state=1)
    scores = []
    for changed in (False, True):
        rows, order, columns = data, np.arange(300), [0, 1]
        if changed and what == "rows":
            order = np.random.RandomState(5).permutation(300)
        elif changed and what == "columns":
            columns = [1, 0]
        elif changed and what == "duplicates":
            order = np.repeat(order, 2)
        found = []
        for seed in range(3):
            model = ScratchMLPClassifier((20,), max_iter=60, learning_rate_init=0.02)
            model.set_params(random_state=seed + 10 * (changed and what == "seed"))
            found.append(model.fit(rows[order][:, columns], labels[order]).score(test[:, columns], truth))
        scores.append(np.mean(found))
    assert abs(scores[0] - scores[1]) < 0.05
    assert min(scores) > 0.9
