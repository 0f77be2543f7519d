r"""Calibration: one number that makes probabilities as sure of themselves as they should be.

A network that was trained for long is too sure of itself, one trained on smoothed labels not sure enough. Scaling the
raw predictions by a temperature changes no label, and the log loss has a single minimum in it (Guo et al. 2017, "On
calibration of modern neural networks"). Here the temperature multiplies: ``softmax(temperature * raw)``.

Examples
--------
>>> import numpy as np
>>> raw = np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 0.0]])  # right three times in four, and very sure
>>> round(best_temperature(np.array([0, 0, 1, 1]), raw), 4)
0.2747
>>> round(float(np.log(3)) / 4, 4)
0.2747
"""

import math

import numpy as np
from scipy.special import logsumexp, softmax

LIMIT = math.log(1e4)  # the temperature lies between 1e-4 and 1e4
FLAT = 1e-7  # a slope of the log loss that is not worth following
MAX_STEPS = 100


def best_temperature(y, raw, sample_weight=None):
    r"""Find the factor on raw predictions that gives the lowest log loss.

    With :math:`u` the logarithm of the temperature :math:`\beta = e^u`, the mean log loss has the derivatives

    .. math:: f'(u) = \beta\, \overline{E_p[z] - z_y}, \qquad
        f''(u) = f'(u) + \beta^2\, \overline{\mathrm{Var}_p[z]}

    where p is the softmax of :math:`\beta z`. Newton's steps that leave the interval in which the minimum is known to
    lie are replaced by halving it. The search begins at 1 and ends where the slope is below 1e-7: where all rows are
    right, the loss falls for ever, and no more certainty is claimed than that.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class indices, or one row of shares per sample; for one output zeros and ones.
    raw : ndarray of shape (n_samples, n_outputs)
        Raw predictions before the softmax, or before the logistic where there is one output.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights of the rows; None counts each once.

    Returns
    -------
    temperature : float
        From 1e-4 to 1e4. 1 where the predictions say nothing.

    Examples
    --------
    >>> import numpy as np
    >>> best_temperature(np.array([0, 1]), np.zeros((2, 2)))
    1.0
    """
    raw = _two_sided(raw)
    target = _expected(np.asarray(y), raw)
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)

    def derivatives(u):
        beta = math.exp(u)
        p = softmax(beta * raw, axis=1)
        mean = (p * raw).sum(axis=1)
        slope = beta * np.average(mean - target, weights=weights)
        spread = (p * (raw - mean[:, np.newaxis]) ** 2).sum(axis=1)
        return slope, slope + beta**2 * np.average(spread, weights=weights)

    low, high, u = -LIMIT, LIMIT, 0.0
    for _ in range(MAX_STEPS):
        slope, curvature = derivatives(u)
        if slope == 0:
            break
        low, high = (low, u) if slope > 0 else (u, high)
        step = u - slope / curvature if curvature > 0 else math.inf
        u = step if low < step < high else (low + high) / 2
        if abs(slope) < FLAT or high - low < FLAT:
            break
    return math.exp(u)


def calibrated_loss(y, raw, sample_weight=None, *, logistic=False):
    """Return the log loss with the best temperature, and that temperature.

    The temperature is found as if one more row had every class in equal parts: a few rows that are all right are no
    reason to be sure of everything.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_outputs)
        One row of zeros and ones, or of shares, per sample.
    raw : ndarray of shape (n_samples, n_outputs)
        Raw predictions before the softmax or the logistic.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights of the rows; None counts each once.
    logistic : bool, default=False
        Whether each output is a yes-or-no question of its own. The loss is their sum, and they share the temperature.

    Returns
    -------
    loss, temperature : float
        The two are nan and 1 where a prediction is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> raw = np.array([[4.0], [4.0], [-4.0], [4.0]])
    >>> loss, temperature = calibrated_loss(np.array([[1], [1], [0], [0]]), raw, logistic=True)
    >>> round(loss, 2), round(temperature, 2)
    (0.57, 0.21)
    """
    if not np.isfinite(raw).all():
        return math.nan, 1.0
    y, n_outputs = np.asarray(y, dtype=np.float64), raw.shape[1]
    n_rows = len(raw) if sample_weight is None else np.count_nonzero(sample_weight)
    if logistic:
        y, raw = y.reshape(-1, 1), raw.reshape(-1, 1)
        sample_weight = None if sample_weight is None else np.repeat(sample_weight, n_outputs)
    share = 1 / max(2, y.shape[1])
    temperature = best_temperature(y + (share - y) / (n_rows * (n_outputs if logistic else 1) + 1), raw, sample_weight)
    scaled = temperature * _two_sided(raw)
    losses = logsumexp(scaled, axis=1) - _expected(y, scaled)
    loss = np.average(losses, weights=None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64))
    return float(loss) * (n_outputs if logistic else 1), temperature


def _two_sided(raw):
    """The raw predictions in double precision; of a single output those of both classes."""
    raw = np.asarray(raw, dtype=np.float64)
    return np.hstack([np.zeros_like(raw), raw]) if raw.shape[1] == 1 else raw


def _expected(y, raw):
    """The raw prediction of each row's class, or its mean over the row's shares."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2:
        return (y * raw).sum(axis=1)
    if raw.shape[1] == 2 and y.dtype.kind == "f":  # shares of the second class
        return raw[:, 0] + y * (raw[:, 1] - raw[:, 0])
    return raw[np.arange(len(raw)), y.astype(int)]
