"""Layers that work on a picture's plane: pools, means, borders, resizes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from keras import layers, ops

from mmnet_deploy.networks.imported.registry import (
    Names,
    RefusedError,
    Value,
    constant,
    operator,
    tensor,
)
from mmnet_deploy.networks.imported.weighted import padding_of
from mmnet_deploy.tflite.parts import Op

# --- Pools and means ---------------------------------------------------------


@operator("AVERAGE_POOL_2D", "MAX_POOL_2D")
def pool(op: Op, inputs: list[Value], names: Names) -> Value:
    """The mean or the largest of each window; the border does not count."""
    value, options = tensor(inputs[0]), op.options
    size = options.filterHeight, options.filterWidth
    name = names.new(op.name)
    if op.kind == "AVERAGE_POOL_2D" and size == value.shape[1:3] and op.output.shape[1:3] == (1, 1):
        return layers.GlobalAveragePooling2D(keepdims=True, name=name)(value)
    kind = layers.AveragePooling2D if op.kind == "AVERAGE_POOL_2D" else layers.MaxPooling2D
    strides = options.strideH, options.strideW
    return kind(size, strides=strides, padding=padding_of(op), name=name)(value)


_REDUCTIONS = {
    "MEAN": ops.mean,
    "SUM": ops.sum,
    "REDUCE_MAX": ops.max,
    "REDUCE_MIN": ops.min,
}


@operator(*_REDUCTIONS)
def reduction(op: Op, inputs: list[Value], names: Names) -> Value:
    """The mean, the sum, the largest or the least along axes."""
    value, keeps = tensor(inputs[0]), bool(op.option("keepDims", False))
    rank = len(value.shape)
    axes = tuple(sorted({int(axis) % rank for axis in constant(op, 1).reshape(-1)}))
    if 0 in axes:
        raise RefusedError("it goes along the batch")
    if op.kind == "MEAN" and axes == (1, 2) and rank == 4:
        return layers.GlobalAveragePooling2D(keepdims=keeps, name=names.new(op.name))(value)
    return _REDUCTIONS[op.kind](value, axis=axes, keepdims=keeps)


# --- Borders -----------------------------------------------------------------


@operator("PAD", "PADV2", "MIRROR_PAD")
def pad(op: Op, inputs: list[Value], names: Names) -> Value:
    """A border of zeros, of another value, or of the picture mirrored."""
    value = tensor(inputs[0])
    widths = [(int(before), int(after)) for before, after in constant(op, 1)]
    if len(widths) != len(value.shape) or widths[0] != (0, 0):
        raise RefusedError(f"its borders are {widths}")
    if op.kind == "MIRROR_PAD":
        return ops.pad(value, widths, mode="symmetric" if op.options.mode else "reflect")
    filled = float(constant(op, 2).reshape(-1)[0]) if op.kind == "PADV2" else 0.0
    plane = len(widths) == 4 and widths[3] == (0, 0) and min(map(min, widths)) >= 0
    if filled == 0 and plane:
        return layers.ZeroPadding2D(tuple(widths[1:3]), name=names.new(op.name))(value)
    return ops.pad(value, widths, mode="constant", constant_values=filled)


# --- Resizes -----------------------------------------------------------------


@operator("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
def resize(op: Op, inputs: list[Value], names: Names) -> Value:
    """A resize of any kind.

    The usual ones are Keras's own. Those with aligned corners, and the legacy kind, which measures
    from the corner of the first pixel, are lines taken by number and mixed.
    """
    value = tensor(inputs[0])
    before, after = value.shape[1:3], op.output.shape[1:3]
    aligned = bool(op.option("alignCorners", False))
    half = bool(op.option("halfPixelCenters", False))
    bilinear = op.kind == "RESIZE_BILINEAR"
    factors = tuple(-(-new // old) for new, old in zip(after, before, strict=True))
    whole = after == tuple(old * factor for old, factor in zip(before, factors, strict=True))
    if not aligned and whole and (half or not bilinear):
        kind = "bilinear" if bilinear else "nearest"
        return layers.UpSampling2D(factors, interpolation=kind, name=names.new(op.name))(value)
    if bilinear and half and not aligned:
        resized = functools.partial(ops.image.resize, data_format="channels_last", antialias=False)
        return resized(value, after, interpolation="bilinear")
    for axis, (old, new) in enumerate(zip(before, after, strict=True), start=1):
        # In float32, as the runtime counts.
        scale = np.float32((old - 1) / (new - 1) if aligned and new > 1 else old / new)
        offset = np.float32(0.5 if half else 0)
        places = (np.arange(new, dtype=np.float32) + offset) * scale
        value = (
            _mixed(value, axis, places - offset)
            if bilinear
            else _taken(value, axis, np.floor(places + 0.5) if aligned else np.floor(places))
        )
    return value


def _mixed(value: Value, axis: int, places: Any) -> Value:
    """Lines along an axis at places between the lines that there are."""
    last = value.shape[axis] - 1
    places = np.clip(places, 0, last)
    if np.array_equal(places, np.arange(last + 1)):
        return value
    low = np.floor(places).astype(np.int32)
    shares = (places - low).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(4)])
    one = ops.take(value, low, axis=axis)
    other = ops.take(value, np.minimum(low + 1, last), axis=axis)
    return one + (other - one) * shares


def _taken(value: Value, axis: int, numbers: Any) -> Value:
    """Lines along an axis by their numbers."""
    return ops.take(value, np.clip(numbers, 0, value.shape[axis] - 1).astype(np.int32), axis=axis)
