"""Running `.tflite` files, and the description that they carry."""

import dataclasses
import platform
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy.errors import MmnetDeployError, ModelFileError
from mmnet_deploy.portraits import pictures
from mmnet_deploy.tflite import interpreter
from mmnet_deploy.tflite.card import card_to_json, describe, with_card
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.half_precision import HALF, entry, with_entry
from mmnet_deploy.tflite.parts import Tensor
from mmnet_deploy.tflite.runtime import runtime_name
from mmnet_deploy.tflite.trial import foreign

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


# --- Loading -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "said", "kept"),
    [("aarch64", False, ""), ("arm64", True, HALF), ("AMD64", False, HALF), ("x86_64", True, HALF)],
)
def test_mattes_are_computed_in_float32_on_every_computer(
    described, tmp_path, monkeypatch, machine, said, kept
):
    """Where a computer could compute in half precision, only a measurement of time lets it."""
    path = tmp_path / "half.tflite"
    path.write_bytes(with_entry(described, HALF))
    monkeypatch.setattr(platform, "machine", lambda: machine)
    model = interpreter.TFLiteModel(path, half_precision=said)
    assert entry(model._content) == kept


@pytest.mark.parametrize("share", [0, 0.003, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_truncated_model_is_refused(path, share):
    """However much is missing, loading gives an error that names the file."""
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ModelFileError, match=re.escape(str(path))):
        interpreter.TFLiteModel(path)


@pytest.mark.parametrize("share", [0, 0.003, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_describing_a_truncated_model_does_not_crash(path, card, share):
    """Its description is refused where it cannot be read."""
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    try:
        found = describe(path).card
    except MmnetDeployError as error:
        assert str(error)
    else:
        assert found in (None, card)


@pytest.mark.parametrize("use", [interpreter.TFLiteModel, describe], ids=["load", "describe"])
@pytest.mark.parametrize("kind", ["missing", "folder", "text"])
def test_what_is_no_model_is_refused(tmp_path, use, kind):
    """A missing file, a folder and a text are told by name, whatever is done with them."""
    path = tmp_path / "a.tflite"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("this is no model at all")
    with pytest.raises(ModelFileError, match=r"a\.tflite"):
        use(path)


@pytest.mark.parametrize("name", ["ai-edge-litert 2", "tflite-runtime 2"])
def test_an_operator_that_the_runtime_lacks_is_named(tmp_path, monkeypatch, name):
    """With the runtime that has those of MediaPipe, where it is another one."""
    signature = [tf.TensorSpec((1, 8, 8, 3), tf.float32)]
    function = tf.function(tf.math.digamma, signature).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    converter.allow_custom_ops = True
    (tmp_path / "a.tflite").write_bytes(converter.convert())
    monkeypatch.setattr(foreign, "runtime_name", lambda: name)
    with pytest.raises(ModelFileError, match="Digamma") as caught:
        interpreter.TFLiteModel(tmp_path / "a.tflite")
    assert name in str(caught.value)
    assert str(caught.value).endswith("MediaPipe's own.") == name.startswith("tflite-runtime")


def test_network_that_is_no_matting_network_is_refused(path, tmp_path):
    """One picture in and one matte out is needed; the message has the shapes received."""
    interpreter.TFLiteModel(path).require_matting()
    image = keras.Input((16, 16, 3))
    labels = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(image))
    other = tmp_path / "labels.tflite"
    model = keras.Model(image, labels)
    other.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    with pytest.raises(ModelFileError, match=r"\(1, 16, 16, 3\).* to .*\(1, 5\)"):
        interpreter.TFLiteModel(other).require_matting()


# --- Running -----------------------------------------------------------------


def test_an_output_must_have_the_size_that_it_is_said_to_have(path, foreign, monkeypatch):
    """A size that changes when the model runs is refused, and no values are rearranged."""
    model = interpreter.TFLiteModel(path)
    model.require_matting()
    other = {**model.outputs[0], "shape": np.array([1, 8, 32, 2])}
    monkeypatch.setattr(model, "outputs", [other])
    with pytest.raises(ModelFileError, match=r"shape \(1, 8, 32, 2\).* It computed \(1, 16, 16, 2"):
        model.matte(PICTURE)


def test_an_output_that_nobody_computes_is_an_error_of_the_file(path, foreign):
    """The runtime has no value to hand out after a run, whichever kernels made it."""
    graph = Graph.from_bytes(foreign)
    graph.outputs = [Tensor("nobody", graph.outputs[0].shape)]
    path.write_bytes(graph.to_bytes())
    with pytest.raises(ModelFileError, match=re.escape(f"{path} does not run: ")):
        interpreter.TFLiteModel(path).matte(PICTURE)


def test_a_description_must_fit_the_output(path, foreign, card):
    """A channel that the output does not have is refused when the model is opened."""
    other = dataclasses.replace(card, alpha_channel=5)
    path.write_bytes(with_card(foreign, card_to_json(other)))
    with pytest.raises(ModelFileError, match="says that channel 5 of 2 holds alpha"):
        interpreter.TFLiteModel(path).require_matting()


def test_matte_is_the_foreground_of_the_network(network, path):
    """The TFLite matte is the second channel of the Keras network on the same pixels."""
    matte = interpreter.TFLiteModel(path, threads=2).matte(PICTURE)
    resized = pictures.resized(PICTURE, 16, 16)[np.newaxis] / np.float32(255)
    expected = keras.ops.convert_to_numpy(network(resized))[0, ..., 1]
    assert (matte.shape, matte.dtype) == ((16, 16), np.float32)
    assert np.allclose(matte, expected, atol=1e-5)
    assert matte.std() > 0.01


def test_matte_depends_on_the_picture_alone(path):
    """Noise that was set for a measurement leaves nothing behind."""
    model = interpreter.TFLiteModel(path)
    first = model.matte(PICTURE)
    model.fill_inputs(3)
    model.invoke()
    assert np.array_equal(model.matte(PICTURE), first)


def test_preprocessing_scales_to_one():
    """A picture becomes a batch of one, float32, 0 … 1."""
    tensor = pictures.preprocess(PICTURE, 16, 20)
    assert (tensor.shape, tensor.dtype) == ((1, 16, 20, 3), np.float32)
    white = pictures.preprocess(np.full((8, 8, 3), 255, np.uint8), 16, 16)
    assert (white == 1).all()
    unscaled = pictures.preprocess(PICTURE, 40, 30)
    assert np.array_equal(np.round(unscaled[0] * 255), PICTURE)


def test_runtime_and_delegate_have_names(path):
    """Results can say what ran the model: a package with its version, and its kernels."""
    assert re.fullmatch(r"[a-z-]+ \d+\.\d+\S*", runtime_name())
    assert interpreter.TFLiteModel(path).delegate in ("xnnpack", "none")
