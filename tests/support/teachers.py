"""Teachers that take red for a person, and pictures of red discs."""

from pathlib import Path

import cv2
import numpy as np

from mmnet_deploy.tflite.operators import constant
from tests.support.drawn_graphs import Drawing

SIDE = 16
GAIN = 12.0
"""Logit of full red before full blue."""


def red_teacher(path, side=SIDE, *, low=0.0, high=1.0, logits=False, bias=0.0):
    """A `.tflite` file: the alpha of a pixel is sigmoid(GAIN · (red − blue) + bias).

    Args:
        low, high: What it takes for black and white.
        logits: Whether the sigmoid is missing.
    """
    drawing = Drawing((1, side, side, 3))
    gain = GAIN / (high - low)
    kernel = np.array([gain, 0, -gain], np.float32).reshape(1, 1, 1, 3)
    weights = constant("kernel", kernel), constant("bias", np.array([bias], np.float32))
    filled = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
    shape = (1, side, side, 1)
    y = drawing.add("CONV_2D", [drawing.image, *weights], shape, **filled)
    if not logits:
        y = drawing.add("LOGISTIC", [y], shape)
    path.write_bytes(drawing.content(y))
    return path


def red_matte(image, side=SIDE):
    """What it gives for a picture, uint8 (h, w, 3), by hand: uint8 (side, side)."""
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA).astype(float) / 255
    alpha = 1 / (1 + np.exp(-GAIN * (small[..., 0] - small[..., 2])))
    return np.rint(255 * alpha).astype(np.uint8)


def disc(number, side=32):
    """A red disc on blue, somewhere else for each number, under a little noise."""
    rng = np.random.default_rng([7, number])
    y, x = np.mgrid[:side, :side]
    cy, cx = rng.uniform(0.35 * side, 0.65 * side, 2)
    inside = np.hypot(y - cy, x - cx) < side * rng.uniform(0.2, 0.3)
    picture = np.where(inside[..., None], (220, 40, 30), (30, 60, 200))
    return np.clip(picture + rng.integers(-20, 21, picture.shape), 0, 255).astype(np.uint8)


def write_picture(path: Path, picture):
    """Encode an RGB picture by the suffix of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return path


def discs(folder, count, first=0):
    """A folder of pictures without masks."""
    for number in range(first, first + count):
        write_picture(folder / f"{number:03}.png", disc(number))
    return folder


def labelled_discs(root, split, count, first=100):
    """A split with masks, which are those of the teacher rounded to 0 and 255."""
    for number in range(first, first + count):
        picture = disc(number)
        mask = np.where(red_matte(picture, 32) >= 128, 255, 0).astype(np.uint8)
        write_picture(root / split / "image" / f"{number:03}.png", picture)
        write_picture(root / split / "mask" / f"{number:03}.png", np.dstack([mask] * 3))
    return root
