"""Source: dask collections, or arrays, become rows on the workers, chunk by chunk."""

from functools import partial
from operator import itemgetter

import dask
import numpy as np
from dask import array as da

from ..estimators._chunk_rows import concatenate, divide, size_of
from ..estimators._chunk_survey import Survey, read_part, survey_all
from ..estimators._chunks import Source, SurveyedRows
from ..objective import LANES
from ..shards import SEEDS, Shard
from ._objective import DistributedObjective, gather


class DaskSource(Source):
    """What ``fit`` is given.

    Parameters
    ----------
    client : distributed.Client
        Client of the cluster.
    X, y, sample_weight
        Dask collections, chunked by rows, or whatever the local ``fit`` takes.
    """

    def __init__(self, client, X, y, sample_weight):
        self.client, self.data = client, (X, y, sample_weight)

    def rows(self, door, flat, known, classes, incremental):
        """Have all chunks read where they are; return rows and targets."""
        client, kind, dtype = self.client, door._targets_class, door.params_.dtype if known else None
        read = partial(read_part, door=door._reader(), kind=kind, dtype=dtype, reset=not known)
        parts = client.map(read, *self._chunks(), pure=False)
        surveys = gather(client, client.map(partial(Survey.of, kind=kind), parts, pure=False))
        survey = survey_all(surveys, door, not known)
        targets = survey.targets(kind, flat, known, classes, incremental)
        weigh = partial(_rows, targets=targets, class_weight=survey.class_weight(flat.get("class_weight")))
        parts = [part for part, found in zip(parts, surveys, strict=True) if found is not None]
        return DaskRows(client, client.map(weigh, parts, pure=False), survey, targets), targets

    def _chunks(self):
        """Return the chunks of X, of y and of the weights: as futures, or as they are."""
        X, y, weight = self.data
        if not dask.is_dask_collection(X):
            X, y, weight = dask.compute(X, y, weight)
            n = X.shape[0] if hasattr(X, "shape") else len(X)
            counts = np.diff([n * k // LANES for k in range(LANES + 1)])
        else:
            counts = X.chunks[0] if isinstance(X, da.Array) else [np.nan] * X.npartitions
        blocks = [_blocks(data, name, counts) for data, name in ((X, "X"), (y, "y"), (weight, "sample_weight"))]
        return [self.client.compute(each) if dask.is_dask_collection(each[0]) else each for each in blocks]


class DaskRows(SurveyedRows):
    """Rows on the workers.

    Parameters
    ----------
    client : distributed.Client
        Client of the cluster.
    rows : list of distributed.Future
        ``Rows``, one per chunk.
    survey, targets
        As for :class:`SurveyedRows`.
    """

    def __init__(self, client, rows, survey, targets):
        super().__init__(survey, targets)
        self.client = client
        sizes = gather(client, client.map(size_of, rows, pure=False))
        filled = self.some([(future, size) for future, size in zip(rows, sizes, strict=True) if size[0]])
        self.futures, self.sizes = zip(*filled, strict=True)

    def objective(self, network, loss, **penalty):
        """As :meth:`Rows.objective`."""
        shards = self.client.map(partial(_shard, network=network, loss=loss), self.futures, pure=False)
        return DistributedObjective(network, loss, shards, client=self.client, **penalty)

    def hold_out(self, fraction, rng, targets):
        """As :meth:`Rows.hold_out`: the same share of each chunk, drawn plainly; the held-out rows come here."""
        seed = int(rng.randint(SEEDS))
        seeds = [[seed, k] for k in range(len(self.futures))]
        halves = self.client.map(divide, self.futures, [fraction] * len(seeds), seeds, pure=False)
        held = gather(self.client, self.client.map(itemgetter(1), halves, pure=False))
        train = self.client.map(itemgetter(0), halves, pure=False)
        return DaskRows(self.client, train, self.survey, targets), concatenate(held)


def _rows(part, targets, class_weight):
    return part.rows(targets, class_weight)


def _shard(rows, network, loss):
    return Shard(network, loss, rows.X, rows.columns, rows.weight)


def _blocks(data, name, counts):
    """Cut data into blocks of so many rows; the blocks of a collection whose chunks are not known are taken as is."""
    if data is None or np.isscalar(data):
        return [data] * len(counts)
    if isinstance(data, da.Array):
        return list(one_block_per_row(data, name, counts).to_delayed().ravel())
    if dask.is_dask_collection(data):
        blocks = data.to_delayed()
        if len(blocks) != len(counts):
            raise ValueError(f"{name} has {len(blocks)} partitions, X has {len(counts)}: give them the same rows.")
        return blocks
    if np.isnan(counts).any():
        raise ValueError(f"X has chunks of unknown sizes, so {name} must be a dask collection with the same chunks.")
    data = data if hasattr(data, "shape") else np.asarray(data)
    if data.shape[0] != sum(counts):
        raise ValueError(f"X has {sum(counts)} rows, {name} has {data.shape[0]}.")
    cut = getattr(data, "iloc", data)
    stops = np.cumsum(counts)
    return [cut[stop - count : stop] for count, stop in zip(counts, stops, strict=True)]


def one_block_per_row(array, name, counts=None):
    """Return a dask array whose rows are not cut, and whose chunks are as given where both are known."""
    if array.ndim == 2 and array.numblocks[1] > 1:
        raise ValueError(f"{name} has {array.numblocks[1]} blocks of columns: {name}.rechunk({{1: -1}}) joins them.")
    if counts is None or array.chunks[0] == counts:
        return array
    if array.numblocks[0] != len(counts) and not np.isnan(array.shape[0]) and not np.isnan(counts).any():
        return array.rechunk({0: tuple(counts)})
    if array.numblocks[0] != len(counts):
        raise ValueError(
            f"{name} has {array.numblocks[0]} chunks of rows, X has {len(counts)}: give them the same rows."
        )
    return array
