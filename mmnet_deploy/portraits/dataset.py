"""Portraits and masks on disk.

    ROOT/<split>/image/NAME.(jpg|jpeg|png)
    ROOT/<split>/mask/NAME.(png|jpg|jpeg)     0 background … 255 foreground

A picture and its mask are paired by stem; their extensions may differ. Pictures are
uint8 RGB arrays of shape (height, width, 3), masks uint8 arrays (height, width).
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from mmnet_deploy.errors import DataError
from mmnet_deploy.files import reason
from mmnet_deploy.progress import Progress, silent

Picture = NDArray[np.uint8]

EXTENSIONS = (".jpg", ".jpeg", ".png")
LAYOUT = "ROOT/<split>/image/NAME.jpg and ROOT/<split>/mask/NAME.png"

OTHER_PICTURES = (".bmp", ".gif", ".heic", ".tif", ".tiff", ".webp")
"""Pictures that a data set may hold by mistake; they would be left out without a word."""

GREY_TOLERANCE = 8
"""Largest difference between the colour channels of a mask, which JPEG may leave."""


MOST_PIXELS = 2**30
"""What OpenCV decodes at most."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """A portrait and its mask."""

    name: str
    image: Path
    mask: Path


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a data set, and the file that it concerns."""

    path: Path
    rule: str

    def __str__(self) -> str:
        line = f"{self.path}: {self.rule}"
        # A file name may hold line breaks, and bytes that are no text.
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


# --- Reading one file --------------------------------------------------------


def _decode_jpeg(path: Path, content: bytes) -> NDArray | None:
    """Decode a JPEG, channels in OpenCV's order; None for one that is whole but OpenCV's job.

    OpenCV would fill up a damaged one with grey and only print a warning about it.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content, strict=True)
        four_inks = colours in ("CMYK", "YCCK")
        # OpenCV turns pictures upright by their EXIF data. Without any, decoding once will do:
        # the pixels are the same.
        if not four_inks and b"Exif\0\0" not in content and height * width <= MOST_PIXELS:
            return simplejpeg.decode_jpeg(content, colorspace="BGR", strict=True)
        # At an eighth of the size: all the data is read, few pixels are computed.
        simplejpeg.decode_jpeg(
            content,
            colorspace="CMYK" if four_inks else "GRAY",
            strict=True,
            min_height=1,
            min_width=1,
        )
    except (ValueError, RuntimeError) as error:
        raise DataError(f"{path}: is a damaged JPEG ({_one_line(error)}).") from error
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _decode(path: Path, flags: int) -> NDArray:
    """Decode a whole picture file, channels in OpenCV's order.

    Raises:
        DataError: It is missing, empty, truncated or no picture.
    """
    try:
        # A pipe or a device would be read for ever.
        content = path.read_bytes() if path.is_file() or not path.exists() else None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {reason(error)}.") from error
    if content is None:
        raise DataError(f"{path}: is not a regular file.")
    if not content:
        raise DataError(f"{path}: is empty.")
    is_jpeg, is_png = content.startswith(b"\xff\xd8"), content.startswith(b"\x89PNG")
    if not (is_jpeg or is_png):
        raise DataError(f"{path}: is neither a JPEG nor a PNG picture.")
    if is_png and b"IEND" not in content[-64:]:
        raise DataError(f"{path}: is truncated.")
    if is_jpeg:
        upright = _decode_jpeg(path, content)
        if upright is not None:
            return upright
        # No JPEG has 16 bits or transparency, and only colour decoding heeds the orientation.
        flags = cv2.IMREAD_COLOR
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise DataError(f"{path}: cannot be decoded; it is damaged or too large.") from error
    if picture is None:
        raise DataError(f"{path}: cannot be decoded; it is damaged or too large.")
    return picture


def read_image(path: Path) -> Picture:
    """Read a picture as RGB, turned upright if its EXIF data says so.

    Returns:
        uint8, (height, width, 3).

    Raises:
        DataError: It cannot be read.
    """
    picture = cv2.cvtColor(_decode(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return picture.astype(np.uint8, copy=False)


def read_mask(path: Path) -> Picture:
    """Read a mask, turned upright like its picture; 16-bit masks are reduced to 8 bits.

    Of a picture with an alpha channel, that channel is the mask, unless it is
    opaque throughout.

    Returns:
        uint8, (height, width), 0 background … 255 foreground.

    Raises:
        DataError: It cannot be read, or it has colours.
    """
    mask = _decode(path, cv2.IMREAD_UNCHANGED)
    if mask.dtype == np.uint16:
        mask = np.round(mask / 257).astype(np.uint8)
    if mask.dtype != np.uint8:
        raise DataError(f"{path}: a mask must have 8 or 16 bits. Received: {mask.dtype}.")
    if mask.ndim == 3 and mask.shape[2] in (2, 4):
        if mask[..., -1].min() < 255:
            return np.ascontiguousarray(mask[..., -1])
        mask = mask[..., :-1]
    if mask.ndim == 3:
        if int(np.max(mask.max(axis=2) - mask.min(axis=2))) > GREY_TOLERANCE:
            raise DataError(f"{path}: a mask must be grey; this one has colours.")
        mask = mask[..., 0]
    return np.ascontiguousarray(mask)


def read_pair(pair: Pair) -> tuple[Picture, Picture]:
    """Read a picture and its mask.

    Raises:
        DataError: Either cannot be read, or their sizes differ.
    """
    image, mask = read_image(pair.image), read_mask(pair.mask)
    if image.shape[:2] != mask.shape:
        raise DataError(
            f"{pair.mask}: is {mask.shape[1]}×{mask.shape[0]} pixels, "
            f"its picture {image.shape[1]}×{image.shape[0]}."
        )
    return image, mask


def resized(picture: Picture, height: int, width: int) -> Picture:
    """Resize by area averaging where both sides shrink, else bilinearly."""
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = height <= picture.shape[0] and width <= picture.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    changed = cv2.resize(picture, (width, height), interpolation=method)
    return changed.astype(np.uint8, copy=False)


# --- Finding files -----------------------------------------------------------


def pictures_in(folder: Path) -> list[Path]:
    """The picture files directly in `folder`, in order of their names.

    Raises:
        DataError: It is no folder that can be listed.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(f"Cannot list the folder {folder}: {reason(error)}.") from error
    return [
        folder / name
        for name in names
        if name.lower().endswith(EXTENSIONS) and not name.startswith(".")
    ]


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
        if (child / "image").is_dir() or (child / "mask").is_dir()
    ]
    if not names:
        raise DataError(f"{root} holds no data set. Expected: {LAYOUT}.")
    return names


def _match(root: Path, split: str) -> tuple[list[Pair], list[Problem]]:
    """Pair the files of a split by stem; what cannot be paired is a problem."""
    known = split_names(root)
    if split not in known:
        raise DataError(f"{root} has no split {split!r}. It has: {', '.join(known)}.")
    problems: list[Problem] = []
    sides: dict[str, dict[str, Path]] = {}
    for side in ("image", "mask"):
        folder = root / split / side
        sides[side] = {}
        if not folder.is_dir():
            problems.append(Problem(folder, "the folder is missing."))
            continue
        problems += [
            Problem(folder / name, f"is left out: pictures must be {', '.join(EXTENSIONS)}.")
            for name in sorted(os.listdir(folder))
            if name.lower().endswith(OTHER_PICTURES)
        ]
        for path in pictures_in(folder):
            first = sides[side].setdefault(path.stem, path)
            if first is not path:
                problems.append(Problem(path, f"has the same stem as {first.name}."))
    for side, other in (("image", "mask"), ("mask", "image")):
        for stem in sorted(sides[side].keys() - sides[other].keys()):
            problems.append(Problem(sides[side][stem], f"has no {other} of the same stem."))
    pairs = [
        Pair(stem, sides["image"][stem], sides["mask"][stem])
        for stem in sorted(sides["image"].keys() & sides["mask"].keys())
    ]
    if not pairs and not problems:
        problems.append(Problem(root / split, f"holds no pictures. Expected: {LAYOUT}."))
    return pairs, problems


def find_pairs(root: Path, split: str) -> list[Pair]:
    """The pairs of one split or several, each in order of their names.

    Args:
        split: A name, or several joined by commas. `PART/train` is the split `train` of the
            data set in the folder PART of `root`.

    Raises:
        DataError: There is no such split, it is empty, or a file has no partner.
    """
    pairs: list[Pair] = []
    for name in dict.fromkeys(split.split(",")):
        part, _, last = name.strip().rpartition("/")
        found, problems = _match(root / part, last)
        raise_first(problems, root / part)
        pairs += found
    return pairs


def raise_first(problems: Sequence[Problem], root: Path) -> None:
    """Raise a `DataError` that names the first of the problems, if there are any."""
    if problems:
        raise DataError(
            f"{problems[0]} ({len(problems)} problem{'s' * (len(problems) > 1)} in this data set; "
            f"list all: mmnet-deploy dataset check {root})"
        )


# --- Whole data sets ---------------------------------------------------------


def in_parallel(function, items: Sequence, title: str, progress: Progress) -> Iterator:
    """Results of `function` in order; decoding releases the interpreter lock."""
    with (
        progress(title, len(items)) as advance,
        ThreadPoolExecutor(os.cpu_count() or 1) as executor,
    ):
        # Bounded, so that a large data set is never held in memory as a whole.
        for start in range(0, len(items), 64):
            for result in executor.map(function, items[start : start + 64]):
                advance()
                yield result


def _examine(pair: Pair) -> tuple[list[Problem], tuple[int, int, float] | None]:
    """Problems of one pair, and its width, height and foreground share if it has none."""
    problems: list[Problem] = []
    pictures: dict[str, Picture] = {}
    for side, path, read in (("image", pair.image, read_image), ("mask", pair.mask, read_mask)):
        try:
            pictures[side] = read(path)
        except DataError as error:
            problems.append(Problem(path, str(error).removeprefix(f"{path}: ")))
    mask = pictures.get("mask")
    if mask is not None and not mask.any():
        problems.append(Problem(pair.mask, "is empty: it has no foreground."))
    elif mask is not None and mask.max() == 1:
        problems.append(Problem(pair.mask, "holds 0 and 1; a mask goes from 0 to 255."))
    image = pictures.get("image")
    if image is not None and mask is not None and image.shape[:2] != mask.shape:
        problems.append(
            Problem(
                pair.mask,
                f"is {mask.shape[1]}×{mask.shape[0]} pixels, "
                f"its picture {image.shape[1]}×{image.shape[0]}.",
            )
        )
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
    root: Path, splits: Sequence[str] = (), progress: Progress = silent
) -> list[SplitSummary]:
    """Read every file of the splits (default: all) and list everything wrong.

    Raises:
        DataError: `root` is no data set, or has no such split.
    """
    summaries = []
    for split in splits or split_names(root):
        pairs, problems = _match(root, split)
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
