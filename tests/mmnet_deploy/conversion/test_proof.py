"""The judge of a converted file: what it measures, and what it cannot be fooled by."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet_deploy.conversion import proof
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.portraits.representative import Portrait
from tests.support.networks import converted

SIZE = 16
SHAPE = (1, SIZE, SIZE, 3)
RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (24, 20, 3), dtype=np.uint8) for _ in range(2)]
MASKS = [np.zeros((SIZE, SIZE), np.uint8) for _ in range(2)]
for _mask in MASKS:
    _mask[4:12, 5:11] = 255
ERRORS = [RNG.uniform(-0.1, 0.1, (SIZE, SIZE)).astype(np.float32) for _ in range(2)]


def _mattes(strength, base=0.0):
    """Mattes that miss the masks by so many times the errors."""
    pairs = zip(MASKS, ERRORS, strict=True)
    return [(mask / 255 + strength * error + base).astype(np.float32) for mask, error in pairs]


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """Two portraits with masks."""
    folder = tmp_path_factory.mktemp("masks")
    found = []
    for number, mask in enumerate(MASKS):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), mask)
        found.append(Portrait(folder / "none.jpg", path))
    return found


@pytest.fixture(scope="module")
def judge(masked):
    """A judge of a network that misses the masks by a little."""
    return proof.Judge(masked, PICTURES, _mattes(1))


@pytest.fixture(scope="module")
def blind():
    """A judge without masks."""
    return proof.Judge([Portrait(Path("none.jpg"))] * 2, PICTURES, _mattes(0))


# --- |Δα| --------------------------------------------------------------------


def test_differences_are_over_all_pixels_of_all_pictures(blind):
    """The largest of any, and the mean of all."""
    mattes = _mattes(0)
    mattes[0][0, 0] += 0.5
    mattes[1][3, 4] -= 0.25
    found = blind.difference(mattes)
    assert (found.largest, found.pictures) == (0.5, 2)
    assert found.mean == pytest.approx(0.75 / (2 * SIZE**2), rel=1e-5)
    expected = (0.25 + 0.0625) / (2 * SIZE**2)
    assert blind.squared_error(mattes) == pytest.approx(expected, rel=1e-5)


def test_the_network_itself_is_no_difference(judge):
    """Identical mattes are 0 in every figure."""
    found = judge.difference(_mattes(1))
    assert found == proof.MatteDifference(0, 0, 0, 2)
    assert judge.squared_error(_mattes(1)) == 0


@pytest.mark.parametrize("pixels", [1, SIZE**2])
def test_what_is_no_number_is_infinitely_far(blind, judge, pixels):
    """A single NaN is beyond every limit."""
    mattes = _mattes(0)
    mattes[1].flat[:pixels] = np.nan
    for one in (blind, judge):
        found = one.difference(mattes)
        assert found.largest == found.mean == math.inf


def test_a_gradient_error_that_is_no_number_is_not_within_a_limit(judge):
    """Comparing it says no."""
    mattes = _mattes(1)
    mattes[0][5, 5] = np.nan
    assert not judge.difference(mattes).gradient_error_change <= 1e9


def test_a_picture_less_is_noticed(blind):
    """There must be as many mattes as pictures."""
    with pytest.raises(ValueError, match="zip"):
        blind.difference(_mattes(0)[:1])


# --- The gradient error ------------------------------------------------------


def test_without_masks_there_is_no_gradient_error(blind):
    """It is None, not 0."""
    assert not blind.has_masks
    assert blind.difference(_mattes(1)).gradient_error_change is None


def test_some_masks_are_not_enough(masked):
    """If a single picture lacks its mask, there is no gradient error."""
    judge = proof.Judge([masked[0], Portrait(Path("none.jpg"))], PICTURES, _mattes(1))
    assert not judge.has_masks
    assert judge.difference(_mattes(2)).gradient_error_change is None


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 4))
def test_the_gradient_error_changes_with_the_error(judge, strength):
    """Mattes that miss the masks so many times as far have so many times the error."""
    change = judge.difference(_mattes(strength)).gradient_error_change
    assert change == pytest.approx(strength - 1, abs=1e-4)


def test_a_better_file_than_the_network_is_told(judge):
    """The change is negative where the file is nearer to the masks."""
    assert judge.difference(_mattes(0.5)).gradient_error_change == pytest.approx(-0.5, abs=1e-4)


def test_an_even_shift_is_no_gradient_error(judge):
    """What is wrong by the same everywhere has the right gradients, and differs none the less."""
    found = judge.difference(_mattes(1, base=0.125))
    assert found.gradient_error_change == pytest.approx(0, abs=1e-4)
    assert found.mean == pytest.approx(0.125)


def test_masks_may_have_another_size(tmp_path):
    """Mattes and masks are compared at the published size, whatever their own."""
    path = tmp_path / "large.png"
    cv2.imwrite(str(path), cv2.resize(MASKS[0], (4 * SIZE, 3 * SIZE)))
    judge = proof.Judge([Portrait(path, path)], PICTURES[:1], _mattes(1)[:1])
    assert judge.difference(_mattes(1)[:1]).gradient_error_change == 0
    assert judge.difference(_mattes(3)[:1]).gradient_error_change > 0


def test_a_network_without_error_is_not_improved_by_itself(masked):
    """Where the network hits the masks exactly, the same mattes are no change."""
    judge = proof.Judge(masked, PICTURES, _mattes(0))
    assert judge.difference(_mattes(0)).gradient_error_change == 0


# --- Running a file ----------------------------------------------------------


def test_mattes_are_those_of_the_content(blind):
    """The file need not be there: its content is run, once per picture."""
    content = converted(lambda image: 1 - image[..., :1], SHAPE)
    mattes = blind.mattes(content, Path("not there.tflite"))
    assert [matte.shape for matte in mattes] == [(SIZE, SIZE)] * 2
    for matte, picture in zip(mattes, PICTURES, strict=True):
        assert matte.mean() == pytest.approx(1 - picture[..., 0].mean() / 255, abs=0.05)


def test_another_kind_of_network_is_named(blind):
    """A file that gives no matte is an error with its name."""
    content = converted(lambda image: tf.reduce_mean(image, (1, 2)), SHAPE)
    with pytest.raises(ModelFileError, match=r"other\.tflite is not a matting network"):
        blind.mattes(content, Path("other.tflite"))


def test_a_damaged_file_is_named(blind):
    """So is one that cannot be loaded."""
    content = converted(lambda image: image[..., :1], SHAPE)
    with pytest.raises(ModelFileError, match=r"broken\.tflite"):
        blind.mattes(content[: len(content) // 2], Path("broken.tflite"))


def test_pixels_far_off_are_counted():
    """Strictly beyond the limit, and what is no number."""
    expected = np.zeros((4, 5), np.float32)
    judge = proof.Judge([Portrait(Path("none.jpg"))], PICTURES[:1], [expected])
    matte = expected.copy()
    matte[0, :3] = 0.25, 0.5, np.nan
    assert judge.share_beyond([matte], 0.25) == 2 / 20
