"""Time, matrix products alone, memory in a fresh process, and the machine it all happened on."""

import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info

from skmlp_scratch.objective import Objective

from .cells import OURS, contenders

PIECE = 2000  # rows; matrix products of more are counted as several, in one piece they would wait for memory
REST = 0.05  # seconds, in which threads stop spinning: they would take a core from the next contender
IMPORT = "import time, {first}; start = time.perf_counter(); import {then}; print(time.perf_counter() - start)"
STATUS = Path("/proc/self/status")  # Linux


def measure(cell, classes):
    """Medians of a cell: seconds of each contender, ratios to ours, floor ratio, memory beyond X in MB."""
    X, y = cell.arrays()
    jobs = {name: cell.job(contender, X, y) for name, contender in classes.items()}
    products = None if cell.work == "search" else matrix_products(cell, X, y)
    times, floors = {name: [] for name in jobs}, []
    for _ in range(cell.repeats):  # in turn, so that all meet the same weather
        for name, job in jobs.items():
            time.sleep(REST)
            times[name].append(seconds(job, cell.calls))
        if products:
            floors.append(products())
    ours = times[OURS]
    result = {
        "seconds": {name: statistics.median(found) for name, found in times.items()},
        "ratios": {name: median_ratio(found, ours) for name, found in times.items() if name != OURS},
    }
    if products:
        result["floor_ratio"] = median_ratio(ours, floors) / passes(cell, jobs[OURS])
    if cell.with_memory:
        result["memory_mb"] = {name: peak_memory(cell, name) for name in jobs}
    return result


def median_ratio(above, below):
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def seconds(job, calls=1):
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        start = time.perf_counter()
        for _ in range(calls):
            job()
        return (time.perf_counter() - start) / calls


def warm_up(cell, classes):
    """Load libraries and start threads before the first measurement."""
    cell = cell.quick()
    for contender in classes.values():
        seconds(cell.job(contender, *cell.arrays()))


def matrix_products(cell, X, y):
    """A function that gives the seconds of the matrix products of one pass over X, and of nothing else."""
    n_rows = 1 if cell.work == "predict one" else X.shape[0]
    rows = min(n_rows, cell.params["batch_size"] if cell.params["solver"] in ("sgd", "adam") else PIECE)
    rows = min(n_rows, PIECE) if cell.work.startswith("predict") else rows
    X = X.to_numpy() if hasattr(X, "to_numpy") else X
    n_classes = len(np.unique(y))
    sizes = [X.shape[1], *cell.params["hidden_layer_sizes"], 1 if n_classes == 2 else n_classes]
    W = [np.ones((n_in, n_out), X.dtype) for n_in, n_out in pairwise(sizes)]
    Z = [np.ones((rows, n_out), X.dtype) for n_out in sizes[1:]]
    dW, inputs = [np.empty_like(w) for w in W], [X[:rows], *Z]
    backward = not cell.work.startswith("predict")

    def products():
        for i, w in enumerate(W):
            _product(inputs[i], w, Z[i])
        for i in reversed(range(len(W) if backward else 0)):
            _product(inputs[i].T, Z[i], dW[i])
            if i:
                _product(Z[i], W[i].T, Z[i - 1])

    def one_pass():
        calls, spent = 0, 0.0
        while spent < 0.1:  # long enough for the clock
            spent += 10 * seconds(products, calls=10)
            calls += 10
        return spent / calls * n_rows / rows

    for w in W:
        w *= 0.01  # so that the numbers stay ordinary
    return one_pass


def _product(left, right, out):
    return left @ right if sparse.issparse(left) else np.dot(left, right, out=out)


def passes(cell, job):
    """How often the work goes over the rows: once to predict, else epochs, or what lbfgs evaluates."""
    if cell.work.startswith("predict"):
        return 1
    if cell.params["solver"] != "lbfgs":
        return cell.params["max_iter"]
    with mock.patch.object(Objective, "loss_and_grad", autospec=True, side_effect=Objective.loss_and_grad) as evaluate:
        seconds(job)
    return evaluate.call_count


def peak_memory(cell, name):
    """Peak memory of a cell's work in a process of its own, where nothing is left over from other runs."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(_peak_memory, cell, name).result()


def _peak_memory(cell, name):
    classes = contenders(quiet=True)
    warm_up(cell, {name: classes[name]})
    return peak_of(cell.job(classes[name], *cell.arrays()))


def peak_of(job):
    """Peak resident memory of a job beyond what is resident before it, in MB; None where unknown."""
    if not STATUS.exists():
        return None
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts at what is resident now
    before = _status("VmRSS")
    seconds(job)
    return _status("VmHWM") - before


def _status(field):
    (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) * 1024 / 1e6


def import_seconds(repeats=5):
    """Time to import the package where scikit-learn's perceptrons are imported already."""
    command = [sys.executable, "-c", IMPORT.format(first="sklearn.neural_network", then="skmlp_scratch")]
    # From bytecode, as any import but the first: that one is run beforehand.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    runs = [
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment) for _ in range(1 + repeats)
    ]
    return statistics.median(float(run.stdout) for run in runs[1:])


def machine():
    """What the figures depend on."""
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    blas = max(found, key=lambda library: "numpy" in library["filepath"])  # scipy may bring one of its own
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = models[0] if models else cpu
    packages = {}
    for package in ("numpy", "scipy", "scikit-learn", "torch"):
        try:
            packages[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "blas": f"{blas['internal_api']} {blas['version']}, {blas.get('architecture', '')}".rstrip(", "),
        "threads": blas["num_threads"],
        "system": platform.system(),
        "python": platform.python_version(),
        **packages,
    }


def describe(machine):
    """The machine in one sentence."""
    names = [name for name in ("python", "numpy", "scipy", "scikit-learn", "torch") if name in machine]
    threads = "one thread" if machine["threads"] == 1 else f"{machine['threads']} threads"
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {threads} for all; {machine['blas']}; "
        f"{', '.join(f'{name} {machine[name]}' for name in names)}; load {machine['load']} at the start."
    )


def put_between_markers(path, text, name="benchmarks"):
    """Replace what lies between the markers of that name on a page."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    page = path.read_text(encoding="utf-8")
    if start not in page or end not in page:
        print(f"{path.name} has no markers {start} and {end}: it stays as it is.")
        return
    before, rest = page.split(start, 1)
    path.write_text(f"{before}{start}\n{text}\n{end}{rest.split(end, 1)[1]}", encoding="utf-8")


def duration(seconds):
    value, unit = (
        (seconds, "s") if seconds >= 1 else (seconds * 1e3, "ms") if seconds >= 1e-3 else (seconds * 1e6, "µs")
    )
    return f"{value:.3g} {unit}"
