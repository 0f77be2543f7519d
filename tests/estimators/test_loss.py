"""The choice of the loss, by labels and by numbers."""

import numpy as np
import pytest
from problems import INDICATOR, parameters

from skmlp_scratch import ScratchMLPRegressor
from skmlp_scratch.estimators._class_targets import ClassTargets
from skmlp_scratch.estimators._number_targets import NumberTargets
from skmlp_scratch.losses import SquaredError

TWO, THREE = np.array([7, -1, 7, 7]), np.array([3, 1, 2, 1])


@pytest.mark.parametrize(
    "y, loss, activation, n_columns",
    [
        (TWO, "log_loss", "logistic", 1),
        (THREE, "log_loss", "softmax", 3),
        (INDICATOR, "log_loss", "logistic", 3),
        (TWO, "categorical_cross_entropy", "softmax", 2),
        (TWO, "squared_error", "logistic", 1),
        (THREE, "squared_error", "softmax", 3),
        (INDICATOR, "squared_error", "logistic", 3),
        (TWO, SquaredError(link="softmax"), "softmax", 2),
    ],
)
def test_the_loss_follows_the_labels(y, loss, activation, n_columns):
    targets = ClassTargets.learn(y, parameters(loss=loss))
    assert (targets.loss.out_activation, targets.n_columns) == (activation, n_columns)


@pytest.mark.parametrize(
    "y, loss, message",
    [
        (THREE, "binary_cross_entropy", "Only binary classification is supported"),
        (THREE, SquaredError(), "gives no probabilities of 3 classes"),
        (INDICATOR, "categorical_cross_entropy", "gives no probabilities of 3 labels"),
    ],
)
def test_a_loss_that_does_not_fit_the_labels_is_refused(y, loss, message):
    with pytest.raises(ValueError, match=message):
        ClassTargets.learn(y, parameters(loss=loss))


@pytest.mark.parametrize("loss, value", [("quantile", 0.9), ("huber", 2.5)])
def test_losses_take_their_parameters_from_the_flat_ones(loss, value):
    flat = parameters(ScratchMLPRegressor, loss=loss, quantile=0.9, huber_delta=2.5)
    found = NumberTargets.learn(np.arange(3.0), flat).loss
    assert getattr(found, {"quantile": "quantile", "huber": "delta"}[loss]) == value
