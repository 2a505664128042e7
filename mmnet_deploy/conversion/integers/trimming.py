"""Ranges as narrow as the matte allows: what is seldom and changes no edge costs steps for all.

The least and the largest value of a tensor are those of few pixels. Cut off, the others have
finer steps. Whether that is a gain, only the matte tells: where a network is sure of itself, its
logits are far beyond what a sigmoid tells apart. So each end of each range is moved inwards in
turn, from the last operator to the first, and stays where the mattes of calibration pictures come
nearer to those of the float network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.integers.quantizer import quantize
from mmnet_deploy.conversion.integers.reach import require_runnable
from mmnet_deploy.conversion.integers.rules import OWN, RULES, has_rule
from mmnet_deploy.errors import ConversionError, ModelFileError
from mmnet_deploy.mattes import metrics
from mmnet_deploy.parallel import usable_cores
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel
from mmnet_deploy.tflite.parts import Op

PICTURES = 16
"""How many calibration pictures judge a range."""

PARTS = (0.75, 0.5, 0.33, 0.2)
"""Parts of an end of a range that are tried, until two are no gain."""

NEGLIGIBLE = 0.02
"""Mattes whose edges differ by this part of their own are near enough: nothing is tried."""

GAIN = 0.999
"""A range stays as narrow as it was tried if the difference falls at least to this part."""


def trim(graph: Graph, samples: Sequence[NDArray[np.float32]]) -> None:
    """Narrow the `limits` of a float32 graph with one output of one channel.

    Args:
        samples: Inputs (1, h, w, 3) that were calibrated with.
    """
    step = max(1, -(-len(samples) // PICTURES))
    pictures = [samples[number] for number in range(0, len(samples), step)]
    expected = _mattes(graph.to_bytes(), pictures)
    if not pictures or min(expected[0].shape) <= 2 * metrics.HALF_WIDTH:
        return
    edges = float(np.mean([metrics.gradient_error(it, np.zeros_like(it)) for it in expected]))

    def difference() -> float:
        made = quantize(graph, io="float32")
        try:
            require_runnable(made)
            found = _mattes(made.to_bytes(), pictures)
        except (ConversionError, ModelFileError):
            return np.inf
        pairs = list(zip(found, expected, strict=True))
        return float(
            np.mean([metrics.gradient_error(*pair) for pair in pairs])
            + np.mean([metrics.mse(*pair) for pair in pairs])
        )

    best = difference()
    if not best > NEGLIGIBLE * edges:
        return
    for op in reversed(graph.ops):
        if _may_be_trimmed(op):
            for end in (1, 0):
                best = _trimmed(op, end, best, difference)


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


def _mattes(content: bytes, samples: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    model = TFLiteModel(Path("trial.tflite"), usable_cores(), content)
    return [np.asarray(model.run(sample))[0, ..., 0] for sample in samples]
