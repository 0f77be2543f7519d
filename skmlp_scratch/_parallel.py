"""Threads over row chunks, with the linear algebra library held to one thread each.

Chunks that fit the cache on one thread each beat one large product on many threads: nothing waits in between.
"""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def _controller():
    return ThreadpoolController()


def thread_count():
    """Give the number of threads that numpy's linear algebra may use now.

    Returns
    -------
    int

    Examples
    --------
    >>> thread_count() >= 1
    True
    """
    return max((lib["num_threads"] for lib in _controller().info() if lib["user_api"] == "blas"), default=1)


def map_threads(function, items, n_threads=None):
    """Map ``function`` over ``items`` in threads, in the order of the items.

    Parameters
    ----------
    function : callable
        Of one item.
    items : list
        What to map over.
    n_threads : int or None, default=None
        None takes as many as numpy's linear algebra may use, so that environment variables and ``threadpoolctl``
        limit both alike.

    Returns
    -------
    list

    Examples
    --------
    >>> map_threads(abs, [-1, 2, -3], n_threads=2)
    [1, 2, 3]
    """
    n_threads = min(n_threads or thread_count(), len(items))
    if len(items) <= 1:
        return [function(item) for item in items]
    if n_threads == 1:  # the products in one thread all the same, so that their sums do not depend on n_threads
        with _controller().limit(limits=1, user_api="blas"):
            return [function(item) for item in items]
    # A new thread starts with numpy's default error state: each item runs in a copy of the caller's context.
    contexts = [contextvars.copy_context() for _ in items]
    try:
        with _controller().limit(limits=1, user_api="blas"), ThreadPoolExecutor(n_threads) as pool:
            return list(pool.map(lambda context, item: context.run(function, item), contexts, items))
    except RuntimeError as error:
        # Ctrl-C between two steps inside threading's own locks comes out as their error.
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
