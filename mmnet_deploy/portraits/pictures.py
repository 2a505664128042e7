"""Reading pictures and masks, and making network inputs of them.

Pictures are uint8 RGB arrays of shape (height, width, 3), masks uint8 arrays (height, width).
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from mmnet_deploy.errors import DataError
from mmnet_deploy.files import reason
from mmnet_deploy.portraits.problems import PictureError

Picture = NDArray[np.uint8]

EXTENSIONS = (".jpg", ".jpeg", ".png")

OTHER_PICTURES = (".bmp", ".gif", ".heic", ".tif", ".tiff", ".webp")
"""Pictures that a data set may hold by mistake; they would be left out silently."""

GREY_TOLERANCE = 8
"""Largest difference between the colour channels of a mask, which JPEG may leave."""

MOST_PIXELS = 2**30
"""What OpenCV decodes at most."""


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
        raise PictureError(path, f"is a damaged JPEG ({_one_line(error)}).") from error
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _decode(path: Path, flags: int) -> NDArray:
    """Decode a whole picture file, channels in OpenCV's order.

    Raises:
        PictureError: It is missing, empty, truncated or no picture.
    """
    try:
        # A pipe or a device would be read for ever.
        content = path.read_bytes() if path.is_file() or not path.exists() else None
    except OSError as error:
        raise PictureError(path, f"cannot be read: {reason(error)}.") from error
    if content is None:
        raise PictureError(path, "is not a regular file.")
    if not content:
        raise PictureError(path, "is empty.")
    is_jpeg, is_png = content.startswith(b"\xff\xd8"), content.startswith(b"\x89PNG")
    if not (is_jpeg or is_png):
        raise PictureError(path, "is neither a JPEG nor a PNG picture.")
    if is_png and b"IEND" not in content[-64:]:
        raise PictureError(path, "is truncated.")
    if is_jpeg:
        upright = _decode_jpeg(path, content)
        if upright is not None:
            return upright
        # No JPEG has 16 bits or transparency, and only colour decoding heeds the orientation.
        flags = cv2.IMREAD_COLOR
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise PictureError(path, "cannot be decoded; it is damaged or too large.") from error
    if picture is None:
        raise PictureError(path, "cannot be decoded; it is damaged or too large.")
    return picture


def read_image(path: Path) -> Picture:
    """Read a picture as RGB, turned upright if its EXIF data says so.

    Returns:
        uint8, (height, width, 3).

    Raises:
        PictureError: It cannot be read.
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
        PictureError: It cannot be read, or it has colours.
    """
    mask = _decode(path, cv2.IMREAD_UNCHANGED)
    if mask.dtype == np.uint16:
        mask = np.round(mask / 257).astype(np.uint8)
    if mask.dtype != np.uint8:
        raise PictureError(path, f"a mask must have 8 or 16 bits. Received: {mask.dtype}.")
    if mask.ndim == 3 and mask.shape[2] in (2, 4):
        if mask[..., -1].min() < 255:
            return np.ascontiguousarray(mask[..., -1])
        mask = mask[..., :-1]
    if mask.ndim == 3:
        if int(np.max(mask.max(axis=2) - mask.min(axis=2))) > GREY_TOLERANCE:
            raise PictureError(path, "a mask must be grey; this one has colours.")
        mask = mask[..., 0]
    return np.ascontiguousarray(mask)


def resized(picture: Picture, height: int, width: int) -> Picture:
    """Resize by area averaging where both sides shrink, else bilinearly."""
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = height <= picture.shape[0] and width <= picture.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    changed = cv2.resize(picture, (width, height), interpolation=method)
    return changed.astype(np.uint8, copy=False)


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
