"""Constraints: what each parameter may be, in the form of scikit-learn's ``_parameter_constraints``."""

from numbers import Integral, Real

import numpy as np
from sklearn.metrics import get_scorer_names

from .._sklearn import HasMethods, Interval, Options, StrOptions, one_of
from ..activations import ACTIVATIONS
from ..initializers import INITIALIZERS
from ..schedules import SCHEDULES
from ..solvers import SCIPY_METHODS, SOLVERS

CONSTRAINTS = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [one_of(ACTIVATIONS.keys), callable, list, tuple],
    "solver": [one_of(lambda: SOLVERS), HasMethods("minimize")],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [one_of(SCHEDULES.keys), callable],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple, np.ndarray],
    "input_dropout": [Interval(Real, 0, 1, closed="left")],
    "normalization": [StrOptions({"batch", "layer"}), None],
    "init": [one_of(INITIALIZERS.keys), callable],
    "decay": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "scoring": [StrOptions({"loss"} | set(get_scorer_names())), callable, None],
}


def is_incremental(estimator):
    """Whether the solver can go on from its state, as partial_fit needs."""
    solver = estimator.solver
    if isinstance(solver, str):
        incremental = solver not in SCIPY_METHODS
    else:
        incremental = getattr(solver, "incremental", False)
    if incremental:
        return True
    raise AttributeError(f"partial_fit needs a gradient-descent solver; solver={solver!r} always runs a full fit.")
