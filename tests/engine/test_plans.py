"""Predictions, threads, forks, and what the compiled kernels refuse at their door."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy import sparse

from skmlp_scratch import ScratchMLPClassifier, _engine
from skmlp_scratch.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective

NETWORK = Network([Dense(20, 64), Activation("relu"), Dense(64, 3)])
WIDE = Network([Dense(20, 200), Activation("tanh"), LayerNorm(200), Dense(200, 3)])


def problem(n=700, dtype=np.float64, n_threads=None, network=NETWORK):
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((n, 20)).astype(dtype), rng.randint(0, 3, n)
    objective = Objective(network, "log_loss", X, y, alpha=0.1)
    params = network.init(np.random.RandomState(0), dtype=dtype)
    if n_threads:
        objective._bind(params)
        objective._compiled = _engine.compile_objective(objective, params.dtype, n_threads)
    return objective, params


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ["C", "F", "strided", "sparse"])
@pytest.mark.parametrize("n", [1, 255, 256, 257, 3000])
def test_predictions(n, order, dtype, monkeypatch):
    network = Network(
        [Dense(20, 64), BatchNorm(64), Activation("silu"), Dropout(0.5), Dense(64, 30), LayerNorm(30), Dense(30, 3)]
    )
    params = network.init(np.random.RandomState(0), dtype=dtype)
    params += np.random.RandomState(1).random_sample(len(params)).astype(dtype)
    X = np.random.RandomState(2).standard_normal((n, 20)).astype(dtype)
    if order == "sparse":
        X = sparse.random(n, 20, 0.5, format="csr", dtype=dtype, random_state=0)
    X = np.repeat(X, 2, axis=1)[::-1, ::2] if order == "strided" else np.asarray(X, order="F") if order == "F" else X
    monkeypatch.setattr(_engine, "WORTH", 0)
    raw = _engine.predict(network, params, X, lambda: 2)
    monkeypatch.setattr(_engine, "_kernels", None)
    expected = network.predict(params, X)
    np.testing.assert_allclose(
        raw, expected, rtol=0, atol=(1e-12 if dtype == np.float64 else 1e-4) * np.abs(expected).max()
    )


@pytest.mark.parametrize(
    "network", [NETWORK, Network([Dense(20, 200), Activation("tanh"), LayerNorm(200), Dense(200, 3)])]
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [100, 2000])
def test_no_bit_depends_on_the_number_of_threads(n, dtype, network):
    found = []
    for n_threads in (1, 2, 3, 8):
        objective, params = problem(n, dtype, n_threads, network)
        for rows in (None, np.arange(n)[::-1]):
            loss, grad = objective.loss_and_grad(params, rows)
            found.append((loss, grad.copy()))
        found.append((0, network.predict(params, objective.X)))
    for i, (loss, array) in enumerate(found[3:]):
        assert loss == found[i % 3][0]
        np.testing.assert_array_equal(array, found[i % 3][1])


def test_callers_in_several_threads_do_not_disturb_each_other():
    objective, params = problem(2000, n_threads=2)
    expected = objective.loss_and_grad(params)[1].copy()
    results = []

    def run():
        grad = np.zeros_like(params)
        for _ in range(50):
            objective._compiled(params, grad, None, None)
            results.append(np.array_equal(grad, expected))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 200


def _in_child(queue, objective, params):
    queue.put(objective.loss_and_grad(params)[1].copy())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_trains():
    objective, params = problem(2000, n_threads=2)
    expected = objective.loss_and_grad(params)[1].copy()
    context = multiprocessing.get_context("fork")
    for _ in range(5):
        queue = context.SimpleQueue()
        child = context.Process(target=_in_child, args=(queue, objective, params))
        child.start()
        np.testing.assert_array_equal(queue.get(), expected)
        child.join()
        assert child.exitcode == 0


def test_a_plan_does_not_keep_its_data_alive_and_an_objective_pickles():
    objective, params = problem()
    objective.loss_and_grad(params)
    copy = pickle.loads(pickle.dumps(objective))
    assert copy.loss_and_grad(params)[0] == pytest.approx(objective.loss_and_grad(params)[0], rel=1e-12)
    X = objective.X
    before = sys.getrefcount(X)
    del objective
    assert sys.getrefcount(X) < before


@pytest.mark.parametrize("rows", [[700], [-1], [0, 2**40]])
def test_rows_out_of_bounds(rows):
    objective, params = problem()
    with pytest.raises(IndexError, match="out of bounds"):
        objective.loss_and_grad(params, np.array(rows))


def test_matrices_and_classes_that_lie():
    X = sparse.random(50, 20, 0.5, format="csr", random_state=0)
    objective = Objective(NETWORK, "log_loss", X, np.zeros(50, dtype=int))
    params = NETWORK.init(np.random.RandomState(0))
    objective.loss_and_grad(params)
    for broken, value in ((objective.X.indices, 20), (objective.X.indices, -1), (objective.X.indptr, 10**6)):
        before, broken[3] = broken[3], value
        with pytest.raises(IndexError, match="out of bounds"):
            objective.loss_and_grad(params)
        broken[3] = before
    objective.loss_and_grad(params)
    wide = Network([Dense(20, 17)])
    objective = Objective(wide, "log_loss", X, np.zeros(50, dtype=np.int64))
    params = wide.init(np.random.RandomState(0))
    objective.loss_and_grad(params)
    objective.y[3] = 17
    with pytest.raises(IndexError, match="out of bounds"):
        objective.loss_and_grad(params)


def test_vectors_that_do_not_fit():
    objective, params = problem()
    objective.loss_and_grad(params)
    evaluate = objective._compiled.evaluate
    good, others = np.zeros_like(params), (None, 0, 5, 1.0, 0.0, 0.0, ())
    evaluate(params, good, *others)
    for bad in (params[:-1], params.astype(np.float32), np.zeros(2 * len(params))[::2], params.reshape(1, -1)):
        with pytest.raises(ValueError, match="params"):
            evaluate(bad, good, *others)
        with pytest.raises(ValueError, match="grad"):
            evaluate(params, bad, *others)
    good.flags.writeable = False
    with pytest.raises((ValueError, BufferError), match=r"read-only|writable"):
        evaluate(params, good, *others)
    good = np.zeros_like(params)
    for rows, start, stop in ((None, -1, 5), (None, 0, 701), (None, 5, 4), (np.zeros(2), 0, 0), (None, 3, 3)):
        with pytest.raises(ValueError, match="rows"):
            evaluate(params, good, rows, start, stop, 1.0, 0.0, 0.0, ())


def test_draws_that_are_missing_are_an_error():
    network = Network([Dense(20, 8), Dropout(0.5), Dense(8, 3)])
    objective, params = problem(network=network)
    objective.loss_and_grad(params, slice(0, 5), np.random.RandomState(0))
    with pytest.raises((TypeError, ValueError)):
        objective._compiled.evaluate(params, np.zeros_like(params), None, 0, 5, 1.0, 0.0, 0.0, ())


LAYER = (0, 0, 20, 3, 0, 60, -1, -1, 0.0)


@pytest.mark.parametrize(
    "layers",
    [
        (),
        (LAYER,) * 65,
        ((0, 0, 20, 4, 0, 80, -1, -1, 0.0),),
        ((0, 0, 20, 3, -1, 60, -1, -1, 0.0),),
        ((0, 0, 20, 3, 4, 60, -1, -1, 0.0),),
        (LAYER, LAYER),
        ((1, 3, 20, 20, -1, -1, -1, -1, 0.0), LAYER),
        ((2, 0, 20, 20, -1, -1, -1, -1, 0.5),),
        ((9, 0, 20, 20, 0, 0, 0, 0, 0.5), LAYER),
        (LAYER, (1, 99, 3, 3, -1, -1, -1, -1, 0.0)),
        ((0, 0, 2**62, 2**62, 0, -1, -1, -1, 0.0),),
    ],
)
def test_plans_that_do_not_fit(layers):
    X, y = np.zeros((5, 20)), np.zeros((5, 3))
    make = _engine._kernels.Plan
    make(8, 63, 1, (LAYER,), (0, 2, 0, 0.0, 1.0, 0.0), X, y, None)
    with pytest.raises(ValueError, match=r"layers|plan"):
        make(8, 63, 1, layers, (0, 2, 0, 0.0, 1.0, 0.0), X, y, None)


@pytest.mark.parametrize(
    "X, y, weights, what",
    [
        (np.zeros((5, 19)), np.zeros((5, 3)), None, "X"),
        (np.zeros((5, 20), dtype=np.float32), np.zeros((5, 3)), None, "X"),
        (np.zeros((5, 20)), np.zeros((4, 3)), None, "y"),
        (np.zeros((5, 20)), np.zeros((5, 2)), None, "y"),
        (np.zeros((5, 20)), np.zeros((5, 3)), np.ones(4), "sample_weight"),
    ],
)
def test_data_that_do_not_fit(X, y, weights, what):
    with pytest.raises(ValueError, match=what):
        _engine._kernels.Plan(8, 63, 1, (LAYER,), (0, 2, 0, 0.0, 1.0, 0.0), X, y, weights)


def test_memory_that_is_not_there_is_a_memory_error():
    resource = pytest.importorskip("resource")
    objective, params = problem(network=Network([Dense(20, 500_000), Dense(500_000, 3)]))
    objective._bind(params)
    size, limit = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (10**9, limit))  # less than the step needs
    try:
        with pytest.raises(MemoryError):
            objective.loss_and_grad(params)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (size, limit))
    assert np.isfinite(objective.loss_and_grad(params, slice(0, 2))[0])


@pytest.mark.parametrize("solver", ["sgd", "adam", "gd", "lbfgs"])
def test_twenty_epochs_follow_the_core(solver, monkeypatch):
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((300, 7)), rng.randint(0, 3, 300)
    model = ScratchMLPClassifier((16,), activation="tanh", solver=solver, max_iter=20, tol=0, random_state=0)
    with pytest.warns(Warning, match="iterations|Maximum"):
        engine = model.fit(X, y).coefs_
    monkeypatch.setattr(_engine, "_kernels", None)
    with pytest.warns(Warning, match="iterations|Maximum"):
        core = model.fit(X, y).coefs_
    for ours, theirs in zip(engine, core, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 if solver != "lbfgs" else 1e-6)


@pytest.mark.parametrize("switch, expected", [("0", "numpy: SKMLP_SCRATCH_ENGINE=0"), ("1", "compiled kernels")])
def test_the_switch(switch, expected):
    command = "from skmlp_scratch import _engine; print(_engine.status())"
    environment = os.environ | {"SKMLP_SCRATCH_ENGINE": switch}
    run = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True, env=environment)
    assert run.stdout.startswith(expected)


def test_the_interpreter_ends_while_a_helper_sleeps():
    command = """
import numpy as np
from skmlp_scratch.optimizers import Adam
from skmlp_scratch import _engine
_engine._threads = 2
params = np.ones(10**6)
Adam().update(params, params + 1, Adam().init(params), 0.1)
"""
    run = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True, timeout=60)
    assert run.stderr == ""


@pytest.mark.parametrize("n", [8, 12, 13, 24, 25])
def test_few_rows_with_many_outputs(n):
    """Shares begin at multiples of twelve rows: none may be empty."""
    net, X, Y = Network([Dense(1, 100_000)]), np.ones((n, 1)), np.ones((n, 100_000))
    loss, grad = Objective(net, "squared_error", X, Y).loss_and_grad(np.zeros(net.size))
    assert loss == 0.5
    np.testing.assert_allclose(grad, -1e-5, rtol=1e-10)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_predictions_of_wide_sparse_rows_take_no_dense_copy():
    command = """
import resource
import numpy as np
from scipy import sparse
from skmlp_scratch.layers import Dense
from skmlp_scratch.network import Network
network = Network([Dense(2**20, 1)])
X = sparse.csr_matrix((np.ones(2000), np.arange(2000), np.arange(2001)), shape=(2000, 2**20))
params = np.ones(network.size)
with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 10**9,) * 2)
assert (network.predict(params, X) == 2).all()
"""
    run = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=60)
    assert run.stderr == ""


def test_one_plan_predicts_of_rows_that_lie_in_any_way():
    objective, params = problem()
    objective.loss_and_grad(params)
    predict, X = objective._compiled.evaluate.__self__.predict, objective.X
    for rows in (X, np.asfortranarray(X), sparse.csr_matrix(X), X[:, ::-1][:, ::-1]):
        given = (rows.data, rows.indices, rows.indptr) if sparse.issparse(rows) else rows
        raw = np.empty((len(X), 3))
        predict(params, given, raw.reshape(-1))
        np.testing.assert_allclose(raw, NETWORK.predict(params, X), rtol=1e-9)
