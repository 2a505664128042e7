"""Augmented batches: repeatable, complete, true to the pixels, and made ahead."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from mmnet_deploy.portraits import foreground
from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.training.pictures import augmentation, colour
from mmnet_deploy.training.pictures.batches import Batches, Stream
from mmnet_deploy.training.pictures.decoded import Decoded

SIZE = 24


def _decoded(pictures, foregrounds=None, soft=False):
    return Decoded(pictures, foregrounds, np.full(len(pictures), soft))


def _batches(count=7, batch_size=4, seed=1, size=SIZE):
    """Batches of noise; the third channel of a picture is its mask."""
    pictures = np.random.default_rng(9).integers(0, 256, (count, 30, 40, 4), dtype=np.uint8)
    pictures[..., 3] = pictures[..., 2]
    return Batches(_decoded(pictures), Recipe(batch_size=batch_size, seed=seed), size)


def _numbered(count, batch_size, seed=0):
    """Batches of pictures that are their own number throughout."""
    pictures = np.empty((count, 8, 8, 4), np.uint8)
    pictures[:] = np.arange(count)[:, None, None, None]
    return Batches(_decoded(pictures), Recipe(batch_size=batch_size, seed=seed), 8)


def _order(batches, items):
    """Numbers of the first `items` pictures that come out."""
    count = -(-items // batches.recipe.batch_size)
    rows = np.concatenate([batches[number]["picture"][:, 0, 0, 0] for number in range(count)])
    return rows.tolist()[:items]


def _bytes(batch):
    return tuple(part.tobytes() for part in batch.values())


def test_shapes_and_types():
    """Pictures and mattes are squares of uint8 in four channels, and nothing else comes."""
    (picture,) = _batches()[0].values()
    assert picture.shape == (4, SIZE, SIZE, 4)
    assert picture.dtype == np.uint8


def test_white_stays_exactly_white():
    """No border darkens a white picture, however it is turned."""
    white = np.full((3, 30, 40, 4), 255, np.uint8)
    batches = Batches(_decoded(white), Recipe(batch_size=32), SIZE)
    assert (batches[0]["picture"] == 255).all()


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
    pictures = _batches(count=1)[0]["picture"]
    assert len({row.tobytes() for row in pictures}) == len(pictures)


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
        picture = batches[number]["picture"]
        assert np.array_equal(picture[..., 2], picture[..., 3])
        assert not np.array_equal(picture[..., 0], picture[..., 3])


def test_source_data_is_left_alone():
    """Taking batches changes neither pictures nor masks."""
    batches = _batches()
    before = batches.decoded.pictures.copy()
    for number in range(4):
        batches[number]
    assert np.array_equal(batches.decoded.pictures, before)


def test_global_random_state_is_left_alone():
    """Augmentation neither reads nor moves numpy's global generator."""
    np.random.seed(1)
    first = _bytes(_batches()[0])
    following = np.random.random()
    np.random.seed(1)
    assert np.random.random() == following
    assert _bytes(_batches()[0]) == first


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_make_the_batch_of_one(workers):
    """The parts of all workers, put together, are the batch of a single process."""
    recipe = Recipe(batch_size=6, hue_deg=20.0)
    decoded = _batches().decoded
    whole = Batches(decoded, recipe, SIZE)[3]
    parts = [Batches(decoded, recipe, SIZE, part=(n, workers))[3] for n in range(workers)]
    for name, expected in whole.items():
        assert np.array_equal(np.concatenate([part[name] for part in parts]), expected)


def test_colours_come_along_where_the_recipe_changes_them():
    """Each picture has numbers of its own."""
    recipe = Recipe(batch_size=4, gamma=0.3)
    batch = Batches(_batches().decoded, recipe, SIZE)[0]
    assert batch["colour"].shape == (4, colour.SIZE)
    assert len({row.tobytes() for row in batch["colour"]}) == 4


def _portraits(soft):
    """Ten red discs on green, which know that they are red, and blue backgrounds."""
    y, x = np.mgrid[:30, :30] - 14.5
    mask = np.rint(255 * np.clip(0.5 + (9 - np.hypot(x, y)) / 6, 0, 1)).astype(np.uint8)
    red, green, blue = (np.full((30, 30, 3), colours, np.uint8) for colours in np.eye(3) * 255)
    picture = np.dstack([foreground.composite(red, mask, green), mask])
    decoded = _decoded(np.stack([picture] * 10), np.stack([red] * 10), soft)
    return decoded, np.stack([np.dstack([blue, mask])] * 2)


def test_backgrounds_are_replaced_as_often_as_the_recipe_says():
    """What is behind a soft portrait becomes blue, in half of the pictures, and no green stays."""
    decoded, backgrounds = _portraits(soft=True)
    recipe = Recipe(batch_size=200, background_share=0.5)
    pictures = Batches(decoded, recipe, SIZE, backgrounds=backgrounds)[0]["picture"]
    replaced = pictures[..., 2].max(axis=(1, 2)) > 0
    assert 0.35 < replaced.mean() < 0.65
    assert pictures[replaced, ..., 1].max() == 0
    assert np.array_equal(pictures[..., 3], Batches(decoded, recipe, SIZE)[0]["picture"][..., 3])


def test_portraits_with_hard_masks_keep_their_backgrounds():
    """Where it is not known what of an edge is foreground, nothing is replaced."""
    decoded, backgrounds = _portraits(soft=False)
    recipe = Recipe(batch_size=20, background_share=1.0)
    pictures = Batches(decoded, recipe, SIZE, backgrounds=backgrounds)[0]["picture"]
    assert pictures[..., 2].max() == 0


@pytest.mark.parametrize("threads", [1, 3])
def test_a_stream_gives_the_batches_in_order(threads):
    """Made ahead by several threads, batches come as they are numbered."""
    batches = _batches(count=3, batch_size=2)
    with Stream(batches, 5, threads=threads) as stream:
        for number in range(5, 20):
            assert _bytes(next(stream)) == _bytes(batches[number])
        assert stream.waited_s > 0


def test_what_fails_in_a_thread_is_raised_where_it_is_wanted():
    """A stream hands an error on, and ends."""
    batches = _batches()
    batches.decoded = _decoded(np.empty((0, 8, 8, 4), np.uint8))
    with Stream(batches, 0) as stream, pytest.raises(ZeroDivisionError):
        next(stream)


# --- Pictures without masks ---------------------------------------------------


def _two_kinds(labelled=10, taught=5, **fields):
    """Pictures of one number throughout: below 100 with masks, from 100 on without."""
    parts = []
    for first, count in ((0, labelled), (100, taught)):
        pictures = np.empty((count, 8, 8, 4), np.uint8)
        pictures[:] = first + np.arange(count)[:, None, None, None]
        parts.append(_decoded(pictures))
    return Batches(parts[0], Recipe(**({"batch_size": 6} | fields)), 8, unlabelled=parts[1])


@pytest.mark.parametrize(("fields", "share"), [({}, 1 / 3), ({"unlabelled_share": 0.5}, 0.5)])
def test_pictures_without_masks_have_their_share_of_every_batch(fields, share):
    """By default each picture comes as often as any other; in both kinds, every pass has all."""
    batches = _two_kinds(**fields)
    order = np.array(_order(batches, 60))
    for number in range(10):
        assert (order[6 * number : 6 * number + 6] >= 100).sum() == 6 * share
    for first, count in ((0, 10), (100, 5)):
        of_kind = order[(order >= 100) == (first == 100)]
        for start in range(0, len(of_kind) - count, count):
            assert sorted(of_kind[start : start + count]) == list(range(first, first + count))


def test_a_picture_without_a_mask_has_the_teachers_weight():
    """The others have 1; where all pictures are of one kind, no weights come."""
    batch = _two_kinds(teacher_weight=0.25)[3]
    taught = batch["picture"][:, 0, 0, 0] >= 100
    np.testing.assert_array_equal(batch["weight"], np.where(taught, np.float32(0.25), 1))
    assert "weight" not in _batches()[0] and "teacher" not in _batches()[0]


def test_a_picture_and_the_teachers_matte_are_warped_alike():
    """By a warp that is computed here with another library, from the map alone."""
    rng = np.random.default_rng(2)
    coarse = rng.integers(0, 256, (6, 5, 4, 5)).astype(float)
    smooth = ndimage.zoom(coarse, (1, 6, 10, 1), order=1, grid_mode=True, mode="nearest")
    source = np.clip(smooth, 0, 255).astype(np.uint8)
    pictures, mattes = source[..., :4], source[..., 4]
    with_masks = Decoded(pictures[:3], None, np.zeros(3, bool), mattes[:3])
    taught = Decoded(pictures[3:], None, np.zeros(3, bool))
    recipe = Recipe(batch_size=6, rotation_share=1.0, teacher_on_labelled=0.5)
    batch = Batches(with_masks, recipe, SIZE, unlabelled=taught)[1]
    # Which picture an item is, by its closest match to the whole.
    for row in range(6):
        item = 6 + row
        warps = np.stack([_warped(picture, item, recipe) for picture in source])
        found = batch["picture"][row].astype(float)
        index = int(np.abs(warps[..., :4] - found).mean(axis=(1, 2, 3)).argmin())
        np.testing.assert_allclose(found, warps[index, ..., :4], atol=3)
        matte = warps[index, ..., 4 if index < 3 else 3]
        np.testing.assert_allclose(batch["teacher"][row, ..., 0], matte, atol=3)


def _warped(picture, item, recipe):
    """A picture, (h, w, channels), under the map of an item: bilinear, between pixel centres."""
    drawn = augmentation.sample_map(np.random.default_rng([recipe.seed, 1, item]), recipe)
    centres = (np.arange(SIZE) + 0.5) / SIZE - 0.5
    y, x = np.meshgrid(centres, centres, indexing="ij")
    at_x, at_y = np.tensordot(drawn[:, :2], np.stack([x, y]), 1) + drawn[:, 2, None, None]
    height, width, channels = picture.shape
    places = np.stack([(at_y + 0.5) * height - 0.5, (at_x + 0.5) * width - 0.5])
    planes = [
        ndimage.map_coordinates(
            picture[..., channel].astype(float), places, order=1, mode="nearest"
        )
        for channel in range(channels)
    ]
    return np.dstack(planes)
