"""Augmented batches: repeatable, complete, and true to the pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from mmnet_deploy.augmentation import Batches, sample_map, warp

SIZE = 24
IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])
CORNERS = np.array([[x, y, 1] for x in (-0.5, 0.5) for y in (-0.5, 0.5)]).T

seeds = st.integers(0, 2**63 - 1)


def _batches(count=7, batch_size=4, seed=1, size=SIZE):
    """Batches of noise; the third channel of a picture is its mask."""
    images = np.random.default_rng(9).integers(0, 256, (count, 30, 40, 3), dtype=np.uint8)
    return Batches(images, images[..., 2].copy(), batch_size=batch_size, size=size, seed=seed)


def _numbered(count, batch_size, seed=0):
    """Batches of pictures that are their own number throughout."""
    images = np.empty((count, 8, 8, 3), np.uint8)
    images[:] = np.arange(count)[:, None, None, None]
    return Batches(images, images[..., 0], batch_size=batch_size, size=8, seed=seed)


def _order(batches, items):
    """Numbers of the first `items` pictures that come out."""
    count = -(-items // batches.batch_size)
    rows = np.concatenate([batches[number][1][:, 0, 0, 0] for number in range(count)])
    return np.round(rows * 255).astype(int).tolist()[:items]


def _bytes(batch):
    return tuple(part.tobytes() for part in batch)


def test_shapes_and_types():
    """Pictures and mattes are float32 batches of squares in 0 … 1."""
    images, masks = _batches()[0]
    assert (images.shape, masks.shape) == ((4, SIZE, SIZE, 3), (4, SIZE, SIZE, 1))
    assert images.dtype == masks.dtype == np.float32
    for part in (images, masks):
        assert 0 <= part.min() < 0.1 and 0.9 < part.max() <= 1


def test_white_stays_exactly_white():
    """255 becomes 1 and no border darkens it, however a picture is turned."""
    white = np.full((3, 30, 40, 3), 255, np.uint8)
    batches = Batches(white, white[..., 0], batch_size=32, size=SIZE, seed=0)
    assert all((part == 1).all() for part in batches[0])


@given(st.lists(st.integers(0, 12), min_size=1, max_size=8))
def test_batches_depend_on_their_number_alone(numbers):
    """In whatever order and however often batches are taken, each has the same bytes."""
    taken = _batches(batch_size=3, size=8)
    for number in numbers:
        assert _bytes(taken[number]) == _bytes(_batches(batch_size=3, size=8)[number])


def test_batches_and_seeds_differ():
    """Another number and another seed each give other pixels."""
    batches = _batches(count=1)
    distinct = {_bytes(batches[number]) for number in range(5)}
    assert len(distinct) == 5
    assert _bytes(_batches(count=1, seed=2)[0]) not in distinct


def test_rows_of_a_batch_are_augmented_apart():
    """The same picture twice in one batch is moved in two ways."""
    images, _ = _batches(count=1)[0]
    assert len({row.tobytes() for row in images}) == len(images)


@given(count=st.integers(1, 12), batch_size=st.integers(1, 30), seed=st.integers(0, 2**32))
def test_every_pass_is_a_permutation(count, batch_size, seed):
    """Each pass over the data has every picture once, across the borders of batches."""
    order = _order(_numbered(count, batch_size, seed), 3 * count)
    for start in range(0, 3 * count, count):
        assert sorted(order[start : start + count]) == list(range(count))


def test_passes_have_different_orders():
    """Every pass is shuffled anew, and by the seed."""
    order = _order(_numbered(50, 25), 150)
    passes = {tuple(order[start : start + 50]) for start in (0, 50, 100)}
    passes.add(tuple(_order(_numbered(50, 25, seed=1), 50)))
    assert len(passes) == 4
    assert tuple(range(50)) not in passes


def test_picture_and_mask_move_together():
    """A mask that equals a channel of its picture still does so after augmentation."""
    batches = _batches()
    for number in range(6):
        images, masks = batches[number]
        assert np.array_equal(images[..., 2:], masks)
        assert not np.array_equal(images[..., :1], masks)


def test_source_data_is_left_alone():
    """Taking batches changes neither pictures nor masks."""
    batches = _batches()
    before = batches.images.copy(), batches.masks.copy()
    for number in range(4):
        batches[number]
    assert np.array_equal(batches.images, before[0])
    assert np.array_equal(batches.masks, before[1])


def test_global_random_state_is_left_alone():
    """Augmentation neither reads nor moves numpy's global generator."""
    np.random.seed(1)
    first = _bytes(_batches()[0])
    following = np.random.random()
    np.random.seed(1)
    assert np.random.random() == following
    assert _bytes(_batches()[0]) == first


# --- The maps ----------------------------------------------------------------


@given(seeds)
def test_maps_stay_inside_the_source(seed):
    """No corner of the output lies outside the picture, so no border is invented."""
    corners = sample_map(np.random.default_rng(seed)) @ CORNERS
    assert np.abs(corners).max() <= 0.5 + 1e-12


@given(seeds)
def test_maps_have_the_published_extents(seed):
    """Scale 1.00 to 1.15 per axis, at most 15° and the crop that this takes."""
    linear = sample_map(np.random.default_rng(seed))[:, :2]
    cos, sin = np.cos(np.radians(15)), np.sin(np.radians(15))
    least = 1 / 1.15 / (cos + sin) * cos
    assert np.all((np.abs(np.diag(linear)) >= least) & (np.abs(np.diag(linear)) <= 1))
    assert linear[1, 1] > 0, "never upside down"
    turned = np.abs([linear[0, 1], linear[1, 0]]) / np.abs(np.diag(linear))
    assert np.all(turned <= np.tan(np.radians(15)) + 1e-12)


def test_half_of_the_maps_mirror_and_half_turn():
    """Over many draws, mirror and rotation each occur half of the time, independently."""
    maps = np.array([sample_map(np.random.default_rng(seed)) for seed in range(4000)])
    mirrored, turned = maps[:, 0, 0] < 0, maps[:, 0, 1] != 0
    for event, expected in ((mirrored, 0.5), (turned, 0.5), (mirrored & turned, 0.25)):
        assert event.mean() == pytest.approx(expected, abs=0.04)
    clockwise = maps[turned][:, 1, 0] > 0
    assert clockwise.mean() == pytest.approx(0.5, abs=0.05)


def test_scales_and_crops_use_their_whole_range():
    """Axes are scaled apart, up to 1.15, and cropped anywhere in what that leaves."""
    maps = np.array([sample_map(np.random.default_rng(seed)) for seed in range(4000)])
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
        linear = sample_map(np.random.default_rng(seed))[:, :2]
        scaled = linear / np.linalg.norm(linear, axis=1, keepdims=True)
        assert scaled[0] @ scaled[1] == pytest.approx(0, abs=1e-9)


# --- Resampling --------------------------------------------------------------


@pytest.mark.parametrize("channels", [(), (3,)], ids=["mask", "picture"])
def test_identity_map_changes_nothing(channels):
    """At its own size, an unmoved picture keeps every pixel."""
    picture = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, *channels), dtype=np.uint8)
    assert np.array_equal(warp(picture, IDENTITY, SIZE), picture)


def test_mirror_map_swaps_left_and_right():
    """A mirrored picture has the same columns in reverse."""
    picture = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE), dtype=np.uint8)
    mirror = IDENTITY * [[-1], [1]]
    assert np.array_equal(warp(picture, mirror, SIZE), picture[:, ::-1])


@given(seeds)
def test_warp_samples_where_the_map_says(seed):
    """Each output pixel is the bilinear value at its mapped place, between pixel centres."""
    rows, columns = np.mgrid[:30, :40]
    picture = np.round(120 + 60 * np.sin(rows / 5) + 60 * np.cos(columns / 6)).astype(np.uint8)
    source = sample_map(np.random.default_rng(seed))
    y, x = (np.mgrid[:SIZE, :SIZE].reshape(2, -1) + 0.5) / SIZE - 0.5
    u, v = source @ np.stack([x, y, np.ones_like(x)])
    places = [(v + 0.5) * 30 - 0.5, (u + 0.5) * 40 - 0.5]
    expected = map_coordinates(picture.astype(float), places, order=1, mode="nearest")
    difference = warp(picture, source, SIZE).ravel() - expected
    assert np.abs(difference).max() < 1.5
