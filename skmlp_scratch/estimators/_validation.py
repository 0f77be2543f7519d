"""Validation: the rows on which each epoch is judged, and how."""

from numbers import Real

from sklearn.metrics import check_scoring

from .._sklearn import takes_weights
from ..objective import Objective
from ._carry import digest


class Validation:
    """A validation set, and how it is scored.

    Parameters
    ----------
    rows : Rows
        Validation rows.
    network : Network
        Description of the network.
    targets : ClassTargets or NumberTargets
        Knows the loss and the default score.
    scoring : str, callable or None
        As the estimators take it.
    as_estimator : callable
        ``params -> estimator``, for scorers.
    """

    def __init__(self, rows, network, targets, scoring, as_estimator):
        self.rows, self.network, self.targets, self.scoring = rows, network, targets, scoring
        self.objective = Objective(network, targets.loss, rows.X, rows.columns, rows.weight)
        self.as_estimator = as_estimator
        self.scorer = None if scoring in (None, "loss") else check_scoring(as_estimator(None), scoring)
        weighted = rows.weight is not None and takes_weights(self.scorer)
        self.options = {"sample_weight": rows.weight} if weighted else {}
        self.digest = digest(rows.X, rows.columns, rows.weight, repr((scoring, targets.loss)).encode())

    def measure(self, params):
        """Return loss and score.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            Calibrated parameters.

        Returns
        -------
        loss, score : float
        """
        raw = self.network.predict(params, self.rows.X)
        loss = self.objective.value_of_raw(raw)
        if self.scoring == "loss":
            return loss, -loss
        if self.scorer is None:
            return loss, self.targets.score(self.rows.y, raw, self.rows.weight)
        score = self.scorer(self.as_estimator(params), self.rows.X, self.rows.y, **self.options)
        if not isinstance(score, Real):
            raise ValueError(f"scoring={self.scoring!r} must return a number, and returned {score!r}.")
        return loss, float(score)
