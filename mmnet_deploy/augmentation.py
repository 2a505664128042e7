"""Augmentation as published (arXiv:1904.03816), in one warp per picture.

Scaled by 1.00 to 1.15 per axis, cropped at random, mirrored half of the time, turned
by up to 15° half of the time with the black corners cropped away. The steps are
composed into one affine map, so that a picture and its mask are resampled once and
move together.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_SCALE = 1.15
MAX_ROTATION_DEG = 15.0


def sample_map(rng: np.random.Generator) -> NDArray[np.float64]:
    """A random map from output to source, both in coordinates -0.5 … 0.5.

    Returns:
        (2, 3): source = map[:, :2] @ output + map[:, 2], always inside the source.
    """
    width, height = 1 / rng.uniform(1, MAX_SCALE, size=2)
    centre_x, centre_y = (rng.uniform(-0.5, 0.5, size=2)) * (1 - width, 1 - height)
    mirror = -1 if rng.random() < 0.5 else 1
    angle = math.radians(rng.uniform(-MAX_ROTATION_DEG, MAX_ROTATION_DEG))
    if rng.random() < 0.5:
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


def warp(picture: NDArray[np.uint8], source: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Resample `picture`, (h, w) or (h, w, 3), by a map of `sample_map` to size×size."""
    height, width = picture.shape[:2]
    extent = np.array([[width], [height]])
    # From pixel centres of the output to -0.5 … 0.5, through the map, to source pixels.
    linear = source[:, :2] * extent / size
    centre = (source[:, 2:] + 0.5) * extent - 0.5
    offset = centre - linear @ np.full((2, 1), (size - 1) / 2)
    warped = cv2.warpAffine(
        picture,
        np.hstack([linear, offset]),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return warped.astype(np.uint8, copy=False)


class Batches:
    """Augmented batches as a pure function of their number.

    A batch depends on the seed and on its number alone, so training that is resumed
    at step n sees what it would have seen without the interruption.

    Args:
        images: uint8, (n, h, w, 3), and `masks`, uint8, (n, h, w).
        size: Height and width in pixels of what comes out.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        masks: NDArray[np.uint8],
        *,
        batch_size: int,
        size: int,
        seed: int,
    ) -> None:
        self.images = images
        self.masks = masks
        self.batch_size = batch_size
        self.size = size
        self.seed = seed
        self._lap = -1
        self._order = np.empty(0, np.intp)

    def _source(self, item: int) -> int:
        """Which picture is the stream's `item`: each pass is a new permutation."""
        lap, position = divmod(item, len(self.images))
        if lap != self._lap:
            self._lap = lap
            self._order = np.random.default_rng([self.seed, 0, lap]).permutation(len(self.images))
        return int(self._order[position])

    def __getitem__(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Batch `number`: pictures (b, size, size, 3) and mattes (b, size, size, 1) in 0 … 1."""
        images = np.empty((self.batch_size, self.size, self.size, 3), np.float32)
        masks = np.empty((self.batch_size, self.size, self.size, 1), np.float32)
        for row in range(self.batch_size):
            item = number * self.batch_size + row
            index = self._source(item)
            source = sample_map(np.random.default_rng([self.seed, 1, item]))
            np.multiply(
                warp(self.images[index], source, self.size), np.float32(1 / 255), out=images[row]
            )
            np.multiply(
                warp(self.masks[index], source, self.size),
                np.float32(1 / 255),
                out=masks[row, ..., 0],
            )
        return images, masks
