"""Members: the networks in training, each on its own rows of a shared table, advanced one epoch at a time."""

import numpy as np

from .. import _engine
from .._checks import quiet
from ..objective import Objective
from ..stopping import INTERRUPT_MESSAGE, DivergenceGuard

SCALE_ROWS = 200  # rows on which the scale of the loss before training is estimated


class Subset:
    """The objective of some of the rows, so that members share one table in memory.

    Parameters
    ----------
    objective : Objective
        The objective of all rows.
    index : ndarray of int
        The rows to learn from.
    stopped : threading.Event
        Event that is set when the user interrupts training: every member then ends before its next step.
    """

    def __init__(self, objective, index, stopped):
        self.objective, self.index, self.stopped = objective, index, stopped
        self.n_samples, self.is_stochastic = len(index), objective.is_stochastic
        self.weight_slice, self.l1_slice = objective.weight_slice, objective.l1_slice
        self.rate_factors = objective.rate_factors

    def loss_and_grad(self, params, rows=None, rng=None):
        """Evaluate loss and gradient; as for :meth:`skmlp_scratch.objective.Objective.loss_and_grad`."""
        if self.stopped.is_set():
            raise KeyboardInterrupt
        return self.objective.loss_and_grad(params, self.index if rows is None else self.index[rows], rng)


class Member:
    """A network in training.

    Parameters
    ----------
    plan : Plan
        What to train and how.
    loss : Loss
        What is minimized.
    learned, held : Share
        The rows to learn from, and those to be judged on.
    seed : int
        Seed of the initial weights and of the order of the rows.
    stopped : threading.Event
        Event that is set when the user interrupts training.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
        Moving average of the parameters.
    """

    def __init__(self, plan, loss, learned, held, seed, stopped):
        self.network, self.loss, self.learned, self.held, self.stopped = plan.network, loss, learned, held, stopped
        self.rng = np.random.RandomState(seed)
        self.params, self.state, self.learning_rate = plan.init(self.rng), None, None
        table, self.whole, self.n_blocks = learned.table, None, 1
        if table.encoded is None:
            self.n_blocks = len(table.blocks(learned.index))
        else:
            self.whole = Subset(
                Objective(self.network, loss, table.encoded, learned.columns, learned.weight), learned.index, stopped
            )
        self.solver = plan.solver(len(learned), self.n_blocks)

    @quiet
    def epoch(self):
        """Learn from each row once.

        Returns
        -------
        loss : float
            Mean over the epoch.
        learning_rate : float
            Learning rate of its last step.
        raw : ndarray of shape (n_held, n_out)
            Raw predictions of the held rows.
        """
        total = 0.0
        for objective in self._objectives():
            result = self.solver.minimize(objective, self.params, callback=self._note, rng=self.rng, state=self.state)
            self.params, self.state = result.x, result.state
            if result.message == INTERRUPT_MESSAGE:
                raise KeyboardInterrupt
            total += result.fun * objective.n_samples
        return total / len(self.learned), self.learning_rate, self.held.raw(self.network, self.params)

    def engine(self):
        """Return in words what computes the training, the kernels or numpy."""
        return _engine.status(self._objective(self.learned.index[:1]))

    def _note(self, step):
        self.learning_rate = step.learning_rate

    def _objectives(self):
        """Yield the objectives that together cover the rows: one, or one per block of rows drawn anew."""
        if self.whole is not None:
            yield self.whole
            return
        for rows in np.array_split(self.rng.permutation(self.learned.index), self.n_blocks):
            yield Subset(self._objective(rows), np.arange(len(rows)), self.stopped)

    def _objective(self, rows):
        share = self.learned
        weight = None if share.weight is None else share.weight[rows]
        return Objective(self.network, self.loss, share.table.take(rows), share.columns[rows], weight)

    @quiet
    def limit(self):
        """Return the loss above which training has diverged: far above where it begins, and what raw = 0 costs."""
        objective = self._objective(self.learned.index[:: max(1, len(self.learned) // SCALE_ROWS)])
        values = [objective.value(params) for params in (self.params, np.zeros_like(self.params))]
        return DivergenceGuard.explosion * max(map(abs, values))
