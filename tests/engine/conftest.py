import pytest

from skmlp_scratch import _engine


@pytest.fixture(autouse=True)
def compiled():
    """These tests compare the two ways to compute; where there is only one, there is nothing to compare."""
    if _engine.status().startswith("numpy"):
        pytest.skip(_engine.status())
