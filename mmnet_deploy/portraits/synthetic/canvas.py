"""Drawing in local coordinates with anti-aliased edges, and smooth random fields.

A canvas has premultiplied red, green, blue and alpha. OpenCV blends an anti-aliased edge
into all four channels alike, so that drawing an opaque colour on it is exactly the "over"
operator, and the alpha of a drawing needs no second, separate pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

_SHIFT = 4  # OpenCV takes coordinates in sixteenths of a pixel


@dataclass(frozen=True)
class Frame:
    """A place in the picture: local units (y points down) to pixels.

    Attributes:
        centre: Where the local origin lies, in pixels (x, y).
        scale: Pixels per local unit (x, y).
        tilt: Clockwise turn in radians.
    """

    centre: tuple[float, float]
    scale: tuple[float, float]
    tilt: float = 0.0

    def pixels(self, points: ArrayLike) -> np.ndarray:
        """Local points (..., 2) as pixels (..., 2)."""
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        turned = np.asarray(points, float) @ np.array([[cos, sin], [-sin, cos]])
        return turned * self.scale + self.centre

    def grid(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Local x and y of every pixel of a square picture, both float32 (size, size)."""
        steps = np.arange(size, dtype=np.float32)
        x = ((steps - self.centre[0]) / self.scale[0]).astype(np.float32)[None, :]
        y = ((steps - self.centre[1]) / self.scale[1]).astype(np.float32)[:, None]
        cos, sin = np.float32(np.cos(self.tilt)), np.float32(np.sin(self.tilt))
        return cos * x + sin * y, cos * y - sin * x


class Canvas:
    """A transparent picture, drawn finer than its final size."""

    def __init__(self, size: int, frame: Frame, finer: int | None = None) -> None:
        """Args: `finer` is how many canvas pixels make one final pixel along an edge."""
        self.size = size
        self.frame = frame
        self.finer = finer or (2 if size >= 128 else 4)
        self.pixels = np.zeros((size * self.finer, size * self.finer, 4), np.uint8)
        # Local units straight to OpenCV's fixed point; worked out once for many small shapes.
        corners = frame.pixels([(0, 0), (1, 0), (0, 1)]) + 0.5
        corners = (corners * self.finer - 0.5) * 2**_SHIFT
        self._origin, self._axes = corners[0], corners[1:] - corners[0]

    def fill(self, outline: ArrayLike, colour: ArrayLike, hole: ArrayLike | None = None) -> None:
        """Fill the closed outline (n, 2) with an opaque colour, leaving out `hole` (m, 2)."""
        outlines = [self._fixed(outline)] + ([] if hole is None else [self._fixed(hole)])
        cv2.fillPoly(self.pixels, outlines, _ink(colour), cv2.LINE_AA, _SHIFT)

    def stroke(
        self, lines: Sequence[ArrayLike] | np.ndarray, colour: ArrayLike, width: float = 0
    ) -> None:
        """Draw open lines, each (n, 2); `width` in local units, 0 for a hair's breadth."""
        thickness = round(width * self.frame.scale[1] * self.finer)
        thickness = max(thickness, round(self.pixels.shape[0] / 512), 1)
        fixed = [self._fixed(line) for line in lines]
        cv2.polylines(self.pixels, fixed, False, _ink(colour), thickness, cv2.LINE_AA, _SHIFT)

    def ellipse(
        self, centre: ArrayLike, radii: ArrayLike, colour: ArrayLike, tilt: float = 0
    ) -> None:
        """Fill an ellipse; `radii` in local units (x, y), `tilt` in radians."""
        self.fill(ellipse(centre, radii, tilt), colour)

    def erase(self, outline: ArrayLike) -> None:
        """Make the inside of a closed outline (n, 2) transparent again."""
        cv2.fillPoly(self.pixels, [self._fixed(outline)], (0, 0, 0, 0), cv2.LINE_AA, _SHIFT)

    def keep_within(self, alpha: np.ndarray) -> None:
        """Make transparent what lies outside a shape; `alpha` is one of this canvas's own."""
        cv2.multiply(self.pixels, cv2.merge([alpha] * 4), dst=self.pixels, scale=1 / 255)

    def layer(self) -> np.ndarray:
        """The drawing at its final size, premultiplied float32 0..1, (size, size, 4)."""
        small = cv2.resize(self.pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32) / np.float32(255)

    def _fixed(self, points: ArrayLike) -> np.ndarray:
        return np.rint(np.asarray(points, float) @ self._axes + self._origin).astype(np.int32)


def _ink(colour: ArrayLike) -> tuple[float, ...]:
    return (*(np.clip(np.asarray(colour, float), 0, 1) * 255).tolist(), 255.0)


def ellipse(centre: ArrayLike, radii: ArrayLike, tilt: float = 0) -> np.ndarray:
    """Outline of an ellipse, (40, 2)."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.asarray(radii)
    cos, sin = np.cos(tilt), np.sin(tilt)
    return points @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(centre)


def rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Outline of an upright rectangle, (4, 2)."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def spline(points: ArrayLike, steps: int = 8) -> np.ndarray:
    """A smooth (Catmull-Rom) line through points (n, 2): ((n - 1) * steps + 1, 2)."""
    p = np.asarray(points, float)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (p[i : len(p) - 3 + i, None] for i in range(4))
    line = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([line.reshape(-1, 2), p[-2:-1]])


def over(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Premultiplied layer `above` on `below`, both float32 (size, size, 4)."""
    gap = 1 - above[..., 3]
    return above + below * cv2.merge([gap] * 4)  # far quicker than broadcasting


def brighten(layer: np.ndarray, gain: np.ndarray) -> None:
    """Multiply a premultiplied layer's colours, in place, but not beyond white.

    Args: `gain` is float32 (size, size) or (size, size, 3).
    """
    planes = [gain] * 3 if gain.ndim == 2 else list(cv2.split(gain))
    cv2.multiply(layer, cv2.merge([*planes, np.ones_like(planes[0])]), dst=layer)
    np.minimum(layer, cv2.merge([layer[..., 3]] * 4), out=layer)


def fractal(
    rng: np.random.Generator, size: int, cells: tuple[int, int] = (4, 4), octaves: int = 4
) -> np.ndarray:
    """Smooth noise of several scales, float32 (size, size), mean about 0, spread about 1.

    `cells` are the columns and rows of the coarsest scale.
    """
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        columns, rows = (min(cell << octave, size) for cell in cells)
        coarse = rng.standard_normal((rows, columns), np.float32) * np.float32(0.6**octave)
        total += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR)
    return total


def soften(field: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of a (size, size[, c]) field; `sigma` in pixels."""
    if sigma < 0.2:
        return field
    return cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def relief(
    alpha: np.ndarray, light: tuple[float, float], strength: float, spread: float = 0.06
) -> np.ndarray:
    """Brightness of a part as if it bulged, float32 (size, size), about 1.

    Args:
        alpha: The part's shape, float32 (size, size).
        light: Unit vector to the light (x, y).
        strength: How far the lit and the dark side differ.
        spread: How far the rounding reaches in, in picture widths.
    """
    cells = 64  # smooth by nature, so few cells will do
    coarse = cv2.resize(alpha, (cells, cells), interpolation=cv2.INTER_AREA)
    height = soften(coarse, spread * cells)
    down, right = np.gradient(height)
    slope = -(right * light[0] + down * light[1]) * np.float32(spread * cells * 2)
    bright = 1 + np.float32(strength) * slope + np.float32(0.25) * (height - 0.75)
    size = alpha.shape[0]
    return cv2.resize(bright.astype(np.float32), (size, size))
