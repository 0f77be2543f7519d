"""The regressor without a hidden layer is scikit-learn's linear models, and covers what its quantiles say."""

import numpy as np
import pytest
from problems import ALPHA_GLM, LINEAR, N_GLM, NOISY_GLM, SCORE_GLM, WEIGHTS_GLM, X_GLM, assert_agrees, rng_glm
from sklearn.linear_model import ElasticNet, GammaRegressor, HuberRegressor, PoissonRegressor, QuantileRegressor, Ridge
from sklearn.metrics import mean_pinball_loss

from skmlp_scratch import ScratchMLPRegressor
from skmlp_scratch.losses import SquaredError
from skmlp_scratch.solvers import GradientDescent

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore:.*has no effect with solver:UserWarning"),
]


@pytest.mark.parametrize("weights", [None, WEIGHTS_GLM], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("peer, loss, y", [
    (PoissonRegressor, "poisson", rng_glm.poisson(np.exp(SCORE_GLM)).astype(float)),
    (GammaRegressor, "gamma", rng_glm.gamma(2.0, np.exp(SCORE_GLM) / 2)),
])  # fmt: skip
def test_generalized_linear_models(peer, loss, y, weights):
    total = N_GLM if weights is None else weights.sum()
    glm = peer(alpha=ALPHA_GLM / total, tol=1e-8, max_iter=1000, solver="newton-cholesky").fit(X_GLM, y, weights)
    model = ScratchMLPRegressor(loss, alpha=ALPHA_GLM, **LINEAR).fit(X_GLM, y, weights)
    assert_agrees(model, glm)
    np.testing.assert_allclose(model.predict(X_GLM), glm.predict(X_GLM), rtol=1e-4)


@pytest.mark.parametrize("weights", [None, WEIGHTS_GLM], ids=["unweighted", "weighted"])
def test_ridge(weights):
    y = np.column_stack([NOISY_GLM, X_GLM[:, 0] - NOISY_GLM])
    for targets in (NOISY_GLM, y[:, :1].ravel()):
        model = ScratchMLPRegressor(alpha=ALPHA_GLM, **LINEAR).fit(X_GLM, targets, weights)
        assert_agrees(model, Ridge(ALPHA_GLM).fit(X_GLM, targets, weights))
    # Two outputs: the loss is the mean over them, so that the same penalty weighs twice as much.
    model = ScratchMLPRegressor(alpha=ALPHA_GLM / 2, **LINEAR).fit(X_GLM, y, weights)
    assert_agrees(model, Ridge(ALPHA_GLM).fit(X_GLM, y, weights))


@pytest.mark.parametrize("solver", ["lbfgs", "cg", GradientDescent("adam", learning_rate=0.02, max_iter=3000)])
def test_other_solvers_reach_the_same_optimum(solver):
    peer = Ridge(ALPHA_GLM).fit(X_GLM, NOISY_GLM)
    model = ScratchMLPRegressor(alpha=ALPHA_GLM, **LINEAR | {"solver": solver}).fit(X_GLM, NOISY_GLM)
    np.testing.assert_allclose(model.coefs_[0].T, np.atleast_2d(peer.coef_), atol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_lasso_and_elastic_net_with_their_exact_zeros(optimizer, l1_ratio):
    peer = ElasticNet(alpha=60 / N_GLM, l1_ratio=l1_ratio, tol=1e-12, max_iter=10_000).fit(X_GLM, NOISY_GLM)
    # A rate that decays: L1's force is constant, so that a constant rate would go on hopping around the optimum.
    solver = GradientDescent(optimizer, lambda epoch, losses: 0.1 * 0.995**epoch, max_iter=3000)
    model = ScratchMLPRegressor(alpha=60.0, l1_ratio=l1_ratio, **LINEAR | {"solver": solver}).fit(X_GLM, NOISY_GLM)
    coef = model.coefs_[0].ravel()
    np.testing.assert_allclose(coef, peer.coef_, atol=1e-4)
    assert 0 < np.count_nonzero(peer.coef_) < 5
    np.testing.assert_array_equal(coef == 0, peer.coef_ == 0)


def test_huber_without_its_scale():
    """scikit-learn's also fits a scale sigma; at that sigma ours with delta = epsilon sigma has the same optimum."""
    y = NOISY_GLM + (rng_glm.random_sample(N_GLM) < 0.1) * 8
    peer = HuberRegressor(epsilon=1.35, alpha=0.0, max_iter=1000, tol=1e-9).fit(X_GLM, y)
    model = ScratchMLPRegressor("huber", alpha=0.0, huber_delta=1.35 * peer.scale_, **LINEAR).fit(X_GLM, y)
    np.testing.assert_allclose(model.coefs_[0].ravel(), peer.coef_, atol=1e-3)
    np.testing.assert_allclose(model.intercepts_[0], peer.intercept_, atol=1e-3)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_linear_quantile_regression(quantile):
    peer = QuantileRegressor(quantile=quantile, alpha=0.0).fit(X_GLM, NOISY_GLM)
    solver = GradientDescent("adam", lambda epoch, losses: 0.05 * 0.998**epoch, max_iter=3000)
    model = ScratchMLPRegressor("quantile", quantile=quantile, alpha=0.0, **LINEAR | {"solver": solver}).fit(
        X_GLM, NOISY_GLM
    )
    best = mean_pinball_loss(NOISY_GLM, peer.predict(X_GLM), alpha=quantile)
    assert mean_pinball_loss(NOISY_GLM, model.predict(X_GLM), alpha=quantile) == pytest.approx(best, rel=1e-3)
    np.testing.assert_allclose(model.coefs_[0].ravel(), peer.coef_, atol=0.03)


def test_the_absolute_error_is_twice_the_pinball_loss_of_the_median():
    def fit(loss, alpha):
        solver = GradientDescent(learning_rate=0.1 if loss == "quantile" else 0.05, max_iter=50)
        return ScratchMLPRegressor(loss, (4,), "tanh", solver=solver, alpha=alpha, random_state=0).fit(X_GLM, NOISY_GLM)

    half, whole = fit("quantile", 1.0), fit("absolute_error", 2.0)
    np.testing.assert_allclose(2 * np.array(half.loss_curve_), whole.loss_curve_, rtol=1e-10)
    np.testing.assert_allclose(half.params_, whole.params_, rtol=1e-8, atol=1e-10)


def test_squared_error_with_a_logistic_link_recovers_its_curve():
    y = 1 / (1 + np.exp(-SCORE_GLM))
    model = ScratchMLPRegressor(SquaredError(link="logistic"), alpha=0.0, **LINEAR).fit(X_GLM, y)
    np.testing.assert_allclose(model.coefs_[0].ravel(), [1.0, -0.5, 0.25, 0.0, 0.8], atol=1e-3)
    assert model.out_activation_ == "logistic"
    assert model.predict(10 * X_GLM).max() <= 1


@pytest.fixture(scope="module")
def heteroscedastic():
    """A sine whose noise grows: no constant offset from the mean covers each quantile everywhere."""
    draw = np.random.RandomState(3)
    x = draw.uniform(0, 6, (4000, 1))
    return x, np.sin(x[:, 0]) + (0.1 + 0.2 * x[:, 0]) * draw.standard_normal(4000)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantile_regression_covers_what_it_says_on_held_out_data(heteroscedastic, quantile):
    x, y = heteroscedastic
    model = ScratchMLPRegressor(
        "quantile", (30,), "tanh", quantile=quantile, learning_rate="cosine", learning_rate_init=0.02, max_iter=60,
        n_iter_no_change=np.inf, random_state=0, solver="adam", tol=0.0,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(x[:2000], y[:2000])
    below = y[2000:] <= model.predict(x[2000:])
    assert below.mean() == pytest.approx(quantile, abs=0.05)
    for part in (x[2000:, 0] < 3, x[2000:, 0] >= 3):  # in the calm half as in the noisy one
        assert below[part].mean() == pytest.approx(quantile, abs=0.05)
