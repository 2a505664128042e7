"""Enlarging a single channel with a convolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.passes.everywhere import everywhere
from mmnet_deploy.conversion.passes.naming import make_names_unique
from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.operators import enlarges_alone, pixels
from mmnet_deploy.tflite.parts import Op


def _interpolation(op: Op, source: int, target: int) -> NDArray[np.float64]:
    """The matrix (target, source) of a bilinear resize from `source` to `target` pixels."""
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

    None if the weights, with the border repeated outside, are not the same for every pixel.
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


@everywhere
def resize_by_phases(graph: Graph) -> bool:
    """Enlarge one channel by whole factors: a 3×3 convolution and DEPTH_TO_SPACE.

    A bilinear resize makes factor² pixels of each one, its phases. Each phase is a fixed
    mixture of the pixel and its neighbours, so all phases are one convolution with factor²
    outputs. Resizes in a row multiply into one. Outside the picture the border is repeated,
    as a resize does. XNNPACK's resize works through channels and is slow with only one.
    """
    producers = graph.producers()
    for last in graph.ops:
        if not _is_plain_resize(last) or any(
            _is_plain_resize(reader) for reader in graph.readers_of(last.output)
        ):
            continue
        chain = [last]
        while (before := producers.get(id(chain[0].input(0)))) is not None:
            if not (_is_plain_resize(before) and enlarges_alone(graph, before)):
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
        return True
    return False


def _is_plain_resize(op: Op) -> bool:
    return (
        op.kind == "RESIZE_BILINEAR"
        and op.input(0).dtype == "FLOAT32"
        and op.output.shape[3] == 1
        and pixels(op.output) > pixels(op.input(0))
    )


def _replace_by_phases(
    graph: Graph, chain: Sequence[Op], down: NDArray[np.float64], across: NDArray[np.float64]
) -> None:
    """Put the convolution in place of resizes in a row; `down`, `across`: see `_phases`."""
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
