r"""Activations: each is one function that returns its value and its own backward.

An activation bends a layer's pre-activation ``z`` element by element, ``a = f(z)``. By the chain rule an error
signal ``delta = dL/da`` that arrives from above leaves below as ``dL/dz = delta * f'(z)``. So every function here
computes ``a`` and hands back ``backward``, in which whatever the derivative needs is simply in scope.

An activation owns ``z`` and may overwrite it; ``backward`` may overwrite ``delta``. Any function of this form can be
passed wherever a name is accepted.

Examples
--------
>>> import numpy as np
>>> from skmlp_scratch.activations import ACTIVATIONS
>>> a, backward = ACTIVATIONS["relu"](np.array([[-1.0, 2.0]]))
>>> a
array([[0., 2.]])
>>> backward(np.array([[5.0, 5.0]]))
array([[0., 5.]])
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

LEAKY_SLOPE = 0.01
# The fixed point of mean 0 and variance 1, to double precision (Klambauer et al. 2017, equation 14).
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def identity(z: NDArray) -> tuple:
    """Pass z on unchanged: ``f(z) = z``, ``f' = 1``.

    Parameters
    ----------
    z : ndarray
        Pre-activations, any shape; this function owns them.

    Returns
    -------
    a : ndarray
        Activations, same shape.
    backward : callable
        ``backward(delta) -> delta * f'(z)``.

    Examples
    --------
    >>> import numpy as np
    >>> identity(np.array([1.0, -2.0]))[0]
    array([ 1., -2.])
    """
    return z, lambda delta: delta


def tanh(z: NDArray) -> tuple[NDArray, Callable]:
    """Hyperbolic tangent: ``f' = 1 - a**2`` (LeCun et al. 1998, "Efficient BackProp").

    Parameters
    ----------
    z : ndarray
        Pre-activations; overwritten.

    Returns
    -------
    a, backward
        As for :func:`identity`.

    Examples
    --------
    >>> import numpy as np
    >>> tanh(np.array([0.0]))[0]
    array([0.])
    """
    a = np.tanh(z, out=z)

    def backward(delta):
        slope = a * a
        np.subtract(1, slope, out=slope)
        slope *= delta
        return slope

    return a, backward


def logistic(z: NDArray) -> tuple[NDArray, Callable]:
    """Logistic sigmoid ``1 / (1 + exp(-z))``: ``f' = a (1 - a)``.

    Parameters
    ----------
    z : ndarray
        Pre-activations; overwritten.

    Returns
    -------
    a, backward
        As for :func:`identity`.

    Examples
    --------
    >>> import numpy as np
    >>> logistic(np.array([0.0]))[0]
    array([0.5])
    """
    a = expit(z, out=z)

    def backward(delta):
        slope = 1 - a
        slope *= a
        slope *= delta
        return slope

    return a, backward


def relu(z: NDArray) -> tuple[NDArray, Callable]:
    """Rectified linear unit ``max(z, 0)``; the slope at the kink is taken as 0 (Nair & Hinton 2010).

    Parameters
    ----------
    z : ndarray
        Pre-activations; overwritten.

    Returns
    -------
    a, backward
        As for :func:`identity`.

    Examples
    --------
    >>> import numpy as np
    >>> relu(np.array([-1.0, 3.0]))[0]
    array([0., 3.])
    """
    a = np.maximum(z, 0, out=z)

    def backward(delta):
        delta *= a > 0
        return delta

    return a, backward


def leaky_relu(z: NDArray) -> tuple[NDArray, Callable]:
    """Leaky rectifier: z above zero, ``0.01 z`` below (Maas et al. 2013).

    Parameters
    ----------
    z : ndarray
        Pre-activations.

    Returns
    -------
    a, backward
        As for :func:`identity`.

    Examples
    --------
    >>> import numpy as np
    >>> leaky_relu(np.array([-1.0, 3.0]))[0]
    array([-0.01,  3.  ])
    """
    slope = np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAKY_SLOPE))
    z *= slope
    return z, lambda delta: delta * slope


def elu(z: NDArray) -> tuple[NDArray, Callable]:
    """Exponential linear unit: z above zero, ``exp(z) - 1`` below (Clevert et al. 2015).

    Parameters
    ----------
    z : ndarray
        Pre-activations.

    Returns
    -------
    a, backward
        As for :func:`identity`.

    Examples
    --------
    >>> import numpy as np
    >>> elu(np.array([0.0, 3.0]))[0]
    array([0., 3.])
    """
    a = np.maximum(z, np.expm1(np.minimum(z, 0)))
    return a, lambda delta: delta * (np.minimum(a, 0) + 1)


def selu(z: NDArray) -> tuple[NDArray, Callable]:
    """Scaled exponential linear unit, which keeps mean 0 and variance 1 (Klambauer et al. 2017).

    ``1.0507 z`` above zero, ``1.0507 * 1.6733 (exp(z) - 1)`` below. Meant for ``init="lecun_normal"``.

    Parameters
    ----------
    z : ndarray
        Pre-activations.

    Returns
    -------
    a, backward
        As for :func:`identity`.

    Examples
    --------
    >>> import numpy as np
    >>> selu(np.array([0.0, 1.0]))[0].round(4)
    array([0.    , 1.0507])
    """
    positive = z > 0
    negative = SELU_SCALE * SELU_ALPHA * np.expm1(np.minimum(z, 0))
    a = np.where(positive, SELU_SCALE * z, negative)
    return a, lambda delta: delta * np.where(positive, z.dtype.type(SELU_SCALE), negative + SELU_SCALE * SELU_ALPHA)


def gelu(z: NDArray) -> tuple[NDArray, Callable]:
    """Gaussian error linear unit ``z Phi(z)``, exact through erf (Hendrycks & Gimpel 2016).

    ``Phi`` is the standard normal distribution function; ``f' = Phi(z) + z phi(z)`` with its density ``phi``.

    Parameters
    ----------
    z : ndarray
        Pre-activations.

    Returns
    -------
    a, backward
        As for :func:`identity`.

    Examples
    --------
    >>> import numpy as np
    >>> gelu(np.array([0.0, 1.0]))[0].round(4)
    array([0.    , 0.8413])
    """
    cdf = 0.5 * (1 + erf(z / math.sqrt(2)))
    return z * cdf, lambda delta: delta * (cdf + z * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi))


def silu(z: NDArray) -> tuple[NDArray, Callable]:
    """Sigmoid linear unit, or swish: ``z s(z)`` with the logistic s (Elfwing et al. 2017).

    ``f' = s + z s (1 - s)``.

    Parameters
    ----------
    z : ndarray
        Pre-activations.

    Returns
    -------
    a, backward
        As for :func:`identity`.

    Examples
    --------
    >>> import numpy as np
    >>> silu(np.array([0.0, 1.0]))[0].round(4)
    array([0.    , 0.7311])
    """
    # Written out: numpy's exponential is several times as fast as scipy's logistic function.
    s = np.negative(z)
    with np.errstate(over="ignore"):  # 1 / inf is the right answer
        np.exp(s, out=s)
    s += 1
    np.reciprocal(s, out=s)
    a = np.multiply(z, s, out=z)

    def backward(delta):
        slope = 1 - s
        slope *= a
        slope += s
        slope *= delta
        return slope

    return a, backward


def mish(z: NDArray) -> tuple[NDArray, Callable]:
    """Mish: ``z tanh(softplus(z))`` (Misra 2019).

    With ``t = tanh(softplus(z))`` and the logistic s: ``f' = t + z (1 - t**2) s``.

    Parameters
    ----------
    z : ndarray
        Pre-activations.

    Returns
    -------
    a, backward
        As for :func:`identity`.

    Examples
    --------
    >>> import numpy as np
    >>> mish(np.array([0.0, 1.0]))[0].round(4)
    array([0.    , 0.8651])
    """
    t = np.tanh(np.logaddexp(0, z))
    return z * t, lambda delta: delta * (t + z * (1 - t * t) * expit(z))


def softplus(z: NDArray) -> tuple[NDArray, Callable]:
    """Softplus ``log(1 + exp(z))``, a smooth relu whose slope is the logistic (Dugas et al. 2001).

    Parameters
    ----------
    z : ndarray
        Pre-activations.

    Returns
    -------
    a, backward
        As for :func:`identity`.

    Examples
    --------
    >>> import numpy as np
    >>> softplus(np.array([0.0]))[0].round(4)
    array([0.6931])
    """
    return np.logaddexp(0, z), lambda delta: delta * expit(z)


ACTIVATIONS = {
    "identity": identity,
    "tanh": tanh,
    "logistic": logistic,
    "sigmoid": logistic,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": selu,
    "gelu": gelu,
    "silu": silu,
    "swish": silu,
    "mish": mish,
    "softplus": softplus,
}
