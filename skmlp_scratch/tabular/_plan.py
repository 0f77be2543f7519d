"""Plan: the recipe as a network, its initial weights and a solver."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..estimators._plan import hidden_sizes, per_layer
from ..layers import Activation, Dense, Scale
from ..network import Network
from ..optimizers import AdamW
from ..schedules import FlatCosine
from ..solvers import GradientDescent

# "auto" is this number of epochs up to this number of rows; beyond, the steps grow with the root of the rows.
MOST_EPOCHS, MANY_ROWS = 60, 40_000


@dataclass(frozen=True)
class Plan:
    """What to train and how.

    Attributes
    ----------
    flat : dict
        The estimator's parameters.
    n_in, n_out : int
        Encoded columns, and outputs of the networks.
    n_rows : int
        Rows of the table.
    """

    flat: dict
    n_in: int
    n_out: int
    n_rows: int

    beta_2 = 0.95  # a short memory of squared gradients, which change quickly at this learning rate
    scale_rate = 6.0  # learning rate of the input scales, as a multiple of that of the weights

    @cached_property
    def network(self):
        """Description of each member's network."""
        sizes = hidden_sizes(self.flat)
        layers, n_in = self.first_layers(), self.n_in
        for n, activation in zip(sizes, per_layer(self.flat["activation"], sizes), strict=True):
            layers += [Dense(n_in, n), Activation(activation)]
            n_in = n
        return Network([*layers, Dense(n_in, self.n_out)])

    def first_layers(self):
        """Return the layers before the first dense one."""
        return [Scale(self.n_in, self.scale_rate)]

    def init(self, rng):
        """Draw initial weights: He's, but for the last layer, whose outputs begin with variance one.

        Parameters
        ----------
        rng : numpy.random.RandomState
            Source of randomness.

        Returns
        -------
        params : ndarray of shape (n_params,), float32
        """
        params = self.network.init(rng, "he_normal", np.float32)
        self.network.unflatten(params)[-1]["W"] *= np.float32(math.sqrt(0.5))
        return params

    @property
    def n_epochs(self):
        """Number of passes over the rows."""
        return auto_epochs(self.n_rows) if self.flat["max_iter"] == "auto" else self.flat["max_iter"]

    def schedule(self, n_calls):
        """Return the learning rate over all calls of the solver."""
        return FlatCosine(self.flat["learning_rate_init"], max_iter=n_calls)

    def solver(self, n_rows, n_blocks=1):
        """Return the solver that trains a member, one pass over a block of rows per call.

        Parameters
        ----------
        n_rows : int
            Training rows per call.
        n_blocks : int, default=1
            Calls per pass over all rows.

        Returns
        -------
        solver : GradientDescent
        """
        flat = self.flat
        return GradientDescent(
            AdamW(beta_2=self.beta_2, weight_decay=flat["weight_decay"], decayed="weights"),
            self.schedule(self.n_epochs * n_blocks),
            batch_size=min(flat["batch_size"], n_rows),
            max_iter=1,
            ema=flat["ema"],
        )


def auto_epochs(n_rows):
    """Return the number of epochs that "auto" stands for.

    Parameters
    ----------
    n_rows : int
        Rows of the table.

    Returns
    -------
    n_epochs : int

    Examples
    --------
    >>> auto_epochs(500), auto_epochs(160_000), auto_epochs(1_000_000)
    (60, 30, 12)
    """
    return math.ceil(MOST_EPOCHS * min(1.0, math.sqrt(MANY_ROWS / n_rows)))
