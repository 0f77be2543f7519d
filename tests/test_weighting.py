"""Weights of rows and of classes, and smoothed labels: each equals the plain data it stands for."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.utils.class_weight import compute_sample_weight

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.objective import Objective
from skmlp_scratch.solvers import SOLVERS, GradientDescent

# Equality of two runs shows after a few epochs, too.
pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

GRADIENT_DESCENT = tuple(solver for solver in SOLVERS if solver not in ("bfgs", "lbfgs", "cg"))
N = 90
rng = np.random.RandomState(0)
X = rng.standard_normal((N, 4))
SCORE = X[:, 0] + 0.7 * X[:, 1] * X[:, 2] + 0.4 * rng.standard_normal(N)
LABELS = {
    "two classes": np.where(SCORE > 0.8, "yes", "no"),
    "three classes": np.digitize(SCORE, [-0.9, 0.7]),
    "multilabel": np.column_stack([SCORE > 0.8, X[:, 3] > -0.5]).astype(int),
}
TARGETS = {
    "squared_error": SCORE,
    "two outputs": np.column_stack([SCORE, X[:, 3] ** 2]),
    "huber": SCORE,
    "poisson": np.floor(np.exp(0.5 * SCORE)),
    "gamma": np.exp(0.5 * SCORE),
}
WEIGHTS = rng.uniform(0.2, 3, N)
REPEATS = rng.randint(0, 4, N)


def classifier(**parameters):
    return ScratchMLPClassifier(**{"hidden_layer_sizes": 5, "activation": "tanh", "random_state": 0} | parameters)


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
@pytest.mark.parametrize("kind", LABELS)
def test_balanced_equals_the_same_sample_weight(solver, kind):
    y = LABELS[kind]
    settings = {"solver": solver, "max_iter": 8, "batch_size": 20, "learning_rate_init": 0.05}
    model = classifier(class_weight="balanced", **settings).fit(X, y)
    assert_same(model, classifier(**settings).fit(X, y, sample_weight=balanced(y)))
    plain = classifier(**settings).fit(X, y)
    assert np.abs(plain.params_ - model.params_).max() > 1e-3


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_dict_equals_the_same_sample_weight(solver):
    y = LABELS["three classes"]
    weights = np.array([0.5, 1.0, 7.0])[y]
    settings = {"solver": solver, "max_iter": 8, "batch_size": 20}
    model = classifier(class_weight={0: 0.5, 2: 7.0}, **settings).fit(X, y)
    assert_same(model, classifier(**settings).fit(X, y, sample_weight=weights))


def test_a_dict_takes_labels_that_are_strings():
    y = LABELS["two classes"]
    model = classifier(class_weight={"yes": 5}, max_iter=5).fit(X, y)
    assert_same(model, classifier(max_iter=5).fit(X, y, sample_weight=np.where(y == "yes", 5.0, 1.0)))


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weights_multiply_sample_weights(kind, solver):
    y = LABELS[kind]
    if kind == "multilabel":  # as scikit-learn's forests: from the counts alone
        weights = balanced(y) * WEIGHTS
    else:  # as scikit-learn's linear models: from the weighted counts
        classes, index = np.unique(y, return_inverse=True)
        weights = (WEIGHTS.sum() / (len(classes) * np.bincount(index, WEIGHTS)))[index] * WEIGHTS
    model = classifier(class_weight="balanced", solver=solver, max_iter=5).fit(X, y, WEIGHTS)
    assert_same(model, classifier(solver=solver, max_iter=5).fit(X, y, sample_weight=weights))


def test_class_weights_of_sparse_multilabel_targets():
    y = LABELS["multilabel"]
    model = classifier(class_weight="balanced", max_iter=5).fit(X, sparse.csr_matrix(y))
    assert_same(model, classifier(max_iter=5).fit(X, y, sample_weight=compute_sample_weight("balanced", y)))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", LABELS)
def test_class_weights_with_early_stopping(solver, kind):
    y = LABELS[kind]
    settings = {"solver": solver, "max_iter": 8, "early_stopping": True, "validation_fraction": 0.3}
    model = classifier(class_weight="balanced", **settings).fit(X, y)
    other = classifier(**settings).fit(X, y, sample_weight=balanced(y))
    assert_same(model, other)
    np.testing.assert_allclose(model.validation_scores_, other.validation_scores_, rtol=1e-12)
    np.testing.assert_allclose(model.history_["val_loss"], other.history_["val_loss"], rtol=1e-12)


def test_a_class_weight_reaches_partial_fit():
    y = LABELS["three classes"]
    model, other = classifier(class_weight={0: 0.5, 1: 1.0, 2: 7.0}), classifier()
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
        other.partial_fit(X, y, classes=[0, 1, 2], sample_weight=np.array([0.5, 1.0, 7.0])[y])
    assert_same(model, other)


def test_a_class_weight_reaches_a_partial_fit_without_every_class():
    y = LABELS["three classes"]
    batch = y > 0
    model, other = classifier(class_weight={0: 0.5, 2: 7.0}), classifier()
    for rows in (slice(None), batch):
        model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        other.partial_fit(X[rows], y[rows], classes=[0, 1, 2], sample_weight=np.array([0.5, 1.0, 7.0])[y[rows]])
    assert_same(model, other)


@pytest.mark.parametrize("solver", GRADIENT_DESCENT)
def test_rows_of_a_class_of_weight_zero_are_as_absent_as_rows_of_weight_zero(solver):
    y = LABELS["three classes"]
    settings = {"solver": solver, "batch_size": 20}
    model = classifier(class_weight={0: 0.0}, **settings).partial_fit(X, y, classes=[0, 1, 2])
    other = classifier(**settings).partial_fit(X, y, classes=[0, 1, 2], sample_weight=(y > 0).astype(float))
    assert_same(model, other)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf, "1"])
def test_a_bad_class_weight_is_refused(weight):
    with pytest.raises(ValueError, match="class_weight"):
        classifier(class_weight={0: weight, 1: 1.0}, max_iter=3).fit(X, LABELS["three classes"])


def test_class_weights_that_are_all_zero_are_refused():
    with pytest.raises(ValueError, match="class_weight"):
        classifier(class_weight={0: 0, 1: 0, 2: 0}, max_iter=3).fit(X, LABELS["three classes"])


def test_a_class_weight_for_labels_that_are_not_there_is_refused():
    with pytest.raises(ValueError, match="not in class_weight"):
        classifier(class_weight={7: 2.0}).fit(X, LABELS["three classes"])


# Weighted equals repeated: smooth activations, so that no rounding error is blown up at a kink.

PROBLEMS = [
    *(pytest.param(ScratchMLPClassifier(loss=loss), LABELS[kind], id=f"{kind}-{loss}".replace(" ", "_"))
      for kind, loss in [
          ("two classes", "log_loss"), ("two classes", "categorical_cross_entropy"), ("two classes", "squared_error"),
          ("three classes", "log_loss"), ("multilabel", "log_loss"),
      ]),
    *(pytest.param(ScratchMLPRegressor(loss=loss if loss != "two outputs" else "squared_error"), y,
                   id=loss.replace(" ", "_")) for loss, y in TARGETS.items()),
]  # fmt: skip


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("estimator, y", PROBLEMS)
def test_weighted_equals_repeated_in_full_batch(estimator, y, solver):
    settings = {"hidden_layer_sizes": (6, 4), "activation": "tanh", "alpha": 0.3, "max_iter": 15, "tol": 1e-9}
    settings |= {"solver": solver, "learning_rate_init": 0.05, "random_state": 0}
    twice = np.repeat(np.arange(N), REPEATS)
    name, loss = type(estimator), estimator.loss
    weighted = name(loss=loss, batch_size=np.count_nonzero(REPEATS), **settings).fit(X, y, sample_weight=REPEATS)
    repeated = name(loss=loss, batch_size=len(twice), **settings).fit(X[twice], y[twice])
    np.testing.assert_allclose(weighted.params_, repeated.params_, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-7)
    assert weighted.loss_curve_[-1] < weighted.loss_curve_[0]
    unweighted = name(loss=loss, batch_size=N, **settings).fit(X, y)
    assert np.abs(unweighted.params_ - weighted.params_).max() > 1e-4


@pytest.mark.parametrize("solver", SOLVERS)
def test_weighted_equals_repeated_on_a_given_validation_set(solver):
    y = LABELS["three classes"]
    held, train = np.arange(30), np.arange(30, N)
    times = np.repeat(held, REPEATS[held])
    settings = {"solver": solver, "max_iter": 10, "early_stopping": True}
    weighted = classifier(**settings).fit(
        X[train], y[train], X_val=X[held], y_val=y[held], sample_weight_val=REPEATS[held]
    )
    repeated = classifier(**settings).fit(X[train], y[train], X_val=X[times], y_val=y[times])
    np.testing.assert_allclose(weighted.validation_scores_, repeated.validation_scores_, rtol=1e-12)
    np.testing.assert_allclose(weighted.history_["val_loss"], repeated.history_["val_loss"], rtol=1e-7)
    np.testing.assert_array_equal(weighted.params_, repeated.params_)


# Label smoothing


def indicators(kind):
    """One column an output, as the network has them."""
    y = LABELS[kind]
    if kind == "multilabel":
        return y.astype(float)
    classes = np.unique(y)
    return (y[:, None] == (classes if len(classes) > 2 else classes[1:])).astype(float)


@pytest.mark.parametrize("kind, n_classes", [("two classes", 2), ("three classes", 3), ("multilabel", 2)])
def test_label_smoothing_is_the_cross_entropy_of_smoothed_targets(kind, n_classes):
    smooth = indicators(kind) * 0.8 + 0.2 / n_classes
    settings = {"solver": "gd", "max_iter": 6, "learning_rate_init": 0.5, "momentum": 0.0, "alpha": 0.3}
    model = classifier(label_smoothing=0.2, **settings).fit(X, LABELS[kind])
    start = model.network_.init(np.random.RandomState(0))
    prob = model._targets.loss.inverse_link(model.network_.predict(start, X))
    if kind == "three classes":
        loss = -(smooth * np.log(prob)).sum(axis=1).mean()
    else:
        loss = -(smooth * np.log(prob) + (1 - smooth) * np.log(1 - prob)).sum(axis=1).mean()
    loss += 0.3 / (2 * N) * (start[model.network_.weight_slice] ** 2).sum()
    assert model.loss_curve_[0] == pytest.approx(loss, rel=1e-12)
    # ... and so is every step: the same descent on an objective that is given the smoothed targets.
    name = "categorical_cross_entropy" if kind == "three classes" else "binary_cross_entropy"
    objective = Objective(model.network_, name, X, smooth, alpha=0.3)
    result = GradientDescent(learning_rate=0.5, max_iter=6).minimize(objective, start)
    np.testing.assert_allclose(model.params_, result.x, rtol=1e-10, atol=1e-12)


def test_label_smoothing_with_softmax_for_two_classes_equals_the_logistic_output():
    """Without a hidden layer both are one model: the difference of the two columns is the one logit."""
    settings = {"hidden_layer_sizes": (), "solver": "bfgs", "alpha": 0.0, "tol": 1e-7, "label_smoothing": 0.1}
    y = LABELS["two classes"]
    softmax = classifier(loss="categorical_cross_entropy", **settings).fit(X, y)
    logistic = classifier(**settings).fit(X, y)
    np.testing.assert_allclose(softmax.predict_proba(X), logistic.predict_proba(X), atol=1e-5)


def test_smoothed_labels_bound_the_probabilities():
    """On separable data the best prediction is the smoothed target itself; unsmoothed it would be 1."""
    x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    settings = {"hidden_layer_sizes": (8,), "solver": "lbfgs", "alpha": 0.0, "max_iter": 2000, "tol": 1e-9}
    model = classifier(label_smoothing=0.2, **settings).fit(x, [0, 0, 1, 1])
    np.testing.assert_allclose(model.predict_proba(x)[:, 1], [0.1, 0.1, 0.9, 0.9], atol=1e-3)
    sharp = classifier(**settings).fit(x, [0, 0, 1, 1])
    assert sharp.predict_proba(x)[2:, 1].min() > 0.99


def test_validation_targets_are_not_smoothed():
    y = LABELS["three classes"]
    model = classifier(label_smoothing=0.3, max_iter=3).fit(X, y, X_val=X, y_val=y)
    loss = -np.log(model.predict_proba(X)[np.arange(N), y]).mean()
    assert model.history_["val_loss"][-1] == pytest.approx(loss, rel=1e-10)
