"""Mattes of a video that flicker less.

A network sees each frame anew, and noise alone changes its matte. Where the picture stands
still, the matte is drawn towards the one before; where it moves, the matte stays as it is, so
that nothing trails behind a moving edge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.portraits.pictures import Picture

KEPT = 0.7
"""How much of the matte before is taken at most, where nothing moves."""

_REACH = 5
"""Side of the window, in the matte's pixels, in which a change of the picture counts."""

_STILL = 1.5
"""Mean change of a pixel in grey levels that even a picture without noise may have."""

_NOISE = 1.5
"""How many times the usual change of the picture a pixel may change and still stand still."""


class Smoother:
    """Smooths the mattes of one video, which are given in order.

    The filter is recursive: `α = m + KEPT · w · (α' − m)`, with the network's matte `m`, the
    smoothed one before `α'`, and the stillness `w` in 0 … 1. The stillness falls with the change
    of the picture around a pixel since the frame before, measured against the usual change of
    a quarter of the picture, which is its noise.
    """

    def __init__(self) -> None:
        self._matte: NDArray[np.float32] | None = None
        self._guide: Picture | None = None

    def smooth(self, image: Picture, matte: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next matte, (h, w) at any resolution, of a frame, uint8 (h', w', 3)."""
        height, width = matte.shape
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        guide = cv2.GaussianBlur(small, (3, 3), 0).astype(np.uint8, copy=False)
        before, guide_before = self._matte, self._guide
        if before is not None and guide_before is not None and before.shape == matte.shape:
            share = KEPT * _stillness(guide, guide_before)
            matte = matte + share * (before - matte)
        self._matte, self._guide = matte, guide
        return matte


def _stillness(guide: Picture, before: Picture) -> NDArray[np.float32]:
    """How sure it is that nothing moved, (h, w), 0 … 1."""
    red, green, blue = cv2.split(cv2.absdiff(guide, before))
    change = cv2.max(cv2.max(red, green), blue)
    around = cv2.boxFilter(change, cv2.CV_32F, (_REACH, _REACH))
    # A person fills less than three quarters of most pictures, and the room stands still.
    usual = np.quantile(around[::4, ::4], 0.25)
    bound = float(_STILL + _NOISE * usual)
    excess = np.maximum(around * np.float32(1 / bound) - np.float32(1), 0)
    return cv2.exp(-cv2.multiply(excess, excess)).astype(np.float32, copy=False)
