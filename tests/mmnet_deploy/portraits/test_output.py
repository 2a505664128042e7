"""The matte in an output: every shape and kind of values that is known, and none besides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.portraits import output
from mmnet_deploy.portraits.output import Layout, Meaning, layout_of, output_of

SIZE = (6, 4)
RNG = np.random.default_rng(0)


def _output(shape=(1, 6, 4, 1), classes=None, dtype=np.float32, **said):
    return output_of("a.tflite", shape, SIZE, Meaning(**said), classes=classes, dtype=dtype)


# --- Shapes ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((1, 6, 4, 2), Layout(6, 4, 2)),
        ((1, 3, 2, 2), Layout(3, 2, 2)),
        ((1, 12, 8), Layout(12, 8, 1)),
        ((6, 4), Layout(6, 4, 1)),
        ((6, 4, 2), Layout(6, 4, 2)),
        ((1, 24), Layout(6, 4, 1)),
        ((24,), Layout(6, 4, 1)),
        ((1, 48), Layout(6, 4, 2)),
        ((1, 24, 2), Layout(6, 4, 2)),
        ((1, 1, 24, 2), Layout(6, 4, 2)),
        ((1, 24, 1, 2), Layout(6, 4, 2)),
        ((1, 2, 24), Layout(6, 4, 2, channels_first=True)),
        ((1, 2, 6, 4), Layout(6, 4, 2, channels_first=True)),
        ((1, 2, 12, 8), Layout(12, 8, 2, channels_first=True)),
        ((1, 1, 1, 6, 4, 2), Layout(6, 4, 2)),
        ((1, 5), None),
        ((1, 1, 1, 24), None),
        ((4, 6, 4, 2), None),
        ((1, 12), None),
        ((1, 0, 4, 1), None),
        ((), None),
    ],
)
def test_where_the_pixels_of_an_output_are(shape, layout):
    """Batches, flattened heads and both orders of the channels; other shapes are no matte."""
    assert layout_of(shape, SIZE) == layout


def test_a_flattened_matte_of_another_size_needs_its_size():
    """The size of the input is the guess; what the user says counts, if the values fit it."""
    assert layout_of((1, 6), SIZE) is None
    assert layout_of((1, 6), SIZE, (3, 2)) == Layout(3, 2, 1)
    assert _output((1, 6), output_size=(3, 2)).matte(np.zeros((1, 6), np.float32)).shape == (3, 2)
    for shape in ((1, 6), (1, 3, 2, 1), (1, 6, 4, 2)):
        with pytest.raises(ModelFileError, match="`--output-size` does not fit"):
            _output(shape, output_size=(4, 4))
    with pytest.raises(ModelFileError, match="`--output-size HEIGHTxWIDTH` says"):
        _output((1, 6))


@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 5), st.integers(0, 4))
def test_every_shape_of_one_output_gives_the_same_channels(height, width, channels, form):
    """However the values lie, each pixel keeps its own."""
    values = np.arange(height * width * channels, dtype=np.float32)
    values = values.reshape(height, width, channels)
    shapes = [
        values[np.newaxis],
        values.reshape(1, height * width, channels),
        values.reshape(1, -1),
        values.transpose(2, 0, 1)[np.newaxis],
        values.transpose(2, 0, 1).reshape(1, channels, -1),
    ]
    found = layout_of(shapes[form].shape, (height, width))
    unsure = form > 2 and len({height, width, channels, height * width}) < 4
    if not unsure:
        np.testing.assert_array_equal(found.arranged(shapes[form]), values)


# --- Values ------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.floats(0.1, 80))
def test_logits_become_what_scipy_makes_of_them(seed, channels, scale):
    """Softmax over the channels and the logistic function, also where exp overflows."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1, scale, (1, *SIZE, channels)).astype(np.float32)
    logits[0, 0, 0] = -2
    chosen = int(rng.integers(channels))
    found = _output(logits.shape, output="softmax", alpha_channel=chosen).matte(logits)
    expected = special.softmax(logits.astype(np.float64), axis=-1)[0, ..., chosen]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    found = _output(logits.shape, output="logit", alpha_channel=chosen).matte(logits)
    np.testing.assert_allclose(found, special.expit(logits[0, ..., chosen]), atol=1e-6)
    assert found.dtype == np.float32


def test_alpha_is_taken_as_it_is_and_only_rounding_is_cut_off():
    """Up to a hundredth outside; beyond that it is an error that says what was found."""
    values = np.linspace(-0.009, 1.009, 24, dtype=np.float32).reshape(1, 6, 4, 1)
    np.testing.assert_array_equal(_output().matte(values), np.clip(values[0, ..., 0], 0, 1))
    for wrong in (-0.02, 1.02, 8.0):
        values[0, 2, 3] = wrong
        with pytest.raises(ModelFileError, match="alpha must be 0 … 1") as caught:
            _output().matte(values)
        assert f"{wrong:.3g}" in str(caught.value)
        assert "`--output logit`" in str(caught.value)
        assert "softmax" not in str(caught.value)
        assert ("`--output clipped`" in str(caught.value)) == (abs(wrong) < 2)
    with pytest.raises(ModelFileError, match=r"`--output softmax` \(3 classes' logits\)"):
        _output((1, 6, 4, 3), alpha_channel=0).matte(np.full((1, 6, 4, 3), 7.0))


def test_only_the_chosen_channel_has_to_be_alpha():
    """Another one may hold a foreground's colours, or nothing that is a number."""
    values = RNG.random((1, 6, 4, 4), np.float32)
    values[..., 0], values[..., 1] = 200, np.nan
    found = _output(values.shape, alpha_channel=3).matte(values)
    np.testing.assert_array_equal(found, values[0, ..., 3])


@pytest.mark.parametrize("kind", output.KINDS)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_an_error(kind, wrong):
    """In every kind of output, and however many there are."""
    values = np.zeros((1, 6, 4, 2 if kind == "softmax" else 1), np.float32)
    values[0, 3, 3] = wrong
    with pytest.raises(ModelFileError, match=r"a\.tflite gives no finite matte: [12] of \d+ "):
        _output(values.shape, output=kind).matte(values)


@pytest.mark.parametrize("kind", ["logit", "softmax"])
def test_alpha_is_not_taken_for_logits(kind):
    """A second sigmoid or softmax would leave 0.27 … 0.73."""
    alpha = RNG.random((1, 6, 4, 1), np.float32)
    alpha = alpha if kind == "logit" else np.concatenate([1 - alpha, alpha], axis=-1)
    with pytest.raises(ModelFileError, match=f"alpha already .* leave out `--output {kind}`"):
        _output(alpha.shape, output=kind).matte(alpha)


def test_what_goes_far_beyond_alpha_is_not_cut_off():
    """`clipped` is for alpha that overshoots, not a way to ignore what logits are."""
    values = np.linspace(-0.4, 1.3, 24, dtype=np.float32).reshape(1, 6, 4, 1)
    found = _output(output="clipped").matte(values)
    np.testing.assert_array_equal(found, np.clip(values[0, ..., 0], 0, 1))
    with pytest.raises(ModelFileError, match="from -8 to 9: alpha must be"):
        _output(output="clipped").matte(np.where(values > 0.5, 9.0, -8.0))


def test_alpha_of_0_to_255_is_named_and_scaled():
    """Values that may be alpha times 255 are refused with the option that takes them as such."""
    alpha = RNG.random((1, 6, 4, 1), np.float32)
    with pytest.raises(ModelFileError, match="`--output bytes`"):
        _output().matte(255 * alpha)
    found = _output(output="bytes").matte(255 * alpha)
    np.testing.assert_allclose(found, alpha[0, ..., 0], atol=1e-6)
    for beyond in (-9.0, 300.0):
        with pytest.raises(ModelFileError, match=r"must be 0 … 255"):
            _output(output="bytes").matte(np.full_like(alpha, beyond))
        with pytest.raises(ModelFileError) as refused:
            _output().matte(np.full_like(alpha, beyond))
        assert "bytes" not in str(refused.value)


# --- Whole numbers -----------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, np.float32])
def test_a_class_is_foreground_and_all_others_are_not(dtype):
    """The second of two without being asked; of more, the one that is named."""
    numbers = RNG.integers(0, 2, (1, 6, 4)).astype(dtype)
    found = _output(numbers.shape, classes=2, dtype=dtype).matte(numbers)
    np.testing.assert_array_equal(found, numbers[0] == 1)
    numbers = RNG.integers(0, 21, (1, 6, 4)).astype(dtype)
    found = _output(numbers.shape, classes=21, dtype=dtype, alpha_channel=15).matte(numbers)
    np.testing.assert_array_equal(found, numbers[0] == 15)
    with pytest.raises(UsageError, match=r"number of the foreground's class, 0 … 20"):
        _output(numbers.shape, classes=21, dtype=dtype)


@pytest.mark.parametrize("kind", ["alpha", "logit", "clipped", "bytes"])
def test_numbers_of_classes_are_taken_for_nothing_else(kind):
    """Where the graph ends in them, class 1 is no alpha of 1/255, whatever an option says."""
    with pytest.raises(UsageError, match="leave the option out"):
        _output((1, 6, 4), classes=2, dtype=np.int64, output=kind)
    assert _output((1, 6, 4), classes=2, dtype=np.int64, output="classes").kind == "classes"


def test_numbers_that_cannot_be_classes_are_an_error():
    """Beyond the number of classes, below 0, or between whole numbers."""
    for numbers in ([0, 1, 255], [-1, 0, 1], [0, 0.5, 1]):
        values = np.resize(np.asarray(numbers, np.float32), (1, 6, 4))
        with pytest.raises(ModelFileError, match="numbers of classes must be 0 … 1"):
            _output(values.shape, output="classes").matte(values)


def test_whole_numbers_are_asked_for():
    """Bytes may be a matte of 0 … 255 or numbers of classes; truth values are classes."""
    with pytest.raises(UsageError, match="`--output` must say what the whole numbers"):
        _output(dtype=np.uint8)
    values = RNG.integers(0, 256, (1, 6, 4, 1), dtype=np.uint8)
    found = _output(dtype=np.uint8, output="alpha").matte(values)
    np.testing.assert_allclose(found, values[0, ..., 0] / 255, atol=1e-6)
    truth = values > 100
    np.testing.assert_array_equal(_output(dtype=bool).matte(truth), truth[0, ..., 0])


# --- Options that do not fit -------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "said", "words"),
    [
        ((1, 6, 4, 1), {"output": "softmax"}, "several channels"),
        ((1, 6, 4, 2), {"output": "classes"}, "one channel"),
        ((1, 6, 4, 3), {}, "`--alpha-channel` must be 0 … 2"),
        ((1, 72), {"alpha_channel": 3}, "`--alpha-channel` must be 0 … 2"),
        ((1, 6, 4), {"alpha_channel": 1}, "`--alpha-channel` must be 0:"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(shape, said, words):
    """The rule and what was received."""
    with pytest.raises(UsageError, match=words):
        _output(shape, **said)


def test_a_kind_that_is_none_is_refused():
    """Whoever means the folder to write to is told its option."""
    with pytest.raises(UsageError, match=r"must be one of alpha, logit.*`--out`.*results"):
        Meaning(output="results")


def test_an_option_is_not_told_to_contradict_what_nobody_says():
    """A description has no size of the matte: its file needs none, and the message says so."""
    said = Meaning(output_size=(5, 4))
    with pytest.raises(UsageError, match=r"not for a\.tflite.*leave the option.*5x4") as refused:
        said.require_agreement("a.tflite", Meaning(output="alpha", input_range=(0.0, 1.0)), (0,))
    assert "contradicts" not in str(refused.value)
    with pytest.raises(UsageError, match=r"contradicts a\.tflite, which says -1 1"):
        Meaning(input_range=(0.0, 1.0)).require_agreement(
            "a.tflite", Meaning(output="alpha", input_range=(-1.0, 1.0)), (0,)
        )
