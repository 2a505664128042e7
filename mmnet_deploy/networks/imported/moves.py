"""Layers that only move values: shapes, parts, orders."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers, ops

from mmnet_deploy.networks.imported.registry import (
    Names,
    RefusedError,
    Value,
    constant,
    is_constant,
    operator,
    tensor,
)
from mmnet_deploy.tflite.parts import Op


@operator("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def reshape(op: Op, inputs: list[Value], names: Names) -> Value:
    """Another shape of the same values; the batch stays the first axis."""
    value, shape = tensor(inputs[0]), op.output.shape
    if not shape or shape[0] != 1:
        raise RefusedError(f"it makes {shape}, and the batch must stay the first axis")
    return layers.Reshape(shape[1:], name=names.new(op.name))(value)


@operator("TRANSPOSE")
def transpose(op: Op, inputs: list[Value], names: Names) -> Value:
    """Another order of the axes behind the batch."""
    order = [int(axis) for axis in constant(op, 1)]
    if not order or order[0] != 0:
        raise RefusedError(f"its order is {order}, and the batch must stay the first axis")
    return layers.Permute(tuple(order[1:]), name=names.new(op.name))(tensor(inputs[0]))


def _axis(number: int, rank: int) -> int:
    """An axis behind the batch, counted from the front."""
    axis = int(number) % rank
    if axis == 0:
        raise RefusedError("it goes along the batch")
    return axis


@operator("CONCATENATION")
def concatenation(op: Op, inputs: list[Value], names: Names) -> Value:
    """Tensors joined along an axis."""
    if any(is_constant(value) for value in inputs):
        raise RefusedError("one of its inputs is a constant")
    axis = _axis(op.options.axis, len(op.output.shape))
    if len(inputs) == 1:
        return inputs[0]
    return layers.Concatenate(axis=axis, name=names.new(op.name))(list(inputs))


@operator("PACK")
def pack(op: Op, inputs: list[Value], names: Names) -> Value:
    """Tensors joined along a new axis."""
    axis = _axis(op.options.axis, len(op.output.shape))
    return ops.stack([tensor(value) for value in inputs], axis=axis)


@operator("SPLIT", "SPLIT_V", "UNPACK")
def split(op: Op, inputs: list[Value], names: Names) -> list[Value]:
    """Parts along an axis, as the outputs' shapes say; unpacked ones have no such axis."""
    value = tensor(inputs[1] if op.kind == "SPLIT" else inputs[0])
    rank = len(value.shape)
    if op.kind == "UNPACK":
        axis = _axis(op.options.axis, rank)
        return [value[_at(axis, number)] for number in range(len(op.outputs))]
    axis = _axis(constant(op, 0 if op.kind == "SPLIT" else 2).reshape(-1)[0], rank)
    ends = np.cumsum([output.shape[axis] for output in op.outputs])
    parts = zip([0, *ends[:-1]], ends, strict=True)
    return [value[_at(axis, slice(int(first), int(end)))] for first, end in parts]


def _at(axis: int, index: int | slice) -> tuple[Any, ...]:
    return (*(slice(None) for _ in range(axis)), index)


@operator("SLICE")
def slice_(op: Op, inputs: list[Value], names: Names) -> Value:
    """A part of a tensor; a size of -1 reaches to the end."""
    begins, sizes = (constant(op, index).reshape(-1) for index in (1, 2))
    value = tensor(inputs[0])
    if begins[0] != 0 or sizes[0] not in (-1, 1):
        raise RefusedError("it takes a part of the batch")
    indices = [
        slice(int(begin), None if size == -1 else int(begin) + int(size))
        for begin, size in zip(begins, sizes, strict=True)
    ]
    return value[(slice(None), *indices[1:])]


@operator("STRIDED_SLICE")
def strided_slice(op: Op, inputs: list[Value], names: Names) -> Value:
    """A part of a tensor in steps; axes may be dropped."""
    value, options = tensor(inputs[0]), op.options
    if options.ellipsisMask or options.newAxisMask:
        raise RefusedError("it has new axes or an ellipsis")
    begins, ends, steps = (constant(op, index).reshape(-1) for index in (1, 2, 3))
    indices: list[int | slice] = []
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        if options.shrinkAxisMask >> axis & 1:
            indices.append(int(begin))
        else:
            first = None if options.beginMask >> axis & 1 else int(begin)
            last = None if options.endMask >> axis & 1 else int(end)
            indices.append(slice(first, last, int(step)))
    whole = indices[0]
    if not isinstance(whole, slice) or range(1)[whole] != range(1):
        raise RefusedError("it takes a part of the batch")
    return value[(slice(None), *indices[1:])]


@operator("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
def blocks(op: Op, inputs: list[Value], names: Names) -> Value:
    """Channels as the pixels of squares, or the other way."""
    value, side = tensor(inputs[0]), int(op.options.blockSize)
    height, width, channels = value.shape[1:]
    if op.kind == "DEPTH_TO_SPACE":
        parts: tuple[int, ...] = (height, width, side, side, channels // side**2)
    else:
        parts = (height // side, side, width // side, side, channels)
    value = layers.Reshape(parts, name=names.new(op.name, "_parts"))(value)
    value = layers.Permute((1, 3, 2, 4, 5), name=names.new(op.name, "_order"))(value)
    return layers.Reshape(op.output.shape[1:], name=names.new(op.name))(value)
