"""Mattes at the resolution of their pictures.

A network's matte is coarser than the picture. Enlarged bilinearly, its edges are as soft as its
pixels are large. The guided filter finds, near each pixel of the matte, the linear function of
the picture's colours that gives the matte best, and computes it at the picture's resolution:
edges come to lie where the picture has them (He, Sun and Tang 2013, "Guided image filtering",
section 3.5 for colours; coefficients found small and enlarged as in He and Sun 2015, "Fast
guided filter", arXiv:1505.00996).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import UsageError
from mmnet_deploy.portraits.pictures import Picture, resized

Matte = NDArray[np.float32]

GUIDED, BILINEAR = "guided", "bilinear"
UPSAMPLES = (GUIDED, BILINEAR)

RADIUS = 1
"""Of the windows, in pixels of the matte, whatever it is enlarged to: see docs/results-2026.md."""

EPSILON = 1e-4
"""ε of He et al.: variance of the colours, in 0 … 1, below which they say little."""

_STRIP_PIXELS = 2**18
"""What is computed at a time: its memory fits the cache and does not grow with the picture."""


def check_upsample(name: str) -> None:
    """Make sure that there is such a way.

    Raises:
        UsageError: There is not.
    """
    if name not in UPSAMPLES:
        raise UsageError(f"`upsample` must be one of {', '.join(UPSAMPLES)}. Received: {name}.")


def enlarged(matte: Matte, image: Picture, upsample: str = GUIDED) -> Matte:
    """A matte at the resolution of its picture.

    Where the picture is not larger than the matte, both ways are bilinear.

    Args:
        matte: float32, (h, w), in 0 … 1.
        image: The picture, uint8 (H, W, 3).
        upsample: One of `UPSAMPLES`.

    Returns:
        float32, (H, W), in 0 … 1.

    Raises:
        UsageError: There is no such way.
    """
    check_upsample(upsample)
    height, width = image.shape[:2]
    if matte.shape == (height, width):
        return matte
    if upsample == GUIDED and height * width > matte.size:
        return _guided(matte, image)
    large = cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR)
    return large.reshape(height, width).astype(np.float32, copy=False)


def _guided(matte: Matte, image: Picture) -> Matte:
    height, width = image.shape[:2]
    # A side on which the picture is the smaller one keeps the picture's pixels.
    rows, columns = (min(pair) for pair in zip(matte.shape, image.shape, strict=False))
    guide = (resized(image, rows, columns) / np.float32(255)).astype(np.float32)
    small = cv2.resize(matte, (columns, rows), interpolation=cv2.INTER_AREA)
    coefficients = _coefficients(guide, small.astype(np.float32).reshape(rows, columns))
    alpha = np.empty((height, width), np.float32)
    step = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, step):
        # A fourth channel, opaque, that the offset is multiplied with.
        strip = cv2.cvtColor(image[top : top + step], cv2.COLOR_RGB2RGBA).astype(np.float32)
        strip *= _enlarged_rows(coefficients, height, width, top, len(strip))
        found = cv2.transform(strip, np.full((1, 4), 1 / 255, np.float32))
        np.clip(found, 0, 1, out=alpha[top : top + step])
    return alpha


def _means(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over the windows; beyond the border the picture is mirrored."""
    side = 2 * RADIUS + 1
    return np.asarray(
        cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT), np.float64
    ).reshape(plane.shape)


def _coefficients(guide: Matte, matte: Matte) -> Matte:
    """The linear functions: a for red, green and blue, and b, float32 (h, w, 4).

    Args:
        guide: float32 (h, w, 3), in 0 … 1, and `matte`, (h, w).
    """
    # Double precision: variances are small differences of large means. Channel by channel, since
    # NumPy and OpenCV are fastest on whole planes.
    colours = [np.ascontiguousarray(guide[..., channel], np.float64) for channel in range(3)]
    level = matte.astype(np.float64)
    r, g, b = means = [_means(colour) for colour in colours]
    mean = _means(level)

    def variance(one: int, other: int) -> NDArray[np.float64]:
        return _means(colours[one] * colours[other]) - means[one] * means[other]

    rr, gg, bb = (variance(channel, channel) + EPSILON for channel in range(3))
    rg, rb, gb = variance(0, 1), variance(0, 2), variance(1, 2)
    to_r, to_g, to_b = (
        _means(colour * level) - own * mean for colour, own in zip(colours, means, strict=True)
    )
    # The inverse of a symmetric 3×3 matrix, by its cofactors.
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * c_rr + rg * c_rg + rb * c_rb
    slopes = [
        (c_rr * to_r + c_rg * to_g + c_rb * to_b) / determinant,
        (c_rg * to_r + c_gg * to_g + c_gb * to_b) / determinant,
        (c_rb * to_r + c_gb * to_g + c_bb * to_b) / determinant,
    ]
    offset = mean - slopes[0] * r - slopes[1] * g - slopes[2] * b
    planes = [_means(plane).astype(np.float32) for plane in (*slopes, offset)]
    return np.asarray(cv2.merge(planes), np.float32)


def _enlarged_rows(coefficients: Matte, height: int, width: int, top: int, count: int) -> Matte:
    """Rows `top` … `top + count` of the coefficients enlarged bilinearly to height × width."""
    rows = coefficients.shape[0]
    place = (np.arange(top, top + count) + 0.5) * (rows / height) - 0.5
    place = np.clip(place, 0, rows - 1)
    first = place.astype(int)
    second = np.minimum(first + 1, rows - 1)
    share = (place - first).astype(np.float32)[:, None, None]
    between = coefficients[first] * (1 - share) + coefficients[second] * share
    return cv2.resize(between, (width, count), interpolation=cv2.INTER_LINEAR).reshape(
        count, width, coefficients.shape[2]
    )
