"""The best temperature, against scipy's own search."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, logsumexp

from skmlp_scratch.calibration import best_temperature
from skmlp_scratch.losses import BinaryCrossEntropy, CategoricalCrossEntropy


def predictions(seed, n_classes=3, n=200):
    """Raw predictions of any scale that are right more often than not, and weights."""
    rng = np.random.RandomState(seed)
    raw = rng.randn(n, n_classes) * 10 ** rng.uniform(-2, 2)
    y = np.where(rng.rand(n) < 0.7, raw.argmax(axis=1), rng.randint(n_classes, size=n))
    return y, raw, rng.rand(n)


def search(loss):
    return np.exp(minimize_scalar(loss, bounds=(-9.2, 9.2), method="bounded", options={"xatol": 1e-10}).x)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("seed", range(8))
def test_the_best_temperature_of_a_softmax(seed, n_classes, weighted):
    y, raw, weights = predictions(seed, n_classes)
    weights = weights if weighted else None

    def loss(u):
        z = np.exp(u) * raw
        return np.average(logsumexp(z, axis=1) - z[np.arange(200), y], weights=weights)

    expected = search(loss)
    for targets in (y, np.eye(n_classes)[y], np.eye(n_classes, dtype=bool)[y]):
        assert best_temperature(targets, raw, weights) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_the_best_temperature_of_a_logistic(seed, weighted):
    y, raw, weights = predictions(seed, 2)
    z, weights = raw[:, 1] - raw[:, 0], weights if weighted else None
    expected = search(lambda u: -np.average(log_expit(np.exp(u) * np.where(y == 1, z, -z)), weights=weights))
    for targets in (y, y.astype(bool), y.astype(float), y[:, np.newaxis].astype(float)):
        assert best_temperature(targets, z[:, np.newaxis], weights) == pytest.approx(expected, rel=1e-5)
    assert best_temperature(y, raw, weights) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_shares_of_classes(n_classes):
    rng = np.random.RandomState(0)
    raw = rng.randn(100, n_classes)
    z = 3 * raw
    y = np.exp(z - logsumexp(z, axis=1, keepdims=True))  # at three times the raw predictions these are exact
    assert best_temperature(y, raw) == pytest.approx(3, rel=1e-6)
    if n_classes == 2:
        assert best_temperature(y[:, 1], raw[:, [1]] - raw[:, [0]]) == pytest.approx(3, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_product_with_the_raw_predictions_does_not_depend_on_their_scale(scale):
    y, raw, _ = predictions(0)
    assert best_temperature(y, scale * raw) * scale == pytest.approx(best_temperature(y, raw), rel=1e-5)


def test_it_never_makes_the_loss_higher():
    for seed in range(20):
        y, raw, _ = predictions(seed)
        loss, one_hot = CategoricalCrossEntropy(), np.eye(3)[y]
        before = loss.value_and_grad(one_hot, raw, None)[0]
        after = loss.value_and_grad(one_hot, best_temperature(y, raw) * raw, None)[0]
        assert after <= before * (1 + 1e-12)


def test_predictions_that_are_always_right_are_made_sure_but_not_beyond_reason():
    raw = np.random.RandomState(0).randn(200, 3)
    y = raw.argmax(axis=1)
    temperature = best_temperature(y, raw)
    assert 100 < temperature <= 1e4  # some of these are right by a hair
    loss = CategoricalCrossEntropy().value_and_grad(np.eye(3)[y], temperature * raw, None)[0] / 200
    assert loss < 1e-3
    # By a wide margin: certainty is cheap, and 20 of odds 1 : e^20 are enough.
    assert 1 < best_temperature(np.array([[0.0], [1.0]]), np.array([[-4.0], [4.0]])) < 10


def test_predictions_worse_than_chance_are_trusted_least():
    raw = np.random.RandomState(0).randn(200, 3)
    assert best_temperature(raw.argmin(axis=1), raw) < 1e-3


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_predictions_that_say_nothing_are_left_alone(n_outputs):
    assert best_temperature(np.array([0, 1, 1]), np.zeros((3, n_outputs))) == 1


def test_float32_predictions_are_calibrated_in_double_precision():
    y, raw, _ = predictions(0)
    single = raw.astype(np.float32)
    assert best_temperature(y, single) == best_temperature(y, single.astype(np.float64))


def test_extreme_predictions_give_a_finite_temperature():
    raw = np.array([[1e5, -1e5], [1e5, -1e5], [-1e5, 1e5]])
    temperature = best_temperature(np.array([0, 1, 1]), raw)
    assert 1e-4 <= temperature <= 1
    value, _ = BinaryCrossEntropy().value_and_grad(np.ones((1, 1)), temperature * raw[:1, :1], None)
    assert np.isfinite(value)
