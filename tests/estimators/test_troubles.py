"""What is said after training: no better than a constant, no convergence, a final loss above the first, other units."""

import warnings

import numpy as np
import pytest
from problems import SHORT, X_LINEAR, Y_LINEAR, X, Y, each_solver, lenient, messages, rng_scored
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.losses import SquaredError
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
]


rng_signal = np.random.RandomState(0)
X_SIGNAL = rng_signal.standard_normal((80, 3))
SIGNAL = X_SIGNAL[:, 0]
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
    "small targets": (regressor(), X_SIGNAL, 1e-3 * SIGNAL),
    "small targets, stopped early": (regressor(early_stopping=True), X_SIGNAL, 1e-3 * SIGNAL),
    "small targets, two of them": (regressor(), X_SIGNAL, 1e-3 * X_SIGNAL[:, :2]),
    "small targets, float32": (regressor(), X_SIGNAL.astype(np.float32), 1e-3 * SIGNAL),
    "small targets, sparse": (regressor(), sparse.csr_matrix(X_SIGNAL), 1e-3 * SIGNAL),
    "small targets, absolute error": (regressor("absolute_error"), X_SIGNAL, 1e-3 * SIGNAL),
    "small targets, huber": (regressor("huber", max_iter=20), X_SIGNAL, 1e-3 * SIGNAL),
    "small targets, median": (regressor("quantile", max_iter=20), X_SIGNAL, 1e-3 * SIGNAL),
    "small targets, gradient descent": (
        regressor(solver=GradientDescent("adam", 0.001, max_iter=20, tol=0.0)),
        X_SIGNAL,
        1e-3 * SIGNAL,
    ),
    "tiny targets, lbfgs": (regressor(solver="lbfgs"), X_SIGNAL, 1e-5 * SIGNAL),
    "tiny targets, scipy": (
        regressor(solver=ScipyMinimize("L-BFGS-B", options={"gtol": 1e-2})),
        X_SIGNAL,
        1e-4 * SIGNAL,
    ),
    "large targets": (regressor(), DIABETES[0], 1e3 * DIABETES[1]),
    "large targets, stopped early": (regressor(early_stopping=True), DIABETES[0], 1e3 * DIABETES[1]),
    "targets far from zero": (regressor(), X_SIGNAL, 2e5 + 1e3 * SIGNAL),
    "counts, poisson": (regressor("poisson", max_iter=20), X_SIGNAL, np.exp(SIGNAL + 12)),
    "returns, sgd": (regressor(solver="sgd"), X_SIGNAL, 1e-3 * SIGNAL),
    "raw wine, sgd": (ScratchMLPClassifier(solver="sgd", random_state=0), *load_wine(return_X_y=True)),
    "raw breast cancer, sgd": (
        ScratchMLPClassifier(activation="logistic", solver="sgd", learning_rate_init=0.1, random_state=0, max_iter=20),
        *load_breast_cancer(return_X_y=True),
    ),
    "two classes, softmax": (
        ScratchMLPClassifier(loss="categorical_cross_entropy", solver="sgd", random_state=0, max_iter=20),
        1e3 * X_SIGNAL,
        (rng_signal.uniform(size=80) < 0.05).astype(int),
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
    "labels": (
        ScratchMLPClassifier(random_state=0, max_iter=100, learning_rate_init=0.01),
        X_SIGNAL,
        (X_SIGNAL > 0).astype(int),
    ),
    "diabetes": (regressor(solver="lbfgs", max_iter=50), DIABETES[0], scale(DIABETES[1])),
    "diabetes, stopped early": (
        regressor(early_stopping=True, learning_rate_init=0.01, max_iter=60),
        DIABETES[0],
        scale(DIABETES[1]),
    ),
    "counts": (regressor("poisson", max_iter=100, learning_rate_init=0.01), X_SIGNAL, np.floor(np.exp(SIGNAL + 1))),
    "a quantile": (
        regressor("quantile", quantile=0.9, max_iter=100, learning_rate_init=0.01),
        X_SIGNAL,
        SIGNAL + rng_signal.standard_normal(80) / 10,
    ),
    "penalized": (regressor(alpha=10.0, max_iter=100, learning_rate_init=0.01), X_SIGNAL, SIGNAL),
    "weak signal": (
        regressor(hidden_layer_sizes=(), solver="lbfgs"),
        X_SIGNAL,
        SIGNAL / 10 + rng_signal.standard_normal(80),
    ),
}


@pytest.mark.parametrize("case", USEFUL)
def test_a_useful_model_is_not_warned_of(case):
    assert said(*USEFUL[case]) == []


@pytest.mark.parametrize("weights", ["none", "class_weight", "sample_weight"])
def test_the_constant_is_that_of_the_weighted_rows(weights):
    """One class in twenty: the best constant of balanced weights is one half, and a loss below log 2 is better."""
    y = (X_SIGNAL[:, 0] > np.quantile(X_SIGNAL[:, 0], 0.95)).astype(int)
    model = ScratchMLPClassifier((), solver="lbfgs", random_state=0, max_iter=4)
    given = {}
    if weights == "class_weight":
        model.set_params(class_weight="balanced")
    elif weights == "sample_weight":
        given = {"sample_weight": np.where(y == 1, 19.0, 1.0)}
    assert said(model, X_SIGNAL, y, **given) == []


def test_only_the_training_rows_count():
    """The validation rows lie elsewhere, so the model is bad there, and still it has learned."""
    y = SIGNAL.copy()
    model = regressor(max_iter=60, learning_rate_init=0.01)
    assert said(model, X_SIGNAL, y, X_val=X_SIGNAL, y_val=rng_signal.permutation(y)) == []


def test_partial_fit_is_not_judged_after_one_chunk():
    model = regressor()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X_SIGNAL, 1e-3 * SIGNAL)


@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_running_out_of_epochs_says_what_to_do(estimator):
    model = estimator(max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations") as caught:
        model.fit(X_SIGNAL, (SIGNAL > 0).astype(int))
    text = next(str(each.message) for each in caught if "Maximum iterations" in str(each.message))
    assert "max_iter" in text
    assert "scale" in text.lower() or "learning_rate" in text


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", GradientDescent(max_iter=2, tol=0.0)], ids=str)
def test_the_remedy_is_the_same_for_every_gradient_descent_solver(solver):
    model = ScratchMLPRegressor(hidden_layer_sizes=(3,), solver=solver, random_state=0)
    if isinstance(solver, str):
        model.set_params(max_iter=2)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations.*[Ii]ncrease max_iter"):
        model.fit(X_SIGNAL, SIGNAL)


# y_val in other units than y


D, T = load_diabetes(return_X_y=True)
D = scale(D)
FITTED = {"hidden_layer_sizes": (20,), "early_stopping": True, "learning_rate_init": 0.01, "random_state": 0}


def units(y, y_val, **params):
    model = ScratchMLPRegressor(**FITTED | params)
    return [each for each in messages(lambda: model.fit(D[:300], y, X_val=D[300:], y_val=y_val)) if "y_val" in each]


@pytest.mark.parametrize("params", [{}, {"scoring": "loss"}, {"solver": "lbfgs"}, {"early_stopping": False}], ids=str)
@pytest.mark.parametrize(
    "y, y_val",
    [(np.log1p(T[:300]), T[300:]), (T[:300] / 1000, T[300:]), (scale(T[:300]), T[300:]), (T[:300], np.log1p(T[300:]))],
    ids=["log1p", "thousands", "standardized", "only the validation set transformed"],
)
def test_validation_targets_in_other_units_are_warned_of(params, y, y_val):
    said = units(y, y_val, **params)
    assert len(said) == 1
    assert "units" in said[0] or "range" in said[0] or "scale" in said[0]


@pytest.mark.parametrize("transformer", ["function", "scaler"])
def test_a_transformed_target_with_a_raw_validation_set_is_warned_of(transformer):
    options = (
        {"func": np.log1p, "inverse_func": np.expm1} if transformer == "function" else {"transformer": StandardScaler()}
    )
    model = TransformedTargetRegressor(ScratchMLPRegressor(**FITTED), **options)
    said = messages(lambda: model.fit(D[:300], T[:300], X_val=D[300:], y_val=T[300:]), UserWarning)
    assert sum("y_val" in each for each in said) == 1


def test_a_pipeline_with_a_raw_validation_set_is_warned_of():
    raw = 1000 * D + 5000
    model = make_pipeline(StandardScaler(), ScratchMLPRegressor(**FITTED))
    given = {"scratchmlpregressor__X_val": raw[300:], "scratchmlpregressor__y_val": scale(T[300:])}
    said = messages(lambda: model.fit(raw[:300], scale(T[:300]), **given), UserWarning)
    assert sum("X_val" in each for each in said) == 1
    assert "transform_input" in " ".join(said)


@pytest.mark.parametrize("params", [{}, {"scoring": "loss"}, {"solver": "lbfgs"}, {"early_stopping": False}], ids=str)
def test_validation_targets_in_the_same_units_are_not_warned_of(params):
    y = scale(T)
    for y_val in (y[300:], y[300:] + 0.5, y[300:] * 1.5, rng_scored.permutation(y[300:])):
        assert units(y[:300], y_val, **params) == []


def test_noise_is_no_other_unit():
    noise = rng_scored.standard_normal(442)
    assert units(noise[:300], noise[300:]) == []


# Divergence is an error in its epoch, and costs nothing that was there.


class FirstStep:
    """A schedule that takes one step, and then none that weights can feel."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, epoch, losses):
        return self.rate if epoch == 0 else 1e-300


@lenient
def test_a_final_loss_far_above_the_first_is_never_silent():
    # What is left after a step that is too long is finite, and useless.
    params = {"solver": "gd", "momentum": 0, "hidden_layer_sizes": (), "max_iter": 4, "random_state": 0}
    reg = ScratchMLPRegressor(learning_rate=FirstStep(100.0), **params)
    with pytest.warns(ConvergenceWarning, match=r"rose from .* in epoch 4, with learning rate") as caught:
        reg.fit(X_LINEAR, Y_LINEAR)
    assert "rose" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert 1e3 < reg.loss_ / reg.loss_curve_[0] < 1e6
    with pytest.raises(ValueError, match=r"diverged.* epoch 2"):
        reg.set_params(learning_rate=FirstStep(1e5)).fit(X_LINEAR, Y_LINEAR)


@lenient
def test_a_loss_that_comes_down_again_is_no_divergence():
    rates = iter([100.0, 1e-300, *[0.5] * 100])
    reg = ScratchMLPRegressor(
        solver="gd", momentum=0, hidden_layer_sizes=(), learning_rate=lambda *_: next(rates), max_iter=60, tol=0
    ).fit(X_LINEAR, Y_LINEAR)
    assert max(reg.loss_curve_) > 1e3 * reg.loss_curve_[0]
    assert reg.loss_ < reg.loss_curve_[0]


# What fit leaves behind.


@lenient
@pytest.mark.parametrize("solver", [*SOLVERS, GradientDescent("adam", max_iter=2, tol=0.0), ScipyMinimize(max_iter=2)])
@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_running_out_of_iterations_is_a_warning_at_the_users_line(solver):
    clf = ScratchMLPClassifier(5, solver=solver, max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\)|without converging") as caught:
        clf.fit(X, Y)
    assert {warning.filename for warning in caught} == {__file__}
    assert [warning.category for warning in caught].count(ConvergenceWarning) == 1


@lenient
@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
@each_solver
def test_convergence_is_silent(solver):
    params = {**SHORT, "max_iter": 3000, "tol": 1e-3, "alpha": 1.0, "learning_rate_init": 0.01}
    assert 1 < ScratchMLPClassifier(solver=solver, **params).fit(X, Y).n_iter_ < 3000


# What users bring: half a function, a loss for something else, a number of numpy's.


class ShiftedSquaredError(SquaredError):
    """Less a constant, as a likelihood may leave its own out: it can be negative."""

    def __init__(self, constant, link="identity"):
        super().__init__(link)
        self.constant = constant

    def value_and_grad(self, y, raw, sample_weight):
        value, d_raw = super().value_and_grad(y, raw, sample_weight)
        return value - self.constant * len(y), d_raw


@lenient
def test_a_loss_that_begins_below_zero_may_rise_above_it():
    settings = {"hidden_layer_sizes": 5, "solver": "gd", "learning_rate_init": 0.3, "max_iter": 20, "random_state": 0}
    plain = ScratchMLPRegressor(**settings).fit(X, Y)
    assert max(plain.loss_curve_) > 1.1 * plain.loss_curve_[0]
    shifted = ScratchMLPRegressor(ShiftedSquaredError(1.01 * plain.loss_curve_[0]), **settings).fit(X, Y)
    assert shifted.loss_curve_[0] < 0 < max(shifted.loss_curve_)
    np.testing.assert_allclose(shifted.params_, plain.params_, rtol=1e-9, atol=1e-12)
