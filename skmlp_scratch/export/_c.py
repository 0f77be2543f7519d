"""C: layers, links and labels as one file without dependencies."""

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from .. import activations
from ..activations import LEAKY_SLOPE, SELU_ALPHA, SELU_SCALE
from ..layers import EPSILON, Activation, BatchNorm, Dense, Dropout, LayerNorm, Scale
from . import _c_interface as interface
from ._c_interface import function, loop, number
from ._model import read, rule_for, rule_of

NUMBERS_PER_LINE = 8


def to_c(estimator: Any) -> str:
    """Convert a fitted estimator to one self-contained file of C99, for microcontrollers for example.

    The weights are constants, all numbers are float32, and nothing is allocated: two vectors, as long as the widest
    layer, are on the stack. The file's first lines list its functions: ``predict``, and for a classifier
    ``predict_proba``.

    Parameters
    ----------
    estimator : ScratchMLPClassifier or ScratchMLPRegressor
        Fitted estimator.

    Returns
    -------
    source : str
        Text of the file.

    Raises
    ------
    TypeError
        If the estimator is of another class: what comes before the network, such as scaling, is not written.
    ValueError
        If the estimator has a custom activation, layer or loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmlp_scratch import ScratchMLPClassifier
    >>> from skmlp_scratch.export import to_c
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = ScratchMLPClassifier(8, solver="lbfgs", random_state=0).fit(X, y)
    >>> source = to_c(clf)
    >>> print(source[:source.index("*/") + 2])
    /*
     * ScratchMLPClassifier, exported by skmlp_scratch. Compile it as C99 and link with -lm.
     *
     * int predict(const float *x);
     *     Return the index, in classes[], of the class of x[4].
     *
     * void predict_proba(const float *x, float *y);
     *     Put the probabilities of the classes into y[3].
     */
    """
    check_is_fitted(estimator)
    if not hasattr(estimator, "network_") or hasattr(estimator, "encoder_"):
        raise TypeError(
            f"to_c takes a fitted ScratchMLPClassifier or ScratchMLPRegressor, not a {type(estimator).__name__}: pass "
            "the network alone, such as a pipeline's last step, and scale x before calling predict."
        )
    model = read(estimator)
    if model.has_single_class:
        raise ValueError(f"classes_ holds only {str(model.classes[0])!r}: there is nothing to compute.")
    source = Source(model.n_in)
    for layer, arrays in model.members[0]:
        rule_for(layer, statement_of)(layer, source, arrays)
    if model.scale is not None:
        source.each(f"z * {number(model.scale)}")
    parts = [interface.head(model), "#include <math.h>", *source.arrays, *source.functions()]
    if model.classes is not None and not model.is_multilabel:
        parts.append(interface.classes(model))
    parts += [function(signature, statements) for signature, _, statements in interface.functions(model)]
    return "\n\n".join(parts) + "\n"


class Source:
    """Constants, helper functions and statements of the network.

    Parameters
    ----------
    n_in : int
        Number of features.

    Attributes
    ----------
    vector : str
        Name of the current values: ``x``, the input, or one of two buffers, ``a`` and ``b``.
    n : int
        Number of current values.
    """

    def __init__(self, n_in):
        self.vector, self.n = "x", n_in
        self.arrays, self.helpers, self.statements, self.buffers = [], {}, [], {}

    def array(self, values: NDArray) -> str:
        """Add a constant array.

        Parameters
        ----------
        values : ndarray
            Numbers.

        Returns
        -------
        name : str
        """
        name, numbers = f"c{len(self.arrays)}", [number(value) for value in values.ravel()]
        lines = [", ".join(numbers[i : i + NUMBERS_PER_LINE]) for i in range(0, len(numbers), NUMBERS_PER_LINE)]
        self.arrays.append(f"static const float {name}[{len(numbers)}] = {{\n    " + ",\n    ".join(lines) + "\n};")
        return name

    def call(self, helper: str, n: int, *arguments: Any) -> None:
        """Add a call of a helper function, from the current values to the other buffer.

        Parameters
        ----------
        helper : str
            A key of ``HELPERS``.
        n : int
            Number of values that come of it.
        *arguments : str
            Further arguments.
        """
        old, self.vector = self.vector, "b" if self.vector == "a" else "a"
        self.buffers[self.vector] = max(n, self.buffers.get(self.vector, 0))
        self.helpers[helper] = HELPERS[helper]
        self.statements.append(f"{helper}({old}, {self.n}, {self.vector}, {n}, {', '.join(arguments)});")
        self.n = n

    def each(self, expression: str) -> None:
        """Add a loop over the current values.

        Parameters
        ----------
        expression : str
            What takes the place of value ``z``, of index ``i``.
        """
        if self.vector == "x":  # the input is left as it is
            self.vector, self.buffers["a"] = "a", self.n
            self.statements.append(loop(self.n, "a[i] = x[i];"))
        self.statements.append(loop(self.n, f"const float z = {self.vector}[i];", f"{self.vector}[i] = {expression};"))

    def functions(self) -> list[str]:
        """Return the function ``network`` and those that it calls.

        Returns
        -------
        functions : list of str
        """
        buffers = [f"float {name}[{n}];" for name, n in sorted(self.buffers.items())]
        body = [*buffers, *self.statements, loop(self.n, f"raw[i] = {self.vector}[i];")]
        return [*self.helpers.values(), function("static void network(const float *x, float *raw)", body)]


@singledispatch
def statement_of(layer: Any, source: Any, arrays: dict) -> None:
    """Write a layer as statements.

    Parameters
    ----------
    layer : Layer
        Layer of a network.
    source : Source
        Place to write it to.
    arrays : dict of str to ndarray
        The layer's arrays.
    """
    raise NotImplementedError  # rule_for says so first


@statement_of.register
def _(layer: Dense, source, arrays):
    b = arrays["b"] if layer.bias else np.zeros(layer.n_out)
    source.call("dense", layer.n_out, source.array(arrays["W"].T), source.array(b))


@statement_of.register
def _(layer: Activation, source, arrays):
    source.each(rule_of(layer.function, ACTIVATION_EXPRESSIONS))


@statement_of.register
def _(layer: Scale, source, arrays):
    source.each(f"z * {source.array(arrays['scale'])}[i]")


@statement_of.register
def _(layer: Dropout, source, arrays):
    pass


@statement_of.register
def _(layer: BatchNorm, source, arrays):
    scale = arrays["gamma"] / np.sqrt(arrays["var"] + np.float32(EPSILON))
    mean, scale, beta = map(source.array, (arrays["mean"], scale, arrays["beta"]))
    source.each(f"(z - {mean}[i]) * {scale}[i] + {beta}[i]")


@statement_of.register
def _(layer: LayerNorm, source, arrays):
    source.call("layer_norm", source.n, source.array(arrays["gamma"]), source.array(arrays["beta"]))


ACTIVATION_EXPRESSIONS = {
    activations.identity: "z",
    activations.tanh: "tanhf(z)",
    activations.logistic: "1.0f / (1.0f + expf(-z))",
    activations.relu: "z > 0.0f ? z : 0.0f",
    activations.leaky_relu: f"z > 0.0f ? z : {number(LEAKY_SLOPE)} * z",
    activations.elu: "z > 0.0f ? z : expm1f(z)",
    activations.selu: f"{number(SELU_SCALE)} * (z > 0.0f ? z : {number(SELU_ALPHA)} * expm1f(z))",
    activations.gelu: f"0.5f * z * (1.0f + erff({number(np.sqrt(0.5))} * z))",
    activations.silu: "z / (1.0f + expf(-z))",
    activations.mish: "z * tanhf(fmaxf(z, 0.0f) + log1pf(expf(-fabsf(z))))",
    activations.softplus: "fmaxf(z, 0.0f) + log1pf(expf(-fabsf(z)))",
}

HELPERS = {
    "dense": """\
static void dense(const float *x, int n_in, float *y, int n_out, const float *W, const float *b)
{
    for (int j = 0; j < n_out; j++) {
        float sum = b[j];
        for (int i = 0; i < n_in; i++) {
            sum += *W++ * x[i];
        }
        y[j] = sum;
    }
}""",
    "layer_norm": f"""\
static void layer_norm(const float *x, int n_in, float *y, int n_out, const float *gamma, const float *beta)
{{
    float mean = 0.0f, variance = 0.0f;
    for (int i = 0; i < n_in; i++) {{
        mean += x[i] / (float)n_in;
    }}
    for (int i = 0; i < n_in; i++) {{
        variance += (x[i] - mean) * (x[i] - mean) / (float)n_in;
    }}
    for (int i = 0; i < n_out; i++) {{
        y[i] = (x[i] - mean) / sqrtf(variance + {number(EPSILON)}) * gamma[i] + beta[i];
    }}
}}""",
}
