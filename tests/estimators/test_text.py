"""Text and dates among the numbers are refused by column and value."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skmlp_scratch.estimators._text import without_text

WHEN = datetime.datetime(2020, 1, 1)


@pytest.mark.parametrize(
    "column, shown",
    [
        (["a", "b"], "'a'"),
        ([1.0, "b"], "'b'"),
        ([WHEN, WHEN], "2020"),
        ([WHEN.date(), WHEN.date()], "2020"),
        ([WHEN.time(), WHEN.time()], "datetime.time"),
        ([datetime.timedelta(1), datetime.timedelta(1)], "timedelta64"),
        (pd.period_range("2020", periods=2, freq="Y"), "2020"),
        (pd.interval_range(0, 2), "Interval"),
        (pd.Categorical(["a", "b"]), "'a'"),
        (pd.array(["a", "b"], dtype="string"), "'a'"),
    ],
)
def test_text_and_dates_are_refused_by_column_and_value(column, shown):
    frame = pd.DataFrame({"size": [0.5, 1.5]}).assign(other=column)
    with pytest.raises(
        ValueError, match=r"X holds (text|dates, times or intervals) in column 'other', such as"
    ) as caught:
        without_text(frame, "X")
    assert shown in str(caught.value)


@pytest.mark.parametrize(
    "column",
    [
        [WHEN, WHEN],
        [WHEN.date()] * 2,
        [WHEN.time()] * 2,
        [datetime.timedelta(1)] * 2,
        ["a", "b"],
        pl.Series(["a", "b"], dtype=pl.Categorical),
        pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
    ],
)
def test_text_and_dates_of_polars_are_refused(column):
    frame = pl.DataFrame({"size": [0.5, 1.5], "other": column})
    with pytest.raises(ValueError, match=r"X_val holds (text|dates, times or intervals) in column 'other'"):
        without_text(frame, "X_val")


def test_only_columns_of_objects_are_walked_through(monkeypatch):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": pd.array([1, None], dtype="Int64"), "c": [True, False]})
    monkeypatch.setattr(pd.DataFrame, "__array__", None)  # nothing turns the whole frame into objects
    assert without_text(frame, "X") is frame


def test_advice_fits_inputs_and_targets():
    with pytest.raises(ValueError, match="OneHotEncoder"):
        without_text(np.array(["a"]), "X")
    with pytest.raises(ValueError, match="y holds text") as caught:
        without_text(pd.Series(["a"]), "y")
    assert "OneHotEncoder" not in str(caught.value)
