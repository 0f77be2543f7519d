"""For tests of what belongs to the whole process, such as the linear algebra's number of threads."""

import functools
import importlib
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor

SECONDS = 300  # for what takes a few, on a busy machine


def in_own_process(test):
    """Run a test in a new process."""

    @functools.wraps(test)
    def run(**arguments):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            pool.submit(_run, test.__module__, test.__name__, arguments).result(SECONDS)

    return run


def _run(module, name, arguments):
    # In the main thread of its process, as signals come to that one alone.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    getattr(importlib.import_module(module), name).__wrapped__(**arguments)
