"""Backgrounds: a colour, a picture that covers, and the picture's own, blurred."""

import cv2
import numpy as np
import pytest

from mmnet_deploy.errors import DataError, UsageError
from mmnet_deploy.prediction.backgrounds import background, covering


@pytest.mark.parametrize("shape", [(24, 20), (240, 100), (10, 100), (7, 5)])
def test_a_background_covers_the_picture_undistorted(tmp_path, shape):
    """Its middle is taken, at the scale at which nothing stays free."""
    behind = np.zeros((*shape, 3), np.uint8)
    behind[:, shape[1] // 2 :] = 200
    cv2.imwrite(str(tmp_path / "b.png"), behind)
    image = np.zeros((24, 20, 3), np.uint8)
    made = background(str(tmp_path / "b.png")).behind(image, np.zeros((24, 20), np.float32), 0.0)
    assert made.shape == image.shape
    assert (made[:, :6] < 100).all()
    assert (made[:, -6:] > 100).all()


def test_an_extreme_background_is_cut_before_it_is_enlarged():
    """A line of pixels covers a picture; what would be cut off is never made."""
    line = np.zeros((1, 100_000, 3), np.uint8)
    assert covering(line, 2000, 2000).shape == (2000, 2000, 3)


def test_a_blurred_background_has_no_colour_of_the_person():
    """A red person on a grey wall: behind her, and where she stood, the wall is grey."""
    image = np.full((300, 200, 3), 120, np.uint8)
    alpha = np.zeros((300, 200), np.float32)
    alpha[60:, 50:150] = 1
    image[alpha == 1] = (250, 0, 0)
    behind = background("blur").behind(image, alpha, 0.0)
    assert behind.shape == image.shape
    assert np.abs(behind.astype(int) - 120).max() <= 1


def test_a_blurred_background_is_out_of_focus():
    """A fine pattern becomes its mean, and large parts keep their colours."""
    image = np.zeros((400, 400, 3), np.uint8)
    image[:200, ::2] = 200
    image[200:] = 50
    behind = background("blur").behind(image, np.zeros((400, 400), np.float32), 0.0)
    assert np.abs(behind[20:120].astype(int) - 100).max() <= 4
    assert np.abs(behind[280:].astype(int) - 50).max() <= 2


def test_a_picture_without_background_is_blurred_all_the_same():
    """There is nothing to take colours from but the person."""
    image = np.full((30, 20, 3), 77, np.uint8)
    behind = background("blur").behind(image, np.ones((30, 20), np.float32), 0.0)
    assert (behind == 77).all()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("#12345", UsageError, "six hexadecimal digits"),
        ("#12345g", UsageError, "six hexadecimal digits"),
        ("green", DataError, "no such file: green"),
        ("", DataError, "nothing was given"),
        (".", DataError, "no such file: ."),
    ],
)
def test_what_is_no_background_is_named(text, error, message):
    """A wrong colour, a file that is not there."""
    with pytest.raises(error, match=message):
        background(text)
