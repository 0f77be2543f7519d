"""Plan: what the constructor's parameters say, as a network and a solver.

A plan is made of parameters and a few numbers, never of data. Each parameter object takes what it needs from the flat
parameters by its own parameters' names, so that a row in a table is all that a new one takes.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from numbers import Integral

import numpy as np

from .._checks import check_number
from ..initializers import auto_logistic
from ..layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from ..network import Network
from ..optimizers import OPTIMIZERS, SGD
from ..schedules import SCHEDULES
from ..solvers import SCIPY_METHODS, GradientDescent, ScipyMinimize

# Parameters of an object, where the flat one has another name.
RENAMED = {"nesterov": "nesterovs_momentum", "learning_rate": "learning_rate_init", "delta": "huber_delta"}
LOGISTIC = Activation("logistic")


@cache
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
                configured(rule_of(solver), flat),
                self.schedule,
                batch_size=self.batch_size(n_samples),
                shuffle=flat["shuffle"],
                max_iter=flat["max_iter"],
                tol=flat["tol"],
                n_iter_no_change=flat["n_iter_no_change"],
                clip_norm=flat["clip_norm"],
            )
        batch_size = getattr(solver, "batch_size", None)
        rows = min(batch_size, n_samples) if isinstance(batch_size, Integral) else n_samples
        if not self.network.is_rowwise and rows < 2:
            raise ValueError(
                f"normalization='batch' needs at least two rows per batch: batch_size is {rows}, n_samples="
                f"{n_samples}. Use a larger batch_size, or normalization='layer'."
            )
        return solver

    @property
    def schedule(self):
        """Learning-rate schedule; by name, "step" counts tenths of ``max_iter``, and the cosines end with this fit."""
        flat, schedule = self.flat, self.flat["learning_rate"]
        if callable(schedule):
            return schedule
        max_iter = flat["max_iter"]
        spans = {"every": max(1, max_iter // 10), "max_iter": max_iter + (0 if self.incremental else self.n_before)}
        return configured(SCHEDULES[schedule], flat | spans)


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


def rule_of(solver):
    """The class of the update rule that a solver's name stands for."""
    return SGD if solver == "gd" else OPTIMIZERS[solver]


def per_layer(value, sizes):
    """A list with one entry per hidden layer, of a single value or of a sequence."""
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        return list(value)
    return [value] * len(sizes)
