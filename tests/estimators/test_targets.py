"""What y says: labels or numbers to columns and back, the choice of the loss, weights; all without training."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.estimators._class_targets import ClassTargets
from skmlp_scratch.estimators._number_targets import NumberTargets
from skmlp_scratch.losses import SquaredError

LABELS = {
    "integers": np.array([3, 1, 2, 1]),
    "two integers": np.array([7, -1, 7, 7]),
    "strings": np.array(["b", "a", "c", "a"]),
    "two strings": np.array(["no", "yes", "yes", "no"]),
    "booleans": np.array([True, False, False, True]),
    "floats": np.array([0.0, 2.0, 1.0, 0.0]),
    "one class": np.array(["only"] * 4),
    "objects": np.array(["b", "a", "c", "a"], dtype=object),
}
INDICATOR = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 0]])


def parameters(estimator=ScratchMLPClassifier, **changes):
    return estimator().get_params() | changes


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("loss", ["log_loss", "categorical_cross_entropy", "squared_error"])
def test_labels_survive_the_way_to_columns_and_back(y, loss):
    targets = ClassTargets.learn(y, parameters(loss=loss))
    columns = targets.columns(y)
    assert columns.shape == (len(y), targets.n_columns)
    back = targets.labels(columns.astype(float))
    np.testing.assert_array_equal(back, y)
    assert back.dtype.kind == ("U" if y.dtype == object else y.dtype.kind)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_indicators_survive_in_their_own_form(form):
    y = form(INDICATOR)
    targets = ClassTargets.learn(y, parameters())
    assert targets.is_multilabel
    back = targets.labels(targets.columns(y).astype(float))
    assert sparse.issparse(back) == sparse.issparse(y)
    np.testing.assert_array_equal(back.toarray() if sparse.issparse(back) else back, INDICATOR)


@pytest.mark.parametrize(
    "y, loss, activation, n_columns",
    [
        (LABELS["two integers"], "log_loss", "logistic", 1),
        (LABELS["integers"], "log_loss", "softmax", 3),
        (INDICATOR, "log_loss", "logistic", 3),
        (LABELS["two integers"], "categorical_cross_entropy", "softmax", 2),
        (LABELS["two integers"], "squared_error", "logistic", 1),
        (LABELS["integers"], "squared_error", "softmax", 3),
        (INDICATOR, "squared_error", "logistic", 3),
        (LABELS["two integers"], SquaredError(link="softmax"), "softmax", 2),
    ],
)
def test_the_loss_follows_the_labels(y, loss, activation, n_columns):
    targets = ClassTargets.learn(y, parameters(loss=loss))
    assert (targets.loss.out_activation, targets.n_columns) == (activation, n_columns)


@pytest.mark.parametrize(
    "y, loss, message",
    [
        (LABELS["integers"], "binary_cross_entropy", "Only binary classification is supported"),
        (LABELS["integers"], SquaredError(), "gives no probabilities of 3 classes"),
        (INDICATOR, "categorical_cross_entropy", "gives no probabilities of 3 labels"),
    ],
)
def test_a_loss_that_does_not_fit_the_labels_is_refused(y, loss, message):
    with pytest.raises(ValueError, match=message):
        ClassTargets.learn(y, parameters(loss=loss))


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


def test_labels_that_continue_a_fit_must_be_known():
    known = ClassTargets.learn(LABELS["integers"], parameters())
    with pytest.raises(ValueError, match="same classes as in the previous call"):
        ClassTargets.learn(np.array([1, 2]), parameters(), known)
    with pytest.raises(ValueError, match="not \\[9\\]"):
        ClassTargets.learn(np.array([1, 9]), parameters(), known, incremental=True)
    with pytest.raises(ValueError, match="one label per row when"):
        ClassTargets.learn(INDICATOR, parameters(), known, incremental=True)
    assert ClassTargets.learn(np.array([1, 2]), parameters(), known, incremental=True).n_columns == 3


@pytest.mark.parametrize("classes", [2, np.int64(2), np.array(2), "ab"])
def test_classes_that_are_no_list_are_refused(classes):
    with pytest.raises(ValueError, match="Expected array-like, got classes"):
        ClassTargets.learn(np.array([0, 1]), parameters(), classes=classes, incremental=True)


def test_classes_of_labels_are_their_numbers():
    with pytest.raises(ValueError, match="must be the numbers of the 3 labels"):
        ClassTargets.learn(INDICATOR, parameters(), classes=["a", "b"], incremental=True)


def test_class_weights_multiply_sample_weights():
    y = np.array([0, 1, 1])
    targets = ClassTargets.learn(y, parameters())
    weights = targets.weights(y, np.array([1.0, 2.0, 3.0]), {0: 5, 1: 0.5}, np.float32)
    np.testing.assert_array_equal(weights, np.array([5, 1, 1.5], dtype=np.float32))
    assert weights.dtype == np.float32
    assert targets.weights(y, None, None, np.float64) is None
    with pytest.raises(ValueError, match=r"class_weight=.* is zero for every row"):
        targets.weights(y, None, {0: 0, 1: 0}, np.float64)


def test_a_class_of_one_row_is_named_as_the_user_knows_it():
    y = np.array(["spam", "ham", "ham", "ham"])
    assert "'spam'" in ClassTargets.learn(y, parameters()).describe_split_failure(y)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_numbers_survive_the_way_to_columns_and_back(n_outputs):
    y = np.arange(6.0).reshape(-1, n_outputs) if n_outputs > 1 else np.arange(6.0)
    targets = NumberTargets.learn(y, parameters(ScratchMLPRegressor))
    assert targets.columns(y).shape == (len(y), n_outputs)
    np.testing.assert_array_equal(targets.labels(targets.columns(y)), y)


@pytest.mark.parametrize("loss, value", [("quantile", 0.9), ("huber", 2.5)])
def test_losses_take_their_parameters_from_the_flat_ones(loss, value):
    flat = parameters(ScratchMLPRegressor, loss=loss, quantile=0.9, huber_delta=2.5)
    found = NumberTargets.learn(np.arange(3.0), flat).loss
    assert getattr(found, {"quantile": "quantile", "huber": "delta"}[loss]) == value


def test_numbers_must_be_finite():
    with pytest.raises(ValueError, match="y contains NaN or infinity"):
        NumberTargets.learn(np.array([1.0, np.inf]), parameters(ScratchMLPRegressor))
