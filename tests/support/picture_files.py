"""Picture files built byte by byte: any channels and bits, any orientation, any claim."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}
"""What a viewer shows of stored rows, by EXIF orientation."""


def exif(orientation: int) -> Image.Exif:
    """EXIF data that hold the orientation alone."""
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def grey_profile(gamma: float) -> bytes:
    """An ICC profile of grey levels that are light to the power of 1 / `gamma`."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * v) for v in (0.9642, 1, 0.8249)))
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(256 * gamma))
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 16)
    head = struct.pack(
        ">I4sI4s4s4s12x4s28x12s48x", 192, b"none", 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp",
        white[8:],
    )  # fmt: skip
    return head + tags + white + curve


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: np.ndarray, orientation: int = 1, *, behind: bool = False, **claims: int) -> bytes:
    """A PNG of (h, w) or (h, w, 1 … 4), uint8 or uint16, in the order of RGB.

    Args:
        behind: Whether the EXIF chunk stands behind the pixels.
        claims: `width` or `height` of the header, if they lie.
    """
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    data = rows.astype(rows.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), data], axis=1).tobytes()
    channels = rows.shape[1] // width
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(
        ">IIBBBBB", claims.get("width", width), claims.get("height", height),
        8 * pixels.dtype.itemsize, colour, 0, 0, 0,
    )  # fmt: skip
    marks = chunk(b"eXIf", exif(orientation).tobytes().removeprefix(b"Exif\0\0"))
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    if orientation != 1:
        parts.insert(2 if behind else 1, marks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(pixels: np.ndarray, orientation: int = 1, **claims: int) -> bytes:
    """An uncompressed TIFF of the same kinds of pixels, with its orientation tag."""
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    tags = [
        (254, "I", [claims.get("subfile", 0)]),
        (256, "I", [claims.get("width", width)]), (257, "I", [claims.get("height", height)]),
        (258, "H", [8 * pixels.dtype.itemsize] * channels), (259, "H", [1]),
        (262, "H", [1 if channels < 3 else 2]), (273, "I", [0]), (274, "H", [orientation]),
        (277, "H", [channels]), (278, "I", [claims.get("height", height)]),
        (279, "I", [len(data)]), (284, "H", [1]),
    ]  # fmt: skip
    if channels in (2, 4):
        tags.append((338, "H", [2]))
    values = [struct.pack(f"<{len(value)}{kind}", *value) for _, kind, value in tags]
    pool_at = 8 + 2 + 12 * len(tags) + 4
    pool = b"".join(value for value in values if len(value) > 4)
    entries, used = b"", 0
    for (tag, kind, value), packed in zip(tags, values, strict=True):
        if tag == 273:
            packed = struct.pack("<I", pool_at + len(pool))
        if len(packed) > 4:
            packed, used = struct.pack("<I", pool_at + used), used + len(packed)
        entries += struct.pack("<HHI", tag, {"H": 3, "I": 4}[kind], len(value))
        entries += packed.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)
    return head + pool + data


def saved(pixels: np.ndarray, kind: str, **options) -> bytes:
    """A picture of uint8 as Pillow writes the format `kind`."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()
