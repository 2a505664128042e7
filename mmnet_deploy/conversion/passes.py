"""The deployment graph: the same function, less work.

Each pass rewrites one pattern of a float32 graph into an equivalent one, wherever the
count of multiply-adds says that it pays, and returns how often it did. What they change
is the order of float32 roundings only. `deploy` runs them all.

The algebra that they rest on: a 1×1 convolution mixes the channels of each pixel,
W·x + b. It is linear per pixel; a resize is a weighted mean of pixels whose weights sum
to one. So the two commute, and a convolution of a concatenation is the sum of the
convolutions of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.graph import Graph, Op, Tensor
from mmnet_deploy.tflite.layer_names import short_names
from mmnet_deploy.tflite.operators import (
    NO_ACTIVATION,
    activation,
    is_convolution,
    is_pointwise,
    weights,
)


def _pixels(tensor: Tensor) -> int:
    return tensor.shape[1] * tensor.shape[2]


# --- The output --------------------------------------------------------------


def alpha_only(graph: Graph, alpha_channel: int) -> int:
    """Compute alpha alone: of the softmax of two classes it is the sigmoid of a difference.

    exp(a) / (exp(a) + exp(b)) = 1 / (1 + exp(b − a)). The difference of two logits is a
    1×1 convolution with the weights 1 and −1, which later passes merge with the layers
    before it. Of any other output the channel is cut out.
    """
    output = graph.outputs[0]
    if len(graph.outputs) != 1 or len(output.shape) != 4 or output.shape[3] == 1:
        return 0
    last = graph.producers().get(id(output))
    if last is None:
        return 0
    if last.kind == "SOFTMAX" and output.shape[3] == 2 and not graph.consumers(output):
        sign = np.array([-1, 1] if alpha_channel == 1 else [1, -1], np.float32)
        values = (last.options.beta * sign).reshape(1, 1, 1, 2).astype(np.float32)
        difference = operators.pointwise(
            last.input(0), values, np.zeros(1, np.float32), "alpha_logit"
        )
        alpha = operators.logistic(difference.output, "alpha")
        graph.insert(last, [difference, alpha])
        graph.remove(last)
    else:
        begin, size = [0, 0, 0, alpha_channel], [*output.shape[:3], 1]
        alpha = operators.slice_of(output, begin, size, "alpha")
        graph.ops.append(alpha)
    graph.outputs = [alpha.output]
    return 1


# --- 1×1 convolutions --------------------------------------------------------


def collapse_pointwise(graph: Graph) -> int:
    """Two linear layers in a row are one: W₂(W₁·x + b₁) + b₂ = (W₂W₁)·x + (W₂b₁ + b₂).

    A convolution without activation, read by nothing but 1×1 convolutions, is multiplied
    into them where that needs fewer multiply-adds. They keep their activations.
    """
    for first in graph.ops:
        if not is_convolution(first) or activation(first) != NO_ACTIVATION:
            continue
        readers = graph.consumers(first.output)
        if graph.is_output(first.output) or not readers or not all(map(is_pointwise, readers)):
            continue
        channels, per_output = first.output.shape[3], int(np.prod(first.input(1).shape[1:]))
        outputs = sum(reader.output.shape[3] for reader in readers)
        if per_output * outputs >= (per_output + outputs) * channels:
            continue
        values, bias = weights(first)
        for reader in readers:
            mixing, offset = weights(reader)
            matrix = mixing[:, 0, 0, :].astype(np.float64)
            merged = np.einsum("om,mhwi->ohwi", matrix, values.astype(np.float64))
            moved = operators.reweighted(
                first,
                first.input(0),
                merged.astype(np.float32),
                (matrix @ bias + offset).astype(np.float32),
                reader.output,
                activation(reader),
            )
            graph.insert(reader, [moved])
            graph.remove(reader)
        graph.remove(first)
        return 1 + collapse_pointwise(graph)
    return 0


def pointwise_before_resize(graph: Graph) -> int:
    """A linear 1×1 convolution of a resized tensor: convolve first, resize less.

    W·(Σ rᵢxᵢ) + b = Σ rᵢ(W·xᵢ + b), since Σ rᵢ = 1. It pays where the resize enlarges
    and the convolution does not add channels.
    """
    producers = graph.producers()
    for op in graph.ops:
        if not is_pointwise(op) or activation(op) != NO_ACTIVATION:
            continue
        resize = producers.get(id(op.input(0)))
        if resize is None or not _enlarges_alone(graph, resize):
            continue
        if op.output.shape[3] > resize.output.shape[3]:
            continue
        small = operators.pointwise(resize.input(0), *weights(op), f"{op.name}_small")
        large = operators.resize_like(resize, small.output, op.name)
        graph.insert(op, [small, large])
        graph.replace_tensor(op.output, large.output)
        graph.remove(op)
        graph.remove(resize)
        return 1 + pointwise_before_resize(graph)
    return 0


def _enlarges_alone(graph: Graph, op: Op) -> bool:
    """Whether it is a bilinear resize to more pixels, read in one place only."""
    return (
        op.kind == "RESIZE_BILINEAR"
        and op.input(1).data is not None
        and _pixels(op.output) > _pixels(op.input(0))
        and sum(tensor is op.output for other in graph.ops for tensor in other.inputs) == 1
        and not graph.is_output(op.output)
    )


def _resized_parts(graph: Graph, join: Op) -> list[Op]:
    """The enlarging resizes among the inputs of a concatenation of channels."""
    if join.kind != "CONCATENATION" or join.options.axis not in (-1, 3):
        return []
    if join.options.fusedActivationFunction != NO_ACTIVATION or graph.is_output(join.output):
        return []
    producers = graph.producers()
    found = [producers.get(id(tensor)) for tensor in join.inputs]
    return [op for op in found if op is not None and _enlarges_alone(graph, op)]


def merge_siblings(graph: Graph) -> int:
    """1×1 convolutions of one concatenation with a resized part, as one, split after it.

    Stacking the rows of W₁, W₂, … computes all of them; then `split_concatenation` needs
    one resize for all. Elsewhere merging was measured not to pay.
    """
    for join in graph.ops:
        if not _resized_parts(graph, join):
            continue
        readers = graph.consumers(join.output)
        if len(readers) < 2 or not all(map(is_pointwise, readers)):
            continue
        if len({(activation(op), op.output.shape) for op in readers}) > 1:
            continue
        pairs = [weights(op) for op in readers]
        merged = operators.pointwise(
            join.output,
            np.concatenate([values for values, _ in pairs]),
            np.concatenate([bias for _, bias in pairs]),
            f"{readers[0].name}_siblings",
            activation(readers[0]),
        )
        split = operators.split_channels(merged.output, [op.output for op in readers])
        graph.insert(readers[0], [merged, split])
        for op in readers:
            graph.remove(op)
        return 1 + merge_siblings(graph)
    return 0


def split_concatenation(graph: Graph) -> int:
    """A 1×1 convolution of [resized, other]: each part alone, the first before its resize.

    W·[up(x), s] + b = up(Wₓ·x) + (Wₛ·s + b); the sum takes over the activation.
    """
    for join in graph.ops:
        parts = _resized_parts(graph, join)
        readers = graph.consumers(join.output)
        if not parts or len(readers) != 1 or not is_pointwise(readers[0]):
            continue
        op, resize = readers[0], parts[0]
        outputs, moved = op.output.shape[3], resize.output.shape[3]
        others = [tensor for tensor in join.inputs if tensor is not resize.output]
        saved = (_pixels(op.output) - _pixels(resize.input(0))) * moved * outputs
        # Bilinear mixing takes four multiply-adds per value, the sum one.
        added = _pixels(op.output) * (4 * (outputs - moved) + outputs)
        if saved <= added or not others:
            continue
        values, bias = weights(op)
        ours, theirs = _columns(join, resize.output)
        small = operators.pointwise(
            resize.input(0), values[..., ours], np.zeros_like(bias), f"{op.name}_small"
        )
        large = operators.resize_like(resize, small.output, f"{op.name}_resized")
        rest = others[0]
        joined: list[Op] = []
        if len(others) > 1:
            joined = [operators.concatenation(others, 3, f"{op.name}_others")]  # type: ignore[arg-type]
            rest = joined[0].output
        assert rest is not None
        side = operators.pointwise(rest, values[..., theirs], bias, f"{op.name}_side")
        total = operators.add(large.output, side.output, op.output, activation(op))
        graph.insert(op, [small, large, *joined, side, total])
        for old in (op, join, resize):
            graph.remove(old)
        return 1 + split_concatenation(graph)
    return 0


def _columns(join: Op, part: Tensor) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Channel numbers of one input of a concatenation, and those of the others."""
    owners = np.concatenate(
        [np.full(tensor.shape[3], tensor is part) for tensor in join.inputs if tensor is not None]
    )
    return np.flatnonzero(owners), np.flatnonzero(~owners)


# --- The last resizes --------------------------------------------------------


def _interpolation(op: Op, source: int, target: int) -> NDArray[np.float64]:
    """The matrix (target, source) of a bilinear resize along one axis."""
    positions = np.arange(target, dtype=np.float64)
    if op.options.alignCorners and target > 1:
        positions *= (source - 1) / (target - 1)
    elif op.options.halfPixelCenters:
        positions = (positions + 0.5) * source / target - 0.5
    else:
        positions *= source / target
    low = np.floor(positions)
    share = positions - low
    matrix = np.zeros((target, source))
    rows = np.arange(target)
    np.add.at(matrix, (rows, np.clip(low, 0, source - 1).astype(int)), 1 - share)
    np.add.at(matrix, (rows, np.clip(low + 1, 0, source - 1).astype(int)), share)
    return matrix


def _phases(matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The matrix as (factor, 3) weights of each pixel and its two neighbours.

    None if it is not the same for every pixel, the border's value repeated outside.
    """
    target, source = matrix.shape
    if target % source or source < 3:
        return None
    factor, middle = target // source, source // 2
    rows = matrix[factor * middle : factor * (middle + 1), middle - 1 : middle + 2]
    padded = np.zeros((target, source + 2))
    for pixel in range(source):
        padded[factor * pixel : factor * (pixel + 1), pixel : pixel + 3] = rows
    padded[:, 1] += padded[:, 0]
    padded[:, -2] += padded[:, -1]
    return rows if np.allclose(padded[:, 1:-1], matrix, atol=1e-12) else None


def resize_by_phases(graph: Graph) -> int:
    """Enlarge one channel by whole factors: a 3×3 convolution and DEPTH_TO_SPACE.

    Bilinear, a pixel becomes factor² pixels, its phases; each is a fixed mixture of the
    pixel and its neighbours, so all phases are one convolution with factor² outputs.
    Resizes in a row multiply into one. Outside the picture the border is repeated, which
    is what a resize does. XNNPACK's resize works through channels and is slow with one.
    """
    producers = graph.producers()
    for last in graph.ops:
        if not _is_plain_resize(last) or any(
            _is_plain_resize(reader) for reader in graph.consumers(last.output)
        ):
            continue
        chain = [last]
        while (before := producers.get(id(chain[0].input(0)))) is not None:
            if not (_is_plain_resize(before) and _enlarges_alone(graph, before)):
                break
            chain.insert(0, before)
        phases = []
        for axis in (1, 2):
            matrix = np.eye(chain[0].input(0).shape[axis])
            for op in chain:
                matrix = _interpolation(op, op.input(0).shape[axis], op.output.shape[axis]) @ matrix
            phases.append(_phases(matrix))
        down, across = phases
        if down is None or across is None or len(down) != len(across):
            continue
        _replace_by_phases(graph, chain, down, across)
        return 1 + resize_by_phases(graph)
    return 0


def _is_plain_resize(op: Op) -> bool:
    return (
        op.kind == "RESIZE_BILINEAR"
        and op.input(0).dtype == "FLOAT32"
        and op.output.shape[3] == 1
        and _pixels(op.output) > _pixels(op.input(0))
    )


def _replace_by_phases(
    graph: Graph, chain: Sequence[Op], down: NDArray[np.float64], across: NDArray[np.float64]
) -> None:
    source, last, factor = chain[0].input(0), chain[-1], len(down)
    batch, height, width, _ = source.shape
    name = f"{last.name}_phases"
    top = operators.slice_of(source, (0, 0, 0, 0), (batch, 1, width, 1), f"{name}_top")
    end = (0, height - 1, 0, 0)
    bottom = operators.slice_of(source, end, (batch, 1, width, 1), f"{name}_bottom")
    tall = operators.concatenation([top.output, source, bottom.output], 1, f"{name}_tall")
    column = (batch, height + 2, 1, 1)
    left = operators.slice_of(tall.output, (0, 0, 0, 0), column, f"{name}_left")
    right = operators.slice_of(tall.output, (0, 0, width - 1, 0), column, f"{name}_right")
    wide = operators.concatenation([left.output, tall.output, right.output], 2, f"{name}_wide")
    values = np.einsum("ai,bj->abij", down, across).reshape(factor**2, 3, 3, 1)
    mixed = operators.valid_convolution(
        wide.output, values.astype(np.float32), np.zeros(factor**2, np.float32), name
    )
    result = operators.depth_to_space(mixed.output, factor, last.name)
    new = [top, bottom, tall, left, right, wide, mixed, result]
    for op in new[:-2]:
        op.output.limits = source.limits
    for op in new[-2:]:
        op.output.limits = last.output.limits
    graph.insert(last, new)
    graph.replace_tensor(last.output, result.output)
    for op in chain:
        graph.remove(op)
    make_names_unique(graph)


# --- All of them -------------------------------------------------------------

PASSES: tuple[Callable[[Graph], int], ...] = (
    collapse_pointwise,
    pointwise_before_resize,
    merge_siblings,
    split_concatenation,
)
"""The passes between `alpha_only` and `resize_by_phases`, in order."""


def deploy(graph: Graph, alpha_channel: int) -> Mapping[str, int]:
    """Rewrite a float32 graph for inference; its output becomes alpha alone.

    `resize_by_phases` is left to the caller: kernels of 16-bit activations lack its
    operators.

    Returns:
        How often each pass, by its name, found something to do.
    """
    name_layers(graph)
    done = {"alpha_only": alpha_only(graph, alpha_channel)}
    while True:
        found = {rewrite.__name__: rewrite(graph) for rewrite in PASSES}
        for name, count in found.items():
            done[name] = done.get(name, 0) + count
        if not any(found.values()):
            break
    graph.remove_unused()
    make_names_unique(graph)
    return done


def name_layers(graph: Graph) -> None:
    """Call every tensor after its layer, where the converter joins all names it ever had.

    An eighth of a small int8 file is names otherwise.
    """
    names = short_names(tensor.name for op in graph.ops for tensor in op.outputs)
    for op in graph.ops:
        for tensor in op.outputs:
            # The converter calls an output after the function, not after the layer.
            nameless = "PartitionedCall" in tensor.name
            tensor.name = "output" if nameless else names[tensor.name]
    for tensor in graph.constants():
        reader = graph.consumers(tensor)[0]
        place = next(i for i, other in enumerate(reader.inputs) if other is tensor)
        tensor.name = f"{reader.name}/{_ROLES.get(place, 'constant')}"
    make_names_unique(graph)


_ROLES = {1: "weights", 2: "bias"}


def make_names_unique(graph: Graph) -> None:
    """Number the names that occur more than once; the model's own ends keep theirs."""
    results = [tensor for op in graph.ops for tensor in op.outputs]
    taken: set[str] = set()
    seen: set[int] = set()
    for tensor in [*graph.inputs, *graph.outputs, *results, *graph.constants()]:
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        name, number = tensor.name, 1
        while name in taken:
            number += 1
            name = f"{tensor.name}_{number}"
        tensor.name = name
        taken.add(name)
