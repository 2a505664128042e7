"""Puts a person before a background and takes the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mmnet_deploy.errors import UsageError
from mmnet_deploy.portraits.synthetic.background import draw_background
from mmnet_deploy.portraits.synthetic.canvas import soften
from mmnet_deploy.portraits.synthetic.figure import draw_person
from mmnet_deploy.portraits.synthetic.lighting import Light
from mmnet_deploy.portraits.synthetic.person import sample_person

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
    check_numbers(seed=(seed, 0), index=(index, 0), size=(size, MIN_SIZE))
    rng = np.random.default_rng([seed, index])
    scene = compose(rng, size)
    return _photograph(scene, rng)


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
    """Draw a scene; everything about it comes from `rng`."""
    person = sample_person(rng)
    angle = rng.uniform(-np.pi, 0) if rng.random() < 0.85 else rng.uniform(0, np.pi)
    light = Light((float(np.cos(angle)), float(np.sin(angle))), float(rng.uniform(0.1, 0.6)))
    background = draw_background(rng, size)
    drawn = draw_person(person, light, rng, size)
    # A lens draws no edge harder than this; colour and alpha soften together.
    drawn = soften(drawn, rng.uniform(0.0, 0.0035) * size)

    alpha = np.clip(drawn[..., 3], 0, 1)
    foreground = drawn[..., :3] / np.maximum(alpha, 1e-4)[..., None]
    # Indoors the person and the room rarely share one light.
    own_light = rng.normal(1, 0.02, 3) * rng.uniform(0.85, 1.25)
    foreground = np.clip(foreground * own_light.astype(np.float32), 0, 1)
    share = alpha[..., None]
    composed = share * foreground + (1 - share) * background
    return Layers(foreground, background, alpha, composed)


def _photograph(scene: Layers, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What the camera makes of the scene: only blur touches alpha, and in the same way."""
    size = scene.alpha.shape[0]
    picture, alpha = scene.composed, scene.alpha
    if rng.random() < 0.3:
        kernel = _shake(rng, size)
        picture = cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        alpha = cv2.filter2D(alpha, -1, kernel, borderType=cv2.BORDER_REPLICATE)

    warmth = rng.normal(0, 0.045)
    balance = 1 + np.array([warmth, 0, -warmth]) + rng.normal(0, 0.015, 3)
    contrast = rng.uniform(0.75, 1.25)
    offset = 0.45 * (1 - contrast) + rng.normal(0, 0.05)
    picture = picture * (balance * contrast).astype(np.float32) + np.float32(offset)
    side = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    vignette = 1 - np.float32(rng.gamma(1, 0.06)) * (side[:, None] + side)
    picture = np.clip(picture * cv2.merge([vignette] * 3), 0, 1)
    picture = cv2.pow(picture, rng.uniform(0.8, 1.25))
    if rng.random() < 0.12:
        picture = cv2.merge([picture.mean(axis=2)] * 3)

    noise = rng.standard_normal(picture.shape, np.float32)
    noise = soften(noise, rng.choice([0.0, 0.6])) * np.float32(min(rng.gamma(1.5, 0.008), 0.035))
    picture = picture + noise * (np.float32(0.4) + np.sqrt(picture))
    image = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))]
        image = _decoded(cv2.imencode(".jpg", image, quality)[1])
    return image, np.round(np.clip(alpha, 0, 1) * 255).astype(np.uint8)


def _decoded(content: np.ndarray) -> np.ndarray:
    # OpenCV takes the channels for blue, green, red both ways, so their order stays.
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
    if picture is None:
        raise RuntimeError("OpenCV cannot read the JPEG that it has just written.")
    return picture


def _shake(rng: np.random.Generator, size: int) -> np.ndarray:
    """Kernel of a slightly moved or defocused camera, float32, sum 1."""
    reach = max(3, 2 * round(0.012 * size) + 1)
    kernel = np.zeros((reach, reach), np.float32)
    middle = (reach - 1) / 2
    if rng.random() < 0.5:
        step = (
            rng.uniform(0.2, 1) * middle * np.array([np.cos(a := rng.uniform(0, 3.2)), np.sin(a)])
        )
        ends = [tuple(np.round(middle + s * step).astype(int).tolist()) for s in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0)
        kernel = soften(kernel, 0.5)
    else:
        axis = np.arange(reach) - middle
        radius = rng.uniform(0.3, 0.8) * middle
        far = np.hypot(axis[:, None], axis[None, :])
        kernel = np.clip(radius + 0.5 - far, 0, 1).astype(np.float32)
    return kernel / kernel.sum()
