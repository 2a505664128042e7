"""Ranges as narrow as the matte allows: what is seldom and changes no edge costs steps for all.

The least and the largest value of a tensor are those of few pixels. Cut off, the others have
finer steps. Whether that is a gain, only the matte tells: where a network is sure of itself, its
logits are far beyond what a sigmoid tells apart. So each end of each range is moved inwards in
turn, from the last operator to the first, and stays where the mattes of calibration pictures come
nearer to those of the float network.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from mmnet_deploy.conversion.integers.judge import Judge
from mmnet_deploy.conversion.integers.quantizer import Shifts
from mmnet_deploy.conversion.integers.rules import OWN, RULES, has_rule
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op

PARTS = (0.75, 0.5, 0.33, 0.2)
"""Parts of an end of a range that are tried, until two are no gain."""

GAIN = 0.999
"""A range stays as narrow as it was tried if the difference falls at least to this part."""


LAYERS = 100
"""How many operators are tried, the last ones: a large network takes no longer than that."""


def trim(graph: Graph, judge: Judge, shifts: Shifts = MappingProxyType({})) -> None:
    """Narrow the `limits` of a float32 graph as far as that is a gain, with these biases."""
    best = judge.difference(graph, shifts)
    if judge.is_near(best):
        return
    for op in [op for op in reversed(graph.ops) if _may_be_trimmed(op)][:LAYERS]:
        for end in (1, 0):
            best = _trimmed(op, end, best, lambda: judge.difference(graph, shifts))


def _may_be_trimmed(op: Op) -> bool:
    rule = RULES.get(op.kind)
    own = rule is not None and rule.range == OWN and rule.fixed is None and has_rule(op)
    return own and op.output.limits is not None


def _trimmed(op: Op, end: int, best: float, difference: Callable[[], float]) -> float:
    """Move one end of a range inwards as long as that is a gain; the difference afterwards."""
    limits = op.output.limits or (0.0, 0.0)
    failures = 0
    for part in PARTS:
        if limits[end] == 0 or failures == 2:
            break
        before, moved = op.output.limits, list(limits)
        moved[end] *= part
        op.output.limits = moved[0], moved[1]
        found = difference()
        if found < GAIN * best:
            best = found
        else:
            op.output.limits = before
            failures += 1
    return best
