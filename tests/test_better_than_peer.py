"""Where scikit-learn's perceptrons are known to be wrong, these are right: a section for each of fifteen points.

Where it is cheap, a test shows the peer's flaw, too, on the versions of scikit-learn that have been seen to have it.
"""

import datetime
import itertools
import math
import pickle
import re
import signal
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from scipy.optimize import OptimizeResult
from scipy.special import log_expit, log_softmax
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import scale
from sklearn.utils.fixes import parse_version
from threadpoolctl import threadpool_limits

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch._parallel import _Job
from skmlp_scratch.schedules import Cosine, StepDecay
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize
from skmlp_scratch.stopping import InterruptedFit

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

# A later scikit-learn may have repaired what the tests say of it.
PEER_IS_KNOWN = parse_version(sklearn.__version__) < parse_version("1.10")

ROOT = Path(__file__).parents[1]
SCIPY = ("bfgs", "lbfgs", "cg")
DESCENDING = tuple(solver for solver in SOLVERS if solver not in SCIPY)

X, Y = make_classification(120, 6, n_informative=4, flip_y=0.2, random_state=0)
XR, YR = make_regression(120, 4, noise=10, random_state=0)
YR = scale(YR)

# So small a rate that weights stay as they are: what is measured is measured at the initial weights.
STILL = {"solver": "sgd", "momentum": 0, "learning_rate_init": 1e-300, "max_iter": 1, "random_state": 0}
# One unshuffled epoch of plain steps in a linear model.
PLAIN = {"solver": "sgd", "momentum": 0, "hidden_layer_sizes": (), "max_iter": 1, "shuffle": False, "random_state": 0}

each_solver = pytest.mark.parametrize("solver", SOLVERS)
each_descending_solver = pytest.mark.parametrize("solver", DESCENDING)


class SpySolver(GradientDescent):
    """Gradient descent that notes each run's objective; copies of it share the list."""

    def minimize(self, objective, params, **rest):
        self.objectives.append(objective)
        return super().minimize(objective, params, **rest)


def spy_solver(**params):
    solver = SpySolver(**params)
    solver.objectives = []
    return solver


class SpyScoring:
    """Accuracy, with notes of what it was asked for."""

    def __init__(self):
        self.rows, self.params, self.scores = [], [], []

    def __call__(self, estimator, X, y):
        self.rows.append(X.copy())
        self.params.append(estimator.params_.copy())
        self.scores.append(float(np.mean(estimator.predict(X) == y)))
        return self.scores[-1]


def rows_of(X):
    return {row.tobytes() for row in X}


# 1. Early stopping returns the best weights, also on a warm start.


@each_solver
def test_01_early_stopping_with_warm_start_returns_the_best_weights(solver):
    scoring = SpyScoring()
    clf = ScratchMLPClassifier(
        10,
        solver=solver,
        learning_rate_init=0.1,
        max_iter=12,
        tol=0,
        n_iter_no_change=100,
        early_stopping=True,
        validation_fraction=0.3,
        scoring=scoring,
        warm_start=True,
        random_state=0,
    )
    came_last = []
    for _ in range(3):
        clf.fit(X, Y)
        best = np.argmax(scoring.scores)  # of all calls: the held-out rows are the same
        np.testing.assert_array_equal(clf.params_, scoring.params[best])
        assert clf.best_validation_score_ == max(scoring.scores)
        assert clf.validation_scores_ == scoring.scores
        came_last.append(best == len(scoring.scores) - 1)
    assert not all(came_last)


def test_01_the_peer_returns_its_last_weights_on_a_warm_start():
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    peer = MLPClassifier(
        10, early_stopping=True, warm_start=True, max_iter=30, n_iter_no_change=100, validation_fraction=0.3
    ).set_params(learning_rate_init=0.01, random_state=0)
    peer.fit(X, Y).set_params(learning_rate_init=10, max_iter=3).fit(X, Y)
    _, X_val, _, y_val = train_test_split(X, Y, test_size=0.3, stratify=Y, random_state=np.random.RandomState(0))
    assert peer.score(X_val, y_val) == peer.validation_scores_[-1] < peer.best_validation_score_


# 2. A warm start counts anew, and keeps the validation rows apart.


@pytest.mark.parametrize("early_stopping", [False, True])
def test_02_a_warm_start_counts_epochs_without_improvement_anew(early_stopping):
    # Nothing improves by tol: the first epoch counts as one that does, then there are n + 1 that do not.
    params = {"tol": 1e6, "n_iter_no_change": 3, "early_stopping": early_stopping, "random_state": 0}
    ours = ScratchMLPClassifier(warm_start=True, **params)
    assert [ours.fit(X, Y).n_iter_ for _ in range(3)] == [5, 5, 5]
    if PEER_IS_KNOWN:
        peer = MLPClassifier(warm_start=True, **params)
        assert [peer.fit(X, Y).n_iter_ for _ in range(3)] == [5, 1, 1]


def test_02_a_warm_start_does_not_remember_an_earlier_best_score():
    params = {"max_iter": 30, "n_iter_no_change": 100, "early_stopping": True, "learning_rate_init": 0.01}
    ours = ScratchMLPClassifier(warm_start=True, random_state=0, **params).fit(X, Y)
    first = ours.best_validation_score_
    noise = np.random.RandomState(0).permutation(Y)
    ours.set_params(max_iter=1).fit(X, noise)
    assert ours.best_validation_score_ == ours.validation_scores_[-1] < first
    if PEER_IS_KNOWN:
        peer = MLPClassifier(warm_start=True, random_state=0, **params).fit(X, Y).set_params(max_iter=1).fit(X, noise)
        assert peer.best_validation_score_ == first > peer.validation_scores_[-1]


@pytest.mark.parametrize("random_state", [0, None, np.random.RandomState(0)], ids=["int", "None", "instance"])
@pytest.mark.parametrize("through_pickle", [False, True])
def test_02_validation_rows_are_never_trained_on_across_warm_starts(random_state, through_pickle):
    clf = ScratchMLPClassifier(
        5,
        solver=spy_solver(batch_size=32, max_iter=2),
        scoring=SpyScoring(),
        early_stopping=True,
        warm_start=True,
        random_state=random_state,
    )
    trained, validated = [], []
    for _ in range(4):
        clf.fit(X, Y)
        trained.append(rows_of(clf.solver.objectives[-1].X))
        validated.append(rows_of(clf.scoring.rows[-1]))
        if through_pickle:
            clf = pickle.loads(pickle.dumps(clf))
    assert len(trained[0]) == 108
    assert len(validated[0]) == 12
    assert set.union(*trained).isdisjoint(set.union(*validated))


def test_02_the_peer_trains_on_its_validation_rows():
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    # The first split is drawn after the initial weights, that of a warm start with the same seed before anything else.
    peer = MLPClassifier(5, early_stopping=True, warm_start=True, max_iter=1, random_state=0)
    rng = np.random.RandomState(0)
    rng.uniform(size=(6 + 1) * 5 + 5 + 1)
    held = []
    for draws in (rng, np.random.RandomState(0)):
        held.append(train_test_split(np.arange(120), test_size=0.1, stratify=Y, random_state=draws)[1])
        peer.fit(X, Y)
        assert peer.score(X[held[-1]], Y[held[-1]]) == peer.validation_scores_[-1]
    assert set(held[0]) != set(held[1])


# 3. Rows of weight zero are as if absent.


def zero_weights(case):
    """Weights of which some are zero, with or without a class or whole minibatches only among those."""
    rng = np.random.RandomState(1)
    weights = rng.uniform(0.5, 2, len(Y)) * (rng.uniform(size=len(Y)) > 0.3)
    y = Y.copy()
    if case == "whole minibatches":
        weights[:64] = 0
    elif case == "a class":
        y[weights == 0] = 7
    return y, weights


@pytest.mark.parametrize("case", ["some rows", "whole minibatches", "a class"])
@pytest.mark.parametrize("batch_size", [1, 7, 32, 120])
@pytest.mark.parametrize("params", [{}, {"shuffle": False}, {"early_stopping": True}, {"dropout": 0.2}], ids=str)
@pytest.mark.filterwarnings("ignore:batch_size=120 is larger")
def test_03_rows_of_weight_zero_equal_absent_rows(case, batch_size, params):
    y, weights = zero_weights(case)
    kept = weights > 0
    clf = ScratchMLPClassifier(8, batch_size=batch_size, max_iter=3, random_state=0, **params)
    zeroed = clone(clf).fit(X, y, weights)
    absent = clone(clf).fit(X[kept], y[kept], weights[kept])
    np.testing.assert_array_equal(zeroed.params_, absent.params_)
    assert zeroed.loss_curve_ == absent.loss_curve_
    assert zeroed.validation_scores_ == absent.validation_scores_
    assert list(zeroed.classes_) == [0, 1]
    assert zeroed.t_ == absent.t_


@each_solver
def test_03_rows_of_weight_zero_equal_absent_rows_with_every_solver(solver):
    y, weights = zero_weights("whole minibatches")
    reg = ScratchMLPRegressor("squared_error", 8, solver=solver, max_iter=3, random_state=0)
    zeroed = clone(reg).fit(sparse.csr_matrix(X), y, weights)
    absent = clone(reg).fit(sparse.csr_matrix(X[weights > 0]), y[weights > 0], weights[weights > 0])
    np.testing.assert_array_equal(zeroed.params_, absent.params_)


def test_03_partial_fit_takes_rows_of_weight_zero_as_absent():
    y, weights = zero_weights("some rows")
    kept = weights > 0
    zeroed, absent = (ScratchMLPClassifier(8, batch_size=7, random_state=0) for _ in range(2))
    for _ in range(3):
        zeroed.partial_fit(X, y, weights, classes=[0, 1])
        absent.partial_fit(X[kept], y[kept], weights[kept], classes=[0, 1])
    np.testing.assert_array_equal(zeroed.params_, absent.params_)


def test_03_the_peer_fails_on_a_minibatch_of_weight_zero():
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    y, weights = zero_weights("whole minibatches")
    with pytest.raises(ZeroDivisionError):
        MLPClassifier(8, batch_size=32, shuffle=False, max_iter=1).fit(X, y, weights)


# 4. Weighted minibatches estimate the weighted whole.


def test_04_weighted_minibatch_gradients_average_to_the_full_gradient():
    weights = np.random.RandomState(0).exponential(size=len(Y))
    solver = spy_solver(max_iter=1)
    params = ScratchMLPClassifier(9, solver=solver, alpha=0.3, random_state=0).fit(X, Y, weights).params_
    objective = solver.objectives[0]
    loss, grad = objective.loss_and_grad(params)
    grad = grad.copy()
    for size in (1, 7, 32):
        mean_loss, mean_grad = 0.0, np.zeros_like(grad)
        for start in range(0, len(Y), size):
            rows = np.arange(start, min(start + size, len(Y)))
            part, part_grad = objective.loss_and_grad(params, rows)
            mean_loss += part * len(rows) / len(Y)
            mean_grad += part_grad * (len(rows) / len(Y))
        assert mean_loss == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(mean_grad, grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("batch_size", [1, 7, 32, 120])
def test_04_loss_is_the_weighted_mean_at_any_batch_size(batch_size):
    weights = np.random.RandomState(0).exponential(size=len(Y))
    ours, peer = (
        estimator(8, alpha=0, batch_size=batch_size, **STILL).fit(X, Y, weights)
        for estimator in (ScratchMLPClassifier, MLPClassifier)
    )
    expected = log_loss(Y, ours.predict_proba(X), sample_weight=weights)
    assert ours.loss_ == pytest.approx(expected, rel=1e-12)
    if PEER_IS_KNOWN:
        assert (peer.loss_ == pytest.approx(expected, rel=1e-12)) == (batch_size == 120)


def test_04_weights_matter_in_batches_of_one():
    weights = np.where(Y == 1, 20.0, 1.0)
    ours, peer = (
        [estimator(**PLAIN | {"max_iter": 20}, batch_size=1, alpha=0).fit(X, Y, w) for w in (weights, None)]
        for estimator in (ScratchMLPClassifier, MLPClassifier)
    )
    share = [model.predict(X).mean() for model in ours]
    assert share[0] > share[1] + 0.2
    if PEER_IS_KNOWN:  # normalized within the minibatch, the weight of a single row is always 1
        np.testing.assert_allclose(peer[0].coefs_[0], peer[1].coefs_[0], rtol=1e-12)


# 5. Several outputs: the gradient is that of the loss.


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_05_the_step_follows_the_gradient_of_the_reported_loss(n_outputs):
    targets = YR if n_outputs == 1 else YR[:, None] * np.arange(1, n_outputs + 1)
    one_step = {**PLAIN, "batch_size": len(YR), "alpha": 0}
    ours, peer = (
        [estimator(learning_rate_init=rate, **one_step).fit(XR, targets) for rate in (1e-300, 0.1)]
        for estimator in (ScratchMLPRegressor, MLPRegressor)
    )

    def step(models):
        return (models[0].coefs_[0] - models[1].coefs_[0]) / 0.1

    W, b = ours[0].coefs_[0], ours[0].intercepts_[0]
    error = XR @ W + b - targets.reshape(len(YR), -1)
    assert ours[0].loss_ == pytest.approx(0.5 * np.mean(error**2), rel=1e-12)
    gradient_of_the_mean = XR.T @ error / error.size
    np.testing.assert_allclose(step(ours), gradient_of_the_mean, rtol=1e-10)
    if PEER_IS_KNOWN:
        assert peer[0].loss_ == pytest.approx(ours[0].loss_, rel=1e-12)
        np.testing.assert_allclose(step(peer), n_outputs * gradient_of_the_mean, rtol=1e-10)


# 6. The penalty does not depend on the size of the batch.


@pytest.mark.parametrize("batch_size", [1, 7, 32, 120])
def test_06_the_reported_penalty_does_not_depend_on_batch_size(batch_size):
    ours, peer = (
        [estimator(8, alpha=alpha, batch_size=batch_size, **STILL).fit(X, Y) for alpha in (0, 10)]
        for estimator in (ScratchMLPClassifier, MLPClassifier)
    )
    penalty = 10 / (2 * len(Y)) * sum(np.sum(W**2) for W in ours[0].coefs_)
    assert ours[1].loss_ - ours[0].loss_ == pytest.approx(penalty, rel=1e-10)
    if PEER_IS_KNOWN:
        assert (peer[1].loss_ - peer[0].loss_ == pytest.approx(penalty, rel=1e-10)) == (batch_size == 120)


@pytest.mark.parametrize("batch_size", [1, 8, 40, 120])
def test_06_weights_shrink_by_the_same_factor_each_step(batch_size):
    # Inputs and targets are zero: the penalty is the only force on the weights.
    n_steps, alpha, rate = 120 // batch_size, 3.0, 0.05
    nothing = np.zeros((120, 4)), np.zeros(120)
    ours, peer = (
        [
            estimator(alpha=alpha, learning_rate_init=eta, batch_size=batch_size, **PLAIN).fit(*nothing).coefs_[0]
            for eta in (1e-300, rate)
        ]
        for estimator in (ScratchMLPRegressor, MLPRegressor)
    )
    np.testing.assert_allclose(ours[1] / ours[0], (1 - rate * alpha / 120) ** n_steps, rtol=1e-12)
    if PEER_IS_KNOWN:
        np.testing.assert_allclose(peer[1] / peer[0], (1 - rate * alpha / batch_size) ** n_steps, rtol=1e-12)


# 7. Divergence is an error in its epoch, and costs nothing that was there.


class BlowUp:
    """A schedule that counts its calls, and sends the weights out of range from a given epoch on, counted from 1."""

    def __init__(self, epoch):
        self.epoch, self.calls = epoch, 0

    def __call__(self, epoch, losses):
        self.calls += 1
        return 1e300 if epoch + 1 >= self.epoch else 0.01


def with_cell(value):
    X = XR.copy()
    X[17, 2] = value
    return X


# Sums of several such cells overflow; in the last rows only, after some minibatches.
OVERFLOWING = np.sign(X) * 1e308
LATE = np.vstack([X[:100], OVERFLOWING[100:]])

DIVERGING = {
    "learning rate": ({"solver": "sgd", "learning_rate_init": 1e6}, XR, YR, "learning rate 1e+06"),
    "learning rate of adam": ({"solver": "adam", "learning_rate_init": 1e6}, XR, YR, "learning rate 1e+06"),
    "learning rate of gd": ({"solver": "gd", "learning_rate_init": 1e6}, XR, YR, "learning rate 1e+06"),
    "targets": ({"solver": "adam"}, XR, YR * 1e200, "learning rate 0.001"),
    "targets with lbfgs": ({"solver": "lbfgs"}, XR, YR * 1e200, "without a learning rate"),
    "targets with bfgs": ({"solver": "bfgs"}, XR, YR * 1e200, "without a learning rate"),
    "a cell": ({"solver": "sgd"}, with_cell(1e300), YR, "learning rate 0.001"),
    "a cell with lbfgs": ({"solver": "lbfgs"}, with_cell(1e300), YR, "without a learning rate"),
    "a cell with cg": ({"solver": "cg"}, with_cell(1e300), YR, "without a learning rate"),
    "float32": ({"solver": "adam", "learning_rate_init": 1e6}, XR.astype(np.float32), YR, "learning rate 1e+06"),
}


@pytest.mark.parametrize("case", DIVERGING)
def test_07_divergence_is_an_error_that_names_epoch_learning_rate_and_remedy(case):
    params, data, targets, rate = DIVERGING[case]
    reg = ScratchMLPRegressor("squared_error", 10, max_iter=1000, random_state=0, **params)
    with pytest.raises(ValueError, match=rf"(?s)diverged.* epoch [12],.*{re.escape(rate)}.*scale X and y"):
        reg.fit(data, targets)
    assert not hasattr(reg, "params_")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_07_the_peer_returns_what_diverged_without_an_error():
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    for case in ("learning rate of adam", "targets", "targets with lbfgs", "a cell with lbfgs"):
        params, data, targets, _ = DIVERGING[case]
        loss = MLPRegressor("squared_error", 10, max_iter=20, random_state=0, **params).fit(data, targets).loss_
        assert not loss < 1e20


@each_descending_solver
@pytest.mark.parametrize("epoch", [1, 2, 5])
def test_07_training_ends_in_the_epoch_of_the_divergence(solver, epoch):
    schedule = BlowUp(epoch)
    clf = ScratchMLPClassifier(10, solver=solver, learning_rate=schedule, batch_size=32, random_state=0)
    if solver == "gd":  # whose loss is that before the update
        epoch += 1
    with pytest.raises(ValueError, match=rf"epoch {epoch},.* learning rate 1e\+300"):
        clf.fit(X, Y)
    assert schedule.calls == epoch


@each_solver
@pytest.mark.parametrize("warm_start", [False, True])
def test_07_a_failed_refit_leaves_the_earlier_fit_as_it_was(solver, warm_start):
    params = {"solver": solver, "batch_size": 32, "shuffle": False, "max_iter": 3, "random_state": 0}
    clf = ScratchMLPClassifier(5, warm_start=warm_start, **params).fit(X, Y)
    before, proba = joblib.hash(vars(clf)), clf.predict_proba(X)
    failing = [
        (OVERFLOWING, Y, "diverged"),
        (LATE, Y, "diverged"),
        (np.where(X > 1, np.nan, X), Y, "NaN"),
        (X[:50], Y, "inconsistent"),
        (X, Y / 3, "label"),
        (X, np.where(Y, None, 0), "None"),
    ]
    if warm_start:
        failing += [(X[:, :3], Y, "features"), (X, Y + 5, "classes")]
    else:
        failing += [(OVERFLOWING[:, :3], Y + 5, "diverged"), (pd.DataFrame(LATE).add_prefix("x"), Y, "diverged")]
    for data, labels, message in failing:
        with pytest.raises(ValueError, match=message):
            clf.fit(data, labels)
        assert joblib.hash(vars(clf)) == before
    np.testing.assert_array_equal(clf.predict_proba(X), proba)


class OutOfMemory:
    """The identity as an activation, failing when its calls are used up."""

    calls_left = 10**9

    def __call__(self, z):
        self.calls_left -= 1
        if self.calls_left < 0:
            raise MemoryError("Unable to allocate 1. TiB")
        return z, lambda delta: delta


@each_solver
@pytest.mark.parametrize("warm_start", [False, True])
def test_07_a_refit_out_of_memory_leaves_the_earlier_fit_as_it_was(solver, warm_start):
    def fitted(clf):
        return {name: joblib.hash(value) for name, value in vars(clf).items() if name not in ("activation", "network_")}

    activation = OutOfMemory()
    clf = ScratchMLPClassifier(5, activation, solver=solver, max_iter=4, warm_start=warm_start, random_state=0)
    clf.fit(X, Y)
    before = fitted(clf)
    activation.calls_left = 3
    with pytest.raises(MemoryError, match="Unable to allocate"):
        clf.fit(X, Y)
    assert fitted(clf) == before
    activation.calls_left = 10**9
    untroubled = clone(clf).set_params(activation="identity").fit(X, Y)
    np.testing.assert_array_equal(clf.predict(X), untroubled.predict(X))
    if warm_start:
        np.testing.assert_allclose(clf.fit(X, Y).params_, untroubled.fit(X, Y).params_, rtol=1e-12)


@each_descending_solver
def test_07_a_failed_partial_fit_leaves_the_earlier_one_as_it_was(solver):
    params = {"solver": solver, "batch_size": 32, "shuffle": False, "random_state": 0}
    clf = ScratchMLPClassifier(5, **params).partial_fit(X, Y, classes=[0, 1])
    before = joblib.hash(vars(clf))
    failing = [
        (OVERFLOWING, Y, "diverged"),
        (LATE, Y, "diverged"),
        (X, Y + 5, "classes"),
        (X[:, :2], Y, "features"),
    ]
    for data, labels, message in failing:
        with pytest.raises(ValueError, match=message):
            clf.partial_fit(data, labels)
        assert joblib.hash(vars(clf)) == before
    untroubled = clone(clf).partial_fit(X, Y, classes=[0, 1]).partial_fit(X, Y)
    np.testing.assert_array_equal(clf.partial_fit(X, Y).params_, untroubled.params_)


@each_descending_solver
def test_07_with_early_stopping_the_best_finite_weights_come_back(solver):
    scoring = SpyScoring()
    params = {"solver": solver, "early_stopping": True, "scoring": scoring, "batch_size": 32, "random_state": 0}
    clf = ScratchMLPClassifier(10, learning_rate=BlowUp(4), **params)
    n_good = 4 if solver == "gd" else 3  # whose loss is that before the update
    with pytest.warns(ConvergenceWarning, match=rf"epoch {n_good + 1},.* rate 1e\+300.* best weights") as caught:
        clf.fit(X, Y)
    assert caught[0].filename == __file__
    assert len(scoring.scores) == clf.n_iter_ == len(clf.loss_curve_) == n_good
    np.testing.assert_array_equal(clf.params_, scoring.params[np.argmax(scoring.scores)])
    assert np.isfinite(clf.params_).all()
    assert math.isfinite(clf.loss_)


class FirstStep:
    """A schedule that takes one step, and then none that weights can feel."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, epoch, losses):
        return self.rate if epoch == 0 else 1e-300


def test_07_a_final_loss_far_above_the_first_is_never_silent():
    # What is left after a step that is too long is finite, and useless.
    params = {"solver": "gd", "momentum": 0, "hidden_layer_sizes": (), "max_iter": 4, "random_state": 0}
    reg = ScratchMLPRegressor(learning_rate=FirstStep(100.0), **params)
    with pytest.warns(ConvergenceWarning, match=r"rose from .* in epoch 4, with learning rate") as caught:
        reg.fit(XR, YR)
    assert "rose" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert 1e3 < reg.loss_ / reg.loss_curve_[0] < 1e6
    with pytest.raises(ValueError, match=r"diverged.* epoch 2"):
        reg.set_params(learning_rate=FirstStep(1e5)).fit(XR, YR)


def test_07_a_loss_that_comes_down_again_is_no_divergence():
    rates = iter([100.0, 1e-300, *[0.5] * 100])
    reg = ScratchMLPRegressor(
        solver="gd", momentum=0, hidden_layer_sizes=(), learning_rate=lambda *_: next(rates), max_iter=60, tol=0
    ).fit(XR, YR)
    assert max(reg.loss_curve_) > 1e3 * reg.loss_curve_[0]
    assert reg.loss_ < reg.loss_curve_[0]


# 8. Every solver has the same attributes and manners.


# Those of scikit-learn's perceptrons, then those that are ours.
FITTED = {
    *("best_loss_", "best_validation_score_", "classes_", "coefs_", "intercepts_", "loss_", "loss_curve_"),
    *("n_features_in_", "n_iter_", "n_layers_", "n_outputs_", "out_activation_", "t_", "validation_scores_"),
    *("history_", "network_", "params_"),
}


@each_solver
@pytest.mark.parametrize("early_stopping", [False, True])
def test_08_every_solver_has_the_same_attributes(solver, early_stopping):
    clf = ScratchMLPClassifier(5, solver=solver, max_iter=4, early_stopping=early_stopping, random_state=0).fit(X, Y)
    assert {name for name in dir(clf) if name.endswith("_") and not name.startswith("_")} == FITTED
    assert len(clf.loss_curve_) == clf.n_iter_ > 0
    assert all(math.isfinite(loss) for loss in clf.loss_curve_)
    assert clf.t_ == clf.n_iter_ * (108 if early_stopping else 120)
    assert (clf.validation_scores_ is not None) == early_stopping
    assert (clf.best_loss_ is None) == early_stopping
    if PEER_IS_KNOWN:
        assert not hasattr(MLPClassifier(solver="lbfgs", max_iter=4).fit(X, Y), "loss_curve_")


@each_solver
def test_08_every_solver_stops_early(solver):
    params = {"solver": solver, "early_stopping": True, "n_iter_no_change": 2, "tol": 0.5, "random_state": 0}
    if solver in SCIPY:
        params["tol"] = 0.2  # it is the gradient's tolerance, too
    clf = ScratchMLPClassifier(5, max_iter=300, **params)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # so few epochs may teach it nothing
        clf.fit(X, Y)
    assert clf.n_iter_ == len(clf.validation_scores_) < 10
    assert clf.best_validation_score_ == max(clf.validation_scores_)


@each_solver
def test_08_every_solver_keeps_float32(solver):
    clf = ScratchMLPClassifier(5, solver=solver, max_iter=4, random_state=0).fit(X.astype(np.float32), Y)
    assert {array.dtype for array in [clf.params_, *clf.coefs_, *clf.intercepts_]} == {np.dtype(np.float32)}
    assert clf.predict_proba(X.astype(np.float32)).dtype == np.float32
    if PEER_IS_KNOWN and solver == "lbfgs":
        peer = MLPClassifier(5, solver="lbfgs", max_iter=4).fit(X.astype(np.float32), Y)
        assert peer.coefs_[0].dtype == np.float64


class Interrupting:
    """The identity as an activation, with a real Ctrl-C in one of its calls."""

    def __init__(self, call):
        self.calls_left = call

    def __call__(self, z):
        self.calls_left -= 1
        if self.calls_left == 0:
            signal.raise_signal(signal.SIGINT)
        return z, lambda delta: delta


class Downhill:
    """A third party's solver: fixed steps, with or without a report after each."""

    def __init__(self, reports):
        self.reports = reports

    def minimize(self, objective, params, *, callback=None, rng=None, state=None):
        params = params.copy()
        for i in range(60):
            loss, grad = objective.loss_and_grad(params)
            params = params - 0.1 * grad
            if self.reports:
                callback(OptimizeResult(x=params, fun=loss, nit=i + 1))
        return OptimizeResult(x=params, fun=loss, nit=60, success=True)


def downhill_by_scipy(fun, x0, args=(), jac=None, callback=None, **options):
    """A third party's method for scipy.optimize.minimize."""
    x = x0
    for _ in range(60):
        x = x - 0.1 * jac(x)
        callback(x)
    return OptimizeResult(x=x, fun=fun(x), nit=60, success=True)


INTERRUPTED = {solver: solver for solver in SOLVERS} | {
    "GradientDescent": GradientDescent("adam", batch_size=50, max_iter=50),
    "ScipyMinimize": ScipyMinimize("L-BFGS-B", max_iter=50),
    "ScipyMinimize, Newton": ScipyMinimize("Newton-CG", max_iter=50),
    "scipy method of a third party": ScipyMinimize(downhill_by_scipy),
    "solver of a third party": Downhill(reports=True),
    "silent solver of a third party": Downhill(reports=False),
}


@pytest.mark.parametrize("solver", INTERRUPTED.values(), ids=INTERRUPTED)
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("call", [3, 12])
def test_08_an_interrupt_returns_the_weights_so_far(solver, early_stopping, call):
    activation = Interrupting(call)
    params = {"solver": solver, "early_stopping": early_stopping, "tol": 0, "alpha": 0, "random_state": 0}
    clf = ScratchMLPClassifier(5, activation, n_iter_no_change=1000, **params)
    with pytest.warns(InterruptedFit, match=r"^Training interrupted by user\.$") as caught:
        assert clf.fit(X, Y) is clf
    assert [warning.category for warning in caught].count(InterruptedFit) == 1
    assert activation.calls_left <= 0
    assert len(clf.loss_curve_) == clf.n_iter_ < 30
    assert all(len(column) == clf.n_iter_ for column in clf.history_.values())
    assert np.isfinite(clf.params_).all()
    assert math.isfinite(clf.loss_)
    assert clf.predict_proba(X).shape == (120, 2)
    # Of a solver that never reports, nothing is known until it returns.
    if call == 12 and not (isinstance(solver, Downhill) and not solver.reports):
        initial = ScratchMLPClassifier(5, "identity", alpha=0, **STILL).fit(X, Y).params_
        assert np.abs(clf.params_ - initial).max() > 1e-6
    # It can be trained on.
    assert clf.set_params(warm_start=True, solver="gd", max_iter=2).fit(X, Y).n_iter_ >= 2


FULL_BATCH = pytest.mark.parametrize("solver", ["gd", *SCIPY])


@FULL_BATCH
@pytest.mark.filterwarnings("ignore:The loss of .* is no better:sklearn.exceptions.ConvergenceWarning")
def test_08_an_interrupt_while_threads_work_returns_the_weights_so_far(solver, monkeypatch, numpy_core):
    """Fit on chunks of 256 rows over two threads, with an interrupt while waiting for them."""
    wait, calls = _Job.wait, itertools.count(1)

    def interrupted(self):
        if next(calls) == 12:
            signal.raise_signal(signal.SIGINT)
        return wait(self)

    monkeypatch.setattr("skmlp_scratch.network.CHUNK_VALUES", 1)
    monkeypatch.setattr(_Job, "wait", interrupted)
    clf = ScratchMLPClassifier(30, "tanh", solver=solver, max_iter=100, random_state=0)
    with threadpool_limits(2, user_api="blas"), pytest.warns(UserWarning, match="^Training interrupted by user"):
        clf.fit(np.tile(X, (20, 1)), np.tile(Y, 20))
    assert 1 <= clf.n_iter_ == len(clf.loss_curve_) < 10
    assert clf.predict_proba(X).shape == (120, 2)


@each_solver
def test_08_the_warning_of_an_interrupt_is_about_the_users_line(solver):
    clf = ScratchMLPClassifier(5, Interrupting(12), solver=solver, tol=0, random_state=0)
    with pytest.warns(UserWarning, match="^Training interrupted by user") as caught:
        clf.fit(X, Y)
    assert caught[0].filename == __file__


class InterruptingScoring:
    """A score that goes up, with Ctrl-C in one of its calls."""

    def __init__(self, call):
        self.calls, self.call = 0, call

    def __call__(self, estimator, X, y):
        self.calls += 1
        if self.calls == self.call:
            raise KeyboardInterrupt
        return float(self.calls)


class InterruptingScore(float):
    """A score that cannot be noted, for Ctrl-C comes in between."""

    def __float__(self):
        raise KeyboardInterrupt


@each_solver
def test_08_an_interrupt_while_the_history_is_written_returns_the_weights_so_far(solver):
    clf = ScratchMLPClassifier(5, solver=solver, max_iter=20, scoring=lambda *_: InterruptingScore(), random_state=0)
    with pytest.warns(UserWarning, match="^Training interrupted by user"):
        clf.fit(X, Y, X_val=X, y_val=Y)
    assert all(len(column) == clf.n_iter_ for column in clf.history_.values())
    assert clf.predict_proba(X).shape == (120, 2)


@each_solver
@pytest.mark.parametrize("call", [1, 4])
def test_08_an_interrupt_while_validating_returns_the_weights_so_far(solver, call):
    params = {"solver": solver, "early_stopping": True, "tol": 0, "n_iter_no_change": 1000, "random_state": 0}
    clf = ScratchMLPClassifier(5, scoring=InterruptingScoring(call), **params)
    with pytest.warns(UserWarning, match=r"^Training interrupted by user\.$"):
        clf.fit(X, Y)
    assert clf.n_iter_ == len(clf.loss_curve_) == max(call - 1, 1)
    assert clf.predict(X).shape == (120,)


def test_08_the_peer_leaves_lbfgs_half_fitted_on_an_interrupt(monkeypatch):
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    inner = MLPClassifier._loss_grad_lbfgs

    def interrupted(self, *args):
        interrupted.calls += 1
        if interrupted.calls == 5:
            raise KeyboardInterrupt
        return inner(self, *args)

    interrupted.calls = 0
    monkeypatch.setattr(MLPClassifier, "_loss_grad_lbfgs", interrupted)
    peer = MLPClassifier(5, solver="lbfgs")
    with pytest.raises(KeyboardInterrupt):
        peer.fit(X, Y)
    assert not hasattr(peer, "loss_")


@each_solver
def test_08_every_solver_reports_under_verbose(solver, capsys):
    ScratchMLPClassifier(5, solver=solver, max_iter=3, verbose=True, random_state=0).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [re.fullmatch(r"Iteration (\d+), loss = \d+\.\d{8}", line)[1] for line in lines] == ["1", "2", "3"]


# 9. Logarithms of probabilities and losses are exact.


def with_logits(estimator_class, gaps, n_classes=2):
    """A linear classifier of one feature that gives row i the logit ``gaps[i]`` for the last class, else 0."""
    rows = np.asarray(gaps, dtype=float)[:, None]
    labels = np.arange(len(rows)) % n_classes
    clf = estimator_class(alpha=0, **STILL | {"hidden_layer_sizes": ()}).fit(rows, labels)
    clf.coefs_[0][...] = 0
    clf.coefs_[0][:, -1] = 1
    clf.intercepts_[0][...] = 0
    return clf, rows, labels


GAPS = [0.0, 3.0, -40.0, 40.0, -100.0, 100.0, -800.0, 800.0, -1e5, 1e5]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_09_predict_log_proba_is_exact(n_classes):
    clf, rows, _ = with_logits(ScratchMLPClassifier, GAPS, n_classes)
    raw = np.zeros((len(rows), n_classes))
    raw[:, -1] = rows[:, 0]
    expected = log_softmax(raw, axis=1) if n_classes > 2 else log_expit(np.hstack([-rows, rows]))
    np.testing.assert_allclose(clf.predict_log_proba(rows), expected, rtol=1e-14)
    assert clf.predict_log_proba(rows).min() == pytest.approx(-1e5, rel=1e-4)
    order = clf.predict_log_proba(rows).argsort(axis=1, kind="stable")
    np.testing.assert_array_equal(clf.predict_proba(rows).argsort(axis=1, kind="stable"), order)
    if PEER_IS_KNOWN:
        peer, _, _ = with_logits(MLPClassifier, GAPS, n_classes)
        with np.errstate(divide="ignore"):
            assert peer.predict_log_proba(rows).min() == -np.inf


def test_09_predict_log_proba_is_exact_with_other_losses():
    for loss in ("categorical_cross_entropy", "binary_cross_entropy", "squared_error"):
        clf = ScratchMLPClassifier(5, loss=loss, max_iter=2, random_state=0).fit(X, Y)
        clf.params_[...] *= 1e3
        log_proba = clf.predict_log_proba(X)
        assert np.isfinite(log_proba).all()
        assert log_proba.min() < -1000
        np.testing.assert_allclose(log_proba.max(axis=1), 0, atol=math.log(2) + 1e-9)


@pytest.mark.parametrize("gap", [40.0, 100.0, 800.0])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_09_the_loss_of_a_certain_mistake_is_the_gap_of_the_logits(gap, n_classes):
    # Every row's logit of the last class is the gap, and no row is of it.
    gaps = np.full(12, gap)
    clf, rows, labels = with_logits(ScratchMLPClassifier, gaps, n_classes)
    wrong = np.zeros_like(labels)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # it is a loss to be warned of
        clf.partial_fit(rows, wrong)
    assert clf.loss_ == pytest.approx(gap, rel=1e-12)
    if PEER_IS_KNOWN:
        peer, _, _ = with_logits(MLPClassifier, gaps, n_classes)
        assert peer.partial_fit(rows, wrong).loss_ == pytest.approx(min(gap, 36.04), abs=0.01)


# 10. One class.


@pytest.mark.parametrize("labels", [np.zeros(120, dtype=int), np.full(120, 7), np.full(120, "a")], ids=["0", "7", "a"])
@each_solver
def test_10_one_class_has_one_column_of_ones(labels, solver):
    clf = ScratchMLPClassifier(3, solver=solver, max_iter=2, random_state=0).fit(X, labels)
    assert clf.classes_ == labels[:1]
    np.testing.assert_array_equal(clf.predict_proba(X), np.ones((120, 1)))
    np.testing.assert_array_equal(clf.predict_log_proba(X), np.zeros((120, 1)))
    np.testing.assert_array_equal(clf.predict(X), labels)
    assert clf.score(X, labels) == 1
    assert clf.decision_function(X).shape == (120,)
    if PEER_IS_KNOWN:
        peer = MLPClassifier(3, max_iter=2).fit(X, labels)
        assert (len(peer.classes_), peer.predict_proba(X).shape) == (1, (120, 2))


@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "binary_cross_entropy", "squared_error"])
def test_10_one_class_with_every_loss(loss):
    clf = ScratchMLPClassifier(3, loss=loss, max_iter=2, early_stopping=True, random_state=0).fit(X, ["b"] * 120)
    np.testing.assert_array_equal(clf.predict_proba(X), np.ones((120, 1)))
    assert set(clf.predict(X)) == {"b"}


# 11. n_iter_no_change counts as the peer does.


@pytest.mark.parametrize("n", [1, 3, 10])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_11_training_stops_after_one_more_bad_epoch_than_n_iter_no_change_as_the_peer(n, early_stopping):
    params = {"n_iter_no_change": n, "tol": 1e6, "early_stopping": early_stopping, "random_state": 0}
    ours, peer = (estimator(**params).fit(X, Y) for estimator in (ScratchMLPClassifier, MLPClassifier))
    assert ours.n_iter_ == 1 + n + 1  # the first epoch improves on nothing
    if PEER_IS_KNOWN:
        assert peer.n_iter_ == ours.n_iter_


@each_descending_solver
def test_11_every_descending_solver_counts_alike(solver):
    clf = ScratchMLPClassifier(5, solver=solver, n_iter_no_change=4, tol=1e6, random_state=0)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # six epochs teach it nothing
        assert clf.fit(X, Y).n_iter_ == 6


# 12. partial_fit is there where it can go on, and only there.


@pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("solver", [*SCIPY, ScipyMinimize("BFGS"), ScipyMinimize(downhill_by_scipy)], ids=str)
def test_12_partial_fit_is_absent_where_every_fit_is_a_full_one(estimator_class, solver):
    model = estimator_class(solver=solver)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        model.partial_fit(XR, YR)
    if PEER_IS_KNOWN:
        assert hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")


@pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("solver", [*DESCENDING, GradientDescent("adam")], ids=str)
def test_12_partial_fit_is_one_epoch_where_it_can_go_on(estimator_class, solver):
    model = estimator_class(hidden_layer_sizes=5, solver=solver, random_state=0)
    classes = {"classes": [0, 1]} if estimator_class is ScratchMLPClassifier else {}
    for epoch in (1, 2, 3):
        assert model.partial_fit(X, Y, **classes) is model
        assert (model.n_iter_, model.t_, len(model.loss_curve_)) == (1, 120 * epoch, epoch)


def test_12_partial_fit_appears_and_goes_with_the_solver():
    model = ScratchMLPClassifier(solver="lbfgs")
    assert not hasattr(model, "partial_fit")
    assert hasattr(model.set_params(solver="adam"), "partial_fit")


# 13. Input that cannot be used is one ValueError at fit that names the argument.

DATES = np.datetime64("2024-01-01") + np.arange(120)[:, None]

BAD_X = {
    "numeric strings": X.astype(str),
    "objects that are numeric strings": X.astype(str).astype(object),
    "a list of numeric strings": X.astype(str).tolist(),
    "one string among numbers": [*X.tolist()[:-1], ["1"] * 6],
    "bytes": X.astype("S"),
    "dates": DATES,
    "time differences": DATES - DATES[0],
    "Python's dates": [[datetime.datetime(2024, 1, 1)]] * 120,
    "a frame with dates": pd.DataFrame({"a": X[:, 0], "b": DATES[:, 0]}),
    "a frame with strings": pd.DataFrame({"a": X[:, 0], "b": X[:, 1].astype(str)}),
    "nan": np.where(X > 2, np.nan, X),
    "infinity": np.where(X > 2, np.inf, X),
    "complex numbers": X + 1j,
}

BAD_LABELS = {
    "None": [None, *Y[1:]],
    "None among strings": np.array([None, *["a", "b"] * 60], dtype=object)[:120],
    "mixed": ["a", *Y[1:]],
    "mixed objects": np.array(["a", *Y[1:]], dtype=object),
    "nan": [np.nan, *Y[1:]],
    "continuous": XR[:, 0],
}

BAD_TARGETS = {
    "strings": YR.astype(str),
    "dates": DATES[:, 0],
    "None": [None, *YR[1:]],
    "nan": [np.nan, *YR[1:]],
    "infinity": [np.inf, *YR[1:]],
    "words": ["a"] * 120,
}

BAD_WEIGHTS = {
    "negative": -np.ones(120),
    "one negative": np.r_[-1e-9, np.ones(119)],
    "nan": np.r_[np.nan, np.ones(119)],
    "too few": np.ones(119),
    "all zero": np.zeros(120),
    "strings": ["a"] * 120,
}

BAD_SIZES = [(2.5,), 2.5, (3, 2.5), (0,), (-1,), ("a",), "a", (None,), None, ((3,),), (np.nan,), True, (True,)]
BAD_SIZES += [np.array(3)]


@pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("case", BAD_X)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_13_bad_X_is_refused_at_fit(estimator_class, case):
    model = estimator_class(hidden_layer_sizes=3, max_iter=2)
    with pytest.raises(ValueError, match=r"\bX\b|Complex data"):
        model.fit(BAD_X[case], Y)
    assert not hasattr(model, "n_features_in_")
    if PEER_IS_KNOWN and case == "numeric strings":
        peer = MLPClassifier(3, max_iter=2).fit(BAD_X[case], Y)
        with pytest.raises(ValueError, match=r"."):
            peer.predict(np.array([["1"] * 6], dtype=object) + " m")


@pytest.mark.parametrize("case", BAD_LABELS)
def test_13_bad_labels_are_refused_at_fit(case):
    model = ScratchMLPClassifier(3, max_iter=2)
    with pytest.raises(ValueError, match=r"\by\b|label"):
        model.fit(X, BAD_LABELS[case])
    assert not hasattr(model, "classes_")
    if PEER_IS_KNOWN and case == "None":
        with pytest.raises(TypeError):
            MLPClassifier().fit(X, BAD_LABELS[case])


@pytest.mark.parametrize("case", BAD_TARGETS)
def test_13_bad_targets_are_refused_at_fit(case):
    with pytest.raises(ValueError, match=r"\by\b"):
        ScratchMLPRegressor(hidden_layer_sizes=3, max_iter=2).fit(XR, BAD_TARGETS[case])


@pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_13_bad_weights_are_refused_at_fit(estimator_class, case):
    with pytest.raises(ValueError, match=r"sample_weight|could not convert string to float"):
        estimator_class(hidden_layer_sizes=3, max_iter=2).fit(X, Y, BAD_WEIGHTS[case])
    if PEER_IS_KNOWN and case == "negative":
        assert MLPClassifier(3, max_iter=2).fit(X, Y, BAD_WEIGHTS[case]).n_iter_ == 2


@pytest.mark.parametrize("sizes", BAD_SIZES, ids=repr)
def test_13_bad_hidden_layer_sizes_are_refused_at_fit(sizes):
    model = ScratchMLPClassifier(hidden_layer_sizes=sizes, max_iter=2)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        model.fit(X, Y)
    if PEER_IS_KNOWN and sizes == (2.5,):
        with pytest.raises(TypeError):
            MLPClassifier(hidden_layer_sizes=sizes).fit(X, Y)


BAD_VALIDATION = {
    "y_val": [
        {"X_val": X},
        {"X_val": X, "y_val": Y + 5},
        {"X_val": X, "y_val": Y[:5]},
        {"X_val": X, "y_val": [None, *Y[1:]]},
    ],
    "X_val": [
        {"y_val": Y},
        {"sample_weight_val": np.ones(120)},
        {"X_val": X.astype(str), "y_val": Y},
        {"X_val": X[:, :2], "y_val": Y},
    ],
    "sample_weight": [{"X_val": X, "y_val": Y, "sample_weight_val": -np.ones(120)}],
}


@pytest.mark.parametrize("name, given", [(name, given) for name, cases in BAD_VALIDATION.items() for given in cases])
def test_13_a_bad_validation_set_is_refused_at_fit(name, given):
    with pytest.raises(ValueError, match=name):
        ScratchMLPClassifier(3, max_iter=2).fit(X, Y, **given)


# 14. A pickle holds the weights and little else.


def arrays_in(value, seen=None):
    """Every array that is reachable from a value."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays_in(item, seen)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from arrays_in(item, seen)
    elif hasattr(value, "__dict__"):
        yield from arrays_in(vars(value), seen)


@pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"hidden_layer_sizes": (300, 300)}], ids=str)
@each_solver
def test_14_a_pickle_is_at_most_a_fifth_larger_than_the_weights(estimator_class, params, solver):
    narrow = {"hidden_layer_sizes": 20} if solver == "bfgs" else {}
    max_iter = 3 if "hidden_layer_sizes" in params else 200
    model = estimator_class(solver=solver, random_state=0, tol=0, **{**params, **narrow, "max_iter": max_iter})
    model.fit(X, Y)
    assert len(pickle.dumps(model)) <= 1.2 * model.params_.nbytes + 16 * 1024


def test_14_the_pickle_of_the_peer_is_four_times_the_weights():
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    peer = MLPClassifier((300, 300), max_iter=3).fit(X, Y)
    assert len(pickle.dumps(peer)) > 3.5 * sum(W.nbytes for W in peer.coefs_)


@pytest.mark.parametrize("solver", [*SOLVERS, GradientDescent("adam", max_iter=5), ScipyMinimize("CG")], ids=str)
@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"warm_start": True}], ids=str)
def test_14_no_training_data_and_no_optimizer_state_are_kept(solver, params):
    data = X.copy()
    data[5, 3] = 1.23456789
    targets = Y.astype(float)
    targets[5] = 0.987654321
    model = ScratchMLPRegressor("squared_error", 50, solver=solver, max_iter=5, random_state=0, **params)
    model.fit(data, targets)
    pickled = pickle.dumps(model)
    for secret in (1.23456789, 0.987654321):
        assert struct.pack("<d", secret) not in pickled
        assert struct.pack(">d", secret) not in pickled
    sizes = [array.size for array in arrays_in(vars(model))]
    assert model.params_.size in sizes
    if "warm_start" not in params:  # which needs the optimizer's state
        assert sum(sizes) - model.params_.size < 120


def test_14_the_state_goes_when_warm_start_does():
    model = ScratchMLPClassifier((100, 100), max_iter=2, warm_start=True, random_state=0).fit(X, Y)
    warm = len(pickle.dumps(model))
    cold = len(pickle.dumps(model.set_params(warm_start=False).fit(X, Y)))
    assert warm > 3 * model.params_.nbytes
    assert cold < 1.2 * model.params_.nbytes + 16 * 1024


# 15. A warm start goes on: 5 + 5 epochs are 10.

NEVER_STOP = {"tol": 0, "n_iter_no_change": np.inf, "batch_size": 32}

VARIANTS = {
    "plain": {},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "batch normalization": {"normalization": "batch"},
    "invscaling": {"learning_rate": "invscaling"},
    "adaptive": {"learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1},
    "time decay": {"learning_rate": "time_decay", "decay": 0.5},
    "exponential": {"learning_rate": "exponential", "decay": 0.1},
    # By name these two follow the max_iter of each fit; as objects they have a span of their own.
    "step": {"learning_rate": StepDecay(0.01, decay=0.5, every=3)},
    "cosine": {"learning_rate": Cosine(0.01, max_iter=12, warm_up=2)},
}

GO_ON = """
import pickle, sys, warnings
from threadpoolctl import threadpool_limits

with open(sys.argv[1], "rb") as file:
    models, X, Y = pickle.load(file)
warnings.simplefilter("ignore")
with threadpool_limits(1, user_api="blas"):
    for model in models.values():
        model.fit(X, Y)
with open(sys.argv[2], "wb") as file:
    pickle.dump(models, file)
"""


def resumable(solver, variant, **params):
    return ScratchMLPClassifier(
        8, solver=solver, warm_start=True, **{"random_state": 0, **NEVER_STOP, **VARIANTS[variant], **params}
    )


CASES = [(solver, variant) for solver in DESCENDING for variant in VARIANTS]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case))


@pytest.fixture(scope="module")
def continued_elsewhere(tmp_path_factory):
    """Every case after 5 epochs here, a pickle, and 5 epochs in another process."""
    folder = tmp_path_factory.mktemp("pickles")
    with pytest.warns(ConvergenceWarning):
        models = {case: resumable(*case, max_iter=5).fit(X, Y) for case in CASES}
    (folder / "before").write_bytes(pickle.dumps((models, X, Y)))
    command = [sys.executable, "-c", GO_ON, str(folder / "before"), str(folder / "after")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    return pickle.loads((folder / "after").read_bytes())


def assert_same_run(model, uninterrupted):
    assert model.t_ == uninterrupted.t_
    assert model.loss_curve_ == uninterrupted.loss_curve_
    assert model.validation_scores_ == uninterrupted.validation_scores_
    for column in ("epoch", "learning_rate", "grad_norm", "loss"):
        assert model.history_[column] == uninterrupted.history_[column]
    assert len(model.history_["seconds"]) == len(model.loss_curve_)
    seconds = [value for value in model.history_["seconds"] if not np.isnan(value)]  # a pickle leaves them out
    assert (np.diff(seconds) >= 0).all()
    if model.early_stopping and np.argmax(uninterrupted.validation_scores_) < 5:
        return  # the best weights are those of one fit
    np.testing.assert_array_equal(model.params_, uninterrupted.params_)


@each_case
def test_15_five_and_five_epochs_are_ten_in_another_process(case, continued_elsewhere):
    assert_same_run(continued_elsewhere[case], resumable(*case, max_iter=10).fit(X, Y))


@each_case
def test_15_five_and_five_epochs_are_ten(case):
    model = resumable(*case, max_iter=5).fit(X, Y)
    assert_same_run(model.fit(X, Y), resumable(*case, max_iter=10).fit(X, Y))


@each_descending_solver
def test_15_any_division_of_the_epochs_gives_the_same_weights(solver):
    model = resumable(solver, "dropout")
    for n_epochs in (1, 4, 2, 3):
        model.set_params(max_iter=n_epochs).fit(X, Y)
    assert_same_run(model, resumable(solver, "dropout", max_iter=10).fit(X, Y))


def test_15_a_solver_object_goes_on_too():
    def model(n_epochs):
        solver = GradientDescent("adam", learning_rate=0.01, batch_size=32, max_iter=n_epochs)
        return ScratchMLPClassifier(8, solver=solver, warm_start=True, random_state=0)

    assert_same_run(model(5).fit(X, Y).fit(X, Y), model(10).fit(X, Y))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_15_a_regressor_goes_on_too(dtype):
    def model(n_epochs):
        return ScratchMLPRegressor(
            hidden_layer_sizes=8, warm_start=True, max_iter=n_epochs, random_state=0, **NEVER_STOP
        )

    data = XR.astype(dtype)
    assert_same_run(model(5).fit(data, YR).fit(data, YR), model(10).fit(data, YR))


def test_15_a_random_state_instance_goes_on_by_itself():
    def model(n_epochs):
        return resumable("adam", "dropout", max_iter=n_epochs, random_state=np.random.RandomState(3))

    assert_same_run(model(5).fit(X, Y).fit(X, Y), model(10).fit(X, Y))


def test_15_without_warm_start_a_refit_starts_afresh():
    model = ScratchMLPClassifier(8, max_iter=5, random_state=0).fit(X, Y)
    first = model.params_
    np.testing.assert_array_equal(model.fit(X, Y).params_, first)
    assert len(model.loss_curve_) == 5


@each_descending_solver
@pytest.mark.parametrize("variant", ["plain", "dropout", "batch normalization", "invscaling", "time decay"])
def test_15_partial_fit_in_a_loop_equals_fit(solver, variant):
    model = resumable(solver, variant).set_params(warm_start=False)
    for i in range(10):
        model.partial_fit(X, Y, classes=[0, 1] if i == 0 else None)
        if i == 4:
            model = pickle.loads(pickle.dumps(model))
    whole = resumable(solver, variant, max_iter=10).fit(X, Y)
    if model.normalization:  # partial_fit averages the statistics of all the rows it has seen, at the weights of then
        trained = slice(0, whole.params_.size - 2 * 8)
        np.testing.assert_array_equal(model.params_[trained], whole.params_[trained])
    else:
        assert_same_run(model, whole)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_15_five_and_five_epochs_of_the_peer_are_not_ten(solver):
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    params = {"solver": solver, "warm_start": True, "batch_size": 32, "n_iter_no_change": 100, "random_state": 0}
    divided = MLPClassifier(8, max_iter=5, **params).fit(X, Y).fit(X, Y)
    whole = MLPClassifier(8, max_iter=10, **params).fit(X, Y)
    assert not np.allclose(divided.coefs_[0], whole.coefs_[0], rtol=1e-6)


def test_15_what_an_epoch_is_stands_in_the_documentation():
    for estimator_class in (ScratchMLPClassifier, GradientDescent):
        assert re.search(r"[Ee]poch.* is (a|one) pass over the", estimator_class.__doc__)
