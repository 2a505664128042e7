"""TFLite files as graphs: nothing is lost on the way in and out, and rewriting works."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.tflite import interpreter as runtime
from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.card import with_card
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Quantization, Tensor
from mmnet_deploy.tflite.schema import schema
from tests.support.networks import converted, converted_network, converter_of, keras_network
from tests.support.rewriting import kinds

PICTURE = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)


def _run(content, image=PICTURE):
    """The outputs of a file by name, run through its signature as an app does."""
    runner = Interpreter(model_content=content).get_signature_runner()
    return runner(image=image)


def _matting(image):
    """Two branches that meet, and a softmax."""
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    left = keras.layers.DepthwiseConv2D(3, padding="same", name="left")(x)
    right = keras.layers.Conv2D(4, 1, activation="relu6", name="right")(x)
    x = keras.layers.Concatenate(name="join")([left, right])
    return keras.layers.Conv2D(2, 1, activation="softmax", name="end")(x)


def _to_int8(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter([[PICTURE]])


def _to_dynamic(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _to_float16(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


@pytest.fixture(scope="module")
def contents():
    """One network as TensorFlow's own files of each precision."""
    files = {}
    for name, choose in (
        ("float32", lambda converter: None),
        ("float16", _to_float16),
        ("dynamic", _to_dynamic),
        ("int8", _to_int8),
    ):
        converter = converter_of(keras_network(_matting), PICTURE.shape, frozen=True)
        choose(converter)
        files[name] = converter.convert()
    return files


@pytest.fixture
def content(contents):
    """The float32 file."""
    return contents["float32"]


# --- Reading and writing -----------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic", "int8"])
def test_a_file_that_was_read_and_written_computes_the_same(contents, precision):
    """To the last bit, whatever the precision."""
    content = contents[precision]
    again = Graph.from_bytes(content).to_bytes()
    for ours, theirs in zip(_run(again).values(), _run(content).values(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic", "int8"])
def test_writing_is_a_fixed_point(contents, precision):
    """What was written once is written the same ever after."""
    written = Graph.from_bytes(contents[precision]).to_bytes()
    graph = Graph.from_bytes(written)
    assert graph.to_bytes() == written
    assert graph.to_bytes() == written  # Writing changes nothing in the graph.


def test_operators_come_in_the_order_of_execution(content):
    """With their kinds as the file format calls them."""
    found = kinds(Graph.from_bytes(content))
    assert found[0] == "CONV_2D"
    assert found[-3:] == ["CONCATENATION", "CONV_2D", "SOFTMAX"]
    assert sorted(found[1:3]) == ["CONV_2D", "DEPTHWISE_CONV_2D"]


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
    before, after = _run(content), _run(again)
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
    (before,), (after,) = _run(content, row).values(), _run(again, row).values()
    assert np.array_equal(before, after)


def test_tensors_are_numbered_as_the_interpreter_counts(content):
    """`index` finds a tensor's value in the interpreter of the same file."""
    graph = Graph.from_bytes(content)
    names = {
        t["index"]: t["name"] for t in runtime.transparent_interpreter(content).get_tensor_details()
    }
    for op in graph.ops:
        assert names[graph.index(op.output)] == op.name


def test_subgraphs_are_counted(content):
    """A file with control flow has more than one."""
    many = converted(
        lambda image: tf.while_loop(
            lambda x: tf.reduce_sum(x) < 10, lambda x: (x + image,), (image,)
        ),
        (1, 2),
    )
    assert Graph.from_bytes(content).subgraphs == 1
    assert Graph.from_bytes(many).subgraphs == 3


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


# --- Tensors -----------------------------------------------------------------


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


def test_each_constant_is_named_once():
    """A filter that two convolutions share is one constant."""
    shared = keras.layers.Conv2D(3, 1, name="shared")
    graph = Graph.from_bytes(converted_network(lambda i: shared(shared(i))))
    assert kinds(graph) == ["CONV_2D", "CONV_2D"]
    constants = list(graph.constants())
    assert len({id(tensor) for tensor in constants}) == len(constants)
    assert [tensor.shape for tensor in constants].count((3, 1, 1, 3)) == 1


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


# --- Rewriting ---------------------------------------------------------------


def test_producers_and_consumers_are_neighbours(content):
    """Both branches read the stem, and the concatenation reads both."""
    graph = Graph.from_bytes(content)
    stem, one, other, join, _, end = graph.ops
    producers = graph.producers()
    assert graph.readers_of(stem.output) == [one, other]
    assert graph.readers_of(one.output) == graph.readers_of(other.output) == [join]
    assert {producers[id(tensor)] for tensor in join.inputs} == {one, other}
    assert id(graph.inputs[0]) not in producers
    assert (graph.readers_of(end.output), graph.is_output(end.output)) == ([], True)
    assert not graph.is_output(stem.output)


def test_a_reader_of_a_tensor_twice_is_one_consumer():
    """An operator counts once, however often it reads a tensor."""
    graph = Graph.from_bytes(converted_network(lambda i: keras.layers.Add()([i, i])))
    assert len(graph.readers_of(graph.inputs[0])) == 1


def test_the_index_of_readers_has_every_reader_of_every_tensor(content):
    """Once each, in the order of execution; what nobody reads is not in it."""
    graph = Graph.from_bytes(content)
    readers = graph.readers()
    for op in graph.ops:
        expected = [o for o in graph.ops if any(tensor is op.output for tensor in o.inputs)]
        assert readers.get(id(op.output), []) == graph.readers_of(op.output) == expected
    assert id(graph.outputs[0]) not in readers


def test_an_input_that_must_be_there_is_asked_for_by_number(content):
    """An operator that lacks it is an error of the file, with its kind."""
    op = Graph.from_bytes(content).ops[0]
    op.inputs = [op.inputs[0], None]
    for index in (1, 2):
        with pytest.raises(ModelFileError, match=f"CONV_2D lacks its input {index}"):
            op.input(index)


def test_unused_operators_are_removed(content):
    """What does not lead to an output goes; what does stays, in its order."""
    graph = Graph.from_bytes(content)
    before = kinds(graph)
    dead = operators.logistic(graph.ops[0].output, "dead")
    graph.insert(graph.ops[2], [dead, operators.logistic(dead.output, "deader")])
    assert len(graph.ops) == len(before) + 2
    graph.remove_unused()
    assert kinds(graph) == before


def test_a_graph_cut_short_still_runs_through_its_signature(content):
    """With another output and fewer tensors, the name of the output leads to the new one."""
    graph = Graph.from_bytes(content)
    interpreter = runtime.transparent_interpreter(content)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], PICTURE)
    interpreter.invoke()
    for number, op in enumerate(graph.ops):
        expected = interpreter.get_tensor(graph.index(op.output))
        short = Graph.from_bytes(content)
        short.outputs = [short.ops[number].output]
        short.remove_unused()
        written = short.to_bytes()
        tensors = len(schema().ModelT.InitFromPackedBuf(written).subgraphs[0].tensors)
        assert tensors < len(interpreter.get_tensor_details()) or op is graph.ops[-1]
        (found,) = _run(written).values()
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_new_operator_can_take_over_an_output(content):
    """Every reader of a replaced tensor, the user among them, gets the new one."""
    graph = Graph.from_bytes(content)
    softmax = graph.ops[-1]
    sigmoid = operators.logistic(softmax.input(0), "sigmoid")
    graph.insert(softmax, [sigmoid])
    graph.replace_tensor(softmax.output, sigmoid.output)
    graph.remove(softmax)
    assert kinds(graph)[-1] == "LOGISTIC"
    (before,), (after,) = _run(content).values(), _run(graph.to_bytes()).values()
    ratio = after / (1 - after)  # Of the exponentials of the two logits.
    np.testing.assert_allclose(ratio / ratio.sum(-1, keepdims=True), before, atol=1e-5)


def test_replacing_a_tensor_reaches_every_reader(content):
    """Inputs of operators are exchanged in place, and nothing else."""
    graph = Graph.from_bytes(content)
    stem, one, other, *_ = graph.ops
    graph.replace_tensor(stem.output, graph.inputs[0])
    assert one.input(0) is other.input(0) is graph.inputs[0]
    assert one.input(1).data is not None
    assert graph.readers_of(stem.output) == []


def test_the_same_graph_gives_the_same_bytes(content):
    """Two graphs rewritten alike are written alike."""
    written = []
    for _ in range(2):
        graph = Graph.from_bytes(content)
        graph.ops.append(operators.logistic(graph.outputs[0], "again"))
        graph.outputs = [graph.ops[-1].output]
        written.append(graph.to_bytes())
    assert written[0] == written[1]
