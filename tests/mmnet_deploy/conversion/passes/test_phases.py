"""One channel is enlarged by a convolution, with the values of the resize."""

import itertools
import math
import operator

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from mmnet_deploy.conversion import passes
from mmnet_deploy.tflite.graph import Graph
from tests.support.networks import conv, converted, converted_network, up
from tests.support.rewriting import TOLERANCE, check_same, kinds, rewritten

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

    return converted(resize, (1, *sizes[0], 1), frozen=True)


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
    check_same(graph.to_bytes(), content)
    assert times == ("RESIZE_BILINEAR" not in kinds(graph))
    if "half_pixel_centers" in flags:
        assert times == 1
        assert kinds(graph)[-2:] == ["CONV_2D", "DEPTH_TO_SPACE"]
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
    check_same(graph.to_bytes(), content)


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
    rewritten(content, passes.resize_by_phases, 0)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: up()(conv(2)(i)), id="two channels"),
        pytest.param(lambda i: layers.Resizing(4, 4)(conv(1)(i)), id="downsizing"),
        pytest.param(lambda i: up(2, "nearest")(conv(1)(i)), id="nearest neighbour"),
    ],
)
def test_other_resizes_stay(build):
    """Only a single channel that grows is worth it."""
    rewritten(converted_network(build), passes.resize_by_phases, 0)


def test_resizes_in_a_row_are_one_unless_something_looks_between():
    """A tensor between two resizes that is an output is still computed."""

    def build(image):
        x = up()(conv(1)(image))
        return [up(3)(x), x]

    content = converted_network(build)
    graph = Graph.from_bytes(content)
    passes.resize_by_phases(graph)
    interpreters = [Interpreter(model_content=c) for c in (content, graph.to_bytes())]
    image = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    before, after = (one.get_signature_runner()(image=image) for one in interpreters)
    for name in before:
        np.testing.assert_allclose(after[name], before[name], atol=TOLERANCE)


def test_every_resize_of_one_channel_is_found():
    """Two branches are two places."""
    content = converted_network(lambda i: layers.Add()([up()(conv(1)(i)), up()(conv(1)(i))]))
    graph = rewritten(content, passes.resize_by_phases, 2)
    assert "RESIZE_BILINEAR" not in kinds(graph)


def test_new_tensors_carry_the_ranges_that_calibration_saw():
    """The parts of an enlargement by phases can be quantized like the resize."""
    graph = Graph.from_bytes(converted_network(lambda i: up()(conv(1)(i))))
    graph.ops[0].output.limits, graph.ops[1].output.limits = (-2.0, 3.0), (-1.0, 2.0)
    passes.resize_by_phases(graph)
    limits = [op.output.limits for op in Graph.from_bytes(graph.to_bytes()).ops]
    assert limits == [(-2.0, 3.0)] * 7 + [(-1.0, 2.0)] * 2
