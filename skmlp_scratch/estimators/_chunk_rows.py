"""Chunk rows: rows of one chunk, counted, divided and put together."""

import numpy as np
from scipy import sparse

from ._rows import Rows


def size_of(rows):
    """Return the number of rows and the sum of their weights."""
    return len(rows), float(len(rows) if rows.weight is None else np.sum(rows.weight, dtype=np.float64))


def divide(rows, fraction, seed):
    """Hold out a share of a chunk's rows, drawn plainly, but never the last of them.

    Parameters
    ----------
    rows : Rows
        The chunk.
    fraction : float
        Share to hold out.
    seed : list of int
        Seed of the split.

    Returns
    -------
    train, held : Rows
    """
    rng = np.random.RandomState(seed)
    n_held = min(int(fraction * len(rows) + rng.random_sample()), len(rows) - 1)
    order = rng.permutation(len(rows))
    return rows.take(np.sort(order[n_held:])), rows.take(np.sort(order[:n_held]))


def concatenate(parts):
    """Return the rows of several parts as one."""
    stack = sparse.vstack if any(sparse.issparse(rows.X) for rows in parts) else np.concatenate
    weights = [rows.weight for rows in parts]
    weight = None if weights[0] is None else np.concatenate(weights)
    y = [rows.y for rows in parts]
    y = sparse.vstack(y).tocsr() if sparse.issparse(y[0]) else np.concatenate(y)
    X = stack([rows.X for rows in parts])
    return Rows(X.tocsr() if sparse.issparse(X) else X, y, np.concatenate([rows.columns for rows in parts]), weight)
