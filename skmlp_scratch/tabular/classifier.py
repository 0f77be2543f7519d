"""The tabular classifier: its parameters, and what it predicts."""

from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, logsumexp
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from .._sklearn import HasMethods, Interval, StrOptions, one_of
from .._types import Inputs
from ..estimators._class_targets import ClassTargets
from ..losses import Smoothed, names_for
from ._base import BaseScratchTabular
from ._docs import documented


@documented(
    loss="""str or object, default="log_loss"
        Loss: ``"log_loss"``, or another one that ``ScratchMLPClassifier`` takes. The moving averages are judged by the
        log loss whatever it is, except for a custom loss, which judges itself.""",
    class_weight="""dict, list of dict, "balanced" or None, default=None
        Weights of the classes, multiplied into ``sample_weight``; for multilabel targets a list with one dict per
        label. They count where the folds are judged, too, but not on ``X_val``, whose rows have weights of their
        own.""",
    label_smoothing="""float, default=0.1
        Share of each target that is spread over all classes: y (1 - e) + e / K. The temperature undoes what it does
        to the probabilities.""",
)
@dataclass(eq=False, repr=False)
class ScratchTabularClassifier(ClassifierMixin, BaseScratchTabular):
    """Classifier for tables as they are: numbers, categories, dates and gaps.

    Several networks, each trained on most of the rows and judged on the rest, over an encoding of the table that is
    learned, too.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, in order.
    temperature_ : float
        Factor of the networks' raw predictions, by which the log loss on the left-out rows is smallest.
    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from skmlp_scratch import ScratchTabularClassifier
    >>> rng = np.random.RandomState(0)
    >>> size, color = rng.normal(size=300), rng.choice(["red", "blue"], 300)
    >>> X = np.column_stack([size.astype(object), color])
    >>> y = np.where((size > 0) == (color == "red"), "yes", "no")
    >>> clf = ScratchTabularClassifier(n_members=1, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """

    hidden_layer_sizes: Any = (128, 128, 128)
    activation: Any = "silu"
    _: KW_ONLY
    n_members: int = 4
    n_folds: int = 8
    max_iter: int | str = "auto"
    batch_size: int = 128
    learning_rate_init: float = 3e-3
    weight_decay: float = 0.1
    ema: float = 0.995
    label_smoothing: float = 0.1
    n_bins: int = 16
    loss: Any = "log_loss"
    class_weight: Any = None
    categorical_features: Any = "from_dtype"
    n_jobs: int | None = None
    random_state: Any = None
    verbose: bool | int = False

    _targets_class = ClassTargets
    _parameter_constraints = BaseScratchTabular._parameter_constraints | {
        "loss": [one_of(lambda: names_for("classification")), HasMethods(["value_and_grad", "inverse_link"])],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def _learn_targets(self, y, flat):
        if flat["loss"] == "log_loss" and y.ndim == 1:  # softmax for two classes, too
            flat = flat | {"loss": "categorical_cross_entropy"}
        return super()._learn_targets(y, flat)

    def _learned_loss(self, loss, targets):
        if not self.label_smoothing:
            return loss
        return Smoothed(loss, self.label_smoothing, targets.is_multilabel)

    def _is_calibrated(self, targets):
        return targets.loss.out_activation in ("softmax", "logistic")

    def _attributes(self, params, temperature):
        attributes = super()._attributes(params, temperature)
        return attributes | {"classes_": self._targets.classes, "temperature_": temperature}

    def predict(self, X: Inputs) -> NDArray:
        """Predict labels.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            Table.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The most probable class; for multilabel targets an indicator of the labels above one half.
        """
        check_is_fitted(self)
        return self._targets.labels(self._mean_prediction(X))

    def predict_proba(self, X: Inputs) -> NDArray:
        """Predict probabilities: the mean of the members'.

        Those of single members are ``[member.predict_proba(X) for member in clf.members_]``.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            Table.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; for multilabel targets the probability of each label, strictly between 0
            and 1.
        """
        check_is_fitted(self)
        y_prob = self._mean_prediction(X)
        if self._targets.is_multilabel:
            limits = np.finfo(y_prob.dtype)
            return np.clip(y_prob, limits.smallest_subnormal, 1 - limits.epsneg)
        return np.hstack([1 - y_prob, y_prob]) if y_prob.shape[1] < len(self.classes_) else y_prob

    def predict_log_proba(self, X: Inputs) -> NDArray:
        """Predict logarithms of probabilities, exact where the probabilities underflow.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            Table.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            As :meth:`predict_proba`.
        """
        check_is_fitted(self)
        logits = self._logits(X)
        log_y_prob = _log_mean(map(self._targets.loss.log_inverse_link, logits))
        if self._targets.is_multilabel or log_y_prob.shape[1] == len(self.classes_):
            return log_y_prob
        return np.hstack([self._log_complement(logits), log_y_prob])

    def decision_function(self, X: Inputs) -> NDArray:
        """Compute the logarithms of the odds, or of the probabilities where there are more than two classes.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            Table.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column for two classes: above zero is ``classes_[1]``.
        """
        check_is_fitted(self)
        if self._targets.is_multilabel:
            logits = self._logits(X)
            return _log_mean(map(self._targets.loss.log_inverse_link, logits)) - self._log_complement(logits)
        log_y_prob = self.predict_log_proba(X)
        if log_y_prob.shape[1] == 2:
            return log_y_prob[:, 1] - log_y_prob[:, 0]
        return log_y_prob.ravel() if log_y_prob.shape[1] == 1 else log_y_prob

    def _logits(self, X):
        return [self.temperature_ * raw for raw in self._raws(X)]

    def _mean_prediction(self, X):
        """Return the members' mean prediction, one column per output of the networks."""
        return np.mean([self._targets.loss.inverse_link(z) for z in self._logits(X)], axis=0)

    def _log_complement(self, logits):
        """Return the logarithm of the probability that a yes-or-no question is answered with no."""
        loss = self._targets.loss
        if loss.out_activation == "logistic":
            return _log_mean(log_expit(-z) for z in logits)
        return np.log1p(-np.mean([loss.inverse_link(z) for z in logits], axis=0))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.loss != "categorical_cross_entropy"
        tags.classifier_tags.multi_class = self.loss != "binary_cross_entropy"
        return tags


def _log_mean(logarithms):
    """Return the logarithm of the mean of numbers given by their logarithms."""
    logarithms = np.stack(list(logarithms))
    return logsumexp(logarithms, axis=0) - np.log(len(logarithms), dtype=logarithms.dtype)
