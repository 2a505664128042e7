"""Data sets of a few files: written picture by picture, or linked from another one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from mmnet_deploy.portraits import dataset

GREY = np.random.default_rng(0).integers(0, 256, (24, 32), dtype=np.uint8)
"""A mask."""

SMOOTH = np.empty((24, 32, 3), np.uint8)
"""A picture of its size that JPEG hardly changes."""
SMOOTH[..., 0] = np.arange(24)[:, np.newaxis] * 10
SMOOTH[..., 1] = np.arange(32) * 8
SMOOTH[..., 2] = 99


def write(path: Path, picture: np.ndarray) -> Path:
    """Encode a grey, RGB or RGBA picture by the suffix of `path`."""
    if picture.ndim == 3 and picture.shape[2] == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    elif picture.ndim == 3 and picture.shape[2] == 4:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA)
    _, content = cv2.imencode(path.suffix.lower(), picture)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.tobytes())
    return path


def write_pair(
    root: Path, name: str, split: str = "train", image: str = ".jpg", mask: str = ".png"
) -> None:
    """A sound pair; `image` and `mask` are the suffixes."""
    write(root / split / "image" / f"{name}{image}", SMOOTH)
    write(root / split / "mask" / f"{name}{mask}", GREY)


def copies_of_one(root: Path, source: Path, names: Iterable[str]) -> Path:
    """A data set whose split `test` has the first test pair of another one under many names."""
    pair = dataset.find_pairs(source, "test")[0]
    for side, path in (("image", pair.image), ("mask", pair.mask)):
        (root / "test" / side).mkdir(parents=True)
        for name in names:
            os.link(path, root / "test" / side / f"{name}{path.suffix}")
    return root
