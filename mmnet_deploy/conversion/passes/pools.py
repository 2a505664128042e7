"""Average pooling over a whole plane."""

from __future__ import annotations

import numpy as np

from mmnet_deploy.conversion.passes.everywhere import everywhere
from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op


@everywhere
def mean_of_planes(graph: Graph) -> bool:
    """Make MEAN of AVERAGE_POOL_2D over the whole plane, as TensorFlow's converter would.

    In int8, the result of a pooling has the scale of its input, and that of MEAN its own: in
    squeeze-and-excitation, the means lie in a small part of the input's range. XNNPACK leaves such
    a pooling out, and sums of half precision overflow in it.
    """
    for op in graph.ops:
        if op.kind != "AVERAGE_POOL_2D" or op.output.shape[1:3] != (1, 1):
            continue
        whole = op.input(0).shape[1:3] == (op.options.filterHeight, op.options.filterWidth)
        if whole and operators.activation(op) == operators.NO_ACTIVATION:
            axes = operators.constant(f"{op.name}/axes", np.array([1, 2], np.int32))
            options, kind = operators.options_object("ReducerOptions", keepDims=True)
            graph.insert(op, [Op("MEAN", [op.input(0), axes], [op.output], options, kind)])
            graph.remove(op)
            return True
    return False
