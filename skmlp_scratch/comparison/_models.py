"""The models that are compared, each in a pipeline that takes the table as it is."""

from typing import NamedTuple

from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ..encoding import TableEncoder
from ..estimators import ScratchMLPClassifier, ScratchMLPRegressor

try:
    from ..tabular import ScratchTabularClassifier, ScratchTabularRegressor
except ModuleNotFoundError:  # not merged yet
    ScratchTabularClassifier = ScratchTabularRegressor = None  # type: ignore[assignment,misc]

# A smooth activation and a full-batch solver that runs until it has converged: scores then differ because of the
# size, not because one of the networks was stopped early.
NETWORK_PARAMS = {"activation": "tanh", "solver": "lbfgs", "alpha": 0.1, "tol": 1e-3, "max_iter": 5000}


class Candidate(NamedTuple):
    """A model to measure.

    Parameters
    ----------
    kind : {"dummy", "linear", "network", "trees", "tabular"}
        What the model is, as in :class:`ComparisonRow`.
    estimator : Pipeline
        The unfitted model, preprocessing included.
    """

    kind: str
    estimator: Pipeline


def baselines(continuous, seed):
    """Return the models whose size is not searched, the fastest first.

    Parameters
    ----------
    continuous : bool
        Whether the target is a number, not a class.
    seed : int
        Seeds the models that draw random numbers.

    Returns
    -------
    candidates : list of Candidate
    """
    if continuous:
        dummy, linear = DummyRegressor(), Ridge()
        trees, tabular = HistGradientBoostingRegressor(random_state=seed), ScratchTabularRegressor
    else:
        dummy, linear = DummyClassifier(), LogisticRegression(max_iter=1000)
        trees, tabular = HistGradientBoostingClassifier(random_state=seed), ScratchTabularClassifier
    models = {"dummy": dummy, "linear": linear, "trees": trees}
    candidates = [Candidate(kind, _prepared(model)) for kind, model in models.items()]
    if tabular is not None:
        # It encodes the table by itself.
        candidates.append(Candidate("tabular", Pipeline([("model", tabular(random_state=seed))])))
    return candidates


def networks(continuous, params):
    """Return our network and scikit-learn's, with the same parameters.

    Parameters
    ----------
    continuous : bool
        Whether the target is a number, not a class.
    params : dict
        Parameters of both.

    Returns
    -------
    candidates : list of Candidate
    """
    if continuous:
        models = [
            TransformedTargetRegressor(network(**params), transformer=StandardScaler())
            for network in (ScratchMLPRegressor, MLPRegressor)
        ]
    else:
        models = [network(**params) for network in (ScratchMLPClassifier, MLPClassifier)]
    return [Candidate("network", _prepared(model)) for model in models]


def name_of(estimator):
    """Return the class name of the model in a pipeline.

    Parameters
    ----------
    estimator : Pipeline
        The pipeline.

    Returns
    -------
    name : str
    """
    model = estimator[-1]
    return type(getattr(model, "regressor", model)).__name__


def _prepared(model):
    return Pipeline([("prepare", TableEncoder(n_bins=0)), ("model", model)])
