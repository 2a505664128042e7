"""A teacher's mattes: computed once, right, kept whatever happens, and not without end."""

import dataclasses
import os
import time

import numpy as np
import pytest

from mmnet_deploy.errors import OutputError
from mmnet_deploy.mattes.matting import open_model
from mmnet_deploy.portraits import pictures
from mmnet_deploy.progress import silent
from mmnet_deploy.training.teaching import mattes
from mmnet_deploy.training.teaching.mattes import Mattes
from mmnet_deploy.training.teaching.teacher import Teacher
from mmnet_deploy.training.teaching.unlabelled import Unlabelled
from tests.support.teachers import disc, discs, red_matte, red_teacher


@pytest.fixture(scope="module")
def matting(tmp_path_factory):
    """An opened teacher."""
    return open_model(red_teacher(tmp_path_factory.mktemp("teacher") / "red.tflite"), 1)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    """Six pictures without masks."""
    folder = discs(tmp_path_factory.mktemp("pictures"), 6)
    return [Unlabelled.of(path) for path in sorted(folder.iterdir())]


class _Counted:
    """A teacher that counts its mattes, and may fail after some of them."""

    def __init__(self, matting, most=1000):
        self.count = 0
        self._infer, self._most = matting.infer, most
        self.teacher = Teacher("red", dataclasses.replace(matting, infer=self.infer), "red-1")

    def infer(self, tensor):
        if self.count == self._most:
            raise KeyboardInterrupt
        self.count += 1
        return self._infer(tensor)


def test_mattes_are_those_of_the_teacher(matting, wanted, tmp_path):
    """Each is the teacher's alpha of the whole picture at its own size, in 8 bits."""
    kept = Mattes(Teacher("red", matting, "red-1"), tmp_path)
    assert kept.have(wanted, silent) == [True] * 6
    for number, picture in enumerate(wanted):
        found = mattes.read(kept.path(picture)).astype(int)
        assert np.abs(found - red_matte(disc(number))).max() <= 1


def test_what_is_kept_is_not_computed_again(matting, wanted, tmp_path):
    """A second training takes all mattes from the cache; a damaged one is made anew."""
    first = _Counted(matting)
    kept = Mattes(first.teacher, tmp_path)
    kept.have(wanted, silent)
    before = {path: path.read_bytes() for path in kept.folder.iterdir()}
    again = _Counted(matting)
    assert Mattes(again.teacher, tmp_path).have(wanted, silent) == [True] * 6
    assert (first.count, again.count) == (6, 0)
    whole = kept.path(wanted[2]).read_bytes()
    kept.path(wanted[2]).write_bytes(whole[: len(whole) // 2])
    kept.path(wanted[4]).write_bytes(pictures.as_png(disc(0)))
    Mattes(again.teacher, tmp_path).have(wanted, silent)
    assert again.count == 2
    assert {path: path.read_bytes() for path in kept.folder.iterdir()} == before


def test_what_an_interruption_leaves_is_taken_up(matting, wanted, tmp_path):
    """Only what was missing is computed, and no half of a file is left."""
    stopped = _Counted(matting, most=4)
    with pytest.raises(KeyboardInterrupt):
        Mattes(stopped.teacher, tmp_path).have(wanted, silent)
    kept = Mattes(stopped.teacher, tmp_path)
    assert len(list(kept.folder.iterdir())) == 4
    again = _Counted(matting)
    Mattes(again.teacher, tmp_path).have(wanted, silent)
    assert again.count == 2


def test_the_same_picture_twice_is_computed_once(matting, wanted, tmp_path):
    """Names do not matter."""
    counted = _Counted(matting)
    assert len(Mattes(counted.teacher, tmp_path).have([*wanted, *wanted], silent)) == 12
    assert counted.count == 6


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, False), (0.005, False), (0.02, True), (0.9, True), (1.0, False)]
)
def test_a_matte_of_nobody_or_of_everything_shows_no_person(share, expected):
    """So does one of 0.4 everywhere."""
    matte = np.zeros((40, 50), np.uint8)
    matte.flat[: round(share * matte.size)] = 255
    assert mattes.shows_person(matte) is expected
    assert not mattes.shows_person(np.full((40, 50), 102, np.uint8))


def test_the_cache_is_bounded(matting, wanted, tmp_path, monkeypatch):
    """What was not used for longest goes first; what was used of late stays in any case."""
    kept = Mattes(Teacher("red", matting, "red-1"), tmp_path)
    kept.have(wanted, silent)
    files = [kept.path(picture) for picture in wanted]
    written = files[0].stat().st_mtime_ns
    most = sum(path.stat().st_size for path in (files[0], *files[3:]))
    monkeypatch.setattr(mattes, "MOST_BYTES", most)
    kept.clear()
    assert all(path.is_file() for path in files)
    for age, path in enumerate(reversed(files), start=2):
        os.utime(path, (time.time() - age * mattes.KEPT_S, path.stat().st_mtime))
    assert kept.have(wanted[:1], silent) == [True]  # The oldest is used again.
    assert files[0].stat().st_mtime_ns == pytest.approx(written, abs=1000)
    kept.clear()
    assert [path.is_file() for path in files] == [True, False, False, True, True, True]


def test_a_cache_that_cannot_be_written_is_one_line(matting, wanted, tmp_path):
    """The message names the option that helps."""
    (tmp_path / "mattes").write_text("a file")
    with pytest.raises(OutputError, match="--cache"):
        Mattes(Teacher("red", matting, "red-1"), tmp_path).have(wanted, silent)
