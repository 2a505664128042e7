"""Decoded pictures: the same from memory and from files, built once, never damaged."""

import errno
import os
import shutil

import numpy as np
import pytest

from mmnet_deploy.errors import DataError, OutputError
from mmnet_deploy.portraits import dataset, foreground, pictures, synthetic
from mmnet_deploy.training.pictures import decoded
from mmnet_deploy.training.pictures.decoded import PictureStore


@pytest.fixture
def pairs(portraits):
    """Six pairs of the shared data set."""
    return dataset.find_pairs(portraits, "train")[:6]


def _counted(monkeypatch):
    """How many pictures are read from now on."""
    read = []
    real = dataset.read_pair
    monkeypatch.setattr(dataset, "read_pair", lambda pair: read.append(pair) or real(pair))
    return read


def test_pictures_are_resized_with_their_masks(pairs):
    """Each row is a pair, in order, as inference resizes it."""
    found = decoded.decode(pairs, 20)
    assert found.pictures.shape == (6, 20, 20, 4) and len(found) == 6
    image, mask = dataset.read_pair(pairs[3])
    np.testing.assert_array_equal(found.images[3], pictures.resized(image, 20, 20))
    np.testing.assert_array_equal(found.masks[3], pictures.resized(mask, 20, 20))
    assert found.foregrounds is None


def test_beyond_the_limit_pictures_are_mapped_from_files(pairs, tmp_path, monkeypatch):
    """Files give what memory would, are read only, and are built once."""
    plain = decoded.decode(pairs, 20)
    read = _counted(monkeypatch)
    for _ in range(2):
        mapped = decoded.decode(pairs, 20, PictureStore(tmp_path, memory_limit_bytes=100))
        assert isinstance(mapped.pictures, np.memmap) and not mapped.pictures.flags.writeable
        np.testing.assert_array_equal(mapped.pictures, plain.pictures)
        np.testing.assert_array_equal(mapped.soft, plain.soft)
    assert len(read) == len(pairs)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_within_the_limit_no_file_is_written(pairs, tmp_path):
    """What memory holds stays there."""
    decoded.decode(pairs, 20, PictureStore(tmp_path, memory_limit_bytes=10**6))
    assert not list(tmp_path.iterdir())


def test_damaged_files_are_built_anew(pairs, tmp_path):
    """A file whose hash is another is not trusted."""
    store = PictureStore(tmp_path, memory_limit_bytes=100)
    plain = decoded.decode(pairs, 20)
    decoded.decode(pairs, 20, store)
    (path,) = tmp_path.rglob("pictures.npy")
    with path.open("r+b") as file:
        file.seek(500)
        file.write(b"damage")
    np.testing.assert_array_equal(decoded.decode(pairs, 20, store).pictures, plain.pictures)
    (contents,) = tmp_path.rglob(decoded.CONTENTS)
    for damage in ("{}", "[]", "[" * 100_000, '{"other.npy": ""}'):
        contents.write_text(damage)
        path.unlink()
        np.testing.assert_array_equal(decoded.decode(pairs, 20, store).pictures, plain.pictures)


def test_a_changed_picture_is_noticed(portraits, tmp_path, monkeypatch):
    """Another file of the same name is not taken for what was decoded."""
    root = tmp_path / "data"
    shutil.copytree(portraits, root)
    pairs = dataset.find_pairs(root, "test")
    store = PictureStore(tmp_path / "cache", memory_limit_bytes=100)
    before = decoded.decode(pairs, 20, store).pictures.copy()
    shutil.copy(pairs[1].image, pairs[0].image)
    shutil.copy(pairs[1].mask, pairs[0].mask)
    after = decoded.decode(pairs, 20, store).pictures
    np.testing.assert_array_equal(after[0], before[1])


def test_foregrounds_are_estimated_once(pairs, tmp_path, monkeypatch):
    """They are kept in files even where memory holds them, for soft masks only."""
    store = PictureStore(tmp_path, memory_limit_bytes=10**9)
    monkeypatch.setattr(foreground, "SOFT_WIDTH_PX", 0.1)
    first = decoded.decode(pairs, 20, store, with_foregrounds=True)
    assert first.soft.all() and first.foregrounds is not None
    expected = foreground.estimate(
        np.ascontiguousarray(first.images[2]), np.ascontiguousarray(first.masks[2])
    )
    np.testing.assert_array_equal(first.foregrounds[2], expected)
    read = _counted(monkeypatch)
    again = decoded.decode(pairs, 20, store, with_foregrounds=True)
    np.testing.assert_array_equal(again.foregrounds, first.foregrounds)
    assert not read and not isinstance(again.pictures, np.memmap)


def test_files_that_vanish_are_named(tmp_path):
    """A picture that is gone when it is read is one clear error, and nothing is left behind."""
    synthetic.write_dataset(tmp_path / "data", count=4, size=48, seed=0)
    pairs = dataset.find_pairs(tmp_path / "data", "train")
    pairs[0].image.unlink()
    for store in (None, PictureStore(tmp_path / "cache", memory_limit_bytes=100)):
        with pytest.raises(DataError, match=f"{pairs[0].image.name}.*cannot be read"):
            decoded.decode(pairs, 20, store)
    assert not (tmp_path / "cache").exists()


def test_a_bad_file_leaves_no_half_of_the_files(tmp_path):
    """What was begun aside goes when a picture cannot be decoded."""
    synthetic.write_dataset(tmp_path / "data", count=4, size=48, seed=0)
    pairs = dataset.find_pairs(tmp_path / "data", "train")
    pairs[-1].mask.write_bytes(b"no picture")
    with pytest.raises(DataError, match="1 problem"):
        decoded.decode(pairs, 20, PictureStore(tmp_path / "cache", memory_limit_bytes=100))
    assert not list((tmp_path / "cache").iterdir())


def test_a_disk_that_fills_up_ends_with_an_error_and_not_with_a_signal(
    pairs, tmp_path, monkeypatch
):
    """The files get their place before they are mapped: a page without any is a bus error."""
    asked = []

    def full(descriptor, offset, length):
        asked.append(length)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OutputError, match="No space left on device"):
        decoded.decode(pairs, 20, PictureStore(tmp_path / "cache", memory_limit_bytes=100))
    assert asked and asked[0] > len(pairs) * 20 * 20 * 4
    assert not list((tmp_path / "cache").iterdir())


def test_a_cache_that_cannot_be_written_or_is_too_small_is_one_clear_error(
    pairs, tmp_path, monkeypatch
):
    """A file in its place, and a disk without room."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"):
        decoded.decode(pairs, 20, PictureStore(tmp_path / "file", memory_limit_bytes=100))
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match="Give --cache elsewhere"):
        decoded.decode(pairs, 20, PictureStore(tmp_path / "cache", memory_limit_bytes=100))


def test_pictures_without_masks_can_be_decoded(pairs, tmp_path):
    """Backgrounds are pictures alone, and a bad one is named."""
    found = decoded.decode_pictures([pair.image for pair in pairs], 20)
    np.testing.assert_array_equal(found[..., :3], decoded.decode(pairs, 20).images)
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"bad\.jpg"):
        decoded.decode_pictures([tmp_path / "bad.jpg"], 20)
