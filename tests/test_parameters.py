"""Every number that can be given, given wrongly: a ValueError that names it at fit, or a documented meaning.

The tables list what is taken, with its meaning. Everything else of ``TRIED`` must be refused.
"""

import numpy as np
import pytest
from problems import name_of
from sklearn.base import clone

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.layers import BatchNorm, Dense, Dropout, LayerNorm, Scale
from skmlp_scratch.losses import Huber, Quantile, SquaredError
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from skmlp_scratch.schedules import (
    Adaptive,
    Constant,
    Cosine,
    Exponential,
    FlatCosine,
    InverseScaling,
    StepDecay,
    TimeDecay,
)
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

# Three epochs show whether a value is taken.
pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

TRIED = {"nan": np.nan, "inf": np.inf, "-1": -1, "0": 0, "'1'": "1", "2.5": 2.5, "True": True, "None": None}
NUMBER = {"2.5": "a number"}
ZERO = {"0": "none of it, or from the start"}

# What of TRIED each numeric parameter of the estimators takes, and what it then means.
TAKEN = {
    "hidden_layer_sizes": {},
    "alpha": NUMBER | {"0": "no penalty"},
    "batch_size": {},
    "learning_rate_init": NUMBER,
    "power_t": NUMBER | {"0": "a constant learning rate"},
    "max_iter": {},
    "tol": NUMBER | {"0": "any improvement counts"},
    "momentum": {"0": "plain gradient descent"},
    "validation_fraction": {"0": "nothing held out, as without early_stopping"},
    "beta_1": {"0": "no momentum"},
    "beta_2": {"0": "only this step's gradient"},
    "epsilon": NUMBER,
    "n_iter_no_change": {"inf": "never stop early"},
    "max_fun": {},
    "l1_ratio": {"0": "no L1"},
    "dropout": {"0": "nothing dropped"},
    "input_dropout": {"0": "nothing dropped"},
    "decay": NUMBER | {"0": "a constant learning rate"},
    "clip_norm": NUMBER | {"None": "no clipping"},
    "verbose": {"0": "nothing printed", "True": "each epoch printed"},
    "random_state": {"0": "a seed", "True": "the seed 1, as in scikit-learn", "None": "numpy's global state"},
    "label_smoothing": {"0": "no smoothing"},
    "quantile": {},
    "huber_delta": NUMBER,
}
SWITCHES = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")
TAKEN |= {name: {"True": "on"} for name in SWITCHES}

ONLY = {"label_smoothing": ScratchMLPClassifier, "quantile": ScratchMLPRegressor, "huber_delta": ScratchMLPRegressor}
X = np.random.RandomState(0).standard_normal((30, 3))
Y = (X[:, 0] > 0).astype(int)


def rows(table):
    """For pytest: a key (a name, or what is made and a name), a value, and whether it is taken."""
    cases = []
    for key, taken in table.items():
        key = key if isinstance(key, tuple) else (key,)
        label = ".".join(getattr(part, "__name__", part) for part in key)
        cases += [pytest.param(*key, TRIED[name], name in taken, id=f"{label}={name}") for name in TRIED]
    return cases


def test_every_numeric_parameter_is_in_the_table():
    names = {
        name
        for estimator in (ScratchMLPClassifier, ScratchMLPRegressor)
        for name, value in estimator().get_params().items()
        if isinstance(value, (int, float, tuple)) or value is None
    }
    assert names - set(TAKEN) == {"normalization", "class_weight", "scoring"}  # these take names or objects
    assert set(TAKEN) - names == {"batch_size"}  # "auto"


@pytest.mark.parametrize("name, value, taken", rows(TAKEN))
def test_a_parameter_of_the_estimators(name, value, taken):
    for estimator in (ScratchMLPClassifier, ScratchMLPRegressor):
        if ONLY.get(name, estimator) is not estimator:
            continue
        model = estimator(**{"hidden_layer_sizes": 4, "max_iter": 3} | {name: value})  # never refused here
        assert model.get_params()[name] is value
        assert clone(model).get_params()[name] is value or value is np.nan
        if taken:
            assert model.fit(X, Y).n_iter_ == (3 if name != "max_iter" else value)
            assert model.get_params()[name] is value
        else:
            with pytest.raises(ValueError, match=name):
                model.fit(X, Y)
            assert not hasattr(model, "params_")


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_parameter_is_checked_even_where_the_solver_has_no_use_for_it(solver):
    for name in ("momentum", "beta_1", "max_fun", "power_t"):
        with pytest.raises(ValueError, match=name):
            ScratchMLPClassifier(solver=solver, **{name: -1}).fit(X, Y)


@pytest.mark.parametrize("value", TRIED.values(), ids=TRIED)
def test_an_entry_of_hidden_layer_sizes(value):
    for sizes in ((value,), [3, value], np.array([3, value], dtype=object)):
        with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0 and whole numbers"):
            ScratchMLPClassifier(hidden_layer_sizes=sizes).fit(X, Y)


def test_hidden_layer_sizes_as_an_array():
    model = ScratchMLPClassifier(hidden_layer_sizes=np.array([3, 2]), max_iter=2).fit(X, Y)
    assert [W.shape for W in model.coefs_] == [(3, 3), (3, 2), (2, 1)]


@pytest.mark.parametrize("value", [
    pytest.param(value, id=name)
    for name, value in TRIED.items()
])  # fmt: skip
def test_an_entry_of_dropout(value):
    model = ScratchMLPClassifier(hidden_layer_sizes=(3, 2), dropout=[0.1, value], max_iter=2)
    if value == 0:
        assert model.fit(X, Y).n_iter_ == 2
    else:
        with pytest.raises(ValueError, match="dropout"):
            model.fit(X, Y)


CHOICES = ("activation", "solver", "learning_rate", "loss", "init", "normalization", "class_weight", "scoring")


@pytest.mark.parametrize("value", ["nonsense", 2.5, np.nan, True, b"adam", object()], ids=name_of)
@pytest.mark.parametrize("name", CHOICES)
def test_a_parameter_that_takes_names(name, value):
    model = ScratchMLPClassifier(hidden_layer_sizes=4, max_iter=3, **{name: value})
    with pytest.raises(ValueError, match=f"The '{name}' parameter of ScratchMLPClassifier must be"):
        model.fit(X, Y)


@pytest.mark.parametrize("entry", ["nonsense", 2.5, None])
def test_an_entry_of_activation(entry):
    with pytest.raises(ValueError, match="activation="):
        ScratchMLPClassifier(hidden_layer_sizes=(3, 2), activation=["relu", entry]).fit(X, Y)


def test_an_unknown_name_is_answered_with_the_choices():
    with pytest.raises(ValueError, match=r"activation='rleu' is unknown; choose one of .*'relu', "):
        ScratchMLPClassifier(hidden_layer_sizes=(3,), activation=["rleu"]).fit(X, Y)
    with pytest.raises(ValueError, match=r"optimizer='adan' is unknown; choose one of 'sgd', .*'adamw'"):
        ScratchMLPClassifier(solver=GradientDescent("adan")).fit(X, Y)


def test_partial_fit_checks_parameters_too():
    model = ScratchMLPClassifier(hidden_layer_sizes=(3,)).partial_fit(X, Y, classes=[0, 1])
    for name, value in (("alpha", -1), ("learning_rate_init", 0), ("momentum", True), ("l1_ratio", 2.5)):
        solver = "sgd" if name == "momentum" else "adam"
        with pytest.raises(ValueError, match=name.removesuffix("_init")):
            clone(model).set_params(solver=solver, **{name: value}).partial_fit(X, Y, classes=[0, 1])
        with pytest.raises(ValueError, match=name.removesuffix("_init")):
            model.set_params(solver=solver, **{name: value}).partial_fit(X, Y)
        model.set_params(**ScratchMLPClassifier(hidden_layer_sizes=(3,)).get_params())


def dense(n_in=2, n_out=2):
    return Dense(n_in, n_out)


def scale(n=2, rate=1.0):
    return Scale(n, rate)


# The objects below the estimators. None stands for scipy's default, or for not doing it.

GD_TAKEN = {
    "learning_rate": NUMBER,
    "batch_size": {"None": "all rows"},
    "shuffle": {"True": "on"},
    "max_iter": {},
    "tol": NUMBER | {"0": "any improvement counts", "None": "run all epochs"},
    "n_iter_no_change": {"inf": "never stop early"},
    "clip_norm": NUMBER | {"None": "no clipping"},
    "ema": ZERO | {"None": "no average"},
}
SCIPY_TAKEN = {
    "max_iter": {"None": "scipy's default"},
    "tol": NUMBER | {"0": "as far as it goes", "None": "scipy's default"},
}
OPTIMIZERS_TAKEN = {
    (SGD, "momentum"): ZERO,
    (Adagrad, "epsilon"): NUMBER,
    (RMSprop, "rho"): ZERO,
    (RMSprop, "epsilon"): NUMBER,
    (Adam, "beta_1"): ZERO,
    (Adam, "beta_2"): ZERO,
    (Adam, "epsilon"): NUMBER,
    (AdamW, "beta_1"): ZERO,
    (AdamW, "beta_2"): ZERO,
    (AdamW, "epsilon"): NUMBER,
    (AdamW, "weight_decay"): NUMBER | ZERO,
}
SCHEDULES_TAKEN = {
    (Constant, "learning_rate"): NUMBER,
    (InverseScaling, "learning_rate"): NUMBER,
    (InverseScaling, "power_t"): NUMBER | ZERO,
    (InverseScaling, "n_samples"): NUMBER | ZERO | {"None": "the solver counts"},
    (TimeDecay, "learning_rate"): NUMBER,
    (TimeDecay, "decay"): NUMBER | ZERO,
    (StepDecay, "learning_rate"): NUMBER,
    (StepDecay, "decay"): ZERO,
    (StepDecay, "every"): {},
    (Exponential, "learning_rate"): NUMBER,
    (Exponential, "decay"): ZERO,
    (Cosine, "learning_rate"): NUMBER,
    (Cosine, "max_iter"): {},
    (Cosine, "warm_up"): ZERO,
    (FlatCosine, "learning_rate"): NUMBER,
    (FlatCosine, "max_iter"): {},
    (FlatCosine, "flat"): ZERO,
    (Adaptive, "learning_rate"): NUMBER,
    (Adaptive, "tol"): NUMBER | ZERO,
    (Adaptive, "n_iter_no_change"): {"inf": "no stall ever"},
}
LAYERS_TAKEN = {
    (dense, "n_in"): {},
    (dense, "n_out"): {},
    (Dropout, "p"): {"0": "nothing dropped"},
    (scale, "n"): {},
    (scale, "rate"): NUMBER,
    (BatchNorm, "n"): {},
    (LayerNorm, "n"): {},
}
LOSSES_TAKEN = {(Huber, "delta"): NUMBER, (Quantile, "quantile"): {}}
OBJECTIVE_TAKEN = {"alpha": NUMBER | ZERO, "l1_ratio": ZERO}

NETWORK = Network([Dense(3, 2)])
START = NETWORK.init(np.random.RandomState(0))


def objective(**parameters):
    return Objective(NETWORK, "categorical_cross_entropy", X, Y, **parameters)


def check(run, name, taken):
    if taken:
        assert run() is not None
    else:
        with pytest.raises(ValueError, match=f"^{name}="):
            run()


@pytest.mark.parametrize("name, value, taken", rows(GD_TAKEN))
def test_a_parameter_of_gradient_descent(name, value, taken):
    solver = GradientDescent(**{"max_iter": 3} | {name: value})
    check(lambda: solver.minimize(objective(), START), name, taken)
    check(lambda: ScratchMLPClassifier(hidden_layer_sizes=4, solver=solver).fit(X, Y), name, taken)


@pytest.mark.parametrize("name, value, taken", rows(SCIPY_TAKEN))
@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG"])
def test_a_parameter_of_scipy_minimize(method, name, value, taken):
    solver = ScipyMinimize(method, **{name: value})
    check(lambda: solver.minimize(objective(), START), name, taken)
    check(lambda: ScratchMLPClassifier(hidden_layer_sizes=4, solver=solver).fit(X, Y), name, taken)


@pytest.mark.parametrize("optimizer, name, value, taken", rows(OPTIMIZERS_TAKEN))
def test_a_parameter_of_an_optimizer(optimizer, name, value, taken):
    solver = GradientDescent(optimizer(**{name: value}), max_iter=3)
    check(lambda: solver.minimize(objective(), START), name, taken)
    check(lambda: ScratchMLPClassifier(hidden_layer_sizes=4, solver=solver).fit(X, Y), name, taken)


@pytest.mark.parametrize("schedule, name, value, taken", rows(SCHEDULES_TAKEN))
def test_a_parameter_of_a_schedule(schedule, name, value, taken):
    made = schedule(**{name: value})
    check(lambda: GradientDescent(learning_rate=made, max_iter=3).minimize(objective(), START), name, taken)
    model = ScratchMLPClassifier(hidden_layer_sizes=4, learning_rate=made, max_iter=3)
    check(lambda: model.fit(X, Y), name, taken)


@pytest.mark.parametrize("layer, name, value, taken", rows(LAYERS_TAKEN))
def test_a_parameter_of_a_layer(layer, name, value, taken):
    """A layer is a frozen description, not an estimator: it is checked where it is made."""
    check(lambda: layer(**{name: value}), name, taken)


@pytest.mark.parametrize("loss, name, value, taken", rows(LOSSES_TAKEN))
def test_a_parameter_of_a_loss(loss, name, value, taken):
    made = loss(**{name: value})
    check(lambda: Objective(Network([Dense(3, 1)]), made, X, X[:, 0]), name, taken)
    check(lambda: ScratchMLPRegressor(made, hidden_layer_sizes=4, max_iter=3).fit(X, X[:, 0]), name, taken)


@pytest.mark.parametrize("name, value, taken", rows(OBJECTIVE_TAKEN))
def test_a_parameter_of_an_objective(name, value, taken):
    check(lambda: objective(**{name: value}), name, taken)


@pytest.mark.parametrize("value", [
    pytest.param(value, id=name)
    for name, value in TRIED.items()
])  # fmt: skip
def test_an_unknown_link(value):
    with pytest.raises(ValueError, match="link="):
        ScratchMLPRegressor(SquaredError(link=value), hidden_layer_sizes=4).fit(X, X[:, 0])


@pytest.mark.parametrize("make", [
    lambda given: SGD(nesterov=given), lambda given: RMSprop(centered=given),
], ids=["nesterov", "centered"])  # fmt: skip
def test_a_switch_of_an_optimizer(make):
    with pytest.raises(ValueError, match=r"nesterov|centered"):
        GradientDescent(make("no"), max_iter=3).minimize(objective(), START)


def test_cosine_has_less_warm_up_than_epochs():
    with pytest.raises(ValueError, match="warm_up=5 must be a whole number of at least 0 and below 5"):
        GradientDescent(learning_rate=Cosine(0.1, max_iter=5, warm_up=5)).minimize(objective(), START)


@pytest.mark.parametrize("optimizer", [None, 3, Adam, object()], ids=name_of)
def test_an_optimizer_needs_its_methods(optimizer):
    with pytest.raises(ValueError, match=r"optimizer=.* needs a method update\(\): pass one of 'sgd'"):
        GradientDescent(optimizer).minimize(objective(), START)


@pytest.mark.parametrize("loss", [None, 3, Huber, object()], ids=name_of)
def test_a_loss_needs_its_methods(loss):
    with pytest.raises(ValueError, match=r"loss=.* needs a method value_and_grad\(\)"):
        Objective(NETWORK, loss, X, Y)
