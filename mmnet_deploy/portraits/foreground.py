"""Foreground colours of a portrait, and portraits before other backgrounds.

Along a soft edge a picture mixes foreground and background. Laid over another background
as it is, it would carry a halo of the old one; so the foreground's own colours are
estimated first, with the multi-level method of Germer, Uelwer, Conrad and Harmeling 2020,
"Fast Multi-Level Foreground Estimation" (arXiv:2006.14970).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

REGULARIZATION = 1e-5
"""ε: how much neighbours' colours should agree where the matte is flat."""

GRADIENT_WEIGHT = 1.0
"""ω: how much more they should where the matte changes."""

SMALL_SIZE = 32
SMALL_ITERATIONS = 20
LARGE_ITERATIONS = 4
"""Twice the published counts: each iteration here updates all pixels at once (Jacobi),
the published ones let a pixel use what its neighbours have just become (Gauss-Seidel)."""

SOFT_RANGE = (16, 239)
"""A mask's values between which a pixel is partly foreground."""

SOFT_WIDTH_PX = 2.0
"""Mean width of the edge from which a mask is soft; anti-aliasing alone makes about 1."""


def is_soft(mask: NDArray[np.uint8]) -> bool:
    """Whether a mask, (h, w), has soft edges: wider on average than `SOFT_WIDTH_PX`.

    Only then is it known what of a pixel is foreground.
    """
    low, high = SOFT_RANGE
    partly = np.count_nonzero((mask >= low) & (mask <= high))
    inside = (mask > 127).astype(np.uint8)
    edge = np.count_nonzero(inside != cv2.erode(inside, np.ones((3, 3), np.uint8)))
    return bool(edge and partly / edge >= SOFT_WIDTH_PX)


def _neighbours(values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The pixels above, below, left and right of each; the border repeats itself."""
    padded = np.pad(values, [(1, 1), (1, 1)] + [(0, 0)] * (values.ndim - 2), mode="edge")
    return [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]


def _level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Heights and widths from one pixel to the whole, each side growing geometrically."""
    levels = max(1, int(np.ceil(np.log2(max(height, width)))))
    return [
        (round(height ** (level / levels)), round(width ** (level / levels)))
        for level in range(levels + 1)
    ]


def estimate(image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Foreground colours of a picture.

    Minimises, over foreground F and background B with matte α and picture I,
    Σᵢ (αᵢFᵢ + (1 − αᵢ)Bᵢ − Iᵢ)² + Σᵢ Σⱼ (ε + ω|αᵢ − αⱼ|) ((Fᵢ − Fⱼ)² + (Bᵢ − Bⱼ)²), j the
    four neighbours of i, from coarse to fine.

    Args:
        image: uint8, (h, w, 3), and `mask`, uint8, (h, w).

    Returns:
        uint8, (h, w, 3); where the matte is 1, the picture's colours.
    """
    picture = (image / np.float32(255)).astype(np.float32)
    matte = (mask / np.float32(255)).astype(np.float32)
    fore = _mean_colour(picture, matte > 0.9)
    back = _mean_colour(picture, matte < 0.1)
    for height, width in _level_sizes(*matte.shape):
        size = (width, height)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        alpha = cv2.resize(matte, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        fore, back = _enlarged(fore, size), _enlarged(back, size)
        weights = [
            (REGULARIZATION + GRADIENT_WEIGHT * np.abs(alpha - beside))[..., np.newaxis]
            for beside in _neighbours(alpha)
        ]
        few = max(height, width) > SMALL_SIZE
        for _ in range(LARGE_ITERATIONS if few else SMALL_ITERATIONS):
            fore, back = _updated(
                small.reshape(height, width, 3), alpha[..., np.newaxis], fore, back, weights
            )
    wholly = mask[..., np.newaxis] == 255
    return np.where(wholly, image, np.rint(fore * 255).astype(np.uint8))


def _enlarged(colours: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Colours at a width and height, each pixel that of the nearest."""
    resized = cv2.resize(colours, size, interpolation=cv2.INTER_NEAREST)
    return resized.reshape(size[1], size[0], 3).astype(np.float32, copy=False)


def _mean_colour(picture: NDArray[np.float32], chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The mean of the chosen pixels as a picture of one; black if there are none."""
    colour = picture[chosen].mean(axis=0) if chosen.any() else np.zeros(3)
    return colour.astype(np.float32).reshape(1, 1, 3)


def _updated(
    picture: NDArray[np.float32],
    alpha: NDArray[np.float32],
    fore: NDArray[np.float32],
    back: NDArray[np.float32],
    weights: list[NDArray[np.float32]],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """F and B that are the least of each pixel's own terms, its neighbours held fixed.

    The two unknowns of a channel solve a system of two equations with the matrix
    [[α² + w, α(1 − α)], [α(1 − α), (1 − α)² + w]], w the sum of the weights.
    """
    total = sum(weights)
    rest = 1 - alpha
    right_fore = alpha * picture
    right_back = rest * picture
    for weight, near_fore, near_back in zip(
        weights, _neighbours(fore), _neighbours(back), strict=True
    ):
        right_fore = right_fore + weight * near_fore
        right_back = right_back + weight * near_back
    first, cross, second = alpha**2 + total, alpha * rest, rest**2 + total
    determinant = first * second - cross**2
    new_fore = (second * right_fore - cross * right_back) / determinant
    new_back = (first * right_back - cross * right_fore) / determinant
    return np.clip(new_fore, 0, 1), np.clip(new_back, 0, 1)


def composite(
    fore: NDArray[np.uint8], mask: NDArray[np.uint8], back: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """αF + (1 − α)B in uint8: (h, w, 3), (h, w) and (h, w, 3)."""
    alpha = mask[..., np.newaxis].astype(np.uint16)
    mixed = alpha * fore + (255 - alpha) * back
    return ((mixed + 127) // 255).astype(np.uint8)
