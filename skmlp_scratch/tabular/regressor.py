"""The tabular regressor: its parameters, and what it predicts."""

from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from .._sklearn import HasMethods, Interval, one_of
from .._types import Inputs
from ..estimators._number_targets import NumberTargets
from ..losses import names_for
from ._base import BaseScratchTabular
from ._docs import documented


@documented(
    loss="""str or object, default="squared_error"
        Loss: ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"quantile"``, ``"poisson"``, ``"gamma"``, or an
        object with ``value_and_grad`` and ``inverse_link``. The targets are standardized for the first four, and
        divided by their mean for the last two; a custom loss sees them as they are.""",
    quantile="""float, default=0.5
        Quantile that the loss "quantile" estimates, in (0, 1).""",
    huber_delta="""float, default=1.0
        Error at which the loss "huber" turns from squared to linear, in units of y.""",
)
@dataclass(eq=False, repr=False)
class ScratchTabularRegressor(RegressorMixin, BaseScratchTabular):
    """Regressor for tables as they are: numbers, categories, dates and gaps, and a target of any scale.

    What is said of :class:`ScratchTabularClassifier` holds here. With several targets, each is standardized, and the
    loss is the mean over them.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from skmlp_scratch import ScratchTabularRegressor
    >>> X = np.random.RandomState(0).uniform(size=(300, 2))
    >>> y = 1e5 * (X[:, 0] > X[:, 1])
    >>> reg = ScratchTabularRegressor(n_members=1, random_state=0).fit(X, y)
    >>> reg.predict([[0.9, 0.1]]).round(-4)
    array([100000.])
    """

    loss: Any = "squared_error"
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
    n_bins: int = 16
    categorical_features: Any = "from_dtype"
    n_jobs: int | None = None
    random_state: Any = None
    verbose: bool | int = False
    quantile: float = 0.5
    huber_delta: float = 1.0

    _targets_class = NumberTargets
    _parameter_constraints = BaseScratchTabular._parameter_constraints | {
        "loss": [one_of(lambda: names_for("regression")), HasMethods(["value_and_grad", "inverse_link"])],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
    }

    def predict(self, X: Inputs, return_std: bool = False) -> tuple:
        """Predict targets: the mean of the members' predictions.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            Table.
        return_std : bool, default=False
            Whether to return the standard deviation over the members, too: how far they disagree, which grows where
            there were few rows, and not how far y scatters.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted targets.
        y_std : ndarray of the same shape
            Standard deviations, with ``return_std=True`` only.
        """
        check_is_fitted(self)
        raws = map(self._units.restored, self._raws(X))
        y_pred = np.stack([self._targets.labels(self._targets.loss.inverse_link(raw)) for raw in raws])
        return (y_pred.mean(axis=0), y_pred.std(axis=0)) if return_std else y_pred.mean(axis=0)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.loss in ("poisson", "gamma")
        return tags
