"""A model that is no better than the best constant is warned of, once, with what to do; a useful one is not."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.solvers import GradientDescent, ScipyMinimize

rng = np.random.RandomState(0)
X = rng.standard_normal((80, 3))
SIGNAL = X[:, 0]
DIABETES = scale(load_diabetes().data), load_diabetes().target


def said(model, X, y, **given):
    """The texts of the warnings of one fit, which all point at this file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, **given)
    found = [each for each in caught if "no better than" in str(each.message)]
    assert all(issubclass(each.category, ConvergenceWarning) for each in found)
    assert all(each.filename == __file__ for each in found)
    return [str(each.message) for each in found]


def regressor(*args, **params):
    return ScratchMLPRegressor(*args, random_state=0, **params)


USELESS = {
    "small targets": (regressor(), X, 1e-3 * SIGNAL),
    "small targets, stopped early": (regressor(early_stopping=True), X, 1e-3 * SIGNAL),
    "small targets, two of them": (regressor(), X, 1e-3 * X[:, :2]),
    "small targets, float32": (regressor(), X.astype(np.float32), 1e-3 * SIGNAL),
    "small targets, sparse": (regressor(), sparse.csr_matrix(X), 1e-3 * SIGNAL),
    "small targets, absolute error": (regressor("absolute_error"), X, 1e-3 * SIGNAL),
    "small targets, huber": (regressor("huber", max_iter=20), X, 1e-3 * SIGNAL),
    "small targets, median": (regressor("quantile", max_iter=20), X, 1e-3 * SIGNAL),
    "small targets, gradient descent": (
        regressor(solver=GradientDescent("adam", 0.001, max_iter=20, tol=0.0)),
        X,
        1e-3 * SIGNAL,
    ),
    "tiny targets, lbfgs": (regressor(solver="lbfgs"), X, 1e-5 * SIGNAL),
    "tiny targets, scipy": (regressor(solver=ScipyMinimize("L-BFGS-B", options={"gtol": 1e-2})), X, 1e-4 * SIGNAL),
    "large targets": (regressor(), DIABETES[0], 1e3 * DIABETES[1]),
    "large targets, stopped early": (regressor(early_stopping=True), DIABETES[0], 1e3 * DIABETES[1]),
    "targets far from zero": (regressor(), X, 2e5 + 1e3 * SIGNAL),
    "counts, poisson": (regressor("poisson", max_iter=20), X, np.exp(SIGNAL + 12)),
    "returns, sgd": (regressor(solver="sgd"), X, 1e-3 * SIGNAL),
    "raw wine, sgd": (ScratchMLPClassifier(solver="sgd", random_state=0), *load_wine(return_X_y=True)),
    "raw breast cancer, sgd": (
        ScratchMLPClassifier(activation="logistic", solver="sgd", learning_rate_init=0.1, random_state=0, max_iter=20),
        *load_breast_cancer(return_X_y=True),
    ),
    "two classes, softmax": (
        ScratchMLPClassifier(loss="categorical_cross_entropy", solver="sgd", random_state=0, max_iter=20),
        1e3 * X,
        (rng.uniform(size=80) < 0.05).astype(int),
    ),
}


@pytest.mark.parametrize("case", USELESS)
def test_a_model_no_better_than_the_best_constant_is_warned_of_once(case):
    model, inputs, y = USELESS[case]
    texts = said(model, inputs, y)
    assert len(texts) == 1
    assert "scale" in texts[0].lower()
    assert "\n" not in texts[0]


@pytest.mark.parametrize("case", USELESS)
def test_these_models_are_useless_indeed(case):
    model, inputs, y = USELESS[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(inputs, y)
    if case in ("two classes, softmax", "raw wine, sgd", "raw breast cancer, sgd"):
        share = np.bincount(y) / len(y)
        log_proba = np.log(np.maximum(model.predict_proba(inputs), 1e-300))
        assert -log_proba[np.arange(len(y)), y].mean() >= -(share * np.log(share)).sum() - 1e-9
    else:
        assert model.score(inputs, y) <= 0


USEFUL = {
    "moons": (ScratchMLPClassifier((20,), solver="lbfgs", random_state=0), *make_moons(100, random_state=0)),
    "iris": (ScratchMLPClassifier(random_state=0, max_iter=50), *load_iris(return_X_y=True)),
    "scaled wine, sgd": (
        ScratchMLPClassifier(solver="sgd", random_state=0, max_iter=30),
        scale(load_wine().data),
        load_wine().target,
    ),
    "labels": (ScratchMLPClassifier(random_state=0, max_iter=100, learning_rate_init=0.01), X, (X > 0).astype(int)),
    "diabetes": (regressor(solver="lbfgs", max_iter=50), DIABETES[0], scale(DIABETES[1])),
    "diabetes, stopped early": (
        regressor(early_stopping=True, learning_rate_init=0.01, max_iter=60),
        DIABETES[0],
        scale(DIABETES[1]),
    ),
    "counts": (regressor("poisson", max_iter=100, learning_rate_init=0.01), X, np.floor(np.exp(SIGNAL + 1))),
    "a quantile": (
        regressor("quantile", quantile=0.9, max_iter=100, learning_rate_init=0.01),
        X,
        SIGNAL + rng.standard_normal(80) / 10,
    ),
    "penalized": (regressor(alpha=10.0, max_iter=100, learning_rate_init=0.01), X, SIGNAL),
    "weak signal": (regressor(hidden_layer_sizes=(), solver="lbfgs"), X, SIGNAL / 10 + rng.standard_normal(80)),
}


@pytest.mark.parametrize("case", USEFUL)
def test_a_useful_model_is_not_warned_of(case):
    assert said(*USEFUL[case]) == []


@pytest.mark.parametrize("weights", ["none", "class_weight", "sample_weight"])
def test_the_constant_is_that_of_the_weighted_rows(weights):
    """One class in twenty: the best constant of balanced weights is one half, and a loss below log 2 is better."""
    y = (X[:, 0] > np.quantile(X[:, 0], 0.95)).astype(int)
    model = ScratchMLPClassifier((), solver="lbfgs", random_state=0, max_iter=4)
    given = {}
    if weights == "class_weight":
        model.set_params(class_weight="balanced")
    elif weights == "sample_weight":
        given = {"sample_weight": np.where(y == 1, 19.0, 1.0)}
    assert said(model, X, y, **given) == []


def test_only_the_training_rows_count():
    """The validation rows lie elsewhere, so the model is bad there, and still it has learned."""
    y = SIGNAL.copy()
    model = regressor(max_iter=60, learning_rate_init=0.01)
    assert said(model, X, y, X_val=X, y_val=rng.permutation(y)) == []


def test_partial_fit_is_not_judged_after_one_chunk():
    model = regressor()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X, 1e-3 * SIGNAL)


@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_running_out_of_epochs_says_what_to_do(estimator):
    model = estimator(max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations") as caught:
        model.fit(X, (SIGNAL > 0).astype(int))
    text = next(str(each.message) for each in caught if "Maximum iterations" in str(each.message))
    assert "max_iter" in text
    assert "scale" in text.lower() or "learning_rate" in text


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", GradientDescent(max_iter=2, tol=0.0)], ids=str)
def test_the_remedy_is_the_same_for_every_gradient_descent_solver(solver):
    model = ScratchMLPRegressor(hidden_layer_sizes=(3,), solver=solver, random_state=0)
    if isinstance(solver, str):
        model.set_params(max_iter=2)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations.*[Ii]ncrease max_iter"):
        model.fit(X, SIGNAL)
