"""What an evaluation over Dask carries and costs, and what fits beyond memory hold: the figures of docs/scaling.md."""

import resource
import tempfile
import threading
from pathlib import Path

import numpy as np

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.layers import Activation, Dense
from skmlp_scratch.network import Network
from skmlp_scratch.objective import LANES, Objective

from .measure import STATUS, describe, machine, seconds

LOOPBACK = Path("/sys/class/net/lo/statistics/rx_bytes")  # Linux: all that processes of this machine send each other
REPEATS = 10
ROWS, FEATURES = 5_000_000, 30  # of the two fits
CHUNK = 250_000
# Hidden units, shards, and rows per shard: few show what an evaluation costs beside its arithmetic.
EVALUATIONS = [(100, 8, 100), (1000, 8, 100), (1000, 32, 100), (100, 8, 100_000)]


def evaluations():
    """Bytes and seconds per evaluation, for networks of two sizes on one, two and four workers."""
    from distributed import Client, LocalCluster

    print(describe(machine()), "", sep="\n")
    print("| parameters | shards | rows | workers | MB carried | MB by arithmetic | time | in one process |")
    print("|--:" * 8 + "|")
    for n_workers in (1, 2, 4):
        with (
            LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            for n_hidden, n_shards, n_rows in EVALUATIONS:
                network = Network([Dense(100, n_hidden), Activation("tanh"), Dense(n_hidden, 1)])
                print(_row(client, n_workers, network, n_shards, n_rows), flush=True)


def _row(client, n_workers, network, n_shards, n_rows):
    from skmlp_scratch.distributed import DistributedObjective

    shards = [client.submit(_shard, network, n_rows, seed, pure=False) for seed in range(n_shards)]
    objective = DistributedObjective(network, "squared_error", shards, client=client)
    params = network.init(np.random.RandomState(0))
    for _ in range(2):
        objective.loss_and_grad(params)
    before = int(LOOPBACK.read_text())
    spent = seconds(lambda: objective.loss_and_grad(params), REPEATS)
    carried = (int(LOOPBACK.read_text()) - before) / REPEATS
    X, y = _rows(n_rows * n_shards, network.n_in, 0)
    local = Objective(network, "squared_error", X, y)
    local.loss_and_grad(params)
    alone = seconds(lambda: local.loss_and_grad(params), 3)
    between = n_shards * (1 - 1 / n_workers) if n_shards > LANES else 0
    expected = (1 + n_workers + 2 * min(n_shards, LANES) + between) * params.nbytes
    megabytes = [f"{number / 1e6:.2f}" for number in (carried, expected)]
    figures = [f"{network.size:,}", n_shards, f"{n_rows * n_shards:,}", n_workers, *megabytes]
    return "| " + " | ".join(map(str, [*figures, f"{1e3 * spent:.0f} ms", f"{1e3 * alone:.1f} ms"])) + " |"


def _rows(n_rows, n_features, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features))
    return X, np.sin(X[:, 0])


def _shard(network, n_rows, seed):
    from skmlp_scratch.distributed import Shard

    return Shard(network, "squared_error", *_rows(n_rows, network.n_in, seed))


def fit_on_workers():
    """Fit rows that are made on the workers; print the most that each process has held."""
    from dask import array as da
    from distributed import Client, LocalCluster

    from skmlp_scratch.distributed import DaskScratchMLPClassifier

    with (
        LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        X = da.random.default_rng(0).normal(size=(ROWS, FEATURES), chunks=(CHUNK, FEATURES))
        y = X[:, 0] + X[:, 1] * X[:, 2] > 0
        model = DaskScratchMLPClassifier(20, solver="lbfgs", max_iter=20, random_state=0, client=client)
        spent = seconds(lambda: model.fit(X, y))
        peaks = [_peak_mb(), *client.run(_peak_mb).values()]
    print(f"{ROWS:,} x {FEATURES} float64, lbfgs: {spent:.0f} s for {model.n_iter_} iterations, loss {model.loss_:.3f}")
    print("peak MB of the client and each worker:", ", ".join(f"{peak:.0f}" for peak in peaks))


def _peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fit_memory_map():
    """Fit a memory map; print the most that is held beyond it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "X.npy")
        X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(ROWS, FEATURES))
        y = np.empty(ROWS, dtype=np.int8)
        rng = np.random.default_rng(0)
        for start in range(0, ROWS, CHUNK):
            part = slice(start, start + CHUNK)
            X[part] = rng.standard_normal(X[part].shape)
            y[part] = X[part, 0] + X[part, 1] * X[part, 2] > 0
        del X
        X = np.load(path, mmap_mode="r")
        for solver, max_iter in (("adam", 1), ("lbfgs", 5)):
            model = ScratchMLPClassifier(20, solver=solver, max_iter=max_iter, random_state=0)
            seconds(lambda model=model: model.fit(X[:1000], y[:1000]))  # loads and starts all
            with Held() as held:
                spent = seconds(lambda model=model: model.fit(X, y))
            print(f"{solver}, {max_iter} epochs: {spent:.0f} s, {held.peak_mb:.0f} MB beyond the map and y")


class Held:
    """The most anonymous memory that is held while this is open, beyond what there was; files are not counted."""

    def __enter__(self):
        self.peak_mb, self._before, self._done = 0.0, _anonymous_mb(), threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self):
        while not self._done.wait(0.005):
            self.peak_mb = max(self.peak_mb, _anonymous_mb() - self._before)

    def __exit__(self, *exception):
        self._done.set()
        self._thread.join()


def _anonymous_mb():
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


WHAT = {"evaluation": evaluations, "fit": fit_on_workers, "memory-map": fit_memory_map}


def add_options(parser):
    parser.add_argument("what", nargs="?", choices=WHAT, default="evaluation", help="what is measured")


def run(options):
    WHAT[options.what]()
