"""Dropout, elastic net and clipped gradients on the estimators: what they promise, and where they change nothing."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.layers import Dropout
from skmlp_scratch.solvers import SOLVERS, GradientDescent

# Most of these run a few epochs only.
pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

SCIPY = ("bfgs", "lbfgs", "cg")
GRADIENT_DESCENT = tuple(solver for solver in SOLVERS if solver not in SCIPY)
rng = np.random.RandomState(0)
X = rng.standard_normal((150, 10))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int)  # eight columns are noise
TARGET = X[:, 0] - X[:, 1] + 0.1 * rng.standard_normal(150)
SPARSE = sparse.random(150, 10, density=0.3, format="csr", random_state=0)


def classifier(**parameters):
    return ScratchMLPClassifier(**{"hidden_layer_sizes": (8, 6), "max_iter": 6, "random_state": 0} | parameters)


# Dropout


@pytest.mark.parametrize("solver", GRADIENT_DESCENT)
def test_one_dropout_is_that_for_every_layer(solver):
    one = classifier(solver=solver, dropout=0.3).fit(X, LABELS)
    for each in ([0.3, 0.3], (0.3, 0.3), np.array([0.3, 0.3])):
        np.testing.assert_array_equal(classifier(solver=solver, dropout=each).fit(X, LABELS).params_, one.params_)


@pytest.mark.parametrize("nothing", [0, 0.0, (0, 0), [0.0, 0.0]])
@pytest.mark.parametrize("solver", SOLVERS)
def test_dropout_of_zero_is_no_dropout(solver, nothing):
    plain = classifier(solver=solver).fit(X, LABELS)
    model = classifier(solver=solver, dropout=nothing, input_dropout=0.0).fit(X, LABELS)
    np.testing.assert_array_equal(model.params_, plain.params_)


def test_dropout_leaves_the_weights_shapes_and_the_prediction_alone():
    """Nothing is dropped at prediction, and nothing is scaled: it is the plain network of the same weights."""
    model = classifier(dropout=(0.5, 0.2), input_dropout=0.1).fit(X, LABELS)
    hidden = X
    for W, b in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        hidden = np.maximum(hidden @ W + b, 0)
    raw = (hidden @ model.coefs_[-1] + model.intercepts_[-1]).ravel()
    np.testing.assert_allclose(model.decision_function(X), raw, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))


def test_the_mean_over_masks_is_the_input():
    """Inverted scaling keeps the expectation, for every drop probability, dense and sparse."""
    draw = np.random.RandomState(0)
    for p in (0.1, 0.5, 0.9):
        rows = [Dropout(p).forward({}, X[:1], draw)[0] for _ in range(6000)]
        dropped = np.mean([row == 0 for row in rows])
        assert dropped == pytest.approx(p, abs=0.01)
        kept = np.unique(np.round((rows[0] / X[:1])[rows[0] != 0], 12))
        np.testing.assert_allclose(kept, 1 / (1 - p))
        error = np.abs(np.mean(rows, axis=0) - X[:1]).max()
        assert error < 5 * np.abs(X[:1]).max() * np.sqrt(p / (1 - p) / 6000)


def test_masks_follow_the_random_state():
    one, again = (classifier(dropout=0.5).fit(X, LABELS).params_ for _ in range(2))
    np.testing.assert_array_equal(one, again)
    # The same initial weights, only other masks and orders: set by a state that has drawn once more after them.
    other = classifier(dropout=0.5, random_state=1).fit(X, LABELS).params_
    assert np.abs(one - other).max() > 0.01


def test_dropout_narrows_the_gap_between_training_and_held_out_loss():
    """A wide network learns the noise of few rows by heart; with half of it dropped it does much less so."""
    y = (X[:, 0] + X[:, 1] + rng.standard_normal(150) > 0).astype(int)
    settings = {"hidden_layer_sizes": (100,), "max_iter": 300, "learning_rate_init": 0.01, "n_iter_no_change": np.inf}
    gaps = {}
    for dropout in (0.0, 0.5):
        model = classifier(dropout=dropout, input_dropout=dropout / 2, **settings)
        model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
        train = -np.log(model.predict_proba(X[:80])[np.arange(80), y[:80]]).mean()
        gaps[dropout] = model.history_["val_loss"][-1] - train
    assert gaps[0.0] > 1
    assert gaps[0.5] < 0.7 * gaps[0.0]


@pytest.mark.parametrize("solver", GRADIENT_DESCENT)
def test_input_dropout_of_a_sparse_matrix_that_stores_every_value(solver):
    """Then there is a mask entry for every value, drawn in the same order: the same as dense."""
    settings = {"solver": solver, "input_dropout": 0.3, "dropout": 0.2, "batch_size": 40}
    dense = classifier(**settings).fit(X, LABELS)
    stored = classifier(**settings).fit(sparse.csr_matrix(X), LABELS)
    np.testing.assert_allclose(stored.params_, dense.params_, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_input_dropout_of_sparse_inputs_learns(container, normalization):
    y = (SPARSE.toarray()[:, 0] > SPARSE.toarray()[:, 1]).astype(int)
    before = SPARSE.copy()
    model = classifier(input_dropout=0.1, normalization=normalization, max_iter=150, learning_rate_init=0.01)
    model.fit(container(SPARSE), y)
    assert model.score(container(SPARSE), y) > 0.9
    assert (before != SPARSE).nnz == 0  # the caller's matrix is not what is dropped from
    np.testing.assert_allclose(model.predict_proba(SPARSE), model.predict_proba(SPARSE.toarray()), atol=1e-12)


def test_only_stored_values_of_sparse_inputs_are_dropped():
    dropped, backward = Dropout(0.5).forward({}, SPARSE, np.random.RandomState(0))
    assert backward is None  # no gradient is asked for below the first layer
    np.testing.assert_array_equal(dropped.indices, SPARSE.indices)
    share = np.mean(dropped.data == 0)
    assert 0.4 < share < 0.6
    np.testing.assert_allclose(dropped.data[dropped.data != 0], 2 * SPARSE.data[dropped.data != 0])


# Elastic net


@pytest.mark.parametrize("solver", SOLVERS)
def test_l1_gives_exact_zeros_with_gradient_descent(solver):
    """As the docstring says: gradient descent gives exact zeros, scipy's methods only small weights."""
    settings = {"hidden_layer_sizes": (5,), "max_iter": 400, "learning_rate_init": 0.02, "tol": 1e-8}
    model = ScratchMLPRegressor(solver=solver, alpha=15.0, l1_ratio=1.0, random_state=0, **settings).fit(X, TARGET)
    plain = ScratchMLPRegressor(solver=solver, alpha=15.0, l1_ratio=0.0, random_state=0, **settings).fit(X, TARGET)
    assert np.count_nonzero(plain.coefs_[0]) == 50
    first = np.abs(model.coefs_[0])
    assert first[2:].max() < 0.2 * first[:2].max()  # the noise columns
    if solver in SCIPY:
        assert first[2:].mean() < 0.02
    else:
        assert np.mean(first[2:] == 0) > 0.5
    assert model.score(X, TARGET) > 0.8


def test_biases_are_not_penalized():
    model = ScratchMLPRegressor(hidden_layer_sizes=(), solver="bfgs", alpha=1e6, random_state=0).fit(X, TARGET + 7)
    assert np.abs(model.coefs_[0]).max() < 1e-3
    assert model.intercepts_[0][0] == pytest.approx((TARGET + 7).mean(), abs=1e-3)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
def test_the_penalty_does_not_depend_on_the_batch_size(l1_ratio):
    """The first minibatch loss differs from the full one only by the rows: with equal rows not at all."""
    same, labels = np.repeat(X[:1], 60, axis=0), np.repeat([1.0], 60)
    settings = {"hidden_layer_sizes": (4,), "solver": "sgd", "momentum": 0.0, "alpha": 3.0, "l1_ratio": l1_ratio}
    settings |= {"max_iter": 1, "learning_rate_init": 1e-12, "random_state": 0}
    losses = [
        ScratchMLPRegressor(batch_size=size, **settings).fit(same, labels).loss_ for size in (1, 7, 60)
    ]  # fmt: skip
    np.testing.assert_allclose(losses, losses[0], rtol=1e-9)
    free = ScratchMLPRegressor(**settings | {"alpha": 0.0}).fit(same, labels)
    assert losses[0] > free.loss_ + 1e-3


def test_weight_decay_of_adamw_is_outside_the_loss():
    """After one step adamw's weights are adam's minus rate * 0.01 * the initial ones; the loss is the same."""
    settings = {"hidden_layer_sizes": (4,), "alpha": 0.0, "learning_rate_init": 0.1, "batch_size": 150, "max_iter": 1}
    adam, adamw = (
        ScratchMLPRegressor(solver=solver, random_state=0, **settings).fit(X, TARGET) for solver in ("adam", "adamw")
    )
    start = adam.network_.init(np.random.RandomState(0))
    np.testing.assert_allclose(adamw.params_, adam.params_ - 0.1 * 0.01 * start, rtol=1e-9, atol=1e-12)
    assert adam.loss_ == adamw.loss_


# Clipped gradients


@pytest.mark.parametrize("batch_size", [150, 40])
def test_clip_norm_bounds_the_step(batch_size):
    settings = {"hidden_layer_sizes": (6,), "solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.5, "alpha": 0.0}
    settings |= {"batch_size": batch_size, "max_iter": 1, "random_state": 0}
    model = ScratchMLPRegressor(clip_norm=0.01, **settings).fit(X, 100 * TARGET)
    start = model.network_.init(np.random.RandomState(0))
    moved = np.linalg.norm(model.params_ - start)
    n_steps = -(-150 // batch_size)
    assert moved <= n_steps * 0.5 * 0.01 * (1 + 1e-9)
    if n_steps == 1:  # the direction is that of the gradient, the length clip_norm
        free = ScratchMLPRegressor(**settings).fit(X, 100 * TARGET)
        assert moved == pytest.approx(0.005, rel=1e-9)
        step, unclipped = model.params_ - start, free.params_ - start
        np.testing.assert_allclose(step / np.linalg.norm(step), unclipped / np.linalg.norm(unclipped), atol=1e-9)


@pytest.mark.parametrize("solver", GRADIENT_DESCENT)
def test_a_clip_norm_that_is_never_reached_changes_nothing(solver):
    plain = classifier(solver=solver).fit(X, LABELS)
    np.testing.assert_array_equal(classifier(solver=solver, clip_norm=1e6).fit(X, LABELS).params_, plain.params_)


def test_clip_norm_saves_a_run_that_diverges():
    y = 1000 * TARGET
    settings = {"hidden_layer_sizes": (20,), "solver": "sgd", "learning_rate_init": 0.02, "max_iter": 100}
    with pytest.raises(ValueError, match="diverged"):
        ScratchMLPRegressor(random_state=0, **settings).fit(X, y)
    model = ScratchMLPRegressor(random_state=0, clip_norm=1000.0, **settings).fit(X, y)
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]


def test_a_solver_object_clips_by_its_own_clip_norm():
    settings = {"hidden_layer_sizes": (6,), "random_state": 0}
    solver = GradientDescent(learning_rate=0.1, clip_norm=0.02, max_iter=5)
    model = ScratchMLPRegressor(solver=solver, **settings).fit(X, TARGET)
    named = ScratchMLPRegressor(
        solver="gd", momentum=0.0, clip_norm=0.02, learning_rate_init=0.1, max_iter=5, **settings
    )
    np.testing.assert_array_equal(model.params_, named.fit(X, TARGET).params_)
    assert model.history_["grad_norm"] == pytest.approx([0.02] * 5)


def test_everything_at_once():
    """The regularizers do not get in each other's way."""
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    model = classifier(
        hidden_layer_sizes=(40, 20), activation=["silu", "leaky_relu"], init="he_normal", normalization="batch",
        dropout=0.1, input_dropout=0.05, l1_ratio=0.3, alpha=0.5, label_smoothing=0.05, class_weight="balanced",
        solver="adamw", learning_rate="cosine", learning_rate_init=0.02, clip_norm=1.0, max_iter=80,
        n_iter_no_change=80,
    )  # fmt: skip
    scaled = StandardScaler().fit_transform(X)
    assert model.fit(scaled, y).score(scaled, y) > 0.9
