"""What a graph costs on paper: multiply-adds, parameters, memory of its activations.

They are counted from shapes alone, at batch 1; `bench` measures what they cost on a device.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.schema import DamageError

TRANSPOSED_WITH_BIAS = "Convolution2DTransposeBias"
"""MediaPipe's custom operator: picture, filters (out, height, width, in), bias."""


def _count(tensor: Tensor) -> int:
    return math.prod(tensor.shape)


def settle_batches(graph: Graph) -> None:
    """Set unknown batch sizes of tensors to those that they have when the model runs at batch 1.

    The converter writes 1 for all of them, although SPACE_TO_BATCH_ND makes a batch of four
    of one picture: without this, only a quarter of its convolutions would be counted.
    """
    batches: dict[int, int] = {}
    for op in graph.ops:
        batch = max((batches.get(id(tensor), 1) for tensor in op.inputs), default=1)
        if op.kind in ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"):
            block = op.input(1).data
            sizes = [] if block is None else [int(size) for size in block.ravel()]
            if min(sizes, default=1) < 1:
                raise DamageError(f"{op.kind} has blocks of {sizes} pixels")
            pieces = math.prod(sizes)
            batch = batch * pieces if op.kind == "SPACE_TO_BATCH_ND" else max(batch // pieces, 1)
        for tensor in op.outputs:
            if tensor.signature and tensor.signature[0] == -1:
                batches[id(tensor)] = batch
                tensor.shape = (batch, *tensor.shape[1:])


def of_unknown_size(graph: Graph) -> list[Tensor]:
    """Tensors whose sizes are known only when the model runs, so that its costs are not either."""
    ends = [tensor for tensor in (*graph.inputs, *graph.outputs) if tensor.is_dynamic]
    # After an input of unknown size, every size is; otherwise those count that depend on the data.
    fixed = not any(-1 in (tensor.signature or ()) for tensor in graph.inputs)
    inner = [t for op in graph.ops for t in op.outputs if fixed and -1 in (t.signature or ())]
    return ends if ends and not fixed else inner


# --- Multiply-adds -----------------------------------------------------------


def macs(op: Op) -> int:
    """Multiply-adds of one operator; 0 for one that is not a matrix product.

    Padding counts like the picture, as is usual: a 3×3 filter takes nine multiply-adds at
    the border too. Biases and fused activations do not count.
    """
    if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        # Filters are (out, height, width, in / groups), depthwise ones (1, height, width, out).
        inner = op.input(1).shape[1:] if op.kind == "CONV_2D" else op.input(1).shape[1:3]
        return _count(op.output) * math.prod(inner)
    if op.kind in ("TRANSPOSE_CONV", TRANSPOSED_WITH_BIAS):
        # Every pixel of its picture is multiplied with the whole filter of its channel.
        filters, picture = op.input(1), op.input(2 if op.kind == "TRANSPOSE_CONV" else 0)
        return _count(picture) * math.prod(filters.shape[:3])
    if op.kind == "FULLY_CONNECTED":
        return _count(op.output) * math.prod(op.input(1).shape[-1:])
    if op.kind == "BATCH_MATMUL":
        shared = slice(-2, -1) if op.option("adjX", False) else slice(-1, None)
        return _count(op.output) * math.prod(op.input(0).shape[shared])
    return 0


def total_macs(graph: Graph) -> int:
    """Multiply-adds of one inference."""
    return sum(macs(op) for op in graph.ops)


# --- Parameters --------------------------------------------------------------


def stores_weights(op: Op) -> bool:
    """Whether it only unpacks a constant, as float16 and sparse weights need."""
    return op.kind in ("DEQUANTIZE", "DENSIFY") and op.input(0).data is not None


def _is_parameter(tensor: Tensor) -> bool:
    """Whether a constant holds numbers to compute with, and not a size, an axis or an index."""
    real = tensor.dtype.startswith(("FLOAT", "BFLOAT"))
    return tensor.data is not None and (real or tensor.quantization is not None)


def _parameters(op: Op) -> Iterator[Tensor]:
    return (tensor for tensor in op.inputs if tensor is not None and _is_parameter(tensor))


def parameters(op: Op) -> int:
    """Numbers in the constants that an operator computes with, biases included."""
    return sum(_count(tensor) for tensor in _parameters(op))


def total_parameters(graph: Graph) -> int:
    """Numbers in the constants of a graph; a constant that several operators share counts once.

    A folded batch norm leaves nothing behind, so this is less than the number of weights
    of the converted network.
    """
    return sum(_count(tensor) for tensor in graph.constants() if _is_parameter(tensor))


# --- Memory ------------------------------------------------------------------


def activation_bytes(op: Op) -> int:
    """Memory that the results of an operator take."""
    return 0 if stores_weights(op) else sum(tensor.size_bytes for tensor in op.outputs)


@dataclasses.dataclass(frozen=True)
class Peak:
    """The moment that needs the most memory for activations.

    Attributes:
        size_bytes: Memory of all tensors that are alive while `op` runs.
        op: The operator; None for a graph without operators.
    """

    size_bytes: int
    op: Op | None


def peak_memory(graph: Graph) -> Peak:
    """The largest sum of live activations over the order of execution.

    A tensor lives from the operator that computes it, or from the start for the model's
    input, to its last reader, or to the end for the model's output. Nothing is computed in
    place and nothing is padded: a runtime may need less or more.
    """
    last: dict[int, int] = {}
    for number, op in enumerate(graph.ops):
        for tensor in (*op.inputs, *op.outputs):
            if tensor is not None:
                last[id(tensor)] = number
    for tensor in graph.outputs:
        last[id(tensor)] = len(graph.ops)
    alive = {id(tensor): tensor.size_bytes for tensor in graph.inputs}
    peak = Peak(sum(alive.values()), None)
    for number, op in enumerate(graph.ops):
        if not stores_weights(op):
            alive |= {id(tensor): tensor.size_bytes for tensor in op.outputs}
        total = sum(alive.values())
        if total > peak.size_bytes or peak.op is None:
            peak = Peak(total, op)
        alive = {key: size for key, size in alive.items() if last.get(key, -1) > number}
    return peak
