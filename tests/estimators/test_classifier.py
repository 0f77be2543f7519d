"""The classifier: its predictions, and that it is scikit-learn's logistic regression without a hidden layer."""

import numpy as np
import pytest
from problems import (
    ALPHA_GLM,
    LABELLED,
    LINEAR,
    NOISY_GLM,
    SHORT,
    WEIGHTS_GLM,
    X_GLM,
    N,
    X,
    Y,
    assert_agrees,
    dense,
)
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.losses import SquaredError

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings("ignore:.*has no effect with solver:UserWarning"),
]


# Targets of every kind.


@pytest.mark.parametrize("kind", LABELLED)
def test_shapes_and_consistency_of_the_predictions(kind):
    data, labels = LABELLED[kind]
    clf = ScratchMLPClassifier(**SHORT).fit(data, labels)
    decision, proba, log_proba = clf.decision_function(data), clf.predict_proba(data), clf.predict_log_proba(data)
    n_classes = len(clf.classes_)
    assert proba.shape == log_proba.shape == (N, n_classes)
    assert decision.shape == ((N,) if n_classes == 2 else (N, n_classes))
    np.testing.assert_allclose(np.exp(log_proba), proba, rtol=1e-12)
    assert ((proba > 0) & (proba <= 1)).all()
    if dense(labels).ndim == 2:
        np.testing.assert_allclose(proba, expit(decision), rtol=1e-12)
        np.testing.assert_array_equal(dense(clf.predict(data)), proba > 0.5)
        assert (proba < 1).all()
        return
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(clf.predict(data), clf.classes_[proba.argmax(axis=1)])
    if n_classes == 2:
        np.testing.assert_allclose(proba[:, 1], expit(decision), rtol=1e-12)
        np.testing.assert_array_equal(clf.predict(data), clf.classes_[(decision > 0).astype(int)])
    else:
        np.testing.assert_allclose(proba, softmax(decision, axis=1), rtol=1e-12)


# What users bring: half a function, a loss for something else, a number of numpy's.


class OwnLink(SquaredError):
    """A subclass that makes probabilities in its own way."""

    def inverse_link(self, raw):
        return expit(raw)


def test_a_subclass_may_bring_its_own_probabilities():
    clf = ScratchMLPClassifier(5, loss=OwnLink(), max_iter=3, random_state=0).fit(X, Y)
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("weights", [None, WEIGHTS_GLM], ids=["unweighted", "weighted"])
def test_logistic_regression(weights):
    y = np.where(NOISY_GLM > 0.3, "yes", "no")
    peer = LogisticRegression(C=1 / ALPHA_GLM, tol=1e-9, max_iter=1000).fit(X_GLM, y, weights)
    model = ScratchMLPClassifier(alpha=ALPHA_GLM, **LINEAR).fit(X_GLM, y, weights)
    assert_agrees(model, peer)
    np.testing.assert_allclose(model.predict_proba(X_GLM), peer.predict_proba(X_GLM), atol=1e-5)
    np.testing.assert_allclose(model.decision_function(X_GLM), peer.decision_function(X_GLM), atol=1e-4)


def test_balanced_logistic_regression():
    y = (NOISY_GLM > 1).astype(int)
    peer = LogisticRegression(C=1 / ALPHA_GLM, tol=1e-9, max_iter=1000, class_weight="balanced").fit(
        X_GLM, y, WEIGHTS_GLM
    )
    model = ScratchMLPClassifier(alpha=ALPHA_GLM, class_weight="balanced", **LINEAR).fit(X_GLM, y, WEIGHTS_GLM)
    assert_agrees(model, peer)


@pytest.mark.parametrize("weights", [None, WEIGHTS_GLM], ids=["unweighted", "weighted"])
def test_softmax_regression(weights):
    y = np.digitize(NOISY_GLM, [-0.5, 0.8])
    peer = LogisticRegression(C=1 / ALPHA_GLM, tol=1e-9, max_iter=1000).fit(X_GLM, y, weights)
    model = ScratchMLPClassifier(alpha=ALPHA_GLM, **LINEAR).fit(X_GLM, y, weights)
    np.testing.assert_allclose(model.coefs_[0].T, peer.coef_, atol=1e-5)
    # Softmax does not change when all intercepts move together: compare their differences.
    ours, theirs = model.intercepts_[0], peer.intercept_
    np.testing.assert_allclose(ours - ours.mean(), theirs - theirs.mean(), atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X_GLM), peer.predict_proba(X_GLM), atol=1e-5)
