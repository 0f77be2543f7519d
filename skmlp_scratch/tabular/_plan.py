"""Plan: the recipe as a network, its initial weights and a solver."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..estimators._plan import hidden_sizes, per_layer
from ..layers import Activation, Dense
from ..network import Network
from ._standin import Descent, Scale

BETA_2 = 0.95
SCALE_RATE = 6.0  # the learning rate of the input scales, as a multiple of the weights'
# "auto" is this number of epochs up to this number of rows.
MOST_EPOCHS, FEW_ROWS = 60, 8000


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

    @cached_property
    def network(self):
        """Description of each member's network."""
        sizes = hidden_sizes(self.flat)
        layers, n_in = [Scale(self.n_in, SCALE_RATE)], self.n_in
        for n, activation in zip(sizes, per_layer(self.flat["activation"], sizes), strict=True):
            layers += [Dense(n_in, n), Activation(activation)]
            n_in = n
        return Network([*layers, Dense(n_in, self.n_out)])

    @property
    def n_epochs(self):
        """Number of passes over the rows."""
        return auto_epochs(self.n_rows) if self.flat["max_iter"] == "auto" else self.flat["max_iter"]

    def init(self, rng):
        """Draw initial weights: He's, but for the last layer, whose outputs begin with variance one."""
        params = self.network.init(rng, "he_normal", np.float32)
        self.network.unflatten(params)[-1]["W"] *= np.float32(math.sqrt(0.5))
        return params

    def solver(self, n_rows, n_blocks=1):
        """Return the solver that trains a member, one epoch per call.

        Parameters
        ----------
        n_rows : int
            Training rows per call.
        n_blocks : int, default=1
            Calls per pass over the rows.
        """
        flat = self.flat
        steps = -(-n_rows // flat["batch_size"]) * n_blocks
        start = next(place for place in self.network._layout if place[1] == "scale")
        return Descent(
            flat["learning_rate_init"],
            BETA_2,
            flat["weight_decay"],
            min(flat["batch_size"], n_rows),
            flat["ema"],
            self.n_epochs * steps,
            slice(start[2], start[3]),
            self.network.weight_slice,
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
    >>> auto_epochs(500)
    60
    """
    return MOST_EPOCHS
