"""A float32 graph ready to be quantized."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.integers.equalization import equalize
from mmnet_deploy.conversion.integers.ranges import observe, set_limits
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
    graph = Graph.from_bytes(content)
    ranges = observe(content, samples)
    if prepare:
        equalize(graph, ranges)
    set_limits(graph, ranges)
    if input_range is not None:
        graph.inputs[0].limits = input_range
    if prepare and len(graph.outputs) == 1 and graph.outputs[0].shape[-1:] == (1,):
        trim(graph, samples)
    return graph.to_bytes()
