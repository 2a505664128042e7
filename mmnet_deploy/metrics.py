"""How wrong a matte is. Every function takes one picture, in numpy.

Mattes are float arrays of shape (height, width) in [0, 1]. The gradient error and
the mean absolute difference are those of Seo et al. 2019 (arXiv:1904.03816); other
papers define a gradient error that sums squared differences of magnitudes, so a
figure is only comparable with figures of the same definition and resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Matte = NDArray[np.floating]

PUBLISHED_SIZE = (800, 600)
"""Height and width in pixels at which Seo et al. 2019 compare mattes."""

SIGMA = 1.4
"""Standard deviation in pixels of the Gaussian whose derivative is the gradient."""

HALF_WIDTH = int(3 * SIGMA + 0.5)


def _gradient_filters() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two 1-D factors of the 9×9 Gaussian first derivative: along and across."""
    x = np.arange(-HALF_WIDTH, HALF_WIDTH + 1, dtype=np.float64)
    gaussian = np.exp(-(x**2) / (2 * SIGMA**2))
    gaussian /= gaussian.sum()
    return -x * gaussian / SIGMA**2, gaussian


def gradient_error(alpha: Matte, truth: Matte) -> float:
    """Mean length of the difference between the two mattes' gradient vectors.

    The gradient is a 9×9 Gaussian first derivative with σ = 1.4 pixels, kept where
    the filter lies wholly inside the picture. Unit: alpha per pixel; papers quote
    it ×10⁻³. Definition: Seo et al. 2019.

    Raises:
        ValueError: The pictures are smaller than the filter.
    """
    if min(alpha.shape) <= 2 * HALF_WIDTH:
        raise ValueError(f"Mattes must be larger than {2 * HALF_WIDTH} pixels: {alpha.shape}.")
    along, across = _gradient_filters()
    # The filter is linear, so the difference of gradients is the gradient of the difference.
    difference = np.asarray(alpha, np.float64) - np.asarray(truth, np.float64)
    inside = slice(HALF_WIDTH, -HALF_WIDTH)
    gx = cv2.sepFilter2D(difference, cv2.CV_64F, along, across)[inside, inside]
    gy = cv2.sepFilter2D(difference, cv2.CV_64F, across, along)[inside, inside]
    return float(np.hypot(gx, gy).mean())


def mad(alpha: Matte, truth: Matte) -> float:
    """Mean absolute difference per pixel."""
    return float(np.abs(alpha - truth).mean())


def sad(alpha: Matte, truth: Matte) -> float:
    """Sum of absolute differences over all pixels, in thousands."""
    return float(np.abs(alpha - truth).sum() / 1000)


def mse(alpha: Matte, truth: Matte) -> float:
    """Mean squared difference per pixel."""
    return float(np.square(alpha - truth).mean())


def mean_iou(alpha: Matte, truth: Matte) -> float:
    """Intersection over union at threshold 0.5, mean of foreground and background.

    A class that neither matte has counts as a perfect match.
    """
    predicted, actual = alpha >= 0.5, truth >= 0.5
    scores = []
    for one, other in ((predicted, actual), (~predicted, ~actual)):
        union = np.count_nonzero(one | other)
        scores.append(np.count_nonzero(one & other) / union if union else 1.0)
    return float(np.mean(scores))


METRICS: Mapping[str, Callable[[Matte, Matte], float]] = MappingProxyType(
    {function.__name__: function for function in (gradient_error, mad, sad, mse, mean_iou)}
)
"""Every metric by its name in results."""


def at_one_size(
    matte: NDArray[np.float32], mask: NDArray[np.uint8], size: tuple[int, int] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Matte and mask in 0 … 1, both resized bilinearly to `size` (height, width).

    Args:
        size: None for the mask's own.
    """
    height, width = size or mask.shape
    alpha, truth = (
        cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        for picture in (matte, mask.astype(np.float32) / 255)
    )
    return alpha, truth


def score(
    matte: NDArray[np.float32], mask: NDArray[np.uint8], size: tuple[int, int] | None
) -> dict[str, float]:
    """Every metric of one matte, compared with its mask `at_one_size`."""
    alpha, truth = at_one_size(matte, mask, size)
    return {name: metric(alpha, truth) for name, metric in METRICS.items()}
