"""Tables of every kind go in as they are; what cannot be used is named by its column."""

import warnings
from datetime import time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skmlp_scratch import ScratchTabularClassifier, ScratchTabularRegressor, tables
from skmlp_scratch.encoding import TableEncoder
from skmlp_scratch.tables import DroppedColumnWarning

SMALL = {"hidden_layer_sizes": (16,), "batch_size": 32, "max_iter": 20, "n_members": 2, "random_state": 0}
N = 160

rng = np.random.RandomState(0)
NUMBER = rng.standard_normal(N)
COLOR = rng.choice(["red", "green", "blue"], N)
FLAG = rng.uniform(size=N) > 0.5
DAY = np.datetime64("2024-01-01") + rng.randint(0, 700, N).astype("timedelta64[D]")
TARGET = NUMBER + 2 * (COLOR == "red") + FLAG + (np.datetime64("2025-01-01") < DAY)
LABELS = np.where(TARGET > 1.5, "high", "low")


def frame():
    return pd.DataFrame({"number": NUMBER, "color": COLOR, "flag": FLAG, "day": DAY})


def with_gaps(table):
    table = table.copy()
    for i, name in enumerate(table.columns):
        table.loc[table.index[i::10], name] = None
    return table


FRAMES = {
    "pandas with numpy types": lambda: with_gaps(frame().astype({"color": object, "flag": object})),
    "pandas with nullable types": lambda: with_gaps(frame().convert_dtypes()),
    "pandas with Arrow types": lambda: with_gaps(frame().convert_dtypes(dtype_backend="pyarrow")),
    "pandas with categories": lambda: with_gaps(frame().astype({"color": "category", "flag": "boolean"})),
    "polars": lambda: pl.from_pandas(with_gaps(frame().convert_dtypes())),
    "polars with Enum": lambda: pl.from_pandas(frame()).with_columns(
        pl.col("color").cast(pl.Enum(["red", "green", "blue"]))
    ),
    "an array of objects": lambda: with_gaps(frame().astype(object)).to_numpy(dtype=object),
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_every_kind_of_table_is_learned(make):
    table = make()
    clf = ScratchTabularClassifier(**SMALL).fit(table, LABELS)
    assert clf.score(table, LABELS) > 0.8
    assert ScratchTabularRegressor(**SMALL).fit(table, TARGET).score(table, TARGET) > 0.5
    assert clf.n_features_in_ == 4


def test_one_row_predicts_as_it_does_among_others():
    clf = ScratchTabularClassifier(**SMALL).fit(frame(), LABELS)
    np.testing.assert_allclose(clf.predict_proba(frame()[7:8]), clf.predict_proba(frame())[7:8], rtol=1e-12)


@pytest.mark.parametrize("make", [frame, lambda: pl.from_pandas(frame())], ids=["pandas", "polars"])
def test_rows_of_weight_zero_are_left_out_of_a_frame(make):
    weight = np.r_[np.ones(100), np.zeros(N - 100)]
    weighted = ScratchTabularClassifier(**SMALL).fit(make(), LABELS, sample_weight=weight)
    plain = ScratchTabularClassifier(**SMALL).fit(make()[:100], LABELS[:100])
    np.testing.assert_array_equal(weighted.params_, plain.params_)


def test_columns_are_taken_by_name():
    clf = ScratchTabularClassifier(**SMALL).fit(frame(), LABELS)
    turned = frame()[["day", "flag", "color", "number"]].assign(more=1.0)
    np.testing.assert_array_equal(clf.predict_proba(turned), clf.predict_proba(frame()))
    with pytest.raises(ValueError, match="'color'"):
        clf.predict(frame().drop(columns="color"))


def test_what_fit_has_not_seen():
    """Categories that are new, and gaps where there were none."""
    clf = ScratchTabularClassifier(**SMALL).fit(frame(), LABELS)
    strange = with_gaps(frame().astype({"color": object, "flag": object}))
    strange.loc[0, "color"] = "purple"
    assert np.isfinite(clf.predict_proba(strange)).all()
    filled = ScratchTabularClassifier(**SMALL).fit(strange, LABELS)
    assert np.isfinite(filled.predict_proba(frame())).all()


def test_columns_without_use_are_left_out():
    table = frame().assign(missing=np.nan, constant=3, key=[f"id-{i}" for i in range(N)])
    with pytest.warns(UserWarning, match="Dropped 'key'"):
        clf = ScratchTabularClassifier(**SMALL).fit(table, LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(
            clf.predict_proba(table), ScratchTabularClassifier(**SMALL).fit(frame(), LABELS).predict_proba(frame())
        )


def test_categories_that_are_numbers():
    code = rng.randint(0, 6, N)
    y = np.where(np.isin(code, [0, 2, 5]), "even", "odd")
    table = pd.DataFrame({"code": code})
    clf = ScratchTabularClassifier(categorical_features=["code"], **SMALL).fit(table, y)
    assert clf.encoder_.columns_[0].kind == "category"
    assert clf.score(table, y) == 1


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([[1, 2]] * N, "column 'bad' holds a list"),
        ([1e300] * (N - 1) + [0.0], "column 'bad' holds 1e"),
        (np.full(N, 1 + 1j) * np.arange(N), "[Cc]omplex.*'bad'"),
    ],
)
def test_a_column_that_cannot_be_used_is_named(column, message):
    table = frame()
    table["bad"] = column
    with pytest.raises((ValueError, TypeError), match=message):
        ScratchTabularClassifier(**SMALL).fit(table, LABELS)


def test_targets_of_frames():
    labels = pd.Series(LABELS, dtype="category")
    assert ScratchTabularClassifier(**SMALL).fit(frame(), labels).classes_.tolist() == ["high", "low"]
    target = pl.Series("y", TARGET)
    assert ScratchTabularRegressor(**SMALL).fit(pl.from_pandas(frame()), target).score(frame(), TARGET) > 0.5
    with pytest.raises(ValueError, match="y contains"):
        ScratchTabularClassifier(**SMALL).fit(frame(), labels.where(labels != "low"))
    with pytest.raises(ValueError, match="y"):
        ScratchTabularRegressor(**SMALL).fit(frame(), labels)


STRANGE = {
    "huge integers": (pd.Series([10**400 + i for i in range(N)], dtype=object), "column 'odd' holds 1000000.*numbers"),
    "infinity": (np.where(FLAG, np.inf, NUMBER), "column 'odd' holds inf"),
    "bytes": (pd.Series([b"a"] * N), "column 'odd' holds a bytes"),
    "periods": (pd.period_range("2024-01", periods=N, freq="M"), "column 'odd' holds a Period"),
    "dicts": ([{"a": 1}] * N, "column 'odd' holds a dict"),
}


@pytest.mark.parametrize(("column", "message"), STRANGE.values(), ids=STRANGE)
def test_a_strange_column_is_named(column, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ScratchTabularClassifier(**SMALL).fit(frame().assign(odd=column), LABELS)


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series([[1], [2]] * (N // 2)),
        pl.Series([[1, 2]] * N, dtype=pl.Array(pl.Int64, 2)),
        pl.Series([{"a": 1}] * N),
    ],
    ids=["list", "array", "struct"],
)
def test_a_column_of_several_values_per_row_is_named(cells):
    with pytest.raises(TypeError, match="column 'odd' holds several values per row"):
        ScratchTabularClassifier(**SMALL).fit(pl.DataFrame({"number": NUMBER, "odd": cells}), LABELS)


EVEN = np.arange(N) % 2 == 0
WITH_A_MEANING = {
    "128 bits": pl.DataFrame({"odd": pl.Series([2**100 * (i % 2) + i for i in range(N)], dtype=pl.Int128)}),
    "decimals": pl.DataFrame({"odd": [Decimal(i % 2) / 4 for i in range(N)]}),
    "durations": pl.DataFrame({"odd": [timedelta(hours=i % 2) for i in range(N)]}),
    "times of day": pl.DataFrame({"odd": [time(hour=i % 2) for i in range(N)]}),
    "an Enum with levels of no row": pl.DataFrame(
        {"odd": ["u", "v"] * (N // 2)}, schema_overrides={"odd": pl.Enum(["t", "u", "v"])}
    ),
    "categories with levels of no row": pd.DataFrame(
        {"odd": pd.Categorical(["u", "v"] * (N // 2), categories=list("tuvw"))}
    ),
    "categories that are missing": pd.DataFrame({"odd": pd.Categorical(["u", None] * (N // 2))}),
    "booleans with NA": pd.DataFrame({"odd": pd.array([True, None] * (N // 2), dtype="boolean")}),
    "hours in a time zone": pd.DataFrame(
        {"odd": [pd.Timestamp("2024-01-01", tz="Asia/Tokyo") + pd.Timedelta(hours=6 * (i % 2)) for i in range(N)]}
    ),
    "mixed objects": pd.DataFrame({"odd": pd.Series([1, "a"] * (N // 2), dtype=object)}),
    "a sparse column": pd.DataFrame({"odd": pd.arrays.SparseArray(EVEN.astype(float))}),
    "a masked array": np.ma.masked_array(np.ones((N, 1)), EVEN[:, np.newaxis]),
    "bytes": np.where(EVEN, "é".encode(), b"e")[:, np.newaxis],
}


@pytest.mark.parametrize("table", WITH_A_MEANING.values(), ids=WITH_A_MEANING)
def test_what_a_column_says_is_learned(table):
    y = np.where(EVEN, "even", "odd")
    assert ScratchTabularClassifier(**SMALL).fit(table, y).score(table, y) == 1


def test_bytes_that_are_no_text_are_named():
    with pytest.raises(ValueError, match="column 0 holds bytes that are no UTF-8 text"):
        ScratchTabularClassifier(**SMALL).fit(np.where(EVEN, "é".encode("latin-1"), b"e")[:, np.newaxis], LABELS)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (frame()[:1], "at least 2 are needed"),
        (frame()[[]], "0 feature"),
        (frame()[:0], "0 sample"),
        (pd.concat([frame(), frame()], axis=1), "2 columns are called 'number'"),
        (csr_array(np.eye(N)), "X is sparse"),
        (pl.LazyFrame({"a": NUMBER}), "holds no rows yet"),
        (frame()["number"], "2-dimensional"),
        ([[1, 2], [1]] * (N // 2), "Expected 2D array"),
    ],
    ids=["one row", "no column", "no row", "names twice", "sparse", "lazy", "a series", "ragged"],
)
def test_a_table_that_cannot_be_used_gets_one_sentence(table, message):
    n = table.shape[0] if hasattr(table, "shape") else N
    with pytest.raises((ValueError, TypeError), match=message):
        ScratchTabularClassifier(**SMALL).fit(table, LABELS[:n])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (frame().drop(columns="color"), "X_val cannot be used: X lacks columns .*'color'"),
        (frame().assign(number="abc"), "X_val cannot be used: X: column 'number' held number values"),
        (frame().assign(number=np.inf), "X_val cannot be used: X: column 'number' holds inf"),
        (csr_array(np.eye(N)), "X_val cannot be used: X is sparse"),
    ],
)
def test_a_validation_set_that_cannot_be_used(table, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ScratchTabularClassifier(**SMALL).fit(frame(), LABELS, X_val=table, y_val=LABELS)


def missing_first(values, dtype):
    return pd.Series([None, *values[1:]], dtype=dtype)


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        LABELS.astype(object),
        pd.Series(LABELS, dtype="string"),
        TARGET > 1,
        pd.Series(TARGET > 1, dtype="boolean"),
    ],
    ids=["strings", "objects", "string", "bool", "boolean"],
)
def test_labels_of_every_type(y):
    clf = ScratchTabularClassifier(**SMALL).fit(frame(), y)
    assert clf.score(frame(), y) > 0.8
    assert len(clf.classes_) == 2


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_missing_labels_are_refused(dtype):
    with pytest.raises(ValueError, match="y contains None, NA or NaN"):
        ScratchTabularClassifier(**SMALL).fit(frame(), missing_first(LABELS, dtype))


@pytest.mark.parametrize("dtype", [float, "Float64"])
def test_missing_numbers_are_refused(dtype):
    with pytest.raises(ValueError, match="y contains NaN"):
        ScratchTabularRegressor(**SMALL).fit(frame(), missing_first(TARGET, dtype))
    with pytest.raises(ValueError, match="y cannot be used: float"):
        ScratchTabularRegressor(**SMALL).fit(frame(), np.array([object()] * N))


def test_a_sparse_indicator_of_labels():
    y = np.column_stack([LABELS == "low", FLAG]).astype(int)
    sparse = ScratchTabularClassifier(**SMALL).fit(frame(), csr_array(y), X_val=frame(), y_val=csr_array(y))
    dense = ScratchTabularClassifier(**SMALL).fit(frame(), y, X_val=frame(), y_val=y)
    np.testing.assert_array_equal(sparse.predict_proba(frame()), dense.predict_proba(frame()))


def test_the_table_is_read_once(monkeypatch):
    reads, read = [], tables.read_columns
    monkeypatch.setattr(tables, "read_columns", lambda *args: reads.append(args) or read(*args))
    ScratchTabularClassifier(**SMALL).fit(frame(), LABELS)
    assert len(reads) == 1


def test_dropped_columns_are_said_at_the_users_line():
    table = frame().assign(key=[f"id-{i}" for i in range(N)])
    clf = ScratchTabularClassifier(**SMALL)
    pipeline = make_pipeline(TableEncoder(), LogisticRegression(max_iter=1000))
    search = GridSearchCV(pipeline, {"logisticregression__C": [1.0]}, cv=2)
    for model in (clf, TableEncoder(), pipeline, search):
        with pytest.warns(DroppedColumnWarning, match="Dropped 'key'") as caught:
            model.fit(table, LABELS)
        assert {warning.filename for warning in caught} == {__file__}
    with pytest.warns(DroppedColumnWarning, match="Dropped 'key'") as caught:
        TableEncoder().fit_transform(table)
    assert caught[0].filename == __file__
