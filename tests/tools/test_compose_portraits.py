"""Composing portraits: the pictures that the bundled networks learn from."""

import subprocess
import sys

import cv2
import pytest

from mmnet_deploy.portraits import dataset
from tests.support import ROOT


@pytest.fixture(scope="module")
def photographs(tmp_path_factory, portraits):
    """Pictures without masks."""
    folder = tmp_path_factory.mktemp("photographs")
    for path in sorted((portraits / "train" / "image").iterdir())[:3]:
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def _compose(*words):
    command = [sys.executable, ROOT / "tools" / "compose_portraits.py", *words]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def test_the_same_numbers_give_the_same_pictures(portraits, photographs, tmp_path):
    """Whatever the number of processes; pictures have mattes of their size, photographs none."""
    counts = ("--count", 6, "--whole", 2, "--photos", 2)
    contents = []
    for processes in (1, 2):
        out = tmp_path / str(processes)
        done = _compose(portraits / "train", photographs, out, *counts, "--processes", processes)
        assert done.returncode == 0, done.stderr
        files = sorted(path for path in out.rglob("*") if path.is_file())
        contents.append({path.relative_to(out): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert len(dataset.find_pairs(out, "train")) == 6 and len(dataset.find_pairs(out, "whole")) == 2
    assert len(list((out / "photos").iterdir())) == 2
    for pair in dataset.find_pairs(out, "train,whole"):
        image, mask = (cv2.imread(str(path), -1) for path in (pair.image, pair.mask))
        assert image.shape == (256, 256, 3) and mask.shape == (256, 256)
        assert mask.max() > 200  # Somebody is there.


def test_what_cannot_be_composed_is_one_line(portraits, photographs, tmp_path):
    """Nothing is written where a folder is missing or empty, or where something is already."""
    (tmp_path / "empty").mkdir()
    people, out = portraits / "train", tmp_path / "out"
    for words, text in (
        ((tmp_path / "no", photographs, out), "no"),
        ((people, tmp_path / "empty", out), "must have pictures"),
        ((people, photographs, portraits), "OUT must be a new folder"),
    ):
        done = _compose(*words, "--count", 1)
        assert done.returncode != 0 and text in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
        assert not out.exists()


def test_a_mask_that_shows_nobody_is_one_line(portraits, photographs, tmp_path):
    """The mask is named, from whichever process."""
    for kind in ("image", "mask"):
        (tmp_path / "people" / kind).mkdir(parents=True)
    source = sorted((portraits / "train" / "image").iterdir())[0]
    picture = cv2.imread(str(source))
    cv2.imwrite(str(tmp_path / "people" / "image" / "a.png"), picture)
    cv2.imwrite(str(tmp_path / "people" / "mask" / "a.png"), 0 * picture[..., 0])
    done = _compose(tmp_path / "people", photographs, tmp_path / "out", "--count", 8)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "must show a person" in done.stderr and "a.png" in done.stderr
