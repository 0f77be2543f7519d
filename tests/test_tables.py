"""What a column is and what missing means, whatever kind of table it comes in."""

import datetime as dt
import math
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from skmlp_scratch.tables import (
    Column,
    InputError,
    align,
    as_kind,
    as_matrix,
    as_table,
    date_parts,
    parse_number,
    read_columns,
    read_csv,
    read_csv_like,
)

NAN = math.nan
NUMBERS, BOOLEANS, TEXTS = [1, None, 3], [True, None, False], ["b", None, "a"]
DATES = [dt.datetime(2020, 1, 31, 13, 30), None, dt.datetime(2021, 3, 1)]
DAYS = [dt.date(2020, 1, 31), None, dt.date(2021, 3, 1)]
SPANS = [dt.timedelta(days=1), None, dt.timedelta(seconds=3)]
TIMES = [dt.time(1, 0), None, dt.time(0, 0, 3)]
NUMPY_DATES = np.array(["2020-01-31T13:30", "NaT", "2021-03-01"], dtype="datetime64[us]")
NUMPY_DAYS = NUMPY_DATES.astype("datetime64[D]").astype("datetime64[us]")

EXPECTED = {
    "number": [1, NAN, 3],
    "boolean": [1, NAN, 0],
    "category": ["b", None, "a"],
    "date": NUMPY_DATES,
    "day": NUMPY_DAYS,
    "span": [86400, NAN, 3],
    "time": [3600, NAN, 3],
}


def objects(cells):
    array = np.empty((len(cells), 1), dtype=object)
    array[:, 0] = cells
    return array


def frame(cells, dtype=None):
    return pd.DataFrame({"a": pd.Series(cells, dtype=dtype)})


def polars_frame(cells, dtype=None):
    return pl.DataFrame({"a": pl.Series(cells, dtype=dtype)})


def arrow(cells, arrow_type):
    return frame(cells, pd.ArrowDtype(arrow_type))


TABLES = [
    ("number", np.array([[1.0], [NAN], [3.0]])),
    ("number", np.array([[1.0], [NAN], [3.0]], dtype=np.float16)),
    ("number", np.array([[1.0], [NAN], [3.0]], dtype=np.longdouble)),
    ("number", objects(NUMBERS)),
    ("number", objects([1, pd.NA, 3])),
    ("number", objects([np.int8(1), np.float32(NAN), Decimal(3)])),
    ("number", objects([True, NAN, 3])),
    ("number", frame([1.0, NAN, 3.0])),
    ("number", frame(NUMBERS, "Int8")),
    ("number", frame(NUMBERS, "UInt64")),
    ("number", frame(NUMBERS, "Float32")),
    ("number", frame(NUMBERS, object)),
    ("number", arrow(NUMBERS, pa.int16())),
    ("number", arrow(NUMBERS, pa.float64())),
    ("number", arrow([Decimal(1), None, Decimal(3)], pa.decimal128(5, 2))),
    ("number", polars_frame(NUMBERS)),
    ("number", polars_frame([1.0, NAN, 3.0])),
    ("number", polars_frame([Decimal(1), None, Decimal(3)], pl.Decimal(5, 2))),
    ("number", pa.table({"a": NUMBERS})),
    ("boolean", objects(BOOLEANS)),
    ("boolean", frame(BOOLEANS, object)),
    ("boolean", frame(BOOLEANS, "boolean")),
    ("boolean", arrow(BOOLEANS, pa.bool_())),
    ("boolean", polars_frame(BOOLEANS)),
    ("category", objects(TEXTS)),
    ("category", np.array([["b"], ["nan"], ["a"]])),
    ("category", frame(TEXTS, object)),
    ("category", frame(TEXTS, "string")),
    ("category", frame(TEXTS, "category")),
    ("category", arrow(TEXTS, pa.string())),
    ("category", arrow(TEXTS, pa.dictionary(pa.int8(), pa.string()))),
    ("category", polars_frame(TEXTS)),
    ("category", polars_frame(TEXTS, pl.Categorical)),
    ("category", polars_frame(TEXTS, pl.Enum(["a", "b"]))),
    ("category", pa.table({"a": TEXTS})),
    ("date", NUMPY_DATES[:, np.newaxis]),
    ("date", objects(DATES)),
    ("date", objects([pd.Timestamp(DATES[0]), pd.NaT, np.datetime64("2021-03-01")])),
    ("date", objects([DATES[0].replace(tzinfo=dt.UTC), None, DATES[2]])),
    ("date", frame(NUMPY_DATES)),
    ("date", frame(NUMPY_DATES.astype("datetime64[ns]"))),
    ("date", frame(pd.Series(NUMPY_DATES).dt.tz_localize("America/New_York"))),
    ("date", arrow(DATES, pa.timestamp("ns"))),
    ("date", polars_frame(DATES)),
    ("date", polars_frame(DATES).with_columns(pl.col("a").dt.replace_time_zone("Asia/Tokyo"))),
    ("day", objects(DAYS)),
    ("day", frame(DAYS, object)),
    ("day", arrow(DAYS, pa.date32())),
    ("day", polars_frame(DAYS)),
    ("span", objects(SPANS)),
    ("span", np.array(SPANS, dtype="timedelta64[s]")[:, np.newaxis]),
    ("span", frame(SPANS, "timedelta64[ns]")),
    ("span", arrow(SPANS, pa.duration("us"))),
    ("span", polars_frame(SPANS)),
    ("time", objects(TIMES)),
    ("time", arrow(TIMES, pa.time64("us"))),
    ("time", polars_frame(TIMES)),
]


@pytest.mark.parametrize(("expected", "table"), TABLES)
def test_every_kind_of_column(expected, table):
    (column,) = read_columns(as_table(table))
    assert column.kind == {"day": "date", "span": "number", "time": "number"}.get(expected, expected)
    assert column.name == (0 if isinstance(table, np.ndarray) else "a")
    np.testing.assert_array_equal(column.missing, [False, True, False])
    values = column.values.astype("datetime64[us]") if column.kind == "date" else column.values
    np.testing.assert_array_equal(values, EXPECTED[expected])
    assert column.values.dtype.kind == {"category": "O", "date": "M"}.get(column.kind, "f")


@pytest.mark.parametrize("empty", [
    objects([None, None]), np.full((2, 1), NAN), frame([None, None], object), frame([None, None], "Int64"),
    frame([pd.NaT, pd.NaT]), polars_frame([None, None]), polars_frame([None, None], pl.String),
])  # fmt: skip
def test_a_column_without_any_cell(empty):
    (column,) = read_columns(empty)
    assert column.missing.all()
    assert column.n_distinct() == 0
    for kind in ("number", "boolean", "category", "date"):
        again = as_kind(column, kind)
        assert again.kind == kind
        assert again.missing.all()


def test_nested_lists_keep_the_types_of_their_cells():
    kinds = [column.kind for column in read_columns(as_table([[1, "a", True], [2.5, "b", False]]))]
    assert kinds == ["number", "category", "boolean"]


def test_categories_of_numbers_are_texts_without_a_point():
    for cells in (pd.Series([1, 2, None], dtype="category"), pd.Series([1, 2, "x"], dtype=object)):
        (column,) = read_columns(pd.DataFrame({"a": cells}))
        assert column.values.tolist()[:2] == ["1", "2"]


def test_columns_are_read_by_name():
    table = pd.DataFrame({"a": [1], "b": ["x"], "c": [True]})
    assert [column.name for column in read_columns(table, ["c", "a"])] == ["c", "a"]
    with pytest.raises(ValueError, match=r"X lacks columns that were there in fit: 'd'"):
        read_columns(table, ["a", "d"])


@pytest.mark.parametrize(("table", "error", "message"), [
    (pd.DataFrame({"a": [1, 2], "l": [[1], [2]]}), TypeError, r"column 'l' holds a list, \[1\]"),
    (pl.DataFrame({"a": [1, 2], "l": [[1], [2]]}), TypeError, "column 'l' holds several values per row, List"),
    (pd.DataFrame({"p": pd.period_range("2020", periods=2, freq="M")}), TypeError, "column 'p' holds a Period"),
    (pd.DataFrame({"c": [1j, 2]}), ValueError, "Complex data not supported: column 'c'"),
    (pd.DataFrame({"a": [1.0, np.inf]}), ValueError, "column 'a' holds inf, and numbers end at 3.4e"),
    (np.array([[0.0, -np.inf]]), ValueError, "column 1 holds -inf, and"),
    (pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "2 columns are called 'a'"),
    (pd.DataFrame({"a": []}), ValueError, r"a frame with 0 sample\(s\)"),
    (pl.DataFrame(), ValueError, "a frame with 0"),
    (pl.LazyFrame({"a": [1]}), TypeError, r"X is a LazyFrame.*collect\(\)"),
    (csr_array(np.eye(2)), TypeError, "X is sparse"),
    (np.ones(3), ValueError, "Expected 2D array"),
    (pd.Series([1, 2]), ValueError, "Expected a 2-dim"),
    (np.ones((0, 2)), ValueError, r"0 sample\(s\)"),
])  # fmt: skip
def test_a_bad_table_gets_one_sentence(table, error, message):
    with pytest.raises(error, match=message):
        read_columns(as_table(table))


@pytest.mark.parametrize(("cells", "kind", "expected"), [
    ([1.0, NAN, 2.5], "category", ["1", None, "2.5"]),
    ([True, False], "category", ["True", "False"]),
    (["1", None, "2.5"], "number", [1, NAN, 2.5]),
    ([True, False], "number", [1, 0]),
    ([1, 0], "boolean", [1, 0]),
])  # fmt: skip
def test_a_column_as_another_kind(cells, kind, expected):
    (column,) = read_columns(objects(cells))
    again = as_kind(column, kind)
    assert again.kind == kind
    np.testing.assert_array_equal(again.values, np.array(expected, dtype=again.values.dtype))


@pytest.mark.parametrize(("cells", "kind"), [
    (["1", "red"], "number"), (["red"], "boolean"), ([dt.date(2020, 1, 1)], "number"), ([1.0], "date"), (["x"], "date"),
])  # fmt: skip
def test_a_column_that_cannot_be_of_another_kind(cells, kind):
    (column,) = read_columns(objects(cells))
    with pytest.raises(ValueError, match=f"column 0 held {kind} values in fit, and now holds"):
        as_kind(column, kind)


@pytest.mark.parametrize(
    ("cells", "n"), [("aab", 2), ("abc", 3), ("abcd", 3), ("aa", 1), ([1.0, NAN, 1], 1), ([NAN], 0)]
)
def test_number_of_distinct_values(cells, n):
    (column,) = read_columns(objects(list(cells)))
    assert column.n_distinct() == n


def test_identifiers():
    keys = np.array([f"key {i}" for i in range(100)], dtype=object)
    assert Column("a", "category", keys).is_identifier()
    assert not Column("a", "category", np.tile(keys[:80], 2)).is_identifier()
    assert not Column("a", "category", keys[:20]).is_identifier()
    assert not Column("a", "number", np.arange(100.0)).is_identifier()


def test_parts_of_dates_are_those_of_the_calendar():
    cells = [dt.datetime(1969, 12, 31, 23, 59), dt.datetime(1970, 1, 1), dt.datetime(2024, 2, 29, 12)]
    parts = date_parts(np.array([*cells, "NaT"], dtype="datetime64[us]"))
    assert parts["month"].tolist()[:3] == [cell.month for cell in cells]
    assert parts["weekday"].tolist()[:3] == [cell.weekday() for cell in cells]
    assert parts["hour"].tolist()[:3] == [cell.hour for cell in cells]
    np.testing.assert_allclose(parts[""][:3], [(cell - dt.datetime(1970, 1, 1)) / dt.timedelta(1) for cell in cells])
    assert all(np.isnan(values[3]) for values in parts.values())


def test_align():
    assert align([("a", "long"), ("bb", "1")]).splitlines() == ["a   long", "--  ----", "bb     1"]


@pytest.mark.parametrize(("text", "decimal", "number"), [("1e3", ".", 1000), ("1,5", ",", 1.5), ("1.5", ",", 1.5)])
def test_parse_number(text, decimal, number):
    assert parse_number(text, decimal) == number


@pytest.mark.parametrize("text", ["red", "inf", "1,5", "1_0x"])
def test_no_number(text):
    assert parse_number(text) is None


# Text files


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def cells(columns):
    return {column.name: column.values.tolist() for column in columns}


def test_read_numbers(write):
    columns, y = read_csv(write("a,b,y\n1,2.5,3\n-1e3,NaN,4\n\n ,0,5\n"), "y")
    assert [(column.name, column.kind) for column in columns] == [("a", "number"), ("b", "number")]
    np.testing.assert_array_equal(columns[0].values, [1, -1000, NAN])
    np.testing.assert_array_equal(columns[1].values, [2.5, NAN, 0])
    assert y.dtype == float
    np.testing.assert_array_equal(y, [3, 4, 5])


@pytest.mark.parametrize(
    "text", ["a;b;y\n1,5;x;2\n2.5;z;3\n", "a\tb\ty\n1.5\tx\t2\n2.5\tz\t3\n", "a,b,y\n1.5, x,2\n2.5,z ,3"]
)
def test_read_other_delimiters(text, write):
    columns, y = read_csv(write(text), "y")
    assert cells(columns) == {"a": [1.5, 2.5], "b": ["x", "z"]}
    assert y.tolist() == [2, 3]


def test_read_quotes_and_byte_order_mark(write):
    columns, y = read_csv(write('\ufeff"a, b",c,y\n"x ""y"", z",1,u\n"two\nlines",2,v\n'), "y")
    assert cells(columns) == {"a, b": ['x "y", z', "two\nlines"], "c": [1, 2]}
    assert y.tolist() == ["u", "v"]


@pytest.mark.parametrize("cell", ["", "?", "NA", "n/a", "nan", "NULL", "None", "  "])
def test_read_missing_cells(cell, write):
    columns, _ = read_csv(write(f"a,b,c,y\n{cell},{cell},{cell},1\n2,x,2024-01-31,3\n"), "y")
    assert [column.missing.tolist() for column in columns] == [[True, False]] * 3
    assert [column.kind for column in columns] == ["number", "category", "date"]


@pytest.mark.parametrize(
    "cell", ["2024-01-31", "2024/01/31", "2024-01-31 12:30", "2024-01-31T12:30:05Z", "2024-01-31 12:30:05.5+02:00"]
)
def test_read_dates(cell, write):
    columns, _ = read_csv(write(f"a,y\n{cell},1\n1999-12-31,2\n"), "y")
    assert columns[0].kind == "date"
    assert columns[0].values[0].astype("datetime64[D]") == np.datetime64("2024-01-31")


def test_column_with_few_numbers_or_dates_holds_strings(write):
    columns, _ = read_csv(write("a,b,y\n1,2024-01-01,0\n2,2024-01-02,0\n3,2024-01-03,1\nx,x,1\n"), "y")
    assert cells(columns) == {"a": ["1", "2", "3", "x"], "b": ["2024-01-01", "2024-01-02", "2024-01-03", "x"]}


def test_a_mistake_in_a_column_of_dates(write):
    lines = "".join(f"2024-01-{day:02},1\n" for day in range(1, 31))
    with pytest.raises(InputError, match="line 32, column 'a': '2024-02-30' is not a date, though 30"):
        read_csv(write(f"a,y\n{lines}2024-02-30,2\n"), "y")


def test_another_file_is_read_as_the_first(write):
    columns, _ = read_csv(write("a,b,c,y\n1,x,2024-01-31,0\n2,3,2024-02-01,1\n"), "y")
    again = read_csv_like(write("c,extra,b,a\n2024-03-01,?,7,\n,?,,5\n"), columns)
    assert [(column.name, column.kind) for column in again] == [("a", "number"), ("b", "category"), ("c", "date")]
    np.testing.assert_array_equal(again[0].values, [NAN, 5])
    assert again[1].values.tolist() == ["7", None]
    assert again[2].missing.tolist() == [False, True]


@pytest.mark.parametrize("pandas", [True, False])
def test_columns_together_are_read_alike(pandas, write, monkeypatch):
    text = "a,b,c,y\n1,x,2024-01-31 12:30,0\n,,,1\n"
    columns, _ = read_csv(write(text), "y")
    with monkeypatch.context() as patch:
        if not pandas:
            patch.setitem(sys.modules, "pandas", None)
        table = as_matrix(columns)
    assert hasattr(table, "iloc") == pandas
    for column, again in zip(columns, read_columns(as_table(table)), strict=True):
        assert column.kind == again.kind
        np.testing.assert_array_equal(column.values, again.values)
