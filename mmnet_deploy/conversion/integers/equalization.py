"""Channels of one tensor with the same range, so that 8 bits serve all of them.

A tensor has one scale in int8, so a channel with a small part of its range has few steps. Filters
have a scale for each output: there, other units cost next to nothing. The idea is cross-layer
equalization (Nagel et al., Data-Free Quantization, ICCV 2019), here with the ranges that
calibration saw, all of it for the activations, and through sums and products.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.integers.channels import Spaces, Units, in_other_units, scales_channels
from mmnet_deploy.conversion.integers.ranges import Ranges
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor

LARGEST_GAIN = 32
"""At most five bits for a channel: beyond, filters are out of the reach of kernels."""


def equalize(graph: Graph, ranges: Ranges) -> None:
    """Give the channels of every tensor the same range; the function stays.

    No channel of any tensor gets coarser steps by it: a channel is divided by the largest part
    that it has of the range of any tensor of its space.

    Args:
        ranges: Of the tensors, by name; in the new units afterwards.
    """
    units: dict[int, NDArray[np.float64]] = {}
    for space in Spaces(graph).free():
        seen = [ranges[tensor.name] for tensor in space if tensor.name in ranges]
        if len({len(low) for low, _ in seen}) != 1:
            continue
        part = np.zeros(len(seen[0][0]))
        for low, high in seen:
            for side in (high, -low):
                if side.max() > 0:
                    part = np.maximum(part, side / side.max())
        # What calibration never saw may yet be seen.
        part[part <= 0] = 1.0
        part = np.maximum(part, 1 / LARGEST_GAIN)
        for tensor in space:
            units[id(tensor)] = part
            if tensor.name in ranges:
                low, high = ranges[tensor.name]
                ranges[tensor.name] = (
                    (low / part).astype(np.float32),
                    (high / part).astype(np.float32),
                )
    in_other_units(graph, units)


def equalize_like(graph: Graph, quantized: Graph) -> None:
    """Give a float32 graph the units of a quantized one that was made of it.

    They are told by the filters: those of a quantized one are its own, in other units.
    """
    made = {op.name: op for op in quantized.ops if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D")}
    space_of = {id(it): number for number, it in _numbered(graph)}
    found: dict[int, NDArray[np.float64]] = {}
    for op in graph.ops:
        space = space_of.get(id(op.output)) if op.outputs else None
        if space is None or space in found or not scales_channels(op):
            continue
        read = found.get(space_of.get(id(op.input(0)), -1))
        other = made.get(op.name)
        if other is not None and other.input(1).shape == op.input(1).shape:
            found[space] = _told(op, other, read)
    tensors = [tensor for op in graph.ops for tensor in op.outputs]
    units: Units = {
        id(it): found[space_of[id(it)]] for it in tensors if space_of.get(id(it)) in found
    }
    in_other_units(graph, units)


def _numbered(graph: Graph) -> list[tuple[int, Tensor]]:
    spaces = enumerate(Spaces(graph).free())
    return [(number, tensor) for number, space in spaces for tensor in space]


def _told(op: Op, other: Op, read: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """What the filters of `other` were divided by, one number for each output, if not 1."""
    ours, theirs = np.asarray(op.input(1).data, np.float64), other.input(1)
    if read is not None:
        ours = ours * read
    held = np.asarray(theirs.data)
    real = held if theirs.quantization is None else theirs.quantization.real(held)
    axis = 0 if op.kind == "CONV_2D" else 3
    rows, others = (
        np.moveaxis(np.asarray(values, np.float64), axis, 0).reshape(values.shape[axis], -1)
        for values in (ours, real)
    )
    across = (rows * others).sum(axis=1)
    return np.where(across > 0, (rows**2).sum(axis=1) / np.where(across > 0, across, 1), 1.0)
