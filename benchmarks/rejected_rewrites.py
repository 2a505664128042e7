"""Rewrites of the deployment graph that were tried and rejected; see deployment_graph.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.operators import activation, is_convolution, is_pointwise, weights
from mmnet_deploy.tflite.parts import Op, Tensor


def merge_all_siblings(graph: Graph) -> int:
    """The 1×1 convolutions that read one tensor, as one with a split after it."""
    done = 0
    for tensor in [op.output for op in graph.ops]:
        readers = [op for op in graph.readers_of(tensor) if is_pointwise(op)]
        same = [op for op in readers if activation(op) == activation(readers[0])]
        if len(same) < 2 or len({op.output.shape for op in same}) > 1:
            continue
        graph.insert(same[0], operators.stacked(tensor, same, f"{same[0].name}/all"))
        for op in same:
            graph.remove(op)
        done += 1
    return done


def merge_strided_depthwise(graph: Graph) -> int:
    """After `merge_all_siblings`: equal depthwise convolutions of a split's parts, as one."""
    merge_all_siblings(graph)
    done = 0
    for split in [op for op in graph.ops if op.kind == "SPLIT"]:
        readers = [graph.readers_of(tensor) for tensor in split.outputs]
        if any(len(ops) != 1 or ops[0].kind != "DEPTHWISE_CONV_2D" for ops in readers):
            continue
        ops = [reader[0] for reader in readers]
        if len({tuple(sorted(vars(op.options).items())) for op in ops}) > 1:
            continue
        values = np.concatenate([op.input(1).data for op in ops], 3)
        bias = np.concatenate([op.input(2).data for op in ops])
        shape = (*ops[0].output.shape[:3], values.shape[3])
        output = Tensor(f"{ops[0].name}/all", shape)
        merged = operators.reweighted(
            ops[0], split.input(1), values, bias, output, activation(ops[0])
        )
        graph.insert(split, [merged])
        split.inputs, split.outputs = [split.inputs[0], output], [op.output for op in ops]
        for op in ops:
            graph.remove(op)
        done += 1
    return done


def wide_first_convolution(graph: Graph) -> int:
    """Two columns of the picture as one pixel of six channels: a 3×2 kernel, stride (2, 1)."""
    first = graph.ops[0]
    batch, height, width, channels = first.input(0).shape
    if not (is_convolution(first) and first.options.strideW == 2 and channels == 3):
        return 0
    values, bias = weights(first)
    if values.shape[1:3] != (3, 3):
        return 0
    shape = (batch, height, width // 2, 6)
    options, kind = operators.options_object("ReshapeOptions", newShape=list(shape))
    size = operators.constant("columns/shape", np.array(shape, np.int32))
    reshape = Op("RESHAPE", [first.input(0), size], [Tensor("columns", shape)], options, kind)
    wide = np.zeros((len(values), 3, 2, 6), np.float32)
    wide[:, :, 0, :3], wide[:, :, 0, 3:] = values[:, :, 0], values[:, :, 1]
    wide[:, :, 1, :3] = values[:, :, 2]
    moved = operators.reweighted(first, reshape.output, wide, bias, first.output, activation(first))
    moved.options.strideW = 1
    graph.insert(first, [reshape, moved])
    graph.remove(first)
    return 1


def depth_first_order(graph: Graph) -> int:
    """Every operator right before its first reader, which may help the cache."""
    producers, done, order = graph.producers(), set(), []

    def visit(op: Op) -> None:
        if id(op) in done:
            return
        done.add(id(op))
        for tensor in op.inputs:
            if tensor is not None and id(tensor) in producers:
                visit(producers[id(tensor)])
        order.append(op)

    for tensor in graph.outputs:
        visit(producers[id(tensor)])
    graph.ops = order
    return 1


REJECTED: Mapping[str, Callable[[Graph], int]] = {
    "merge all siblings": merge_all_siblings,
    "merge strided depthwise, too": merge_strided_depthwise,
    "two columns in the first convolution": wide_first_convolution,
    "depth-first order": depth_first_order,
}
