"""Labels, and what speaks of classes: taken, or refused in one short line that says what to do."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from problems import (
    INDICATOR,
    LABELS_WEIGHED,
    N_KINDS,
    PEER_IS_KNOWN,
    SHORT,
    TINY,
    X_KINDS,
    X_LINEAR,
    X_NOISY,
    X_WEIGHED,
    Y_NOISY,
    X,
    Y,
    classifier,
    each_of_ours,
    fit_methods,
    objects,
    parameters,
    refusal,
    with_pandas,
)
from sklearn.neural_network import MLPClassifier

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.estimators._class_targets import ClassTargets

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
]


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
    model = ScratchMLPClassifier(**TINY)
    assert "classes" in refusal(lambda: model.partial_fit(X_KINDS, np.arange(N_KINDS) % 2, classes=classes))
    assert not hasattr(model, "params_")


@pytest.mark.parametrize("classes", [(0, 1), range(2), np.array([1, 0]), [0, 1, 1], [0, 1, 5]], ids=repr)
def test_classes_in_any_list(classes):
    model = ScratchMLPClassifier(**TINY).partial_fit(X_KINDS, np.arange(N_KINDS) % 2, classes=classes)
    np.testing.assert_array_equal(model.classes_, np.unique(classes))
    assert model.predict_proba(X_KINDS).shape == (N_KINDS, len(np.unique(classes)))


ONE_HOT = np.eye(3, dtype=int)[np.arange(N_KINDS) % 3]


@pytest.mark.parametrize("classes", [["a", "b"], ["a", "b", "c"], [0, 1], [1, 2, 3]], ids=repr)
def test_classes_beside_labels_are_their_columns(classes):
    text = refusal(lambda: ScratchMLPClassifier(**TINY).partial_fit(X_KINDS, ONE_HOT, classes=classes))
    assert "classes" in text
    assert "3" in text  # columns of y


def test_labels_with_their_columns_as_classes():
    model = ScratchMLPClassifier(**TINY).partial_fit(X_KINDS, ONE_HOT, classes=[0, 1, 2])
    assert model.predict(X_KINDS).shape == (N_KINDS, 3)


@pytest.mark.parametrize(
    "first, then",
    [(np.arange(N_KINDS) % 3, ONE_HOT), (np.arange(N_KINDS) % 2, ONE_HOT[:, :2]), (ONE_HOT, np.arange(N_KINDS) % 3)],
    ids=["classes then labels", "two classes then two labels", "labels then classes"],
)
@pytest.mark.parametrize("method", ["partial_fit", "warm start", "y_val"])
def test_classes_and_labels_do_not_take_turns(first, then, method):
    model = ScratchMLPClassifier(**TINY, warm_start=True)
    n_classes = first.shape[1] if first.ndim == 2 else first.max() + 1
    model.partial_fit(X_KINDS, first, classes=list(range(n_classes)))
    text = refusal({
        "partial_fit": lambda: model.partial_fit(X_KINDS, then),
        "warm start": lambda: model.fit(X_KINDS, then),
        "y_val": lambda: model.fit(X_KINDS, first, X_val=X_KINDS, y_val=then),
    }[method])  # fmt: skip
    assert ("y_val" if method == "y_val" else "y") in text
    assert "9 columns" not in text
    np.testing.assert_array_equal(model.classes_, np.arange(n_classes))


# Labels of a classifier


UNKNOWN_LABELS = {
    "decimals": (lambda: objects([Decimal(k % 2) for k in range(N_KINDS)]), "Decimal"),
    "fractions": (lambda: objects([Fraction(k % 2) for k in range(N_KINDS)]), "Fraction"),
    "objects of int": (lambda: objects([k % 2 for k in range(N_KINDS)]), "int"),
    "huge whole numbers": (lambda: objects([10**30 + k % 2 for k in range(N_KINDS)]), "int"),
    "times": (lambda: objects([datetime.time(k % 2) for k in range(N_KINDS)]), "time"),
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
    "tuples": lambda: objects([("a", k % 2) for k in range(N_KINDS)]),
    "tuples in a list": lambda: [("a", k % 2) for k in range(N_KINDS)],
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


@each_of_ours
@pytest.mark.parametrize("dtype", [int, float, object])
@pytest.mark.parametrize("name", ["y", "y of partial_fit", "y_val"])
def test_a_masked_target_is_refused(estimator, dtype, name):
    y = np.ma.masked_array((np.arange(N_KINDS) % 2).astype(dtype), mask=[False] * (N_KINDS - 1) + [True])
    text = refusal(fit_methods(estimator, y)[name])
    assert text.lstrip("`").startswith("y_val" if name == "y_val" else "y")
    assert "masked" in text


@each_of_ours
def test_a_masked_array_without_a_masked_cell_is_an_array(estimator):
    y = np.arange(N_KINDS) % 2
    model = estimator(**TINY).fit(X_KINDS, np.ma.masked_array(y))
    np.testing.assert_array_equal(model.params_, estimator(**TINY).fit(X_KINDS, y).params_)


@pytest.mark.parametrize(
    "y, message",
    [
        ([1, None, 2], "contains None, NA or NaN"),
        (pd.Series([1, pd.NA, 2], dtype="Int64"), "contains None, NA or NaN"),
        (np.array([1.0, np.nan]), "contains None, NA or NaN"),
        (["a", 1, "b"], "mixes strings and other labels"),
        ([("a", "b"), ("a",)], "MultiLabelBinarizer"),
        ([["a", "b"], ["a"]], "MultiLabelBinarizer"),
        ([Decimal(1), Decimal(2)], "of type Decimal"),
        ([10**30, 1], "objects of type int"),
        (pd.Series(pd.period_range("2020", periods=3, freq="Y")), "of type Period"),
        (np.ma.masked_array([0, 1, 1], mask=[0, 0, 1]), "masked"),
    ],
)
def test_what_is_no_label_is_refused_by_name(y, message):
    with pytest.raises(ValueError, match=message) as caught:
        ClassTargets.refuse(y, "y_val")
    assert "y_val" in str(caught.value)
    assert len(str(caught.value)) < 250  # it does not print all of y


@pytest.mark.parametrize("classes", [2, np.int64(2), np.array(2), "ab"])
def test_classes_that_are_no_list_are_refused(classes):
    with pytest.raises(ValueError, match="Expected array-like, got classes"):
        ClassTargets.learn(np.array([0, 1]), parameters(), classes=classes, incremental=True)


def test_classes_of_labels_are_their_numbers():
    with pytest.raises(ValueError, match="must be the numbers of the 3 labels"):
        ClassTargets.learn(INDICATOR, parameters(), classes=["a", "b"], incremental=True)


# Input that cannot be used is one ValueError at fit that names the argument.


BAD_LABELS = {
    "None": [None, *Y_NOISY[1:]],
    "None among strings": np.array([None, *["a", "b"] * 60], dtype=object)[:120],
    "mixed": ["a", *Y_NOISY[1:]],
    "mixed objects": np.array(["a", *Y_NOISY[1:]], dtype=object),
    "nan": [np.nan, *Y_NOISY[1:]],
    "continuous": X_LINEAR[:, 0],
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_bad_labels_are_refused_at_fit(case):
    model = ScratchMLPClassifier(3, max_iter=2)
    with pytest.raises(ValueError, match=r"\by\b|label"):
        model.fit(X_NOISY, BAD_LABELS[case])
    assert not hasattr(model, "classes_")
    if PEER_IS_KNOWN and case == "None":
        with pytest.raises(TypeError):
            MLPClassifier().fit(X_NOISY, BAD_LABELS[case])


# Calls in a row.


def test_partial_fit_says_what_is_wrong_with_the_classes():
    clf = ScratchMLPClassifier(**SHORT)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        clf.partial_fit(X, Y)
    with pytest.raises(ValueError, match="`y` has classes not in"):
        clf.partial_fit(X, Y + 1, classes=[0, 1])
    clf.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="not the same as on last call"):
        clf.partial_fit(X, Y, classes=[0, 2])


# What users bring: half a function, a loss for something else, a number of numpy's.


@pytest.mark.parametrize("dtype", ["string", "category", object])
def test_a_missing_label_of_pandas_is_named(dtype):
    pd = pytest.importorskip("pandas")
    labels = pd.Series(["a", None if dtype is object else np.nan, *["a", "b"] * (len(X) // 2)][: len(X)], dtype=dtype)
    with pytest.raises(ValueError, match=r"^y contains None, NA or NaN"):
        ScratchMLPClassifier().fit(X, labels)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf, "1"])
def test_a_bad_class_weight_is_refused(weight):
    with pytest.raises(ValueError, match="class_weight"):
        classifier(class_weight={0: weight, 1: 1.0}, max_iter=3).fit(X_WEIGHED, LABELS_WEIGHED["three classes"])


def test_a_class_weight_for_labels_that_are_not_there_is_refused():
    with pytest.raises(ValueError, match="not in class_weight"):
        classifier(class_weight={7: 2.0}).fit(X_WEIGHED, LABELS_WEIGHED["three classes"])
