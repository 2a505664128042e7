"""Tensors and operators: what is stored, what it stands for, and what must be there."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Quantization, Tensor
from tests.support.networks import converted


def test_quantized_tensors_keep_their_scales(contents):
    """Scales, zero points and axis are the same after writing."""
    before = Graph.from_bytes(contents["int8"])
    after = Graph.from_bytes(before.to_bytes())
    pairs = zip(before.constants(), after.constants(), strict=True)
    pairs = [(one, other) for one, other in pairs if one.quantization]
    assert pairs
    for one, other in pairs:
        assert (one.name, one.dtype, one.shape) == (other.name, other.dtype, other.shape)
        assert one.quantization == other.quantization
    for one, other in zip(before.ops, after.ops, strict=True):
        assert [t.quantization for t in one.outputs] == [t.quantization for t in other.outputs]


@pytest.mark.parametrize(("kind", "axis"), [("CONV_2D", 0), ("DEPTHWISE_CONV_2D", 3)])
def test_quantized_filters_stand_for_the_float_ones(contents, kind, axis):
    """`real` of a filter per channel is within half a step of the float filter."""
    (floats, stored) = (
        next(op for op in Graph.from_bytes(contents[name]).ops if op.kind == kind).input(1)
        for name in ("float32", "int8")
    )
    assert (stored.dtype, stored.quantization.axis) == ("INT8", axis)
    assert len(stored.quantization.scales) == stored.shape[axis] > 1
    gap = np.abs(stored.quantization.real(stored.data) - floats.data)
    steps = np.reshape(stored.quantization.scales, [-1 if n == axis else 1 for n in range(4)])
    assert np.all(gap <= 0.501 * steps)


@given(
    stored=hnp.arrays(np.int8, (2, 3, 4)),
    axis=st.integers(0, 2),
    scales=st.lists(st.floats(2**-10, 8, width=16), min_size=4, max_size=4),
    zeros=st.lists(st.integers(-128, 127), min_size=4, max_size=4),
)
def test_each_channel_has_its_own_scale(stored, axis, scales, zeros):
    """Along the axis, each slice is scaled by its own entry; one entry is for all."""
    count = stored.shape[axis]
    per_channel = Quantization(tuple(scales[:count]), tuple(zeros[:count]), axis)
    for channel in range(count):
        whole = Quantization((scales[channel],), (zeros[channel],))
        part = stored.take(channel, axis)
        expected = np.float32(scales[channel]) * (part.astype(np.float32) - zeros[channel])
        assert np.array_equal(per_channel.real(stored).take(channel, axis), expected)
        assert np.array_equal(whole.real(part), expected)


@given(
    values=hnp.arrays(np.float32, (2, 3), elements=st.floats(-4, 4, width=32)),
    scale=st.sampled_from([2**-7, 2**-5, 2**-3]),
    zero=st.integers(-128, 127),
)
def test_what_is_stored_is_the_nearest_integer(values, scale, zero):
    """Within half a step of the value, or at the end of the type's range."""
    quantization = Quantization((scale,), (zero,))
    real = quantization.real(quantization.stored(values, np.int8))
    ends = scale * (np.array([-128, 127]) - zero)
    assert np.all(np.abs(real - np.clip(values, *ends)) <= scale / 2)


def test_the_size_of_a_tensor_is_that_of_its_values():
    """In bytes, half a byte per value in four bits."""
    assert Tensor("x", (2, 3, 5)).size_bytes == 120
    assert Tensor("x", (2, 3, 5), "INT8").size_bytes == 30
    assert Tensor("x", (3,), "INT4").size_bytes == 2
    assert Tensor("x", ()).size_bytes == 4


@pytest.mark.parametrize(
    ("shape", "dynamic"), [((1, 8, 8, 3), False), ((None, 8, 8, 3), False), ((1, None, 8, 3), True)]
)
def test_a_batch_may_vary_but_a_size_is_dynamic(shape, dynamic):
    """Only a dimension behind the batch makes a tensor dynamic."""
    graph = Graph.from_bytes(converted(tf.nn.relu, shape))
    again = Graph.from_bytes(graph.to_bytes())
    assert graph.inputs[0].is_dynamic == again.inputs[0].is_dynamic == dynamic
    assert graph.inputs[0].signature == again.inputs[0].signature


def test_an_input_that_must_be_there_is_asked_for_by_number(content):
    """An operator that lacks it is an error of the file, with its kind."""
    op = Graph.from_bytes(content).ops[0]
    op.inputs = [op.inputs[0], None]
    for index in (1, 2):
        with pytest.raises(ModelFileError, match=f"CONV_2D lacks its input {index}"):
            op.input(index)
