"""Pictures and masks: what is read, what is refused, and how they are resized."""

import io
import os
import re

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits import formats, pictures
from tests.support.datasets import GREY, SMOOTH, write


def test_what_systems_leave_behind_is_no_picture(tmp_path):
    """Neither taken nor named: hidden files, and what macOS and Windows put beside pictures."""
    for name in ("._a.jpg", "._b.webp", ".c.heic", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / name).write_bytes(b"\0\x05\x16\x07")
    for name in ("__MACOSX", ".trash"):
        write(tmp_path / name / "d.png", GREY)
    write(tmp_path / "a.jpg", SMOOTH)
    assert pictures.pictures_in(tmp_path) == [tmp_path / "a.jpg"]
    assert pictures.left_out(tmp_path) == []


def test_no_picture_of_a_folder_is_left_out_without_a_word(tmp_path, monkeypatch):
    """Every format that is read is taken, and the rest is named with the reason."""
    taken = "a.jpg a.jpeg a.jpe a.jfif a.png a.webp a.tif a.TIFF a.bmp a.avif a.jp2 a.pgm a.ppm"
    named = "b.heic b.gif b.dng b.nef b.jxl b.psd"
    for name in (*taken.split(), *named.split(), "notes.txt", "scores.csv"):
        (tmp_path / name).write_bytes(b"words")
    write(tmp_path / "c.png", GREY).rename(tmp_path / "c")
    write(tmp_path / "d.png", GREY).rename(tmp_path / "d.bak")
    write(tmp_path / "below" / "e.png", GREY)
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(formats, "reads_heic", lambda: False)
    found = [path.name for path in pictures.pictures_in(tmp_path)]
    assert sorted(found) == sorted(taken.split())
    left = {problem.path.name: problem.rule for problem in pictures.left_out(tmp_path)}
    assert sorted(left) == sorted([*named.split(), "c", "d.bak", "below"])
    assert left["b.heic"] == (
        "is left out: HEIC pictures cannot be read without pillow-heif: `pip install pillow-heif`, "
        "or convert it to JPEG or PNG."
    )
    assert "must end in .jpg" in left["c"]


def test_pictures_of_a_missing_folder(tmp_path):
    """A folder that cannot be listed is named with the system's reason."""
    with pytest.raises(DataError, match=r"Cannot list the folder .*none: No such file"):
        pictures.pictures_in(tmp_path / "none")


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
        (b"these are words", "is no picture. Formats that are read: JPEG, PNG, .*"),
        (b"\xff\xd8 words \xff\xd9", r"is a damaged JPEG \(.+\)"),
        (b"\x89PNG\r\n\x1a\n words IEND", r"is a damaged PNG \(.+\)"),
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
