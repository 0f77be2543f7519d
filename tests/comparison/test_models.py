"""The models of a comparison take any table as it is."""

import numpy as np
import pytest
from sklearn.base import clone

from skmlp_scratch.comparison import compare_with_baselines

from .small import X, Y, mixed, row_of, rows_of, scores_of


def test_each_row_keeps_its_unfitted_model(table):
    for row in table.rows:
        model = clone(row.estimator).fit(X, Y)
        assert type(model[-1]).__name__ == row.model
        size = row.hidden_layer_sizes if row.hidden_layer_sizes != "chosen" else table.chosen[row.model]
        assert row.kind == "tabular" or getattr(row.estimator[-1], "hidden_layer_sizes", None) == size
        assert not hasattr(row.estimator[-1], "classes_")


def test_networks_with_the_same_settings_agree(table):
    for theirs, ours in zip(rows_of(table, "MLPClassifier"), rows_of(table, "ScratchMLPClassifier"), strict=True):
        assert abs(theirs.mean_score - ours.mean_score) <= 0.05


def test_strings_and_missing_cells_in_an_array():
    cells, y = mixed()
    cells[3, 1], cells[4, 1] = None, np.nan
    table = compare_with_baselines(cells, y, hidden_layer_sizes=[6], cv=3)
    assert rows_of(table, "ScratchMLPClassifier")[0].mean_score > row_of(table, "linear").mean_score + 0.2
    assert [(column.kind, column.n_out) for column in table.columns] == [("number", 1), ("category", 3), ("number", 2)]
    assert "columns: 2 numbers, 1 category" in str(table)
    assert table.best_estimator[0].columns_ == table.columns


def test_identifiers_and_dates_are_said_and_handled(recwarn):
    rng = np.random.default_rng(0)
    days = np.datetime64("2024-01-01") + rng.integers(0, 300, 90).astype("timedelta64[D]")
    y = np.where((days > np.datetime64("2024-06-01")) ^ (rng.random(90) < 0.05), "late", "early")
    data = np.empty((90, 3), dtype=object)
    data[:, 0], data[:, 1], data[:, 2] = [f"key {i}" for i in range(90)], days.astype(object), "same"
    table = compare_with_baselines(data, y, hidden_layer_sizes=[2], cv=3)
    assert len(recwarn) == 0
    text = str(table)
    assert "columns: 1 identifier, 1 date, 1 constant" in text
    assert "0: identifier dropped, nearly all values differ" in text
    assert "1: date as days, month, weekday" in text
    assert "2: constant dropped, one value" in text
    assert rows_of(table, "ScratchMLPClassifier")[0].mean_score > 0.8


def test_unseen_category_is_predicted():
    cells, y = mixed()
    cells[0, 1] = "green"  # in one test fold only
    best = compare_with_baselines(cells, y, hidden_layer_sizes=[2], cv=3).best_estimator
    cells[1, 1] = "never seen before"
    assert set(best.predict(cells)) <= {"yes", "no"}


def test_lists_are_taken_as_they_are():
    cells, y = mixed()
    one, other = (compare_with_baselines(data, y, [2], cv=2) for data in (cells, cells.tolist()))
    assert scores_of(one) == scores_of(other)


def test_column_without_a_value_and_constant_column():
    cells, y = mixed()
    cells[:, 2] = None
    data = np.column_stack([cells, np.full(len(y), "same", dtype=object)])
    table = compare_with_baselines(data, y, [4], cv=2)
    assert rows_of(table, "ScratchMLPClassifier")[0].mean_score > 0.5


def test_pandas_frame_of_every_dtype():
    pd = pytest.importorskip("pandas")
    cells, y = mixed()
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "number": cells[:, 0].astype(float),
            "color": pd.array(cells[:, 1], dtype="string"),
            "objects": cells[:, 2],
            "nullable": pd.array(rng.choice([1, 2, None], len(y)), dtype="Int64"),
            "category": pd.Categorical(rng.choice([1, 2], len(y))),
            "flag": rng.normal(size=len(y)) > 0,
        }
    )
    frame.loc[3, "color"] = pd.NA
    table = compare_with_baselines(frame, pd.Series(y), hidden_layer_sizes=[6], cv=3)
    kinds = ["number", "category", "number", "boolean", "category", "boolean"]
    assert [column.kind for column in table.columns] == kinds
    assert np.mean(table.best_estimator.predict(frame) == y) > 0.9


def test_polars_frame():
    pl = pytest.importorskip("polars")
    cells, y = mixed()
    frame = pl.DataFrame({"number": cells[:, 0].astype(float), "color": [None, *cells[1:, 1]]})
    table = compare_with_baselines(frame, y, hidden_layer_sizes=[6], cv=3)
    assert np.mean(table.best_estimator.predict(frame) == y) > 0.9


def test_network_params_reach_both_networks():
    table = compare_with_baselines(X, Y, [2], cv=2, network_params={"activation": "logistic", "alpha": 1.0})
    for row in rows_of(table, "MLPClassifier") + rows_of(table, "ScratchMLPClassifier"):
        params = row.estimator[-1].get_params()
        assert (params["activation"], params["alpha"], params["solver"]) == ("logistic", 1.0, "lbfgs")
