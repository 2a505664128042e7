"""Formats of pictures: by their first bytes, by the endings of names, and which are read here."""

from __future__ import annotations

import functools
import importlib.util

EXTENSIONS = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".jp2",
    ".pgm", ".ppm",
)  # fmt: skip
"""Of the files that are taken for pictures where a whole folder is read."""

RAW_EXTENSIONS = (
    ".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".raw", ".rw2", ".srw",
)  # fmt: skip

HEIC_EXTENSIONS = (".heic", ".heif", ".hif")

OTHER_EXTENSIONS = (
    *RAW_EXTENSIONS, *HEIC_EXTENSIONS, ".exr", ".gif", ".jxl", ".psd", ".tga",
)  # fmt: skip
"""Of pictures that cannot be read, or not without a plug-in."""

READ = "JPEG, PNG, WebP, TIFF, BMP, AVIF, HEIC (with pillow-heif), JPEG 2000 and PNM"

HEIC_REMEDY = (
    "cannot be read without pillow-heif: `pip install pillow-heif`, or convert it to JPEG or PNG."
)

_BEGINNINGS = {
    b"\xff\xd8": "JPEG",
    b"\x89PNG": "PNG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"GIF8": "GIF",
    b"8BPS": "Photoshop",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
}


def kind_of(head: bytes) -> str | None:
    """The format of a picture by its first 64 bytes; None for what is no picture."""
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "BMP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "PNM"
    if head[4:8] == b"ftyp":
        brands = head[8 : int.from_bytes(head[:4], "big")]
        if b"avif" in brands or b"avis" in brands:
            return "AVIF"
        if any(brand in brands for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")):
            return "HEIC"
    return None


@functools.cache
def reads_heic() -> bool:
    """Whether pillow-heif is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def endings() -> tuple[str, ...]:
    """Of the names of pictures that can be read here."""
    return EXTENSIONS + HEIC_EXTENSIONS if reads_heic() else EXTENSIONS


def is_readable(name: str) -> bool:
    """Whether a file of that name is taken for a picture where a whole folder is read."""
    return name.lower().endswith(endings())
