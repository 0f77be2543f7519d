"""Carry: the warm-start state, which one fit leaves for the next."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse

LARGEST_ORDER = 256  # rows up to which a pickle holds their order, in a byte each


@dataclass
class Carry:
    """What one fit leaves for the next: arrays and numbers only, so that it can be pickled anywhere.

    Attributes
    ----------
    solver : dict or None
        The solver's state.
    rng, split : tuple or None
        States of the random generator: at the end, and before the validation split.
    limit : float
        The loss above which training has diverged.
    n_seen : int
        Training rows behind the population statistics of batch normalization.
    last : ndarray or None
        The solver's last parameters, where it is others that are shown.
    shown : bytes
        Digest of the parameters that are shown.
    held : bytes
        Digest of the validation rows and of how they are scored.
    best_score : float
        Validation score of the parameters that are shown.
    """

    solver: dict | None = None
    rng: tuple | None = None
    split: tuple | None = None
    limit: float = 0.0
    n_seen: int = 0
    last: np.ndarray | None = None
    shown: bytes = b""
    held: bytes = b""
    best_score: float = -math.inf

    def __getstate__(self):
        # The order of many rows is as large as a column of the data: after unpickling it begins anew.
        state = vars(self).copy()
        order = self.solver and self.solver.get("order")
        if order is not None:
            order = order.astype(np.uint8) if len(order) <= LARGEST_ORDER else None
            state["solver"] = self.solver | {"order": order}
        return state

    def start(self, shown):
        """Return the parameters to go on from: the solver's last, unless those shown have been edited since."""
        return shown if self.last is None or self.is_edited(shown) else self.last

    def is_edited(self, shown):
        """Whether the parameters that were shown have been changed by the user."""
        return digest(shown) != self.shown


def digest(*values):
    """Return a short digest of arrays, sparse matrices and bytes, by which equal ones are told from others."""
    summary = hashlib.blake2b(digest_size=16)
    for value in values:
        parts = (value.data, value.indices, value.indptr) if sparse.issparse(value) else (value,)
        for part in parts:
            if part is not None:
                summary.update(np.ascontiguousarray(part) if isinstance(part, np.ndarray) else part)
    return summary.digest()
