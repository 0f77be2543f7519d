"""The regressor: its parameters, and what it predicts."""

from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from .._sklearn import HasMethods, Interval, fit_context, one_of
from .._types import Inputs
from ..losses import names_for
from ._base import BaseScratchMLP
from ._constraints import is_incremental
from ._docs import documented
from ._number_targets import NumberTargets


@documented(
    score="R²",
    loss="""str or object, default="squared_error"
        Loss: ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"quantile"``, ``"poisson"``, ``"gamma"``, or an
        object with ``value_and_grad`` and ``inverse_link``, such as ``SquaredError(link="logistic")``.""",
    quantile="""float, default=0.5
        Quantile that the loss "quantile" estimates, in (0, 1).""",
    huber_delta="""float, default=1.0
        Error at which the loss "huber" turns from squared to linear, in units of y.""",
)
@dataclass(eq=False, repr=False)
class ScratchMLPRegressor(RegressorMixin, BaseScratchMLP):
    """Multi-layer perceptron regressor, a drop-in superset of scikit-learn's ``MLPRegressor``.

    What is said of :class:`ScratchMLPClassifier` holds here. With several targets, loss and gradient are both the mean
    over them. Scale y, with ``TransformedTargetRegressor`` for example: ``tol`` and the learning rate are absolute.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from skmlp_scratch import ScratchMLPRegressor
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> reg = ScratchMLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, 3 * X[:, 0] + 1)
    >>> reg.predict([[0.5]]).round(2)
    array([2.5])
    """

    loss: Any = "squared_error"
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
    l1_ratio: float = 0.0
    dropout: Any = 0.0
    input_dropout: float = 0.0
    normalization: str | None = None
    init: Any = "auto"
    decay: float = 0.0
    clip_norm: float | None = None
    scoring: Any = None
    quantile: float = 0.5
    huber_delta: float = 1.0

    _targets_class = NumberTargets
    _parameter_constraints = BaseScratchMLP._parameter_constraints | {
        "loss": [one_of(lambda: names_for("regression")), HasMethods(["value_and_grad", "inverse_link"])],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
    }

    @available_if(is_incremental)
    @fit_context
    def partial_fit(
        self,
        X: Inputs,
        y: ArrayLike,
        sample_weight: ArrayLike | float | None = None,
        *,
        X_val: Inputs | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | float | None = None,
    ) -> Self:
        """Continue for one epoch over the given rows; see :meth:`ScratchMLPClassifier.partial_fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights of the rows.
        X_val, y_val, sample_weight_val : array-like or None, default=None
            Validation set, measured after the epoch.

        Returns
        -------
        self : object
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)

    def predict(self, X: Inputs) -> NDArray:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted targets.
        """
        raw = self._raw(X)
        return self._targets.labels(self._targets.loss.inverse_link(raw))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self.loss in ("poisson", "gamma")
        # scikit-learn's check of several outputs does not ask for positive targets.
        tags.target_tags.multi_output = not tags.target_tags.positive_only
        return tags
