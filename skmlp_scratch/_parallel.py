"""Threads over row chunks, with the linear algebra library held to one thread each.

Chunks that fit the cache on one thread each beat one large product on many threads: there is no synchronization in
between.

The linear algebra's number of threads belongs to the whole process, and a Ctrl-C may stop the calling thread between
any two steps. So only the workers, which receive no signals, change that number and count who needs it; the caller
hands them a job and waits.
"""

import _thread
import contextvars
import os
import sys
import threading
from collections import deque
from contextlib import suppress
from functools import lru_cache
from queue import SimpleQueue

import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_limits


@lru_cache(maxsize=1)
def _libraries():
    """Find the linear algebra libraries that are loaded."""
    return ThreadpoolController().select(user_api="blas").lib_controllers


@lru_cache(maxsize=1)
def _raise_trim_threshold():
    """Let glibc keep what one chunk frees, for the next one.

    Freeing a block raises the size above which glibc returns memory to the system; where that is low, the pages of
    every chunk are fetched anew. This is the largest block that counts, and it is never touched.
    """
    if sys.platform == "linux":
        np.empty(2**25 - 2**16, dtype=np.uint8)


def _set_threads(library, number):
    """Set a library's number of threads, from any thread.

    Since threadpoolctl 3.8 the first thread to set OpenBLAS's number keeps all others from setting it.
    """
    release = getattr(library, "clear_controlling_thread", lambda force: None)
    release(force=True)
    library.set_num_threads(number)
    release(force=True)


class _OneThreadEach:
    """Hold the linear algebra at one thread, as long as any worker wants it.

    Attributes
    ----------
    held : dict
        The numbers to restore, by library. It is replaced, never changed: who reads it twice sees whether it changed.
    """

    def __init__(self):
        self.lock, self.holders, self.held = threading.Lock(), 0, {}

    def __enter__(self):
        with self.lock:
            self.holders += 1
            # Each worker looks, as some libraries count per calling thread.
            numbers = {library: number for library in _libraries() if (number := library.num_threads or 1) > 1}
            self.held = self.held | numbers
            for library in numbers:
                _set_threads(library, 1)

    def __exit__(self, *exception):
        with self.lock:
            self.holders -= 1
            if not self.holders:
                self.restore()

    def restore(self):
        """Restore the numbers held, except where somebody has set another one meanwhile."""
        for library, number in self.held.items():
            if library.num_threads == 1:
                _set_threads(library, number)
        self.held = {}


class _Job:
    """A function and the items to map it over, which workers take one by one, and what comes of them."""

    def __init__(self, function, items, stop):
        self.function, self.items, self.stop = function, deque(enumerate(items)), stop
        self.results, self.errors = [None] * len(items), {}
        self.context = contextvars.copy_context()
        self.error_state = {**np.geterr(), "call": np.geterrcall()}  # before numpy 2 no part of the context
        self.active, self.left = [], SimpleQueue()

    def work(self):
        """Map over the items that are left, in the caller's context, whatever happens."""
        try:
            with _one_thread_each:
                self.context.copy().run(self._work)
        except BaseException as error:
            self._fail(-1, error)

    def _work(self):
        with np.errstate(**self.error_state), suppress(IndexError):  # once no item is left
            while True:
                self._run(*self.items.popleft())

    def _run(self, index, item):
        try:
            self.results[index] = self.function(item)
        except BaseException as error:
            self._fail(index, error)

    def _fail(self, index, error):
        self.errors[index] = error
        self.items.clear()
        self.stop()

    def wait(self):
        """Wait until no worker is at it; each one tells when it leaves."""
        while self.items or self.active:
            self.left.get()

    def cancel(self):
        """Drop the items that are left, and wait for those begun."""
        self.items.clear()
        self.wait()

    def result(self):
        """Give the results, or raise the error of the first item that failed."""
        try:
            for index in sorted(self.errors):
                raise self.errors[index]
        finally:
            self.errors.clear()  # their tracebacks refer to the job
        return self.results


class _Workers:
    """Threads that are kept. One leads each job, whatever others do; all jobs share those that help."""

    def __init__(self):
        self.tickets, self.lock = SimpleQueue(), threading.Lock()
        self.size, self.idle, self.helping = 0, 0, 0

    def start(self):
        """Start the first one, unless there are some; tell whether that is possible."""
        try:
            if not self.size:
                # One step, unlike the start of a threading.Thread, whose locks an interrupt may break.
                _thread.start_new_thread(self._first, ())
        except RuntimeError:
            return False
        return True

    def map(self, function, items, n_threads, stop):
        """Map over the items in at most this many of them."""
        job = _Job(function, items, stop)
        # Twice, as an interrupt may also come between the steps of the first.
        try:
            try:
                for others in range(n_threads):
                    self.tickets.put((job, n_threads - 1 if others else None))
                job.wait()
            except BaseException:
                stop()
                raise
            finally:
                job.cancel()
        finally:
            job.cancel()
        return job.result()

    def _first(self):
        with self.lock:
            if self.size:
                return
            self.size = self.idle = 1
        self._serve()

    def _serve(self):
        _here.is_worker = True
        while True:
            self._take(*self.tickets.get())

    def _take(self, job, n_helpers):
        """Lead a job, or help with it unless as many as ``n_helpers`` are helping, here or elsewhere."""
        job.active.append(None)
        leads = n_helpers is None
        with self.lock:
            self.idle -= 1
            self._keep_one_idle()
            works = bool(job.items) and (leads or self.helping < n_helpers)
            self.helping += works and not leads
        if works:
            job.work()
        with self.lock:
            self.idle += 1
            self.helping -= works and not leads
        job.active.pop()
        job.left.put(None)

    def _keep_one_idle(self):
        with suppress(RuntimeError):  # where no more can be started, jobs wait for those there are
            if not self.idle:
                _thread.start_new_thread(self._serve, ())
                self.idle += 1
                self.size += 1


_one_thread_each, _workers, _here = _OneThreadEach(), _Workers(), threading.local()


def _start_afresh():
    """Let a forked child begin without workers, which stayed with its parent, and with all threads it may use."""
    held = _one_thread_each.held
    _one_thread_each.__init__()
    _one_thread_each.held = held
    _one_thread_each.restore()
    _workers.__init__()
    _here.is_worker = False


if hasattr(os, "register_at_fork"):
    # With the lock, no worker is inside threadpoolctl's own lock, which the child would find locked for ever.
    os.register_at_fork(
        before=lambda: _one_thread_each.lock.acquire(),
        after_in_parent=lambda: _one_thread_each.lock.release(),
        after_in_child=_start_afresh,
    )


def thread_count():
    """Give the number of threads that numpy's linear algebra may use now.

    Returns
    -------
    int
        What environment variables and ``threadpoolctl`` allow; that ``map_threads`` is at work does not change it.

    Examples
    --------
    >>> thread_count() >= 1
    True
    """
    while True:
        held = _one_thread_each.held
        numbers = [held.get(library, library.num_threads or 1) for library in _libraries()]
        if held is _one_thread_each.held:
            return max(numbers, default=1)


def map_threads(function, items, n_threads=None, stop=lambda: None):
    """Map ``function`` over ``items`` in threads, in the order of the items.

    Whatever the number of threads, the products of several items run in one thread each: their sums do not depend on
    it.

    Parameters
    ----------
    function : callable
        Function of one item. It sees the caller's context variables and numpy error state.
    items : list
        What to map over.
    n_threads : int or None, default=None
        Number of threads. None takes as many as numpy's linear algebra may use, so that environment variables and
        ``threadpoolctl`` limit both alike; then a single item runs as if it were called.
    stop : callable
        Function called without arguments when an item fails or the caller is interrupted, so that long items may
        end early.

    Returns
    -------
    list
        The results, in the order of the items.

    Raises
    ------
    BaseException
        What ``function`` raised, for the first item that failed.

    Examples
    --------
    >>> map_threads(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    # A worker's products are held to one thread already. At the very end of the interpreter workers stand still.
    if (len(items) <= 1 and n_threads is None) or getattr(_here, "is_worker", False) or sys.is_finalizing():
        return [function(item) for item in items]
    _raise_trim_threshold()
    limit = thread_count()
    n_threads = min(len(items), n_threads or limit)
    if max(n_threads, limit) <= 1:
        return [function(item) for item in items]
    if _workers.start():
        return _workers.map(function, items, n_threads, stop)
    with threadpool_limits(1, user_api="blas"):  # the interpreter ends, and no more threads start
        return [function(item) for item in items]
