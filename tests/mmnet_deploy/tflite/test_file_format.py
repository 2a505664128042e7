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
from mmnet_deploy.tflite.runtime import schema
from mmnet_deploy.tflite.schema import metadata, packed, with_metadata
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

    def entries(content):
        model = schema().ModelT.InitFromPackedBuf(content)
        return {entry.name: bytes(model.buffers[entry.buffer].data) for entry in model.metadata}

    described = with_card(content, "a description")
    before = entries(described)
    assert {b"min_runtime_version", b"a description"} <= {*before, *before.values()}
    assert entries(Graph.from_bytes(described).to_bytes()) == before


def test_every_constant_begins_at_a_multiple_of_16(contents):
    """As the format asks (`force_align`), so that runtimes read it in place; the answer stays."""
    for content in contents.values():
        graph = Graph.from_bytes(content)
        written = graph.to_bytes()
        for file in (written, with_card(written, "odd"), with_card(content, "a description")):
            model = schema().Model.GetRootAs(file)
            filled = [model.Buffers(n) for n in range(model.BuffersLength())]
            filled = [buffer for buffer in filled if buffer.DataLength()]
            starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in filled]
            assert len(starts) > 5 and not any(start % 16 for start in starts)


@given(
    st.lists(
        st.tuples(st.sampled_from([b"one", b"other"]), st.none() | st.binary(max_size=99)),
        max_size=5,
    )
)
def test_metadata_that_is_replaced_leaves_nothing_behind(contents, changes):
    """Whatever was written before, the file is that of the last entries alone."""
    changed = contents["int8"]
    for name, value in changes:
        changed = with_metadata(changed, name, value)
    last = {name: value for name, value in changes if value is not None}
    last = {name: value for name, value in last.items() if dict(changes)[name] is not None}
    for name in (b"one", b"other"):
        assert metadata(changed, name) == last.get(name, b"")
    plain = with_metadata(changed, b"one", None)
    plain = with_metadata(plain, b"other", None)
    assert plain == with_metadata(contents["int8"], b"one", None)


def test_a_buffer_that_a_tensor_shares_stays():
    """Some writers let metadata refer to a constant; the constant must not go with the entry."""
    content = converted_network(lambda i: keras.layers.Dense(3)(i), (5,))
    model = schema().ModelT.InitFromPackedBuf(content)
    entry = schema().MetadataT()
    tensors = model.subgraphs[0].tensors
    shared = next(t.buffer for t in tensors if model.buffers[t.buffer].data is not None)
    entry.name, entry.buffer = b"shared", shared
    model.metadata = [entry, *(model.metadata or [])]
    row = np.arange(5, dtype=np.float32)[np.newaxis]
    after = with_metadata(packed(model), b"shared", None)
    (before,) = outputs_by_name(content, row).values()
    (found,) = outputs_by_name(after, row).values()
    assert np.array_equal(found, before)


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
