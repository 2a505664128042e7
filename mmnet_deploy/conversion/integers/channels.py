"""Channels that can have other units: factors that one operator divides by and the next undoes.

A convolution can give each of its channels in another unit, and the convolutions that read it
can undo that, without a change of the function. Sums, products with one number per channel,
RELU, means, pools and resizes keep the unit. So every tensor is in a space: tensors of one space
have the same units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.integers.rules import bias_of
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.operators import NO_ACTIVATION
from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.runtime import schema

Units = Mapping[int, NDArray[np.float64]]
"""What each channel of a tensor is divided by, by the tensor's id()."""

_KEEPING = frozenset(
    {"RELU", "LEAKY_RELU", "PRELU", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"}
    | {"AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN"}
)


class Spaces:
    """Which tensors of a float32 graph have to have the same units, and which may have none."""

    def __init__(self, graph: Graph) -> None:
        self._parent: dict[int, int] = {}
        self._fixed: set[int] = set()
        self._tensors = list(graph.inputs)
        self._tensors += [tensor for op in graph.ops for tensor in op.outputs]
        for tensor in self._tensors:
            self._parent[id(tensor)] = id(tensor)
        for op in graph.ops:
            self._tie(op)
        self._fix(*graph.inputs, *graph.outputs)
        self._fixed = {self._root(number) for number in self._fixed}

    def free(self) -> Iterator[list[Tensor]]:
        """The spaces whose units may be chosen, in the order of execution."""
        spaces: dict[int, list[Tensor]] = {}
        for tensor in self._tensors:
            root = self._root(id(tensor))
            if root not in self._fixed:
                spaces.setdefault(root, []).append(tensor)
        yield from spaces.values()

    def _root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def _fix(self, *tensors: Tensor | None) -> None:
        self._fixed |= {id(it) for it in tensors if it is not None and id(it) in self._parent}

    def _join(self, one: Tensor, other: Tensor) -> None:
        self._parent[self._root(id(one))] = self._root(id(other))

    def _tie(self, op: Op) -> None:
        read = [it for it in op.inputs if it is not None and it.data is None]
        options = op.options
        fused = getattr(options, "fusedActivationFunction", NO_ACTIVATION)
        linear = fused in (NO_ACTIVATION, schema().ActivationFunctionType.RELU)
        if scales_channels(op):
            if not linear:
                self._fix(op.output)
        elif op.kind in _KEEPING and linear and _leaves_channels(op):
            self._join(read[0], op.output)
        elif op.kind in ("ADD", "SUB") and linear and len(read) == 2 and _alike(read, op.output):
            for tensor in read:
                self._join(tensor, op.output)
        elif op.kind == "MUL" and linear and (main := _gated(op)) is not None:
            self._join(main, op.output)
            self._fix(*(tensor for tensor in read if tensor is not main))
        else:
            self._fix(*read, *op.outputs)


def scales_channels(op: Op) -> bool:
    """Whether it is a convolution that can divide its outputs and multiply its inputs."""
    if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return False
    filters, (_, bias) = op.input(1), bias_of(op)
    if filters.data is None or filters.dtype != "FLOAT32" or filters.shape[0] == 0:
        return False
    if bias is not None and bias.data is None:
        return False
    of = filters.shape[3] if op.kind == "CONV_2D" else op.output.shape[3]
    return of == op.input(0).shape[3]


def in_other_units(graph: Graph, units: Units) -> None:
    """Let convolutions divide their outputs by the units, and multiply their inputs by them."""
    for op in graph.ops:
        read, given = units.get(id(op.input(0))) if op.inputs else None, units.get(id(op.output))
        if not scales_channels(op) or (read is None and given is None):
            continue
        filters, (place, bias) = op.input(1), bias_of(op)
        values = np.asarray(filters.data, np.float64)
        inputs = list(op.inputs)
        if read is not None:
            values = values * read
        if given is not None:
            values = values / (given if op.kind != "CONV_2D" else given[:, None, None, None])
            if bias is not None:
                moved = np.asarray(bias.data, np.float64) / given
                inputs[place] = Tensor(bias.name, bias.shape, "FLOAT32", moved.astype(np.float32))
        inputs[1] = Tensor(filters.name, filters.shape, "FLOAT32", values.astype(np.float32))
        op.inputs = inputs


def _leaves_channels(op: Op) -> bool:
    if op.kind != "MEAN":
        return True
    axes, rank = op.input(1).data, len(op.input(0).shape)
    return axes is not None and rank - 1 not in np.atleast_1d(axes) % rank


def _alike(read: Sequence[Tensor], output: Tensor) -> bool:
    return all(tensor.shape[-1:] == output.shape[-1:] for tensor in read)


def _gated(op: Op) -> Tensor | None:
    """The tensor that a product multiplies with a constant, or with one number per channel."""
    one, other = op.input(0), op.input(1)
    for main, factor in ((one, other), (other, one)):
        smaller = factor.data is not None or factor.shape != op.output.shape
        if smaller and main.data is None and main.shape == op.output.shape:
            return main
    return None
