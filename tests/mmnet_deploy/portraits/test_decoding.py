"""Picture files: every format and kind of pixels, upright, whole, and never too large."""

import io
import re
import sys
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits import decoding, pictures
from mmnet_deploy.portraits.decoding import decode
from tests.support.datasets import GREY, SMOOTH
from tests.support.picture_files import TURNS, chunk, exif, png, saved, tiff

WHOLE = {
    "png": png(SMOOTH),
    "jpg": saved(SMOOTH, "JPEG", quality=90),
    "webp": saved(SMOOTH, "WEBP", quality=90),
    "lossless.webp": saved(SMOOTH, "WEBP", lossless=True),
    "tiff": tiff(SMOOTH),
    "lzw.tiff": saved(SMOOTH, "TIFF", compression="tiff_lzw"),
    "bmp": saved(SMOOTH, "BMP"),
    "avif": saved(SMOOTH, "AVIF", quality=95),
    "jp2": saved(SMOOTH, "JPEG2000"),
    "ppm": saved(SMOOTH, "PPM"),
}
LOSSY = ("jpg", "webp", "avif", "jp2")


def _file(folder, content, name="a.png"):
    path = folder / name
    path.write_bytes(content)
    return path


def _random(channels, depth):
    shape = (6, 9) if channels == 1 else (6, 9, channels)
    high = np.iinfo(depth).max
    return np.random.default_rng(channels).integers(0, high, shape, depth, endpoint=True)


# --- Upright -----------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("build", "channels", "depth"),
    [
        (build, channels, depth)
        for build in (png, tiff)
        for channels in (1, 2, 3, 4)
        for depth in (np.uint8, np.uint16)
        # No decoder reads that one; see the test below.
        if (build, channels, depth) != (tiff, 2, np.uint16)
    ],
)
def test_pixels_are_exact_and_upright(tmp_path, build, channels, depth, orientation):
    """Every kind of pixels comes back bit by bit, turned as its orientation says."""
    stored = _random(channels, depth)
    upright = TURNS[orientation](stored)
    path = _file(tmp_path, build(stored, orientation))
    read = decode(path, colour=False)
    assert read.dtype == depth
    # OpenCV shows a grey picture with alpha as four channels.
    if read.ndim == 3 and channels == 2:
        read = read[..., [0, -1]]
    assert np.array_equal(read, upright)
    shown = upright >> 8 if depth == np.uint16 else upright
    shown = np.dstack([shown] * 3) if channels == 1 else shown
    shown = np.dstack([shown[..., 0]] * 3) if channels == 2 else shown[..., :3]
    assert np.array_equal(decode(path, colour=True), shown)


def test_what_no_decoder_reads_exactly_is_refused(tmp_path):
    """A TIFF of 16 bits with grey and alpha is an error, not other pixels."""
    with pytest.raises(DataError, match="is a damaged TIFF"):
        decode(_file(tmp_path, tiff(_random(2, np.uint16))), colour=False)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "TIFF", "PNG"])
def test_a_mask_is_turned_as_its_picture(tmp_path, kind, orientation):
    """In every format that knows an orientation, for pictures and masks alike."""
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100}, "AVIF": {"quality": 100}}
    smooth = cv2.GaussianBlur(GREY, (0, 0), 4)
    content = saved(smooth, kind, exif=exif(orientation), **options.get(kind, {}))
    path, upright = _file(tmp_path, content), TURNS[orientation](smooth).astype(int)
    mask, image = pictures.read_mask(path), pictures.read_image(path)
    assert mask.shape == upright.shape
    assert np.abs(mask - upright).max() <= 3
    assert np.abs(image - upright[..., np.newaxis]).max() <= 3


def test_exif_data_behind_the_pixels_count_too(tmp_path):
    """A PNG may hold them there."""
    stored = _random(1, np.uint8)
    path = _file(tmp_path, png(stored, 6, behind=True))
    assert np.array_equal(decode(path, colour=False), TURNS[6](stored))


@pytest.mark.parametrize("data", [b"", b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"words"])
def test_damaged_exif_data_turn_nothing(tmp_path, data):
    """The picture is read as it is stored."""
    content = png(GREY)
    path = _file(tmp_path, content[:33] + chunk(b"eXIf", data) + content[33:])
    assert np.array_equal(decode(path, colour=False), GREY)


@pytest.mark.parametrize("value", [0, 9, 255])
def test_an_orientation_that_does_not_exist_turns_nothing(tmp_path, value):
    """The picture is read as it is stored."""
    assert np.array_equal(decode(_file(tmp_path, png(GREY, value)), colour=False), GREY)


# --- Formats -----------------------------------------------------------------


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("name", ["a.png", "a.jfif", "a"])
def test_the_content_says_the_format(tmp_path, kind, name):
    """Whatever the file is called."""
    read = pictures.read_image(_file(tmp_path, WHOLE[kind], name))
    assert read.shape == SMOOTH.shape
    assert np.abs(read.astype(int) - SMOOTH).max() <= (24 if kind in LOSSY else 0)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "I;16"])
def test_tiff_modes_are_read_as_rgb(tmp_path, mode):
    """Ink, palette, brightness: what comes out is red, green, blue."""
    grey = Image.fromarray(GREY)
    wide = GREY.astype(np.uint16) * 257
    picture = Image.fromarray(wide) if mode == "I;16" else grey.convert(mode)
    picture.save(tmp_path / "a.tiff")
    expected = np.where(np.asarray(grey.convert("1")), 255, 0) if mode == "1" else GREY
    read = pictures.read_image(tmp_path / "a.tiff").astype(int)
    assert np.abs(read - expected[..., np.newaxis]).max() <= 2


@pytest.mark.parametrize("white", [100, 255, 1023, 65535])
@pytest.mark.parametrize("kind", [2, 3, 5, 6])
def test_white_is_what_a_pnm_says(tmp_path, kind, white):
    """Cameras of 10 bits write 1023 for white, in two bytes; plain text may end in a number."""
    levels = np.array([[white, white // 2, white // 3, 0, 0, white]])
    width = 6 if kind in (2, 5) else 2
    data = levels.astype(">u2" if white > 255 else "u1").tobytes()
    if kind < 5:
        data = " ".join(map(str, levels[0])).encode()
    path = _file(tmp_path, b"P%d # words 7\n%d 1\n%d\n" % (kind, width, white) + data, "a.ppm")
    expected = 255 * levels / white
    shown = decode(path, colour=True)
    assert shown.dtype == np.uint8 and shown.shape == (1, width, 3)
    shown = shown[..., 0] if kind in (2, 5) else shown.reshape(1, 6)
    assert np.abs(shown - expected).max() <= 1
    kept = decode(path, colour=False).reshape(1, 6)
    assert np.abs(kept - 65535 * levels / white if white > 255 else kept - expected).max() <= 1


def test_a_cmyk_jpeg_keeps_its_colours_and_its_orientation(tmp_path):
    """Four inks are mixed to RGB, and turned like any other picture."""
    inks = Image.fromarray(SMOOTH).convert("CMYK")
    inks.save(tmp_path / "a.jpg", quality=100, exif=exif(8))
    read = pictures.read_image(tmp_path / "a.jpg").astype(int)
    assert np.abs(read - TURNS[8](SMOOTH)).max() <= 12


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"GIF89a" + bytes(80), "GIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(80), "HEIC"),
        (b"8BPS\0\x01" + bytes(80), "Photoshop"),
        (b"\xff\x0a" + bytes(80), "JPEG XL"),
    ],
)
def test_other_formats_are_named(tmp_path, content, kind, monkeypatch):
    """A HEIC picture called .jpg, as phones export it, is no riddle."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(DataError, match=f"a.jpg: is a {kind} picture, which cannot be read"):
        decode(_file(tmp_path, content, "a.jpg"), colour=True)


def test_the_preview_in_a_raw_picture_is_not_taken_for_it(tmp_path):
    """Raw formats are TIFFs whose first picture is a small one."""
    with pytest.raises(DataError, match="a preview"):
        decode(_file(tmp_path, tiff(SMOOTH, subfile=1), "a.tif"), colour=True)
    with pytest.raises(DataError, match="is a raw picture"):
        decode(_file(tmp_path, tiff(SMOOTH), "a.NEF"), colour=True)


@pytest.mark.parametrize("kind", WHOLE)
def test_bytes_behind_the_end_do_not_matter(tmp_path, kind):
    """Phones and editors append data of their own."""
    plain = decode(_file(tmp_path, WHOLE[kind]), colour=True)
    longer = decode(_file(tmp_path, WHOLE[kind] + b"SEFT" + bytes(300), "b.png"), colour=True)
    assert np.array_equal(plain, longer)


# --- Damage ------------------------------------------------------------------


@given(st.sampled_from(sorted(WHOLE)), st.floats(0.0, 0.999), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_truncated_picture_is_read_whole_or_not_at_all(tmp_path_factory, kind, share, colour):
    """However much of a file is missing, no part of the picture is made up."""
    content = WHOLE[kind]
    folder = tmp_path_factory.mktemp("cut")
    whole = decode(_file(folder, content), colour=colour)
    try:
        read = decode(_file(folder, content[: int(share * len(content))], "b.png"), colour=colour)
    except DataError:
        return
    # A chunk that says nothing may be missing at the very end.
    assert np.array_equal(read, whole)
    assert share > 0.9


def test_a_png_with_too_few_rows_is_refused(tmp_path):
    """Its checksums are right; there are just not enough pixels."""
    with pytest.raises(DataError, match="is a damaged PNG"):
        decode(_file(tmp_path, png(GREY, height=30)), colour=False)


def test_a_changed_byte_of_a_png_is_found(tmp_path):
    """By its checksum, wherever it is."""
    content = bytearray(png(SMOOTH))
    content[len(content) // 2] ^= 1
    with pytest.raises(DataError, match="is a damaged PNG"):
        decode(_file(tmp_path, bytes(content)), colour=True)


# --- Size --------------------------------------------------------------------


def _jpeg_that_claims(width, height):
    content = bytearray(WHOLE["jpg"])
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(content)


def _bmp_that_claims(width, height):
    content = bytearray(WHOLE["bmp"])
    content[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    return bytes(content)


BOMBS = {
    "png": png(np.zeros((4, 4), np.uint8), width=10**6, height=1000),
    "jpg": _jpeg_that_claims(30000, 30000),
    "tiff": tiff(SMOOTH, width=30000, height=30000),
    "bmp": _bmp_that_claims(30000, 30000),
    "ppm": b"P6 30000 30000 255\n" + bytes(100),
}


@pytest.mark.parametrize("read", [pictures.read_image, pictures.read_mask])
@pytest.mark.parametrize("kind", BOMBS)
def test_what_claims_too_many_pixels_is_not_decoded(tmp_path, kind, read):
    """The header is enough to refuse it, and the message has its size and the bound."""
    path = _file(tmp_path, BOMBS[kind], f"a.{kind}")
    with pytest.raises(DataError, match=r"has \d+×\d+ pixels; at most 128 million are read"):
        read(path)


def zlib_of_zeros(count):
    """`count` zero bytes, compressed piece by piece."""
    packer, piece = zlib.compressobj(1), bytes(10**7)
    parts = [packer.compress(piece) for _ in range(count // len(piece))]
    return b"".join([*parts, packer.compress(bytes(count % len(piece))), packer.flush()])


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    """Its size is asked for first; the file here has holes."""
    path = _file(tmp_path, WHOLE["png"])
    with path.open("r+b") as file:
        file.truncate(decoding.MOST_BYTES + 1)
    with pytest.raises(DataError, match=re.escape("is larger than 1024 MiB.")):
        decode(path, colour=True)


def test_text_that_grows_is_refused(tmp_path):
    """A compressed comment of a PNG may not take memory either."""
    content = png(GREY)
    text = chunk(b"zTXt", b"Comment\0\0" + zlib_of_zeros(10**8))
    with pytest.raises(DataError, match="is a damaged PNG"):
        decode(_file(tmp_path, content[:33] + text + content[33:]), colour=True)


def test_palette_numbers_are_upright(tmp_path):
    """The numbers of a palette are turned as its colours are; other pictures have none."""
    numbers = np.arange(12, dtype=np.uint8).reshape(3, 4)
    picture = Image.fromarray(numbers)
    picture.putpalette([value for index in range(12) for value in (index * 20, 9, 200)])
    for orientation, turn in TURNS.items():
        for kind in ("PNG", "TIFF"):
            file = io.BytesIO()
            picture.save(file, kind, exif=exif(orientation))
            found = decoding.palette_numbers(_file(tmp_path, file.getvalue()))
            assert np.array_equal(found, turn(numbers))
    assert decoding.palette_numbers(_file(tmp_path, png(GREY))) is None
