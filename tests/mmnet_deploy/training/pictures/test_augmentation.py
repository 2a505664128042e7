"""The maps of augmentation, and what resampling by them does to pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.training.pictures.augmentation import sample_map, warp

SIZE = 24
PUBLISHED = Recipe()
IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])
CORNERS = np.array([[x, y, 1] for x in (-0.5, 0.5) for y in (-0.5, 0.5)]).T

seeds = st.integers(0, 2**63 - 1)


# --- The maps ----------------------------------------------------------------


@given(seeds, st.floats(1, 4), st.floats(0, 45))
def test_maps_stay_inside_the_source(seed, max_scale, max_rotation_deg):
    """No corner of the output lies outside the picture, so no border is invented."""
    recipe = Recipe(max_scale=max_scale, max_rotation_deg=max_rotation_deg)
    corners = sample_map(np.random.default_rng(seed), recipe) @ CORNERS
    assert np.abs(corners).max() <= 0.5 + 1e-12


@given(seeds)
def test_maps_have_the_published_extents(seed):
    """Scale 1.00 to 1.15 per axis, at most 15° and the crop that this takes."""
    linear = sample_map(np.random.default_rng(seed), PUBLISHED)[:, :2]
    cos, sin = np.cos(np.radians(15)), np.sin(np.radians(15))
    least = 1 / 1.15 / (cos + sin) * cos
    assert np.all((np.abs(np.diag(linear)) >= least) & (np.abs(np.diag(linear)) <= 1))
    assert linear[1, 1] > 0, "never upside down"
    turned = np.abs([linear[0, 1], linear[1, 0]]) / np.abs(np.diag(linear))
    assert np.all(turned <= np.tan(np.radians(15)) + 1e-12)


def test_half_of_the_maps_mirror_and_half_turn():
    """Over many draws, mirror and rotation each occur half of the time, independently."""
    maps = np.array([sample_map(np.random.default_rng(seed), PUBLISHED) for seed in range(4000)])
    mirrored, turned = maps[:, 0, 0] < 0, maps[:, 0, 1] != 0
    for event, expected in ((mirrored, 0.5), (turned, 0.5), (mirrored & turned, 0.25)):
        assert event.mean() == pytest.approx(expected, abs=0.04)
    clockwise = maps[turned][:, 1, 0] > 0
    assert clockwise.mean() == pytest.approx(0.5, abs=0.05)


def test_scales_and_crops_use_their_whole_range():
    """Axes are scaled apart, up to 1.15, and cropped anywhere in what that leaves."""
    maps = np.array([sample_map(np.random.default_rng(seed), PUBLISHED) for seed in range(4000)])
    upright = maps[maps[:, 0, 1] == 0]
    scales = 1 / np.abs(upright[:, (0, 1), (0, 1)])
    assert scales.min() < 1.01 and scales.max() > 1.14
    assert abs(np.corrcoef(scales.T)[0, 1]) < 0.1
    room = (1 - 1 / scales) / 2
    places = upright[:, :, 2] / room
    assert places.min() < -0.95 and places.max() > 0.95
    assert abs(places.mean()) < 0.05


def test_turning_keeps_a_square_a_square():
    """Rotation is rigid: in a picture that is not scaled, axes stay orthogonal."""
    for seed in range(200):
        linear = sample_map(np.random.default_rng(seed), PUBLISHED)[:, :2]
        scaled = linear / np.linalg.norm(linear, axis=1, keepdims=True)
        assert scaled[0] @ scaled[1] == pytest.approx(0, abs=1e-9)


# --- Resampling --------------------------------------------------------------


@pytest.mark.parametrize("channels", [(), (3,), (4,)], ids=["mask", "picture", "both"])
def test_identity_map_changes_nothing(channels):
    """At its own size, an unmoved picture keeps every pixel."""
    picture = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, *channels), dtype=np.uint8)
    assert np.array_equal(warp(picture, IDENTITY, SIZE), picture)


def test_mirror_map_swaps_left_and_right():
    """A mirrored picture has the same columns in reverse."""
    picture = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE), dtype=np.uint8)
    mirror = IDENTITY * [[-1], [1]]
    assert np.array_equal(warp(picture, mirror, SIZE), picture[:, ::-1])


@given(seeds, st.sampled_from([SIZE, (18, 32)]))
def test_warp_samples_where_the_map_says(seed, size):
    """Each output pixel is the bilinear value at its mapped place, between pixel centres."""
    rows, columns = np.mgrid[:30, :40]
    picture = np.round(120 + 60 * np.sin(rows / 5) + 60 * np.cos(columns / 6)).astype(np.uint8)
    source = sample_map(np.random.default_rng(seed), PUBLISHED)
    height, width = size if isinstance(size, tuple) else (size, size)
    places = np.mgrid[:height, :width].reshape(2, -1) + 0.5
    y, x = places / [[height], [width]] - 0.5
    u, v = source @ np.stack([x, y, np.ones_like(x)])
    places = [(v + 0.5) * 30 - 0.5, (u + 0.5) * 40 - 0.5]
    expected = map_coordinates(picture.astype(float), places, order=1, mode="nearest")
    difference = warp(picture, source, size).ravel() - expected
    assert np.abs(difference).max() < 1.5
