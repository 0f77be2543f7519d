"""Threads, forks, interrupts and the end of the interpreter leave the process and its linear algebra whole.

The number of threads of the linear algebra belongs to the process: tests that look at it run in a process of their own,
which no test beside them can disturb.
"""

import contextlib
import contextvars
import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from own_process import in_own_process
from threadpoolctl import ThreadpoolController, threadpool_limits

from skmlp_scratch import ScratchMLPClassifier, _engine, _parallel
from skmlp_scratch._parallel import map_threads, thread_count
from skmlp_scratch.layers import Activation, Dense
from skmlp_scratch.network import Network

SECONDS = 120  # for what takes a few, on a busy machine
LIBRARIES = ThreadpoolController().select(user_api="blas")


def blas_threads():
    return {library["num_threads"] for library in LIBRARIES.info()}


def in_thread(function, *arguments):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result(SECONDS)


def observed(_):
    """For map_threads: what the linear algebra may use there."""
    time.sleep(0.01)  # so that every worker gets an item
    return blas_threads()


def wide():
    """A network and rows whose products OpenBLAS would spread over threads."""
    _engine._kernels = None  # in a process of its own, too: the kernels' threads are not the core's
    rng = np.random.RandomState(0)
    network = Network([Dense(30, 100), Activation("relu"), Dense(100, 100), Activation("tanh"), Dense(100, 3)])
    return network, network.init(rng), rng.standard_normal((20_000, 30))


@pytest.fixture(autouse=True)
def core_alone(numpy_core):
    """What is tested here are the core's threads."""


# What it computes.


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("n_items", [0, 1, 2, 3, 50])
def test_results_are_in_order(n_items, n_threads):
    with threadpool_limits(n_threads, user_api="blas"):
        assert map_threads(lambda item: item**2, list(range(n_items))) == [item**2 for item in range(n_items)]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_first_item_that_fails_is_raised_and_the_rest_is_dropped(n_threads):
    done = []

    def function(item):
        if item in (3, 4):
            time.sleep(0.02 * (5 - item))  # the later one fails first
            raise ValueError(f"item {item}")
        time.sleep(0.001)
        done.append(item)

    with threadpool_limits(n_threads, user_api="blas"), pytest.raises(ValueError, match="item 3"):
        map_threads(function, list(range(1000)))
    assert len(done) < 100


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, StopIteration, GeneratorExit])
def test_any_error_of_the_function_reaches_the_caller(error):
    def function(item):
        raise error

    with threadpool_limits(2, user_api="blas"), pytest.raises(error):
        map_threads(function, [1, 2, 3])
    with threadpool_limits(2, user_api="blas"):
        assert map_threads(abs, [-1, -2]) == [1, 2]


def test_maps_within_maps():
    def outer(item):
        return sum(map_threads(lambda inner: item * inner, list(range(10))))

    with threadpool_limits(2, user_api="blas"):
        assert map_threads(outer, list(range(20))) == [45 * item for item in range(20)]


VARIABLE = contextvars.ContextVar("variable", default="default")


def test_workers_see_the_callers_context_and_error_state():
    called = []

    def function(item):
        np.array([1.0]) / np.array([0.0])
        return VARIABLE.get(), np.geterr()

    def check():
        before = VARIABLE.set("the caller's"), np.seterrcall(lambda kind, flag: called.append(kind))
        with np.errstate(divide="call", over="raise", under="warn", invalid="ignore"):
            expected = np.geterr()
            assert map_threads(function, list(range(8))) == [("the caller's", expected)] * 8
        np.seterrcall(before[1])
        with np.errstate(divide="ignore"):
            assert map_threads(function, list(range(8))) == [("the caller's", np.geterr())] * 8

    with threadpool_limits(2, user_api="blas"):
        contextvars.copy_context().run(check)
        assert len(called) == 8
        with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
            map_threads(function, list(range(8)))
        with np.errstate(divide="ignore"):
            assert {name for name, _ in map_threads(function, list(range(8)))} == {"default"}


def test_the_error_state_holds_in_every_worker_of_a_fit():
    X = np.random.RandomState(0).standard_normal((8000, 20)) * 1e300
    with threadpool_limits(2, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"^Training diverged"):
            ScratchMLPClassifier(100, "identity", solver="gd", max_iter=3).fit(X, X[:, 0] > 0)


def test_a_job_may_wait_for_other_callers():
    """Were all workers busy with the first jobs, the later ones would never be served."""
    n_callers = 5
    barrier = threading.Barrier(n_callers)

    def function(item):
        if item == 0:
            barrier.wait(SECONDS)
        return in_thread(map_threads, abs, [-item, item])

    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(n_callers) as pool:
        futures = [pool.submit(map_threads, function, list(range(10))) for _ in range(n_callers)]
        assert [future.result(SECONDS) for future in futures] == [[[i, i] for i in range(10)]] * n_callers


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_kept_of_a_job(fails):
    class Data:
        pass

    data = Data()
    gone = weakref.ref(data)

    def function(item, data=data):
        if fails:
            raise ValueError
        return item

    gc.disable()
    try:
        with threadpool_limits(2, user_api="blas"):
            with contextlib.suppress(ValueError):
                map_threads(function, list(range(20)))
            del function, data
            for _ in range(100):  # a worker that came too late lets go of it in a moment
                if gone() is None:
                    break
                time.sleep(0.01)
        assert gone() is None
    finally:
        gc.enable()


# Which threads it takes.


@in_own_process
def test_no_threads_for_small_work_nor_under_a_limit():
    network, params, X = wide()
    with threadpool_limits(2, user_api="blas"):
        network.predict(params, X[:200])
        ScratchMLPClassifier(50, max_iter=2).fit(X[:2000], X[:2000, 0] > 0)
    with threadpool_limits(1, user_api="blas"):
        network.predict(params, X)
    assert _parallel._workers.size == 0
    with threadpool_limits(3, user_api="blas"):
        for _ in range(5):
            network.predict(params, X)
    assert 1 <= _parallel._workers.size <= 4  # one is always ready


@in_own_process
def test_as_many_workers_as_allowed():
    def peak(limit):
        running, most = [], []

        def function(item):
            running.append(item)
            most.append(len(running))
            time.sleep(0.02)
            running.remove(item)

        with threadpool_limits(limit, user_api="blas"):
            map_threads(function, list(range(30)))
        return max(most)

    assert [peak(3), peak(1), peak(2)] == [3, 1, 2]


def test_an_environment_variable_limits():
    script = "from skmlp_scratch._parallel import thread_count; print(thread_count())"
    for limit in ("1", "2"):
        environment = os.environ | {f"{name}_NUM_THREADS": limit for name in ("OPENBLAS", "OMP", "MKL", "BLIS")}
        assert subprocess.check_output([sys.executable, "-c", script], env=environment, text=True).strip() == limit


@in_own_process
def test_a_number_of_threads_that_is_asked_for_counts_and_products_stay_in_one_thread_each():
    for limit in (1, 2):
        for n_threads in (1, 2, 3):
            barrier = threading.Barrier(n_threads)

            def function(item, barrier=barrier):
                if item < barrier.parties:
                    barrier.wait(SECONDS)
                return blas_threads()

            with threadpool_limits(limit, user_api="blas"):
                assert map_threads(function, list(range(6)), n_threads) == [{1}] * 6
                assert map_threads(function, [9], n_threads) == [{1}]
                assert blas_threads() == {limit}


@pytest.mark.parametrize("n_threads", [2, 3])
def test_long_items_may_end_early(n_threads):
    stopped = threading.Event()

    def function(item):
        if item == 1:
            raise ArithmeticError
        assert stopped.wait(SECONDS)

    with pytest.raises(ArithmeticError):
        map_threads(function, [0, 1, 2], n_threads, stopped.set)

    def interrupt(item):
        if item == 0:
            raise KeyboardInterrupt
        assert stopped.wait(SECONDS)

    stopped.clear()
    with pytest.raises(KeyboardInterrupt):
        map_threads(interrupt, [0, 1, 2], n_threads, stopped.set)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to one thread")
@in_own_process
def test_an_interrupted_caller_stops_the_items_in_work():
    stopped = threading.Event()
    for _ in range(3):
        stopped.clear()
        timer = threading.Timer(0.05, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            map_threads(lambda _: stopped.wait(SECONDS), [1, 2, 3], 2, stopped.set)
        assert stopped.is_set()
        timer.join()


# What it does to the linear algebra.


def keep_the_limit(number):
    """Be the one thread whose limits count, as who calls threadpool_limits outside of a with block."""
    threadpool_limits(number, user_api="blas")


@in_own_process
def test_products_run_in_one_thread_each_whoever_calls_and_whoever_owns_the_limit():
    def call():
        return map_threads(observed, list(range(8)))

    in_thread(keep_the_limit, 2)  # a thread that ended owns it
    for caller in (call, lambda: in_thread(call)):
        assert caller() == [{1}] * 8
        assert blas_threads() == {2}
        with threadpool_limits(3, user_api="blas"):  # the main thread owns it
            assert caller() == [{1}] * 8
            assert blas_threads() == {3}
        keep_the_limit(2)  # for ever
        assert caller() == [{1}] * 8
        assert blas_threads() == {2}
    assert _parallel._workers.size >= 2


@in_own_process
def test_whoever_ends_last_restores_the_threads():
    keep_the_limit(2)
    order = [(first, last) for first in ("main", "other") for last in ("main", "other")] * 5
    for first, last in order:
        begun, ended = threading.Event(), threading.Event()

        def outlast(item, begun=begun, ended=ended):
            begun.set()
            assert ended.wait(SECONDS)
            return blas_threads()

        def be_first(begun=begun, ended=ended):
            assert begun.wait(SECONDS)
            result = map_threads(observed, list(range(2)))
            ended.set()
            return result

        with ThreadPoolExecutor(2) as pool:
            # Both workers wait for the shorter job: it needs one more to be served.
            with threadpool_limits(3, user_api="blas"):
                longer = pool.submit(map_threads, outlast, [1, 2])
                assert begun.wait(SECONDS)
                shorter = be_first() if first == "main" else pool.submit(be_first).result(SECONDS)
                assert last in ("main", "other")
                assert longer.result(SECONDS) == [{1}] * 2
            assert shorter == [{1}] * 2
        assert blas_threads() == {2}
        assert thread_count() == 2


@in_own_process
def test_overlapping_fits_leave_the_threads_as_they_were():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((20_000, 20))
    keep_the_limit(2)

    def fit(n_iter):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ScratchMLPClassifier(100, solver="gd", max_iter=n_iter, tol=0).fit(X, X[:, 0] > 0)

    other = threading.Thread(target=fit, args=(30,))
    starter = threading.Timer(0.05, other.start)
    starter.start()
    fit(10)
    starter.join()
    other.join()
    assert blas_threads() == {2}
    assert in_thread(thread_count) == 2
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fit, range(1, 17)))
    assert blas_threads() == {2}


@in_own_process
def test_after_a_large_prediction_everyone_may_set_limits():
    network, params, X = wide()

    def limited():
        with threadpool_limits(1, user_api="blas"):
            return blas_threads()

    with threadpool_limits(2, user_api="blas"):
        pass
    in_thread(keep_the_limit, 2)
    for predict in (network.predict, lambda *data: in_thread(network.predict, *data)):
        predict(params, X)
        assert blas_threads() == {2}
        assert in_thread(limited) == limited() == {1}
        assert blas_threads() == {2}


@in_own_process
def test_a_limit_set_meanwhile_is_respected():
    in_thread(keep_the_limit, 2)
    begun, go_on = threading.Event(), threading.Event()

    def function(item):
        begun.set()
        assert go_on.wait(SECONDS)

    with ThreadPoolExecutor(1) as pool:
        with threadpool_limits(3, user_api="blas"):
            future = pool.submit(map_threads, function, [1, 2])
            assert begun.wait(SECONDS)
            assert blas_threads() == {1}
            assert thread_count() == 3
        assert blas_threads() == {2}  # who had set 3 has restored 2 while they work
        go_on.set()
        future.result(SECONDS)
    assert blas_threads() == {2}


@in_own_process
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_thread_computes_the_same_bits(dtype):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((9000, 60)).astype(dtype)
    results = []

    def fit():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = ScratchMLPClassifier(100, solver="lbfgs", max_iter=3, random_state=0).fit(X, X[:, 0] > 0)
        return model.params_, model.predict_proba(X)

    for limit in (1, 2, 4):
        with threadpool_limits(limit, user_api="blas"), ThreadPoolExecutor(3) as pool:
            futures = [pool.submit(fit) for _ in range(3)]
            results += [fit(), *(future.result(SECONDS) for future in futures)]
    in_thread(keep_the_limit, 2)
    results.append(in_thread(fit))
    for params, proba in results[1:]:
        np.testing.assert_array_equal(params, results[0][0])
        np.testing.assert_array_equal(proba, results[0][1])


def test_memory_is_bounded_by_the_workers():
    network, params, X = wide()
    X = np.tile(X, (4, 1))
    with threadpool_limits(2, user_api="blas"):
        network.predict(params, X)
        tracemalloc.start()
        network.predict(params, X)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 30e6  # in one piece the first hidden layer alone takes 64 MB


# Interrupts.


class Injected(KeyboardInterrupt):
    pass


def interrupted_at(moment, call, events, folder=Path(_parallel.__file__).parent):
    """Call, with a KeyboardInterrupt at one moment of the steps of some files; tell whether it came."""
    steps = itertools.count()

    def trace(frame, event, arg):
        if not Path(frame.f_code.co_filename).is_relative_to(folder):
            return None
        frame.f_trace_opcodes = events == "opcode"
        if event in ("call", events) and next(steps) == moment:
            sys.settrace(None)
            raise Injected
        return trace

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        call()
    except Injected:
        return True
    finally:
        sys.settrace(before)
    return next(steps) > moment


def assert_whole():
    """The linear algebra is as it was, nobody holds it, and the next map works."""
    assert not _parallel._one_thread_each.holders
    assert blas_threads() == {2}
    assert map_threads(lambda _: blas_threads(), [1, 2, 3]) == [{1}] * 3
    assert blas_threads() == {2}


@in_own_process
@pytest.mark.parametrize("workers", ["warm", "cold"])
def test_an_interrupt_at_any_step_of_a_map_leaves_the_process_whole(workers):
    in_thread(keep_the_limit, 2)
    map_threads(abs, [1, 2])
    for moment in itertools.count():
        if workers == "cold":
            _parallel._workers.__init__()  # those of before will wait for ever
        if not interrupted_at(moment, lambda: map_threads(abs, list(range(-9, 0))), "opcode"):
            break
        assert_whole()
    assert moment > 100


@in_own_process
def test_an_interrupt_at_any_line_of_a_prediction_leaves_the_process_whole():
    network, params, X = wide()
    X, network.chunk_rows = X[:500], 100
    in_thread(keep_the_limit, 2)
    expected = network.predict(params, X)
    for moment in itertools.count():
        if not interrupted_at(moment, lambda: network.predict(params, X), "line"):
            break
        assert_whole()
    assert moment > 50
    np.testing.assert_array_equal(network.predict(params, X), expected)


@in_own_process
def test_an_interrupt_within_a_fit_returns_the_weights_so_far():
    X = wide()[2][:6000]
    in_thread(keep_the_limit, 2)
    warnings.simplefilter("ignore")
    clf = ScratchMLPClassifier(100, solver="lbfgs", max_iter=2, random_state=0).fit(X, X[:, 0] > 0)
    for moment in itertools.count(0, 7):
        if not interrupted_at(moment, lambda: clf.fit(X, X[:, 0] > 0), "line", _parallel.__file__):
            break
        assert clf.predict(X).shape == (6000,)
        assert_whole()
    assert moment > 100


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers that send signals")
@in_own_process
def test_signals_at_any_moment_leave_the_process_whole():
    network, params, X = wide()
    in_thread(keep_the_limit, 2)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    expected, rng, interrupts = network.predict(params, X), np.random.RandomState(0), 0
    for _ in range(100):
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 0.02))
                found = network.predict(params, X)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            interrupts += 1
        else:
            np.testing.assert_array_equal(found, expected)
        assert not _parallel._one_thread_each.holders
        assert blas_threads() == {2}
    assert interrupts > 10
    assert_whole()


# Forks.

FORKS = """
import os, signal, sys, threading, warnings
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from skmlp_scratch import _parallel
from skmlp_scratch.layers import Activation, Dense
from skmlp_scratch.network import Network

warnings.simplefilter("ignore")  # that forks and threads do not mix
def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

rng = np.random.RandomState(0)
network = Network([Dense(8, 20), Activation("tanh"), Dense(20, 3)])
network.chunk_rows = 64
params, X = network.init(rng), rng.standard_normal((300, 8))
with threadpool_limits(2, user_api="blas"):
    pass
limit = threading.Thread(target=threadpool_limits, args=(2, "blas"))
limit.start()
limit.join()
expected, stop = network.predict(params, X), threading.Event()

def storm():
    while not stop.is_set():
        network.predict(params, X)

threads = [threading.Thread(target=storm) for _ in range(int(sys.argv[1]))]
for thread in threads:
    thread.start()
failed = []
for k in range(20):
    child = os.fork()
    if not child:
        signal.alarm(20)  # ends a child that waits for ever
        good = blas_threads() == {2} and _parallel.thread_count() == 2 and not _parallel._workers.size
        good = good and all((network.predict(params, X) == expected).all() for _ in range(3))
        with threadpool_limits(1, user_api="blas"):
            good = good and blas_threads() == {1}
        os._exit(0 if good and blas_threads() == {2} else 1)
    status = os.waitpid(child, 0)[1]
    if status:
        failed.append((k, status))
stop.set()
for thread in threads:
    thread.join()
assert blas_threads() == {2}, blas_threads()
assert not failed, failed
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("n_threads", [1, 3])
def test_forked_children_are_whole_while_threads_predict(n_threads):
    run_script(FORKS, n_threads)


def run_script(script, *arguments):
    """Run a script in a new interpreter, which must end well and say nothing; return the words that it prints."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=5 * SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


# The end of the interpreter.

ENDING = """
import atexit, os, sys, threading, time, warnings
import numpy as np
from threadpoolctl import threadpool_limits
from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch._parallel import map_threads

limit = threading.Thread(target=threadpool_limits, args=(2, "blas"))
limit.start()
limit.join()
warnings.simplefilter("ignore")
X = np.random.RandomState(0).standard_normal((9000, 20))
y = X[:, 0] > 0
fitted = ScratchMLPClassifier(100, solver="gd", max_iter=2, random_state=0).fit(X[:500], y[:500])
if sys.argv[2] == "warm":
    fitted.predict(X)
expected = np.vstack([fitted.predict_proba(part) for part in np.split(X, 9)])

def work():
    assert np.allclose(fitted.predict_proba(X), expected, rtol=1e-12)
    again = ScratchMLPClassifier(100, solver="lbfgs", max_iter=2, random_state=0).fit(X, y)
    assert again.score(X, y) > 0.5
    os.write(1, b"done ")

def work_after_main():
    threading.main_thread().join()
    time.sleep(0.1)
    work()

class AtTheVeryEnd:  # when workers stand still, and scikit-learn can no longer validate data
    def __del__(self, map_threads=map_threads, function=lambda item: item @ item.T, items=[X[:200]] * 9):
        assert len(map_threads(function, items)) == 9
        os.write(1, b"done ")

if sys.argv[1] == "atexit":
    atexit.register(work)
elif sys.argv[1] == "thread":
    threading.Thread(target=work_after_main).start()
elif sys.argv[1] == "thread in atexit":
    atexit.register(lambda: work())
    threading.Thread(target=work_after_main).start()
else:
    at_the_very_end = AtTheVeryEnd()
"""


@pytest.mark.parametrize(
    "moment, workers",
    [
        ("atexit", "warm"),
        ("atexit", "cold"),
        ("thread", "cold"),
        ("thread in atexit", "warm"),
        ("module teardown", "cold"),
    ],
)
def test_large_work_succeeds_while_the_interpreter_ends(moment, workers):
    assert run_script(ENDING, moment, workers) == ["done"] * (2 if moment == "thread in atexit" else 1)
