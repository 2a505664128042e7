"""Reading and writing: nothing is lost on the way in and out, and damage is found."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.tflite.card import with_card
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.schema import schema
from tests.support.networks import converted, converted_network, outputs_by_name

PICTURE = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic", "int8"])
def test_a_file_that_was_read_and_written_computes_the_same(contents, precision):
    """To the last bit, whatever the precision."""
    content = contents[precision]
    again = Graph.from_bytes(content).to_bytes()
    for ours, theirs in zip(
        outputs_by_name(again, PICTURE).values(),
        outputs_by_name(content, PICTURE).values(),
        strict=True,
    ):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic", "int8"])
def test_writing_is_a_fixed_point(contents, precision):
    """What was written once is written the same ever after."""
    written = Graph.from_bytes(contents[precision]).to_bytes()
    graph = Graph.from_bytes(written)
    assert graph.to_bytes() == written
    assert graph.to_bytes() == written  # Writing changes nothing in the graph.


def test_options_and_versions_survive(contents):
    """Strides, activations and versions are those of the file that was read."""
    for content in contents.values():
        before = Graph.from_bytes(content)
        after = Graph.from_bytes(before.to_bytes())
        for one, other in zip(before.ops, after.ops, strict=True):
            assert (one.kind, one.version) == (other.kind, other.version)
            assert vars(one.options or object) == vars(other.options or object)


def test_metadata_survives(content):
    """What converters and this package wrote beside the graph is still there."""

    def metadata(content):
        model = schema().ModelT.InitFromPackedBuf(content)
        return {entry.name: bytes(model.buffers[entry.buffer].data) for entry in model.metadata}

    described = with_card(content, "a description")
    before = metadata(described)
    assert {b"min_runtime_version", b"a description"} <= {*before, *before.values()}
    assert metadata(Graph.from_bytes(described).to_bytes()) == before


def test_signatures_survive():
    """Inputs and outputs keep the names that apps call them by, and their order."""
    content = converted(
        lambda image: {"zoom": tf.image.resize(image, (16, 16)), "alpha": tf.nn.sigmoid(image)},
        PICTURE.shape,
    )
    again = Graph.from_bytes(content).to_bytes()
    signature = Interpreter(model_content=again).get_signature_list()
    assert signature == Interpreter(model_content=content).get_signature_list()
    before, after = outputs_by_name(content, PICTURE), outputs_by_name(again, PICTURE)
    assert set(after) == {"zoom", "alpha"}
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_left_out_inputs_survive():
    """An operator without bias is written without one."""
    content = converted_network(lambda i: keras.layers.Dense(3, use_bias=False)(i), (5,))
    graph = Graph.from_bytes(content)
    (op,) = graph.ops
    assert (op.kind, op.inputs[2]) == ("FULLY_CONNECTED", None)
    again = graph.to_bytes()
    assert Graph.from_bytes(again).ops[0].inputs[2] is None
    row = np.arange(5, dtype=np.float32)[np.newaxis]
    (before,), (after,) = (
        outputs_by_name(content, row).values(),
        outputs_by_name(again, row).values(),
    )
    assert np.array_equal(before, after)


# --- Damage ------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 a zip file", b"\0" * 64])
def test_another_kind_of_file_is_refused(content):
    """Without the format's mark in its fifth byte, it is no model."""
    with pytest.raises(ModelFileError, match="not a TFLite model"):
        Graph.from_bytes(content)


@settings(max_examples=60)
@given(share=st.floats(0, 0.99))
def test_a_truncated_file_is_refused(contents, share):
    """However much is missing, it is one error of ours."""
    for content in contents.values():
        with pytest.raises(ModelFileError):
            Graph.from_bytes(content[: int(share * len(content))])


@settings(max_examples=60)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_file_with_a_wrong_byte_is_read_or_refused(contents, place, value):
    """A damaged byte is either not noticed or one error of ours."""
    damaged = bytearray(contents["float32"])
    damaged[8 + int(place * (len(damaged) - 8))] = value
    with contextlib.suppress(ModelFileError):
        Graph.from_bytes(bytes(damaged))
