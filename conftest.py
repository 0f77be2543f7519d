"""For every test and every doctest: figures are drawn off screen, and closed."""

import os
import sys
from importlib.util import find_spec

import pytest

os.environ["MPLBACKEND"] = "Agg"
if "PYTEST_XDIST_WORKER" in os.environ:  # the processes share the processor: threads of each would only wait
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# The doctests of a room that cannot be imported without its extra.
collect_ignore = [] if find_spec("distributed") else ["skmlp_scratch/distributed"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
