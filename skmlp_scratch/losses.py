r"""Losses: how wrong the raw predictions are, and in which direction they should move.

The network ends in ``raw`` predictions. A *link* turns them into what is asked for (probabilities, counts), and a loss
measures those against ``y``. Loss and link belong together: for the natural pairs the gradient with respect to ``raw``
is simply ``y_pred - y``, and value and gradient stay exact where the probability itself has long rounded to 0 or 1.
So nothing here is ever clipped.

Every loss has ``value_and_grad(y, raw, sample_weight)``, the weighted *sum* over the rows and its gradient, and
``inverse_link(raw)``, the prediction. Classification losses sum over outputs; regression losses take their mean.

Examples
--------
>>> import numpy as np
>>> from skmlp_scratch.losses import LOSSES
>>> loss = LOSSES["binary_cross_entropy"]()
>>> value, d_raw = loss.value_and_grad(np.array([[1.0]]), np.array([[-800.0]]), None)
>>> value, d_raw
(800.0, array([[-1.]]))
"""

import numpy as np
from scipy.special import expit, log_expit
from sklearn.base import BaseEstimator

from ._checks import check_number


class IdentityLink:
    """``y_pred = raw``.

    Examples
    --------
    >>> IdentityLink().inverse(2.0)
    2.0
    """

    out_activation = "identity"

    def inverse(self, raw):
        """Raw predictions to predictions."""
        return raw

    def log_inverse(self, raw):
        """Logarithm of the prediction; minus infinity where that is 0."""
        return np.log(self.inverse(raw))

    def pull_back(self, y_pred, d_pred):
        """Gradient with respect to the prediction to gradient with respect to ``raw``."""
        return d_pred


class LogLink(IdentityLink):
    """``y_pred = exp(raw)``: positive predictions.

    Examples
    --------
    >>> import numpy as np
    >>> LogLink().inverse(np.zeros(1))
    array([1.])
    """

    out_activation = "exp"

    def inverse(self, raw):
        """Raw predictions to predictions."""
        return np.exp(raw)

    def pull_back(self, y_pred, d_pred):
        """Gradient with respect to the prediction to gradient with respect to ``raw``."""
        return d_pred * y_pred


class LogisticLink(IdentityLink):
    """``y_pred = 1 / (1 + exp(-raw))``: a probability for each output.

    Examples
    --------
    >>> import numpy as np
    >>> LogisticLink().log_inverse(np.array([-800.0]))
    array([-800.])
    """

    out_activation = "logistic"

    def inverse(self, raw):
        """Raw predictions to predictions."""
        return expit(raw)

    def log_inverse(self, raw):
        """Logarithm of the prediction, exact where the prediction underflows."""
        return log_expit(raw)

    def pull_back(self, y_pred, d_pred):
        """Gradient with respect to the prediction to gradient with respect to ``raw``."""
        return d_pred * y_pred * (1 - y_pred)


class SoftmaxLink(IdentityLink):
    """``y_pred_k = exp(raw_k) / sum_j exp(raw_j)``: probabilities that sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> SoftmaxLink().log_inverse(np.array([[0.0, -800.0]]))
    array([[   0., -800.]])
    """

    out_activation = "softmax"

    def inverse(self, raw):
        """Raw predictions to predictions."""
        y_pred = np.exp(raw - raw.max(axis=1, keepdims=True))
        y_pred /= y_pred.sum(axis=1, keepdims=True)
        return y_pred

    def log_inverse(self, raw):
        """Logarithm of the prediction, exact where the prediction underflows."""
        shifted = raw - raw.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def pull_back(self, y_pred, d_pred):
        """Gradient with respect to the prediction to gradient with respect to ``raw``."""
        return y_pred * (d_pred - (d_pred * y_pred).sum(axis=1, keepdims=True))


LINKS = {"identity": IdentityLink, "log": LogLink, "logistic": LogisticLink, "softmax": SoftmaxLink}


class Loss(BaseEstimator):
    """Base of the losses: a pointwise loss of prediction and target behind a link.

    A subclass gives ``_pointwise(y, y_pred) -> (values, d_pred)``. A loss of one's own needs only ``value_and_grad``
    and ``inverse_link``; it does not have to inherit from this class.

    Parameters
    ----------
    link : {"identity", "log", "logistic", "softmax"}, default="identity"
        From raw predictions to predictions.

    Examples
    --------
    >>> import numpy as np
    >>> SquaredError(link="logistic").inverse_link(np.zeros((1, 1)))
    array([[0.5]])
    """

    def __init__(self, link="identity"):
        self.link = link

    @property
    def _link(self):
        if self.link not in tuple(LINKS):
            raise ValueError(f"link={self.link!r} is unknown; choose one of {', '.join(map(repr, LINKS))}.")
        return LINKS[self.link]()

    @property
    def out_activation(self):
        """Name of the output activation, as scikit-learn's ``out_activation_`` has it."""
        return self._link.out_activation

    def inverse_link(self, raw):
        """Turn raw predictions into predictions.

        Parameters
        ----------
        raw : ndarray of shape (n_samples, n_outputs)
            What the network puts out.

        Returns
        -------
        y_pred : ndarray of shape (n_samples, n_outputs)
        """
        return self._link.inverse(raw)

    def log_inverse_link(self, raw):
        """Logarithm of the prediction, exact where the prediction itself underflows.

        Parameters
        ----------
        raw : ndarray of shape (n_samples, n_outputs)
            What the network puts out.

        Returns
        -------
        log_y_pred : ndarray of shape (n_samples, n_outputs)
        """
        return self._link.log_inverse(raw)

    def check_targets(self, y):
        """Raise a ValueError if the loss cannot take these targets.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_outputs)
            Targets.
        """

    def value_and_grad(self, y, raw, sample_weight):
        """Weighted sum of the loss over the rows, and its gradient.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_outputs)
            Targets.
        raw : ndarray of shape (n_samples, n_outputs)
            Raw predictions; left as they are.
        sample_weight : ndarray of shape (n_samples,) or None
            None counts every row once.

        Returns
        -------
        value : float
        d_raw : ndarray of shape (n_samples, n_outputs)
        """
        link, n_outputs = self._link, raw.shape[1]
        y_pred = link.inverse(raw)
        values, d_pred = self._pointwise(y, y_pred)
        d_raw = link.pull_back(y_pred, d_pred)
        if n_outputs > 1:
            d_raw = d_raw / n_outputs
        return _weigh(values.mean(axis=1), d_raw, sample_weight)


def _weigh(values, d_raw, sample_weight):
    """Weighted sum of the rows' values; the rows' gradients times their weights."""
    if sample_weight is None:
        return float(values.sum()), d_raw
    return float(np.dot(values, sample_weight)), d_raw * sample_weight[:, np.newaxis]


class BinaryCrossEntropy(Loss):
    r"""Log loss with a logistic output each: :math:`\log(1 + e^z) - y z`, summed over the outputs.

    Targets lie in [0, 1]; several outputs are several independent yes-or-no questions (Bishop 2006, section 5.2).

    Examples
    --------
    >>> import numpy as np
    >>> round(BinaryCrossEntropy().value_and_grad(np.ones((1, 1)), np.zeros((1, 1)), None)[0], 4)
    0.6931
    """

    def __init__(self):
        super().__init__("logistic")

    def check_targets(self, y):
        """Raise a ValueError for targets outside [0, 1]."""
        if not ((y >= 0) & (y <= 1)).all():
            raise ValueError(f"binary_cross_entropy needs y from 0 to 1, and y goes from {y.min()} to {y.max()}.")

    def value_and_grad(self, y, raw, sample_weight):
        """As :meth:`Loss.value_and_grad`, exact at any logit."""
        # log(1 + exp(raw)) - y raw, of two parts of which neither cancels.
        values = np.log1p(np.exp(-np.abs(raw)))
        values += np.maximum(raw, 0) - y * raw
        d_raw = expit(raw)
        d_raw -= y
        if sample_weight is None:
            return float(np.add.reduce(values, axis=None)), d_raw
        return _weigh(values.sum(axis=1), d_raw, sample_weight)


class CategoricalCrossEntropy(Loss):
    r"""Log loss with a softmax output: :math:`\log \sum_j e^{z_j} - \sum_k y_k z_k` (Bishop 2006, section 5.2).

    Targets are one-hot rows, or any rows that sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> round(CategoricalCrossEntropy().value_and_grad(np.eye(2)[:1], np.zeros((1, 2)), None)[0], 4)
    0.6931
    """

    def __init__(self):
        super().__init__("softmax")

    def check_targets(self, y):
        """Raise a ValueError unless every row has no negative entry and sums to one."""
        if (y < 0).any():
            raise ValueError(f"categorical_cross_entropy needs y of at least 0, and y has {y.min()}.")
        if not np.allclose(y.sum(axis=1), 1, atol=1e-5):
            raise ValueError(
                "categorical_cross_entropy needs exactly one class a row, and y has rows that do not sum to one; "
                "for multilabel targets use loss='binary_cross_entropy'."
            )

    def value_and_grad(self, y, raw, sample_weight):
        """As :meth:`Loss.value_and_grad`, exact at any logit."""
        # Written out, for it is in every step: scipy's logsumexp takes 46 us on 32 x 3, all of this 10.
        shifted = raw - np.maximum.reduce(raw, axis=1, keepdims=True)
        d_raw = np.exp(shifted)
        total = np.add.reduce(d_raw, axis=1, keepdims=True)
        d_raw /= total
        d_raw -= y
        log_total = np.log(total)
        if sample_weight is None:
            return float(np.add.reduce(log_total, axis=None) - np.vdot(y.T, shifted.T)), d_raw
        return _weigh(log_total[:, 0] - (y * shifted).sum(axis=1), d_raw, sample_weight)


class LogLoss(Loss):
    """Log loss that follows the network's width: logistic for one output, softmax for more.

    Examples
    --------
    >>> import numpy as np
    >>> LogLoss().inverse_link(np.zeros((1, 2)))
    array([[0.5, 0.5]])
    """

    def __init__(self):
        """Take nothing: the width decides."""

    def for_outputs(self, n_outputs):
        """Give the loss of this width.

        Parameters
        ----------
        n_outputs : int
            Of the network.

        Returns
        -------
        Loss
        """
        return BinaryCrossEntropy() if n_outputs == 1 else CategoricalCrossEntropy()

    out_activation = "logistic or softmax"

    def inverse_link(self, raw):
        """As :meth:`Loss.inverse_link`."""
        return self.for_outputs(raw.shape[1]).inverse_link(raw)

    def log_inverse_link(self, raw):
        """As :meth:`Loss.log_inverse_link`."""
        return self.for_outputs(raw.shape[1]).log_inverse_link(raw)

    def check_targets(self, y):
        """As :meth:`Loss.check_targets`."""
        self.for_outputs(y.shape[1]).check_targets(y)

    def value_and_grad(self, y, raw, sample_weight):
        """As :meth:`Loss.value_and_grad`."""
        return self.for_outputs(raw.shape[1]).value_and_grad(y, raw, sample_weight)


class SquaredError(Loss):
    r"""Half the squared error, :math:`(\hat y - y)^2 / 2`, behind any link.

    Parameters
    ----------
    link : {"identity", "log", "logistic", "softmax"}, default="identity"
        From raw predictions to predictions.

    Examples
    --------
    >>> import numpy as np
    >>> SquaredError().value_and_grad(np.array([[1.0]]), np.array([[3.0]]), None)
    (2.0, array([[2.]]))
    """

    def _pointwise(self, y, y_pred):
        error = y_pred - y
        return 0.5 * error * error, error


class AbsoluteError(Loss):
    r"""The absolute error :math:`|\hat y - y|`, minimal at the median; its slope at zero is taken as 0.

    Parameters
    ----------
    link : {"identity", "log", "logistic"}, default="identity"
        From raw predictions to predictions.

    Examples
    --------
    >>> import numpy as np
    >>> AbsoluteError().value_and_grad(np.array([[1.0]]), np.array([[3.0]]), None)
    (2.0, array([[1.]]))
    """

    def _pointwise(self, y, y_pred):
        error = y_pred - y
        return np.abs(error), np.sign(error)


class Huber(Loss):
    r"""Squared within ``delta``, linear beyond: outliers pull with a bounded force (Huber 1964).

    :math:`r^2 / 2` for :math:`|r| \le \delta`, else :math:`\delta (|r| - \delta / 2)`.

    Parameters
    ----------
    delta : float, default=1.0
        Where squared turns linear, in units of y; above 0.
    link : {"identity", "log", "logistic"}, default="identity"
        From raw predictions to predictions.

    Examples
    --------
    >>> import numpy as np
    >>> Huber(delta=1.0).value_and_grad(np.array([[1.0]]), np.array([[3.0]]), None)
    (1.5, array([[1.]]))
    """

    def __init__(self, delta=1.0, link="identity"):
        self.delta, self.link = delta, link

    def check_targets(self, y):
        """Check ``delta``; any target will do."""
        check_number("delta", self.delta, low=0, open_low=True)

    def _pointwise(self, y, y_pred):
        error = y_pred - y
        delta = float(self.delta)
        inner = np.clip(error, -delta, delta)
        return inner * (error - 0.5 * inner), inner


class Quantile(Loss):
    r"""The pinball loss, minimal at a quantile of y (Koenker & Bassett 1978).

    :math:`q\,(y - \hat y)` below the target, :math:`(1 - q)(\hat y - y)` above it.

    Parameters
    ----------
    quantile : float, default=0.5
        q, in (0, 1).
    link : {"identity", "log", "logistic"}, default="identity"
        From raw predictions to predictions.

    Examples
    --------
    >>> import numpy as np
    >>> Quantile(0.75).value_and_grad(np.array([[3.0]]), np.array([[1.0]]), None)
    (1.5, array([[-0.75]]))
    """

    def __init__(self, quantile=0.5, link="identity"):
        self.quantile, self.link = quantile, link

    def check_targets(self, y):
        """Check ``quantile``; any target will do."""
        check_number("quantile", self.quantile, low=0, high=1, open_low=True, open_high=True)

    def _pointwise(self, y, y_pred):
        error = y_pred - y
        slope = np.where(error > 0, error.dtype.type(1 - self.quantile), error.dtype.type(-self.quantile))
        slope[error == 0] = 0
        return slope * error, slope


class Poisson(Loss):
    r"""Half the Poisson deviance with a log link: :math:`y \log(y / \hat y) - y + \hat y`, for counts.

    Examples
    --------
    >>> import numpy as np
    >>> Poisson().value_and_grad(np.array([[1.0]]), np.array([[0.0]]), None)
    (0.0, array([[0.]]))
    """

    def __init__(self):
        super().__init__("log")

    def check_targets(self, y):
        """Raise a ValueError for negative targets."""
        if not (y >= 0).all():
            raise ValueError(f"loss='poisson' needs y of at least 0, and y has {y.min()}; use loss='squared_error'.")

    def value_and_grad(self, y, raw, sample_weight):
        """As :meth:`Loss.value_and_grad`, from ``raw`` so that nothing is divided."""
        y_pred = np.exp(raw)
        log_ratio = raw - np.log(y, out=np.zeros_like(raw), where=y > 0)
        values = y_pred - y - y * log_ratio
        close = (np.abs(log_ratio) < 1) & (y > 0)  # there the terms would cancel
        values[close] = y[close] * (np.expm1(log_ratio[close]) - log_ratio[close])
        return _weigh(values.mean(axis=1), (y_pred - y) / raw.shape[1], sample_weight)


class Gamma(Loss):
    r"""Half the gamma deviance with a log link: :math:`y / \hat y - \log(y / \hat y) - 1`, for positive amounts.

    Examples
    --------
    >>> import numpy as np
    >>> value, d_raw = Gamma().value_and_grad(np.array([[2.0]]), np.array([[0.0]]), None)
    >>> round(value, 4), d_raw
    (0.3069, array([[-1.]]))
    """

    def __init__(self):
        super().__init__("log")

    def check_targets(self, y):
        """Raise a ValueError for targets that are not positive."""
        if not (y > 0).all():
            raise ValueError(f"loss='gamma' needs y above 0, and y has {y.min()}; use loss='poisson' for zeros.")

    def value_and_grad(self, y, raw, sample_weight):
        """As :meth:`Loss.value_and_grad`, from ``raw`` so that nothing underflows."""
        log_ratio = np.log(y) - raw
        excess = np.expm1(log_ratio)
        return _weigh((excess - log_ratio).mean(axis=1), -excess / raw.shape[1], sample_weight)


LOSSES = {
    "log_loss": LogLoss,
    "binary_cross_entropy": BinaryCrossEntropy,
    "categorical_cross_entropy": CategoricalCrossEntropy,
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "gamma": Gamma,
}
