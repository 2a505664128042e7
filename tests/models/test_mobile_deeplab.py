"""Mobile DeepLabv3: MobileNetV2 as Keras has it, dilated, under the reduced head."""

import functools

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from models.mobile_deeplab import scaled_depth

SIZE = 64


@functools.cache
def _mobilenet(width):
    keras.utils.set_random_seed(3)
    return keras.applications.MobileNetV2(
        input_shape=(SIZE, SIZE, 3), alpha=width, weights=None, include_top=False
    )


@functools.cache
def _built(family, width=0.35, **options):
    return models.build(family, width_multiplier=width, input_size=SIZE, **options)


@pytest.mark.parametrize(
    ("family", "width"),
    [("md8", 0.35), ("md16", 0.35), ("md16", 0.5), ("md16", 0.75), ("md16", 1.0)],
)
def test_every_layer_of_the_backbone_is_that_of_mobilenet(family, width):
    """Each layer with weights up to the last residual has its name, shapes and epsilon."""
    theirs = {layer.name: layer for layer in _mobilenet(width).layers if layer.weights}
    ours = {layer.name: layer for layer in _built(family, width).layers if layer.weights}
    shared = theirs.keys() & ours.keys()
    assert theirs.keys() - shared == {"Conv_1", "Conv_1_bn"}
    assert all(name.startswith(("aspp_", "coarse_")) for name in ours.keys() - shared)
    for name in shared:
        assert [w.shape for w in ours[name].weights] == [w.shape for w in theirs[name].weights]
        if isinstance(ours[name], keras.layers.BatchNormalization):
            assert ours[name].epsilon == theirs[name].epsilon


@pytest.mark.parametrize(("family", "last"), [("md8", "block_5"), ("md16", "block_12")])
def test_up_to_the_output_stride_it_computes_what_mobilenet_does(family, last):
    """With the same weights and pictures of −1 … 1, the features are the same."""
    reference, network = _mobilenet(0.35), _built(family)
    for layer in reference.layers:
        if layer.weights and layer.name not in ("Conv_1", "Conv_1_bn"):
            network.get_layer(layer.name).set_weights(layer.get_weights())
    picture = np.random.default_rng(0).random((1, SIZE, SIZE, 3), np.float32)
    outputs = [
        keras.Model(model.input, model.get_layer(f"{last}_add").output)(values)
        for model, values in ((reference, 2 * picture - 1), (network, picture))
    ]
    one, other = map(keras.ops.convert_to_numpy, outputs)
    assert one.std() > 0
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "strided", "rates"),
    [
        ("md16", ["block_1", "block_3", "block_6"], {14: 2, 15: 2, 16: 2}),
        (
            "md8",
            ["block_1", "block_3"],
            {**dict.fromkeys(range(7, 14), 2), **dict.fromkeys(range(14, 17), 4)},
        ),
    ],
)
def test_dilation_takes_the_place_of_stride(family, strided, rates):
    """The layer that would stride does not, and those behind it reach as far as before."""
    network = _built(family)
    depthwise = {
        layer.name.removesuffix("_depthwise"): layer
        for layer in network.layers
        if isinstance(layer, keras.layers.DepthwiseConv2D)
    }
    assert [name for name, layer in depthwise.items() if layer.strides == (2, 2)] == strided
    found = {name: layer.dilation_rate[0] for name, layer in depthwise.items()}
    assert {name: rate for name, rate in found.items() if rate > 1} == {
        f"block_{number}": rate for number, rate in rates.items()
    }


def test_the_head_has_the_two_branches():
    """Batch norms of the head have their own epsilon; the head is not scaled by the width."""
    network = _built("md16", 0.5, batch_norm_momentum=0.9, dropout=0.25)
    assert network.get_layer("aspp_concat").output.shape == (None, SIZE // 16, SIZE // 16, 512)
    for name in ("aspp_pointwise", "aspp_pool_pointwise", "aspp_project"):
        assert network.get_layer(name).filters == 256
        assert network.get_layer(f"{name}_norm").epsilon == 1e-5
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in norms} == {0.9}
    assert network.get_layer("aspp_dropout").rate == 0.25
    assert network.get_layer("logits").interpolation == "bilinear"


def test_equal_layers_begin_with_different_weights():
    """Each layer draws its own initial values, of the published spread."""
    network = _built("md16", 1.0)
    one, other = (network.get_layer(f"block_{n}_expand").kernel.numpy() for n in (14, 15))
    assert not np.array_equal(one, other)
    assert one.std() == pytest.approx(0.09 * 0.88, rel=0.02)  # Cut off at two deviations.


@given(st.integers(1, 2048), st.sampled_from([0.35, 0.5, 0.75, 1.0, 1.3, 1.4]))
def test_scaled_depth_is_that_of_mobilenet(depth, width):
    """A multiple of 8, at least 8, and never more than a tenth under the product."""
    scaled = scaled_depth(depth, width)
    assert scaled % 8 == 0 and scaled >= 8
    assert scaled >= 0.9 * int(depth * width) and scaled <= max(8, depth * width + 8)
