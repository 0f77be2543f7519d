from functools import partial

import pytest
from threadpoolctl import threadpool_limits

from skmlp_scratch.comparison import _models, compare_with_baselines

from .small import N_TREES, X, Y


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    """The comparison limits itself; the same limit here makes what it is compared with comparable, and fast."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(scope="package", autouse=True)
def quick_baselines():
    """Gradient boosting and the network for tables are compared, not tested."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("Classifier", "Regressor"):
            trees, tabular = f"HistGradientBoosting{kind}", f"ScratchTabular{kind}"
            patch.setattr(_models, trees, partial(getattr(_models, trees), max_iter=N_TREES))
            if getattr(_models, tabular) is not None:
                patch.setattr(_models, tabular, partial(getattr(_models, tabular), max_iter=2, n_members=1))
        yield


@pytest.fixture(scope="package")
def table():
    return compare_with_baselines(X, Y, hidden_layer_sizes=[1, 4], cv=3)
