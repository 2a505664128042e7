"""The ends of other converters' files: which numbers go in, and which matte comes out.

What is expected is computed by running the file by hand on numbers that the test chooses.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.tflite import ends
from mmnet_deploy.tflite.card import card_to_json, with_card
from mmnet_deploy.tflite.ends import input_of
from mmnet_deploy.tflite.interpreter import TFLiteModel
from tests.support.matting_files import SHAPE, SIDE, file_of, logits, quantized, run_by_hand

PICTURE = np.random.default_rng(5).integers(0, 256, SHAPE[1:], dtype=np.uint8)
UNIT = (PICTURE / np.float32(255))[np.newaxis].astype(np.float32)
ALPHA = special.softmax(np.asarray(logits(UNIT)), axis=-1)[0, ..., 1]
"""The right matte of the picture."""


def _opened(tmp_path, content, **said):
    path = tmp_path / "other.tflite"
    path.write_bytes(content)
    model = TFLiteModel(path)
    model.require_matting(Meaning(**said))
    return model


def _details(dtype, scale, zero_point):
    tensor = {"name": "image", "index": 0, "shape": np.array(SHAPE), "dtype": dtype}
    return tensor | {"quantization": (scale, zero_point)}


# --- Input -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "ends"),
    [
        (np.uint8, 1 / 255, 0, (0.0, 1.0)),
        (np.int8, 1 / 255, -128, (0.0, 1.0)),
        (np.uint8, np.float32(2 / 255), 127, (-1.0, 1.0)),
        (np.uint8, np.float32(2 / 255), 128, (-1.0, 1.0)),
        (np.int8, np.float32(2 / 255), -1, (-1.0, 1.0)),
    ],
)
def test_every_byte_of_a_picture_stays_its_own(dtype, scale, zero_point, ends):
    """256 shades are 256 values in their order, although -1 … 1 has none in its middle."""
    shades = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    details = _details(dtype, scale, zero_point) | {"shape": np.array((1, 16, 16, 3))}
    source = input_of(Path("a.tflite"), details, Meaning(input_range=ends))
    stored = source.tensor(shades)
    assert stored.dtype == dtype
    np.testing.assert_array_equal(
        stored[0, ..., 0].ravel(), np.arange(256) + int(np.iinfo(dtype).min)
    )


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "known"),
    [
        (np.uint8, 1 / 255, 0, (0, 1)),
        (np.int8, 1 / 255, -128, (0, 1)),
        (np.uint8, 1 / 256, 0, (0, 1)),
        (np.uint8, 2 / 255, 128, (-1, 1)),
        (np.int8, 1 / 127, 0, (-1, 1)),
        (np.uint8, 0.0078125, 127, (-1, 1)),
        (np.uint8, 1.0, 0, (0, 255)),
        (np.int8, 1.0, -128, (0, 255)),
        (np.int8, 1.0, 0, (-128, 127)),
        (np.uint8, 0.0, 0, (0, 255)),
        (np.int8, 0.0, 0, None),
        (np.int32, 0.0, 0, None),
        (np.int16, 1 / 32767, 0, None),
        (np.int8, 0.018316, -13, None),
        (np.uint8, 0.1, 0, None),
        (np.float32, 0.0, 0, None),
    ],
)
def test_parameters_say_which_values_are_black_and_white(dtype, scale, zero_point, known):
    """The usual range that they cover; where there is none, nothing is guessed."""
    assert ends.known_range(_details(dtype, scale, zero_point)) == known


@pytest.mark.parametrize("dtype", [tf.uint8, tf.int8])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (0, 255)])
def test_a_quantized_input_is_fed_the_range_of_its_parameters(tmp_path, dtype, low, high):
    """The matte of a file is that of the picture, whichever range its author trained with."""

    def network(image):
        unit = (image - low) / (high - low)
        return tf.nn.sigmoid(logits(unit)[..., 1:] + 1)

    content = quantized(network, low, high, dtype)
    found = _opened(tmp_path, content).matte(PICTURE)
    assert np.abs(found - ALPHA).mean() < 0.02
    # What the interpreter gives for the picture's own levels; a rounding may shift a few by one.
    levels = PICTURE[np.newaxis].astype(np.int16) - (128 if dtype == tf.int8 else 0)
    by_hand = run_by_hand(content, levels.astype(dtype.as_numpy_dtype))
    stored = by_hand[0, ..., 0].astype(int) - np.iinfo(by_hand.dtype).min
    assert np.abs(found - stored / 256).mean() < 1e-3


@pytest.mark.parametrize("dtype", [tf.uint8, tf.int32])
def test_an_input_without_parameters_takes_the_picture_as_it_is(tmp_path, dtype):
    """Bytes are 0 … 255; of wider integers the range is asked for."""
    content = file_of(lambda image: tf.nn.softmax(logits(tf.cast(image, tf.float32) / 255)), dtype)
    said = {}
    if dtype != tf.uint8:
        with pytest.raises(UsageError, match=r"`--input-range` must say .*int32 without"):
            _opened(tmp_path, content)
        said = {"input_range": (0.0, 255.0)}
    found = _opened(tmp_path, content, **said).matte(PICTURE)
    np.testing.assert_allclose(found, ALPHA, atol=1e-5)


def test_an_option_counts_where_nothing_is_known(tmp_path):
    """A float input is 0 … 1 unless another range is said, which is what the network gets."""
    content = file_of(lambda image: tf.nn.softmax(logits((image + 1) / 2)))
    np.testing.assert_allclose(
        _opened(tmp_path, content, input_range=(-1.0, 1.0)).matte(PICTURE), ALPHA, atol=1e-5
    )
    wrong = _opened(tmp_path, content).matte(PICTURE)
    assert np.abs(wrong - ALPHA).mean() > 0.05


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ((np.uint8, 1 / 255, 0), (-1.0, 1.0)),
        ((np.uint8, 1 / 255, 0), (0.0, 255.0)),
        ((np.uint8, 1.0, 0), (0.0, 1.0)),
        ((np.uint8, 0.0, 0), (0.0, 1.0)),
        ((np.uint8, 0.0, 0), (-128.0, 127.0)),
    ],
)
def test_a_range_that_the_input_cannot_hold_is_refused(tmp_path, details, said):
    """Values would be cut off, or all fall onto one level."""
    with pytest.raises(UsageError, match=r"`--input-range` must fit the input of a\.tflite"):
        ends.input_of(tmp_path.joinpath("a.tflite").relative_to(tmp_path), _details(*details),
                      Meaning(input_range=said))  # fmt: skip


def test_a_damaged_scale_is_an_error():
    """Neither a negative one nor one that is no number is divided by."""
    for scale in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ModelFileError, match="must be positive"):
            ends.quantization_of(_details(np.uint8, scale, 0))


@pytest.mark.parametrize("channels", [1, 4])
def test_a_picture_of_other_colours_is_refused(tmp_path, channels):
    """A grey picture or a mask besides the colours is something else."""
    content = file_of(lambda image: image[..., :1], shape=(1, SIDE, SIDE, channels))
    with pytest.raises(ModelFileError, match=rf"three colours.*\(1, 32, 32, {channels}\)"):
        _opened(tmp_path, content)


# --- Output ------------------------------------------------------------------


def _channels_first(image):
    picture = tf.transpose(image, (0, 2, 3, 1))
    return tf.transpose(tf.nn.softmax(logits(picture)), (0, 3, 1, 2))


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (lambda image: tf.nn.softmax(logits(image)), {}),
        (logits, {"output": "softmax"}),
        (lambda image: logits(image)[..., ::-1], {"output": "softmax", "alpha_channel": 0}),
        (lambda image: logits(image)[..., 1:] + 1, {"output": "logit"}),
        (lambda image: tf.nn.softmax(logits(image))[..., 1], {}),
        (lambda image: tf.reshape(logits(image), (1, -1)), {"output": "softmax"}),
        (lambda image: tf.reshape(logits(image), (1, SIDE**2, 2)), {"output": "softmax"}),
        (lambda image: tf.reshape(logits(image)[..., 1] + 1, (1, -1)), {"output": "logit"}),
        (lambda image: tf.reshape(tf.nn.softmax(logits(image))[..., 1], (SIDE, SIDE)), {}),
    ],
)
def test_every_head_gives_the_same_matte(tmp_path, network, said):
    """Alpha, logits of one or two classes, in any order and shape: the softmax that numpy makes."""
    found = _opened(tmp_path, file_of(network), **said).matte(PICTURE)
    np.testing.assert_allclose(found, ALPHA, atol=1e-5)


def test_channels_may_come_first_at_both_ends(tmp_path):
    """A network converted from PyTorch, as long as no other reading is possible."""
    content = file_of(_channels_first, shape=(1, 3, SIDE, SIDE))
    np.testing.assert_allclose(_opened(tmp_path, content).matte(PICTURE), ALPHA, atol=1e-5)


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
@pytest.mark.parametrize(
    "after",
    [
        lambda numbers: numbers,
        lambda numbers: numbers[..., tf.newaxis],
        lambda numbers: tf.reshape(numbers, (1, -1)),
        lambda numbers: tf.cast(numbers, tf.float32),
        lambda numbers: tf.cast(numbers, tf.uint8),
    ],
)
def test_the_numbers_of_two_classes_are_a_matte(tmp_path, dtype, after):
    """What ARG_MAX gives is compared with the foreground's number, never divided by a scale."""
    content = file_of(lambda image: after(tf.argmax(logits(image), -1, output_type=dtype)))
    found = _opened(tmp_path, content).matte(PICTURE)
    np.testing.assert_array_equal(found, ALPHA > 0.5)
    found = _opened(tmp_path, content, alpha_channel=0).matte(PICTURE)
    np.testing.assert_array_equal(found, ALPHA <= 0.5)


def test_the_class_of_many_must_be_named(tmp_path):
    """Nothing says which of five is the person; the one that is named is found."""

    def five(image):
        other = tf.zeros_like(image[..., :1]) - 9
        return tf.argmax(tf.concat([other, other, logits(image), other], axis=-1), axis=-1)

    content = file_of(five)
    with pytest.raises(UsageError, match=r"foreground's class, 0 … 4"):
        _opened(tmp_path, content)
    found = _opened(tmp_path, content, alpha_channel=3).matte(PICTURE)
    np.testing.assert_array_equal(found, ALPHA > 0.5)


def test_bytes_without_a_scale_are_asked_for(tmp_path):
    """They may be a matte in 0 … 255 or class numbers, and nothing in the file says which."""
    levels = file_of(
        lambda image: tf.cast(tf.round(255 * tf.nn.softmax(logits(image))[..., 1:]), tf.uint8)
    )
    with pytest.raises(UsageError, match="`--output` must say what the whole numbers"):
        _opened(tmp_path, levels)
    found = _opened(tmp_path, levels, output="alpha").matte(PICTURE)
    np.testing.assert_allclose(found, ALPHA, atol=0.5 / 255 + 1e-6)
    with pytest.raises(ModelFileError, match="numbers of classes must be 0 … 1"):
        _opened(tmp_path, levels, output="classes").matte(PICTURE)


def test_logits_in_eight_bits(tmp_path):
    """Their parameters make numbers of them first."""
    content = quantized(lambda image: logits(image), 0, 1, tf.int8)
    with pytest.raises(ModelFileError, match="`--output softmax`"):
        _opened(tmp_path, content).matte(PICTURE)
    found = _opened(tmp_path, content, output="softmax").matte(PICTURE)
    assert np.abs(found - ALPHA).mean() < 0.02


def test_a_matte_that_is_no_number_is_an_error(tmp_path):
    """It does not become 0."""
    content = file_of(lambda image: tf.math.log(image[..., :1] - 0.5))
    with pytest.raises(ModelFileError, match="no finite matte"):
        _opened(tmp_path, content).matte(PICTURE)


# --- Files of ours -----------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [("input_range", (-1.0, 1.0)), ("alpha_channel", 5), ("output", "softmax"),
     ("output_size", (8, 8))],
)  # fmt: skip
def test_an_option_that_contradicts_the_description_is_refused(tmp_path, card, option, value):
    """What agrees with it is accepted: the range, the channel here or in the source network."""
    card = dataclasses.replace(card, alpha_channel=1, source_channel=2)
    content = with_card(file_of(lambda image: tf.nn.softmax(logits(image))), card_to_json(card))
    name = option.replace("_", "-")
    with pytest.raises(UsageError, match=rf"`--{name}` (contradicts|is not for) .*other\.tflite"):
        _opened(tmp_path, content, **{option: value})
    for agreed in ({"alpha_channel": 1}, {"alpha_channel": 2}, {"input_range": (0.0, 1.0)}):
        found = _opened(tmp_path, content, **agreed).matte(PICTURE)
        np.testing.assert_allclose(found, ALPHA, atol=1e-5)


def test_a_described_file_that_gives_no_alpha_is_told(tmp_path, card):
    """No option helps: the description is what counts."""
    content = with_card(file_of(logits), card_to_json(card))
    with pytest.raises(ModelFileError, match="description promises alpha"):
        _opened(tmp_path, content).matte(PICTURE)
