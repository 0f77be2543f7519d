"""The base of both estimators: fit in one direction, from data over a plan to a run, and what is read off afterwards.

The estimator changes in one place, at the end of a fit. Whatever goes wrong before leaves it as it was.
"""

import dataclasses
import math
import warnings
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer_names
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._checks import quiet
from .._sklearn import CallbackSupportMixin, HasMethods, Interval, Options, StrOptions, fit_context, one_of
from ..activations import ACTIVATIONS
from ..history import History
from ..initializers import INITIALIZERS
from ..layers import Activation
from ..schedules import SCHEDULES
from ..solvers import SCIPY_METHODS, SOLVERS
from ._callbacks import EpochCallbacks
from ._plan import Plan, check_together, differences
from ._rows import Rows, hold_out, read_inputs, read_rows, read_validation, without_text
from ._run import Carry, Run, Validation
from ._views import Views

TO_USER = 6  # stack frames from the place where warnings are given to the user's line


def is_incremental(estimator):
    """Whether the solver can go on from its state, as partial_fit needs."""
    solver = estimator.solver
    if isinstance(solver, str):
        incremental = solver not in SCIPY_METHODS
    else:
        incremental = getattr(solver, "incremental", False)
    if incremental:
        return True
    raise AttributeError(f"partial_fit needs a gradient-descent solver; solver={solver!r} always runs a full fit.")


class BaseScratchMLP(CallbackSupportMixin, BaseEstimator):
    """What classifier and regressor share: all but the targets.

    A subclass is a dataclass of its parameters, and names its ``_targets``.
    """

    _targets_class = None
    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [one_of(ACTIVATIONS.keys), callable, list, tuple],
        "solver": [one_of(lambda: SOLVERS), HasMethods("minimize")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [one_of(SCHEDULES.keys), callable],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple, np.ndarray],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "normalization": [StrOptions({"batch", "layer"}), None],
        "init": [one_of(INITIALIZERS.keys), callable],
        "decay": [Interval(Real, 0, None, closed="left")],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "scoring": [StrOptions({"loss"} | set(get_scorer_names())), callable, None],
    }

    @fit_context
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network to X and y.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Inputs. float32 gives float32 weights.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights of the rows, at least 0. Rows with zero weight are ignored.
        X_val, y_val : array-like or None, default=None
            Validation set, measured after each epoch; with ``early_stopping=True`` it takes the place of a split. It is
            used as it is: what a pipeline or ``TransformedTargetRegressor`` does to X and y has to be done to it, too
            (``Pipeline(transform_input=["X_val"])``).
        sample_weight_val : array-like, float or None, default=None
            Weights of the validation rows.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If parameters or data cannot be used, or training diverges. The estimator is then as it was.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @quiet
    def _fit(self, X, y, sample_weight, validation, incremental=False, classes=None):
        resumes = hasattr(self, "params_") and (incremental or self.warm_start)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: it sees one epoch at a time.")
        n_epochs = 1 if incremental else self.max_iter if isinstance(self.solver, str) else None
        callbacks = EpochCallbacks.of(self, X, y, sample_weight, n_epochs)
        run, door, validation, split = self._prepare(X, y, sample_weight, validation, resumes, incremental, classes)
        if callbacks:
            callbacks.attributes = lambda params: door._attributes(run, run.calibrated(params).copy())
        fitted, carry = run.minimize(validation, callbacks, self.history_ if resumes else None)
        door._keep(run, fitted, resumes)
        door._carry = None
        if self.warm_start or incremental:
            own = isinstance(self.random_state, Integral)
            door._carry = dataclasses.replace(carry, rng=run.rng.get_state() if own else None, split=split)
        return self._become(door, fitted.notes, callbacks)

    def _prepare(self, X, y, sample_weight, validation, resumes, incremental=False, classes=None):
        """Bring data and plan together: a run, the estimator's successor, a validation set, and how it was split."""
        door = self._copy()  # nothing of the estimator changes before the end
        carry = (self._carry or Carry()) if resumes else None
        flat = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        check_together(flat, self._parameter_constraints)
        rows, targets = door._read(X, y, sample_weight, flat, resumes, incremental, classes)
        n_before = len(self.history_["epoch"]) if resumes else 0
        plan = Plan(flat, rows.X.shape[1], targets.n_columns, n_before, incremental)
        rng = self._generator(carry)
        if resumes:
            self._check_continuation(plan)
            params = carry.start(self.params_)
        else:
            params = plan.network.init(rng, plan.initializer, rows.X.dtype)
        train, held, split = door._split(rows, validation, targets, rng, carry)
        run = Run(plan, targets, train, params, rng, carry, self.params_ if resumes else None)
        run.notes += plan.notes(len(train), {field.name: field.default for field in dataclasses.fields(self)})
        as_estimator = door._as_estimator(run)
        measured = held and Validation(held, plan.network, targets, self.scoring, as_estimator)
        return run, door, measured, split

    def _read(self, X, y, sample_weight, flat, resumes, incremental, classes):
        """Validate the training data; learn what the targets are."""
        kind, known = self._targets_class, self._targets if resumes else None
        kind.refuse(y, "y")
        dtype = self.params_.dtype if resumes else None
        numeric = kind.task == "regression"
        X, y, weight = read_rows(self, X, y, sample_weight, numeric=numeric, dtype=dtype, reset=not resumes)
        targets = kind.learn(y, flat, known, classes, incremental)
        y = targets.check(y, "y") if numeric else y
        weight = targets.weights(y, weight, flat.get("class_weight"), X.dtype)
        return Rows(X, y, targets.columns(y), weight).without_zero_weights(), targets

    def _generator(self, carry):
        """Return the source of randomness: of an integer seed, a continued fit goes on where the last one ended."""
        rng = check_random_state(self.random_state)
        if carry and carry.rng is not None and isinstance(self.random_state, Integral):
            rng = np.random.RandomState()
            rng.set_state(carry.rng)
        return rng

    def _check_continuation(self, plan):
        """Raise a ValueError if the weights no longer fit the network."""
        changed = differences(self.network_, plan.network)
        if changed:
            raise ValueError(
                f"warm_start and partial_fit keep the network, and {changed}: change it back, or begin anew with "
                "warm_start=False."
            )

    def _split(self, rows, validation, targets, rng, carry):
        """Return training rows, validation rows or None, and the random state from which to split in the same way."""
        split = carry and carry.split
        if validation[0] is not None:
            return rows, read_validation(self, validation, rows, targets), split
        if validation[1] is not None or validation[2] is not None:
            raise ValueError("y_val and sample_weight_val need X_val.")
        if not self.early_stopping:
            return rows, None, split
        if split is not None:
            rng = np.random.RandomState()
            rng.set_state(split)
        split = rng.get_state()
        return *hold_out(rows, self.validation_fraction, rng, targets), split

    # What a fit leaves on the estimator.

    def _attributes(self, run, params):
        """The attributes from which an estimator can predict."""
        network, classes = run.plan.network, run.targets.classes
        return {
            "params_": params,
            "network_": network,
            "_targets": run.targets,
            "n_layers_": len(self._hidden_stops(network)) * (2 if self.normalization else 1) + 2,
            "n_outputs_": network.n_out,
            "out_activation_": run.targets.loss.out_activation,
        } | ({} if classes is None else {"classes_": classes})

    def _as_estimator(self, run):
        """Return the function that makes an estimator of parameters, for scorers, which see arrays only."""

        def as_estimator(params):
            model = self._copy()
            vars(model).update(self._attributes(run, params))
            vars(model).pop("feature_names_in_", None)
            return model

        return as_estimator

    def _keep(self, run, fitted, resumes):
        """Set the fitted attributes."""
        monitor, loss = fitted.monitor, fitted.loss_value
        scores = monitor.history["val_score"]
        least = [loss, *monitor.history["loss"]]
        if resumes and self.best_loss_ is not None:
            least.append(self.best_loss_)
        vars(self).update(self._attributes(run, fitted.params))
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

    def _become(self, successor, notes, callbacks):
        """Take over all that a fit has found, at once; then give the warnings, at the user's line."""
        before = vars(self).keys() - vars(successor).keys()
        vars(self).update(vars(successor))
        for name in before:
            delattr(self, name)
        if callbacks:
            callbacks.end()
        for text, category in dict.fromkeys(notes):
            warnings.warn(text, category, stacklevel=TO_USER)
        return self

    def _copy(self):
        """Return an estimator with the same attributes, itself unchanged by what happens to this one."""
        model = object.__new__(type(self))
        vars(model).update(vars(self))
        return model

    # Properties over the flat vector: views, so that there is nothing to keep in step.

    @property
    def coefs_(self):
        """Weights of each layer; they can be set, and their items assigned."""
        return self._views("coefs_", "W")

    @coefs_.setter
    def coefs_(self, arrays):
        self.coefs_.replace(arrays)

    @property
    def intercepts_(self):
        """Biases of each layer; they can be set, and their items assigned."""
        return self._views("intercepts_", "b")

    @intercepts_.setter
    def intercepts_(self, arrays):
        self.intercepts_.replace(arrays)

    def _views(self, name, key):
        return Views(name, [views[key] for views in self.network_.unflatten(self.params_) if key in views])

    @property
    def loss_curve_(self):
        """Training loss of each epoch."""
        return self.history_["loss"]

    @property
    def validation_scores_(self):
        """Validation score of each epoch; None where no validation set was measured."""
        return self.history_["val_score"] if self._is_validated else None

    def hidden_activations(self, X, layer=-1):
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

    def objective(self, X, y):
        """Return the objective that fit would minimize, in float64, and initial parameters.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        objective : Objective
            Function of the flat parameter vector.
        params : ndarray of shape (n_params,)
            Where fit would start.
        """
        model = self._copy()
        model.early_stopping = False
        X = without_text(X, "X")
        X = X.astype(np.float64) if sparse.issparse(X) else np.asarray(X, dtype=np.float64)
        run, *_ = model._prepare(X, y, None, (None, None, None), resumes=False)
        return run.objective, run.params

    def _raw(self, X):
        if not hasattr(self, "params_"):  # check_is_fitted is slow for a single row
            check_is_fitted(self)
        return self.network_.predict(self.params_, self._check_inputs(X))

    def _check_inputs(self, X):
        return read_inputs(self, X, "X", reset=False)

    def set_params(self, **params):
        """Set parameters, of nested objects too (``solver__learning_rate``).

        Parameters
        ----------
        **params
            Names and values.

        Returns
        -------
        self : object
        """
        for key in params:
            name, nested, _ = key.partition("__")
            value = params.get(name, getattr(self, name, None))
            if nested and isinstance(value, str):
                raise ValueError(
                    f"{key}: {name}={value!r} is a name and has no parameters: pass an object, such as "
                    "solver=GradientDescent('adam', learning_rate=0.01), or set the flat parameters."
                )
        return super().set_params(**params)

    def __getstate__(self):
        from .. import __version__

        return super().__getstate__() | {"_skmlp_scratch_version": __version__}

    def __setstate__(self, state):
        from .. import __version__

        state = dict(state)
        version = state.pop("_skmlp_scratch_version", "of no version")
        if version != __version__:
            warnings.warn(
                f"This {type(self).__name__} was saved by skmlp_scratch {version} and is loaded by {__version__}: "
                "check its predictions, or fit it again.",
                UserWarning,
                stacklevel=2,
            )
        super().__setstate__(state)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
