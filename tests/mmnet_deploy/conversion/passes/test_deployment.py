"""All passes together: the same alpha for less work, with names that fit."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import models
from mmnet_deploy.conversion import passes
from mmnet_deploy.tflite import counts
from mmnet_deploy.tflite import interpreter as runtime
from mmnet_deploy.tflite.graph import Graph
from tests.support.networks import (
    conv,
    converted,
    converted_network,
    join,
    output_of,
    small,
    start,
    up,
    vary_batch_norms,
)
from tests.support.rewriting import TOLERANCE, check_same, kinds


def _deployed(content, alpha_channel=1):
    """The whole rewriting, checked to find nothing when it is done again."""
    graph = Graph.from_bytes(content)
    done = passes.deploy(graph, alpha_channel)
    phases = passes.resize_by_phases(graph)
    again = Graph.from_bytes(graph.to_bytes())
    assert not any(passes.deploy(again, 0).values())
    assert passes.resize_by_phases(again) == 0
    return graph, done | {"resize_by_phases": phases}


def _check_names(graph):
    """No two tensors have the same name, and none has several."""
    computed = [tensor for op in graph.ops for tensor in op.outputs]
    names = [tensor.name for tensor in (*graph.inputs, *computed, *graph.constants())]
    assert len(set(names)) == len(names), {name for name in names if names.count(name) > 1}
    assert not [name for name in names if ";" in name]


def _check_shapes(content):
    """Every tensor has the shape that the runtime computes for it."""
    graph = Graph.from_bytes(content)
    details = runtime.transparent_interpreter(content).get_tensor_details()
    shapes = {tensor["index"]: tuple(map(int, tensor["shape"])) for tensor in details}
    for op in graph.ops:
        for tensor in op.outputs:
            assert tensor.shape == shapes[graph.index(tensor)], op.name


WIDEST = [
    (name, max(models.family(name).width_multipliers, default=None))
    for name in models.family_names()
    if models.family(name).builder.__module__.startswith("models.")
]
"""Of every built-in family; `tests/models/test_networks.py` deploys the narrowest."""


@pytest.mark.parametrize(("family", "width"), WIDEST)
def test_a_deployed_network_computes_the_same_alpha_for_less(family, width, tmp_path):
    """Every built-in family: one channel, no softmax, less work, one partition."""
    keras.utils.set_random_seed(2)
    network = models.inference_network(models.build(family, width_multiplier=width, input_size=64))
    vary_batch_norms(network)
    content = converted(lambda image: network(image, training=False), (1, 64, 64, 3), frozen=True)
    graph, done = _deployed(content)
    deployed = graph.to_bytes()
    classes = network.output_shape[-1]
    assert done["alpha_only"] == classes - 1
    assert graph.outputs[0].shape == (1, 64, 64, 1)
    assert "SOFTMAX" not in kinds(graph)
    if classes == 2:
        assert counts.total_macs(graph) < counts.total_macs(Graph.from_bytes(content))
    assert np.ptp(output_of(content)[..., -1]) > 100 * TOLERANCE
    check_same(deployed, content, slice(-1, None))
    (partition,) = runtime.TFLiteModel(tmp_path / "x.tflite", content=deployed).partitions
    assert len(partition) == len(graph.ops)
    _check_shapes(deployed)
    _check_names(graph)


def _linear_siblings(image):
    """Siblings without activation, whose merged convolution is enlarged and joined."""
    x = up()(small(image))
    pair = [layers.DepthwiseConv2D(1)(conv(5)(join(x, start(image)))) for _ in range(2)]
    return join(up()(join(*pair)), layers.Resizing(16, 16)(image))


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: join(up()(small(i)), up()(small(i))), id="two resized parts"),
        pytest.param(lambda i: join(up(3)(start(i)), conv(8)(up(3)(i))), id="a resized picture"),
        pytest.param(_linear_siblings, id="linear siblings"),
    ],
)
@pytest.mark.parametrize("activation", ["relu", None])
def test_deploying_twice_finds_nothing_more(build, activation):
    """What one pass leaves for another is found at once."""
    content = converted_network(
        lambda i: layers.Softmax()(conv(2)(conv(4, activation=activation)(build(i))))
    )
    graph, _ = _deployed(content)
    check_same(graph.to_bytes(), content, slice(1, None))


def test_tensors_are_called_after_their_layers():
    """A layer's name stands for the chain of names that the converter joins."""

    def build(image):
        x = conv(8, 3, activation="relu", name="stem")(image)
        return layers.Softmax(name="matte")(conv(2, name="logits")(x))

    graph, _ = _deployed(converted_network(build))
    assert [op.name for op in graph.ops] == ["stem", "alpha_logit", "alpha"]
    assert [t.name for t in graph.ops[0].inputs[1:]] == ["stem/weights", "stem/bias"]


@pytest.mark.parametrize("end", ["sigmoid", "softmax"])
def test_layers_may_have_the_names_that_new_tensors_get(end):
    """Each tensor has a name of its own, even if a layer is called alpha."""

    def build(image):
        x = conv(4, activation="relu", name="alpha_logit")(up()(small(image)))
        x = layers.Activation("relu6", name="alpha")(conv(2, 3)(x))
        return layers.Activation(end, name="matte")(x)

    graph, _ = _deployed(converted_network(build))
    _check_names(graph)


activations = st.sampled_from([None, "relu", "relu6"])
blocks = st.one_of(
    st.tuples(st.just("conv"), st.sampled_from([1, 1, 3]), st.integers(1, 9), activations),
    st.tuples(st.just("up"), st.sampled_from([1, 2, 3])),
    st.tuples(st.just("join"), st.integers(1, 9), st.booleans()),
    st.tuples(st.just("siblings"), st.integers(1, 5), activations),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(blocks, min_size=2, max_size=6), st.sampled_from([1, 2, 3]), st.integers(0, 1))
def test_any_decoder_computes_the_same_and_costs_no_more(decoder, channels, alpha):
    """Random rows of convolutions, resizes, concatenations and siblings."""

    def build(image):
        x = layers.MaxPooling2D()(start(image, 6))
        for kind, *values in decoder:
            if kind == "conv":
                x = conv(values[1], values[0], activation=values[2])(x)
            elif kind == "up" and x.shape[1] <= 12:
                x = up(values[0])(x)
            elif kind == "join":
                skip = conv(values[0])(layers.Resizing(x.shape[1], x.shape[2])(image))
                x = layers.Concatenate()([x, skip] if values[1] else [skip, x])
            elif kind == "siblings":
                pair = [conv(values[0], activation=values[1])(x) for _ in range(2)]
                x = layers.Concatenate()([layers.DepthwiseConv2D(1)(one) for one in pair])
        return layers.Activation("sigmoid" if channels == 1 else "softmax")(conv(channels)(x))

    content = converted_network(build, (6, 10, 3))
    graph = Graph.from_bytes(content)
    passes.deploy(graph, alpha)
    assert counts.total_macs(graph) <= counts.total_macs(Graph.from_bytes(content)) + math.prod(
        graph.outputs[0].shape[:3]
    ) * 2 * (channels == 2)
    passes.resize_by_phases(graph)
    expected = output_of(content)
    if channels > 1:
        expected = expected[..., alpha : alpha + 1]
    _check_names(graph)
    content = graph.to_bytes()
    np.testing.assert_allclose(output_of(content), expected, atol=TOLERANCE)
    _check_shapes(content)
