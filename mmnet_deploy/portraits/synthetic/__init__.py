"""Made-up portraits whose alpha is known exactly, for training without a licence question.

A person is sampled as a description (`person`), drawn as a premultiplied layer (`figure`,
`face`, `hair`) and set before a drawn background (`background`, `scene`). The alpha is the
one that the picture was composed with, not a mask that someone traced.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

from mmnet_deploy.errors import OutputError, UsageError
from mmnet_deploy.files import make_folder, reason, write_bytes
from mmnet_deploy.portraits.synthetic.scene import MIN_SIZE, check_numbers, portrait
from mmnet_deploy.progress import Progress, silent

__all__ = ["check_numbers", "portrait", "write_dataset"]

_SPLITS: Mapping[str, float] = MappingProxyType({"train": 0.8, "test": 0.2})


def write_dataset(
    root: Path,
    *,
    count: int,
    size: int,
    seed: int,
    splits: Mapping[str, float] = _SPLITS,
    progress: Progress = silent,
) -> dict[str, int]:
    """Write portraits 0 to `count` - 1 of a series as ROOT/SPLIT/image and mask/00017.png.

    Args:
        root: Folder of the data set; made where it is missing.
        count: How many pairs to draw, at least 2.
        size: Width and height in pixels, at least 32.
        seed: Number of the series; see `portrait`.
        splits: Each split's share of the pairs; they add up to 1. None is left empty.
        progress: Told of each pair.

    Returns:
        The number of pairs in each split.

    Raises:
        UsageError: A number or the shares break a rule.
        OutputError: A split's folder has content already, or cannot be written.
    """
    check_numbers(count=(count, 2), size=(size, MIN_SIZE), seed=(seed, 0))
    pairs = _share_out(count, splits)
    for split in pairs:
        _refuse_content(root / split)
    for split in pairs:
        for kind in ("image", "mask"):
            make_folder(root / split / kind)

    index = 0
    with progress("Drawing portraits", count) as advance:
        for split, amount in pairs.items():
            for _ in range(amount):
                name = f"{index:05d}.png"
                image, alpha = portrait(seed, index, size)
                write_bytes(root / split / "image" / name, _png(image[..., ::-1]))
                write_bytes(root / split / "mask" / name, _png(alpha))
                index += 1
                advance()
    return pairs


def _share_out(count: int, splits: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers near each split's share of `count`, each at least 1."""
    if not splits or min(splits.values()) <= 0 or abs(sum(splits.values()) - 1) > 1e-6:
        received = dict(splits)
        raise UsageError(
            f"The shares in `splits` must be above 0 and add up to 1. Received: {received}."
        )
    check_numbers(count=(count, len(splits)))
    pairs = {split: max(1, round(count * share)) for split, share in splits.items()}
    largest = max(pairs, key=lambda split: pairs[split])
    pairs[largest] += count - sum(pairs.values())
    return pairs


def _refuse_content(folder: Path) -> None:
    try:
        taken = folder.is_dir() and any(folder.iterdir())
    except OSError as error:
        raise OutputError(f"Cannot look into the folder {folder}: {reason(error)}.") from error
    if taken:
        raise OutputError(
            f"The folder {folder} must be empty: nothing is overwritten. "
            "Remove it, or choose another."
        )


def _png(picture: np.ndarray) -> bytes:
    """A picture, uint8 (size, size[, 3]) in BGR order, as the content of a PNG file."""
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    return cv2.imencode(".png", np.ascontiguousarray(picture), fast)[1].tobytes()
