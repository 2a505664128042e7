"""The rules of TFLite's GPU delegate, by operator; `gpu` says where they come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from mmnet_deploy.inspection.delegates import refusal
from mmnet_deploy.tflite.counts import TRANSPOSED_WITH_BIAS
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.schema import enumeration

CUSTOM = (TRANSPOSED_WITH_BIAS, "MaxPoolingWithArgmax2D", "MaxUnpooling2D", "Resampler")
"""Custom operators that the delegate has."""


class Around(refusal.Around):
    """The graph as the delegate sees it: what unpacks float16 constants is a constant to it."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        unpacking = [op for op in graph.ops if self.unpacks_float16(op)]
        self._unpacked = {id(op.output) for op in unpacking}
        self._readers = graph.readers()

    @staticmethod
    def unpacks_float16(op: Op) -> bool:
        """Whether it makes float32 of a float16 constant."""
        source = op.inputs[0] if op.kind == "DEQUANTIZE" and op.inputs else None
        return source is not None and source.data is not None and source.dtype == "FLOAT16"

    def constants(self, op: Op) -> int:
        """Number of constants among its inputs."""
        return sum(self.is_constant(tensor) for tensor in op.inputs if tensor is not None)

    def readers(self, tensor: Tensor) -> list[Op]:
        """The operators that read a tensor."""
        return self._readers.get(id(tensor), [])


Check = Callable[[Around, Op], str]
"""Why an operator is refused; empty if it is not."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """What the delegate takes of one kind of operator.

    Attributes:
        check: Looks at shapes and options.
        newest: The newest version that it takes; None for any.
    """

    check: Check
    newest: int | None = None


def anything(around: Around, op: Op) -> str:
    """No rule."""
    return ""


def _inputs(computed: int, constants: int | None = None, outputs: int = 1) -> Check:
    """Exactly so many computed inputs, constants and outputs."""

    def check(around: Around, op: Op) -> str:
        found = len(around.computed(op)), around.constants(op), len(op.outputs)
        if found[0] != computed or (constants is not None and found[1] != constants):
            more = "" if constants is None else f" and {constants} constant"
            return f"it takes {computed} computed{more}, not {found[0]} and {found[1]}"
        return "" if found[2] == outputs else f"it has {outputs} outputs, not {found[2]}"

    return check


def _all(*checks: Check) -> Check:
    return lambda around, op: next(
        (reason for check in checks if (reason := check(around, op))), ""
    )


def _activation(around: Around, op: Op) -> str:
    fused = getattr(op.options, "fusedActivationFunction", 0)
    known = enumeration("ActivationFunctionType").get("SIGN_BIT")
    return "it cannot fuse SIGN_BIT" if fused == known else ""


def _convolution(around: Around, op: Op) -> str:
    if len(around.computed(op)) > 2:
        return "it takes a picture and at most one more computed input"
    steps = [
        getattr(op.options, name, 1)
        for name in ("strideW", "strideH", "dilationWFactor", "dilationHFactor")
    ]
    return "strides and dilations must be positive" if min(steps) < 1 else _activation(around, op)


def _depthwise(around: Around, op: Op) -> str:
    source, weights = op.input(0), op.input(1)
    if {len(t.shape) for t in (source, weights, op.output)} != {4}:
        return "its tensors must have four dimensions"
    multiplier = op.output.shape[3] // max(source.shape[3], 1)
    if weights.shape[3] != op.output.shape[3]:
        return "its filter must have one entry per output channel"
    if multiplier != 1 and source.shape[3] != 1:
        return f"it has no depth multiplier ({multiplier}) but of one channel"
    return _convolution(around, op)


def _block(around: Around, op: Op) -> str:
    return "its blocks must be of at least 2 pixels" if op.option("blockSize", 0) < 2 else ""


def _fully_connected(around: Around, op: Op) -> str:
    if op.option("weightsFormat", 0):
        return "it takes weights in the usual order only"
    if around.is_constant(op.input(0)) or len(around.computed(op)) > 2:
        return "it takes a computed input and constant weights"
    if op.option("keepNumDims", False) and len(op.input(0).shape) != len(op.output.shape):
        return "input and output must have as many dimensions"
    return ""


def _axes(around: Around, op: Op) -> str:
    axes = op.input(1)
    constant = axes.data is not None and axes.dtype == "INT32"
    return "" if constant else "its axes must be an int32 constant"


def _gather(around: Around, op: Op) -> str:
    if op.input(0).dtype == "INT32":
        return "it takes no int32"
    indices = op.input(1)
    plain = len(indices.shape) == 1 and indices.dtype == "INT32"
    return "" if plain else "its indices must be one row of int32"


def _two(around: Around, op: Op) -> str:
    return "" if len(op.inputs) == 2 else f"it takes 2 inputs, not {len(op.inputs)}"


def _broadcast(around: Around, op: Op) -> str:
    """Shapes of another number of dimensions; constants among them, too."""
    one, other = (op.input(place).shape for place in (0, 1))
    if min(len(one), len(other)) < 2 or len(one) == len(other):
        return ""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    three = len(longer) == 4 and len(shorter) == 3 and longer[0] == 1
    channels = len(longer) == 4 and shorter in ((1, 1), (longer[0], longer[3]))
    return "" if three or channels else f"it does not broadcast {shorter} to {longer}"


def _one_covers(around: Around, op: Op) -> str:
    one, other = (op.input(place).shape for place in (0, 1))
    if len(one) != len(other):
        return ""
    pairs = list(zip(one, other, strict=True))
    crossed = any(a < b for a, b in pairs) and any(a > b for a, b in pairs)
    return f"it does not multiply {one} with {other}: one must cover the other" if crossed else ""


def _binary(around: Around, op: Op) -> str:
    counts = len(around.computed(op)), around.constants(op)
    if counts not in ((2, 0), (1, 1)) or len(op.outputs) != 1:
        return f"it takes 2 inputs, not {sum(counts)}"
    return _activation(around, op)


def _comparison(around: Around, op: Op) -> str:
    readers = around.readers(op.output)
    if [reader.kind for reader in readers] in (["CAST"], ["SELECT"], ["SELECT_V2"]):
        return "" if readers[0].output.dtype.startswith("FLOAT") else "its answer must become float"
    return "its answer must go to one CAST or SELECT"


def _cast(around: Around, op: Op) -> str:
    pair = op.input(0).dtype, op.output.dtype
    known = {"BOOL": {"FLOAT16", "FLOAT32"}, "INT32": {"FLOAT32", "INT32"}}
    known |= {"FLOAT32": {"BOOL", "FLOAT32", "INT32"}, "FLOAT16": {"BOOL"}}
    before, after = (kind.lower() for kind in pair)
    return "" if pair[1] in known.get(pair[0], ()) else f"it does not cast {before} to {after}"


def _spatial(around: Around, op: Op) -> str:
    dimensions = len(op.input(0).shape)
    return "" if dimensions in (3, 4) else f"it takes 3 or 4 dimensions, not {dimensions}"


def _strided(around: Around, op: Op) -> str:
    for name in ("ellipsisMask", "newAxisMask", "shrinkAxisMask"):
        if op.option(name, 0):
            return f"it has no {name}"
    steps = op.input(3).data
    backwards = steps is not None and np.min(steps, initial=1) < 1
    return "its steps must be positive" if backwards else _spatial(around, op)


def _padding(around: Around, op: Op) -> str:
    if op.kind == "MIRROR_PAD" and op.option("mode", 0) != 0:  # REFLECT
        return "it mirrors without the edge (REFLECT) only"
    shape = op.input(1).shape
    return "" if shape in ((3, 2), (4, 2)) else f"it pads 3 or 4 dimensions, not {shape[:1]}"


def _softmax(around: Around, op: Op) -> str:
    return "" if op.option("beta", 1.0) == 1.0 else "it has SOFTMAX with a factor of 1 only"


def _resize(around: Around, op: Op) -> str:
    both = op.option("alignCorners", False) and op.option("halfPixelCenters", False)
    bilinear = op.kind == "RESIZE_BILINEAR"
    return "align_corners and half_pixel_centers contradict each other" * (both and bilinear)


def _prelu(around: Around, op: Op) -> str:
    slope, shape = op.input(1), op.input(0).shape
    if not around.is_constant(slope):
        return "its slopes must be constant"
    per_channel = slope.shape[-1:] == shape[-1:] and set(slope.shape[:-1]) <= {1}
    return "" if per_channel or slope.shape[-3:] == shape[-3:] else "its slopes must fit its input"


def _matrices(around: Around, op: Op) -> str:
    first, second = op.input(0), op.input(1)
    if around.is_constant(first):
        return "its first matrix must be computed"
    flat = not around.is_constant(second) or len(second.shape) == 2
    return "" if flat else "a constant matrix must have two dimensions"


def _dequantize(around: Around, op: Op) -> str:
    return "it does not compute with int16" if op.input(0).dtype == "INT16" else ""


_PLAIN = Rule(anything)
_UNARY = Rule(_inputs(1, 0), 2)
_REDUCTION = Rule(_all(_inputs(1), _axes))
_POOL = Rule(_all(_inputs(1), _activation), 2)
_CLIPPED = Rule(anything, 2)
_PAD = Rule(_all(_inputs(1), _padding), 2)

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **dict.fromkeys(("ABS", "COS", "ELU", "EXP", "FLOOR", "GELU", "LOG", "LOGISTIC"), _UNARY),
        **dict.fromkeys(("NEG", "RSQRT", "SIGN", "SIN", "SQRT", "SQUARE", "TANH"), _UNARY),
        **dict.fromkeys(
            ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"),
            Rule(_comparison, 2),
        ),
        **dict.fromkeys(
            ("DIV", "FLOOR_DIV", "FLOOR_MOD", "LOGICAL_AND", "MAXIMUM", "MINIMUM", "POW"),
            Rule(_binary, 2),
        ),
        **dict.fromkeys(("SQUARED_DIFFERENCE", "SUB"), Rule(_binary, 2)),
        **dict.fromkeys(("RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU"), _CLIPPED),
        **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM"), _REDUCTION),
        **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _POOL),
        **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _PAD),
        **dict.fromkeys(("PACK", "UNPACK", "SPLIT", "SPLIT_V"), _PLAIN),
        **dict.fromkeys(("SELECT", "SELECT_V2", "ONE_HOT", "CUMSUM"), Rule(anything, 1)),
        **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), Rule(_resize, 3)),
        "ADD": Rule(_all(_two, _broadcast), 2),
        "ADD_N": Rule(_two, 2),
        "BATCH_MATMUL": Rule(_matrices),
        "CAST": Rule(_all(_inputs(1), _cast)),
        "CONCATENATION": Rule(anything, 2),
        "CONV_2D": Rule(_convolution, 6),
        "DENSIFY": Rule(_inputs(0), 1),
        "DEPTHWISE_CONV_2D": Rule(_depthwise, 6),
        "DEPTH_TO_SPACE": Rule(_all(_inputs(1), _block)),
        "DEQUANTIZE": Rule(_dequantize, 3),
        "FULLY_CONNECTED": Rule(_fully_connected, 9),
        "GATHER": Rule(_gather, 1),
        "HARD_SWISH": Rule(_inputs(1)),
        "LSTM": Rule(anything, 4),
        "MEAN": Rule(_all(_inputs(1, 1), _axes)),
        "MUL": Rule(_all(_two, _broadcast, _one_covers, _activation), 3),
        "PRELU": Rule(_prelu, 1),
        "QUANTIZE": Rule(_inputs(1), 2),
        "RESHAPE": Rule(_inputs(1), 1),
        "SLICE": Rule(_spatial, 2),
        "SOFTMAX": Rule(_softmax, 2),
        "SPACE_TO_DEPTH": Rule(_all(_inputs(1), _block), 2),
        "STRIDED_SLICE": Rule(_strided, 4),
        "TILE": Rule(_inputs(1)),
        "TRANSPOSE": Rule(_inputs(1), 4),
        "TRANSPOSE_CONV": Rule(_convolution, 3),
    }
)
"""What the delegate takes, by operator; it has no others."""
