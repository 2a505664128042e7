"""Running `.tflite` files, and the description that they carry."""

import dataclasses
import re

import keras
import numpy as np
import pytest

from mmnet_deploy.errors import MmnetDeployError, ModelFileError, ResultError
from mmnet_deploy.files import sha256
from mmnet_deploy.portraits import pictures
from mmnet_deploy.tflite import interpreter
from mmnet_deploy.tflite.card import ModelCard, card_to_json, describe, read_card, with_card

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)

CARD = ModelCard(
    family="tiny",
    title="Tiny é",
    width_multiplier=0.75,
    height_px=16,
    width_px=16,
    precision="float32",
    parameters=122,
    input_meaning="RGB",
    output_meaning="softmax",
    weights_sha256="ab",
    calibration_files=("a.jpg", "ü.png"),
    calibration_seed=7,
    largest_difference=0.25,
    mean_difference=1e-9,
    checked_pictures=4,
    versions={"keras": "3"},
)


def _convert(network):
    import tensorflow

    return tensorflow.lite.TFLiteConverter.from_keras_model(network).convert()


@pytest.fixture(scope="module")
def network():
    """Two convolutions from a picture to the softmax of two classes."""
    keras.utils.set_random_seed(1)
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    return keras.Model(image, keras.layers.Conv2D(2, 1, activation="softmax")(x))


@pytest.fixture(scope="module")
def foreign(network):
    """The network as a TFLite model without our description."""
    return _convert(network)


@pytest.fixture(scope="module")
def content(foreign):
    """The TFLite model with our description."""
    return with_card(foreign, card_to_json(CARD))


@pytest.fixture
def path(content, tmp_path):
    """The described model in a file."""
    path = tmp_path / "tiny.tflite"
    path.write_bytes(content)
    return path


# --- The description ---------------------------------------------------------


def test_card_survives_the_model_file(content):
    """Every field is read back from the metadata as it was written."""
    assert read_card(content) == CARD


def test_model_of_other_origin_has_no_card(foreign):
    """The converter's own metadata is not taken for ours."""
    assert read_card(foreign) is None


def test_card_does_not_change_the_network(foreign, content, tmp_path):
    """A model computes the same with and without its description."""
    mattes = []
    for name, model in (("foreign", foreign), ("described", content)):
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(model)
        mattes.append(interpreter.TFLiteModel(path).matte(PICTURE))
    assert np.array_equal(*mattes)


def test_card_does_not_displace_other_metadata(foreign, content):
    """What other tools wrote into the model is still there."""
    assert b"min_runtime_version" in foreign
    assert b"min_runtime_version" in content


def test_describing_a_file(path, foreign, tmp_path):
    """Name, hash, size and card; a file of other origin has no card."""
    described = describe(path)
    assert (described.name, described.card) == ("tiny.tflite", CARD)
    assert (described.sha256, described.size_bytes) == (sha256(path), path.stat().st_size)
    (tmp_path / "foreign.tflite").write_bytes(foreign)
    assert describe(tmp_path / "foreign.tflite").card is None


@pytest.mark.parametrize("text", ["", "words", "[]", "{}", '{"family": "mmnet"}'])
def test_damaged_card_is_refused(foreign, text):
    """A description that is ours but cannot be read is an error, not a foreign model."""
    with pytest.raises(ResultError, match=r"description is damaged"):
        read_card(with_card(foreign, text))


def test_card_that_is_no_text_is_refused(content):
    """Neither can bytes that are no UTF-8 be a description."""
    with pytest.raises(ResultError, match=r"description is damaged"):
        read_card(content.replace(b'"precision"', b'"\xff\xfeecision"'))


def test_a_new_card_replaces_the_old_one(content):
    """A model is described once, by whoever described it last."""
    newer = dataclasses.replace(CARD, precision="int16x8")
    again = with_card(content, card_to_json(newer))
    assert read_card(again) == newer
    assert again.count(b"mmnet_deploy") == content.count(b"mmnet_deploy")


# --- Loading -----------------------------------------------------------------


@pytest.mark.parametrize("share", [0, 0.003, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_truncated_model_is_refused(path, share):
    """However much is missing, loading gives an error that names the file."""
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ModelFileError, match=re.escape(str(path))):
        interpreter.TFLiteModel(path)


@pytest.mark.parametrize("share", [0, 0.003, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_describing_a_truncated_model_does_not_crash(path, share):
    """Its description is refused where it cannot be read."""
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    try:
        card = describe(path).card
    except MmnetDeployError as error:
        assert str(error)
    else:
        assert card in (None, CARD)


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


def test_network_that_is_no_matting_network_is_refused(path, tmp_path):
    """One picture in and one matte out is needed; the message has the shapes received."""
    interpreter.TFLiteModel(path).require_matting()
    image = keras.Input((16, 16, 3))
    labels = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(image))
    other = tmp_path / "labels.tflite"
    other.write_bytes(_convert(keras.Model(image, labels)))
    with pytest.raises(ModelFileError, match=r"\(1, 16, 16, 3\).* to .*\(1, 5\)"):
        interpreter.TFLiteModel(other).require_matting()


# --- Running -----------------------------------------------------------------


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
    assert re.fullmatch(r"[a-z-]+ \d+\.\d+\S*", interpreter.runtime_name())
    assert interpreter.TFLiteModel(path).delegate in ("xnnpack", "none")
