r"""Schedules: the learning rate as a pure function of what has happened so far.

A schedule is any callable ``(epoch, losses) -> learning rate``: ``epoch`` counts finished epochs from 0, ``losses``
lists what was watched in each of them: the training loss or, with early stopping, minus the validation score. It keeps
no state, so training can stop, be saved, and go on as if nothing had happened.

Examples
--------
>>> from skmlp_scratch.schedules import TimeDecay
>>> schedule = TimeDecay(learning_rate=0.1, decay=1.0)
>>> [schedule(epoch, []) for epoch in (0, 1, 3)]
[0.1, 0.05, 0.025]
"""

import math

import numpy as np
from sklearn.base import BaseEstimator

from ._checks import check_number


class Patience:
    """Count epochs without improvement as scikit-learn does.

    An epoch is bad if the watched figure is above the best so far less ``tol``. More than ``n_iter_no_change``
    bad ones in a row are a stall, that is ``n_iter_no_change + 1``.

    Parameters
    ----------
    tol : float
        The least improvement that counts.
    n_iter_no_change : int or inf
        How many bad epochs in a row are borne.

    Examples
    --------
    >>> patience = Patience(tol=0.0, n_iter_no_change=1)
    >>> [patience.stalls(loss) for loss in (1.0, 1.0, 0.5, 0.6, 0.7, 0.8)]
    [False, False, False, False, True, False]
    """

    def __init__(self, tol, n_iter_no_change):
        self.tol, self.n_iter_no_change = tol, n_iter_no_change
        self.best, self.bad = math.inf, 0

    def stalls(self, watched):
        """Take the next figure (smaller is better, nan is never bad); return whether it completes a stall.

        Parameters
        ----------
        watched : float
            The epoch's figure.

        Returns
        -------
        bool
        """
        self.bad = self.bad + 1 if watched > self.best - self.tol else 0
        self.best = min(self.best, watched)
        if self.bad > self.n_iter_no_change:
            self.bad = 0
            return True
        return False


class _Schedule(BaseEstimator):
    """What the schedules share."""

    def check(self):
        """Raise a ValueError that names a parameter out of range; a solver asks once, before the first epoch."""
        check_number("learning_rate", self.learning_rate, low=0, open_low=True)


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
        return self.learning_rate


class InverseScaling(_Schedule):
    """``learning_rate / (t + 1)**power_t`` after t training samples, scikit-learn's ``invscaling``.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0: the rate of the first epoch.
    power_t : float, default=0.5
        The exponent, at least 0.
    n_samples : float, default=1
        Samples an epoch, so that ``t = epoch * n_samples``; the estimators fill it in.

    Examples
    --------
    >>> InverseScaling(1.0, power_t=0.5, n_samples=3)(1, [])
    0.5
    """

    def __init__(self, learning_rate=0.001, power_t=0.5, n_samples=1):
        self.learning_rate, self.power_t, self.n_samples = learning_rate, power_t, n_samples

    def check(self):
        """As :meth:`Constant.check`."""
        super().check()
        check_number("power_t", self.power_t, low=0)
        check_number("n_samples", self.n_samples, low=0)

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        return float(self.learning_rate) / (epoch * self.n_samples + 1) ** self.power_t


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

    def __init__(self, learning_rate=0.001, decay=0.0):
        self.learning_rate, self.decay = learning_rate, decay

    def check(self):
        """As :meth:`Constant.check`."""
        super().check()
        check_number("decay", self.decay, low=0)

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        return self.learning_rate / (1 + self.decay * epoch)


class StepDecay(_Schedule):
    """``learning_rate * (1 - decay)`` once every ``every`` epochs.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0.
    decay : float, default=0.5
        Share lost at each step, in [0, 1).
    every : int, default=10
        Epochs a step.

    Examples
    --------
    >>> [StepDecay(1.0, decay=0.5, every=2)(epoch, []) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, learning_rate=0.001, decay=0.5, every=10):
        self.learning_rate, self.decay, self.every = learning_rate, decay, every

    def check(self):
        """As :meth:`Constant.check`."""
        super().check()
        check_number("decay", self.decay, low=0, high=1, open_high=True)
        check_number("every", self.every, low=1, integer=True)

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        return self.learning_rate * (1 - self.decay) ** (epoch // self.every)


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

    def __init__(self, learning_rate=0.001, decay=0.01):
        self.learning_rate, self.decay = learning_rate, decay

    def check(self):
        """As :meth:`Constant.check`."""
        super().check()
        check_number("decay", self.decay, low=0, high=1, open_high=True)

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        return self.learning_rate * (1 - self.decay) ** epoch


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

    def __init__(self, learning_rate=0.001, max_iter=200, warm_up=0):
        self.learning_rate, self.max_iter, self.warm_up = learning_rate, max_iter, warm_up

    def check(self):
        """As :meth:`Constant.check`."""
        super().check()
        check_number("max_iter", self.max_iter, low=1, integer=True)
        check_number("warm_up", self.warm_up, low=0, high=self.max_iter, open_high=True, integer=True)

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        if epoch < self.warm_up:
            return self.learning_rate * (epoch + 1) / (self.warm_up + 1)
        done = min(1.0, (epoch - self.warm_up) / (self.max_iter - self.warm_up))
        return self.learning_rate / 2 * (1 + math.cos(math.pi * done))


class Adaptive(_Schedule):
    """Divide the learning rate by 5 at every stall, scikit-learn's ``adaptive``.

    A stall is ``n_iter_no_change + 1`` epochs in a row that do not improve the watched figure by ``tol`` (see
    :class:`Patience`). A solver goes on through stalls until the rate is at most ``min_learning_rate``.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Above 0.
    tol : float, default=1e-4
        The least improvement that counts, at least 0.
    n_iter_no_change : int or inf, default=10
        Bad epochs in a row that are borne, at least 1.

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

    def __init__(self, learning_rate=0.001, tol=1e-4, n_iter_no_change=10):
        self.learning_rate, self.tol, self.n_iter_no_change = learning_rate, tol, n_iter_no_change

    def check(self):
        """As :meth:`Constant.check`."""
        super().check()
        check_number("tol", self.tol, low=0)
        if self.n_iter_no_change != math.inf:
            check_number("n_iter_no_change", self.n_iter_no_change, low=1, integer=True)

    def __call__(self, epoch, losses):
        """Learning rate of this epoch."""
        rate = float(self.learning_rate)
        for _ in range(self._stalls(np.asarray(losses, dtype=float))):
            rate /= 5.0
        return rate

    def _stalls(self, losses):
        if len(losses) < 2 or self.n_iter_no_change == math.inf:
            return 0
        best = np.fmin.accumulate(losses)[:-1]
        good = np.flatnonzero(~(losses[1:] > best - self.tol))
        runs = np.diff(np.concatenate([[-1], good, [len(losses) - 1]])) - 1  # lengths of the runs of bad epochs
        return int((runs // (self.n_iter_no_change + 1)).sum())


SCHEDULES = {
    "constant": Constant,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
    "time_decay": TimeDecay,
    "step": StepDecay,
    "exponential": Exponential,
    "cosine": Cosine,
}
