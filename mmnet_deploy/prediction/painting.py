"""What is saved of a picture and its matte: alone, cut out, on another background."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import UsageError
from mmnet_deploy.mattes.outputs import FORMS, at_size_of
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.pictures import Picture

CUT_OUT, ON_BACKGROUND = "cut-out", "background"
KINDS = (*FORMS, CUT_OUT, ON_BACKGROUND)


def colour(text: str) -> tuple[int, int, int] | None:
    """Red, green and blue of `#rrggbb`; None if it is no such thing."""
    if len(text) == 7 and text.startswith("#"):
        with contextlib.suppress(ValueError):
            red, green, blue = bytes.fromhex(text[1:])
            return red, green, blue
    return None


def check_kind(kind: str) -> None:
    """Make sure that there is such a kind.

    Raises:
        UsageError: There is none.
    """
    if kind not in KINDS:
        raise UsageError(f"`kind` must be one of {', '.join(KINDS)}. Received: {kind}.")


class Painter:
    """Makes what is saved of a picture and its matte.

    Args:
        kind: One of `KINDS`.
        background: For the kind `background`: `#rrggbb`, or a picture's file.

    Raises:
        UsageError: There is no such kind, or the background is missing or not for it.
        DataError: The background cannot be read.
    """

    def __init__(self, kind: str, background: str | None = None) -> None:
        check_kind(kind)
        if (kind == ON_BACKGROUND) != (background is not None):
            raise UsageError("`--kind background` and `--background` belong together.")
        self.kind = kind
        self._background: Picture | None = None
        if background is not None:
            rgb = colour(background)
            self._background = (
                np.array([[rgb]], np.uint8) if rgb else pictures.read_image(Path(background))
            )

    def paint(self, image: Picture, matte: NDArray[np.float32]) -> NDArray[np.uint8]:
        """From a picture, uint8 (h, w, 3), and its matte at any resolution, to
        (h, w), (h, w', 3), or (h, w, 4) for a cut-out, whose colours are the picture's own.
        """
        alpha = at_size_of(image, matte)
        if self.kind == CUT_OUT:
            return np.dstack([image, np.round(255 * alpha).astype(np.uint8)])
        if self._background is None:
            return FORMS[self.kind](image, alpha)
        share = alpha[..., np.newaxis]
        behind = _covering(self._background, *image.shape[:2])
        return np.round(share * image + (1 - share) * behind).astype(np.uint8)


def _covering(picture: Picture, height: int, width: int) -> Picture:
    """The middle of a picture, enlarged or reduced until it covers height × width."""
    scale = max(height / picture.shape[0], width / picture.shape[1])
    rows, columns = (
        max(round(side * scale), least)
        for side, least in zip(picture.shape[:2], (height, width), strict=True)
    )
    large = pictures.resized(picture, rows, columns)
    top, left = (rows - height) // 2, (columns - width) // 2
    return large[top : top + height, left : left + width]
