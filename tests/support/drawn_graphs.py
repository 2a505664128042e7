"""Graphs of a few operators, drawn by hand, as `.tflite` files."""

import math

import numpy as np

from mmnet_deploy.tflite import file_format
from mmnet_deploy.tflite.operators import constant, options_object
from mmnet_deploy.tflite.parts import Op, Quantization, Tensor
from mmnet_deploy.tflite.runtime import schema

_OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "ADD": "AddOptions",
    "MUL": "MulOptions",
    "SUB": "SubOptions",
    "DIV": "DivOptions",
    "CONCATENATION": "ConcatenationOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "SOFTMAX": "SoftmaxOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "GELU": "GeluOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "MIRROR_PAD": "MirrorPadOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "PACK": "PackOptions",
    "UNPACK": "UnpackOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
}
"""The format's options of the kinds of operators that have any."""


class Drawing:
    """A graph that grows by one operator after the other.

    Attributes:
        image: Its input.
        ops: So far.
    """

    def __init__(self, shape=(1, 8, 8, 3)):
        self.image = Tensor("image", shape)
        self.ops = []
        self._rng = np.random.default_rng(3)

    def values(self, *shape):
        """A constant of seeded numbers."""
        return constant(f"values_{len(self.ops)}_{math.prod(shape)}", self.normal(*shape))

    def normal(self, *shape):
        """Seeded numbers in float32."""
        return self._rng.normal(0, 0.5, shape).astype(np.float32)

    def add(self, kind, inputs, *shapes, custom=None, version=1, **options):
        """Add an operator; numbers among the inputs become constants. Gives its output, or all."""
        held = [
            constant(f"{kind}_{len(self.ops)}_{place}", np.array(it, np.int32))
            if isinstance(it, (int, list, tuple))
            else it
            for place, it in enumerate(inputs)
        ]
        outputs = [Tensor(f"{kind.lower()}_{len(self.ops)}_{n}", it) for n, it in enumerate(shapes)]
        made, number = options_object(_OPTIONS[kind], **options) if kind in _OPTIONS else (None, 0)
        op = Op(kind, held, outputs, made, number, custom is not None, version)
        if custom is not None:
            op.source = schema().OperatorT()
            op.source.customOptions = np.frombuffer(custom, np.uint8)
        self.ops.append(op)
        return outputs[0] if len(outputs) == 1 else outputs

    def conv(self, source, channels, size=1, **options):
        """A convolution with a bias that keeps height and width."""
        weights = self.values(channels, size, size, source.shape[3]), self.values(channels)
        filled = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1} | options
        return self.add("CONV_2D", [source, *weights], (*source.shape[:3], channels), **filled)

    def quantized(self):
        """A RELU in int8 between conversions; its result is real again."""
        shape = self.image.shape
        x, y = (Tensor(name, shape, "INT8", None, Quantization((0.1,), (0,))) for name in "xy")
        for kind, before, after in (("QUANTIZE", self.image, x), ("RELU", x, y)):
            self.add(kind, [before])
            self.ops[-1].outputs = [after]
        return self.add("DEQUANTIZE", [y], shape)

    def halve(self, op):
        """Store an operator's weights and bias in float16."""
        for place in (1, 2):
            stored = op.inputs[place]
            stored.data, stored.dtype = stored.data.astype(np.float16), "FLOAT16"
            op.inputs[place] = self.add("DEQUANTIZE", [stored], stored.shape)
        # They are computed before they are read.
        self.ops.append(self.ops.pop(self.ops.index(op)))

    def content(self, *outputs, inputs=None):
        """The file."""
        model = schema().ModelT()
        model.version, model.subgraphs = 3, [schema().SubGraphT()]
        return file_format.write(self.ops, inputs or [self.image], list(outputs), model)
