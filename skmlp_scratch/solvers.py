r"""Solvers: everything that trains is ``minimize(objective, params)``.

A solver sees an objective, which gives loss and gradient at a vector, and returns a better vector. It knows nothing of
layers or data. :class:`GradientDescent` walks downhill by an optimizer's steps, on all rows at once or on minibatches;
:class:`ScipyMinimize` hands the objective to any method of :func:`scipy.optimize.minimize`.

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

import copy
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.optimize import OptimizeResult
from sklearn.base import BaseEstimator

from ._checks import Checked, check_number, quiet
from ._registry import resolve
from .optimizers import OPTIMIZERS, Averaged, Clipped, KeepsZeros, Paced, length
from .schedules import Constant
from .stopping import (
    CONVERGED,
    INTERRUPT_MESSAGE,
    INTERRUPTED,
    MAX_ITER,
    STOPPED,
    Patience,
    Watched,
    diverged,
    too_large,
)

SCIPY_METHODS = {"bfgs": "BFGS", "lbfgs": "L-BFGS-B", "cg": "CG"}  # by the solver's name
NO_GRADIENT = {"nelder-mead", "powell", "cobyla", "cobyqa"}
DIFFERENCING = {"newton-cg", "tnc"}  # take differences of gradients, over steps that float32 cannot resolve


class GradientDescent(Checked, BaseEstimator):
    r"""Gradient descent, full-batch or in minibatches.

    An epoch is one pass over the rows: one step for a full batch, ``ceil(n_samples / batch_size)`` for minibatches.

    Parameters
    ----------
    optimizer : str or Optimizer, default="sgd"
        The update rule: a name of ``OPTIMIZERS`` or an object with ``init`` and ``update``.
    learning_rate : float or callable, default=0.01
        A constant above 0, or a schedule ``(epoch, losses) -> learning rate``.
    batch_size : int or None, default=None
        Rows per step; None uses all. A larger value than n_samples is clipped, with a warning.
    shuffle : bool, default=True
        Whether minibatches are drawn in a new order each epoch.
    max_iter : int, default=2000
        Number of epochs.
    tol : float or None, default=None
        Smallest decrease of the loss that counts as progress; None runs all ``max_iter`` epochs. Where the callback
        watches a validation set, it decides instead.
    n_iter_no_change : int or inf, default=10
        Number of consecutive epochs without progress that are allowed.
    clip_norm : float or None, default=None
        Maximum gradient norm; larger gradients are rescaled (Pascanu et al. 2013, algorithm 1).
    ema : float or None, default=None
        Decay of an exponential moving average of the parameters, in [0, 1), as
        :class:`skmlp_scratch.optimizers.Averaged` defines it. The average is what the callback sees and what is
        returned; None returns the parameters themselves.

    Notes
    -----
    With an L1 penalty weights are kept exactly at zero, see :class:`skmlp_scratch.optimizers.KeepsZeros`.

    Examples
    --------
    >>> GradientDescent("adam", learning_rate=0.01, batch_size=200)
    GradientDescent(batch_size=200, optimizer='adam')
    """

    incremental = True
    bounds: ClassVar[dict] = {
        "batch_size": "int [1, inf) or None",
        "shuffle": "bool",
        "max_iter": "int [1, inf)",
        "tol": "[0, inf) or None",
        "n_iter_no_change": "int [1, inf]",
        "clip_norm": "(0, inf) or None",
        "ema": "[0, 1) or None",
    }

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
        ema=None,
    ):
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.clip_norm = clip_norm
        self.ema = ema

    @quiet
    def minimize(
        self, objective: Any, params: NDArray, *, callback: Callable | None = None, rng: Any = None, state: Any = None
    ) -> OptimizeResult:
        """Minimize the objective.

        Parameters
        ----------
        objective : Objective
            Anything with ``n_samples``, ``is_stochastic`` and ``loss_and_grad(params, rows, rng)``.
        params : ndarray of shape (n_params,)
            Starting point; left as it is.
        callback : callable or None, default=None
            Function called with an OptimizeResult after each epoch: ``x`` (live, copy to keep), ``fun`` (full batch:
            before the update; minibatches: mean over the epoch), ``nit``, ``learning_rate`` (of the last step),
            ``grad_norm``, ``min_learning_rate``. It may return a value to watch, smaller being better, which then
            takes the loss's place for the schedule and leaves stopping to the callback. ``StopIteration``, or
            ``StopIteration(value)``, ends the run after this epoch; going on from ``result.state`` is then as if the
            run had not ended. A warning is given to the callback's ``warn(text, category)``, if it has one.
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
        self.check()
        rule, schedule = self._rule(objective), self._schedule()
        rng = np.random.RandomState() if rng is None else rng
        run = _Descent(self, objective, rule, schedule, rng)
        run.start(params, state, getattr(callback, "warn", warnings.warn))
        patience, floor = Patience(self.tol or 0.0, self.n_iter_no_change), run.min_learning_rate
        step = optimize.OptimizeResult(x=run.shown, fun=math.nan, nit=0)
        status, message = MAX_ITER, f"Maximum number of epochs ({self.max_iter}) reached."
        try:
            while step["nit"] < self.max_iter:
                step = run.epoch(step["nit"] + 1)
                watched = run.report(step, callback)
                stalled = watched is None and self.tol is not None and patience.stalls(step["fun"])
                if stalled and step["learning_rate"] <= floor:
                    status, message = CONVERGED, f"Training loss did not improve more than tol={self.tol:f}. Stopping."
                    break
        except StopIteration:
            status, message = STOPPED, "Stopped by the callback."
        except KeyboardInterrupt:
            status, message = INTERRUPTED, INTERRUPT_MESSAGE
        except BaseException:
            run.undo()
            raise
        if not np.isfinite(run.shown).all():  # interrupted within an epoch
            run.undo()
            raise diverged(math.nan, step["nit"] + 1, run.rate)
        success = status != MAX_ITER or self.tol is None
        x = run.params if self.ema is None else run.shown.copy()  # the average itself belongs to the state
        return optimize.OptimizeResult(
            x=x, fun=step.fun, nit=step.nit, success=success, status=status, message=message, state=run.state
        )

    def _rule(self, objective):
        """The update rule, wrapped in what the parameters and the objective ask for."""
        rule = resolve(OPTIMIZERS, self.optimizer, "optimizer", method="update")
        if hasattr(rule, "bound"):
            rule = rule.bound(objective)
        factors, l1_slice = getattr(objective, "rate_factors", None), getattr(objective, "l1_slice", None)
        rule = Paced(rule, factors) if factors else rule
        rule = rule if l1_slice is None else KeepsZeros(rule, l1_slice)
        rule = rule if self.clip_norm is None else Clipped(rule, self.clip_norm)
        return rule if self.ema is None else Averaged(rule, self.ema, l1_slice)

    def _schedule(self):
        schedule = self.learning_rate
        if not callable(schedule) or isinstance(schedule, type):
            schedule = Constant(schedule)
        if hasattr(schedule, "check"):
            schedule.check()
        return schedule


class _Descent:
    """One run of gradient descent: what it steps with, and the state that moves."""

    def __init__(self, solver, objective, rule, schedule, rng):
        self.solver, self.objective = solver, objective
        self.rule, self.rng, self.rate = rule, rng, None
        self.counts_samples = getattr(schedule, "n_samples", 0) is None
        self.schedule = copy.copy(schedule) if self.counts_samples else schedule
        self.min_learning_rate = getattr(schedule, "min_learning_rate", math.inf)
        self.by_step = getattr(schedule, "per_step", False)

    def start(self, params, state, warn):
        """Make the state to go on from; what was given stays valid, and what does not fit is made afresh."""
        self.params = self.shown = np.array(params)
        self.safe_norm = 1e-5 * math.sqrt(np.finfo(self.params.dtype).max)
        n_samples, fresh = self.objective.n_samples, self.rule.init(self.params)
        self.batch_size = self.solver.batch_size
        if self.batch_size is not None and self.batch_size > n_samples:
            warn(too_large(self.batch_size, n_samples), UserWarning)
            self.batch_size = n_samples
        state = state or {"epoch": 0, "samples": 0, "losses": Watched(), "order": None, "optimizer": fresh}
        moving, order, losses = state["optimizer"], state["order"], state["losses"]
        if moving.keys() != fresh.keys():  # another rule
            moving = fresh
        if self.batch_size is None or not self.solver.shuffle or hasattr(self.objective, "batches"):
            order = None
        elif order is None or len(order) != n_samples:
            order = np.arange(n_samples)
        else:
            order = np.array(order, dtype=np.intp)
        # The list is shared by all states of one training, each of which knows by its epoch how much of it is its own:
        # copying it would make a call the slower the longer training has lasted.
        if not isinstance(losses, Watched) or len(losses) != state["epoch"]:
            losses = Watched(losses[: state["epoch"]])
        self.epochs_before = state["epoch"]
        self.state = {
            "epoch": state["epoch"],
            "samples": state["samples"],
            "losses": losses,
            "order": order,
            "optimizer": {slot: array.copy() for slot, array in moving.items()},
        }
        if self.solver.ema is not None:
            self._average(self.state["optimizer"])

    def _average(self, moving):
        """Step with the iterate of the state and show its average; parameters that are not that average are both."""
        if not np.array_equal(moving["average"], self.shown):
            moving["average"][...] = moving["iterate"][...] = self.shown
            moving["averaged_steps"][...] = 0
        self.params, self.shown = moving["iterate"], moving["average"]

    def undo(self):
        """Take back what a failed run has written into the list that it shares with the state it was given."""
        self.state["losses"].cut(self.epochs_before)

    def epoch(self, number):
        """Pass over the rows once; return what the callback is told."""
        total, done, n_samples = 0.0, 0, self.objective.n_samples
        if self.counts_samples:
            self.schedule.n_samples = self.state["samples"] / self.state["epoch"] if self.state["epoch"] else n_samples
        for rows, n_rows in self._batches():
            if self.by_step or not done:
                self._set_rate(done / n_samples)
            loss, grad = self.objective.loss_and_grad(self.params, rows, self.rng)
            if not math.isfinite(loss):
                raise diverged(loss, number, self.rate)
            total += loss * n_rows
            done += n_rows
            self.rule.update(self.params, grad, self.state["optimizer"], self.rate)
        norm = length(grad)
        if not (math.isfinite(norm) and math.isfinite(length(self.params)) and self._moves(norm)):
            raise diverged(math.nan, number, self.rate)
        return optimize.OptimizeResult(
            x=self.shown,
            fun=total / n_samples,
            nit=number,
            learning_rate=self.rate,
            grad_norm=norm if self.solver.clip_norm is None else min(norm, float(self.solver.clip_norm)),
            min_learning_rate=self.min_learning_rate,
        )

    def _set_rate(self, part):
        """Ask the schedule for the rate after a part of the epoch."""
        rate = self.schedule(self.state["epoch"] + part if part else self.state["epoch"], self.state["losses"])
        self.rate = check_number("learning_rate", rate, low=0)

    def _batches(self):
        """Rows of each minibatch and their number; None stands for all rows."""
        n_samples, order = self.objective.n_samples, self.state["order"]
        if self.batch_size is None:
            yield None, n_samples
            return
        if hasattr(self.objective, "batches"):
            yield from self.objective.batches(self.batch_size, self.rng if self.solver.shuffle else None)
            return
        if order is not None:
            self.rng.shuffle(order)
        for start in range(0, n_samples, self.batch_size):
            stop = min(start + self.batch_size, n_samples)
            yield (slice(start, stop) if order is None else order[start:stop]), stop - start

    def _moves(self, norm):
        """Whether the optimizer's numbers are finite: a squared gradient that overflows freezes its parameter."""
        if self.batch_size is None and norm < self.safe_norm:  # a full batch's only gradient is far from that
            return True
        return all(np.isfinite(array).all() for array in self.state["optimizer"].values() if array.dtype.kind == "f")

    def report(self, step, callback):
        """Tell the callback of an epoch; note, and return, what it wants watched."""
        watched = None
        try:
            if callback is not None:
                watched = callback(step)
        except StopIteration as stop:
            watched = stop.value
            raise
        finally:
            self.state["losses"].append(step["fun"] if watched is None else float(watched))
            self.state["epoch"] += 1
            self.state["samples"] += self.objective.n_samples
        return watched


class ScipyMinimize(Checked, BaseEstimator):
    r"""Any method of :func:`scipy.optimize.minimize`: quasi-Newton, conjugate gradient, and the rest.

    These look along a line, or within a region, for a point that is lower. So they need no learning rate, but an
    objective that gives the same loss for the same parameters. An iteration takes the place of the epoch.

    Parameters
    ----------
    method : str or callable, default="BFGS"
        As :func:`scipy.optimize.minimize` takes it: ``"BFGS"``, ``"L-BFGS-B"``, ``"CG"``, ... or a function.
    max_iter : int or None, default=None
        Maximum number of iterations; None leaves scipy's default.
    tol : float or None, default=None
        Tolerance, in the sense of the method; None leaves scipy's default.
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
    bounds: ClassVar[dict] = {"max_iter": "int [1, inf) or None", "tol": "[0, inf) or None"}

    def __init__(self, method="BFGS", max_iter=None, tol=None, options=None):
        self.method = method
        self.max_iter = max_iter
        self.tol = tol
        self.options = options

    @quiet
    def minimize(
        self, objective: Any, params: NDArray, *, callback: Callable | None = None, rng: None = None, state: None = None
    ) -> OptimizeResult:
        """Minimize the objective.

        Parameters
        ----------
        objective : Objective
            Anything with ``is_stochastic`` and ``loss_and_grad(params)``.
        params : ndarray of shape (n_params,)
            Starting point; left as it is. Its dtype is the result's, while scipy itself works in float64. Methods that
            difference gradients (Newton-CG, TNC) also have the objective evaluated in float64.
        callback : callable or None, default=None
            Function called with an OptimizeResult after each iteration: ``x``, ``fun`` (after it), ``nit``,
            ``grad_norm``.
        rng, state : None
            Ignored: these methods draw nothing and start afresh.

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
        self.check()
        run = _ScipyRun(self.method, objective, params, callback)
        if not math.isfinite(run.loss):
            raise diverged(run.loss, 1, None)
        try:
            result = optimize.minimize(
                run.evaluate, run.x, jac=run.with_gradient or None, callback=run.iteration, **self._arguments()
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
            options["maxfun" if str(self.method).lower() == "tnc" else "maxiter"] = int(self.max_iter)
        return {"method": self.method, "tol": self.tol, "options": options}


class _ScipyRun:
    """One run of a scipy method: the objective in float64, and the last accepted point, for when it is cut short."""

    def __init__(self, method, objective, params, callback):
        name = method.lower() if isinstance(method, str) else ""
        self.with_gradient = name not in NO_GRADIENT
        self.objective, self.dtype, self.callback = objective, params.dtype, callback
        self.precision = np.float64 if name in DIFFERENCING else params.dtype
        self.x = np.array(params, dtype=np.float64)
        self.nit, self.stopped, self.last = 0, False, None
        result = self.evaluate(self.x)
        self.loss = result[0] if self.with_gradient else result

    def evaluate(self, x):
        """Loss and a copy of the gradient: scipy keeps it, and the objective's buffer will change."""
        loss, grad = self.objective.loss_and_grad(x.astype(self.precision))
        self.last = x.copy(), loss, length(grad)
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


class _Names(Sequence):
    """Names of the solvers, read from the tables whenever they are asked for."""

    def _all(self):
        return ("gd", *OPTIMIZERS, *SCIPY_METHODS)

    def __len__(self):
        return len(self._all())

    def __getitem__(self, index):
        return self._all()[index]

    def __repr__(self):
        return repr(self._all())


SOLVERS = _Names()  # "gd" is gradient descent on full batches, with the rule "sgd"
