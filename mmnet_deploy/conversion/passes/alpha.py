"""Alpha as the only output."""

from __future__ import annotations

import numpy as np

from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.graph import Graph


def alpha_only(graph: Graph, alpha_channel: int) -> int:
    """Compute alpha alone; the softmax of two classes becomes the sigmoid of a difference.

    exp(a) / (exp(a) + exp(b)) = 1 / (1 + exp(b − a)). The difference of two logits is a
    1×1 convolution with the weights 1 and −1, which later passes merge with the layers
    before it. From any other output the channel is cut out.

    Returns:
        1 if the output had other channels, else 0.
    """
    output = graph.outputs[0]
    if len(graph.outputs) != 1 or len(output.shape) != 4 or output.shape[3] == 1:
        return 0
    last = graph.producers().get(id(output))
    if last is None:
        return 0
    if last.kind == "SOFTMAX" and output.shape[3] == 2 and not graph.readers_of(output):
        sign = np.array([-1, 1] if alpha_channel == 1 else [1, -1], np.float32)
        values = (last.options.beta * sign).reshape(1, 1, 1, 2).astype(np.float32)
        difference = operators.pointwise(
            last.input(0), values, np.zeros(1, np.float32), "alpha_logit"
        )
        alpha = operators.logistic(difference.output, "alpha")
        graph.insert(last, [difference, alpha])
        graph.remove(last)
    else:
        begin, size = [0, 0, 0, alpha_channel], [*output.shape[:3], 1]
        alpha = operators.slice_of(output, begin, size, "alpha")
        graph.ops.append(alpha)
    graph.outputs = [alpha.output]
    return 1
