"""Problems and small helpers that several files of tests share."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn
from scipy import sparse
from scipy.optimize import OptimizeResult
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.fixes import parse_version

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.optimizers import OPTIMIZERS, Adam
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize


def name_of(value):
    """The id of a parameter, without an address: the processes of pytest-xdist must find the same names."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


# For tests that compare solvers on the same parameters, whether they use them or not, in a few epochs.
lenient = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:.*(has no effect with solver|is constant with decay=0):UserWarning",
)
# A later scikit-learn may have repaired what the tests say of it.
PEER_IS_KNOWN = parse_version(sklearn.__version__) < parse_version("1.10")
ROOT = Path(__file__).parents[1]
SCIPY = ("bfgs", "lbfgs", "cg")
DESCENDING = tuple(solver for solver in SOLVERS if solver not in SCIPY)
X_NOISY, Y_NOISY = make_classification(120, 6, n_informative=4, flip_y=0.2, random_state=0)
X_LINEAR, Y_LINEAR = make_regression(120, 4, noise=10, random_state=0)
Y_LINEAR = scale(Y_LINEAR)
# So small a rate that weights stay as they are: what is measured is measured at the initial weights.
STILL = {"solver": "sgd", "momentum": 0, "learning_rate_init": 1e-300, "max_iter": 1, "random_state": 0}
each_solver = pytest.mark.parametrize("solver", SOLVERS)
each_descending_solver = pytest.mark.parametrize("solver", DESCENDING)


class SpySolver(GradientDescent):
    """Gradient descent that notes each run's objective; copies of it share the list."""

    def minimize(self, objective, params, **rest):
        self.objectives.append(objective)
        return super().minimize(objective, params, **rest)


def spy_solver(**params):
    solver = SpySolver(**params)
    solver.objectives = []
    return solver


class SpyScoring:
    """Accuracy, with notes of what it was asked for."""

    def __init__(self):
        self.rows, self.params, self.scores = [], [], []

    def __call__(self, estimator, X, y):
        self.rows.append(X.copy())
        self.params.append(estimator.params_.copy())
        self.scores.append(float(np.mean(estimator.predict(X) == y)))
        return self.scores[-1]


def downhill_by_scipy(fun, x0, args=(), jac=None, callback=None, **options):
    """A third party's method for scipy.optimize.minimize."""
    x = x0
    for _ in range(60):
        x = x - 0.1 * jac(x)
        callback(x)
    return OptimizeResult(x=x, fun=fun(x), nit=60, success=True)


DAYS = np.datetime64("2024-01-01") + np.arange(120)[:, None]
X_FEW = np.random.RandomState(0).standard_normal((20, 3))
Y_FEW = (X_FEW[:, 0] > 0).astype(int)
OURS = (ScratchMLPClassifier, ScratchMLPRegressor)
each_of_ours = pytest.mark.parametrize("estimator", OURS)


def trained(n_epochs, estimator=ScratchMLPRegressor, **params):
    params = {"hidden_layer_sizes": (2,), "tol": 0.0, "n_iter_no_change": 10**6, "max_iter": n_epochs} | params
    return estimator(random_state=0, **params).fit(X_FEW, Y_FEW)


N = 150
X, Y = make_classification(N, 6, n_informative=5, n_redundant=0, class_sep=2, flip_y=0, random_state=0)
X3, Y3 = make_classification(N, 6, n_informative=5, n_redundant=0, n_classes=3, class_sep=2, flip_y=0, random_state=0)
XM = np.random.RandomState(0).standard_normal((N, 6))
YM = (XM @ np.random.RandomState(1).standard_normal((6, 4)) > 0).astype(int)
XR, YR = make_regression(N, 6, noise=1, random_state=0)
YR = scale(YR)
YR2 = np.column_stack([YR, -YR, np.abs(YR)])
# Enough for every solver to learn these.
QUICK = {"hidden_layer_sizes": 10, "learning_rate_init": 0.02, "max_iter": 60, "random_state": 0}
SHORT = {"hidden_layer_sizes": 5, "max_iter": 4, "random_state": 0}
each_estimator = pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
LABELLED = {
    "0 and 1": (X, Y),
    "booleans": (X, Y == 1),
    "two strings": (X, np.array(["no", "yes"])[Y]),
    "objects": (X, np.array(["no", "yes"], dtype=object)[Y]),
    "far numbers": (X, np.array([-(10**12), 7])[Y]),
    "whole floats": (X, np.array([-1.0, 3.0])[Y]),
    "a list": (X, ["yes" if label else "no" for label in Y]),
    "dates": (X, np.array(["2024-01-01", "2023-01-01"], dtype="datetime64[D]")[Y]),
    "three": (X3, Y3),
    "three strings": (X3, np.array(["c", "a", "longer than the others"])[Y3]),
    "multilabel": (XM, YM),
    "multilabel booleans": (XM, YM == 1),
    "multilabel sparse": (XM, sparse.csr_matrix(YM)),
}


def dense(y):
    return y.toarray() if sparse.issparse(y) else np.asarray(y)


SETTINGS_WITH_OBJECTS = {
    "names": {},
    "GradientDescent": {"solver": GradientDescent(Adam(0.8), learning_rate=0.01, batch_size=50, max_iter=3)},
    "ScipyMinimize": {"solver": ScipyMinimize("CG", max_iter=3, options={"gtol": 0.1})},
    "a list and an array": {
        "hidden_layer_sizes": [4, 3],
        "dropout": np.array([0.1, 0.2]),
        "activation": ["relu", "tanh"],
    },
    "early stopping": {"early_stopping": True, "warm_start": True},
    "class weights": {"class_weight": {0: 2.0, 1: 1.0}},
}
X_SET = np.random.RandomState(0).standard_normal((60, 3))
LABELS_SET = (X_SET[:, 0] > 0).astype(int)
TARGET_SET = X_SET[:, 0] + X_SET[:, 1]


def fitted(estimator, **params):
    y = LABELS_SET if "Classifier" in estimator.__name__ else TARGET_SET
    settings = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0} | params
    if not isinstance(settings.get("solver", ""), str):
        del settings["max_iter"]
    return estimator(**settings).fit(X_SET, y)


few_epochs = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
rng_split = np.random.RandomState(0)
X_SPLIT = rng_split.standard_normal((160, 5))
SCORES_SPLIT = X_SPLIT[:, 0] + X_SPLIT[:, 1] * X_SPLIT[:, 2] + 0.5 * rng_split.standard_normal(160)
YES_OR_NO = np.where(SCORES_SPLIT > 0.5, "yes", "no")
THREE_SPLIT = np.digitize(SCORES_SPLIT, [-0.8, 0.8])
TRAIN, HELD = slice(0, 100), slice(100, None)


def batched_classifier(**parameters):
    return ScratchMLPClassifier(**{"hidden_layer_sizes": (8,), "random_state": 0, "batch_size": 30} | parameters)


def batched_regressor(**parameters):
    return ScratchMLPRegressor(**{"hidden_layer_sizes": (8,), "random_state": 0, "batch_size": 30} | parameters)


class Script:
    """A scorer that says what it was told to, and keeps what it was shown."""

    def __init__(self, scores):
        self.scores, self.params, self.rows = scores, [], []

    def __call__(self, estimator, X, y):
        self.params.append(estimator.params_.copy())
        self.rows.append(X)
        return self.scores[min(len(self.params), len(self.scores)) - 1]


def held_labels(y, fraction, **weights):
    seen = []

    def scorer(estimator, X, y, sample_weight=None):
        seen.append(y)
        return 0.5

    model = batched_classifier(early_stopping=True, validation_fraction=fraction, scoring=scorer, max_iter=1)
    model.fit(X_SPLIT[: len(y)], y, **weights)
    return seen[0]


N_KINDS = 20
X_KINDS = np.random.RandomState(0).standard_normal((N_KINDS, 3))
TINY = {"hidden_layer_sizes": (2,), "max_iter": 2, "random_state": 0}


def objects(values):
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def refusal(call):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the callers look at the text
        call()
    return str(caught.value)


def fit_methods(estimator, y):
    """Every way for targets to come in."""
    good = np.arange(N_KINDS) % 2 if estimator is ScratchMLPClassifier else np.arange(float(N_KINDS))
    classes = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    return {
        "y": lambda: estimator(**TINY).fit(X_KINDS, y),
        "y of partial_fit": lambda: (
            estimator(hidden_layer_sizes=2).partial_fit(X_KINDS, good, **classes).partial_fit(X_KINDS, y)
        ),
        "y_val": lambda: estimator(**TINY).fit(X_KINDS, good, X_val=X_KINDS, y_val=y),
    }


def with_pandas(make):
    return lambda: make(pytest.importorskip("pandas"))


rng_scored = np.random.RandomState(0)


def messages(call, category=Warning):
    """What is warned of, whatever the filters."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(each.message) for each in caught if issubclass(each.category, category)]


INDICATOR = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 0]])


def parameters(estimator=ScratchMLPClassifier, **changes):
    return estimator().get_params() | changes


N_WEIGHED = 90
rng_weighed = np.random.RandomState(0)
X_WEIGHED = rng_weighed.standard_normal((N_WEIGHED, 4))
SCORE_WEIGHED = X_WEIGHED[:, 0] + 0.7 * X_WEIGHED[:, 1] * X_WEIGHED[:, 2] + 0.4 * rng_weighed.standard_normal(N_WEIGHED)
LABELS_WEIGHED = {
    "two classes": np.where(SCORE_WEIGHED > 0.8, "yes", "no"),
    "three classes": np.digitize(SCORE_WEIGHED, [-0.9, 0.7]),
    "multilabel": np.column_stack([SCORE_WEIGHED > 0.8, X_WEIGHED[:, 3] > -0.5]).astype(int),
}


def classifier(**parameters):
    return ScratchMLPClassifier(**{"hidden_layer_sizes": 5, "activation": "tanh", "random_state": 0} | parameters)


X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_IRIS = StandardScaler().fit_transform(X_IRIS)
NAMES_OF_SPECIES = np.array(["setosa", "versicolor", "virginica"])
SPECIES = NAMES_OF_SPECIES[Y_IRIS]
TARGET_IRIS = X_IRIS[:, 2] + np.sin(X_IRIS[:, 0])


def iris_classifier(**parameters):
    settings = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.02, "batch_size": 25, "max_iter": 40}
    return ScratchMLPClassifier(**{**settings, "random_state": 0, **parameters})


def iris_regressor(**parameters):
    settings = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.02, "batch_size": 25, "max_iter": 40}
    return ScratchMLPRegressor(**{**settings, "random_state": 0, **parameters})


rng_small = np.random.RandomState(0)
X_SMALL = rng_small.standard_normal((40, 3))
Y_SMALL = (X_SMALL[:, 0] > 0).astype(int)
TARGET_SMALL = X_SMALL[:, 0]


def finite_or_said(call, *names):
    """A model that predicts finite numbers, or a ValueError that names one of ``names``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model, rows = call()
        except ValueError as error:
            assert any(name in str(error) for name in names), error  # noqa: PT017
            return None
        predicted = model.predict_proba(rows) if hasattr(model, "classes_") else model.predict(rows)
    assert np.isfinite(predicted).all()
    assert np.isfinite(model.params_).all()
    assert np.isfinite(model.loss_)
    return model


SQUARING = [name for name in OPTIMIZERS if name != "sgd"]
LARGEST = {np.float32: 1e21, np.float64: 1e160}
rng_curved = np.random.RandomState(0)
X_CURVED = rng_curved.standard_normal((120, 3))
CURVED = np.sin(2 * X_CURVED[:, 0]) + X_CURVED[:, 1] * X_CURVED[:, 2]
CURVED_LABELS = (CURVED > 0).astype(int)


def softsign(z):
    """An activation of a user's own: z / (1 + |z|)."""
    scale = 1 + np.abs(z)
    return z / scale, lambda delta: delta / (scale * scale)


rng_ten = np.random.RandomState(0)
X_TEN = rng_ten.standard_normal((150, 10))
LABELS_TEN = (X_TEN[:, 0] + X_TEN[:, 1] > 0).astype(int)  # eight columns are noise
TARGET_TEN = X_TEN[:, 0] - X_TEN[:, 1] + 0.1 * rng_ten.standard_normal(150)
SPARSE = sparse.random(150, 10, density=0.3, format="csr", random_state=0)


def batched_of_ten(**parameters):
    return ScratchMLPClassifier(**{"hidden_layer_sizes": (8, 6), "max_iter": 6, "random_state": 0} | parameters)


N_GLM, ALPHA_GLM = 300, 20.0
rng_glm = np.random.RandomState(0)
X_GLM = rng_glm.standard_normal((N_GLM, 5))
SCORE_GLM = X_GLM @ [1.0, -0.5, 0.25, 0.0, 0.8] + 0.3
NOISY_GLM = SCORE_GLM + 0.5 * rng_glm.standard_normal(N_GLM)
WEIGHTS_GLM = rng_glm.randint(0, 4, N_GLM).astype(float)  # zeros among them
LINEAR = {"hidden_layer_sizes": (), "solver": "bfgs", "max_iter": 1000, "tol": 1e-7, "random_state": 0}


def assert_agrees(model, peer):
    """Weights to 1e-4, as asked for, and 1e-5 where nothing is gained by less."""
    peer_coef = np.atleast_2d(peer.coef_)
    np.testing.assert_allclose(model.coefs_[0].T, peer_coef, atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(model.intercepts_[0], np.ravel(peer.intercept_), atol=1e-5, rtol=1e-4)
    assert np.abs(peer_coef).max() > 0.1
