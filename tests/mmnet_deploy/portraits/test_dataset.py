"""Portraits and masks on disk: what is paired, what is read, what is refused."""

import io
import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.progress import silent
from mmnet_deploy.training.pictures import decoded

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (24, 32), dtype=np.uint8)
SMOOTH = np.empty((24, 32, 3), np.uint8)
SMOOTH[..., 0] = np.arange(24)[:, np.newaxis] * 10
SMOOTH[..., 1] = np.arange(32) * 8
SMOOTH[..., 2] = 99


def _load(pairs, size, progress=silent):
    """Pictures and masks as training and its validation read them."""
    found = decoded.decode(pairs, size, progress=progress)
    return found.images, found.masks


def write(path, picture):
    """Encode an RGB or grey picture by the suffix of `path`."""
    if picture.ndim == 3 and picture.shape[2] == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    elif picture.ndim == 3 and picture.shape[2] == 4:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA)
    _, content = cv2.imencode(path.suffix.lower(), picture)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.tobytes())
    return path


def write_pair(root, name, split="train", image=".jpg", mask=".png"):
    """A sound pair."""
    write(root / split / "image" / f"{name}{image}", SMOOTH)
    write(root / split / "mask" / f"{name}{mask}", GREY)


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


def test_pictures_of_a_missing_folder(tmp_path):
    """A folder that cannot be listed is named with the system's reason."""
    with pytest.raises(DataError, match=r"Cannot list the folder .*none: No such file"):
        pictures.pictures_in(tmp_path / "none")


# --- Reading one file --------------------------------------------------------


def test_pictures_are_rgb(tmp_path):
    """The channels of a lossless picture come back in the order red, green, blue."""
    assert np.array_equal(pictures.read_image(write(tmp_path / "a.png", SMOOTH)), SMOOTH)


@pytest.mark.parametrize("kind", ["grey", "RGBA", "16-bit"])
def test_pictures_of_other_kinds_become_8_bit_rgb(tmp_path, kind):
    """Grey, transparent and 16-bit pictures are read as uint8 RGB."""
    picture = {
        "grey": GREY,
        "RGBA": np.dstack([SMOOTH, GREY]),
        "16-bit": SMOOTH.astype(np.uint16) * 257,
    }[kind]
    expected = np.dstack([GREY] * 3) if kind == "grey" else SMOOTH
    image = pictures.read_image(write(tmp_path / "a.png", picture))
    assert image.dtype == np.uint8
    assert np.array_equal(image, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(tmp_path, orientation):
    """The EXIF orientation of a camera's JPEG is applied."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(SMOOTH).save(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    turned = {
        1: SMOOTH,
        2: SMOOTH[:, ::-1],
        3: SMOOTH[::-1, ::-1],
        4: SMOOTH[::-1],
        5: SMOOTH.transpose(1, 0, 2),
        6: np.rot90(SMOOTH, -1),
        7: SMOOTH[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(SMOOTH),
    }
    image = pictures.read_image(tmp_path / "a.jpg")
    assert image.shape == turned[orientation].shape
    assert np.abs(image.astype(int) - turned[orientation]).max() <= 6


def test_mask_is_turned_like_its_picture(tmp_path):
    """A JPEG mask with an orientation stays aligned with the picture of the same camera."""
    exif = Image.Exif()
    exif[0x0112] = 6
    mask = np.zeros((40, 20), np.uint8)
    mask[:10] = 255
    Image.fromarray(mask).save(tmp_path / "a.jpg", exif=exif, quality=100)
    read = pictures.read_mask(tmp_path / "a.jpg")
    assert read.shape == (20, 40)
    assert np.abs(read.astype(int) - np.rot90(mask, -1)).max() <= 6


def test_mask_is_read_exactly(tmp_path):
    """An 8-bit grey PNG comes back as it is."""
    mask = pictures.read_mask(write(tmp_path / "a.png", GREY))
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, GREY)


def test_16_bit_mask_is_reduced(tmp_path):
    """0 … 65535 becomes 0 … 255, rounded to the nearest level."""
    levels = np.array([[0, 128, 129, 257, 385, 386, 32768, 65406, 65407, 65535]], np.uint16)
    mask = pictures.read_mask(write(tmp_path / "a.png", levels))
    assert mask.dtype == np.uint8
    assert mask.tolist() == [[0, 0, 1, 1, 1, 2, 128, 254, 255, 255]]


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_alpha_of_a_transparent_mask_is_the_mask(tmp_path, depth):
    """Of an RGBA cut-out the alpha channel counts, whatever its colours."""
    factor = 257 if depth == np.uint16 else 1
    picture = np.dstack([SMOOTH, GREY]).astype(depth) * depth(factor)
    assert np.array_equal(pictures.read_mask(write(tmp_path / "a.png", picture)), GREY)


def test_alpha_of_an_opaque_mask_is_ignored(tmp_path):
    """An RGBA mask that is opaque throughout is read as grey."""
    picture = np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)])
    assert np.array_equal(pictures.read_mask(write(tmp_path / "a.png", picture)), GREY)


@pytest.mark.parametrize("opaque", [True, False])
def test_grey_mask_with_alpha(tmp_path, opaque):
    """The same holds for grey with alpha."""
    alpha = np.full_like(GREY, 255) if opaque else 255 - GREY
    Image.fromarray(np.dstack([GREY, alpha]), "LA").save(tmp_path / "a.png")
    assert np.array_equal(pictures.read_mask(tmp_path / "a.png"), GREY if opaque else alpha)


@pytest.mark.parametrize("mode", ["1", "P"])
def test_masks_of_one_bit_and_with_a_palette(tmp_path, mode):
    """Black-and-white and palette PNGs are masks of 0 and 255."""
    picture = Image.fromarray(GREY > 99).convert(mode)
    picture.save(tmp_path / "a.png")
    assert np.array_equal(pictures.read_mask(tmp_path / "a.png"), np.where(GREY > 99, 255, 0))


@pytest.mark.parametrize(("difference", "accepted"), [(8, True), (9, False)])
def test_coloured_mask_is_refused(tmp_path, difference, accepted):
    """What JPEG does to grey is forgiven, colours are not."""
    grey = GREY // 2
    path = write(tmp_path / "a.png", np.dstack([grey, grey, grey + np.uint8(difference)]))
    if accepted:
        assert np.abs(pictures.read_mask(path).astype(int) - grey).max() <= 8
    else:
        with pytest.raises(DataError, match=r"a\.png: a mask must be grey; this one has colours"):
            pictures.read_mask(path)


def test_jpeg_mask_of_three_channels_is_grey(tmp_path):
    """A mask that was stored as a colour JPEG can be used."""
    grey = cv2.GaussianBlur(GREY, (0, 0), 3)
    mask = pictures.read_mask(write(tmp_path / "a.jpg", np.dstack([grey] * 3)))
    assert np.abs(mask.astype(int) - grey).max() <= 12


@pytest.mark.parametrize("read", [pictures.read_image, pictures.read_mask])
@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "is empty"),
        (b"these are words", "is neither a JPEG nor a PNG picture"),
        (b"GIF89a", "is neither a JPEG nor a PNG picture"),
        (b"\xff\xd8 words \xff\xd9", r"is a damaged JPEG \(.+\)"),
        (b"\x89PNG\r\n\x1a\n words IEND", "cannot be decoded; it is damaged or too large"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path, read, content, rule):
    """The content decides, not the name, and the message names the file."""
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: {rule}\.$"):
        read(path)


def test_damage_inside_a_jpeg_is_found(tmp_path):
    """Neither an end marker put back nor bytes changed in the middle go unnoticed."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg", quality=90)
    content = (tmp_path / "a.jpg").read_bytes()
    half = len(content) // 2
    for damaged in (content[:half] + b"\xff\xd9", content[:half] + bytes(40) + content[half:]):
        (tmp_path / "a.jpg").write_bytes(damaged)
        with pytest.raises(DataError, match="is a damaged JPEG"):
            pictures.read_image(tmp_path / "a.jpg")


def test_a_pipe_is_not_waited_for(tmp_path):
    """What is no regular file is refused at once."""
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DataError, match="not a regular file"):
        pictures.read_image(tmp_path / "a.png")


def test_pictures_of_other_formats_are_problems(tmp_path):
    """A format that would be left out without a word is named."""
    for side in ("image", "mask"):
        (tmp_path / "train" / side).mkdir(parents=True)
    (tmp_path / "train" / "image" / "a.webp").write_bytes(b"RIFF")
    (summary,) = dataset.examine(tmp_path)
    assert any(
        "a.webp" in str(problem) and "left out" in str(problem) for problem in summary.problems
    )


def test_a_mask_of_zeros_and_ones_is_a_problem(tmp_path):
    """Labels 0 and 1 are almost black as a matte; the mistake is named."""
    write(tmp_path / "train" / "image" / "a.png", np.zeros((8, 8, 3), np.uint8))
    write(tmp_path / "train" / "mask" / "a.png", np.eye(8, dtype=np.uint8))
    (summary,) = dataset.examine(tmp_path)
    (problem,) = summary.problems
    assert "0 and 1" in str(problem)


@pytest.mark.parametrize("read", [pictures.read_image, pictures.read_mask])
def test_missing_file_and_folder_are_refused(tmp_path, read):
    """The system's reason is in the message."""
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read(tmp_path / "a.png")
    with pytest.raises(DataError, match="is not a regular file"):
        read(tmp_path)


@given(st.sampled_from([".jpg", ".png"]), st.floats(0.0, 0.999))
@settings(max_examples=40, deadline=None)
def test_truncated_pictures_are_refused(tmp_path_factory, suffix, share):
    """However much of a file is missing, it is no picture, never one with a grey part."""
    path = write(tmp_path_factory.mktemp("cut") / f"a{suffix}", SMOOTH)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    for read in (pictures.read_image, pictures.read_mask):
        with pytest.raises(DataError):
            read(path)


@pytest.mark.parametrize("subsampling", ["444", "422", "420", "440", "Gray"])
def test_a_jpeg_has_the_same_pixels_with_exif_data_and_without(tmp_path, subsampling):
    """The decoder that is taken where nothing has to be turned gives what OpenCV gives."""
    picture = SMOOTH[..., :1] if subsampling == "Gray" else SMOOTH
    content = simplejpeg.encode_jpeg(
        np.ascontiguousarray(picture),
        colorspace="GRAY" if subsampling == "Gray" else "RGB",
        colorsubsampling=subsampling,
    )
    (tmp_path / "a.jpg").write_bytes(content)
    mark = b"\xff\xe1" + (8).to_bytes(2, "big") + b"Exif\0\0"
    (tmp_path / "b.jpg").write_bytes(content[:2] + mark + content[2:])
    plain, marked = (pictures.read_image(tmp_path / name) for name in ("a.jpg", "b.jpg"))
    assert np.array_equal(plain, marked)


def test_truncated_jpeg_with_a_thumbnail_is_refused(tmp_path):
    """The end mark of an embedded thumbnail does not pass for that of the picture."""
    picture, thumbnail, content = Image.fromarray(SMOOTH), io.BytesIO(), io.BytesIO()
    picture.resize((8, 6)).save(thumbnail, "JPEG")
    picture.resize((320, 240)).save(content, "JPEG", comment=thumbnail.getvalue())
    path = tmp_path / "a.jpg"
    path.write_bytes(content.getvalue()[:-200])
    with pytest.raises(DataError, match=r"a\.jpg: "):
        pictures.read_image(path)


def test_sizes_of_a_pair_must_agree(tmp_path):
    """The message has both sizes as width×height, and blames the mask."""
    pair = dataset.Pair(
        "a", write(tmp_path / "a.jpg", SMOOTH), write(tmp_path / "a.png", GREY[:20, :30])
    )
    with pytest.raises(DataError, match=r"a\.png: is 30×20 pixels, its picture 32×24\."):
        dataset.read_pair(pair)


# --- Resizing ----------------------------------------------------------------


def test_resizing_to_the_same_size_changes_nothing():
    """A picture that has the size already comes back as it is."""
    assert np.array_equal(pictures.resized(GREY, 24, 32), GREY)


@pytest.mark.parametrize("picture", [GREY, SMOOTH], ids=["mask", "picture"])
def test_shrinking_averages_areas(picture):
    """At a quarter of the size, each pixel is the mean of sixteen."""
    small = pictures.resized(picture, 6, 8)
    means = picture.reshape(6, 4, 8, 4, -1).mean(axis=(1, 3)).reshape(small.shape)
    assert small.dtype == np.uint8
    assert np.abs(small - means).max() <= 0.5


def test_enlarging_is_bilinear_between_pixel_centres():
    """New pixels are weighted means of their neighbours; the border is repeated."""
    large = pictures.resized(np.array([[0, 100]], np.uint8), 2, 4)
    assert large.tolist() == [[0, 25, 75, 100]] * 2


def test_stretching_one_side_is_bilinear():
    """If only one side shrinks, areas are not averaged; the result lies within the range."""
    changed = pictures.resized(np.array([[0, 200], [0, 200], [0, 200]], np.uint8), 1, 4)
    assert changed.tolist() == [[0, 50, 150, 200]]


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_resizing_keeps_kind_and_range(height, width):
    """Any size has that shape, uint8, and invents no brightness."""
    for picture in (GREY // 2 + 50, SMOOTH):
        changed = pictures.resized(picture, height, width)
        assert changed.shape == (height, width, *picture.shape[2:])
        assert changed.dtype == np.uint8
        assert picture.min() <= changed.min() <= changed.max() <= picture.max()


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
        "mask/text.png": "is neither a JPEG nor a PNG picture.",
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
