"""The range of every channel of every tensor, seen in calibration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import built_in_interpreter

Ranges = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Least and largest value of each channel, the last axis, by the tensor's name."""

THREADS = 1
"""Of every trial: sums by several differ in their last digits, and choices hang on these, so that
the same network and pictures would give other files on a computer with other cores."""


def observe(content: bytes, samples: Iterable[NDArray[np.float32]]) -> Ranges:
    """The ranges over all samples, of the input and of all that operators compute.

    Args:
        content: A float32 `.tflite` file whose tensors have names of their own.
        samples: Inputs (1, h, w, 3).

    Raises:
        ModelFileError: The runtime cannot load it.
    """
    graph = Graph.from_bytes(content)
    interpreter = built_in_interpreter(content, THREADS, keeps_tensors=True)
    computed = [tensor for op in graph.ops for tensor in op.outputs]
    watched = [tensor for tensor in (*graph.inputs, *computed) if tensor.dtype == "FLOAT32"]
    found: Ranges = {}
    for sample in samples:
        interpreter.set_tensor(graph.index(graph.inputs[0]), sample)
        interpreter.invoke()
        for tensor in watched:
            values = np.atleast_1d(interpreter.get_tensor(graph.index(tensor)))
            if not values.size:
                continue
            rows = values.reshape(-1, values.shape[-1])
            low, high = rows.min(axis=0), rows.max(axis=0)
            if tensor.name in found:
                before = found[tensor.name]
                low, high = np.minimum(low, before[0]), np.maximum(high, before[1])
            found[tensor.name] = low, high
    return found


def set_limits(graph: Graph, ranges: Mapping[str, tuple[NDArray, NDArray]]) -> None:
    """Give every tensor with a range its limits."""
    computed = [tensor for op in graph.ops for tensor in op.outputs]
    for tensor in (*graph.inputs, *computed):
        if tensor.name in ranges:
            low, high = ranges[tensor.name]
            tensor.limits = float(low.min()), float(high.max())
