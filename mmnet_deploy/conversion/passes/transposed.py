"""Transposed convolutions whose squares do not overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.passes.everywhere import everywhere
from mmnet_deploy.conversion.passes.naming import make_names_unique
from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op
from mmnet_deploy.tflite.runtime import schema


@everywhere
def transposed_by_phases(graph: Graph) -> bool:
    """Make a 1×1 convolution and DEPTH_TO_SPACE of TRANSPOSE_CONV with a kernel as its stride.

    Each pixel then becomes a square of its own, whose pixels are the products of one vector with
    the kernel's parts: one 1×1 convolution with stride² times the outputs. XNNPACK computes the
    parts one by one, each with a whole vector register for the few channels of a matte. A RELU
    that alone reads the squares becomes part of the convolution.
    """
    for op in graph.ops:
        found = _weights(op) if op.kind == "TRANSPOSE_CONV" else None
        if found is None or not _has_squares_apart(op):
            continue
        (values, bias), factor, source = found, op.options.strideH, op.input(2)
        parts = values.transpose(1, 2, 0, 3).reshape(-1, 1, 1, source.shape[3])
        fused = op.option("fusedActivationFunction", operators.NO_ACTIVATION)
        last = _cut_off_by(graph, op) if fused == operators.NO_ACTIVATION else None
        if last is not None:
            fused = getattr(schema().ActivationFunctionType, last.kind)
        end = last or op
        mixed = operators.pointwise(
            source, parts, np.tile(bias, factor**2), f"{op.name}_phases", fused
        )
        result = operators.depth_to_space(mixed.output, factor, end.name)
        mixed.output.limits = result.output.limits = end.output.limits
        graph.insert(op, [mixed, result])
        graph.replace_tensor(end.output, result.output)
        graph.remove(end)
        graph.remove(op)
        make_names_unique(graph)
        return True
    return False


def _cut_off_by(graph: Graph, op: Op) -> Op | None:
    """The RELU that alone reads an operator's result; None if there is none."""
    readers = graph.readers_of(op.output)
    alone = len(readers) == 1 and not graph.is_output(op.output)
    return readers[0] if alone and readers[0].kind in ("RELU", "RELU6") else None


def _weights(op: Op) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Filter (outputs, h, w, inputs) and bias; None unless they are constants of float32."""
    filters, given = op.input(1), op.inputs[3] if len(op.inputs) > 3 else None
    values = filters.data
    if values is None or not filters.dtype == op.input(2).dtype == "FLOAT32":
        return None
    bias = np.zeros(len(values), np.float32) if given is None else given.data
    return None if bias is None else (values, bias)


def _has_squares_apart(op: Op) -> bool:
    """Whether each pixel gives a square that no other gives a part of, and all are wanted."""
    factor, (batch, height, width, _) = op.options.strideH, op.input(2).shape
    outputs, *kernel, _ = op.input(1).shape
    return (
        factor > 1
        and kernel == [factor, factor]
        and op.options.strideW == factor
        and op.output.shape == (batch, height * factor, width * factor, outputs)
    )
