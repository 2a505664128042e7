"""Preparing a float32 graph for int8: the function stays, and 8 bits serve every channel."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from mmnet_deploy.conversion import integers, passes
from mmnet_deploy.conversion.integers import (
    biases,
    channels,
    equalization,
    judge,
    ranges,
    trimming,
)
from mmnet_deploy.conversion.integers.ranges import observe, set_limits
from mmnet_deploy.conversion.passes.activations import fuse_activations
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel, built_in_interpreter
from tests.support.networks import converted_network
from tests.support.rewriting import rewritten

SHAPE = (32, 32, 3)
RNG = np.random.default_rng(0)
SAMPLES = [RNG.random((1, *SHAPE), np.float32) for _ in range(6)]


def _uneven(shape, dtype=None):
    """Weights whose outputs have ranges from 1 to 30."""
    values = np.random.default_rng(shape[-1]).normal(0, 0.4, shape)
    return keras.ops.convert_to_tensor(values * np.geomspace(1, 30, shape[-1]), dtype)


def _network(image):
    """Hard-swish, squeeze-and-excitation, a sum, a resize; channels of very different ranges."""
    options = {"padding": "same", "kernel_initializer": _uneven, "bias_initializer": "ones"}
    x = layers.Conv2D(8, 3, strides=2, **options)(image)
    x = layers.Activation("hard_swish", name="swish")(x)
    x = layers.Conv2D(8, 1, name="expand", **options)(x)
    x = layers.Activation("relu", name="expand_relu")(x)
    options["depthwise_initializer"] = options.pop("kernel_initializer")
    y = layers.DepthwiseConv2D(3, name="depthwise", **options)(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.Conv2D(8, 1, activation="sigmoid", name="gate")(gate)
    x = layers.Add()([x, layers.Multiply()([y, gate])])
    x = layers.Conv2D(4, 1, name="project", kernel_initializer="he_normal")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Conv2D(1, 1, name="head")(layers.Activation("relu")(x))
    return layers.Activation("sigmoid", name="alpha")(x)


@pytest.fixture(scope="module")
def content():
    """The network in float32, as int8 is made of it."""
    keras.utils.set_random_seed(0)
    graph = Graph.from_bytes(converted_network(_network, SHAPE))
    passes.suit_integers(graph)
    return graph.to_bytes()


def _values(content, name):
    """A tensor's values on the first sample."""
    interpreter, graph = (
        built_in_interpreter(content, keeps_tensors=True),
        Graph.from_bytes(content),
    )
    tensor = next(it for op in graph.ops for it in op.outputs if it.name == name)
    interpreter.set_tensor(graph.index(graph.inputs[0]), SAMPLES[0])
    interpreter.invoke()
    return interpreter.get_tensor(graph.index(tensor))


def _mattes(content):
    model = TFLiteModel(Path("x.tflite"), content=content)
    return np.stack([model.run(sample) for sample in SAMPLES])


def _equalized(content):
    graph, ranges = Graph.from_bytes(content), observe(content, SAMPLES)
    equalization.equalize(graph, ranges)
    set_limits(graph, ranges)
    return graph, ranges


def test_channels_get_the_same_range_and_the_function_stays(content):
    """Where units are free, no channel has less than half of the range, and sums agree on them."""
    graph, ranges = _equalized(content)
    np.testing.assert_allclose(_mattes(graph.to_bytes()), _mattes(content), atol=1e-4)
    before = observe(content, SAMPLES)
    changed = [name for name in ranges if not np.allclose(ranges[name][1], before[name][1])]
    assert len(changed) >= 5
    for name in changed:
        low, high = ranges[name]
        assert low.min() >= 1.001 * before[name][0].min() - 1e-4
        assert high.max() <= 1.001 * before[name][1].max() + 1e-4
    found = observe(graph.to_bytes(), SAMPLES)
    for name in ranges:
        np.testing.assert_allclose(found[name], ranges[name], rtol=1e-3, atol=1e-3)


def test_equalized_channels_bring_int8_nearer(content):
    """A network whose channels have any units is as good in int8 as one that suits it."""
    graph = Graph.from_bytes(content)
    units = {}
    for number, space in enumerate(channels.Spaces(graph).free()):
        scattered = np.random.default_rng(number).permutation(np.geomspace(0.2, 5, 8))
        units |= {id(it): scattered[: it.shape[-1]] for it in space}
    channels.in_other_units(graph, units)
    scattered, expected = graph.to_bytes(), _mattes(content)
    np.testing.assert_allclose(_mattes(scattered), expected, atol=1e-4)
    bad = Graph.from_bytes(integers.calibrated(scattered, SAMPLES, prepare=False).content)
    files = [integers.quantize(it, io="float32") for it in (bad, _equalized(scattered)[0])]
    errors = [np.abs(_mattes(it.to_bytes()) - expected).mean() for it in files]
    assert errors[1] < 0.7 * errors[0]


def test_the_units_of_a_quantized_file_are_told_by_its_filters(content):
    """A float graph then has its values, layer by layer, so that they can be compared."""
    graph, _ = _equalized(content)
    made = integers.quantize(graph)
    like = Graph.from_bytes(content)
    integers.equalize_like(like, Graph.from_bytes(made.to_bytes()))
    for op in like.ops:
        one, other = (_values(it.to_bytes(), op.name) for it in (graph, like))
        np.testing.assert_allclose(one, other, rtol=0.02, atol=0.02 * np.abs(one).max())


def test_channels_get_other_units_only_where_the_matte_is_nearer_then(content, monkeypatch):
    """Of both forms, the one that the judge finds nearer is taken."""
    plain = integers.calibrated(content, SAMPLES, prepare=False).content
    equal = _equalized(content)[0].to_bytes()
    for better in (plain, equal):

        def difference(self, graph, shifts=None, better=better):
            return float(graph.to_bytes() != better)

        monkeypatch.setattr(judge.Judge, "difference", difference)
        assert integers.calibrated(content, SAMPLES).content == better


def test_biases_bring_the_means_of_channels_back(content):
    """Also those before a hard-swish, which compute a part; layers in float keep their biases."""
    graph = Graph.from_bytes(_equalized(content)[0].to_bytes())
    for op in graph.ops:
        if op.kind == "DEPTHWISE_CONV_2D":
            # What a range cuts off moves means, as rounding does.
            op.output.limits = op.output.limits[0], 0.6 * op.output.limits[1]
    found = biases.shifts(graph, judge.Judge(content, SAMPLES))
    assert "depthwise" in " ".join(found)
    errors = []
    for moved in ({}, found):
        made = integers.quantize(graph, io="float32", shifts=moved)
        errors.append(np.abs(_mattes(made.to_bytes()) - _mattes(content)).mean())
    assert errors[1] < errors[0]
    names = [op.name for op in graph.ops]
    real = integers.quantize(graph, names, "float32", found)
    assert np.array_equal(_mattes(real.to_bytes()), _mattes(graph.to_bytes()))


def test_ranges_are_narrowed_where_the_matte_gains(content):
    """What happens in one pixel of one picture costs the others no steps."""
    graph, _ = _equalized(content)
    wide = next(op for op in graph.ops if "expand" in op.name and op.kind == "CONV_2D")
    wide.output.limits = 0.0, 40 * wide.output.limits[1]
    before = {op.name: op.output.limits for op in graph.ops}
    trimming.trim(graph, judge.Judge(graph.to_bytes(), SAMPLES))
    after = {op.name: op.output.limits for op in graph.ops}
    assert after[wide.name][1] < 0.5 * before[wide.name][1]
    for name, (low, high) in after.items():
        assert abs(low) <= abs(before[name][0]) and abs(high) <= abs(before[name][1])


def test_int8_runs_in_one_partition(content):
    """Hard-swish too, which delegates do not have in int8; and it is near to float32."""
    made = integers.quantize(Graph.from_bytes(integers.calibrated(content, SAMPLES).content))
    assert "HARD_SWISH" not in {op.kind for op in made.ops}
    model = TFLiteModel(Path("x.tflite"), content=made.to_bytes())
    inner = {number for number, op in enumerate(made.ops) if op.kind != "QUANTIZE"}
    (partition,) = model.partitions
    assert inner <= set(partition)


def test_activations_become_part_of_the_operator_before():
    """A RELU that alone reads a convolution is cut off there; one beside another reader is not."""

    def network(image):
        x = layers.Conv2D(4, 1, name="first")(image)
        y = layers.Conv2D(4, 1, name="second")(layers.Activation("relu")(x))
        return layers.Add()([x, y])

    content = converted_network(network, SHAPE)
    assert [op.kind for op in Graph.from_bytes(content).ops].count("RELU") == 1
    rewritten(content, fuse_activations, 0)


def test_nothing_depends_on_the_number_of_cores(content, monkeypatch):
    """Sums by several threads differ in their last digits, on which choices hang."""
    threads = []

    def counted(opened):
        def call(file, count, *words, **more):
            threads.append(count)
            return opened(file, count, *words, **more)

        return call

    for module, name in (
        (ranges, "built_in_interpreter"),
        (judge, "TFLiteModel"),
        (biases, "TFLiteModel"),
    ):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))
    integers.calibrated(content, SAMPLES, prepare=True)
    assert len(threads) > 3 and set(threads) == {1}
