"""What is made of a picture and its matte."""

import numpy as np
import pytest

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.portraits import foreground
from mmnet_deploy.prediction.backgrounds import background
from mmnet_deploy.prediction.painting import Painter

IMAGE = np.random.default_rng(0).integers(0, 255, (24, 20, 3), np.uint8)
MATTE = np.zeros((24, 20), np.float32)
MATTE[:, 10:] = 1
MATTE[0, 0] = 0.5


def test_a_cut_out_has_the_matte_as_its_transparency():
    """Wholly foreground keeps its colours, and of the old background nothing is left."""
    cut = Painter("cut-out").paint(IMAGE, MATTE)
    assert np.array_equal(cut[:, 10:, :3], IMAGE[:, 10:])
    assert not cut[1:, :10].any()
    assert np.array_equal(cut[..., 3], np.round(255 * MATTE))


def test_a_new_background_stands_behind_the_person():
    """Foreground is kept, background is replaced, and alpha mixes the two."""
    made = Painter("background", background("#102030")).paint(IMAGE, MATTE)
    assert np.array_equal(made[:, 10:], IMAGE[:, 10:])
    assert (made[1:, :10] == (0x10, 0x20, 0x30)).all()


def test_the_old_background_leaves_no_halo():
    """A red disc on green, on blue: its soft edge has no green, in a cut-out neither."""
    y, x = np.mgrid[:96, :96] - 47.5
    matte = np.clip(0.5 + (24 - np.hypot(x, y)) / 8, 0, 1).astype(np.float32)
    mask = np.rint(255 * matte).astype(np.uint8)
    red, green, blue = (
        np.full((96, 96, 3), rgb, np.uint8) for rgb in ((200, 40, 30), (10, 220, 60), (20, 30, 240))
    )
    image = foreground.composite(red, mask, green)
    made = Painter("background", background("#141ef0")).paint(image, matte)
    truth = foreground.composite(red, mask, blue)
    assert np.abs(made.astype(int) - truth).max() <= 16
    cut = Painter("cut-out").paint(image, matte)
    edge = (mask > 25) & (mask < 230)
    assert np.abs(cut[edge][:, :3].astype(int) - red[edge]).max() <= 16


def test_what_is_transparent_already_stays_so():
    """A picture's own alpha channel bounds the matte."""
    opacity = np.full((24, 20), 255, np.uint8)
    opacity[:, 15:] = 0
    alpha = Painter("matte").paint(IMAGE, MATTE, opacity=opacity)
    assert np.array_equal(alpha[:, 10:15], np.full((24, 5), 255))
    assert not alpha[:, 15:].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (700, 3), (40, 40)])
@pytest.mark.parametrize("behind", [None, "blur", "#ffffff"])
def test_any_shape_is_painted(shape, behind):
    """From one pixel to a long panorama, each in its own size."""
    image = np.random.default_rng(1).integers(0, 255, (*shape, 3), np.uint8)
    kind = "background" if behind else "cut-out"
    painter = Painter(kind, background(behind) if behind else None)
    matte = np.random.default_rng(2).random((16, 16), np.float32)
    assert painter.paint(image, matte).shape == (*shape, 3 if behind else 4)


def test_a_matte_without_numbers_is_refused():
    """It is not saved as if it were one."""
    with pytest.raises(ModelFileError, match="no finite matte"):
        Painter("matte").paint(IMAGE, np.full((8, 8), np.nan, np.float32))


@pytest.mark.parametrize(
    ("kind", "behind", "upsample", "message"),
    [
        ("cutout", None, "guided", "`kind` must be one of matte, "),
        ("background", None, "guided", "needs `--background"),
        ("matte", "#ffffff", "guided", "is for --kind background"),
        ("matte", None, "nearest", "`upsample` must be one of guided, bilinear"),
    ],
)
def test_what_cannot_be_painted_is_refused(kind, behind, upsample, message):
    """An unknown kind or way, a background that is missing or for nothing."""
    with pytest.raises(UsageError, match=message):
        Painter(kind, background(behind) if behind else None, upsample)
