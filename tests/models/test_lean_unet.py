"""Lean U-Net: what is computed at half resolution, and that other weights fit its layers."""

import keras
import numpy as np
import pytest

import models

SIZE = 64


@pytest.fixture(scope="module")
def built():
    keras.utils.set_random_seed(0)
    return models.build("lean-unet", input_size=SIZE)


def test_three_convolutions_work_at_half_resolution(built):
    """The stem, the shared expansion, and the head, which reads it: no other layer is finer."""
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Conv2DTranspose)
    sides = {
        layer.name: min(layer.input.shape[1], layer.output.shape[1])
        for layer in built.layers
        if isinstance(layer, kinds)
    }
    fine = [name for name, side in sides.items() if side > SIZE // 4]
    assert fine == ["stem", "enc1_expand", "logits"]
    assert min(side for side in sides.values() if side > 1) == SIZE // 16


def test_the_last_decoder_adds_the_channels_of_the_first_block(built):
    """What the head reads is the ReLU of the first block's expansion and the enlarged features."""
    names = ("enc1_expand_relu", "dec3_double", "dec3_relu")
    model = keras.Model(built.input, [built.get_layer(name).output for name in names])
    picture = np.random.default_rng(0).random((1, SIZE, SIZE, 3), np.float32)
    expanded, enlarged, last = map(keras.ops.convert_to_numpy, model(picture))
    assert last.std() > 1e-3
    np.testing.assert_allclose(last, np.maximum(expanded + enlarged, 0), atol=1e-6)
    assert built.get_layer("logits").input is built.get_layer("dec3_relu").output


def test_each_pixel_at_half_resolution_becomes_a_square_of_its_own(built):
    """Changing one vector that the head reads changes four logits, and no others."""
    head = built.get_layer("logits")
    features = np.random.default_rng(0).random((1, 4, 4, 16), np.float32)
    other = features.copy()
    other[0, 1, 2] += 1
    changed = keras.ops.convert_to_numpy(head(other) != head(features))[0, ..., 0]
    assert np.argwhere(changed).tolist() == [[2, 4], [2, 5], [3, 4], [3, 5]]
