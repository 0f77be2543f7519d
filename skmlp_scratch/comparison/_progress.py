"""A progress bar on a terminal, and nothing anywhere else."""

import sys
import time
from contextlib import contextmanager

# Where a bar appears at all; shorter work needs none.
LEAST_SECONDS = 0.1


@contextmanager
def progress(what, total):
    """Yield a function to call after each of ``total`` pieces of work.

    On a terminal it moves a bar on standard error: rich's, or without rich a line of text.

    Parameters
    ----------
    what : str
        What is counted.
    total : int
        How many there are.

    Yields
    ------
    advance : callable
        Function without arguments.
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        yield from _line(what, total)
        return
    columns = [TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def _line(what, total):
    """Write the count over itself, and wipe it at the end."""
    done, shown = 0, 0.0

    def advance():
        nonlocal done, shown
        done += 1
        if time.monotonic() - shown > LEAST_SECONDS:
            shown = time.monotonic()
            print(f"\r{what} {done}/{total}", end="", file=sys.stderr, flush=True)

    try:
        yield advance
    finally:
        print("\r" + " " * len(f"{what} {total}/{total}") + "\r", end="", file=sys.stderr, flush=True)
