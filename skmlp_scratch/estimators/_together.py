"""Together: which parameters go together, which have no effect beside others, and which may change in between fits."""

import numpy as np

from .._sklearn import Interval
from ..layers import Activation, BatchNorm, Dense, LayerNorm
from ..schedules import SCHEDULES
from ..solvers import SCIPY_METHODS, ScipyMinimize
from ..stopping import too_large
from ._plan import flat_names, hidden_sizes, per_layer, rule_of

# What a solver may leave unused; the order of the rows and the validation set are not the solver's.
SOLVER_PARAMETERS = (
    *("batch_size", "learning_rate", "learning_rate_init", "power_t", "decay", "max_iter", "max_fun", "tol"),
    *("momentum", "nesterovs_momentum", "beta_1", "beta_2", "epsilon"),
)


def check_each(flat, constraints, per_hidden_layer):
    """Raise a ValueError for truth values where numbers belong, classes, and sequences of the wrong length.

    Parameters
    ----------
    flat : dict
        The estimator's parameters.
    constraints : dict
        The estimator's ``_parameter_constraints``.
    per_hidden_layer : sequence of str
        Parameters that may have one entry per hidden layer.
    """
    for name, value in flat.items():
        if isinstance(value, (bool, np.bool_)) and any(isinstance(c, Interval) for c in constraints[name]):
            raise ValueError(f"{name}={value} must be a number, not a truth value.")
        if isinstance(value, type):
            raise ValueError(f"{name} is the class {value.__name__}: give an object, such as {value.__name__}().")
    sizes = hidden_sizes(flat)
    for name in per_hidden_layer:
        if len(per_layer(flat[name], sizes)) != len(sizes):
            raise ValueError(
                f"{name} has {len(flat[name])} entries for {len(sizes)} hidden layers: give one per layer."
            )


def check_together(flat, constraints):
    """Raise a ValueError for parameters that do not go together, which ``_parameter_constraints`` cannot express.

    Parameters
    ----------
    flat : dict
        The estimator's parameters.
    constraints : dict
        The estimator's ``_parameter_constraints``.
    """
    check_each(flat, constraints, per_hidden_layer=("activation", "dropout"))
    sizes = hidden_sizes(flat)
    if flat["normalization"] == "layer" and 1 in sizes:
        raise ValueError(
            "normalization='layer' makes a constant of a hidden layer of one unit: hidden_layer_sizes="
            f"{flat['hidden_layer_sizes']!r} must be at least 2 each, or normalization='batch'."
        )
    solver = flat["solver"]
    by_scipy = solver in SCIPY_METHODS if isinstance(solver, str) else isinstance(solver, ScipyMinimize)
    if by_scipy and (np.any(np.asarray(flat["dropout"]) != 0) or flat["input_dropout"]):
        raise ValueError(
            f"solver={solver!r} needs a deterministic objective, and dropout={flat['dropout']!r}, input_dropout="
            f"{flat['input_dropout']!r} make it stochastic: set both to 0 or use a solver such as 'adam'."
        )
    if flat["clip_norm"] is not None and (by_scipy or not isinstance(solver, str)):
        raise ValueError(
            f"clip_norm={flat['clip_norm']!r} does not reach solver={solver!r}: scipy's methods clip nothing, "
            "and GradientDescent objects take a clip_norm of their own."
        )


def differences(old, new):
    """Say in which ways two networks differ, but for dropout, which a continued fit may change.

    Parameters
    ----------
    old, new : Network
        Descriptions.

    Returns
    -------
    text : str
        Empty where the same weights fit both.
    """
    before, now = (_anatomy(network) for network in (old, new))
    changed = [f"{part} was {before[part]!r} and is {now[part]!r}" for part in before if before[part] != now[part]]
    if old.n_out != new.n_out:
        changed.append(f"y has {new.n_out} columns for a network with {old.n_out} outputs")
    return "; ".join(changed)


def _anatomy(network):
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    norms = {type(layer).__name__ for layer in network.layers if isinstance(layer, (BatchNorm, LayerNorm))}
    return {
        "the number of features": network.n_in,
        "hidden_layer_sizes": tuple(layer.n_out for layer in dense[:-1]),
        "activation": [layer for layer in network.layers if isinstance(layer, Activation)],
        "normalization": "".join(norms) or None,
    }


def notes_on(plan, n_samples, defaults):
    """Return what the user should know about these parameters, as (text, category) pairs.

    Parameters
    ----------
    plan : Plan
        What the parameters say.
    n_samples : int
        Number of training rows.
    defaults : dict
        Default of each flat parameter.

    Returns
    -------
    notes : list of tuple
    """
    flat, texts = plan.flat, []
    used, solver = used_by_solver(flat), flat["solver"]
    if plan.incremental:
        used |= set(SOLVER_PARAMETERS) if plan.n_before else {"max_iter", "tol"}  # said once, in the first call
    for name in SOLVER_PARAMETERS:
        if name not in used and not _same(flat[name], defaults[name]):
            beside = "" if name != "decay" else f" and learning_rate={flat['learning_rate']!r}"
            texts.append(f"{name}={flat[name]!r} has no effect with solver={solver!r}{beside}.")
    if "decay" in used_by_solver(flat) and flat["decay"] == 0 and not plan.n_before:
        texts.append(f"learning_rate={flat['learning_rate']!r} is constant with decay=0: set decay.")
    if "batch_size" in used and flat["batch_size"] != "auto" and flat["batch_size"] > n_samples:
        texts.append(too_large(flat["batch_size"], n_samples))
    schedule = flat["learning_rate"]
    if plan.incremental and schedule in ("cosine", "flat_cosine") and plan.n_before >= flat["max_iter"]:
        texts.append(
            f"learning_rate={schedule!r} is 0 after max_iter={flat['max_iter']} epochs: partial_fit changes "
            "nothing more."
        )
    return [(text, UserWarning) for text in texts]


def used_by_solver(flat):
    """Return the names of the flat parameters that the solver makes use of."""
    solver, schedule = flat["solver"], flat["learning_rate"]
    stopping = {"tol"} if flat["early_stopping"] else set()
    if not isinstance(solver, str):
        return stopping
    if solver in SCIPY_METHODS:
        return stopping | {"max_iter", "tol"} | ({"max_fun"} if solver == "lbfgs" else set())
    used = {"max_iter", "tol", "learning_rate"} | ({"batch_size"} if solver != "gd" else set())
    used |= set(flat_names(rule_of(solver)).values())
    return used if callable(schedule) else used | set(flat_names(SCHEDULES[schedule]).values())


def _same(value, default):
    try:
        return bool(value == default)
    except ValueError:  # arrays
        return False


def check_nested(model, params):
    """Raise an error if ``set_params`` is given a parameter of something that is a name: names have none."""
    for key in params:
        *path, _ = key.split("__")
        value = model
        for depth, name in enumerate(path, 1):
            value = params.get("__".join(path[:depth]), getattr(value, name, None))
            if isinstance(value, str):
                raise ValueError(
                    f"{key}: {name}={value!r} is a name and has no parameters: pass an object, such as "
                    "solver=GradientDescent(Adam(), learning_rate=0.01), or set the flat parameters."
                )
