"""A picture that parts are put into: each is lit, and shades those below it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import brighten, over, relief, soften


@dataclass(frozen=True)
class Light:
    """Where the light on the person comes from, and how hard it is."""

    direction: tuple[float, float]
    strength: float


class LitPicture:
    """The parts put so far, premultiplied float32 (size, size, 4)."""

    def __init__(self, size: int, light: Light, unit: float) -> None:
        self.pixels = np.zeros((size, size, 4), np.float32)
        self._light = light
        self._unit = unit  # of the head, in picture widths

    def put(self, layer: np.ndarray, bulge: float = 0.0, shadow: float = 0.0) -> None:
        """Add a premultiplied layer; `bulge` and `shadow` are shares of the light's strength."""
        size = layer.shape[0]
        if bulge:
            strength = self._light.strength * bulge
            lit = relief(layer[..., 3], self._light.direction, strength, 0.3 * self._unit)
            brighten(layer, lit)
        if shadow:
            cells = 64
            coarse = cv2.resize(layer[..., 3], (cells, cells), interpolation=cv2.INTER_AREA)
            shift = -np.array(self._light.direction) * 0.12 + (0, 0.16)
            shift = shift * self._unit * cells
            move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            coarse = cv2.warpAffine(coarse, move, (cells, cells))
            dark = cv2.resize(soften(coarse, 0.14 * self._unit * cells), (size, size))
            brighten(self.pixels, 1 - np.float32(shadow) * dark)
        self.pixels = over(self.pixels, layer)
