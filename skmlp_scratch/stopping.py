"""Stopping: when training has come to rest, when it has run away, and the words in which a solver says so.

Patience counts epochs without progress. A loss that is far above both where training began and what predicting zero
costs will not come back: that is a divergence, and an error at once.
"""

import math

from ._columns import Column

CONVERGED, MAX_ITER, STOPPED, INTERRUPTED = range(4)  # OptimizeResult.status
INTERRUPT_MESSAGE = "Training interrupted by user."


class InterruptedFit(UserWarning):
    """The user interrupted training; the result is what had been reached.

    Turn it into an error to have Ctrl-C end more than one fit:
    ``warnings.filterwarnings("error", category=InterruptedFit)``.

    Examples
    --------
    >>> issubclass(InterruptedFit, UserWarning)
    True
    """


class Patience:
    """Count epochs without improvement as scikit-learn does.

    An epoch is bad if the watched value is above the best so far less ``tol``. More than ``n_iter_no_change``
    consecutive bad epochs are a stall, that is ``n_iter_no_change + 1``.

    Parameters
    ----------
    tol : float
        Smallest improvement that counts.
    n_iter_no_change : int or inf
        Number of consecutive bad epochs to tolerate.

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
        """Take the next value (smaller is better, nan is never bad); return whether it completes a stall.

        Parameters
        ----------
        watched : float
            The epoch's value.

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


class Watched(Column):
    """The values that a run has watched, one per epoch; it remembers how many stalls it has counted in them.

    Values are only ever appended, or cut off again by ``cut``.

    Parameters
    ----------
    values : iterable of float, default=()
        The values so far.

    Examples
    --------
    >>> watched = Watched([1.0, 2.0, 2.0])
    >>> watched.stalls(tol=0.0, n_iter_no_change=1), watched
    (1, [1.0, 2.0, 2.0])
    """

    def __init__(self, values=()):
        super().__init__(values)
        self._counts = {}

    def stalls(self, tol, n_iter_no_change):
        """Count the stalls so far, looking only at values that came since the last count.

        Parameters
        ----------
        tol, n_iter_no_change
            As for :class:`Patience`.

        Returns
        -------
        n_stalls : int
        """
        rule = tol, n_iter_no_change
        patience, seen, n_stalls = self._counts.pop(rule, None) or (Patience(*rule), 0, 0)
        for value in self[seen:]:
            n_stalls += patience.stalls(value)
        self._counts[rule] = patience, len(self), n_stalls
        return n_stalls

    def cut(self, n):
        """Forget all but the first values, as when the run that watched the rest has failed.

        Parameters
        ----------
        n : int
            Number of values to keep.
        """
        del self[n:]
        self._counts.clear()


class DivergenceError(ValueError):
    """Training left the finite numbers, or went far above where it began.

    Examples
    --------
    >>> issubclass(DivergenceError, ValueError)
    True
    """


def diverged(loss, epoch, learning_rate):
    """Make the error for a loss that exploded.

    Parameters
    ----------
    loss : float
        The loss.
    epoch : int
        The epoch or iteration, from 1.
    learning_rate : float or None
        The learning rate of that epoch; None where there is none.

    Returns
    -------
    DivergenceError

    Examples
    --------
    >>> "epoch 2" in str(diverged(float("nan"), 2, 0.1))
    True
    """
    if learning_rate is None or math.isnan(learning_rate):
        cause, cure = "a solver without a learning rate", "scale X and y (StandardScaler)"
    else:
        cause, cure = f"learning rate {learning_rate:g}", "lower it, scale X and y (StandardScaler), or set clip_norm"
    return DivergenceError(f"Training diverged: the loss is {loss:g} in epoch {epoch}, with {cause}; {cure}.")


class DivergenceGuard:
    """Tell a loss that has run away from one that is merely high.

    Parameters
    ----------
    limit : float, default=inf
        The loss above which training has diverged: ``explosion`` times the larger of the initial loss and that of an
        all-zero prediction. An estimate from a sample of the rows will do.
    exact_limit : callable or None, default=None
        Computes the limit from all rows. It is called once, before the first loss above ``limit`` is called diverged;
        the larger of the two limits then counts.

    Attributes
    ----------
    explosion, suspicious : float
        Factors above the scale of the loss: a loss above the first is an error at once, a final loss above the second
        is worth a warning.

    Examples
    --------
    >>> guard = DivergenceGuard(limit=1e6)
    >>> guard.check(loss=2e3, epoch=1, learning_rate=0.1)
    >>> guard.worth_a_warning(loss=2e3, first=1.0)
    True
    """

    explosion, suspicious = 1e6, 1e3

    def __init__(self, limit=math.inf, exact_limit=None):
        self.limit, self.exact_limit = limit, exact_limit

    def check(self, loss, epoch, learning_rate):
        """Raise a DivergenceError for a loss above the limit.

        Parameters
        ----------
        loss : float
            The loss.
        epoch : int
            The epoch, from 1.
        learning_rate : float
            The learning rate of that epoch; nan where there is none.
        """
        if not loss <= self.limit:
            self._compute_exactly()
        if not loss <= self.limit:
            raise diverged(loss, epoch, learning_rate)

    def worth_a_warning(self, loss, first):
        """Whether a final loss is far above where training began.

        Parameters
        ----------
        loss : float
            The final loss.
        first : float
            The loss of the first epoch.

        Returns
        -------
        bool
        """
        if loss >= first and self._is_suspicious(loss, first):
            self._compute_exactly()
        return loss >= first and self._is_suspicious(loss, first)

    def _is_suspicious(self, loss, first):
        return loss > self.suspicious * min(first, self.limit / self.explosion) > 0

    def _compute_exactly(self):
        if self.exact_limit is not None:
            self.limit, self.exact_limit = max(self.limit, self.exact_limit()), None


def too_large(batch_size, n_samples):
    """Make the warning for a batch that is larger than the data.

    Parameters
    ----------
    batch_size : int
        The batch size asked for.
    n_samples : int
        The number of training rows.

    Returns
    -------
    text : str

    Examples
    --------
    >>> too_large(11, 10)
    'batch_size=11 is larger than the 10 training samples; all of them are one batch.'
    """
    return f"batch_size={batch_size} is larger than the {n_samples} training samples; all of them are one batch."
