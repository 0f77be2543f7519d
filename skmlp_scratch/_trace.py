r"""Trace: one training step, with every number on the way.

The step is taken by what trains: the network's forward and backward, the objective and the solver. Each layer is only
listened to. The notation is that of the layers, with one row per sample:

.. math:: Z_k = A_{k-1} W_k + b_k, \quad A_k = f(Z_k), \quad \delta_k = \partial L / \partial Z_k, \quad
    \partial L / \partial W_k = A_{k-1}^T \delta_k, \quad \delta_{k-1} = \delta_k W_k^T \cdot f'(Z_{k-1})
"""

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ._types import Inputs
from .network import Network
from .objective import Objective
from .solvers import GradientDescent


@dataclass(frozen=True)
class LayerTrace:
    """What one layer did in a training step.

    Attributes
    ----------
    layer : Layer
        Its description.
    output : ndarray of shape (n_samples, n_out)
        What it handed to the next layer.
    delta : ndarray of shape (n_samples, n_out) or None
        Gradient of the loss with respect to the output; None below the first layer with parameters.
    arrays, gradients, new_arrays : dict of str to ndarray
        Its trainable parameters before the step, the gradient of the objective, penalty included, and the parameters
        after the step.

    Examples
    --------
    >>> from skmlp_scratch.layers import Activation
    >>> LayerTrace(Activation("relu"), np.ones((1, 2)), None, {}, {}, {}).output
    array([[1., 1.]])
    """

    layer: object
    output: np.ndarray
    delta: np.ndarray | None
    arrays: dict
    gradients: dict
    new_arrays: dict


@dataclass(frozen=True)
class Trace:
    """One training step; it prints as a worked example.

    The lists have one entry per layer of weights, counted from the input; those that begin at the input have one more.

    Attributes
    ----------
    layers : list of LayerTrace
        Every layer of the network, those without weights too.
    X, y : ndarray of shape (n_samples, n_in) and (n_samples, n_out)
        The rows and their targets, as the network sees them; of many classes y holds the indices.
    y_pred : ndarray of shape (n_samples, n_out)
        Predictions before the step.
    loss : float
        The objective before the step, penalty included.
    rule : str
        Name of the update rule.
    learning_rate : float
        That of the step.
    params, gradient, new_params : ndarray of shape (n_params,)
        The flat vector before the step, the gradient of the objective, and the flat vector after it.
    out_activation : str
        Name of the function from the last Z to the predictions.
    has_penalty : bool
        Whether a penalty on the weights has a part in loss and gradient.

    Examples
    --------
    >>> from skmlp_scratch.layers import Dense
    >>> from skmlp_scratch.network import Network
    >>> step = trace(Network([Dense(1, 1)]), [[2.0]], [1.0], params=[3.0, 0.5], loss="squared_error", learning_rate=0.1)
    >>> step.Z[0], step.delta[0], step.dW[0], step.new_W[0]
    (array([[6.5]]), array([[5.5]]), array([[11.]]), array([[1.9]]))
    """

    layers: list
    X: np.ndarray
    y: np.ndarray
    y_pred: np.ndarray
    loss: float
    rule: str
    learning_rate: float
    params: np.ndarray = field(repr=False)
    gradient: np.ndarray = field(repr=False)
    new_params: np.ndarray = field(repr=False)
    out_activation: str = "identity"
    has_penalty: bool = False

    @property
    def _weighted(self):
        return [each for each in self.layers if "W" in each.arrays]

    @property
    def Z(self) -> list[NDArray]:
        """Pre-activations of each layer of weights."""
        return [each.output for each in self._weighted]

    @property
    def A(self) -> list[NDArray]:
        """Inputs of each layer of weights, and last the predictions."""
        before = [self.X, *(each.output for each in self.layers)]
        return [A for A, each in zip(before, self.layers, strict=False) if "W" in each.arrays] + [self.y_pred]

    @property
    def delta(self) -> list[NDArray]:
        """Gradients of the loss with respect to each Z; as the loss is a mean over the rows, a row has its share."""
        return [each.delta for each in self._weighted]

    @property
    def W(self) -> list[NDArray]:
        """Weights before the step."""
        return [each.arrays["W"] for each in self._weighted]

    @property
    def b(self) -> list[NDArray | None]:
        """Biases before the step; None for a layer without."""
        return [each.arrays.get("b") for each in self._weighted]

    @property
    def dW(self) -> list[NDArray]:
        """Gradients of the weights, penalty included."""
        return [each.gradients["W"] for each in self._weighted]

    @property
    def db(self) -> list[NDArray | None]:
        """Gradients of the biases; None for a layer without."""
        return [each.gradients.get("b") for each in self._weighted]

    @property
    def new_W(self) -> list[NDArray]:
        """Weights after the step."""
        return [each.new_arrays["W"] for each in self._weighted]

    @property
    def new_b(self) -> list[NDArray | None]:
        """Biases after the step; None for a layer without."""
        return [each.new_arrays.get("b") for each in self._weighted]

    def __str__(self):
        rows = "1 row" if len(self.X) == 1 else f"{len(self.X)} rows"
        parts = [
            f"One step of {self.rule}, learning rate {self.learning_rate:g}, on {rows}",
            "Forward",
            *self._forward(),
            "Backward",
            *self._backward(),
            "Update",
            *self._update(),
        ]
        return "\n".join(parts)

    def _forward(self):
        yield _line("A0 = X", self.X)
        k = 0
        for each, following in zip(self.layers, [*self.layers[1:], None], strict=True):
            if "W" in each.arrays:
                k += 1
                yield _line(f"W{k}", each.arrays["W"])
                bias = _line(f"b{k}", each.arrays["b"]) if "b" in each.arrays else None
                yield from [bias] if bias else []
                yield _line(f"Z{k} = A{k - 1} W{k}{f' + b{k}' if bias else ''}", each.output)
            else:
                is_last = following is not None and "W" in following.arrays
                yield _line(f"{f'A{k} = ' if is_last and k else ''}{each.layer!r}", each.output)
        yield _line(f"A{k} = prediction, {self.out_activation} of Z{k}", self.y_pred)
        yield _line("y", self.y)
        yield f"  loss{', penalty included' if self.has_penalty else ''}: {self.loss:.9g}"

    def _backward(self):
        k = len(self._weighted)
        penalty = " + gradient of the penalty" if self.has_penalty else ""
        for each in reversed(self.layers):
            if "W" not in each.arrays:
                yield from (_line(f"d{name} of {each.layer!r}", array) for name, array in each.gradients.items())
                continue
            yield _line(f"delta{k} = dL/dZ{k}", each.delta)
            yield _line(f"dW{k} = A{k - 1}^T delta{k}{penalty}", each.gradients["W"])
            if "b" in each.gradients:
                yield _line(f"db{k} = sum of delta{k} over the rows", each.gradients["b"])
            k -= 1

    def _update(self):
        k = 0
        for each in self.layers:
            k += "W" in each.arrays
            for name, array in each.new_arrays.items():
                yield _line(f"new {name}{k}" if "W" in each.arrays else f"new {name} of {each.layer!r}", array)


def _line(label, array):
    """A label with the array's numbers below it."""
    numbers = np.array2string(array, precision=8, suppress_small=True, prefix=6 * " ")
    return f"  {label}:\n      {numbers}"


def trace(
    model: Any,
    X: Inputs,
    y: ArrayLike,
    *,
    params: ArrayLike | None = None,
    loss: Any = None,
    learning_rate: float | None = None,
    optimizer: Any = "sgd",
    random_state: int = 0,
) -> Trace:
    """Take one training step, on all rows at once, and return every number on the way.

    Nothing is changed: neither the estimator nor ``params``.

    Parameters
    ----------
    model : estimator or Network
        A fitted ``ScratchMLPClassifier`` or ``ScratchMLPRegressor``, or a network.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows, one or more. A pipeline's steps before the network have to be applied to them.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets; of a network as :class:`skmlp_scratch.objective.Objective` takes them.
    params : array-like of shape (n_params,), default=None
        The flat vector of a network; an estimator has its own.
    loss : str or Loss, default=None
        The loss of a network; an estimator has its own.
    learning_rate : float, default=None
        The learning rate of a network. None is for an estimator: its own solver goes on, with the state that
        ``warm_start`` or ``partial_fit`` has left.
    optimizer : str or Optimizer, default="sgd"
        Update rule to which ``learning_rate`` belongs.
    random_state : int, default=0
        Seed of the mask of dropout.

    Returns
    -------
    step : Trace

    Raises
    ------
    ValueError
        If something is missing, or the estimator's solver takes no steps of gradient descent.
    NotFittedError
        If the estimator is not fitted.

    Examples
    --------
    >>> from skmlp_scratch.inspection import trace
    >>> from skmlp_scratch.layers import Dense
    >>> from skmlp_scratch.network import Network
    >>> net = Network([Dense(1, 1, bias=False)])
    >>> print(trace(net, [[2.0]], [1.0], params=[3.0], loss="squared_error", learning_rate=0.1))
    One step of sgd, learning rate 0.1, on 1 row
    Forward
      A0 = X:
          [[2.]]
      W1:
          [[3.]]
      Z1 = A0 W1:
          [[6.]]
      A1 = prediction, identity of Z1:
          [[6.]]
      y:
          [[1.]]
      loss: 12.5
    Backward
      delta1 = dL/dZ1:
          [[5.]]
      dW1 = A0^T delta1:
          [[10.]]
    Update
      new W1:
          [[2.]]
    """
    if isinstance(model, Network):
        objective, params, state = _of_network(model, loss, X, y, params, learning_rate)
        solver = None
    else:
        objective, params, solver, state = _of_estimator(model, X, y, params, loss)
    if learning_rate is not None:
        solver, state = GradientDescent(optimizer, learning_rate), None
    elif not isinstance(solver, GradientDescent):
        raise ValueError(f"solver={solver!r} takes no steps of gradient descent: give learning_rate, such as 0.1.")
    solver = copy.copy(solver).set_params(batch_size=None, max_iter=1)
    listened = _ListenedObjective(objective)
    rates = []
    result = solver.minimize(
        listened,
        params,
        callback=lambda epoch: rates.append(epoch.learning_rate),
        rng=np.random.RandomState(random_state),
        state=state,
    )
    return listened.trace(params, result, solver.optimizer, rates[0])


def _of_network(network, loss, X, y, params, learning_rate):
    given = {"params": params, "loss": loss, "learning_rate": learning_rate}
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise ValueError(f"{' and '.join(missing)} must be given for a network.")
    objective = Objective(network, loss, X, y)
    return objective, np.array(params, dtype=objective.X.dtype), None


def _of_estimator(estimator, X, y, params, loss):
    if not hasattr(estimator, "_continued"):
        raise ValueError(
            f"model={type(estimator).__name__} must be a fitted ScratchMLPClassifier or ScratchMLPRegressor, or a "
            "Network: of a pipeline take the last step, and give it X as the steps before transform it."
        )
    if params is not None or loss is not None:
        raise ValueError("params and loss are for a network: an estimator has its own.")
    run = estimator._continued(X, y)
    if not isinstance(run.objective, Objective):
        raise ValueError(f"model={type(estimator).__name__} keeps its rows elsewhere: give model.to_local() instead.")
    return run.objective, run.params, run.solver, copy.deepcopy(run.carry.solver)  # its list of losses grows


class _ListenedLayer:
    """A layer that notes what passes through it, and is otherwise the one that it stands for."""

    def __init__(self, layer):
        self.layer, self.delta = layer, None

    def __getattr__(self, name):
        return getattr(self.layer, name)

    def forward(self, params, X, rng):
        Y, backward = self.layer.forward(params, X, rng)
        self.output = np.array(Y)  # the next layer may overwrite it

        def listened(delta, grads, need_dX=True):
            self.delta = np.array(delta)
            return backward(delta, grads, need_dX)

        return Y, listened


class _ListenedObjective:
    """An objective whose layers are listened to, and that notes the gradient."""

    def __init__(self, objective):
        network = Network(_ListenedLayer(layer) for layer in objective.network.layers)
        data = objective.X, objective.y, objective.sample_weight
        penalty = objective.penalty
        self.objective = Objective(network, objective.loss, *data, penalty.alpha, penalty.l1_ratio)

    def __getattr__(self, name):
        return getattr(self.objective, name)

    def loss_and_grad(self, params, rows=None, rng=None):
        loss, grad = self.objective.loss_and_grad(params, slice(None), rng)  # all rows, in one piece
        self.gradient = grad.copy()
        return loss, grad

    def trace(self, params, result, optimizer, rate):
        """What was heard in the one step from ``params`` to the solver's result."""
        objective, network, gradient = self.objective, self.network, self.gradient
        vectors = (np.array(params), gradient, result.x)
        layers = []
        for layer, *arrays in zip(network.layers, *map(network.unflatten, vectors), strict=True):
            trainable = ({name: each[name] for name in layer.shapes} for each in arrays)
            layers.append(LayerTrace(layer.layer, layer.output, layer.delta, *trainable))
        return Trace(
            layers,
            objective.X.toarray() if sparse.issparse(objective.X) else objective.X,
            objective.y,
            objective.loss.inverse_link(layers[-1].output),
            result.fun,
            optimizer if isinstance(optimizer, str) else type(optimizer).__name__,
            rate,
            *vectors,
            objective.loss.out_activation,
            bool(objective.penalty.alpha),
        )
