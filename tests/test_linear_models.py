"""Without a hidden layer the estimators are scikit-learn's linear models, and quantile regression covers what it says.

Our objective is the weighted mean of the loss plus ``alpha / (2 sum w) ||W||^2``. scikit-learn's conventions for the
same optimum: ``Ridge(alpha)`` has our alpha, ``LogisticRegression(C)`` our 1 / alpha, the generalized linear models
and ``ElasticNet`` our alpha / sum w.
"""

import numpy as np
import pytest
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from sklearn.metrics import mean_pinball_loss

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.losses import SquaredError
from skmlp_scratch.solvers import GradientDescent

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*has no effect with solver:UserWarning"),
]

N, ALPHA = 300, 20.0
rng = np.random.RandomState(0)
X = rng.standard_normal((N, 5))
SCORE = X @ [1.0, -0.5, 0.25, 0.0, 0.8] + 0.3
NOISY = SCORE + 0.5 * rng.standard_normal(N)
WEIGHTS = rng.randint(0, 4, N).astype(float)  # zeros among them
LINEAR = {"hidden_layer_sizes": (), "solver": "bfgs", "max_iter": 1000, "tol": 1e-7, "random_state": 0}


def assert_agrees(model, peer):
    """Weights to 1e-4, as asked for, and 1e-5 where nothing is gained by less."""
    peer_coef = np.atleast_2d(peer.coef_)
    np.testing.assert_allclose(model.coefs_[0].T, peer_coef, atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(model.intercepts_[0], np.ravel(peer.intercept_), atol=1e-5, rtol=1e-4)
    assert np.abs(peer_coef).max() > 0.1


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("peer, loss, y", [
    (PoissonRegressor, "poisson", rng.poisson(np.exp(SCORE)).astype(float)),
    (GammaRegressor, "gamma", rng.gamma(2.0, np.exp(SCORE) / 2)),
])  # fmt: skip
def test_generalized_linear_models(peer, loss, y, weights):
    total = N if weights is None else weights.sum()
    glm = peer(alpha=ALPHA / total, tol=1e-8, max_iter=1000, solver="newton-cholesky").fit(X, y, weights)
    model = ScratchMLPRegressor(loss, alpha=ALPHA, **LINEAR).fit(X, y, weights)
    assert_agrees(model, glm)
    np.testing.assert_allclose(model.predict(X), glm.predict(X), rtol=1e-4)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_ridge(weights):
    y = np.column_stack([NOISY, X[:, 0] - NOISY])
    for targets in (NOISY, y[:, :1].ravel()):
        model = ScratchMLPRegressor(alpha=ALPHA, **LINEAR).fit(X, targets, weights)
        assert_agrees(model, Ridge(ALPHA).fit(X, targets, weights))
    # Two outputs: the loss is the mean over them, so that the same penalty weighs twice as much.
    model = ScratchMLPRegressor(alpha=ALPHA / 2, **LINEAR).fit(X, y, weights)
    assert_agrees(model, Ridge(ALPHA).fit(X, y, weights))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_logistic_regression(weights):
    y = np.where(NOISY > 0.3, "yes", "no")
    peer = LogisticRegression(C=1 / ALPHA, tol=1e-9, max_iter=1000).fit(X, y, weights)
    model = ScratchMLPClassifier(alpha=ALPHA, **LINEAR).fit(X, y, weights)
    assert_agrees(model, peer)
    np.testing.assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(model.decision_function(X), peer.decision_function(X), atol=1e-4)


def test_balanced_logistic_regression():
    y = (NOISY > 1).astype(int)
    peer = LogisticRegression(C=1 / ALPHA, tol=1e-9, max_iter=1000, class_weight="balanced").fit(X, y, WEIGHTS)
    model = ScratchMLPClassifier(alpha=ALPHA, class_weight="balanced", **LINEAR).fit(X, y, WEIGHTS)
    assert_agrees(model, peer)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_softmax_regression(weights):
    y = np.digitize(NOISY, [-0.5, 0.8])
    peer = LogisticRegression(C=1 / ALPHA, tol=1e-9, max_iter=1000).fit(X, y, weights)
    model = ScratchMLPClassifier(alpha=ALPHA, **LINEAR).fit(X, y, weights)
    np.testing.assert_allclose(model.coefs_[0].T, peer.coef_, atol=1e-5)
    # Softmax does not change when all intercepts move together: compare their differences.
    ours, theirs = model.intercepts_[0], peer.intercept_
    np.testing.assert_allclose(ours - ours.mean(), theirs - theirs.mean(), atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("solver", ["lbfgs", "cg", GradientDescent("adam", learning_rate=0.02, max_iter=3000)])
def test_other_solvers_reach_the_same_optimum(solver):
    peer = Ridge(ALPHA).fit(X, NOISY)
    model = ScratchMLPRegressor(alpha=ALPHA, **LINEAR | {"solver": solver}).fit(X, NOISY)
    np.testing.assert_allclose(model.coefs_[0].T, np.atleast_2d(peer.coef_), atol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_lasso_and_elastic_net_with_their_exact_zeros(optimizer, l1_ratio):
    peer = ElasticNet(alpha=60 / N, l1_ratio=l1_ratio, tol=1e-12, max_iter=10_000).fit(X, NOISY)
    # A rate that decays: L1's force is constant, so that a constant rate would go on hopping around the optimum.
    solver = GradientDescent(optimizer, lambda epoch, losses: 0.1 * 0.995**epoch, max_iter=3000)
    model = ScratchMLPRegressor(alpha=60.0, l1_ratio=l1_ratio, **LINEAR | {"solver": solver}).fit(X, NOISY)
    coef = model.coefs_[0].ravel()
    np.testing.assert_allclose(coef, peer.coef_, atol=1e-4)
    assert 0 < np.count_nonzero(peer.coef_) < 5
    np.testing.assert_array_equal(coef == 0, peer.coef_ == 0)


def test_huber_without_its_scale():
    """scikit-learn's also fits a scale sigma; at that sigma ours with delta = epsilon sigma has the same optimum."""
    y = NOISY + (rng.random_sample(N) < 0.1) * 8
    peer = HuberRegressor(epsilon=1.35, alpha=0.0, max_iter=1000, tol=1e-9).fit(X, y)
    model = ScratchMLPRegressor("huber", alpha=0.0, huber_delta=1.35 * peer.scale_, **LINEAR).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0].ravel(), peer.coef_, atol=1e-3)
    np.testing.assert_allclose(model.intercepts_[0], peer.intercept_, atol=1e-3)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_linear_quantile_regression(quantile):
    peer = QuantileRegressor(quantile=quantile, alpha=0.0).fit(X, NOISY)
    solver = GradientDescent("adam", lambda epoch, losses: 0.05 * 0.998**epoch, max_iter=3000)
    model = ScratchMLPRegressor("quantile", quantile=quantile, alpha=0.0, **LINEAR | {"solver": solver}).fit(X, NOISY)
    best = mean_pinball_loss(NOISY, peer.predict(X), alpha=quantile)
    assert mean_pinball_loss(NOISY, model.predict(X), alpha=quantile) == pytest.approx(best, rel=1e-3)
    np.testing.assert_allclose(model.coefs_[0].ravel(), peer.coef_, atol=0.03)


def test_the_absolute_error_is_twice_the_pinball_loss_of_the_median():
    def fit(loss, alpha):
        solver = GradientDescent(learning_rate=0.1 if loss == "quantile" else 0.05, max_iter=50)
        return ScratchMLPRegressor(loss, (4,), "tanh", solver=solver, alpha=alpha, random_state=0).fit(X, NOISY)

    half, whole = fit("quantile", 1.0), fit("absolute_error", 2.0)
    np.testing.assert_allclose(2 * np.array(half.loss_curve_), whole.loss_curve_, rtol=1e-10)
    np.testing.assert_allclose(half.params_, whole.params_, rtol=1e-8, atol=1e-10)


def test_squared_error_with_a_logistic_link_recovers_its_curve():
    y = 1 / (1 + np.exp(-SCORE))
    model = ScratchMLPRegressor(SquaredError(link="logistic"), alpha=0.0, **LINEAR).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0].ravel(), [1.0, -0.5, 0.25, 0.0, 0.8], atol=1e-3)
    assert model.out_activation_ == "logistic"
    assert model.predict(10 * X).max() <= 1


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
