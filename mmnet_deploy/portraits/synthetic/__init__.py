"""Made-up portraits whose alpha is known exactly, for training without a licence question.

A person is sampled as a description and drawn as a premultiplied layer (`people`), set before a
drawn background (`background`, `scene`) and photographed (`camera`). The alpha is the
one that the picture was composed with, not a mask that someone traced.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mmnet_deploy.errors import OutputError, UsageError
from mmnet_deploy.files import locked, make_folder, reason, write_bytes
from mmnet_deploy.portraits import manifest
from mmnet_deploy.portraits.pictures import as_png
from mmnet_deploy.portraits.synthetic.scene import (
    MIN_SIZE,
    check_numbers,
    person,
    portrait,
)
from mmnet_deploy.progress import Progress, silent

__all__ = ["check_numbers", "person", "portrait", "write_dataset"]

_SPLITS: Mapping[str, float] = MappingProxyType({"train": 0.8, "test": 0.2})

_COMPRESSION = 1


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

    A data set that was interrupted is continued if all numbers are the same.

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
        DataError: The manifest of an earlier call is damaged.
    """
    check_numbers(count=(count, 2), size=(size, MIN_SIZE), seed=(seed, 0))
    pairs = _share_out(count, splits)
    numbers = {"count": count, "size": size, "seed": seed, "splits": dict(splits)}
    with locked(root):
        continued = _is_begun(root, numbers)
        for split in pairs:
            if not continued:
                _refuse_content(root / split)
        manifest.write(root, numbers, finished=False)
        for split in pairs:
            for kind in ("image", "mask"):
                make_folder(root / split / kind)

        index = 0
        with progress("Drawing portraits", count) as advance:
            for split, amount in pairs.items():
                for _ in range(amount):
                    name = f"{index:05d}.png"
                    files = [root / split / kind / name for kind in ("image", "mask")]
                    # Each is whole where it is there at all.
                    if not (continued and all(file.is_file() for file in files)):
                        for file, picture in zip(files, portrait(seed, index, size), strict=True):
                            write_bytes(file, as_png(picture, _COMPRESSION))
                    index += 1
                    advance()
        manifest.write(root, numbers, finished=True)
    return pairs


def _is_begun(root: Path, numbers: dict[str, Any]) -> bool:
    """Whether the same data set was begun in `root` and not finished.

    Raises:
        OutputError: Another one was.
    """
    stored = manifest.read(root)
    if stored is None or stored["finished"]:
        return False
    if any(stored.get(name) != value for name, value in numbers.items()):
        begun = " ".join(f"--{name} {stored.get(name)}" for name in ("count", "size", "seed"))
        raise OutputError(
            f"{root} holds a data set that was begun with {begun} and not finished. Give the same "
            "numbers to draw the rest, remove the folder, or choose another."
        )
    return True


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
