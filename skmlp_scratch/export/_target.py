"""TransformedTargetRegressor, with which y is scaled, for skl2onnx, which does not know it."""

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from ._graph import PartOfGraph

ALIAS = "SklearnTransformedTargetRegressor"
# Transformers whose inverse is a factor and a constant.
AFFINE = (MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler)


def register_transformed_target():
    """Teach skl2onnx the estimator, unless it has learned it meanwhile."""
    import skl2onnx

    if ALIAS not in skl2onnx.supported_converters():
        skl2onnx.update_registered_converter(
            TransformedTargetRegressor, ALIAS, shape_calculator, converter, parser=parser
        )


def parser(scope, model, inputs, custom_parsers=None):
    """Lay out the regressor and, after it, the way back to the units of y; as skl2onnx asks for it.

    Parameters
    ----------
    scope : skl2onnx.common._topology.Scope
        Source of names.
    model : TransformedTargetRegressor
        Fitted estimator.
    inputs : list
        Inputs of the estimator.
    custom_parsers : dict or None, default=None
        Parsers by type.

    Returns
    -------
    outputs : list
    """
    from skl2onnx._parse import parse_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    operator = scope.declare_local_operator(ALIAS, model)
    operator.inputs = parse_sklearn(scope, model.regressor_, inputs, custom_parsers)
    for each in operator.inputs:
        each.init_status(is_leaf=False)
    operator.outputs.append(scope.declare_local_variable("variable", FloatTensorType()))
    return operator.outputs


def shape_calculator(operator):
    """Set the type of the output, float32; as skl2onnx asks for it.

    Parameters
    ----------
    operator : skl2onnx.common._topology.Operator
        The estimator with its inputs and outputs.
    """
    from skl2onnx.common.data_types import FloatTensorType

    operator.outputs[0].set_type(FloatTensorType(operator.inputs[0].type.shape))


def converter(scope, operator, container):
    """Write the way back to the units of y; as skl2onnx asks for it.

    Parameters
    ----------
    scope : skl2onnx.common._topology.Scope
        Source of names.
    operator : skl2onnx.common._topology.Operator
        The estimator with its inputs and outputs.
    container : skl2onnx.common._container.ModelComponentContainer
        The graph.

    Raises
    ------
    ValueError
        If what the inverse of the transformer computes is known only to Python.
    """
    graph = PartOfGraph(scope, container)
    is_exponential, scale, shift = _inverse(operator.raw_operator.transformer_)
    y = graph.cast(operator.inputs[0].full_name, np.float32)
    y = graph.node("Exp", y) if is_exponential else y
    y = graph.node("Mul", y, graph.constant(scale))
    graph.node("Add", y, graph.constant(shift), output=operator.outputs[0].full_name)


def _inverse(transformer):
    """Return whether the inverse takes the exponential, and then a factor and a constant."""
    if type(transformer) in AFFINE:
        zero, one = transformer.inverse_transform(np.repeat([[0.0], [1.0]], transformer.n_features_in_, axis=1))
        return False, one - zero, zero
    inverse = getattr(transformer, "inverse_func", transformer)
    for function, shift in ((None, 0.0), (np.exp, 0.0), (np.expm1, -1.0)):
        if inverse is function:
            return function is not None, 1.0, shift
    raise ValueError(
        f"{getattr(inverse, '__name__', inverse)} as what transforms the targets cannot be exported: only "
        f"{', '.join(kind.__name__ for kind in AFFINE)} and the inverses np.exp and np.expm1 can."
    )
