"""Probabilities: floating-point numbers near 0 and 1 that keep the order of the logits."""

import numpy as np


def inside(y_prob):
    """Move probabilities that round to 0 or 1 strictly between them.

    Parameters
    ----------
    y_prob : ndarray
        Probabilities.

    Returns
    -------
    y_prob : ndarray

    Examples
    --------
    >>> bool(inside(np.array([1.0]))[0] < 1)
    True
    """
    limits = np.finfo(y_prob.dtype)
    return np.clip(y_prob, limits.smallest_subnormal, 1 - limits.epsneg)


def in_order(y_prob, raw):
    """Tell apart probabilities that underflow or round to the same number although their logits differ.

    Each is moved to the next floating-point number, so that sorting by probability is sorting by logit.

    Parameters
    ----------
    y_prob : ndarray of shape (n_rows, n_classes)
        Probabilities, increasing with the logits within each row.
    raw : ndarray of shape (n_rows, n_classes)
        Logits.

    Returns
    -------
    y_prob : ndarray of shape (n_rows, n_classes)

    Examples
    --------
    >>> in_order(np.array([[0.0, 0.0, 1.0]]), np.array([[-800.0, -900.0, 0.0]])).argsort()
    array([[1, 0, 2]])
    """
    low, high = np.finfo(y_prob.dtype).tiny, 1 - np.finfo(y_prob.dtype).eps
    extreme = ((y_prob < low).sum(axis=1) > 1) | ((y_prob > high).sum(axis=1) > 1)
    if not extreme.any():
        return y_prob
    order = raw[extreme].argsort(axis=1, kind="stable")
    z, p = (np.take_along_axis(values[extreme], order, axis=1) for values in (raw, y_prob))
    n_classes = p.shape[1]
    for k in range(1, n_classes):  # upward from the smallest
        above = np.where(z[:, k] > z[:, k - 1], np.nextafter(p[:, k - 1], 2), p[:, k - 1])
        p[:, k] = np.where(p[:, k] < low, np.maximum(p[:, k], above), p[:, k])
    for k in range(n_classes - 2, -1, -1):  # downward from the largest
        below = np.where(z[:, k] < z[:, k + 1], np.nextafter(p[:, k + 1], -1), p[:, k + 1])
        p[:, k] = np.where(p[:, k] > high, np.minimum(p[:, k], below), p[:, k])
    ordered = np.empty_like(p)
    np.put_along_axis(ordered, order, p, axis=1)
    y_prob = y_prob.copy()
    y_prob[extreme] = ordered
    return y_prob
