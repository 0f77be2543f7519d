"""Probabilities: floating-point numbers that keep the order of the logits where exact ones would round to 0 or 1."""

import functools

import numpy as np
from scipy.special import expit, log_expit

# Binary digits below 1 that tell saturated probabilities apart.
DIGITS: dict[np.dtype, int] = {np.dtype(np.float64): 12, np.dtype(np.float32): 5}
SIGNS = {dtype: np.array([-1, 1], dtype) for dtype in DIGITS}


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
    smallest = _smallest_normal(y_prob.dtype)
    if not y_prob.size or np.minimum.reduce(y_prob, axis=None) >= smallest:
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


def probabilities(loss, raw, logistic):
    """Return the probabilities of the classes, or of labels.

    Parameters
    ----------
    loss : Loss
        Has the inverse link.
    raw : ndarray of shape (n_samples, n_outputs)
        Logits.
    logistic : bool
        Whether the inverse link is the logistic function.

    Returns
    -------
    y_prob : ndarray of shape (n_samples, n_classes)
        Two columns for one output.
    """
    if raw.shape[1] == 1 and logistic:
        both = _of_both_classes(raw)
        return above_zero(expit(both), lambda: log_expit(both))
    y_prob = loss.inverse_link(raw)
    if raw.shape[1] == 1:
        return np.hstack([1 - y_prob, y_prob])
    y_prob = below_one(y_prob, raw) if logistic else y_prob
    return above_zero(y_prob, lambda: loss.log_inverse_link(raw))


def log_probabilities(loss, raw, logistic):
    """Return logarithms of :func:`probabilities`, exact where these underflow.

    Parameters
    ----------
    loss, raw, logistic
        As for :func:`probabilities`.

    Returns
    -------
    log_y_prob : ndarray of shape (n_samples, n_classes)
    """
    if raw.shape[1] > 1:
        return loss.log_inverse_link(raw)
    return log_expit(_of_both_classes(raw)) if logistic else np.log(probabilities(loss, raw, logistic))


@functools.lru_cache
def _smallest_normal(dtype):
    """The smallest normal number; asking numpy each time takes longer than the probabilities of a row."""
    return np.finfo(dtype).tiny


def _of_both_classes(raw):
    """Logits of both classes from those of the second; for a single row faster than stacking two columns."""
    return raw * SIGNS[raw.dtype]
