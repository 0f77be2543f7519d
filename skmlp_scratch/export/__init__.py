"""Export: fitted estimators as ONNX graphs and as plain C, for programs without Python.

What is exported is what the layers and the loss's link compute at inference, in float32: weights, activations and
normalizations; dropout is absent. The modules here read nothing but the public attributes of layers and losses.
"""

from ._c import to_c
from ._onnx import to_onnx
from ._skl2onnx import Exportable

__all__ = ["Exportable", "to_c", "to_onnx"]
