"""Fitted state: what a fit leaves on the estimator, and what is read off it."""

import math
from numbers import Integral

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from .._types import Inputs
from ..history import History
from ..layers import Activation
from ..network import Network
from ._rows import read_inputs
from ._views import Views


class FittedState:
    """Mixin of the estimators: everything here is derived from ``params_``, ``network_`` and ``history_``."""

    params_: NDArray
    network_: Network
    history_: History
    loss_: float
    n_iter_: int

    def _attributes(self, run, params, validation=None):
        """The attributes from which an estimator can predict."""
        network, classes = run.plan.network, run.targets.classes
        temperature = validation.temperature(params) if validation else 1.0
        return {
            "params_": params,
            "network_": network,
            "_targets": run.targets,
            "n_layers_": len(self._hidden_stops(network)) * (2 if self.normalization else 1) + 2,
            "n_outputs_": network.n_out,
            "out_activation_": run.targets.loss.out_activation,
        } | ({} if classes is None else {"classes_": classes, "temperature_": temperature})

    def _as_estimator(self, run):
        """Return the function that makes an estimator of parameters, for scorers, which see arrays only."""

        def as_estimator(params):
            model = self._copy()
            vars(model).update(self._attributes(run, params))
            vars(model).pop("feature_names_in_", None)
            return model

        return as_estimator

    def _keep(self, run, fitted, resumes, validation):
        """Set the fitted attributes."""
        monitor, loss = fitted.monitor, fitted.loss_value
        scores = monitor.history["val_score"]
        least = [loss, *monitor.history["loss"]]
        if resumes and self.best_loss_ is not None:
            least.append(self.best_loss_)
        vars(self).update(self._attributes(run, fitted.params, validation))
        self.loss_, self.n_iter_ = loss, monitor.epochs
        self.t_ = (self.t_ if resumes else 0) + monitor.epochs * run.objective.n_samples
        self.best_loss_ = None if self.early_stopping else float(np.fmin.reduce(least))
        self.best_validation_score_ = None
        if self.early_stopping:
            self.best_validation_score_ = monitor.best_score if math.isfinite(monitor.best_score) else None
        elif monitor.validate and scores:
            self.best_validation_score_ = float(np.fmax.reduce(scores))
        self._is_validated = monitor.validate is not None
        if not resumes:
            self.history_ = History()
            self.history_.extend(monitor.history)

    # Properties over the flat vector: views, so that there is nothing to keep in step.

    @property
    def coefs_(self) -> Views:
        """Weights of each layer; they can be set, and their items assigned."""
        return self._views("coefs_", "W")

    @coefs_.setter
    def coefs_(self, arrays):
        self.coefs_.replace(arrays)

    @property
    def intercepts_(self) -> Views:
        """Biases of each layer; they can be set, and their items assigned."""
        return self._views("intercepts_", "b")

    @intercepts_.setter
    def intercepts_(self, arrays):
        self.intercepts_.replace(arrays)

    def _views(self, name, key):
        return Views(name, [views[key] for views in self.network_.unflatten(self.params_) if key in views])

    @property
    def loss_curve_(self) -> list[float]:
        """Training loss of each epoch; it can be set."""
        return self.history_["loss"]

    @loss_curve_.setter
    def loss_curve_(self, losses):
        self.history_["loss"][:] = losses

    @property
    def validation_scores_(self) -> list[float] | None:
        """Validation score of each epoch; None where no validation set was measured."""
        return self.history_["val_score"] if self._is_validated else None

    def hidden_activations(self, X: Inputs, layer: int = -1) -> NDArray:
        """Return the activations of a hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        layer : int, default=-1
            Number of the hidden layer, from 0; negative from the last.

        Returns
        -------
        a : ndarray of shape (n_samples, n_units)
            Activations.

        Raises
        ------
        ValueError
            If there is no such hidden layer.
        """
        check_is_fitted(self)
        stops = self._hidden_stops(self.network_)
        if not isinstance(layer, Integral) or not -len(stops) <= layer < len(stops):
            raise ValueError(f"layer={layer!r} must be a whole number below {len(stops)}, the number of hidden layers.")
        return self.network_.predict(self.params_, self._check_inputs(X), stop=stops[layer])

    @staticmethod
    def _hidden_stops(network):
        return [i + 1 for i, layer in enumerate(network.layers) if isinstance(layer, Activation)]

    def _raw(self, X):
        if not hasattr(self, "params_"):  # check_is_fitted is slow for a single row
            check_is_fitted(self)
        return self.network_.predict(self.params_, self._check_inputs(X))

    def _logits(self, X):
        raw, temperature = self._raw(X), getattr(self, "temperature_", 1.0)  # early saved models have none
        return raw if temperature == 1 else temperature * raw

    def _check_inputs(self, X):
        return read_inputs(self, X, "X", reset=False)
