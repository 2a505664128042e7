"""Why XNNPACK, the default delegate on CPUs, leaves an operator to the built-in kernels.

Which ones it leaves the runtime itself tells; only the reasons are worked out here, from the list
of operators and their limits in `tflite/delegates/xnnpack/README.md` of LiteRT.
"""

from __future__ import annotations

from collections.abc import Sequence

from mmnet_deploy.inspection.delegates.refusal import Around, Refusal, shapes
from mmnet_deploy.tflite.counts import TRANSPOSED_WITH_BIAS
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op
from mmnet_deploy.tflite.precision import is_quantized
from mmnet_deploy.tflite.schema import enumeration

Reason = tuple[str, str]
"""What is lacking, and what to do."""

IN_8_BITS = frozenset(
    {
        *("ADD", "CONCATENATION", "CONV_2D", "DEPTH_TO_SPACE", "DEPTHWISE_CONV_2D", "DEQUANTIZE"),
        *("ELU", "FULLY_CONNECTED", "LEAKY_RELU", "LOGISTIC", "MAX_POOL_2D", "MEAN", "MUL", "PAD"),
        *("QUANTIZE", "RESHAPE", "RESIZE_BILINEAR", "SLICE", "SPACE_TO_DEPTH", "SPLIT", "SUB"),
        *("TANH", "TRANSPOSE", "TRANSPOSE_CONV"),
    }
)
"""Operators that XNNPACK has for 8-bit values."""

IN_FLOAT = frozenset(
    {
        *("ABS", "AVERAGE_POOL_2D", "CEIL", "DIV", "FLOOR", "HARD_SWISH", "MAXIMUM", "MINIMUM"),
        *("NEG", "PRELU", "RELU", "RELU6", "RELU_N1_TO_1", "ROUND", "SOFTMAX", "SQRT", "SQUARE"),
        *("SQUARED_DIFFERENCE", "STRIDED_SLICE", *(IN_8_BITS - {"QUANTIZE", "DEQUANTIZE"})),
    }
)
"""Operators that XNNPACK has for real numbers."""

CUSTOM = (TRANSPOSED_WITH_BIAS, "MaxPoolingWithArgmax2D", "MaxUnpooling2D")
"""Custom operators that XNNPACK has."""

_REAL = ("FLOAT32", "FLOAT16")

_INSTEAD = {
    "HARD_SWISH": "convert it again: `convert --precision int8` writes hard-swish with operators "
    "that XNNPACK has",
    "PRELU": "train with ReLU or leaky ReLU",
    "GATHER": "write it with SLICE and CONCATENATION, or resize with half-pixel centres",
    "SPACE_TO_BATCH_ND": "convert from frozen weights at a fixed batch: dilation becomes part of "
    "the convolution",
    "BATCH_TO_SPACE_ND": "convert from frozen weights at a fixed batch: dilation becomes part of "
    "the convolution",
    "ARG_MAX": "let the network give alpha instead of numbers of classes",
}
"""What to do about operators that are often in the way."""


def left_by_xnnpack(graph: Graph, left: Sequence[Op]) -> tuple[Refusal, ...]:
    """The operators that XNNPACK left out, with the reasons.

    Args:
        left: Which the runtime says it left out.
    """
    around = Around(graph)
    found = []
    for op in left:
        why, fix = _reason(around, op)
        dtype = "uint8 and int8" if is_byte_conversion(op) else around.dtype(op)
        found.append(Refusal(op.name, op.kind, dtype, why, fix))
    return tuple(found)


def is_byte_conversion(op: Op) -> bool:
    """Whether it turns uint8 into int8, or back."""
    types = {tensor.dtype for tensor in (*op.inputs, *op.outputs) if tensor is not None}
    return op.kind == "QUANTIZE" and types == {"UINT8", "INT8"}


def _reason(around: Around, op: Op) -> Reason:
    values = [*around.computed(op), *op.outputs]
    if op.is_custom and op.kind not in CUSTOM:
        return (
            "XNNPACK has no such custom operator",
            "write the layer with operators of the file format",
        )
    if any(-1 in (tensor.signature or ())[1:] for tensor in values):
        return "its sizes are known only when it runs", "convert at a fixed input size"
    if is_byte_conversion(op):
        return (
            "XNNPACK does not convert between uint8 and int8; the pass is cheap",
            "`convert --io int8` or `--io float32` does without",
        )
    if any(tensor.dtype == "INT16" and is_quantized(tensor) for tensor in values):
        return (
            "XNNPACK has no kernels for int16",
            "use int8 with the worst layers in float (`--max-error-increase`), or float16",
        )
    real = all(tensor.dtype in _REAL for tensor in values)
    quantized = all(is_quantized(tensor) for tensor in values)
    if not (real or quantized) and op.kind not in ("QUANTIZE", "DEQUANTIZE"):
        return (
            f"XNNPACK computes with real numbers and 8-bit ones, not with {around.dtype(op)}",
            _INSTEAD.get(op.kind, "let the network give alpha, and leave indices out"),
        )
    if real and any(is_quantized(t) for t in op.inputs if t is not None and t.data is not None):
        return (
            "XNNPACK does not multiply real numbers with 8-bit weights in this operator",
            "leave these weights in float, or convert with `--precision int8-weights`",
        )
    if quantized and op.kind in IN_FLOAT - IN_8_BITS:
        return (
            f"XNNPACK has {op.kind} for real numbers only",
            _INSTEAD.get(op.kind, "use another operator, or leave it in float (`--float-layers`)"),
        )
    if op.kind not in IN_FLOAT | IN_8_BITS and not op.is_custom:
        return (
            f"XNNPACK has no {op.kind}",
            _INSTEAD.get(op.kind, "write the layer with another operator"),
        )
    return _form(around, op)


def _form(around: Around, op: Op) -> Reason:
    """Why an operator that XNNPACK has is left out in this form."""
    names = {number: name for name, number in enumeration("ActivationFunctionType").items()}
    fused = names.get(getattr(op.options, "fusedActivationFunction", 0), "NONE")
    if fused not in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"):
        return f"XNNPACK cannot fuse {fused} into it", "make the activation a layer of its own"
    if op.kind == "SOFTMAX" and op.option("beta", 1.0) != 1.0:
        return "XNNPACK has SOFTMAX with a factor of 1 only", "multiply the logits before it"
    weights = [t for t in op.inputs[1:2] if t is not None]
    if "CONV" in op.kind and any(not around.is_constant(tensor) for tensor in weights):
        return "XNNPACK needs constant weights", "freeze the network before it is converted"
    return (
        f"XNNPACK has {op.kind}, but not in this form: {shapes(op)}, {around.dtype(op)}",
        "change its shape or options, or write the layer with another operator",
    )
