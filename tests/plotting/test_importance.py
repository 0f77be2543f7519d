"""Importance: the column that decides comes first, and what does nothing is not shown."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skmlp_scratch.encoding import TableEncoder
from skmlp_scratch.plotting import ImportanceDisplay

from .pictures import assert_legible

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = X @ [1.0, 0.0, 5.0, 3.0]
MODEL = Ridge(alpha=1e-9).fit(X, Y)


def test_columns_are_ordered_by_what_their_shuffling_costs():
    display = ImportanceDisplay.from_estimator(MODEL, X, Y, n_columns=3)
    assert display.names == ["column 2", "column 3", "column 0"]
    assert display.importances.shape == (3, 5)
    assert (np.diff(display.importances.mean(axis=1)) < 0).all()
    np.testing.assert_allclose([bar.get_width() for bar in display.bars_], display.importances.mean(axis=1))
    ticks = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert ticks == display.names
    assert display.ax_.yaxis_inverted()
    assert_legible(display.figure_)


def test_columns_without_effect_are_left_out():
    model = Ridge().fit(X * [1, 0, 1, 1], Y)
    assert len(ImportanceDisplay.from_estimator(model, X, Y).names) == 3
    constant = Ridge().fit(X, np.zeros(60))
    assert len(ImportanceDisplay.from_estimator(constant, X, np.zeros(60), scoring="neg_mean_squared_error").names) == 1


@pytest.mark.parametrize("convert", [pd.DataFrame, lambda frame: pl.from_pandas(frame)])
def test_frames_bring_their_names(convert):
    color = RNG.choice(["red", "blue"], 60)
    frame = convert(pd.DataFrame({"size": X[:, 0], "color": color}))
    y = 5.0 * (color == "red") + X[:, 0]
    model = make_pipeline(TableEncoder(), Ridge()).fit(frame, y)
    assert ImportanceDisplay.from_estimator(model, frame, y).names == ["color", "size"]


@pytest.mark.parametrize(
    "scoring, text",
    [("r2", "drop in r2"), ("neg_mean_squared_error", "rise of mean squared error"), (None, "drop in score")],
)
def test_label_says_what_changes(scoring, text):
    assert ImportanceDisplay.from_estimator(MODEL, X, Y, scoring=scoring).ax_.get_xlabel().startswith(text)


def test_long_names_and_given_names():
    names = ["a" * 60, "b", "c", "d"]
    display = ImportanceDisplay.from_estimator(MODEL, X, Y, feature_names=names)
    assert display.names[0] == "c"
    assert max(len(label.get_text()) for label in display.ax_.get_yticklabels()) <= 24
    assert_legible(display.figure_)


def test_every_score_is_counted():
    calls = []
    ImportanceDisplay.from_estimator(MODEL, X, Y, n_repeats=3, after_each=lambda: calls.append(1))
    assert len(calls) == 1 + 3 * 4
