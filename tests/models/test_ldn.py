"""LDN+FB: its alpha is the published formula, and its two parts train apart."""

import keras
import numpy as np
import pytest

import models

SIZE = 32


@pytest.fixture(scope="module")
def built():
    keras.utils.set_random_seed(0)
    return models.build("ldn-fb", input_size=SIZE)


def _value(model, output, picture):
    return keras.ops.convert_to_numpy(keras.Model(model.input, output)(picture))


def _picture():
    return np.random.default_rng(0).random((1, SIZE, SIZE, 3), np.float32)


def test_alpha_is_the_published_formula(built):
    """α = sigmoid(a·F + b·B + c), where F and B are the softmax of the two scores."""
    picture = _picture()
    scores = keras.ops.convert_to_numpy(
        keras.layers.UpSampling2D(2, interpolation="bilinear")(
            _value(built, built.get_layer("segmentation_scores").output, picture)
        )
    )
    exponentials = np.exp(scores)
    background, foreground = np.moveaxis(exponentials / exponentials.sum(-1, keepdims=True), -1, 0)
    a, b, c = np.moveaxis(_value(built, built.get_layer("feathering_maps").output, picture), -1, 0)
    alpha = 1 / (1 + np.exp(-(a * foreground + b * background + c)))
    found = keras.ops.convert_to_numpy(models.inference_network(built)(picture))[..., 0]
    assert alpha.std() > 1e-3
    np.testing.assert_allclose(found, alpha, atol=1e-5)


def test_the_feathering_block_sees_what_it_should(built):
    """Picture, both scores, the picture squared, and the picture under the foreground score."""
    picture = _picture()
    block = _value(built, built.get_layer("feathering_concat").output, picture)
    difference = _value(built, built.output["segmentation_logits"], picture)
    foreground = 1 / (1 + np.exp(-difference))
    parts = [picture, 1 - foreground, foreground, picture**2, picture * foreground]
    np.testing.assert_allclose(block, np.concatenate(parts, axis=-1), atol=1e-6)


def test_the_dense_layers_read_all_before_them(built):
    """Inputs grow by 16 channels; dilations are 2, 4, 6, 8; the scores read the four outputs."""
    layers = [built.get_layer(f"segmentation_rate{rate}") for rate in (2, 4, 6, 8)]
    assert [layer.input.shape[-1] for layer in layers] == [16, 32, 48, 64]
    assert [layer.dilation_rate for layer in layers] == [(r, r) for r in (2, 4, 6, 8)]
    assert {layer.filters for layer in layers} == {16}
    assert built.get_layer("segmentation_scores").input.shape[-1] == 64


def test_every_layer_belongs_to_one_of_the_parts(built):
    """The names say which stage trains a layer, and no weight is without one."""
    first, second, third = models.family("ldn-fb").stages
    weighted = [layer.name for layer in built.layers if layer.weights]
    assert all(name.startswith((first.trains, second.trains)) for name in weighted)
    assert third.trains == ""
