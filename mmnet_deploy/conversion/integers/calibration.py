"""A float32 graph ready to be quantized."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.integers.equalization import equalize
from mmnet_deploy.conversion.integers.judge import Judge, can_judge
from mmnet_deploy.conversion.integers.ranges import Ranges, observe, set_limits
from mmnet_deploy.conversion.integers.trimming import trim
from mmnet_deploy.tflite.graph import Graph


def calibrated(
    content: bytes,
    samples: Sequence[NDArray[np.float32]],
    *,
    input_range: tuple[float, float] | None = None,
    prepare: bool = True,
) -> bytes:
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
    graph = _limited(content, ranges, input_range)
    if not prepare:
        return graph.to_bytes()
    equal = _limited(content, ranges, input_range, equal=True)
    if not can_judge(graph, samples):
        return equal.to_bytes()
    judge = Judge(content, samples)
    # Units that suit the activations are coarser for some filters.
    graph = min(equal, graph, key=judge.difference)
    trim(graph, judge)
    return graph.to_bytes()


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
