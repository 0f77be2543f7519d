"""Validation: given to fit or held out, any score, best weights back, with every solver; and its rows stay unseen."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, fbeta_score, get_scorer, make_scorer, r2_score

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.history import COLUMNS
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    # Solvers are compared on the same parameters, whether they use them or not, and so few epochs may teach nothing.
    pytest.mark.filterwarnings("ignore:.*has no effect with solver:UserWarning"),
    pytest.mark.filterwarnings("ignore:The loss of .* is no better than:sklearn.exceptions.ConvergenceWarning"),
]

SCIPY = ("bfgs", "lbfgs", "cg")
few_epochs = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.RandomState(0)
X = rng.standard_normal((160, 5))
SCORE = X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * rng.standard_normal(160)
LABELS = np.where(SCORE > 0.5, "yes", "no")
THREE = np.digitize(SCORE, [-0.8, 0.8])
MANY = np.column_stack([SCORE > 0, X[:, 3] > 0]).astype(int)
TRAIN, HELD = slice(0, 100), slice(100, None)


def classifier(**parameters):
    return ScratchMLPClassifier(**{"hidden_layer_sizes": (8,), "random_state": 0, "batch_size": 30} | parameters)


def regressor(**parameters):
    return ScratchMLPRegressor(**{"hidden_layer_sizes": (8,), "random_state": 0, "batch_size": 30} | parameters)


class Script:
    """A scorer that says what it was told to, and keeps what it was shown."""

    def __init__(self, scores):
        self.scores, self.params, self.rows = scores, [], []

    def __call__(self, estimator, X, y):
        self.params.append(estimator.params_.copy())
        self.rows.append(X)
        return self.scores[min(len(self.params), len(self.scores)) - 1]


# The best weights


@pytest.mark.parametrize("make, y", [(classifier, LABELS), (regressor, SCORE)], ids=["classifier", "regressor"])
@pytest.mark.parametrize("given", [True, False], ids=["given", "split"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_best_weights_come_back(make, y, given, solver):
    """Scores that rise to epoch 4 and fall: stopped after n_iter_no_change + 1 = 3 bad ones, with no warning."""
    script = Script([0.1, 0.2, 0.3, 0.9, 0.5, 0.4, 0.3, 0.2])
    model = make(solver=solver, early_stopping=True, scoring=script, n_iter_no_change=2, learning_rate_init=0.01)
    if given:
        model.fit(X[TRAIN], y[TRAIN], X_val=X[HELD], y_val=y[HELD])
    else:
        model.fit(X, y)
    assert model.n_iter_ == 7
    assert model.validation_scores_ == [0.1, 0.2, 0.3, 0.9, 0.5, 0.4, 0.3]
    assert model.best_validation_score_ == 0.9
    assert model.best_loss_ is None
    np.testing.assert_array_equal(model.params_, script.params[3])
    assert np.abs(model.params_ - script.params[6]).max() > 1e-6
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).params_, script.params[3])


@few_epochs
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_best_weights_come_back_when_the_epochs_run_out(solver):
    script = Script([0.1, 0.9, 0.5, 0.5])
    model = classifier(solver=solver, early_stopping=True, scoring=script, max_iter=4).fit(X, LABELS)
    assert model.n_iter_ == 4
    np.testing.assert_array_equal(model.params_, script.params[1])


@pytest.mark.parametrize("solver", [GradientDescent("adam", max_iter=50), ScipyMinimize("L-BFGS-B", max_iter=50)])
def test_the_best_weights_come_back_from_a_solver_object(solver):
    script = Script([0.1, 0.2, 0.9, 0.5])
    model = classifier(solver=solver, early_stopping=True, scoring=script, n_iter_no_change=3, batch_size="auto")
    model.fit(X, LABELS)
    assert model.n_iter_ == 7
    np.testing.assert_array_equal(model.params_, script.params[2])


@pytest.mark.parametrize("tol, n_iter", [(0.0, 8), (0.015, 3)])
def test_an_improvement_has_to_be_more_than_tol(tol, n_iter):
    """0.01 an epoch, for six epochs: without tol the last two are bad ones, with it every one after the first."""
    script = Script([0.10, 0.11, 0.12, 0.13, 0.14, 0.15, 0.14])
    model = classifier(early_stopping=True, scoring=script, n_iter_no_change=1, tol=tol).fit(X, LABELS)
    assert model.n_iter_ == n_iter


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_second_fit_starts_its_stopping_rule_afresh(solver):
    script = Script([0.1, 0.9, 0.5, 0.5, 0.5, 0.2, 0.3, 0.1, 0.1])
    settings = {"solver": solver, "early_stopping": True, "n_iter_no_change": 1, "warm_start": True}
    model = classifier(scoring=script, **settings).fit(X, LABELS)
    assert model.n_iter_ == 4
    script.scores = [*script.scores[:4], 0.2, 0.3, 0.1, 0.1]
    model.fit(X, LABELS)  # nothing of it reaches 0.9, whose weights stay: the held-out rows are the same
    assert model.n_iter_ == 4
    assert len(model.loss_curve_) == 8
    assert model.best_validation_score_ == 0.9
    np.testing.assert_array_equal(model.params_, script.params[1])


# What is measured

SCORINGS = [
    pytest.param(classifier, LABELS, None, lambda m, X, y: accuracy_score(y, m.predict(X)), id="accuracy"),
    pytest.param(classifier, THREE, None, lambda m, X, y: accuracy_score(y, m.predict(X)), id="accuracy of three"),
    pytest.param(classifier, MANY, None, lambda m, X, y: accuracy_score(y, m.predict(X)), id="subset accuracy"),
    pytest.param(classifier, LABELS, "neg_log_loss", get_scorer("neg_log_loss"), id="log loss"),
    pytest.param(classifier, LABELS, "roc_auc", get_scorer("roc_auc"), id="auc"),
    pytest.param(classifier, THREE, "roc_auc_ovr", get_scorer("roc_auc_ovr"), id="auc of three"),
    pytest.param(classifier, MANY, "f1_macro", get_scorer("f1_macro"), id="f1"),
    pytest.param(classifier, LABELS, make_scorer(fbeta_score, beta=2, pos_label="yes"),
                 lambda m, X, y: fbeta_score(y, m.predict(X), beta=2, pos_label="yes"), id="scorer object"),
    pytest.param(classifier, THREE, lambda m, X, y: -np.sum(m.predict(X) != y),
                 lambda m, X, y: -np.sum(m.predict(X) != y), id="callable"),
    pytest.param(regressor, SCORE, None, lambda m, X, y: r2_score(y, m.predict(X)), id="r2"),
    pytest.param(regressor, np.column_stack([SCORE, X[:, 3]]), None, lambda m, X, y: r2_score(y, m.predict(X)),
                 id="r2 of two"),
    pytest.param(regressor, SCORE, "neg_mean_absolute_error", lambda m, X, y: -np.abs(y - m.predict(X)).mean(),
                 id="absolute error"),
    pytest.param(regressor, SCORE, "loss", lambda m, X, y: -0.5 * np.mean((y - m.predict(X)) ** 2), id="squared loss"),
]  # fmt: skip


@few_epochs
@pytest.mark.parametrize("solver", ["adam", "gd", "lbfgs", "bfgs", "cg"])
@pytest.mark.parametrize("make, y, scoring, by_hand", SCORINGS)
def test_what_is_measured_is_what_was_asked_for(make, y, scoring, by_hand, solver):
    model = make(solver=solver, scoring=scoring, early_stopping=True, max_iter=15, learning_rate_init=0.02)
    model.fit(X[TRAIN], y[TRAIN], X_val=X[HELD], y_val=y[HELD])
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_validation_score_ == pytest.approx(by_hand(model, X[HELD], y[HELD]), rel=1e-9, abs=1e-12)
    assert len(set(model.validation_scores_)) > 1


@few_epochs
@pytest.mark.parametrize("loss", ["log_loss", "categorical_cross_entropy", "squared_error"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_loss_as_a_score_is_without_penalty(loss, solver):
    model = classifier(loss=loss, solver=solver, scoring="loss", early_stopping=True, max_iter=10, alpha=10.0)
    model.fit(X[TRAIN], LABELS[TRAIN], X_val=X[HELD], y_val=LABELS[HELD])
    np.testing.assert_array_equal(model.validation_scores_, -np.array(model.history_["val_loss"]))
    prob = model.predict_proba(X[HELD])[:, 1]
    hit = LABELS[HELD] == "yes"
    if loss == "squared_error":
        by_hand = -0.5 * np.mean((prob - hit) ** 2)
    else:
        by_hand = np.mean(np.log(np.where(hit, prob, 1 - prob)))
    assert model.best_validation_score_ == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("scoring", ["nonsense", 3.5, True, ["accuracy"]])
def test_a_bad_scoring_is_refused_at_fit(scoring):
    with pytest.raises(ValueError, match="The 'scoring' parameter"):
        classifier(scoring=scoring).fit(X, LABELS)


def test_a_scorer_of_a_classifier_does_not_suit_a_regressor():
    with pytest.raises(ValueError, match="continuous"):
        regressor(scoring="accuracy", early_stopping=True).fit(X, SCORE)


@few_epochs
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_validation_set_without_early_stopping_is_only_measured(solver):
    settings = {"solver": solver, "max_iter": 8}
    plain = classifier(**settings).fit(X[TRAIN], LABELS[TRAIN])
    model = classifier(**settings).fit(X[TRAIN], LABELS[TRAIN], X_val=X[HELD], y_val=LABELS[HELD])
    np.testing.assert_array_equal(model.params_, plain.params_)
    assert model.loss_curve_ == plain.loss_curve_
    assert model.validation_scores_[-1] == pytest.approx(model.score(X[HELD], LABELS[HELD]), abs=1e-12)
    assert np.isnan(plain.history_["val_score"]).all()


# Weights


@few_epochs
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("scoring", [None, "accuracy", "loss", "neg_log_loss"])
def test_weights_of_the_validation_rows(solver, scoring):
    weights = rng.uniform(0.1, 4, 60)
    model = classifier(solver=solver, scoring=scoring, max_iter=6)
    model.fit(X[TRAIN], LABELS[TRAIN], X_val=X[HELD], y_val=LABELS[HELD], sample_weight_val=weights)
    prob = model.predict_proba(X[HELD])
    hit = LABELS[HELD] == "yes"
    log_prob = np.log(np.where(hit, prob[:, 1], prob[:, 0]))
    accuracy = np.average(model.predict(X[HELD]) == LABELS[HELD], weights=weights)
    by_hand = accuracy if scoring in (None, "accuracy") else np.average(log_prob, weights=weights)
    assert model.validation_scores_[-1] == pytest.approx(by_hand, rel=1e-9)
    assert model.history_["val_loss"][-1] == pytest.approx(-np.average(log_prob, weights=weights), rel=1e-9)


@few_epochs
def test_held_out_rows_keep_their_weights():
    """Each row's weight is its feature number 4, so the scorer can tell that it was given the right ones."""
    weighted = X.copy()
    weighted[:, 4] = rng.uniform(1, 2, 160)

    def scorer(estimator, X, y, sample_weight):
        np.testing.assert_array_equal(sample_weight, X[:, 4])
        return float(np.average(y, weights=sample_weight))

    model = regressor(early_stopping=True, scoring=scorer, max_iter=3).fit(
        weighted, SCORE, sample_weight=weighted[:, 4]
    )
    assert np.isfinite(model.validation_scores_).all()


@few_epochs
def test_a_callable_without_sample_weight_goes_with_class_weights():
    model = classifier(early_stopping=True, class_weight="balanced", scoring=lambda m, X, y: m.score(X, y), max_iter=3)
    assert len(model.fit(X, LABELS).validation_scores_) == 3


# The split


def held_out_and_params(model, inputs, targets):
    """Two fits of a warm start; the rows that were scored, and the last weights."""
    script = Script([0.5])
    model.set_params(early_stopping=True, scoring=script, max_iter=4, warm_start=True, n_iter_no_change=20)
    model.fit(inputs, targets).fit(inputs, targets)
    assert all(np.array_equal(rows, script.rows[0]) for rows in script.rows)  # one split for all fits
    return script.rows[0], script.params[-1]


@few_epochs
@pytest.mark.parametrize("make, y", [(classifier, LABELS), (classifier, THREE), (regressor, SCORE)])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_rows_held_out_are_never_trained_on(make, y, solver):
    """Change them beyond recognition: not a bit of the weights changes, in the warm start either."""
    inputs, targets = X.copy(), y.copy()
    inputs[:, 4] = np.arange(160) / 100
    rows, params = held_out_and_params(make(solver=solver), inputs, targets)
    held = np.rint(rows[:, 4] * 100).astype(int)
    assert len(set(held)) == 16  # a tenth
    inputs[held] = np.random.RandomState(1).standard_normal((16, 5)) * 50
    if y is not LABELS:  # two classes: the split itself goes by the labels
        targets[held] = targets[held][::-1]
    spoiled_rows, spoiled_params = held_out_and_params(make(solver=solver), inputs, targets)
    np.testing.assert_array_equal(spoiled_rows, inputs[held])
    np.testing.assert_array_equal(spoiled_params, params)


@few_epochs
def test_a_split_equals_the_same_sets_given():
    script = Script([0.5])
    split = regressor(solver="gd", early_stopping=True, scoring=script, max_iter=6).fit(X, SCORE)
    held = np.array([np.flatnonzero((row == X).all(axis=1))[0] for row in script.rows[0]])
    train = np.setdiff1d(np.arange(160), held)
    given = regressor(solver="gd", early_stopping=True, scoring=Script([0.5]), max_iter=6)
    given.fit(X[train], SCORE[train], X_val=X[held], y_val=SCORE[held])
    np.testing.assert_allclose(split.params_, given.params_, rtol=1e-9, atol=1e-12)  # rows come in another order
    np.testing.assert_allclose(split.history_["val_loss"], given.history_["val_loss"], rtol=1e-9)


@few_epochs
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_given_set_takes_the_place_of_the_split(solver):
    model = classifier(solver=solver, early_stopping=True, max_iter=3)
    model.fit(X[TRAIN], LABELS[TRAIN], X_val=X[HELD], y_val=LABELS[HELD])
    assert model.t_ == 3 * 100  # every row of X is trained on
    assert classifier(solver=solver, early_stopping=True, max_iter=3).fit(X[TRAIN], LABELS[TRAIN]).t_ == 3 * 90


def held_labels(y, fraction, **weights):
    seen = []

    def scorer(estimator, X, y, sample_weight=None):
        seen.append(y)
        return 0.5

    model = classifier(early_stopping=True, validation_fraction=fraction, scoring=scorer, max_iter=1)
    model.fit(X[: len(y)], y, **weights)
    return seen[0]


@few_epochs
def test_two_classes_are_split_in_their_proportions():
    y = np.repeat(["rare", "common"], [10, 150])
    rng.shuffle(y)
    held = held_labels(y, 0.2)
    assert len(held) == 32
    assert np.sum(held == "rare") == 2


@few_epochs
@pytest.mark.parametrize("seed", range(20))
def test_no_class_is_left_out_of_either_side(seed):
    """Three rows of a third class: a plain split holds out none, or all, for one seed in three."""
    y = np.repeat([0, 1, 2], [79, 78, 3])
    np.random.RandomState(seed).shuffle(y)
    held = held_labels(y, 0.4)
    assert len(held) == 64
    assert set(held) == {0, 1, 2}
    assert np.sum(held == 2) < 3


@few_epochs
def test_a_class_of_one_row_can_be_on_one_side_only():
    y = np.repeat([0, 1, 2], [80, 79, 1])
    assert set(held_labels(y, 0.3)) >= {0, 1}


@few_epochs
def test_rows_of_weight_zero_are_not_held_out():
    weights = np.repeat([0.0, 1.0], [80, 80])
    y = np.repeat([0, 1, 0, 1], 40)
    assert len(held_labels(y, 0.25, sample_weight=weights)) == 20


def test_a_split_that_leaves_one_row_is_refused():
    with pytest.raises(ValueError, match=r"validation set is too small.*validation_fraction"):
        regressor(early_stopping=True, validation_fraction=0.1).fit(X[:10], SCORE[:10])


def test_a_split_that_cannot_be_is_refused_by_its_name():
    y = np.repeat([0, 1], [159, 1])
    with pytest.raises(ValueError, match=r"^validation_fraction=0\.1 does not split 160 rows: class 1 has a single"):
        classifier(early_stopping=True, validation_fraction=0.1).fit(X, y)


def test_an_empty_split_is_refused_by_its_name():
    with pytest.raises(ValueError, match="validation_fraction"):
        regressor(early_stopping=True, validation_fraction=0.0).fit(X, SCORE)


# partial_fit


@pytest.mark.parametrize("solver", [solver for solver in SOLVERS if solver not in SCIPY])
def test_partial_fit_measures_a_validation_set(solver):
    measured, plain = classifier(solver=solver), classifier(solver=solver)
    for k in range(4):
        measured.partial_fit(X[TRAIN], LABELS[TRAIN], classes=["no", "yes"], X_val=X[HELD], y_val=LABELS[HELD])
        plain.partial_fit(X[TRAIN], LABELS[TRAIN], classes=["no", "yes"])
        assert measured.validation_scores_[-1] == pytest.approx(measured.score(X[HELD], LABELS[HELD]), abs=1e-12)
        assert {len(measured.history_[column]) for column in COLUMNS} == {k + 1}
    np.testing.assert_array_equal(measured.params_, plain.params_)


def test_partial_fit_of_a_regressor_measures_with_weights():
    weights = rng.uniform(0.5, 2, 60)
    model = regressor(scoring="loss")
    model.partial_fit(X[TRAIN], SCORE[TRAIN], X_val=X[HELD], y_val=SCORE[HELD], sample_weight_val=weights)
    by_hand = np.average((model.predict(X[HELD]) - SCORE[HELD]) ** 2 / 2, weights=weights)
    assert model.validation_scores_ == pytest.approx([-by_hand])
    model.partial_fit(X[TRAIN], SCORE[TRAIN])
    assert np.isnan(model.history_["val_score"][1])


# Containers and kinds of targets


@few_epochs
@pytest.mark.parametrize("kind", ["list", "csr", "csc", "csr_array", "float32", "int", "pandas", "polars"])
def test_containers_of_the_validation_set(kind):
    whole = np.rint(X * 3)
    as_container = {
        "list": lambda a: a.tolist(), "csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "csr_array": sparse.csr_array,
        "float32": lambda a: a.astype(np.float32), "int": lambda a: a.astype(int),
        "pandas": lambda a: pytest.importorskip("pandas").DataFrame(a), "polars": lambda a: pytest.importorskip(
            "polars").DataFrame(a),
    }[kind]  # fmt: skip
    expected = regressor(max_iter=3).fit(whole[TRAIN], SCORE[TRAIN], X_val=whole[HELD], y_val=SCORE[HELD])
    is_frame = kind in ("pandas", "polars")
    y_val = as_container(SCORE[HELD][:, None]) if is_frame else SCORE[HELD]
    train = as_container(whole[TRAIN]) if is_frame else whole[TRAIN]  # names, or none, on both sides
    model = regressor(max_iter=3).fit(train, SCORE[TRAIN], X_val=as_container(whole[HELD]), y_val=y_val)
    np.testing.assert_allclose(model.validation_scores_, expected.validation_scores_, rtol=1e-6)


@few_epochs
def test_a_frame_with_other_columns_is_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    model = regressor(max_iter=2).fit(frame, SCORE, X_val=frame[:20], y_val=SCORE[:20])
    assert len(model.validation_scores_) == 2
    with pytest.raises(ValueError, match="feature names should match"):
        regressor(max_iter=2).fit(frame, SCORE, X_val=frame[list("edcba")], y_val=SCORE)


@few_epochs
def test_a_validation_set_need_not_have_every_class():
    model = classifier(max_iter=3).fit(X, THREE, X_val=X[THREE > 0], y_val=THREE[THREE > 0])
    assert model.validation_scores_[-1] == pytest.approx(model.score(X[THREE > 0], THREE[THREE > 0]))


# Bad input

BAD = [
    ("y_val is missing", classifier, LABELS, {"X_val": X}, "X_val needs y_val"),
    ("X_val is missing", classifier, LABELS, {"y_val": LABELS}, "y_val and sample_weight_val need X_val"),
    ("weights alone", classifier, LABELS, {"sample_weight_val": SCORE}, "y_val and sample_weight_val need X_val"),
    ("lengths", classifier, LABELS, {"X_val": X, "y_val": LABELS[:7]}, "X_val has 160 rows, y_val has 7"),
    ("class", classifier, LABELS, {"X_val": X, "y_val": np.full(160, "maybe")}, "y_val.*has classes not in"),
    ("text", classifier, LABELS, {"X_val": X.astype(str), "y_val": LABELS}, "X_val holds text"),
    ("nan target", regressor, SCORE, {"X_val": X, "y_val": SCORE * np.nan}, "y_val contains NaN or infinity"),
    ("negative weight", classifier, LABELS, {"X_val": X, "y_val": LABELS, "sample_weight_val": -np.ones(160)},
     "sample_weight_val must not be negative"),
    ("weights of zero", classifier, LABELS, {"X_val": X, "y_val": LABELS, "sample_weight_val": np.zeros(160)},
     "sample_weight_val is zero for every row"),
    ("few weights", classifier, LABELS, {"X_val": X, "y_val": LABELS, "sample_weight_val": np.ones(3)},
     r"sample_weight.*\(3,\), expected \(160,\)"),
    ("features", classifier, LABELS, {"X_val": X[:, :4], "y_val": LABELS}, "X has 4 features.*expecting 5"),
    ("nan", classifier, LABELS, {"X_val": X * np.nan, "y_val": LABELS}, "contains NaN"),
    ("one dimension", classifier, LABELS, {"X_val": X[0], "y_val": LABELS}, "Expected 2D array, got 1D"),
    ("no row", classifier, LABELS, {"X_val": X[:0], "y_val": LABELS[:0]}, "0 sample"),
]  # fmt: skip
NOT_YET = [
    ("X_val named: features", classifier, LABELS, {"X_val": X[:, :4], "y_val": LABELS}, "X_val"),
    ("X_val named: nan", classifier, LABELS, {"X_val": X * np.nan, "y_val": LABELS}, "X_val"),
    ("X_val named: one dimension", classifier, LABELS, {"X_val": X[0], "y_val": LABELS}, "X_val"),
    ("fewer outputs", regressor, X[:, :2], {"X_val": X, "y_val": X[:, :1]}, "y_val"),
    ("more outputs", regressor, SCORE, {"X_val": X, "y_val": X[:, :2]}, "y_val"),
    ("fewer labels", classifier, MANY, {"X_val": X, "y_val": MANY[:, :1]}, "y_val"),
    ("no indicator", classifier, MANY, {"X_val": X, "y_val": MANY + 5}, "y_val"),
    ("indicator for classes", classifier, THREE, {"X_val": X, "y_val": MANY}, "y_val"),
    ("scalar", regressor, SCORE, {"X_val": X, "y_val": 3}, "y_val"),
    ("text target", regressor, SCORE, {"X_val": X, "y_val": SCORE.astype(str)}, "y_val"),
    ("None", classifier, THREE, {"X_val": X[:2], "y_val": [0, None]}, "y_val"),
]  # fmt: skip


@few_epochs
@pytest.mark.parametrize("make, y, arguments, message", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_validation_set_is_refused(make, y, arguments, message):
    model = make(scoring="loss", max_iter=2).fit(X, y)
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, **arguments)
    assert pickle.dumps(model) == before  # the earlier fit is as it was


@few_epochs
@pytest.mark.parametrize("make, y, arguments, message", [row[1:] for row in NOT_YET], ids=[row[0] for row in NOT_YET])
def test_a_bad_validation_set_is_refused_by_its_name(make, y, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(scoring="loss", max_iter=2).fit(X, y, **arguments)


@few_epochs
@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_validation_targets_that_the_loss_cannot_take_are_refused(loss):
    with pytest.raises(ValueError, match=f"loss='{loss}' needs y"):
        regressor(loss=loss, scoring="loss", early_stopping=True, max_iter=3).fit(
            X, np.exp(SCORE), X_val=X, y_val=SCORE
        )


@few_epochs
def test_sparse_multilabel_validation_targets():
    settings = {"max_iter": 3, "scoring": "loss"}
    dense = classifier(**settings).fit(X, MANY, X_val=X, y_val=MANY)
    model = classifier(**settings).fit(X, sparse.csr_matrix(MANY), X_val=X, y_val=sparse.csr_matrix(MANY))
    np.testing.assert_allclose(model.validation_scores_, dense.validation_scores_)


def test_no_warning_when_early_stopping_ends_a_scipy_method():
    """It is a success, not a failure to converge."""
    for solver in SCIPY:
        model = classifier(solver=solver, early_stopping=True, n_iter_no_change=2, scoring=Script([0.5]))
        assert model.fit(X, LABELS).n_iter_ == 4
    with pytest.warns(ConvergenceWarning, match="solver='bfgs' stopped after 2 iterations without converging"):
        classifier(solver="bfgs", max_iter=2).fit(X, LABELS)
