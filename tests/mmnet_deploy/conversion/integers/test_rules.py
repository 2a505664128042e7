"""Every operator with a rule: near to float32 in int8, and float32 where it is named."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mmnet_deploy.conversion import integers
from mmnet_deploy.conversion.integers.ranges import observe, set_limits
from mmnet_deploy.conversion.integers.rules import RULES
from mmnet_deploy.tflite import file_format
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel, built_in_interpreter
from mmnet_deploy.tflite.operators import constant, options_object
from mmnet_deploy.tflite.parts import Op, Tensor

RNG = np.random.default_rng(0)
SIDE = 8
SHAPE = (1, SIDE, SIDE, 4)
IMAGE = Tensor("image", SHAPE)
SAMPLES = [RNG.normal(0, 2, SHAPE).astype(np.float32) for _ in range(4)]
HALF, DOUBLE = (1, SIDE // 2, SIDE // 2, 4), (1, 2 * SIDE, 2 * SIDE, 4)
POOL = {"strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2}
CONV = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}


def _floats(*shape):
    return constant(f"weights_{shape}", RNG.normal(0, 1, shape).astype(np.float32))


def _whole(*numbers):
    return constant(f"numbers_{numbers}", np.array(numbers, np.int32))


def _op(kind, inputs, *shapes, options=None, **values):
    made, number = options_object(options, **values) if options else (None, 0)
    outputs = [Tensor(f"output_{place}", shape) for place, shape in enumerate(shapes or [SHAPE])]
    return Op(kind, inputs, outputs, made, number)


def _simple(kind):
    return _op(kind, [IMAGE])


OTHER = _floats(*SHAPE)
ROWS = (1, SIDE * SIDE * 4)
OPERATORS = [
    _op("CONV_2D", [IMAGE, _floats(6, 3, 3, 4), _floats(6)], (1, SIDE, SIDE, 6),
        options="Conv2DOptions", **CONV),
    _op("DEPTHWISE_CONV_2D", [IMAGE, _floats(1, 3, 3, 4), _floats(4)],
        options="DepthwiseConv2DOptions", depthMultiplier=1, **CONV),
    _op("TRANSPOSE_CONV", [_whole(*DOUBLE), _floats(4, 4, 4, 4), IMAGE], DOUBLE,
        options="TransposeConvOptions", strideW=2, strideH=2),
    _op("FULLY_CONNECTED", [IMAGE, _floats(3, 4), _floats(3)], (SIDE * SIDE, 3),
        options="FullyConnectedOptions"),
    _op("ADD", [IMAGE, OTHER], options="AddOptions"),
    _op("SUB", [IMAGE, OTHER], options="SubOptions"),
    _op("MUL", [IMAGE, OTHER], options="MulOptions"),
    _op("MEAN", [IMAGE, _whole(1, 2)], (1, 1, 1, 4), options="ReducerOptions", keepDims=True),
    _op("SUM", [IMAGE, _whole(1, 2)], (1, 1, 1, 4), options="ReducerOptions", keepDims=True),
    _op("REDUCE_MAX", [IMAGE, _whole(1, 2)], (1, 1, 1, 4), options="ReducerOptions",
        keepDims=True),
    *map(_simple, ["ABS", "ELU", "HARD_SWISH", "LOGISTIC", "TANH", "RELU", "RELU6",
                   "RELU_N1_TO_1", "RELU_0_TO_1"]),
    _op("GELU", [IMAGE], options="GeluOptions"),
    _op("LEAKY_RELU", [IMAGE], options="LeakyReluOptions", alpha=0.2),
    _op("PRELU", [IMAGE, _floats(1, 1, 4)]),
    _op("SOFTMAX", [IMAGE], options="SoftmaxOptions", beta=1.0),
    _op("RESHAPE", [IMAGE, _whole(*ROWS)], ROWS, options="ReshapeOptions", newShape=list(ROWS)),
    _op("SQUEEZE", [IMAGE], SHAPE[1:], options="SqueezeOptions", squeezeDims=[0]),
    _op("EXPAND_DIMS", [IMAGE, _whole(0)], (1, *SHAPE), options="ExpandDimsOptions"),
    _op("RESIZE_BILINEAR", [IMAGE, _whole(2 * SIDE, 2 * SIDE)], DOUBLE,
        options="ResizeBilinearOptions", halfPixelCenters=True),
    _op("RESIZE_NEAREST_NEIGHBOR", [IMAGE, _whole(2 * SIDE, 2 * SIDE)], DOUBLE,
        options="ResizeNearestNeighborOptions"),
    _op("MAX_POOL_2D", [IMAGE], HALF, options="Pool2DOptions", **POOL),
    _op("AVERAGE_POOL_2D", [IMAGE], HALF, options="Pool2DOptions", **POOL),
    _op("SLICE", [IMAGE, _whole(0, 1, 1, 0), _whole(1, 2, 3, 4)], (1, 2, 3, 4),
        options="SliceOptions"),
    _op("STRIDED_SLICE", [IMAGE, _whole(0, 0, 0, 0), _whole(*SHAPE), _whole(1, 2, 2, 1)], HALF,
        options="StridedSliceOptions"),
    _op("SPLIT", [constant("axis", np.array(3, np.int32)), IMAGE], *[(*SHAPE[:3], 2)] * 2,
        options="SplitOptions", numSplits=2),
    _op("SPLIT_V", [IMAGE, _whole(1, 3), constant("axis", np.array(3, np.int32))],
        (*SHAPE[:3], 1), (*SHAPE[:3], 3), options="SplitVOptions", numSplits=2),
    _op("UNPACK", [IMAGE], *[SHAPE[:3]] * 4, options="UnpackOptions", num=4, axis=3),
    _op("TRANSPOSE", [IMAGE, _whole(0, 3, 1, 2)], (1, 4, SIDE, SIDE),
        options="TransposeOptions"),
    _op("PAD", [IMAGE, constant("pads", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))],
        (1, SIDE + 2, SIDE + 2, 4), options="PadOptions"),
    _op("MIRROR_PAD",
        [IMAGE, constant("pads", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))],
        (1, SIDE + 2, SIDE + 2, 4), options="MirrorPadOptions"),
    _op("DEPTH_TO_SPACE", [IMAGE], (1, 2 * SIDE, 2 * SIDE, 1), options="DepthToSpaceOptions",
        blockSize=2),
    _op("SPACE_TO_DEPTH", [IMAGE], (1, SIDE // 2, SIDE // 2, 16),
        options="SpaceToDepthOptions", blockSize=2),
    _op("SPACE_TO_BATCH_ND",
        [IMAGE, _whole(2, 2), constant("pads", np.zeros((2, 2), np.int32))],
        (4, SIDE // 2, SIDE // 2, 4), options="SpaceToBatchNDOptions"),
    _op("CONCATENATION", [IMAGE, OTHER], (*SHAPE[:3], 8), options="ConcatenationOptions", axis=3),
    _op("PACK", [IMAGE, OTHER], (2, *SHAPE), options="PackOptions", valuesCount=2, axis=0),
    _op("MAXIMUM", [IMAGE, OTHER], options="MaximumMinimumOptions"),
    _op("MINIMUM", [IMAGE, OTHER], options="MaximumMinimumOptions"),
]  # fmt: skip
"""One operator of every kind; BATCH_TO_SPACE_ND undoes what a batch of 1 has not."""


def _calibrated(op, samples=SAMPLES):
    content = file_format.alone(op)
    graph = Graph.from_bytes(content)
    set_limits(graph, observe(content, samples))
    return graph, content


def _run(content, sample):
    model = TFLiteModel(Path("alone.tflite"), content=content)
    source, (*_, target) = model.inputs[0], model.outputs
    model.set_inputs([sample.astype("<f4").tobytes()])
    model.invoke()
    (_, raw), *_ = model.raw_outputs()
    return np.frombuffer(raw, "<f4"), target, source


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.kind)
def test_an_operator_in_int8_is_near_to_float32(op):
    """It computes in integers, by XNNPACK or the built-in kernels, within a few steps."""
    graph, content = _calibrated(op)
    made = integers.quantize(graph, io="float32")
    inner = [it for it in made.ops[1:] if it.kind != "DEQUANTIZE"]
    assert inner and {tensor.dtype for it in inner for tensor in it.outputs} == {"INT8"}
    for sample in SAMPLES:
        found, expected = _run(made.to_bytes(), sample)[0], _run(content, sample)[0]
        step = max(np.ptp(np.append(expected, 0)) / 255, 1 / 256)
        assert np.abs(found - expected).max() <= 12 * step
        assert np.abs(found - expected).mean() <= 3 * step


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.kind)
@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_a_named_operator_is_really_in_float32(op, io):
    """With every layer named, the file holds the operators of the float file, and their values."""
    graph, content = _calibrated(op)
    made = integers.quantize(graph, [op.name], io)
    (inner,) = (it for it in made.ops if it.kind not in ("QUANTIZE", "DEQUANTIZE"))
    assert inner.kind == op.kind
    assert {tensor.dtype for tensor in inner.outputs} == {"FLOAT32"}
    for one, other in zip(inner.inputs, Graph.from_bytes(content).ops[0].inputs, strict=True):
        assert one.dtype == other.dtype
        assert other.data is None or np.array_equal(one.data, other.data)
    if io == "float32":
        assert made.ops == [inner]
        assert np.array_equal(_run(made.to_bytes(), SAMPLES[0])[0], _run(content, SAMPLES[0])[0])
    else:
        built_in_interpreter(made.to_bytes()).invoke()


def test_every_kind_with_a_rule_is_tried():
    """So that no rule is wrong unseen."""
    assert RULES.keys() - {op.kind for op in OPERATORS} == {"BATCH_TO_SPACE_ND"}


def test_what_has_no_rule_stays_in_float32():
    """Between a DEQUANTIZE and a QUANTIZE."""
    graph, _ = _calibrated(_op("COS", [IMAGE]))
    kinds = [op.kind for op in integers.quantize(graph).ops]
    assert kinds == ["QUANTIZE", "DEQUANTIZE", "COS", "QUANTIZE", "QUANTIZE"]


@pytest.mark.parametrize("slopes", [(0.25,) * 4, (-0.6, 0.0, 1.0, 3.0), (0.0,) * 4])
@pytest.mark.parametrize("shift", [0, 20, -20])
def test_prelu_is_in_operators_that_delegates_take(slopes, shift):
    """Whatever its slopes, and whether its values are of both signs or of one."""
    values = constant("slopes", np.array(slopes, np.float32).reshape(1, 1, 4))
    samples = [sample + np.float32(shift) for sample in SAMPLES]
    graph, content = _calibrated(_op("PRELU", [IMAGE, values]), samples)
    made = integers.quantize(graph, io="float32")
    assert "PRELU" not in {op.kind for op in made.ops}
    assert len(TFLiteModel(Path("x.tflite"), content=made.to_bytes()).partitions) == 1
    for sample in samples:
        found, expected = _run(made.to_bytes(), sample)[0], _run(content, sample)[0]
        step = np.ptp(np.append(sample, 0)) / 255 * max(1, *np.abs(slopes))
        assert np.abs(found - expected).max() <= 3 * step


def _sigmoids():
    """Outputs of a sigmoid or a softmax as they are, and after what only moves their values."""
    for kind, options, values in (
        ("LOGISTIC", None, {}),
        ("SOFTMAX", "SoftmaxOptions", {"beta": 1.0}),
    ):
        yield kind, [_op(kind, [IMAGE], options=options, **values)]
        first = _op(kind, [IMAGE], options=options, **values)
        first.output.name = "before"
        moved = _op("RESHAPE", [first.output, _whole(*ROWS)], ROWS,
                    options="ReshapeOptions", newShape=list(ROWS))  # fmt: skip
        yield f"{kind}, RESHAPE", [first, moved]


@pytest.mark.parametrize("io", ["uint8", "int8", "float32"])
@pytest.mark.parametrize("ops", [pytest.param(ops, id=name) for name, ops in _sigmoids()])
def test_a_sigmoid_ends_at_1(ops, io):
    """What is certain is exactly 0 or 1, in an output of each type, and all else the nearest."""
    sample = 40 * np.sign(SAMPLES[0]) * (SAMPLES[0] ** 2 > 1)
    content = _content(ops)
    graph = Graph.from_bytes(content)
    set_limits(graph, observe(content, [sample]))
    made = integers.quantize(graph, io=io)
    assert [tensor.name for tensor in made.outputs] == [ops[-1].output.name]
    found, expected = _real_values(made.to_bytes(), sample), _real_values(content, sample)
    assert found == pytest.approx(expected, abs=0.51 / 255)
    assert found[expected < 1e-6].max() == 0
    assert found[expected > 1 - 1e-6] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("kind", ["LOGISTIC", "ABS"])
@pytest.mark.parametrize("io", ["uint8", "int8", "float32"])
def test_an_output_that_a_float_operator_reads_is_itself(kind, io):
    """It has its name and, if it is a sigmoid, ends at 1."""
    first = _op(kind, [IMAGE])
    first.output.name = "alpha"
    graph = Graph.from_bytes(_content([first, _op("COS", [first.output])]))
    graph.outputs.insert(0, graph.ops[0].output)
    content, sample = graph.to_bytes(), np.full(SHAPE, 40, np.float32)
    set_limits(graph, observe(content, [sample]))
    made = integers.quantize(graph, io=io)
    assert [tensor.name for tensor in made.outputs] == ["alpha", "output_0"]
    assert len({id(tensor) for tensor in made.outputs}) == 2
    assert all(tensor.dtype == io.upper() for tensor in made.outputs)
    read = Graph.from_bytes(made.to_bytes())
    read.outputs = read.outputs[:1]
    expected = 1 if kind == "LOGISTIC" else 40
    assert _real_values(read.to_bytes(), sample) == pytest.approx(expected, rel=1e-6)


def _content(ops):
    """A float32 file of operators that read one another."""
    graph = Graph.from_bytes(file_format.alone(ops[0]))
    for op in ops[1:]:
        graph.ops.append(dataclasses.replace(op, inputs=[graph.outputs[0], *op.inputs[1:]]))
        graph.outputs = [op.output]
    return graph.to_bytes()


def _real_values(content, sample):
    """The output in real numbers, whatever types the input and the output are stored in."""
    model = TFLiteModel(Path("alone.tflite"), content=content)
    (source,), (target,) = model.inputs, model.outputs
    kind, (scale, zero) = np.dtype(source["dtype"]), source["quantization"]
    if kind.kind != "f":
        least, most = np.iinfo(kind).min, np.iinfo(kind).max
        sample = np.clip(np.round(sample / scale) + zero, least, most)
    model.set_inputs([sample.astype(kind).tobytes()])
    model.invoke()
    (_, raw), *_ = model.raw_outputs()
    found, (scale, zero) = np.frombuffer(raw, target["dtype"]), target["quantization"]
    return (found.astype(float) - zero) * (scale or 1)
