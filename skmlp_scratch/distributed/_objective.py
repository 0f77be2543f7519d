"""The objective over shards that are futures: whatever a lost worker held is computed again elsewhere."""

from concurrent.futures import CancelledError

import dask
import numpy as np
from distributed import Client, default_client
from distributed.comm import CommClosedError

from ..objective import LANES
from ..shards import ShardedObjective, _aligned

# Parameters travel as a task, which unlike scattered data is made again where its worker is lost. Dask would warn of
# tasks that hold much.
LARGE_TASKS = {"distributed.admin.large-graph-warning-threshold": "1 TB"}


class DistributedObjective(ShardedObjective):
    """The function that training minimizes, of rows that lie on the workers of a Dask cluster.

    Loss and gradient are added in the order of the shards, in eight lanes as :class:`Objective` adds its chunks:
    neither the number of workers nor the order in which they answer changes a bit of the sum.

    Parameters
    ----------
    network : Network
        Description of the network.
    loss : str or Loss
        As :class:`Objective` takes it.
    shards : list of Shard or of distributed.Future
        The rows. A future is computed again if its worker is lost; a shard is kept by the scheduler.
    alpha : float, default=0.0
        Penalty strength. The penalty is added once, by the client.
    l1_ratio : float, default=0.0
        Share of L1 in the penalty, in [0, 1].
    client : distributed.Client or None, default=None
        Client of the cluster; None takes the current one.

    Attributes
    ----------
    n_samples : int
        Number of rows of all shards.
    is_stochastic : bool
        True with dropout: then ``loss_and_grad`` needs ``rng``.
    kinked : bool
        Whether the penalty has a kink at zero (L1).

    Raises
    ------
    ValueError
        If there are no shards, or they differ in dtype.
    RuntimeError
        If the client is closed.

    Examples
    --------
    >>> import numpy as np
    >>> from distributed import Client
    >>> from skmlp_scratch.distributed import DistributedObjective, Shard
    >>> from skmlp_scratch.layers import Dense
    >>> from skmlp_scratch.network import Network
    >>> net = Network([Dense(1, 1)])
    >>> X, y = np.array([[1.0], [2.0]]), np.array([1.0, 2.0])
    >>> shards = [Shard(net, "squared_error", X[k : k + 1], y[k : k + 1]) for k in range(2)]
    >>> with Client(processes=False, n_workers=1, dashboard_address=None) as client:
    ...     DistributedObjective(net, "squared_error", shards, client=client).loss_and_grad(np.zeros(2))
    (1.25, array([-2.5, -1.5]))
    """

    def __init__(self, network, loss, shards, alpha=0.0, l1_ratio=0.0, client=None):
        self.client = open_client(client)
        if not shards:
            raise ValueError("shards is empty: give at least one.")
        self.shards = self.client.map(_same, shards, pure=False)
        facts = gather(self.client, self.client.map(_facts, self.shards, pure=False))
        sizes, dtypes = zip(*facts, strict=True)
        if len(set(dtypes)) > 1:
            raise ValueError(f"the shards are of {dtypes[0]} and of {dtypes[-1]}: give X one dtype.")
        super().__init__(network, loss, sizes, dtypes[0], alpha, l1_ratio)

    def _map(self, method, params, *each):
        return gather(self.client, self._ask(method, params, each, self.shards))

    def _sums(self, params, rows, *each):
        """As for :class:`ShardedObjective`; only the shards that have some of the rows are asked."""
        chosen = [k for k, part in enumerate(rows) if part is None or len(part)]
        each = [[values[k] for k in chosen] for values in (rows, *each)]
        shards = [self.shards[k] for k in chosen]
        return gather(self.client, self._added(self._ask("sums", params, each, shards)))

    def _ask(self, method, params, each, shards):
        """Send the parameters once, from where each worker fetches them, and have each shard asked where it is."""
        open_client(self.client)
        with dask.config.set(LARGE_TASKS):
            given = self.client.submit(_same, params, pure=False)
        return self.client.map(_ask, shards, *each, method=method, params=given, pure=False)

    def _added(self, parts):
        """Add in lanes, on the workers, until few enough are left for the client."""
        n = len(parts)
        if n <= LANES:
            return parts
        lanes = [parts[n * k // LANES : n * (k + 1) // LANES] for k in range(LANES)]
        return [self.client.submit(_add, self._added(lane), pure=False) for lane in lanes]


def _same(thing):
    return thing


def _facts(shard):
    return shard.size, shard.dtype


def _ask(shard, *arguments, method, params):
    return getattr(shard, method)(_aligned(params), *map(_aligned, arguments))


def _add(parts):
    value, grad = parts[0][0], np.array(parts[0][1])
    for part_value, part_grad in parts[1:]:
        value += part_value
        grad += part_grad
    return value, grad


def open_client(client):
    """Return the client, or the current one, if it can be used."""
    if client is None:
        try:
            client = default_client()
        except ValueError as error:
            raise ValueError(
                "client=None takes the current Dask client, and there is none: client = distributed.Client(...)."
            ) from error
    if not isinstance(client, Client) or client.asynchronous:
        raise ValueError(f"client={client!r} must be a distributed.Client that is not asynchronous, or None.")
    if client.status != "running":
        raise RuntimeError(f"the Dask client is {client.status}: open a new one, distributed.Client(...), and repeat.")
    return client


def gather(client, futures):
    """Return the results of futures.

    Parameters
    ----------
    client : distributed.Client
        Client of the cluster.
    futures : list of distributed.Future
        What is waited for.

    Returns
    -------
    results : list

    Raises
    ------
    RuntimeError
        If the client is closed, or data are lost that cannot be made again.
    Exception
        What a task has raised.
    """
    try:
        return client.gather(futures)
    except (CancelledError, CommClosedError) as error:
        open_client(client)
        raise RuntimeError(
            "the cluster lost data that nothing can make again: a worker that is lost takes along what client.scatter "
            "has sent to it. Make the chunks on the workers, or read them there."
        ) from error
