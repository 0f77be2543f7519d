"""A row in a table is all it takes: every name trains from both estimators, and so does a row that a test adds."""

import numpy as np
import pytest

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.initializers import INITIALIZERS
from skmlp_scratch.losses import LOSSES, Loss
from skmlp_scratch.optimizers import OPTIMIZERS, AdamW, Optimizer
from skmlp_scratch.schedules import SCHEDULES, Constant, FlatCosine
from skmlp_scratch.solvers import SOLVERS, GradientDescent

# A few epochs show whether a name is taken.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]
ESTIMATORS = (ScratchMLPClassifier, ScratchMLPRegressor)
SETTINGS = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
CLASSIFIER_LOSSES = ("log_loss", "binary_cross_entropy", "categorical_cross_entropy", "squared_error")
REGRESSOR_LOSSES = ("squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma")

X = np.random.RandomState(0).standard_normal((40, 3))
LABELS = (X[:, 0] > 0).astype(int)
TARGET = np.exp(X[:, 0])


def fitted(estimator, **params):
    y = LABELS if estimator is ScratchMLPClassifier else TARGET
    settings = SETTINGS | params
    if not isinstance(settings.get("solver", ""), str):  # an object brings its own
        del settings["max_iter"]
    return estimator(**settings).fit(X, y)


# Every row.


@pytest.mark.parametrize(
    "parameter, name",
    [
        *[("activation", name) for name in ACTIVATIONS],
        *[("init", name) for name in INITIALIZERS],
        *[("learning_rate", name) for name in SCHEDULES],
        *[("solver", name) for name in (*SOLVERS, *OPTIMIZERS)],
    ],
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_row_is_reached_by_name(estimator, parameter, name):
    model = fitted(estimator, **{parameter: name})
    assert np.isfinite(model.params_).all()
    assert model.get_params()[parameter] == name


def test_every_loss_belongs_to_an_estimator():
    assert {*CLASSIFIER_LOSSES, *REGRESSOR_LOSSES} == set(LOSSES)


@pytest.mark.parametrize(
    "estimator, loss",
    [
        *[(ScratchMLPClassifier, loss) for loss in CLASSIFIER_LOSSES],
        *[(ScratchMLPRegressor, loss) for loss in REGRESSOR_LOSSES],
    ],
)
def test_every_loss_is_reached_by_name(estimator, loss):
    assert np.isfinite(fitted(estimator, loss=loss).loss_)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_reached_by_name_from_the_solver_object(name):
    assert np.isfinite(fitted(ScratchMLPClassifier, solver=GradientDescent(name, max_iter=3)).params_).all()


@pytest.mark.parametrize("parameter", ["activation", "init", "learning_rate", "solver", "loss"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_name_that_no_table_holds_is_refused(estimator, parameter):
    with pytest.raises(ValueError, match=f"{parameter}.*'unheard_of'"):
        fitted(estimator, **{parameter: "unheard_of"})


# A row that the test adds: the name is looked up when fit runs, and does what the object does.


def softsign(z):
    scale = 1 + np.abs(z)
    return z / scale, lambda delta: delta / (scale * scale)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_added_activation(estimator, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "softsign", softsign)
    by_name, by_object = (fitted(estimator, activation=activation) for activation in ("softsign", softsign))
    np.testing.assert_array_equal(by_name.params_, by_object.params_)
    mixed = fitted(estimator, hidden_layer_sizes=(4, 3), activation=["relu", "softsign"])
    assert np.isfinite(mixed.params_).all()


def all_eighths(rng, n_in, n_out):
    return np.full((n_in, n_out), 0.125), np.full(n_out, 0.125)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_added_initializer(estimator, monkeypatch):
    monkeypatch.setitem(INITIALIZERS, "all_eighths", all_eighths)
    by_name, by_object = (fitted(estimator, init=init) for init in ("all_eighths", all_eighths))
    np.testing.assert_array_equal(by_name.params_, by_object.params_)


class Halving(Constant):
    """The learning rate times ``power_t`` after each epoch."""

    def __init__(self, learning_rate=0.001, power_t=0.5):
        super().__init__(learning_rate)
        self.power_t = power_t

    def __call__(self, epoch, losses):
        return self.learning_rate * self.power_t**epoch


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_added_schedule_gets_the_flat_parameters_of_its_names(estimator, monkeypatch):
    monkeypatch.setitem(SCHEDULES, "halving", Halving)
    model = fitted(estimator, learning_rate="halving", learning_rate_init=0.01, power_t=0.25)
    np.testing.assert_allclose(model.history_["learning_rate"], [0.01, 0.0025, 0.000625])
    again = fitted(estimator, learning_rate=Halving(0.01, 0.25))
    np.testing.assert_array_equal(model.params_, again.params_)


class Sign(Optimizer):
    """A step of the sign of a running mean of the gradient."""

    slots = ("mean",)

    def __init__(self, beta_1=0.9):
        self.beta_1 = beta_1

    def init(self, params):
        return {"mean": np.zeros_like(params)}

    def update(self, params, grad, state, learning_rate):
        state["mean"] *= self.beta_1
        state["mean"] += (1 - self.beta_1) * grad
        params -= learning_rate * np.sign(state["mean"])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_added_optimizer_is_a_solver_that_gets_the_flat_parameters_of_its_names(estimator, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "sign", Sign)
    model = fitted(estimator, solver="sign", beta_1=0.5, learning_rate_init=0.01, batch_size=10, tol=0.0)
    y = LABELS if estimator is ScratchMLPClassifier else TARGET
    solver = GradientDescent(Sign(0.5), learning_rate=0.01, batch_size=10, max_iter=3, tol=0.0)
    np.testing.assert_array_equal(model.params_, fitted(estimator, solver=solver).params_)
    classes = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    assert np.isfinite(estimator(**SETTINGS, solver="sign").partial_fit(X, y, **classes).params_).all()


class LogCosh(Loss):
    """log(cosh(y_pred - y)), behind the identity."""

    def __init__(self, link="identity"):
        super().__init__(link)

    def value_and_grad(self, y, raw, sample_weight):
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        excess = raw - y
        values = np.logaddexp(excess, -excess) - np.log(2)
        return float((values.mean(axis=1) * weights).sum()), np.tanh(excess) / raw.shape[1] * weights[:, np.newaxis]


class Exponential(Loss):
    """exp(-margin / 2), the loss of boosting, behind the logistic function."""

    def __init__(self, link="logistic"):
        super().__init__(link)

    def value_and_grad(self, y, raw, sample_weight):
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        sign = 2.0 * y - 1
        values = np.exp(-sign * raw / 2)
        return float((values.mean(axis=1) * weights).sum()), -sign / 2 * values / raw.shape[1] * weights[:, np.newaxis]


@pytest.mark.parametrize("estimator, loss", [(ScratchMLPRegressor, LogCosh), (ScratchMLPClassifier, Exponential)])
def test_an_added_loss(estimator, loss, monkeypatch):
    monkeypatch.setitem(LOSSES, "added", loss)
    by_name, by_object = fitted(estimator, loss="added"), fitted(estimator, loss=loss())
    np.testing.assert_array_equal(by_name.params_, by_object.params_)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_what_is_not_in_a_table_is_taken_as_an_object(estimator):
    """The functions and classes above work; a name is all that the tests above add."""
    solver = GradientDescent(Sign(), learning_rate=Halving(0.01), max_iter=3)
    loss = Exponential() if estimator is ScratchMLPClassifier else LogCosh()
    model = fitted(estimator, activation=softsign, init=all_eighths, solver=solver, loss=loss)
    assert model.history_["learning_rate"] == [0.01, 0.005, 0.0025]
    assert model.loss_curve_[-1] < model.loss_curve_[0]


# What the flat parameters do not name is reached through objects.


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_moving_average_is_what_is_shown(estimator):
    plain = fitted(estimator, solver=GradientDescent("adam", 0.05, batch_size=8, max_iter=5))
    averaged = fitted(estimator, solver=GradientDescent("adam", 0.05, batch_size=8, max_iter=5, ema=0.9))
    assert not np.array_equal(averaged.params_, plain.params_)
    averaged.set_params(solver__ema=0.0).fit(X, LABELS if estimator is ScratchMLPClassifier else TARGET)
    np.testing.assert_allclose(averaged.params_, plain.params_, rtol=1e-9)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_decay_of_the_weights_leaves_biases_alone(estimator):
    """A decay that takes all in the first step."""
    settings = {"learning_rate": 0.1, "max_iter": 1}
    for decayed in ("all", "weights"):
        rule = AdamW(weight_decay=10.0, decayed=decayed)
        model = fitted(estimator, alpha=0.0, solver=GradientDescent(rule, **settings))
        assert all((np.abs(W) < 0.11).all() for W in model.coefs_)
        kept = fitted(estimator, alpha=0.0, solver=GradientDescent(AdamW(weight_decay=0.0), **settings))
        same = [np.array_equal(b, other) for b, other in zip(model.intercepts_, kept.intercepts_, strict=True)]
        assert all(same) if decayed == "weights" else not any(same)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_flat_cosine_by_name_and_as_an_object(estimator):
    named = fitted(estimator, learning_rate="flat_cosine", learning_rate_init=0.01, max_iter=8)
    schedule = FlatCosine(0.01, max_iter=8)
    given = fitted(estimator, solver=GradientDescent("adam", schedule, batch_size=40, max_iter=8))
    np.testing.assert_array_equal(named.params_, given.params_)
    rates = named.history_["learning_rate"]
    assert rates[:4] == [0.01] * 4
    assert rates[4:] == sorted(rates[4:], reverse=True)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_partial_fit_beyond_the_flat_cosine_is_said(estimator):
    y = LABELS if estimator is ScratchMLPClassifier else TARGET
    classes = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    model = estimator(**SETTINGS | {"max_iter": 1}, learning_rate="flat_cosine").partial_fit(X, y, **classes)
    with pytest.warns(UserWarning, match="learning_rate='flat_cosine' is 0 after max_iter=1 epochs"):
        model.partial_fit(X, y)
