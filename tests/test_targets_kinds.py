"""Targets, classes and weights of every kind: taken, or refused in one short line that says what to do."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor

# A few epochs show whether a kind is taken.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N = 20
X = np.random.RandomState(0).standard_normal((N, 3))
SHORT = {"hidden_layer_sizes": (2,), "max_iter": 2, "random_state": 0}
each_estimator = pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])


def objects(values):
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def refusal(call):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the callers look at the text
        call()
    return str(caught.value)


def fit_methods(estimator, y):
    """Every way for targets to come in."""
    good = np.arange(N) % 2 if estimator is ScratchMLPClassifier else np.arange(float(N))
    classes = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    return {
        "y": lambda: estimator(**SHORT).fit(X, y),
        "y of partial_fit": lambda: estimator(hidden_layer_sizes=2).partial_fit(X, good, **classes).partial_fit(X, y),
        "y_val": lambda: estimator(**SHORT).fit(X, good, X_val=X, y_val=y),
    }


# Weights


@each_estimator
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("weight", [2.0, 1, np.float64(0.5), np.int8(3)], ids=repr)
def test_one_weight_is_every_rows_weight(estimator, method, weight):
    y = np.arange(N) % 2
    more = {"classes": [0, 1]} if (estimator, method) == (ScratchMLPClassifier, "partial_fit") else {}
    one, many = (
        getattr(estimator(**SHORT), method)(X, y, sample_weight=given, **more)
        for given in (weight, np.full(N, float(weight)))
    )
    np.testing.assert_array_equal(one.params_, many.params_)
    assert one.loss_ == many.loss_


@each_estimator
@pytest.mark.parametrize("weight", [2.0, 1], ids=repr)
def test_one_weight_of_the_validation_rows(estimator, weight):
    y = np.arange(N) % 2
    one, many = (
        estimator(**SHORT).fit(X, y, X_val=X, y_val=y, sample_weight_val=given)
        for given in (weight, np.full(N, float(weight)))
    )
    assert one.history_["val_loss"] == many.history_["val_loss"]


@each_estimator
@pytest.mark.parametrize("weight", [0, -1.0, np.nan, np.inf, "2", [1.0, 2.0], np.ones((N, 1))], ids=repr)
@pytest.mark.parametrize("name", ["sample_weight", "sample_weight_val"])
def test_a_weight_that_cannot_be_is_refused_by_name(estimator, weight, name):
    y = np.arange(N) % 2
    text = refusal(lambda: estimator(**SHORT).fit(X, y, X_val=X, y_val=y, **{name: weight}))
    assert name in text


# Classes of partial_fit


NO_CLASSES = {
    "int": 2,
    "int64": np.int64(2),
    "0-d": np.array(2),
    "str": "ab",
    "set": {0, 1},
    "dict": {0: 1},
    "empty": [],
    "nan": [0.0, np.nan],
    "mixed": [0, "a"],
    "2-d": [[0, 1], [2, 3]],
}


@pytest.mark.parametrize("classes", NO_CLASSES.values(), ids=NO_CLASSES)
def test_classes_that_are_no_list_of_labels_are_refused_by_name(classes):
    model = ScratchMLPClassifier(**SHORT)
    assert "classes" in refusal(lambda: model.partial_fit(X, np.arange(N) % 2, classes=classes))
    assert not hasattr(model, "params_")


@pytest.mark.parametrize("classes", [(0, 1), range(2), np.array([1, 0]), [0, 1, 1], [0, 1, 5]], ids=repr)
def test_classes_in_any_list(classes):
    model = ScratchMLPClassifier(**SHORT).partial_fit(X, np.arange(N) % 2, classes=classes)
    np.testing.assert_array_equal(model.classes_, np.unique(classes))
    assert model.predict_proba(X).shape == (N, len(np.unique(classes)))


ONE_HOT = np.eye(3, dtype=int)[np.arange(N) % 3]


@pytest.mark.parametrize("classes", [["a", "b"], ["a", "b", "c"], [0, 1], [1, 2, 3]], ids=repr)
def test_classes_beside_labels_are_their_columns(classes):
    text = refusal(lambda: ScratchMLPClassifier(**SHORT).partial_fit(X, ONE_HOT, classes=classes))
    assert "classes" in text
    assert "3" in text  # columns of y


def test_labels_with_their_columns_as_classes():
    model = ScratchMLPClassifier(**SHORT).partial_fit(X, ONE_HOT, classes=[0, 1, 2])
    assert model.predict(X).shape == (N, 3)


@pytest.mark.parametrize(
    "first, then",
    [(np.arange(N) % 3, ONE_HOT), (np.arange(N) % 2, ONE_HOT[:, :2]), (ONE_HOT, np.arange(N) % 3)],
    ids=["classes then labels", "two classes then two labels", "labels then classes"],
)
@pytest.mark.parametrize("method", ["partial_fit", "warm start", "y_val"])
def test_classes_and_labels_do_not_take_turns(first, then, method):
    model = ScratchMLPClassifier(**SHORT, warm_start=True)
    n_classes = first.shape[1] if first.ndim == 2 else first.max() + 1
    model.partial_fit(X, first, classes=list(range(n_classes)))
    text = refusal({
        "partial_fit": lambda: model.partial_fit(X, then),
        "warm start": lambda: model.fit(X, then),
        "y_val": lambda: model.fit(X, first, X_val=X, y_val=then),
    }[method])  # fmt: skip
    assert ("y_val" if method == "y_val" else "y") in text
    assert "9 columns" not in text
    np.testing.assert_array_equal(model.classes_, np.arange(n_classes))


# Targets of a regressor

NUMBERS = {
    "list": lambda: list(range(N)),
    "float16": lambda: np.arange(N, dtype=np.float16),
    "longdouble": lambda: np.arange(N, dtype=np.longdouble),
    "uint8": lambda: np.arange(N, dtype=np.uint8),
    "big-endian": lambda: np.arange(N, dtype=">i4"),
    "decimals": lambda: objects([Decimal(k) for k in range(N)]),
    "fractions": lambda: objects([Fraction(k) for k in range(N)]),
    "reversed": lambda: np.arange(N)[::-1].copy()[::-1],
}


def pandas_series(dtype):
    def make():
        pd = pytest.importorskip("pandas")
        if "pyarrow" in dtype:
            pytest.importorskip("pyarrow")
        return pd.Series(range(N), dtype=dtype, index=range(100, 100 + N))

    return make


def polars_series(dtype):
    def make():
        pl = pytest.importorskip("polars")
        return pl.Series(range(N)).cast(getattr(pl, dtype))

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
    reference = estimator(**SHORT).fit(X, np.arange(float(N)) if estimator is ScratchMLPRegressor else np.arange(N))
    model = estimator(**SHORT).fit(X, y)
    np.testing.assert_allclose(model.params_, reference.params_, rtol=1e-12)
    model.fit(X, y, X_val=X, y_val=y)
    expected = estimator(**SHORT).fit(X, np.arange(N), X_val=X, y_val=np.arange(N))
    np.testing.assert_allclose(model.history_["val_loss"], expected.history_["val_loss"], rtol=1e-12)


def with_pandas(make):
    return lambda: make(pytest.importorskip("pandas"))


def with_polars(make):
    return lambda: make(pytest.importorskip("polars"))


DATES = {
    "datetime64": lambda: np.array(["2020-01-01"] * N, dtype="datetime64[D]"),
    "timedelta64": lambda: np.arange(N).astype("timedelta64[s]"),
    "objects of date": lambda: [datetime.date(2020, 1, 1)] * N,
    "objects of time": lambda: [datetime.time(1)] * N,
    "pandas datetime64": with_pandas(lambda pd: pd.Series(pd.date_range("2020-01-01", periods=N))),
    "pandas Period": with_pandas(lambda pd: pd.Series(pd.period_range("2020-01-01", periods=N))),
    "pandas Interval": with_pandas(lambda pd: pd.Series(pd.interval_range(0, N))),
    "polars Date": with_polars(lambda pl: pl.Series([datetime.date(2020, 1, 1)] * N)),
    "polars Duration": with_polars(lambda pl: pl.Series([datetime.timedelta(days=1)] * N)),
    "polars Time": with_polars(lambda pl: pl.Series([datetime.time(1)] * N)),
}
TEXT = {
    "strings": lambda: ["low"] * N,
    "numpy strings": lambda: np.array(["low"] * N),
    "bytes": lambda: [b"low"] * N,
    "numbers and a string": lambda: objects([1.0] * (N - 1) + ["low"]),
    "pandas strings": with_pandas(lambda pd: pd.Series(["low"] * N)),
    "pandas category": with_pandas(lambda pd: pd.Series(["low"] * N, dtype="category")),
    "pandas frame": with_pandas(lambda pd: pd.DataFrame({"u": range(N), "v": ["low"] * N})),
    "polars String": with_polars(lambda pl: pl.Series(["low"] * N)),
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


# Labels of a classifier

UNKNOWN_LABELS = {
    "decimals": (lambda: objects([Decimal(k % 2) for k in range(N)]), "Decimal"),
    "fractions": (lambda: objects([Fraction(k % 2) for k in range(N)]), "Fraction"),
    "objects of int": (lambda: objects([k % 2 for k in range(N)]), "int"),
    "huge whole numbers": (lambda: objects([10**30 + k % 2 for k in range(N)]), "int"),
    "times": (lambda: objects([datetime.time(k % 2) for k in range(N)]), "time"),
    "pandas Period": (
        with_pandas(lambda pd: pd.Series(pd.period_range("2020", periods=2, freq="D").tolist() * 10)),
        "Period",
    ),
    "pandas Interval": (with_pandas(lambda pd: pd.Series(pd.interval_range(0, 2).tolist() * 10)), "Interval"),
}


@pytest.mark.parametrize("kind", UNKNOWN_LABELS)
@pytest.mark.parametrize("name", ["y", "y of partial_fit", "y_val"])
def test_labels_of_an_unknown_type_are_refused_in_one_short_line(kind, name):
    make, type_name = UNKNOWN_LABELS[kind]
    text = refusal(fit_methods(ScratchMLPClassifier, make())[name])
    assert text.lstrip("`").startswith("y_val" if name == "y_val" else "y")
    assert type_name in text
    assert "astype(" in text  # str, or int
    assert len(text) < 300  # y itself is not printed
    assert "\n" not in text


SEQUENCES = {
    "tuples": lambda: objects([("a", k % 2) for k in range(N)]),
    "tuples in a list": lambda: [("a", k % 2) for k in range(N)],
    "ragged lists": lambda: [["a"], ["a", "b"]] * 10,
    "ragged tuples": lambda: [("a",), ("a", "b")] * 10,
    "lists as objects": lambda: objects([["a"], ["a", "b"]] * 10),
    "sets": lambda: [{"a"}, {"a", "b"}] * 10,
    "pairs of strings": lambda: [("a", "b"), ("a", "c")] * 10,
}


@pytest.mark.parametrize("kind", SEQUENCES)
@pytest.mark.parametrize("name", ["y", "y of partial_fit", "y_val"])
def test_several_tags_in_one_label_are_for_the_multilabel_binarizer(kind, name):
    text = refusal(fit_methods(ScratchMLPClassifier, SEQUENCES[kind]())[name])
    assert text.lstrip("`").startswith("y_val" if name == "y_val" else "y")
    assert "MultiLabelBinarizer" in text
    assert "mixes strings" not in text
    assert len(text) < 300


@each_estimator
@pytest.mark.parametrize("dtype", [int, float, object])
@pytest.mark.parametrize("name", ["y", "y of partial_fit", "y_val"])
def test_a_masked_target_is_refused(estimator, dtype, name):
    y = np.ma.masked_array((np.arange(N) % 2).astype(dtype), mask=[False] * (N - 1) + [True])
    text = refusal(fit_methods(estimator, y)[name])
    assert text.lstrip("`").startswith("y_val" if name == "y_val" else "y")
    assert "masked" in text


@each_estimator
def test_a_masked_array_without_a_masked_cell_is_an_array(estimator):
    y = np.arange(N) % 2
    model = estimator(**SHORT).fit(X, np.ma.masked_array(y))
    np.testing.assert_array_equal(model.params_, estimator(**SHORT).fit(X, y).params_)


# A split that cannot be names the class as the user does


@pytest.mark.parametrize("labels", [(False, True), ("ham", "spam"), (3, 7), (-1.0, 2.0)], ids=repr)
def test_a_class_too_small_to_be_split_is_named_by_its_label(labels):
    y = np.array([labels[0]] * (N - 1) + [labels[1]])
    text = refusal(lambda: ScratchMLPClassifier(**SHORT, early_stopping=True).fit(X, y))
    assert "validation_fraction" in text
    assert str(labels[1]) in text.split("members are")[-1]


# What the regressor says of itself


def test_the_regressor_takes_several_targets_and_says_so():
    tags = ScratchMLPRegressor().__sklearn_tags__().target_tags
    assert (tags.single_output, tags.multi_output) == (True, True)
    assert ScratchMLPRegressor(**SHORT).fit(X, np.c_[X[:, 0], X[:, 1]]).predict(X).shape == (N, 2)


def test_the_classifier_says_which_targets_it_takes():
    tags = ScratchMLPClassifier().__sklearn_tags__()
    assert tags.classifier_tags.multi_label
    assert tags.classifier_tags.multi_class
