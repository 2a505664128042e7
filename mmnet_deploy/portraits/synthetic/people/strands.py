"""Courses and strokes of single hairs, in the head's frame."""

from __future__ import annotations

import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import Canvas
from mmnet_deploy.portraits.synthetic.people.person import Face, Hair


def hold(lines: np.ndarray, face: Face, volume: float) -> np.ndarray:
    """Keep strands from leaving the upper head by more than `volume`."""
    shape = np.array([face.width * (1 + volume), 1 + volume])
    radius = np.linalg.norm(lines / shape, axis=-1, keepdims=True)
    return np.where(radius > 1, lines / radius**0.8, lines)


def skull(face: Face, place: np.ndarray, bulge: np.ndarray) -> np.ndarray:
    """Points on the head's outline moved out by `bulge`; `place` runs from ear to ear."""
    return polar(np.ones(len(place)), -place) * np.stack(
        [face.width * (1 + bulge), 1 + bulge], axis=1
    )


def hairline(hair: Hair, face: Face, place: np.ndarray, yaw: float) -> np.ndarray:
    """Where forehead and temples end, for the same `place` as in `skull`."""
    cos, sin = np.cos(place), np.sin(place)
    x = 0.94 * np.sign(cos) * np.abs(cos) ** 0.78
    x = np.sin(np.arcsin(np.clip(x, -0.95, 0.95)) + 0.8 * yaw * np.clip(sin, 0, 1))
    y = np.where(sin > 0, -hair.hairline * np.abs(sin) ** 0.9, -sin * 1.2)
    y = y + 0.08 * hair.part * np.cos(place * 3)
    return np.stack([face.width * x, y], axis=1)


def half_width(hair: Hair, face: Face, y: np.ndarray) -> np.ndarray:
    """How far combed hair reaches to either side at height `y`."""
    top = 1 + hair.volume
    dome = np.sqrt(np.clip(1 - (np.minimum(y, 0) / top) ** 2, 0, 1))
    hang = 1 + 0.18 * np.sin(np.clip(y, 0, None) * 1.1) * (hair.volume / 0.2)
    if hair.style == "bob":  # its ends lie at the neck
        hang = hang * (1 - 0.22 * np.clip(y / (hair.length + 0.1), 0, 1.2) ** 2)
    return face.width * (1 + 1.15 * hair.volume) * dome * hang


def combed(
    rng: np.random.Generator,
    count: int,
    hair: Hair,
    face: Face,
    sides: tuple[float, float],
    end: float,
) -> np.ndarray:
    """Strands that fall from the parting, (count, 16, 2).

    Args:
        sides: Which part of the width they cover, -1 (left outline) to 1 (right outline).
        end: Height at which they end, about.
    """
    side = rng.uniform(*sides, count)[:, None]
    t = np.linspace(0, 1, 16)[None, :]
    top = -(1 + hair.volume) * (1 - 0.08 * rng.random((count, 1)) ** 2)
    bottom = end + 0.07 * (abs(end) + 0.3) * rng.normal(0, 1, (count, 1))
    y = top + (bottom - top) * t**1.7
    parted = hair.part * 0.8 * np.clip(y / top, 0, 1) ** 2
    x = side * half_width(hair, face, y) + parted
    locks = np.round(side * 7)  # neighbours wave together
    phase = locks * 2.4 + hair.part * 10 + rng.normal(0, 0.35, (count, 1))
    x = x + hair.wave * np.clip((y + 0.7) / 1.2, 0, 1) * np.sin(4.5 * y + phase)
    x = x + rng.normal(0, 0.03, (count, 1)) * t**2
    return np.stack([x, y], axis=2)


def curtain(hair: Hair, face: Face, low: float, high: float, end: float) -> np.ndarray:
    """Outline of combed hair between two `sides` of `combed`."""
    y = np.linspace(-(1 + hair.volume) * 0.98, end, 24)
    width = half_width(hair, face, y)
    parted = hair.part * 0.8 * np.clip(y / y[0], 0, 1) ** 2
    left = np.stack([low * width + parted, y], axis=1)
    right = np.stack([high * width + parted, y], axis=1)
    return np.concatenate([left, right[::-1]])


def paint(
    canvas: Canvas,
    rng: np.random.Generator,
    lines: np.ndarray,
    hair: Hair,
    brightness: float,
    width: float = 0.012,
) -> None:
    """Stroke strands in several tones; the groups overlap at random."""
    tones = brightness * np.array([0.68, 0.8, 0.9, 1.0, 1.1, 1.25])
    for tone, group in zip(rng.permutation(tones), np.array_split(lines, 6), strict=True):
        if len(group):
            canvas.stroke(group, hair.colour * tone + 0.012 * tone, width)


def wobble(rng: np.random.Generator, hair: Hair, t: np.ndarray) -> np.ndarray:
    """How far waves carry a strand aside along its length `t`, 0..1."""
    return hair.wave * t * np.sin(8 * t + rng.normal(0, 0.4))


def polar(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Points (..., 2) at a distance and an angle from the middle."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
