"""Random colours of training pictures: drawn in numpy, applied in `keras.ops`.

What a picture gets is thirteen numbers, a function of the seed and the picture's number.
The pixels are changed inside the compiled training step.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from mmnet_deploy.runs.recipe import Recipe

SIZE = 13
"""A 3×3 matrix of RGB, an offset for each channel, and an exponent."""

LUMA = np.array([0.299, 0.587, 0.114])
"""How much red, green and blue add to brightness (ITU-R BT.601)."""


def changes(recipe: Recipe) -> bool:
    """Whether a recipe changes colours at all."""
    return any(
        (recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue_deg, recipe.gamma)
    )


def sample(rng: np.random.Generator, recipe: Recipe) -> NDArray[np.float32]:
    """A picture's numbers, (13,), for `apply`.

    Saturation 1 ± s mixes a colour with its grey, hue turns it about the grey axis by up to
    ± `hue_deg`, contrast 1 ± c stretches about mid-grey, brightness adds ± b; gamma is an
    exponent between 1 − g and its inverse.
    """
    brightness = rng.uniform(-recipe.brightness, recipe.brightness)
    contrast = 1 + rng.uniform(-recipe.contrast, recipe.contrast)
    saturation = 1 + rng.uniform(-recipe.saturation, recipe.saturation)
    hue = math.radians(rng.uniform(-recipe.hue_deg, recipe.hue_deg))
    farthest = -math.log1p(-recipe.gamma)
    exponent = math.exp(farthest * rng.uniform(-1, 1))
    greyed = saturation * np.eye(3) + (1 - saturation) * np.outer(np.ones(3), LUMA)
    matrix = contrast * greyed @ _rotation(hue)
    offset = np.full(3, 0.5 * (1 - contrast) + brightness)
    return np.concatenate([matrix.ravel(), offset, [exponent]]).astype(np.float32)


def _rotation(angle: float) -> NDArray[np.float64]:
    """Rotation of RGB about the grey axis (1, 1, 1), by Rodrigues' formula."""
    cos, along = math.cos(angle), (1 - math.cos(angle)) / 3
    across = math.sin(angle) / math.sqrt(3)
    turn = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return cos * np.eye(3) + along * np.ones((3, 3)) + across * turn


def apply(image: Any, numbers: Any) -> Any:
    """Pictures with changed colours.

    Args:
        image: (batch, h, w, 3) in 0 … 1.
        numbers: (batch, 13), of `sample`.

    Returns:
        (batch, h, w, 3) in 0 … 1.
    """
    height, width = image.shape[1:3]
    matrix = ops.reshape(numbers[:, :9], (-1, 3, 3))
    pixels = ops.reshape(image, (-1, height * width, 3))
    changed = ops.matmul(pixels, ops.transpose(matrix, (0, 2, 1))) + numbers[:, None, 9:12]
    # Not quite 0, where the slope of a root is infinite.
    changed = ops.power(ops.clip(changed, 1e-6, 1.0), numbers[:, None, 12:])
    return ops.reshape(changed, (-1, height, width, 3))
