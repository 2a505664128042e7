"""How each kind of operator is computed in 8-bit integers.

Kinds, fixed parameters and versions are those of TFLite's kernels and of its
"8-bit quantization specification" (ai.google.dev/edge/litert).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from mmnet_deploy.tflite.parts import Op, Quantization, Tensor

OWN, OF_INPUT, JOINED = "own", "of input", "joined"
"""Whose range a result has: its own; that of what is read; one that all inputs share with it."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """One kind of operator in int8.

    Attributes:
        version: The first version of its definition that takes int8.
        range: `OWN`, `OF_INPUT` or `JOINED`.
        source: Which input the range is of, for `OF_INPUT`.
        mixes: Whether a result is computed from several values, as an interpolation is; of those
            with the range of their input.
        fixed: The parameters of the result, where kernels ask for these.
        as_kind: What is computed instead: the range of the result cuts off what an activation
            would, and delegates take a change of range, but not every activation.
    """

    version: int = 2
    range: str = OWN
    source: int = 0
    mixes: bool = False
    fixed: Quantization | None = None
    as_kind: str = ""

    @property
    def moves(self) -> bool:
        """Whether every result is one of the values that are read, or what a border has."""
        return self.range == OF_INPUT and not self.mixes


FRACTION = Quantization((1 / 256,), (-128,))
"""How kernels give a sigmoid or a softmax: from 0 to 255/256, never 1."""

OUTPUT_AXIS: Mapping[str, int] = MappingProxyType(
    {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "TRANSPOSE_CONV": 0, "FULLY_CONNECTED": 0}
)
"""Operators with a filter, and the axis of the outputs in it."""

_AS_INPUT = Rule(range=OF_INPUT)
_ANY_VERSION = Rule(1, OF_INPUT)
_MIXED = Rule(range=OF_INPUT, mixes=True)

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "CONV_2D": Rule(3),
        "DEPTHWISE_CONV_2D": Rule(3),
        "FULLY_CONNECTED": Rule(4),
        "TRANSPOSE_CONV": Rule(2),
        "ADD": Rule(),
        "SUB": Rule(),
        "MUL": Rule(),
        "MEAN": Rule(),
        "SUM": Rule(),
        "ABS": Rule(),
        "ELU": Rule(1),
        "GELU": Rule(),
        "LEAKY_RELU": Rule(),
        "PRELU": Rule(1),
        "HARD_SWISH": Rule(1),
        "LOGISTIC": Rule(fixed=FRACTION),
        "SOFTMAX": Rule(fixed=FRACTION),
        "TANH": Rule(fixed=Quantization((1 / 128,), (0,))),
        **dict.fromkeys(("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"), Rule(as_kind="QUANTIZE")),
        "RESHAPE": _ANY_VERSION,
        "SQUEEZE": _ANY_VERSION,
        "EXPAND_DIMS": _ANY_VERSION,
        "RESIZE_BILINEAR": _MIXED,
        "RESIZE_NEAREST_NEIGHBOR": _AS_INPUT,
        "MAX_POOL_2D": _AS_INPUT,
        "AVERAGE_POOL_2D": _MIXED,
        "REDUCE_MAX": _AS_INPUT,
        "SLICE": _AS_INPUT,
        "STRIDED_SLICE": _AS_INPUT,
        "SPLIT": Rule(range=OF_INPUT, source=1),
        "SPLIT_V": _AS_INPUT,
        "UNPACK": _AS_INPUT,
        "TRANSPOSE": _AS_INPUT,
        "PAD": _AS_INPUT,
        "MIRROR_PAD": _AS_INPUT,
        "DEPTH_TO_SPACE": _AS_INPUT,
        "SPACE_TO_DEPTH": _AS_INPUT,
        "SPACE_TO_BATCH_ND": _AS_INPUT,
        "BATCH_TO_SPACE_ND": _AS_INPUT,
        "CONCATENATION": Rule(range=JOINED),
        "PACK": Rule(range=JOINED),
        "MAXIMUM": Rule(range=JOINED),
        "MINIMUM": Rule(range=JOINED),
    }
)
"""Every kind that has a form in int8."""


def data_place(op: Op) -> int:
    """Which input of an operator with a filter is the data."""
    return 2 if op.kind == "TRANSPOSE_CONV" else 0


def bias_of(op: Op) -> tuple[int, Tensor | None]:
    """Which input of an operator with a filter is the bias, and that bias."""
    place = 3 if op.kind == "TRANSPOSE_CONV" else 2
    return place, op.inputs[place] if len(op.inputs) > place else None


def has_rule(op: Op) -> bool:
    """Whether an operator has a form in int8: by its kind, its results and its weights."""
    if op.kind not in RULES or op.is_custom or not op.outputs:
        return False
    if any(tensor.dtype != "FLOAT32" for tensor in op.outputs):
        return False
    if op.kind not in OUTPUT_AXIS:
        return True
    filters, (_, bias) = op.input(1), bias_of(op)
    held = filters.data is not None and (bias is None or bias.data is not None)
    return held and filters.dtype == "FLOAT32"
