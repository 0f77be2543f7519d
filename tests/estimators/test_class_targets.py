"""Class targets: labels to columns and back, weights of rows and classes, smoothed labels."""

import numpy as np
import pytest
from problems import (
    DESCENDING,
    INDICATOR,
    LABELLED,
    LABELS_WEIGHED,
    N_WEIGHED,
    PEER_IS_KNOWN,
    QUICK,
    SCORE_WEIGHED,
    SHORT,
    X3,
    X_NOISY,
    X_WEIGHED,
    XM,
    Y3,
    YM,
    N,
    X,
    Y,
    classifier,
    dense,
    each_estimator,
    each_solver,
    parameters,
    rng_weighed,
)
from scipy import sparse
from scipy.special import expit
from sklearn.exceptions import DataConversionWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils.class_weight import compute_sample_weight

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.estimators._class_targets import ClassTargets
from skmlp_scratch.objective import Objective
from skmlp_scratch.solvers import SOLVERS, GradientDescent

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
]


LABELS = {
    "integers": np.array([3, 1, 2, 1]),
    "two integers": np.array([7, -1, 7, 7]),
    "strings": np.array(["b", "a", "c", "a"]),
    "two strings": np.array(["no", "yes", "yes", "no"]),
    "booleans": np.array([True, False, False, True]),
    "floats": np.array([0.0, 2.0, 1.0, 0.0]),
    "one class": np.array(["only"] * 4),
    "objects": np.array(["b", "a", "c", "a"], dtype=object),
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("loss", ["log_loss", "categorical_cross_entropy", "squared_error"])
def test_labels_survive_the_way_to_columns_and_back(y, loss):
    targets = ClassTargets.learn(y, parameters(loss=loss))
    columns = targets.columns(y)
    assert columns.shape == (len(y), targets.n_columns)
    back = targets.labels(columns.astype(float))
    np.testing.assert_array_equal(back, y)
    assert back.dtype.kind == ("U" if y.dtype == object else y.dtype.kind)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_indicators_survive_in_their_own_form(form):
    y = form(INDICATOR)
    targets = ClassTargets.learn(y, parameters())
    assert targets.is_multilabel
    back = targets.labels(targets.columns(y).astype(float))
    assert sparse.issparse(back) == sparse.issparse(y)
    np.testing.assert_array_equal(back.toarray() if sparse.issparse(back) else back, INDICATOR)


def test_labels_that_continue_a_fit_must_be_known():
    known = ClassTargets.learn(LABELS["integers"], parameters())
    with pytest.raises(ValueError, match="same classes as in the previous call"):
        ClassTargets.learn(np.array([1, 2]), parameters(), known)
    with pytest.raises(ValueError, match="not \\[9\\]"):
        ClassTargets.learn(np.array([1, 9]), parameters(), known, incremental=True)
    with pytest.raises(ValueError, match="one label per row when"):
        ClassTargets.learn(INDICATOR, parameters(), known, incremental=True)
    assert ClassTargets.learn(np.array([1, 2]), parameters(), known, incremental=True).n_columns == 3


def test_class_weights_multiply_sample_weights():
    y = np.array([0, 1, 1])
    targets = ClassTargets.learn(y, parameters())
    weights = targets.weights(y, np.array([1.0, 2.0, 3.0]), {0: 5, 1: 0.5}, np.float32)
    np.testing.assert_array_equal(weights, np.array([5, 1, 1.5], dtype=np.float32))
    assert weights.dtype == np.float32
    assert targets.weights(y, None, None, np.float64) is None
    with pytest.raises(ValueError, match=r"class_weight=.* is zero for every row"):
        targets.weights(y, None, {0: 0, 1: 0}, np.float64)


def test_a_class_of_one_row_is_named_as_the_user_knows_it():
    y = np.array(["spam", "ham", "ham", "ham"])
    assert "'spam'" in ClassTargets.learn(y, parameters()).describe_split_failure(y)


TARGETS_WEIGHED = {
    "squared_error": SCORE_WEIGHED,
    "two outputs": np.column_stack([SCORE_WEIGHED, X_WEIGHED[:, 3] ** 2]),
    "huber": SCORE_WEIGHED,
    "poisson": np.floor(np.exp(0.5 * SCORE_WEIGHED)),
    "gamma": np.exp(0.5 * SCORE_WEIGHED),
}
WEIGHTS = rng_weighed.uniform(0.2, 3, N_WEIGHED)
REPEATS = rng_weighed.randint(0, 4, N_WEIGHED)


def balanced(y):
    """n / (number of classes * rows of the class), for several columns their product."""
    weights = np.ones(len(y))
    for column in np.atleast_2d(y.T):
        classes, index, counts = np.unique(column, return_inverse=True, return_counts=True)
        weights *= (len(column) / (len(classes) * counts))[index]
    return weights


def assert_same(model, other):
    np.testing.assert_allclose(model.params_, other.params_, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(model.loss_curve_, other.loss_curve_, rtol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", LABELS_WEIGHED)
def test_balanced_equals_the_same_sample_weight(solver, kind):
    y = LABELS_WEIGHED[kind]
    settings = {"solver": solver, "max_iter": 8, "batch_size": 20, "learning_rate_init": 0.05}
    model = classifier(class_weight="balanced", **settings).fit(X_WEIGHED, y)
    assert_same(model, classifier(**settings).fit(X_WEIGHED, y, sample_weight=balanced(y)))
    plain = classifier(**settings).fit(X_WEIGHED, y)
    assert np.abs(plain.params_ - model.params_).max() > 1e-3


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_dict_equals_the_same_sample_weight(solver):
    y = LABELS_WEIGHED["three classes"]
    weights = np.array([0.5, 1.0, 7.0])[y]
    settings = {"solver": solver, "max_iter": 8, "batch_size": 20}
    model = classifier(class_weight={0: 0.5, 2: 7.0}, **settings).fit(X_WEIGHED, y)
    assert_same(model, classifier(**settings).fit(X_WEIGHED, y, sample_weight=weights))


def test_a_dict_takes_labels_that_are_strings():
    y = LABELS_WEIGHED["two classes"]
    model = classifier(class_weight={"yes": 5}, max_iter=5).fit(X_WEIGHED, y)
    assert_same(model, classifier(max_iter=5).fit(X_WEIGHED, y, sample_weight=np.where(y == "yes", 5.0, 1.0)))


@pytest.mark.parametrize("kind", LABELS_WEIGHED)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weights_multiply_sample_weights_in_training(kind, solver):
    y = LABELS_WEIGHED[kind]
    if kind == "multilabel":  # as scikit-learn's forests: from the counts alone
        weights = balanced(y) * WEIGHTS
    else:  # as scikit-learn's linear models: from the weighted counts
        classes, index = np.unique(y, return_inverse=True)
        weights = (WEIGHTS.sum() / (len(classes) * np.bincount(index, WEIGHTS)))[index] * WEIGHTS
    model = classifier(class_weight="balanced", solver=solver, max_iter=5).fit(X_WEIGHED, y, WEIGHTS)
    assert_same(model, classifier(solver=solver, max_iter=5).fit(X_WEIGHED, y, sample_weight=weights))


def test_class_weights_of_sparse_multilabel_targets():
    y = LABELS_WEIGHED["multilabel"]
    model = classifier(class_weight="balanced", max_iter=5).fit(X_WEIGHED, sparse.csr_matrix(y))
    assert_same(model, classifier(max_iter=5).fit(X_WEIGHED, y, sample_weight=compute_sample_weight("balanced", y)))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", LABELS_WEIGHED)
def test_class_weights_with_early_stopping(solver, kind):
    y = LABELS_WEIGHED[kind]
    settings = {"solver": solver, "max_iter": 8, "early_stopping": True, "validation_fraction": 0.3}
    model = classifier(class_weight="balanced", **settings).fit(X_WEIGHED, y)
    other = classifier(**settings).fit(X_WEIGHED, y, sample_weight=balanced(y))
    assert_same(model, other)
    np.testing.assert_allclose(model.validation_scores_, other.validation_scores_, rtol=1e-12)
    np.testing.assert_allclose(model.history_["val_loss"], other.history_["val_loss"], rtol=1e-12)


def test_a_class_weight_reaches_partial_fit():
    y = LABELS_WEIGHED["three classes"]
    model, other = classifier(class_weight={0: 0.5, 1: 1.0, 2: 7.0}), classifier()
    for _ in range(3):
        model.partial_fit(X_WEIGHED, y, classes=[0, 1, 2])
        other.partial_fit(X_WEIGHED, y, classes=[0, 1, 2], sample_weight=np.array([0.5, 1.0, 7.0])[y])
    assert_same(model, other)


def test_a_class_weight_reaches_a_partial_fit_without_every_class():
    y = LABELS_WEIGHED["three classes"]
    batch = y > 0
    model, other = classifier(class_weight={0: 0.5, 2: 7.0}), classifier()
    for rows in (slice(None), batch):
        model.partial_fit(X_WEIGHED[rows], y[rows], classes=[0, 1, 2])
        other.partial_fit(X_WEIGHED[rows], y[rows], classes=[0, 1, 2], sample_weight=np.array([0.5, 1.0, 7.0])[y[rows]])
    assert_same(model, other)


@pytest.mark.parametrize("solver", DESCENDING)
def test_rows_of_a_class_of_weight_zero_are_as_absent_as_rows_of_weight_zero(solver):
    y = LABELS_WEIGHED["three classes"]
    settings = {"solver": solver, "batch_size": 20}
    model = classifier(class_weight={0: 0.0}, **settings).partial_fit(X_WEIGHED, y, classes=[0, 1, 2])
    other = classifier(**settings).partial_fit(X_WEIGHED, y, classes=[0, 1, 2], sample_weight=(y > 0).astype(float))
    assert_same(model, other)


def test_class_weights_that_are_all_zero_are_refused():
    with pytest.raises(ValueError, match="class_weight"):
        classifier(class_weight={0: 0, 1: 0, 2: 0}, max_iter=3).fit(X_WEIGHED, LABELS_WEIGHED["three classes"])


# Weighted equals repeated: smooth activations, so that no rounding error is blown up at a kink.


PROBLEMS = [
    *(pytest.param(ScratchMLPClassifier(loss=loss), LABELS_WEIGHED[kind], id=f"{kind}-{loss}".replace(" ", "_"))
      for kind, loss in [
          ("two classes", "log_loss"), ("two classes", "categorical_cross_entropy"), ("two classes", "squared_error"),
          ("three classes", "log_loss"), ("multilabel", "log_loss"),
      ]),
    *(pytest.param(ScratchMLPRegressor(loss=loss if loss != "two outputs" else "squared_error"), y,
                   id=loss.replace(" ", "_")) for loss, y in TARGETS_WEIGHED.items()),
]  # fmt: skip


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("estimator, y", PROBLEMS)
def test_weighted_equals_repeated_in_full_batch(estimator, y, solver):
    settings = {"hidden_layer_sizes": (6, 4), "activation": "tanh", "alpha": 0.3, "max_iter": 15, "tol": 1e-9}
    settings |= {"solver": solver, "learning_rate_init": 0.05, "random_state": 0}
    twice = np.repeat(np.arange(N_WEIGHED), REPEATS)
    name, loss = type(estimator), estimator.loss
    weighted = name(loss=loss, batch_size=np.count_nonzero(REPEATS), **settings).fit(
        X_WEIGHED, y, sample_weight=REPEATS
    )
    repeated = name(loss=loss, batch_size=len(twice), **settings).fit(X_WEIGHED[twice], y[twice])
    np.testing.assert_allclose(weighted.params_, repeated.params_, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-7)
    assert weighted.loss_curve_[-1] < weighted.loss_curve_[0]
    unweighted = name(loss=loss, batch_size=N_WEIGHED, **settings).fit(X_WEIGHED, y)
    assert np.abs(unweighted.params_ - weighted.params_).max() > 1e-4


@pytest.mark.parametrize("solver", SOLVERS)
def test_weighted_equals_repeated_on_a_given_validation_set(solver):
    y = LABELS_WEIGHED["three classes"]
    held, train = np.arange(30), np.arange(30, N_WEIGHED)
    times = np.repeat(held, REPEATS[held])
    settings = {"solver": solver, "max_iter": 10, "early_stopping": True}
    weighted = classifier(**settings).fit(
        X_WEIGHED[train], y[train], X_val=X_WEIGHED[held], y_val=y[held], sample_weight_val=REPEATS[held]
    )
    repeated = classifier(**settings).fit(X_WEIGHED[train], y[train], X_val=X_WEIGHED[times], y_val=y[times])
    np.testing.assert_allclose(weighted.validation_scores_, repeated.validation_scores_, rtol=1e-12)
    np.testing.assert_allclose(weighted.history_["val_loss"], repeated.history_["val_loss"], rtol=1e-7)
    np.testing.assert_array_equal(weighted.params_, repeated.params_)


# Label smoothing


def indicators(kind):
    """One column an output, as the network has them."""
    y = LABELS_WEIGHED[kind]
    if kind == "multilabel":
        return y.astype(float)
    classes = np.unique(y)
    return (y[:, None] == (classes if len(classes) > 2 else classes[1:])).astype(float)


@pytest.mark.parametrize("kind, n_classes", [("two classes", 2), ("three classes", 3), ("multilabel", 2)])
def test_label_smoothing_is_the_cross_entropy_of_smoothed_targets(kind, n_classes):
    smooth = indicators(kind) * 0.8 + 0.2 / n_classes
    settings = {"solver": "gd", "max_iter": 6, "learning_rate_init": 0.5, "momentum": 0.0, "alpha": 0.3}
    model = classifier(label_smoothing=0.2, **settings).fit(X_WEIGHED, LABELS_WEIGHED[kind])
    start = model.network_.init(np.random.RandomState(0))
    prob = model._targets.loss.inverse_link(model.network_.predict(start, X_WEIGHED))
    if kind == "three classes":
        loss = -(smooth * np.log(prob)).sum(axis=1).mean()
    else:
        loss = -(smooth * np.log(prob) + (1 - smooth) * np.log(1 - prob)).sum(axis=1).mean()
    loss += 0.3 / (2 * N_WEIGHED) * (start[model.network_.weight_slice] ** 2).sum()
    assert model.loss_curve_[0] == pytest.approx(loss, rel=1e-12)
    # ... and so is every step: the same descent on an objective that is given the smoothed targets.
    name = "categorical_cross_entropy" if kind == "three classes" else "binary_cross_entropy"
    objective = Objective(model.network_, name, X_WEIGHED, smooth, alpha=0.3)
    result = GradientDescent(learning_rate=0.5, max_iter=6).minimize(objective, start)
    np.testing.assert_allclose(model.params_, result.x, rtol=1e-10, atol=1e-12)


def test_label_smoothing_with_softmax_for_two_classes_equals_the_logistic_output():
    """Without a hidden layer both are one model: the difference of the two columns is the one logit."""
    settings = {"hidden_layer_sizes": (), "solver": "bfgs", "alpha": 0.0, "tol": 1e-7, "label_smoothing": 0.1}
    y = LABELS_WEIGHED["two classes"]
    softmax = classifier(loss="categorical_cross_entropy", **settings).fit(X_WEIGHED, y)
    logistic = classifier(**settings).fit(X_WEIGHED, y)
    np.testing.assert_allclose(softmax.predict_proba(X_WEIGHED), logistic.predict_proba(X_WEIGHED), atol=1e-5)


def test_smoothed_labels_bound_the_probabilities():
    """On separable data the best prediction is the smoothed target itself; unsmoothed it would be 1."""
    x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    settings = {"hidden_layer_sizes": (8,), "solver": "lbfgs", "alpha": 0.0, "max_iter": 2000, "tol": 1e-9}
    model = classifier(label_smoothing=0.2, **settings).fit(x, [0, 0, 1, 1])
    np.testing.assert_allclose(model.predict_proba(x)[:, 1], [0.1, 0.1, 0.9, 0.9], atol=1e-3)
    sharp = classifier(**settings).fit(x, [0, 0, 1, 1])
    assert sharp.predict_proba(x)[2:, 1].min() > 0.99


def test_validation_targets_are_not_smoothed():
    y = LABELS_WEIGHED["three classes"]
    model = classifier(label_smoothing=0.3, max_iter=3).fit(X_WEIGHED, y, X_val=X_WEIGHED, y_val=y)
    loss = -np.log(model.predict_proba(X_WEIGHED)[np.arange(N_WEIGHED), y]).mean()
    assert model.history_["val_loss"][-1] == pytest.approx(loss, rel=1e-10)


# One class.


@pytest.mark.parametrize("labels", [np.zeros(120, dtype=int), np.full(120, 7), np.full(120, "a")], ids=["0", "7", "a"])
@each_solver
def test_one_class_has_one_column_of_ones(labels, solver):
    clf = ScratchMLPClassifier(3, solver=solver, max_iter=2, random_state=0).fit(X_NOISY, labels)
    assert clf.classes_ == labels[:1]
    np.testing.assert_array_equal(clf.predict_proba(X_NOISY), np.ones((120, 1)))
    np.testing.assert_array_equal(clf.predict_log_proba(X_NOISY), np.zeros((120, 1)))
    np.testing.assert_array_equal(clf.predict(X_NOISY), labels)
    assert clf.score(X_NOISY, labels) == 1
    assert clf.decision_function(X_NOISY).shape == (120,)
    if PEER_IS_KNOWN:
        peer = MLPClassifier(3, max_iter=2).fit(X_NOISY, labels)
        assert (len(peer.classes_), peer.predict_proba(X_NOISY).shape) == (1, (120, 2))


@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "binary_cross_entropy", "squared_error"])
def test_one_class_with_every_loss(loss):
    clf = ScratchMLPClassifier(3, loss=loss, max_iter=2, early_stopping=True, random_state=0).fit(X_NOISY, ["b"] * 120)
    np.testing.assert_array_equal(clf.predict_proba(X_NOISY), np.ones((120, 1)))
    assert set(clf.predict(X_NOISY)) == {"b"}


# Targets of every kind.


@each_solver
@pytest.mark.parametrize("kind", LABELLED)
def test_labels_of_every_kind_are_learnt_and_come_back(kind, solver):
    data, labels = LABELLED[kind]
    clf = ScratchMLPClassifier(solver=solver, **QUICK).fit(data, labels)
    predicted = clf.predict(data)
    assert predicted.shape == dense(labels).shape
    assert sparse.issparse(predicted) == sparse.issparse(labels)
    assert np.mean(dense(predicted) == dense(labels)) > 0.8
    assert clf.score(data, labels) == np.mean(np.all(np.c_[dense(predicted) == dense(labels)], axis=1))
    if dense(labels).ndim == 1:
        np.testing.assert_array_equal(clf.classes_, np.unique(labels))
        # scikit-learn makes text of objects that are text.
        assert predicted.dtype.kind == np.asarray(labels).dtype.kind.replace("O", "U")


def test_two_labels_at_once_are_no_two_classes():
    clf = ScratchMLPClassifier(**SHORT).fit(XM, YM[:, :2])
    assert clf.predict(XM).shape == clf.decision_function(XM).shape == clf.predict_proba(XM).shape == (N, 2)
    assert (clf.n_outputs_, clf.out_activation_) == (2, "logistic")


@each_estimator
def test_a_column_is_an_ordinary_target(estimator_class):
    with pytest.warns(DataConversionWarning, match="column-vector"):
        model = estimator_class(**SHORT).fit(X, Y[:, None])
    np.testing.assert_array_equal(model.params_, estimator_class(**SHORT).fit(X, Y).params_)
    assert model.predict(X).shape == (N,)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_sparse_labels_train_as_dense_ones_do(early_stopping):
    params = {"early_stopping": early_stopping, **SHORT}
    one, other = (ScratchMLPClassifier(**params).fit(XM, y, np.arange(N)) for y in (YM, sparse.csr_matrix(YM)))
    np.testing.assert_array_equal(one.params_, other.params_)
    assert one.validation_scores_ == other.validation_scores_


@each_solver
def test_softmax_output_for_two_classes(solver):
    clf = ScratchMLPClassifier(solver=solver, loss="categorical_cross_entropy", **QUICK).fit(X, Y)
    assert (clf.n_outputs_, clf.out_activation_) == (2, "softmax")
    decision, proba = clf.decision_function(X), clf.predict_proba(X)
    assert decision.shape == (N,)
    np.testing.assert_allclose(proba[:, 1], expit(decision), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(clf.predict(X), (decision > 0).astype(int))
    assert clf.score(X, Y) > 0.9


@pytest.mark.parametrize("loss", ["log_loss", "categorical_cross_entropy", "binary_cross_entropy", "squared_error"])
@pytest.mark.parametrize("kind", ["two strings", "three strings", "multilabel"])
def test_every_loss_of_the_classifier(loss, kind):
    if (loss, kind) in {("categorical_cross_entropy", "multilabel"), ("binary_cross_entropy", "three strings")}:
        with pytest.raises(ValueError, match=loss):
            ScratchMLPClassifier(loss=loss, **SHORT).fit(*LABELLED[kind])
        return
    clf = ScratchMLPClassifier(loss=loss, solver="lbfgs", **QUICK).fit(*LABELLED[kind])
    assert np.mean(clf.predict(LABELLED[kind][0]) == LABELLED[kind][1]) > 0.8
    proba = clf.predict_proba(LABELLED[kind][0])
    assert ((proba >= 0) & (proba <= 1)).all()
    if kind != "multilabel":
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)


# Calls in a row.


def test_a_refit_takes_other_classes_and_a_warm_start_does_not():
    clf = ScratchMLPClassifier(**SHORT).fit(X, Y)
    assert list(clf.fit(X3, Y3 + 5).classes_) == [5, 6, 7]
    assert clf.fit(XM, YM).predict(XM).shape == (N, 4)
    with pytest.raises(ValueError, match="same classes"):
        ScratchMLPClassifier(warm_start=True, **SHORT).fit(X, Y).fit(X, Y + 1)


def test_partial_fit_learns_classes_that_come_later():
    clf = ScratchMLPClassifier(10, learning_rate_init=0.02, random_state=0)
    order = np.argsort(Y3, kind="stable")
    clf.partial_fit(X3[order[:20]], Y3[order[:20]], classes=[2, 0, 1])
    assert list(clf.classes_) == [0, 1, 2]
    assert clf.predict_proba(X3).shape == (N, 3)
    for _ in range(40):
        clf.partial_fit(X3, Y3)
    assert clf.score(X3, Y3) > 0.8
    assert len(clf.loss_curve_) == 41
    assert clf.t_ == 20 + 40 * N


def test_partial_fit_of_multilabel_targets():
    dense_clf, sparse_clf = (ScratchMLPClassifier(**SHORT) for _ in range(2))
    for _ in range(5):
        dense_clf.partial_fit(XM, YM, classes=range(4))
        sparse_clf.partial_fit(XM, sparse.csr_matrix(YM), classes=range(4))
    np.testing.assert_array_equal(dense_clf.params_, sparse_clf.params_)
    assert dense_clf.predict(XM).shape == (N, 4)


# What users bring: half a function, a loss for something else, a number of numpy's.


def test_class_weights_of_labels_are_a_list():
    targets = np.c_[Y, 1 - Y]
    weights = [{0: 1, 1: 3}, {0: 2, 1: 1}]
    rows = np.where(Y == 1, 3, 1) * np.where(1 - Y == 1, 1, 2)
    settings = {"hidden_layer_sizes": 5, "max_iter": 5, "random_state": 0}
    weighted = ScratchMLPClassifier(class_weight=weights, **settings).fit(X, targets)
    same = ScratchMLPClassifier(**settings).fit(X, targets, sample_weight=rows)
    np.testing.assert_allclose(weighted.params_, same.params_, rtol=1e-12)
    for bad, y in (({0: 1, 1: 3}, targets), (weights, Y)):
        with pytest.raises(ValueError, match=r"^class_weight=.* must be a .*dict.* for this y"):
            ScratchMLPClassifier(class_weight=bad, **settings).fit(X, y)


# What the regressor says of itself


def test_the_classifier_says_which_targets_it_takes():
    tags = ScratchMLPClassifier().__sklearn_tags__()
    assert tags.classifier_tags.multi_label
    assert tags.classifier_tags.multi_class
