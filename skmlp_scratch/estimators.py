"""The estimators: scikit-learn's interface around network, objective and solver.

``fit`` validates, encodes the targets, describes a network, makes an objective of it, lets a solver minimize that under
the eye of a monitor, and keeps the vector that comes back. Everything fitted follows from that vector.
"""

import copy
import datetime
import functools
import inspect
import math
import warnings
from numbers import Integral, Real
from types import SimpleNamespace

import numpy as np
from scipy import sparse
from scipy.special import expit, log_expit
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, check_scoring, get_scorer_names, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d, compute_class_weight, compute_sample_weight
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets, unique_labels
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ._checks import check_number
from .activations import ACTIVATIONS
from .history import History, Monitor
from .initializers import INITIALIZERS, auto_for
from .layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from .losses import BinaryCrossEntropy, CategoricalCrossEntropy, Huber, Loss, Quantile, SquaredError, as_loss
from .network import Network
from .objective import Objective
from .optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from .schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    StepDecay,
    TimeDecay,
)
from .solvers import SCIPY_METHODS, SOLVERS, GradientDescent, ScipyMinimize
from .stopping import (
    CONVERGED,
    INTERRUPT_MESSAGE,
    DivergenceError,
    DivergenceGuard,
    Patience,
    diverged,
    too_large,
)

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9 has no callbacks

    class CallbackSupportMixin:
        """Stand-in where scikit-learn has no callbacks."""


EXPLOSION = DivergenceGuard.explosion
SCALE_ROWS = 200  # rows on which the scale of the loss before training is measured


def _atomic(fit):
    """Leave the estimator as it was if fitting fails."""

    @functools.wraps(fit)
    def wrapper(self, *args, **kwargs):
        before = self.__dict__.copy()
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    return wrapper


def _is_incremental(estimator):
    """Whether the solver can go on from its state, as partial_fit needs."""
    solver = estimator.solver
    if getattr(solver, "incremental", isinstance(solver, str) and solver not in SCIPY_METHODS):
        return True
    raise AttributeError(f"partial_fit needs a gradient-descent solver; solver={solver!r} always runs a full fit.")


class _BaseScratchMLP(CallbackSupportMixin, BaseEstimator):
    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), callable, list, tuple],
        "solver": [StrOptions(set(SOLVERS)), HasMethods("minimize")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions(set(SCHEDULES)), callable],
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
        "init": [StrOptions(set(INITIALIZERS)), callable],
        "decay": [Interval(Real, 0, None, closed="left")],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "scoring": [StrOptions({"loss"} | set(get_scorer_names())), callable, None],
    }

    @_atomic
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network to X and y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. float32 gives float32 weights.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows, at least 0. A row of weight 0 is as if it were absent.
        X_val, y_val : array-like or None, default=None
            A validation set, measured after each epoch; with ``early_stopping=True`` in place of a split.
        sample_weight_val : array-like or None, default=None
            Weights of its rows.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If parameters or data cannot be used, or training diverges. The estimator is then as it was.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    # Properties over the flat vector: views, so that there is nothing to keep in step.

    @property
    def coefs_(self):
        """Weights of each layer."""
        return [views["W"] for views in self.network_.unflatten(self.params_) if "W" in views]

    @property
    def intercepts_(self):
        """Biases of each layer."""
        return [views["b"] for views in self.network_.unflatten(self.params_) if "b" in views]

    @property
    def loss_curve_(self):
        """Training loss of each epoch."""
        return self.history_["loss"]

    def hidden_activations(self, X, layer=-1):
        """Compute what a hidden layer puts out.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        layer : int, default=-1
            Which hidden layer, from 0; negative from the last.

        Returns
        -------
        a : ndarray of shape (n_samples, n_units)
            Its activations.

        Raises
        ------
        ValueError
            If there is no such hidden layer.
        """
        check_is_fitted(self)
        stops = [i + 1 for i, each in enumerate(self.network_.layers) if isinstance(each, Activation)]
        if not isinstance(layer, Integral) or not -len(stops) <= layer < len(stops):
            raise ValueError(f"layer={layer!r} must be a whole number below {len(stops)}, the number of hidden layers.")
        return self.network_.predict(self.params_, self._check_inputs(X), stop=stops[layer])

    def _raw(self, X):
        if not hasattr(self, "params_"):  # asking in full takes 5 us of the 100 that a prediction of one row takes
            check_is_fitted(self)
        return self.network_.predict(self.params_, self._check_inputs(X))

    def _check_inputs(self, X):
        return validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)

    # Fitting, in the order in which it happens.

    @np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")  # divergence is an error of its own
    def _fit(self, X, y, sample_weight, given, incremental=False, classes=None):
        resume = hasattr(self, "params_") and (incremental or self.warm_start)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: it sees one epoch at a time.")
        callbacks = self._begin_callbacks(X, y, sample_weight, incremental)
        run = self._prepare(X, y, sample_weight, given, resume, incremental, classes)
        monitor = Monitor(
            run.objective,
            validate=run.validate,
            patience=Patience(self.tol, self.n_iter_no_change) if self.early_stopping else None,
            guard=DivergenceGuard(run.limit, functools.partial(self._explosion, run)),
            verbose=self.verbose,
            listener=callbacks and functools.partial(callbacks, run=run),
            epochs_before=len(self.history_["epoch"]) if resume else 0,
            seconds_before=self.history_["seconds"][-1] if resume and self.history_["seconds"] else 0.0,
            max_epochs=1 if incremental else None,
        )
        result = self._minimize(run, monitor)
        self._finish(run, monitor, result, resume, incremental)
        if callbacks:
            callbacks.end()
        return self

    def _prepare(self, X, y, sample_weight, given, resume, incremental, classes=None):
        """Everything up to the first step: data, network, parameters, objective and solver of this run."""
        self._check_parameters()
        state = getattr(self, "_state", None) if resume else None
        X, y, sample_weight = self._check_rows(
            X, y, sample_weight, self.params_.dtype if resume else None, classes, resume
        )
        loss, targets = self._encode(y)
        network = self._make_network(X.shape[1], targets.shape[1])
        rng = check_random_state(self.random_state)
        if state and isinstance(self.random_state, Integral):
            rng = copy.deepcopy(state["rng"])
        if not resume:
            params = network.init(rng, self._initializer(), X.dtype)
        elif network != self.network_:
            raise ValueError(
                f"warm_start and partial_fit keep the network, which is {self.network_}; now it would be {network}."
            )
        else:
            params = state["params"] if state else self.params_
        split = state and state["split"]
        train, validation, split = self._hold_out(X, y, targets, sample_weight, given, rng, split, loss)
        X, targets, sample_weight = train
        objective = Objective(
            network, loss, X, self._smooth(targets), sample_weight, alpha=self.alpha, l1_ratio=self.l1_ratio
        )
        run = SimpleNamespace(
            network=network, params=params, objective=objective, loss=objective.loss, rng=rng, split=split, X=X
        )
        run.state = state["solver"] if state else None
        run.solver = self._make_solver(network, X.shape[0], incremental, resume)
        run.validate = self._validator(run, validation)
        # Of a sample at first; only a loss that is above it is worth a look at every row.
        sample = self._explosion(run, every=max(1, X.shape[0] // SCALE_ROWS))
        run.limit = max(sample, state["limit"] if state else 0.0)
        return run

    def _check_parameters(self):
        """What scikit-learn's parameter constraints cannot say."""
        for name, constraints in self._parameter_constraints.items():
            value = getattr(self, name)
            if isinstance(value, (bool, np.bool_)) and any(isinstance(c, Interval) for c in constraints):
                raise ValueError(f"{name}={value} must be a number, not a truth value.")
            if isinstance(value, type):
                raise ValueError(f"{name} is the class {value.__name__}: give an object, such as {value.__name__}().")
        sizes = self._hidden_sizes()
        for name, listed in (("activation", (list, tuple)), ("dropout", (list, tuple, np.ndarray))):
            value = getattr(self, name)
            single = isinstance(value, np.ndarray) and value.ndim == 0
            if isinstance(value, listed) and not single and len(value) != len(sizes):
                raise ValueError(f"{name} has {len(value)} entries for {len(sizes)} hidden layers: give one each.")
        if self.normalization == "layer" and 1 in sizes:
            raise ValueError(
                "normalization='layer' makes a constant of a hidden layer of one unit: hidden_layer_sizes="
                f"{self.hidden_layer_sizes!r} must be at least 2 each, or normalization='batch'."
            )
        scipy_solver = (
            self.solver in SCIPY_METHODS if isinstance(self.solver, str) else isinstance(self.solver, ScipyMinimize)
        )
        if scipy_solver and (np.any(np.asarray(self.dropout) != 0) or self.input_dropout):
            raise ValueError(
                f"solver={self.solver!r} needs a deterministic objective, and dropout={self.dropout!r}, input_dropout="
                f"{self.input_dropout!r} make it stochastic: set both to 0 or use a solver such as 'adam'."
            )
        if self.clip_norm is not None and (scipy_solver or not isinstance(self.solver, str)):
            raise ValueError(
                f"clip_norm={self.clip_norm!r} does not reach solver={self.solver!r}: scipy's methods clip nothing, "
                "and GradientDescent objects take a clip_norm of their own."
            )

    def _hidden_sizes(self):
        sizes = self.hidden_layer_sizes
        sizes = list(sizes) if np.iterable(sizes) else [sizes]
        if not all(isinstance(n, Integral) and not isinstance(n, (bool, np.bool_)) and n > 0 for n in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0 and whole numbers, got {self.hidden_layer_sizes!r}.")
        return sizes

    def _check_rows(self, X, y, sample_weight, dtype, classes, resume):
        """Validate the training rows; those of weight zero go."""
        _refuse_text(X, "X")
        self._refuse_targets(y, "y")
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=not is_classifier(self),
            dtype=dtype or (np.float64, np.float32),
            reset=not resume,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)
            if sample_weight.size and sample_weight.dtype.kind in "biuf" and not sample_weight.any():
                raise ValueError("sample_weight is zero for every row: there is nothing to learn from.")
            sample_weight = _check_sample_weight(sample_weight, X)
            if (sample_weight < 0).any():
                raise ValueError(f"sample_weight must not be negative, and has {sample_weight.min()}.")
            X, y, sample_weight = _drop_weightless(X, y, sample_weight)
        y = self._learn_targets(y, classes, resume)
        return _drop_weightless(X, y, self._weigh_classes(y, sample_weight, X.dtype))

    def _make_network(self, n_in, n_out):
        sizes = self._hidden_sizes()
        activations = self.activation if isinstance(self.activation, (list, tuple)) else [self.activation] * len(sizes)
        dropouts = self.dropout if np.ndim(self.dropout) else [self.dropout] * len(sizes)
        norm = {"batch": BatchNorm, "layer": LayerNorm}.get(self.normalization)
        layers = [Dropout(self.input_dropout)] if self.input_dropout else []
        for n, activation, dropout in zip(sizes, activations, dropouts, strict=True):
            # The bias before a batch normalization changes nothing; it stays, so that intercepts_ keeps its shape.
            layers += [Dense(n_in, int(n)), *([norm(int(n))] if norm else []), Activation(activation)]
            if check_number("dropout", dropout, low=0, high=1, open_high=True):
                layers.append(Dropout(dropout))
            n_in = int(n)
        return Network([*layers, Dense(n_in, n_out)])

    def _initializer(self):
        if self.init != "auto":
            return self.init
        single = isinstance(self.activation, str) or callable(self.activation)
        return auto_for([self.activation] if single else self.activation)

    def _hold_out(self, X, y, targets, sample_weight, given, rng, split, loss):
        """Training rows, validation rows (or None), and the random state from which a split can be drawn again."""
        if given[0] is not None:
            return (X, targets, sample_weight), self._check_given(*given, y, X.dtype, loss), split
        if given[1] is not None or given[2] is not None:
            raise ValueError("y_val and sample_weight_val need X_val.")
        if not self.early_stopping:
            return (X, targets, sample_weight), None, split
        if split is not None:
            rng = np.random.RandomState()
            rng.set_state(split)
        split = rng.get_state()
        train, held = self._split_rows(y, rng)
        weights = (None, None) if sample_weight is None else (sample_weight[train], sample_weight[held])
        return (X[train], targets[train], weights[0]), (X[held], y[held], targets[held], weights[1]), split

    def _split_rows(self, y, rng):
        """Row numbers for training and validation, drawn as scikit-learn's perceptrons draw them."""
        if self.validation_fraction == 0:
            raise ValueError("early_stopping=True needs a validation_fraction above 0, or X_val and y_val in fit.")
        rows = np.arange(y.shape[0])
        labels = y if is_classifier(self) and y.ndim == 1 else None
        binary = labels is not None and len(self.classes_) <= 2
        split = functools.partial(train_test_split, rows, random_state=rng, test_size=self.validation_fraction)
        try:
            train, held = split(stratify=labels if binary else None)
        except ValueError as error:
            text = f"validation_fraction={self.validation_fraction} does not split {len(rows)} rows: {error}"
            raise ValueError(text) from error
        if labels is not None and not binary:
            present, counts = np.unique(labels, return_counts=True)
            left_out = any(len(np.unique(labels[side])) < len(present) for side in (train, held))
            if left_out and counts.min() > 1 and min(len(train), len(held)) >= len(present):
                train, held = split(stratify=labels)
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return train, held

    def _check_given(self, X, y, sample_weight, known, dtype, loss):
        """Validate a validation set as the training set is; targets are held against the ``known`` ones."""
        if y is None:
            raise ValueError("X_val needs y_val.")
        _refuse_text(X, "X_val")
        self._refuse_targets(y, "y_val")
        try:
            X = validate_data(self, X, accept_sparse="csr", dtype=dtype, reset=False)
        except ValueError as error:
            raise ValueError(f"X_val cannot be used: {error}") from error
        y = y if sparse.issparse(y) else np.asarray(y)
        y = y.ravel() if y.shape[1:] == (1,) and known.ndim == 1 else y
        if y.ndim == 0 or y.shape[1:] != known.shape[1:]:
            raise ValueError(f"y_val has shape {y.shape}, y {known.shape}: they need the same columns.")
        if y.shape[0] != X.shape[0]:
            raise ValueError(f"X_val has {X.shape[0]} rows, y_val has {y.shape[0]}.")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
            if (sample_weight < 0).any() or not sample_weight.any():
                raise ValueError("sample_weight_val must not be negative, nor zero for every row.")
        targets = self._encode(self._known_targets(y, "y_val"))[1]
        loss.check_targets(np.asarray(targets, dtype=dtype))
        return X, y, targets, sample_weight

    def _make_solver(self, network, n_samples, incremental, resume):
        """The solver that a name stands for; an object is used as it is."""
        solver = self.solver
        if not isinstance(solver, str):
            solver = copy.copy(solver)
        elif solver in SCIPY_METHODS:
            options = {"gtol": self.tol} | ({"maxfun": self.max_fun} if solver == "lbfgs" else {})
            solver = ScipyMinimize(SCIPY_METHODS[solver], max_iter=self.max_iter, options=options)
        else:
            solver = GradientDescent(
                self._make_optimizer(),
                self._make_schedule(n_samples, resume, incremental),
                batch_size=None if solver == "gd" else self._rows_of_a_batch(n_samples),
                shuffle=self.shuffle,
                max_iter=1 if incremental else self.max_iter,
                tol=self.tol,
                n_iter_no_change=self.n_iter_no_change,
                clip_norm=self.clip_norm,
            )
        batch = getattr(solver, "batch_size", None) or n_samples
        if not network.is_rowwise and min(batch, n_samples) < 2:
            raise ValueError(
                f"normalization='batch' needs at least two rows a batch: batch_size is {batch}, n_samples={n_samples}. "
                "Use a larger batch_size, or normalization='layer'."
            )
        return solver

    def _rows_of_a_batch(self, n_samples):
        if self.batch_size == "auto":
            return min(200, n_samples)
        if self.batch_size > n_samples:
            warnings.warn(too_large(self.batch_size, n_samples), stacklevel=9)
        return min(self.batch_size, n_samples)

    def _make_optimizer(self):
        # Python's own numbers: a grid's float64 would draw float32 arrays into float64.
        beta_1, beta_2, epsilon = float(self.beta_1), float(self.beta_2), float(self.epsilon)
        return {
            "adagrad": Adagrad(epsilon),
            "rmsprop": RMSprop(epsilon=epsilon),
            "adam": Adam(beta_1, beta_2, epsilon),
            "adamw": AdamW(beta_1, beta_2, epsilon),
        }.get(self.solver, SGD(float(self.momentum), self.nesterovs_momentum))

    def _make_schedule(self, n_samples, resume, incremental):
        """The schedule that a name stands for; "cosine" spans the epochs before a warm start, too."""
        if callable(self.learning_rate):
            return self.learning_rate
        rate, done = self.learning_rate_init, self.n_iter_ if resume else 0
        if incremental and self.learning_rate == "cosine" and done >= self.max_iter:
            warnings.warn(
                f"learning_rate='cosine' is 0 after max_iter={self.max_iter} epochs: partial_fit changes nothing more.",
                stacklevel=9,
            )
        return {
            "constant": lambda: Constant(rate),
            "invscaling": lambda: InverseScaling(rate, self.power_t, self.t_ / done if done else n_samples),
            "adaptive": lambda: Adaptive(rate, self.tol, self.n_iter_no_change),
            "time_decay": lambda: TimeDecay(rate, self.decay),
            "step": lambda: StepDecay(rate, self.decay, every=max(1, self.max_iter // 10)),
            "exponential": lambda: Exponential(rate, self.decay),
            "cosine": lambda: Cosine(rate, self.max_iter + (0 if incremental else done)),
        }[self.learning_rate]()

    def _validator(self, run, validation):
        """``params -> (loss, score)`` on the validation rows, or None."""
        if validation is None:
            return None
        X, y, targets, sample_weight = validation
        weights = np.ones(len(targets)) if sample_weight is None else sample_weight
        scorer = None if self.scoring in (None, "loss") else check_scoring(self, self.scoring)
        weighted = {"sample_weight": sample_weight} if sample_weight is not None and _takes_weights(scorer) else {}

        def validate(params):
            params = self._calibrated(run, params)
            raw = run.network.predict(params, X)
            loss = float(run.loss.value_and_grad(targets, raw, sample_weight)[0] / weights.sum())
            if self.scoring == "loss":
                return loss, -loss
            if scorer is None:
                return loss, self._score(raw, run.loss, y, sample_weight)
            model = copy.copy(self)
            vars(model).update(self._fitted(run, params))
            vars(model).pop("feature_names_in_", None)  # the rows are an array by now
            return loss, scorer(model, X, y, **weighted)

        return validate

    @staticmethod
    def _calibrated(run, params):
        """Parameters in the training dtype, with the population statistics of batch normalization measured."""
        params = np.asarray(params, dtype=run.params.dtype)
        if run.network.has_statistics:
            params = params.copy()
            run.network.calibrate(params, run.X)
        return params

    @staticmethod
    def _explosion(run, every=1):
        """The loss above which training has diverged: far above where it begins and above what raw = 0 costs."""
        rows = slice(None, None, every)
        # Of any sign: a likelihood may leave its constants out.
        start, nothing = (abs(run.objective.value(at, rows)) for at in (run.params, np.zeros_like(run.params)))
        return EXPLOSION * float(max(start, nothing))

    def _minimize(self, run, monitor):
        """Run the solver; what goes wrong on the way ends in the best or the latest parameters, if there are any."""
        try:
            result = run.solver.minimize(run.objective, run.params, callback=monitor, rng=run.rng, state=run.state)
            if not monitor.epochs:
                monitor.fill(int(result.get("nit", 1)), float(result.fun))
            if self.verbose and isinstance(run.solver, GradientDescent) and result.status == CONVERGED:
                print(result.message)
            if result.get("message") == INTERRUPT_MESSAGE:
                warnings.warn(INTERRUPT_MESSAGE, stacklevel=7)
            if monitor.best_params is None and not math.isnan(result.fun):
                monitor.guard.check(
                    float(result.fun), monitor.epochs, (monitor.history["learning_rate"] or [math.nan])[-1]
                )
        except DivergenceError as error:
            if monitor.best_params is None:
                raise
            warnings.warn(f"{error} The best weights so far are kept.", ConvergenceWarning, stacklevel=7)
            result = {"x": monitor.best_params, "fun": monitor.history["loss"][-1], "success": True}
        except KeyboardInterrupt:  # the package's solvers return; this is for others
            warnings.warn(INTERRUPT_MESSAGE, stacklevel=7)
            latest = run.params if monitor.params is None else monitor.params
            result = {"x": latest, "fun": math.nan, "success": True}
        if math.isnan(result["fun"]):  # interrupted in the first epoch
            result["fun"] = run.objective.loss_and_grad(np.asarray(result["x"], run.params.dtype), rng=run.rng)[0]
        return result

    def _finish(self, run, monitor, result, resume, incremental):
        """Set the fitted attributes, and warn of what the user should know."""
        last = np.array(result["x"], dtype=run.params.dtype)
        best = last if monitor.best_params is None else monitor.best_params
        if not np.isfinite(best).all():
            raise diverged(math.nan, monitor.epochs, math.nan)
        history, loss = self.history_.copy() if resume else History(), float(result["fun"])
        history.extend(monitor.history)
        seen = (self.t_ if resume else 0) + monitor.epochs * run.objective.n_samples
        self._warn(run, monitor, result, loss, incremental)
        vars(self).update(self._fitted(run, self._calibrated(run, best)))
        self.history_, self.loss_, self.n_iter_, self.t_ = history, loss, len(history["epoch"]), seen
        self.best_loss_ = None if self.early_stopping else float(np.fmin.reduce([loss, *history["loss"]]))
        self.validation_scores_ = list(history["val_score"]) if run.validate else None
        self.best_validation_score_ = None
        if run.validate and monitor.epochs:
            self.best_validation_score_ = float(np.fmax.reduce(history["val_score"][-monitor.epochs :]))
        self.__dict__.pop("_state", None)
        if self.warm_start or incremental:
            self._state = {
                "solver": result.get("state"),
                "rng": run.rng if isinstance(self.random_state, Integral) else None,
                "split": run.split,
                "limit": monitor.guard.limit,
                "params": last,
            }

    def _warn(self, run, monitor, result, loss, incremental):
        first = monitor.history["loss"][-monitor.epochs] if monitor.epochs else loss
        if monitor.guard.worth_a_warning(loss, first):
            rate = monitor.history["learning_rate"][-1]
            warnings.warn(
                f"The loss rose from {first:g} to {loss:g} in epoch {monitor.epochs}, with learning rate "
                f"{rate:g}; lower it or scale X and y.",
                ConvergenceWarning,
                stacklevel=8,
            )
        if incremental or result.get("success", True):
            return
        if isinstance(run.solver, GradientDescent):
            text = (
                f"Stochastic Optimizer: Maximum iterations ({run.solver.max_iter}) reached and the optimization hasn't "
                "converged yet."
            )
        else:
            text = (
                f"solver={self.solver!r} stopped after {monitor.epochs} iterations without converging: "
                f"{str(result.get('message', 'no reason given')).rstrip('.')}. Increase max_iter or scale the data."
            )
        warnings.warn(text, ConvergenceWarning, stacklevel=8)

    def _fitted(self, run, params):
        """The attributes from which an estimator can predict."""
        return {
            "params_": params,
            "network_": run.network,
            "_loss": run.loss,
            "n_layers_": len(self._hidden_sizes()) + 2,
            "n_outputs_": run.network.n_out,
            "out_activation_": getattr(run.loss, "out_activation", "custom"),
        }

    def _begin_callbacks(self, X, y, sample_weight, incremental):
        """Open scikit-learn's callback context; give the function that tells it of an epoch, if there is one."""
        if not getattr(self, "_skl_callbacks", None):
            return None
        n_epochs = 1 if incremental else self.max_iter if isinstance(self.solver, str) else None
        context = self._init_callback_context(max_subtasks=n_epochs)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        data = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        context.call_on_fit_task_begin(**data)

        def epoch(params, run):
            task = context.subcontext(task_name="epoch")
            task.call_on_fit_task_begin(**data)
            return task.call_on_fit_task_end(
                **data, reconstruction_attributes=lambda: self._fitted(run, self._calibrated(run, params).copy())
            )

        epoch.end = functools.partial(context.call_on_fit_task_end, **data, reconstruction_attributes={})
        return epoch

    def objective(self, X, y):
        """What check_gradient checks: the objective in float64, at initial parameters."""
        model = copy.copy(self)
        model.early_stopping = False
        X = X.astype(np.float64) if sparse.issparse(X) else np.asarray(X, dtype=np.float64)
        run = model._prepare(X, y, None, (None, None, None), resume=False, incremental=False)
        return run.objective, run.params

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class ScratchMLPClassifier(ClassifierMixin, _BaseScratchMLP):
    """Multi-layer perceptron classifier, a drop-in superset of scikit-learn's ``MLPClassifier``.

    Change the import, and the same code and parameter grids work, from the same initial weights for the same
    ``random_state``. What differs is where scikit-learn is known to be wrong: sample weights and ``alpha`` do not
    depend on the batch size, a loss is never clipped, warm starts go on as if they had not been interrupted, and
    divergence is an error.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; ``()`` for none, which makes a linear model.
    activation : str, callable or sequence of these, default="relu"
        Of the hidden layers: a name of ``skmlp_scratch.activations.ACTIVATIONS``, a function ``z -> (a, backward)``,
        or one of these a hidden layer.
    solver : str or object, default="adam"
        ``"gd"`` (full batch), ``"sgd"``, ``"adagrad"``, ``"rmsprop"``, ``"adam"``, ``"adamw"`` are gradient descent;
        ``"bfgs"``, ``"lbfgs"``, ``"cg"`` are scipy's. They take their figures from the parameters below. An object with
        ``minimize``, such as ``GradientDescent`` or ``ScipyMinimize``, brings its own, ``max_iter`` and ``tol``
        included; those below do not reach it, but for early stopping. "adamw" decays the weights by 0.01 beside
        ``alpha``.
    alpha : float, default=0.0001
        Strength of the penalty, divided by the sum of the sample weights, whatever the batch size.
    batch_size : int or "auto", default="auto"
        Rows of a minibatch; "auto" is ``min(200, n_samples)``. Not for "gd" and scipy's methods.
    learning_rate : str or callable, default="constant"
        How the learning rate changes, for every gradient-descent solver: ``"constant"``; ``"invscaling"``,
        ``learning_rate_init / (t + 1)**power_t`` after t training samples; ``"adaptive"``, divided by 5 after every
        ``n_iter_no_change + 1`` epochs without progress; ``"time_decay"``, ``"step"`` and ``"exponential"`` with
        ``decay``; ``"cosine"``, to 0 over ``max_iter`` (warm starts: over the epochs so far and ``max_iter`` more;
        partial_fit: over ``max_iter`` calls); or a schedule ``(epoch, losses) -> rate``.
    learning_rate_init : float, default=0.001
        The learning rate of the first epoch.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Epochs (passes over the training set), or iterations of scipy's methods, of one call of fit.
    shuffle : bool, default=True
        Whether minibatches are drawn in a new order each epoch.
    random_state : int, RandomState instance or None, default=None
        Initial weights, validation split, order of minibatches and dropout, in this order.
    tol : float, default=1e-4
        The least improvement of the loss, or with early stopping of the validation score, that counts; for
        scipy's methods also the largest entry of the gradient that counts as zero.
    verbose : bool or int, default=False
        Whether to print each epoch.
    warm_start : bool, default=False
        Whether fit goes on from the last one: weights, optimizer, schedule, random state and validation split are
        kept, so that 5 + 5 epochs of gradient descent are the same as 10, but for "step" and "cosine", which depend on
        ``max_iter``. The stopping rule starts afresh, and with it the best validation score. ``n_iter_`` and
        ``loss_curve_`` go on counting.
    momentum : float, default=0.9
        For "gd" and "sgd".
    nesterovs_momentum : bool, default=True
        Whether that momentum is Nesterov's.
    early_stopping : bool, default=False
        Whether to hold out rows, stop when the score on them stalls, and return the best weights. Works with every
        solver. Two classes are split in their proportions; for more, as in scikit-learn, the split is plain, unless
        that would leave a class out of either side. With ``X_val`` given to fit, that takes the place of the split.
    validation_fraction : float, default=0.1
        Share of the rows held out.
    beta_1, beta_2 : float, default=0.9, 0.999
        For "adam" and "adamw".
    epsilon : float, default=1e-8
        For "adam", "adamw", "adagrad" and "rmsprop".
    n_iter_no_change : int or inf, default=10
        Epochs without improvement in a row that are borne. As in scikit-learn one more than these stops.
    max_fun : int, default=15000
        Evaluations of the objective, for "lbfgs".
    loss : str or object, default="log_loss"
        ``"log_loss"`` (logistic output for two classes and multilabel targets, softmax for more),
        ``"categorical_cross_entropy"`` (softmax even for two), ``"binary_cross_entropy"``, ``"squared_error"`` on the
        probabilities, or an object with ``value_and_grad`` and ``inverse_link``.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes, multiplied into ``sample_weight``; a list has a dict for each label of multilabel
        targets. They count in the score on a split, too, and not on ``X_val``, whose rows have weights of their own.
        "balanced" is not for partial_fit.
    label_smoothing : float, default=0.0
        Share of each target that is spread over all classes: y (1 - e) + e / K.
    l1_ratio : float, default=0.0
        Share of L1 in the penalty. Gradient descent then gives exact zeros; scipy's methods only small weights.
    dropout : float or sequence of float, default=0.0
        Drop probability of every hidden layer, or one each. Not for scipy's methods.
    input_dropout : float, default=0.0
        Drop probability of the inputs. Not for scipy's methods.
    normalization : {None, "batch", "layer"}, default=None
        Before each hidden activation.
    init : str or callable, default="auto"
        ``"auto"`` draws the initial weights exactly as scikit-learn does; or a name of
        ``skmlp_scratch.initializers.INITIALIZERS``; or a function ``(rng, n_in, n_out) -> (W, b)``.
    decay : float, default=0.0
        For the learning rates "time_decay", divided by ``1 + decay * epoch``; "exponential", times ``1 - decay`` each
        epoch; and "step", times ``1 - decay`` at every tenth of ``max_iter``. 0 leaves them constant.
    clip_norm : float or None, default=None
        Gradients longer than this are shortened to it, for the gradient-descent solvers.
    scoring : str, callable or None, default=None
        What is measured on the validation set: None is accuracy, ``"loss"`` minus the loss, else a scikit-learn scorer.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, in order.
    params_ : ndarray of shape (n_params,)
        All parameters as one flat vector; ``coefs_`` and ``intercepts_`` are views of it.
    network_ : Network
        The description of the network.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.
    history_ : dict of list
        ``epoch``, ``loss``, ``val_loss``, ``val_score``, ``learning_rate``, ``grad_norm``, ``seconds``: an entry an
        epoch (scipy: iteration), nan where nothing was measured. ``val_loss`` is without penalty.
    loss_curve_ : list of float
        ``history_["loss"]``: for a full batch before the update, for minibatches the mean over the epoch, for scipy's
        methods after the iteration.
    loss_ : float
        The last loss, penalty included.
    best_loss_ : float or None
        The least loss; None with early stopping.
    validation_scores_ : list of float or None
        ``history_["val_score"]`` where a validation set was measured.
    best_validation_score_ : float or None
        The score of the weights that early stopping returned.
    n_iter_ : int
        Epochs, all fits of a warm start and all calls of partial_fit included.
    t_ : int
        Training samples seen.
    n_layers_, n_outputs_ : int
        Layers, input and output included; outputs.
    out_activation_ : str
        Name of the output activation.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names that are strings.

    Notes
    -----
    An epoch of fit is a pass over the training rows; each call of partial_fit is one epoch over the rows it is given.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skmlp_scratch import ScratchMLPClassifier
    >>> X, y = make_moons(200, noise=0.2, random_state=0)
    >>> clf = ScratchMLPClassifier(20, solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.95
    True
    """

    _parameter_constraints: dict = {
        **_BaseScratchMLP._parameter_constraints,
        "loss": [
            StrOptions({"log_loss", "categorical_cross_entropy", "binary_cross_entropy", "squared_error"}),
            HasMethods(["value_and_grad", "inverse_link"]),
        ],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        loss="log_loss",
        class_weight=None,
        label_smoothing=0.0,
        l1_ratio=0.0,
        dropout=0.0,
        input_dropout=0.0,
        normalization=None,
        init="auto",
        decay=0.0,
        clip_norm=None,
        scoring=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.l1_ratio = l1_ratio
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.normalization = normalization
        self.init = init
        self.decay = decay
        self.clip_norm = clip_norm
        self.scoring = scoring

    @available_if(_is_incremental)
    @_atomic
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Go on for one epoch over the given rows.

        Weights, optimizer, schedule and random state are kept from call to call. Not there for scipy's methods, which
        always run a full fit.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels; they need not contain every class.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels; needed in the first call.
        X_val, y_val, sample_weight_val : array-like or None, default=None
            A validation set, measured after the epoch.

        Returns
        -------
        self : object
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, which does not see all labels: pass the "
                "dict that sklearn.utils.class_weight.compute_class_weight('balanced', classes=classes, y=y) gives."
            )
        given = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, given, incremental=True, classes=() if classes is None else classes)

    def predict(self, X):
        """Predict labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The most probable class; for multilabel targets an indicator of those above one half.
        """
        raw = self._raw(X)
        return self._labels(self._loss.inverse_link(raw))

    def decision_function(self, X):
        """Compute the logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column for two classes: above zero is ``classes_[1]``, with softmax output, too.
        """
        raw = self._raw(X)
        if self._is_pair(raw):
            return raw[:, 1] - raw[:, 0]
        return raw.ravel() if raw.shape[1] == 1 else raw

    def predict_proba(self, X):
        """Predict probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; for multilabel targets that of each label, below 1. What underflows is the
            least positive number, not 0.
        """
        raw = self._raw(X)
        limits = np.finfo(raw.dtype)
        if len(self.classes_) == 1:
            return np.ones((len(raw), 1), dtype=raw.dtype)
        if self.out_activation_ == "logistic" and raw.shape[1] == 1:
            y_prob = expit(np.hstack([-raw, raw]))
        else:
            y_prob = self._loss.inverse_link(raw)
            if self._label_binarizer.y_type_.startswith("multilabel"):
                y_prob = np.minimum(y_prob, 1 - limits.epsneg)
            elif raw.shape[1] == 1:
                y_prob = np.hstack([1 - y_prob, y_prob])
        return np.maximum(y_prob, limits.smallest_subnormal)

    def predict_log_proba(self, X):
        """Predict logarithms of probabilities, exact where the probabilities underflow.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            As :meth:`predict_proba`.
        """
        raw = self._raw(X)
        if len(self.classes_) == 1:
            return np.zeros((len(raw), 1), dtype=raw.dtype)
        if self.out_activation_ == "logistic" and raw.shape[1] == 1:
            return log_expit(np.hstack([-raw, raw]))
        if raw.shape[1] > 1:
            return self._loss.log_inverse_link(raw)
        return np.log(self.predict_proba(X))

    def _is_pair(self, raw):
        """Whether two columns stand for two classes."""
        return (
            raw.shape[1] == 2 and len(self.classes_) == 2 and not self._label_binarizer.y_type_.startswith("multilabel")
        )

    def _labels(self, y_pred):
        if self._is_pair(y_pred):
            y_pred = y_pred[:, 1] - y_pred[:, 0] + 0.5  # the larger of two: above one half
        elif y_pred.shape[1] == 1:
            y_pred = y_pred.ravel()
        return self._label_binarizer.inverse_transform(y_pred, threshold=0.5)

    def _score(self, raw, loss, y, sample_weight):
        if not np.isfinite(raw).all():
            return np.nan
        return accuracy_score(y, self._labels(loss.inverse_link(raw)), sample_weight=sample_weight)

    def _fitted(self, run, params):
        return super()._fitted(run, params) | {"classes_": self.classes_, "_label_binarizer": self._label_binarizer}

    def _refuse_targets(self, y, name):
        if y is None or sparse.issparse(y):
            return
        labels = np.asarray(y, dtype=object if isinstance(y, (list, tuple)) else None)
        if labels.dtype == object:
            labels = np.ravel(labels)
            if any(label is None or is_pandas_na(label) or is_scalar_nan(label) for label in labels):
                raise ValueError(f"{name} contains None, NA or NaN: give every row a label, or leave the row out.")
            if len({isinstance(label, (str, bytes)) for label in labels}) > 1:
                raise ValueError(
                    f"{name} mixes strings and other labels: make them all of one kind, e.g. with {name}.astype(str)."
                )

    def _learn_targets(self, y, classes, resume):
        """Learn the classes, or check that they are those known."""
        if (
            y.ndim == 2 or y.dtype.kind == "f"
        ):  # whole numbers and text are classes as they are, without 0.2 ms of looking
            check_classification_targets(y)
        multilabel = y.ndim == 2
        if classes is not None and _check_partial_fit_first_call(self, classes if len(classes) else None):
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
            resume = True
        elif not resume:
            self._label_binarizer = LabelBinarizer().fit(y)
        self.classes_ = self._label_binarizer.classes_
        if resume and classes is None and set(unique_labels(y)) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {unique_labels(y)}"
            )
        return self._known_targets(y, "y")

    def _known_targets(self, y, name):
        """Give y back if it holds known classes only."""
        if y.ndim == 2 and not np.isin(y.data if sparse.issparse(y) else y, (0, 1)).all():
            raise ValueError(f"{name} must be an indicator of labels, of zeros and ones.")
        if y.ndim == 1 and not np.isin(y, self.classes_).all():
            unknown = np.setdiff1d(y, self.classes_)
            raise ValueError(
                f"`{name}` has classes not in `self.classes_`. `self.classes_` has {self.classes_}, not {unknown}."
            )
        return y

    def _weigh_classes(self, y, sample_weight, dtype):
        if self.class_weight is None:
            return sample_weight
        if isinstance(self.class_weight, (dict, list)):
            wanted = "a list of dicts, one a label," if y.ndim == 2 else "a dict"
            dicts = self.class_weight if y.ndim == 2 else [self.class_weight]
            if not (isinstance(dicts, list) and all(isinstance(each, dict) for each in dicts)):
                raise ValueError(f"class_weight={self.class_weight!r} must be {wanted} or 'balanced' for this y.")
            for weight in (weight for each in dicts for weight in each.values()):
                check_number("class_weight", weight, low=0)
        if y.ndim == 2:
            weights = compute_sample_weight(self.class_weight, y.toarray() if sparse.issparse(y) else y)
        else:
            every = compute_class_weight(self.class_weight, classes=self.classes_, y=y, sample_weight=sample_weight)
            weights = every[np.searchsorted(self.classes_, y)]
        weights = weights if sample_weight is None else weights * sample_weight
        if not weights.any():
            raise ValueError(
                f"class_weight={self.class_weight!r} is zero for every row: there is nothing to learn from."
            )
        return weights.astype(dtype)

    def _encode(self, y):
        """The loss, and targets of one column an output."""
        n_classes = len(self.classes_)
        multilabel = self._label_binarizer.y_type_.startswith("multilabel")
        single = multilabel or n_classes <= 2
        loss = self.loss
        if loss == "log_loss":
            loss = BinaryCrossEntropy() if single else CategoricalCrossEntropy()
        elif loss == "squared_error":
            loss = SquaredError(link="logistic" if single else "softmax")
        elif loss == "binary_cross_entropy" and not single:
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass: use loss='log_loss' "
                "instead of 'binary_cross_entropy'."
            )
        loss = as_loss(loss, n_classes)
        links = ["logistic"] if multilabel else ["softmax"] if n_classes > 2 else ["logistic", "softmax"]
        known = isinstance(self.loss, Loss) and type(self.loss).inverse_link is Loss.inverse_link
        if known and loss.out_activation not in links:
            raise ValueError(
                f"loss={loss!r} gives no probabilities of {n_classes} {'labels' if multilabel else 'classes'}: its "
                f"output is {loss.out_activation}, and must be {' or '.join(links)}."
            )
        if multilabel:
            return loss, y.toarray() if sparse.issparse(y) else y
        index = np.searchsorted(self.classes_, y)
        if n_classes > 2 or (n_classes == 2 and getattr(loss, "out_activation", None) == "softmax"):
            return loss, np.eye(n_classes, dtype=bool)[index]
        return loss, (index == n_classes - 1)[:, np.newaxis]

    def _smooth(self, targets):
        if not self.label_smoothing:
            return targets
        n_classes = targets.shape[1] if self._label_binarizer.y_type_ == "multiclass" else 2
        return targets * (1 - self.label_smoothing) + self.label_smoothing / n_classes

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.loss != "categorical_cross_entropy"
        tags.classifier_tags.multi_class = self.loss != "binary_cross_entropy"
        return tags


class ScratchMLPRegressor(RegressorMixin, _BaseScratchMLP):
    """Multi-layer perceptron regressor, a drop-in superset of scikit-learn's ``MLPRegressor``.

    What is said of :class:`ScratchMLPClassifier` holds here. With several targets, loss and gradient are both the mean
    over them.

    Parameters
    ----------
    loss : str or object, default="squared_error"
        ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"quantile"``, ``"poisson"``, ``"gamma"``, or an
        object with ``value_and_grad`` and ``inverse_link``, such as ``SquaredError(link="logistic")``.
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; ``()`` for none, which makes a linear model.
    activation : str, callable or sequence of these, default="relu"
        Of the hidden layers: a name of ``skmlp_scratch.activations.ACTIVATIONS``, a function ``z -> (a, backward)``,
        or one of these a hidden layer.
    solver : str or object, default="adam"
        ``"gd"`` (full batch), ``"sgd"``, ``"adagrad"``, ``"rmsprop"``, ``"adam"``, ``"adamw"`` are gradient descent;
        ``"bfgs"``, ``"lbfgs"``, ``"cg"`` are scipy's. They take their figures from the parameters below. An object with
        ``minimize``, such as ``GradientDescent`` or ``ScipyMinimize``, brings its own, ``max_iter`` and ``tol``
        included; those below do not reach it, but for early stopping. "adamw" decays the weights by 0.01 beside
        ``alpha``.
    alpha : float, default=0.0001
        Strength of the penalty, divided by the sum of the sample weights, whatever the batch size.
    batch_size : int or "auto", default="auto"
        Rows of a minibatch; "auto" is ``min(200, n_samples)``. Not for "gd" and scipy's methods.
    learning_rate : str or callable, default="constant"
        How the learning rate changes, for every gradient-descent solver: ``"constant"``; ``"invscaling"``,
        ``learning_rate_init / (t + 1)**power_t`` after t training samples; ``"adaptive"``, divided by 5 after every
        ``n_iter_no_change + 1`` epochs without progress; ``"time_decay"``, ``"step"`` and ``"exponential"`` with
        ``decay``; ``"cosine"``, to 0 over ``max_iter`` (warm starts: over the epochs so far and ``max_iter`` more;
        partial_fit: over ``max_iter`` calls); or a schedule ``(epoch, losses) -> rate``.
    learning_rate_init : float, default=0.001
        The learning rate of the first epoch.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Epochs (passes over the training set), or iterations of scipy's methods, of one call of fit.
    shuffle : bool, default=True
        Whether minibatches are drawn in a new order each epoch.
    random_state : int, RandomState instance or None, default=None
        Initial weights, validation split, order of minibatches and dropout, in this order.
    tol : float, default=1e-4
        The least improvement of the loss, or with early stopping of the validation score, that counts; for
        scipy's methods also the largest entry of the gradient that counts as zero.
    verbose : bool or int, default=False
        Whether to print each epoch.
    warm_start : bool, default=False
        Whether fit goes on from the last one: weights, optimizer, schedule, random state and validation split are
        kept, so that 5 + 5 epochs of gradient descent are the same as 10, but for "step" and "cosine", which depend on
        ``max_iter``. The stopping rule starts afresh, and with it the best validation score. ``n_iter_`` and
        ``loss_curve_`` go on counting.
    momentum : float, default=0.9
        For "gd" and "sgd".
    nesterovs_momentum : bool, default=True
        Whether that momentum is Nesterov's.
    early_stopping : bool, default=False
        Whether to hold out rows, stop when the score on them stalls, and return the best weights. Works with every
        solver. Two classes are split in their proportions; for more, as in scikit-learn, the split is plain, unless
        that would leave a class out of either side. With ``X_val`` given to fit, that takes the place of the split.
    validation_fraction : float, default=0.1
        Share of the rows held out.
    beta_1, beta_2 : float, default=0.9, 0.999
        For "adam" and "adamw".
    epsilon : float, default=1e-8
        For "adam", "adamw", "adagrad" and "rmsprop".
    n_iter_no_change : int or inf, default=10
        Epochs without improvement in a row that are borne. As in scikit-learn one more than these stops.
    max_fun : int, default=15000
        Evaluations of the objective, for "lbfgs".
    l1_ratio : float, default=0.0
        Share of L1 in the penalty. Gradient descent then gives exact zeros; scipy's methods only small weights.
    dropout : float or sequence of float, default=0.0
        Drop probability of every hidden layer, or one each. Not for scipy's methods.
    input_dropout : float, default=0.0
        Drop probability of the inputs. Not for scipy's methods.
    normalization : {None, "batch", "layer"}, default=None
        Before each hidden activation.
    init : str or callable, default="auto"
        ``"auto"`` draws the initial weights exactly as scikit-learn does; or a name of
        ``skmlp_scratch.initializers.INITIALIZERS``; or a function ``(rng, n_in, n_out) -> (W, b)``.
    decay : float, default=0.0
        For the learning rates "time_decay", divided by ``1 + decay * epoch``; "exponential", times ``1 - decay`` each
        epoch; and "step", times ``1 - decay`` at every tenth of ``max_iter``. 0 leaves them constant.
    clip_norm : float or None, default=None
        Gradients longer than this are shortened to it, for the gradient-descent solvers.
    scoring : str, callable or None, default=None
        What is measured on the validation set: None is R², ``"loss"`` minus the loss, else a scikit-learn scorer.
    quantile : float, default=0.5
        Which quantile of y, for ``loss="quantile"``.
    huber_delta : float, default=1.0
        Where squared turns linear, in units of y, for ``loss="huber"``.

    Attributes
    ----------
    params_ : ndarray of shape (n_params,)
        All parameters as one flat vector; ``coefs_`` and ``intercepts_`` are views of it.
    network_ : Network
        The description of the network.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.
    history_ : dict of list
        ``epoch``, ``loss``, ``val_loss``, ``val_score``, ``learning_rate``, ``grad_norm``, ``seconds``: an entry an
        epoch (scipy: iteration), nan where nothing was measured. ``val_loss`` is without penalty.
    loss_curve_ : list of float
        ``history_["loss"]``: for a full batch before the update, for minibatches the mean over the epoch, for scipy's
        methods after the iteration.
    loss_ : float
        The last loss, penalty included.
    best_loss_ : float or None
        The least loss; None with early stopping.
    validation_scores_ : list of float or None
        ``history_["val_score"]`` where a validation set was measured.
    best_validation_score_ : float or None
        The score of the weights that early stopping returned.
    n_iter_ : int
        Epochs, all fits of a warm start and all calls of partial_fit included.
    t_ : int
        Training samples seen.
    n_layers_, n_outputs_ : int
        Layers, input and output included; outputs.
    out_activation_ : str
        Name of the output activation.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names that are strings.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlp_scratch import ScratchMLPRegressor
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> reg = ScratchMLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, 3 * X[:, 0] + 1)
    >>> reg.predict([[0.5]]).round(2)
    array([2.5])
    """

    _parameter_constraints: dict = {
        **_BaseScratchMLP._parameter_constraints,
        "loss": [
            StrOptions({"squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"}),
            HasMethods(["value_and_grad", "inverse_link"]),
        ],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        l1_ratio=0.0,
        dropout=0.0,
        input_dropout=0.0,
        normalization=None,
        init="auto",
        decay=0.0,
        clip_norm=None,
        scoring=None,
        quantile=0.5,
        huber_delta=1.0,
    ):
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.l1_ratio = l1_ratio
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.normalization = normalization
        self.init = init
        self.decay = decay
        self.clip_norm = clip_norm
        self.scoring = scoring
        self.quantile = quantile
        self.huber_delta = huber_delta

    @available_if(_is_incremental)
    @_atomic
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Go on for one epoch over the given rows; see :meth:`ScratchMLPClassifier.partial_fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows.
        X_val, y_val, sample_weight_val : array-like or None, default=None
            A validation set, measured after the epoch.

        Returns
        -------
        self : object
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        raw = self._raw(X)
        y_pred = self._loss.inverse_link(raw)
        return y_pred.ravel() if y_pred.shape[1] == 1 else y_pred

    def _score(self, raw, loss, y, sample_weight):
        y_pred = loss.inverse_link(raw)
        return r2_score(y, y_pred, sample_weight=sample_weight) if np.isfinite(y_pred).all() else np.nan

    def _refuse_targets(self, y, name):
        if sparse.issparse(y):
            raise ValueError(f"{name} is a sparse matrix: pass {name}.toarray().")
        _refuse_text(y, name)

    def _learn_targets(self, y, classes, resume):
        return self._known_targets(y, "y")

    def _known_targets(self, y, name):
        y = np.asarray(y, dtype=np.float64)
        if not np.isfinite(y).all():
            raise ValueError(f"{name} contains NaN or infinity.")
        return y

    def _weigh_classes(self, y, sample_weight, dtype):
        return sample_weight

    def _encode(self, y):
        """The loss, and targets of one column an output."""
        own = {"quantile": lambda: Quantile(self.quantile), "huber": lambda: Huber(self.huber_delta)}
        loss = own[self.loss]() if self.loss in ("quantile", "huber") else as_loss(self.loss, 1)
        return loss, y.reshape(len(y), -1)

    def _smooth(self, targets):
        return targets

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self.loss in ("poisson", "gamma")
        return tags


def _drop_weightless(X, y, sample_weight):
    """Rows of weight zero are as if they were absent."""
    if sample_weight is None or sample_weight.all():
        return X, y, sample_weight
    kept = np.flatnonzero(sample_weight)
    return X[kept], y[kept], sample_weight[kept]


def _takes_weights(scorer):
    """Whether a scorer can be given sample weights; a user's function need not."""
    if scorer is None:
        return False
    try:
        parameters = inspect.signature(getattr(scorer, "_score_func", scorer)).parameters
    except (TypeError, ValueError):  # compiled functions have none
        return False
    return "sample_weight" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _refuse_text(data, name):
    """Refuse strings and dates, which numpy would quietly turn into numbers at fit and refuse at predict."""
    if sparse.issparse(data):
        return
    values = np.asarray(data)
    refused = (str, bytes, datetime.date, datetime.timedelta, np.datetime64, np.timedelta64)
    if values.dtype.kind in "USMm" or (values.dtype == object and any(isinstance(v, refused) for v in values.flat)):
        raise ValueError(
            f"{name} holds strings or dates: convert it to numbers first, text with {name}.astype(float), categories "
            "with OneHotEncoder."
        )
