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
    colours = cv2.copyTo(image, (mask == 255).astype(np.uint8))
    step = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        known = mask[rows].reshape(-1)
        edge = np.flatnonzero((known > 0) & (known < 255))
        if edge.size:
            y, x = edge // width + top, edge % width
            fore, back = (_sampled(layer, y, x, height, width) for layer in estimated)
            share = (known[edge] / np.float32(255))[:, np.newaxis]
            rest = image[rows].reshape(-1, 3)[edge] / np.float32(255)
            found = np.clip(fore + share * (rest - share * fore - (1 - share) * back), 0, 1)
            colours[rows].reshape(-1, 3)[edge] = np.rint(255 * found).astype(np.uint8)
    return colours.astype(np.uint8, copy=False)


_TABLE_WIDTH = 1024
"""Of the table of places that OpenCV takes, whose sides it limits."""


def _sampled(
    layer: NDArray[np.float32],
    y: NDArray[np.intp],
    x: NDArray[np.intp],
    height: int,
    width: int,
) -> NDArray[np.float32]:
    """Pixels of a small layer enlarged bilinearly to height × width, (n, 3)."""
    rows, columns = layer.shape[:2]
    count = -(-len(y) // _TABLE_WIDTH)
    places = np.zeros((2, count * _TABLE_WIDTH), np.float32)
    places[0, : len(x)] = (x + 0.5) * (columns / width) - 0.5
    places[1, : len(y)] = (y + 0.5) * (rows / height) - 0.5
    across, down = places.reshape(2, count, _TABLE_WIDTH)
    found = cv2.remap(layer, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(-1, 3)[: len(y)].astype(np.float32, copy=False)


def _both(
    picture: NDArray[np.float32], matte: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours of foreground and background, (h, w, 3), of a picture and a matte in 0 … 1."""
    # Six planes, (6, h, w), foreground and background: NumPy is fastest along whole rows.
    planes = np.concatenate(
        [_mean_colour(picture, matte > 0.9), _mean_colour(picture, matte < 0.1)]
    )
    for height, width in _level_sizes(*matte.shape):
        size = (width, height)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        alpha = cv2.resize(matte, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        few = max(height, width) > SMALL_SIZE
        planes = _solved(
            np.ascontiguousarray(small.reshape(height, width, 3).transpose(2, 0, 1)),
            alpha.reshape(height, width),
            _enlarged(planes, height, width),
            LARGE_ITERATIONS if few else SMALL_ITERATIONS,
        )
    colours = np.ascontiguousarray(planes.transpose(1, 2, 0))
    return np.ascontiguousarray(colours[..., :3]), np.ascontiguousarray(colours[..., 3:])


def _enlarged(planes: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Planes (n, h, w) at another size, each pixel that of the nearest."""
    rows, columns = (
        (np.arange(new) * (old / new)).astype(np.intp)
        for new, old in zip((height, width), planes.shape[1:], strict=True)
    )
    return planes[:, rows[:, np.newaxis], columns]


def _mean_colour(picture: NDArray[np.float32], chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The mean of the chosen pixels as three planes of one pixel; black if there are none."""
    colour = picture[chosen].mean(axis=0) if chosen.any() else np.zeros(3)
    return colour.astype(np.float32).reshape(3, 1, 1)


def _solved(
    picture: NDArray[np.float32],
    alpha: NDArray[np.float32],
    planes: NDArray[np.float32],
    iterations: int,
) -> NDArray[np.float32]:
    """F and B, (6, h, w), that are the least of each pixel's own terms, neighbours held fixed.

    The two unknowns of a channel solve a system of two equations with the matrix
    [[α² + w, α(1 − α)], [α(1 − α), (1 − α)² + w]], w the sum of the weights. Its inverse is that
    of all iterations.

    Args:
        picture: Three planes, (3, h, w).
        alpha: (h, w).
        planes: What the iterations begin with, (6, h, w).
    """
    height, width = alpha.shape
    weights = [
        REGULARIZATION + GRADIENT_WEIGHT * np.abs(alpha - beside) for beside in _neighbours(alpha)
    ]
    total, rest = sum(weights), 1 - alpha
    first, cross, second = alpha**2 + total, alpha * rest, rest**2 + total
    determinant = first * second - cross**2
    own = np.concatenate([alpha * picture, rest * picture])
    to_fore, to_back, other = second / determinant, first / determinant, -cross / determinant
    padded = np.empty((6, height + 2, width + 2), np.float32)
    for _ in range(iterations):
        padded[:, 1:-1, 1:-1] = planes
        padded[:, 0], padded[:, -1] = padded[:, 1], padded[:, -2]
        padded[..., 0], padded[..., -1] = padded[..., 1], padded[..., -2]
        right = own + weights[0] * padded[:, :-2, 1:-1]
        right += weights[1] * padded[:, 2:, 1:-1]
        right += weights[2] * padded[:, 1:-1, :-2]
        right += weights[3] * padded[:, 1:-1, 2:]
        planes = np.concatenate(
            [to_fore * right[:3] + other * right[3:], to_back * right[3:] + other * right[:3]]
        )
        np.clip(planes, 0, 1, out=planes)
    return planes


def composite(
    fore: NDArray[np.uint8], mask: NDArray[np.uint8], back: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """αF + (1 − α)B in uint8: (h, w, 3), (h, w) and (h, w, 3)."""
    mixed = cv2.copyTo(fore, (mask == 255).astype(np.uint8), np.array(back, order="C"))
    edge = np.flatnonzero((mask > 0) & (mask < 255))
    alpha = mask.reshape(-1)[edge, np.newaxis].astype(np.uint16)
    over, under = fore.reshape(-1, 3)[edge], back.reshape(-1, 3)[edge]
    mixed.reshape(-1, 3)[edge] = (alpha * over + (255 - alpha) * under + 127) // 255
    return mixed.astype(np.uint8, copy=False)
