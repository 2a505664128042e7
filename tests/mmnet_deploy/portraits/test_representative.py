"""Which pictures calibrate and which judge: a fair, seeded draw that never fails."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits.representative import Portrait, draw, portraits_in, without_copies

seeds = st.integers(0, 2**32 - 1)


def _portraits(count):
    """Portraits that are called by their places in the sorted list."""
    return [Portrait(Path(str(number))) for number in range(count)]


def _places(portraits):
    return [int(portrait.image.name) for portrait in portraits]


@st.composite
def draws(draw_value):
    """Sizes of a data set, of its calibration set and of its held-out set, all possible."""
    total = draw_value(st.integers(2, 300))
    wanted = draw_value(st.integers(1, total - 1))
    held_out = draw_value(st.integers(1, total - wanted))
    return total, wanted, held_out


# --- The draw ----------------------------------------------------------------


@given(draws(), seeds)
@example((50, 22, 16), 2)
@example((36, 28, 8), 2)
def test_each_stretch_gives_one_picture(sizes, seed):
    """The sorted list is cut into as many equal stretches as pictures are wanted."""
    total, wanted, held_out = sizes
    drawn = draw(_portraits(total), wanted, held_out, seed)
    # Place p lies in the stretch k with k·total/wanted ≤ p < (k + 1)·total/wanted.
    stretches = [place * wanted // total for place in _places(drawn.calibration)]
    assert stretches == list(range(wanted))
    rest = sorted(set(range(total)) - set(_places(drawn.calibration)))
    places = [rest.index(place) for place in _places(drawn.held_out)]
    assert [place * held_out // len(rest) for place in places] == list(range(held_out))


@given(seeds)
def test_small_data_sets_are_spread_evenly(seed):
    """Of three sessions of ten pictures each, three pictures are one of each session."""
    places = _places(draw(_portraits(30), 3, 5, seed).calibration)
    assert [place // 10 for place in places] == [0, 1, 2]


@given(draws(), seeds)
def test_nothing_that_calibrates_judges(sizes, seed):
    """Where there are enough pictures, both sets have the wanted sizes and share none."""
    total, wanted, held_out = sizes
    drawn = draw(_portraits(total), wanted, held_out, seed)
    assert (len(drawn.calibration), len(drawn.held_out)) == (wanted, held_out)
    assert not set(drawn.calibration) & set(drawn.held_out)
    assert len({*drawn.calibration, *drawn.held_out}) == wanted + held_out


@given(st.integers(2, 40), st.integers(1, 200), st.integers(1, 200), seeds)
def test_where_pictures_are_few_some_still_judge(total, calibration, held_out, seed):
    """However many are wanted of two pictures or more, the sets are apart and not empty."""
    drawn = draw(_portraits(total), calibration, held_out, seed)
    assert 1 <= len(drawn.calibration) <= calibration
    assert 1 <= len(drawn.held_out) <= held_out
    assert not set(drawn.calibration) & set(drawn.held_out)
    # Calibration gets what it wants of at least half of the pictures.
    assert len(drawn.calibration) >= min(calibration, (total + 1) // 2)


@pytest.mark.parametrize(("total", "calibration", "held_out"), [(1, 1, 1), (2, 1, 1), (3, 2, 1)])
def test_tiny_data_sets_do(total, calibration, held_out):
    """One picture calibrates and judges; of two or three, one judges."""
    drawn = draw(_portraits(total), 100, 16, 0)
    assert len(drawn.calibration) == calibration
    assert len(drawn.held_out) == held_out


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), seeds)
def test_the_seed_says_it_all(total, calibration, held_out, seed):
    """The same seed gives the same draw, in the order of the list."""
    drawn = draw(_portraits(total), calibration, held_out, seed)
    assert drawn == draw(_portraits(total), calibration, held_out, seed)
    for part in (drawn.calibration, drawn.held_out):
        assert _places(part) == sorted(set(_places(part)))


def test_seeds_differ():
    """Other seeds draw other pictures, for both sets."""
    drawn = [draw(_portraits(200), 20, 16, seed) for seed in range(20)]
    assert len({one.calibration for one in drawn}) == len({one.held_out for one in drawn}) == 20


def test_every_picture_has_its_chance():
    """Over many seeds, none is always left out of either set."""
    drawn = [draw(_portraits(20), 5, 4, seed) for seed in range(400)]
    for part in ("calibration", "held_out"):
        assert {p for one in drawn for p in _places(getattr(one, part))} == set(range(20))


# --- What is in a folder -----------------------------------------------------


def test_a_data_set_gives_its_train_pairs(portraits):
    """Each picture has the mask of its own name; the test split is left out."""
    found = portraits_in(portraits)
    assert len(found) == 16
    assert [p.image for p in found] == sorted(p.image for p in found)
    for portrait in found:
        assert portrait.image.parent == portraits / "train" / "image"
        assert portrait.mask.parent == portraits / "train" / "mask"
        assert portrait.mask.stem == portrait.image.stem


def test_a_plain_folder_has_no_masks(portraits):
    """Pictures that lie in the folder itself will do."""
    found = portraits_in(portraits / "test" / "image")
    assert len(found) == 4
    assert {portrait.mask for portrait in found} == {None}


def test_a_train_split_without_masks_has_no_masks(portraits, tmp_path):
    """`train/image` alone is taken before the pictures beside it."""
    shutil.copytree(portraits / "test" / "image", tmp_path / "train" / "image")
    (tmp_path / "other.png").write_bytes(b"not looked at")
    found = portraits_in(tmp_path)
    assert [(p.image.parent, p.mask) for p in found] == [(tmp_path / "train" / "image", None)] * 4


def test_other_files_are_no_pictures(portraits, tmp_path):
    """Notes and hidden files are passed over."""
    folder = Path(shutil.copytree(portraits / "test" / "image", tmp_path / "pictures"))
    (folder / "notes.txt").write_text("four portraits")
    (folder / ".hidden.png").write_bytes(b"")
    assert len(portraits_in(folder)) == 4


def test_a_train_split_that_is_not_sound_is_refused(portraits, tmp_path):
    """A picture without its mask is an error, not a picture less."""
    shutil.copytree(portraits / "test" / "image", tmp_path / "train" / "image")
    (tmp_path / "train" / "mask").mkdir()
    with pytest.raises(DataError, match="mask"):
        portraits_in(tmp_path)


@pytest.mark.parametrize("below", ["", "train/image"])
def test_an_empty_folder_is_refused(tmp_path, below):
    """It is one error that says where pictures may lie."""
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    with pytest.raises(DataError, match=r"no representative pictures: neither train/image nor"):
        portraits_in(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    """So is a folder that does not exist, or a file in its place."""
    (tmp_path / "file").write_bytes(b"")
    for name in ("missing", "file"):
        with pytest.raises(DataError, match=name):
            portraits_in(tmp_path / name)


def test_nothing_may_calibrate():
    """Without calibration pictures, all may judge."""
    portraits = [Portrait(Path(f"{index}.png")) for index in range(5)]
    drawn = draw(portraits, 0, 3, seed=0)
    assert drawn.calibration == ()
    assert len(drawn.held_out) == 3


# --- Copies ------------------------------------------------------------------


def _written(folder, contents):
    """Pictures in the order of their names, one plain colour for each of the numbers."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{place:03}.png" for place in range(len(contents))]
    for path, value in zip(paths, contents, strict=True):
        cv2.imwrite(str(path), np.full((4, 4, 3), value, np.uint8))
    return [Portrait(path) for path in paths]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    wanted=st.integers(1, 12),
    held_out=st.integers(1, 6),
    seed=seeds,
)
def test_no_pixels_judge_that_calibrate(tmp_path, contents, wanted, held_out, seed):
    """Whatever copies there are, held out is disjoint as soon as there are two pictures."""
    portraits = _written(tmp_path / "pictures", contents)
    drawn = without_copies(draw(portraits, wanted, held_out, seed))
    value = dict(zip(portraits, contents, strict=True))
    calibrating = {value[portrait] for portrait in drawn.calibration}
    judging = [value[portrait] for portrait in drawn.held_out]
    assert drawn.calibration and 1 <= len(judging) <= held_out
    assert len(set(judging)) == len(judging)
    assert drawn.is_disjoint is not bool(calibrating & set(judging))
    assert drawn.is_disjoint or len(set(contents)) == 1


def test_without_copies_the_draw_is_as_it_was(tmp_path):
    """Different pictures are neither exchanged nor put in another order."""
    drawn = draw(_written(tmp_path / "pictures", range(0, 200, 10)), 8, 5, 1)
    kept = without_copies(drawn)
    assert (kept.calibration, kept.held_out) == (drawn.calibration, drawn.held_out)
