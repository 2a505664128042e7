"""What the tests of TFLite files share: a network in TensorFlow's own files, and one described."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy.tflite.card import ModelCard, card_to_json, with_card
from tests.support.networks import converter_of, keras_network

PICTURE = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)


def _matting(image):
    """Two branches that meet, and a softmax."""
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    left = keras.layers.DepthwiseConv2D(3, padding="same", name="left")(x)
    right = keras.layers.Conv2D(4, 1, activation="relu6", name="right")(x)
    x = keras.layers.Concatenate(name="join")([left, right])
    return keras.layers.Conv2D(2, 1, activation="softmax", name="end")(x)


def _to_int8(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter([[PICTURE]])


def _to_dynamic(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _to_float16(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


@pytest.fixture(scope="module")
def contents():
    """One network as TensorFlow's own files of each precision."""
    files = {}
    for name, choose in (
        ("float32", lambda converter: None),
        ("float16", _to_float16),
        ("dynamic", _to_dynamic),
        ("int8", _to_int8),
    ):
        converter = converter_of(keras_network(_matting), PICTURE.shape, frozen=True)
        choose(converter)
        files[name] = converter.convert()
    return files


@pytest.fixture
def content(contents):
    """The float32 file."""
    return contents["float32"]


@pytest.fixture(scope="session")
def card():
    """A description with some of all kinds of fields."""
    return ModelCard(
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
    return tf.lite.TFLiteConverter.from_keras_model(network).convert()


@pytest.fixture(scope="module")
def described(foreign, card):
    """The TFLite model with our description."""
    return with_card(foreign, card_to_json(card))


@pytest.fixture
def path(described, tmp_path):
    """The described model in a file."""
    path = tmp_path / "tiny.tflite"
    path.write_bytes(described)
    return path
