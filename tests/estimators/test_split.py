"""Rows that are held out: in their proportions, with what belongs to them, and never trained on."""

import numpy as np
import pytest
from problems import (
    HELD,
    N_KINDS,
    SCORES_SPLIT,
    THREE_SPLIT,
    TINY,
    TRAIN,
    X_KINDS,
    X_SPLIT,
    YES_OR_NO,
    Script,
    batched_classifier,
    batched_regressor,
    few_epochs,
    held_labels,
    lenient,
    refusal,
)

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.estimators._class_targets import ClassTargets
from skmlp_scratch.estimators._rows import Rows
from skmlp_scratch.solvers import SOLVERS

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore:.*has no effect with solver:UserWarning"),
    pytest.mark.filterwarnings("ignore:The loss of .* is no better than:sklearn.exceptions.ConvergenceWarning"),
]


def split(y, fraction=0.25, estimator=ScratchMLPClassifier, learn=ClassTargets.learn, seed=0):
    targets = learn(y, estimator().get_params())
    rows = Rows(np.arange(len(y))[:, np.newaxis].astype(float), y, targets.columns(y), np.arange(1.0, len(y) + 1))
    return rows.hold_out(fraction, np.random.RandomState(seed), targets)


def test_held_out_rows_keep_what_belongs_to_them():
    y = np.tile([0, 1], 20)
    train, held = split(y)
    assert (len(train), len(held)) == (30, 10)
    for part in (train, held):
        index = part.X[:, 0].astype(int)
        np.testing.assert_array_equal(part.y, y[index])
        np.testing.assert_array_equal(part.columns[:, 0], y[index])
        np.testing.assert_array_equal(part.weight, index + 1.0)


def test_two_classes_are_split_in_their_proportions():
    train, held = split(np.r_[np.zeros(36, int), np.ones(4, int)])
    assert (train.y.sum(), held.y.sum()) == (3, 1)


def test_more_classes_only_where_a_class_would_be_left_out():
    y = np.r_[np.repeat([0, 1], 18), [2, 2, 2, 2]]
    for seed in range(20):
        train, held = split(y, seed=seed)
        assert len(np.unique(train.y)) == len(np.unique(held.y)) == 3


@pytest.mark.parametrize("label", ["spam", True])
def test_the_class_that_cannot_be_split_is_named(label):
    y = np.array([label] + [type(label)()] * 20)
    with pytest.raises(ValueError, match=f"validation_fraction=0.25 does not split 21 rows: class {label!r}"):
        split(y)


@pytest.mark.parametrize("fraction, message", [(0, "needs a validation_fraction above 0"), (0.01, "too small")])
def test_bad_fractions(fraction, message):
    model = ScratchMLPRegressor(early_stopping=True, validation_fraction=fraction)
    with pytest.raises(ValueError, match=message):
        model.fit(np.arange(20.0)[:, np.newaxis], np.arange(20.0))


# The split


def held_out_and_params(model, inputs, targets):
    """Two fits of a warm start; the rows that were scored, and the last weights."""
    script = Script([0.5])
    model.set_params(early_stopping=True, scoring=script, max_iter=4, warm_start=True, n_iter_no_change=20)
    model.fit(inputs, targets).fit(inputs, targets)
    assert all(np.array_equal(rows, script.rows[0]) for rows in script.rows)  # one split for all fits
    return script.rows[0], script.params[-1]


@few_epochs
@pytest.mark.parametrize(
    "make, y", [(batched_classifier, YES_OR_NO), (batched_classifier, THREE_SPLIT), (batched_regressor, SCORES_SPLIT)]
)
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_rows_held_out_are_never_trained_on(make, y, solver):
    """Change them beyond recognition: not a bit of the weights changes, in the warm start either."""
    inputs, targets = X_SPLIT.copy(), y.copy()
    inputs[:, 4] = np.arange(160) / 100
    rows, params = held_out_and_params(make(solver=solver), inputs, targets)
    held = np.rint(rows[:, 4] * 100).astype(int)
    assert len(set(held)) == 16  # a tenth
    inputs[held] = np.random.RandomState(1).standard_normal((16, 5)) * 50
    if y is not YES_OR_NO:  # two classes: the split itself goes by the labels
        targets[held] = targets[held][::-1]
    spoiled_rows, spoiled_params = held_out_and_params(make(solver=solver), inputs, targets)
    np.testing.assert_array_equal(spoiled_rows, inputs[held])
    np.testing.assert_array_equal(spoiled_params, params)


@few_epochs
def test_a_split_equals_the_same_sets_given():
    script = Script([0.5])
    split = batched_regressor(solver="gd", early_stopping=True, scoring=script, max_iter=6).fit(X_SPLIT, SCORES_SPLIT)
    held = np.array([np.flatnonzero((row == X_SPLIT).all(axis=1))[0] for row in script.rows[0]])
    train = np.setdiff1d(np.arange(160), held)
    given = batched_regressor(solver="gd", early_stopping=True, scoring=Script([0.5]), max_iter=6)
    given.fit(X_SPLIT[train], SCORES_SPLIT[train], X_val=X_SPLIT[held], y_val=SCORES_SPLIT[held])
    np.testing.assert_allclose(split.params_, given.params_, rtol=1e-9, atol=1e-12)  # rows come in another order
    np.testing.assert_allclose(split.history_["val_loss"], given.history_["val_loss"], rtol=1e-9)


@few_epochs
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_given_set_takes_the_place_of_the_split(solver):
    model = batched_classifier(solver=solver, early_stopping=True, max_iter=3)
    model.fit(X_SPLIT[TRAIN], YES_OR_NO[TRAIN], X_val=X_SPLIT[HELD], y_val=YES_OR_NO[HELD])
    assert model.t_ == 3 * 100  # every row of X is trained on
    assert (
        batched_classifier(solver=solver, early_stopping=True, max_iter=3).fit(X_SPLIT[TRAIN], YES_OR_NO[TRAIN]).t_
        == 3 * 90
    )


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
        batched_regressor(early_stopping=True, validation_fraction=0.1).fit(X_SPLIT[:10], SCORES_SPLIT[:10])


def test_a_split_that_cannot_be_is_refused_by_its_name():
    y = np.repeat([0, 1], [159, 1])
    with pytest.raises(ValueError, match=r"^validation_fraction=0\.1 does not split 160 rows: class 1 has a single"):
        batched_classifier(early_stopping=True, validation_fraction=0.1).fit(X_SPLIT, y)


def test_an_empty_split_is_refused_by_its_name():
    with pytest.raises(ValueError, match="validation_fraction"):
        batched_regressor(early_stopping=True, validation_fraction=0.0).fit(X_SPLIT, SCORES_SPLIT)


# A split that cannot be names the class as the user does


@lenient
@pytest.mark.parametrize("labels", [(False, True), ("ham", "spam"), (3, 7), (-1.0, 2.0)], ids=repr)
def test_a_class_too_small_to_be_split_is_named_by_its_label(labels):
    y = np.array([labels[0]] * (N_KINDS - 1) + [labels[1]])
    text = refusal(lambda: ScratchMLPClassifier(**TINY, early_stopping=True).fit(X_KINDS, y))
    assert "validation_fraction" in text
    assert str(labels[1]) in text.split("members are")[-1]
