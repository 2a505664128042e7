"""Portraits and masks on disk: what is paired, what is read, what is refused."""

import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits import dataset, formats, pictures
from mmnet_deploy.progress import silent
from mmnet_deploy.training.pictures import decoded
from tests.support.datasets import GREY, SMOOTH, write, write_pair


def _load(pairs, size, progress=silent):
    """Pictures and masks as training and its validation read them."""
    found = decoded.decode(pairs, size, progress=progress)
    return found.images, found.masks


def problems(root, *splits):
    """Every problem of a data set: the file's path below its root, and the rule."""
    return {
        (problem.path.relative_to(root).as_posix(), problem.rule)
        for summary in dataset.examine(root, splits)
        for problem in summary.problems
    }


# --- Pairing -----------------------------------------------------------------


@pytest.mark.parametrize("mask", [".jpg", ".jpeg", ".png", ".PNG"])
@pytest.mark.parametrize("image", [".jpg", ".jpeg", ".png", ".JPG"])
def test_pairs_share_a_stem_and_not_an_extension(tmp_path, image, mask):
    """Any of the extensions may stand on either side."""
    write_pair(tmp_path, "a.b ü", image=image, mask=mask)
    (pair,) = dataset.find_pairs(tmp_path, "train")
    assert pair.name == "a.b ü"
    assert (pair.image.name, pair.mask.name) == (f"a.b ü{image}", f"a.b ü{mask}")
    assert [picture.shape for picture in dataset.read_pair(pair)] == [(24, 32, 3), (24, 32)]


def test_pairs_come_in_order_of_their_names(tmp_path):
    """The order does not depend on the file system."""
    for name in ("c", "a", "B", "10", "2"):
        write_pair(tmp_path, name)
    assert [pair.name for pair in dataset.find_pairs(tmp_path, "train")] == [
        "10",
        "2",
        "B",
        "a",
        "c",
    ]


def test_hidden_and_foreign_files_are_no_pictures(tmp_path):
    """Files that start with a dot or have another suffix do not count."""
    write_pair(tmp_path, "a")
    for side in ("image", "mask"):
        for name in (".hidden.png", "._a.jpg", ".DS_Store", "Thumbs.db", "notes.txt", "a.npy"):
            (tmp_path / "train" / side / name).write_text("no picture")
    assert [pair.name for pair in dataset.find_pairs(tmp_path, "train")] == ["a"]
    assert not problems(tmp_path)


@pytest.mark.parametrize(("kept", "lost"), [("image", "mask"), ("mask", "image")])
def test_file_without_partner_is_refused(tmp_path, kept, lost):
    """A picture without mask and a mask without picture are both problems."""
    write_pair(tmp_path, "a")
    path = write(tmp_path / "train" / kept / "b.png", GREY)
    with pytest.raises(DataError, match=rf"b\.png: has no {lost} of the same stem"):
        dataset.find_pairs(tmp_path, "train")
    assert problems(tmp_path) == {
        (path.relative_to(tmp_path).as_posix(), f"has no {lost} of the same stem.")
    }


@pytest.mark.parametrize("side", ["image", "mask"])
def test_two_files_of_one_stem_are_refused(tmp_path, side):
    """It would be unclear which of the two belongs to the pair."""
    write_pair(tmp_path, "a", image=".jpg", mask=".jpg")
    write(tmp_path / "train" / side / "a.png", GREY)
    with pytest.raises(DataError, match=r"a\.png: has the same stem as a\.jpg"):
        dataset.find_pairs(tmp_path, "train")


def test_unknown_split_names_the_known_ones(tmp_path):
    """The message says which splits there are."""
    write_pair(tmp_path, "a", "train")
    write_pair(tmp_path, "a", "test")
    (tmp_path / "notes").mkdir()
    for ask in (dataset.find_pairs, lambda root, split: dataset.examine(root, [split])):
        with pytest.raises(DataError, match=r"has no split 'valid'\. It has: test, train\."):
            ask(tmp_path, "valid")


def test_folder_that_is_no_data_set_is_refused(tmp_path):
    """A missing folder and one without splits are told apart; the second is shown the layout."""
    with pytest.raises(DataError, match="There is no folder"):
        dataset.find_pairs(tmp_path / "missing", "train")
    with pytest.raises(DataError, match=r"holds no data set\. Expected: ROOT/<split>/image"):
        dataset.find_pairs(tmp_path, "train")


def test_split_with_one_side_or_no_pictures_is_refused(tmp_path):
    """A missing mask folder and two empty folders are problems, not empty data sets."""
    (tmp_path / "half" / "image").mkdir(parents=True)
    for side in ("image", "mask"):
        (tmp_path / "empty" / side).mkdir(parents=True)
    assert problems(tmp_path, "half") == {("half/mask", "the folder is missing.")}
    with pytest.raises(DataError, match="holds no pictures"):
        dataset.find_pairs(tmp_path, "empty")


def test_pictures_that_cannot_be_read_are_problems(tmp_path):
    """A format that would be left out without a word is named."""
    write_pair(tmp_path, "a")
    (tmp_path / "train" / "image" / "b.psd").write_bytes(b"8BPS")
    rule = "is left out: PSD pictures cannot be read. Convert it to JPEG or PNG."
    assert problems(tmp_path) == {("train/image/b.psd", rule)}
    with pytest.raises(DataError, match=r"b\.psd: is left out"):
        dataset.find_pairs(tmp_path, "train")


def test_pairs_of_any_formats(tmp_path):
    """What OpenCV or Pillow reads whole may stand on either side."""
    for image, mask in ((".webp", ".tiff"), (".tif", ".bmp"), (".bmp", ".webp"), (".jpe", ".avif")):
        write_pair(tmp_path, image[1:], image=image, mask=mask)
    pairs = dataset.find_pairs(tmp_path, "train")
    assert len(pairs) == 4
    for pair in pairs:
        assert [p.shape for p in dataset.read_pair(pair)] == [(24, 32, 3), (24, 32)]
    assert not problems(tmp_path)


@pytest.mark.parametrize(("image", "mask"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_accented_names_match_in_both_unicode_forms(tmp_path, image, mask):
    """A copy made on a Mac may have other bytes for the same letters; the pair has one name."""
    for side, form in (("image", image), ("mask", mask)):
        name = unicodedata.normalize(form, "Zoë-각")
        write(tmp_path / "train" / side / f"{name}.png", SMOOTH if side == "image" else GREY)
    (pair,) = dataset.find_pairs(tmp_path, "train")
    assert pair.name == unicodedata.normalize("NFC", "Zoë-각")
    assert not problems(tmp_path)


def test_both_unicode_forms_on_one_side_are_two_files_of_one_stem(tmp_path):
    """It would be unclear which of the two belongs to the pair."""
    write_pair(tmp_path, "é")
    write(tmp_path / "train" / "image" / "e\u0301.png", SMOOTH)
    with pytest.raises(DataError, match="has the same stem as"):
        dataset.find_pairs(tmp_path, "train")


def test_litter_is_no_split_and_no_picture(tmp_path):
    """What macOS packs beside the files is passed over at every depth."""
    write_pair(tmp_path, "a")
    for folder in ("__MACOSX", ".cache"):
        write(tmp_path / folder / "image" / "b.png", SMOOTH)
    for side in ("image", "mask"):
        for name in ("._a.jpg", "._a.webp", ".b.heic", "Thumbs.db"):
            (tmp_path / "train" / side / name).write_bytes(b"\0\x05\x16\x07")
    assert dataset.split_names(tmp_path) == ["train"]
    assert not problems(tmp_path)


def test_sizes_of_a_pair_must_agree(tmp_path):
    """The message has both sizes as width×height, and blames the mask."""
    pair = dataset.Pair(
        "a", write(tmp_path / "a.jpg", SMOOTH), write(tmp_path / "a.png", GREY[:20, :30])
    )
    with pytest.raises(DataError, match=r"a\.png: is 30×20 pixels, its picture 32×24\."):
        dataset.read_pair(pair)


# --- Whole data sets ---------------------------------------------------------


@pytest.fixture
def broken(tmp_path):
    """A split with a sound pair and one of everything that can be wrong."""
    image, mask = tmp_path / "train" / "image", tmp_path / "train" / "mask"
    names = "sound text empty cut cutpng colour nothing size twin both"
    for name in names.split():
        write_pair(tmp_path, name)
    write(image / "lone.png", SMOOTH)
    write(mask / "stray.png", GREY)
    write(image / "twin.png", SMOOTH)
    (mask / "text.png").write_text("no picture")
    (image / "empty.jpg").write_bytes(b"")
    (image / "cut.jpg").write_bytes((image / "cut.jpg").read_bytes()[:-40])
    (mask / "cutpng.png").write_bytes((mask / "cutpng.png").read_bytes()[:-40])
    write(mask / "colour.png", SMOOTH)
    write(mask / "nothing.png", np.zeros_like(GREY))
    write(mask / "size.png", GREY[:20])
    (image / "both.jpg").write_bytes(b"")
    write(mask / "both.png", SMOOTH)
    (image / ".hidden.jpg").write_bytes(b"")
    return tmp_path


def test_examination_lists_everything_at_once(broken):
    """One pass names every offending file with the rule that it breaks, and no other."""
    rules = {
        "image/lone.png": "has no mask of the same stem.",
        "mask/stray.png": "has no image of the same stem.",
        "image/twin.png": "has the same stem as twin.jpg.",
        "mask/text.png": f"is no picture. Formats that are read: {formats.READ}.",
        "image/empty.jpg": "is empty.",
        "image/cut.jpg": "is a damaged JPEG (Premature end of JPEG file).",
        "mask/cutpng.png": "is truncated.",
        "mask/colour.png": "a mask must be grey; this one has colours.",
        "mask/nothing.png": "is empty: it has no foreground.",
        "mask/size.png": "is 32×20 pixels, its picture 32×24.",
        "image/both.jpg": "is empty.",
        "mask/both.png": "a mask must be grey; this one has colours.",
    }
    assert problems(broken) == {(f"train/{path}", rule) for path, rule in rules.items()}
    (summary,) = dataset.examine(broken)
    assert len(summary.problems) == len(rules)


def test_loading_counts_the_problems_in_one_error(broken):
    """Files that cannot be read are counted, one is named, and the way to see all is shown."""
    pairs = [
        dataset.Pair(name, broken / f"train/image/{name}.jpg", broken / f"train/mask/{name}.png")
        for name in ("sound", "text", "colour", "size", "nothing")
    ]
    with pytest.raises(DataError) as error:
        _load(pairs, 16)
    assert "3 problems" in str(error.value)
    assert f"mmnet-deploy dataset check {broken})" in str(error.value)
    assert any(f"/mask/{name}.png: " in str(error.value) for name in ("text", "colour", "size"))


def test_finding_pairs_counts_the_problems(broken):
    """The error on files without partner counts them, too."""
    with pytest.raises(DataError, match=r"\(3 problems in this data set"):
        dataset.find_pairs(broken, "train")


def test_one_problem_is_singular(tmp_path):
    """The count reads well for a single problem."""
    write_pair(tmp_path, "a")
    (tmp_path / "train/mask/a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.png: is empty\. \(1 problem in"):
        _load(dataset.find_pairs(tmp_path, "train"), 16)


def test_loading_gives_squares_in_order(tmp_path):
    """Pictures and masks come in the order of the pairs, each resized to the square."""
    for name, level in (("a", 10), ("b", 200)):
        write(tmp_path / f"train/image/{name}.png", np.full((20, 30, 3), level, np.uint8))
        write(tmp_path / f"train/mask/{name}.png", np.full((20, 30), level + 1, np.uint8))
    pairs = dataset.find_pairs(tmp_path, "train")
    images, masks = _load(pairs[::-1], 16)
    assert (images.shape, images.dtype) == ((2, 16, 16, 3), np.uint8)
    assert (masks.shape, masks.dtype) == ((2, 16, 16), np.uint8)
    assert [np.unique(image).tolist() for image in images] == [[200], [10]]
    assert [np.unique(mask).tolist() for mask in masks] == [[201], [11]]


def test_loading_equals_reading_and_resizing(tmp_path):
    """What is loaded at once is what is read one by one."""
    write_pair(tmp_path, "a")
    pairs = dataset.find_pairs(tmp_path, "train")
    image, mask = dataset.read_pair(pairs[0])
    images, masks = _load(pairs, 16)
    assert np.array_equal(images[0], pictures.resized(image, 16, 16))
    assert np.array_equal(masks[0], pictures.resized(mask, 16, 16))


def test_examination_summarises_sound_pairs(tmp_path):
    """Sizes and foreground shares are least, middle and greatest over the pairs."""
    for index, (width, height, share) in enumerate([(8, 30, 0.5), (16, 20, 0.25), (32, 10, 1.0)]):
        mask = np.zeros((height, width), np.uint8)
        mask[:, : int(width * share)] = 255
        write(tmp_path / f"test/image/{index}.png", np.dstack([mask] * 3))
        write(tmp_path / f"test/mask/{index}.png", mask)
    (summary,) = dataset.examine(tmp_path)
    assert summary == dataset.SplitSummary(
        "test", 3, (8, 16, 32), (10, 20, 30), (0.25, 0.5, 1.0), ()
    )


def test_examination_takes_the_splits_asked_for(tmp_path):
    """By default all splits are read, else those named, in that order."""
    for split in ("test", "train", "extra"):
        write_pair(tmp_path, "a", split)
    assert [s.split for s in dataset.examine(tmp_path)] == ["extra", "test", "train"]
    assert [s.split for s in dataset.examine(tmp_path, ["train", "test"])] == ["train", "test"]


def test_examination_of_nothing_sound(tmp_path):
    """A split whose every pair is broken has zeros for sizes, and its problem."""
    write_pair(tmp_path, "a")
    (tmp_path / "train/mask/a.png").write_bytes(b"")
    (summary,) = dataset.examine(tmp_path)
    assert (summary.pairs, summary.width_px, summary.foreground_share) == (1, (0,) * 3, (0,) * 3)
    assert [str(problem) for problem in summary.problems] == [
        f"{tmp_path / 'train/mask/a.png'}: is empty."
    ]


def test_progress_is_one_step_per_pair(tmp_path):
    """Whoever listens hears the number of pairs, then one step for each."""
    heard = []

    class Listener:
        def __init__(self, title, total):
            heard.append((title, total))

        def __enter__(self):
            return lambda note="", steps=1: heard.append(steps)

        def __exit__(self, *error):
            heard.append("end")

    for index in range(70):
        write_pair(tmp_path, f"{index}")
    _load(dataset.find_pairs(tmp_path, "train"), 8, Listener)
    assert heard[0][1] == 70
    assert heard[1:] == [1] * 70 + ["end"]


def test_paths_with_a_colon_are_named_whole(tmp_path):
    """The message of a failed load has the full path, whatever its characters."""
    root = tmp_path / "set: one"
    write_pair(root, "a")
    (root / "train/mask/a.png").write_bytes(b"")
    with pytest.raises(DataError, match=re.escape(f"{root / Path('train/mask/a.png')}: is empty.")):
        _load(dataset.find_pairs(root, "train"), 8)
