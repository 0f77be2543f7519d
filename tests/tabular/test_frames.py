"""Tables of every kind go in as they are; what cannot be used is named by its column."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skmlp_scratch import ScratchTabularClassifier, ScratchTabularRegressor

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
