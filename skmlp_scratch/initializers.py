r"""Initializers: small random weights, so that neurons differ, scaled so that signals keep their size.

A neuron that sums ``n_in`` inputs of variance 1 with weights of variance ``v`` has variance ``n_in * v``. Keeping it at
1 on the way up asks for ``v = 1 / n_in`` (LeCun), on the way up and down for ``2 / (n_in + n_out)`` (Glorot), and
behind a relu, which halves it, for ``2 / n_in`` (He). A uniform in (-r, r) has variance ``r**2 / 3``.

An initializer is a function ``(rng, n_in, n_out) -> (W, b)`` with W of shape (n_in, n_out) and b of shape (n_out,).
"""

import math

import numpy as np


def _uniform(variance, rng, n_in, n_out):
    bound = math.sqrt(3 * variance)
    return rng.uniform(-bound, bound, (n_in, n_out)), np.zeros(n_out)


def _normal(variance, rng, n_in, n_out):
    return rng.standard_normal((n_in, n_out)) * math.sqrt(variance), np.zeros(n_out)


def _auto(gain, rng, n_in, n_out):
    bound = np.sqrt(gain / (n_in + n_out))
    W = rng.uniform(-bound, bound, (n_in, n_out))
    return W, rng.uniform(-bound, bound, n_out)


def auto(rng, n_in, n_out):
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


def auto_logistic(rng, n_in, n_out):
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


def glorot_uniform(rng, n_in, n_out):
    """Draw weights of variance ``2 / (n_in + n_out)`` uniformly; biases zero (Glorot & Bengio 2010).

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
    >>> glorot_uniform(np.random.RandomState(0), 2, 1)[1]
    array([0.])
    """
    return _uniform(2 / (n_in + n_out), rng, n_in, n_out)


def glorot_normal(rng, n_in, n_out):
    """Draw normal weights of variance ``2 / (n_in + n_out)``; biases zero (Glorot & Bengio 2010).

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
    >>> glorot_normal(np.random.RandomState(0), 2, 1)[1]
    array([0.])
    """
    return _normal(2 / (n_in + n_out), rng, n_in, n_out)


def he_uniform(rng, n_in, n_out):
    """Draw weights of variance ``2 / n_in`` uniformly, for relu; biases zero (He et al. 2015).

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
    >>> he_uniform(np.random.RandomState(0), 2, 1)[1]
    array([0.])
    """
    return _uniform(2 / n_in, rng, n_in, n_out)


def he_normal(rng, n_in, n_out):
    """Draw normal weights of variance ``2 / n_in``, for relu; biases zero (He et al. 2015).

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
    >>> he_normal(np.random.RandomState(0), 2, 1)[1]
    array([0.])
    """
    return _normal(2 / n_in, rng, n_in, n_out)


def lecun_uniform(rng, n_in, n_out):
    """Draw weights of variance ``1 / n_in`` uniformly; biases zero (LeCun et al. 1998, section 4.6).

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
    >>> lecun_uniform(np.random.RandomState(0), 2, 1)[1]
    array([0.])
    """
    return _uniform(1 / n_in, rng, n_in, n_out)


def lecun_normal(rng, n_in, n_out):
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


def uniform(rng, n_in, n_out):
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
