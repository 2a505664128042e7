"""Networks from elsewhere: what is loaded, what it computes, and what is refused."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import models
from mmnet_deploy.cli import cli
from mmnet_deploy.errors import UsageError
from mmnet_deploy.files import sha256
from mmnet_deploy.networks import network
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.output import Meaning
from tests.support.foreign import refused, saved, subclassed, to_matte

layers = keras.layers


# --- .keras files ------------------------------------------------------------


def test_a_run_and_its_files_know_their_training(tiny_run):
    """A run, and each network in it, has the family's name, title and configuration."""
    for path in (tiny_run, tiny_run / "last.keras"):
        loaded = network.load(path)
        assert (loaded.name, loaded.title) == ("tiny", "Tiny")
        assert loaded.config.data
        assert loaded.input_size == (32, 32)
        assert (loaded.output_channels, loaded.alpha_channel) == (2, 1)
    assert network.load(tiny_run).path == tiny_run / "best.keras"


def test_a_rectangular_network_of_three_channels_loads(tmp_path, picture):
    """The chosen channel is the matte, at the size of the network, as it computes it."""
    path = saved(tmp_path / "mine>a.keras", to_matte(3), (48, 32, 3))
    loaded = network.load(path, meaning=Meaning(alpha_channel=2))
    assert (loaded.name, loaded.title, loaded.config) == ("mine-a", "mine-a", None)
    assert loaded.input_size == (48, 32)
    assert (loaded.output_channels, loaded.alpha_channel) == (3, 2)
    assert loaded.parameters == 3 * 3 * 3 * 3 + 3
    assert loaded.sha256 == sha256(path)
    matte = loaded.matte(picture)
    assert (matte.shape, matte.dtype) == ((48, 32), np.float32)
    expected = loaded.model(pictures.preprocess(picture, 48, 32))[0, ..., 2]
    np.testing.assert_allclose(matte, expected, atol=1e-6)


def test_the_input_range_is_what_the_network_sees(tmp_path):
    """Black and white become the ends of the range."""
    path = saved(tmp_path / "echo.keras", lambda image: layers.Activation("linear")(image))
    loaded = network.load(path, meaning=Meaning(alpha_channel=0, input_range=(-1.0, 2.0)))
    for value, expected in ((0, -1.0), (255, 2.0)):
        picture = np.full((32, 32, 3), value, np.uint8)
        np.testing.assert_allclose(loaded.prepare(picture), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_matte_is_the_last_of_up_to_two_channels(tmp_path, channels):
    """One channel is the matte; of two, the second, unless another one is chosen."""
    path = saved(tmp_path / "mine.keras", to_matte(channels))
    assert network.load(path).alpha_channel == channels - 1
    assert network.load(path, meaning=Meaning(alpha_channel=0)).alpha_channel == 0


def test_of_many_channels_one_must_be_chosen(tmp_path):
    """No choice, or one that is not there, is wrong usage, and the message says the range."""
    path = saved(tmp_path / "five.keras", to_matte(5))
    rule = "`--alpha-channel` must be 0 … 4"
    refused(path, rule, "5 output channels", "Received: none.", error=UsageError)
    for wrong in (5, -1):
        words = (rule, f"Received: {wrong}.")
        refused(path, *words, error=UsageError, meaning=Meaning(alpha_channel=wrong))
    one = saved(tmp_path / "one.keras", to_matte(1))
    wrong = Meaning(alpha_channel=1)
    refused(one, "must be 0:", "1 output channel.", error=UsageError, meaning=wrong)


@pytest.mark.parametrize("ends", [(1.0, 0.0), (0.0, float("nan")), (0.0, float("inf"))])
def test_an_impossible_input_range_is_refused(ends):
    """The lower end comes first, and both are finite."""
    with pytest.raises(UsageError, match="`--input-range` must be two numbers"):
        Meaning(input_range=ends)


def _sequential():
    return keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(1, 1, activation="sigmoid")])


def _one_in_structures():
    image = keras.Input((32, 32, 3), name="image")
    return keras.Model({"image": image}, {"matte": to_matte()(image)})


def _one_in_lists():
    image = keras.Input((32, 32, 3), batch_size=1)
    return keras.Model([image], [layers.Conv2D(1, 1, activation="sigmoid")(image)])


@pytest.mark.parametrize("make", [_sequential, _one_in_structures, _one_in_lists, subclassed])
def test_every_form_of_keras_model_loads(tmp_path, picture, make, recwarn):
    """Sequential, subclassed, and single ends in a list or a dictionary: all are one matte."""
    model = make()
    model.save(tmp_path / "mine.keras")
    loaded = network.load(tmp_path / "mine.keras")
    matte = loaded.matte(picture)
    assert matte.shape == loaded.input_size == (32, 32)
    # `call` is what conversion traces.
    traced = tf.function(loaded.call).get_concrete_function(tf.TensorSpec((1, 32, 32, 3)))
    assert traced.outputs[0].shape == (1, 32, 32, 1)
    output = traced(tf.constant(pictures.preprocess(picture, 32, 32)))
    np.testing.assert_allclose(output[0, ..., 0], matte, atol=1e-6)
    assert not [warning for warning in recwarn if "structure" in str(warning.message)]


def test_a_network_is_called_after_its_file_or_its_run(tmp_path, tiny_run):
    """Two bare files of one network have two names; the best by another metric is the run's."""
    for name in ("first", "second"):
        (tmp_path / f"{name}.keras").write_bytes((tiny_run / "best.keras").read_bytes())
        loaded = network.load(tmp_path / f"{name}.keras")
        assert (loaded.name, loaded.config) == (name, None)
    assert network.load(tiny_run / "best-mean_iou.keras").config == network.load(tiny_run).config


def test_a_matte_of_another_size_is_fine(tmp_path, picture):
    """A network may give a smaller matte than its picture."""
    path = saved(tmp_path / "half.keras", lambda image: layers.AveragePooling2D(2)(image))
    loaded = network.load(path, meaning=Meaning(alpha_channel=0))
    assert loaded.input_size == (32, 32)
    assert loaded.matte(picture).shape == (16, 16)


@pytest.mark.parametrize(
    ("outputs", "shape", "words"),
    [
        (to_matte(), (None, 32, 3), ("fixed input size", "(None, None, 32, 3)")),
        (to_matte(), (32, 32, 1), ("(1, height, width, 3)", "(None, 32, 32, 1)")),
        (to_matte(), (32, 32, 4), ("(1, height, width, 3)", "(None, 32, 32, 4)")),
        (layers.GlobalAveragePooling2D(), (32, 32, 3), ("a matte", "(1, 3)")),
        (lambda i: [i * 2, i * 3], (32, 32, 3), ("one output", "2 (0, 1)")),
    ],
)
def test_what_is_no_matting_network_is_refused(tmp_path, outputs, shape, words):
    """A dynamic height, other channels, a classifier, two outputs: each is said."""
    refused(saved(tmp_path / "other.keras", outputs, shape), *words)


def test_the_training_form_is_refused_by_its_outputs(tmp_path):
    """The outputs of a network with its auxiliary head are named."""
    training = models.build("tiny", width_multiplier=1.0, input_size=32)
    training.save(tmp_path / "training.keras")
    refused(tmp_path / "training.keras", "one output", "2 (auxiliary_logits, logits)")


def test_two_inputs_are_refused_by_name(tmp_path):
    """A network that wants a trimap beside the picture says so."""
    ends = [keras.Input((32, 32, 3), name=name) for name in ("image", "trimap")]
    keras.Model(ends, layers.Add()(ends)).save(tmp_path / "two.keras")
    refused(tmp_path / "two.keras", "one input", "2 (image, trimap)")


def test_an_integer_or_a_batched_input_is_refused(tmp_path):
    """Bytes would all become 0, and a batch of four does not run with one picture."""
    image = keras.Input((32, 32, 3), dtype="uint8")
    keras.Model(image, layers.Rescaling(1 / 255)(image)).save(tmp_path / "bytes.keras")
    refused(tmp_path / "bytes.keras", "float32", "uint8")
    image = keras.Input((32, 32, 3), batch_size=4)
    keras.Model(image, layers.Conv2D(1, 1)(image)).save(tmp_path / "four.keras")
    refused(tmp_path / "four.keras", "(4, 32, 32, 3)")


# --- On the command line -----------------------------------------------------


def _evaluate(*words):
    return CliRunner().invoke(cli, ["evaluate", *map(str, words)])


def test_evaluate_scores_any_network(tmp_path, portraits):
    """A SavedModel scores as its `.keras` file does, and is known by name, hash and size."""
    path = saved(tmp_path / "mine.keras", to_matte(3), (48, 32, 3))
    network.load(path, meaning=Meaning(alpha_channel=0)).model.export(
        tmp_path / "exported", verbose=False
    )
    records = []
    for model in (path, tmp_path / "exported"):
        options = ("--data", portraits, "--eval-size", "48x48", "--alpha-channel", 2, "--json")
        result = _evaluate(model, *options, "--input-range", -1, 1)
        assert result.exit_code == 0, result.output
        records.append(json.loads(result.stdout))
    for name in ("mad", "gradient_error"):
        assert records[0][name] == pytest.approx(records[1][name], rel=1e-4)
    model = network.describe(tmp_path / "exported")
    assert records[1]["model"]["name"] == "exported"
    assert records[1]["model"]["sha256"] == model.sha256
    assert "SavedModel" in records[1]["engine"]


def test_evaluate_refuses_in_one_line(tmp_path, portraits, tiny_models):
    """Code in a file, a choice that is missing, and a choice where there is none."""
    for words, code, message in (
        ((saved(tmp_path / "a.keras", to_matte(3)),), 2, "`--alpha-channel` must be 0 … 2"),
        ((saved(tmp_path / "b.keras", layers.Lambda(lambda x: x)),), 1, "`--unsafe`"),
        ((tmp_path,), 1, "neither a run folder"),
        ((tiny_models["float32"], "--alpha-channel", 2), 2, "Received: 2."),
    ):
        result = _evaluate(*words, "--data", portraits)
        assert result.exit_code == code, result.output
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        assert message in line
