"""How wrong a matte is. Every metric is one function of one picture, in numpy.

Mattes are float arrays of shape (height, width) in [0, 1]. Several metrics of one name are in
use: the gradient error of Seo et al. 2019 (arXiv:1904.03816) is not that of Rhemann et al.
2009, so each has its own name here, and a figure is only comparable with figures of the same
definition and resolution.

Sums over pixels grow with the resolution; means do not. All compute in float32, as mattes are
made, and add up in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import UsageError
from mmnet_deploy.mattes.metric import Matte, Metric

PUBLISHED_SIZE = (800, 600)
"""Height and width in pixels at which Seo et al. 2019 compare mattes."""

SIGMA = 1.4
"""Standard deviation in pixels of the Gaussian whose derivative is the gradient."""

HALF_WIDTH = int(3 * SIGMA + 0.5)

CONNECTIVITY_STEP = 0.1
CONNECTIVITY_THETA = 0.15

_STRIP_ROWS = 128
"""Rows that are filtered at a time: what a strip needs stays in the cache."""

_LINE_BYTES = 64
"""Of a line of the cache, as wide as the widest registers."""


_METRICS: dict[str, Metric] = {}
_CLIP_METRICS: dict[str, Metric] = {}

METRICS: Mapping[str, Metric] = MappingProxyType(_METRICS)
"""Every metric of one picture by its name in results."""

CLIP_METRICS: Mapping[str, Metric] = MappingProxyType(_CLIP_METRICS)
"""Every metric of consecutive frames of a clip."""


def _metric(
    title: str,
    *,
    unit: str = "",
    factor: float = 1.0,
    digits: int = 4,
    lower_is_better: bool = True,
    default: bool = False,
    of_clip: bool = False,
    of_changes: bool = False,
) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Register a function under its own name."""

    def register(function: Callable[..., float]) -> Callable[..., float]:
        name = function.__name__
        table = _CLIP_METRICS if of_clip else _METRICS
        table[name] = Metric(
            name,
            title,
            unit,
            factor,
            digits,
            function,
            lower_is_better,
            default,
            of_clip,
            of_changes,
        )
        return function

    return register


def listed(metric: str | Sequence[str] | None) -> list[str]:
    """The names of metrics as they were given, also with commas between; each once.

    Raises:
        UsageError: There is no name beside a comma.
    """
    names: list[str] = []
    for one in [metric] if isinstance(metric, str) else metric or ():
        parts = [part.strip() for part in f"{one}".split(",")]
        if "" in parts:
            raise UsageError(
                "`metric` must be names with commas between and no blanks, such as "
                f"gradient_error,mad. Received: {one!r}."
            )
        names += [part for part in parts if part not in names]
    return names


def named(metric: str | Sequence[str] | None = ()) -> tuple[Metric, ...]:
    """Metrics by name, in the order of the registry; the default ones if none is named.

    Args:
        metric: See `listed`.

    Raises:
        UsageError: There is no such metric.
    """
    every, names = {**METRICS, **CLIP_METRICS}, listed(metric)
    for name in names:
        if name not in every:
            raise UsageError(f"`metric` must be one of {', '.join(every)}. Received: {name}.")
    return tuple(m for m in every.values() if (m.name in names if names else m.default))


# --- What the metrics share --------------------------------------------------


def _both(alpha: Matte, truth: Matte) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both mattes as OpenCV takes them; nothing is copied where they are."""
    return np.asarray(alpha, np.float32), np.asarray(truth, np.float32)


def _gaussian() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offsets −4 … 4 in pixels and the Gaussian there, which sums to 1."""
    x = np.arange(-HALF_WIDTH, HALF_WIDTH + 1, dtype=np.float64)
    gaussian = np.exp(-(x**2) / (2 * SIGMA**2))
    return x, gaussian / gaussian.sum()


def _gradient_filters() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The two 1-D factors of the 9×9 Gaussian first derivative: along and across."""
    x, gaussian = _gaussian()
    return (-x * gaussian / SIGMA**2).astype(np.float32), gaussian.astype(np.float32)


def _aligned(height: int, width: int) -> NDArray[np.float32]:
    """An array whose first element lies on a cache line."""
    values = np.empty(height * width + _LINE_BYTES // 4, np.float32)
    start = -values.ctypes.data % _LINE_BYTES // 4
    return values[start : start + height * width].reshape(height, width)


def _gradient_lengths(
    picture: NDArray[np.float32], along: NDArray[np.float32], across: NDArray[np.float32]
) -> Iterator[NDArray[np.float32]]:
    """Lengths of the gradient vectors, strip by strip, where the filter lies inside.

    Filtering a whole picture at once takes several times as long: its memory does not fit the
    cache, and the system hands it out anew for every picture. The lengths of a strip lie where
    those of the one before lay. OpenCV's last digits depend on how its arrays lie in memory, so
    they all lie alike, and equal mattes have equal scores.
    """
    inside = slice(HALF_WIDTH, -HALF_WIDTH)
    height, width = picture.shape
    rows = min(height, _STRIP_ROWS + 2 * HALF_WIDTH)
    arrays = [_aligned(rows, width) for _ in range(3)]
    for top in range(0, height - 2 * HALF_WIDTH, _STRIP_ROWS):
        strip = picture[top : top + rows]
        gx, gy, lengths = (array[: len(strip)] for array in arrays)
        cv2.sepFilter2D(strip, cv2.CV_32F, along, across, dst=gx)
        cv2.sepFilter2D(strip, cv2.CV_32F, across, along, dst=gy)
        cv2.magnitude(gx, gy, magnitude=lengths)
        yield lengths[inside, inside]


# --- One picture -------------------------------------------------------------


@_metric("gradient error", unit="×10⁻³", factor=1e3, digits=3, default=True, of_changes=True)
def gradient_error(alpha: Matte, truth: Matte) -> float:
    """Mean length of the difference between the two mattes' gradient vectors.

    The gradient is a 9×9 Gaussian first derivative with σ = 1.4 pixels, kept where
    the filter lies wholly inside the picture. Unit: alpha per pixel; papers quote
    it ×10⁻³. Definition: Seo et al. 2019 (arXiv:1904.03816).

    Raises:
        ValueError: The pictures are smaller than the filter.
    """
    if min(alpha.shape) <= 2 * HALF_WIDTH:
        raise ValueError(f"Mattes must be larger than {2 * HALF_WIDTH} pixels: {alpha.shape}.")
    # The filter is linear, so the difference of gradients is the gradient of the difference.
    difference = np.subtract(*_both(alpha, truth))
    lengths = _gradient_lengths(difference, *_gradient_filters())
    height, width = (side - 2 * HALF_WIDTH for side in difference.shape)
    return sum(cv2.sumElems(strip)[0] for strip in lengths) / (height * width)


@_metric("MAD", default=True)
def mad(alpha: Matte, truth: Matte) -> float:
    """Mean absolute difference, Σ|α − α*| / N. Unit: alpha. Definition: Seo et al. 2019."""
    return cv2.norm(*_both(alpha, truth), cv2.NORM_L1) / alpha.size


@_metric("SAD", unit="×10³", digits=2, default=True)
def sad(alpha: Matte, truth: Matte) -> float:
    """Sum of absolute differences, Σ|α − α*| / 1000. Unit: thousands of pixels.

    Definition: Rhemann et al. 2009 (A perceptually motivated online benchmark for image
    matting), over the whole picture instead of the unknown part of a trimap.
    """
    return cv2.norm(*_both(alpha, truth), cv2.NORM_L1) / 1000


@_metric("MSE", default=True)
def mse(alpha: Matte, truth: Matte) -> float:
    """Mean squared difference, Σ(α − α*)² / N. Unit: squared alpha.

    Definition: Rhemann et al. 2009, over the whole picture.
    """
    return cv2.norm(*_both(alpha, truth), cv2.NORM_L2SQR) / alpha.size


@_metric("mean IoU", lower_is_better=False, default=True)
def mean_iou(alpha: Matte, truth: Matte) -> float:
    """Intersection over union at threshold 0.5, mean of foreground and background.

    A class that neither matte has counts as a perfect match. Unit: a share, 1 is best.
    Definition: Everingham et al. 2010 (The PASCAL visual object classes challenge), of one
    picture and two classes.
    """
    predicted, actual = alpha >= 0.5, truth >= 0.5
    both = np.count_nonzero(predicted & actual)
    either = np.count_nonzero(predicted | actual)
    scores = [
        shared / union if union else 1.0
        for shared, union in ((both, either), (alpha.size - either, alpha.size - both))
    ]
    return float(sum(scores) / 2)


@_metric("Rhemann gradient", unit="×10³", digits=3, of_changes=True)
def rhemann_gradient(alpha: Matte, truth: Matte) -> float:
    """Squared difference of the gradients' lengths, Σ(‖∇α‖ − ‖∇α*‖)² / 1000.

    The gradient is a 9×9 Gaussian first derivative with σ = 1.4 pixels whose squared weights
    sum to 1, as in the evaluation code of Xu et al. 2017 (Deep image matting); beyond its
    border a picture is as at the border. Mattes are compared as they are, not stretched to
    0 … 1 before. Unit: thousands. Definition: Rhemann et al. 2009 with q = 2.
    """
    along, across = _gradient_filters()
    along = along / np.linalg.norm(along)
    across = across / np.linalg.norm(across)
    padded = (
        np.pad(picture, HALF_WIDTH, mode="edge").astype(np.float32, copy=False)
        for picture in _both(alpha, truth)
    )
    strips = zip(*(_gradient_lengths(picture, along, across) for picture in padded), strict=True)
    return sum(cv2.norm(one, other, cv2.NORM_L2SQR) for one, other in strips) / 1000


def _connected(alpha: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float32]:
    """The highest threshold up to which each pixel is in the largest region of both mattes."""
    level = np.ones(alpha.shape, np.float32)
    undecided = np.ones(alpha.shape, bool)
    least = np.minimum(alpha, truth)
    count = round(1 / CONNECTIVITY_STEP)
    for number in range(1, count + 1):
        region = (least >= np.float32(number / count)).astype(np.uint8)
        _, labels, statistics, _ = cv2.connectedComponentsWithStats(region, connectivity=4)
        areas = statistics[1:, cv2.CC_STAT_AREA]
        largest = labels == 1 + areas.argmax() if len(areas) else np.zeros(alpha.shape, bool)
        lost = undecided & ~largest
        level[lost] = (number - 1) / count
        undecided &= largest
        if not undecided.any():
            break
    return level


@_metric("connectivity", unit="×10³", digits=3)
def connectivity(alpha: Matte, truth: Matte) -> float:
    """How much is cut off from the largest region, Σ|φ(α) − φ(α*)| / 1000.

    φ(α) = 1 − d · [d ≥ θ] with d = α − l, where l is the highest threshold, in steps of 0.1,
    up to which the pixel belongs to the largest 4-connected region where both mattes reach
    the threshold; θ = 0.15. Unit: thousands of pixels. Definition: Rhemann et al. 2009 with
    p = 1, steps and regions as in the evaluation code of Xu et al. 2017. It takes many times
    as long as the others together, so it is computed only if asked for.
    """
    ours, theirs = _both(alpha, truth)
    level = _connected(ours, theirs)
    phi = []
    for matte in (ours, theirs):
        apart = matte - level
        phi.append(1 - np.where(apart >= CONNECTIVITY_THETA, apart, np.float32(0)))
    return cv2.norm(phi[0], phi[1], cv2.NORM_L1) / 1000


# --- Frames of a clip --------------------------------------------------------


@_metric("dtSSD", unit="×10⁻²", factor=1e2, digits=3, of_clip=True, of_changes=True)
def dtssd(alpha: Matte, truth: Matte, alpha_before: Matte, truth_before: Matte) -> float:
    """Flicker: root of the mean squared difference of the changes from the frame before.

    √(Σ((αₜ − αₜ₋₁) − (α*ₜ − α*ₜ₋₁))² / N), of a frame and the one before it; papers average
    it over a clip and quote it ×10⁻². Unit: alpha per frame. Definition: Erofeev et al. 2015
    (Perceptually motivated benchmark for video matting), per pixel as in Lin et al. 2021
    (arXiv:2108.11515).
    """
    now, before = np.subtract(*_both(alpha, truth)), np.subtract(*_both(alpha_before, truth_before))
    return float(np.sqrt(cv2.norm(now, before, cv2.NORM_L2SQR) / now.size))


# --- Matte against mask ------------------------------------------------------


def at_one_size(
    matte: NDArray[np.float32], mask: NDArray[np.uint8], size: tuple[int, int] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Matte and mask in 0 … 1, both resized bilinearly to `size` (height, width).

    Args:
        size: None for the mask's own.
    """
    height, width = size or mask.shape
    alpha, truth = (
        picture
        if picture.shape == (height, width)
        else cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        for picture in (matte, mask.astype(np.float32) / 255)
    )
    return alpha.astype(np.float32, copy=False), truth.astype(np.float32, copy=False)
