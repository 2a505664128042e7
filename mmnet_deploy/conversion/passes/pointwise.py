"""Passes that merge 1×1 convolutions and move them to where there are fewer pixels.

The algebra that they rest on: a 1×1 convolution mixes the channels of each pixel,
W·x + b. It is linear per pixel; a resize is a weighted mean of pixels whose weights sum
to one. So the two commute, and a convolution of a concatenation is the sum of the
convolutions of its parts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.passes.everywhere import everywhere
from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.operators import (
    NO_ACTIVATION,
    activation,
    enlarges_alone,
    is_convolution,
    is_pointwise,
    pixels,
    weights,
)
from mmnet_deploy.tflite.parts import Op, Tensor


@everywhere
def collapse_pointwise(graph: Graph) -> bool:
    """Two linear layers in a row become one: W₂(W₁·x + b₁) + b₂ = (W₂W₁)·x + (W₂b₁ + b₂).

    A convolution without activation, read by nothing but 1×1 convolutions, is multiplied
    into them where that needs fewer multiply-adds. They keep their activations.
    """
    for first in graph.ops:
        if not is_convolution(first) or activation(first) != NO_ACTIVATION:
            continue
        readers = graph.readers_of(first.output)
        if graph.is_output(first.output) or not readers or not all(map(is_pointwise, readers)):
            continue
        channels, per_output = first.output.shape[3], int(np.prod(first.input(1).shape[1:]))
        outputs = sum(reader.output.shape[3] for reader in readers)
        if per_output * outputs >= (per_output + outputs) * channels:
            continue
        for reader in readers:
            graph.insert(reader, [_product(reader, first)])
            graph.remove(reader)
        graph.remove(first)
        return True
    return False


def _product(second: Op, first: Op) -> Op:
    """A linear convolution and a 1×1 convolution of its output, as one."""
    values, bias = weights(first)
    mixing, offset = weights(second)
    matrix = mixing[:, 0, 0, :].astype(np.float64)
    merged = np.einsum("om,mhwi->ohwi", matrix, values.astype(np.float64))
    return operators.reweighted(
        first,
        first.input(0),
        merged.astype(np.float32),
        (matrix @ bias + offset).astype(np.float32),
        second.output,
        activation(second),
    )


@everywhere
def pointwise_before_resize(graph: Graph) -> bool:
    """A linear 1×1 convolution of a resized tensor moves before the resize.

    W·(Σ rᵢxᵢ) + b = Σ rᵢ(W·xᵢ + b), since Σ rᵢ = 1. It pays where the resize enlarges
    and the convolution does not add channels.
    """
    producers = graph.producers()
    for op in graph.ops:
        if not is_pointwise(op) or activation(op) != NO_ACTIVATION:
            continue
        resize = producers.get(id(op.input(0)))
        if resize is None or not enlarges_alone(graph, resize):
            continue
        if op.output.shape[3] > resize.output.shape[3]:
            continue
        small = operators.pointwise(resize.input(0), *weights(op), f"{op.name}_small")
        large = operators.resize_like(resize, small.output, op.name)
        graph.insert(op, [small, large])
        graph.replace_tensor(op.output, large.output)
        graph.remove(op)
        graph.remove(resize)
        return True
    return False


def _resized_parts(graph: Graph, join: Op) -> list[Op]:
    """The enlarging resizes among the inputs of a concatenation of channels."""
    if join.kind != "CONCATENATION" or join.options.axis not in (-1, 3):
        return []
    if join.options.fusedActivationFunction != NO_ACTIVATION or graph.is_output(join.output):
        return []
    producers = graph.producers()
    found = [producers.get(id(tensor)) for tensor in join.inputs]
    return [op for op in found if op is not None and enlarges_alone(graph, op)]


@everywhere
def merge_siblings(graph: Graph) -> bool:
    """1×1 convolutions of one concatenation with a resized part become one, split after it.

    Stacking the rows of W₁, W₂, … computes all of them; `split_concatenation` then needs
    one resize for all. Elsewhere, merging was measured not to pay.
    """
    for join in graph.ops:
        if not _resized_parts(graph, join):
            continue
        readers = graph.readers_of(join.output)
        if len(readers) < 2 or not all(map(is_pointwise, readers)):
            continue
        if len({(activation(op), op.output.shape) for op in readers}) > 1:
            continue
        name = f"{readers[0].name}_siblings"
        graph.insert(readers[0], operators.stacked(join.output, readers, name))
        for op in readers:
            graph.remove(op)
        return True
    return False


@everywhere
def split_concatenation(graph: Graph) -> bool:
    """A 1×1 convolution of [resized, other] becomes one of each part, the first before its resize.

    W·[up(x), s] + b = up(Wₓ·x) + (Wₛ·s + b); the activation moves to the sum.
    """
    for join in graph.ops:
        parts = _resized_parts(graph, join)
        readers = graph.readers_of(join.output) if parts else []
        if len(readers) != 1 or not is_pointwise(readers[0]):
            continue
        op, resize = readers[0], parts[0]
        outputs, moved = op.output.shape[3], resize.output.shape[3]
        saved = (pixels(op.output) - pixels(resize.input(0))) * moved * outputs
        # Bilinear mixing takes four multiply-adds per value, the sum one.
        added = pixels(op.output) * (4 * (outputs - moved) + outputs)
        others = [tensor for tensor in join.inputs if tensor is not resize.output]
        if saved <= added or not others:
            continue
        graph.insert(op, _sum_of_parts(op, join, resize))
        for old in (op, join, resize):
            graph.remove(old)
        return True
    return False


def _sum_of_parts(op: Op, join: Op, resize: Op) -> list[Op]:
    """The 1×1 convolution `op` of the concatenation `join`, part by part: Wₓ·x, Wₛ·s, their sum."""
    values, bias = weights(op)
    ours, theirs = _columns(join, resize.output)
    small = operators.pointwise(
        resize.input(0), values[..., ours], np.zeros_like(bias), f"{op.name}_small"
    )
    large = operators.resize_like(resize, small.output, f"{op.name}_resized")
    others = [t for t in join.inputs if t is not None and t is not resize.output]
    joined: list[Op] = []
    rest = others[0]
    if len(others) > 1:
        joined = [operators.concatenation(others, 3, f"{op.name}_others")]
        rest = joined[0].output
    side = operators.pointwise(rest, values[..., theirs], bias, f"{op.name}_side")
    total = operators.add(large.output, side.output, op.output, activation(op))
    return [small, large, *joined, side, total]


def _columns(join: Op, part: Tensor) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Channel numbers of one input of a concatenation, and those of the others."""
    owners = np.concatenate(
        [np.full(tensor.shape[3], tensor is part) for tensor in join.inputs if tensor is not None]
    )
    return np.flatnonzero(owners), np.flatnonzero(~owners)
