"""Probabilities: floating-point numbers that keep the order of the logits where exact ones would round to 0 or 1."""

import numpy as np

# Binary digits below 1 that tell saturated probabilities apart.
DIGITS = {np.dtype(np.float64): 12, np.dtype(np.float32): 5}


def above_zero(y_prob, log_y_prob):
    """Replace what underflows by numbers below the smallest normal one, decreasing as the logarithms do.

    A probability p below the smallest normal number t becomes ``t log(t) / log(p)``: order is kept, within rows and
    columns, and the logarithm stays finite.

    Parameters
    ----------
    y_prob : ndarray
        Probabilities.
    log_y_prob : callable
        Returns their exact logarithms; called only if something underflows.

    Returns
    -------
    y_prob : ndarray

    Examples
    --------
    >>> log_p = np.array([-900.0, -800.0, 0.0])
    >>> above_zero(np.exp(log_p), lambda: log_p).argsort()
    array([0, 1, 2])
    """
    smallest = np.finfo(y_prob.dtype).tiny
    if not y_prob.size or y_prob.min() >= smallest:
        return y_prob
    low = y_prob < smallest
    floor = np.log(smallest)
    with np.errstate(divide="ignore"):  # of a custom link the logarithm may be minus infinity
        lifted = smallest * (floor / np.minimum(log_y_prob(), floor))
    return np.where(low, np.maximum(lifted, np.finfo(y_prob.dtype).smallest_subnormal), y_prob)


def below_one(y_prob, raw):
    """Replace logistic probabilities that round to 1 by the last numbers below it, increasing as the logits do.

    Parameters
    ----------
    y_prob : ndarray
        Probabilities.
    raw : ndarray
        Logits.

    Returns
    -------
    y_prob : ndarray

    Examples
    --------
    >>> p = below_one(np.array([1.0, 1.0]), np.array([40.0, 50.0]))
    >>> bool(p[0] < p[1] < 1)
    True
    """
    step, digits = np.finfo(y_prob.dtype).epsneg, DIGITS[y_prob.dtype]
    first = -np.log(step * 2**digits)  # the logit from which on the last digits are used
    high = raw > first
    if not high.any():
        return y_prob
    steps = np.maximum(np.ceil(2**digits * first / np.where(high, raw, first)), 1)
    return np.where(high, 1 - steps * step, y_prob).astype(y_prob.dtype)
