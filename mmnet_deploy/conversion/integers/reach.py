"""What XNNPACK can rescale; beyond, it aborts the process."""

from __future__ import annotations

from collections.abc import Sequence

from mmnet_deploy.errors import ConversionError
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Tensor

LARGEST_RESCALING = 256
"""XNNPACK's kernels need input scale · filter scale / output scale to be below this."""

_MULTIPLYING = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "MUL"}
_RESCALING = _MULTIPLYING | {"ADD", "SUB"}


def require_runnable(graph: Graph) -> None:
    """Make sure that XNNPACK can rescale every result.

    Raises:
        ConversionError: A scale is out of its reach.
    """
    for op in graph.ops:
        if op.kind not in _RESCALING:
            continue
        first = 1 if op.kind == "TRANSPOSE_CONV" else 0
        scales = _largest_scales([*op.inputs[first : first + 2], op.output])
        if len(scales) < 3:
            continue
        one, other, result = scales
        factor = (one * other if op.kind in _MULTIPLYING else max(one, other)) / result
        if factor >= LARGEST_RESCALING:
            raise ConversionError(
                f"int8 cannot hold {op.name}: its inputs are {factor:.0f} times as coarse as its "
                f"output, and {LARGEST_RESCALING} is the limit. Leave it and its neighbours in "
                "float (`--max-error-increase`, `--float-layers`)."
            )


def _largest_scales(tensors: Sequence[Tensor | None]) -> list[float]:
    """The largest scale of each quantized tensor."""
    return [max(t.quantization.scales) for t in tensors if t is not None and t.quantization]
