"""Reading pictures and masks, and making network inputs of them.

Pictures are uint8 RGB arrays of shape (height, width, 3), masks uint8 arrays (height, width).
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import DataError, OutputError
from mmnet_deploy.files import reason
from mmnet_deploy.portraits.decoders import Pixels
from mmnet_deploy.portraits.decoding import decode, palette_numbers
from mmnet_deploy.portraits.formats import (
    HEIC_EXTENSIONS,
    HEIC_REMEDY,
    OTHER_EXTENSIONS,
    endings,
    is_readable,
    kind_of,
)
from mmnet_deploy.portraits.masks import REST, MaskValues, class_numbers, shown_levels
from mmnet_deploy.portraits.problems import PictureError, Problem

Picture = NDArray[np.uint8]

GREY_TOLERANCE = 8
"""Largest difference between the colour channels of a mask, which JPEG may leave."""

# --- Reading -----------------------------------------------------------------


def read_image(path: Path) -> Picture:
    """Read a picture as RGB, turned upright if its EXIF data says so.

    Returns:
        uint8, (height, width, 3).

    Raises:
        PictureError: It cannot be read.
    """
    picture = decode(path, colour=True)
    if picture.dtype != np.uint8:
        raise PictureError(path, f"a picture must have 8 or 16 bits. Received: {picture.dtype}.")
    return picture


def read_mask(path: Path, values: MaskValues | None = None) -> Picture:
    """Read a mask, turned upright like its picture; 16-bit masks are reduced to 8 bits.

    Of a picture with an alpha channel, that channel is the mask, unless it is
    opaque throughout.

    Args:
        values: What class numbers mean; None for masks of alpha. The numbers of a palette of
            colours are class numbers.

    Returns:
        uint8, (height, width), 0 background … 255 foreground.

    Raises:
        PictureError: It cannot be read, it has colours, or it holds class numbers (without
            `values`) or others than those.
    """
    levels = _levels(path, values)
    if values is not None:
        try:
            return values.alpha(levels)
        except ValueError as error:
            raise PictureError(path, str(error)) from error
    if levels.dtype == np.uint16:
        _refuse_8_bits_in_16(path, levels)
        levels = np.round(levels / 257)
    mask = np.ascontiguousarray(levels, np.uint8)
    numbers = class_numbers(mask)
    if numbers is not None:
        raise PictureError(
            path,
            f"holds {shown_levels(numbers)} only, which are class numbers; a mask goes from 0 to "
            f"255. Convert it, or {_remedy(numbers)}.",
        )
    return mask


def _levels(path: Path, values: MaskValues | None) -> Pixels:
    """The one channel of a mask, (h, w), uint8 or uint16; see `read_mask`."""
    mask = decode(path, colour=False)
    if mask.dtype not in (np.uint8, np.uint16):
        raise PictureError(path, f"a mask must have 8 or 16 bits. Received: {mask.dtype}.")
    if mask.ndim == 3 and mask.shape[2] in (2, 4):
        if mask[..., -1].min() < np.iinfo(mask.dtype).max:
            return mask[..., -1]
        mask = mask[..., :-1]
    if mask.ndim == 2:
        return mask
    tolerance = GREY_TOLERANCE * (257 if mask.dtype == np.uint16 else 1)
    if int(np.max(mask.max(axis=2) - mask.min(axis=2))) <= tolerance:
        return mask[..., 0]
    numbers = palette_numbers(path)
    if numbers is None:
        raise PictureError(path, "a mask must be grey; this one has colours.")
    if values is None:
        found = np.unique(numbers)
        raise PictureError(
            path,
            f"a mask must be grey; this one has a palette of colours for the class numbers "
            f"{shown_levels(found)}. Convert it, or {_remedy(found)}.",
        )
    return numbers


def _refuse_8_bits_in_16(path: Path, levels: Pixels) -> None:
    """Refuse a 16-bit mask whose levels are all in the lowest 8: alpha of at most 1/257."""
    if 0 < levels.max() <= 255:
        raise PictureError(
            path,
            f"holds 0 to {levels.max()} in 16 bits; a mask of 16 bits goes to 65535. Convert it, "
            f"or {_remedy(np.unique(levels))}.",
        )


def _remedy(numbers: NDArray) -> str:
    """What to give where masks hold class numbers, for the example of these."""
    front = [number for number in numbers.tolist() if number not in (0, 255)] or [255]
    # Where nothing is 0, one of the numbers is still the background.
    lowest = 0 if 0 in numbers or len(front) == 1 else front.pop(0)
    back = f"{lowest}+255" if 255 in numbers and front != [255] else str(lowest)
    words = "+".join(map(str, front)) if len(front) < 4 else REST
    return (
        "give --mask-values BACKGROUND,FOREGROUND with the numbers of a person, such as "
        f"--mask-values {back},{words}"
    )


# --- Folders -----------------------------------------------------------------


def is_litter(name: str) -> bool:
    """Whether a file or folder is one that systems leave behind, or hidden."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini", "__macosx")


def _names(folder: Path) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(f"Cannot list the folder {folder}: {reason(error)}.") from error
    return [name for name in names if not is_litter(name)]


def pictures_in(folder: Path) -> list[Path]:
    """The picture files directly in `folder`, in order of their names.

    Raises:
        DataError: It is no folder that can be listed.
    """
    return [folder / name for name in _names(folder) if is_readable(name)]


def left_out(folder: Path) -> list[Problem]:
    """The pictures in `folder` that `pictures_in` leaves out, and why.

    Raises:
        DataError: It is no folder that can be listed.
    """
    found = []
    for name in _names(folder):
        path = folder / name
        if is_readable(name):
            continue
        if name.lower().endswith(HEIC_EXTENSIONS):
            found.append(Problem(path, f"is left out: HEIC pictures {HEIC_REMEDY}"))
        elif name.lower().endswith(OTHER_EXTENSIONS):
            kind = path.suffix[1:].upper()
            rule = f"is left out: {kind} pictures cannot be read. Convert it to JPEG or PNG."
            found.append(Problem(path, rule))
        elif path.is_dir():
            if _holds_pictures(path):
                found.append(Problem(path, "is left out: pictures in a folder below are not read."))
        elif _kind_of_file(path) not in (None, "PNM"):
            rule = f"is left out: a picture's name must end in {', '.join(endings())}."
            found.append(Problem(path, rule))
    return found


def _holds_pictures(folder: Path) -> bool:
    try:
        return bool(pictures_in(folder))
    except DataError:
        return False


def _kind_of_file(path: Path) -> str | None:
    """The format of a picture by its content; None for anything else."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return kind_of(file.read(64))
    except OSError:
        return None


# --- Inputs and outputs ------------------------------------------------------


def resized(picture: Picture, height: int, width: int) -> Picture:
    """Resize by area averaging where both sides shrink, else bilinearly."""
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = height <= picture.shape[0] and width <= picture.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    changed = cv2.resize(picture, (width, height), interpolation=method)
    return changed.astype(np.uint8, copy=False)


def as_png(picture: Picture, compression: int | None = None) -> bytes:
    """A picture, uint8 (h, w), (h, w, 3) RGB or (h, w, 4) RGBA, as the content of a PNG file.

    Args:
        compression: 0 … 9; None for OpenCV's own.

    Raises:
        OutputError: It cannot be encoded.
    """
    if picture.ndim == 3:
        order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
        picture = cv2.cvtColor(picture, order).astype(np.uint8, copy=False)
    options = [] if compression is None else [cv2.IMWRITE_PNG_COMPRESSION, compression]
    try:
        written, content = cv2.imencode(".png", np.ascontiguousarray(picture), options)
    except cv2.error:
        written = False
    if not written:
        raise OutputError(f"A picture of shape {picture.shape} cannot be written as PNG.")
    return content.tobytes()


def preprocess(
    image: Picture,
    height: int,
    width: int,
    input_range: tuple[float, float] = (0.0, 1.0),
) -> NDArray[np.float32]:
    """A picture, uint8 (h, w, 3), as a network's input: (1, height, width, 3).

    Conversion, evaluation and calibration all use this function, so that none of
    them sees other pixels than the rest.

    Args:
        input_range: What black and white become.
    """
    low, high = input_range
    batch = resized(image, height, width)[np.newaxis].astype(np.float32)
    return batch * np.float32((high - low) / 255) + np.float32(low)
