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

import copy
from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logit
from sklearn.base import BaseEstimator

from ._checks import Checked
from ._registry import resolve


def identity_link(raw: NDArray) -> tuple[NDArray, Callable]:
    """Predict ``raw`` itself.

    Parameters
    ----------
    raw : ndarray of shape (n_samples, n_outputs)
        Raw predictions; left as they are.

    Returns
    -------
    y_pred : ndarray of shape (n_samples, n_outputs)
        Predictions.
    pull_back : callable
        Takes the gradient with respect to ``y_pred`` to that with respect to ``raw``.

    Examples
    --------
    >>> identity_link(2.0)[0]
    2.0
    """
    return raw, lambda d_pred: d_pred


def log_link(raw: NDArray) -> tuple[NDArray, Callable]:
    """Predict positive numbers, ``exp(raw)``.

    Parameters
    ----------
    raw : ndarray of shape (n_samples, n_outputs)
        Raw predictions; left as they are.

    Returns
    -------
    y_pred, pull_back
        As for :func:`identity_link`.

    Examples
    --------
    >>> import numpy as np
    >>> log_link(np.zeros(1))[0]
    array([1.])
    """
    y_pred = np.exp(raw)
    return y_pred, lambda d_pred: d_pred * y_pred


def logistic_link(raw: NDArray) -> tuple[NDArray, Callable]:
    """Predict a probability per output, ``1 / (1 + exp(-raw))``.

    Parameters
    ----------
    raw : ndarray of shape (n_samples, n_outputs)
        Raw predictions; left as they are.

    Returns
    -------
    y_pred, pull_back
        As for :func:`identity_link`.

    Examples
    --------
    >>> import numpy as np
    >>> logistic_link(np.zeros(1))[0]
    array([0.5])
    """
    y_pred = expit(raw)
    return y_pred, lambda d_pred: d_pred * y_pred * (1 - y_pred)


def softmax_link(raw: NDArray) -> tuple[NDArray, Callable]:
    """Predict probabilities that sum to one, ``exp(raw_k) / sum_j exp(raw_j)``.

    Parameters
    ----------
    raw : ndarray of shape (n_samples, n_outputs)
        Raw predictions; left as they are.

    Returns
    -------
    y_pred, pull_back
        As for :func:`identity_link`.

    Examples
    --------
    >>> import numpy as np
    >>> softmax_link(np.zeros((1, 2)))[0]
    array([[0.5, 0.5]])
    """
    y_pred = np.exp(raw - raw.max(axis=1, keepdims=True))
    y_pred /= y_pred.sum(axis=1, keepdims=True)
    return y_pred, lambda d_pred: y_pred * (d_pred - (d_pred * y_pred).sum(axis=1, keepdims=True))


def _log_softmax(raw):
    shifted = raw - raw.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


LINKS = {"identity": identity_link, "log": log_link, "logistic": logistic_link, "softmax": softmax_link}
# From predictions back to raw predictions.
INVERSE_LINKS = {"identity": np.copy, "log": np.log, "logistic": logit, "softmax": np.log}
# Logarithms of predictions, exact where the predictions themselves underflow.
LOG_LINKS = {"identity": np.log, "log": np.copy, "logistic": log_expit, "softmax": _log_softmax}


class Loss(Checked, BaseEstimator):
    """Base class of the losses: a pointwise loss of prediction and target behind a link.

    A subclass gives ``_pointwise(y, y_pred) -> (values, d_pred)``, or ``_rowwise(y, raw) -> (values, d_raw)`` where the
    prediction itself would lose precision; the mean over outputs and the weights are added here. A custom loss needs
    only ``value_and_grad`` and ``inverse_link``; it does not have to inherit from this class.

    Parameters
    ----------
    link : {"identity", "log", "logistic", "softmax"}, default="identity"
        From raw predictions to predictions.

    Attributes
    ----------
    tasks : tuple of str
        What the loss is for: ``"classification"``, ``"regression"``, or both.

    Examples
    --------
    >>> import numpy as np
    >>> SquaredError(link="logistic").inverse_link(np.zeros((1, 1)))
    array([[0.5]])
    """

    tasks: tuple[str, ...] = ("classification", "regression")

    def __init__(self, link="identity"):
        self.link = link

    def check(self) -> None:
        """Raise a ValueError that names a parameter out of its bounds."""
        super().check()
        self._link  # noqa: B018

    @property
    def _link(self):
        if not isinstance(self.link, str):
            raise ValueError(f"link={self.link!r} is unknown; choose one of {', '.join(map(repr, LINKS))}.")
        return resolve(LINKS, self.link, "link")

    @property
    def out_activation(self) -> Any:
        """Name of the output activation, as in scikit-learn's ``out_activation_``; "custom" of an overridden link."""
        if type(self).inverse_link is not Loss.inverse_link:
            return "custom"
        return {"log": "exp"}.get(self.link, self.link)

    def inverse_link(self, raw: NDArray) -> NDArray:
        """Turn raw predictions into predictions.

        Parameters
        ----------
        raw : ndarray of shape (n_samples, n_outputs)
            What the network puts out.

        Returns
        -------
        y_pred : ndarray of shape (n_samples, n_outputs)
        """
        return self._link(raw)[0]

    def log_inverse_link(self, raw: NDArray) -> NDArray:
        """Logarithm of the prediction, exact where the prediction itself underflows.

        Parameters
        ----------
        raw : ndarray of shape (n_samples, n_outputs)
            What the network puts out.

        Returns
        -------
        log_y_pred : ndarray of shape (n_samples, n_outputs)
        """
        return LOG_LINKS[self.link](raw)

    def best_constant(self, y: NDArray, sample_weight: NDArray) -> NDArray:
        """Return the raw prediction that is best for every row alike: that of the mean, or of a quantile.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_outputs)
            Targets.
        sample_weight : ndarray of shape (n_samples,) or None
            Weights of the rows.

        Returns
        -------
        raw : ndarray of shape (1, n_outputs) or None
            None where it is not known.
        """
        with np.errstate(divide="ignore"):  # a class that is absent has the logit minus infinity
            return INVERSE_LINKS[self.link](self._center(y, sample_weight))

    def _center(self, y, sample_weight):
        """The best constant prediction; the mean, unless a subclass knows better."""
        return np.average(y, axis=0, weights=sample_weight)[np.newaxis]

    def check_targets(self, y: NDArray) -> None:
        """Raise a ValueError if the loss cannot take these targets.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_outputs)
            Targets.
        """

    def value_and_grad(self, y: NDArray, raw: NDArray, sample_weight: NDArray | None) -> tuple[float, NDArray]:
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
        values, d_raw = self._rowwise(y, raw)
        means = values.mean(axis=1)
        del values  # with many outputs it is as large as all that follows
        if raw.shape[1] > 1:
            d_raw = d_raw / raw.shape[1]
        return _weigh(means, d_raw, sample_weight)

    def _rowwise(self, y, raw):
        """Values per row and output, and their gradient with respect to ``raw``."""
        y_pred, pull_back = self._link(raw)
        values, d_pred = self._pointwise(y, y_pred)
        return values, pull_back(d_pred)


def _weigh(values, d_raw, sample_weight):
    """Weighted sum of the rows' values; the rows' gradients times their weights."""
    if sample_weight is None:
        return float(values.sum()), d_raw
    return float((values * sample_weight).sum()), d_raw * sample_weight[:, np.newaxis]


def _quantile(y, q, sample_weight):
    """Weighted quantile of each column: the first value up to which the share q of the weight lies."""
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    order = y.argsort(axis=0)
    share = weight[order].cumsum(axis=0) / weight.sum()
    return np.take_along_axis(np.take_along_axis(y, order, axis=0), (share >= q).argmax(axis=0)[np.newaxis], axis=0)


class BinaryCrossEntropy(Loss):
    r"""Log loss with a logistic output each: :math:`\log(1 + e^z) - y z`, summed over the outputs.

    Targets lie in [0, 1]; several outputs are several independent yes-or-no questions (Bishop 2006, section 5.2).

    Examples
    --------
    >>> import numpy as np
    >>> round(BinaryCrossEntropy().value_and_grad(np.ones((1, 1)), np.zeros((1, 1)), None)[0], 4)
    0.6931
    """

    tasks = ("classification",)

    def __init__(self):
        super().__init__("logistic")

    def check_targets(self, y: Any) -> None:
        """Raise a ValueError for targets outside [0, 1]."""
        if not ((y >= 0) & (y <= 1)).all():
            raise ValueError(f"binary_cross_entropy needs y from 0 to 1, and y goes from {y.min()} to {y.max()}.")

    def value_and_grad(self, y: NDArray, raw: NDArray, sample_weight: NDArray | None) -> tuple[float, NDArray]:
        """As :meth:`Loss.value_and_grad`, exact at any logit."""
        # log(1 + exp(raw)) - y raw, split so that neither part suffers cancellation.
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

    tasks = ("classification",)

    def __init__(self):
        super().__init__("softmax")

    def check_targets(self, y: Any) -> None:
        """Raise a ValueError unless every row has no negative entry and sums to one."""
        if (y < 0).any():
            raise ValueError(f"categorical_cross_entropy needs y of at least 0, and y has {y.min()}.")
        if not (abs(y.sum(axis=1) - 1) < 2e-5).all():
            raise ValueError(
                "categorical_cross_entropy needs exactly one class per row, and y has rows that do not sum to one; "
                "for multilabel targets use loss='binary_cross_entropy'."
            )

    def value_and_grad(self, y: NDArray, raw: NDArray, sample_weight: NDArray | None) -> tuple[float, NDArray]:
        """As :meth:`Loss.value_and_grad`, exact at any logit."""
        # Written out, for this is in every step; scipy's logsumexp is slower on small batches.
        shifted = raw - np.maximum.reduce(raw, axis=1, keepdims=True)
        d_raw = np.exp(shifted)
        total = np.add.reduce(d_raw, axis=1, keepdims=True)
        d_raw /= total
        d_raw -= y
        log_total = np.log(total)
        return _weigh(log_total[:, 0] - np.einsum("ij,ij->i", y, shifted), d_raw, sample_weight)


def log_loss(n_outputs: int = 1) -> Loss:
    """Choose the log loss of a network's width: logistic for one output, softmax for more.

    Parameters
    ----------
    n_outputs : int, default=1
        Outputs of the network.

    Returns
    -------
    Loss

    Examples
    --------
    >>> log_loss(1), log_loss(3)
    (BinaryCrossEntropy(), CategoricalCrossEntropy())
    """
    return BinaryCrossEntropy() if n_outputs == 1 else CategoricalCrossEntropy()


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
        values = error * error
        values *= 0.5
        return values, error


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

    tasks = ("regression",)

    def _pointwise(self, y, y_pred):
        error = y_pred - y
        return np.abs(error), np.sign(error)

    def _center(self, y, sample_weight):
        return _quantile(y, 0.5, sample_weight)


class Huber(Loss):
    r"""Squared within ``delta``, linear beyond: outliers pull with a bounded force (Huber 1964).

    :math:`r^2 / 2` for :math:`|r| \le \delta`, else :math:`\delta (|r| - \delta / 2)`.

    Parameters
    ----------
    delta : float, default=1.0
        Error above which squared turns linear, in units of y; above 0.
    link : {"identity", "log", "logistic"}, default="identity"
        From raw predictions to predictions.

    Examples
    --------
    >>> import numpy as np
    >>> Huber(delta=1.0).value_and_grad(np.array([[1.0]]), np.array([[3.0]]), None)
    (1.5, array([[1.]]))
    """

    tasks = ("regression",)
    bounds: ClassVar[dict] = {"delta": "(0, inf)"}

    def __init__(self, delta=1.0, link="identity"):
        self.delta, self.link = delta, link

    def _pointwise(self, y, y_pred):
        error = y_pred - y
        delta = float(self.delta)
        inner = np.clip(error, -delta, delta)
        return inner * (error - 0.5 * inner), inner

    def _center(self, y, sample_weight):
        return _quantile(y, 0.5, sample_weight)  # not quite the best, but close


class Quantile(Loss):
    r"""The pinball loss, minimal at a quantile of y (Koenker & Bassett 1978).

    :math:`q\,(y - \hat y)` below the target, :math:`(1 - q)(\hat y - y)` above it.

    Parameters
    ----------
    quantile : float, default=0.5
        Order q of the quantile, in (0, 1).
    link : {"identity", "log", "logistic"}, default="identity"
        From raw predictions to predictions.

    Examples
    --------
    >>> import numpy as np
    >>> Quantile(0.75).value_and_grad(np.array([[3.0]]), np.array([[1.0]]), None)
    (1.5, array([[-0.75]]))
    """

    tasks = ("regression",)
    bounds: ClassVar[dict] = {"quantile": "(0, 1)"}

    def __init__(self, quantile=0.5, link="identity"):
        self.quantile, self.link = quantile, link

    def _pointwise(self, y, y_pred):
        error = y_pred - y
        quantile = float(self.quantile)
        slope = np.where(error > 0, error.dtype.type(1 - quantile), error.dtype.type(-quantile))
        slope[error == 0] = 0
        return slope * error, slope

    def _center(self, y, sample_weight):
        return _quantile(y, float(self.quantile), sample_weight)


class Poisson(Loss):
    r"""Half the Poisson deviance with a log link: :math:`y \log(y / \hat y) - y + \hat y`, for counts.

    Examples
    --------
    >>> import numpy as np
    >>> Poisson().value_and_grad(np.array([[1.0]]), np.array([[0.0]]), None)
    (0.0, array([[0.]]))
    """

    tasks = ("regression",)

    def __init__(self):
        super().__init__("log")

    def check_targets(self, y: Any) -> None:
        """Raise a ValueError for negative targets."""
        if not (y >= 0).all():
            raise ValueError(f"loss='poisson' needs y of at least 0, and y has {y.min()}; use loss='squared_error'.")

    def _rowwise(self, y, raw):
        # From raw, so that nothing is divided.
        y_pred = np.exp(raw)
        log_ratio = raw - np.log(y, out=np.zeros_like(raw), where=y > 0)
        values = y_pred - y - y * log_ratio
        close = (np.abs(log_ratio) < 1) & (y > 0)  # there the terms would cancel
        values[close] = y[close] * (np.expm1(log_ratio[close]) - log_ratio[close])
        return values, y_pred - y


class Gamma(Loss):
    r"""Half the gamma deviance with a log link: :math:`y / \hat y - \log(y / \hat y) - 1`, for positive amounts.

    Examples
    --------
    >>> import numpy as np
    >>> value, d_raw = Gamma().value_and_grad(np.array([[2.0]]), np.array([[0.0]]), None)
    >>> round(value, 4), d_raw
    (0.3069, array([[-1.]]))
    """

    tasks = ("regression",)

    def __init__(self):
        super().__init__("log")

    def check_targets(self, y: Any) -> None:
        """Raise a ValueError for targets that are not positive."""
        if not (y > 0).all():
            raise ValueError(f"loss='gamma' needs y above 0, and y has {y.min()}; use loss='poisson' for zeros.")

    def _rowwise(self, y, raw):
        # From raw, so that nothing underflows.
        log_ratio = np.log(y) - raw
        excess = np.expm1(log_ratio)
        return excess - log_ratio, -excess


class Smoothed(Loss):
    r"""A loss whose targets are mixed with the uniform distribution (Szegedy et al. 2016, section 7).

    :math:`y (1 - \epsilon) + \epsilon / K` stands in for y, with K classes: the number of outputs, or 2 where an output
    is a yes-or-no question.

    Parameters
    ----------
    loss : Loss
        The loss.
    epsilon : float
        Share of the uniform distribution, in [0, 1].
    multilabel : bool, default=False
        Whether several outputs are several yes-or-no questions.

    Examples
    --------
    >>> import numpy as np
    >>> loss = Smoothed(CategoricalCrossEntropy(), epsilon=0.1)
    >>> loss.value_and_grad(np.array([[1.0, 0.0]]), np.zeros((1, 2)), None)[1].round(2)
    array([[-0.45,  0.45]])
    """

    bounds: ClassVar[dict] = {"epsilon": "[0, 1]", "multilabel": "bool"}

    def __init__(self, loss, epsilon, multilabel=False):
        self.loss, self.epsilon, self.multilabel = loss, epsilon, multilabel

    @property
    def tasks(self) -> Any:
        """What the loss is for."""
        return self.loss.tasks

    @property
    def out_activation(self) -> Any:
        """Name of the output activation."""
        return self.loss.out_activation

    def check(self) -> None:
        """Raise a ValueError that names a parameter out of its bounds."""
        super(Loss, self).check()
        self.loss.check()

    def check_targets(self, y: Any) -> None:
        """As :meth:`Loss.check_targets`, before smoothing."""
        self.loss.check_targets(y)

    def best_constant(self, y: Any, sample_weight: Any) -> Any:
        """As :meth:`Loss.best_constant`, of the smoothed targets."""
        return self.loss.best_constant(self._smooth(y), sample_weight)

    def _smooth(self, y):
        epsilon = float(self.epsilon)
        n_classes = 2 if self.multilabel or y.shape[1] == 1 else y.shape[1]
        return y * (1 - epsilon) + epsilon / n_classes

    def inverse_link(self, raw: Any) -> Any:
        """As :meth:`Loss.inverse_link`."""
        return self.loss.inverse_link(raw)

    def log_inverse_link(self, raw: Any) -> Any:
        """As :meth:`Loss.log_inverse_link`."""
        return self.loss.log_inverse_link(raw)

    def value_and_grad(self, y: NDArray, raw: NDArray, sample_weight: NDArray | None) -> tuple[float, NDArray]:
        """As :meth:`Loss.value_and_grad`, of the smoothed targets."""
        return self.loss.value_and_grad(self._smooth(y), raw, sample_weight)


class Adapted(Loss):
    """A custom object with ``value_and_grad`` and ``inverse_link``, as a full loss.

    Parameters
    ----------
    loss : object
        What it lacks gets a default: any targets, the output activation ``"custom"``, and the logarithm of the
        prediction as it is.

    Examples
    --------
    >>> class Cubic:
    ...     def value_and_grad(self, y, raw, sample_weight):
    ...         return float(abs(raw - y).sum() ** 3), 3 * (raw - y) * abs(raw - y)
    ...     def inverse_link(self, raw):
    ...         return raw
    >>> Adapted(Cubic()).out_activation
    'custom'
    """

    def __init__(self, loss):
        self.loss = loss

    @property
    def tasks(self) -> Any:
        """What the loss is for."""
        return getattr(self.loss, "tasks", Loss.tasks)

    @property
    def out_activation(self) -> Any:
        """Name of the output activation."""
        return getattr(self.loss, "out_activation", "custom")

    def check(self) -> None:
        """Check the custom loss, if it can."""
        if hasattr(self.loss, "check"):
            self.loss.check()

    def best_constant(self, y: Any, sample_weight: Any) -> Any:
        """Return None: it is not known of a custom loss."""
        return None

    def check_targets(self, y: Any) -> None:
        """Let the custom loss check its targets, if it can, and see whether it gives what it must."""
        if hasattr(self.loss, "check_targets"):
            self.loss.check_targets(y)
        result = self.loss.value_and_grad(y, np.zeros_like(y), None)
        pair = isinstance(result, (tuple, list)) and len(result) == 2
        if not pair or not isinstance(result[0], Real) or np.shape(result[1]) != y.shape:
            found = f"{type(result[0]).__name__} and {np.shape(result[1])}" if pair else type(result).__name__
            raise ValueError(
                f"loss={self.loss!r}: value_and_grad must return a number and, here, an array of shape {y.shape}, "
                f"not {found}."
            )

    def inverse_link(self, raw: Any) -> Any:
        """As :meth:`Loss.inverse_link`."""
        return self.loss.inverse_link(raw)

    def log_inverse_link(self, raw: Any) -> Any:
        """As :meth:`Loss.log_inverse_link`."""
        if hasattr(self.loss, "log_inverse_link"):
            return self.loss.log_inverse_link(raw)
        return np.log(self.inverse_link(raw))

    def value_and_grad(self, y: NDArray, raw: NDArray, sample_weight: NDArray | None) -> tuple[float, NDArray]:
        """As :meth:`Loss.value_and_grad`."""
        return self.loss.value_and_grad(y, raw, sample_weight)


def as_loss(loss: Any, n_outputs: int) -> Loss:
    """Make a full loss of a name, a loss, or a custom object.

    Parameters
    ----------
    loss : str or object
        A name of ``LOSSES``, or an object with ``value_and_grad`` and ``inverse_link``, which is copied: what is
        changed on it later does not reach what has been fitted.
    n_outputs : int
        Outputs of the network.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If the name is unknown, a method is missing, or a parameter is out of range.

    Examples
    --------
    >>> as_loss("log_loss", n_outputs=3)
    CategoricalCrossEntropy()
    """
    if isinstance(loss, str):
        found = resolve(LOSSES, loss, "loss")
        loss = found() if isinstance(found, type) else found(n_outputs)  # a function chooses by the width
    else:
        for method in ("value_and_grad", "inverse_link"):
            resolve(LOSSES, loss, "loss", method=method)
        loss = copy.deepcopy(loss)
    loss = loss if isinstance(loss, Loss) else Adapted(loss)
    loss.check()
    return loss


LOSSES = {
    "log_loss": log_loss,
    "binary_cross_entropy": BinaryCrossEntropy,
    "categorical_cross_entropy": CategoricalCrossEntropy,
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "gamma": Gamma,
}


def names_for(task: str) -> list[str]:
    """Return the names of the losses that are for a task.

    Parameters
    ----------
    task : {"classification", "regression"}
        Task.

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> names_for("classification")
    ['log_loss', 'binary_cross_entropy', 'categorical_cross_entropy', 'squared_error']
    """
    return [name for name, loss in LOSSES.items() if task in getattr(loss, "tasks", ("classification",))]
