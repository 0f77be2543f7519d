r"""Monitor: what happens once an epoch, the same for every solver.

It is the callback that the estimators give to ``minimize``. It writes the history, measures the validation set, keeps a
copy of the best parameters, stops when there is no progress, finds divergence, prints, and tells listeners.
"""

import math
import time

import numpy as np

from .solvers import diverged

COLUMNS = ("epoch", "loss", "val_loss", "val_score", "learning_rate", "grad_norm", "seconds")
# A loss this many times above both where it began and what predicting nothing costs is a divergence: an error at once,
# and where it is the last one a warning.
EXPLOSION, SUSPICIOUS = 1e6, 1e3


class Monitor:
    """Callback of a training run.

    Parameters
    ----------
    objective : Objective
        What is minimized; asked for the loss where a solver's callback has only the parameters.
    validate : callable or None, default=None
        ``params -> (loss, score)`` on the validation set.
    patience : Patience or None, default=None
        Given, training stops when the validation score stalls, and the best parameters are kept.
    limit : float, default=inf
        A loss above this has diverged.
    exact_limit : callable or None, default=None
        Gives a better limit, asked once, before the first loss above ``limit`` is called diverged.
    verbose : bool or int, default=False
        Whether to print each epoch.
    listener : callable or None, default=None
        ``listener(params) -> stop``, called after each epoch.
    history : dict of list or None, default=None
        To be continued; it is copied.

    Attributes
    ----------
    history : dict of str to list
        One entry an epoch in every column.
    params : ndarray or None
        As of the last epoch: the solver's own array.
    best_params : ndarray or None
        A copy, as of the epoch with the best score.
    best_score : float
        The best validation score of this run.

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
        limit=math.inf,
        exact_limit=None,
        verbose=False,
        listener=None,
        history=None,
    ):
        self.objective, self.validate, self.patience = objective, validate, patience
        self.limit, self.exact_limit = limit, exact_limit
        self.verbose, self.listener = verbose, listener
        self.history = {column: list(history[column]) if history else [] for column in COLUMNS}
        self._before = len(self.history["seconds"])
        self.params = self.best_params = None
        self.best_score = -math.inf
        self._seconds = self.history["seconds"][-1] if self.history["seconds"] else 0.0
        self._start = time.perf_counter()

    @property
    def epochs(self):
        """Epochs of this run that are in the history."""
        return len(self.history["seconds"]) - self._before

    def __call__(self, intermediate_result):
        """Take an OptimizeResult, or a bare parameter vector, after an epoch."""
        step = intermediate_result
        if isinstance(step, np.ndarray):
            params = step.astype(self.objective.X.dtype)
            step = {"x": step, "fun": self.objective.loss_and_grad(params, rng=np.random.RandomState(0))[0]}
        loss, rate = float(step["fun"]), step.get("learning_rate", math.nan)
        self.check(loss, self.epochs + 1, rate)
        self.params = step["x"]
        val_loss, score = self.validate(self.params) if self.validate else (math.nan, math.nan)
        self._record(loss, val_loss, score, rate, step.get("grad_norm", math.nan))
        stop = self._stalled(step, score)
        if self.listener is not None and self.listener(self.params):
            stop = "Stopped by a callback."
        if stop:
            if self.verbose:
                print(stop)
            raise StopIteration

    def check(self, loss, epoch, learning_rate):
        """Raise a DivergenceError for a loss above the limit.

        Parameters
        ----------
        loss : float
            The loss.
        epoch : int
            In which epoch, from 1.
        learning_rate : float
            In force then; nan where there is none.
        """
        if not loss <= self.limit and self.exact_limit is not None:
            self.limit, self.exact_limit = max(self.limit, self.exact_limit()), None
        if not loss <= self.limit:
            raise diverged(loss, epoch, learning_rate)

    def _record(self, loss, val_loss, score, rate, norm):
        seconds = self._seconds + time.perf_counter() - self._start
        epoch = len(self.history["epoch"]) + 1
        row = (epoch, loss, float(val_loss), float(score), float(rate), float(norm), seconds)
        for column, value in zip(COLUMNS, row, strict=True):
            self.history[column].append(value)
        if self.verbose:
            print(f"Iteration {epoch}, loss = {loss:.8f}")
            if self.validate:
                print(f"Validation score: {score:f}")

    def _stalled(self, step, score):
        """Keep the best parameters; say why to stop, if so."""
        if self.patience is None:
            return None
        step["watched"] = -score
        if score > self.best_score:
            self.best_score, self.best_params = score, np.array(step["x"])
        # A schedule that slows down at a stall, such as Adaptive, goes on until its floor.
        if self.patience.stalls(-score) and step.get("learning_rate", 0.0) <= step.get("min_learning_rate", math.inf):
            return f"Validation score did not improve more than tol={self.patience.tol:f}. Stopping."
        return None

    def fill(self, n_iter, loss):
        """Complete the history of a solver that never called back: nan but for the last loss.

        Parameters
        ----------
        n_iter : int
            Its iterations.
        loss : float
            Its result.
        """
        for i in range(n_iter):
            self._record(loss if i == n_iter - 1 else math.nan, math.nan, math.nan, math.nan, math.nan)
