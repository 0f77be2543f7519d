"""Numbers as targets: of every kind, one or several, to columns and back."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from problems import (
    DAYS,
    N_KINDS,
    QUICK,
    TINY,
    X_KINDS,
    X_LINEAR,
    XR,
    Y_LINEAR,
    YR,
    YR2,
    X,
    Y,
    each_solver,
    fit_methods,
    objects,
    parameters,
    refusal,
    with_pandas,
)
from scipy import sparse

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.estimators._number_targets import NumberTargets

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
]


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_numbers_survive_the_way_to_columns_and_back(n_outputs):
    y = np.arange(6.0).reshape(-1, n_outputs) if n_outputs > 1 else np.arange(6.0)
    targets = NumberTargets.learn(y, parameters(ScratchMLPRegressor))
    assert targets.columns(y).shape == (len(y), n_outputs)
    np.testing.assert_array_equal(targets.labels(targets.columns(y)), y)


def test_numbers_must_be_finite():
    with pytest.raises(ValueError, match="y contains NaN or infinity"):
        NumberTargets.learn(np.array([1.0, np.inf]), parameters(ScratchMLPRegressor))


# Targets of a regressor


NUMBERS = {
    "list": lambda: list(range(N_KINDS)),
    "float16": lambda: np.arange(N_KINDS, dtype=np.float16),
    "longdouble": lambda: np.arange(N_KINDS, dtype=np.longdouble),
    "uint8": lambda: np.arange(N_KINDS, dtype=np.uint8),
    "big-endian": lambda: np.arange(N_KINDS, dtype=">i4"),
    "decimals": lambda: objects([Decimal(k) for k in range(N_KINDS)]),
    "fractions": lambda: objects([Fraction(k) for k in range(N_KINDS)]),
    "reversed": lambda: np.arange(N_KINDS)[::-1].copy()[::-1],
}


def pandas_series(dtype):
    def make():
        pd = pytest.importorskip("pandas")
        if "pyarrow" in dtype:
            pytest.importorskip("pyarrow")
        return pd.Series(range(N_KINDS), dtype=dtype, index=range(100, 100 + N_KINDS))

    return make


def polars_series(dtype):
    def make():
        pl = pytest.importorskip("polars")
        return pl.Series(range(N_KINDS)).cast(getattr(pl, dtype))

    return make


NUMBERS |= {f"pandas {dtype}": pandas_series(dtype) for dtype in ("int64", "Int64", "Float32", "category", "object")}
NUMBERS |= {f"pandas {dtype}": pandas_series(dtype) for dtype in ("int64[pyarrow]", "double[pyarrow]")}
NUMBERS |= {f"polars {dtype}": polars_series(dtype) for dtype in ("Int64", "Float32")}


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("estimator", [ScratchMLPRegressor, ScratchMLPClassifier])
def test_numbers_of_every_kind_are_targets(estimator, kind):
    """Labels, too, if they are of a kind that can be sorted into classes as they are."""
    y = NUMBERS[kind]()
    if estimator is ScratchMLPClassifier and kind in ("decimals", "fractions", "pandas object"):
        pytest.skip("objects are no labels")
    reference = estimator(**TINY).fit(
        X_KINDS, np.arange(float(N_KINDS)) if estimator is ScratchMLPRegressor else np.arange(N_KINDS)
    )
    model = estimator(**TINY).fit(X_KINDS, y)
    np.testing.assert_allclose(model.params_, reference.params_, rtol=1e-12)
    model.fit(X_KINDS, y, X_val=X_KINDS, y_val=y)
    expected = estimator(**TINY).fit(X_KINDS, np.arange(N_KINDS), X_val=X_KINDS, y_val=np.arange(N_KINDS))
    np.testing.assert_allclose(model.history_["val_loss"], expected.history_["val_loss"], rtol=1e-12)


def with_polars(make):
    return lambda: make(pytest.importorskip("polars"))


DATES = {
    "datetime64": lambda: np.array(["2020-01-01"] * N_KINDS, dtype="datetime64[D]"),
    "timedelta64": lambda: np.arange(N_KINDS).astype("timedelta64[s]"),
    "objects of date": lambda: [datetime.date(2020, 1, 1)] * N_KINDS,
    "objects of time": lambda: [datetime.time(1)] * N_KINDS,
    "pandas datetime64": with_pandas(lambda pd: pd.Series(pd.date_range("2020-01-01", periods=N_KINDS))),
    "pandas Period": with_pandas(lambda pd: pd.Series(pd.period_range("2020-01-01", periods=N_KINDS))),
    "pandas Interval": with_pandas(lambda pd: pd.Series(pd.interval_range(0, N_KINDS))),
    "polars Date": with_polars(lambda pl: pl.Series([datetime.date(2020, 1, 1)] * N_KINDS)),
    "polars Duration": with_polars(lambda pl: pl.Series([datetime.timedelta(days=1)] * N_KINDS)),
    "polars Time": with_polars(lambda pl: pl.Series([datetime.time(1)] * N_KINDS)),
}
TEXT = {
    "strings": lambda: ["low"] * N_KINDS,
    "numpy strings": lambda: np.array(["low"] * N_KINDS),
    "bytes": lambda: [b"low"] * N_KINDS,
    "numbers and a string": lambda: objects([1.0] * (N_KINDS - 1) + ["low"]),
    "pandas strings": with_pandas(lambda pd: pd.Series(["low"] * N_KINDS)),
    "pandas category": with_pandas(lambda pd: pd.Series(["low"] * N_KINDS, dtype="category")),
    "pandas frame": with_pandas(lambda pd: pd.DataFrame({"u": range(N_KINDS), "v": ["low"] * N_KINDS})),
    "polars String": with_polars(lambda pl: pl.Series(["low"] * N_KINDS)),
}


@pytest.mark.parametrize("kind", DATES | TEXT)
@pytest.mark.parametrize("name", ["y", "y of partial_fit", "y_val"])
def test_a_target_that_is_no_number_is_refused_with_a_remedy_for_targets(kind, name):
    y = (DATES | TEXT)[kind]()
    text = refusal(fit_methods(ScratchMLPRegressor, y)[name])
    assert text.startswith("y_val" if name == "y_val" else "y ")
    assert "number" in text
    assert "OneHotEncoder" not in text  # that is for columns of X
    if kind in TEXT:
        assert "low" in text  # the first such value
        assert "astype(float)" in text or "ScratchMLPClassifier" in text  # numbers as text, or classes
    else:
        assert "date" in text or "time" in text or "Interval" in text


# What the regressor says of itself


def test_the_regressor_takes_several_targets_and_says_so():
    tags = ScratchMLPRegressor().__sklearn_tags__().target_tags
    assert (tags.single_output, tags.multi_output) == (True, True)
    assert ScratchMLPRegressor(**TINY).fit(X_KINDS, np.c_[X_KINDS[:, 0], X_KINDS[:, 1]]).predict(X_KINDS).shape == (
        N_KINDS,
        2,
    )


# Input that cannot be used is one ValueError at fit that names the argument.


BAD_TARGETS = {
    "strings": Y_LINEAR.astype(str),
    "dates": DAYS[:, 0],
    "None": [None, *Y_LINEAR[1:]],
    "nan": [np.nan, *Y_LINEAR[1:]],
    "infinity": [np.inf, *Y_LINEAR[1:]],
    "words": ["a"] * 120,
}


@pytest.mark.parametrize("case", BAD_TARGETS)
def test_bad_targets_are_refused_at_fit(case):
    with pytest.raises(ValueError, match=r"\by\b"):
        ScratchMLPRegressor(hidden_layer_sizes=3, max_iter=2).fit(X_LINEAR, BAD_TARGETS[case])


# Targets of every kind.


@each_solver
@pytest.mark.parametrize("targets", [YR, YR2], ids=["one output", "three outputs"])
def test_regression_with_one_or_several_outputs(solver, targets):
    reg = ScratchMLPRegressor(solver=solver, **{**QUICK, "max_iter": 200}).fit(XR, targets)
    assert reg.predict(XR).shape == targets.shape
    assert reg.n_outputs_ == (1 if targets.ndim == 1 else 3)
    assert reg.score(XR, targets) > 0.8


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_every_loss_of_the_regressor(loss, n_outputs):
    targets = np.exp(0.5 * (YR if n_outputs == 1 else YR2))
    reg = ScratchMLPRegressor(loss, **{**QUICK, "max_iter": 300}).fit(XR, targets)
    assert reg.predict(XR).shape == targets.shape
    assert reg.score(XR, targets) > 0.7
    if loss in ("poisson", "gamma"):
        assert reg.out_activation_ == "exp"
        assert (reg.predict(XR) > 0).all()


# What users bring: half a function, a loss for something else, a number of numpy's.


def test_sparse_targets_of_a_regressor_are_refused():
    with pytest.raises(ValueError, match=r"^y is a sparse matrix: pass y\.toarray\(\)"):
        ScratchMLPRegressor().fit(X, sparse.csr_matrix(np.c_[Y, Y]))
