"""Light and dark on a head, from a relief of its features, and the texture of skin."""

from __future__ import annotations

import cv2
import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import Frame, brighten, fractal, soften
from mmnet_deploy.portraits.synthetic.people.lighting import Light
from mmnet_deploy.portraits.synthetic.people.person import Face

_CELLS = 128  # light changes slowly, so few cells will do

# Height above the skull, then middle and reach on the face, (x, y) each, in head units.
_BUMPS = (
    (0.10, (0.0, 0.05), (0.07, 0.2)),  # bridge of the nose
    (0.17, (0.0, 0.29), (0.09, 0.1)),  # its tip
    (0.07, (0.12, 0.33), (0.06, 0.06)),  # its wings
    (-0.10, (0.31, -0.05), (0.17, 0.1)),  # eye sockets
    (0.05, (0.31, -0.03), (0.11, 0.06)),  # eyeballs
    (0.05, (0.3, -0.2), (0.24, 0.06)),  # ridges of the brows
    (0.07, (0.42, 0.2), (0.18, 0.15)),  # cheekbones
    (-0.05, (0.55, 0.45), (0.12, 0.2)),  # hollows of the cheeks
    (0.06, (0.0, 0.62), (0.2, 0.08)),  # lips
    (-0.05, (0.0, 0.76), (0.17, 0.05)),  # below them
    (0.08, (0.0, 0.9), (0.16, 0.1)),  # chin
    (0.03, (0.2, -0.5), (0.25, 0.2)),  # forehead
)

# Where light from all sides hardly reaches: share of darkness, middle, reach.
_HOLLOWS = (
    (0.18, (0.31, -0.09), (0.18, 0.09)),
    (0.14, (0.12, 0.0), (0.05, 0.12)),  # beside the bridge
    (0.25, (0.0, 0.44), (0.13, 0.045)),  # under the nose
    (0.10, (0.0, 0.56), (0.04, 0.06)),
    (0.16, (0.0, 0.76), (0.17, 0.04)),
    (0.10, (0.28, 0.5), (0.06, 0.14)),  # from nose to mouth
)
_REDNESS = ((0.5, (0.42, 0.26), (0.17, 0.14)), (0.5, (0.0, 0.32), (0.1, 0.08)))

Spots = tuple[tuple[float, tuple[float, float], tuple[float, float]], ...]


def shade_head(
    layer: np.ndarray, head: Frame, face: Face, yaw: float, pitch: float, light: Light
) -> None:
    """Light a drawn head, premultiplied float32 (size, size, 4), in place."""
    size = layer.shape[0]
    cells = min(size, _CELLS)
    coarse = _scaled(head, cells / size)
    x, y = coarse.grid(cells)
    skull = np.clip(1 - np.square(x / (1.05 * face.width)) - np.square(y / 1.08), 0.0, 1)
    across = np.arcsin(np.clip(x / face.width, -0.97, 0.97)) - np.float32(yaw)
    side = np.float32(face.width) * np.sin(across)
    side = np.where(np.abs(across) > 1.5, np.float32(9), side)  # behind the head
    down = y - np.float32(0.3 * pitch) * (1 - y * y)
    height = np.float32(0.8) * np.sqrt(skull + np.float32(0.02)) + _sum(_BUMPS, side, down)

    slope_y, slope_x = np.gradient(height)
    scale = np.float32(coarse.scale[1])
    slope_x, slope_y = slope_x * scale, slope_y * scale
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    to_x, to_y, to_z = light.vector
    facing = (to_z - to_x * slope_x - to_y * slope_y) / length
    # Skin lets light around the edge of the shadow.
    lit = np.clip((facing + 0.25) / (0.25 + max(to_z, 0.6)), 0, 1.3)
    ambient = 1 - light.strength
    bright = ambient + light.strength * lit - _sum(_HOLLOWS, side, down)
    bright = np.clip(bright, 0.12, 1.35)
    # Halfway between the eye and the light, skin shines.
    half = np.sqrt((1 + to_z) / 2)
    shine = np.clip((facing + 1 / length) / (2 * half), 0, 1) ** 24
    shine = np.float32(0.25 * light.strength) * shine
    red = _sum(_REDNESS, side, down)
    gains = [bright**0.9 + 0.03 * red, bright**1.05 - 0.06 * red, bright**1.12 - 0.05 * red]
    gain = cv2.resize(cv2.merge([g.astype(np.float32) for g in gains]), (size, size))
    brighten(layer, gain)
    gloss = cv2.resize(shine.astype(np.float32), (size, size)) * layer[..., 3]
    layer[..., :3] = np.minimum(layer[..., :3] + gloss[..., None], layer[..., 3:])


def blemish(layer: np.ndarray, rng: np.random.Generator, unit: float) -> None:
    """Uneven colour and pores on drawn skin, in place; `unit` is of the head, in widths."""
    size = layer.shape[0]
    coarse = round(1.5 / unit)
    patches = fractal(rng, size, (coarse, coarse), 3)
    fine = soften(rng.standard_normal((size, size), np.float32), 0.7 * size * unit / 60)
    tone = 1 + np.float32(0.03) * patches + np.float32(rng.uniform(0.01, 0.05)) * fine
    brighten(layer, cv2.merge([tone, tone - 0.015 * patches, tone - 0.015 * patches]))


def _scaled(frame: Frame, by: float) -> Frame:
    """The same place in a smaller picture."""
    centre = ((frame.centre[0] + 0.5) * by - 0.5, (frame.centre[1] + 0.5) * by - 0.5)
    return Frame(centre, (frame.scale[0] * by, frame.scale[1] * by), frame.tilt)


def _sum(spots: Spots, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Round spots, each on both sides of the face, added."""
    total = np.zeros_like(x)
    for strength, (across, down), (wide, high) in spots:
        far = np.square((np.abs(x) - across) / wide) + np.square((y - down) / high)
        total += np.float32(strength) * cv2.exp(-far)
    return total
