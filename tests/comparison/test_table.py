"""A comparison's table: rows, order, what it prints, frames, pickles."""

import pickle
import re
import sys

import numpy as np
import pytest

from skmlp_scratch.comparison import ComparisonRow, ComparisonTable
from skmlp_scratch.tables import EncodedColumn, EncodedColumns

from .small import BASELINES, X, row_of, rows_of

METRICS = ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc"]


def test_rows(table):
    found = {(row.kind, row.model, row.hidden_layer_sizes) for row in table.rows}
    assert {kind for kind, _, size in found if size is None} == set(BASELINES)
    assert {
        ("dummy", "DummyClassifier", None),
        ("linear", "LogisticRegression", None),
        ("trees", "HistGradientBoostingClassifier", None),
        *[("network", "MLPClassifier", size) for size in (1, 4, "chosen")],
        *[("network", "ScratchMLPClassifier", size) for size in (1, 4, "chosen")],
    } <= found
    assert len(found) == len(table.rows) == len(BASELINES) + 6
    assert [row.size for row in rows_of(table, "MLPClassifier")] == ["1", "4", "chosen"]
    assert row_of(table, "dummy").size == "-"
    assert (table.metric, table.n_folds, table.n_unconverged) == ("accuracy", 3, 0)
    for row in table.rows:
        assert list(row.scores) == table.metrics == METRICS
        assert {scores.shape for scores in row.scores.values()} == {(3,)}
        accuracies = row.scores["accuracy"]
        assert (row.mean_score, row.std_score) == (np.mean(accuracies), np.std(accuracies))
        assert row.mean("roc_auc") == np.mean(row.scores["roc_auc"])
        assert row.fit_seconds > 0


def test_the_best_row_is_first(table):
    means = [row.mean_score for row in table.rows]
    assert means == sorted(means, reverse=True)
    assert table.rows[-1].kind == "dummy"


def test_prints_as_an_aligned_table(table):
    text = str(table)
    assert text == repr(table)
    assert text.isascii()
    first, _, head, rule, *body = text.split("\n")
    assert first == "90 rows, 2 features, 2 classes; 3 folds, the same for every row"
    titles = ["model", "hidden units", "accuracy", "std", "balanced accuracy", "log loss", "ROC AUC", "fit seconds"]
    assert re.split("  +", head) == titles
    lines = body[: len(table.rows)]
    assert {len(line) for line in lines} == {len(head)} == {len(rule)}
    for row, line in zip(table.rows, lines, strict=True):
        name, size, mean, std, balanced, log_loss, auc, seconds = line.split()
        assert (name, size) == (row.model, row.size)
        assert (mean, std, seconds) == tuple(f"{v:.3f}" for v in (row.mean_score, row.std_score, row.fit_seconds))
        others = (row.mean("balanced_accuracy"), -row.mean("neg_log_loss"), row.mean("roc_auc"))
        assert (balanced, log_loss, auc) == tuple(f"{v:.3f}" for v in others)
    *_, chosen = rows_of(table, "ScratchMLPClassifier")
    picks = ", ".join(map(str, chosen.chosen))
    assert f"ScratchMLPClassifier: {picks}; on all rows {table.chosen['ScratchMLPClassifier']}" in text
    assert "Lower is better for log loss." in text
    for absent in ("converged", "Interrupted", "columns:", "one class"):
        assert absent not in text


def test_to_frame(table):
    pytest.importorskip("pandas")
    frame = table.to_frame()
    columns = ["model", "hidden_layer_sizes", "mean_score", "std_score", "fit_seconds", "kind"]
    assert list(frame.columns) == [*columns, *(f"mean_{metric}" for metric in METRICS)]
    assert frame["kind"].tolist() == [row.kind for row in table.rows]
    assert frame["mean_roc_auc"].tolist() == [row.mean("roc_auc") for row in table.rows]
    assert frame["model"].tolist() == [row.model for row in table.rows]
    assert frame["hidden_layer_sizes"].tolist() == [row.hidden_layer_sizes for row in table.rows]
    assert frame["mean_score"].tolist() == [row.mean_score for row in table.rows]


def test_to_frame_without_pandas(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_frame requires pandas: pip install pandas"):
        table.to_frame()


def test_pickles(table):
    again = pickle.loads(pickle.dumps(table))
    assert str(again) == str(table)
    np.testing.assert_array_equal(again.best_estimator.predict(X), table.best_estimator.predict(X))


@pytest.mark.parametrize(
    "metric, value, text",
    [
        ("r2", 0.12345, "0.123"),
        ("r2", -0.0003, "0.000"),
        ("r2", -1.5, "-1.500"),
        ("neg_log_loss", -0.12345, "0.123"),
        ("neg_root_mean_squared_error", -20190.4, "20190"),
        ("neg_root_mean_squared_error", -1.5e12, "1.5e+12"),
        ("neg_mean_absolute_error", -0.0000123, "1.23e-05"),
    ],
)
def test_scores_and_errors_are_legible(metric, value, text):
    row = ComparisonRow("Ridge", "linear", None, {metric: np.array([value, value])}, 0.1, None)
    columns = EncodedColumns([EncodedColumn("a", "number", "standardized", 1)])
    table = ComparisonTable([row], [metric], "2 rows", columns, 2, None)
    assert str(table).splitlines()[4].split()[2] == text
    assert table.score_text(row).split()[-1] == text
