"""Whole files as networks: they equal the file, or one line says why there is none."""

import keras
import numpy as np
import pytest

import models
from mmnet_deploy.errors import MmnetDeployError, UsageError
from mmnet_deploy.networks import keras_file
from mmnet_deploy.networks.imported import network, source
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.portraits.synthetic.scene import portrait
from mmnet_deploy.tflite.interpreter import TFLiteModel
from mmnet_deploy.tflite.parts import Quantization, Tensor
from mmnet_deploy.tflite.runtime import schema
from tests.support.drawn_graphs import Drawing

SHAPE = (1, 16, 24, 3)
PLANE = (1, 16, 24)


def file_of(path, draw, shape=SHAPE):
    """A file whose graph `draw` makes."""
    drawing = Drawing(shape)
    path.write_bytes(drawing.content(draw(drawing)))
    return path


def imported(path, meaning=None):
    """The inference form of an imported file, stored and loaded again as a run does."""
    found = network.load(path, meaning)
    assert found.largest_difference < 1e-5
    assert set(found.network.output) == {"logits"}
    stored = path.with_suffix(".keras")
    models.inference_network(found.network).save(stored)
    return keras_file.load(stored).model


def check_same(path, meaning=None):
    """The network, stored and loaded safely, gives the file's matte in its last channel."""
    image, _ = portrait(5, 0, 64)
    model = TFLiteModel(path)
    model.require_matting(meaning)
    ours = imported(path, meaning)
    alpha = np.asarray(ours(pictures.preprocess(image, *PLANE[1:])))[0, ..., -1]
    expected = model.matte(image)
    assert np.ptp(expected) > 0.05
    np.testing.assert_allclose(alpha, expected, atol=1e-5)
    return ours


def sigmoid(g):
    """One channel of alpha."""
    return g.add("LOGISTIC", [g.conv(g.image, 1, 3)], (*PLANE, 1))


def logits(channels):
    """As many channels of logits."""
    return lambda g: g.conv(g.image, channels, 3)


def softmax(channels, beta=1.0):
    """As many channels of alpha."""
    return lambda g: g.add("SOFTMAX", [g.conv(g.image, channels, 3)], (*PLANE, channels), beta=beta)


def flattened_background(g):
    """Channel 0 of a softmax, as one row."""
    x = g.add("RESHAPE", [g.conv(g.image, 2, 3), [1, 384, 2]], (1, 384, 2))
    x = g.add("SOFTMAX", [x], (1, 384, 2), beta=1.0)
    x = g.add(
        "STRIDED_SLICE",
        [x, [0, 0, 0], [1, 384, 1], [1, 1, 1]],
        (1, 384),
        shrinkAxisMask=4,
        beginMask=7,
    )
    return g.add("RESHAPE", [x, [1, 384]], (1, 384))


def everything_unusual(g):
    """Constants, lines by number, parts, and functions that are no layers."""
    x = g.add("SUB", [g.conv(g.image, 2, 3), g.values(24, 1)], (*PLANE, 2))
    x = g.add("SLICE", [x, [0, 1, 2, 0], [1, 11, 20, 2]], (1, 11, 20, 2))
    x = g.add("RESIZE_BILINEAR", [x, [16, 24]], (*PLANE, 2), alignCorners=True)
    x = g.add("RELU_N1_TO_1", [x], (*PLANE, 2))
    x = g.add("REDUCE_MAX", [x, [3]], (*PLANE, 1), keepDims=True)
    return g.add("LOGISTIC", [x], (*PLANE, 1))


@pytest.mark.parametrize(
    ("draw", "meaning", "channels"),
    [
        (sigmoid, None, 1),
        (sigmoid, Meaning(input_range=(-1.0, 1.0)), 1),
        (softmax(2), None, 2),
        (softmax(2, beta=1.5), Meaning(alpha_channel=0), 1),
        (softmax(3), Meaning(alpha_channel=1), 1),
        (logits(1), Meaning(output="logit"), 1),
        (logits(3), Meaning(output="logit", alpha_channel=2), 1),
        (logits(2), Meaning(output="softmax"), 2),
        (flattened_background, None, 1),
        (everything_unusual, None, 1),
    ],
)
def test_a_network_equals_its_file(tmp_path, draw, meaning, channels):
    """Whatever the file ends in, alpha is the last channel, and it is stored without code."""
    ours = check_same(file_of(tmp_path / "a.tflite", draw), meaning)
    assert ours.output_shape == (None, *PLANE[1:], channels)
    assert ours.input_shape == (None, *SHAPE[1:])


def test_an_added_constant_becomes_a_bias_that_is_trained(tmp_path):
    """A sum behind a convolution is no layer of its own."""

    def draw(g):
        x = g.add("ADD", [g.conv(g.image, 1, 3), g.values(1)], (*PLANE, 1))
        return g.add("LOGISTIC", [x], (*PLANE, 1))

    found = network.load(file_of(tmp_path / "a.tflite", draw)).network
    assert [type(layer) for layer in found.layers] == [
        keras.layers.InputLayer,
        keras.layers.Conv2D,
    ]


def test_the_name_is_the_files_and_no_familys(tmp_path):
    """Signs that no file name should have become dashes."""
    assert source.name_of(tmp_path / "my net>v2.tflite") == "my-net-v2"
    assert source.name_of(tmp_path / "mmnet.tflite") == "mmnet-imported"


# --- Refusals ----------------------------------------------------------------


def custom(g):
    x = g.add("MaxUnpooling2D", [g.image], (*PLANE, 3), custom=b"")
    return g.add("LOGISTIC", [g.add("FLOOR", [x], (*PLANE, 3))], (*PLANE, 3))


def rounded_weights(g):
    x = g.conv(g.image, 1, 3)
    weights = g.ops[-1].inputs[1]
    weights.data, weights.dtype = np.ones(weights.shape, np.int8), "INT8"
    weights.quantization = Quantization((0.1,), (0,))
    return x


def resized_after_the_sigmoid(g):
    x = g.add("MAX_POOL_2D", [sigmoid(g)], (1, 8, 12, 1), strideW=2, strideH=2)
    x.name, g.ops[-1].options.filterWidth, g.ops[-1].options.filterHeight = "small", 2, 2
    return g.add("RESIZE_BILINEAR", [x, [16, 24]], (*PLANE, 1), halfPixelCenters=True)


def small_matte(g):
    options = {"strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2}
    x = g.add("MAX_POOL_2D", [g.conv(g.image, 1, 3)], (1, 8, 12, 1), **options)
    return g.add("LOGISTIC", [x], (1, 8, 12, 1))


def two_pictures(g):
    other = Tensor("other", SHAPE)
    content = g.content(g.add("ADD", [g.image, other], SHAPE), inputs=[g.image, other])
    return content


def dynamic(g):
    g.image.signature = (1, -1, -1, 3)
    return g.content(sigmoid(g))


def branches(g):
    content = g.content(sigmoid(g))
    import flatbuffers

    model = schema().ModelT.InitFromPackedBuf(content)
    model.subgraphs.append(model.subgraphs[0])
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (custom, ("no layer for FLOOR, MaxUnpooling2D (custom)",)),
        (Drawing.quantized, ("quantized (int8)", "float32 or float16 file")),
        (rounded_weights, ("quantized (dynamic)", "int8 in CONV_2D")),
        (two_pictures, ("one input", "Received: 2 (image (1, 16, 24, 3), other")),
        (dynamic, ("fixed input size", "(1, -1, -1, 3)")),
        (branches, ("no control flow", "2 subgraphs")),
        (resized_after_the_sigmoid, ("LOGISTIC, SOFTMAX or logits", "RESIZE_BILINEAR")),
        (logits(1), ("`--output logit`", "CONV_2D")),
        (small_matte, ("16×24", "8×12")),
        (lambda g: b"no such file at all", ("not a TFLite model",)),
    ],
)
def test_a_file_that_cannot_be_trained_is_refused_in_one_line(tmp_path, draw, words):
    """The line has the file, the rule and what was found."""
    drawing = Drawing(SHAPE)
    made = draw(drawing)
    path = tmp_path / "a.tflite"
    path.write_bytes(made if isinstance(made, bytes) else drawing.content(made))
    with pytest.raises(MmnetDeployError) as caught:
        network.load(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(path), *words):
        assert word in message, message


def test_an_option_that_does_not_fit_is_refused(tmp_path):
    """There is no third channel of two."""
    path = file_of(tmp_path / "a.tflite", softmax(2))
    with pytest.raises(UsageError, match="alpha-channel"):
        network.load(path, Meaning(alpha_channel=2))


def test_a_network_that_differs_from_its_file_is_refused(tmp_path, monkeypatch):
    """No wrong network is trained: rounding alone may differ."""
    monkeypatch.setattr(network, "LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(MmnetDeployError, match="must differ by at most -1 of alpha"):
        network.load(file_of(tmp_path / "a.tflite", sigmoid))
