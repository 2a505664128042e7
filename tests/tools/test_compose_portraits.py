"""Composing portraits: the pictures that the bundled networks learn from."""

import subprocess
import sys

import cv2
import numpy as np
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


def test_shares_decide_who_is_shown_before_what(photographs, tmp_path):
    """Persons of the data set alone, blue ones, and all or none before their own red background."""
    for kind in ("image", "mask"):
        (tmp_path / "people" / kind).mkdir(parents=True)
    picture, matte = np.zeros((300, 300, 3), np.uint8), np.zeros((300, 300), np.uint8)
    picture[..., 2], matte[60:, 100:200] = 200, 255
    picture[matte > 0] = (200, 0, 0)
    cv2.imwrite(str(tmp_path / "people" / "image" / "a.png"), picture)
    cv2.imwrite(str(tmp_path / "people" / "mask" / "a.png"), matte)
    more = ("--count", 9, "--whole", 0, "--photos", 0, "--drawn-share", 0)
    reds = {}
    for own in (0, 1):
        out = tmp_path / str(own)
        done = _compose(tmp_path / "people", photographs, out, *more, "--own-share", own)
        assert done.returncode == 0, done.stderr
        assert not list((out / "photos").iterdir()) and not list((out / "whole/image").iterdir())
        reds[own] = []
        for pair in dataset.find_pairs(out, "train"):
            image, mask = cv2.imread(str(pair.image)).astype(float), cv2.imread(str(pair.mask), 0)
            blue, green, red = image[mask == 0].mean(axis=0)
            reds[own].append(red - max(blue, green))
    # Some pictures are grey, as some of a camera are.
    assert np.median(reds[1]) > 100 and np.median(reds[0]) < 50


def test_what_cannot_be_composed_is_one_line(portraits, photographs, tmp_path):
    """Nothing is written where a folder is missing or empty, or where something is already."""
    (tmp_path / "empty").mkdir()
    people, out = portraits / "train", tmp_path / "out"
    for words, text in (
        ((tmp_path / "no", photographs, out), "no"),
        ((people, tmp_path / "empty", out), "must have pictures"),
        ((people, photographs, portraits), "OUT must be a new folder"),
        ((people, photographs, out, "--own-share", 2), "must be a number from 0 to 1"),
        ((people, photographs, out, "--drawn-share", "nan"), "must be a number from 0 to 1"),
        ((people, photographs, out, "--processes", 0), "must be 1 or more"),
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
