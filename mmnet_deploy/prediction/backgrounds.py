"""What stands behind a person: a colour, a picture, or the picture's own background, blurred."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import DataError, UsageError
from mmnet_deploy.portraits.photograph import read_photograph
from mmnet_deploy.portraits.pictures import Picture, resized

BLUR = "blur"

BLUR_SHARE = 0.025
"""Standard deviation of the blur, of the picture's longer side."""

_BLUR_SIDE = 192
"""Longer side in pixels at which a background is blurred: what is lost, the blur would take."""


class Background(Protocol):
    """What stands behind the person, picture by picture or frame by frame."""

    def behind(self, image: Picture, alpha: NDArray[np.float32], time_s: float) -> Picture:
        """The background of one picture.

        Args:
            image: The picture, uint8 (h, w, 3).
            alpha: Its matte in 0 … 1, (h, w).
            time_s: Of a video's frame, from the first one; 0 for a photograph.

        Returns:
            uint8 (h, w, 3).
        """


def background(text: str) -> Background:
    """The background that a user named: `blur`, `#RRGGBB` or the file of a picture.

    Raises:
        UsageError: It looks like a colour and is none.
        DataError: There is no such file, or it cannot be read.
    """
    if text == BLUR:
        return Blurred()
    path = Path(text)
    rgb = colour(text)
    if rgb:
        return Plain(rgb)
    if text.startswith("#") and not path.exists():
        raise UsageError(f"A colour must be # and six hexadecimal digits. Received: {text}.")
    if not text or not path.exists() or path.is_dir():
        raise DataError(
            "`background` must be a picture, a video, blur, or a colour such as '#00b140'. "
            f"There is no such file: {text or 'nothing was given'}."
        )
    return Still(read_photograph(path).image)


def colour(text: str) -> tuple[int, int, int] | None:
    """Red, green and blue of `#rrggbb`; None if it is no such thing."""
    if len(text) == 7 and text.startswith("#"):
        with contextlib.suppress(ValueError):
            red, green, blue = bytes.fromhex(text[1:])
            return red, green, blue
    return None


class Plain:
    """One colour."""

    def __init__(self, rgb: tuple[int, int, int]) -> None:
        self._rgb = np.array(rgb, np.uint8)

    def behind(self, image: Picture, alpha: NDArray[np.float32], time_s: float) -> Picture:
        """See `Background`."""
        return np.broadcast_to(self._rgb, image.shape)


class Still:
    """A picture, uint8 (h, w, 3), whose middle covers whatever size is asked for."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._covering = picture

    def behind(self, image: Picture, alpha: NDArray[np.float32], time_s: float) -> Picture:
        """See `Background`."""
        if self._covering.shape != image.shape:
            self._covering = covering(self._picture, *image.shape[:2])
        return self._covering


class Blurred:
    """The picture's own background out of focus, without the person's colours in it."""

    def behind(self, image: Picture, alpha: NDArray[np.float32], time_s: float) -> Picture:
        """See `Background`."""
        height, width = image.shape[:2]
        scale = min(1.0, _BLUR_SIDE / max(height, width))
        rows, columns = (max(1, round(side * scale)) for side in (height, width))
        small = resized(image, rows, columns).astype(np.float32)
        share = 1 - cv2.resize(alpha, (columns, rows), interpolation=cv2.INTER_AREA)
        # Next to the edge, pixels that the matte gives to the background are mixed ones.
        share = cv2.erode(share, np.ones((5, 5), np.uint8)).astype(np.float32).reshape(rows, -1)
        own = (small * share[..., np.newaxis]).astype(np.float32)
        sigma = max(BLUR_SHARE * max(rows, columns), 0.5)
        colours, weight = np.zeros_like(small), np.zeros_like(share)
        # Where the narrow blur finds no background, deep inside the person, a wider one counts.
        for wider, importance in ((1, 1.0), (4, 1e-3), (16, 1e-6)):
            colours += importance * _smoothed(own, wider * sigma)
            weight += importance * _smoothed(share, wider * sigma)
        mean = small.mean(axis=(0, 1)) if not share.any() else own.sum((0, 1)) / share.sum()
        blurred = (colours + 1e-9 * mean) / (weight[..., np.newaxis] + 1e-9)
        return resized(np.rint(np.clip(blurred, 0, 255)).astype(np.uint8), height, width)


def _smoothed(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur; beyond the border the picture is mirrored."""
    smooth = cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return smooth.reshape(values.shape).astype(np.float32, copy=False)


def covering(picture: Picture, height: int, width: int) -> Picture:
    """The middle of a picture, enlarged or reduced until it covers height × width."""
    scale = max(height / picture.shape[0], width / picture.shape[1])
    rows = min(picture.shape[0], max(1, round(height / scale)))
    columns = min(picture.shape[1], max(1, round(width / scale)))
    top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    return resized(picture[top : top + rows, left : left + columns], height, width)
