"""The elastic net: value, gradient, and the subgradient of least norm at zero."""

import numpy as np
import pytest
from problems import SCIPY, TARGET_TEN, X_TEN

from skmlp_scratch import ScratchMLPRegressor
from skmlp_scratch.penalties import ElasticNet
from skmlp_scratch.solvers import SOLVERS

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]


GRID = [(alpha, ratio) for alpha in (0.01, 2.5) for ratio in (0.0, 0.3, 1.0)]


def weights(n=7, seed=0):
    """Weights away from zero, where L1 has its kink."""
    rng = np.random.RandomState(seed)
    return rng.choice([-1, 1], n) * rng.uniform(0.1, 2, n)


def value_and_grad(penalty, W, scale=1.0, grad=None):
    grad = np.zeros_like(W) if grad is None else grad.copy()
    return penalty.add_to(W, grad, scale), grad


@pytest.mark.parametrize("scale", [1.0, 1 / 37])
@pytest.mark.parametrize("alpha, l1_ratio", GRID)
def test_value_follows_the_formula(alpha, l1_ratio, scale):
    W = weights()
    value, _ = value_and_grad(ElasticNet(alpha, l1_ratio), W, scale)
    squares, absolutes = sum(w * w for w in W), sum(abs(w) for w in W)
    assert value == pytest.approx(scale * alpha * ((1 - l1_ratio) / 2 * squares + l1_ratio * absolutes), rel=1e-14)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("alpha, l1_ratio", GRID)
def test_gradient_equals_the_difference_quotient(alpha, l1_ratio, seed):
    penalty, W, h = ElasticNet(alpha, l1_ratio), weights(seed=seed), 1e-3
    _, grad = value_and_grad(penalty, W, 0.2)
    steps = h * np.eye(len(W))
    numeric = [
        (value_and_grad(penalty, W + step, 0.2)[0] - value_and_grad(penalty, W - step, 0.2)[0]) / (2 * h)
        for step in steps
    ]
    assert np.linalg.norm(grad - numeric) / np.linalg.norm(grad + numeric) < 1e-11


def test_gradient_is_added_to_what_is_there():
    penalty, W, before = ElasticNet(0.5, 0.4), weights(), np.arange(1.0, 8.0)
    _, alone = value_and_grad(penalty, W)
    _, added = value_and_grad(penalty, W, grad=before)
    np.testing.assert_allclose(added, before + alone, rtol=1e-14)


def test_no_alpha_no_penalty():
    before = np.arange(7.0)
    value, grad = value_and_grad(ElasticNet(0.0, 0.5), weights(), grad=before)
    assert value == 0
    np.testing.assert_array_equal(grad, before)


@pytest.mark.parametrize("l1_ratio", [0.25, 1.0])
def test_at_zero_the_subgradient_of_least_norm(l1_ratio):
    alpha, scale = 2.0, 0.5
    force = alpha * l1_ratio * scale
    pull = np.array([-3.0, -1.01 * force, -force, -0.5 * force, 0.0, 0.99 * force, force, 1.01 * force, 3.0])
    _, grad = value_and_grad(ElasticNet(alpha, l1_ratio), np.zeros(9), scale, pull)
    # Of all pull + force * s with s in [-1, 1], the one nearest to zero.
    np.testing.assert_allclose(grad, pull - np.clip(pull, -force, force), atol=1e-15)
    assert np.count_nonzero(grad == 0) == 5


def test_zeros_do_not_disturb_their_neighbours():
    W = np.array([0.0, 2.0, 0.0, -3.0])
    _, grad = value_and_grad(ElasticNet(1.0, 0.5), W, 1.0, np.array([0.2, 0.2, -5.0, 0.2]))
    np.testing.assert_allclose(grad, [0.0, 0.2 + 0.5 + 1.0, -5.0 + 0.5, 0.2 - 0.5 - 1.5], rtol=1e-14)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_float32_stays_float32(l1_ratio):
    penalty = ElasticNet(np.float64(0.3), l1_ratio)
    value, grad = value_and_grad(penalty, weights().astype(np.float32), np.float64(0.1))
    exact, exact_grad = value_and_grad(penalty, weights(), 0.1)
    assert grad.dtype == np.float32
    assert isinstance(value, float)
    assert value == pytest.approx(exact, rel=1e-6)
    np.testing.assert_allclose(grad, exact_grad, rtol=1e-6)


@pytest.mark.parametrize("value", [-1, -1e-9, np.nan, np.inf, "1", None, True])
def test_bad_alpha_is_named(value):
    with pytest.raises(ValueError, match=r"alpha=.*at least 0"):
        ElasticNet(alpha=value)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, np.inf, "0.5", None, False])
def test_bad_l1_ratio_is_named(value):
    with pytest.raises(ValueError, match=r"l1_ratio=.*at least 0 and at most 1"):
        ElasticNet(alpha=1.0, l1_ratio=value)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("alpha", [0.0, 0.7, np.float64(0.7)])
def test_the_value_alone_is_that_beside_the_gradient(alpha, l1_ratio):
    W = np.random.RandomState(0).randn(20_000)
    penalty = ElasticNet(alpha, l1_ratio)
    value = penalty.value(W, 0.25)
    assert isinstance(value, float)
    assert value == pytest.approx(penalty.add_to(W, np.zeros_like(W), 0.25), rel=1e-12)


# Elastic net


@pytest.mark.parametrize("solver", SOLVERS)
def test_l1_gives_exact_zeros_with_gradient_descent(solver):
    """As the docstring says: gradient descent gives exact zeros, scipy's methods only small weights."""
    settings = {"hidden_layer_sizes": (5,), "max_iter": 400, "learning_rate_init": 0.02, "tol": 1e-8}
    model = ScratchMLPRegressor(solver=solver, alpha=15.0, l1_ratio=1.0, random_state=0, **settings).fit(
        X_TEN, TARGET_TEN
    )
    plain = ScratchMLPRegressor(solver=solver, alpha=15.0, l1_ratio=0.0, random_state=0, **settings).fit(
        X_TEN, TARGET_TEN
    )
    assert np.count_nonzero(plain.coefs_[0]) == 50
    first = np.abs(model.coefs_[0])
    assert first[2:].max() < 0.2 * first[:2].max()  # the noise columns
    if solver in SCIPY:
        assert first[2:].mean() < 0.02
    else:
        assert np.mean(first[2:] == 0) > 0.5
    assert model.score(X_TEN, TARGET_TEN) > 0.8


def test_biases_are_not_penalized():
    model = ScratchMLPRegressor(hidden_layer_sizes=(), solver="bfgs", alpha=1e6, random_state=0).fit(
        X_TEN, TARGET_TEN + 7
    )
    assert np.abs(model.coefs_[0]).max() < 1e-3
    assert model.intercepts_[0][0] == pytest.approx((TARGET_TEN + 7).mean(), abs=1e-3)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
def test_the_penalty_does_not_depend_on_the_batch_size(l1_ratio):
    """The first minibatch loss differs from the full one only by the rows: with equal rows not at all."""
    same, labels = np.repeat(X_TEN[:1], 60, axis=0), np.repeat([1.0], 60)
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
        ScratchMLPRegressor(solver=solver, random_state=0, **settings).fit(X_TEN, TARGET_TEN)
        for solver in ("adam", "adamw")
    )
    start = adam.network_.init(np.random.RandomState(0))
    np.testing.assert_allclose(adamw.params_, adam.params_ - 0.1 * 0.01 * start, rtol=1e-9, atol=1e-12)
    assert adam.loss_ == adamw.loss_
