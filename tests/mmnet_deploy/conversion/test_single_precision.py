"""Networks that compute in other types: their files are made in float32."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy import conversion
from mmnet_deploy.conversion import Options
from mmnet_deploy.errors import ConversionError
from mmnet_deploy.networks import network
from mmnet_deploy.portraits import pictures
from mmnet_deploy.tflite import interpreter
from mmnet_deploy.tflite.graph import Graph

POLICIES = ("mixed_float16", "float16", "mixed_bfloat16", "bfloat16", "float64")


def _of_policy(policy, path, *, whole=True):
    """A network of a policy, of all layers or of the first ones, and the same in float32."""
    networks = {}
    for name in (policy, "float32"):
        image = keras.Input((32, 32, 3))
        body = {"dtype": name}
        x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False, **body)(image)
        x = keras.layers.BatchNormalization(**body)(x)
        x = keras.layers.MaxPooling2D(**body)(keras.layers.ReLU(**body)(x))
        x = keras.layers.UpSampling2D(interpolation="bilinear", **body)(x)
        end = body if whole else {"dtype": "float32"}
        x = keras.layers.Conv2D(2, 1, activation="softmax", **end)(x)
        networks[name] = keras.Model(image, x)
    rng = np.random.default_rng(3)
    for theirs, ours in zip(*(each.weights for each in networks.values()), strict=True):
        theirs.assign(rng.uniform(0.2, 1.0, theirs.shape) * (1 if "norm" in theirs.path else 3))
        ours.assign(keras.ops.cast(theirs, "float32"))
    networks[policy].save(path)
    return networks["float32"]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("whole", [True, False])
def test_half_precision_converts_with_its_weights_in_float32(tmp_path, portraits, policy, whole):
    """The file computes the network of the same weights under a float32 policy."""
    twin = _of_policy(policy, tmp_path / "half.keras", whole=whole)
    loaded = network.load(tmp_path / "half.keras")
    results = conversion.convert(
        loaded, ("float32", "int8"), portraits, tmp_path / "out", Options(max_difference=1)
    )
    first = results[0]
    kinds = {op.kind for op in Graph.from_bytes(first.path.read_bytes()).ops}
    assert not kinds & {"CAST", "MINIMUM", "MAXIMUM"}
    assert first.computed_in == (policy.removeprefix("mixed_"),)
    image = pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])
    matte = interpreter.TFLiteModel(first.path).matte(image)
    expected = twin(pictures.preprocess(image, 32, 32))[0, ..., 1]
    np.testing.assert_allclose(matte, expected, atol=1e-5)
    # What the card says is against the network as it is, whose own rounding is in it.
    assert first.card.mean_difference == pytest.approx(first.rounding.mean, abs=1e-5)
    assert loaded.matte(image).dtype == np.float32


def test_a_saved_model_in_half_precision_converts(tmp_path, portraits):
    """Its graph says the types, whatever made it; so may its input and output be half."""
    twin = _of_policy("float16", tmp_path / "half.keras")
    half = keras.saving.load_model(tmp_path / "half.keras")
    signature = [tf.TensorSpec((None, 32, 32, 3), tf.float16, name="image")]
    module = tf.Module()
    module.model = half
    serve = tf.function(lambda image: half(image), input_signature=signature)
    tf.saved_model.save(module, str(tmp_path / "exported"), signatures=serve)
    (result,) = conversion.convert(
        network.load(tmp_path / "exported"), ("float32",), portraits, tmp_path / "out"
    )
    image = pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])
    matte = interpreter.TFLiteModel(result.path).matte(image)
    expected = twin(pictures.preprocess(image, 32, 32))[0, ..., 1]
    np.testing.assert_allclose(matte, expected, atol=1e-3)


def test_half_precision_that_is_another_network_in_float32_is_refused(tmp_path, portraits):
    """Where the rounding makes too much of the matte, no file in float32 can compute it."""
    _of_policy("mixed_bfloat16", tmp_path / "half.keras")
    strict = Options(max_mean_difference=1e-6)
    words = r"computes in bfloat16.*gives other mattes in float32.*limit 1e-06"
    with pytest.raises(ConversionError, match=words):
        conversion.convert(
            network.load(tmp_path / "half.keras"), ("float32",), portraits, tmp_path, strict
        )
