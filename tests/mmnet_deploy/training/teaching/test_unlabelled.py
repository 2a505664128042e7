"""Which pictures without masks are learned from, and what is said of the others."""

import contextlib

import cv2
import pytest

from mmnet_deploy.errors import DataError
from mmnet_deploy.training.teaching import unlabelled
from tests.conftest import tiny_config
from tests.support.teachers import disc, discs, labelled_discs, write_picture


class _Told:
    """Progress that keeps its notes."""

    def __init__(self):
        self.notes = []

    @contextlib.contextmanager
    def __call__(self, title, total):
        def advance(note="", steps=1):
            if note:
                self.notes.append(note)

        yield advance


def _chosen(folder, data=""):
    told = _Told()
    config = tiny_config(data, unlabelled=str(folder), teacher="t")
    return [picture.path.name for picture in unlabelled.chosen(config, told)], told.notes


def test_what_cannot_be_read_is_named_and_left_out(tmp_path):
    """Damaged, truncated and empty files, and copies, do not stop a training."""
    folder = discs(tmp_path / "pictures", 4)
    whole = (folder / "001.png").read_bytes()
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").touch()
    (folder / "same.png").write_bytes(whole)
    names, notes = _chosen(folder)
    assert names == ["000.png", "001.png", "002.png", "003.png"]
    assert len(notes) == 4
    for note, name in zip(notes, ("broken.jpg", "cut.png", "empty.png"), strict=False):
        assert name in note and "left out" in note
    assert "1 are copies of others" in notes[3]


def test_many_that_cannot_be_read_are_counted(tmp_path):
    """Twenty are named."""
    folder = discs(tmp_path / "pictures", 1)
    for number in range(unlabelled.MOST_NAMED + 3):
        (folder / f"bad{number}.png").write_bytes(b"no")
    names, notes = _chosen(folder)
    assert names == ["000.png"]
    assert len(notes) == unlabelled.MOST_NAMED + 1
    assert "3 more pictures" in notes[-1]


def test_pictures_of_the_data_set_are_left_out(tmp_path):
    """Under another name and in another format too; most of all those of the test split."""
    data = labelled_discs(labelled_discs(tmp_path / "data", "train", 3), "test", 2, first=200)
    folder = discs(tmp_path / "pictures", 2)
    write_picture(folder / "a.png", disc(100))
    write_picture(folder / "b.bmp", disc(201))
    names, notes = _chosen(folder, data)
    assert names == ["000.png", "001.png"]
    assert len(notes) == 1 and "2 are also in" in notes[0] and "left out" in notes[0]


def test_a_folder_without_pictures_of_its_own_is_refused(tmp_path):
    """The message says what is wrong, and where pictures are if there are any nearby."""
    data = labelled_discs(tmp_path / "data", "train", 2)
    with pytest.raises(DataError, match=r"also in .* must hold others"):
        _chosen(data / "train" / "image", data)
    with pytest.raises(DataError, match=r"has none. Its pictures are in .*image: give that"):
        _chosen(data)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="`--unlabelled` must be a folder with pictures"):
        _chosen(tmp_path / "empty")
    with pytest.raises(DataError, match="Cannot list the folder"):
        _chosen(tmp_path / "nowhere")
    (tmp_path / "empty" / "a.png").write_bytes(cv2.imencode(".png", disc(0))[1].tobytes()[:40])
    with pytest.raises(DataError, match=r"None of the 1 pictures in .* can be read"):
        _chosen(tmp_path / "empty")
