"""A graph of ONNX under construction."""

import importlib

import numpy as np

# The oldest operators that suffice, and the file format of their time: newer runtimes read older files.
OPSETS, IR_VERSION = {"": 17, "ai.onnx.ml": 3}, 8


def require(package, caller):
    """Raise an ImportError that says what to install, if a package of the extra ``onnx`` is missing.

    Parameters
    ----------
    package : str
        Name of the package.
    caller : str
        What needs it.
    """
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise ImportError(f"{caller} requires {package}: pip install {package}") from error


class Graph:
    """Nodes and constants; each is known by its name."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value, dtype=None):
        """Add a constant.

        Parameters
        ----------
        value : array-like
            Numbers or strings.
        dtype : dtype or None, default=None
            Type; None takes float32, int64, or strings.

        Returns
        -------
        name : str
        """
        from onnx.numpy_helper import from_array

        name = f"constant_{len(self.constants)}"
        self.constants.append(from_array(as_constant(value, dtype), name))
        return name

    def node(self, operator, *inputs, output=None, **attributes):
        """Add a node.

        Parameters
        ----------
        operator : str
            Operator of ONNX.
        *inputs : str
            Names of its inputs.
        output : str or None, default=None
            Name of its output; None makes one.
        **attributes
            Attributes of the operator.

        Returns
        -------
        output : str
            Name of its output.
        """
        from onnx.helper import make_node

        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(make_node(operator, inputs, [output], name=f"node_{output}", **attributes))
        return output

    def cast(self, x, dtype, output=None):
        """Add a node that changes a type.

        Parameters
        ----------
        x : str
            Name of the values.
        dtype : dtype
            New type.
        output : str or None, default=None
            Name of the output; None makes one.

        Returns
        -------
        output : str
            Name of the output.
        """
        from onnx.helper import np_dtype_to_tensor_dtype

        return self.node("Cast", x, to=np_dtype_to_tensor_dtype(np.dtype(dtype)), output=output)

    def to_proto(self, name, inputs, outputs):
        """Complete the graph.

        Parameters
        ----------
        name : str
            Name of the graph.
        inputs, outputs : dict of str to tuple
            Names, each with dtype and shape after the first axis, which is that of the rows.

        Returns
        -------
        model : onnx.ModelProto
        """
        from onnx import checker, helper

        graph = helper.make_graph(self.nodes, name, _values(inputs), _values(outputs), self.constants)
        domains = {""} | {node.domain for node in self.nodes}
        opsets = [helper.make_opsetid(domain, OPSETS[domain]) for domain in sorted(domains)]
        proto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="skmlp_scratch")
        checker.check_model(proto, full_check=True)
        return proto


class PartOfGraph(Graph):
    """A graph inside that of skl2onnx.

    Parameters
    ----------
    scope : skl2onnx.common._topology.Scope
        Source of names.
    container : skl2onnx.common._container.ModelComponentContainer
        The whole graph.
    """

    def __init__(self, scope, container):
        self.scope, self.container = scope, container

    def constant(self, value, dtype=None):
        """Add a constant; as for :meth:`Graph.constant`."""
        from onnx.helper import np_dtype_to_tensor_dtype

        value = as_constant(value, dtype)
        name = self.scope.get_unique_variable_name("constant")
        content = [text.encode() for text in value.ravel()] if value.dtype == object else value.ravel()
        self.container.add_initializer(name, np_dtype_to_tensor_dtype(value.dtype), value.shape, content)
        return name

    def node(self, operator, *inputs, output=None, domain="", **attributes):
        """Add a node; as for :meth:`Graph.node`."""
        output = output or self.scope.get_unique_variable_name(operator)
        name = self.scope.get_unique_operator_name(operator)
        where = {"op_domain": domain, "op_version": OPSETS[domain]} if domain else {}  # else what skl2onnx chooses
        self.container.add_node(operator, list(inputs), output, name=name, **where, **attributes)
        return output


def as_constant(value, dtype=None):
    """Return a value in a type that a graph takes.

    Parameters
    ----------
    value : array-like
        Numbers or strings.
    dtype : dtype or None, default=None
        Type; None takes that of the kind.

    Returns
    -------
    value : ndarray
        float32, int64, or strings as objects.

    Examples
    --------
    >>> as_constant([0.5]).dtype
    dtype('float32')
    """
    value = np.asarray(value)
    return value.astype(dtype or {"f": np.float32, "i": np.int64, "U": object}[value.dtype.kind])


def _values(types):
    from onnx.helper import make_tensor_value_info, np_dtype_to_tensor_dtype

    return [
        make_tensor_value_info(name, np_dtype_to_tensor_dtype(np.dtype(dtype)), [None, *shape])
        for name, (dtype, *shape) in types.items()
    ]
