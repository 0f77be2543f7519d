import pytest

from skmlp_scratch.optimizers import SGD, Adam
from skmlp_scratch.schedules import Cosine
from skmlp_scratch.solvers import GradientDescent

from .pictures import X, Y, briefly, comparison, network


@pytest.fixture(scope="session")
def fitted():
    return network().fit(X, Y)


@pytest.fixture(scope="session")
def validated():
    params = {"solver": "adam", "learning_rate_init": 0.05, "max_iter": 400}
    return network(early_stopping=True, **params).fit(X, Y)


@pytest.fixture(scope="session")
def with_solvers():
    """Networks whose default names are long."""
    sizes = ((Adam(beta_1=0.8), Cosine(0.1, 50), 32), (SGD(0.9), 0.01, 16), (SGD(), Cosine(0.2, 9), 8))
    solvers = [GradientDescent(o, learning_rate=rate, batch_size=n, max_iter=2) for o, rate, n in sizes]
    return [briefly(network(solver=solver), X, Y) for solver in solvers]


@pytest.fixture
def table():
    return comparison({1: 0.01, (20, 10): 0.1, "chosen": 1.0})
