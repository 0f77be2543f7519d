"""What is compared: the contenders, and the cells, each a data set, a network and the work done with it."""

import math
import warnings
from dataclasses import dataclass, replace
from unittest import mock

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

from skmlp_scratch import ScratchMLPClassifier, _engine
from skmlp_scratch._parallel import thread_count

from .plain_loop import PlainLoop

OURS, CORE, PEER, TORCH, LOOP = "skmlp_scratch", "numpy core", "scikit-learn", "PyTorch", "plain loop"
SEARCHED = [(1,), (2,), (3,), (4,), (5,), (20,), (50,)]


class NumpyCore(ScratchMLPClassifier):
    """Ours with the compiled kernels switched off."""

    def fit(self, X, y):
        with mock.patch.object(_engine, "_kernels", None):
            return super().fit(X, y)

    def predict_proba(self, X):
        with mock.patch.object(_engine, "_kernels", None):
            return super().predict_proba(X)


def contenders(quiet=False):
    """The classes that are there, ours first; PyTorch only where it is installed, the core where it is not ours."""
    ours = {OURS: ScratchMLPClassifier} | ({CORE: NumpyCore} if _engine.status().startswith("compiled") else {})
    try:
        import torch

        from .torch_net import TorchNet
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        if not quiet:
            print("PyTorch is not installed (pip install torch): its column stays empty.")
        return ours | {PEER: MLPClassifier, LOOP: PlainLoop}
    # As many threads as numpy's linear algebra has.
    torch.set_num_threads(thread_count())
    return ours | {PEER: MLPClassifier, TORCH: TorchNet, LOOP: PlainLoop}


def make(contender, params):
    """An estimator that runs all its epochs; scikit-learn's full batch is a minibatch of all rows, in order."""
    params = {"random_state": 0, **params}
    if issubclass(contender, MLPClassifier | ScratchMLPClassifier):
        params["n_iter_no_change"] = math.inf
    if contender is MLPClassifier and params.get("solver") == "gd":
        params |= {"solver": "sgd", "shuffle": False}
    elif issubclass(contender, ScratchMLPClassifier) and params.get("solver") in ("gd", "lbfgs"):
        params.pop("batch_size", None)  # it has no effect there, and a warning would say so
    return contender(**params)


def moons():
    return make_moons(200, noise=0.2, random_state=0)


def digits(rows=None):
    X, y = load_digits(return_X_y=True)
    return X[:rows] / 16, y[:rows]


def tabular(dtype=np.float64, rows=20_000):
    X = np.random.default_rng(0).standard_normal((rows, 30), dtype=dtype)
    return X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


def frame():
    import pandas as pd

    X, y = tabular()
    return pd.DataFrame(X), y


def recipe():
    """As large as the tables of the tabular estimators' recipe, whose numbers become piecewise-linear codes."""
    X = np.random.default_rng(0).random((8_000, 100), dtype=np.float32)
    return X, (X[:, 0] > X[:, 1]).astype(int)


def many_classes(n_classes):
    rng = np.random.default_rng(0)
    return rng.standard_normal((10_000, 20)), rng.permutation(10_000) % n_classes


def images(dtype):
    rng = np.random.default_rng(0)
    return rng.random((20_000, 784), dtype=dtype), rng.integers(0, 10, 20_000)


def words():
    X = sparse.random(20_000, 5_000, 0.01, format="csr", random_state=0)
    return X, (np.asarray(X[:, :50].sum(axis=1)).ravel() > 0.25).astype(int)


def _params(hidden, activation, solver, batch_size, max_iter, rate=1e-3, momentum=0.9):
    return {
        "hidden_layer_sizes": hidden,
        "activation": activation,
        "solver": solver,
        "batch_size": batch_size,
        "max_iter": max_iter,
        "learning_rate_init": rate,
        "momentum": momentum,
    }


@dataclass(frozen=True)
class Cell:
    """A row of the table. ``work`` is "fit", "search", "predict", or "predict one" (row)."""

    name: str
    data: str
    load: tuple  # a function and its arguments
    params: dict
    work: str = "fit"
    repeats: int = 3
    calls: int = 1  # of the work in one measurement
    with_memory: bool = True
    rows: int | None = None  # the first rows only; None takes all

    def quick(self):
        """The same on 1 000 rows, 20 epochs at most, once, without memory."""
        short = {**self.params, "max_iter": min(20, self.params["max_iter"])}
        return replace(self, params=short, rows=1000, repeats=1, with_memory=False)

    def repeated(self, repeats):
        return replace(self, repeats=repeats)

    def arrays(self):
        function, *arguments = self.load
        X, y = function(*arguments)
        return X[: self.rows], y[: self.rows]

    def job(self, contender, X, y):
        """A function of no arguments that does the work, and no more than it."""
        model = make(contender, self.params)
        if hasattr(X, "to_numpy") and not issubclass(contender, MLPClassifier | ScratchMLPClassifier):
            X = X.to_numpy()  # these take no frames
        if self.work == "fit":
            return lambda: clone(model).fit(X, y)
        if self.work == "search":
            return lambda: GridSearchCV(model, {"hidden_layer_sizes": SEARCHED}, cv=5).fit(X, y)
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            model.fit(X[:1000], y[:1000])
        X = X[:1] if self.work == "predict one" else X
        return lambda: model.predict_proba(X)

    def describe(self):
        """Network and work in words."""
        p = self.params
        hidden = "7 sizes" if self.work == "search" else "-".join(map(str, p["hidden_layer_sizes"]))
        batch = f", batch {p['batch_size']}" if p["solver"] in ("sgd", "adam") else ""
        unit = "iterations" if p["solver"] == "lbfgs" else "epoch" if p["max_iter"] == 1 else "epochs"
        work = {
            "fit": f"{p['solver']}{batch}, {p['max_iter']} {unit}",
            "search": f"`GridSearchCV`, 5 folds, {p['solver']}, {p['max_iter']} {unit}",
            "predict": "`predict_proba`",
            "predict one": "`predict_proba`, one row",
        }[self.work]
        return f"{hidden} {p['activation']}", work


def _grid(name, data, function, hidden, activation, solver):
    """A data set in both precisions and with batches of 32 and 200; one epoch."""
    for dtype in (np.float64, np.float32):
        for batch_size in (32, 200):
            bits = f"f{np.dtype(dtype).itemsize * 8}"
            params = _params(hidden, activation, solver, batch_size, max_iter=1)
            yield Cell(f"{name}-{bits}-{batch_size}", f"{data}, {bits}", (function, dtype), params)


FULL_BATCH = _params((100,), "tanh", "lbfgs", 200, max_iter=5)
PREDICTION = _params((100,), "relu", "adam", 200, max_iter=1)

CELLS = [
    Cell("tiny", "moons 200×2, f64", (moons,), _params((3,), "tanh", "gd", 200, 3000, 0.5, momentum=0.0), repeats=5),
    Cell("overhead", "digits 100×64, f64", (digits, 100), _params((100,), "relu", "adam", 100, 1), repeats=15, calls=3),
    Cell("digits", "digits 1 797×64, f64", (digits,), _params((32,), "relu", "sgd", 32, 5), repeats=7),
    *_grid("tabular", "table 20 000×30", tabular, (100,), "relu", "adam"),
    *_grid("images-small", "images 20 000×784", images, (30,), "tanh", "sgd"),
    *_grid("images-large", "images 20 000×784", images, (256, 128), "relu", "adam"),
    *[
        Cell(f"full-batch-{bits}", f"table 200 000×30, {bits}", (tabular, dtype, 200_000), FULL_BATCH)
        for bits, dtype in (("f64", np.float64), ("f32", np.float32))
    ],
    Cell("sparse", "csr 20 000×5 000, 1 %, f64", (words,), _params((50,), "relu", "adam", 200, 1)),
    Cell("frame", "one-dtype DataFrame 20 000×30, f64", (frame,), _params((100,), "relu", "adam", 200, 1)),
    Cell("recipe", "table 8 000×100, f32", (recipe,), _params((128, 128, 128), "relu", "adam", 128, 2)),
    *[
        Cell(f"outputs-{n}", f"{n} classes, 10 000×20, f64", (many_classes, n), _params((50,), "relu", "adam", 200, 1))
        for n in (100, 1000)
    ],
    Cell("predict-one", "one row of 30, f64", (tabular,), PREDICTION, "predict one", repeats=7, calls=100),
    *[
        Cell(f"predict-{n}", f"table {n}×30, f64", (tabular, np.float64, n), PREDICTION, "predict", repeats=7, calls=20)
        for n in (2000, 20_000)
    ],
    Cell("predict", "table 1 000 000×30, f64", (tabular, np.float64, 1_000_000), PREDICTION, "predict"),
    Cell("search", "moons 200×2, f64", (moons,), _params((3,), "tanh", "adam", 160, 100, 0.01), "search"),
]
