"""Probabilities keep the order of the logits, at any logit; their logarithms and the losses are exact."""

import math
import warnings

import numpy as np
import pytest
from problems import PEER_IS_KNOWN, STILL, X_NOISY, Y_NOISY
from scipy.special import expit, log_expit, log_softmax
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils.estimator_checks import check_classifiers_train

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.losses import BinaryCrossEntropy, CategoricalCrossEntropy, SquaredError

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]


KINDS = {
    "two": (np.arange(12) % 2, {}),
    "two, softmax": (np.arange(12) % 2, {"loss": "categorical_cross_entropy"}),
    "two, softmax object": (np.arange(12) % 2, {"loss": CategoricalCrossEntropy()}),
    "two, squared error": (np.arange(12) % 2, {"loss": "squared_error"}),
    "two, logistic object": (np.arange(12) % 2, {"loss": BinaryCrossEntropy()}),
    "three": (np.arange(12) % 3, {}),
    "three, squared error": (np.arange(12) % 3, {"loss": "squared_error"}),
    "three, object": (np.arange(12) % 3, {"loss": SquaredError("softmax")}),
    "five strings": (np.array(list("abcde"))[np.arange(12) % 5], {}),
    "labels": (np.eye(3, dtype=int)[np.arange(12) % 3], {}),
    "labels, squared error": (np.eye(3, dtype=int)[np.arange(12) % 3], {"loss": "squared_error"}),
}
LOGITS = np.array([0.0, 1e-3, 1.0, 5.0, 17.0, 37.0, 90.0, 104.0, 700.0, 745.0, 746.0, 800.0, 1e4])


def with_logits(kind, dtype=np.float64):
    """A linear model whose outputs are the inputs (for one output the first of them), and inputs of every size."""
    y, params = KINDS[kind]
    n_inputs = 5
    rows = np.random.RandomState(0).standard_normal((12, n_inputs)).astype(dtype)
    model = ScratchMLPClassifier((), max_iter=1, random_state=0, **params).fit(rows, y)
    W = model.coefs_[0]
    W[:] = np.eye(n_inputs, W.shape[1])
    model.intercepts_[0][:] = 0
    rng = np.random.RandomState(1)
    rows = rng.choice(np.r_[LOGITS, -LOGITS], (3000, n_inputs))
    rows[:200] += rng.standard_normal((200, n_inputs))
    return model, rows.astype(dtype)


each_kind = pytest.mark.parametrize("kind", KINDS)
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def both_columns(logits):
    return np.column_stack([-logits, logits]) if logits.ndim == 1 else logits


@each_kind
@each_dtype
def test_probabilities_never_contradict_the_logits(kind, dtype):
    """Of two classes the one with the larger logit never has the smaller probability, nor the smaller logarithm."""
    model, rows = with_logits(kind, dtype)
    logits, log_proba = both_columns(model.decision_function(rows)), model.predict_log_proba(rows)
    proba = model.predict_proba(rows)
    for i in range(logits.shape[1]):
        for j in range(logits.shape[1]):
            larger = logits[:, i] > logits[:, j]
            assert (proba[larger, i] >= proba[larger, j]).all()
            assert (log_proba[larger, i] >= log_proba[larger, j]).all()


@each_kind
@each_dtype
def test_probabilities_agree_with_their_logarithms(kind, dtype):
    model, rows = with_logits(kind, dtype)
    proba, log_proba = model.predict_proba(rows), model.predict_log_proba(rows)
    assert proba.dtype == log_proba.dtype == dtype
    assert np.isfinite(log_proba).all()
    if kind == "labels":
        np.testing.assert_allclose(log_proba, log_expit(rows[:, :3]), rtol=1e-5)
    elif kind.startswith("three"):
        np.testing.assert_allclose(log_proba, log_softmax(rows[:, :3], axis=1), rtol=1e-5)
    expected = np.exp(log_proba.astype(np.float64))
    tiny = np.finfo(dtype).smallest_normal
    np.testing.assert_allclose(proba, expected, rtol=1e-4 if dtype == np.float32 else 1e-9, atol=tiny)


@each_kind
def test_an_underflow_is_below_every_normal_number_and_not_a_common_floor(kind):
    """Lifted to a common floor, probabilities of different logits would tie, and others would move up among them."""
    if kind.startswith("labels"):
        pytest.skip("multilabel probabilities do not sum to 1")
    model, rows = with_logits(kind)
    proba, log_proba = model.predict_proba(rows), model.predict_log_proba(rows)
    assert (log_proba < -800).any()
    assert (proba[log_proba < -800] < np.finfo(proba.dtype).tiny).all()
    assert np.isfinite(np.log(proba)).all()  # as scikit-learn's check_classifiers_train asks
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)


@each_kind
@each_dtype
def test_ranks_of_rows_follow_the_logits(kind, dtype):
    """What roc_auc_score sees: a column of probabilities is monotone in the log probabilities."""
    model, rows = with_logits(kind, dtype)
    proba, log_proba = model.predict_proba(rows), model.predict_log_proba(rows)
    for column in range(proba.shape[1]):
        order = np.argsort(log_proba[:, column], kind="stable")
        steps = np.diff(proba[order, column])
        assert (steps >= -1e-5 * proba[order[1:], column]).all()  # but for rounding


@each_kind
@each_dtype
def test_the_largest_probability_is_the_prediction(kind, dtype):
    model, rows = with_logits(kind, dtype)
    logits, proba = model.decision_function(rows), model.predict_proba(rows)
    if kind.startswith("labels"):
        np.testing.assert_array_equal(model.predict(rows), logits > 0)
        return
    chosen = proba.argmax(axis=1)
    np.testing.assert_array_equal(model.predict_log_proba(rows).argmax(axis=1), chosen)
    np.testing.assert_array_equal(model.predict(rows), model.classes_[chosen])


@pytest.mark.parametrize("kind", ["labels", "labels, squared error"])
@each_dtype
def test_multilabel_probabilities_lie_strictly_inside_zero_and_one(kind, dtype):
    model, rows = with_logits(kind, dtype)
    rows[0, :3] = [1e30, -1e30, 200]
    proba = model.predict_proba(rows)
    assert proba.dtype == dtype
    assert (proba > 0).all()
    assert (proba < 1).all()


@pytest.mark.parametrize("kind", ["labels", "labels, squared error"])
@each_dtype
def test_the_most_probable_label_is_the_same_in_logarithms(kind, dtype):
    """Cut at a common largest value below one, labels of different logits tie and the first of them wins."""
    model, rows = with_logits(kind, dtype)
    rows = rows[(np.abs(rows[:, :3]) < (15 if dtype == np.float32 else 30)).all(axis=1)]  # apart in this dtype
    logits = model.decision_function(rows)
    untied = np.sort(logits, axis=1)
    rows, logits = rows[untied[:, -1] > untied[:, -2]], logits[untied[:, -1] > untied[:, -2]]
    np.testing.assert_array_equal(model.predict_proba(rows).argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_array_equal(model.predict_log_proba(rows).argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_allclose(model.predict_proba(rows), expit(logits), rtol=1e-4 if dtype == np.float32 else 1e-9)


def test_saturated_labels_are_ranked_alike_in_logarithms():
    """The peer's own test: logits far beyond the last probability below one."""
    X, y = make_multilabel_classification(n_samples=50, random_state=0, return_indicator=True)
    model = ScratchMLPClassifier(solver="lbfgs", hidden_layer_sizes=30, random_state=0).fit(X, y)
    proba = model.predict_proba(X)
    np.testing.assert_array_equal(proba > 0.5, model.predict(X))
    np.testing.assert_array_equal(proba.argmax(axis=1), model.predict_log_proba(X).argmax(axis=1))
    assert (proba < 1).all()


# scikit-learn's checks at the defaults: a reduced max_iter would keep the logits small.


@pytest.mark.parametrize("solver", ["lbfgs", "cg"])
@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_scikit_learns_check_of_training_at_the_defaults(solver, readonly, dtype):
    check_classifiers_train(
        "ScratchMLPClassifier", ScratchMLPClassifier(solver=solver), readonly_memmap=readonly, X_dtype=dtype
    )


# Logarithms of probabilities and losses are exact.


def with_gaps(estimator_class, gaps, n_classes=2):
    """A linear classifier of one feature that gives row i the logit ``gaps[i]`` for the last class, else 0."""
    rows = np.asarray(gaps, dtype=float)[:, None]
    labels = np.arange(len(rows)) % n_classes
    clf = estimator_class(alpha=0, **STILL | {"hidden_layer_sizes": ()}).fit(rows, labels)
    clf.coefs_[0][...] = 0
    clf.coefs_[0][:, -1] = 1
    clf.intercepts_[0][...] = 0
    return clf, rows, labels


GAPS = [0.0, 3.0, -40.0, 40.0, -100.0, 100.0, -800.0, 800.0, -1e5, 1e5]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_predict_log_proba_is_exact(n_classes):
    clf, rows, _ = with_gaps(ScratchMLPClassifier, GAPS, n_classes)
    raw = np.zeros((len(rows), n_classes))
    raw[:, -1] = rows[:, 0]
    expected = log_softmax(raw, axis=1) if n_classes > 2 else log_expit(np.hstack([-rows, rows]))
    np.testing.assert_allclose(clf.predict_log_proba(rows), expected, rtol=1e-14)
    assert clf.predict_log_proba(rows).min() == pytest.approx(-1e5, rel=1e-4)
    order = clf.predict_log_proba(rows).argsort(axis=1, kind="stable")
    np.testing.assert_array_equal(clf.predict_proba(rows).argsort(axis=1, kind="stable"), order)
    if PEER_IS_KNOWN:
        peer, _, _ = with_gaps(MLPClassifier, GAPS, n_classes)
        with np.errstate(divide="ignore"):
            assert peer.predict_log_proba(rows).min() == -np.inf


def test_predict_log_proba_is_exact_with_other_losses():
    for loss in ("categorical_cross_entropy", "binary_cross_entropy", "squared_error"):
        clf = ScratchMLPClassifier(5, loss=loss, max_iter=2, random_state=0).fit(X_NOISY, Y_NOISY)
        clf.params_[...] *= 1e3
        log_proba = clf.predict_log_proba(X_NOISY)
        assert np.isfinite(log_proba).all()
        assert log_proba.min() < -1000
        np.testing.assert_allclose(log_proba.max(axis=1), 0, atol=math.log(2) + 1e-9)


@pytest.mark.parametrize("gap", [40.0, 100.0, 800.0])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_loss_of_a_certain_mistake_is_the_gap_of_the_logits(gap, n_classes):
    # Every row's logit of the last class is the gap, and no row is of it.
    gaps = np.full(12, gap)
    clf, rows, labels = with_gaps(ScratchMLPClassifier, gaps, n_classes)
    wrong = np.zeros_like(labels)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # it is a loss to be warned of
        clf.partial_fit(rows, wrong)
    assert clf.loss_ == pytest.approx(gap, rel=1e-12)
    if PEER_IS_KNOWN:
        peer, _, _ = with_gaps(MLPClassifier, gaps, n_classes)
        assert peer.partial_fit(rows, wrong).loss_ == pytest.approx(min(gap, 36.04), abs=0.01)
