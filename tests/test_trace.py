"""A traced step is the published one by hand, and the one that training takes."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor, trace
from skmlp_scratch.layers import Activation, BatchNorm, Dense
from skmlp_scratch.losses import SquaredError
from skmlp_scratch.network import Network
from skmlp_scratch.optimizers import Adam
from skmlp_scratch.schedules import StepDecay
from skmlp_scratch.solvers import GradientDescent

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)


class TotalError:
    """Half the squared error, summed over the outputs, each of them logistic."""

    def value_and_grad(self, y, raw, sample_weight):
        y_pred = expit(raw)
        error = y_pred - y
        return 0.5 * float((error**2).sum()), error * y_pred * (1 - y_pred)

    def inverse_link(self, raw):
        return expit(raw)


# Matt Mazur 2015, "A step by step backpropagation example".
TWO_TWO_TWO = Network([Dense(2, 2), Activation("logistic"), Dense(2, 2)])
PARAMS = [0.15, 0.25, 0.20, 0.30, 0.40, 0.50, 0.45, 0.55, 0.35, 0.35, 0.60, 0.60]
INPUTS, TARGETS = [[0.05, 0.10]], [[0.01, 0.99]]


def published(loss, learning_rate):
    return trace(TWO_TWO_TWO, INPUTS, TARGETS, params=PARAMS, loss=loss, learning_rate=learning_rate)


# The package's squared error is the mean over the two outputs, half the total error.
@pytest.mark.parametrize(("loss", "rate", "share"), [(TotalError(), 0.5, 1), (SquaredError("logistic"), 1.0, 0.5)])
def test_published_example(loss, rate, share):
    step = published(loss, rate)
    near = {"rtol": 0, "atol": 1e-9}
    np.testing.assert_allclose(step.loss, share * 0.298371109, **near)
    np.testing.assert_allclose(step.Z[0][0, 0], 0.3775, **near)
    np.testing.assert_allclose(step.A[1], [[0.593269992, 0.596884378]], **near)
    np.testing.assert_allclose(step.Z[1][0, 0], 1.105905967, **near)
    np.testing.assert_allclose(step.A[2], [[0.75136507, 0.772928465]], **near)
    np.testing.assert_allclose(step.delta[1][0, 0], share * 0.138498562, **near)
    np.testing.assert_allclose(step.dW[1][0, 0], share * 0.082167041, **near)
    np.testing.assert_allclose(step.dW[0][0, 0], share * 0.000438568, **near)
    np.testing.assert_allclose(step.new_W[1].T.ravel(), [0.35891648, 0.408666186, 0.511301270, 0.561370121], **near)
    # Published with eight or nine decimals.
    first = [0.149780716, 0.19956143, 0.24975114, 0.29950229]
    np.testing.assert_allclose(step.new_W[0].T.ravel(), first, rtol=0, atol=6e-9)


def test_published_example_in_print():
    text = str(published(TotalError(), 0.5))
    for number in ("0.3775", "0.59326999", "0.75136507", "0.298371109", "0.13849856", "0.08216704", "0.35891648"):
        assert number in text
    parts = [
        "One step of sgd, learning rate 0.5, on 1 row",
        "Forward",
        "Z1 = A0 W1 + b1",
        "A1 = Activation('logistic')",
    ]
    parts += ["Backward", "dW2 = A1^T delta2:", "delta1", "Update", "new W1", "new b2"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_rules_of_backpropagation():
    rng = np.random.RandomState(0)
    net = Network([Dense(4, 5), Activation("tanh"), Dense(5, 3)])
    step = trace(net, X, Y, params=net.init(rng), loss="log_loss", learning_rate=0.1)
    np.testing.assert_array_equal(step.A[0], X)
    for k in (0, 1):
        np.testing.assert_allclose(step.Z[k], step.A[k] @ step.W[k] + step.b[k])
        np.testing.assert_allclose(step.dW[k], step.A[k].T @ step.delta[k])
        np.testing.assert_allclose(step.db[k], step.delta[k].sum(axis=0))
        np.testing.assert_allclose(step.new_W[k], step.W[k] - 0.1 * step.dW[k])
        np.testing.assert_allclose(step.new_b[k], step.b[k] - 0.1 * step.db[k])
    np.testing.assert_allclose(step.delta[1], (step.y_pred - step.y) / len(X))
    np.testing.assert_allclose(step.delta[0], step.delta[1] @ step.W[1].T * (1 - step.A[1] ** 2))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": "sgd", "learning_rate_init": 0.1, "alpha": 0.5},
        {"solver": "rmsprop", "clip_norm": 0.01, "label_smoothing": 0.1},
        {"alpha": 0.3, "l1_ratio": 0.5, "learning_rate": "time_decay", "decay": 0.5},
        {"normalization": "batch", "loss": "squared_error"},
        {"solver": GradientDescent(Adam(beta_1=0.5), StepDecay(0.1, every=1), batch_size=150, ema=0.5)},
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_step_is_that_of_partial_fit(params, dtype):
    named = {} if "solver" in params and not isinstance(params["solver"], str) else {"batch_size": len(X)}
    settings = {"shuffle": False, "random_state": 0} | named | params
    clf = ScratchMLPClassifier((4, 3), **settings)
    for _ in range(3):
        clf.partial_fit(X.astype(dtype), Y, classes=[0, 1, 2])
    step, size = trace(clf, X.astype(dtype), Y), len(clf.params_)
    clf.partial_fit(X.astype(dtype), Y)
    assert step.new_params.dtype == dtype
    n_trained = size - sum(np.prod(shape) for layer in clf.network_.layers for shape in layer.statistics.values())
    tolerance = 1e-4 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(
        step.new_params[:n_trained], clf.params_[:n_trained], rtol=tolerance, atol=tolerance / 10
    )
    assert step.loss == pytest.approx(clf.loss_curve_[-1], rel=tolerance)


def test_trace_changes_nothing():
    reg = ScratchMLPRegressor(hidden_layer_sizes=3, random_state=0).partial_fit(X, X[:, 0])
    before = pickle.dumps(reg)
    step = trace(reg, X[:2], X[:2, 0])
    assert pickle.dumps(reg) == before
    step.params[:] = step.new_params[:] = 0
    assert pickle.dumps(reg) == before


def test_one_row_of_a_classifier_with_strings():
    labels = np.array(["fig", "pear", "quince"])[Y]
    clf = ScratchMLPClassifier((3,), early_stopping=True, max_iter=30, learning_rate_init=0.05, random_state=0)
    step = trace(clf.fit(X, labels), X[-1:], labels[-1:])
    np.testing.assert_array_equal(step.y, [[0, 0, 1]])
    np.testing.assert_allclose(step.y_pred, clf.predict_proba(X[-1:]))
    np.testing.assert_allclose(step.A[1], clf.hidden_activations(X[-1:]))
    penalty = clf.alpha * clf.coefs_[1]  # over one row
    np.testing.assert_allclose(step.dW[1], step.A[1].T @ step.delta[1] + penalty)
    assert "dW2 = A1^T delta2 + gradient of the penalty" in str(step)
    assert "loss, penalty included" in str(step)


def test_solver_with_line_search_needs_a_learning_rate():
    clf = ScratchMLPClassifier((3,), solver="lbfgs", tol=0.1, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match=r"(?s)solver=ScipyMinimize.* takes no steps of gradient descent: give "):
        trace(clf, X, Y)
    step = trace(clf, X, Y, learning_rate=0.5)
    np.testing.assert_allclose(step.new_params, step.params - 0.5 * step.gradient)
    assert trace(clf, X, Y, learning_rate=0.5, optimizer="adam").rule == "adam"


def test_every_layer_is_in_the_trace():
    clf = ScratchMLPClassifier((4,), normalization="batch", dropout=0.5, input_dropout=0.2, random_state=0).partial_fit(
        X, Y, classes=[0, 1, 2]
    )
    step = trace(clf, X, Y)
    assert [each.layer for each in step.layers] == list(clf.network_.layers)
    assert step.layers[0].delta is None
    assert isinstance(step.layers[2].layer, BatchNorm)
    assert step.layers[2].gradients.keys() == {"gamma", "beta"}
    np.testing.assert_allclose(step.layers[2].delta.sum(axis=0), step.layers[2].gradients["beta"])
    np.testing.assert_array_equal(step.A[0], step.layers[0].output)
    dropped = step.A[1] == 0
    assert 0.3 < dropped.mean() < 1
    for part in ("Dropout(p=0.2)", "BatchNorm(n=4)", "A1 = Dropout(p=0.5)", "dgamma of BatchNorm", "new beta of Batch"):
        assert part in str(step)
    np.testing.assert_array_equal(trace(clf, X, Y).A[1], step.A[1])
    assert not np.array_equal(trace(clf, X, Y, random_state=1).A[1], step.A[1])


def test_without_bias_and_sparse():
    net = Network([Dense(4, 1, bias=False)])
    params = np.ones(4)
    step = trace(net, sparse.csr_matrix(X), X[:, 0], params=params, loss="squared_error", learning_rate=0.1)
    np.testing.assert_array_equal(step.A[0], X)
    assert step.b == step.db == step.new_b == [None]
    assert "Z1 = A0 W1:" in str(step)
    assert "b1" not in str(step)


def test_bad_input_is_named():
    net = Network([Dense(4, 3)])
    with pytest.raises(ValueError, match="params and learning_rate must be given for a network"):
        trace(net, X, Y, loss="log_loss")
    with pytest.raises(ValueError, match=r"params have shape \(2,\)"):
        trace(net, X, Y, params=[1, 2], loss="log_loss", learning_rate=1.0)
    with pytest.raises(ValueError, match="learning_rate=-1 must be"):
        trace(net, X, Y, params=np.ones(15), loss="log_loss", learning_rate=-1)
    with pytest.raises(NotFittedError):
        trace(ScratchMLPClassifier(), X, Y)
    with pytest.raises(ValueError, match=r"model=Pipeline.* of a pipeline take the last step"):
        trace(make_pipeline(StandardScaler(), ScratchMLPClassifier()), X, Y)
    clf = ScratchMLPClassifier((2,), random_state=0).partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="params and loss are for a network"):
        trace(clf, X, Y, loss="log_loss")


def test_balanced_weights_of_rows_that_lack_a_class():
    X, y = load_iris(return_X_y=True)
    model = ScratchMLPClassifier(max_iter=1, class_weight="balanced", solver="gd", random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    one = trace(model, X[:3], y[:3])
    plain = trace(model.set_params(class_weight=None), X[:3], y[:3])
    np.testing.assert_array_equal(one.gradient, plain.gradient)
