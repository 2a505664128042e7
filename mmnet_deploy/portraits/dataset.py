"""Portraits and masks on disk.

    ROOT/<split>/image/NAME.jpg
    ROOT/<split>/mask/NAME.png      0 background … 255 foreground

A picture and its mask are paired by stem; their extensions, those of `formats.EXTENSIONS`, may
differ, and so may the Unicode form of an accented letter, which systems change. Pictures are
uint8 RGB arrays of shape (height, width, 3), masks uint8 arrays (height, width).
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmnet_deploy.errors import DataError, UsageError
from mmnet_deploy.parallel import in_parallel
from mmnet_deploy.portraits import manifest
from mmnet_deploy.portraits.masks import MaskValues
from mmnet_deploy.portraits.pictures import (
    Picture,
    is_litter,
    left_out,
    pictures_in,
    read_image,
    read_mask,
)
from mmnet_deploy.portraits.problems import PictureError, Problem, raise_first
from mmnet_deploy.progress import Progress, silent

LAYOUT = "ROOT/<split>/image/NAME.jpg and ROOT/<split>/mask/NAME.png"


@dataclasses.dataclass(frozen=True)
class Pair:
    """A portrait and its mask.

    Attributes:
        mask_values: What class numbers in the mask mean; None for alpha.
    """

    name: str
    image: Path
    mask: Path
    mask_values: MaskValues | None = None


# --- Reading one file --------------------------------------------------------


def read_pair(pair: Pair) -> tuple[Picture, Picture]:
    """Read a picture and its mask.

    Raises:
        PictureError: Either cannot be read, or their sizes differ.
    """
    image, mask = read_image(pair.image), read_mask(pair.mask, pair.mask_values)
    _check_sizes(pair, image, mask)
    return image, mask


def _check_sizes(pair: Pair, image: Picture, mask: Picture) -> None:
    """Refuse a mask of another size than its picture's.

    Raises:
        PictureError: It is.
    """
    if image.shape[:2] != mask.shape:
        raise PictureError(
            pair.mask,
            f"is {mask.shape[1]}×{mask.shape[0]} pixels, "
            f"its picture {image.shape[1]}×{image.shape[0]}.",
        )


# --- Finding files -----------------------------------------------------------


def split_names(root: Path) -> list[str]:
    """The splits in `root`: its folders that hold an `image` or a `mask` folder.

    Raises:
        DataError: `root` is no folder, or holds no split.
    """
    if not root.is_dir():
        raise DataError(f"There is no folder {root}.")
    names = [
        child.name
        for child in sorted(root.iterdir())
        if not is_litter(child.name) and ((child / "image").is_dir() or (child / "mask").is_dir())
    ]
    if not names:
        raise DataError(f"{root} holds no data set. Expected: {LAYOUT}.")
    return names


def require_apart(option: str, folder: Path) -> None:
    """Make sure that what is written to a folder replaces no pictures or masks of a data set.

    Args:
        option: That names the folder, for the message.

    Raises:
        UsageError: It holds those of a split.
    """
    # The name counts that was given, and the one that a link leads to.
    for place in (folder.absolute(), folder.resolve()):
        sides = [(place.parent / side).is_dir() for side in ("image", "mask")]
        if place.name in ("image", "mask") and all(sides) and pictures_in(place):
            raise UsageError(
                f"`{option}` must be no folder with the pictures or masks of a data set, which "
                f"would be replaced. Received: {folder}."
            )


def stem_of(path: Path) -> str:
    """The stem that pairs a file, in one Unicode form: macOS may store another than was given."""
    return unicodedata.normalize("NFC", path.stem)


def _match(
    root: Path, split: str, mask_values: MaskValues | None = None
) -> tuple[list[Pair], list[Problem]]:
    """Pair the files of a split by stem; what cannot be paired is a problem."""
    known = split_names(root)
    if split not in known:
        raise DataError(f"{root} has no split {split!r}. It has: {', '.join(known)}.")
    unfinished = manifest.problem(root)
    problems: list[Problem] = [unfinished] if unfinished else []
    sides: dict[str, dict[str, Path]] = {}
    for side in ("image", "mask"):
        folder = root / split / side
        sides[side] = {}
        if not folder.is_dir():
            problems.append(Problem(folder, "the folder is missing."))
            continue
        problems += left_out(folder)
        for path in pictures_in(folder):
            first = sides[side].setdefault(stem_of(path), path)
            if first is not path:
                problems.append(Problem(path, f"has the same stem as {first.name}."))
    for side, other in (("image", "mask"), ("mask", "image")):
        for stem in sorted(sides[side].keys() - sides[other].keys()):
            problems.append(Problem(sides[side][stem], f"has no {other} of the same stem."))
    pairs = [
        Pair(stem, sides["image"][stem], sides["mask"][stem], mask_values)
        for stem in sorted(sides["image"].keys() & sides["mask"].keys())
    ]
    if not pairs and not problems:
        problems.append(Problem(root / split, f"holds no pictures. Expected: {LAYOUT}."))
    return pairs, problems


def find_pairs(root: Path, split: str, mask_values: MaskValues | None = None) -> list[Pair]:
    """The pairs of one split or several, each in order of their names.

    Args:
        split: A name, or several joined by commas. `PART/train` is the split `train` of the
            data set in the folder PART of `root`.
        mask_values: What class numbers in the masks mean; None for masks of alpha.

    Raises:
        DataError: There is no such split, it is empty or unfinished, or a file has no partner.
    """
    pairs: list[Pair] = []
    for name in dict.fromkeys(split.split(",")):
        part, _, last = name.strip().rpartition("/")
        found, problems = _match(root / part, last, mask_values)
        raise_first(problems, root / part)
        pairs += found
    return pairs


# --- Whole data sets ---------------------------------------------------------


def _examine(pair: Pair) -> tuple[list[Problem], tuple[int, int, float] | None]:
    """Problems of one pair, and its width, height and foreground share if it has none."""
    problems: list[Problem] = []
    pictures: dict[str, Picture] = {}
    for side in ("image", "mask"):
        try:
            if side == "image":
                pictures[side] = read_image(pair.image)
            else:
                pictures[side] = read_mask(pair.mask, pair.mask_values)
        except PictureError as error:
            problems.append(error.problem)
    mask = pictures.get("mask")
    if mask is not None and not mask.any():
        problems.append(Problem(pair.mask, "is empty: it has no foreground."))
    image = pictures.get("image")
    if image is not None and mask is not None:
        try:
            _check_sizes(pair, image, mask)
        except PictureError as error:
            problems.append(error.problem)
    if problems or mask is None:
        return problems, None
    return [], (mask.shape[1], mask.shape[0], float(mask.mean() / 255))


@dataclasses.dataclass(frozen=True)
class SplitSummary:
    """What a split holds; sizes in pixels, shares of the picture's area in 0 … 1."""

    split: str
    pairs: int
    width_px: tuple[int, int, int]
    height_px: tuple[int, int, int]
    foreground_share: tuple[float, float, float]
    problems: tuple[Problem, ...]


def _minimum_median_maximum(values: Iterable[float]) -> tuple:
    """Least, middle and greatest value; zeros if there are none."""
    ordered = sorted(values)
    return (ordered[0], ordered[len(ordered) // 2], ordered[-1]) if ordered else (0, 0, 0)


def examine(
    root: Path,
    splits: Sequence[str] = (),
    progress: Progress = silent,
    mask_values: MaskValues | None = None,
) -> list[SplitSummary]:
    """Read every file of the splits (default: all) and list everything wrong.

    Args:
        mask_values: See `find_pairs`.

    Raises:
        DataError: `root` is no data set, or has no such split.
    """
    summaries = []
    for split in splits or split_names(root):
        pairs, problems = _match(root, split, mask_values)
        facts = []
        for found, fact in in_parallel(_examine, pairs, f"Reading {split}", progress):
            problems += found
            if fact:
                facts.append(fact)
        widths, heights, shares = zip(*facts, strict=True) if facts else ((), (), ())
        summaries.append(
            SplitSummary(
                split,
                len(pairs),
                _minimum_median_maximum(widths),
                _minimum_median_maximum(heights),
                _minimum_median_maximum(shares),
                tuple(problems),
            )
        )
    return summaries
