"""The entry that lets CPUs compute in half precision, and what a file then computes in."""

import re

import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.tflite.card import read_card
from mmnet_deploy.tflite.half_precision import ENTRY, HALF, allows, computes_in, entry, with_entry
from mmnet_deploy.tflite.schema import with_metadata
from tests.support.networks import output_of


def written(content):
    """All metadata of a file, by an independent reader: the object API of flatbuffers."""
    model = schema.ModelT.InitFromPackedBuf(content)
    return [
        (entry.name, None if (data := model.buffers[entry.buffer].data) is None else bytes(data))
        for entry in model.metadata or []
    ]


def allowed(value):
    """XNNPACK's rule, read character by character as the runtime does."""
    kinds, at = set(), 0
    while value[at : at + 4] in ("fp16", "bf16"):
        kinds.add(value[at : at + 4])
        at += 4
    return "fp16" in kinds and value[at:] == "accfp16"


def test_entry_is_written_for_every_reader(described, card):
    """Name and value are exactly the runtime's; our description and other metadata stay."""
    content = with_entry(described, HALF)
    assert sorted(written(content)) == sorted(
        [*written(described), (b"reduced_precision_support", b"fp16accfp16")]
    )
    assert (entry(content), read_card(content)) == (HALF, card)


def test_entry_replaces_goes_and_comes_again(described):
    """There is one at most; writing what is there changes no byte."""
    content = with_entry(described, HALF)
    assert with_entry(content, HALF) is content
    assert with_entry(described, "") is described
    other = with_entry(content, "fp16accfp32")
    assert [value for name, value in written(other) if name == ENTRY.encode()] == [b"fp16accfp32"]
    assert written(with_entry(content, "")) == written(described)


def test_entry_changes_no_arithmetic_without_half_precision(described):
    """The weights, and what the file computes here, are the same."""
    assert (output_of(with_entry(described, HALF)) == output_of(described)).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b""], ""),
        ([HALF.encode(), b""], HALF),
        ([b"fp16accfp32", HALF.encode()], HALF),
        ([HALF.encode() + b"\0"], HALF + "\0"),
        ([b"\xff\xfe"], r"\xff\xfe"),
        ([b"fp16" * 30], "fp16" * 25 + "…"),
    ],
)
def test_entries_count_as_in_the_runtime(described, values, expected):
    """The last one that is not empty, with every byte of it."""
    model = schema.ModelT.InitFromPackedBuf(described)
    for value in values:
        content = with_metadata(described, ENTRY.encode(), value)
        more = schema.ModelT.InitFromPackedBuf(content)
        last = more.metadata[-1]
        model.buffers.append(more.buffers[last.buffer])
        last.buffer = len(model.buffers) - 1
        model.metadata.append(last)
    assert entry(packed(model)) == expected


def packed(model):
    """A file of these tables."""
    import flatbuffers

    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def test_entry_without_its_buffer_counts_as_none(described):
    """The runtime passes over an entry that refers to nothing."""
    model = schema.ModelT.InitFromPackedBuf(with_entry(described, HALF))
    model.metadata[-1].buffer = 999
    assert entry(packed(model)) == ""


def test_damaged_file_is_one_error(described):
    """A file that is cut off is refused in the project's own words."""
    with pytest.raises(ModelFileError, match="damaged"):
        entry(described[:40])


@given(
    st.text(st.sampled_from(list("fpba163c2 ")), max_size=24)
    | st.from_regex(
        re.compile(r"(fp16|bf16|fp32){0,3}(acc)?(fp16|fp32|bf16)?x?", re.ASCII), fullmatch=True
    )
)
def test_values_are_read_as_xnnpack_reads_them(value):
    """Any text is leave for half precision exactly where XNNPACK's own rule says so."""
    assert allows(value) == allowed(value)


@pytest.mark.parametrize(
    ("precision", "value", "fp16", "others", "expected"),
    [
        ("float16", HALF, True, {}, "float16"),
        ("float32", HALF, True, {}, "float16"),
        ("int8-weights", HALF, True, {}, "float16"),
        ("int8-weights", HALF, False, {}, "float32"),
        ("float16", HALF, False, {}, "float32"),
        ("float16", HALF, None, {}, ""),
        ("float16", "", None, {}, "float32"),
        ("float16", "", True, {}, "float32"),
        ("float32", "", True, {}, "float32"),
        ("float16", "fp16accfp32", True, {}, "float32"),
        ("float16", HALF, True, {"delegate": "none"}, "float32"),
        ("float16", HALF, True, {"delegate_precision": "fp32"}, "float16"),
        ("float32", "", None, {"delegate_precision": "fp16"}, "float16"),
        ("int8", HALF, True, {}, "int8"),
        ("int16x8", "", None, {}, "int16"),
        ("dynamic", "", True, {}, "int8 and float32"),
        ("dynamic", HALF, True, {}, "int8 and float16"),
        ("float32", "", False, {"delegate": "gpu"}, ""),
        ("int8", "", False, {"delegate": "gpu", "delegate_precision": "fp16"}, "float16"),
        ("float16", HALF, True, {"delegate": "gpu", "delegate_precision": "fp32"}, "float32"),
        ("int8", "", True, {"delegate": "npu"}, ""),
        ("float8", "", True, {}, ""),
    ],
)
def test_what_a_file_computes_in(precision, value, fp16, others, expected):
    """The precision, the entry, the core and the delegate decide together."""
    assert computes_in(precision, value, fp16_arithmetic=fp16, **others) == expected
