"""MMNet: the published table, layer by layer."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from models.mmnet import scaled_depth

PICTURES = np.random.default_rng(0).random((2, 64, 64, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def published():
    """The largest network of the paper, in its training form."""
    return models.build("mmnet", width_multiplier=1.0, input_size=256)


@pytest.fixture(scope="module")
def small():
    """A small network in its training form, with weights and averages that are not initial."""
    network = models.build("mmnet", width_multiplier=0.5, input_size=64)
    rng = np.random.default_rng(3)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights([rng.uniform(low, 1.5, shape) for low in (0.5, -0.5, -0.5, 0.5)])
    return network


def _output(network):
    return keras.ops.convert_to_numpy(network(PICTURES))


# --- The published network ---------------------------------------------------


def test_number_of_parameters(published):
    """Width 1.0 has 199,258 parameters without the auxiliary head, whose share is 162."""
    assert models.inference_network(published).count_params() == 199_258
    assert published.count_params() == 199_258 + 80 * 2 + 2


def test_number_of_layers(published):
    """The inference form has the published blocks and nothing else."""
    kinds = [type(layer) for layer in models.inference_network(published).layers]
    layers = keras.layers
    assert {kind.__name__: kinds.count(kind) for kind in kinds} == {
        "InputLayer": 1,
        "Conv2D": 57,
        "DepthwiseConv2D": 49,
        "BatchNormalization": 57 + 49 - 1,
        "ReLU": 57 + 49 - 1 - 11,
        "Concatenate": 14,
        "UpSampling2D": 4,
        "Softmax": 1,
    }
    assert all(
        layer.interpolation == "bilinear"
        for layer in published.layers
        if isinstance(layer, layers.UpSampling2D)
    )


def test_activations_and_biases(published):
    """Every activation is ReLU6 and only the two heads have a bias."""
    heads = {"logits", "auxiliary_logits"}
    for layer in published.layers:
        if isinstance(layer, keras.layers.ReLU):
            assert layer.max_value == 6
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            assert layer.use_bias == (layer.name in heads)
            assert layer.activation is keras.activations.linear
            assert layer.padding == "same" or layer.kernel_size == (1, 1)
        elif isinstance(layer, keras.layers.BatchNormalization):
            assert (layer.epsilon, layer.momentum, layer.scale) == (1e-3, 0.999, True)


def test_strides_and_dilations(published):
    """Strides and dilation rates are those of the published table."""
    strides = [
        layer.name
        for layer in published.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)
        and max(layer.strides) == 2
    ]
    assert len(strides) == 1 + 4 + 3 + 2
    rates = [
        layer.dilation_rate[0]
        for layer in published.layers
        if isinstance(layer, keras.layers.DepthwiseConv2D)
        and max(layer.strides) == 1
        and "shortcut" not in layer.name
    ]
    four, three, two = [1, 2, 4, 8], [1, 2, 4], [1, 2]
    assert sorted(rates) == sorted(4 * four + 4 * three + 2 * two + 2 * three)


def test_outputs(published):
    """The matte is as large as the picture, the coarse logits a sixteenth of it."""
    assert published.input_shape == (None, 256, 256, 3)
    assert {name: tensor.shape for name, tensor in published.output.items()} == {
        "logits": (None, 256, 256, 2),
        "auxiliary_logits": (None, 16, 16, 2),
    }
    assert published.get_layer("enc0_project").filters == 16
    assert published.get_layer("enc9_project").filters == 80


# --- The two forms -----------------------------------------------------------


def test_output_is_a_probability(small):
    """Background and foreground sum to one, and the matte is not constant."""
    output = _output(models.inference_network(small))
    assert output.shape == (2, 64, 64, 2)
    assert np.allclose(output.sum(axis=-1), 1, atol=1e-6)
    assert output.min() >= 0 and output[..., 1].std() > 1e-4


def test_inference_form_is_the_softmax_of_the_logits(small):
    """The second channel of the matte belongs to the second channel of the logits."""
    logits = keras.ops.convert_to_numpy(small(PICTURES)["logits"])
    foreground = 1 / (1 + np.exp(logits[..., 0] - logits[..., 1]))
    assert np.allclose(_output(models.inference_network(small))[..., 1], foreground, atol=1e-6)


def test_auxiliary_head_is_for_training_only(small):
    """The inference form has one output and no layer of the head, and its own name."""
    deployed = models.inference_network(small)
    assert "auxiliary_logits" in {layer.name for layer in small.layers}
    assert "auxiliary_logits" not in {layer.name for layer in deployed.layers}
    assert (small.name, deployed.name) == ("mmnet_training", "mmnet")


def test_both_forms_share_their_weights(small):
    """What is trained in one form is seen in the other."""
    deployed = models.inference_network(small)
    assert {id(w) for w in deployed.weights} < {id(w) for w in small.weights}


def test_options_reach_the_layers():
    """Momentum of the averages and dropout are options of the builder."""
    network = models.build(
        "mmnet", width_multiplier=0.5, input_size=64, batch_norm_momentum=0.9, dropout=0.25
    )
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    dropouts = [x for x in network.layers if isinstance(x, keras.layers.Dropout)]
    assert {layer.momentum for layer in norms} == {0.9}
    assert [layer.rate for layer in dropouts] == [0.25] * 12


# --- Depths ------------------------------------------------------------------


@given(st.integers(1, 4096), st.floats(0.1, 4))
def test_scaled_depth_is_the_nearest_multiple_of_8(depth, width):
    """At least 8, and nowhere more than half a step from the rounded product."""
    scaled = scaled_depth(depth, width)
    assert type(scaled) is int and scaled % 8 == 0 and scaled >= 8
    assert scaled == 8 or abs(scaled - round(depth * width)) <= 4


@given(st.integers(1, 4096), st.floats(0.1, 4), st.floats(0.1, 4))
def test_scaled_depth_grows_with_the_width(depth, one, other):
    """A wider network has no thinner layer."""
    low, high = sorted((one, other))
    assert scaled_depth(depth, low) <= scaled_depth(depth, high)


def test_scaled_depths_of_the_published_widths():
    """Depths of the table at width 1 are kept; ties are rounded up."""
    table = {16, 24, 32, 40, 64, 80, 120}
    assert {scaled_depth(depth, 1.0) for depth in table} == table
    assert [scaled_depth(depth, 0.5) for depth in (16, 24, 40, 120)] == [8, 16, 24, 64]
    assert [scaled_depth(depth, 1.4) for depth in (16, 24, 40, 120)] == [24, 32, 56, 168]
