"""One epoch on every container that holds the same table, beside the C-ordered array and scikit-learn's MLPClassifier.

All run in turn, in one process, so that only ratios matter; each figure is a median over the rounds.
"""

import statistics
import time

import numpy as np
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from skmlp_scratch import ScratchMLPClassifier

from . import at_least
from .cells import OURS, PEER
from .measure import REST, describe, duration, machine, median_ratio, seconds

ARRAY = "C-ordered array"
COLUMNS = 20
PARAMS = {"hidden_layer_sizes": (20,), "max_iter": 1, "random_state": 0}


def strided(A):
    wide = np.empty((2 * len(A), A.shape[1]))
    wide[::2] = A
    return wide[::2]


def mixed_frame(A):
    """Columns of several types, nullable ones and truth values among them."""
    frame = pandas_frame(A)
    return frame.assign(a=frame["a"].astype("float32"), b=frame["b"] > 0, c=(frame["c"] * 10).round().astype("Int64"))


def pandas_frame(A, dtype=None):
    import pandas as pd

    frame = pd.DataFrame(A, columns=list("abcdefghijklmnopqrst")[: A.shape[1]])
    return frame if dtype is None else frame.astype(dtype)


def sparse_frame(A):
    import pandas as pd

    return pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(np.where(A > 1.28, A, 0)))


def polars_frame(A, dtype="Float64"):
    import polars as pl

    return pl.DataFrame(A).cast(getattr(pl, dtype))


# Name -> how the container is made of the C-ordered array. What is sparse keeps a tenth of the cells.
CONTAINERS = {
    ARRAY: lambda A: A,
    "float32 array": lambda A: A.astype(np.float32),
    "Fortran order": np.asfortranarray,
    "every other row": strided,
    "columns reversed": lambda A: np.ascontiguousarray(A[:, ::-1])[:, ::-1],
    "list of lists": lambda A: A.tolist(),
    "CSR matrix": lambda A: sparse.csr_matrix(np.where(A > 1.28, A, 0)),
    "pandas, float64": pandas_frame,
    "pandas, float32": lambda A: pandas_frame(A, "float32"),
    "pandas, mixed": mixed_frame,
    "pandas, Float64": lambda A: pandas_frame(A, "Float64"),
    "pandas, Arrow": lambda A: pandas_frame(A, "double[pyarrow]"),
    "pandas, sparse": sparse_frame,
    "polars, Float64": polars_frame,
    "polars, Float32": lambda A: polars_frame(A, "Float32"),
}


def add_options(parser):
    parser.add_argument("--rows", type=at_least(1), default=200_000, metavar="N", help="of the table (default 200 000)")
    parser.add_argument("--repeats", type=at_least(1), default=5, metavar="N", help="rounds (default 5)")


def run(options):
    A = np.random.default_rng(0).standard_normal((options.rows, COLUMNS))
    y = (A[:, 0] + A[:, 1] * A[:, 2] > 0).astype(int)
    made = {name: make(A) for name, make in CONTAINERS.items()}
    rows = f"{options.rows:,}".replace(",", " ")
    print(f"{describe(machine())}\n\nOne epoch on {rows} rows × {COLUMNS}.\n")
    print(table(measure(made, y, options.repeats)))


def measure(made, y, repeats):
    """Seconds of each round, per container and contender."""
    models = {OURS: ScratchMLPClassifier, PEER: MLPClassifier}
    times = {(name, who): [] for name in made for who in models}
    for _ in range(repeats):
        for name, X in made.items():
            for who, model in models.items():
                time.sleep(REST)
                times[name, who].append(seconds(lambda X=X, model=model: model(**PARAMS).fit(X, y)))
    return times


def table(times):
    """The table in Markdown."""
    lines = [f"| container | ours | {PEER} | {PEER} / ours | ours / ours on the array |", "|---|--:|--:|--:|--:|"]
    array = times[ARRAY, OURS]
    for name in dict.fromkeys(name for name, _ in times):
        ours, peer = times[name, OURS], times[name, PEER]
        medians = " | ".join(duration(statistics.median(found)) for found in (ours, peer))
        lines.append(f"| {name} | {medians} | {median_ratio(peer, ours):.2f} | {median_ratio(ours, array):.2f} |")
    return "\n".join(lines)
