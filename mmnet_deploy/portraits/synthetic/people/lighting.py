"""The light on a person, and a picture that parts are put into: each is lit, and shades others."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import brighten, over, relief, soften


@dataclass(frozen=True)
class Light:
    """Where the light on the person comes from, and how hard it is.

    Attributes:
        direction: Unit vector in the picture (x, y), towards the light.
        strength: How far lit and dark sides differ, about 0.1..0.7.
        height: How far the light stands before the person, 0 (beside) to 1 (at the camera).
    """

    direction: tuple[float, float]
    strength: float
    height: float

    @property
    def vector(self) -> tuple[float, float, float]:
        """Unit vector to the light; z points to the camera."""
        across = float(np.sqrt(1 - self.height**2))
        return self.direction[0] * across, self.direction[1] * across, self.height


def sample_light(rng: np.random.Generator) -> Light:
    """Mostly from above, from one side or from before; now and then from below, as of a screen."""
    angle = rng.normal(-np.pi / 2, 0.9) if rng.random() < 0.9 else rng.uniform(0, np.pi)
    return Light(
        (float(np.cos(angle)), float(np.sin(angle))),
        float(rng.uniform(0.1, 0.7)),
        float(rng.uniform(0.15, 0.9)),
    )


class LitPicture:
    """The parts put so far, premultiplied float32 (size, size, 4)."""

    def __init__(self, size: int, light: Light, unit: float) -> None:
        self.pixels = np.zeros((size, size, 4), np.float32)
        self.light = light
        self._unit = unit  # of the head, in picture widths

    def on_body(self, skin: np.ndarray) -> np.ndarray:
        """The colour (3,) of skin that half turns from the light; red goes deepest into it."""
        return skin * (1 - 0.4 * self.light.strength) ** np.array([0.9, 1.05, 1.12])

    def put(self, layer: np.ndarray, bulge: float = 0.0, shadow: float = 0.0) -> None:
        """Add a premultiplied layer; `bulge` and `shadow` are shares of the light's strength."""
        size = layer.shape[0]
        if bulge:
            strength = self.light.strength * bulge
            lit = relief(layer[..., 3], self.light.direction, strength, 0.3 * self._unit)
            brighten(layer, lit)
        if shadow:
            cells = 64
            coarse = cv2.resize(layer[..., 3], (cells, cells), interpolation=cv2.INTER_AREA)
            shift = -np.array(self.light.direction) * 0.12 + (0, 0.16)
            shift = shift * self._unit * cells
            move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            coarse = cv2.warpAffine(coarse, move, (cells, cells))
            dark = cv2.resize(soften(coarse, 0.14 * self._unit * cells), (size, size))
            brighten(self.pixels, 1 - np.float32(shadow) * dark)
        self.pixels = over(self.pixels, layer)
