"""The numpy core stays the truth: it says what is computed; the engine computes it faster, and may be missing.

One small C extension does what costs a training step its time: loss and gradient of a network in one call, each update
rule in one pass over memory, and prediction in blocks of rows. ``compile_objective``, ``predict`` and ``update`` look
at objects of the core and do the same work, or return None where they meet anything that they do not know: a custom
layer, activation, loss or rule, or mixed precisions. Then numpy runs.

Gradients agree with the core's up to rounding, update rules bit for bit, and random numbers are drawn in the same
order. No result depends on the number of threads.

``SKMLP_SCRATCH_ENGINE=0`` in the environment, before the package is imported, switches it off.

Examples
--------
>>> from skmlp_scratch import _engine
>>> _engine.status().split(":")[0] in ("compiled kernels", "numpy")
True
"""

import math
import os
from importlib import import_module

import numpy as np
from scipy import sparse

PACKAGE = __name__.rpartition(".")[0]
SWITCH = "SKMLP_SCRATCH_ENGINE"
DENSE, ACTIVATION, DROPOUT, LAYER_NORM, BATCH_NORM, SCALE = range(6)
ACTIVATIONS = (
    "identity", "tanh", "logistic", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus",
)  # fmt: skip
LOSSES = {
    "BinaryCrossEntropy": 0,
    "CategoricalCrossEntropy": 1,
    "SquaredError": 2,
    "AbsoluteError": 3,
    "Huber": 4,
    "Quantile": 5,
    "Poisson": 6,
    "Gamma": 7,
}
NO_LOSS = 0, 0, 0, 0.0, 1.0, 0.0
LINKS = "identity", "log", "logistic", "softmax"
NUMBERS, BYTES, CLASSES = range(3)
WORTH = 200_000  # multiplications, below which numpy predicts as fast
SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, CENTERED, ADAM, ADAMW = range(8)


def _load():
    """The extension, or None, and in words which of the two and why."""
    if os.environ.get(SWITCH) == "0":
        return None, f"numpy: {SWITCH}=0 switches the compiled kernels off"
    try:
        kernels = import_module(f"{__name__}._kernels")
    except ImportError as error:
        return None, f"numpy: the compiled kernels were not built ({error})"
    return kernels, f"compiled kernels: {'AVX2' if kernels.avx2 else 'portable'} vectors"


_kernels, _status = _load()
_threads = 1  # as many as the last objective found allowed; results do not depend on it


def status(objective=None):
    """Tell which of the two computes, and why.

    Parameters
    ----------
    objective : object or None, default=None
        What is to be computed, with a ``network`` and a ``loss``; None asks for the process.

    Returns
    -------
    text : str
        "compiled kernels: ..." or "numpy: ...".
    """
    if _kernels and objective is not None:
        network = objective.network
        if _layers(network) is None or _loss(objective.loss, network.n_out) is None:
            return "numpy: the compiled kernels do not know a part of this network, or its loss"
    return _status


def compile_objective(objective, dtype, n_threads):
    """Compile the loss and the gradient of an objective.

    Parameters
    ----------
    objective : Objective
        The objective.
    dtype : dtype
        Type of the parameters.
    n_threads : int
        How many threads may work, this one included.

    Returns
    -------
    loss_and_grad : callable or None
        ``loss_and_grad(params, grad, rows, rng)`` fills ``grad`` and returns the loss, or None where numpy must run;
        None if the engine does not know a part of the objective.
    """
    global _threads
    if (
        _kernels is None
        or _own(type(objective), "objective") is None
        or _own(type(objective.penalty), "penalties") is None
    ):
        return None
    network, (y, kind) = objective.network, _targets(objective.y)
    X, layers, loss = _inputs(objective.X, dtype), _layers(network), _loss(objective.loss, objective.network.n_out)
    if X is None or layers is None or loss is None or y is None or (kind == NUMBERS and y.dtype != dtype):
        return None
    if type(X) is tuple and layers[0][0] != DENSE:
        return None
    _threads = n_threads
    plan = _kernels.Plan(dtype.itemsize, network.size, n_threads, layers, (kind, *loss), X, y, objective.sample_weight)
    return _Step(plan, objective)


def _inputs(X, dtype):
    """Inputs as the kernels take them, an array or the three of a CSR matrix; or None."""
    if X.dtype != dtype or dtype not in (np.float32, np.float64):
        return None
    if not sparse.issparse(X):
        return X if X.flags.aligned else None
    return (X.data, X.indices, X.indptr) if X.format == "csr" and X.indices.dtype == X.indptr.dtype else None


def predict(network, params, X, n_threads):
    """Compute the raw predictions of many rows.

    Parameters
    ----------
    network : Network
        The network.
    params : ndarray of shape (network.size,)
        The flat vector.
    X : {ndarray, sparse matrix} of shape (n_samples, n_in)
        Inputs.
    n_threads : callable
        Tells how many threads may work.

    Returns
    -------
    raw : ndarray of shape (n_samples, n_out), or None
        None where numpy must run, or is as fast.
    """
    if _kernels is None or X.shape[0] * network.size < WORTH or not isinstance(params, np.ndarray):
        return None
    X, layers = _inputs(X, params.dtype), _layers(network)
    if X is None or layers is None or (type(X) is tuple and layers[0][0] != DENSE):
        return None
    plan = _kernels.Plan(params.dtype.itemsize, network.size, n_threads(), layers, NO_LOSS, None, None, None)
    raw = np.empty((X[2].size - 1 if type(X) is tuple else len(X), network.n_out), dtype=params.dtype)
    plan.predict(params, X, raw.reshape(-1))
    return raw


def update(rule, params, grad, slots, t, learning_rate):
    """Take one step of an update rule in place.

    Parameters
    ----------
    rule : Optimizer
        The rule; only the core's own, for a subclass may step otherwise.
    params, grad : ndarray of shape (n_params,)
        The flat vector, which is changed, and the gradient.
    slots : list of ndarray
        The rule's moving arrays, changed in place.
    t : int
        Number of the step, from 1.
    learning_rate : float
        Learning rate of this step.

    Returns
    -------
    done : bool or None
        True if the step was taken; otherwise nothing was changed.
    """
    return _update(rule, params, grad, slots, t, learning_rate, 0, 0, 1.0, (), None, 0.0)


def update_wrapped(rule, params, grad, state, learning_rate):
    """Take one step of a rule that decays some parameters, paces some, or averages all, in one pass.

    Parameters
    ----------
    rule : Wrapped
        The rule: an ``Averaged`` around a ``Paced`` around a ``Decays`` around one of the core's optimizers, each of
        the three optional.
    params, grad : ndarray of shape (n_params,)
        The flat vector, which is changed, and the gradient.
    state : dict
        State of the rule, changed in place.
    learning_rate : float
        Learning rate of this step.

    Returns
    -------
    done : bool or None
        True if the step was taken; otherwise nothing was changed.
    """
    average, weight, factors, start, stop, kept = None, 0.0, (), 0, 0, 1.0
    if _own(type(rule), "optimizers") == "Averaged" and rule.zeros is None:
        average, steps = state["average"], int(state["averaged_steps"][0])
        weight, rule = 1 - min(rule.rho, steps / (steps + 10)), rule.rule
    if _own(type(rule), "optimizers") == "Paced":
        factors, rule = tuple((*part.indices(len(params))[:2], factor) for part, factor in rule.factors), rule.rule
    if _own(type(rule), "optimizers") == "Decays":
        start, stop, _ = rule.where.indices(len(params))
        kept, rule = 1 - float(learning_rate) * rule.weight_decay, rule.rule
    if (type(rule).__name__, type(rule).__module__) not in _RULES:
        return None
    slots, t = [state[slot] for slot in rule.slots], int(state["t"][0]) + 1
    rate = float(learning_rate)
    if not _update(rule, params, grad, slots, t, rate, start, stop, kept, factors, average, weight):
        return None
    state["t"][0] = t
    if average is not None:
        state["averaged_steps"][0] = steps + 1
    return True


def _update(rule, params, grad, slots, t, learning_rate, start, stop, kept, factors, average, weight):
    numbers = _RULES.get((type(rule).__name__, type(rule).__module__))
    if _kernels is None or numbers is None:
        return None
    code, rate, *constants = numbers(rule, t, learning_rate)
    first, second = (*slots, None, None)[:2]
    constants += [0.0] * (4 - len(constants))
    wrapping = start, stop, kept, factors, average, weight
    return _kernels.update(code, params, grad, first, second, rate, *constants, _threads, *wrapping)


def _sgd(rule, t, rate):
    if not rule.momentum:
        return SGD, rate
    return NESTEROV if rule.nesterov else MOMENTUM, rate, float(rule.momentum)


def _rmsprop(rule, t, rate):
    rho = float(rule.rho)
    return CENTERED if rule.centered else RMSPROP, rate, float(rule.epsilon), rho, 1 - rho


def _adam(rule, t, rate):
    beta_1, beta_2 = float(rule.beta_1), float(rule.beta_2)
    root = math.sqrt(1 - beta_2)
    rate = rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t) * (1 - beta_1) / root
    return ADAM, rate, float(rule.epsilon) / root, beta_1, beta_2


def _adamw(rule, t, rate):
    return ADAMW, *_adam(rule, t, rate)[1:], 1 - rate * float(rule.weight_decay)


_RULES = {
    (name, f"{PACKAGE}.optimizers"): numbers
    for name, numbers in {
        "SGD": _sgd,
        "Adagrad": lambda rule, t, rate: (ADAGRAD, rate, float(rule.epsilon)),
        "RMSprop": _rmsprop,
        "Adam": _adam,
        "AdamW": _adamw,
    }.items()
}


class _Step:
    """Loss and gradient of a compiled objective, with the numbers that the core draws or derives for each step."""

    def __init__(self, plan, objective):
        self.evaluate, self.n_samples = plan.loss_and_grad, objective.n_samples
        self.weight_sum = objective._weight_sum
        self.l1, self.l2 = objective.penalty.l1 / self.weight_sum, objective.penalty.l2 / self.weight_sum
        network = objective.network
        self.chunk_rows = network.chunk_rows
        self.dropped = _dropped_widths(network)

    def __call__(self, params, grad, rows, rng):
        rows, start, stop = self._range(rows)
        scale = self.n_samples / ((stop - start) * self.weight_sum)
        return self._run(params, grad, rows, start, stop, rng, scale, self.l1, self.l2)

    def sums(self, params, grad, rows, rng, scale):
        """Sum of the rows' losses, without penalty and times ``scale``; None where numpy must run."""
        return self._run(params, grad, *self._range(rows), rng, scale, 0.0, 0.0)

    def _run(self, params, grad, rows, start, stop, rng, scale, l1, l2):
        n_rows = stop - start
        draws = ()
        if self.dropped:
            if n_rows > self.chunk_rows and rows is None:
                return None  # the core draws chunk by chunk
            draws = tuple(rng.random_sample(n_rows * width) for width in self.dropped)
        return self.evaluate(params, grad, rows, start, stop, scale, l1, l2, draws)

    def sum_of_losses(self, params, rows):
        """Sum of the rows' losses at inference, without penalty."""
        return self.evaluate(params, None, *self._range(rows), 1.0, 0.0, 0.0, ())

    def _range(self, rows):
        """Indices, or None, and the range that stands for them."""
        if type(rows) is slice:
            start, stop, pace = rows.indices(self.n_samples)
            if pace == 1 and stop > start:
                return None, start, stop
            rows = np.arange(self.n_samples)[rows]
        if rows is None:
            return None, 0, self.n_samples
        rows = np.ascontiguousarray(rows)
        return rows, 0, len(rows)


def _dropped_widths(network):
    width, found = network.n_in, []
    for layer in network.layers:
        if _own(type(layer), "layers") == "Dropout":
            found.append(width)
        width = getattr(layer, "n_out", width)
    return found


def _own(thing, module):
    """Name of a class or function of the core; None for anything else, a subclass included."""
    return thing.__name__ if getattr(thing, "__module__", None) == f"{PACKAGE}.{module}" else None


def _layers(network):
    """The layers as tuples of numbers: kind, activation, widths, places in the flat vector, a number; or None."""
    places = [{} for _ in network.layers]
    for i, name, start, _, _ in network._layout:
        places[i][name] = start
    rows, width = [], network.n_in
    for layer, at in zip(network.layers, places, strict=True):
        kind = _own(type(layer), "layers")
        before, row = width, None
        width = getattr(layer, "n_out", width)
        if kind == "Dense":
            row = DENSE, 0, before, width, at["W"], at.get("b", -1), -1, -1, 0.0
        elif kind == "Activation":
            name = _own(layer.function, "activations")
            if name in ACTIVATIONS and rows and rows[-1][0] not in (DROPOUT, ACTIVATION):
                row = ACTIVATION, ACTIVATIONS.index(name), width, width, -1, -1, -1, -1, 0.0
        elif kind == "Dropout":
            row = DROPOUT, 0, width, width, -1, -1, -1, -1, float(layer.p)
        elif kind == "LayerNorm" and rows:
            row = LAYER_NORM, 0, width, width, at["gamma"], at["beta"], -1, -1, 0.0
        elif kind == "Scale":
            row = SCALE, 0, width, width, at["scale"], -1, -1, -1, 0.0
        elif kind == "BatchNorm" and rows:
            row = BATCH_NORM, 0, width, width, at["gamma"], at["beta"], at["mean"], at["var"], 0.0
        if row is None:
            return None
        rows.append(row)
    return tuple(rows)


def _loss(loss, n_outputs):
    """Number of the loss, of its link, its parameter and its smoothing; or None."""
    epsilon = uniform = 0.0
    if _own(type(loss), "losses") == "Smoothed":
        epsilon = float(loss.epsilon)
        uniform = epsilon / (2 if loss.multilabel or n_outputs == 1 else n_outputs)
        loss = loss.loss
    name = _own(type(loss), "losses")
    if name not in LOSSES or loss.link not in LINKS or (loss.link == "softmax") != (name == "CategoricalCrossEntropy"):
        return None
    number = float(loss.delta if name == "Huber" else loss.quantile if name == "Quantile" else 0)
    return LOSSES[name], LINKS.index(loss.link), number, 1 - epsilon, uniform


def _targets(y):
    """Targets as the kernels take them, and which kind they are; or None."""
    if y.ndim == 1:
        return y.astype(np.int64, copy=False), CLASSES
    if y.dtype.kind == "f":
        return y, NUMBERS
    if y.dtype == np.bool_ or (y.size and y.min() >= 0 and y.max() <= 255):
        return y.view(np.uint8) if y.dtype == np.bool_ else y.astype(np.uint8, copy=False), BYTES
    return None, None
