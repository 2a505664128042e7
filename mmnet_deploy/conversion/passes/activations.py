"""Activations as part of the operator before them."""

from __future__ import annotations

import copy

from mmnet_deploy.conversion.passes.everywhere import everywhere
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.operators import NO_ACTIVATION
from mmnet_deploy.tflite.runtime import schema

_FUSED = {"RELU": "RELU", "RELU6": "RELU6", "RELU_N1_TO_1": "RELU_N1_TO_1"}
"""Operators that others can do at their end, and what the format calls them there."""

_FUSING = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL"}


@everywhere
def fuse_activations(graph: Graph) -> bool:
    """Let an operator cut its result off itself where its only reader is a RELU.

    A result in 8 bits then has steps for what is left alone. TensorFlow's converter does so
    itself; files from elsewhere may not.
    """
    producers = graph.producers()
    for op in graph.ops:
        before = producers.get(id(op.input(0))) if op.kind in _FUSED else None
        if before is None or before.kind not in _FUSING or graph.is_output(before.output):
            continue
        if len(graph.readers_of(before.output)) > 1 or before.options is None:
            continue
        if before.options.fusedActivationFunction != NO_ACTIVATION:
            continue
        before.options = copy.copy(before.options)
        kind = getattr(schema().ActivationFunctionType, _FUSED[op.kind])
        before.options.fusedActivationFunction = kind
        before.outputs = [op.output]
        graph.remove(op)
        return True
    return False
