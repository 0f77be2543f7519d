r"""Optimizers: rules that turn a gradient into a step, in place on the flat parameter vector.

Plain gradient descent walks against the gradient. Momentum remembers where it was going; Adagrad, RMSprop and Adam
divide by a running size of each parameter's gradient, so that every parameter moves at its own pace. An optimizer
holds hyper-parameters only. What moves lives in ``state``, a dict of arrays made by ``init`` and changed by ``update``,
so it can be saved and resumed.

Examples
--------
>>> import numpy as np
>>> from skmlp_scratch.optimizers import SGD
>>> sgd, params = SGD(momentum=0.9), np.array([1.0])
>>> state = sgd.init(params)
>>> for _ in range(2):
...     sgd.update(params, 2 * params, state, learning_rate=0.1)
>>> params.round(3)
array([0.46])
"""

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.base import BaseEstimator

from . import _engine
from ._checks import Checked

# The vectors of one block stay in the first cache levels from the first pass over them to the last.
BLOCK = 16384
ALONE = 10_000  # numbers for which BLAS wakes no other thread


class Optimizer(Checked, BaseEstimator):
    """Base class of the update rules: slots of zeros as state, and an update in blocks.

    A subclass names its ``slots``, and updates one block in ``_update``. A custom rule needs only ``init`` and
    ``update``; it does not have to inherit from this class.

    Attributes
    ----------
    slots : tuple of str
        Names of the arrays in the state, each as long as the parameter vector.
    momenta : tuple of str
        Those slots that carry a parameter on in its direction.
    """

    slots: tuple[str, ...] = ()
    momenta: tuple[str, ...] = ()

    def init(self, params: NDArray) -> dict:
        """Make the state for a parameter vector.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            The flat vector.

        Returns
        -------
        state : dict of str to ndarray
            Zeros like ``params`` for each slot, and the number of steps ``t``.
        """
        self.check()
        return {"t": np.zeros(1, dtype=int)} | {slot: np.zeros_like(params) for slot in self.slots}

    def update(self, params: NDArray, grad: NDArray, state: dict, learning_rate: float) -> None:
        """Take one step in place.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            Changed in place.
        grad : ndarray of shape (n_params,)
            The gradient; left as it is.
        state : dict
            What ``init`` made; changed in place.
        learning_rate : float
            Learning rate of this step.
        """
        learning_rate = float(learning_rate)
        t = state["t"][0] = int(state["t"][0]) + 1
        slots = [state[slot] for slot in self.slots]
        if _engine.update(self, params, grad, slots, t, learning_rate):
            return
        size = len(params)
        if size <= BLOCK:
            self._update(params, grad, np.empty_like(params), t, learning_rate, *slots)
            return
        scratch = np.empty_like(params[:BLOCK])
        for start in range(0, size, BLOCK):
            block = slice(start, start + BLOCK)
            g = grad[block]
            self._update(params[block], g, scratch[: len(g)], t, learning_rate, *[slot[block] for slot in slots])


class SGD(Optimizer):
    r"""Gradient descent, with momentum and Nesterov's look-ahead.

    .. math:: v \leftarrow \mu v - \eta g, \qquad p \leftarrow p + v
        \quad\text{or, Nesterov's,}\quad p \leftarrow p + \mu v - \eta g

    Parameters
    ----------
    momentum : float, default=0.0
        :math:`\mu`, in [0, 1].
    nesterov : bool, default=False
        Whether the step looks ahead.

    References
    ----------
    Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", equations 1-4, in
    the shifted variables of Bengio et al. 2012, equation 7.

    Examples
    --------
    >>> import numpy as np
    >>> params = np.array([1.0])
    >>> SGD().update(params, np.array([0.5]), SGD().init(params), learning_rate=0.1)
    >>> params
    array([0.95])
    """

    bounds: ClassVar[dict] = {"momentum": "[0, 1]", "nesterov": "bool"}

    def __init__(self, momentum=0.0, nesterov=False):
        self.momentum, self.nesterov = momentum, nesterov

    @property
    def slots(self) -> Any:
        """The velocity, where there is momentum."""
        return ("velocity",) if self.momentum else ()

    momenta = slots

    def _update(self, params, grad, scratch, t, learning_rate, velocity=None):
        np.multiply(grad, learning_rate, out=scratch)
        if velocity is None:
            params -= scratch
            return
        momentum = float(self.momentum)
        velocity *= momentum
        velocity -= scratch
        if self.nesterov:
            params -= scratch
            np.multiply(velocity, momentum, out=scratch)
            params += scratch
        else:
            params += velocity


class Adagrad(Optimizer):
    r"""Divide by the root of the sum of all squared gradients.

    .. math:: s \leftarrow s + g^2, \qquad p \leftarrow p - \eta\, g / (\sqrt{s} + \epsilon)

    Parameters
    ----------
    epsilon : float, default=1e-8
        Keeps the quotient finite; above 0.

    References
    ----------
    Duchi, Hazan & Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization".

    Examples
    --------
    >>> import numpy as np
    >>> params = np.array([1.0])
    >>> Adagrad().update(params, np.array([0.5]), Adagrad().init(params), learning_rate=0.1)
    >>> params.round(6)
    array([0.9])
    """

    slots = ("sum_of_squares",)

    bounds: ClassVar[dict] = {"epsilon": "(0, inf)"}

    def __init__(self, epsilon=1e-8):
        self.epsilon = epsilon

    def _update(self, params, grad, scratch, t, learning_rate, total):
        np.multiply(grad, grad, out=scratch)
        total += scratch
        _descend(params, grad, np.sqrt(total, out=scratch), float(self.epsilon), learning_rate)


class RMSprop(Optimizer):
    r"""Divide by the root of a running mean of squared gradients; centered, of their variance.

    .. math:: s \leftarrow \rho s + (1 - \rho) g^2, \quad m \leftarrow \rho m + (1 - \rho) g, \quad
        p \leftarrow p - \eta\, g / (\sqrt{s - m^2} + \epsilon)

    with :math:`m = 0` unless centered.

    Parameters
    ----------
    rho : float, default=0.9
        Decay of the running means, in [0, 1).
    centered : bool, default=False
        Whether the mean gradient is subtracted (Graves 2013, equations 38-40).
    epsilon : float, default=1e-8
        Keeps the quotient finite; above 0.

    References
    ----------
    Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6.5.

    Examples
    --------
    >>> import numpy as np
    >>> params = np.array([1.0])
    >>> RMSprop(rho=0.75).update(params, np.array([0.5]), RMSprop().init(params), learning_rate=0.1)
    >>> params.round(6)
    array([0.8])
    """

    bounds: ClassVar[dict] = {"rho": "[0, 1)", "centered": "bool", "epsilon": "(0, inf)"}

    def __init__(self, rho=0.9, centered=False, epsilon=1e-8):
        self.rho, self.centered, self.epsilon = rho, centered, epsilon

    @property
    def slots(self) -> Any:
        """The mean square and, centered, the mean."""
        return ("mean_square", "mean") if self.centered else ("mean_square",)

    def _update(self, params, grad, scratch, t, learning_rate, square, mean=None):
        rho = float(self.rho)
        np.multiply(grad, grad, out=scratch)
        scratch *= 1 - rho
        square *= rho
        square += scratch
        if mean is None:
            np.sqrt(square, out=scratch)
        else:
            mean *= rho
            np.multiply(grad, 1 - rho, out=scratch)
            mean += scratch
            np.multiply(mean, mean, out=scratch)
            np.subtract(square, scratch, out=scratch)
            # Rounding can leave a variance just below zero.
            np.sqrt(np.maximum(scratch, 0, out=scratch), out=scratch)
        _descend(params, grad, scratch, float(self.epsilon), learning_rate)


class Adam(Optimizer):
    r"""Momentum over a running root mean square, both corrected for their start at zero.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
        p \leftarrow p - \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \frac{m}{\sqrt{v} + \epsilon}

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay of the mean, in [0, 1).
    beta_2 : float, default=0.999
        Decay of the mean square, in [0, 1).
    epsilon : float, default=1e-8
        Keeps the quotient finite; above 0.

    References
    ----------
    Kingma & Ba 2014, "Adam: a method for stochastic optimization", in the form at the end of section 2.

    Examples
    --------
    >>> import numpy as np
    >>> params = np.array([1.0])
    >>> Adam().update(params, np.array([0.5]), Adam().init(params), learning_rate=0.1)
    >>> params.round(6)
    array([0.9])
    """

    slots = ("m", "v")
    momenta = ("m",)

    bounds: ClassVar[dict] = {"beta_1": "[0, 1)", "beta_2": "[0, 1)", "epsilon": "(0, inf)"}

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def _update(self, params, grad, scratch, t, learning_rate, m, v):
        # m and v are kept divided by (1 - beta_1) and (1 - beta_2), which saves two passes over memory and gives the
        # same step.
        beta_1, beta_2 = float(self.beta_1), float(self.beta_2)
        m *= beta_1
        m += grad
        np.multiply(grad, grad, out=scratch)
        v *= beta_2
        v += scratch
        root = math.sqrt(1 - beta_2)
        rate = learning_rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t) * (1 - beta_1) / root
        _descend(params, m, np.sqrt(v, out=scratch), float(self.epsilon) / root, rate)


class AdamW(Adam):
    r"""Adam with weight decay of its own, outside the gradient: :math:`p \leftarrow (1 - \eta \lambda) p` first.

    The decay is not part of the loss that is reported.

    Parameters
    ----------
    beta_1, beta_2, epsilon : float
        As for :class:`Adam`.
    weight_decay : float, default=0.01
        :math:`\lambda`, at least 0.
    decayed : {"all", "weights"}, default="all"
        The parameters on which the decay acts: all of them, as in PyTorch, or only those that the objective names as
        its ``weight_slice``, without biases and the like.

    References
    ----------
    Loshchilov & Hutter 2017, "Decoupled weight decay regularization", algorithm 2; the decay is scaled by the
    learning rate, as is usual since.

    Examples
    --------
    >>> import numpy as np
    >>> params = np.array([1.0])
    >>> AdamW(weight_decay=1.0).update(params, np.array([0.5]), AdamW().init(params), learning_rate=0.1)
    >>> params.round(6)
    array([0.8])
    """

    bounds: ClassVar[dict] = Adam.bounds | {"weight_decay": "[0, inf)", "decayed": "{all, weights}"}

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.01, decayed="all"):
        super().__init__(beta_1, beta_2, epsilon)
        self.weight_decay, self.decayed = weight_decay, decayed

    def bound(self, objective: Any) -> Any:
        """Return the rule for an objective; with ``decayed="weights"``, Adam after a decay of its weights.

        Parameters
        ----------
        objective : Objective
            What is minimized.

        Returns
        -------
        rule : Optimizer
        """
        self.check()
        if self.decayed == "all":
            return self
        if getattr(objective, "weight_slice", None) is None:
            raise ValueError("decayed='weights' needs an objective that has a weight_slice; use decayed='all'.")
        return Decays(Adam(self.beta_1, self.beta_2, self.epsilon), objective.weight_slice, self.weight_decay)

    def init(self, params: Any) -> Any:
        """Make the state; as for :meth:`Optimizer.init`."""
        self.check()
        if self.decayed != "all":
            raise ValueError("decayed='weights' needs to know the weights: use the rule that bound(objective) returns.")
        return super().init(params)

    def _update(self, params, grad, scratch, t, learning_rate, m, v):
        params *= 1 - learning_rate * float(self.weight_decay)
        super()._update(params, grad, scratch, t, learning_rate, m, v)


def _descend(params, direction, size, epsilon, learning_rate):
    """``params -= learning_rate * direction / (size + epsilon)``; ``size`` is overwritten."""
    size += epsilon
    np.divide(direction, size, out=size)
    size *= learning_rate
    params -= size


def length(vector: NDArray) -> float:
    """Compute the Euclidean norm, exactly also where the squares overflow.

    Parameters
    ----------
    vector : ndarray of shape (n,)
        Any numbers.

    Returns
    -------
    norm : float

    Examples
    --------
    >>> import numpy as np
    >>> length(np.array([3.0, 4.0]))
    5.0
    """
    # For more numbers, BLAS wakes its threads, which go on spinning while the kernels compute the next step.
    square = np.dot(vector, vector) if vector.size <= ALONE else np.einsum("i,i", vector, vector)
    # BLAS's own norm does not overflow, but is slower.
    return math.sqrt(square) if square < math.inf else float(linalg.norm(vector, check_finite=False))


class Wrapped:
    """Base class of the rules that wrap another rule: the same ``init`` and ``update``, and the same state.

    Parameters
    ----------
    rule : Optimizer
        Anything with ``init`` and ``update``.
    """

    def __init__(self, rule):
        self.rule = rule

    @property
    def momenta(self) -> Any:
        """Those slots of the state that carry a parameter on in its direction."""
        return getattr(self.rule, "momenta", ())

    def init(self, params: Any) -> Any:
        """Make the state; as for :meth:`Optimizer.init`."""
        return self.rule.init(params)


class Decays(Wrapped):
    r"""A rule before whose step some parameters shrink: :math:`p \leftarrow (1 - \eta \lambda) p`.

    Parameters
    ----------
    rule : Optimizer
        The rule.
    where : slice
        The parameters to which it applies.
    weight_decay : float
        :math:`\lambda`.

    Examples
    --------
    >>> import numpy as np
    >>> rule, params = Decays(SGD(), slice(0, 1), weight_decay=1.0), np.ones(2)
    >>> rule.update(params, np.zeros(2), rule.init(params), learning_rate=0.1)
    >>> params
    array([0.9, 1. ])
    """

    def __init__(self, rule, where, weight_decay):
        super().__init__(rule)
        self.where, self.weight_decay = where, float(weight_decay)

    def update(self, params: Any, grad: Any, state: Any, learning_rate: Any) -> None:
        """Take one step in place; as for :meth:`Optimizer.update`."""
        if _engine.update_wrapped(self, params, grad, state, learning_rate):
            return
        params[self.where] *= 1 - float(learning_rate) * self.weight_decay
        self.rule.update(params, grad, state, learning_rate)


class Paced(Wrapped):
    """A rule in which some parameters have learning rates of their own.

    The step of every rule here is proportional to the learning rate, so scaling the step on a part of the vector is
    scaling that part's learning rate.

    Parameters
    ----------
    rule : Optimizer
        The rule.
    factors : list of (slice, float)
        Parts of the parameter vector and the factors on their learning rates.

    Examples
    --------
    >>> import numpy as np
    >>> rule, params = Paced(SGD(), [(slice(0, 1), 6.0)]), np.zeros(2)
    >>> rule.update(params, np.ones(2), rule.init(params), learning_rate=0.1)
    >>> params
    array([-0.6, -0.1])
    """

    def __init__(self, rule, factors):
        super().__init__(rule)
        self.factors = [(part, float(factor)) for part, factor in factors]

    def update(self, params: Any, grad: Any, state: Any, learning_rate: Any) -> None:
        """Take one step in place; as for :meth:`Optimizer.update`."""
        if _engine.update_wrapped(self, params, grad, state, learning_rate):
            return
        before = [params[part].copy() for part, _ in self.factors]
        self.rule.update(params, grad, state, learning_rate)
        for (part, factor), start in zip(self.factors, before, strict=True):
            params[part] = start + factor * (params[part] - start)


class Averaged(Wrapped):
    r"""A rule that keeps an exponential moving average of the parameters, which is better than any one of them.

    .. math:: \bar p \leftarrow d\, \bar p + (1 - d)\, p, \qquad d = \min(\rho, t / (t + 10))

    after t earlier steps, so that the average forgets where training began. A weight that the rule keeps at zero is
    zero in the average, too.

    Parameters
    ----------
    rule : Optimizer
        The rule.
    rho : float
        :math:`\rho`, the decay of the average.
    zeros : slice or None, default=None
        The parameters that the rule keeps at zero.

    References
    ----------
    Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging".

    Examples
    --------
    >>> import numpy as np
    >>> rule, params = Averaged(SGD(), rho=0.9), np.zeros(1)
    >>> state = rule.init(params)
    >>> for _ in range(2):
    ...     rule.update(params, -np.ones(1), state, learning_rate=1.1)
    >>> params, state["average"]
    (array([2.2]), array([2.1]))
    """

    def __init__(self, rule, rho, zeros=None):
        super().__init__(rule)
        self.rho, self.zeros = float(rho), zeros

    def init(self, params: Any) -> Any:
        """Make the state of the rule, with the average beside; ``iterate`` is for what is averaged."""
        steps = np.zeros(1, dtype=int)
        return self.rule.init(params) | {"average": params.copy(), "iterate": params.copy(), "averaged_steps": steps}

    def update(self, params: Any, grad: Any, state: Any, learning_rate: Any) -> None:
        """Take one step in place; as for :meth:`Optimizer.update`."""
        if _engine.update_wrapped(self, params, grad, state, learning_rate):
            return
        self.rule.update(params, grad, state, learning_rate)
        average, t = state["average"], int(state["averaged_steps"][0])
        step = params - average
        step *= 1 - min(self.rho, t / (t + 10))
        average += step
        state["averaged_steps"][0] = t + 1
        if self.zeros is not None:
            average[self.zeros][params[self.zeros] == 0] = 0


class Clipped(Wrapped):
    """A rule that gets long gradients rescaled (Pascanu et al. 2013, algorithm 1).

    Parameters
    ----------
    rule : Optimizer
        The rule.
    norm : float
        Maximum norm of the gradient.

    Examples
    --------
    >>> import numpy as np
    >>> rule, params = Clipped(SGD(), norm=1.0), np.zeros(2)
    >>> rule.update(params, np.array([3.0, 4.0]), rule.init(params), learning_rate=1.0)
    >>> params
    array([-0.6, -0.8])
    """

    def __init__(self, rule, norm):
        super().__init__(rule)
        self.norm = float(norm)

    def update(self, params: Any, grad: Any, state: Any, learning_rate: Any) -> None:
        """Take one step in place; as for :meth:`Optimizer.update`."""
        norm = length(grad)
        self.rule.update(params, grad * (self.norm / norm) if norm > self.norm else grad, state, learning_rate)


class KeepsZeros(Wrapped):
    """A rule that stops at zero, where an L1 penalty has its kink.

    A weight that would cross zero in a step is set to zero, and one at zero stays there while its gradient is zero: a
    clipped step, as in Andrew & Gao 2007. A proximal step would end at the wrong optimum with momentum or Adam, whose
    step is not the gradient times one learning rate; clipping gives exact zeros with every rule. A weight that was
    stopped loses its momentum, too, which would carry it across again.

    Parameters
    ----------
    rule : Optimizer
        The rule.
    where : slice
        The parameters to which it applies.

    Examples
    --------
    >>> import numpy as np
    >>> rule, params = KeepsZeros(SGD(), slice(0, 1)), np.array([0.1, 0.1])
    >>> rule.update(params, np.array([1.0, 1.0]), rule.init(params), learning_rate=0.5)
    >>> params
    array([ 0. , -0.4])
    """

    def __init__(self, rule, where):
        super().__init__(rule)
        self.where = where

    def update(self, params: Any, grad: Any, state: Any, learning_rate: Any) -> None:
        """Take one step in place; as for :meth:`Optimizer.update`."""
        weights = params[self.where]
        before = weights.copy()
        self.rule.update(params, grad, state, learning_rate)
        stopped = (weights * before < 0) | ((before == 0) & (grad[self.where] == 0))
        weights[stopped] = 0
        for slot in self.momenta:
            state[slot][self.where][stopped] = 0


OPTIMIZERS = {"sgd": SGD, "adagrad": Adagrad, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}
