"""What keeps operators from XNNPACK and from a GPU delegate, by name, place, reason and remedy."""

import json

import pytest
from tensorflow.lite.python.analyzer_wrapper import _pywrap_analyzer_wrapper as wrapper

from mmnet_deploy import inspection
from mmnet_deploy.inspection import delegates
from mmnet_deploy.inspection.delegates import analyzer
from mmnet_deploy.tflite.graph import Graph
from tests.support.drawn_graphs import Drawing

PLANE = (1, 8, 8)
WHOLE = (*PLANE, 3)

# --- XNNPACK -----------------------------------------------------------------


def test_a_whole_file_has_nothing_left_out(tiny_models):
    """One partition, and no operator in the built-in kernels."""
    for precision in ("float32", "float16", "int8-weights", "dynamic"):
        found = inspection.inspect(tiny_models[precision]).delegation
        assert found.is_whole and not found.refusals, precision


def test_uint8_ends_are_named_with_the_way_without_them(tiny_models):
    """The two conversions are cheap, and no finding; what avoids them is said."""
    found = inspection.inspect(tiny_models["int8"])
    assert not found.delegation.is_whole and not found.findings
    for one in found.delegation.refusals:
        assert (one.kind, one.dtype) == ("QUANTIZE", "uint8 and int8")
        assert "--io int8" in one.fix
    assert len(found.delegation.refusals) == 2


def test_int16_activations_are_the_reason(tiny_models):
    """Every operator is refused for its type."""
    refusals = inspection.inspect(tiny_models["int16x8"]).delegation.refusals
    assert refusals and all("no kernels for int16" in one.why for one in refusals)


def float_mod(g):
    return g.add("FLOOR_MOD", [g.image, g.values(1)], WHOLE)


def scaled_softmax(g):
    return g.add("SOFTMAX", [g.image], WHOLE, beta=2.0)


def class_numbers(g):
    x = g.add("ARG_MAX", [g.image, 3], PLANE)
    g.ops[-1].outputs[0].dtype = "INT64"
    return x


def both_flags(g):
    sizes = {"alignCorners": True, "halfPixelCenters": True}
    return g.add("RESIZE_BILINEAR", [g.image, [16, 16]], (1, 16, 16, 3), **sizes)


@pytest.mark.parametrize(
    ("draw", "kind", "why", "fix"),
    [
        (float_mod, "FLOOR_MOD", "XNNPACK has no FLOOR_MOD", "another operator"),
        (scaled_softmax, "SOFTMAX", "with a factor of 1 only", "multiply the logits"),
    ],
)
def test_what_xnnpack_leaves_has_a_reason(tmp_path, draw, kind, why, fix):
    """The runtime leaves it out; place, reason and remedy stand beside it."""
    g = Drawing()
    last = draw(g)
    (tmp_path / "a.tflite").write_bytes(g.content(last))
    (one,) = inspection.inspect(tmp_path / "a.tflite").delegation.refusals
    assert (one.kind, one.layer) == (kind, last.name)
    assert why in one.why and fix in one.fix


def test_types_that_no_delegate_computes_with_are_named():
    """Numbers of classes are whole numbers."""
    g = Drawing()
    graph = Graph.from_bytes(g.content(class_numbers(g)))
    (one,) = delegates.left_by_xnnpack(graph, graph.ops)
    assert one.dtype == "float32 to int64" and "not with float32 to int64" in one.why
    assert "alpha instead of numbers" in one.fix


def test_8_bit_operators_that_xnnpack_has_in_float_only_are_named():
    """Hard-swish in int8 makes a partition more wherever it stands."""
    g = Drawing()
    g.quantized()
    graph = Graph.from_bytes(g.content(g.ops[-1].output))
    (op,) = (op for op in graph.ops if op.kind == "RELU")
    op.kind = "HARD_SWISH"
    (one,) = delegates.left_by_xnnpack(graph, [op])
    assert (one.dtype, one.why) == ("int8", "XNNPACK has HARD_SWISH for real numbers only")


# --- GPU ---------------------------------------------------------------------


def refused(g, *outputs):
    """What the rules alone refuse of a drawing."""
    return delegates.gpu(g.content(*outputs), ask_tensorflow=False).refusals


def five_dimensions(g):
    x = g.add("RESHAPE", [g.image, [1, 2, 4, 8, 3]], (1, 2, 4, 8, 3))
    return g.add("RESHAPE", [x, [1, 8, 8, 3]], WHOLE)


def crossed(g):
    row = g.add("SLICE", [g.image, [0, 0, 0, 0], [1, 1, 8, 3]], (1, 1, 8, 3))
    column = g.add("SLICE", [g.image, [0, 0, 0, 0], [1, 8, 1, 3]], (1, 8, 1, 3))
    return g.add("MUL", [row, column], WHOLE)


def deeper(g):
    x = g.add("SLICE", [g.image, [0, 0, 0, 0], [1, 8, 8, 2]], (*PLANE, 2))
    weights = g.values(1, 3, 3, 4), g.values(4)
    steps = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
    return g.add("DEPTHWISE_CONV_2D", [x, *weights], (*PLANE, 4), depthMultiplier=2, **steps)


def newer(g):
    return g.add("ADD", [g.image, g.values(3)], WHOLE, version=4)


def padded_twice(g):
    return g.add("PAD", [g.image, [[0, 0], [1, 1]]], WHOLE)


@pytest.mark.parametrize(
    ("draw", "kind", "why"),
    [
        (scaled_softmax, "SOFTMAX", "with a factor of 1 only"),
        (both_flags, "RESIZE_BILINEAR", "contradict each other"),
        (five_dimensions, "RESHAPE", "at most 4 dimensions"),
        (crossed, "MUL", "one must cover the other"),
        (deeper, "DEPTHWISE_CONV_2D", "no depth multiplier (2)"),
        (class_numbers, "ARG_MAX", "it has no ARG_MAX"),
        (newer, "ADD", "up to version 2, and this is 4"),
        (padded_twice, "PAD", "pads 3 or 4 dimensions"),
        (lambda g: g.add("MINE", [g.image], WHOLE, custom=b""), "MINE", "no such custom operator"),
        (lambda g: g.add("SQUEEZE", [g.image], WHOLE[1:]), "SQUEEZE", "it has no SQUEEZE"),
    ],
)
def test_a_rule_of_the_gpu_delegate_refuses(draw, kind, why):
    """By kind, type, shape, option or version; the operator is named with what to do."""
    g = Drawing()
    last = draw(g)
    found = refused(g, last)
    assert {one.kind for one in found} == {kind}
    assert why in found[-1].why and found[-1].fix


def test_what_the_gpu_delegate_has_is_not_refused(tiny_models):
    """Our own files of every precision but those that it has no type or version for."""
    counts = {
        name: len(delegates.gpu(path.read_bytes(), ask_tensorflow=False).refusals)
        for name, path in tiny_models.items()
    }
    assert counts["int8-weights"] and counts["int16x8"]
    assert not any(counts[name] for name in ("float32", "float16", "dynamic", "int8"))


def test_tensorflows_analyzer_refuses_nothing_that_the_rules_allow(tiny_models):
    """It looks at kinds and shapes; the rules look at types and versions as well."""
    contents = [path.read_bytes() for path in tiny_models.values()]
    for draw in (scaled_softmax, both_flags, crossed, deeper, class_numbers, padded_twice, newer):
        g = Drawing()
        contents.append(g.content(draw(g)))
    seen = 0
    for content in contents:
        ours = {one.layer for one in delegates.gpu(content, ask_tensorflow=False).refusals}
        theirs = set(analyzer.refused(content))
        assert theirs <= ours
        seen += len(theirs)
    # That of TensorFlow 2.21 refuses nothing, and is found out.
    assert analyzer.knows_rules() == (seen > 0)


def test_an_analyzer_that_knows_rules_is_believed(monkeypatch):
    """What it refuses besides is a refusal, in its own words; a blind one is named as such.

    The report is of the form that TensorFlow 2.16 gives.
    """
    g = Drawing()
    content = g.content(g.add("RELU", [g.image], WHOLE))
    report = (
        "Subgraph#0 main(T#0) -> [T#1]\n  Op#0 RELU(T#0) -> [T#1]\n"
        "GPU COMPATIBILITY WARNING: Not today\n\n"
        "GPU COMPATIBILITY WARNING: Subgraph#0 has GPU delegate compatibility issues at nodes 0\n"
    )
    monkeypatch.setattr(wrapper, "ModelAnalyzer", lambda *_: report)
    found = delegates.gpu(content)
    assert found.analyzer_knows_rules and found.analyzer.startswith("tensorflow ")
    (one,) = found.refusals
    assert (one.kind, one.why) == ("RELU", "TensorFlow's analyzer says: Not today")
    monkeypatch.setattr(wrapper, "ModelAnalyzer", lambda *_: "Your model looks compatible")
    assert not delegates.gpu(content).analyzer_knows_rules


# --- The command -------------------------------------------------------------


def test_the_command_tells_of_the_gpu(call, one_line, tiny_models):
    """As text and as JSON; refusals count for --strict, and other delegates are refused."""
    words = "inspect", tiny_models["int8-weights"], "--delegate", "gpu"
    shown = call(*words, "--strict")
    assert shown.exit_code == 1
    assert "GPU delegate would take" in shown.stdout and "--precision float16" in shown.stdout
    content = json.loads(call(*words, "--json").stdout)
    assert content["delegation"]["is_whole"] is True
    assert {one["kind"] for one in content["gpu"]["refusals"]} == {"DEQUANTIZE"}
    assert call("inspect", tiny_models["float32"], "--delegate", "gpu", "--strict").exit_code == 0
    assert json.loads(call("inspect", tiny_models["int8"], "--json").stdout)["gpu"] is None
    one_line(call(*words[:3], "npu"), 2, "`--delegate` must be gpu. Received: npu.")
