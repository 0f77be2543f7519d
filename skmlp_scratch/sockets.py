"""Sockets: what can be plugged in, and the least that it needs.

Each class here is a protocol: any object of this form fits, whether it inherits from anything or not. What stands
beside the named methods is optional and says so. Arrays have one row per sample.

Examples
--------
>>> import numpy as np
>>> from skmlp_scratch.sockets import Optimizer
>>> class SignDescent:
...     def init(self, params):
...         return {}
...     def update(self, params, grad, state, learning_rate):
...         params -= learning_rate * np.sign(grad)
>>> isinstance(SignDescent(), Optimizer)
True
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Activation(Protocol):
    """A function that bends a layer's pre-activations, element by element; accepted wherever a name is."""

    def __call__(self, z):
        """Return ``(a, backward)``.

        Parameters
        ----------
        z : ndarray
            Pre-activations, of any shape; they may be overwritten.

        Returns
        -------
        a : ndarray
            ``f(z)``, of the same shape.
        backward : callable
            ``backward(delta) -> delta * f'(z)``; it may overwrite ``delta``.
        """


@runtime_checkable
class Loss(Protocol):
    """How wrong the raw predictions are.

    Optional: ``check_targets(y)`` raises a ValueError for targets it cannot take; ``log_inverse_link(raw)`` gives exact
    logarithms of predictions; ``out_activation`` names the output activation; ``tasks`` lists ``"classification"``,
    ``"regression"``, or both.
    """

    def value_and_grad(self, y, raw, sample_weight):
        """Return ``(value, d_raw)``: the weighted sum of the loss over the rows, and its gradient.

        Parameters
        ----------
        y, raw : ndarray of shape (n_samples, n_outputs)
            Targets and raw predictions; left as they are.
        sample_weight : ndarray of shape (n_samples,) or None
            Weights of the rows.

        Returns
        -------
        value : float
        d_raw : ndarray of shape (n_samples, n_outputs)
            An array that the caller may overwrite.
        """

    def inverse_link(self, raw):
        """Return the predictions.

        Parameters
        ----------
        raw : ndarray of shape (n_samples, n_outputs)
            Raw predictions; left as they are.

        Returns
        -------
        y_pred : ndarray of shape (n_samples, n_outputs)
            Predictions.
        """


class Layer(Protocol):
    """A frozen description of a function of arrays and inputs: sizes, but no arrays.

    Inherit from ``skmlp_scratch.layers.Layer``, which documents every attribute and gives each a default.
    """

    shapes: dict
    penalized: tuple
    rates: dict
    statistics: dict
    stochastic: bool
    rowwise: bool
    owns_output: bool
    overwrites_input: bool

    def init(self, rng, initializer):
        """Return the initial arrays.

        Parameters
        ----------
        rng : numpy.random.RandomState
            Source of randomness.
        initializer : callable
            ``(rng, n_in, n_out) -> (W, b)``.

        Returns
        -------
        arrays : dict of str to ndarray
            The arrays by name.
        """

    def forward(self, params, X, rng):
        """Return ``(Y, backward)`` in training.

        Parameters
        ----------
        params : dict of str to ndarray
            The layer's arrays.
        X : ndarray of shape (n_samples, n_in)
            Inputs.
        rng : numpy.random.RandomState or None
            Source of randomness of stochastic layers.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_out)
            Outputs.
        backward : callable
            ``backward(delta, grads, need_dX=True) -> dX``; fills ``grads`` in place.
        """

    def predict(self, params, X):
        """Return Y at inference.

        Parameters
        ----------
        params : dict of str to ndarray
            The layer's arrays.
        X : ndarray of shape (n_samples, n_in)
            Inputs.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_out)
            Outputs.
        """


@runtime_checkable
class Objective(Protocol):
    """A function of one vector: all that a solver ever sees.

    Optional: ``l1_slice`` and ``weight_slice``, slices of the vector, and ``rate_factors``, a list of (slice, factor);
    ``batches(batch_size, rng)``, for rows that cannot be drawn in any order, yields the rows of each step and their
    number, shuffled as far as that goes unless ``rng`` is None.
    """

    n_samples: int
    is_stochastic: bool

    def loss_and_grad(self, params, rows=None, rng=None):
        """Return ``(loss, grad)``.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The vector.
        rows : ndarray of int, slice or None, default=None
            The rows to look at; None is all.
        rng : numpy.random.RandomState or None, default=None
            Source of randomness of stochastic objectives.

        Returns
        -------
        loss : float
            The value.
        grad : ndarray of shape (n_params,)
            The gradient; it may be a buffer that the next call overwrites.
        """


@runtime_checkable
class Optimizer(Protocol):
    """A rule that turns a gradient into a step. Hyper-parameters live on the object, moving numbers in the state.

    Optional: ``momenta``, the names of those slots of the state that carry a parameter on in its direction;
    ``bound(objective)`` returns the rule to use for an objective.
    """

    def init(self, params):
        """Return the state.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            Starting point of the run.

        Returns
        -------
        state : dict of str to ndarray
            The moving numbers, by name.
        """

    def update(self, params, grad, state, learning_rate):
        """Take one step.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            Parameters; changed in place.
        grad : ndarray of shape (n_params,)
            Gradient; left as it is.
        state : dict of str to ndarray
            What ``init`` returned; changed in place.
        learning_rate : float
            Learning rate of this step.
        """


@runtime_checkable
class Schedule(Protocol):
    """The learning rate as a function of what has happened so far.

    Optional: ``check()`` raises a ValueError for bad parameters, before training; ``min_learning_rate`` is the rate
    down to which the schedule wants to go on through stalls; ``n_samples = None`` asks the solver for a copy in which
    it is the mean number of samples per epoch; ``per_step = True`` asks to be called before each step.
    """

    def __call__(self, epoch, losses):
        """Return the learning rate of an epoch.

        Parameters
        ----------
        epoch : int or float
            Number of finished epochs; by step, with the fraction of the current one.
        losses : list of float
            What was watched in each of them.

        Returns
        -------
        learning_rate : float
        """


@runtime_checkable
class Solver(Protocol):
    """Whatever takes an objective and a vector to a better vector.

    Optional: ``incremental = True`` says that ``minimize`` goes on from ``result.state`` as if it had not ended, also
    after a StopIteration; then ``partial_fit`` can use it, one epoch at a time.
    """

    def minimize(self, objective, params, *, callback=None, rng=None, state=None):
        """Return a ``scipy.optimize.OptimizeResult`` with at least ``x`` and ``fun``.

        Parameters
        ----------
        objective : Objective
            What to minimize.
        params : ndarray of shape (n_params,)
            Starting point; left as it is.
        callback : Callback or None
            Function called once per epoch.
        rng : numpy.random.RandomState or None
            The only source of randomness.
        state : dict or None
            ``result.state`` of an earlier run, to go on from.

        Returns
        -------
        result : scipy.optimize.OptimizeResult
        """


@runtime_checkable
class Callback(Protocol):
    """What a solver calls after every epoch or iteration.

    Optional: ``warn(text, category)`` takes the solver's warnings.
    """

    def __call__(self, intermediate_result):
        """Look at an ``OptimizeResult`` with ``x`` (copy to keep), ``fun`` and ``nit``.

        Returns
        -------
        watched : float or None
            A value to watch in place of the loss, smaller being better; the solver then leaves stopping to the
            callback.

        Raises
        ------
        StopIteration
            To end the run; its value, if any, is the one to watch.
        """
