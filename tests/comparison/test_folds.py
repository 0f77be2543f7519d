"""The target, the folds and the scores of a comparison."""

import contextlib
from decimal import Decimal

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_iris
from sklearn.model_selection import ShuffleSplit

from skmlp_scratch.comparison import _folds, _run, compare_with_baselines

from .small import BASELINES, X, Y, rows_of, scores_of


@pytest.mark.parametrize(
    "target, metric",
    [
        (np.arange(300) % 20, "accuracy"),
        (np.arange(120) % 21, "r2"),
        ((np.arange(315) % 21).astype(str), "accuracy"),
        ((np.arange(120) % 3).astype(float), "accuracy"),
        (np.arange(120) % 3 + 0.5, "r2"),
        (np.arange(120) % 2 == 0, "accuracy"),
        (np.array([Decimal(i % 30) for i in range(120)], dtype=object), "r2"),
        (np.array(["a", "b", 1] * 40, dtype=object), "accuracy"),
        (np.arange(120).reshape(-1, 1) % 2, "accuracy"),
    ],
)
# scikit-learn 1.7 looks for the kind of target in the list of classes, where each occurs once.
@pytest.mark.filterwarnings("ignore:The number of unique classes is greater than 50%:UserWarning")
def test_kind_of_target(target, metric):
    y = _folds.check_target(target)
    continuous = _folds.is_continuous(y)
    folds, _ = _folds.make_folds(np.zeros((len(y), 2)), y, 3, continuous, 0)
    assert next(iter(_folds.make_scorers(None, y, folds, continuous))) == metric


@pytest.mark.parametrize(
    "target, metric",
    [
        (np.arange(60) % 2 == 0, "accuracy"),
        (np.array([Decimal(i % 30) for i in range(60)], dtype=object), "r2"),
        (np.array(["a", "b", 1] * 20, dtype=object), "accuracy"),
        (np.arange(60).reshape(-1, 1) % 2, "accuracy"),
    ],
)
def test_targets_of_unusual_types_are_compared(target, metric):
    data = np.random.default_rng(0).normal(size=(len(target), 2))
    assert compare_with_baselines(data, target, hidden_layer_sizes=[1], cv=2).metric == metric


def test_cv_takes_splitters_and_splits():
    shuffle = ShuffleSplit(2, random_state=np.random.RandomState(0))
    table = compare_with_baselines(X, Y, [1], cv=shuffle)
    # One draw of a splitter that differs each time serves all rows.
    assert len({row.scores["accuracy"].shape for row in table.rows}) == 1
    splits = list(ShuffleSplit(2, random_state=np.random.RandomState(0)).split(X))
    again = compare_with_baselines(X, Y, [1], cv=iter(splits))
    assert scores_of(table) == scores_of(again)


@pytest.mark.parametrize(
    "scoring, names",
    [
        ("roc_auc", ["roc_auc"]),
        (["log_loss", "accuracy"], ["neg_log_loss", "accuracy"]),
        (("f1",), ["f1"]),
    ],
)
def test_scoring(scoring, names):
    table = compare_with_baselines(X, Y, [2, 3], cv=2, scoring=scoring)
    assert table.metrics == names
    assert all(list(row.scores) == names for row in table.rows)
    means = [row.mean(names[0]) for row in table.rows]
    assert means == sorted(means, reverse=True)
    *sizes, _ = rows_of(table, "ScratchMLPClassifier")
    best = max(sizes, key=lambda row: row.mean(names[0]))
    assert table.chosen["ScratchMLPClassifier"] == best.hidden_layer_sizes


def test_scores_of_more_than_two_classes():
    data, target = load_iris(return_X_y=True)
    table = compare_with_baselines(data, target, [2], cv=2)
    assert table.metrics == ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc_ovr"]


def test_folds_without_a_class_are_scored_by_accuracy_alone():
    rows = np.argsort(Y, kind="stable")
    folds = [(np.r_[rows[:30], rows[-30:]], rows[30:40]), (np.r_[rows[:40], rows[-20:]], rows[50:70])]
    assert compare_with_baselines(X, Y, [2], cv=folds).metrics == ["accuracy"]


def test_rare_classes_are_said():
    rng = np.random.default_rng(0)
    data, target = rng.normal(size=(200, 2)), np.arange(200) % 20 == 0
    text = str(compare_with_baselines(data, target, [1], cv=2))
    assert "95.0% of the rows are of one class: accuracy tells little, so ROC AUC ranks." in text
    by_accuracy = compare_with_baselines(data, target, [1], cv=2, scoring="accuracy")
    assert "95.0% of the rows are of one class: accuracy tells little, rank by roc_auc" in str(by_accuracy)
    assert "one class" not in str(compare_with_baselines(data, target, [1], cv=2, scoring="roc_auc"))


def test_many_rows_take_one_inner_fold(monkeypatch):
    monkeypatch.setattr(_folds, "MANY_ROWS", 80)
    totals = []

    def progress(what, total):
        totals.append(total)
        return contextlib.nullcontext(lambda: None)

    monkeypatch.setattr(_run, "progress", progress)
    table = compare_with_baselines(X, Y, [2, 3], cv=2)
    assert totals == [2 * (len(BASELINES) + 2 * (2 * (1 + 1) + 1))]
    assert len(rows_of(table, "ScratchMLPClassifier")[-1].chosen) == 2


def test_sparse_is_refused():
    with pytest.raises(TypeError, match="X is sparse"):
        compare_with_baselines(csr_array(X), Y)
