"""Converting networks whose output is no alpha yet, and such that a comparison says nothing of."""

import keras
import numpy as np
import pytest
from scipy import special

from mmnet_deploy import conversion
from mmnet_deploy.conversion import proof
from mmnet_deploy.conversion.options import Options
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.networks import network
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.portraits.representative import Portrait
from mmnet_deploy.tflite.interpreter import TFLiteModel

layers = keras.layers
SIDE = 32


def _features(image):
    """Logits of two classes: foreground where it is bright."""
    bright = layers.Conv2D(1, 1, kernel_initializer="ones")(image) * 3.0 - 4.0
    return layers.Concatenate()([-bright, bright])


def _saved(path, head):
    image = keras.Input((SIDE, SIDE, 3), name="image")
    keras.Model(image, head(_features(image))).save(path)
    return path


def _first(x):
    return layers.Permute((3, 1, 2))(x)


HEADS = {
    "two": (lambda x: x, "softmax"),
    "flat": (layers.Flatten(), "softmax"),
    "three": (lambda x: layers.Reshape((SIDE * SIDE, 2))(x), "softmax"),
    "first": (_first, "softmax"),
    "one": (lambda x: x[..., 1:], "logit"),
    "rows": (lambda x: layers.Reshape((SIDE, SIDE))(x[..., 1:]), "logit"),
    "overshooting": (lambda x: keras.ops.sigmoid(x[..., 1:]) * 1.6 - 0.3, "clipped"),
    "scaled": (lambda x: keras.ops.sigmoid(x[..., 1:]) * 255, "bytes"),
}
BY_HAND = {
    "softmax": lambda x: special.softmax(x, axis=-1)[..., 1],
    "logit": lambda x: special.expit(x[..., 1]),
    "clipped": lambda x: np.clip(special.expit(x[..., 1]) * 1.6 - 0.3, 0, 1),
    "bytes": lambda x: special.expit(x[..., 1]),
}


@pytest.mark.parametrize("graph", ["deploy", "stock"])
@pytest.mark.parametrize("name", HEADS)
def test_a_file_gives_the_alpha_that_its_network_lacks(tmp_path, portraits, name, graph):
    """The missing activation is in the file, whatever shape the head has; numpy says the same."""
    head, kind = HEADS[name]
    path = _saved(tmp_path / f"{name}.keras", head)
    with pytest.raises(ModelFileError, match=f"`--output {kind}`"):
        conversion.convert(network.load(path), ("float32",), portraits, tmp_path / "out")
    loaded = network.load(path, meaning=Meaning(output=kind))
    precisions = (
        ("float32", "int8")
        if graph == "deploy" and kind not in ("clipped", "bytes")
        else ("float32",)
    )
    results = conversion.convert(
        loaded, precisions, portraits, tmp_path / "out", Options(graph=graph)
    )
    image = pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])
    plain = keras.Input((SIDE, SIDE, 3))
    source = keras.Model(plain, _features(plain))
    values = source(pictures.preprocess(image, SIDE, SIDE)).numpy()[0].astype(np.float64)
    expected = BY_HAND[kind](values)
    assert expected.std() > 0.1
    for result, bound in zip(results, (1e-4, 0.2), strict=False):
        assert result.proved
        assert (result.card.source_output, result.card.source_channel) == (
            kind, int(loaded.output_channels > 1)
        )  # fmt: skip
        found = TFLiteModel(result.path).matte(image)
        np.testing.assert_allclose(found, expected, atol=bound)


# --- Comparisons that tell nothing -------------------------------------------


def _constant(image):
    return layers.Conv2D(1, 1, kernel_initializer="zeros", activation="sigmoid")(image)


def _saturated(image):
    x = layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(40.0))(image)
    return layers.Activation("sigmoid")(x)


def _blind(image):
    where = np.linspace(0, 1, SIDE * SIDE, dtype=np.float32).reshape(1, SIDE, SIDE, 1)
    return 0.0 * image[..., :1] + where


@pytest.mark.parametrize("make", [_constant, _saturated, _blind])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_network_that_ignores_its_picture_proves_nothing(tmp_path, portraits, make, precision):
    """One value everywhere, or one matte for all: the file says no |Δα|, and the result says so."""
    image = keras.Input((SIDE, SIDE, 3))
    keras.Model(image, make(image)).save(tmp_path / "same.keras")
    loaded = network.load(tmp_path / "same.keras")
    (result,) = conversion.convert(loaded, (precision,), portraits, tmp_path / "out")
    assert not result.proved
    card = result.card
    assert card.largest_difference is card.mean_difference is card.gradient_error_change is None


@pytest.mark.parametrize("count", [1, 3])
def test_what_a_blind_file_would_pass_is_no_proof(count):
    """Mattes that differ by less than the limits, or by less than anybody sees, show nothing."""
    rng = np.random.default_rng(0)
    portraits = [Portrait("none.jpg")] * count
    images = [np.zeros((8, 8, 3), np.uint8)] * count

    def judge(spread):
        mattes = [(0.5 + spread * rng.choice([-1, 1], (8, 8))).astype(np.float32) for _ in images]
        return proof.Judge(portraits, images, mattes)

    assert not judge(0.0).proves(0, 0)
    assert judge(1e-4).proves(1e-3, 1e-5)
    assert not judge(0.01).proves(1.0, 0.02)
    assert judge(0.4).proves(1.0, 0.02)


def test_convert_says_that_nothing_is_proved(call, tmp_path, portraits):
    """On standard error and in the table; with --strict the exit code is 1."""
    image = keras.Input((SIDE, SIDE, 3))
    keras.Model(image, _constant(image)).save(tmp_path / "same.keras")
    words = ("convert", "same.keras", "--representative", portraits, "-o", "models")
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert "Nothing is proved of same-32-float32.tflite" in result.stderr
    assert "nothing proved" in result.stdout
    assert call(*words, "--strict").exit_code == 1
    shown = call("inspect", "models/same-32-float32.tflite")
    assert "Δα" not in shown.stdout
