"""How weights are stored: in float16, or in 8 bits with one scale per channel.

Unlike the other passes, these round values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import ConversionError
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Quantization, Tensor

DEPTHWISE = "DEPTHWISE_CONV_2D"
FILTERED = ("CONV_2D", DEPTHWISE, "FULLY_CONNECTED", "TRANSPOSE_CONV")
"""Operators with filters; the first axis of all but the depthwise ones is that of the outputs."""

DYNAMIC_MINIMUM = 1024
"""Filters with fewer weights stay in float in `filters_in_int8`: quantizing them saves next to
nothing."""

_OPERATOR_BYTES = 200
"""What a DEQUANTIZE and its tensor add to a file, names included."""

_SCALE_BYTES = 12
"""Of a channel: a scale of four bytes and a zero point of eight."""

Packing = Callable[[Tensor, NDArray[np.float32]], Op]
"""Makes the operator that unpacks a constant with these values."""


def weights_in_float16(graph: Graph) -> None:
    """Store filters and biases in float16, behind a DEQUANTIZE.

    Raises:
        ConversionError: A weight is beyond the range of float16.
    """
    unpacked: dict[int, Op] = {}
    for op in list(graph.ops):
        if op.kind in FILTERED:
            for place in range(len(op.inputs)):
                _unpack(graph, op, place, unpacked, _from_float16)


def weights_in_int8(graph: Graph) -> None:
    """Store filters in 8 bits, behind a DEQUANTIZE, where that makes the file smaller.

    Delegates unpack them once, when they load the file, so that arithmetic stays that of float32.
    Depthwise filters stay as they are: they are a small part of a file, and rounding them to 8 bits
    was measured to cost as much as rounding all others. In float16 beside int8, XNNPACK of LiteRT
    1.4 would leave them out.
    """
    unpacked: dict[int, Op] = {}
    for op in _filters(graph):
        _unpack(graph, op, 1, unpacked, _from_int8)


def rounded_to_int8(graph: Graph) -> None:
    """Give filters the values that `weights_in_int8` stores, as float32 constants."""
    done: dict[int, Tensor] = {}
    for op in _filters(graph):
        tensor = op.input(1)
        if id(tensor) not in done:
            values = _real(_in_int8(tensor, np.asarray(tensor.data)))
            done[id(tensor)] = Tensor(tensor.name, tensor.shape, "FLOAT32", values)
        op.inputs = [op.inputs[0], done[id(tensor)], *op.inputs[2:]]


def filters_in_int8(graph: Graph) -> None:
    """Let CONV_2D read filters of at least `DYNAMIC_MINIMUM` weights in 8 bits.

    The operators then quantize what they read, too. Delegates do not take depthwise convolutions
    of this kind, and their filters are small.
    """
    packed: dict[int, Tensor] = {}
    for op in graph.ops:
        if op.kind != "CONV_2D":
            continue
        weights = op.input(1)
        if weights.data is None or weights.dtype != "FLOAT32":
            continue
        if weights.data.size < DYNAMIC_MINIMUM:
            continue
        if id(weights) not in packed:
            packed[id(weights)] = _in_int8(weights, weights.data)
        op.inputs = [op.inputs[0], packed[id(weights)], *op.inputs[2:]]
        op.version = 5  # The first with 8-bit filters per channel beside float32.


def _filters(graph: Graph) -> Iterator[Op]:
    """Operators other than depthwise ones whose filter takes fewer bytes in 8 bits."""
    for op in list(graph.ops):
        if op.kind not in FILTERED or op.kind == DEPTHWISE:
            continue
        weights = op.input(1)
        if weights.data is None or weights.dtype != "FLOAT32" or not weights.shape:
            continue
        saved = 3 * weights.data.size - _SCALE_BYTES * weights.shape[0]
        if saved > _OPERATOR_BYTES:
            yield op


def _unpack(graph: Graph, op: Op, place: int, unpacked: dict[int, Op], packing: Packing) -> None:
    """Let an operator read a constant from what unpacks it; `unpacked` has those made so far."""
    tensor = op.inputs[place]
    if tensor is None or tensor.data is None or tensor.dtype != "FLOAT32":
        return
    if id(tensor) not in unpacked:
        unpacked[id(tensor)] = packing(tensor, tensor.data)
        graph.insert(op, [unpacked[id(tensor)]])
    inputs = list(op.inputs)
    inputs[place] = unpacked[id(tensor)].output
    op.inputs = inputs


def _real(stored: Tensor) -> NDArray[np.float32]:
    """The values that a quantized constant stands for."""
    if stored.data is None or stored.quantization is None:
        raise ValueError(f"{stored.name} is no quantized constant.")
    return stored.quantization.real(stored.data)


def _from_float16(tensor: Tensor, values: NDArray[np.float32]) -> Op:
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise ConversionError(
            f"float16 cannot hold the weights of {tensor.name}: the largest is "
            f"{np.abs(values).max():.3g}, and 65504 is the limit."
        )
    packed = Tensor(f"{tensor.name}/float16", tensor.shape, "FLOAT16", half)
    # Version 3 is the first that takes float16.
    return Op("DEQUANTIZE", [packed], [Tensor(tensor.name, tensor.shape)], version=3)


def _from_int8(tensor: Tensor, values: NDArray[np.float32]) -> Op:
    packed = _in_int8(tensor, values)
    packed.name = f"{tensor.name}/int8"
    # Version 5 is the first with one scale per channel.
    return Op("DEQUANTIZE", [packed], [Tensor(tensor.name, tensor.shape)], version=5)


def _in_int8(tensor: Tensor, values: NDArray[np.float32]) -> Tensor:
    """A filter in 8 bits, with one symmetric scale for each of its outputs."""
    largest = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    with np.errstate(invalid="ignore"):  # What a weight that is no number becomes, mattes show.
        stored = np.clip(np.round(values / scales), -127, 127).astype(np.int8)
    numbers = tuple(map(float, scales.ravel()))
    quantization = Quantization(numbers, (0,) * len(numbers))
    return Tensor(tensor.name, tensor.shape, "INT8", stored, quantization)
