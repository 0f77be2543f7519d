r"""Initializers: small random weights, so that neurons differ, scaled so that signals keep their size.

A neuron that sums ``n_in`` inputs of variance 1 with weights of variance ``v`` has variance ``n_in * v``. Keeping it at
1 on the way up asks for ``v = 1 / n_in``; on the way up and down, as a compromise, for ``2 / (n_in + n_out)``; and
after a relu, which halves it, for ``2 / n_in``. So six of them are one function, ``v = gain / fan``:

=========================================  ====  =======================
names                                      gain  fan
=========================================  ====  =======================
``lecun_uniform``, ``lecun_normal``        1     inputs
``glorot_uniform``, ``glorot_normal``      1     mean of inputs, outputs
``he_uniform``, ``he_normal``              2     inputs
=========================================  ====  =======================

An initializer is a function ``(rng, n_in, n_out) -> (W, b)`` with W of shape (n_in, n_out) and b of shape (n_out,).

References
----------
LeCun et al. 1998, "Efficient BackProp", section 4.6; Glorot & Bengio 2010, "Understanding the difficulty of training
deep feedforward neural networks", equation 16; He et al. 2015, "Delving deep into rectifiers", equation 10.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray


def variance_scaling(
    rng: np.random.RandomState, n_in: int, n_out: int, *, gain: float, fan: Callable, distribution: str
) -> tuple:
    """Draw weights of variance ``gain / fan``; biases are zero.

    Parameters
    ----------
    rng : numpy.random.RandomState
        Source of randomness.
    n_in, n_out : int
        Inputs and outputs of the layer.
    gain : float
        Makes up for the variance that the activation takes away: 1 for none, 2 for relu.
    fan : callable
        ``(n_in, n_out) -> number`` of terms over which the variance is spread.
    distribution : {"uniform", "normal"}
        A uniform in (-r, r), whose variance is ``r**2 / 3``, or a normal.

    Returns
    -------
    W : ndarray of shape (n_in, n_out)
        Weights.
    b : ndarray of shape (n_out,)
        Biases.

    Examples
    --------
    >>> import numpy as np
    >>> W, b = variance_scaling(np.random.RandomState(0), 200, 300, gain=2.0, fan=fan_in, distribution="normal")
    >>> round(float(W.var()) * 200, 1), bool(b.any())
    (2.0, False)
    """
    variance = gain / fan(n_in, n_out)
    if distribution == "uniform":
        bound = math.sqrt(3 * variance)
        return rng.uniform(-bound, bound, (n_in, n_out)), np.zeros(n_out)
    return rng.standard_normal((n_in, n_out)) * math.sqrt(variance), np.zeros(n_out)


def fan_in(n_in: int, n_out: int) -> float:
    """Count the inputs: the variance of signals is kept on the way up.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of inputs and outputs.

    Returns
    -------
    fan : int
        ``n_in``.

    Examples
    --------
    >>> fan_in(2, 4)
    2
    """
    return n_in


def fan_mean(n_in: int, n_out: int) -> float:
    """Average inputs and outputs: a compromise between the way up and the way down.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of inputs and outputs.

    Returns
    -------
    fan : float
        ``(n_in + n_out) / 2``.

    Examples
    --------
    >>> fan_mean(2, 4)
    3.0
    """
    return (n_in + n_out) / 2


def _auto(gain, rng, n_in, n_out):
    bound = np.sqrt(gain / (n_in + n_out))
    W = rng.uniform(-bound, bound, (n_in, n_out))
    return W, rng.uniform(-bound, bound, n_out)


def auto(rng: np.random.RandomState, n_in: int, n_out: int) -> tuple:
    """Draw weights and biases as scikit-learn's ``MLPClassifier`` does: uniform with Glorot's bound.

    The bound is ``sqrt(6 / (n_in + n_out))`` (Glorot & Bengio 2010, equation 16), for the biases too.

    Parameters
    ----------
    rng : numpy.random.RandomState
        Source of randomness.
    n_in, n_out : int
        Inputs and outputs of the layer.

    Returns
    -------
    W : ndarray of shape (n_in, n_out)
        Weights.
    b : ndarray of shape (n_out,)
        Biases.

    Examples
    --------
    >>> import numpy as np
    >>> W, b = auto(np.random.RandomState(0), 2, 3)
    >>> W.shape, b.shape
    ((2, 3), (3,))
    """
    return _auto(6.0, rng, n_in, n_out)


def auto_logistic(rng: np.random.RandomState, n_in: int, n_out: int) -> tuple[NDArray, NDArray]:
    """Draw as :func:`auto` with the bound ``sqrt(2 / (n_in + n_out))``, scikit-learn's choice for logistic units.

    Parameters
    ----------
    rng, n_in, n_out
        As for :func:`auto`.

    Returns
    -------
    W, b
        As for :func:`auto`.

    Examples
    --------
    >>> import numpy as np
    >>> W, b = auto_logistic(np.random.RandomState(0), 1, 1)
    >>> bool(abs(W[0, 0]) <= 1)
    True
    """
    return _auto(2.0, rng, n_in, n_out)


glorot_uniform = partial(variance_scaling, gain=1.0, fan=fan_mean, distribution="uniform")
glorot_normal = partial(variance_scaling, gain=1.0, fan=fan_mean, distribution="normal")
he_uniform = partial(variance_scaling, gain=2.0, fan=fan_in, distribution="uniform")
he_normal = partial(variance_scaling, gain=2.0, fan=fan_in, distribution="normal")
lecun_uniform = partial(variance_scaling, gain=1.0, fan=fan_in, distribution="uniform")


def lecun_normal(rng: np.random.RandomState, n_in: int, n_out: int) -> tuple[NDArray, NDArray]:
    """Draw standard normal weights over ``sqrt(n_in)``; biases zero (LeCun et al. 1998, section 4.6).

    Parameters
    ----------
    rng, n_in, n_out
        As for :func:`auto`.

    Returns
    -------
    W, b
        As for :func:`auto`.

    Examples
    --------
    >>> import numpy as np
    >>> W, b = lecun_normal(np.random.RandomState(0), 4, 1)
    >>> bool(W[0, 0] == np.random.RandomState(0).randn() / 2)
    True
    """
    return rng.standard_normal((n_in, n_out)) / np.sqrt(n_in), np.zeros(n_out)


def uniform(rng: np.random.RandomState, n_in: int, n_out: int) -> tuple[NDArray, NDArray]:
    """Draw weights and biases uniformly in (-1, 1), whatever the layer's size.

    Parameters
    ----------
    rng, n_in, n_out
        As for :func:`auto`.

    Returns
    -------
    W, b
        As for :func:`auto`.

    Examples
    --------
    >>> import numpy as np
    >>> W, b = uniform(np.random.RandomState(0), 2, 1)
    >>> bool((abs(W) < 1).all())
    True
    """
    return rng.uniform(-1, 1, (n_in, n_out)), rng.uniform(-1, 1, n_out)


INITIALIZERS = {
    "auto": auto,
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_uniform": lecun_uniform,
    "lecun_normal": lecun_normal,
    "uniform": uniform,
}
