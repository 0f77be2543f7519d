r"""Schedules: the learning rate as a pure function of what has happened so far.

A schedule is any callable ``(epoch, losses) -> learning rate``: ``epoch`` counts finished epochs from 0, ``losses``
lists the value that was watched in each of them: the training loss or, with early stopping, minus the validation
score. It keeps no state, so training can stop, be saved, and go on as if nothing had happened. One with ``per_step =
True`` is asked before each step, with the fraction of the epoch that is done added to ``epoch``.

Examples
--------
>>> from skmlp_scratch.schedules import TimeDecay
>>> schedule = TimeDecay(learning_rate=0.1, decay=1.0)
>>> [schedule(epoch, []) for epoch in (0, 1, 3)]
[0.1, 0.05, 0.025]
"""

import math
from typing import ClassVar

from sklearn.base import BaseEstimator

from ._checks import Checked, check_number
from .stopping import Watched

DIVISIONS = 1000  # by 5, after which any float is 0


class _Schedule(Checked, BaseEstimator):
    """What the schedules share; a solver calls ``check`` once, before the first epoch."""

    bounds: ClassVar[dict] = {"learning_rate": "(0, inf)"}


class Constant(_Schedule):
    """The same learning rate in every epoch.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0.

    Examples
    --------
    >>> Constant(0.1)(7, [])
    0.1
    """

    def __init__(self, learning_rate=0.001):
        self.learning_rate = learning_rate

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        return float(self.learning_rate)


class InverseScaling(_Schedule):
    """``learning_rate / (t + 1)**power_t`` after t training samples, scikit-learn's ``invscaling``.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0: the rate of the first epoch.
    power_t : float, default=0.5
        The exponent, at least 0.
    n_samples : float or None, default=None
        Samples per epoch, so that ``t = epoch * n_samples``. None leaves the count to the solver, which knows the
        samples of all epochs so far; asked directly, the schedule then takes one per epoch.

    Examples
    --------
    >>> InverseScaling(1.0, power_t=0.5, n_samples=3)(1, [])
    0.5
    """

    bounds: ClassVar[dict] = _Schedule.bounds | {"power_t": "[0, inf)", "n_samples": "[0, inf) or None"}

    def __init__(self, learning_rate=0.001, power_t=0.5, n_samples=None):
        self.learning_rate, self.power_t, self.n_samples = learning_rate, power_t, n_samples

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        t = epoch * float(1 if self.n_samples is None else self.n_samples)
        try:
            return float(self.learning_rate) / (t + 1) ** float(self.power_t)
        except OverflowError:  # of the power: its reciprocal is 0
            return 0.0


class TimeDecay(_Schedule):
    """``learning_rate / (1 + decay * epoch)``: annealing in proportion to one over time.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0: the rate of the first epoch.
    decay : float, default=0.0
        At least 0.

    Examples
    --------
    >>> TimeDecay(1.0, decay=0.5)(2, [])
    0.5
    """

    bounds: ClassVar[dict] = _Schedule.bounds | {"decay": "[0, inf)"}

    def __init__(self, learning_rate=0.001, decay=0.0):
        self.learning_rate, self.decay = learning_rate, decay

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        return float(self.learning_rate) / (1 + float(self.decay) * epoch)


class StepDecay(_Schedule):
    """``learning_rate * (1 - decay)`` once every ``every`` epochs.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0.
    decay : float, default=0.5
        Share lost at each step, in [0, 1).
    every : int, default=10
        Epochs per step.

    Examples
    --------
    >>> [StepDecay(1.0, decay=0.5, every=2)(epoch, []) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    bounds: ClassVar[dict] = _Schedule.bounds | {"decay": "[0, 1)", "every": "int [1, inf)"}

    def __init__(self, learning_rate=0.001, decay=0.5, every=10):
        self.learning_rate, self.decay, self.every = learning_rate, decay, every

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        return float(self.learning_rate) * (1 - float(self.decay)) ** (epoch // int(self.every))


class Exponential(_Schedule):
    """``learning_rate * (1 - decay)**epoch``.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0.
    decay : float, default=0.01
        Share lost each epoch, in [0, 1).

    Examples
    --------
    >>> Exponential(1.0, decay=0.5)(3, [])
    0.125
    """

    bounds: ClassVar[dict] = _Schedule.bounds | {"decay": "[0, 1)"}

    def __init__(self, learning_rate=0.001, decay=0.01):
        self.learning_rate, self.decay = learning_rate, decay

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        return float(self.learning_rate) * (1 - float(self.decay)) ** epoch


class Cosine(_Schedule):
    """Half a cosine from ``learning_rate`` to 0 over ``max_iter`` epochs (Loshchilov & Hutter 2016, equation 5).

    ``learning_rate / 2 * (1 + cos(pi * epoch / max_iter))``; after an optional linear warm-up over the first
    ``warm_up`` epochs, from ``learning_rate / (warm_up + 1)``, over those that remain. It stays at 0 beyond
    ``max_iter``.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0.
    max_iter : int, default=200
        Epochs to reach 0.
    warm_up : int, default=0
        Epochs of warm-up, less than ``max_iter``.

    Examples
    --------
    >>> [round(Cosine(1.0, max_iter=4)(epoch, []), 3) for epoch in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    bounds: ClassVar[dict] = _Schedule.bounds | {"max_iter": "int [1, inf)"}

    def __init__(self, learning_rate=0.001, max_iter=200, warm_up=0):
        self.learning_rate, self.max_iter, self.warm_up = learning_rate, max_iter, warm_up

    def check(self) -> None:
        """Raise a ValueError that names a parameter out of its bounds."""
        super().check()
        check_number("warm_up", self.warm_up, low=0, high=self.max_iter, open_high=True, integer=True)

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        if epoch < self.warm_up:
            return float(self.learning_rate) * (epoch + 1) / (self.warm_up + 1)
        done = min(1.0, (epoch - self.warm_up) / (self.max_iter - self.warm_up))
        return float(self.learning_rate) / 2 * (1 + math.cos(math.pi * done))


class FlatCosine(_Schedule):
    """The same rate for a share of the epochs, then along half a cosine to 0 at ``max_iter``; it moves by step.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0.
    max_iter : int, default=200
        Epochs to reach 0.
    flat : float, default=0.5
        Share of the epochs before the descent, in [0, 1).

    Examples
    --------
    >>> [round(FlatCosine(1.0, max_iter=4)(epoch, []), 3) for epoch in (0, 2, 2.5, 3, 4)]
    [1.0, 1.0, 0.854, 0.5, 0.0]
    """

    per_step = True
    bounds: ClassVar[dict] = _Schedule.bounds | {"max_iter": "int [1, inf)", "flat": "[0, 1)"}

    def __init__(self, learning_rate=0.001, max_iter=200, flat=0.5):
        self.learning_rate, self.max_iter, self.flat = learning_rate, max_iter, flat

    def __call__(self, epoch, losses):
        """Learning rate at this epoch or fraction of one."""
        flat = float(self.flat)
        done = min(max((epoch / self.max_iter - flat) / (1 - flat), 0.0), 1.0)
        return float(self.learning_rate) / 2 * (1 + math.cos(math.pi * done))


class Adaptive(_Schedule):
    """Divide the learning rate by 5 at every stall, scikit-learn's ``adaptive``.

    A stall is ``n_iter_no_change + 1`` consecutive epochs that do not improve the watched value by ``tol`` (see
    :class:`~skmlp_scratch.stopping.Patience`). A solver goes on through stalls until the rate is at most
    ``min_learning_rate``.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0.
    tol : float, default=1e-4
        Smallest improvement that counts, at least 0.
    n_iter_no_change : int or inf, default=10
        Number of consecutive bad epochs to tolerate, at least 1.

    Attributes
    ----------
    min_learning_rate : float
        1e-6, scikit-learn's.

    Examples
    --------
    >>> schedule = Adaptive(1.0, n_iter_no_change=1)
    >>> schedule(2, [3.0, 3.0]), schedule(3, [3.0, 3.0, 3.0])
    (1.0, 0.2)
    """

    min_learning_rate = 1e-6

    bounds: ClassVar[dict] = _Schedule.bounds | {"tol": "[0, inf)", "n_iter_no_change": "int [1, inf]"}

    def __init__(self, learning_rate=0.001, tol=1e-4, n_iter_no_change=10):
        self.learning_rate, self.tol, self.n_iter_no_change = learning_rate, tol, n_iter_no_change

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        # A solver's own list counts on from the last epoch; of any other all values are counted.
        counted = losses if isinstance(losses, Watched) else Watched(losses)
        rate = float(self.learning_rate)
        for _ in range(min(counted.stalls(float(self.tol), self.n_iter_no_change), DIVISIONS)):
            rate /= 5.0
        return rate


SCHEDULES = {
    "constant": Constant,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
    "time_decay": TimeDecay,
    "step": StepDecay,
    "exponential": Exponential,
    "cosine": Cosine,
    "flat_cosine": FlatCosine,
}
