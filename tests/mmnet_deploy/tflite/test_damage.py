"""What a damaged `.tflite` file leads to is one kind of error, raised where the file is read."""

import contextlib
import os

import flatbuffers
import numpy as np
import pytest

from mmnet_deploy import inspection
from mmnet_deploy.benchmarking import cost
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.inspection import quantization_error
from mmnet_deploy.tflite import card, file_format
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.runtime import schema
from mmnet_deploy.tflite.schema import IDENTIFIER, DamageError, reading


def changed(content, change):
    """A file whose tables `change` has changed."""
    model = schema().ModelT.InitFromPackedBuf(content)
    change(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _last_tensor(model):
    return len(model.subgraphs[0].tensors)


DAMAGES = {
    "an output that is none": lambda m: setattr(m.subgraphs[0], "outputs", [-1]),
    "an output beyond the last": lambda m: setattr(m.subgraphs[0], "outputs", [_last_tensor(m)]),
    "a negative input": lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [-2, 0, 1]),
    "a negative size": lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [1, -8, 8, 3]),
    "no graph": lambda m: setattr(m, "subgraphs", []),
    "another buffer": lambda m: setattr(m.subgraphs[0].tensors[0], "buffer", 999),
    "another kind": lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 999),
    "a short signature": lambda m: setattr(m.subgraphs[0].tensors[0], "shapeSignature", [1, 8]),
    "no output of an operator": lambda m: setattr(m.subgraphs[0].operators[0], "outputs", []),
    "no inputs to an operator": lambda m: setattr(m.subgraphs[0].operators[0], "inputs", []),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_tables_that_do_not_fit_together_are_refused(content, damage, tmp_path):
    """Numbers are never counted from the end, and the file is named with what is wrong."""
    path = tmp_path / "a.tflite"
    path.write_bytes(changed(content, DAMAGES[damage]))
    with pytest.raises(ModelFileError, match=r"a\.tflite is damaged: .+\.$"):
        inspection.inspect(path)


def test_scales_must_fit_the_axis(contents, tmp_path):
    """As many scales as channels, and as many zero points as scales."""
    channels = 4

    def shorten(model):
        for tensor in model.subgraphs[0].tensors:
            q = tensor.quantization
            if q is not None and q.scale is not None and len(q.scale) == channels:
                q.scale = list(q.scale)[1:]
                q.zeroPoint = list(q.zeroPoint)[1:]

    with pytest.raises(ModelFileError, match=r"damaged: a tensor of the shape .* has 3 scales"):
        Graph.from_bytes(changed(contents["int8"], shorten))


def test_options_of_another_operator_are_refused(content, tmp_path):
    """Lint asks operators for their options, which a file may swap."""

    def swap(model):
        names = vars(schema().BuiltinOperator)
        for code in model.operatorCodes:
            if code.builtinCode == names["CONCATENATION"]:
                code.builtinCode = code.deprecatedBuiltinCode = names["RESIZE_BILINEAR"]

    path = tmp_path / "a.tflite"
    path.write_bytes(changed(content, swap))
    with pytest.raises(ModelFileError, match=r"a\.tflite is damaged: RESIZE_BILINEAR has the opt"):
        inspection.inspect(path)


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("x"),
        OverflowError("x"),
        ZeroDivisionError("x"),
        RecursionError("x"),
        AssertionError("x"),
        KeyError("x"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    ],
)
def test_whatever_a_reader_meets_is_one_error(error):
    """The seam names the file and keeps the cause; its own errors pass with their words."""
    refused = pytest.raises(ModelFileError, match=r"^a\.tflite is damaged\.$")
    with refused as caught, reading("a.tflite"):
        raise error
    assert caught.value.__cause__ is error
    refused = pytest.raises(ModelFileError, match=r"^a\.tflite is damaged: why\.$")
    with refused, reading("a.tflite"):
        raise DamageError("why")


def test_programs_own_errors_pass():
    """What is no damage is not called damage."""
    with pytest.raises(MemoryError), reading("a.tflite"):
        raise MemoryError


def test_scales_of_real_numbers_are_not_read(content):
    """A float tensor with a scale is still computed, counted and compared as real numbers."""

    def scale(model):
        for tensor in model.subgraphs[0].tensors:
            if tensor.type == schema().TensorType.FLOAT32:
                tensor.quantization = schema().QuantizationParametersT()
                tensor.quantization.scale, tensor.quantization.zeroPoint = [0.5], [3]

    scaled = changed(content, scale)
    assert all(end.quantization is None for end in Graph.from_bytes(scaled).inputs)
    pictures = [np.full((8, 8, 3), 90, np.uint8)]
    found = quantization_error.measure(scaled, content, pictures)
    assert {layer.noise for layer in found.layers} == {0.0}


def test_sizes_beyond_64_bits_are_counted_exactly(content):
    """Four dimensions of a tensor may multiply to more than an int64 holds."""

    def grow(model):
        model.subgraphs[0].tensors[0].shape = [2**31 - 1] * 4
        model.subgraphs[0].tensors[0].shapeSignature = None

    graph = Graph.from_bytes(changed(content, grow))
    assert max(tensor.size_bytes for tensor in graph.inputs) == 4 * (2**31 - 1) ** 4


def _overlapping(tensors, text):
    """A file of many tensors that share one long name."""
    target, builder = schema(), flatbuffers.Builder(1 << 20)
    name = builder.CreateString("x" * text)
    tables = []
    for _ in range(tensors):
        target.TensorStart(builder)
        target.TensorAddName(builder, name)
        tables.append(target.TensorEnd(builder))
    target.SubGraphStartTensorsVector(builder, tensors)
    for table in tables:
        builder.PrependUOffsetTRelative(table)
    vector = builder.EndVector()
    target.SubGraphStart(builder)
    target.SubGraphAddTensors(builder, vector)
    graph = target.SubGraphEnd(builder)
    target.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    target.ModelStart(builder)
    target.ModelAddSubgraphs(builder, graphs)
    builder.Finish(target.ModelEnd(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def test_parts_that_overlap_are_refused_before_they_are_unpacked():
    """20,000 tensors with one name of 2 MB would take 40 GB of a file of 3 MB."""
    content = _overlapping(20_000, 2_000_000)
    assert len(content) < 3_000_000
    with pytest.raises(ModelFileError, match=r"damaged: its parts overlap"):
        Graph.from_bytes(content)


@pytest.mark.parametrize(("tensors", "fits"), [(8, True), (40, False)])
def test_a_few_parts_may_share_what_they_hold(tensors, fits):
    """A constant that several operators read is stored once; sixteen times a file is the most."""
    content = _overlapping(tensors, 1_000_000)
    refused = pytest.raises(DamageError, match="overlap")
    with contextlib.nullcontext() if fits else refused:
        file_format.check_extent(content)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    """Whatever reads a model file reads regular files only."""
    path = tmp_path / "a.tflite"
    os.mkfifo(path)
    for read in (card.read_model, card.describe, inspection.inspect, cost.read_graph):
        with pytest.raises(ModelFileError, match="not a regular file"):
            read(path)


def test_a_file_beyond_the_formats_reach_is_not_read(tmp_path):
    """Offsets of 32 bits reach 2 GiB; a larger file is refused by its size."""
    path = tmp_path / "a.tflite"
    with path.open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(ModelFileError, match="larger than 2147483647 bytes"):
        card.read_model(path)
