"""Where a portrait of a person is cut, and where the clothes begin, as the matte tells."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

HEADLESS_SHARE = 0.08
"""Share of the photographed persons that are cut below the top of the head."""

ODD_SHARE = 0.25
"""Share of the photographed persons that are far below the upper edge, and far from the middle."""

NARROW = 0.85
"""Width of a neck as a share of what is above and below it, at most."""

Box = NDArray[np.float64]
"""Left, top, width and height in pixels."""


def box_of_person(matte: NDArray[np.uint8], rng: np.random.Generator) -> Box:
    """Where a portrait of a person is cut: the head and some of the body, or all of it."""
    rows = np.flatnonzero((matte > 127).any(axis=1))
    top, bottom = rows[0], rows[-1] + 1
    cut = rng.random() < HEADLESS_SHARE
    if cut:
        top += int(rng.uniform(0.15, 0.4) * (bottom - top))
    share = rng.uniform(0.35, 1.1) if rng.random() < 0.75 else 1.2
    height = max(32.0, share * (bottom - top)) / rng.uniform(0.65, 0.98)
    seen = np.flatnonzero((matte[top : int(top + 0.6 * height)] > 127).any(axis=0))
    if not len(seen):  # below a cut there may be nothing for a while, as between two hands
        seen = np.flatnonzero((matte > 127).any(axis=0))
    odd = rng.random() < ODD_SHARE
    middle = (seen[0] + seen[-1]) / 2 + rng.normal(0, 0.2 if odd else 0.07) * height
    aspect = rng.uniform(0.7, 1.15)
    above = 0.0 if cut else (rng.uniform(0.3, 0.6) if odd else rng.uniform(0.0, 0.3)) * height
    return np.array([middle - aspect * height / 2, top - above, aspect * height, height])


def box_of_drawn(matte: NDArray[np.float32], rng: np.random.Generator) -> Box:
    """Where a drawn person is cut: upright like a telephone's picture, or as it was drawn."""
    size = len(matte)
    height = size * rng.uniform(0.7, 1.0)
    width = height * rng.uniform(0.7, 1.0)
    seen = np.flatnonzero((matte > 0.5).any(axis=0))
    middle = (seen[0] + seen[-1]) / 2 if len(seen) else size / 2
    left = np.clip(middle + rng.normal(0, 0.06) * size - width / 2, 0, size - width)
    rows = np.flatnonzero((matte > 0.5).any(axis=1))
    head = rows[0] if len(rows) else 0
    top = np.clip(head - rng.uniform(0.0, 0.25) * height, 0, size - height)
    return np.array([left, top, width, height])


def within(box: Box, matte: NDArray[np.uint8], turn_deg: float = 0.0) -> Box:
    """The box moved, and shrunk where it must be, so that nobody in it ends at the picture's edge.

    It may pass an edge that no person touches: what is beyond is background. `turn_deg` is how far
    the box is turned about its middle.
    """
    cut = [[(line > 127).any() for line in (side[0], side[-1])] for side in (matte.T, matte)]
    lengths = np.array(matte.shape[::-1], float)
    # How far the corners of the turned box are beyond the sides of the upright one, at most.
    beyond = abs(np.sin(np.radians(turn_deg))) * box[:1:-1] / 2
    reach = box[2:] + 2 * beyond
    scale = min([1.0, *(lengths[axis] / reach[axis] for axis in (0, 1) if all(cut[axis]))])
    corner, size, beyond = box[:2].copy(), box[2:] * scale, beyond * scale
    for axis, (first, last) in enumerate(cut):
        if last:
            corner[axis] = min(corner[axis], lengths[axis] - size[axis] - beyond[axis])
        if first:
            corner[axis] = max(corner[axis], beyond[axis])
    return np.concatenate([corner, size])


def inside(box: Box, picture: NDArray[np.uint8]) -> Box:
    """The box moved, and shrunk where it must be, into the picture."""
    height, width = picture.shape[:2]
    scale = min(1.0, width / box[2], height / box[3])
    size = box[2:] * scale
    corner = np.clip(box[:2], 0, np.array([width, height]) - size)
    return np.concatenate([corner, size])


def neck(matte: NDArray[np.float32]) -> int:
    """Row where clothes may begin, by the silhouette: its first narrow place below the top.

    Narrow is at most NARROW of the widest row above, and of a row below. Where there is no such
    place, as with long hair, a hood or a turned back, it is a row in the lower half of the person,
    and the height of the picture where there is nobody.
    """
    widths = cv2.GaussianBlur((matte > 0.5).sum(axis=1, dtype=np.float32)[:, None], (0, 0), 4)[:, 0]
    seen = np.flatnonzero(widths > 2)
    if not len(seen):
        return len(matte)
    top, bottom = int(seen[0]), int(seen[-1]) + 1
    widest = narrowest = top
    for row in range(top, bottom):
        limit = NARROW * min(widths[widest], widths[row])
        if widths[narrowest] <= limit:
            return narrowest
        if widths[row] >= widths[widest]:
            widest = narrowest = row
        elif widths[row] < widths[narrowest]:
            narrowest = row
    return top + int(0.6 * (bottom - top))
