"""Conversion: the files compute the network, say what they are, or are not there."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from mmnet_deploy import conversion, data, network, runtime
from mmnet_deploy.errors import ConversionError, DataError, ModelFileError, UsageError
from mmnet_deploy.files import sha256


def test_the_precision_is_part_of_the_file_name(tiny_models):
    """Each precision has its own file, named after family, width, size and precision."""
    assert {path.name for path in tiny_models.values()} == {
        "tiny-1.0-32-float32.tflite",
        "tiny-1.0-32-float16.tflite",
        "tiny-1.0-32-int8.tflite",
    }


def test_float32_computes_the_keras_network(tiny_models, tiny_run, portraits):
    """On pictures that conversion never saw, float32 and Keras give the same matte."""
    loaded = network.load(tiny_run)
    model = runtime.TFLiteModel(tiny_models["float32"])
    for path in data.pictures_in(portraits / "test" / "image"):
        image = data.read_image(path)
        np.testing.assert_allclose(model.matte(image), loaded.matte(image), atol=1e-5)


def test_int8_has_byte_ends_and_whole_integer_arithmetic(tiny_models):
    """The int8 file takes and gives uint8, and no operator works on floats."""
    model = runtime.TFLiteModel(tiny_models["int8"])
    assert model.inputs[0]["dtype"] is model.outputs[0]["dtype"] is np.uint8
    details = model._interpreter.get_tensor_details()
    assert not [tensor["name"] for tensor in details if tensor["dtype"] is np.float32]


def test_the_batch_is_one(tiny_models):
    """Every file has a static batch of one."""
    for path in tiny_models.values():
        assert list(runtime.TFLiteModel(path).inputs[0]["shape"]) == [1, 32, 32, 3]


def test_a_file_carries_its_description(tiny_models, tiny_run):
    """The card in the file says family, precision, weights and how it was checked."""
    card = runtime.describe(tiny_models["int8"]).card
    assert (card.family, card.title, card.width_multiplier) == ("tiny", "Tiny", 1.0)
    assert (card.height_px, card.width_px, card.precision) == (32, 32, "int8")
    assert card.weights_sha256 == sha256(tiny_run / "best.keras")
    assert card.parameters == network.load(tiny_run).model.count_params()
    assert len(card.calibration_files) == 16
    assert card.checked_pictures == 8
    assert 0 < card.mean_difference <= card.largest_difference < 0.2
    assert card.versions["keras"] == keras.version()


def test_converting_twice_gives_the_same_bytes(tmp_path, tiny_models, tiny_run, portraits):
    """Nothing in a file depends on when or where it was converted."""
    again = conversion.convert(
        network.load(tiny_run), ("float32", "int8"), portraits, tmp_path / "again"
    )
    for result in again:
        assert result.path.read_bytes() == tiny_models[result.card.precision].read_bytes()


def test_a_file_outside_its_limits_is_not_put_in_place(tmp_path, tiny_run, portraits, monkeypatch):
    """If a converted file does not compute the network, it is an error and no file."""
    strict = dataclasses.replace(conversion.PRECISIONS["int8"], mean=1e-9)
    monkeypatch.setattr(conversion, "PRECISIONS", {**conversion.PRECISIONS, "int8": strict})
    old = tmp_path / "tiny-1.0-32-int8.tflite"
    old.write_bytes(b"an earlier file")
    with pytest.raises(ConversionError, match="does not compute the network"):
        conversion.convert(network.load(tiny_run), ("int8",), portraits, tmp_path)
    assert old.read_bytes() == b"an earlier file"
    assert list(tmp_path.iterdir()) == [old]


def test_representative_pictures_come_from_the_train_split_by_seed(portraits):
    """The draw is seeded, without repetition, and never from the test split."""
    first = conversion.representative_pictures(portraits, 5, seed=1)
    assert first == conversion.representative_pictures(portraits, 5, seed=1)
    assert first != conversion.representative_pictures(portraits, 5, seed=2)
    assert len(set(first)) == 5
    assert {path.parent for path in first} == {portraits / "train" / "image"}


def test_a_folder_of_plain_pictures_is_representative_too(portraits):
    """Pictures without masks and splits will do."""
    folder = portraits / "test" / "image"
    assert len(conversion.representative_pictures(folder, 100, seed=0)) == 4


def test_a_folder_without_pictures_is_refused(tmp_path):
    """An empty folder is one clear error."""
    with pytest.raises(DataError, match="no representative pictures"):
        conversion.representative_pictures(tmp_path, 3, seed=0)


@pytest.mark.parametrize(
    ("precisions", "samples", "words"),
    [(("int4",), 8, "Received: int4"), (("int8",), 0, "`calibration_samples`")],
)
def test_impossible_settings_are_refused(tmp_path, tiny_run, portraits, precisions, samples, words):
    """An unknown precision or no samples at all is wrong usage."""
    with pytest.raises(UsageError, match=words):
        conversion.convert(
            network.load(tiny_run),
            precisions,
            portraits,
            tmp_path / "out",
            calibration_samples=samples,
        )
    assert not (tmp_path / "out").exists()


def test_a_network_from_elsewhere_converts_and_says_what_is_unknown(tmp_path, tiny_run, portraits):
    """A `.keras` file outside a run folder converts; its width multiplier is unknown."""
    path = tmp_path / "mine.keras"
    path.write_bytes((tiny_run / "best.keras").read_bytes())
    (result,) = conversion.convert(network.load(path), ("float32",), portraits, tmp_path / "out")
    assert result.path.name == "tiny-32-float32.tflite"
    assert result.card.width_multiplier is None


def _save(model, path):
    model.save(path)
    return path


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda i: keras.layers.Flatten()(i), "not a matting network"),
        (lambda i: keras.layers.Conv2D(5, 1)(i), "not a matting network"),
    ],
)
def test_another_kind_of_network_is_refused(tmp_path, build, words):
    """A classifier, or a network of five channels, is named with its shapes."""
    image = keras.Input((32, 32, 3))
    path = _save(keras.Model(image, build(image)), tmp_path / "other.keras")
    with pytest.raises(ModelFileError, match=words):
        network.load(path)


def test_a_network_of_dynamic_size_is_refused(tmp_path):
    """An input of unknown size is refused before conversion."""
    image = keras.Input((None, None, 3))
    path = _save(keras.Model(image, keras.layers.Conv2D(2, 1)(image)), tmp_path / "any.keras")
    with pytest.raises(ModelFileError, match="fixed size"):
        network.load(path)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 broken"])
def test_a_damaged_keras_file_is_refused(tmp_path, content):
    """An empty, a text and a broken zip file each give one line."""
    path = tmp_path / "bad.keras"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"bad\.keras"):
        network.load(path)


def test_a_run_with_a_damaged_config_is_refused(tmp_path):
    """A run folder whose config is no JSON says so."""
    (tmp_path / "config.json").write_text(json.dumps({"family": "tiny"}))
    with pytest.raises(ModelFileError, match=r"config\.json is missing or damaged"):
        network.load(tmp_path)
