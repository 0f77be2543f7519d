"""Fitted estimators of every kind, for each way out of Python; and models that cannot go."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.losses import LINKS, SquaredError, names_for

TOLERANCE = 1e-5
N_ROWS, N_FEATURES = 90, 4
rng = np.random.RandomState(0)
X = rng.normal(size=(N_ROWS, N_FEATURES)).astype(np.float32)
INDEX = np.argmax(X[:, :3] + 0.3 * rng.normal(size=(N_ROWS, 3)), axis=1)
NUMBERS = 1 + np.abs(X[:, :2] @ [1.0, -0.5] + 0.1 * rng.normal(size=N_ROWS))  # positive, for every loss
SHARES = NUMBERS / (1 + NUMBERS)
ROWS = np.concatenate([X, 3 * X, np.zeros((1, N_FEATURES), np.float32)])  # some beyond what was learned from

LABELS = {
    "numbers": np.array([-1, 5, 12])[INDEX],
    "beyond 32 bits": np.array([-(2**40), 0, 2**40])[INDEX],
    "unsigned": np.array([1, 5, 12], dtype=np.uint8)[INDEX],
    "floats": np.array([0.0, 1.0, 2.0])[INDEX],
    "strings": np.array(["fig", "pear", "quince"])[INDEX],
    "awkward strings": np.array(['"quo"ted\\', "??=\n", "Größe €"])[INDEX],
    "objects": np.array(["a", "b", "c"], dtype=object)[INDEX],
    "two numbers": INDEX > 0,
    "two strings": np.array(["no", "yes", "yes"])[INDEX],
    "truth values": np.array([True, False, False])[INDEX],
    "multilabel": np.column_stack([INDEX > 0, INDEX == 1, X[:, 3] > 0]).astype(int),
}


def fit(estimator, y, X=X):
    """Fit for a few epochs, which is enough to be different from every other network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


def classifier(y=LABELS["strings"], hidden_layer_sizes=(7, 5), **parameters):
    return fit(small(ScratchMLPClassifier, hidden_layer_sizes, **parameters), y)


def regressor(y=NUMBERS, hidden_layer_sizes=(7, 5), **parameters):
    return fit(small(ScratchMLPRegressor, hidden_layer_sizes, **parameters), y)


def small(kind, hidden_layer_sizes=(7, 5), **parameters):
    return kind(
        hidden_layer_sizes=hidden_layer_sizes,
        **{"max_iter": 15, "learning_rate_init": 0.02, "batch_size": 30, "random_state": 0} | parameters,
    )


def _networks():
    for activation in ACTIVATIONS:
        for normalization in (None, "batch", "layer"):
            parameters = {"activation": activation, "normalization": normalization}
            yield f"{activation}, {normalization}", classifier, parameters
    yield "dropout", classifier, {"dropout": [0.5, 0], "input_dropout": 0.2}
    yield "no hidden layer", classifier, {"hidden_layer_sizes": ()}
    yield "an activation for each layer", regressor, {"activation": ["silu", "tanh"], "normalization": "batch"}
    yield "lbfgs", regressor, {"solver": "lbfgs", "learning_rate_init": 0.001, "batch_size": "auto"}


def _losses():
    for name, y in LABELS.items():
        yield f"labels: {name}", classifier, {"y": y}
    for name in names_for("classification"):
        y = LABELS["two strings" if name == "binary_cross_entropy" else "strings"]
        yield f"classifier: {name}", classifier, {"y": y, "loss": name}
    yield "softmax of two classes", classifier, {"y": LABELS["two strings"], "loss": "categorical_cross_entropy"}
    yield "squared error of two classes", classifier, {"y": LABELS["two strings"], "loss": "squared_error"}
    yield "squared error of labels", classifier, {"y": LABELS["multilabel"], "loss": "squared_error"}
    yield "label smoothing", classifier, {"label_smoothing": 0.2}
    for name in ("strings", "two strings", "multilabel"):
        calibrated = {"label_smoothing": 0.3, "early_stopping": True, "scoring": "calibrated_loss"}
        yield f"temperature: {name}", classifier, {"y": LABELS[name], **calibrated}
    for name in names_for("regression"):
        yield f"regressor: {name}", regressor, {"loss": name}
    for link in LINKS:
        y = np.column_stack([SHARES, 1 - SHARES])
        yield f"squared error, link {link}, two targets", regressor, {"y": y, "loss": SquaredError(link=link)}


CASES = {name: (make, parameters) for name, make, parameters in [*_networks(), *_losses()]}
every_case = pytest.mark.parametrize("case", CASES)
_fitted = {}


def fitted(case):
    """The fitted estimator of a case; it is not changed by its tests."""
    if case not in _fitted:
        make, parameters = CASES[case]
        _fitted[case] = make(**parameters)
    return _fitted[case]


def cubic(z):
    return z**3, lambda delta: 3 * delta * z**2


class Doubled:
    """A custom loss whose inverse link is that of none of ours, whatever it calls itself."""

    out_activation = "identity"

    def value_and_grad(self, y, raw, sample_weight):
        error = 2 * raw - y
        return float(0.5 * np.sum(error**2)), 2 * error

    def inverse_link(self, raw):
        return 2 * raw


class DoubledSquaredError(SquaredError):
    """A loss derived from one of ours, with another inverse link."""

    def inverse_link(self, raw):
        return 2 * raw


REFUSED = {
    "cubic": (regressor, {"activation": cubic}),
    "Doubled": (regressor, {"loss": Doubled()}),
    "DoubledSquaredError": (regressor, {"loss": DoubledSquaredError()}),
}
every_refused = pytest.mark.parametrize("name", REFUSED)


def refused(name):
    make, parameters = REFUSED[name]
    return make(**parameters)


def assert_same_labels(labels, estimator, X):
    """As the estimator predicts them, but where rounding decides between two."""
    expected, y_prob = estimator.predict(X), estimator.predict_proba(X)
    ranked = np.sort(np.column_stack([np.zeros(len(y_prob)), y_prob]), axis=1)
    clear = (np.abs(y_prob - 0.5) if expected.ndim == 2 else ranked[:, -1] - ranked[:, -2]) > 2 * TOLERANCE
    assert clear.mean() > 0.9, clear.mean()
    np.testing.assert_array_equal(np.asarray(labels)[clear], expected[clear])
