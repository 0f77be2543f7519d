"""Training: all members advance by an epoch, are measured together, and the best epoch of them all is kept."""

import math
import time

import numpy as np
from joblib import effective_n_jobs
from sklearn.exceptions import ConvergenceWarning

from .._columns import Column, Integers
from .._parallel import map_threads
from ..calibration import calibrated_loss
from ..history import Seconds
from ..stopping import INTERRUPT_MESSAGE, DivergenceError, DivergenceGuard, InterruptedFit

COLUMNS = {"epoch": Integers, "loss": Column, "val_score": Column, "learning_rate": Column, "seconds": Seconds}


class Judge:
    """The rows that members have not learned from, on which they are measured together.

    Each row is judged by the member that left it out, so that together they judge more rows than any could alone.

    Parameters
    ----------
    loss : Loss
        The loss.
    shares : list of Share
        The rows of each member.
    calibrated : bool
        Whether the loss is the log loss after the best temperature.
    """

    def __init__(self, loss, shares, calibrated):
        self.loss, self.calibrated = loss, calibrated
        self.columns = np.concatenate([share.columns[share.index] for share in shares]).astype(np.float64)
        self.weight, self.total = None, len(self.columns)
        if shares[0].weight is not None:
            self.weight = np.concatenate([share.weight[share.index] for share in shares])
            self.total = float(self.weight.sum(dtype=np.float64))
        constant = None if calibrated else loss.best_constant(self.columns, self.weight)
        self.of_constant = None
        if constant is not None:
            self.of_constant = self._mean_loss(np.broadcast_to(constant, self.columns.shape))

    def measure(self, raws):
        """Measure the members' raw predictions.

        Parameters
        ----------
        raws : list of ndarray
            Of each member, on its rows.

        Returns
        -------
        loss, score, temperature : float
        """
        raw = np.concatenate(raws)
        if self.calibrated:
            logistic = self.loss.out_activation == "logistic"
            loss, temperature = calibrated_loss(self.columns, raw, self.weight, logistic=logistic)
            return loss, -loss, temperature
        if not np.isfinite(raw).all():
            return math.nan, math.nan, 1.0
        loss = self._mean_loss(raw.astype(np.float64))
        return loss, 1 - loss / self.of_constant if self.of_constant else -loss, 1.0

    def _mean_loss(self, raw):
        return float(self.loss.value_and_grad(self.columns, raw, self.weight)[0]) / self.total


class Training:
    """One training run, and what has come of it so far.

    Parameters
    ----------
    members : list of Member
        The networks.
    judge : Judge
        Measures them together.
    n_epochs : int
        Length of the run.
    learning_rate : float
        Learning rate at its beginning.
    stopped : threading.Event
        Event that tells members in other threads to stop.

    Attributes
    ----------
    params : ndarray of shape (n_members, n_params)
        The members' moving averages after the best epoch.
    temperature : float
        The best one after that epoch; ``latest_temperature`` is that after the last.
    n_iter : int
        The best epoch, from 1; 0 before the first has ended.
    best_score : float
        Its score.
    history : dict of list
        One entry per epoch.
    notes : list of tuple
        Text and category of each warning.
    """

    def __init__(self, members, judge, n_epochs, learning_rate, stopped):
        self.members, self.judge, self.stopped = members, judge, stopped
        self.n_epochs, self.learning_rate = n_epochs, learning_rate
        self.params, self.temperature, self.n_iter, self.best_score = self.averages(), 1.0, 0, math.nan
        self.least, self.latest_temperature = math.inf, 1.0
        self.history = {name: column() for name, column in COLUMNS.items()}
        self.notes = []
        self.guard = DivergenceGuard(max(member.limit() for member in members))

    def averages(self):
        """Return the members' moving averages as they are now."""
        return np.stack([member.params for member in self.members])

    def run(self, n_jobs, verbose, listener):
        """Train to the end, or until the user, a listener or a divergence stops it.

        Parameters
        ----------
        n_jobs : int or None
            Number of threads, as in joblib.
        verbose : bool or int
            Whether to print each epoch.
        listener : callable or None
            ``params -> stop``, called after each epoch.
        """
        start = time.perf_counter()
        try:
            for _ in range(self.n_epochs):
                # One thread each for the linear algebra, with a single member too: its products are small.
                results = map_threads(
                    lambda member: member.epoch(), self.members, effective_n_jobs(n_jobs), self.stopped.set
                )
                self._record(*zip(*results, strict=True), time.perf_counter() - start)
                if verbose:
                    self._print()
                if listener is not None and listener(self.averages()):
                    break
        except KeyboardInterrupt:
            self.notes.append((INTERRUPT_MESSAGE, InterruptedFit))
            if not self.n_iter:
                self.params = self.averages()
        except DivergenceError as error:
            when = f"in epoch {len(self.history['epoch']) + 1} of {self.n_epochs}"
            text = f"Training diverged {when}: lower learning_rate_init={self.learning_rate:g}."
            if not self.n_iter:
                raise DivergenceError(text) from error
            self.notes.append((f"{text} The best weights so far are kept.", ConvergenceWarning))

    def _record(self, losses, rates, raws, seconds):
        epoch, rate = len(self.history["epoch"]) + 1, rates[0]
        for loss in losses:
            self.guard.check(loss, epoch, rate)
        loss, score, self.latest_temperature = self.judge.measure(raws)
        if not math.isfinite(loss):
            raise DivergenceError
        row = epoch, float(np.mean(losses)), score, rate, seconds
        for column, value in zip(self.history.values(), row, strict=True):
            column.append(value)
        if loss < self.least:
            self.least, self.best_score, self.n_iter = loss, score, epoch
            self.params, self.temperature = self.averages(), self.latest_temperature

    def _print(self):
        epoch, loss, score = (self.history[name][-1] for name in ("epoch", "loss", "val_score"))
        print(f"Epoch {epoch}/{self.n_epochs}, loss = {loss:.6f}, validation score = {score:.6f}")
