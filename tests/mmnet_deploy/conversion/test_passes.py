"""The passes: the same function with less work, or the graph as it was."""

import itertools
import math
import operator

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers
from tensorflow.python.framework import convert_to_constants

import models
from mmnet_deploy.conversion import passes
from mmnet_deploy.tflite import interpreter as runtime
from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.graph import Graph

TOLERANCE = 1e-5


def _traced(function, shape):
    """A function of one picture as a float32 file."""
    signature = [tf.TensorSpec((1, *shape), tf.float32, name="image")]
    traced = tf.function(function, input_signature=signature, autograph=False)
    frozen = convert_to_constants.convert_variables_to_constants_v2(traced.get_concrete_function())
    return tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module()).convert()


def _converted(build, shape=(8, 8, 3)):
    """The network that `build` makes of an input of this shape, as a float32 file."""
    keras.utils.set_random_seed(1)
    image = keras.Input(batch_size=1, shape=shape)
    network = keras.Model(image, build(image))
    rng = np.random.default_rng(1)
    for weights in network.weights:
        weights.assign(rng.normal(0, 0.4, weights.shape))
    return _traced(network, shape)


def _run(content, seed=0):
    """The first output on a random picture, through the runtime's own choice of kernels."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    picture = np.random.default_rng(seed).random(source["shape"], np.float32)
    interpreter.set_tensor(source["index"], picture)
    interpreter.invoke()
    return interpreter.get_tensor(target["index"])


def _kinds(graph):
    return [op.kind for op in graph.ops]


def _multiply_adds(graph):
    """Of the convolutions."""
    convolutions = [op for op in graph.ops if "CONV_2D" in op.kind]
    return sum(
        math.prod(op.output.shape)
        * math.prod(op.input(1).shape[1 : 4 if op.kind == "CONV_2D" else 3])
        for op in convolutions
    )


def _rewritten(content, rewrite, times):
    """The graph after a pass that must find `times` places and change no value."""
    graph = Graph.from_bytes(content)
    before = _kinds(graph)
    assert rewrite(graph) == times
    after = graph.to_bytes()
    assert (_kinds(graph) == before) == (times == 0)
    for seed in range(2):
        np.testing.assert_allclose(_run(after, seed), _run(content, seed), atol=TOLERANCE)
    return Graph.from_bytes(after)


def _conv(channels, size=1, **options):
    return layers.Conv2D(channels, size, padding="same", **options)


def _up(factor=2, interpolation="bilinear"):
    return layers.UpSampling2D(factor, interpolation=interpolation)


def _start(image, channels=8):
    """Something that no pass changes, for a tensor with channels."""
    return _conv(channels, 3, activation="relu")(image)


# --- alpha_only --------------------------------------------------------------


@pytest.mark.parametrize("channel", [0, 1])
def test_alpha_of_two_classes_is_a_sigmoid(channel):
    """The channel's softmax becomes the sigmoid of the difference of logits."""
    content = _converted(lambda i: layers.Softmax()(_conv(2)(i)))
    graph = Graph.from_bytes(content)
    assert passes.alpha_only(graph, channel) == 1
    assert _kinds(graph) == ["CONV_2D", "CONV_2D", "LOGISTIC"]
    assert graph.outputs[0].shape == (1, 8, 8, 1)
    expected = _run(content)[..., channel : channel + 1]
    np.testing.assert_allclose(_run(graph.to_bytes()), expected, atol=TOLERANCE)


def test_the_temperature_of_a_softmax_is_kept():
    """The factor of the logits scales their difference too."""
    graph = Graph.from_bytes(_converted(lambda i: layers.Softmax()(_conv(2)(i))))
    graph.ops[-1].options.beta = 0.25
    content = graph.to_bytes()
    assert passes.alpha_only(graph, 1) == 1
    np.testing.assert_allclose(_run(graph.to_bytes()), _run(content)[..., 1:], atol=TOLERANCE)


def test_huge_logits_are_no_danger():
    """Where an exponential would overflow, alpha is 0 or 1."""
    content = _converted(lambda i: layers.Softmax()(layers.Rescaling(1e4)(_conv(2)(i))))
    graph = Graph.from_bytes(content)
    passes.alpha_only(graph, 1)
    np.testing.assert_allclose(_run(graph.to_bytes()), _run(content)[..., 1:], atol=TOLERANCE)


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("end", ["sigmoid", "softmax"])
def test_alpha_of_three_channels_is_cut_out(end, channel):
    """Of any other output the channel is a SLICE."""
    content = _converted(lambda i: layers.Activation(end)(_conv(3)(i)))
    graph = Graph.from_bytes(content)
    assert passes.alpha_only(graph, channel) == 1
    assert _kinds(graph)[-1] == "SLICE"
    expected = _run(content)[..., channel : channel + 1]
    np.testing.assert_allclose(_run(graph.to_bytes()), expected, atol=TOLERANCE)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: layers.Activation("sigmoid")(_conv(1)(i)), id="one channel"),
        pytest.param(lambda i: [_conv(2)(i), _conv(2)(i)], id="two outputs"),
        pytest.param(lambda i: layers.Flatten()(i), id="no picture"),
    ],
)
def test_other_outputs_stay_as_they_are(build):
    """One channel is alpha already; of two outputs nobody says which is."""
    _rewritten(_converted(build), lambda graph: passes.alpha_only(graph, 0), 0)


# --- collapse_pointwise ------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "times", "convolutions"),
    [
        pytest.param(lambda i: _conv(2)(_conv(8)(i)), 1, 1, id="1×1"),
        pytest.param(lambda i: _conv(2, activation="relu6")(_conv(8, 3)(i)), 1, 1, id="3×3"),
        pytest.param(lambda i: _conv(2)(_conv(8, 3, strides=2)(i)), 1, 1, id="strided"),
        pytest.param(lambda i: _conv(2)(_conv(8, 3, dilation_rate=2)(i)), 1, 1, id="dilated"),
        pytest.param(lambda i: _conv(2)(layers.Conv2D(8, 3)(i)), 1, 1, id="valid padding"),
        pytest.param(lambda i: _conv(1)(_conv(4)(_conv(8)(i))), 2, 1, id="three in a row"),
        pytest.param(
            lambda i: layers.Concatenate()(
                [_conv(1, activation=name)(x) for x in [_conv(8)(i)] for name in ("relu", None)]
            ),
            *(1, 2),
            id="two readers",
        ),
    ],
)
def test_linear_layers_in_a_row_are_one(build, times, convolutions):
    """A convolution without activation is multiplied into the 1×1 ones behind it."""
    content = _converted(build)
    graph = _rewritten(content, passes.collapse_pointwise, times)
    assert _kinds(graph).count("CONV_2D") == convolutions
    assert _multiply_adds(graph) < _multiply_adds(Graph.from_bytes(content))


def test_a_left_out_bias_counts_as_zero():
    """Two inputs make a convolution as well as three."""
    content = _converted(lambda i: _conv(2)(_conv(8, use_bias=False)(i)))
    graph = Graph.from_bytes(content)
    assert np.all(graph.ops[0].input(2).data == 0)
    graph.ops[0].inputs = graph.ops[0].inputs[:2]
    assert passes.collapse_pointwise(graph) == 1
    np.testing.assert_allclose(_run(graph.to_bytes()), _run(content), atol=TOLERANCE)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: _conv(2)(_conv(8, activation="relu")(i)), id="activation between"),
        pytest.param(lambda i: _conv(32)(_conv(4, 3)(i)), id="costs more"),
        pytest.param(lambda i: (lambda x: [_conv(2)(x), x])(_conv(8)(i)), id="model output"),
        pytest.param(
            lambda i: (lambda x: [_conv(2)(x), layers.MaxPooling2D()(x)])(_conv(8)(i)),
            id="read elsewhere",
        ),
        pytest.param(lambda i: _conv(2, 3)(_conv(8)(i)), id="second is 3×3"),
        pytest.param(lambda i: _conv(2, strides=2)(_conv(8)(i)), id="second is strided"),
        pytest.param(lambda i: _conv(2, groups=2)(_conv(8)(i)), id="second has groups"),
        pytest.param(lambda i: _conv(2)(_conv(9, 3, groups=3)(i)), id="first has groups"),
        pytest.param(
            lambda i: _conv(2)(layers.DepthwiseConv2D(3, padding="same")(i)), id="depthwise"
        ),
        pytest.param(lambda i: _conv(2)(_up()(_conv(8)(i))), id="a resize between"),
    ],
)
def test_other_layers_in_a_row_stay(build):
    """What is not linear, is read elsewhere or would cost more is left alone."""
    _rewritten(_converted(build), passes.collapse_pointwise, 0)


# --- pointwise_before_resize -------------------------------------------------


def _resized(**flags):
    """A bilinear resize with the flags of TensorFlow's operator."""
    return lambda x: tf.raw_ops.ResizeBilinear(
        images=x, **({"size": [12, 20], "half_pixel_centers": True} | flags)
    )


@pytest.mark.parametrize(
    ("build", "times"),
    [
        pytest.param(lambda i: _conv(2)(_up()(_start(i))), 1, id="once"),
        pytest.param(lambda i: _conv(8)(_up(4)(_start(i))), 1, id="as many channels"),
        pytest.param(lambda i: _conv(2)(_up()(_up()(_start(i)))), 2, id="two resizes"),
        pytest.param(lambda i: _conv(1)(_conv(2)(_up()(_start(i)))), 2, id="two convolutions"),
        pytest.param(
            lambda i: layers.Softmax()(_conv(2)(layers.Resizing(12, 20)(_start(i)))),
            *(1,),
            id="no whole factor",
        ),
    ],
)
def test_convolving_comes_before_enlarging(build, times):
    """A linear 1×1 convolution of an enlarged tensor works on the small one."""
    content = _converted(build)
    graph = _rewritten(content, passes.pointwise_before_resize, times)
    kinds = _kinds(graph)
    assert sorted(kinds) == sorted(_kinds(Graph.from_bytes(content)))
    last = max(index for index, kind in enumerate(kinds) if kind == "CONV_2D")
    assert last < kinds.index("RESIZE_BILINEAR")
    assert _multiply_adds(graph) < _multiply_adds(Graph.from_bytes(content))


@pytest.mark.parametrize("flag", ["half_pixel_centers", "align_corners", None])
def test_the_kind_of_interpolation_does_not_matter(flag):
    """Its weights sum to one whatever the flags, and they are kept."""
    flags = {"half_pixel_centers": flag == "half_pixel_centers"}
    weights = tf.random.stateless_normal((1, 1, 3, 2), (1, 2))
    content = _traced(
        lambda i: (
            tf.nn.conv2d(
                _resized(**flags, align_corners=flag == "align_corners")(i), weights, 1, "SAME"
            )
            + 0.5
        ),
        (5, 7, 3),
    )
    graph = _rewritten(content, passes.pointwise_before_resize, 1)
    assert _kinds(graph) == ["CONV_2D", "RESIZE_BILINEAR"]


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: _conv(2, activation="relu")(_up()(_start(i))), id="activation"),
        pytest.param(lambda i: _conv(9)(_up()(_start(i))), id="adds channels"),
        pytest.param(lambda i: _conv(2, 3)(_up()(_start(i))), id="3×3"),
        pytest.param(lambda i: _conv(2, strides=2)(_up()(_start(i))), id="strided"),
        pytest.param(lambda i: _conv(2)(layers.Resizing(4, 5)(_start(i))), id="downsizing"),
        pytest.param(lambda i: _conv(2)(_up(2, "nearest")(_start(i))), id="nearest neighbour"),
        pytest.param(
            lambda i: (lambda x: [_conv(2)(x), _conv(3)(x)])(_up()(_start(i))), id="two readers"
        ),
        pytest.param(lambda i: (lambda x: [_conv(2)(x), x])(_up()(_start(i))), id="model output"),
    ],
)
def test_other_convolutions_of_resized_tensors_stay(build):
    """Nothing moves where the two do not commute, or where it does not pay."""
    _rewritten(_converted(build), passes.pointwise_before_resize, 0)


# --- merge_siblings ----------------------------------------------------------


def _joined(image, axis=-1, small=8, skip=8):
    """A resized tensor beside one of the full size."""
    x = _up()(layers.MaxPooling2D()(_start(image, small)))
    return layers.Concatenate(axis=axis)([x, _start(image, skip)])


def _siblings(x, *widths, activations=("relu6", "relu6", "relu6")):
    return layers.Concatenate(name="branches")(
        [
            layers.DepthwiseConv2D(3, padding="same")(_conv(width, activation=name)(x))
            for width, name in zip(widths, activations, strict=False)
        ]
    )


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("activation", ["relu6", None])
def test_siblings_are_computed_at_once(count, activation):
    """1×1 convolutions of one concatenation with a resized part are one and a SPLIT."""
    content = _converted(
        lambda i: _siblings(_joined(i), *[4] * count, activations=[activation] * 3)
    )
    graph = _rewritten(content, passes.merge_siblings, 1)
    assert _kinds(graph).count("SPLIT") == 1
    assert _kinds(graph).count("CONV_2D") == _kinds(Graph.from_bytes(content)).count("CONV_2D") + (
        1 - count
    )


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: _siblings(_joined(i), 4), id="an only child"),
        pytest.param(
            lambda i: _siblings(_joined(i), 4, 4, activations=("relu", "relu6")),
            id="different activations",
        ),
        pytest.param(lambda i: _siblings(_joined(i), 4, 5), id="different widths"),
        pytest.param(lambda i: _siblings(_joined(i, axis=1), 4, 4), id="one above the other"),
        pytest.param(lambda i: _siblings(_start(i), 4, 4), id="no concatenation"),
        pytest.param(
            lambda i: _siblings(layers.Concatenate()([_start(i), _conv(8)(i)]), 4, 4),
            id="nothing resized",
        ),
        pytest.param(
            lambda i: (lambda x: [_siblings(x, 4, 4), layers.MaxPooling2D()(x)])(_joined(i)),
            id="another reader",
        ),
        pytest.param(lambda i: (lambda x: [_siblings(x, 4, 4), x])(_joined(i)), id="model output"),
    ],
)
def test_unlike_siblings_stay_apart(build):
    """Siblings of other width or activation, or of something else, are left alone."""
    _rewritten(_converted(build), passes.merge_siblings, 0)


# --- split_concatenation -----------------------------------------------------


def _small(image, channels=8):
    return layers.MaxPooling2D()(_start(image, channels))


def _join(*parts, axis=-1):
    return layers.Concatenate(axis=axis)(list(parts))


@pytest.mark.parametrize(
    ("build", "times", "resizes"),
    [
        pytest.param(lambda i: _join(_up()(_small(i)), _start(i)), 1, 1, id="resized first"),
        pytest.param(lambda i: _join(_start(i, 5), _up()(_small(i))), 1, 1, id="resized last"),
        pytest.param(
            lambda i: _join(_start(i, 2), _up()(_small(i)), _start(i, 5)), 1, 1, id="in the middle"
        ),
        pytest.param(
            lambda i: _join(_up()(_small(i)), _start(i, 5), _up()(_small(i, 6))), 2, 2, id="two"
        ),
        pytest.param(
            lambda i: _join(
                _up()(_small(i)),
                _up()(_small(i)),
                _start(i),
                _up(4)(layers.MaxPooling2D()(_small(i))),
            ),
            *(3, 3),
            id="three",
        ),
    ],
)
@pytest.mark.parametrize("activation", ["relu6", "relu", None])
def test_each_part_of_a_concatenation_is_convolved_alone(build, times, resizes, activation):
    """The resized part before its resize; the sum takes over the activation."""
    content = _converted(lambda i: _conv(4, activation=activation)(build(i)))
    graph = _rewritten(content, passes.split_concatenation, times)
    assert _kinds(graph).count("ADD") == times
    assert _kinds(graph).count("RESIZE_BILINEAR") == resizes
    assert all(op.output.shape[3] == 4 for op in graph.ops if op.kind == "RESIZE_BILINEAR")
    assert _multiply_adds(graph) < _multiply_adds(Graph.from_bytes(content))


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: _conv(64)(_join(_up()(_small(i, 2)), _start(i))), id="costs more"),
        pytest.param(
            lambda i: _conv(4)(_join(_up()(_small(i)), _start(i), axis=2)), id="another axis"
        ),
        pytest.param(
            lambda i: _conv(4)(_join(layers.Resizing(4, 4)(_start(i)), _small(i))), id="downsizing"
        ),
        pytest.param(lambda i: _conv(4, 3)(_join(_up()(_small(i)), _start(i))), id="3×3"),
        pytest.param(
            lambda i: (lambda x: [_conv(4)(x), _conv(3)(x)])(_joined(i)), id="two readers"
        ),
        pytest.param(lambda i: (lambda x: [_conv(4)(x), x])(_joined(i)), id="model output"),
        pytest.param(
            lambda i: (lambda x: [_conv(4)(_join(x, _start(i))), x])(_up()(_small(i))),
            id="the resized tensor is a model output",
        ),
        pytest.param(
            lambda i: (lambda x: [_conv(4)(_join(x, _start(i))), _conv(2)(x)])(_up()(_small(i))),
            id="the resized tensor is read elsewhere",
        ),
    ],
)
def test_other_concatenations_stay(build):
    """Nothing is split where that would cost more, or something else needs the whole."""
    _rewritten(_converted(build), passes.split_concatenation, 0)


def test_a_tensor_that_is_joined_twice_is_computed_once_or_left_alone():
    """The same resized tensor may be two inputs of a concatenation."""

    def build(image):
        x = _up()(_small(image))
        return _conv(4)(_join(x, _start(image), x))

    content = _converted(build)
    graph = Graph.from_bytes(content)
    passes.split_concatenation(graph)
    np.testing.assert_allclose(_run(graph.to_bytes()), _run(content), atol=TOLERANCE)


# --- resize_by_phases --------------------------------------------------------

FLAGS = ({"half_pixel_centers": True}, {"align_corners": True}, {})
NO_DEADLINE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)


def _resizes(sizes, flags):
    """Resizes in a row of one channel, as a float32 file."""

    def resize(x):
        for size in sizes[1:]:
            x = tf.raw_ops.ResizeBilinear(images=x, size=size, **flags)
        return x

    return _traced(resize, (*sizes[0], 1))


@NO_DEADLINE
@given(
    height=st.integers(3, 9),
    width=st.integers(3, 9),
    factors=st.sampled_from([(2,), (3,), (4,), (8,), (2, 2), (2, 3), (4, 2)]),
    flags=st.sampled_from(FLAGS),
)
def test_enlarging_by_phases_changes_no_value(height, width, factors, flags):
    """Whatever the flags; with half-pixel centres and whole factors it is a convolution."""
    sizes = [(height * n, width * n) for n in itertools.accumulate((1, *factors), operator.mul)]
    content = _resizes(sizes, flags)
    graph = Graph.from_bytes(content)
    times = passes.resize_by_phases(graph)
    np.testing.assert_allclose(_run(graph.to_bytes()), _run(content), atol=TOLERANCE)
    assert times == ("RESIZE_BILINEAR" not in _kinds(graph))
    if "half_pixel_centers" in flags:
        assert times == 1
        assert _kinds(graph)[-2:] == ["CONV_2D", "DEPTH_TO_SPACE"]
        assert graph.ops[-2].output.shape[3] == math.prod(factors) ** 2


@NO_DEADLINE
@given(
    sizes=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=2, max_size=4),
    flags=st.sampled_from(FLAGS),
)
def test_no_row_of_resizes_changes_a_value(sizes, flags):
    """Up, down and by any factor: the pass knows what it must not touch."""
    content = _resizes(sizes, flags)
    graph = Graph.from_bytes(content)
    passes.resize_by_phases(graph)
    np.testing.assert_allclose(_run(graph.to_bytes()), _run(content), atol=TOLERANCE)


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([(4, 6), (8, 18)], id="unequal"),
        pytest.param([(4, 6), (4, 12)], id="one way only"),
        pytest.param([(4, 6), (6, 9)], id="broken"),
        pytest.param([(4, 6), (8, 12), (10, 15)], id="broken at last"),
        pytest.param([(4, 6), (8, 6), (8, 18)], id="unequal in turns"),
        pytest.param([(2, 2), (4, 4)], id="two pixels, without two neighbours"),
    ],
)
def test_other_factors_are_left_to_the_resize(sizes):
    """Unequal and broken factors stay."""
    content = _resizes(sizes, {"half_pixel_centers": True})
    _rewritten(content, passes.resize_by_phases, 0)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: _up()(_conv(2)(i)), id="two channels"),
        pytest.param(lambda i: layers.Resizing(4, 4)(_conv(1)(i)), id="downsizing"),
        pytest.param(lambda i: _up(2, "nearest")(_conv(1)(i)), id="nearest neighbour"),
    ],
)
def test_other_resizes_stay(build):
    """Only a single channel that grows is worth it."""
    _rewritten(_converted(build), passes.resize_by_phases, 0)


def test_resizes_in_a_row_are_one_unless_something_looks_between():
    """A tensor between two resizes that is an output is still computed."""

    def build(image):
        x = _up()(_conv(1)(image))
        return [_up(3)(x), x]

    content = _converted(build)
    graph = Graph.from_bytes(content)
    passes.resize_by_phases(graph)
    interpreters = [Interpreter(model_content=c) for c in (content, graph.to_bytes())]
    image = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    before, after = (one.get_signature_runner()(image=image) for one in interpreters)
    for name in before:
        np.testing.assert_allclose(after[name], before[name], atol=TOLERANCE)


def test_every_resize_of_one_channel_is_found():
    """Two branches are two places."""
    content = _converted(lambda i: layers.Add()([_up()(_conv(1)(i)), _up()(_conv(1)(i))]))
    graph = _rewritten(content, passes.resize_by_phases, 2)
    assert "RESIZE_BILINEAR" not in _kinds(graph)


# --- All of them -------------------------------------------------------------


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


def _ends(widths):
    """The narrowest and the widest, None for a family that has one width."""
    return sorted({min(widths), max(widths)}) if widths else [None]


FAMILIES = [
    (name, width)
    for name in models.family_names()
    if models.family(name).builder.__module__.startswith("models.")
    for width in _ends(models.family(name).width_multipliers)
]


def _randomise(network):
    """Batch norms as after a training, not as before one."""
    rng = np.random.default_rng(4)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.gamma.assign(rng.uniform(0.5, 1.5, shape))
            layer.beta.assign(rng.normal(0, 0.3, shape))
            layer.moving_mean.assign(rng.normal(0, 0.3, shape))
            layer.moving_variance.assign(rng.uniform(0.5, 1.5, shape))


@pytest.mark.parametrize(("family", "width"), FAMILIES)
def test_a_deployed_network_computes_the_same_alpha_for_less(family, width, tmp_path):
    """Every built-in network: one channel, no softmax, less work, one partition."""
    keras.utils.set_random_seed(2)
    network = models.inference_network(models.build(family, width_multiplier=width, input_size=64))
    _randomise(network)
    content = _traced(lambda image: network(image, training=False), (64, 64, 3))
    graph, done = _deployed(content)
    deployed = graph.to_bytes()
    classes = network.output_shape[-1]
    assert done["alpha_only"] == classes - 1
    assert graph.outputs[0].shape == (1, 64, 64, 1)
    assert "SOFTMAX" not in _kinds(graph)
    if classes == 2:
        assert _multiply_adds(graph) < _multiply_adds(Graph.from_bytes(content))
    for seed in range(2):
        expected = _run(content, seed)[..., -1:]
        assert np.ptp(expected) > 100 * TOLERANCE
        np.testing.assert_allclose(_run(deployed, seed), expected, atol=TOLERANCE)
    (partition,) = runtime.TFLiteModel(tmp_path / "x.tflite", content=deployed).partitions
    assert len(partition) == len(graph.ops)
    _check_shapes(deployed)
    _check_names(graph)


def _linear_siblings(image):
    """Siblings without activation, whose merged convolution is enlarged and joined."""
    x = _up()(_small(image))
    pair = [layers.DepthwiseConv2D(1)(_conv(5)(_join(x, _start(image)))) for _ in range(2)]
    return _join(_up()(_join(*pair)), layers.Resizing(16, 16)(image))


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: _join(_up()(_small(i)), _up()(_small(i))), id="two resized parts"),
        pytest.param(
            lambda i: _join(_up(3)(_start(i)), _conv(8)(_up(3)(i))), id="a resized picture"
        ),
        pytest.param(_linear_siblings, id="linear siblings"),
    ],
)
@pytest.mark.parametrize("activation", ["relu", None])
def test_deploying_twice_finds_nothing_more(build, activation):
    """What one pass leaves for another is found at once."""
    content = _converted(
        lambda i: layers.Softmax()(_conv(2)(_conv(4, activation=activation)(build(i))))
    )
    graph, _ = _deployed(content)
    np.testing.assert_allclose(_run(graph.to_bytes()), _run(content)[..., 1:], atol=TOLERANCE)


def test_tensors_are_called_after_their_layers():
    """A layer's name stands for the chain of names that the converter joins."""

    def build(image):
        x = _conv(8, 3, activation="relu", name="stem")(image)
        return layers.Softmax(name="matte")(_conv(2, name="logits")(x))

    graph, _ = _deployed(_converted(build))
    assert [op.name for op in graph.ops] == ["stem", "alpha_logit", "alpha"]
    assert [t.name for t in graph.ops[0].inputs[1:]] == ["stem/weights", "stem/bias"]


@pytest.mark.parametrize("end", ["sigmoid", "softmax"])
def test_layers_may_have_the_names_that_new_tensors_get(end):
    """Each tensor has a name of its own, even if a layer is called alpha."""

    def build(image):
        x = _conv(4, activation="relu", name="alpha_logit")(_up()(_small(image)))
        x = layers.Activation("relu6", name="alpha")(_conv(2, 3)(x))
        return layers.Activation(end, name="matte")(x)

    graph, _ = _deployed(_converted(build))
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
        x = layers.MaxPooling2D()(_start(image, 6))
        for kind, *values in decoder:
            if kind == "conv":
                x = _conv(values[1], values[0], activation=values[2])(x)
            elif kind == "up" and x.shape[1] <= 12:
                x = _up(values[0])(x)
            elif kind == "join":
                skip = _conv(values[0])(layers.Resizing(x.shape[1], x.shape[2])(image))
                x = layers.Concatenate()([x, skip] if values[1] else [skip, x])
            elif kind == "siblings":
                pair = [_conv(values[0], activation=values[1])(x) for _ in range(2)]
                x = layers.Concatenate()([layers.DepthwiseConv2D(1)(one) for one in pair])
        return layers.Activation("sigmoid" if channels == 1 else "softmax")(_conv(channels)(x))

    content = _converted(build, (6, 10, 3))
    graph = Graph.from_bytes(content)
    passes.deploy(graph, alpha)
    assert _multiply_adds(graph) <= _multiply_adds(Graph.from_bytes(content)) + math.prod(
        graph.outputs[0].shape[:3]
    ) * 2 * (channels == 2)
    passes.resize_by_phases(graph)
    expected = _run(content)
    if channels > 1:
        expected = expected[..., alpha : alpha + 1]
    _check_names(graph)
    content = graph.to_bytes()
    np.testing.assert_allclose(_run(content), expected, atol=TOLERANCE)
    _check_shapes(content)


def test_new_tensors_carry_the_ranges_that_calibration_saw():
    """The parts of an enlargement by phases can be quantized like the resize."""
    graph = Graph.from_bytes(_converted(lambda i: _up()(_conv(1)(i))))
    graph.ops[0].output.limits, graph.ops[1].output.limits = (-2.0, 3.0), (-1.0, 2.0)
    passes.resize_by_phases(graph)
    limits = [op.output.limits for op in Graph.from_bytes(graph.to_bytes()).ops]
    assert limits == [(-2.0, 3.0)] * 7 + [(-1.0, 2.0)] * 2


def test_operators_of_another_make_are_not_touched():
    """A convolution of integers, or of computed weights, is no place for a pass."""
    graph = Graph.from_bytes(_converted(lambda i: _conv(2)(_conv(8)(i))))
    first, second = graph.ops
    weights = first.input(1)
    computed = operators.logistic(weights, "computed")
    graph.insert(first, [computed])
    first.inputs = [first.inputs[0], computed.output, first.inputs[2]]
    assert passes.collapse_pointwise(graph) == 0
    first.inputs = [first.inputs[0], weights, first.inputs[2]]
    weights.dtype = "INT8"
    assert passes.collapse_pointwise(graph) == 0
    weights.dtype = "FLOAT32"
    assert passes.collapse_pointwise(graph) == 1
    assert second not in graph.ops
