"""The precision that a graph computes in."""

from __future__ import annotations

from mmnet_deploy.tflite.counts import stores_weights
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Tensor

_INTEGERS = ("INT8", "UINT8", "INT16")


CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
"""Operators that convert between integers and real numbers."""


def is_quantized(tensor: Tensor) -> bool:
    """Whether a tensor holds integers that stand for real numbers."""
    return tensor.dtype in _INTEGERS and tensor.quantization is not None


def is_integer(graph: Graph) -> bool:
    """Whether a graph computes with quantized activations, at least in part.

    One with float activations and int8 weights does not.
    """
    return any(
        tensor.data is None and is_quantized(tensor)
        for op in graph.ops
        if op.kind not in CONVERSIONS
        for tensor in (*op.inputs, *op.outputs)
        if tensor is not None
    )


def _reads_integers(graph: Graph) -> bool:
    """Whether an operator computes with quantized constants, not only unpacks them."""
    return any(
        tensor is not None and tensor.data is not None and tensor.quantization is not None
        for op in graph.ops
        if not stores_weights(op)
        for tensor in op.inputs
    )


def precision_of(graph: Graph) -> str:
    """Name of the precision, as `mmnet-deploy convert` calls it."""
    constants = [t for t in graph.constants() if t.quantization or t.dtype.startswith("FLOAT")]
    if is_integer(graph):
        outputs = [tensor for op in graph.ops for tensor in op.outputs]
        return "int16x8" if any(t.dtype == "INT16" and t.quantization for t in outputs) else "int8"
    if any(tensor.quantization for tensor in constants):
        return "dynamic" if _reads_integers(graph) else "int8-weights"
    return "float16" if any(t.dtype == "FLOAT16" for t in constants) else "float32"
