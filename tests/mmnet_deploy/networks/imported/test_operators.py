"""Each operator as layers: they compute what the runtime does."""

import struct

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.networks.imported import building, source
from mmnet_deploy.networks.imported.ending import Ending
from mmnet_deploy.portraits.output import Layout
from mmnet_deploy.tflite.operators import constant
from tests.support.drawn_graphs import Drawing

SAME, VALID = 0, 1
ONE = {"strideW": 1, "strideH": 1}
FLAT = {**ONE, "dilationWFactor": 1, "dilationHFactor": 1}
RELU, RELU_N1_TO_1, RELU6, TANH = 1, 2, 3, 4


def computed_by_both(path, drawing, output):
    """What the runtime and the layers compute on a random picture, as flat arrays."""
    path.write_bytes(drawing.content(output))
    picture = np.random.default_rng(1).random(drawing.image.shape, np.float32)
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).ravel()
    read = source.read(path)
    # All values as one column of logits.
    ending = Ending(read.graph.outputs[0], Layout(expected.size, 1, 1), 0, softmax=False)
    network = building.training_form(read, ending)
    return np.asarray(network(picture)["logits"]).ravel(), expected


CASES = {}


def case(draw):
    """Register a graph: a function that adds operators to a drawing and gives the output."""
    CASES[draw.__name__] = draw
    return draw


def drawn(kind, *inputs, shape, **options):
    """Register a graph of one operator on the picture, after a convolution to four channels."""
    label = "-".join([kind.lower(), *(f"{value}" for value in options.values())])
    assert label not in CASES

    def draw(g):
        return g.add(kind, [g.conv(g.image, 4), *inputs], shape, **options)

    CASES[label] = draw


# --- With weights ------------------------------------------------------------


@case
def strided_convolution(g):
    weights = g.values(5, 3, 2, 3), g.values(5)
    options = {**FLAT, "strideH": 2, "padding": VALID, "fusedActivationFunction": RELU6}
    return g.add("CONV_2D", [g.image, *weights], (1, 3, 7, 5), **options)


@case
def dilated_convolution(g):
    return g.conv(g.image, 4, 3, dilationWFactor=2, dilationHFactor=3)


@case
def grouped_convolution(g):
    x = g.conv(g.image, 4)
    return g.add("CONV_2D", [x, g.values(6, 3, 3, 2), g.values(6)], (1, 8, 8, 6), **FLAT)


@case
def depthwise_convolution(g):
    options = {**FLAT, "strideW": 2, "strideH": 2, "fusedActivationFunction": RELU}
    weights = g.values(1, 5, 3, 6), g.values(6)
    return g.add(
        "DEPTHWISE_CONV_2D", [g.image, *weights], (1, 4, 4, 6), depthMultiplier=2, **options
    )


@case
def depthwise_convolution_with_two_strides(g):
    weights = g.values(1, 3, 3, 6), g.values(6)
    options = {**FLAT, "strideW": 2, "depthMultiplier": 2}
    return g.add("DEPTHWISE_CONV_2D", [g.image, *weights], (1, 8, 4, 6), **options)


def transposed(name, size, shape, padding, strides, biased=True):
    """Register a transposed convolution of a small plane of two channels."""

    def draw(g):
        weights = g.values(2, 4, 3, 3), g.values(2)
        x = g.add("CONV_2D", [g.image, *weights], (1, 5, 6, 2), padding=VALID, **FLAT)
        bias = [g.values(shape[3])] if biased else []
        options = {"strideH": strides[0], "strideW": strides[1], "padding": padding}
        weights = g.values(shape[3], *size, 2)
        version = 3 if biased else 1
        return g.add(
            "TRANSPOSE_CONV", [list(shape), weights, x, *bias], shape, version=version, **options
        )

    CASES[f"transposed_convolution-{name}"] = draw


transposed("same", (3, 3), (1, 10, 12, 3), SAME, (2, 2))
transposed("without_bias", (2, 2), (1, 10, 12, 3), SAME, (2, 2), biased=False)
transposed("one_less", (3, 4), (1, 9, 11, 3), SAME, (2, 2))
transposed("valid", (3, 2), (1, 11, 12, 3), VALID, (2, 2))
transposed("two_strides", (4, 3), (1, 15, 12, 1), SAME, (3, 2))


@case
def transposed_convolution_of_mediapipe(g):
    x = g.conv(g.image, 4)
    weights = g.values(2, 2, 2, 4), g.values(2)
    custom = struct.pack("<3i", 1, 2, 2)
    return g.add("Convolution2DTransposeBias", [x, *weights], (1, 16, 16, 2), custom=custom)


@case
def fully_connected_on_the_last_axis(g):
    x = g.add("MEAN", [g.conv(g.image, 4), [1, 2]], (1, 1, 1, 4), keepDims=True)
    weights = g.values(5, 4), g.values(5)
    options = {"keepNumDims": True, "fusedActivationFunction": RELU}
    return g.add("FULLY_CONNECTED", [x, *weights], (1, 1, 1, 5), version=2, **options)


@case
def fully_connected_on_all_values(g):
    return g.add("FULLY_CONNECTED", [g.image, g.values(5, 192), None], (1, 5))


@case
def prelu_of_channels(g):
    return g.add("PRELU", [g.conv(g.image, 4), g.values(1, 1, 4)], (1, 8, 8, 4))


@case
def prelu_of_places(g):
    return g.add("PRELU", [g.conv(g.image, 4), g.values(8, 8, 4)], (1, 8, 8, 4))


# --- Of each value -----------------------------------------------------------

for kind in ("RELU", "RELU6", "RELU_N1_TO_1", "HARD_SWISH", "LOGISTIC", "TANH", "ELU", "EXP"):
    drawn(kind, shape=(1, 8, 8, 4))
for kind in ("ABS", "NEG"):
    drawn(kind, shape=(1, 8, 8, 4))
drawn("LEAKY_RELU", shape=(1, 8, 8, 4), alpha=0.3)
drawn("SOFTMAX", shape=(1, 8, 8, 4), beta=0.7)


@case
def gelu(g):
    return g.add("GELU", [g.conv(g.image, 4)], (1, 8, 8, 4), approximate=True)


@case
def sum_and_difference(g):
    one, other = g.conv(g.image, 4), g.conv(g.image, 4)
    added = g.add("ADD", [one, other], (1, 8, 8, 4), fusedActivationFunction=RELU_N1_TO_1)
    return g.add("SUB", [added, one], (1, 8, 8, 4), fusedActivationFunction=RELU)


@case
def product_with_one_value_per_channel(g):
    x = g.conv(g.image, 4)
    mean = g.add("MEAN", [x, [1, 2]], (1, 4), keepDims=False)
    return g.add("MUL", [x, mean], (1, 8, 8, 4))


@case
def constants_of_all_shapes(g):
    x = g.add("MUL", [g.values(4), g.conv(g.image, 4)], (1, 8, 8, 4))
    x = g.add("ADD", [x, g.values(8, 1)], (1, 8, 8, 4))
    x = g.add("SUB", [constant("half", np.float32(0.5)), x], (1, 8, 8, 4))
    x = g.add("MAXIMUM", [x, constant("low", np.float32([-0.2]))], (1, 8, 8, 4))
    return g.add("DIV", [x, constant("by", np.float32([1, 2, 3, 4]))], (1, 8, 8, 4))


@case
def a_constant_added_to_a_convolution(g):
    x = g.conv(g.image, 4)
    return g.add("ADD", [g.values(4), x], (1, 8, 8, 4), fusedActivationFunction=RELU)


@case
def half_precision_constants(g):
    x = g.conv(g.image, 4)
    g.halve(g.ops[-1])
    return x


# --- Of the plane ------------------------------------------------------------

for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
    window = {"filterHeight": 3, "filterWidth": 2, "strideH": 2, "strideW": 2}
    drawn(kind, shape=(1, 4, 4, 4), padding=SAME, **window)
drawn("AVERAGE_POOL_2D", shape=(1, 1, 1, 4), padding=VALID, filterHeight=8, filterWidth=8, **ONE)
drawn("MEAN", [1, 2], shape=(1, 1, 1, 4), keepDims=True)
drawn("MEAN", [-1], shape=(1, 8, 8), keepDims=False)
drawn("SUM", [1], shape=(1, 1, 8, 4), keepDims=True)
drawn("REDUCE_MAX", [3], shape=(1, 8, 8, 1), keepDims=True)
drawn("PAD", [[0, 0], [1, 2], [0, 3], [0, 0]], shape=(1, 11, 11, 4))
drawn("MIRROR_PAD", [[0, 0], [1, 2], [3, 0], [0, 0]], shape=(1, 11, 11, 4), mode=0)
drawn("MIRROR_PAD", [[0, 0], [1, 2], [3, 0], [0, 0]], shape=(1, 11, 11, 4), mode=1)


@case
def pad_of_channels_with_a_value(g):
    filled = constant("filled", np.float32(0.3))
    x = g.conv(g.image, 4)
    return g.add("PADV2", [x, [[0, 0], [1, 0], [0, 0], [2, 1]], filled], (1, 9, 8, 7))


for aligned, half in ((False, True), (True, False), (False, False)):
    for size in ((16, 24), (13, 5), (8, 9)):
        for kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):

            def draw(g, kind=kind, size=size, aligned=aligned, half=half):
                flags = {"alignCorners": aligned, "halfPixelCenters": half}
                x = g.conv(g.image, 4)
                return g.add(kind, [x, list(size)], (1, *size, 4), version=3, **flags)

            CASES[f"{kind.lower()}-{size}-{aligned}-{half}"] = draw


# --- Only moved --------------------------------------------------------------

drawn("RESHAPE", [1, 32, 8], shape=(1, 32, 8))
drawn("EXPAND_DIMS", 1, shape=(1, 1, 8, 8, 4))
drawn("TRANSPOSE", [0, 3, 1, 2], shape=(1, 4, 8, 8))
drawn("SLICE", [0, 1, 2, 0], [1, 6, -1, 3], shape=(1, 6, 6, 3))
drawn(
    "STRIDED_SLICE",
    [0, 6, 1, 2],
    [1, 0, 8, 3],
    [1, -2, 3, 1],
    shape=(1, 3, 3),
    shrinkAxisMask=8,
)
drawn("STRIDED_SLICE", [0, 0, 2, 0], [0, 0, 0, 0], [1, 1, 2, 1], shape=(1, 8, 3, 4), endMask=15)
drawn("DEPTH_TO_SPACE", shape=(1, 16, 16, 1), blockSize=2)
drawn("SPACE_TO_DEPTH", shape=(1, 4, 4, 16), blockSize=2)


@case
def parts_joined_again(g):
    one, two = g.add("SPLIT", [3, g.conv(g.image, 4)], *[(1, 8, 8, 2)] * 2, numSplits=2)
    three, four = g.add("SPLIT_V", [two, [3, 5], 2], (1, 8, 3, 2), (1, 8, 5, 2), numSplits=2)
    five, six = g.add(
        "UNPACK",
        [
            four,
        ],
        *[(1, 8, 5)] * 2,
        num=2,
        axis=3,
    )
    again = g.add("PACK", [six, five], (1, 8, 5, 2), valuesCount=2, axis=3)
    joined = g.add("CONCATENATION", [again, three, one], (1, 8, 16, 2), axis=-2)
    return g.add("SQUEEZE", [joined], (1, 8, 16, 2))


@pytest.mark.parametrize("name", CASES)
def test_layers_compute_what_the_runtime_does(tmp_path, name):
    """The layers made of an operator give its output, within rounding."""
    drawing = Drawing()
    ours, expected = computed_by_both(tmp_path / "a.tflite", drawing, CASES[name](drawing))
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-5)
    assert np.ptp(expected) > 0.01


def _batch(g):
    return g.add("RESHAPE", [g.image, [64, 3]], (64, 3))


def _no_options(g):
    x = g.conv(g.image, 4)
    weights = g.values(2, 2, 2, 4), g.values(2)
    return g.add("Convolution2DTransposeBias", [x, *weights], (1, 16, 16, 2), custom=b"")


def _computed_filter(g):
    return g.add("CONV_2D", [g.image, g.conv(g.image, 3)], (1, 8, 8, 1), **FLAT)


def _another_shape(g):
    return g.add("MAX_POOL_2D", [g.image], (1, 5, 5, 3), filterHeight=2, filterWidth=2, **ONE)


def _left_out_activation(g):
    return g.conv(g.image, 4, fusedActivationFunction=TANH)


def _stride_and_dilation(g):
    options = {**FLAT, "strideH": 2, "strideW": 2, "dilationHFactor": 2}
    return g.add("CONV_2D", [g.image, g.values(1, 3, 3, 3)], (1, 4, 4, 1), **options)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (_batch, ("RESHAPE", "batch")),
        (_no_options, ("Convolution2DTransposeBias", "options")),
        (_computed_filter, ("CONV_2D", "constant")),
        (_another_shape, ("MAX_POOL_2D", "(5, 5, 3)")),
        (_left_out_activation, ("CONV_2D", "TANH")),
        (lambda g: g.conv(g.image, 4, 3, dilationWFactor=-1), ("CONV_2D", "dilation (1, -1)")),
        (_stride_and_dilation, ("CONV_2D", "dilation")),
    ],
)
def test_what_cannot_become_a_layer_is_named(tmp_path, draw, words):
    """The message has the file, the operator and the reason, in one line."""
    drawing = Drawing()
    path = tmp_path / "a.tflite"
    path.write_bytes(drawing.content(draw(drawing)))
    read = source.read(path)
    ending = Ending(read.graph.outputs[0], Layout(1, 1, 1), 0, softmax=False)
    with pytest.raises(ModelFileError) as caught:
        building.training_form(read, ending)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(path), "cannot be imported", *words):
        assert word in message, message
