r"""History: what happens once per epoch, the same for every solver.

The monitor is the callback that the estimators give to ``minimize``. It records the epoch, measures the validation
set, keeps a copy of the best parameters, stops when there is no progress, finds divergence, prints, and tells
listeners.
"""

import math
import time

import numpy as np

from ._columns import Column, Integers
from .stopping import DivergenceGuard


class Seconds(Column):
    """Seconds since training began, which a pickle leaves out, so that equal fits have equal pickles.

    Parameters
    ----------
    iterable : iterable of float, default=()
        The entries.

    Examples
    --------
    >>> import pickle
    >>> pickle.loads(pickle.dumps(Seconds([0.25])))
    [nan]
    """

    def __reduce_ex__(self, protocol):
        return _unknown, (len(self),)


def _unknown(n):
    return Seconds([math.nan] * n)


COLUMNS = ("epoch", "loss", "val_loss", "val_score", "learning_rate", "grad_norm", "seconds")


class History(dict):
    """One list per quantity, with one entry per epoch; all lists are equally long.

    Examples
    --------
    >>> history, more = History(), History()
    >>> more.append((1, 0.5, float("nan"), float("nan"), 0.1, 2.0, 0.01))
    >>> history.extend(more)
    >>> history["loss"], history["learning_rate"]
    ([0.5], [0.1])
    """

    def __init__(self):
        kinds = {"epoch": Integers, "seconds": Seconds}
        super().__init__((name, kinds.get(name, Column)()) for name in COLUMNS)

    def append(self, row):
        """Append an epoch.

        Parameters
        ----------
        row : tuple
            One number for each of ``COLUMNS``, in their order.
        """
        self._add(list.append, row)

    def extend(self, other):
        """Append the epochs of another history, at a cost that does not depend on what is there already.

        Parameters
        ----------
        other : History
            Later epochs.
        """
        self._add(list.extend, other.values())

    def _add(self, method, parts):
        """Change all columns or, where that is interrupted, none."""
        before = len(self["epoch"])
        try:
            for column, part in zip(self.values(), parts, strict=True):
                method(column, part)
        except BaseException:
            for column in self.values():
                del column[before:]
            raise

    def __reduce__(self):
        return _restore, tuple(self.values())

    def copy(self):
        """Copy the history.

        Returns
        -------
        copy : History
            The same entries in lists of its own.
        """
        return _restore(*self.values())

    def __deepcopy__(self, memo):
        return self.copy()


def _restore(*columns):
    history = History()
    history._add(list.extend, columns)
    return history


class Monitor:
    """Callback of a training run.

    Parameters
    ----------
    objective : Objective
        The objective; asked for the loss where a solver's callback has only the parameters.
    validate : callable or None, default=None
        ``params -> (loss, score)`` on the validation set.
    patience : Patience or None, default=None
        Rule by which training stops when the validation score stalls; the best parameters are then kept.
    guard : DivergenceGuard or None, default=None
        Which losses have diverged; None finds only those that are not finite.
    verbose : bool or int, default=False
        Whether to print each epoch.
    listener : callable or None, default=None
        ``listener(params) -> stop``, called after each epoch.
    epochs_before : int, default=0
        Epochs before this run, in the numbering.
    seconds_before : float, default=0.0
        Seconds of training before this run.
    max_epochs : int or None, default=None
        Number of epochs after which to stop; None leaves that to the solver.
    best : (float, ndarray) or None, default=None
        Best score and parameters of earlier runs on the same validation set.

    Attributes
    ----------
    history : History
        The epochs of this run.
    params : ndarray or None
        The parameters after the last epoch: the solver's own array.
    best_params : ndarray or None
        A copy of the parameters after the epoch with the best score.
    best_score : float
        The best validation score of this run.
    has_stalled : bool
        Whether the validation score's stall has ended the run.
    warnings : list of (str, type)
        Text and category of the solver's warnings.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.optimize import OptimizeResult
    >>> monitor = Monitor(objective=None)
    >>> monitor(OptimizeResult(x=np.zeros(1), fun=0.5, nit=1))
    >>> monitor.history["loss"]
    [0.5]
    """

    def __init__(
        self,
        objective,
        *,
        validate=None,
        patience=None,
        guard=None,
        verbose=False,
        listener=None,
        epochs_before=0,
        seconds_before=0.0,
        max_epochs=None,
        best=None,
    ):
        self.objective, self.validate, self.patience = objective, validate, patience
        self.guard = DivergenceGuard() if guard is None else guard
        self.verbose, self.listener, self.max_epochs = verbose, listener, max_epochs
        self.epochs_before, self.seconds_before = epochs_before, seconds_before
        self.history, self.warnings = History(), []
        self.params, self._best, self.has_stalled = None, best or (-math.inf, None), False
        self._start = time.perf_counter()

    @property
    def epochs(self):
        """Number of epochs of this run that are in the history."""
        return len(self.history["seconds"])

    @property
    def best_score(self):
        """The best validation score of this run."""
        return self._best[0]

    @property
    def best_params(self):
        """A copy of the parameters after the epoch with the best score."""
        return self._best[1]

    def warn(self, text, category):
        """Collect a warning, for whoever knows the user's line.

        Parameters
        ----------
        text : str
            The warning.
        category : type
            Its class.
        """
        self.warnings.append((text, category))

    def __call__(self, intermediate_result):
        """Take an OptimizeResult, or a bare parameter vector, after an epoch.

        Returns
        -------
        watched : float or None
            The value to watch in place of the loss: minus the validation score, if that decides when to stop.

        Raises
        ------
        StopIteration
            If training is to end; its value is the one to watch.
        DivergenceError
            If the loss has diverged.
        ValueError
            If the first validation score is not finite, but is to decide when to stop.
        """
        step = intermediate_result
        if isinstance(step, np.ndarray):
            params = step.astype(self.objective.dtype)
            step = {"x": step, "fun": self.objective.loss_and_grad(params, rng=np.random.RandomState(0))[0]}
        loss, rate = float(step["fun"]), step.get("learning_rate", math.nan)
        self.guard.check(loss, self.epochs + 1, rate)
        self.params = step["x"]
        val_loss, score = self.validate(self.params) if self.validate else (math.nan, math.nan)
        watched = None if self.patience is None else self._watched(score)
        self._record(loss, val_loss, score, rate, step.get("grad_norm", math.nan))
        stop = None if watched is None else self._stalled(step, score, watched)
        if self.listener is not None and self.listener(self.params):
            stop = "Stopped by a callback."
        if stop and self.verbose:
            print(stop)
        if stop or self.epochs == self.max_epochs:
            raise StopIteration(watched)
        return watched

    def _watched(self, score):
        """The value whose stall ends training, if it is the score; one that is not finite is no improvement."""
        if not math.isfinite(score) and not self.epochs:
            raise ValueError(
                f"scoring gives {score} on the validation set after the first epoch, and cannot tell when to stop: "
                "choose another scoring, or a validation set that it can judge (larger, with every class)."
            )
        return -score if math.isfinite(score) else math.inf

    def _record(self, loss, val_loss, score, rate, norm):
        seconds = self.seconds_before + time.perf_counter() - self._start
        epoch = self.epochs_before + self.epochs + 1
        self.history.append((epoch, loss, float(val_loss), float(score), float(rate), float(norm), seconds))
        if self.verbose:
            print(f"Iteration {epoch}, loss = {loss:.8f}")
            if self.validate:
                print(f"Validation score: {score:f}")

    def _stalled(self, step, score, watched):
        """Keep the best parameters; say why to stop, if so."""
        if math.isfinite(score) and score > self.best_score:
            self._best = score, np.array(step["x"])
        # A schedule that slows down at a stall, such as Adaptive, goes on until its floor.
        if self.patience.stalls(watched) and step.get("learning_rate", 0.0) <= step.get("min_learning_rate", math.inf):
            self.has_stalled = True
            return f"Validation score did not improve more than tol={self.patience.tol:f}. Stopping."
        return None

    def fill(self, n_iter, loss):
        """Complete the history of a solver that never called back: nan but for the last loss.

        Parameters
        ----------
        n_iter : int
            Number of its iterations.
        loss : float
            The loss of its result.
        """
        for i in range(n_iter):
            self._record(loss if i == n_iter - 1 else math.nan, math.nan, math.nan, math.nan, math.nan)
