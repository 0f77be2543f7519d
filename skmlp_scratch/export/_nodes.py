"""Nodes: layers, links and labels in the operators of ONNX."""

from functools import singledispatch

import numpy as np

from .. import activations
from ..activations import LEAKY_SLOPE, SELU_ALPHA, SELU_SCALE
from ..layers import EPSILON, Activation, BatchNorm, Dense, Dropout, LayerNorm, Scale
from ._model import rule_for, rule_of


def write(model, graph, X, outputs, raw_scores=False):
    """Write a whole estimator into a graph: layers, link and labels.

    Parameters
    ----------
    model : Model
        What to write.
    graph : Graph
        Place to write it to.
    X : str
        Name of the input, float32.
    outputs : list of str
        Names of the outputs: label and probabilities of a classifier, or the prediction of a regressor.
    raw_scores : bool, default=False
        Whether the decision function is written in place of probabilities, with two columns for two classes.
    """
    raws = [_write_network(model, graph, X, steps) for steps in model.members]
    if model.classes is None:
        _write_predictions(graph, raws, model.link, outputs[0])
        return
    scores = raws if model.is_multilabel else [_write_scores(model, graph, raw) for raw in raws]
    link = "log" if model.has_single_class else model.link
    if raw_scores:
        _write_decision(model, graph, scores, outputs[1])
    else:
        _write_predictions(graph, scores, link, outputs[1])
    # Of one network, scores still differ where probabilities round to the same number; every link is monotone.
    values, threshold = (scores[0], 0.0) if len(scores) == 1 else (outputs[1], 0.5)
    if model.is_multilabel:
        graph.cast(graph.node("Greater", values, graph.constant(threshold)), np.int64, outputs[0])
    else:
        index = graph.node("ArgMax", values, axis=1, keepdims=0)
        graph.node("Gather", graph.constant(model.labels), index, output=outputs[0])


def _write_network(model, graph, x, steps):
    """Write one network up to its raw predictions, in units of the targets."""
    for layer, arrays in steps:
        x = rule_for(layer, node_of)(layer, graph, x, arrays)
    if model.scale is not None:
        x = graph.node("Mul", x, graph.constant(model.scale))
    if model.shift is not None:
        x = graph.node("Add", x, graph.constant(model.shift))
    return x


def _write_predictions(graph, raws, link, output):
    """Write the mean prediction of several networks, or that of one."""
    if len(raws) == 1:
        LINK_NODES[link](graph, raws[0], output=output)
    else:
        graph.node("Mean", *[LINK_NODES[link](graph, raw) for raw in raws], output=output)


def _write_scores(model, graph, raw):
    """Write a column per class, of which the largest is the label's."""
    if model.has_single_class:
        return graph.node("Mul", raw, graph.constant(0.0))
    return graph.node("Concat", graph.node("Neg", raw), raw, axis=1) if model.n_out == 1 else raw


def _write_decision(model, graph, scores, output):
    """Write the decision function; that of two classes as its negative and itself."""
    scores = scores[0]
    if model.n_out == 2 and not model.is_multilabel:
        graph.node("MatMul", scores, graph.constant([[1.0, -1.0], [-1.0, 1.0]]), output=output)
    else:
        graph.node("Identity", scores, output=output)


@singledispatch
def node_of(layer, graph, x, arrays):
    """Write a layer into a graph.

    Parameters
    ----------
    layer : Layer
        Layer of a network.
    graph : Graph
        Place to write it to.
    x : str
        Name of its input.
    arrays : dict of str to ndarray
        The layer's arrays.

    Returns
    -------
    y : str
        Name of its output.
    """
    raise NotImplementedError  # rule_for says so first


@node_of.register
def _(layer: Dense, graph, x, arrays):
    bias = [graph.constant(arrays["b"])] if layer.bias else []
    return graph.node("Gemm", x, graph.constant(arrays["W"]), *bias)


@node_of.register
def _(layer: Activation, graph, x, arrays):
    return rule_of(layer.function, ACTIVATION_NODES)(graph, x)


@node_of.register
def _(layer: Scale, graph, x, arrays):
    return graph.node("Mul", x, graph.constant(arrays["scale"]))


@node_of.register
def _(layer: Dropout, graph, x, arrays):
    return x


@node_of.register
def _(layer: BatchNorm, graph, x, arrays):
    # Not BatchNormalization, which may fold the mean into the shift, where it cancels.
    scale = arrays["gamma"] / np.sqrt(arrays["var"] + np.float32(EPSILON))
    centered = graph.node("Sub", x, graph.constant(arrays["mean"]))
    return graph.node("Add", graph.node("Mul", centered, graph.constant(scale)), graph.constant(arrays["beta"]))


@node_of.register
def _(layer: LayerNorm, graph, x, arrays):
    scale, shift = graph.constant(arrays["gamma"]), graph.constant(arrays["beta"])
    return graph.node("LayerNormalization", x, scale, shift, axis=-1, epsilon=EPSILON)


def _gelu(graph, z):
    erf = graph.node("Erf", graph.node("Div", z, graph.constant(np.sqrt(2))))
    cdf = graph.node("Mul", graph.node("Add", erf, graph.constant(1.0)), graph.constant(0.5))
    return graph.node("Mul", z, cdf)


def _silu(graph, z):
    return graph.node("Mul", z, graph.node("Sigmoid", z))


def _mish(graph, z):
    return graph.node("Mul", z, graph.node("Tanh", graph.node("Softplus", z)))


def _operator(name, **attributes):
    return lambda graph, z, output=None: graph.node(name, z, output=output, **attributes)


ACTIVATION_NODES = {
    activations.identity: lambda graph, z: z,
    activations.tanh: _operator("Tanh"),
    activations.logistic: _operator("Sigmoid"),
    activations.relu: _operator("Relu"),
    activations.leaky_relu: _operator("LeakyRelu", alpha=LEAKY_SLOPE),
    activations.elu: _operator("Elu", alpha=1.0),
    activations.selu: _operator("Selu", alpha=SELU_ALPHA, gamma=SELU_SCALE),
    activations.gelu: _gelu,
    activations.silu: _silu,
    activations.mish: _mish,
    activations.softplus: _operator("Softplus"),
}
LINK_NODES = {
    "identity": _operator("Identity"),
    "log": _operator("Exp"),
    "logistic": _operator("Sigmoid"),
    "softmax": _operator("Softmax", axis=1),
}
