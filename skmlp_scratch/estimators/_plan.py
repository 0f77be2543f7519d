"""Plan: what the constructor's parameters say, as a network and a solver.

A plan is made of parameters and a few numbers, never of data. Each parameter object takes what it needs from the flat
parameters by its own parameters' names, so that a row in a table is all that a new one takes.
"""

from dataclasses import dataclass
from functools import cached_property
from numbers import Integral

import numpy as np

from .._checks import check_number
from .._sklearn import Interval
from ..initializers import auto_logistic
from ..layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from ..network import Network
from ..optimizers import OPTIMIZERS, SGD
from ..schedules import SCHEDULES
from ..solvers import SCIPY_METHODS, GradientDescent, ScipyMinimize
from ..stopping import too_large

# Parameters of an object, where the flat one has another name.
RENAMED = {"nesterov": "nesterovs_momentum", "learning_rate": "learning_rate_init", "delta": "huber_delta"}
LOGISTIC = Activation("logistic")
# What a solver may leave unused; the order of the rows and the validation set are not the solver's.
SOLVER_PARAMETERS = (
    *("batch_size", "learning_rate", "learning_rate_init", "power_t", "decay", "max_iter", "max_fun", "tol"),
    *("n_iter_no_change", "momentum", "nesterovs_momentum", "beta_1", "beta_2", "epsilon"),
)


def flat_names(cls):
    """Return the parameters of a class as names of the flat parameters."""
    return {name: RENAMED.get(name, name) for name in cls._get_param_names()}


def configured(cls, flat):
    """Return an object of a class, each of its parameters taken from the flat one of the same meaning.

    Parameters
    ----------
    cls : type
        An optimizer, a schedule or a loss.
    flat : dict
        The estimator's parameters.

    Returns
    -------
    object

    Examples
    --------
    >>> from skmlp_scratch.optimizers import SGD
    >>> configured(SGD, {"momentum": 0.5, "nesterovs_momentum": True, "alpha": 0.1})
    SGD(momentum=0.5, nesterov=True)
    """
    return cls(**{name: flat[source] for name, source in flat_names(cls).items() if source in flat})


@dataclass(frozen=True)
class Plan:
    """What to train and how.

    Attributes
    ----------
    flat : dict
        The estimator's parameters.
    n_in, n_out : int
        Features, and outputs of the network.
    n_before : int
        Epochs of the fits that this one continues.
    incremental : bool
        Whether this is a call of ``partial_fit``.
    """

    flat: dict
    n_in: int
    n_out: int
    n_before: int = 0
    incremental: bool = False

    @cached_property
    def network(self):
        """Description of the network."""
        flat, sizes = self.flat, hidden_sizes(self.flat)
        norm = {"batch": BatchNorm, "layer": LayerNorm}.get(flat["normalization"])
        layers = [Dropout(flat["input_dropout"])] if flat["input_dropout"] else []
        n_in = self.n_in
        each = zip(sizes, per_layer(flat["activation"], sizes), per_layer(flat["dropout"], sizes), strict=True)
        for n, activation, dropout in each:
            # A bias before batch normalization has no effect; it is kept so that intercepts_ keeps its shape.
            layers += [Dense(n_in, n), *([norm(n)] if norm else []), Activation(activation)]
            if check_number("dropout", dropout, low=0, high=1, open_high=True):
                layers.append(Dropout(dropout))
            n_in = n
        return Network([*layers, Dense(n_in, self.n_out)])

    @property
    def initializer(self):
        """What draws the initial weights; "auto" draws from scikit-learn's narrower range for logistic units."""
        used = per_layer(self.flat["activation"], hidden_sizes(self.flat)) or [self.flat["activation"]]
        if self.flat["init"] == "auto" and all(Activation(activation) == LOGISTIC for activation in used):
            return auto_logistic
        return self.flat["init"]

    def batch_size(self, n_samples):
        """Return the number of rows per step; None for all."""
        batch_size = self.flat["batch_size"]
        if self.flat["solver"] == "gd":
            return None
        return min(200 if batch_size == "auto" else batch_size, n_samples)

    def solver(self, n_samples):
        """Return the solver that a name stands for; an object is used as it is.

        Parameters
        ----------
        n_samples : int
            Number of training rows.

        Returns
        -------
        solver : object with ``minimize``
        """
        flat, solver = self.flat, self.flat["solver"]
        if not isinstance(solver, str):
            pass
        elif solver in SCIPY_METHODS:
            options = {"gtol": flat["tol"]} | ({"maxfun": flat["max_fun"]} if solver == "lbfgs" else {})
            solver = ScipyMinimize(SCIPY_METHODS[solver], max_iter=flat["max_iter"], options=options)
        else:
            solver = GradientDescent(
                configured(_rule(solver), flat),
                self.schedule,
                batch_size=self.batch_size(n_samples),
                shuffle=flat["shuffle"],
                max_iter=flat["max_iter"],
                tol=flat["tol"],
                n_iter_no_change=flat["n_iter_no_change"],
                clip_norm=flat["clip_norm"],
            )
        rows = min(getattr(solver, "batch_size", None) or n_samples, n_samples)
        if not self.network.is_rowwise and rows < 2:
            raise ValueError(
                f"normalization='batch' needs at least two rows per batch: batch_size is {rows}, n_samples="
                f"{n_samples}. Use a larger batch_size, or normalization='layer'."
            )
        return solver

    @property
    def schedule(self):
        """Learning-rate schedule; by name, "step" counts in tenths of ``max_iter`` and "cosine" ends with this fit."""
        flat, schedule = self.flat, self.flat["learning_rate"]
        if callable(schedule):
            return schedule
        max_iter = flat["max_iter"]
        spans = {"every": max(1, max_iter // 10), "max_iter": max_iter + (0 if self.incremental else self.n_before)}
        return configured(SCHEDULES[schedule], flat | spans)

    def notes(self, n_samples, defaults):
        """Return what the user should know about these parameters, as (text, category) pairs.

        Parameters
        ----------
        n_samples : int
            Number of training rows.
        defaults : dict
            Default of each flat parameter.

        Returns
        -------
        notes : list of tuple
        """
        flat, texts = self.flat, []
        used, solver = used_by_solver(flat), flat["solver"]
        for name in SOLVER_PARAMETERS:
            if name not in used and not _same(flat[name], defaults[name]):
                beside = "" if name != "decay" else f" and learning_rate={flat['learning_rate']!r}"
                texts.append(f"{name}={flat[name]!r} has no effect with solver={solver!r}{beside}.")
        if "decay" in used and flat["decay"] == 0:
            texts.append(f"learning_rate={flat['learning_rate']!r} is constant with decay=0: set decay.")
        if "batch_size" in used and flat["batch_size"] != "auto" and flat["batch_size"] > n_samples:
            texts.append(too_large(flat["batch_size"], n_samples))
        if self.incremental and flat["learning_rate"] == "cosine" and self.n_before >= flat["max_iter"]:
            texts.append(
                f"learning_rate='cosine' is 0 after max_iter={flat['max_iter']} epochs: partial_fit changes nothing "
                "more."
            )
        return [(text, UserWarning) for text in texts]


def used_by_solver(flat):
    """Return the names of the flat parameters that the solver makes use of."""
    solver, schedule = flat["solver"], flat["learning_rate"]
    stopping = {"tol", "n_iter_no_change"} if flat["early_stopping"] else set()
    if not isinstance(solver, str):
        return stopping
    if solver in SCIPY_METHODS:
        return stopping | {"max_iter", "tol"} | ({"max_fun"} if solver == "lbfgs" else set())
    used = {"max_iter", "tol", "n_iter_no_change", "learning_rate"} | ({"batch_size"} if solver != "gd" else set())
    used |= set(flat_names(_rule(solver)).values())
    return used if callable(schedule) else used | set(flat_names(SCHEDULES[schedule]).values())


def hidden_sizes(flat):
    """Return the units of each hidden layer as a list.

    Parameters
    ----------
    flat : dict
        The estimator's parameters.

    Returns
    -------
    sizes : list of int
    """
    sizes = flat["hidden_layer_sizes"]
    sizes = list(sizes) if np.iterable(sizes) else [sizes]
    if not all(isinstance(n, Integral) and not isinstance(n, (bool, np.bool_)) and n > 0 for n in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0 and whole numbers, got {flat['hidden_layer_sizes']!r}.")
    return [int(n) for n in sizes]


def check_each(flat, constraints, per_hidden_layer):
    """Raise a ValueError for truth values where numbers belong, classes, and sequences of the wrong length.

    Parameters
    ----------
    flat : dict
        The estimator's parameters.
    constraints : dict
        The estimator's ``_parameter_constraints``.
    per_hidden_layer : sequence of str
        Parameters that may have an entry per hidden layer.
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
    return "; ".join(changed)


def _anatomy(network):
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    norms = {type(layer).__name__ for layer in network.layers if isinstance(layer, (BatchNorm, LayerNorm))}
    return {
        "the number of features": network.n_in,
        "hidden_layer_sizes": tuple(layer.n_out for layer in dense[:-1]),
        "activation": [layer for layer in network.layers if isinstance(layer, Activation)],
        "normalization": "".join(norms) or None,
        "the number of outputs (columns of y)": network.n_out,
    }


def _rule(solver):
    """The class of the update rule that a solver's name stands for."""
    return SGD if solver == "gd" else OPTIMIZERS[solver]


def per_layer(value, sizes):
    """Return a list with one entry per hidden layer, of a single value or of a sequence."""
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        return list(value)
    return [value] * len(sizes)


def _same(value, default):
    try:
        return bool(value == default)
    except ValueError:  # arrays
        return False
