"""Table: the rows that networks learn from, encoded once where that fits into memory, and else block by block."""

from dataclasses import dataclass, replace

import numpy as np

WIDEST = 2**29  # bytes of an encoded table that is kept whole
BLOCK = 2**25  # bytes of encoded rows that are made at a time


class Table:
    """A table that hands out encoded rows.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted to the training rows.
    compressed : ndarray of shape (n_rows, n_compressed)
        The first stage of the encoding.
    kept : bool, default=True
        Whether all rows may be kept encoded; they are if that takes at most ``WIDEST`` bytes.

    Attributes
    ----------
    n_columns : int
        Width of the encoding.
    encoded : ndarray of shape (n_rows, n_columns) or None
        All rows encoded, where they are kept.
    block_rows : int
        Number of rows that are encoded at a time.
    """

    def __init__(self, encoder, compressed, kept=True):
        self.encoder, self.compressed, self.encoded = encoder, compressed, None
        # A table of constants has no column that tells anything: the networks then learn their biases.
        self.n_columns = max(1, sum(column.n_out for column in encoder.columns_))
        self.block_rows = max(1, BLOCK // (4 * self.n_columns))
        if kept and 4 * len(compressed) * self.n_columns <= WIDEST:
            self.encoded, self.compressed = self._expand(compressed), None

    def __len__(self):
        return len(self.compressed if self.encoded is None else self.encoded)

    def _expand(self, compressed):
        encoded = self.encoder.expand(compressed)
        return encoded if encoded.shape[1] else np.zeros((len(compressed), 1), dtype=np.float32)

    def take(self, rows):
        """Return encoded rows.

        Parameters
        ----------
        rows : ndarray of int
            Their numbers.

        Returns
        -------
        X : ndarray of shape (n_rows, n_columns), float32
        """
        return self._expand(self.compressed[rows]) if self.encoded is None else self.encoded.take(rows, axis=0)

    def blocks(self, rows):
        """Split the numbers of rows into as many parts as are encoded at a time.

        Parameters
        ----------
        rows : ndarray of int
            Numbers of rows.

        Returns
        -------
        parts : list of ndarray of int
        """
        return [rows[start : start + self.block_rows] for start in range(0, len(rows), self.block_rows)]


@dataclass(frozen=True)
class Share:
    """Some rows of a table, for one member to learn from or to be judged on.

    Attributes
    ----------
    table : Table
        All rows, which the members share.
    columns : ndarray of shape (n_rows, n_columns)
        Targets of all rows.
    weight : ndarray of shape (n_rows,) or None
        Weights of all rows.
    index : ndarray of int
        The rows of this share.
    """

    table: Table
    columns: np.ndarray
    weight: np.ndarray | None
    index: np.ndarray

    def __len__(self):
        return len(self.index)

    def only(self, mask):
        """Return the share of the rows that a mask over all rows marks."""
        return replace(self, index=np.flatnonzero(mask))

    def raw(self, network, params):
        """Return a network's raw predictions, in bounded memory.

        Parameters
        ----------
        network : Network
            Description of the network.
        params : ndarray of shape (n_params,)
            Its parameters.

        Returns
        -------
        raw : ndarray of shape (n_rows, n_out)
        """
        parts = self.table.blocks(self.index)
        return np.concatenate([network.predict(params, self.table.take(part)) for part in parts])


def folds(strata, n_folds, rng):
    """Assign each row to a fold: at random, every fold with nearly the same number of rows of each class.

    Unlike scikit-learn's splitters it takes classes with fewer rows than folds, even with a single one.

    Parameters
    ----------
    strata : ndarray of shape (n_rows,)
        The classes.
    n_folds : int
        Number of folds; at most one per row is used.
    rng : numpy.random.RandomState
        Source of randomness.

    Returns
    -------
    fold : ndarray of shape (n_rows,), int

    Examples
    --------
    >>> import numpy as np
    >>> fold = folds(np.array([0, 0, 0, 0, 1, 1]), 2, np.random.RandomState(0))
    >>> sorted(fold[:4].tolist()), sorted(fold[4:].tolist())
    ([0, 0, 1, 1], [0, 1])
    """
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    fold = np.empty(len(strata), dtype=np.intp)
    fold[order] = np.arange(len(strata)) % min(n_folds, len(strata))
    return fold
