"""Options that say what a model's input and output are: they count, or they are refused."""

import json

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from mmnet_deploy.mattes import metrics
from mmnet_deploy.portraits import dataset, pictures
from tests.support.matting_files import SIDE, file_of, logits, quantized, run_by_hand


@pytest.fixture(scope="module")
def contents():
    """Networks of other converters by name, with what they give."""
    networks = {
        "alpha.tflite": lambda image: tf.nn.softmax(logits(image)),
        "logits.tflite": logits,
        "symmetric.tflite": lambda image: tf.nn.softmax(logits((image + 1) / 2)),
        "nan.tflite": lambda image: tf.math.log(image[..., :1] - 2),
    }
    made = {name: file_of(function) for name, function in networks.items()}
    other = ("alpha.TFLITE", "alpha.lite", "alpha.LITE", "alpha.bin")
    return made | dict.fromkeys(other, made["alpha.tflite"])


@pytest.fixture
def files(contents, tmp_path):
    """The folder of these networks."""
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def mad(call, portraits):
    """The MAD that `evaluate` finds."""

    def find(*words):
        result = call(
            "evaluate", *words, "--data", portraits, "--eval-size", f"{SIDE}x{SIDE}", "--json"
        )
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["mad"]

    return find


@pytest.fixture(scope="module")
def right(portraits):
    """The MAD of the networks' mattes, computed without the tool."""
    content = file_of(logits)
    found = []
    for pair in dataset.find_pairs(portraits, "test"):
        image, mask = dataset.read_pair(pair)
        values = run_by_hand(content, pictures.preprocess(image, SIDE, SIDE))
        alpha = special.softmax(values[0].astype(np.float64), axis=-1)[..., 1]
        both = metrics.at_one_size(alpha.astype(np.float32), mask, (SIDE, SIDE))
        found.append(np.abs(both[0] - both[1]).mean())
    return pytest.approx(np.mean(found), rel=1e-4)


def test_the_score_is_that_of_the_matte(files, mad, right):
    """Whether the file gives alpha or logits, of either range, under any of its usual names."""
    assert mad("alpha.tflite") == right
    assert mad("logits.tflite", "--output", "softmax") == right
    assert mad("symmetric.tflite", "--input-range", -1, 1) == right
    assert mad("symmetric.tflite") != right
    assert mad("alpha.tflite", "--alpha-channel", 0) != right
    for name in ("alpha.TFLITE", "alpha.lite", "alpha.LITE", "alpha.bin"):
        assert mad(name) == right


def test_predict_heeds_the_same_options(files, call, portraits):
    """The picture that is written is the softmax of what the file gives by hand."""
    source = pictures.pictures_in(portraits / "test" / "image")[0]
    written = {}
    for number, words in enumerate(
        [("alpha.tflite",), ("logits.tflite", "--output", "softmax"),
         ("symmetric.tflite", "--input-range", -1, 1), ("alpha.LITE", "--threads", 1),
         ("logits.tflite", "--output", "softmax", "--alpha-channel", 0)]
    ):  # fmt: skip
        result = call("predict", *words, source, "-o", f"{number}.png")
        assert result.exit_code == 0, result.output
        written[number] = cv2.imread(f"{number}.png", -1).astype(int)
    for number in (1, 2, 3):
        assert np.abs(written[number] - written[0]).max() <= 1
    assert np.abs(255 - written[4] - written[0]).max() <= 1
    assert written[0].std() > 10


def test_a_matte_that_is_none_ends_every_command(files, call, one_line, portraits):
    """NaN and values outside 0 … 1: one line with what was found, and no score and no picture."""
    image = pictures.pictures_in(portraits / "test" / "image")[0]
    for name, words in (
        ("nan.tflite", ("no finite matte", "1024 of 1024")),
        ("logits.tflite", ("alpha must be 0 … 1", "`--output softmax`")),
    ):
        one_line(call("predict", name, image, "-o", "a.png"), 1, name, *words)
        one_line(call("predict", name, image.parent, "-o", "all"), 1, name, *words)
        evaluated = call("evaluate", name, "--data", portraits, "-o", "out")
        one_line(evaluated, 1, name, *words, str(image))
        assert not (files / "a.png").exists()
        assert not list(files.glob("out/*.json"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--output", "Softmax"), "`--output` says what"),
        (("--output-size", "9"), "`--output-size` must be HEIGHTxWIDTH"),
        (("--output-size", "0x9"), "`--output-size` must be HEIGHTxWIDTH"),
        (("--input-range", 1, 1), "`--input-range` must be two numbers"),
        (("--input-range", 0, "nan"), "`--input-range` must be two numbers"),
        (("--alpha-channel", 2), "`--alpha-channel` must be 0 … 1"),
        (("--alpha-channel", -1), "`--alpha-channel` must be 0 … 1"),
    ],
)
def test_impossible_options_are_one_line(files, call, one_line, portraits, words, message):
    """For both commands, before a picture is matted."""
    image = pictures.pictures_in(portraits / "test" / "image")[0]
    one_line(call("predict", "alpha.tflite", image, "-o", "a.png", *words), 2, message)
    one_line(call("evaluate", "alpha.tflite", "--data", portraits, *words), 2, message)


def test_what_is_known_is_not_contradicted(call, one_line, tiny_run, tiny_models, portraits):
    """Neither by a file of ours, nor by a run; and a watched run needs no options at all."""
    for model in (tiny_models["int8"], tiny_run):
        for words in (("--input-range", -1, 1), ("--output", "logit"), ("--alpha-channel", 5)):
            result = call("evaluate", model, "--data", portraits, *words)
            one_line(result, 2, f"`{words[0]}` contradicts", str(model))
        agreed = ("--input-range", 0, 1, "--output", "alpha", "--alpha-channel", 1)
        result = call("evaluate", model, "--data", portraits, *agreed)
        assert result.exit_code == 0, result.output
    for words in (("--alpha-channel", 0), ("--output", "logit"), ("--threads", 1)):
        result = call("evaluate", tiny_run, "--data", portraits, "--watch", *words)
        one_line(result, 2, "`--watch` follows a run", words[0])


def test_threads_without_a_file_that_heeds_them_are_refused(
    call, one_line, tmp_path, portraits, tiny_run
):
    """Keras takes the cores it wants."""
    image = pictures.pictures_in(portraits / "test" / "image")[0]
    one_line(call("predict", tiny_run, image, "-o", "a.png", "--threads", 1), 2, "`--threads` is")
    one_line(call("evaluate", tiny_run, "--data", portraits, "--threads", 1), 2, "`--threads` is")


def test_a_keras_network_of_logits_scores_as_its_softmax(call, mad, tmp_path):
    """One network, saved before and after its softmax."""
    keras.utils.set_random_seed(2)
    image = keras.Input((SIDE, SIDE, 3))
    values = keras.layers.Conv2D(2, 3, padding="same")(image) * 9.0 - 2.0
    keras.Model(image, values).save("raw.keras")
    keras.Model(image, keras.layers.Softmax()(values)).save("soft.keras")
    assert mad("raw.keras", "--output", "softmax") == pytest.approx(mad("soft.keras"), rel=1e-5)


def test_the_numbers_of_classes_of_a_keras_network(call, mad, one_line, portraits, tmp_path):
    """They are asked for, scored as the class that is named, and never converted."""
    image = keras.Input((SIDE, SIDE, 3))
    bright = keras.layers.Conv2D(1, 1, kernel_initializer="ones")(image) * 3.0 - 4.001
    classes = keras.ops.argmax(keras.layers.Concatenate()([-bright, bright]), axis=-1)
    keras.Model(image, classes).save("numbers.keras")
    keras.Model(image, keras.ops.cast(bright > -bright, "float32")).save("alpha.keras")
    words = ("numbers.keras", "--data", portraits)
    one_line(call("evaluate", *words), 2, "`--output` must say what the whole numbers (int32)")
    assert mad("numbers.keras", "--output", "classes") == mad("alpha.keras")
    words = ("convert", "numbers.keras", "--output", "classes", "--representative", portraits)
    one_line(call(*words, "-o", "out"), 1, "whole numbers, which are no alpha to convert")


def test_layers_are_compared_on_the_range_of_the_input(files, call, one_line, portraits):
    """By the quantized input's parameters or by the option; it does not contradict them."""

    def network(image):
        return tf.nn.softmax(logits((image + 1) / 2))

    (files / "covers.tflite").write_bytes(quantized(network, -1, 1))
    (files / "odd.tflite").write_bytes(quantized(network, -2.1, 2.6))
    (files / "bytes.tflite").write_bytes(
        file_of(lambda image: tf.nn.softmax(logits(tf.cast(image, tf.float32))), tf.uint8)
    )
    words = ("--against", "symmetric.tflite", "--data", portraits, "--json")
    tables = []
    for options in ((), ("--input-range", -1, 1), ("--input-range", -0.5, 0.5)):
        result = call("inspect", "covers.tflite", *words, *options)
        assert result.exit_code == 0, result.output
        tables.append(json.loads(result.stdout)["quantization_error"]["layers"])
    assert tables[0] == tables[1] != tables[2]
    asked = call("inspect", "odd.tflite", *words)
    one_line(asked, 2, "`--input-range` must say which values are black and white")
    assert call("inspect", "bytes.tflite", *words).exit_code == 0
    one_line(call("inspect", "odd.tflite", "--input-range", 0, 1), 2, "is for `--against`")
    result = call("inspect", "covers.tflite", "--against", "alpha.LITE", "--data", portraits)
    assert result.exit_code == 0, result.output


def test_a_file_of_another_suffix_is_a_model_in_every_command(files, call, portraits):
    """It is measured, inspected and converted."""
    measured = call("bench", "alpha.LITE", "--device", "host", "-o", "out", "--preset", "quick")
    assert measured.exit_code == 0, measured.output
    assert list(files.glob("out/*.json"))
    assert "float32" in call("inspect", "alpha.TFLITE").stdout
    made = call("convert", "alpha.lite", "--representative", portraits, "-o", "models")
    assert made.exit_code == 0, made.output
    assert list(files.glob("models/alpha-*-float32.tflite"))


def test_scores_of_one_file_read_in_two_ways_are_two_results(files, call, portraits):
    """Neither takes the other's place in the folder."""
    words = ("evaluate", "logits.tflite", "--data", portraits, "-o", "out", "--output")
    for number, kind in enumerate(("softmax", "logit", "softmax")):
        assert call(*words, kind).exit_code == 0
        assert len(list(files.glob("out/*.json"))) == min(number + 1, 2)


def test_options_without_an_effect_are_refused(
    files, call, one_line, portraits, tmp_path, tiny_run
):
    """Whoever gives one learns what it needs, before anything is computed."""
    evaluate = ("evaluate", "alpha.tflite", "--data", portraits)
    one_line(call(*evaluate, "--save-kind", "mask"), 2, "`--save-kind` needs --save")
    for words in (("--pictures", 3), ("--seed", 1)):
        one_line(call("inspect", "alpha.tflite", *words), 2, f"`{words[0]}` is for `--against`")
    result = call("convert", tiny_run, "-o", "models", "--io", "float32", "--precision", "float16")
    one_line(result, 2, "`io` is the type of an int8 file's")
    assert not (tmp_path / "models").exists()
