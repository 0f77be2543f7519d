"""The pieces as the estimators take them: activations, initializers, schedules, losses, histories, hidden layers."""

import pickle

import numpy as np
import pytest
from scipy.optimize import OptimizeResult
from sklearn.base import clone

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor, check_gradient
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.history import COLUMNS
from skmlp_scratch.initializers import INITIALIZERS
from skmlp_scratch.objective import Objective
from skmlp_scratch.schedules import SCHEDULES, Constant, Cosine, StepDecay
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

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
X = rng.standard_normal((120, 3))
TARGET = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
LABELS = (TARGET > 0).astype(int)


def softsign(z):
    """An activation of a user's own: z / (1 + |z|)."""
    scale = 1 + np.abs(z)
    return z / scale, lambda delta: delta / (scale * scale)


# Activations


@pytest.mark.parametrize("activation", [*ACTIVATIONS, softsign])
def test_every_activation_trains_and_is_pickled(activation):
    model = ScratchMLPRegressor(hidden_layer_sizes=(12,), activation=activation, alpha=0.01, random_state=0)
    model.set_params(solver="lbfgs", max_iter=200).fit(X, TARGET)
    # A linear model explains nothing of this target, so every activation but the identity must do far better.
    linear = activation == "identity"
    assert (model.score(X, TARGET) > 0.6) is not linear
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    assert check_gradient(model, X, TARGET, tol=1e-6).passed


def test_an_activation_for_each_hidden_layer():
    mixed = ["tanh", softsign, "gelu"]
    model = ScratchMLPRegressor(hidden_layer_sizes=(5, 4, 3), activation=mixed, max_iter=3, random_state=0)
    model.fit(X, TARGET)
    by_hand = X
    for W, b, name in zip(model.coefs_, model.intercepts_, mixed, strict=False):
        by_hand = ACTIVATIONS.get(name, name)(by_hand @ W + b)[0]
    np.testing.assert_allclose(model.predict(X), (by_hand @ model.coefs_[-1] + model.intercepts_[-1]).ravel())
    assert clone(model).get_params()["activation"] == mixed


def test_a_sequence_of_one_activation_is_that_activation():
    settings = {"hidden_layer_sizes": (5, 4), "max_iter": 3, "random_state": 0}
    one = ScratchMLPRegressor(activation="silu", **settings).fit(X, TARGET)
    each = ScratchMLPRegressor(activation=("swish", "silu"), **settings).fit(X, TARGET)
    np.testing.assert_array_equal(one.params_, each.params_)


def test_names_of_one_function_are_one_function():
    assert ACTIVATIONS["logistic"] is ACTIVATIONS["sigmoid"]
    assert ACTIVATIONS["silu"] is ACTIVATIONS["swish"]


# Initializers


@pytest.mark.parametrize("init", INITIALIZERS)
def test_the_estimators_start_from_the_initializer(init):
    """After a first epoch at a rate of nearly nothing the weights are still those drawn."""
    model = ScratchMLPRegressor(hidden_layer_sizes=(40,), init=init, solver="gd", random_state=0)
    model.set_params(learning_rate_init=1e-12, momentum=0.0, max_iter=1).fit(X, TARGET)
    draw = np.random.RandomState(0)
    for W, b, (n_in, n_out) in zip(model.coefs_, model.intercepts_, [(3, 40), (40, 1)], strict=True):
        expected_W, expected_b = INITIALIZERS[init](draw, n_in, n_out)
        np.testing.assert_allclose(W, expected_W, atol=1e-9)
        np.testing.assert_allclose(b, expected_b, atol=1e-9)


def constant_init(rng, n_in, n_out):
    return np.full((n_in, n_out), 0.25), np.full(n_out, 0.5)


def test_an_initializer_of_ones_own():
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), init=constant_init, solver="gd", learning_rate_init=1e-12)
    model.set_params(max_iter=1).fit(X, TARGET)
    np.testing.assert_allclose(np.concatenate([W.ravel() for W in model.coefs_]), 0.25, atol=1e-9)
    np.testing.assert_allclose(np.concatenate(model.intercepts_), 0.5, atol=1e-9)


def test_an_initializer_of_another_shape_is_refused():
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), init=lambda rng, n_in, n_out: (np.ones(n_in), np.ones(n_out)))
    with pytest.raises(ValueError, match=r"init gave W of shape \(3,\), .* needs \(3, 4\)"):
        model.fit(X, TARGET)


# Schedules

RATES = {
    "constant": lambda epoch: 0.01,
    "invscaling": lambda epoch: 0.01 / (120 * epoch + 1) ** 0.25,
    "adaptive": lambda epoch: 0.01,  # no stall within these epochs
    "time_decay": lambda epoch: 0.01 / (1 + 0.3 * epoch),
    "step": lambda epoch: 0.01 * 0.7 ** (epoch // 2),  # every tenth of 20
    "exponential": lambda epoch: 0.01 * 0.7**epoch,
    "cosine": lambda epoch: 0.005 * (1 + np.cos(np.pi * epoch / 20)),
    "flat_cosine": lambda epoch: 0.005 * (1 + np.cos(np.pi * max(0, epoch - 10) / 10)),
}


def test_every_schedule_is_tested():
    assert RATES.keys() == SCHEDULES.keys()


@pytest.mark.parametrize("solver", GRADIENT_DESCENT)
@pytest.mark.parametrize("name", RATES)
def test_every_schedule_rules_every_gradient_descent_solver(name, solver):
    settings = {"hidden_layer_sizes": (4,), "solver": solver, "learning_rate_init": 0.01, "random_state": 0}
    settings |= {"max_iter": 20, "tol": 0.0, "n_iter_no_change": 20, "power_t": 0.25, "decay": 0.3}
    model = ScratchMLPRegressor(learning_rate=name, **settings).fit(X, TARGET)
    expected = [RATES[name](epoch) for epoch in range(20)]
    np.testing.assert_allclose(model.history_["learning_rate"], expected, rtol=1e-12)
    # The rate that is reported is the rate that is used: any callable that gives the same trains the same.
    own = ScratchMLPRegressor(learning_rate=lambda epoch, losses: expected[epoch], **settings).fit(X, TARGET)
    np.testing.assert_allclose(own.params_, model.params_, rtol=1e-9, atol=1e-12)


def test_adaptive_divides_by_five_after_a_stall_with_every_solver():
    for solver in GRADIENT_DESCENT:
        model = ScratchMLPRegressor(hidden_layer_sizes=(), solver=solver, learning_rate="adaptive", random_state=0)
        model.set_params(learning_rate_init=0.5, n_iter_no_change=2, max_iter=150, batch_size=10).fit(X, TARGET)
        rates = np.array(model.history_["learning_rate"])
        drops = np.flatnonzero(np.diff(rates)) + 1
        assert len(drops) > 1, solver
        np.testing.assert_allclose(rates[drops], rates[drops - 1] / 5)
        assert np.diff(drops).min() >= 3  # n_iter_no_change + 1 bad epochs each
        losses = np.array(model.history_["loss"])
        for drop in drops:  # none of the three epochs before improved on the best before them
            assert (losses[drop - 3 : drop] > losses[: drop - 3].min() - 1e-4).all()


def test_cosine_with_warm_up():
    model = ScratchMLPRegressor(learning_rate=Cosine(0.1, max_iter=10, warm_up=4), hidden_layer_sizes=3, max_iter=10)
    rates = model.set_params(n_iter_no_change=20).fit(X, TARGET).history_["learning_rate"]
    np.testing.assert_allclose(rates[:5], [0.02, 0.04, 0.06, 0.08, 0.1])
    np.testing.assert_allclose(rates[4:], [0.05 * (1 + np.cos(np.pi * k / 6)) for k in range(6)], rtol=1e-12)


def test_a_schedule_object_is_reached_by_set_params():
    model = ScratchMLPRegressor(hidden_layer_sizes=3, learning_rate=StepDecay(0.1, decay=0.5, every=2), max_iter=5)
    rates = model.fit(X, TARGET).history_["learning_rate"]
    assert rates == [0.1, 0.1, 0.05, 0.05, 0.025]
    model.set_params(learning_rate__every=1)
    assert model.fit(X, TARGET).history_["learning_rate"] == [0.1 / 2**k for k in range(5)]
    solver = GradientDescent("adam", learning_rate=Constant(0.1), max_iter=2)
    model.set_params(solver=solver, solver__learning_rate__learning_rate=0.3)
    assert model.fit(X, TARGET).history_["learning_rate"] == [0.3, 0.3]


def test_a_schedule_sees_the_epochs_and_the_losses_so_far():
    seen = []

    def schedule(epoch, losses):
        seen.append((epoch, list(losses)))
        return 0.01

    model = ScratchMLPRegressor(hidden_layer_sizes=3, learning_rate=schedule, max_iter=4).fit(X, TARGET)
    assert seen == [(k, model.loss_curve_[:k]) for k in range(4)]


@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf, None, "0.1"])
def test_a_schedule_that_gives_no_rate_is_refused(rate):
    with pytest.raises(ValueError, match="learning_rate="):
        ScratchMLPRegressor(hidden_layer_sizes=3, learning_rate=lambda epoch, losses: rate).fit(X, TARGET)


# Losses


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_several_outputs_are_the_mean_over_them(loss, solver):
    Y = np.exp(np.column_stack([TARGET, X[:, 0], -TARGET]) / 2)
    settings = {"hidden_layer_sizes": (8,), "activation": "tanh", "solver": solver, "max_iter": 20, "alpha": 0.0}
    settings |= {"learning_rate_init": 0.02, "random_state": 0}
    model = ScratchMLPRegressor(loss, **settings).fit(X, Y, X_val=X, y_val=Y)
    assert model.predict(X).shape == Y.shape
    raw = model.network_.predict(model.params_, X)
    columns = [model._targets.loss.value_and_grad(Y[:, [k]], raw[:, [k]], None)[0] / len(X) for k in range(3)]
    assert model.history_["val_loss"][-1] == pytest.approx(np.mean(columns), rel=1e-10)
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]
    assert check_gradient(model, X, Y, tol=1e-7).passed


class LogCosh:
    """A loss of a user's own, with nothing inherited: log cosh of the error, for one output."""

    def value_and_grad(self, y, raw, sample_weight):
        weights = np.ones((len(y), 1)) if sample_weight is None else sample_weight[:, None]
        error = raw - y
        return float((weights * (np.logaddexp(error, -error) - np.log(2))).sum()), weights * np.tanh(error)

    def inverse_link(self, raw):
        return raw


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_loss_of_ones_own(solver):
    model = ScratchMLPRegressor(LogCosh(), (10,), "tanh", solver=solver, max_iter=200, learning_rate_init=0.05)
    model.set_params(random_state=0, batch_size=20).fit(X, TARGET, sample_weight=np.arange(120) % 3)
    assert model.score(X, TARGET) > 0.5
    assert model.out_activation_ == "custom"
    assert check_gradient(model, X, TARGET).passed


class Hinge:
    """Squared hinge loss on one logit."""

    def value_and_grad(self, y, raw, sample_weight):
        sign = 2 * y - 1
        gap = np.maximum(0, 1 - sign * raw)
        weights = np.ones((len(y), 1)) if sample_weight is None else sample_weight[:, None]
        return float((weights * gap**2).sum()), -2 * weights * sign * gap

    def inverse_link(self, raw):
        return 1 / (1 + np.exp(-raw))


def test_a_loss_of_ones_own_for_a_classifier():
    model = ScratchMLPClassifier(loss=Hinge(), hidden_layer_sizes=(10,), solver="lbfgs", random_state=0)
    model.fit(X, np.where(LABELS, "b", "a"))
    assert model.score(X, np.where(LABELS, "b", "a")) > 0.95
    prob = model.predict_proba(X)
    np.testing.assert_allclose(prob.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X), model.classes_[(prob[:, 1] > 0.5).astype(int)])


# History


@pytest.mark.parametrize("estimator, y", [(ScratchMLPClassifier, LABELS), (ScratchMLPRegressor, TARGET)])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_writes_the_same_history(estimator, y, solver):
    model = estimator(hidden_layer_sizes=(5,), solver=solver, max_iter=7, tol=0.0, batch_size=30, random_state=0)
    model.fit(X, y, X_val=X[:20], y_val=y[:20])
    history = model.history_
    assert tuple(history) == COLUMNS
    assert COLUMNS == ("epoch", "loss", "val_loss", "val_score", "learning_rate", "grad_norm", "seconds")
    assert model.n_iter_ == 7
    assert {len(column) for column in history.values()} == {7}
    assert all(type(value) in (int, float) for column in history.values() for value in column)
    assert history["epoch"] == [1, 2, 3, 4, 5, 6, 7]
    assert model.loss_curve_ == history["loss"]
    assert model.best_loss_ == min(history["loss"])
    assert model.loss_ == history["loss"][-1]
    assert model.validation_scores_ == history["val_score"]
    assert history["val_score"][-1] == pytest.approx(model.score(X[:20], y[:20]), abs=1e-12)
    assert np.isfinite(history["grad_norm"]).all()
    assert min(history["grad_norm"]) > 0
    assert np.diff(history["seconds"]).min() > 0
    if solver in SCIPY:
        assert np.isnan(history["learning_rate"]).all()
    else:
        assert history["learning_rate"] == [0.001] * 7


@pytest.mark.parametrize("solver", SOLVERS)
def test_without_a_validation_set_its_columns_are_nan(solver):
    model = ScratchMLPRegressor(hidden_layer_sizes=(5,), solver=solver, max_iter=3).fit(X, TARGET)
    assert np.isnan(model.history_["val_loss"] + model.history_["val_score"]).all()
    assert model.validation_scores_ is None
    assert model.best_validation_score_ is None


@pytest.mark.parametrize("solver", SCIPY)
def test_the_iterations_of_scipy_are_the_epochs(solver):
    """Loss and gradient norm are those after each iteration: the last are those of the weights that come back."""
    model = ScratchMLPRegressor(hidden_layer_sizes=(5,), activation="tanh", solver=solver, max_iter=6, random_state=0)
    model.fit(X, TARGET)
    objective = Objective(model.network_, "squared_error", X, TARGET, alpha=model.alpha)
    loss, grad = objective.loss_and_grad(model.params_)
    assert model.history_["loss"][-1] == pytest.approx(loss, rel=1e-12)
    assert model.history_["grad_norm"][-1] == pytest.approx(np.linalg.norm(grad), rel=1e-9)
    assert (np.diff(model.history_["loss"]) <= 0).all()


class Silent:
    """A solver of a user's own that never calls back."""

    def minimize(self, objective, params, *, callback=None, rng=None, state=None):
        x = params - 0.1 * objective.loss_and_grad(params)[1]
        return OptimizeResult(x=x, fun=objective.loss_and_grad(x)[0], nit=4, success=True)


def test_a_solver_that_never_calls_back_has_a_history_too():
    model = ScratchMLPRegressor(hidden_layer_sizes=(5,), solver=Silent(), random_state=0).fit(X, TARGET)
    assert model.n_iter_ == 4
    assert {len(column) for column in model.history_.values()} == {4}
    assert model.loss_ == model.history_["loss"][-1]
    assert np.isnan(model.history_["loss"][:3]).all()


def test_the_best_loss_of_a_solver_that_never_calls_back():
    model = ScratchMLPRegressor(hidden_layer_sizes=(5,), solver=Silent(), random_state=0).fit(X, TARGET)
    assert model.best_loss_ == model.loss_


def test_nelder_mead_has_a_history_too():
    model = ScratchMLPRegressor(hidden_layer_sizes=(), solver=ScipyMinimize("Nelder-Mead", max_iter=9)).fit(X, TARGET)
    assert 1 < model.n_iter_ <= 9
    assert {len(column) for column in model.history_.values()} == {model.n_iter_}
    assert model.history_["loss"][-1] < model.history_["loss"][0]


# Hidden activations


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_hidden_activations_lead_to_the_prediction(normalization, dropout):
    model = ScratchMLPRegressor(hidden_layer_sizes=(6, 4), normalization=normalization, dropout=dropout, max_iter=5)
    model.set_params(activation=["relu", "tanh"], input_dropout=dropout, random_state=0).fit(X, TARGET)
    first, last = model.hidden_activations(X, 0), model.hidden_activations(X)
    assert first.shape == (120, 6)
    assert last.shape == (120, 4)
    np.testing.assert_allclose((last @ model.coefs_[-1] + model.intercepts_[-1]).ravel(), model.predict(X), rtol=1e-12)
    assert (first >= 0).all()
    assert (np.abs(last) <= 1).all()
    np.testing.assert_array_equal(model.hidden_activations(X, -2), first)
    np.testing.assert_array_equal(model.hidden_activations(X, 1), last)
    if normalization is None:
        by_hand = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
        np.testing.assert_allclose(first, by_hand, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer", [2, -3, 0.5, "last", None])
def test_a_hidden_layer_that_is_not_there(layer):
    model = ScratchMLPRegressor(hidden_layer_sizes=(6, 4), max_iter=2).fit(X, TARGET)
    with pytest.raises(ValueError, match=r"layer=.*must be a whole number below 2, the number of hidden layers"):
        model.hidden_activations(X, layer)


def test_no_hidden_layer_has_no_activations():
    model = ScratchMLPRegressor(hidden_layer_sizes=(), max_iter=2).fit(X, TARGET)
    with pytest.raises(ValueError, match="number of hidden layers"):
        model.hidden_activations(X)


def test_hidden_activations_checks_its_inputs():
    model = ScratchMLPRegressor(hidden_layer_sizes=(3,), max_iter=2)
    with pytest.raises(ValueError, match="not fitted"):  # NotFittedError is one
        model.hidden_activations(X)
    with pytest.raises(ValueError, match="2 features"):
        model.fit(X, TARGET).hidden_activations(X[:, :2])
