"""1×1 convolutions are merged and moved where that is less work, and only there."""

import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mmnet_deploy.conversion.passes import pointwise
from mmnet_deploy.tflite import counts, operators
from mmnet_deploy.tflite.graph import Graph
from tests.support.networks import (
    conv,
    converted,
    converted_network,
    join,
    joined,
    siblings,
    small,
    start,
    up,
)
from tests.support.rewriting import check_same, kinds, rewritten

# --- collapse_pointwise ------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "times", "convolutions"),
    [
        pytest.param(lambda i: conv(2)(conv(8)(i)), 1, 1, id="1×1"),
        pytest.param(lambda i: conv(2, activation="relu6")(conv(8, 3)(i)), 1, 1, id="3×3"),
        pytest.param(lambda i: conv(2)(conv(8, 3, strides=2)(i)), 1, 1, id="strided"),
        pytest.param(lambda i: conv(2)(conv(8, 3, dilation_rate=2)(i)), 1, 1, id="dilated"),
        pytest.param(lambda i: conv(2)(layers.Conv2D(8, 3)(i)), 1, 1, id="valid padding"),
        pytest.param(lambda i: conv(1)(conv(4)(conv(8)(i))), 2, 1, id="three in a row"),
        pytest.param(
            lambda i: layers.Concatenate()(
                [conv(1, activation=name)(x) for x in [conv(8)(i)] for name in ("relu", None)]
            ),
            *(1, 2),
            id="two readers",
        ),
    ],
)
def test_linear_layers_in_a_row_are_one(build, times, convolutions):
    """A convolution without activation is multiplied into the 1×1 ones behind it."""
    content = converted_network(build)
    graph = rewritten(content, pointwise.collapse_pointwise, times)
    assert kinds(graph).count("CONV_2D") == convolutions
    assert counts.total_macs(graph) < counts.total_macs(Graph.from_bytes(content))


def test_a_left_out_bias_counts_as_zero():
    """Two inputs make a convolution as well as three."""
    content = converted_network(lambda i: conv(2)(conv(8, use_bias=False)(i)))
    graph = Graph.from_bytes(content)
    assert np.all(graph.ops[0].input(2).data == 0)
    graph.ops[0].inputs = graph.ops[0].inputs[:2]
    assert pointwise.collapse_pointwise(graph) == 1
    check_same(graph.to_bytes(), content)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: conv(2)(conv(8, activation="relu")(i)), id="activation between"),
        pytest.param(lambda i: conv(32)(conv(4, 3)(i)), id="costs more"),
        pytest.param(lambda i: (lambda x: [conv(2)(x), x])(conv(8)(i)), id="model output"),
        pytest.param(
            lambda i: (lambda x: [conv(2)(x), layers.MaxPooling2D()(x)])(conv(8)(i)),
            id="read elsewhere",
        ),
        pytest.param(lambda i: conv(2, 3)(conv(8)(i)), id="second is 3×3"),
        pytest.param(lambda i: conv(2, strides=2)(conv(8)(i)), id="second is strided"),
        pytest.param(lambda i: conv(2, groups=2)(conv(8)(i)), id="second has groups"),
        pytest.param(lambda i: conv(2)(conv(9, 3, groups=3)(i)), id="first has groups"),
        pytest.param(
            lambda i: conv(2)(layers.DepthwiseConv2D(3, padding="same")(i)), id="depthwise"
        ),
        pytest.param(lambda i: conv(2)(up()(conv(8)(i))), id="a resize between"),
    ],
)
def test_other_layers_in_a_row_stay(build):
    """What is not linear, is read elsewhere or would cost more is left alone."""
    rewritten(converted_network(build), pointwise.collapse_pointwise, 0)


def test_operators_of_another_make_are_not_touched():
    """A convolution of integers, or of computed weights, is no place for a pass."""
    graph = Graph.from_bytes(converted_network(lambda i: conv(2)(conv(8)(i))))
    first, second = graph.ops
    weights = first.input(1)
    computed = operators.logistic(weights, "computed")
    graph.insert(first, [computed])
    first.inputs = [first.inputs[0], computed.output, first.inputs[2]]
    assert pointwise.collapse_pointwise(graph) == 0
    first.inputs = [first.inputs[0], weights, first.inputs[2]]
    weights.dtype = "INT8"
    assert pointwise.collapse_pointwise(graph) == 0
    weights.dtype = "FLOAT32"
    assert pointwise.collapse_pointwise(graph) == 1
    assert second not in graph.ops


# --- pointwise_before_resize -------------------------------------------------


def _resized(**flags):
    """A bilinear resize with the flags of TensorFlow's operator."""
    return lambda x: tf.raw_ops.ResizeBilinear(
        images=x, **({"size": [12, 20], "half_pixel_centers": True} | flags)
    )


@pytest.mark.parametrize(
    ("build", "times"),
    [
        pytest.param(lambda i: conv(2)(up()(start(i))), 1, id="once"),
        pytest.param(lambda i: conv(8)(up(4)(start(i))), 1, id="as many channels"),
        pytest.param(lambda i: conv(2)(up()(up()(start(i)))), 2, id="two resizes"),
        pytest.param(lambda i: conv(1)(conv(2)(up()(start(i)))), 2, id="two convolutions"),
        pytest.param(
            lambda i: layers.Softmax()(conv(2)(layers.Resizing(12, 20)(start(i)))),
            *(1,),
            id="no whole factor",
        ),
    ],
)
def test_convolving_comes_before_enlarging(build, times):
    """A linear 1×1 convolution of an enlarged tensor works on the small one."""
    content = converted_network(build)
    graph = rewritten(content, pointwise.pointwise_before_resize, times)
    found = kinds(graph)
    assert sorted(found) == sorted(kinds(Graph.from_bytes(content)))
    last = max(index for index, kind in enumerate(found) if kind == "CONV_2D")
    assert last < found.index("RESIZE_BILINEAR")
    assert counts.total_macs(graph) < counts.total_macs(Graph.from_bytes(content))


@pytest.mark.parametrize("flag", ["half_pixel_centers", "align_corners", None])
def test_the_kind_of_interpolation_does_not_matter(flag):
    """Its weights sum to one whatever the flags, and they are kept."""
    flags = {"half_pixel_centers": flag == "half_pixel_centers"}
    weights = tf.random.stateless_normal((1, 1, 3, 2), (1, 2))
    content = converted(
        lambda i: (
            tf.nn.conv2d(
                _resized(**flags, align_corners=flag == "align_corners")(i), weights, 1, "SAME"
            )
            + 0.5
        ),
        (1, 5, 7, 3),
        frozen=True,
    )
    graph = rewritten(content, pointwise.pointwise_before_resize, 1)
    assert kinds(graph) == ["CONV_2D", "RESIZE_BILINEAR"]


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: conv(2, activation="relu")(up()(start(i))), id="activation"),
        pytest.param(lambda i: conv(9)(up()(start(i))), id="adds channels"),
        pytest.param(lambda i: conv(2, 3)(up()(start(i))), id="3×3"),
        pytest.param(lambda i: conv(2, strides=2)(up()(start(i))), id="strided"),
        pytest.param(lambda i: conv(2)(layers.Resizing(4, 5)(start(i))), id="downsizing"),
        pytest.param(lambda i: conv(2)(up(2, "nearest")(start(i))), id="nearest neighbour"),
        pytest.param(
            lambda i: (lambda x: [conv(2)(x), conv(3)(x)])(up()(start(i))), id="two readers"
        ),
        pytest.param(lambda i: (lambda x: [conv(2)(x), x])(up()(start(i))), id="model output"),
    ],
)
def test_other_convolutions_of_resized_tensors_stay(build):
    """Nothing moves where the two do not commute, or where it does not pay."""
    rewritten(converted_network(build), pointwise.pointwise_before_resize, 0)


# --- merge_siblings ----------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("activation", ["relu6", None])
def test_siblings_are_computed_at_once(count, activation):
    """1×1 convolutions of one concatenation with a resized part are one and a SPLIT."""
    content = converted_network(
        lambda i: siblings(joined(i), *[4] * count, activations=[activation] * 3)
    )
    graph = rewritten(content, pointwise.merge_siblings, 1)
    assert kinds(graph).count("SPLIT") == 1
    assert kinds(graph).count("CONV_2D") == kinds(Graph.from_bytes(content)).count("CONV_2D") + (
        1 - count
    )


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: siblings(joined(i), 4), id="an only child"),
        pytest.param(
            lambda i: siblings(joined(i), 4, 4, activations=("relu", "relu6")),
            id="different activations",
        ),
        pytest.param(lambda i: siblings(joined(i), 4, 5), id="different widths"),
        pytest.param(lambda i: siblings(joined(i, axis=1), 4, 4), id="one above the other"),
        pytest.param(lambda i: siblings(start(i), 4, 4), id="no concatenation"),
        pytest.param(
            lambda i: siblings(layers.Concatenate()([start(i), conv(8)(i)]), 4, 4),
            id="nothing resized",
        ),
        pytest.param(
            lambda i: (lambda x: [siblings(x, 4, 4), layers.MaxPooling2D()(x)])(joined(i)),
            id="another reader",
        ),
        pytest.param(lambda i: (lambda x: [siblings(x, 4, 4), x])(joined(i)), id="model output"),
    ],
)
def test_unlike_siblings_stay_apart(build):
    """Siblings of other width or activation, or of something else, are left alone."""
    rewritten(converted_network(build), pointwise.merge_siblings, 0)


# --- split_concatenation -----------------------------------------------------


@pytest.mark.parametrize(
    ("build", "times", "resizes"),
    [
        pytest.param(lambda i: join(up()(small(i)), start(i)), 1, 1, id="resized first"),
        pytest.param(lambda i: join(start(i, 5), up()(small(i))), 1, 1, id="resized last"),
        pytest.param(
            lambda i: join(start(i, 2), up()(small(i)), start(i, 5)), 1, 1, id="in the middle"
        ),
        pytest.param(
            lambda i: join(up()(small(i)), start(i, 5), up()(small(i, 6))), 2, 2, id="two"
        ),
        pytest.param(
            lambda i: join(
                up()(small(i)),
                up()(small(i)),
                start(i),
                up(4)(layers.MaxPooling2D()(small(i))),
            ),
            *(3, 3),
            id="three",
        ),
    ],
)
@pytest.mark.parametrize("activation", ["relu6", "relu", None])
def test_each_part_of_a_concatenation_is_convolved_alone(build, times, resizes, activation):
    """The resized part before its resize; the sum takes over the activation."""
    content = converted_network(lambda i: conv(4, activation=activation)(build(i)))
    graph = rewritten(content, pointwise.split_concatenation, times)
    assert kinds(graph).count("ADD") == times
    assert kinds(graph).count("RESIZE_BILINEAR") == resizes
    assert all(op.output.shape[3] == 4 for op in graph.ops if op.kind == "RESIZE_BILINEAR")
    assert counts.total_macs(graph) < counts.total_macs(Graph.from_bytes(content))


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: conv(64)(join(up()(small(i, 2)), start(i))), id="costs more"),
        pytest.param(lambda i: conv(4)(join(up()(small(i)), start(i), axis=2)), id="another axis"),
        pytest.param(
            lambda i: conv(4)(join(layers.Resizing(4, 4)(start(i)), small(i))), id="downsizing"
        ),
        pytest.param(lambda i: conv(4, 3)(join(up()(small(i)), start(i))), id="3×3"),
        pytest.param(lambda i: (lambda x: [conv(4)(x), conv(3)(x)])(joined(i)), id="two readers"),
        pytest.param(lambda i: (lambda x: [conv(4)(x), x])(joined(i)), id="model output"),
        pytest.param(
            lambda i: (lambda x: [conv(4)(join(x, start(i))), x])(up()(small(i))),
            id="the resized tensor is a model output",
        ),
        pytest.param(
            lambda i: (lambda x: [conv(4)(join(x, start(i))), conv(2)(x)])(up()(small(i))),
            id="the resized tensor is read elsewhere",
        ),
    ],
)
def test_other_concatenations_stay(build):
    """Nothing is split where that would cost more, or something else needs the whole."""
    rewritten(converted_network(build), pointwise.split_concatenation, 0)


def test_a_tensor_that_is_joined_twice_is_computed_once_or_left_alone():
    """The same resized tensor may be two inputs of a concatenation."""

    def build(image):
        x = up()(small(image))
        return conv(4)(join(x, start(image), x))

    content = converted_network(build)
    graph = Graph.from_bytes(content)
    pointwise.split_concatenation(graph)
    check_same(graph.to_bytes(), content)
