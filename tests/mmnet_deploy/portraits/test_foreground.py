"""Foreground colours: exact where they are known, without a halo where they are mixed."""

import numpy as np

from mmnet_deploy.portraits import foreground, synthetic


def _soft_disc(size=64, softness=6.0):
    """A red disc with a soft edge on green: picture, mask and colours."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    alpha = np.clip(0.5 + (size / 4 - np.hypot(x, y)) / softness, 0, 1)
    mask = np.rint(alpha * 255).astype(np.uint8)
    red = np.full((size, size, 3), (200, 40, 30), np.uint8)
    green = np.full((size, size, 3), (10, 220, 60), np.uint8)
    return foreground.composite(red, mask, green), mask, red


def test_the_foreground_of_a_mixed_edge_is_found():
    """On an edge that mixes red and green, the foreground is red all the way."""
    image, mask, red = _soft_disc()
    found = foreground.estimate(image, mask)
    edge = (mask > 25) & (mask < 230)
    assert np.abs(found[edge].astype(int) - red[edge]).max() <= 16
    assert np.abs(image[edge].astype(int) - red[edge]).max() > 100


def test_what_is_wholly_foreground_keeps_its_colours():
    """Inside the matte nothing changes."""
    image, mask = synthetic.portrait(0, 1, 96)
    found = foreground.estimate(image, mask)
    np.testing.assert_array_equal(found[mask == 255], image[mask == 255])


def test_a_new_background_leaves_no_halo_of_the_old_one():
    """Composited onto blue, the edge has hardly any green, the pasted picture has much."""
    image, mask, red = _soft_disc()
    blue = np.full_like(image, (20, 30, 240))
    truth = foreground.composite(red, mask, blue)
    ours = foreground.composite(foreground.estimate(image, mask), mask, blue)
    pasted = foreground.composite(image, mask, blue)
    error = np.abs(ours.astype(int) - truth).max()
    assert error <= 16 < 40 < np.abs(pasted.astype(int) - truth).max()


def test_compositing_ends_are_exact():
    """Matte 0 gives the background, matte 1 the foreground."""
    rng = np.random.default_rng(0)
    fore, back = rng.integers(0, 256, (2, 8, 8, 3), np.uint8)
    np.testing.assert_array_equal(
        foreground.composite(fore, np.zeros((8, 8), np.uint8), back), back
    )
    np.testing.assert_array_equal(
        foreground.composite(fore, np.full((8, 8), 255, np.uint8), back), fore
    )


def test_soft_masks_are_told_from_hard_ones():
    """A wide edge is soft; a threshold, an anti-aliased edge and an empty mask are not."""
    _, soft, _ = _soft_disc()
    _, antialiased, _ = _soft_disc(softness=1.0)
    assert foreground.is_soft(soft)
    assert not foreground.is_soft(antialiased)
    assert not foreground.is_soft(np.where(soft > 127, 255, 0).astype(np.uint8))
    assert not foreground.is_soft(np.zeros((8, 8), np.uint8))


def test_a_picture_without_foreground_or_of_one_pixel_is_taken():
    """Nothing to estimate from is no error."""
    for mask in (np.zeros((5, 3), np.uint8), np.full((1, 1), 128, np.uint8)):
        image = np.full((*mask.shape, 3), 90, np.uint8)
        assert foreground.estimate(image, mask).shape == image.shape
