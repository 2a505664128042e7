"""Biases that undo what rounding does to the means of channels.

Rounded filters move the mean of a channel, and layers add such moves up. The idea is the bias
correction of Nagel et al., Data-Free Quantization, ICCV 2019, here with the means of calibration
pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.integers.judge import Judge
from mmnet_deploy.conversion.integers.parameters import HARD_SWISH_UNIT, Plan, ends
from mmnet_deploy.conversion.integers.quantizer import Shifts, quantize
from mmnet_deploy.conversion.integers.ranges import THREADS
from mmnet_deploy.conversion.integers.rules import OUTPUT_AXIS, bias_of
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel
from mmnet_deploy.tflite.parts import Op

GAIN = 0.9
"""Biases change if the difference falls at least to this part: less is chance."""


def shifts(graph: Graph, judge: Judge) -> Shifts:
    """What to add to biases, operator by operator, so that means are those of float32.

    Nothing is added where the mattes of calibration pictures do not come nearer to those of
    float32 by it.

    Args:
        graph: A float32 graph with `limits`, read of a file.
    """
    before = judge.difference(graph)
    if judge.is_near(before) or not np.isfinite(before):
        return {}
    pictures = judge.pictures[::2]
    found: dict[str, NDArray[np.float64]] = {}
    plan = Plan(graph)
    for op in graph.ops:
        if plan.is_whole(op) and _has_bias(op):
            made = Graph.from_bytes(quantize(graph, io="float32", shifts=found).to_bytes())
            tensor = next(it for other in made.ops for it in other.outputs if it.name == op.name)
            unit = HARD_SWISH_UNIT if id(op) in plan.scaled else 1.0
            low, high = (unit * end for end in ends(plan.parameters(op.output)))
            real = _mean(graph.cut([op.output]), pictures, low, high)
            whole = _mean(made.cut([tensor]), pictures, -np.inf, np.inf)
            found[op.name] = real - unit * whole
    return found if judge.difference(graph, found) < GAIN * before else {}


def _has_bias(op: Op) -> bool:
    return op.kind in OUTPUT_AXIS and bias_of(op)[1] is not None


def _mean(
    content: bytes, pictures: Sequence[NDArray[np.float32]], low: float, high: float
) -> NDArray[np.float64]:
    """The mean of each channel of a file's only output, cut off at two numbers."""
    model = TFLiteModel(Path("trial.tflite"), THREADS, content)
    results = [model.run(picture).clip(low, high) for picture in pictures]
    return np.mean([_by_channel(result) for result in results], axis=0)


def _by_channel(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return values.reshape(-1, values.shape[-1]).mean(axis=0, dtype=np.float64)
