"""Validation: the rows on which each epoch is judged, and how."""

import math
import warnings
from numbers import Real

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import check_scoring

from .._sklearn import takes_weights
from ..calibration import calibrated_loss
from ..objective import Objective
from ._carry import digest

CALIBRATED = "calibrated_loss"  # the score that finds a temperature, too
NO_TEMPERATURE = (
    "scoring='calibrated_loss' finds no temperature without a validation set: set early_stopping=True, or give X_val "
    "and y_val to fit."
)


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
    decides : bool
        Whether the score decides when to stop: then it has to be finite at first.
    """

    def __init__(self, rows, network, targets, scoring, as_estimator, decides):
        self.rows, self.network, self.targets, self.scoring = rows, network, targets, scoring
        try:
            self.objective = Objective(network, targets.loss, rows.X, rows.columns, rows.weight)
        except ValueError as error:
            text = str(error).replace("sample_weight", "sample_weight_val")
            raise ValueError(f"The validation set (X_val, y_val) cannot be used: {text}") from error
        self.as_estimator = as_estimator
        if scoring == CALIBRATED and targets.loss.out_activation not in ("logistic", "softmax"):
            raise ValueError(
                f"scoring={scoring!r} needs a logistic or softmax output, and that of loss={targets.loss!r} is custom: "
                "use scoring='loss'."
            )
        named = scoring in (None, "loss", CALIBRATED)
        self.scorer = None if named else check_scoring(as_estimator(None), scoring)
        weighted = rows.weight is not None and takes_weights(self.scorer)
        self.options = {"sample_weight": rows.weight} if weighted else {}
        self.decides, self.n_measured = decides, 0
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
        score = -loss if self.scoring == "loss" else self._score(params, raw)
        self.n_measured += 1
        if self.decides and self.n_measured == 1 and not math.isfinite(score):
            raise ValueError(
                f"scoring={self.scoring!r} gives {score} on the {len(self.rows)} validation rows after the first epoch "
                "and cannot tell when to stop: choose another scoring, or validation rows that it can judge (more, and "
                "of every class)."
            )
        return loss, float(score)

    def temperature(self, params):
        """Return the factor on raw predictions that the probabilities get: the best one, if scoring asks for that.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            Calibrated parameters.

        Returns
        -------
        temperature : float
        """
        if self.scoring != CALIBRATED:
            return 1.0
        return self._calibrated(self.network.predict(params, self.rows.X))[1]

    def _calibrated(self, raw):
        logistic = self.targets.loss.out_activation == "logistic"
        return calibrated_loss(self.rows.columns, raw, self.rows.weight, logistic=logistic)

    def _score(self, params, raw):
        if self.scoring == CALIBRATED:
            return -self._calibrated(raw)[0]
        if self.scorer is None:
            return self.targets.score(self.rows.y, raw, self.rows.weight)
        with warnings.catch_warnings():
            if self.n_measured:  # once will do, of what is undefined on these rows
                warnings.simplefilter("ignore", UndefinedMetricWarning)
            score = self.scorer(self.as_estimator(params), self.rows.X, self.rows.y, **self.options)
        if not isinstance(score, (Real, np.ndarray)) or np.ndim(score):
            raise ValueError(f"scoring={self.scoring!r} must return a number, and returned {score!r}.")
        return score
