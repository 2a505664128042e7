"""A float32 graph ready to be quantized."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.integers.biases import shifts
from mmnet_deploy.conversion.integers.equalization import equalize
from mmnet_deploy.conversion.integers.judge import Judge, can_judge
from mmnet_deploy.conversion.integers.quantizer import Shifts
from mmnet_deploy.conversion.integers.ranges import Ranges, observe, set_limits
from mmnet_deploy.conversion.integers.trimming import trim
from mmnet_deploy.tflite.graph import Graph


@dataclasses.dataclass(frozen=True, eq=False)
class Calibrated:
    """What `quantize` makes int8 of.

    Attributes:
        content: A float32 file with the `limits` of every tensor.
        shifts: What the biases of operators in int8 get.
    """

    content: bytes
    shifts: Shifts


def calibrated(
    content: bytes,
    samples: Sequence[NDArray[np.float32]],
    *,
    input_range: tuple[float, float] | None = None,
    prepare: bool = True,
) -> Calibrated:
    """A float32 file with the `limits` of every tensor.

    Args:
        content: A float32 `.tflite` file.
        samples: Inputs (1, h, w, 3).
        input_range: Limits of the input; None for those of the samples.
        prepare: Whether weights and limits are changed for the sake of int8: the function stays.

    Raises:
        ModelFileError: The runtime cannot load it.
    """
    ranges = observe(content, samples)
    plain = _limited(content, ranges, input_range)
    if not prepare:
        return Calibrated(plain.to_bytes(), {})
    equal = _limited(content, ranges, input_range, equal=True)
    if not can_judge(plain, samples):
        return Calibrated(equal.to_bytes(), {})
    judge = Judge(content, samples)
    # Units that suit the activations are coarser for some filters.
    forms = [(form, shifts(form, judge)) for form in (equal, plain)]
    graph, moved = min(forms, key=lambda form: judge.difference(*form))
    trim(graph, judge, moved)
    return Calibrated(graph.to_bytes(), moved)


def _limited(
    content: bytes, ranges: Ranges, input_range: tuple[float, float] | None, *, equal: bool = False
) -> Graph:
    """The graph with these limits, and with channels of one range if `equal`."""
    graph, ranges = Graph.from_bytes(content), dict(ranges)
    if equal:
        equalize(graph, ranges)
    set_limits(graph, ranges)
    if input_range is not None:
        graph.inputs[0].limits = input_range
    return graph
