"""Multiply-adds, parameters and memory of real files, against numbers derived by hand."""

import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy.tflite import counts
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor
from tests.support.networks import converted


def _graph(function, *shapes, **options) -> Graph:
    """What TensorFlow's converter makes of a function of float32 tensors."""
    return Graph.from_bytes(converted(function, *shapes, **options))


def _weights(*shape):
    return tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)


# --- Multiply-adds -----------------------------------------------------------

CASES = {
    # 4×4 outputs of 5 channels, each of 3×3×3 products.
    "convolution": (
        lambda x: tf.nn.conv2d(x, _weights(3, 3, 3, 5), 2, "SAME"), [(1, 8, 8, 3)],
        16 * 5 * 27,
    ),
    # Each output channel sees the 2 channels of its own group.
    "grouped convolution": (
        lambda x: tf.nn.conv2d(x, _weights(3, 3, 2, 6), 1, "SAME"), [(1, 8, 8, 4)],
        64 * 6 * 18,
    ),
    "depthwise convolution": (
        lambda x: tf.nn.depthwise_conv2d(x, _weights(3, 3, 3, 2), (1, 1, 1, 1), "VALID"),
        [(1, 8, 8, 3)], 36 * 6 * 9,
    ),
    # 4×4 inputs of 6 channels, each spread over 3×3 pixels of 5 channels.
    "transposed convolution": (
        lambda x: tf.nn.conv2d_transpose(x, _weights(3, 3, 5, 6), (1, 8, 8, 5), 2),
        [(1, 4, 4, 6)], 16 * 6 * 9 * 5,
    ),
    "fully connected": (lambda x: tf.matmul(x, _weights(12, 7)), [(3, 12)], 3 * 12 * 7),
    "matrix product": (lambda x, y: tf.matmul(x, y), [(2, 4, 6), (2, 6, 5)], 2 * 4 * 6 * 5),
    "transposed matrix product": (
        lambda x, y: tf.matmul(x, y, transpose_a=True), [(2, 6, 4), (2, 6, 5)], 2 * 4 * 6 * 5,
    ),
    "no product": (lambda x: tf.nn.relu(x) + 1.0, [(1, 8, 8, 3)], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_multiply_adds(name):
    """Each kind of operator counts what pencil and paper say."""
    function, shapes, expected = CASES[name]
    graph = _graph(function, *shapes)
    assert counts.total_macs(graph) == expected
    assert sum(counts.macs(op) for op in graph.ops) == expected


def test_a_transposed_convolution_of_mediapipe_counts_too():
    """Its custom operator has the bias besides, and no size of the output."""
    picture, filters = Tensor("x", (1, 4, 4, 6)), Tensor("w", (5, 3, 3, 6))
    inputs = [picture, filters, Tensor("b", (5,))]
    op = Op(counts.TRANSPOSED_WITH_BIAS, inputs, [Tensor("y", (1, 8, 8, 5))], is_custom=True)
    assert counts.macs(op) == 16 * 6 * 9 * 5


def _dilated(x):
    y = tf.space_to_batch(x, (2, 2), ((2, 2), (2, 2)))
    y = tf.nn.depthwise_conv2d(y, _weights(3, 3, 4, 1), (1, 1, 1, 1), "VALID")
    return tf.batch_to_space(y, (2, 2), ((0, 0), (0, 0)))


def test_a_batch_made_of_one_picture_counts_whole():
    """Behind SPACE_TO_BATCH_ND of an unknown batch there are four pictures, not one."""
    graph = _graph(_dilated, (None, 8, 8, 4))
    assert counts.total_macs(graph) == 4 * 4 * 4 * 9
    counts.settle_batches(graph)
    assert counts.total_macs(graph) == 8 * 8 * 4 * 9
    assert [op.output.shape[0] for op in graph.ops] == [4, 4, 1]


# --- Parameters --------------------------------------------------------------


def _two_layers(x):
    y = tf.nn.bias_add(tf.nn.conv2d(x, _weights(3, 3, 3, 64), 1, "SAME"), _weights(64))
    return tf.reshape(tf.nn.conv2d(y, _weights(1, 1, 64, 4), 1, "SAME"), (1, 256))


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic"])
def test_parameters_are_the_weights_and_biases(precision):
    """Whatever type they have; the size that a reshape is given is none of them."""
    options = {} if precision == "float32" else {"optimizations": [tf.lite.Optimize.DEFAULT]}
    if precision == "float16":
        options["target_spec"] = tf.lite.TargetSpec(supported_types=[tf.float16])
    graph = _graph(_two_layers, (1, 8, 8, 3), **options)
    # The converter gives the second convolution a bias of zeros.
    expected = (3 * 3 * 3 * 64 + 64) + (64 * 4 + 4)
    assert counts.total_parameters(graph) == expected
    assert sum(counts.parameters(op) for op in graph.ops) == expected
    assert any(counts.stores_weights(op) for op in graph.ops) == (precision == "float16")


def test_shared_weights_count_once():
    """Two layers of the same weights have them once in the file."""
    weights = _weights(3, 3, 3, 3)
    graph = _graph(
        lambda x: tf.nn.conv2d(tf.nn.conv2d(x, weights, 1, "SAME"), weights, 1, "SAME"),
        (1, 8, 8, 3),
    )
    assert counts.total_parameters(graph) == 81 + 3
    assert sum(counts.parameters(op) for op in graph.ops) == 2 * (81 + 3)


# --- Memory ------------------------------------------------------------------


def _skip(x):
    first = tf.nn.conv2d(x, _weights(3, 3, 3, 8), 1, "SAME")
    return first + tf.nn.relu(tf.nn.conv2d(first, _weights(3, 3, 8, 8), 1, "SAME"))


def test_peak_memory_is_where_most_tensors_live():
    """At the sum: the first layer waited for it, the second feeds it, and it has a result."""
    graph = _graph(_skip, (1, 8, 8, 3))
    layer = 8 * 8 * 8 * 4
    assert [counts.activation_bytes(op) for op in graph.ops] == [layer] * 3
    peak = counts.peak_memory(graph)
    assert peak.size_bytes == 3 * layer
    assert peak.op is not None
    assert peak.op.kind == "ADD"


def test_weights_are_no_activations():
    """What only unpacks float16 weights takes no part in the peak."""
    half = tf.lite.TargetSpec(supported_types=[tf.float16])
    graph = _graph(_skip, (1, 8, 8, 3), optimizations=[tf.lite.Optimize.DEFAULT], target_spec=half)
    assert any(counts.stores_weights(op) for op in graph.ops)
    assert counts.peak_memory(graph).size_bytes == 3 * 8 * 8 * 8 * 4


def test_memory_follows_the_type(tiny_models):
    """Activations of one byte take a quarter of those of four."""
    whole, quarter = (
        counts.peak_memory(Graph.from_bytes(tiny_models[name].read_bytes())).size_bytes
        for name in ("float32", "int8")
    )
    # The ends of the int8 file are converted, which needs a little more at the same time.
    assert whole / 4 <= quarter < whole / 2
