"""Puts a person before a background and takes the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mmnet_deploy.errors import UsageError
from mmnet_deploy.portraits.synthetic.background import draw_background
from mmnet_deploy.portraits.synthetic.camera import photograph
from mmnet_deploy.portraits.synthetic.canvas import soften
from mmnet_deploy.portraits.synthetic.people.figure import draw_person
from mmnet_deploy.portraits.synthetic.people.lighting import sample_light
from mmnet_deploy.portraits.synthetic.people.person import sample_person

MIN_SIZE = 32
MAX_SIZE = 4096


@dataclass(frozen=True)
class Layers:
    """A scene before the camera: `composed` is alpha * foreground + (1 - alpha) * background.

    Attributes:
        foreground: Colours of the person, float32 (size, size, 3), 0..1.
        background: Colours behind the person, float32 (size, size, 3), 0..1.
        alpha: How much of each pixel the person covers, float32 (size, size), 0..1.
        composed: The picture of both, float32 (size, size, 3), 0..1.
    """

    foreground: np.ndarray
    background: np.ndarray
    alpha: np.ndarray
    composed: np.ndarray


def portrait(seed: int, index: int, size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Draw portrait `index` of the series `seed`, the same bytes at every call.

    Args:
        seed: Number of the series, at least 0.
        index: Place in the series, at least 0.
        size: Width and height in pixels, at least 32.

    Returns:
        The picture, uint8 (size, size, 3) in RGB order, and the person's alpha, uint8
        (size, size): 255 where only the person is seen, 0 where only the background is.

    Raises:
        UsageError: A number is too small.
    """
    rng = _generator(seed, index, size)
    scene = compose(rng, size)
    picture, alpha = photograph(scene.composed, scene.alpha, rng)
    return picture, _levels(alpha)


def person(seed: int, index: int, size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Draw the person of portrait `index` alone, to be set before another background.

    What the camera does to a whole picture (colours, noise, compression, shake) is left out:
    alpha * colours + (1 - alpha) * background is a picture of a clean camera.

    Args:
        seed: Number of the series, at least 0.
        index: Place in the series, at least 0.
        size: Width and height in pixels, at least 32.

    Returns:
        The person's own colours, uint8 (size, size, 3) in RGB order, which reach beyond the
        outline, and the alpha, uint8 (size, size). The alpha is that of `portrait` wherever its
        camera did not shake.

    Raises:
        UsageError: A number is too small.
    """
    colours, alpha = _draw_foreground(_generator(seed, index, size).spawn(1)[0], size)
    return _levels(colours), _levels(alpha)


def _generator(seed: int, index: int, size: int) -> np.random.Generator:
    check_numbers(seed=(seed, 0), index=(index, 0), size=(size, MIN_SIZE))
    return np.random.default_rng([seed, index])


def check_numbers(**limits: tuple[int, int]) -> None:
    """Make sure that each named number, given with its minimum, is not below it.

    Raises:
        UsageError: One is.
    """
    for name, (number, minimum) in limits.items():
        if number < minimum:
            raise UsageError(f"`{name}` must be at least {minimum}. Received: {number}.")
    if "size" in limits and limits["size"][0] > MAX_SIZE:
        raise UsageError(f"`size` must be at most {MAX_SIZE}. Received: {limits['size'][0]}.")


def compose(rng: np.random.Generator, size: int) -> Layers:
    """Draw a scene; everything about it comes from `rng`.

    Person and background have generators of their own, so that either can be drawn alone.
    """
    of_person, of_room = rng.spawn(2)
    foreground, alpha = _draw_foreground(of_person, size)
    background = draw_background(of_room, size)
    share = alpha[..., None]
    composed = share * foreground + (1 - share) * background
    return Layers(foreground, background, alpha, composed)


def _draw_foreground(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The person's colours, float32 (size, size, 3), and alpha, float32 (size, size), 0..1."""
    described = sample_person(rng)
    drawn = draw_person(described, sample_light(rng), rng, size)
    # A lens draws no edge harder than this; colour and alpha soften together.
    drawn = soften(drawn, min(rng.gamma(1.2, 0.0013), 0.005) * size)
    # Indoors the person and the room rarely share one light.
    own_light = rng.normal(1, 0.02, 3) * rng.uniform(0.85, 1.25)

    alpha = np.clip(drawn[..., 3], 0, 1)
    # The nearest colours of the person, where there is next to nothing of it.
    own = drawn + np.float32(1e-3) * _nearby(drawn)
    colours = own[..., :3] / np.maximum(own[..., 3], 1e-9)[..., None]
    return np.clip(colours * own_light.astype(np.float32), 0, 1), alpha


def _nearby(drawn: np.ndarray) -> np.ndarray:
    """A premultiplied layer spread over the whole picture, the nearest parts the strongest."""
    size, cells = drawn.shape[0], 32
    coarse = cv2.resize(drawn, (cells, cells), interpolation=cv2.INTER_AREA)
    spread = soften(coarse, 1) + 0.1 * soften(coarse, 4) + 0.01 * soften(coarse, 12) + 1e-7
    return cv2.resize(spread.astype(np.float32), (size, size))


def _levels(shares: np.ndarray) -> np.ndarray:
    return np.round(np.clip(shares, 0, 1) * 255).astype(np.uint8)
