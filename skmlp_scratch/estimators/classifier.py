"""The classifier: its parameters, and what it predicts."""

from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from .._sklearn import HasMethods, Interval, StrOptions, fit_context, one_of
from .._types import Inputs
from ..losses import names_for
from ._base import BaseScratchMLP
from ._class_targets import ClassTargets
from ._constraints import is_incremental
from ._docs import documented
from ._probabilities import log_probabilities, probabilities
from ._validation import CALIBRATED


@documented(
    loss="""str or object, default="log_loss"
        Loss: ``"log_loss"`` (logistic output for two classes and multilabel targets, softmax for more),
        ``"categorical_cross_entropy"`` (softmax even for two), ``"binary_cross_entropy"``, ``"squared_error"`` of the
        probabilities, or an object with ``value_and_grad`` and ``inverse_link``.""",
    scoring="""str, callable or None, default=None
        Validation score: None is accuracy, ``"loss"`` minus the loss, ``"calibrated_loss"`` minus the log loss with the
        best temperature, by which the logits are then multiplied, else a scikit-learn scorer.""",
)
@dataclass(eq=False, repr=False)
class ScratchMLPClassifier(ClassifierMixin, BaseScratchMLP):
    """Multi-layer perceptron classifier, a drop-in superset of scikit-learn's ``MLPClassifier``.

    It deviates only where scikit-learn is known to be wrong: sample weights and ``alpha`` do not depend on the batch
    size, losses are not clipped, warm starts continue as if never interrupted, and divergence is an error.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, in order.
    temperature_ : float
        Factor of the logits; 1 unless scoring is "calibrated_loss" and there is a validation set.
    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skmlp_scratch import ScratchMLPClassifier
    >>> X, y = make_moons(200, noise=0.2, random_state=0)
    >>> clf = ScratchMLPClassifier(20, solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.95
    True
    """

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: KW_ONLY
    solver: Any = "adam"
    alpha: float = 0.0001
    batch_size: int | str = "auto"
    learning_rate: Any = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: bool | int = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: float = 10
    max_fun: int = 15000
    loss: Any = "log_loss"
    class_weight: Any = None
    label_smoothing: float = 0.0
    l1_ratio: float = 0.0
    dropout: Any = 0.0
    input_dropout: float = 0.0
    normalization: str | None = None
    init: Any = "auto"
    decay: float = 0.0
    clip_norm: float | None = None
    scoring: Any = None

    _targets_class = ClassTargets
    _parameter_constraints = BaseScratchMLP._parameter_constraints | {
        "loss": [one_of(lambda: names_for("classification")), HasMethods(["value_and_grad", "inverse_link"])],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "scoring": [*BaseScratchMLP._parameter_constraints["scoring"], StrOptions({CALIBRATED})],
    }

    @available_if(is_incremental)
    @fit_context
    def partial_fit(
        self,
        X: Inputs,
        y: ArrayLike,
        sample_weight: ArrayLike | float | None = None,
        classes: ArrayLike | None = None,
        *,
        X_val: Inputs | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | float | None = None,
    ) -> Self:
        """Continue for one epoch over the given rows, from the parameters, optimizer and schedule of the last call.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels; they need not contain every class.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights of the rows.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels; needed in the first call.
        X_val, y_val, sample_weight_val : array-like or None, default=None
            Validation set, measured after the epoch.

        Returns
        -------
        self : object
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, which does not see all labels: pass the "
                "dict that sklearn.utils.class_weight.compute_class_weight('balanced', classes=classes, y=y) gives."
            )
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True, classes=classes)

    def predict(self, X: Inputs) -> NDArray:
        """Predict labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The most probable class; for several labels an indicator of those above one half.
        """
        raw = self._raw(X)
        return self._targets.labels(self._targets.loss.inverse_link(raw))

    def decision_function(self, X: Inputs) -> NDArray:
        """Predict logits.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes one column, in which above zero is ``classes_[1]``.
        """
        raw = self._logits(X)
        if raw.shape[1] == 2 and not self._targets.is_multilabel:
            return raw[:, 1] - raw[:, 0]
        return raw.ravel() if raw.shape[1] == 1 else raw

    def predict_proba(self, X: Inputs) -> NDArray:
        """Predict probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; for multilabel targets one per label, strictly between 0 and 1. They keep the
            order of the logits, even where exact ones would round to 0 or, for labels, to 1.
        """
        raw = self._logits(X)
        if len(self.classes_) == 1:
            return np.ones((len(raw), 1), dtype=raw.dtype)
        return probabilities(self._targets.loss, raw, self.out_activation_ == "logistic")

    def predict_log_proba(self, X: Inputs) -> NDArray:
        """Predict logarithms of probabilities, exact where the probabilities underflow.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            As :meth:`predict_proba`.
        """
        raw = self._logits(X)
        if len(self.classes_) == 1:
            return np.zeros((len(raw), 1), dtype=raw.dtype)
        return log_probabilities(self._targets.loss, raw, self.out_activation_ == "logistic")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.loss != "categorical_cross_entropy"
        tags.classifier_tags.multi_class = self.loss != "binary_cross_entropy"
        return tags
