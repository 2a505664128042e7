"""A precision that is refused does not keep the others from being made."""

import keras
import pytest

import mmnet_deploy
from mmnet_deploy import conversion
from mmnet_deploy.conversion import Options, RefusedError
from mmnet_deploy.conversion.quantization import PRECISIONS
from mmnet_deploy.networks import network

NARROW = Options(max_mean_difference=1e-4)
"""What float32 keeps and 8 bits do not."""


def test_the_others_are_made_and_the_error_has_them(tmp_path, tiny_run, portraits):
    """In the order that was asked for, whichever is refused."""
    loaded, wanted = network.load(tiny_run), ("int8", "float32")
    with pytest.raises(RefusedError, match=r"int8\.tflite does not compute the network") as caught:
        conversion.convert(loaded, wanted, portraits, tmp_path, NARROW)
    (converted,) = caught.value.converted
    assert set(caught.value.refused) == {"int8"}
    assert list(tmp_path.iterdir()) == [converted.path]
    assert converted.card.precision == "float32"


def test_the_command_shows_the_others_and_ends_with_one(call, one_line, tiny_run):
    """Table, next command, then one line with what was refused and why."""
    words = ["--precision", "int8", "--precision", "float32", "--precision", "int8-weights"]
    result = call("convert", tiny_run, *words, "-o", "m", "--max-mean-difference", 1e-4)
    one_line(result, 1, "2 precisions are refused. tiny-1.0-32-int8.tflite", "limit")
    assert "tiny-1.0-32-float32.tflite" in result.stdout
    assert "Next: mmnet-deploy bench m/*.tflite" in result.stderr


def test_operators_without_16_bits_are_named(tmp_path, portraits):
    """TensorFlow's quantizer knows no negation; the float file is there all the same."""
    image = keras.Input((32, 32, 3))
    features = keras.layers.Conv2D(4, 3, padding="same")(image)
    both = keras.layers.Concatenate()([features, -features])
    network_ = keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid")(both))
    network_.save(tmp_path / "neg.keras")
    loaded = network.load(tmp_path / "neg.keras")
    with pytest.raises(RefusedError, match="int16x8 has no NEG, which") as caught:
        conversion.convert(loaded, ("float32", "int16x8"), portraits, tmp_path / "out")
    assert [one.card.precision for one in caught.value.converted] == ["float32"]
    told = []
    every = mmnet_deploy.convert(
        tmp_path / "neg.keras", out=tmp_path / "every", precision="all",
        representative=portraits, tell=told.append,
    )  # fmt: skip
    assert {one.card.precision for one in every} == set(PRECISIONS) - {"int16x8"}
    assert [line for line in told if line.startswith("Left out: int16x8 has no NEG")] == told
