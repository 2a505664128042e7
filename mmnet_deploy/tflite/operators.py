"""Operators: what kind one is, and new ones with shapes, options and versions filled in."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.runtime import schema
from mmnet_deploy.tflite.schema import DamageError

NO_ACTIVATION = 0
"""Number of the fused activation `NONE` in the file format."""


def options_object(kind: str, **values: Any) -> tuple[Any, int]:
    """The options of a kind of operator, such as `AddOptions`, and the kind's number."""
    target = schema()
    options = getattr(target, f"{kind}T")()
    for name, value in values.items():
        setattr(options, name, value)
    return options, getattr(target.BuiltinOptions, kind)


def constant(name: str, values: NDArray) -> Tensor:
    """A constant of float32 or int32."""
    dtype = "FLOAT32" if values.dtype == np.float32 else "INT32"
    return Tensor(name, values.shape, dtype, values)


def activation(op: Op) -> int:
    """Number of an operator's fused activation."""
    return op.options.fusedActivationFunction


def weights(op: Op) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Filter and bias of a convolution; a left-out bias is zero.

    Raises:
        DamageError: One of them is no constant.
    """
    values = op.input(1).data
    given = op.inputs[2] if len(op.inputs) > 2 else None
    bias = np.zeros(op.output.shape[3], np.float32) if given is None else given.data
    if values is None or bias is None:
        raise DamageError(f"{op.name} has weights that are no constants")
    return values, bias


def is_convolution(op: Op) -> bool:
    """Whether it is a convolution of float32 with constant weights and no groups."""
    return (
        op.kind == "CONV_2D"
        and op.input(1).data is not None
        and op.input(1).dtype == op.input(0).dtype == "FLOAT32"
        and (len(op.inputs) < 3 or op.inputs[2] is None or op.inputs[2].data is not None)
        and op.input(1).shape[3] == op.input(0).shape[3]
    )


def is_pointwise(op: Op) -> bool:
    """Whether it is such a convolution, 1×1 and of stride 1."""
    return (
        is_convolution(op)
        and op.input(1).shape[1:3] == (1, 1)
        and op.options.strideW == op.options.strideH == 1
    )


def pixels(tensor: Tensor) -> int:
    """Height times width of a tensor (batch, height, width, channels)."""
    return tensor.shape[1] * tensor.shape[2]


def enlarges_alone(graph: Graph, op: Op) -> bool:
    """Whether it is a bilinear resize to more pixels, read in one place only."""
    return (
        op.kind == "RESIZE_BILINEAR"
        and op.input(1).data is not None
        and pixels(op.output) > pixels(op.input(0))
        and sum(tensor is op.output for other in graph.ops for tensor in other.inputs) == 1
        and not graph.is_output(op.output)
    )


def pointwise(
    source: Tensor,
    values: NDArray[np.float32],
    bias: NDArray[np.float32],
    name: str,
    fused: int = NO_ACTIVATION,
) -> Op:
    """A 1×1 convolution.

    Args:
        values: Filter (outputs, 1, 1, inputs).
        fused: Number of the fused activation.
    """
    return _convolution(source, values, bias, name, source.shape[1:3], "SAME", fused)


def valid_convolution(
    source: Tensor, values: NDArray[np.float32], bias: NDArray[np.float32], name: str
) -> Op:
    """A linear convolution of stride 1 without padding; filter (outputs, h, w, inputs)."""
    size = source.shape[1] - values.shape[1] + 1, source.shape[2] - values.shape[2] + 1
    return _convolution(source, values, bias, name, size, "VALID")


def _convolution(
    source: Tensor,
    values: NDArray[np.float32],
    bias: NDArray[np.float32],
    name: str,
    size: tuple[int, ...],
    padding: str,
    fused: int = NO_ACTIVATION,
) -> Op:
    """A convolution of stride 1 whose output has this height and width."""
    options, kind = options_object(
        "Conv2DOptions",
        padding=getattr(schema().Padding, padding),
        strideW=1,
        strideH=1,
        dilationWFactor=1,
        dilationHFactor=1,
        fusedActivationFunction=fused,
    )
    output = Tensor(name, (source.shape[0], *size, values.shape[0]))
    return Op("CONV_2D", _weighted(source, values, bias, name), [output], options, kind)


def _weighted(
    source: Tensor, values: NDArray[np.float32], bias: NDArray[np.float32], name: str
) -> list[Tensor]:
    """The inputs of a convolution, its weights and bias named after it."""
    return [
        source,
        constant(f"{name}/weights", np.ascontiguousarray(values, np.float32)),
        constant(f"{name}/bias", np.ascontiguousarray(bias, np.float32)),
    ]


def reweighted(
    op: Op,
    source: Tensor,
    values: NDArray[np.float32],
    bias: NDArray[np.float32],
    output: Tensor,
    fused: int,
) -> Op:
    """The convolution `op` with other input, weights, output and activation."""
    options = copy.copy(op.options)
    options.fusedActivationFunction = fused
    inputs = _weighted(source, values, bias, output.name)
    return Op(op.kind, inputs, [output], options, op.options_type, version=op.version)


def resize_like(op: Op, source: Tensor, name: str) -> Op:
    """The resize `op` of another tensor of the same height and width."""
    output = Tensor(name, (*op.output.shape[:3], source.shape[3]))
    options, version = op.options, op.version
    return Op(op.kind, [source, op.input(1)], [output], options, op.options_type, version=version)


def add(one: Tensor, other: Tensor, output: Tensor, fused: int) -> Op:
    """The sum of two tensors of one shape."""
    options, kind = options_object("AddOptions", fusedActivationFunction=fused)
    return Op("ADD", [one, other], [output], options, kind)


def stacked(source: Tensor, ops: Sequence[Op], name: str) -> list[Op]:
    """1×1 convolutions of one tensor, alike in width and activation, as one and a split."""
    pairs = [weights(op) for op in ops]
    whole = pointwise(
        source,
        np.concatenate([values for values, _ in pairs]),
        np.concatenate([bias for _, bias in pairs]),
        name,
        activation(ops[0]),
    )
    return [whole, split_channels(whole.output, [op.output for op in ops])]


def split_channels(source: Tensor, outputs: Sequence[Tensor]) -> Op:
    """Equal parts of a tensor along its channels."""
    options, kind = options_object("SplitOptions", numSplits=len(outputs))
    axis = constant(f"{source.name}/axis", np.array(3, np.int32))
    return Op("SPLIT", [axis, source], list(outputs), options, kind)


def slice_of(source: Tensor, begin: Sequence[int], size: Sequence[int], name: str) -> Op:
    """A part of a tensor."""
    options, kind = options_object("SliceOptions")
    inputs = [
        source,
        constant(f"{name}/begin", np.array(begin, np.int32)),
        constant(f"{name}/size", np.array(size, np.int32)),
    ]
    return Op("SLICE", list(inputs), [Tensor(name, tuple(size))], options, kind)


def concatenation(sources: Sequence[Tensor], axis: int, name: str) -> Op:
    """Tensors joined along `axis`."""
    shape = list(sources[0].shape)
    shape[axis] = sum(source.shape[axis] for source in sources)
    options, kind = options_object("ConcatenationOptions", axis=axis)
    return Op("CONCATENATION", list(sources), [Tensor(name, tuple(shape))], options, kind)


def depth_to_space(source: Tensor, block: int, name: str) -> Op:
    """Channels as the pixels of `block`×`block` squares."""
    batch, height, width, channels = source.shape
    shape = (batch, height * block, width * block, channels // block**2)
    options, kind = options_object("DepthToSpaceOptions", blockSize=block)
    return Op("DEPTH_TO_SPACE", [source], [Tensor(name, shape)], options, kind)


def softmax(source: Tensor, name: str) -> Op:
    """The softmax of each pixel's channels."""
    options, kind = options_object("SoftmaxOptions", beta=1.0)
    return Op("SOFTMAX", [source], [Tensor(name, source.shape)], options, kind)


def product(source: Tensor, factor: Tensor, name: str) -> Op:
    """Each value times a number."""
    options, kind = options_object("MulOptions", fusedActivationFunction=NO_ACTIVATION)
    return Op("MUL", [source, factor], [Tensor(name, source.shape)], options, kind)


def reshape(source: Tensor, shape: Sequence[int], name: str) -> Op:
    """The same values in another shape."""
    options, kind = options_object("ReshapeOptions", newShape=list(shape))
    held = constant(f"{name}/shape", np.array(shape, np.int32))
    return Op("RESHAPE", [source, held], [Tensor(name, tuple(shape))], options, kind)


def transpose(source: Tensor, order: Sequence[int], output: Tensor) -> Op:
    """The same values with the axes in another order."""
    options, kind = options_object("TransposeOptions")
    held = constant(f"{output.name}/order", np.array(order, np.int32))
    return Op("TRANSPOSE", [source, held], [output], options, kind)


def logistic(source: Tensor, name: str) -> Op:
    """The sigmoid of each value."""
    return Op("LOGISTIC", [source], [Tensor(name, source.shape)])
