"""For tests of what belongs to the whole process, such as the linear algebra's number of threads."""

import functools
import importlib
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor

SECONDS = 300  # for what takes a few, on a busy machine


@functools.cache
def context():
    """Processes that come from one in which everything is imported and nothing has run, where the system has such."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["pytest", "threadpoolctl", "skmlp_scratch.estimators"])
    return found


def in_own_process(test):
    """Run a test in a new process."""

    @functools.wraps(test)
    def run(**arguments):
        with ProcessPoolExecutor(1, mp_context=context()) as pool:
            pool.submit(_run, test.__module__, test.__name__, arguments).result(SECONDS)

    return run


def _run(module, name, arguments):
    # In the main thread of its process, as signals come to that one alone.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    getattr(importlib.import_module(module), name).__wrapped__(**arguments)
