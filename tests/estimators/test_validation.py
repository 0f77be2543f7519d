"""Validation: given to fit or held out, any score, the best weights back, with every solver."""

import math
import pickle
import warnings

import numpy as np
import pytest
from problems import (
    HELD,
    PEER_IS_KNOWN,
    SCIPY,
    SCORES_SPLIT,
    THREE_SPLIT,
    TRAIN,
    X_NOISY,
    X_SPLIT,
    Y_NOISY,
    YES_OR_NO,
    Script,
    SpyScoring,
    X,
    Y,
    batched_classifier,
    batched_regressor,
    each_solver,
    few_epochs,
    held_labels,
    lenient,
    messages,
    rng_scored,
    rng_split,
)
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, fbeta_score, get_scorer, make_scorer, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.history import COLUMNS
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore:.*has no effect with solver:UserWarning"),
    pytest.mark.filterwarnings("ignore:The loss of .* is no better than:sklearn.exceptions.ConvergenceWarning"),
]


MANY_SPLIT = np.column_stack([SCORES_SPLIT > 0, X_SPLIT[:, 3] > 0]).astype(int)


# The best weights


@pytest.mark.parametrize(
    "make, y", [(batched_classifier, YES_OR_NO), (batched_regressor, SCORES_SPLIT)], ids=["classifier", "regressor"]
)
@pytest.mark.parametrize("given", [True, False], ids=["given", "split"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_best_weights_come_back(make, y, given, solver):
    """Scores that rise to epoch 4 and fall: stopped after n_iter_no_change + 1 = 3 bad ones, with no warning."""
    script = Script([0.1, 0.2, 0.3, 0.9, 0.5, 0.4, 0.3, 0.2])
    model = make(solver=solver, early_stopping=True, scoring=script, n_iter_no_change=2, learning_rate_init=0.01)
    if given:
        model.fit(X_SPLIT[TRAIN], y[TRAIN], X_val=X_SPLIT[HELD], y_val=y[HELD])
    else:
        model.fit(X_SPLIT, y)
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
    model = batched_classifier(solver=solver, early_stopping=True, scoring=script, max_iter=4).fit(X_SPLIT, YES_OR_NO)
    assert model.n_iter_ == 4
    np.testing.assert_array_equal(model.params_, script.params[1])


@pytest.mark.parametrize("solver", [GradientDescent("adam", max_iter=50), ScipyMinimize("L-BFGS-B", max_iter=50)])
def test_the_best_weights_come_back_from_a_solver_object(solver):
    script = Script([0.1, 0.2, 0.9, 0.5])
    model = batched_classifier(
        solver=solver, early_stopping=True, scoring=script, n_iter_no_change=3, batch_size="auto"
    )
    model.fit(X_SPLIT, YES_OR_NO)
    assert model.n_iter_ == 7
    np.testing.assert_array_equal(model.params_, script.params[2])


@pytest.mark.parametrize("tol, n_iter", [(0.0, 8), (0.015, 3)])
def test_an_improvement_has_to_be_more_than_tol(tol, n_iter):
    """0.01 an epoch, for six epochs: without tol the last two are bad ones, with it every one after the first."""
    script = Script([0.10, 0.11, 0.12, 0.13, 0.14, 0.15, 0.14])
    model = batched_classifier(early_stopping=True, scoring=script, n_iter_no_change=1, tol=tol).fit(X_SPLIT, YES_OR_NO)
    assert model.n_iter_ == n_iter


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_second_fit_starts_its_stopping_rule_afresh(solver):
    script = Script([0.1, 0.9, 0.5, 0.5, 0.5, 0.2, 0.3, 0.1, 0.1])
    settings = {"solver": solver, "early_stopping": True, "n_iter_no_change": 1, "warm_start": True}
    model = batched_classifier(scoring=script, **settings).fit(X_SPLIT, YES_OR_NO)
    assert model.n_iter_ == 4
    script.scores = [*script.scores[:4], 0.2, 0.3, 0.1, 0.1]
    model.fit(X_SPLIT, YES_OR_NO)  # nothing of it reaches 0.9, whose weights stay: the held-out rows are the same
    assert model.n_iter_ == 4
    assert len(model.loss_curve_) == 8
    assert model.best_validation_score_ == 0.9
    np.testing.assert_array_equal(model.params_, script.params[1])


# What is measured


SCORINGS = [
    pytest.param(batched_classifier, YES_OR_NO, None, lambda m, X, y: accuracy_score(y, m.predict(X)), id="accuracy"),
    pytest.param(
        batched_classifier, THREE_SPLIT, None, lambda m, X, y: accuracy_score(y, m.predict(X)), id="accuracy of three"
    ),
    pytest.param(
        batched_classifier, MANY_SPLIT, None, lambda m, X, y: accuracy_score(y, m.predict(X)), id="subset accuracy"
    ),
    pytest.param(batched_classifier, YES_OR_NO, "neg_log_loss", get_scorer("neg_log_loss"), id="log loss"),
    pytest.param(batched_classifier, YES_OR_NO, "roc_auc", get_scorer("roc_auc"), id="auc"),
    pytest.param(batched_classifier, THREE_SPLIT, "roc_auc_ovr", get_scorer("roc_auc_ovr"), id="auc of three"),
    pytest.param(batched_classifier, MANY_SPLIT, "f1_macro", get_scorer("f1_macro"), id="f1"),
    pytest.param(
        batched_classifier,
        YES_OR_NO,
        make_scorer(fbeta_score, beta=2, pos_label="yes"),
        lambda m, X, y: fbeta_score(y, m.predict(X), beta=2, pos_label="yes"),
        id="scorer object",
    ),
    pytest.param(
        batched_classifier,
        THREE_SPLIT,
        lambda m, X, y: -np.sum(m.predict(X) != y),
        lambda m, X, y: -np.sum(m.predict(X) != y),
        id="callable",
    ),
    pytest.param(batched_regressor, SCORES_SPLIT, None, lambda m, X, y: r2_score(y, m.predict(X)), id="r2"),
    pytest.param(
        batched_regressor,
        np.column_stack([SCORES_SPLIT, X_SPLIT[:, 3]]),
        None,
        lambda m, X, y: r2_score(y, m.predict(X)),
        id="r2 of two",
    ),
    pytest.param(
        batched_regressor,
        SCORES_SPLIT,
        "neg_mean_absolute_error",
        lambda m, X, y: -np.abs(y - m.predict(X)).mean(),
        id="absolute error",
    ),
    pytest.param(
        batched_regressor,
        SCORES_SPLIT,
        "loss",
        lambda m, X, y: -0.5 * np.mean((y - m.predict(X)) ** 2),
        id="squared loss",
    ),
]


@few_epochs
@pytest.mark.parametrize("solver", ["adam", "gd", "lbfgs", "bfgs", "cg"])
@pytest.mark.parametrize("make, y, scoring, by_hand", SCORINGS)
def test_what_is_measured_is_what_was_asked_for(make, y, scoring, by_hand, solver):
    model = make(solver=solver, scoring=scoring, early_stopping=True, max_iter=15, learning_rate_init=0.02)
    model.fit(X_SPLIT[TRAIN], y[TRAIN], X_val=X_SPLIT[HELD], y_val=y[HELD])
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_validation_score_ == pytest.approx(by_hand(model, X_SPLIT[HELD], y[HELD]), rel=1e-9, abs=1e-12)
    assert len(set(model.validation_scores_)) > 1


@few_epochs
@pytest.mark.parametrize("loss", ["log_loss", "categorical_cross_entropy", "squared_error"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_loss_as_a_score_is_without_penalty(loss, solver):
    model = batched_classifier(loss=loss, solver=solver, scoring="loss", early_stopping=True, max_iter=10, alpha=10.0)
    model.fit(X_SPLIT[TRAIN], YES_OR_NO[TRAIN], X_val=X_SPLIT[HELD], y_val=YES_OR_NO[HELD])
    np.testing.assert_array_equal(model.validation_scores_, -np.array(model.history_["val_loss"]))
    prob = model.predict_proba(X_SPLIT[HELD])[:, 1]
    hit = YES_OR_NO[HELD] == "yes"
    if loss == "squared_error":
        by_hand = -0.5 * np.mean((prob - hit) ** 2)
    else:
        by_hand = np.mean(np.log(np.where(hit, prob, 1 - prob)))
    assert model.best_validation_score_ == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("scoring", ["nonsense", 3.5, True, ["accuracy"]])
def test_a_bad_scoring_is_refused_at_fit(scoring):
    with pytest.raises(ValueError, match="The 'scoring' parameter"):
        batched_classifier(scoring=scoring).fit(X_SPLIT, YES_OR_NO)


def test_a_scorer_of_a_classifier_does_not_suit_a_regressor():
    with pytest.raises(ValueError, match="continuous"):
        batched_regressor(scoring="accuracy", early_stopping=True).fit(X_SPLIT, SCORES_SPLIT)


@few_epochs
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_validation_set_without_early_stopping_is_only_measured(solver):
    settings = {"solver": solver, "max_iter": 8}
    plain = batched_classifier(**settings).fit(X_SPLIT[TRAIN], YES_OR_NO[TRAIN])
    model = batched_classifier(**settings).fit(
        X_SPLIT[TRAIN], YES_OR_NO[TRAIN], X_val=X_SPLIT[HELD], y_val=YES_OR_NO[HELD]
    )
    np.testing.assert_array_equal(model.params_, plain.params_)
    assert model.loss_curve_ == plain.loss_curve_
    assert model.validation_scores_[-1] == pytest.approx(model.score(X_SPLIT[HELD], YES_OR_NO[HELD]), abs=1e-12)
    assert np.isnan(plain.history_["val_score"]).all()


# Weights


@few_epochs
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("scoring", [None, "accuracy", "loss", "neg_log_loss"])
def test_weights_of_the_validation_rows(solver, scoring):
    weights = rng_split.uniform(0.1, 4, 60)
    model = batched_classifier(solver=solver, scoring=scoring, max_iter=6)
    model.fit(X_SPLIT[TRAIN], YES_OR_NO[TRAIN], X_val=X_SPLIT[HELD], y_val=YES_OR_NO[HELD], sample_weight_val=weights)
    prob = model.predict_proba(X_SPLIT[HELD])
    hit = YES_OR_NO[HELD] == "yes"
    log_prob = np.log(np.where(hit, prob[:, 1], prob[:, 0]))
    accuracy = np.average(model.predict(X_SPLIT[HELD]) == YES_OR_NO[HELD], weights=weights)
    by_hand = accuracy if scoring in (None, "accuracy") else np.average(log_prob, weights=weights)
    assert model.validation_scores_[-1] == pytest.approx(by_hand, rel=1e-9)
    assert model.history_["val_loss"][-1] == pytest.approx(-np.average(log_prob, weights=weights), rel=1e-9)


@few_epochs
def test_held_out_rows_keep_their_weights():
    """Each row's weight is its feature number 4, so the scorer can tell that it was given the right ones."""
    weighted = X_SPLIT.copy()
    weighted[:, 4] = rng_split.uniform(1, 2, 160)

    def scorer(estimator, X, y, sample_weight):
        np.testing.assert_array_equal(sample_weight, X[:, 4])
        return float(np.average(y, weights=sample_weight))

    model = batched_regressor(early_stopping=True, scoring=scorer, max_iter=3).fit(
        weighted, SCORES_SPLIT, sample_weight=weighted[:, 4]
    )
    assert np.isfinite(model.validation_scores_).all()


@few_epochs
def test_a_callable_without_sample_weight_goes_with_class_weights():
    model = batched_classifier(
        early_stopping=True, class_weight="balanced", scoring=lambda m, X, y: m.score(X, y), max_iter=3
    )
    assert len(model.fit(X_SPLIT, YES_OR_NO).validation_scores_) == 3


# The split


@few_epochs
def test_two_classes_are_split_in_their_proportions():
    y = np.repeat(["rare", "common"], [10, 150])
    rng_split.shuffle(y)
    held = held_labels(y, 0.2)
    assert len(held) == 32
    assert np.sum(held == "rare") == 2


# partial_fit


@pytest.mark.parametrize("solver", [solver for solver in SOLVERS if solver not in SCIPY])
def test_partial_fit_measures_a_validation_set(solver):
    measured, plain = batched_classifier(solver=solver), batched_classifier(solver=solver)
    for k in range(4):
        measured.partial_fit(
            X_SPLIT[TRAIN], YES_OR_NO[TRAIN], classes=["no", "yes"], X_val=X_SPLIT[HELD], y_val=YES_OR_NO[HELD]
        )
        plain.partial_fit(X_SPLIT[TRAIN], YES_OR_NO[TRAIN], classes=["no", "yes"])
        assert measured.validation_scores_[-1] == pytest.approx(
            measured.score(X_SPLIT[HELD], YES_OR_NO[HELD]), abs=1e-12
        )
        assert {len(measured.history_[column]) for column in COLUMNS} == {k + 1}
    np.testing.assert_array_equal(measured.params_, plain.params_)


def test_partial_fit_of_a_regressor_measures_with_weights():
    weights = rng_split.uniform(0.5, 2, 60)
    model = batched_regressor(scoring="loss")
    model.partial_fit(
        X_SPLIT[TRAIN], SCORES_SPLIT[TRAIN], X_val=X_SPLIT[HELD], y_val=SCORES_SPLIT[HELD], sample_weight_val=weights
    )
    by_hand = np.average((model.predict(X_SPLIT[HELD]) - SCORES_SPLIT[HELD]) ** 2 / 2, weights=weights)
    assert model.validation_scores_ == pytest.approx([-by_hand])
    model.partial_fit(X_SPLIT[TRAIN], SCORES_SPLIT[TRAIN])
    assert np.isnan(model.history_["val_score"][1])


# Containers and kinds of targets


@few_epochs
@pytest.mark.parametrize("kind", ["list", "csr", "csc", "csr_array", "float32", "int", "pandas", "polars"])
def test_containers_of_the_validation_set(kind):
    whole = np.rint(X_SPLIT * 3)
    as_container = {
        "list": lambda a: a.tolist(),
        "csr": sparse.csr_matrix,
        "csc": sparse.csc_matrix,
        "csr_array": sparse.csr_array,
        "float32": lambda a: a.astype(np.float32),
        "int": lambda a: a.astype(int),
        "pandas": lambda a: pytest.importorskip("pandas").DataFrame(a),
        "polars": lambda a: pytest.importorskip("polars").DataFrame(a),
    }[kind]
    expected = batched_regressor(max_iter=3).fit(
        whole[TRAIN], SCORES_SPLIT[TRAIN], X_val=whole[HELD], y_val=SCORES_SPLIT[HELD]
    )
    is_frame = kind in ("pandas", "polars")
    y_val = as_container(SCORES_SPLIT[HELD][:, None]) if is_frame else SCORES_SPLIT[HELD]
    train = as_container(whole[TRAIN]) if is_frame else whole[TRAIN]  # names, or none, on both sides
    model = batched_regressor(max_iter=3).fit(train, SCORES_SPLIT[TRAIN], X_val=as_container(whole[HELD]), y_val=y_val)
    np.testing.assert_allclose(model.validation_scores_, expected.validation_scores_, rtol=1e-6)


@few_epochs
def test_a_frame_with_other_columns_is_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X_SPLIT, columns=list("abcde"))
    model = batched_regressor(max_iter=2).fit(frame, SCORES_SPLIT, X_val=frame[:20], y_val=SCORES_SPLIT[:20])
    assert len(model.validation_scores_) == 2
    with pytest.raises(ValueError, match="feature names should match"):
        batched_regressor(max_iter=2).fit(frame, SCORES_SPLIT, X_val=frame[list("edcba")], y_val=SCORES_SPLIT)


@few_epochs
def test_a_validation_set_need_not_have_every_class():
    model = batched_classifier(max_iter=3).fit(
        X_SPLIT, THREE_SPLIT, X_val=X_SPLIT[THREE_SPLIT > 0], y_val=THREE_SPLIT[THREE_SPLIT > 0]
    )
    assert model.validation_scores_[-1] == pytest.approx(
        model.score(X_SPLIT[THREE_SPLIT > 0], THREE_SPLIT[THREE_SPLIT > 0])
    )


# Bad input


BAD = [
    ("y_val is missing", batched_classifier, YES_OR_NO, {"X_val": X_SPLIT}, "X_val needs y_val"),
    ("X_val is missing", batched_classifier, YES_OR_NO, {"y_val": YES_OR_NO}, "y_val and sample_weight_val need X_val"),
    (
        "weights alone",
        batched_classifier,
        YES_OR_NO,
        {"sample_weight_val": SCORES_SPLIT},
        "y_val and sample_weight_val need X_val",
    ),
    (
        "lengths",
        batched_classifier,
        YES_OR_NO,
        {"X_val": X_SPLIT, "y_val": YES_OR_NO[:7]},
        "X_val has 160 rows, y_val has 7",
    ),
    (
        "class",
        batched_classifier,
        YES_OR_NO,
        {"X_val": X_SPLIT, "y_val": np.full(160, "maybe")},
        "y_val.*has classes not in",
    ),
    ("text", batched_classifier, YES_OR_NO, {"X_val": X_SPLIT.astype(str), "y_val": YES_OR_NO}, "X_val holds text"),
    (
        "nan target",
        batched_regressor,
        SCORES_SPLIT,
        {"X_val": X_SPLIT, "y_val": SCORES_SPLIT * np.nan},
        "y_val contains NaN or infinity",
    ),
    (
        "negative weight",
        batched_classifier,
        YES_OR_NO,
        {"X_val": X_SPLIT, "y_val": YES_OR_NO, "sample_weight_val": -np.ones(160)},
        "sample_weight_val must not be negative",
    ),
    (
        "weights of zero",
        batched_classifier,
        YES_OR_NO,
        {"X_val": X_SPLIT, "y_val": YES_OR_NO, "sample_weight_val": np.zeros(160)},
        "sample_weight_val is zero for every row",
    ),
    (
        "few weights",
        batched_classifier,
        YES_OR_NO,
        {"X_val": X_SPLIT, "y_val": YES_OR_NO, "sample_weight_val": np.ones(3)},
        r"sample_weight.*\(3,\), expected \(160,\)",
    ),
    (
        "features",
        batched_classifier,
        YES_OR_NO,
        {"X_val": X_SPLIT[:, :4], "y_val": YES_OR_NO},
        "X has 4 features.*expecting 5",
    ),
    ("nan", batched_classifier, YES_OR_NO, {"X_val": X_SPLIT * np.nan, "y_val": YES_OR_NO}, "contains NaN"),
    (
        "one dimension",
        batched_classifier,
        YES_OR_NO,
        {"X_val": X_SPLIT[0], "y_val": YES_OR_NO},
        "Expected 2D array, got 1D",
    ),
    ("no row", batched_classifier, YES_OR_NO, {"X_val": X_SPLIT[:0], "y_val": YES_OR_NO[:0]}, "0 sample"),
]
NOT_YET = [
    ("X_val named: features", batched_classifier, YES_OR_NO, {"X_val": X_SPLIT[:, :4], "y_val": YES_OR_NO}, "X_val"),
    ("X_val named: nan", batched_classifier, YES_OR_NO, {"X_val": X_SPLIT * np.nan, "y_val": YES_OR_NO}, "X_val"),
    ("X_val named: one dimension", batched_classifier, YES_OR_NO, {"X_val": X_SPLIT[0], "y_val": YES_OR_NO}, "X_val"),
    ("fewer outputs", batched_regressor, X_SPLIT[:, :2], {"X_val": X_SPLIT, "y_val": X_SPLIT[:, :1]}, "y_val"),
    ("more outputs", batched_regressor, SCORES_SPLIT, {"X_val": X_SPLIT, "y_val": X_SPLIT[:, :2]}, "y_val"),
    ("fewer labels", batched_classifier, MANY_SPLIT, {"X_val": X_SPLIT, "y_val": MANY_SPLIT[:, :1]}, "y_val"),
    ("no indicator", batched_classifier, MANY_SPLIT, {"X_val": X_SPLIT, "y_val": MANY_SPLIT + 5}, "y_val"),
    ("indicator for classes", batched_classifier, THREE_SPLIT, {"X_val": X_SPLIT, "y_val": MANY_SPLIT}, "y_val"),
    ("scalar", batched_regressor, SCORES_SPLIT, {"X_val": X_SPLIT, "y_val": 3}, "y_val"),
    ("text target", batched_regressor, SCORES_SPLIT, {"X_val": X_SPLIT, "y_val": SCORES_SPLIT.astype(str)}, "y_val"),
    ("None", batched_classifier, THREE_SPLIT, {"X_val": X_SPLIT[:2], "y_val": [0, None]}, "y_val"),
]


@few_epochs
@pytest.mark.parametrize("make, y, arguments, message", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_validation_set_is_refused(make, y, arguments, message):
    model = make(scoring="loss", max_iter=2).fit(X_SPLIT, y)
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match=message):
        model.fit(X_SPLIT, y, **arguments)
    assert pickle.dumps(model) == before  # the earlier fit is as it was


@few_epochs
@pytest.mark.parametrize("make, y, arguments, message", [row[1:] for row in NOT_YET], ids=[row[0] for row in NOT_YET])
def test_a_bad_validation_set_is_refused_by_its_name(make, y, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(scoring="loss", max_iter=2).fit(X_SPLIT, y, **arguments)


@few_epochs
@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_validation_targets_that_the_loss_cannot_take_are_refused(loss):
    with pytest.raises(ValueError, match=f"loss='{loss}' needs y"):
        batched_regressor(loss=loss, scoring="loss", early_stopping=True, max_iter=3).fit(
            X_SPLIT, np.exp(SCORES_SPLIT), X_val=X_SPLIT, y_val=SCORES_SPLIT
        )


@few_epochs
def test_sparse_multilabel_validation_targets():
    settings = {"max_iter": 3, "scoring": "loss"}
    dense = batched_classifier(**settings).fit(X_SPLIT, MANY_SPLIT, X_val=X_SPLIT, y_val=MANY_SPLIT)
    model = batched_classifier(**settings).fit(
        X_SPLIT, sparse.csr_matrix(MANY_SPLIT), X_val=X_SPLIT, y_val=sparse.csr_matrix(MANY_SPLIT)
    )
    np.testing.assert_allclose(model.validation_scores_, dense.validation_scores_)


def test_no_warning_when_early_stopping_ends_a_scipy_method():
    """It is a success, not a failure to converge."""
    for solver in SCIPY:
        model = batched_classifier(solver=solver, early_stopping=True, n_iter_no_change=2, scoring=Script([0.5]))
        assert model.fit(X_SPLIT, YES_OR_NO).n_iter_ == 4
    with pytest.warns(ConvergenceWarning, match="solver='bfgs' stopped after 2 iterations without converging"):
        batched_classifier(solver="bfgs", max_iter=2).fit(X_SPLIT, YES_OR_NO)


X_SCORED = rng_scored.standard_normal((80, 3))
LABELS_SCORED = (X_SCORED[:, 0] > 0).astype(int)
TARGET_SCORED = X_SCORED[:, 0] + 0.1 * rng_scored.standard_normal(80)
STOPPED = {"hidden_layer_sizes": (4,), "early_stopping": True, "random_state": 0}
KINDS_OF_SOLVER = {
    "adam": "adam",
    "gd": "gd",
    "lbfgs": "lbfgs",
    "gradient descent": GradientDescent("adam", 0.001, max_iter=50),
    "scipy": ScipyMinimize("L-BFGS-B", max_iter=50),
}


# A score that is not finite


@pytest.mark.parametrize("solver", KINDS_OF_SOLVER)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_a_metric_that_is_undefined_on_the_validation_rows_is_an_error_in_the_first_epoch(solver):
    rare = np.zeros(80, dtype=int)
    rare[:4] = 1
    only_zeros = {"X_val": X_SCORED[:8], "y_val": rare[-8:]}
    model = ScratchMLPClassifier(solver=KINDS_OF_SOLVER[solver], scoring="roc_auc", **STOPPED)
    with pytest.raises(ValueError, match=r"scoring.*'roc_auc'.*nan.*8 validation rows|validation.*scoring"):
        model.fit(X_SCORED, rare, **only_zeros)
    assert not hasattr(model, "params_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_an_undefined_metric_of_a_split_is_an_error_too():
    rare = np.zeros(80, dtype=int)
    rare[:4] = 1
    held_out = ScratchMLPClassifier(scoring="roc_auc", **STOPPED)
    with pytest.raises(ValueError, match="scoring") as caught:
        held_out.fit(rng_scored.standard_normal((80, 3)), rare)
    assert "validation" in str(caught.value)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_the_default_score_of_one_validation_row_is_an_error():
    """R² is undefined there."""
    with pytest.raises(ValueError, match="scoring") as caught:
        ScratchMLPRegressor(**STOPPED).fit(X_SCORED, TARGET_SCORED, X_val=X_SCORED[:1], y_val=TARGET_SCORED[:1])
    assert "validation" in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_a_custom_score_that_is_not_finite_is_an_error_in_the_first_epoch(estimator, value):
    model = estimator(scoring=lambda model, X, y: value, **STOPPED)
    with pytest.raises(ValueError, match="scoring") as caught:
        model.fit(X_SCORED, LABELS_SCORED)
    assert "validation" in str(caught.value)
    assert str(value) in str(caught.value)


def scripted(values):
    """A scorer that gives one value after the other, the last one for ever."""
    left = list(values)
    return lambda model, X, y: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("solver", ["adam", "gd", "lbfgs"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_ceases_to_be_finite_counts_as_no_improvement(value, solver):
    model = ScratchMLPRegressor(solver=solver, scoring=scripted([0.1, 0.2, 0.3, value]), n_iter_no_change=4, **STOPPED)
    if solver == "lbfgs":
        model.set_params(alpha=0.0, tol=0.0, hidden_layer_sizes=(20,))
    said = messages(lambda: model.fit(X_SCORED, TARGET_SCORED))
    assert model.n_iter_ == 3 + 4 + 1
    assert model.best_validation_score_ == 0.3
    assert sum("scoring" in each for each in said) == 1


def test_the_weights_of_the_best_finite_score_come_back():
    seen = []

    def scorer(model, X, y):
        seen.append(model.params_.copy())
        return [0.1, 0.2, np.nan, 0.1, np.nan, np.inf][min(len(seen), 6) - 1]

    model = ScratchMLPRegressor(scoring=scorer, n_iter_no_change=3, **STOPPED)
    messages(lambda: model.fit(X_SCORED, TARGET_SCORED))
    np.testing.assert_array_equal(model.params_, seen[1])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_score_that_is_only_measured_may_be_nan():
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), max_iter=3, scoring=lambda model, X, y: np.nan)
    model.fit(X_SCORED, TARGET_SCORED, X_val=X_SCORED, y_val=TARGET_SCORED)
    assert np.isnan(model.validation_scores_).all()


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("value", [None, np.ones(2), [1.0], "good", 1j, {"r2": 1.0}], ids=repr)
def test_a_scorer_that_gives_no_number_is_refused_by_name(value, early_stopping):
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), scoring=lambda model, X, y: value)
    model.set_params(early_stopping=early_stopping)
    with pytest.raises(ValueError, match="scoring") as caught:
        model.fit(X_SCORED, TARGET_SCORED, X_val=X_SCORED, y_val=TARGET_SCORED)
    assert "number" in str(caught.value)


@pytest.mark.parametrize("value", [np.float32(0.5), np.array(0.5), True, 1], ids=repr)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_scorer_may_give_any_number(value):
    model = ScratchMLPRegressor(scoring=lambda model, X, y: value, max_iter=3, **STOPPED).fit(X_SCORED, TARGET_SCORED)
    assert model.validation_scores_ == [float(value)] * 3


# The best score of all calls on the same validation rows is kept


@pytest.mark.parametrize(
    "estimator, scoring, given",
    [
        (ScratchMLPClassifier, None, True),
        (ScratchMLPClassifier, "loss", True),
        (ScratchMLPClassifier, "loss", False),
        (ScratchMLPRegressor, None, True),
        (ScratchMLPRegressor, None, False),
        (ScratchMLPRegressor, "loss", False),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_never_ends_with_worse_weights_than_it_began(estimator, scoring, given):
    y = LABELS_SCORED if estimator is ScratchMLPClassifier else TARGET_SCORED
    validation = {"X_val": X_SCORED[::4], "y_val": y[::4]} if given else {}
    model = estimator(scoring=scoring, warm_start=True, max_iter=30, batch_size=10, learning_rate_init=0.01, **STOPPED)
    model.fit(X_SCORED, y, **validation)
    score, params = model.best_validation_score_, model.params_.copy()
    model.set_params(learning_rate_init=10.0, max_iter=2).fit(X_SCORED, y, **validation)
    assert max(model.validation_scores_[-2:]) < score  # the second call only did harm
    assert model.best_validation_score_ == score
    np.testing.assert_array_equal(model.params_, params)
    if given and scoring is None:
        assert model.score(X_SCORED[::4], y[::4]) == score


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_on_other_validation_rows_is_measured_there():
    model = ScratchMLPRegressor(warm_start=True, max_iter=3, **STOPPED)
    model.fit(X_SCORED, TARGET_SCORED, X_val=X_SCORED[:20], y_val=TARGET_SCORED[:20])
    model.fit(X_SCORED, TARGET_SCORED, X_val=X_SCORED[20:50], y_val=TARGET_SCORED[20:50])
    assert model.best_validation_score_ == pytest.approx(model.score(X_SCORED[20:50], TARGET_SCORED[20:50]))
    assert model.best_validation_score_ == max(model.validation_scores_[3:])


def test_the_patience_of_a_warm_start_begins_afresh():
    model = ScratchMLPRegressor(scoring=scripted([0.5, 0.1]), warm_start=True, n_iter_no_change=3, **STOPPED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert model.fit(X_SCORED, TARGET_SCORED).n_iter_ == 5
        assert model.fit(X_SCORED, TARGET_SCORED).n_iter_ == 5
    assert model.best_validation_score_ == 0.5


# Early stopping returns the best weights, also on a warm start.


@lenient
@each_solver
def test_early_stopping_with_warm_start_returns_the_best_weights(solver):
    scoring = SpyScoring()
    clf = ScratchMLPClassifier(
        10,
        solver=solver,
        learning_rate_init=0.1,
        max_iter=12,
        tol=0,
        n_iter_no_change=100,
        early_stopping=True,
        validation_fraction=0.3,
        scoring=scoring,
        warm_start=True,
        random_state=0,
    )
    came_last = []
    for _ in range(3):
        clf.fit(X_NOISY, Y_NOISY)
        best = np.argmax(scoring.scores)  # of all calls: the held-out rows are the same
        np.testing.assert_array_equal(clf.params_, scoring.params[best])
        assert clf.best_validation_score_ == max(scoring.scores)
        assert clf.validation_scores_ == scoring.scores
        came_last.append(best == len(scoring.scores) - 1)
    assert not all(came_last)


@lenient
def test_the_peer_returns_its_last_weights_on_a_warm_start():
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    peer = MLPClassifier(
        10, early_stopping=True, warm_start=True, max_iter=30, n_iter_no_change=100, validation_fraction=0.3
    ).set_params(learning_rate_init=0.01, random_state=0)
    peer.fit(X_NOISY, Y_NOISY).set_params(learning_rate_init=10, max_iter=3).fit(X_NOISY, Y_NOISY)
    _, X_val, _, y_val = train_test_split(
        X_NOISY, Y_NOISY, test_size=0.3, stratify=Y_NOISY, random_state=np.random.RandomState(0)
    )
    assert peer.score(X_val, y_val) == peer.validation_scores_[-1] < peer.best_validation_score_


# What users bring: half a function, a loss for something else, a number of numpy's.


@lenient
@pytest.mark.parametrize("scoring", ["neg_max_error", "r2"])
def test_a_scorer_that_takes_no_weights_gets_none(scoring):
    model = ScratchMLPRegressor(hidden_layer_sizes=5, scoring=scoring, early_stopping=True, max_iter=5, random_state=0)
    assert math.isfinite(model.fit(X, Y, sample_weight=np.ones(len(X))).best_validation_score_)
