"""Pairs of a picture and a mask, damaged (bytes changed, cut, added, headers rewritten)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits import masks, pictures
from tests.fuzz.outcome import Outcome
from tests.support.picture_files import exif, png, saved, tiff

CAMPAIGN = 20_000

ROWS, COLUMNS = np.mgrid[:36, :48]
PICTURE = np.dstack([ROWS * 7, COLUMNS * 5, ROWS + COLUMNS]).astype(np.uint8)
MASK = np.clip((16 - np.hypot(ROWS - 18, COLUMNS - 24)) * 40 + 127, 0, 255).astype(np.uint8)

KINDS: dict[str, Callable[[np.ndarray], bytes]] = {
    "png": lambda p: png(p, 6),
    "png of 16 bits": lambda p: png(p.astype(np.uint16) * 257),
    "gif": lambda p: saved(p[..., 0] if p.ndim == 3 else p, "GIF"),
    "tiff": lambda p: tiff(p, 3),
    "lzw": lambda p: saved(p, "TIFF", compression="tiff_lzw"),
    "jpeg in tiff": lambda p: saved(p, "TIFF", compression="jpeg"),
    "jpeg": lambda p: saved(p, "JPEG", exif=exif(8)),
    "progressive": lambda p: saved(p, "JPEG", progressive=True),
    "webp": lambda p: saved(p, "WEBP", exif=exif(5)),
    "bmp": lambda p: saved(p, "BMP"),
    "avif": lambda p: saved(p, "AVIF"),
    "jp2": lambda p: saved(p, "JPEG2000"),
    "ppm": lambda p: saved(p, "PPM"),
}


def _damaged(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A picture's file after one or two accidents."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 3)):
        size = max(len(data), 1)
        at = int(rng.integers(size))
        # Headers are short and say the most.
        early = int(rng.integers(min(size, 128)))
        match int(rng.integers(7)):
            case 0:
                data = data[:at]
            case 1:
                for place in rng.integers(0, size, rng.integers(1, 8)):
                    data[place : place + 1] = rng.bytes(1)
            case 2:
                data[early : early + 1] = rng.bytes(1)
            case 3:
                data[early : early + 4] = int(rng.choice([0, 1, 30000, 2**31 - 1])).to_bytes(
                    4, rng.choice(["big", "little"])
                )
            case 4:
                del data[at : at + int(rng.integers(1, 64))]
            case 5:
                data += rng.bytes(int(rng.integers(1, 200)))
            case 6:
                data[at:] = other[at:]
    return bytes(data)


def campaign(cases: int, seed: int) -> Outcome:
    """Read damaged pairs; each file gives pixels of the right kind, or a `DataError`."""
    outcome = Outcome()
    rng = np.random.default_rng(seed)
    sound = {
        side: {kind: build(pixels) for kind, build in KINDS.items()}
        for side, pixels in (("image", PICTURE), ("mask", MASK))
    }
    values = [None, masks.parse_mask_values("0,rest")]
    with tempfile.TemporaryDirectory() as folder:
        paths = {side: Path(folder) / f"{side}.png" for side in sound}
        for case in range(cases):
            for side, files in sound.items():
                first, second = (files[kind] for kind in rng.choice(list(KINDS), 2))
                damaged = _damaged(first, second, rng) if rng.random() < 0.8 else first
                paths[side].write_bytes(damaged)
            try:
                endings = [
                    _ending(lambda: pictures.read_image(paths["image"]), (3,)),
                    _ending(lambda: pictures.read_mask(paths["mask"], values[case % 2]), ()),  # noqa: B023
                ]
            except Exception as error:
                outcome.failures.append(f"seed {seed}, case {case}: {error!r}")
                continue
            outcome.endings[["both refused", "one of two refused", "read"][sum(endings)]] += 1
    return outcome


def _ending(read: Callable[[], np.ndarray], channels: tuple[int, ...]) -> bool:
    """Whether a file was read, to pixels of the right kind; False if it was refused."""
    try:
        pixels = read()
    except DataError:
        return False
    if pixels.dtype != np.uint8 or pixels.shape[2:] != channels:
        raise ValueError(f"read as {pixels.shape}, {pixels.dtype}")
    return True
