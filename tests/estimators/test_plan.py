"""What the constructor says, as objects; no data and no training."""

import pickle

import numpy as np
import pytest
from problems import (
    CURVED,
    CURVED_LABELS,
    DESCENDING,
    LABELLED,
    PEER_IS_KNOWN,
    SHORT,
    X_CURVED,
    X_NOISY,
    XR,
    Y_NOISY,
    YR,
    X,
    Y,
    each_solver,
    softsign,
)
from scipy.special import expit
from sklearn.neural_network import MLPClassifier

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor, check_gradient
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.estimators._plan import Plan, configured, hidden_sizes
from skmlp_scratch.estimators._together import check_together, differences, notes_on, used_by_solver
from skmlp_scratch.initializers import INITIALIZERS, auto_logistic
from skmlp_scratch.layers import Activation, BatchNorm, Dense, Dropout
from skmlp_scratch.losses import BinaryCrossEntropy, CategoricalCrossEntropy, SquaredError
from skmlp_scratch.optimizers import OPTIMIZERS, SGD, Adam
from skmlp_scratch.schedules import SCHEDULES, Adaptive, Constant, Cosine, StepDecay
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
]


DEFAULTS = ScratchMLPClassifier().get_params()


def flat(**changes):
    return DEFAULTS | changes


def plan(n_before=0, incremental=False, **changes):
    return Plan(flat(**changes), n_in=4, n_out=3, n_before=n_before, incremental=incremental)


def test_an_object_takes_its_parameters_by_name():
    assert repr(configured(Adam, flat(beta_1=0.5, epsilon=1e-3))) == repr(Adam(beta_1=0.5, epsilon=1e-3))
    made = configured(SGD, flat(momentum=0.3, nesterovs_momentum=False))
    assert (made.momentum, made.nesterov) == (0.3, False)
    adaptive = configured(Adaptive, flat(learning_rate_init=0.5, tol=0.1, n_iter_no_change=3))
    assert (adaptive.learning_rate, adaptive.tol, adaptive.n_iter_no_change) == (0.5, 0.1, 3)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("solver", ["gd", *OPTIMIZERS])
def test_every_name_becomes_an_object(solver, schedule):
    made = plan(solver=solver, learning_rate=schedule, decay=0.1, learning_rate_init=0.25).solver(1000)
    assert isinstance(made, GradientDescent)
    assert type(made.optimizer) is (SGD if solver == "gd" else OPTIMIZERS[solver])
    assert type(made.learning_rate) is SCHEDULES[schedule]
    assert made.learning_rate.learning_rate == 0.25
    assert made.batch_size == (None if solver == "gd" else 200)


def test_scipy_names_become_an_object():
    made = plan(solver="lbfgs", tol=0.5, max_fun=7, max_iter=3).solver(1000)
    assert isinstance(made, ScipyMinimize)
    assert (made.method, made.max_iter, made.options) == ("L-BFGS-B", 3, {"gtol": 0.5, "maxfun": 7})


def test_a_solver_object_is_used_as_it_is():
    solver = GradientDescent()
    assert plan(solver=solver).solver(10) is solver


def test_the_network_is_built_from_the_flat_parameters():
    network = plan(
        hidden_layer_sizes=(5, 2),
        activation=["tanh", "relu"],
        dropout=[0.0, 0.5],
        input_dropout=0.1,
        normalization="batch",
    ).network
    assert [type(layer) for layer in network.layers] == [
        Dropout, Dense, BatchNorm, Activation, Dense, BatchNorm, Activation, Dropout, Dense,
    ]  # fmt: skip
    assert (network.n_in, network.n_out) == (4, 3)


@pytest.mark.parametrize("activation", ["logistic", "sigmoid", ["logistic", "sigmoid"]])
@pytest.mark.parametrize("sizes", [(3, 2), ()])
def test_logistic_units_start_in_scikit_learns_narrower_range(activation, sizes):
    if not sizes and isinstance(activation, list):
        activation = "logistic"
    assert plan(activation=activation, hidden_layer_sizes=sizes).initializer is auto_logistic
    assert plan(activation="tanh", hidden_layer_sizes=sizes).initializer == "auto"


def test_schedules_by_name_span_the_epochs_of_this_fit_and_those_before():
    assert plan(learning_rate="cosine", max_iter=50, n_before=20).schedule == _like(Cosine(0.001, max_iter=70))
    assert plan(learning_rate="cosine", max_iter=50, n_before=20, incremental=True).schedule.max_iter == 50
    assert plan(learning_rate="step", max_iter=50, decay=0.5).schedule == _like(StepDecay(0.001, decay=0.5, every=5))


class _like:
    def __init__(self, expected):
        self.expected = expected

    def __eq__(self, other):
        return repr(other) == repr(self.expected)

    __hash__ = None


@pytest.mark.parametrize("sizes, expected", [(3, [3]), ((3, 2), [3, 2]), (np.array([4]), [4]), ((), [])])
def test_hidden_sizes(sizes, expected):
    assert hidden_sizes({"hidden_layer_sizes": sizes}) == expected


@pytest.mark.parametrize("sizes", [0, (3, -1), (2.5,), [True]])
def test_bad_hidden_sizes(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0 and whole numbers"):
        hidden_sizes({"hidden_layer_sizes": sizes})


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alpha": True}, "alpha=True must be a number"),
        ({"solver": GradientDescent}, "solver is the class GradientDescent"),
        ({"activation": ["relu"], "hidden_layer_sizes": (2, 2)}, "activation has 1 entries for 2 hidden layers"),
        ({"dropout": [0.1, 0.2]}, "dropout has 2 entries for 1 hidden layers"),
        ({"normalization": "layer", "hidden_layer_sizes": (3, 1)}, "makes a constant of a hidden layer of one unit"),
        ({"solver": "lbfgs", "dropout": 0.5}, "needs a deterministic objective"),
        ({"solver": ScipyMinimize(), "input_dropout": 0.5}, "needs a deterministic objective"),
        ({"solver": "cg", "clip_norm": 1.0}, "clip_norm=1.0 does not reach"),
    ],
)
def test_parameters_that_do_not_go_together(changes, message):
    with pytest.raises(ValueError, match=message):
        check_together(flat(**changes), ScratchMLPClassifier._parameter_constraints)


@pytest.mark.parametrize(
    "solver, used, unused",
    [
        ("adam", {"beta_1", "epsilon", "batch_size"}, {"momentum", "power_t", "decay", "max_fun"}),
        ("gd", {"momentum", "nesterovs_momentum"}, {"batch_size", "beta_1"}),
        ("lbfgs", {"max_iter", "tol", "max_fun"}, {"learning_rate_init", "batch_size"}),
        ("bfgs", {"max_iter", "tol"}, {"max_fun"}),
        (GradientDescent(), set(), {"max_iter", "tol", "learning_rate_init"}),
    ],
)
def test_which_parameters_reach_the_solver(solver, used, unused):
    found = used_by_solver(flat(solver=solver))
    assert used <= found
    assert not unused & found


def test_early_stopping_uses_patience_whatever_the_solver():
    assert "tol" in used_by_solver(flat(solver=GradientDescent(), early_stopping=True))


@pytest.mark.parametrize(
    "changes, names",
    [
        ({"solver": "adam", "momentum": 0.5}, ["momentum=0.5", "solver='adam'"]),
        ({"solver": "lbfgs", "learning_rate_init": 0.5}, ["learning_rate_init=0.5", "solver='lbfgs'"]),
        ({"solver": GradientDescent(), "max_iter": 5}, ["max_iter=5", "GradientDescent()"]),
        ({"learning_rate": "exponential"}, ["learning_rate='exponential'", "decay=0"]),
        ({"decay": 0.5}, ["decay=0.5", "learning_rate='constant'"]),
        ({"batch_size": 1001}, ["batch_size=1001", "1000 training samples"]),
    ],
)
def test_what_has_no_effect_is_said(changes, names):
    notes = notes_on(plan(**changes), 1000, DEFAULTS)
    assert len(notes) == 1
    assert all(name in notes[0][0] for name in names)


@pytest.mark.parametrize("solver", ["adam", "gd", "lbfgs", GradientDescent()])
def test_nothing_is_said_of_defaults(solver):
    assert notes_on(plan(solver=solver), 1000, DEFAULTS) == []


@pytest.mark.parametrize(
    "changes, part",
    [
        ({"hidden_layer_sizes": (9,)}, "hidden_layer_sizes"),
        ({"activation": "tanh"}, "activation"),
        ({"normalization": "layer"}, "normalization"),
    ],
)
def test_differences_of_networks_are_named(changes, part):
    text = differences(plan().network, plan(**changes).network)
    assert part in text
    assert " was " in text


def test_dropout_is_no_difference():
    assert differences(plan().network, plan(dropout=0.5, input_dropout=0.1).network) == ""


def test_a_spelling_is_no_difference():
    assert differences(plan(activation="logistic").network, plan(activation="sigmoid").network) == ""


def test_the_regressors_parameters_make_a_plan_too():
    made = Plan(ScratchMLPRegressor().get_params(), n_in=2, n_out=1)
    assert made.network.n_out == 1


@pytest.mark.parametrize(
    "activations, narrower",
    [(["logistic", "sigmoid"], True), (["logistic", "relu"], False), (["relu", "logistic"], False)],
)
def test_the_narrower_range_is_for_networks_that_are_logistic_throughout(activations, narrower):
    made = plan(hidden_layer_sizes=(3, 2), activation=activations)
    assert (made.initializer is auto_logistic) == narrower


@pytest.mark.parametrize(
    "batch_size, n_samples, expected", [("auto", 50, 50), ("auto", 500, 200), (80, 50, 50), (7, 50, 7)]
)
def test_a_batch_is_no_larger_than_the_training_rows(batch_size, n_samples, expected):
    made = plan(batch_size=batch_size)
    assert made.batch_size(n_samples) == made.solver(n_samples).batch_size == expected


# Activations


@pytest.mark.parametrize("activation", [*ACTIVATIONS, softsign])
def test_every_activation_trains_and_is_pickled(activation):
    model = ScratchMLPRegressor(hidden_layer_sizes=(12,), activation=activation, alpha=0.01, random_state=0)
    model.set_params(solver="lbfgs", max_iter=200).fit(X_CURVED, CURVED)
    # A linear model explains nothing of this target, so every activation but the identity must do far better.
    linear = activation == "identity"
    assert (model.score(X_CURVED, CURVED) > 0.6) is not linear
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X_CURVED), model.predict(X_CURVED))
    assert check_gradient(model, X_CURVED, CURVED, tol=1e-6).passed


def test_a_sequence_of_one_activation_is_that_activation():
    settings = {"hidden_layer_sizes": (5, 4), "max_iter": 3, "random_state": 0}
    one = ScratchMLPRegressor(activation="silu", **settings).fit(X_CURVED, CURVED)
    each = ScratchMLPRegressor(activation=("swish", "silu"), **settings).fit(X_CURVED, CURVED)
    np.testing.assert_array_equal(one.params_, each.params_)


def test_names_of_one_function_are_one_function():
    assert ACTIVATIONS["logistic"] is ACTIVATIONS["sigmoid"]
    assert ACTIVATIONS["silu"] is ACTIVATIONS["swish"]


# Initializers


@pytest.mark.parametrize("init", INITIALIZERS)
def test_the_estimators_start_from_the_initializer(init):
    """After a first epoch at a rate of nearly nothing the weights are still those drawn."""
    model = ScratchMLPRegressor(hidden_layer_sizes=(40,), init=init, solver="gd", random_state=0)
    model.set_params(learning_rate_init=1e-12, momentum=0.0, max_iter=1).fit(X_CURVED, CURVED)
    draw = np.random.RandomState(0)
    for W, b, (n_in, n_out) in zip(model.coefs_, model.intercepts_, [(3, 40), (40, 1)], strict=True):
        expected_W, expected_b = INITIALIZERS[init](draw, n_in, n_out)
        np.testing.assert_allclose(W, expected_W, atol=1e-9)
        np.testing.assert_allclose(b, expected_b, atol=1e-9)


def constant_init(rng, n_in, n_out):
    return np.full((n_in, n_out), 0.25), np.full(n_out, 0.5)


def test_an_initializer_of_ones_own():
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), init=constant_init, solver="gd", learning_rate_init=1e-12)
    model.set_params(max_iter=1).fit(X_CURVED, CURVED)
    np.testing.assert_allclose(np.concatenate([W.ravel() for W in model.coefs_]), 0.25, atol=1e-9)
    np.testing.assert_allclose(np.concatenate(model.intercepts_), 0.5, atol=1e-9)


def test_an_initializer_of_another_shape_is_refused():
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), init=lambda rng, n_in, n_out: (np.ones(n_in), np.ones(n_out)))
    with pytest.raises(ValueError, match=r"init gave W of shape \(3,\), .* needs \(3, 4\)"):
        model.fit(X_CURVED, CURVED)


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


@pytest.mark.parametrize("solver", DESCENDING)
@pytest.mark.parametrize("name", RATES)
def test_every_schedule_rules_every_gradient_descent_solver(name, solver):
    settings = {"hidden_layer_sizes": (4,), "solver": solver, "learning_rate_init": 0.01, "random_state": 0}
    settings |= {"max_iter": 20, "tol": 0.0, "n_iter_no_change": 20, "power_t": 0.25, "decay": 0.3}
    model = ScratchMLPRegressor(learning_rate=name, **settings).fit(X_CURVED, CURVED)
    expected = [RATES[name](epoch) for epoch in range(20)]
    np.testing.assert_allclose(model.history_["learning_rate"], expected, rtol=1e-12)
    # The rate that is reported is the rate that is used: any callable that gives the same trains the same.
    own = ScratchMLPRegressor(learning_rate=lambda epoch, losses: expected[epoch], **settings).fit(X_CURVED, CURVED)
    np.testing.assert_allclose(own.params_, model.params_, rtol=1e-9, atol=1e-12)


def test_adaptive_divides_by_five_after_a_stall_with_every_solver():
    for solver in DESCENDING:
        model = ScratchMLPRegressor(hidden_layer_sizes=(), solver=solver, learning_rate="adaptive", random_state=0)
        model.set_params(learning_rate_init=0.5, n_iter_no_change=2, max_iter=150, batch_size=10).fit(X_CURVED, CURVED)
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
    rates = model.set_params(n_iter_no_change=20).fit(X_CURVED, CURVED).history_["learning_rate"]
    np.testing.assert_allclose(rates[:5], [0.02, 0.04, 0.06, 0.08, 0.1])
    np.testing.assert_allclose(rates[4:], [0.05 * (1 + np.cos(np.pi * k / 6)) for k in range(6)], rtol=1e-12)


def test_a_schedule_object_is_reached_by_set_params():
    model = ScratchMLPRegressor(hidden_layer_sizes=3, learning_rate=StepDecay(0.1, decay=0.5, every=2), max_iter=5)
    rates = model.fit(X_CURVED, CURVED).history_["learning_rate"]
    assert rates == [0.1, 0.1, 0.05, 0.05, 0.025]
    model.set_params(learning_rate__every=1)
    assert model.fit(X_CURVED, CURVED).history_["learning_rate"] == [0.1 / 2**k for k in range(5)]
    solver = GradientDescent("adam", learning_rate=Constant(0.1), max_iter=2)
    model.set_params(solver=solver, solver__learning_rate__learning_rate=0.3)
    assert model.fit(X_CURVED, CURVED).history_["learning_rate"] == [0.3, 0.3]


def test_a_schedule_sees_the_epochs_and_the_losses_so_far():
    seen = []

    def schedule(epoch, losses):
        seen.append((epoch, list(losses)))
        return 0.01

    model = ScratchMLPRegressor(hidden_layer_sizes=3, learning_rate=schedule, max_iter=4).fit(X_CURVED, CURVED)
    assert seen == [(k, model.loss_curve_[:k]) for k in range(4)]


@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf, None, "0.1"])
def test_a_schedule_that_gives_no_rate_is_refused(rate):
    with pytest.raises(ValueError, match="learning_rate="):
        ScratchMLPRegressor(hidden_layer_sizes=3, learning_rate=lambda epoch, losses: rate).fit(X_CURVED, CURVED)


# Losses


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_several_outputs_are_the_mean_over_them(loss, solver):
    Y = np.exp(np.column_stack([CURVED, X_CURVED[:, 0], -CURVED]) / 2)
    settings = {"hidden_layer_sizes": (8,), "activation": "tanh", "solver": solver, "max_iter": 20, "alpha": 0.0}
    settings |= {"learning_rate_init": 0.02, "random_state": 0}
    model = ScratchMLPRegressor(loss, **settings).fit(X_CURVED, Y, X_val=X_CURVED, y_val=Y)
    assert model.predict(X_CURVED).shape == Y.shape
    raw = model.network_.predict(model.params_, X_CURVED)
    columns = [model._targets.loss.value_and_grad(Y[:, [k]], raw[:, [k]], None)[0] / len(X_CURVED) for k in range(3)]
    assert model.history_["val_loss"][-1] == pytest.approx(np.mean(columns), rel=1e-10)
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]
    assert check_gradient(model, X_CURVED, Y, tol=1e-7).passed


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
    model.set_params(random_state=0, batch_size=20).fit(X_CURVED, CURVED, sample_weight=np.arange(120) % 3)
    assert model.score(X_CURVED, CURVED) > 0.5
    assert model.out_activation_ == "custom"
    assert check_gradient(model, X_CURVED, CURVED).passed


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
    model.fit(X_CURVED, np.where(CURVED_LABELS, "b", "a"))
    assert model.score(X_CURVED, np.where(CURVED_LABELS, "b", "a")) > 0.95
    prob = model.predict_proba(X_CURVED)
    np.testing.assert_allclose(prob.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X_CURVED), model.classes_[(prob[:, 1] > 0.5).astype(int)])


# Kinds of input.


def test_hidden_layers_as_any_sequence():
    expected = ScratchMLPClassifier((4, 3), max_iter=2, random_state=0).fit(X, Y).params_
    for sizes in ([4, 3], np.array([4, 3]), range(4, 2, -1), (np.int32(4), np.int64(3))):
        np.testing.assert_array_equal(
            ScratchMLPClassifier(sizes, max_iter=2, random_state=0).fit(X, Y).params_, expected
        )
    one = ScratchMLPClassifier(4, max_iter=2, random_state=0).fit(X, Y)
    assert [W.shape for W in one.coefs_] == [(6, 4), (4, 1)]


# Functions and objects of the user.


def my_tanh(z):
    a = np.tanh(z)
    return a, lambda delta: delta * (1 - a * a)


def my_init(rng, n_in, n_out):
    return rng.uniform(-0.1, 0.1, (n_in, n_out)), np.full(n_out, 0.5)


class MyLogLoss:
    """The two methods that a loss needs, and no more."""

    def value_and_grad(self, y, raw, sample_weight):
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        value = np.dot(weights, (np.logaddexp(0, raw) - y * raw).sum(axis=1))
        return value, weights[:, None] * (expit(raw) - y)

    def inverse_link(self, raw):
        return expit(raw)


@each_solver
def test_an_activation_of_the_user(solver):
    mine, theirs = (
        ScratchMLPClassifier(activation=activation, solver=solver, **SHORT).fit(X, Y)
        for activation in (my_tanh, "tanh")
    )
    np.testing.assert_allclose(mine.params_, theirs.params_, rtol=1e-9)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(mine)).predict_proba(X), mine.predict_proba(X))


@each_solver
@pytest.mark.parametrize("kind", ["0 and 1", "multilabel"])
def test_a_loss_of_the_user(solver, kind):
    data, labels = LABELLED[kind]
    mine, theirs = (
        ScratchMLPClassifier(loss=loss, solver=solver, early_stopping=True, **SHORT).fit(data, labels)
        for loss in (MyLogLoss(), "log_loss")
    )
    np.testing.assert_allclose(mine.params_, theirs.params_, rtol=1e-7)
    np.testing.assert_allclose(mine.predict_proba(data), theirs.predict_proba(data), rtol=1e-7)
    np.testing.assert_allclose(mine.predict_log_proba(data), theirs.predict_log_proba(data), rtol=1e-7, atol=1e-12)
    np.testing.assert_array_equal(mine.predict(data), theirs.predict(data))
    assert mine.out_activation_ == "custom"


def test_a_loss_of_the_user_for_regression():
    class Cosh:
        def value_and_grad(self, y, raw, sample_weight):
            return np.log(np.cosh(raw - y)).sum(), np.tanh(raw - y)

        def inverse_link(self, raw):
            return raw

    reg = ScratchMLPRegressor(Cosh(), solver="lbfgs", hidden_layer_sizes=10, max_iter=200, random_state=0).fit(XR, YR)
    assert reg.score(XR, YR) > 0.9


def test_initial_weights_of_the_user():
    clf = ScratchMLPClassifier(init=my_init, solver="sgd", momentum=0, learning_rate_init=1e-300, **SHORT).fit(X, Y)
    assert all((np.abs(W) <= 0.1).all() and np.ptp(W) > 0.05 for W in clf.coefs_)
    assert all((b == 0.5).all() for b in clf.intercepts_)


def test_an_activation_for_each_layer():
    clf = ScratchMLPClassifier((6, 5, 4), activation=["tanh", my_tanh, "relu"], max_iter=3, random_state=0).fit(X, Y)
    a = np.tanh(X @ clf.coefs_[0] + clf.intercepts_[0])
    a = np.tanh(a @ clf.coefs_[1] + clf.intercepts_[1])
    a = np.maximum(0, a @ clf.coefs_[2] + clf.intercepts_[2])
    np.testing.assert_allclose(clf.decision_function(X), (a @ clf.coefs_[3] + clf.intercepts_[3]).ravel(), rtol=1e-9)
    for activation in (["tanh", "relu"], [], ["tanh"] * 4):
        with pytest.raises(ValueError, match=f"activation has {len(activation)} entries for 3 hidden layers"):
            clf.set_params(activation=activation).fit(X, Y)


# What users bring: half a function, a loss for something else, a number of numpy's.


def value_alone(z):
    return np.tanh(z)


def slope_for_a_function(z):
    return np.tanh(z), 1 - np.tanh(z) ** 2


def weights_alone(rng, n_in, n_out):
    return np.zeros((n_in, n_out))


class HalfALoss:
    """Squared error whose value is not summed, or whose gradient is flat."""

    def __init__(self, summed):
        self.summed = summed

    def value_and_grad(self, y, raw, sample_weight):
        error = raw - y
        return (error**2).sum() / 2 if self.summed else error**2 / 2, error.ravel() if self.summed else error

    def inverse_link(self, raw):
        return raw


class NoGradient(HalfALoss):
    def __init__(self):
        super().__init__(True)

    def value_and_grad(self, y, raw, sample_weight):
        return float(super().value_and_grad(y, raw, sample_weight)[0])


@pytest.mark.parametrize(
    "params, said",
    [
        ({"activation": value_alone}, r"^activation=<function value_alone.* must return \(a, backward\)"),
        ({"activation": slope_for_a_function}, r"must return \(a, backward\)"),
        ({"init": weights_alone}, r"^init must return \(W, b\), of shapes"),
        ({"loss": HalfALoss(True)}, "value_and_grad must return a number and, here, an array of shape"),
        ({"loss": NoGradient()}, "must return a number and, here, an array of shape .*, not float"),
        ({"loss": HalfALoss(False)}, "value_and_grad must return a number and, here, an array of shape"),
    ],
)
def test_half_a_function_is_refused_by_name(params, said):
    with pytest.raises(ValueError, match=said):
        ScratchMLPRegressor(hidden_layer_sizes=5, **params).fit(X, Y)


@pytest.mark.parametrize(
    "loss, targets, said",
    [
        (BinaryCrossEntropy(), np.arange(len(X)) % 3, "of 3 classes: its output is logistic, and must be softmax"),
        (SquaredError(), np.arange(len(X)) % 3, "of 3 classes: its output is identity, and must be softmax"),
        (SquaredError(), Y, "of 2 classes: its output is identity, and must be logistic or softmax"),
        (CategoricalCrossEntropy(), np.c_[Y, 1 - Y], "of 2 labels: its output is softmax, and must be logistic"),
    ],
)
def test_a_loss_without_probabilities_is_not_for_a_classifier(loss, targets, said):
    with pytest.raises(ValueError, match=rf"^loss=.* gives no probabilities {said}"):
        ScratchMLPClassifier(5, loss=loss).fit(X, targets)


def test_cosine_spans_as_many_calls_of_partial_fit():
    model = ScratchMLPClassifier(5, learning_rate="cosine", max_iter=10, random_state=0)
    for _ in range(10):
        model.partial_fit(X, Y, classes=np.unique(Y))
    whole = ScratchMLPClassifier(5, learning_rate="cosine", max_iter=10, tol=0, random_state=0).fit(X, Y)
    assert model.history_["learning_rate"] == whole.history_["learning_rate"]
    with pytest.warns(UserWarning, match=r"'cosine' is 0 after max_iter=10 epochs") as caught:
        model.partial_fit(X, Y)
    assert caught[0].filename == __file__


def test_layer_normalization_of_one_unit_is_refused():
    with pytest.raises(ValueError, match=r"normalization='layer' makes a constant .* hidden_layer_sizes=\(5, 1\)"):
        ScratchMLPClassifier((5, 1), normalization="layer").fit(X, Y)


# Input that cannot be used is one ValueError at fit that names the argument.


BAD_SIZES = [(2.5,), 2.5, (3, 2.5), (0,), (-1,), ("a",), "a", (None,), None, ((3,),), (np.nan,), True, (True,)]
BAD_SIZES += [np.array(3)]


@pytest.mark.parametrize("sizes", BAD_SIZES, ids=repr)
def test_bad_hidden_layer_sizes_are_refused_at_fit(sizes):
    model = ScratchMLPClassifier(hidden_layer_sizes=sizes, max_iter=2)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        model.fit(X_NOISY, Y_NOISY)
    if PEER_IS_KNOWN and sizes == (2.5,):
        with pytest.raises(TypeError):
            MLPClassifier(hidden_layer_sizes=sizes).fit(X_NOISY, Y_NOISY)
