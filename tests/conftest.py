import json
import signal
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from skmlp_scratch import _engine

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items):
    """The processes of pytest-xdist must find the same names."""
    unstable = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if unstable:
        raise pytest.UsageError(f"addresses in the names of tests, where ids=name_of would leave them out: {unstable}")


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_interrupts():
    """A shell that starts the tests in the background has Ctrl-C ignored, and the tests of interrupts need it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


DRAWN_FROM = {}  # where each generator stood before a test first drew from it


@pytest.fixture(autouse=True)
def same_draws(request):
    """A test that draws from a generator of its module draws the same, whatever ran before it."""
    for generator in vars(request.module).values() if hasattr(request, "module") else ():
        if isinstance(generator, np.random.RandomState):
            generator.set_state(DRAWN_FROM.setdefault(id(generator), generator.get_state()))
        elif isinstance(generator, np.random.Generator):
            bits = generator.bit_generator
            bits.state = DRAWN_FROM.setdefault(id(generator), bits.state)


@pytest.fixture(scope="module")
def one_blas_thread():
    """On small data a second thread only makes the first one wait."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture
def numpy_core(monkeypatch):
    """For tests of how the core computes: the compiled kernels stay away."""
    monkeypatch.setattr(_engine, "_kernels", None)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of reference data that lies beside a checkout, where there is one."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the reference data in ../shared/data, which is not part of the repository")
    return folder


@pytest.fixture(scope="session")
def golden(shared_data):
    """Published and recomputed figures of the tutorials, one dict per experiment."""
    return json.loads((shared_data / "golden.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def mnist(shared_data):
    """MNIST as a dict of uint8 arrays: x_train (60000, 784), y_train (60000,), x_test (10000, 784), y_test (10000,)."""
    with np.load(shared_data / "mnist.npz") as arrays:
        return dict(arrays)
