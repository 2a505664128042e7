"""Where the pixels of a training picture come from, in one warp per picture.

As published (arXiv:1904.03816): scaled by 1.00 to 1.15 per axis, cropped at random,
mirrored half of the time, turned by up to 15° half of the time with the black corners
cropped away. The steps are composed into one affine map, so that a picture and its mask
are resampled once and move together.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

import models
from mmnet_deploy.runs.recipe import Recipe


def sample_map(rng: np.random.Generator, recipe: Recipe) -> NDArray[np.float64]:
    """A random map from output to source, both in coordinates -0.5 … 0.5.

    Args:
        recipe: `max_scale`, `max_rotation_deg`, `rotation_share` and `flip_share` of it.

    Returns:
        (2, 3): source = map[:, :2] @ output + map[:, 2], always inside the source.
    """
    width, height = 1 / rng.uniform(1, recipe.max_scale, size=2)
    centre_x, centre_y = (rng.uniform(-0.5, 0.5, size=2)) * (1 - width, 1 - height)
    mirror = -1 if rng.random() < recipe.flip_share else 1
    angle = math.radians(rng.uniform(-recipe.max_rotation_deg, recipe.max_rotation_deg))
    if rng.random() >= recipe.rotation_share:
        angle = 0.0
    cos, sin = math.cos(angle), math.sin(angle)
    # The largest upright square inside a unit square turned by the angle.
    side = 1 / (cos + abs(sin))
    return np.array(
        [
            [width * mirror * side * cos, -width * mirror * side * sin, centre_x],
            [height * side * sin, height * side * cos, centre_y],
        ]
    )


def warp(
    picture: NDArray[np.uint8], source: NDArray[np.float64], size: int | tuple[int, int]
) -> NDArray[np.uint8]:
    """Resample `picture`, (h, w) or (h, w, channels), by a map of `sample_map`.

    Args:
        size: Height and width of what comes out, one number for both.
    """
    rows, columns = models.as_pair(size)
    height, width = picture.shape[:2]
    extent = np.array([[width], [height]])
    # From pixel centres of the output to -0.5 … 0.5, through the map, to source pixels.
    linear = source[:, :2] * extent / np.array([columns, rows])
    centre = (source[:, 2:] + 0.5) * extent - 0.5
    offset = centre - linear @ np.array([[(columns - 1) / 2], [(rows - 1) / 2]])
    warped = cv2.warpAffine(
        picture,
        np.hstack([linear, offset]),
        (columns, rows),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return warped.astype(np.uint8, copy=False)
