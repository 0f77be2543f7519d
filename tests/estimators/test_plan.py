"""What the constructor says, as objects; no data and no training."""

import numpy as np
import pytest

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.estimators._plan import Plan, configured, hidden_sizes
from skmlp_scratch.estimators._together import check_together, differences, notes_on, used_by_solver
from skmlp_scratch.initializers import auto_logistic
from skmlp_scratch.layers import Activation, BatchNorm, Dense, Dropout
from skmlp_scratch.optimizers import OPTIMIZERS, SGD, Adam
from skmlp_scratch.schedules import SCHEDULES, Adaptive, Cosine, StepDecay
from skmlp_scratch.solvers import GradientDescent, ScipyMinimize

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
