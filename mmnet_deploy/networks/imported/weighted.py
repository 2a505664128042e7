"""Layers with weights: convolutions, transposed ones, fully connected ones, PReLU."""

from __future__ import annotations

from typing import Any

from keras import layers
from numpy.typing import NDArray

from mmnet_deploy.networks.imported.registry import (
    Names,
    RefusedError,
    Value,
    applied,
    constant,
    operator,
    tensor,
)
from mmnet_deploy.networks.imported.source import TRANSPOSED_WITH_BIAS, geometry_of_transposed
from mmnet_deploy.tflite.parts import Op
from mmnet_deploy.tflite.schema import name_of

MOST_STEPS = 4096
"""The largest stride and dilation, in pixels."""


def padding_of(op: Op) -> str:
    """`same` or `valid`."""
    return name_of("Padding", op.option("padding", 0)).lower()


def _bias(op: Op, index: int) -> list[NDArray[Any]]:
    """The bias, if the operator has one."""
    given = len(op.inputs) > index and op.inputs[index] is not None
    return [constant(op, index).reshape(-1)] if given else []


def _filter(op: Op) -> NDArray[Any]:
    kernel = constant(op, 1)
    if kernel.ndim != 4:
        raise RefusedError(f"its filter has the shape {kernel.shape}")
    return kernel


@operator("CONV_2D")
def convolution(op: Op, inputs: list[Value], names: Names) -> Value:
    """A convolution, with groups where its filter has fewer channels than its input."""
    kernel, bias = _filter(op), _bias(op, 2)
    layer = layers.Conv2D(
        kernel.shape[0],
        kernel.shape[1:3],
        groups=inputs[0].shape[-1] // kernel.shape[3],
        use_bias=bool(bias),
        name=names.new(op.name),
        **_geometry(op),
    )
    return applied(layer, tensor(inputs[0]), kernel.transpose(1, 2, 3, 0), *bias)


def _geometry(op: Op) -> dict[str, Any]:
    """Strides, dilation and padding, as the layers take them."""
    strides = op.options.strideH, op.options.strideW
    rates = op.options.dilationHFactor or 1, op.options.dilationWFactor or 1
    if not all(1 <= number <= MOST_STEPS for number in (*strides, *rates)):
        raise RefusedError(f"it has strides {strides} and dilation {rates}")
    if strides != (1, 1) and rates != (1, 1):
        raise RefusedError(f"it has strides {strides} and dilation {rates} together")
    return {"strides": strides, "dilation_rate": rates, "padding": padding_of(op)}


@operator("DEPTHWISE_CONV_2D")
def depthwise(op: Op, inputs: list[Value], names: Names) -> Value:
    """A depthwise convolution."""
    kernel, bias = _filter(op), _bias(op, 2)
    channels = inputs[0].shape[-1]
    kernel = kernel.reshape(*kernel.shape[1:3], channels, -1)
    geometry = _geometry(op)
    options = {"use_bias": bool(bias), "name": names.new(op.name), **geometry}
    if geometry["strides"][0] != geometry["strides"][1]:
        # A depthwise layer has one stride for both; one with a group per channel has not.
        height, width, _, multiplier = kernel.shape
        wide = layers.Conv2D(channels * multiplier, (height, width), groups=channels, **options)
        grouped = kernel.reshape(height, width, 1, channels * multiplier)
        return applied(wide, tensor(inputs[0]), grouped, *bias)
    layer = layers.DepthwiseConv2D(kernel.shape[:2], depth_multiplier=kernel.shape[3], **options)
    return applied(layer, tensor(inputs[0]), kernel, *bias)


@operator("TRANSPOSE_CONV")
def transposed(op: Op, inputs: list[Value], names: Names) -> Value:
    """A transposed convolution to any size."""
    strides = op.options.strideH, op.options.strideW
    return _transposed(op, tensor(inputs[2]), strides, padding_of(op), _bias(op, 3), names)


@operator(TRANSPOSED_WITH_BIAS)
def transposed_with_bias(op: Op, inputs: list[Value], names: Names) -> Value:
    """MediaPipe's operator."""
    padding, strides = geometry_of_transposed(op)
    return _transposed(op, tensor(inputs[0]), strides, padding, _bias(op, 2), names)


def _transposed(
    op: Op,
    value: Value,
    strides: tuple[int, int],
    padding: str,
    bias: list[NDArray[Any]],
    names: Names,
) -> Value:
    kernel = _filter(op)
    sizes, wanted = value.shape[1:3], op.output.shape[1:3]
    fits = tuple(size * stride for size, stride in zip(sizes, strides, strict=True)) == wanted
    layer = layers.Conv2DTranspose(
        kernel.shape[0],
        kernel.shape[1:3],
        strides=strides,
        padding="same" if padding == "same" and fits else "valid",
        use_bias=bool(bias),
        name=names.new(op.name),
    )
    output = applied(layer, value, kernel.transpose(1, 2, 0, 3), *bias)
    if output.shape[1:3] == wanted:
        return output
    # The whole plane that the filters reach, and of it the part that the file computes.
    crops = []
    for size, stride, length, reached, target in zip(
        sizes, strides, kernel.shape[1:3], output.shape[1:3], wanted, strict=True
    ):
        total = max((size - 1) * stride + length - target, 0) if padding == "same" else 0
        before, after = total // 2, reached - total // 2 - target
        if after < 0:
            raise RefusedError(f"its output {wanted} is larger than its filters reach")
        crops.append((before, after))
    return layers.Cropping2D(tuple(crops), name=names.new(op.name, "_crop"))(output)


@operator("FULLY_CONNECTED")
def fully_connected(op: Op, inputs: list[Value], names: Names) -> Value:
    """A fully connected layer of the last axis, or of all of a picture's values."""
    kernel, bias = constant(op, 1), _bias(op, 2)
    value = tensor(inputs[0])
    if op.option("weightsFormat", 0):
        raise RefusedError("its weights are shuffled")
    if len(op.output.shape) == 2 and len(value.shape) > 2:
        value = layers.Flatten(name=names.new(op.name, "_flat"))(value)
    if value.shape[-1] != kernel.shape[1]:
        raise RefusedError(f"its weights {kernel.shape} do not fit an input of {value.shape[1:]}")
    layer = layers.Dense(kernel.shape[0], use_bias=bool(bias), name=names.new(op.name))
    return applied(layer, value, kernel.T, *bias)


@operator("PRELU")
def prelu(op: Op, inputs: list[Value], names: Names) -> Value:
    """PReLU, with slopes that are shared along the axes where the file has one."""
    value, slopes = tensor(inputs[0]), constant(op, 1)
    rank = len(value.shape) - 1
    slopes = slopes.reshape((1,) * max(rank - slopes.ndim, 0) + slopes.shape)
    if slopes.ndim == rank + 1 and slopes.shape[0] == 1:
        slopes = slopes[0]
    shared = [axis + 1 for axis in range(rank) if slopes.shape[axis] == 1]
    layer = layers.PReLU(shared_axes=shared or None, name=names.new(op.name))
    return applied(layer, value, slopes)
