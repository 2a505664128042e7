"""Colours (RGB, each 0..1) that people and rooms are made of."""

from __future__ import annotations

import colorsys

import numpy as np

# From the lightest to the deepest skin; a tone is drawn anywhere between two neighbours.
_SKIN = np.array(
    [
        (0.95, 0.80, 0.71), (0.93, 0.76, 0.66), (0.88, 0.69, 0.56), (0.80, 0.60, 0.46),
        (0.70, 0.50, 0.36), (0.58, 0.39, 0.27), (0.45, 0.29, 0.20), (0.31, 0.19, 0.14),
    ]
)  # fmt: skip
# Black, dark brown, brown, chestnut, dark blond, blond, copper, grey, white.
_HAIR = np.array(
    [
        (0.07, 0.06, 0.06), (0.15, 0.10, 0.08), (0.26, 0.17, 0.12), (0.38, 0.22, 0.14),
        (0.50, 0.38, 0.24), (0.76, 0.62, 0.40), (0.60, 0.28, 0.13), (0.50, 0.49, 0.48),
        (0.80, 0.79, 0.77),
    ]
)  # fmt: skip
_HAIR_SHARE = np.array([22, 20, 16, 10, 8, 9, 5, 6, 4]) / 100


def any_colour(
    rng: np.random.Generator,
    saturation: tuple[float, float] = (0.0, 0.75),
    value: tuple[float, float] = (0.12, 0.95),
) -> np.ndarray:
    """A colour of any hue; pale ones are likelier than strong ones. Shape (3,).

    Wood, earth, leather and brick, then blue cloth and sky, are likelier than all other hues.
    """
    low, high = saturation
    strength = low + (high - low) * rng.random() ** 1.8
    draw = rng.random()
    if draw < 0.35:
        hue = rng.normal(0.08, 0.03) % 1
    elif draw < 0.6:
        hue = rng.normal(0.6, 0.04)
    else:
        hue = rng.random()
    return np.array(colorsys.hsv_to_rgb(hue, strength, rng.uniform(*value)))


def skin_colour(rng: np.random.Generator) -> np.ndarray:
    """A skin tone, evenly over the whole human range. Shape (3,)."""
    place = rng.uniform(0, len(_SKIN) - 1)
    tone = np.array([np.interp(place, np.arange(len(_SKIN)), _SKIN[:, c]) for c in range(3)])
    return np.clip(tone * rng.normal(1, 0.05) * rng.normal(1, 0.012, 3), 0.05, 1)


def hair_colour(rng: np.random.Generator) -> np.ndarray:
    """A natural hair colour, and now and then a dyed one. Shape (3,)."""
    if rng.random() < 0.06:
        return any_colour(rng, (0.5, 0.9), (0.35, 0.85))
    tone = _HAIR[rng.choice(len(_HAIR), p=_HAIR_SHARE)]
    return np.clip(tone * rng.normal(1, 0.08) * rng.normal(1, 0.04, 3), 0.02, 1)


def lure(rng: np.random.Generator) -> np.ndarray:
    """A colour for things behind the person, often that of skin or of hair. Shape (3,)."""
    draw = rng.random()
    if draw < 0.22:
        return skin_colour(rng)
    return hair_colour(rng) if draw < 0.4 else any_colour(rng)
