"""Where the logits of a graph are: a training needs them, and a file may give only the matte."""

from __future__ import annotations

import dataclasses

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.portraits.output import ALPHA, CLIPPED, LOGIT, SOFTMAX, Layout, Output, layout_of
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor

_MOVES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
"""Operators that only change the shape of a matte."""

_ENDS = ("LOGISTIC", "SOFTMAX")
"""Operators that make a matte of logits."""


@dataclasses.dataclass(frozen=True)
class Ending:
    """The last part of a network.

    Attributes:
        logits: The tensor that holds them.
        layout: Where its pixels are.
        channel: Which of its channels is the foreground's.
        softmax: Whether alpha is the softmax of its channels; else the sigmoid of that one.
        beta: What the logits are multiplied with before.
    """

    logits: Tensor
    layout: Layout
    channel: int
    softmax: bool
    beta: float = 1.0


def find(name: str, graph: Graph, output: Output, input_size: tuple[int, int]) -> Ending:
    """The logits that a graph's matte is made of.

    Args:
        name: The file, for messages.
        output: How the graph's output becomes a matte.

    Raises:
        ModelFileError: There are none, or the matte has another size than the picture.
        UsageError: The output is said to be logits, and is not.
    """
    layout = output.layout
    if (layout.height, layout.width) != input_size:
        raise ModelFileError(
            f"{name} must give a matte of the size of its input, {input_size[0]}×{input_size[1]}, "
            f"to be trained. Received: {layout.height}×{layout.width}."
        )
    last, chosen = last_operator(graph)
    if output.kind in (LOGIT, SOFTMAX):
        if last is not None and last.kind in _ENDS:
            raise UsageError(
                f"{name} gives alpha already, by {last.kind} ({last.name}): leave out "
                f"`--output {output.kind}`."
            )
        softmax = output.kind == SOFTMAX
        return _checked(name, Ending(graph.outputs[0], layout, output.channel, softmax))
    if output.kind not in (ALPHA, CLIPPED) or last is None or last.kind not in _ENDS:
        end = "nothing" if last is None else f"{last.kind} ({last.name})"
        raise ModelFileError(
            f"{name} must end in LOGISTIC, SOFTMAX or logits to be trained: `--output logit` says "
            "that its output is a logit, `--output softmax` that it is logits of classes. "
            f"Received: {end}."
        )
    found = layout_of(last.input(0).shape, input_size, (layout.height, layout.width))
    if found is None:
        raise ModelFileError(
            f"{name} cannot be imported: {last.kind} ({last.name}) is no picture. "
            f"Received: {last.input(0).shape}."
        )
    channel = output.channel if chosen is None else chosen
    softmax, beta = last.kind == "SOFTMAX", float(last.option("beta", 1.0))
    return _checked(name, Ending(last.input(0), found, channel, softmax, beta if softmax else 1.0))


def _checked(name: str, ending: Ending) -> Ending:
    layout = ending.layout
    if not 0 <= ending.channel < layout.channels:
        raise ModelFileError(
            f"{name} must have the channel of alpha among its {layout.channels}. "
            f"Received: {ending.channel}."
        )
    if ending.softmax and (layout.channels < 2 or layout.channels_first):
        raise ModelFileError(
            f"{name} must have a SOFTMAX over at least two channels of each pixel to be trained. "
            f"Received: {ending.logits.shape}."
        )
    return ending


def last_operator(graph: Graph) -> tuple[Op | None, int | None]:
    """The operator that makes the matte, and which of its channels the output is, if one."""
    producers = graph.producers()
    tensor, chosen = graph.outputs[0], None
    for _ in graph.ops:
        op = producers.get(id(tensor))
        if op is None:
            return None, chosen
        if op.kind in ("SLICE", "STRIDED_SLICE") and chosen is None:
            chosen = _one_channel(op)
            if chosen is None:
                return op, None
        elif op.kind not in _MOVES:
            return op, chosen
        tensor = op.input(0)
    return None, chosen


def _one_channel(op: Op) -> int | None:
    """The channel that a slice takes; None if it takes anything else."""
    source, begin = op.input(0), op.input(1).data
    if begin is None or len(begin) != len(source.shape):
        return None
    kept = op.output.shape
    dropped = op.kind == "STRIDED_SLICE" and op.option("shrinkAxisMask", 0)
    if dropped not in (0, False, 1 << (len(source.shape) - 1)):
        return None
    rest = kept if dropped else kept[:-1]
    if rest != source.shape[:-1] or (not dropped and kept[-1] != 1):
        return None
    if op.kind == "STRIDED_SLICE" and op.option("beginMask", 0) >> (len(source.shape) - 1) & 1:
        return 0
    return int(begin[-1]) % source.shape[-1]
