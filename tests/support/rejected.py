"""`.tflite` files that a runtime does not survive or a delegate does not take."""

import dataclasses

from mmnet_deploy.tflite.graph import Graph


def with_scale(content, kind, scale):
    """A quantized file in which the first operator of a kind has an output of another scale."""
    graph = Graph.from_bytes(content)
    output = next(op.output for op in graph.ops if op.kind == kind)
    output.quantization = dataclasses.replace(output.quantization, scales=(scale,))
    return graph.to_bytes()


def crashing(content):
    """An int8 file with an input of uint8, changed so that XNNPACK ends the process.

    The built-in kernels survive it.
    """
    return with_scale(content, "QUANTIZE", 0.0)


def refused(content):
    """An int8 file, changed so that XNNPACK refuses it and the built-in kernels run it."""
    return with_scale(content, "CONV_2D", 1e30)
