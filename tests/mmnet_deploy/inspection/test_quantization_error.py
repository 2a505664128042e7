"""Signal to noise of every layer, and the chart of it."""

import dataclasses
import math
import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy.charts import bars
from mmnet_deploy.conversion import in_units_of
from mmnet_deploy.errors import DataError, ModelFileError, ResultError, UsageError
from mmnet_deploy.inspection import quantization_error
from mmnet_deploy.inspection.quantization_error import (
    LayerNoise,
    QuantizationError,
    measure,
    pictures_of,
)
from mmnet_deploy.portraits.pictures import Picture, read_image
from mmnet_deploy.tflite.card import describe
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Quantization
from tests.support.matting_files import SIDE, logits, quantized
from tests.support.networks import converted


def _convert(function, shape=(1, 16, 16, 3), **options) -> bytes:
    return converted(function, shape, **options)


@pytest.fixture(scope="module")
def pictures(portraits) -> list[Picture]:
    """Three portraits."""
    return pictures_of(portraits, 3, 0, None)


def _scaled(factor, name="layer"):
    return _convert(lambda x: tf.nn.softmax(tf.multiply(x, factor, name=name)))


# --- The number --------------------------------------------------------------


def test_decibels_are_ten_times_the_logarithm():
    """A hundredth of the signal's power is 20 dB; none at all is infinite."""
    assert LayerNoise("a", "ADD", signal=2.0, noise=0.02).decibels == pytest.approx(20)
    assert LayerNoise("a", "ADD", signal=2.0, noise=0.0).decibels == math.inf
    assert LayerNoise("a", "ADD", signal=0.0, noise=1.0).decibels == -math.inf
    for signal, noise in [(1.0, math.inf), (1.0, math.nan), (math.nan, 1.0), (math.inf, math.inf)]:
        assert LayerNoise("a", "ADD", signal, noise).decibels == -math.inf


def test_a_known_error_has_the_known_ratio(pictures):
    """A layer that is a tenth too large has 20 dB, whatever the pictures."""
    found = measure(_scaled(2.2), _scaled(2.0), pictures)
    (layer,) = [layer for layer in found.layers if layer.layer == "layer"]
    assert layer.kind == "MUL"
    assert layer.decibels == pytest.approx(20, abs=1e-3)
    assert found.pictures == 3


def test_a_model_is_exact_against_itself(pictures):
    """Nothing differs, so there is no ratio to rank by."""
    found = measure(_scaled(2.0), _scaled(2.0), pictures)
    assert [layer.decibels for layer in found.layers] == [math.inf] * 2


def test_black_and_white_are_what_the_model_takes(pictures):
    """Both models see the pictures in the range that is asked for."""
    (half, *_), (whole, *_) = (
        measure(_scaled(2.2), _scaled(2.0), pictures, input_range=limits).layers
        for limits in ((0.0, 0.5), (0.0, 1.0))
    )
    signals = sorted(layer.signal for layer in (half, whole))
    assert signals[1] > signals[0]


def test_a_quantized_input_gets_the_bytes_that_apps_hand_over():
    """Of -1 … 1, every byte lies between two steps: rounding would make one of two."""
    content = quantized(logits, -1.0, 1.0)
    graph = Graph.from_bytes(content)
    graph.inputs[0].quantization = Quantization((2 / 255,), (127,))
    model = quantization_error._Model(graph.to_bytes(), 1)
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    model.run(image, (-1.0, 1.0))
    tensor = model.graph.index(model.input)
    assert np.array_equal(model._interpreter.get_tensor(tensor)[0], image)


def test_layers_of_quantized_files_are_found_by_name(tiny_models, pictures):
    """int8 adds more noise than float16, and every layer of both has its partner."""
    reference = {"int16x8": tiny_models["float32"].read_bytes()}
    reference["float16"] = reference["int16x8"]
    reference["int8"] = in_units_of(tiny_models["float32"], tiny_models["int8"].read_bytes())
    least = {}
    for precision in ("int8", "int16x8", "float16"):
        found = measure(tiny_models[precision].read_bytes(), reference[precision], pictures)
        assert found.unmatched == 0
        ratios = [layer.decibels for layer in found.layers]
        assert ratios == sorted(ratios)
        least[precision] = ratios[0]
    assert 10 < least["int8"] < least["int16x8"]
    assert least["int8"] + 20 < least["float16"]


def test_layers_without_a_partner_are_counted(pictures):
    """A layer of another name is left out and said to be."""
    found = measure(_scaled(2.0), _scaled(2.0, name="other"), pictures)
    assert found.unmatched == 1
    assert len(found.layers) == 1


def test_shapes_are_what_the_runtime_computes(tiny_models, pictures):
    """A file that states other shapes than it computes is refused, and not broadcast."""
    reference = tiny_models["float32"].read_bytes()
    graph = Graph.from_bytes(reference)
    convolution = next(op for op in graph.ops if op.kind == "CONV_2D")
    convolution.options.padding = 1 - convolution.options.padding
    with pytest.raises(ModelFileError, match=r"must have the shape .* It computed .*: the file is"):
        measure(graph.to_bytes(), reference, pictures)


def test_what_cannot_be_compared_is_refused(pictures):
    """Another network, other sizes, no picture, a damaged file and flex operators."""
    model = _scaled(2.0)
    other = _convert(lambda x: tf.nn.relu(x), shape=(1, 8, 8, 3))
    with pytest.raises(ModelFileError, match=r"pictures of the same size.*\(1, 8, 8, 3\)"):
        measure(model, other, pictures)
    stranger = _convert(lambda x: tf.reduce_sum(x, -1))
    with pytest.raises(ModelFileError, match="no layer of the same name"):
        measure(model, stranger, pictures)
    with pytest.raises(ModelFileError, match="must take one picture"):
        measure(_convert(lambda x: x + 1.0, shape=(1, 16)), model, pictures)
    with pytest.raises(ModelFileError, match="damaged"):
        measure(model[: len(model) // 2], model, pictures)
    flex = _convert(
        lambda x: tf.linalg.trace(x)[..., None],
        target_spec=tf.lite.TargetSpec(supported_ops=[tf.lite.OpsSet.SELECT_TF_OPS]),
    )
    with pytest.raises(ModelFileError, match="cannot run"):
        measure(flex, model, pictures)


# --- The pictures ------------------------------------------------------------


def test_pictures_that_calibrated_do_not_judge(tiny_models, portraits):
    """As long as others are left; the draw is the seed's."""
    card = describe(tiny_models["int8"]).card
    names = sorted(path.name for path in (portraits / "train" / "image").iterdir())
    all_but_one = dataclasses.replace(card, calibration_files=tuple(names[:3] + names[4:]))
    (picture,) = pictures_of(portraits, 1, 0, all_but_one)
    expected = read_image(portraits / "train" / "image" / names[3])
    assert np.array_equal(picture, expected)
    every = dataclasses.replace(card, calibration_files=tuple(names))
    assert len(pictures_of(portraits, 4, 0, every)) == 4
    first, again = (pictures_of(portraits, 4, 5, None) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_pictures_come_from_a_plain_folder_too(tmp_path):
    """A folder of pictures will do; one without any is refused, like impossible numbers."""
    with pytest.raises(DataError, match="no representative pictures"):
        pictures_of(tmp_path, 1, 0, None)
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 30, 3), 255, np.uint8))
    (picture,) = pictures_of(tmp_path, 5, 0, None)
    assert picture.shape == (20, 30, 3)
    for count, seed, rule in ((0, 0, "`pictures`"), (1, -1, "`seed`")):
        with pytest.raises(UsageError, match=rule):
            pictures_of(tmp_path, count, seed, None)


# --- The chart ---------------------------------------------------------------


def _error(count=40) -> QuantizationError:
    layers = [LayerNoise(f"net_1/layer{n}_1/Relu;x", "CONV_2D", 10.0**n, 1.0) for n in range(count)]
    return QuantizationError(tuple(layers), 0, 16)


def _texts(path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    return [
        "".join(text.itertext()).strip() for text in root.iter("{http://www.w3.org/2000/svg}text")
    ]


def test_the_worst_layers_are_drawn_from_the_top(tmp_path):
    """At most thirty bars, by names that a person knows, with their numbers."""
    texts = _texts(bars.draw(_error(), tmp_path / "a.svg", title="model.tflite"))
    names = [text for text in texts if text.startswith("layer")]
    assert names == [f"layer{n}" for n in range(30)]
    assert {"0.0", "10.0", "290.0", "model.tflite"} <= set(texts)
    assert any("16 pictures" in text and "30 worst of 40 layers" in text for text in texts)


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_equal_errors_are_equal_bytes(tmp_path, kind):
    """A chart in a repository changes only with what it shows."""
    first, again = (
        bars.draw(_error(3), tmp_path / f"{n}.{kind}", title="a").read_bytes() for n in range(2)
    )
    assert first == again
    assert len(first) > 1000


def test_bars_of_strange_layers(tmp_path):
    """No noise, no signal, negative ratios, long names and one name twice can be drawn."""
    layers = (
        LayerNoise("a", "ADD", 0.0, 1.0),
        LayerNoise("a", "MUL", 1.0, 2.0),
        LayerNoise("$b_" * 30, "CONV_2D", 1.0, 0.0),
    )
    path = bars.draw(QuantizationError(layers, 0, 1), tmp_path / "a.svg", title="x" * 300)
    texts = _texts(path)
    assert {"no signal", "−3.0", "exact"} <= set(texts)
    assert any(text.startswith("a") and text.endswith("mul") for text in texts)
    assert all(len(text) < 90 for text in texts)


def test_nothing_to_draw_is_refused(tmp_path):
    """So is a file of another kind; neither leaves anything behind."""
    with pytest.raises(ResultError, match="no layer"):
        bars.draw(QuantizationError((), 0, 1), tmp_path / "a.svg", title="a")
    with pytest.raises(UsageError, match=r"\.svg, \.png or \.pdf"):
        bars.draw(_error(), tmp_path / "a.jpg", title="a")
    assert not list(tmp_path.iterdir())
