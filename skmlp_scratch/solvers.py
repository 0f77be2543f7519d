r"""Solvers: everything that trains is ``minimize(objective, params)``.

A solver sees an objective, which gives loss and gradient at a vector, and returns a better vector. It knows nothing of
layers or data. :class:`GradientDescent` walks downhill in steps an optimizer rules, on all rows at once or on
minibatches; :class:`ScipyMinimize` hands the objective to any method of :func:`scipy.optimize.minimize`.

After every epoch (scipy: iteration) a solver calls ``callback(intermediate_result)`` with an ``OptimizeResult`` that
has ``x``, ``fun`` and ``nit``. StopIteration raised there ends the run, and the result is what has been reached.

Examples
--------
>>> import numpy as np
>>> from skmlp_scratch.solvers import GradientDescent, ScipyMinimize
>>> class Bowl:
...     n_samples, is_stochastic = 1, False
...     def loss_and_grad(self, params, rows=None, rng=None):
...         return float(params @ params), 2 * params
>>> ScipyMinimize("BFGS").minimize(Bowl(), np.ones(2)).x.round(6) + 0
array([0., 0.])
>>> GradientDescent(learning_rate=0.25, max_iter=3).minimize(Bowl(), np.ones(2)).x
array([0.125, 0.125])
"""

import math
import warnings

import numpy as np
from scipy import linalg, optimize
from sklearn.base import BaseEstimator

from ._checks import check_number, check_switch
from ._registry import instance
from .optimizers import OPTIMIZERS
from .schedules import Constant, Patience

CONVERGED, MAX_ITER, STOPPED, INTERRUPTED = range(4)
INTERRUPT_MESSAGE = "Training interrupted by user."
NO_GRADIENT = {"nelder-mead", "powell", "cobyla", "cobyqa"}


class DivergenceError(ValueError):
    """Training left the finite numbers, or went far above where it began.

    Examples
    --------
    >>> issubclass(DivergenceError, ValueError)
    True
    """


def diverged(loss, epoch, learning_rate):
    """Make the error for a loss that exploded.

    Parameters
    ----------
    loss : float
        What it came to.
    epoch : int
        In which epoch or iteration, from 1.
    learning_rate : float or None
        In force then; None where there is none.

    Returns
    -------
    DivergenceError

    Examples
    --------
    >>> "epoch 2" in str(diverged(float("nan"), 2, 0.1))
    True
    """
    if learning_rate is None or math.isnan(learning_rate):
        cause, cure = "a solver without a learning rate", "scale X and y (StandardScaler)"
    else:
        cause, cure = f"learning rate {learning_rate:g}", "lower it, scale X and y (StandardScaler), or set clip_norm"
    return DivergenceError(f"Training diverged: the loss is {loss:g} in epoch {epoch}, with {cause}; {cure}.")


def too_large(batch_size, n_samples):
    """Make the warning of a batch that is larger than the data.

    Parameters
    ----------
    batch_size : int
        What was asked for.
    n_samples : int
        What there is.

    Returns
    -------
    text : str

    Examples
    --------
    >>> too_large(11, 10)
    'batch_size=11 is larger than the 10 training samples; all of them are one batch.'
    """
    return f"batch_size={batch_size} is larger than the {n_samples} training samples; all of them are one batch."


class GradientDescent(BaseEstimator):
    r"""Step after step against the gradient, of all rows or of minibatches.

    An epoch is one pass over the rows: one step for a full batch, ``ceil(n_samples / batch_size)`` for minibatches.

    Parameters
    ----------
    optimizer : str or Optimizer, default="sgd"
        The update rule: a name of ``OPTIMIZERS`` or an object with ``init`` and ``update``.
    learning_rate : float or callable, default=0.01
        A constant above 0, or a schedule ``(epoch, losses) -> learning rate``.
    batch_size : int or None, default=None
        Rows a step; None takes all of them. More than there are is all of them, with a warning.
    shuffle : bool, default=True
        Whether minibatches are drawn in a new order each epoch.
    max_iter : int, default=2000
        Epochs.
    tol : float or None, default=None
        Stop when the loss has not improved by ``tol`` for more than ``n_iter_no_change`` epochs in a row; None runs
        all ``max_iter`` epochs. Left to the callback where that watches a validation set.
    n_iter_no_change : int or inf, default=10
        See ``tol``.
    clip_norm : float or None, default=None
        Gradients longer than this are shortened to it (Pascanu et al. 2013, algorithm 1).

    Notes
    -----
    With an L1 penalty a weight that would cross zero in a step is set to zero, and one at zero stays there while the
    data's gradient is within the L1 force: a clipped step, as in Andrew & Gao 2007. A proximal step would end at
    the wrong optimum behind momentum or Adam, whose step is not the gradient times one learning rate; clipping gives
    exact zeros with every optimizer. A weight that was stopped loses its momentum, too, which would carry it
    across again.

    Examples
    --------
    >>> GradientDescent("adam", learning_rate=0.01, batch_size=200)
    GradientDescent(batch_size=200, optimizer='adam')
    """

    incremental = True

    def __init__(
        self,
        optimizer="sgd",
        learning_rate=0.01,
        batch_size=None,
        shuffle=True,
        max_iter=2000,
        tol=None,
        n_iter_no_change=10,
        clip_norm=None,
    ):
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.clip_norm = clip_norm

    @np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")  # divergence is found below
    def minimize(self, objective, params, *, callback=None, rng=None, state=None):
        """Minimize the objective.

        Parameters
        ----------
        objective : Objective
            Anything with ``n_samples``, ``is_stochastic`` and ``loss_and_grad(params, rows, rng)``.
        params : ndarray of shape (n_params,)
            Where to start; left as it is.
        callback : callable or None, default=None
            Called with an OptimizeResult after each epoch: ``x`` (live, copy to keep), ``fun`` (full batch: before the
            update; minibatches: mean over the epoch), ``nit``, ``learning_rate``, ``grad_norm``. It may set
            ``watched``, which then takes the loss's place for the schedule and leaves stopping to the callback.
        rng : numpy.random.RandomState or None, default=None
            Orders the minibatches and draws dropout.
        state : dict or None, default=None
            ``result.state`` of an earlier run, to go on as if it had not ended.

        Returns
        -------
        result : scipy.optimize.OptimizeResult
            ``x``, ``fun``, ``nit``, ``success``, ``status``, ``message`` and ``state``.

        Raises
        ------
        ValueError
            If a parameter is out of range.
        DivergenceError
            In the epoch in which loss or parameters cease to be finite.
        """
        optimizer, schedule, batch_size = self._prepare(objective.n_samples)
        params = np.array(params)
        rng = np.random.RandomState() if rng is None else rng
        state = self._start(state, optimizer.init(params), objective.n_samples)
        step = optimize.OptimizeResult(x=params, fun=math.nan, nit=0)
        rate, status, message = None, MAX_ITER, f"Maximum number of epochs ({self.max_iter}) reached."
        patience = Patience(self.tol or 0.0, self.n_iter_no_change)
        floor = getattr(schedule, "min_learning_rate", math.inf)
        try:
            while step["nit"] < self.max_iter:
                rate = check_number("learning_rate", schedule(state["epoch"], state["losses"]), low=0)
                epoch = step["nit"] + 1
                loss, norm = self._epoch(objective, params, optimizer, rate, batch_size, rng, state, epoch)
                step = optimize.OptimizeResult(
                    x=params, fun=loss, nit=epoch, learning_rate=rate, grad_norm=norm, min_learning_rate=floor
                )
                try:
                    if callback is not None:
                        callback(step)
                finally:
                    state["epoch"] += 1
                    state["losses"].append(step.get("watched", loss))
                if self.tol is not None and "watched" not in step and patience.stalls(loss) and rate <= floor:
                    status, message = CONVERGED, f"Training loss did not improve more than tol={self.tol:f}. Stopping."
                    break
        except StopIteration:
            status, message = STOPPED, "Stopped by the callback."
        except KeyboardInterrupt:
            status, message = INTERRUPTED, INTERRUPT_MESSAGE
        if not np.isfinite(params).all():  # interrupted within an epoch
            raise diverged(math.nan, step["nit"] + 1, rate)
        success = status != MAX_ITER or self.tol is None
        return optimize.OptimizeResult(
            x=params, fun=step.fun, nit=step.nit, success=success, status=status, message=message, state=state
        )

    def _prepare(self, n_samples):
        """Check the parameters; give optimizer, schedule and batch size."""
        check_number("max_iter", self.max_iter, low=1, integer=True)
        if self.n_iter_no_change != math.inf:
            check_number("n_iter_no_change", self.n_iter_no_change, low=1, integer=True)
        if self.tol is not None:
            check_number("tol", self.tol, low=0)
        if self.clip_norm is not None:
            check_number("clip_norm", self.clip_norm, low=0, open_low=True)
        check_switch("shuffle", self.shuffle)
        batch_size = self.batch_size
        if batch_size is not None and check_number("batch_size", batch_size, low=1, integer=True) > n_samples:
            warnings.warn(too_large(batch_size, n_samples), stacklevel=4)
            batch_size = n_samples
        schedule = self.learning_rate
        if not callable(schedule) or isinstance(schedule, type):
            schedule = Constant(schedule)
        if hasattr(schedule, "check"):
            schedule.check()
        return instance(OPTIMIZERS, self.optimizer, "optimizer", "update"), schedule, batch_size

    def _start(self, state, fresh, n_samples):
        """A copy of the state to go on from, so that the old one stays as it was; fresh where nothing fits."""
        state = state or {"epoch": 0, "losses": [], "order": None, "optimizer": fresh}
        moving, order = state["optimizer"], state["order"]
        if moving.keys() != fresh.keys():  # another rule
            moving = fresh
        if self.batch_size is None or not self.shuffle:
            order = None
        elif order is None or len(order) != n_samples:
            order = np.arange(n_samples)
        else:
            order = order.copy()
        moving = {slot: array.copy() for slot, array in moving.items()}
        return {"epoch": state["epoch"], "losses": list(state["losses"]), "order": order, "optimizer": moving}

    def _epoch(self, objective, params, optimizer, learning_rate, batch_size, rng, state, epoch):
        """One pass over the rows; mean loss and the norm of the last gradient, as it was clipped."""
        n_samples = objective.n_samples
        kinked, total = getattr(objective, "kinked", None), 0.0
        if batch_size and self.shuffle:
            rng.shuffle(state["order"])
        for start in range(0, n_samples, batch_size or n_samples):
            stop = min(start + (batch_size or n_samples), n_samples)
            rows = None if batch_size is None else state["order"][start:stop] if self.shuffle else slice(start, stop)
            loss, grad = objective.loss_and_grad(params, rows, rng)
            if not math.isfinite(loss):
                raise diverged(loss, epoch, learning_rate)
            total += loss * (stop - start)
            if self.clip_norm is not None:
                grad = _clip(grad, float(self.clip_norm))
            before = None if kinked is None else params[kinked].copy()
            optimizer.update(params, grad, state["optimizer"], learning_rate)
            if before is not None:
                weights = params[kinked]
                stopped = (weights * before < 0) | ((before == 0) & (grad[kinked] == 0))
                weights[stopped] = 0
                for slot in getattr(optimizer, "momenta", ()):
                    state["optimizer"][slot][kinked][stopped] = 0
        norm = _length(grad)
        if not (math.isfinite(norm) and math.isfinite(_length(params))):
            raise diverged(math.nan, epoch, learning_rate)
        return total / n_samples, norm


def _clip(grad, norm):
    """Shorten a gradient that is longer than ``norm``."""
    length = _length(grad)
    return grad * (norm / length) if length > norm else grad


def _length(grad):
    """Euclidean norm."""
    square = np.dot(grad, grad)
    # BLAS's own norm is slower, and exact where the squares overflow.
    return math.sqrt(square) if square < math.inf else float(linalg.norm(grad, check_finite=False))


class ScipyMinimize(BaseEstimator):
    r"""Any method of :func:`scipy.optimize.minimize`: quasi-Newton, conjugate gradient, and the rest.

    These look along a line, or within a region, for a point that is lower; so they need no learning rate, and an
    objective that gives the same loss for the same parameters. An iteration is the epoch here.

    Parameters
    ----------
    method : str or callable, default="BFGS"
        As :func:`scipy.optimize.minimize` takes it: ``"BFGS"``, ``"L-BFGS-B"``, ``"CG"``, ... or a function.
    max_iter : int or None, default=None
        Iterations; None leaves scipy's default.
    tol : float or None, default=None
        scipy's ``tol``; None leaves its default.
    options : dict or None, default=None
        Further options of the method.

    References
    ----------
    Nocedal & Wright 2006, "Numerical optimization", chapters 5-7.

    Examples
    --------
    >>> ScipyMinimize("CG", max_iter=50)
    ScipyMinimize(max_iter=50, method='CG')
    """

    incremental = False

    def __init__(self, method="BFGS", max_iter=None, tol=None, options=None):
        self.method = method
        self.max_iter = max_iter
        self.tol = tol
        self.options = options

    @np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")  # divergence is found below
    def minimize(self, objective, params, *, callback=None, rng=None, state=None):
        """Minimize the objective.

        Parameters
        ----------
        objective : Objective
            Anything with ``is_stochastic`` and ``loss_and_grad(params)``.
        params : ndarray of shape (n_params,)
            Where to start; left as it is. Its dtype is the result's, while scipy itself works in float64.
        callback : callable or None, default=None
            Called with an OptimizeResult after each iteration: ``x``, ``fun`` (after it), ``nit``, ``grad_norm``.
        rng, state : None
            Not used: these methods draw nothing and start afresh.

        Returns
        -------
        result : scipy.optimize.OptimizeResult

        Raises
        ------
        ValueError
            If the objective is stochastic, or a parameter is out of range.
        DivergenceError
            If the loss is not finite at the start or at an accepted point.
        """
        if objective.is_stochastic:
            raise ValueError(
                f"solver ScipyMinimize({self.method!r}) needs a deterministic objective, and dropout makes it "
                "stochastic: set dropout=0 and input_dropout=0, or use a gradient descent solver such as 'adam'."
            )
        run = _ScipyRun(objective, params, callback)
        if not math.isfinite(run.loss):
            raise diverged(run.loss, 1, None)
        try:
            result = optimize.minimize(
                run.evaluate,
                run.x,
                jac=run.uses_gradient(self.method) or None,
                callback=run.iteration,
                **self._arguments(),
            )
        except StopIteration:
            result = run.cut_short(STOPPED, "Stopped by the callback.")
        except KeyboardInterrupt:
            result = run.cut_short(INTERRUPTED, INTERRUPT_MESSAGE)
        # Some methods take StopIteration for a failure, and some go on: what was reached then is what counts.
        return run.finish(run.cut_short(STOPPED, "Stopped by the callback.") if run.stopped else result)

    def _arguments(self):
        """Check the parameters; give them as scipy's arguments."""
        if not (isinstance(self.method, str) or callable(self.method)) or isinstance(self.method, type):
            raise ValueError(f"method={self.method!r} must be a name of scipy.optimize.minimize, or a function.")
        if not (self.options is None or isinstance(self.options, dict)):
            raise ValueError(f"options={self.options!r} must be a dict of the method's options, or None.")
        options = dict(self.options or {})
        if self.max_iter is not None:
            # TNC counts evaluations only.
            limit = "maxfun" if str(self.method).lower() == "tnc" else "maxiter"
            options[limit] = check_number("max_iter", self.max_iter, low=1, integer=True)
        if self.tol is not None:
            check_number("tol", self.tol, low=0)
        return {"method": self.method, "tol": self.tol, "options": options}


class _ScipyRun:
    """One run of a scipy method: the objective in float64, and the last accepted point, for when it is cut short."""

    def __init__(self, objective, params, callback):
        self.objective, self.dtype, self.callback = objective, params.dtype, callback
        self.x = np.array(params, dtype=np.float64)
        self.nit = 0
        self.with_gradient, self.stopped = True, False
        self.last = None
        self.loss = self.evaluate(self.x)[0]

    def uses_gradient(self, method):
        """Whether the method wants the gradient along with the loss."""
        self.with_gradient = not (isinstance(method, str) and method.lower() in NO_GRADIENT)
        return self.with_gradient

    def evaluate(self, x):
        """Loss and a copy of the gradient: scipy keeps it, and the objective's buffer will change."""
        loss, grad = self.objective.loss_and_grad(x.astype(self.dtype))
        self.last = x.copy(), loss, float(np.linalg.norm(grad))
        return (loss, grad.astype(np.float64)) if self.with_gradient else loss

    def iteration(self, intermediate_result):
        """Take scipy's callback, with a result or with a bare point."""
        x = np.array(getattr(intermediate_result, "x", intermediate_result), dtype=np.float64)
        if not np.array_equal(self.last[0], x):
            self.evaluate(x)
        if self.stopped:  # by a method that goes on after StopIteration
            raise StopIteration
        _, loss, norm = self.last
        self.nit += 1
        if not math.isfinite(loss):
            raise diverged(loss, self.nit, None)
        self.x, self.loss = x, loss
        if self.callback is not None:
            try:
                self.callback(optimize.OptimizeResult(x=x.astype(self.dtype), fun=loss, nit=self.nit, grad_norm=norm))
            except StopIteration:
                self.stopped = True
                raise

    def cut_short(self, status, message):
        """Make a result of the last accepted point."""
        return optimize.OptimizeResult(
            x=self.x, fun=self.loss, nit=self.nit, success=True, status=status, message=message
        )

    def finish(self, result):
        """Complete the result, in the parameters' dtype."""
        result.fun = float(result.fun)
        if not (math.isfinite(result.fun) and np.isfinite(result.x).all()):
            raise diverged(result.fun, self.nit + 1, None)
        result.x = np.asarray(result.x).astype(self.dtype)
        result.setdefault("nit", self.nit)  # some methods do not count
        return result


SOLVERS = ("gd", "sgd", "adagrad", "rmsprop", "adam", "adamw", "bfgs", "lbfgs", "cg")
