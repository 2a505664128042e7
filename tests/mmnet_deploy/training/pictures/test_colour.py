"""Random colours: nothing where nothing is asked for, and what each number does."""

import keras
import numpy as np
import pytest

from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.training.pictures import colour


def _applied(image, recipe, seed=0):
    numbers = colour.sample(np.random.default_rng(seed), recipe)
    assert numbers.shape == (colour.SIZE,)
    changed = colour.apply(
        keras.ops.convert_to_tensor(image[np.newaxis]),
        keras.ops.convert_to_tensor(numbers[np.newaxis]),
    )
    return keras.ops.convert_to_numpy(changed)[0]


IMAGE = np.random.default_rng(1).uniform(0.3, 0.6, (6, 5, 3)).astype(np.float32)


def test_a_recipe_without_colours_changes_none():
    """The defaults draw the identity, and say that there is nothing to do."""
    assert not colour.changes(Recipe())
    np.testing.assert_allclose(_applied(IMAGE, Recipe()), IMAGE, atol=1e-6)


@pytest.mark.parametrize(
    "change", [{"saturation": 1.0}, {"hue_deg": 90.0}, {"contrast": 0.5}, {"brightness": 0.5}]
)
def test_grey_stays_grey(change):
    """No change gives a grey picture a colour."""
    recipe = Recipe(**change)
    assert colour.changes(recipe)
    grey = np.repeat(IMAGE[..., :1], 3, axis=-1)
    changed = _applied(grey, recipe)
    np.testing.assert_allclose(changed, np.repeat(changed[..., :1], 3, axis=-1), atol=1e-5)


def test_brightness_adds_and_contrast_stretches():
    """A constant is added to every value; distances from mid-grey are scaled alike."""
    added = _applied(IMAGE, Recipe(brightness=0.2)) - IMAGE
    assert abs(added.mean()) > 0.01
    np.testing.assert_allclose(added, added.mean(), atol=1e-5)
    ratio = (_applied(IMAGE, Recipe(contrast=0.3)) - 0.5) / (IMAGE - 0.5)
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-2)


def test_changed_pictures_stay_within_0_and_1():
    """The strongest changes are clipped, and none is undefined."""
    recipe = Recipe(brightness=1.0, contrast=0.9, saturation=1.0, hue_deg=180.0, gamma=0.9)
    for seed in range(20):
        changed = _applied(IMAGE, recipe, seed)
        assert np.isfinite(changed).all() and changed.min() >= 0 and changed.max() <= 1
