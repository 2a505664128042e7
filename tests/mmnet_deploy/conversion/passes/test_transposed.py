"""A transposed convolution whose squares do not overlap becomes a 1×1 convolution."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from mmnet_deploy.conversion import passes
from mmnet_deploy.tflite.graph import Graph
from tests.support.drawn_graphs import Drawing
from tests.support.networks import converted_network
from tests.support.rewriting import kinds, rewritten

NO_DEADLINE = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)


def _transposed(kernel, stride, outputs=1, *, padding=0, size=None, bias=True, fused=0, then=()):
    """An operator on 6×5 pixels of four channels; `kernel` and `stride`: down, across."""
    drawing = Drawing((1, 6, 5, 4))
    high, wide = size or (6 * stride[0], 5 * stride[1])
    held = [drawing.values(outputs, *kernel, 4), drawing.image]
    held += [drawing.values(outputs)] if bias else []
    result = drawing.add(
        "TRANSPOSE_CONV", [[1, high, wide, outputs], *held], (1, high, wide, outputs),
        strideH=stride[0], strideW=stride[1], padding=padding, version=4,
        fusedActivationFunction=fused,
    )  # fmt: skip
    for kind in then:
        result = drawing.add(kind, [result], (1, high, wide, outputs))
    return drawing.content(result)


@NO_DEADLINE
@given(
    factor=st.integers(2, 4),
    outputs=st.integers(1, 5),
    padding=st.integers(0, 1),
    bias=st.booleans(),
    fused=st.sampled_from([0, 1, 3]),
)
def test_squares_apart_are_one_pointwise_convolution(factor, outputs, padding, bias, fused):
    """Whatever its channels, padding, bias and activation, no value changes."""
    both = (factor, factor)
    content = _transposed(both, both, outputs, padding=padding, bias=bias, fused=fused)
    graph = rewritten(content, passes.transposed_by_phases, 1)
    assert kinds(graph) == ["CONV_2D", "DEPTH_TO_SPACE"]
    assert graph.ops[0].output.shape == (1, 6, 5, outputs * factor**2)


@pytest.mark.parametrize(
    ("kernel", "stride", "others"),
    [
        pytest.param((3, 3), (2, 2), {}, id="overlapping"),
        pytest.param((2, 2), (3, 3), {}, id="with gaps"),
        pytest.param((2, 3), (2, 3), {}, id="oblong"),
        pytest.param((1, 1), (1, 1), {}, id="no enlargement"),
        pytest.param((2, 2), (2, 2), {"size": (11, 10)}, id="cut off"),
    ],
)
def test_other_transposed_convolutions_stay(kernel, stride, others):
    """Squares that overlap, that are no squares, or that are not all wanted."""
    content = _transposed(kernel, stride, **others)
    assert passes.transposed_by_phases(Graph.from_bytes(content)) == 0


def test_the_layer_of_keras_is_found():
    """As its networks are traced; what reads it keeps its input."""

    def build(image):
        return layers.Activation("sigmoid")(layers.Conv2DTranspose(2, 2, strides=2)(image))

    graph = rewritten(converted_network(build), passes.transposed_by_phases, 1)
    assert kinds(graph) == ["CONV_2D", "DEPTH_TO_SPACE", "LOGISTIC"]


@pytest.mark.parametrize("kind", ["RELU", "RELU6"])
def test_a_relu_that_alone_reads_the_squares_becomes_part_of_the_convolution(kind):
    """XNNPACK has none of its own in 8 bits; it keeps the range that calibration saw of it."""
    content = _transposed((2, 2), (2, 2), 3, then=[kind])
    graph = rewritten(content, passes.transposed_by_phases, 1)
    assert kinds(graph) == ["CONV_2D", "DEPTH_TO_SPACE"]
    graph = Graph.from_bytes(content)
    graph.ops[0].output.limits, graph.ops[1].output.limits = (-1.0, 2.0), (0.0, 2.0)
    passes.transposed_by_phases(graph)
    assert [op.output.limits for op in graph.ops] == [(0.0, 2.0)] * 2


def test_a_relu_beside_another_reader_stays():
    """The squares are wanted as they are, too."""

    def build(image):
        x = layers.Conv2DTranspose(2, 2, strides=2)(image)
        return layers.Add()([x, layers.ReLU()(x)])

    graph = rewritten(converted_network(build), passes.transposed_by_phases, 1)
    assert kinds(graph) == ["CONV_2D", "DEPTH_TO_SPACE", "RELU", "ADD"]


def test_new_tensors_carry_the_range_that_calibration_saw():
    """DEPTH_TO_SPACE moves values only, so the convolution has the same range."""
    graph = Graph.from_bytes(_transposed((2, 2), (2, 2)))
    graph.ops[0].output.limits = (-1.0, 2.0)
    passes.transposed_by_phases(graph)
    assert [op.output.limits for op in graph.ops] == [(-1.0, 2.0)] * 2
