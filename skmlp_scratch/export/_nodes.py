"""Nodes: layers, links and labels in the operators of ONNX."""

from functools import singledispatch

import numpy as np

from ..activations import LEAKY_SLOPE, SELU_ALPHA, SELU_SCALE
from ..layers import EPSILON, Activation, BatchNorm, Dense, Dropout, LayerNorm
from ._model import rule_for, rule_of


def write(model, graph, X, outputs, raw_scores=False):
    """Write a whole estimator into a graph: layers, link and labels.

    Parameters
    ----------
    model : Model
        What to write.
    graph : Graph
        Where to write it.
    X : str
        Name of the input, float32.
    outputs : list of str
        Names of the outputs: label and probabilities of a classifier, or the prediction of a regressor.
    raw_scores : bool, default=False
        Whether the decision function is written in place of probabilities, with two columns for two classes.
    """
    raw = X
    for layer, arrays in model.steps:
        raw = rule_for(layer, node_of)(layer, graph, raw, arrays)
    if model.classes is None:
        LINK_NODES[model.link](graph, raw, output=outputs[0])
        return
    if len(model.classes) == 1 and not model.is_multilabel:
        raw = graph.node("Mul", raw, graph.constant(0.0))
    _write_label(model, graph, raw, outputs[0])
    (_write_scores if raw_scores else _write_probabilities)(model, graph, raw, outputs[1])


def _write_label(model, graph, raw, output):
    # From raw: every link is monotone, and raw still differs where probabilities round to the same number.
    from onnx import TensorProto

    if model.is_multilabel:
        graph.node("Cast", graph.node("Greater", raw, graph.constant(0.0)), to=TensorProto.INT64, output=output)
        return
    if model.n_out > 1:
        index = graph.node("ArgMax", raw, axis=1, keepdims=0)
    else:
        above = graph.node("Squeeze", graph.node("Greater", raw, graph.constant(0.0)), graph.constant([1]))
        index = graph.node("Cast", above, to=TensorProto.INT64)
    graph.node("Gather", graph.constant(model.labels), index, output=output)


def _write_scores(model, graph, raw, output=None):
    if model.n_out == 1 and not model.is_multilabel:
        return graph.node("Concat", graph.node("Neg", raw), raw, axis=1, output=output)
    if model.n_out == 2 and not model.is_multilabel:
        return graph.node("MatMul", raw, graph.constant([[1.0, -1.0], [-1.0, 1.0]]), output=output)
    return graph.node("Identity", raw, output=output)


def _write_probabilities(model, graph, raw, output):
    if len(model.classes) == 1 and not model.is_multilabel:
        graph.node("Exp", raw, output=output)  # raw is 0
    elif model.n_out == 1:
        LINK_NODES[model.link](graph, _write_scores(model, graph, raw), output=output)
    else:
        LINK_NODES[model.link](graph, raw, output=output)


@singledispatch
def node_of(layer, graph, x, arrays):
    """Write a layer into a graph.

    Parameters
    ----------
    layer : Layer
        Layer of a network.
    graph : Graph
        Where to write it.
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
    "identity": lambda graph, z: z,
    "tanh": _operator("Tanh"),
    "logistic": _operator("Sigmoid"),
    "relu": _operator("Relu"),
    "leaky_relu": _operator("LeakyRelu", alpha=LEAKY_SLOPE),
    "elu": _operator("Elu", alpha=1.0),
    "selu": _operator("Selu", alpha=SELU_ALPHA, gamma=SELU_SCALE),
    "gelu": _gelu,
    "silu": _silu,
    "mish": _mish,
    "softplus": _operator("Softplus"),
}
LINK_NODES = {
    "identity": _operator("Identity"),
    "log": _operator("Exp"),
    "logistic": _operator("Sigmoid"),
    "softmax": _operator("Softmax", axis=1),
}
