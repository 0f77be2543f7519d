"""Each activation against its formula, and its backward against differences."""

import math

import numpy as np
import pytest
from scipy import integrate, special

from skmlp_scratch.activations import ACTIVATIONS

DISTINCT = sorted(set(ACTIVATIONS) - {"sigmoid", "swish"})

# Written out independently of the package, one number at a time.
FORMULAS = {
    "identity": lambda z: z,
    "tanh": lambda z: (math.exp(z) - math.exp(-z)) / (math.exp(z) + math.exp(-z)),
    "logistic": lambda z: 1 / (1 + math.exp(-z)),
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "elu": lambda z: z if z > 0 else math.exp(z) - 1,
    "selu": lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * (math.exp(z) - 1)),
    "gelu": lambda z: z * special.ndtr(z),
    "silu": lambda z: z / (1 + math.exp(-z)),
    "mish": lambda z: z * math.tanh(math.log(1 + math.exp(z))),
    "softplus": lambda z: math.log(1 + math.exp(z)),
}
SLOPES_AT_ZERO = {"relu": 0.0, "leaky_relu": 0.01, "elu": 1.0, "tanh": 1.0, "logistic": 0.25, "gelu": 0.5, "silu": 0.5}

# Both sides of the kinks, none so near that a difference straddles one.
POINTS = np.concatenate([np.linspace(-6, -0.1, 20), np.linspace(0.05, 6, 20)]).reshape(10, 4)


def values(name, z):
    return ACTIVATIONS[name](z.copy())[0]


def slopes(name, z):
    return ACTIVATIONS[name](z.copy())[1](np.ones_like(z))


def test_the_registry_holds_what_the_documentation_promises():
    assert set(DISTINCT) == set(FORMULAS)
    assert ACTIVATIONS["sigmoid"] is ACTIVATIONS["logistic"]
    assert ACTIVATIONS["swish"] is ACTIVATIONS["silu"]


@pytest.mark.parametrize("name", DISTINCT)
def test_value_follows_the_formula(name):
    expected = np.vectorize(FORMULAS[name])(POINTS)
    np.testing.assert_allclose(values(name, POINTS), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", DISTINCT)
def test_slope_equals_the_difference_quotient(name):
    h = 1e-3
    one, two = ((values(name, POINTS + s) - values(name, POINTS - s)) / (2 * s) for s in (h, 2 * h))
    numeric = (4 * one - two) / 3
    np.testing.assert_allclose(slopes(name, POINTS), numeric, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name, slope", SLOPES_AT_ZERO.items())
def test_slope_at_zero(name, slope):
    assert slopes(name, np.zeros(1))[0] == pytest.approx(slope, abs=1e-15)


@pytest.mark.parametrize("name", DISTINCT)
def test_backward_multiplies_by_delta(name):
    rng = np.random.RandomState(0)
    delta = rng.randn(*POINTS.shape)
    given = ACTIVATIONS[name](POINTS.copy())[1](delta.copy())
    np.testing.assert_allclose(given, delta * slopes(name, POINTS), rtol=1e-14)


@pytest.mark.parametrize("name", DISTINCT)
def test_float32_stays_float32(name):
    z = POINTS.astype(np.float32)
    a, backward = ACTIVATIONS[name](z.copy())
    slope = backward(np.ones_like(z))
    assert (a.dtype, slope.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(a, values(name, POINTS), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slope, slopes(name, POINTS), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", DISTINCT)
def test_column_order_gives_the_same_figures(name):
    in_columns = np.asfortranarray(POINTS)
    np.testing.assert_allclose(values(name, in_columns), values(name, POINTS), rtol=1e-14)
    np.testing.assert_allclose(slopes(name, in_columns), slopes(name, POINTS), rtol=1e-14)


# Left and right ends: the value, and the slope. Any overflow on the way is a warning, and so an error.
ENDS = {
    "identity": (-1e3, 1e3, 1, 1),
    "tanh": (-1, 1, 0, 0),
    "logistic": (0, 1, 0, 0),
    "relu": (0, 1e3, 0, 1),
    "leaky_relu": (-10, 1e3, 0.01, 1),
    "elu": (-1, 1e3, 0, 1),
    "selu": (-1.0507009873554805 * 1.6732632423543772, 1050.7009873554805, 0, 1.0507009873554805),
    "gelu": (0, 1e3, 0, 1),
    "silu": (0, 1e3, 0, 1),
    "mish": (0, 1e3, 0, 1),
    "softplus": (0, 1e3, 0, 1),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", DISTINCT)
def test_far_ends_are_finite_and_right(name, dtype):
    z = np.array([-1e3, 1e3], dtype=dtype)
    ends = np.concatenate([values(name, z), slopes(name, z)])
    np.testing.assert_allclose(ends, ENDS[name], rtol=1e-6, atol=1e-30)


def normal_expectation(function):
    left = integrate.quad(lambda z: function(z) * math.exp(-z * z / 2), -30, 0, epsabs=1e-14)[0]
    right = integrate.quad(lambda z: function(z) * math.exp(-z * z / 2), 0, 30, epsabs=1e-14)[0]
    return (left + right) / math.sqrt(2 * math.pi)


def test_selu_keeps_mean_zero_and_variance_one():
    def selu(z):
        return values("selu", np.array([z]))[0]

    assert normal_expectation(selu) == pytest.approx(0, abs=1e-12)
    assert normal_expectation(lambda z: selu(z) ** 2) == pytest.approx(1, abs=1e-12)
