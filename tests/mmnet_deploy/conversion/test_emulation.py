"""Half precision as it is emulated: the sums, their roundings, and whole networks."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet_deploy.conversion.emulation import HalfPrecision
from mmnet_deploy.conversion.emulation.rounding import rounded
from mmnet_deploy.tflite import file_format
from mmnet_deploy.tflite.operators import constant, logistic, options_object, valid_convolution
from mmnet_deploy.tflite.parts import Op, Tensor
from tests.support.networks import converted, output_of

layers = keras.layers


def _summed(picture, filters, bias):
    """A 1×1 convolution in NumPy's own float16: one rounding per multiply-add, in order."""
    picture, filters, sums = map(_half, (picture, filters, bias))
    sums = np.broadcast_to(sums, (*picture.shape[:2], len(bias)))
    for channel in range(picture.shape[2]):
        sums = _half(sums + np.multiply.outer(picture[..., channel], filters[:, channel]))
    return sums.astype(np.float32)


def _half(values):
    """As NumPy rounds to float16, without the numbers that have fewer digits."""
    return np.where(np.abs(values) < 2.0**-14, 0, values).astype(np.float16).astype(np.float64)


def _alone(op):
    """A network of one operator."""
    return HalfPrecision(file_format.alone(op))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.integers(1, 40),
    scale=st.sampled_from([1e-6, 1e-3, 1.0, 30.0, 300.0]),
)
def test_sums_are_rounded_after_every_product(seed, channels, scale):
    """Each sum is that of float16 arithmetic to its last digit, infinite where that overflows."""
    rng = np.random.default_rng(seed)
    picture = (rng.normal(0, scale, (4, 5, channels))).astype(np.float32)
    filters = rng.normal(0, scale, (3, 1, 1, channels)).astype(np.float32)
    bias = rng.normal(0, scale, 3).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = _summed(picture, filters[:, 0, 0], bias)
        source = Tensor("picture", (1, 4, 5, channels))
        found = _alone(valid_convolution(source, filters, bias, "sum")).run(picture[None])[0]
    # A float32 sum may round once more, away from the digit that one rounding gives.
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    near = np.isclose(found, expected, rtol=2.0**-8, atol=1e-6, equal_nan=True)
    assert near.all() and same.mean() > 0.9


def _many_sums(image):
    """Every operator that adds up, with paddings, strides, dilations and groups."""
    parts = [
        layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image),
        layers.Conv2D(2, 3, dilation_rate=2)(image),
        layers.Conv2D(8, 3, groups=2, padding="same", activation="relu6")(image),
        layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)(image),
        layers.Conv2DTranspose(3, 3, strides=2, padding="same")(image),
        layers.Conv2DTranspose(2, 3, strides=2)(image),
        layers.MaxPooling2D()(image) + layers.MaxPooling2D()(image),
        layers.AveragePooling2D(2, padding="same")(image),
        layers.Dense(3)(layers.Flatten()(layers.MaxPooling2D(4)(image))),
        keras.ops.matmul(image, image[:, :, :4]),
        layers.Dot(1)([layers.Reshape((12, 36))(image), layers.Reshape((12, 36))(image)]),
    ]
    return layers.Concatenate()([layers.Flatten()(part) for part in parts])


def test_where_nothing_is_rounded_the_runtime_computes_the_same():
    """Whole numbers below 2048 are exact in float16, so every value is that of float32."""
    keras.utils.set_random_seed(0)
    image = keras.Input(batch_size=1, shape=(9, 12, 4))
    network = keras.Model(image, _many_sums(image))
    rng = np.random.default_rng(0)
    for weights in network.weights:
        weights.assign(rng.integers(-3, 4, weights.shape))
    content = converted(network, (1, 9, 12, 4), frozen=True)
    picture = rng.integers(-4, 5, (1, 9, 12, 4)).astype(np.float32)
    found = HalfPrecision(content).run(picture)
    assert found.shape == output_of(content).shape
    assert np.array_equal(found, output_of(content, picture=picture))


def test_a_sum_that_overflows_on_its_way_stays_infinite():
    """The products cancel in the end, but the sum was beyond 65504 before; the layer is named."""
    filters = np.array([400, -400], np.float32).reshape(1, 1, 1, 2)
    source = Tensor("picture", (1, 1, 1, 2))
    network = _alone(valid_convolution(source, filters, np.zeros(1, np.float32), "cancels"))
    assert network.run(np.full((1, 1, 1, 2), 100, np.float32)) == 0
    assert network.overflow == ""
    assert np.isinf(network.run(np.full((1, 1, 1, 2), 200, np.float32)))
    assert network.overflow == "cancels"


def test_numbers_with_fewer_digits_become_zero():
    """XNNPACK switches them off, so that small products never add up."""
    filters = np.full((1, 1, 1, 64), 2.0**-9, np.float32)
    source = Tensor("picture", (1, 1, 1, 64))
    network = _alone(valid_convolution(source, filters, np.zeros(1, np.float32), "sum"))
    assert network.run(np.full((1, 1, 1, 64), 2.0**-5, np.float32)) == 2.0**-8
    assert network.run(np.full((1, 1, 1, 64), 2.0**-6, np.float32)) == 0
    assert np.array_equal(rounded(np.float32([2.0**-14, 6e-5, -6e-5])), [2.0**-14, 0, 0])


def test_average_pooling_adds_up_in_half_precision():
    """The mean of a large window is what kernels for arm64 gave, or infinite where its sum is."""
    options, number = options_object("Pool2DOptions", padding=1, strideH=1, strideW=1)
    options.filterHeight = options.filterWidth = 64
    source, output = Tensor("picture", (1, 64, 64, 1)), Tensor("mean", (1, 1, 1, 1))
    network = _alone(Op("AVERAGE_POOL_2D", [source], [output], options, number))
    assert network.run(np.full((1, 64, 64, 1), 0.25, np.float32)) == np.float32(0.23608398)
    assert network.overflow == ""
    assert np.isinf(network.run(np.full((1, 64, 64, 1), 500, np.float32)))
    assert network.overflow == "mean"


def test_products_of_two_activations_add_up_in_half_precision():
    """Beyond 2048, one more is lost, as in the kernels."""
    options, number = options_object("BatchMatMulOptions")
    source, output = Tensor("rows", (1, 1, 4096)), Tensor("product", (1, 1, 1))
    ones = np.ones((1, 4096, 1), np.float32)
    product = Op("BATCH_MATMUL", [source, constant("c", ones)], [output], options, number)
    assert _alone(product).run(ones.reshape(source.shape)) == 2048


def test_softmax_of_many_adds_up_side_by_side():
    """Eight sums of 512 are exact, where one sum would stay at 2048."""
    options, number = options_object("SoftmaxOptions", beta=1.0)
    source, output = Tensor("logits", (1, 4096)), Tensor("shares", (1, 4096))
    found = _alone(Op("SOFTMAX", [source], [output], options, number)).run(
        np.zeros((1, 4096), np.float32)
    )
    assert np.all(found == 1 / 4096)


@pytest.mark.parametrize("kind", ["ADD", "MUL"])
def test_other_operators_round_their_output(kind):
    """What the runtime's kernel gives in float32 is rounded, and so are constants and inputs."""
    source = Tensor("picture", (1, 1, 1, 1))
    op = Op(
        kind,
        [source, constant("c", np.full((1, 1, 1, 1), 0.1, np.float32))],
        [Tensor("o", (1, 1, 1, 1))],
    )
    half = np.float16
    expected = half(0.3) + half(0.1) if kind == "ADD" else half(0.3) * half(0.1)
    assert _alone(op).run(np.full((1, 1, 1, 1), 0.3, np.float32)) == expected


@pytest.mark.parametrize("kind", ["LOGISTIC", "SOFTMAX"])
def test_sigmoid_and_softmax_are_as_coarse_as_their_kernels(kind):
    """They are off by more than the rounding of their result, and by no more than kernels are."""
    logits = np.linspace(-20, 20, 4001).astype(np.float16).astype(np.float32)
    exact = 1 / (1 + np.exp(-logits.astype(np.float64)))
    source = Tensor("logits", (1, 1, len(logits), 1 if kind == "LOGISTIC" else 2))
    if kind == "LOGISTIC":
        found = _alone(logistic(source, "alpha")).run(logits.reshape(source.shape)).ravel()
    else:
        options, number = options_object("SoftmaxOptions", beta=1.0)
        op = Op(kind, [source], [Tensor("alpha", source.shape)], options, number)
        pairs = np.stack([np.zeros_like(logits), logits], axis=-1)
        found = _alone(op).run(pairs.reshape(source.shape))[0, 0, :, 1]
    assert 3e-4 < np.abs(found - exact).max() < 1.2e-3
    assert (found[0], found[-1]) == (0, 1)
    assert np.array_equal(found, rounded(found))
