"""Reading data and holding rows out; no training."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.estimators._class_targets import ClassTargets
from skmlp_scratch.estimators._rows import Rows, read_inputs, read_rows, read_weights
from skmlp_scratch.estimators._text import without_text

X = np.random.RandomState(0).standard_normal((12, 3))
WHEN = datetime.datetime(2020, 1, 1)


def door():
    return ScratchMLPClassifier()


@pytest.mark.parametrize(
    "given",
    [
        X.tolist(),
        X.astype(np.longdouble),
        X.astype(">f8"),
        X[::-1][::-1],
        np.asfortranarray(X),
        pd.DataFrame(X),
        pd.DataFrame(X).astype("Float64"),
        pd.DataFrame(X).astype(object),
        pl.DataFrame(X),
        sparse.csc_matrix(X),
        pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X)),
    ],
)
def test_numbers_come_through_as_floats(given):
    read = read_inputs(door(), given, "X")
    assert read.dtype == np.float64
    np.testing.assert_allclose(read.toarray() if sparse.issparse(read) else read, X, rtol=1e-15)


def test_sparse_frames_of_booleans_become_numbers():
    dummies = pd.get_dummies(pd.Series(list("abca")), sparse=True)
    assert read_inputs(door(), dummies, "X").dtype == np.float64


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


@pytest.mark.parametrize("weight", [2, 2.0, np.float64(2), np.full(12, 2.0), [2] * 12])
def test_weights(weight):
    np.testing.assert_array_equal(read_weights(weight, X, "sample_weight"), np.full(12, 2.0))


@pytest.mark.parametrize(
    "weight, message",
    [
        (np.zeros(12), "sample_weight is zero for every row"),
        (0, "sample_weight is zero for every row"),
        (np.r_[-1.0, np.ones(11)], "sample_weight must not be negative, and has -1"),
        (np.ones(3), "sample_weight"),
        (np.r_[np.nan, np.ones(11)], "NaN"),
    ],
)
def test_bad_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        read_weights(weight, X, "sample_weight")


def test_rows_of_weight_zero_are_left_out():
    weight = np.r_[0.0, np.ones(11)]
    read, y, kept = read_rows(door(), X, np.arange(12), weight, numeric=False)
    assert (len(read), len(y), len(kept)) == (11, 11, 11)
    np.testing.assert_array_equal(y, np.arange(1, 12))


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
