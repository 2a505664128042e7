"""Foreground colours of a portrait, and portraits before other backgrounds.

Along a soft edge a picture mixes foreground and background. Laid over another background
as it is, it would carry a halo of the old one; so the foreground's own colours are
estimated first, with the multi-level method of Germer, Uelwer, Conrad and Harmeling 2020,
"Fast Multi-Level Foreground Estimation" (arXiv:2006.14970).

A large picture is estimated small; at its own resolution the pixels of the edge alone are
corrected, by the last step of Forte 2021, "Approximate Fast Foreground Colour Estimation"
(ICIP 2021).
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

ESTIMATED_SIDE = 256
"""Longer side in pixels at which `cleaned` estimates colours."""

SOFT_RANGE = (16, 239)
"""A mask's values between which a pixel is partly foreground."""

SOFT_WIDTH_PX = 2.0
"""Mean width of the edge from which a mask is soft; anti-aliasing alone makes about 1."""


_STRIP_PIXELS = 2**20
"""What is computed at a time, so that memory does not grow with the picture."""


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
    fore, _ = _both(picture, (mask / np.float32(255)).astype(np.float32))
    wholly = mask[..., np.newaxis] == 255
    return np.where(wholly, image, np.rint(fore * 255).astype(np.uint8))


def cleaned(image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Foreground colours of a picture of any size, fast; black where there is no foreground.

    With colours F and B estimated small and enlarged, a pixel of the edge gets
    F + α (I − αF − (1 − α) B), so that the picture's detail comes back.

    Args:
        image: uint8, (h, w, 3), and `mask`, uint8, (h, w).

    Returns:
        uint8, (h, w, 3); where the matte is 1, the picture's colours.
    """
    height, width = mask.shape
    scale = min(1.0, ESTIMATED_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small, alpha = (
        cv2.resize(values, size, interpolation=cv2.INTER_AREA) for values in (image, mask)
    )
    estimated = _both(
        (small.reshape(size[1], size[0], 3) / np.float32(255)).astype(np.float32),
        (alpha.reshape(size[1], size[0]) / np.float32(255)).astype(np.float32),
    )
    colours = np.zeros_like(image)
    step = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        known = mask[rows]
        colours[rows][known == 255] = image[rows][known == 255]
        edge = (known > 0) & (known < 255)
        if edge.any():
            y, x = np.nonzero(edge)
            fore, back = (_sampled(layer, y + top, x, height, width) for layer in estimated)
            share = (known[edge] / np.float32(255))[:, np.newaxis]
            rest = image[rows][edge] / np.float32(255) - share * fore - (1 - share) * back
            found = np.clip(fore + share * rest, 0, 1)
            colours[rows][edge] = np.rint(255 * found).astype(np.uint8)
    return colours


def _sampled(
    layer: NDArray[np.float32],
    y: NDArray[np.intp],
    x: NDArray[np.intp],
    height: int,
    width: int,
) -> NDArray[np.float32]:
    """Pixels of a small layer enlarged bilinearly to height × width, (n, 3)."""
    rows, columns = layer.shape[:2]
    down, right = (
        np.clip((place + 0.5) * (count / side) - 0.5, 0, count - 1)
        for place, count, side in ((y, rows, height), (x, columns, width))
    )
    top, left = down.astype(np.intp), right.astype(np.intp)
    below, beside = np.minimum(top + 1, rows - 1), np.minimum(left + 1, columns - 1)
    v, u = ((it % 1).astype(np.float32)[:, np.newaxis] for it in (down, right))
    upper = layer[top, left] * (1 - u) + layer[top, beside] * u
    lower = layer[below, left] * (1 - u) + layer[below, beside] * u
    return upper * (1 - v) + lower * v


def _both(
    picture: NDArray[np.float32], matte: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours of foreground and background, (h, w, 3), of a picture and a matte in 0 … 1."""
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
    return fore, back


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
