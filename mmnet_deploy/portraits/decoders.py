"""What the content of a picture file holds, upright: one decoder for each format.

JPEG is decoded by simplejpeg, PNG and PNM by OpenCV, the rest by Pillow: of each format, the
decoder that refuses what is not whole and keeps all bits of a mask. HEIC needs Pillow's plug-in
pillow-heif.
"""

from __future__ import annotations

import dataclasses
import io
import re
import warnings
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

MOST_PIXELS = 128_000_000
"""What is decoded at most; the largest sensors of phones in use for portraits have 108 million."""

# Pillow would only warn of a large picture, or refuse it by a limit of its own; `MOST_PIXELS`
# is checked before anything is decoded.
Image.MAX_IMAGE_PIXELS = None

# What libraries print of damaged files would stand beside the error that names the file.
(cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel)(0)
warnings.filterwarnings("ignore", module=r"PIL\.")

_PILLOW = {
    "WebP": "WEBP", "TIFF": "TIFF", "BMP": "BMP", "AVIF": "AVIF", "JPEG 2000": "JPEG2000",
    "HEIC": "HEIF",
}  # fmt: skip
"""What Pillow calls the formats that it decodes here."""

KINDS = ("JPEG", "PNG", "PNM", *_PILLOW)
"""The formats that are decoded, by `formats.kind_of`."""

_PNM_HEADER = re.compile(rb"P[2356]" + 3 * rb"(?:\s|#[^\n]*\n)+(\d+)")
"""Of grey and coloured ones; the third number is white's."""

_EXIF_ORIENTATION, _TIFF_SUBFILE_TYPE, _TIFF_BITS, _DNG_VERSION = 0x0112, 254, 258, 50706

Pixels = NDArray[Any]
"""(h, w) or (h, w, channels), RGB or RGBA, uint8 or uint16 as a rule."""


def register_heic() -> None:
    """Let Pillow open HEIC files.

    Raises:
        ImportError: The plug-in is not installed, or broken.
    """
    import pillow_heif

    pillow_heif.register_heif_opener()


class TooLargeError(Exception):
    """The header says more pixels than `MOST_PIXELS`."""


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise TooLargeError(
            f"has {width}×{height} pixels; at most {MOST_PIXELS / 1e6:.0f} million are read."
        )


# --- Upright -----------------------------------------------------------------

_TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}
"""From the stored rows to upright ones, by orientation (EXIF 3.0, tag 0x0112)."""


def _turned(pixels: Pixels, exif: bytes | None) -> Pixels:
    """Pixels upright, as the orientation in the EXIF data says; damaged data say nothing."""
    if not exif:
        return pixels
    read = Image.Exif()
    try:
        read.load(exif)
        orientation = read.get(_EXIF_ORIENTATION)
    except Exception:  # Whatever Pillow raises at damaged EXIF data
        return pixels
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return np.ascontiguousarray(turn(pixels)) if turn else pixels


# --- Decoders ----------------------------------------------------------------


def _opencv(content: bytes, flags: int) -> Pixels:
    """Pixels as OpenCV decodes them, in the order red, green, blue and not turned."""
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise ValueError("its data cannot be decoded") from error
    if picture is None:
        raise ValueError("its data cannot be decoded")
    if picture.ndim == 2:
        return picture
    order = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}.get(picture.shape[2])
    return picture if order is None else cv2.cvtColor(picture, order)


def _flags(colour: bool) -> int:
    kept = cv2.IMREAD_COLOR if colour else cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    return kept | cv2.IMREAD_IGNORE_ORIENTATION


def _jpeg(content: bytes, colour: bool) -> Pixels:
    # OpenCV would fill up a damaged one with grey and only print a warning about it.
    height, width, inks, _ = simplejpeg.decode_jpeg_header(content, strict=True)
    _check_size(width, height)
    if inks in ("CMYK", "YCCK"):
        # At an eighth of the size: all the data is read, few pixels are computed.
        simplejpeg.decode_jpeg(content, colorspace="CMYK", strict=True, min_height=1, min_width=1)
        pixels = _opencv(content, _flags(colour=True))
    else:
        space = "GRAY" if inks == "Gray" and not colour else "RGB"
        pixels = simplejpeg.decode_jpeg(content, colorspace=space, strict=True)
        pixels = pixels[..., 0] if space == "GRAY" else pixels
    if b"Exif\0\0" not in content:
        return pixels
    return _turned(pixels, Image.open(io.BytesIO(content), formats=["JPEG"]).info.get("exif"))


def _png(content: bytes, colour: bool) -> Pixels:
    picture = Image.open(io.BytesIO(content), formats=["PNG"])
    _check_size(*picture.size)
    exif = picture.info.get("exif")
    # All checksums up to the end of the picture; what stands behind it does not matter.
    picture.verify()
    if exif is None and b"eXIf" in content:  # Behind the pixels, which have to be read first.
        picture = Image.open(io.BytesIO(content), formats=["PNG"])
        picture.load()
        exif = picture.info.get("exif")
    flags = _flags(colour) if colour else cv2.IMREAD_UNCHANGED
    return _turned(_opencv(content, flags), exif)


def _pnm(content: bytes, colour: bool) -> Pixels:
    _check_size(*Image.open(io.BytesIO(content), formats=["PPM"]).size)
    header = _PNM_HEADER.match(content)
    white = int(header[3]) if header else 255
    is_plain = content[1:2] in b"123"
    if white in (255, 65535) or (is_plain and white < 255):
        # Of plain text, OpenCV wants something behind the last number.
        return _opencv(content + b"\n" * is_plain, _flags(colour))
    # OpenCV leaves other levels as they are, though 1023 may be white.
    stored = _opencv(content + b"\n" * is_plain, _flags(colour=False))
    kind, most = (np.uint8, 255) if white < 255 else (np.uint16, 65535)
    scale = np.minimum(np.arange(65536), white) * (most / max(white, 1))
    levels: Pixels = scale.round().astype(kind)[stored]
    if not colour:
        return levels
    eight = levels if white < 255 else (levels >> 8).astype(np.uint8)
    return np.dstack([eight] * 3) if eight.ndim == 2 else eight


def _pillow(kind: str, content: bytes, colour: bool) -> Pixels:
    picture = Image.open(io.BytesIO(content), formats=[_PILLOW[kind]])
    _check_size(*picture.size)
    if kind == "TIFF":
        tags: Any = picture.getexif()
        if _DNG_VERSION in tags or tags.get(_TIFF_SUBFILE_TYPE, 0) & 1:
            raise ValueError("it is a preview, such as a raw picture begins with")
        bits = picture.tag_v2.get(_TIFF_BITS, (1,))  # type: ignore[attr-defined]
        if not colour and max(bits) > 8 and len(bits) in (3, 4):
            # Pillow keeps 8 bits of a channel; OpenCV keeps all, and turns a TIFF itself.
            return _opencv(content, cv2.IMREAD_UNCHANGED)
    exif = picture.info.get("exif")
    picture.load()  # Of a TIFF, Pillow turns the pixels itself.
    pixels = _array(picture, colour)
    return pixels if kind == "TIFF" else _turned(pixels, exif)


def _array(picture: Image.Image, colour: bool) -> Pixels:
    """The pixels of a loaded picture, whatever Pillow calls its mode."""
    if picture.mode.startswith("I;16"):
        levels = np.asarray(picture).astype(np.uint16)
        return np.dstack([(levels >> 8).astype(np.uint8)] * 3) if colour else levels
    if picture.mode in ("I", "F"):
        return np.asarray(picture)
    if colour:
        return np.asarray(picture.convert("RGB"))
    if picture.mode == "1":
        return np.asarray(picture.convert("L"))
    if picture.mode in ("L", "LA", "RGB", "RGBA"):
        return np.asarray(picture)
    return np.asarray(picture.convert("RGBA" if picture.has_transparency_data else "RGB"))


# --- What is asked for -------------------------------------------------------


def pixels(kind: str, content: bytes, *, colour: bool) -> Pixels:
    """The pixels of a picture, turned upright as its EXIF data say; see `decoding.decode`.

    Raises:
        Exception: Whatever the library raises at damaged content.
        TooLargeError: It has more than `MOST_PIXELS`.
    """
    if kind in _PILLOW:
        return _pillow(kind, content, colour)
    return {"JPEG": _jpeg, "PNG": _png, "PNM": _pnm}[kind](content, colour)


def palette_numbers(kind: str, content: bytes) -> Pixels | None:
    """The numbers into its palette that a picture holds; None if it has no palette.

    Raises:
        Exception, TooLargeError: As `pixels`.
    """
    if kind not in ("PNG", "TIFF", "BMP"):
        return None
    picture = Image.open(io.BytesIO(content), formats=[kind])
    _check_size(*picture.size)
    if picture.mode != "P":
        return None
    picture.load()
    numbers = np.asarray(picture)
    return numbers if kind == "TIFF" else _turned(numbers, picture.info.get("exif"))


@dataclasses.dataclass(frozen=True)
class Extras:
    """What a picture file holds besides colours, upright.

    Attributes:
        profile: Its ICC colour profile.
        opacity: Its alpha channel, uint8 (h, w), if something is transparent.
        inks: The amounts of cyan, magenta, yellow and black, uint8 (h, w, 4), of a file that
            has them and a profile of what they look like.
    """

    profile: bytes | None = None
    opacity: NDArray[np.uint8] | None = None
    inks: NDArray[np.uint8] | None = None


def extras(kind: str, content: bytes) -> Extras:
    """Colour profile and transparency of a picture.

    Raises:
        Exception, TooLargeError: As `pixels`.
    """
    if kind == "PNM":
        return Extras()
    picture = Image.open(io.BytesIO(content), formats=[_PILLOW.get(kind, kind)])
    _check_size(*picture.size)
    profile, exif = picture.info.get("icc_profile"), picture.info.get("exif")
    if kind == "TIFF":  # Of which Pillow turns the pixels itself
        exif = None
    inks = opacity = None
    if picture.mode == "CMYK" and profile:
        inks = _turned(np.asarray(picture), exif)
    elif picture.has_transparency_data:
        opacity = _turned(np.asarray(picture.convert("RGBA").getchannel("A")), exif)
        opacity = None if opacity.min() == 255 else opacity
    return Extras(profile, opacity, inks)
