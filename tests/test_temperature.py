"""scoring="calibrated_loss": the epoch is chosen by the log loss with the best temperature, which predictions get."""

import pickle

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax
from sklearn.datasets import make_blobs, make_classification
from sklearn.metrics import log_loss

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.calibration import best_temperature, calibrated_loss
from skmlp_scratch.losses import Loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SETTINGS = {"hidden_layer_sizes": 8, "max_iter": 12, "learning_rate_init": 0.02, "random_state": 0}
CALIBRATED = SETTINGS | {"scoring": "calibrated_loss"}

X, TWO = make_classification(300, n_features=6, flip_y=0.2, random_state=0)
_, FIVE = make_blobs(300, 6, centers=5, random_state=0)
SEVERAL = np.column_stack([TWO, X[:, 0] + X[:, 1] > 0, X[:, 2] > 1]).astype(int)
CASES = {
    "logistic": (TWO, {}),
    "softmax of two": (TWO, {"loss": "categorical_cross_entropy"}),
    "strings": (np.array(list("abcde"))[FIVE], {}),
    "squared error": (FIVE, {"loss": "squared_error"}),
    "multilabel": (SEVERAL, {}),
}
each_case = pytest.mark.parametrize(("y", "parameters"), CASES.values(), ids=CASES)


def halves(y):
    return (X[:200], y[:200]), {"X_val": X[200:], "y_val": y[200:]}


@each_case
def test_smoothed_labels_are_made_up_for(y, parameters):
    train, held = halves(y)
    settings = CALIBRATED | parameters | {"label_smoothing": 0.5, "max_iter": 40}
    clf = ScratchMLPClassifier(**settings).fit(*train, **held)
    plain = ScratchMLPClassifier(**settings | {"scoring": None}).fit(*train, **held)
    np.testing.assert_array_equal(clf.params_, plain.params_)
    assert clf.temperature_ != 1 == plain.temperature_
    np.testing.assert_array_equal(clf.predict(X), plain.predict(X))
    np.testing.assert_allclose(clf.decision_function(X), clf.temperature_ * plain.decision_function(X), rtol=1e-9)
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), clf.predict_proba(X), rtol=1e-12)
    assert mean_log_loss(clf, **held) < mean_log_loss(plain, **held)


def mean_log_loss(clf, X_val, y_val):
    """Over all labels, where there are several."""
    y_prob = clf.predict_proba(X_val)
    if y_val.ndim == 1:
        return log_loss(y_val, y_prob, labels=clf.classes_)
    return -np.log(np.where(y_val, y_prob, 1 - y_prob)).sum(axis=1).mean()


@each_case
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_score_is_minus_the_log_loss_of_the_weights_that_came_back(y, parameters, early_stopping):
    """Nearly: the temperature is found as if there were one more row, and scored without it."""
    train, held = halves(y)
    settings = CALIBRATED | parameters | {"early_stopping": early_stopping, "n_iter_no_change": 3, "max_iter": 60}
    clf = ScratchMLPClassifier(**settings).fit(*train, **held)
    expected = -mean_log_loss(clf, **held)
    score = clf.best_validation_score_ if early_stopping else clf.validation_scores_[-1]
    assert score == pytest.approx(expected, rel=1e-12)


def test_the_temperature_is_that_of_the_split():
    clf = ScratchMLPClassifier(**CALIBRATED, early_stopping=True, label_smoothing=0.4).fit(X, TWO)
    assert clf.temperature_ > 1
    assert clf.validation_scores_[clf.n_iter_ - 1] <= clf.best_validation_score_ == max(clf.validation_scores_)


def test_probabilities_are_those_of_the_scaled_logits():
    train, held = halves(FIVE)
    clf = ScratchMLPClassifier(**CALIBRATED).fit(*train, **held)
    np.testing.assert_allclose(clf.predict_proba(X), softmax(clf.decision_function(X), axis=1), rtol=1e-12)
    train, held = halves(TWO)
    clf = ScratchMLPClassifier(**CALIBRATED).fit(*train, **held)
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], expit(clf.decision_function(X)), rtol=1e-12)


def test_weights_of_the_validation_rows_count():
    train, held = halves(TWO)
    weight = np.r_[np.ones(50), np.zeros(50)]
    some = ScratchMLPClassifier(**CALIBRATED).fit(*train, **held, sample_weight_val=weight)
    half = ScratchMLPClassifier(**CALIBRATED).fit(*train, X_val=X[200:250], y_val=TWO[200:250])
    assert some.validation_scores_ == pytest.approx(half.validation_scores_, rel=1e-12)


def test_float32_stays_float32():
    train, held = halves(TWO)
    clf = ScratchMLPClassifier(**CALIBRATED).fit(train[0].astype(np.float32), train[1], **held)
    assert clf.temperature_ != 1
    assert clf.predict_proba(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("y", [TWO, FIVE], ids=["two", "five"])
def test_warm_starts_and_pickles(y):
    train, held = halves(y)
    whole = ScratchMLPClassifier(**CALIBRATED | {"max_iter": 10}).fit(*train, **held)
    parts = ScratchMLPClassifier(**CALIBRATED | {"max_iter": 5}, warm_start=True).fit(*train, **held)
    first = parts.temperature_
    parts.fit(*train, **held)
    assert parts.temperature_ == whole.temperature_ != first
    copy = pickle.loads(pickle.dumps(parts))
    np.testing.assert_array_equal(copy.predict_proba(X), whole.predict_proba(X))


def test_the_best_of_all_warm_starts_keeps_its_temperature():
    settings = CALIBRATED | {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 100, "tol": 0.0}
    clf = ScratchMLPClassifier(**settings, warm_start=True).fit(X, TWO)
    params, temperature = clf.params_, clf.temperature_
    clf.set_params(learning_rate_init=1.0).fit(X, TWO)
    assert not np.array_equal(params, clf.params_) or clf.temperature_ == temperature


def test_partial_fit_measures_each_call():
    train, held = halves(TWO)
    clf = ScratchMLPClassifier(**SETTINGS | {"max_iter": 200}, scoring="calibrated_loss")
    clf.partial_fit(*train, classes=[0, 1], **held)
    assert clf.temperature_ != 1
    with pytest.warns(UserWarning, match="finds no temperature"):
        clf.partial_fit(*train)
    assert clf.temperature_ == 1


def test_without_a_validation_set_a_warning_says_so():
    with pytest.warns(UserWarning, match="finds no temperature without a validation set") as caught:
        clf = ScratchMLPClassifier(**CALIBRATED).fit(X, TWO)
    assert caught[0].filename == __file__
    assert clf.temperature_ == 1


def test_one_class_has_nothing_to_calibrate():
    clf = ScratchMLPClassifier(**CALIBRATED).fit(X, np.ones(300), X_val=X, y_val=np.ones(300))
    np.testing.assert_array_equal(clf.predict_proba(X), np.ones((300, 1)))


class Tempered(Loss):
    """A custom link."""

    def inverse_link(self, raw):
        return expit(2 * raw)

    def value_and_grad(self, y, raw, sample_weight):
        error = self.inverse_link(raw) - y
        return float((error**2).sum()), error


def test_what_has_no_temperature_is_refused():
    with pytest.raises(ValueError, match="scoring='calibrated_loss' needs a logistic or softmax output"):
        ScratchMLPClassifier(**CALIBRATED, loss=Tempered(), early_stopping=True).fit(X, TWO)
    with pytest.raises(ValueError, match="scoring"):
        ScratchMLPRegressor(**CALIBRATED).fit(X, X[:, 0])


@pytest.mark.parametrize("logistic", [False, True])
def test_the_calibrated_loss(logistic):
    rng = np.random.RandomState(0)
    raw, weight = 5 * rng.randn(50, 3), rng.rand(50)
    y = rng.rand(50, 3) < 0.5 if logistic else np.eye(3)[rng.randint(3, size=50)]
    loss, temperature = calibrated_loss(y, raw, weight, logistic=logistic)
    z = temperature * raw
    each = np.logaddexp(0, z) - y * z if logistic else -y * log_softmax(z, axis=1)
    assert loss == pytest.approx(np.average(each.sum(axis=1), weights=weight), rel=1e-12)
    assert calibrated_loss(y[:4], np.where(y[:4], 9.0, -9.0), logistic=logistic)[1] < 1  # four rows are no proof
    exact = best_temperature(y.reshape(-1, 1) if logistic else y, raw.reshape(-1, 1) if logistic else raw)
    assert calibrated_loss(y, raw, logistic=logistic)[1] == pytest.approx(exact, rel=0.2)
    assert np.isnan(calibrated_loss(y, np.full((50, 3), np.nan), logistic=logistic)[0])
