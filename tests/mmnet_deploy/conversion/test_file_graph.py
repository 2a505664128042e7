"""A `.tflite` file as a network to convert: its graph is kept, and the file itself is the proof."""

import subprocess
import sys

import numpy as np
import pytest

from mmnet_deploy import conversion
from mmnet_deploy.conversion import passes
from mmnet_deploy.conversion.file_graph import open_file
from mmnet_deploy.conversion.options import Options
from mmnet_deploy.errors import MmnetDeployError
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.tflite.card import describe
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.half_precision import HALF, entry, with_entry
from mmnet_deploy.tflite.interpreter import TFLiteModel, transparent_interpreter
from mmnet_deploy.tflite.operators import constant, options_object
from mmnet_deploy.tflite.parts import Tensor
from tests.support.drawn_graphs import Drawing

SHAPE = (1, 16, 24, 3)
PLANE = (1, 16, 24)
FEW = {"checked_pictures": 4, "calibration_samples": 8}


def two_logits(g):
    """Logits of two classes, of weights in float16."""
    x = g.conv(g.image, 2, 3)
    g.halve(g.ops[-1])
    return x


def three_logits(g):
    return g.conv(g.image, 3, 3)


def flattened_background(g):
    """Channel 0 of a softmax, as one row."""
    x = g.add("SOFTMAX", [g.conv(g.image, 2, 3)], (*PLANE, 2), beta=1.5)
    x = g.add("SLICE", [x, [0, 0, 0, 0], [*PLANE, 1]], (*PLANE, 1))
    return g.add("RESHAPE", [x, [1, 384]], (1, 384))


def channels_first(g):
    """As networks that were made of PyTorch's."""
    g.image.shape = (1, 3, 16, 24)
    x = g.add("TRANSPOSE", [g.image, [0, 2, 3, 1]], SHAPE)
    x = g.add("LOGISTIC", [g.conv(x, 1, 3)], (*PLANE, 1))
    return g.add("TRANSPOSE", [x, [0, 3, 1, 2]], (1, 1, 16, 24))


def of_255(g):
    x = g.add("LOGISTIC", [g.conv(g.image, 1, 3)], (*PLANE, 1))
    return g.add("MUL", [x, constant("factor255.0", np.array(255.0, np.float32))], (*PLANE, 1))


def overshooting(g):
    x = g.add("LOGISTIC", [g.conv(g.image, 1, 3)], (*PLANE, 1))
    x = g.add("MUL", [x, constant("factor1.6", np.array(1.6, np.float32))], (*PLANE, 1))
    return g.add("SUB", [x, constant("factor0.3", np.array(0.3, np.float32))], (*PLANE, 1))


def media_pipe(g):
    """Squeeze-and-excitation, and MediaPipe's own operator before the sigmoid."""
    x = g.conv(g.image, 4, 3, strideW=2, strideH=2)
    x.shape = (1, 8, 12, 4)
    options = {"strideW": 12, "strideH": 8, "filterWidth": 12, "filterHeight": 8, "padding": 1}
    mean = g.add("AVERAGE_POOL_2D", [x], (1, 1, 1, 4), **options)
    gate = g.add("LOGISTIC", [g.conv(mean, 4)], (1, 1, 1, 4))
    x = g.add("MUL", [x, gate], (1, 8, 12, 4))
    strides = np.array([1, 2, 2], "<i4").tobytes()
    weights = g.values(1, 2, 2, 4), g.values(1)
    x = g.add("Convolution2DTransposeBias", [x, *weights], (*PLANE, 1), custom=strides)
    return g.add("LOGISTIC", [x], (*PLANE, 1))


def file_of(path, draw):
    drawing = Drawing(SHAPE)
    made = draw(drawing)
    path.write_bytes(made if isinstance(made, bytes) else drawing.content(made))
    return path


@pytest.mark.parametrize("graph", ["deploy", "stock"])
@pytest.mark.parametrize(
    ("draw", "meaning"),
    [
        (two_logits, Meaning(output="softmax")),
        (three_logits, Meaning(output="logit", alpha_channel=2, input_range=(-1.0, 1.0))),
        (flattened_background, Meaning()),
        (channels_first, Meaning()),
        (of_255, Meaning(output="bytes")),
        (overshooting, Meaning(output="clipped")),
        (media_pipe, Meaning()),
    ],
)
def test_a_file_gives_the_alpha_of_the_file_it_is_made_from(
    tmp_path, portraits, draw, meaning, graph
):
    """Whatever that one ends in: the new one takes pictures (1, h, w, 3) and gives alpha."""
    path = file_of(tmp_path / "my net.tflite", draw)
    before = TFLiteModel(path)
    before.require_matting(meaning)
    network = open_file(path, meaning)
    (made,) = conversion.convert(
        network, ("float32",), portraits, tmp_path / "out", Options(graph=graph, **FEW)
    )
    after = TFLiteModel(made.path)
    image = pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])
    assert np.ptp(before.matte(image)) > 0.05
    np.testing.assert_allclose(after.matte(image), before.matte(image), atol=2e-6)
    assert made.proved and made.card.largest_difference < 1e-5
    content = Graph.from_bytes(made.path.read_bytes())
    assert content.inputs[0].shape == SHAPE
    channels = 1 if graph == "deploy" else network.output_channels
    assert content.outputs[0].shape == (*PLANE, channels)
    assert not {op.kind for op in content.ops} & {"Convolution2DTransposeBias", "DEQUANTIZE"}
    if graph == "deploy":
        assert "SOFTMAX" not in {op.kind for op in content.ops}
    card = made.card
    assert (card.source_file, card.weights_sha256) == (path.name, describe(path).sha256)
    assert made.path.name.startswith("my-net-16x24-float32")


def test_media_pipes_operator_becomes_one_that_built_in_kernels_have(tmp_path):
    """They lack it, and they alone show what is computed on the way: the matte is the same."""
    path = file_of(tmp_path / "net.tflite", media_pipe)
    content = conversion.with_standard_operators(path.read_bytes())
    interpreter = transparent_interpreter(content)
    tensor = np.random.default_rng(0).random(SHAPE, np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensor)
    interpreter.invoke()
    matte = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(matte, TFLiteModel(path).run(tensor), atol=2e-6)
    assert conversion.with_standard_operators(content) == content


def test_mediapipes_operators_are_quantized(tmp_path, portraits):
    """The custom operator can be calibrated, and int8 follows the original file."""
    path = file_of(tmp_path / "a.tflite", media_pipe)
    options = Options(float_layers=("^mul",), **FEW)
    made = conversion.convert(
        open_file(path), ("float16", "int8"), portraits, tmp_path / "out", options
    )
    image = pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])
    expected = TFLiteModel(path).matte(image)
    for result, bound in zip(made, (2e-3, 0.05), strict=True):
        np.testing.assert_allclose(TFLiteModel(result.path).matte(image), expected, atol=bound)
    ops = Graph.from_bytes(made[1].path.read_bytes()).ops
    types = {op.kind: op.output.dtype for op in ops if op.kind != "MUL"}
    assert "TRANSPOSE_CONV" not in types and types["DEPTH_TO_SPACE"] == "INT8"
    named = {op.output.dtype for op in ops if op.kind == "MUL" and op.name.startswith("mul")}
    assert named == {"FLOAT32"}


@pytest.mark.parametrize("leave", ["allow", "forbid"])
def test_float32_keeps_poolings_unless_it_may_compute_in_half_precision(tmp_path, portraits, leave):
    """Other precisions have means, whose sums do not overflow and whose scale is their own."""
    path = file_of(tmp_path / "a.tflite", media_pipe)
    options = Options(reduced_precision=leave, **FEW)
    made = conversion.convert(
        open_file(path), ("float32", "float16"), portraits, tmp_path / "out", options
    )
    found = [{op.kind for op in Graph.from_bytes(one.path.read_bytes()).ops} for one in made]
    assert ("AVERAGE_POOL_2D" in found[0], "MEAN" in found[0]) == (
        leave == "forbid",
        leave == "allow",
    )
    assert "MEAN" in found[1] and "AVERAGE_POOL_2D" not in found[1]


def test_what_convert_made_can_be_converted_again(tmp_path, portraits):
    """It keeps what its description says, leave to compute in half precision is proved anew."""
    path = file_of(tmp_path / "a.tflite", media_pipe)
    options = Options(reduced_precision="allow", name="first", **FEW)
    (first,) = conversion.convert(open_file(path), ("float32",), portraits, tmp_path, options)
    first.path.write_bytes(with_entry(first.path.read_bytes(), HALF))
    again = open_file(first.path)
    assert (again.name, again.parameters) == ("a", first.card.parameters)
    (second,) = conversion.convert(again, ("float32",), portraits, tmp_path / "out", Options(**FEW))
    assert (second.card.source_file, second.card.reduced_precision) == (first.path.name, "")
    assert not entry(second.path.read_bytes())
    with pytest.raises(MmnetDeployError, match="the file that is converted"):
        conversion.convert(
            again, ("float32",), portraits, tmp_path, Options(name="first", replace=True, **FEW)
        )


def test_float_files_need_no_tensorflow(tmp_path, portraits):
    """Neither Keras nor TensorFlow is imported to read, rewrite and prove."""
    path = file_of(tmp_path / "a.tflite", media_pipe)
    code = (
        "import sys; sys.modules.update(tensorflow=None, keras=None)\n"
        "from mmnet_deploy.cli import cli; cli()"
    )
    words = ["--precision", "float32", "--precision", "float16", "--precision", "dynamic"]
    done = subprocess.run(
        [sys.executable, "-c", code, "convert", str(path), "--representative", str(portraits),
         "-o", str(tmp_path / "out"), *words],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").glob("a-16x24-*.tflite"))) == 3


def test_a_pooling_of_a_part_is_no_mean():
    """Only what covers the whole plane is one."""
    g = Drawing((1, 8, 8, 3))
    options = {"strideW": 8, "strideH": 8, "filterWidth": 4, "filterHeight": 8, "padding": 1}
    graph = Graph.from_bytes(
        g.content(g.add("AVERAGE_POOL_2D", [g.image], (1, 1, 1, 3), **options))
    )
    assert passes.mean_of_planes(graph) == 0


# --- Refusals ----------------------------------------------------------------


def custom(g):
    return g.add("MaxUnpooling2D", [g.image], (*PLANE, 3), custom=b"")


def damaged_custom(g):
    weights = g.values(1, 2, 2, 3), g.values(1)
    return g.add("Convolution2DTransposeBias", [g.image, *weights], (1, 32, 48, 1), custom=b"")


def other_options(g):
    """The runtime computes it, with defaults for what the options lack."""
    x = g.conv(g.image, 1, 3)
    g.ops[-1].options, g.ops[-1].options_type = options_object("ResizeBilinearOptions")
    return x


def two_mattes(g):
    return g.content(g.conv(g.image, 1), g.conv(g.image, 1))


def unknown_size(g):
    g.image.signature = (1, -1, -1, 3)
    return g.content(g.conv(g.image, 1))


def whole_numbers(g):
    x = g.conv(g.image, 1)
    made = Tensor("whole", x.shape, "INT32")
    g.add("CAST", [x])
    g.ops[-1].outputs = [made]
    return made


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (custom, ("no custom operators", "MaxUnpooling2D")),
        (damaged_custom, ("damaged", "Convolution2DTransposeBias")),
        (other_options, ("damaged", "CONV_2D", "the options of another operator")),
        (Drawing.quantized, ("quantized (int8)", "the float32 or float16 file")),
        (two_mattes, ("one output", "Received: 2")),
        (unknown_size, ("fixed input size", "(1, -1, -1, 3)")),
        (whole_numbers, ("`--output`", "int32")),
    ],
)
def test_a_file_that_cannot_be_converted_is_refused_in_one_line(tmp_path, draw, words):
    """The line has the file, the rule and what was found, before any picture is read."""
    path = file_of(tmp_path / "a.tflite", draw)
    with pytest.raises(MmnetDeployError) as caught:
        open_file(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(path), *words):
        assert word in message, message


def test_what_an_output_is_must_be_said(tmp_path, portraits):
    """Logits are no alpha."""
    path = file_of(tmp_path / "a.tflite", two_logits)
    with pytest.raises(MmnetDeployError, match="`--output softmax`"):
        conversion.convert(open_file(path), ("float32",), portraits, tmp_path / "out")
    assert not list(tmp_path.glob("out/*"))
    path = file_of(tmp_path / "b.tflite", whole_numbers)
    with pytest.raises(MmnetDeployError, match="must give float32 to be converted"):
        open_file(path, Meaning(output="bytes"))


def test_operators_without_a_form_in_16_bits_are_refused_before_calibration(tmp_path, portraits):
    """The line says which, and what to give instead."""

    def draw(g):
        x = g.add("HARD_SWISH", [g.conv(g.image, 1, 3)], (*PLANE, 1))
        return g.add("LOGISTIC", [x], (*PLANE, 1))

    path = file_of(tmp_path / "a.tflite", draw)
    with pytest.raises(MmnetDeployError, match=r"no HARD_SWISH.*int8-weights and float16"):
        conversion.convert(
            open_file(path), ("float32", "int16x8"), portraits, tmp_path / "out", Options(**FEW)
        )
