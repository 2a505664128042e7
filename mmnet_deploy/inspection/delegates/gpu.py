"""Which operators a GPU delegate would refuse.

No GPU is asked: the rules are those by which TFLite's GPU delegate chooses operators before it
looks at any hardware, in `tflite/delegates/gpu/common/model_builder.cc` and
`tflite/tools/versioning/gpu_compatibility.cc` of LiteRT, with its default options, which let it
take quantized files. Accelerators of other makers, and what a GPU's memory holds, are not told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from mmnet_deploy.inspection.delegates import analyzer
from mmnet_deploy.inspection.delegates.gpu_rules import CUSTOM, RULES, Around, Rule
from mmnet_deploy.inspection.delegates.refusal import Refusal
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor

MOST_DIMENSIONS = 4

_TYPES = frozenset({"FLOAT32", "FLOAT16", "INT8", "UINT8"})
_MORE_TYPES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    **dict.fromkeys(
        ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"),
        (frozenset(), frozenset({"BOOL"})),
    ),
    "CAST": (frozenset({"BOOL", "INT32"}), frozenset({"BOOL", "INT32"})),
    "GATHER": (frozenset({"INT32"}), frozenset()),
    "LOGICAL_AND": (frozenset({"BOOL"}), frozenset({"BOOL"})),
    "ONE_HOT": (frozenset({"INT32"}), frozenset()),
    "SELECT": (frozenset({"BOOL"}), frozenset()),
    "SELECT_V2": (frozenset({"BOOL"}), frozenset()),
}
"""Types that some operators may read and write besides."""

_INSTEAD = {
    "DEQUANTIZE": "convert with `--precision float16`: a GPU computes in half precision anyway",
    "SPACE_TO_BATCH_ND": "convert from frozen weights at a fixed batch, as `convert` does: "
    "dilation becomes part of the convolution",
    "ARG_MAX": "let the network give alpha instead of numbers of classes",
    "SQUEEZE": "write it as RESHAPE",
    "EXPAND_DIMS": "write it as RESHAPE",
}
_INSTEAD["BATCH_TO_SPACE_ND"] = _INSTEAD["SPACE_TO_BATCH_ND"]
_OTHERWISE = "write the layer with another operator, or run the file on the CPU"


@dataclasses.dataclass(frozen=True)
class Gpu:
    """What a GPU delegate would take of a file.

    Attributes:
        total: Number of operators.
        refusals: Those that it would refuse, in the order of execution.
        analyzer: Name and version of TensorFlow if its own analyzer was asked as well; what it
            refuses besides is among the refusals. Empty where it is not installed.
        analyzer_knows_rules: Whether that analyzer refuses anything at all.
    """

    total: int
    refusals: tuple[Refusal, ...]
    analyzer: str = ""
    analyzer_knows_rules: bool = False


def gpu(content: bytes, name: str = "The TFLite model", *, ask_tensorflow: bool = True) -> Gpu:
    """What a GPU delegate would take.

    Args:
        content: A `.tflite` file.
        name: The file, for messages.
        ask_tensorflow: Whether TensorFlow's analyzer is asked where it is installed, which takes
            seconds to import.

    Raises:
        ModelFileError: The file is damaged.
    """
    graph = Graph.from_bytes(content, name)
    around = Around(graph)
    found: dict[int, str] = {}
    for number, op in enumerate(graph.ops):
        reason = refused(around, op)
        if reason:
            found[number] = reason
    version = analyzer.version() if ask_tensorflow else ""
    knows_rules = bool(version) and analyzer.knows_rules()
    if knows_rules:
        said = analyzer.refused(content)
        for number, op in enumerate(graph.ops):
            if op.name in said:
                found.setdefault(number, f"TensorFlow's analyzer says: {said[op.name]}")
    refusals = []
    for number in sorted(found):
        op = graph.ops[number]
        fix = _INSTEAD.get(op.kind, _OTHERWISE)
        refusals.append(Refusal(op.name, op.kind, around.dtype(op), found[number], fix))
    return Gpu(len(graph.ops), tuple(refusals), version, knows_rules)


def refused(around: Around, op: Op) -> str:
    """Why the delegate refuses an operator; empty if it takes it."""
    if op.is_custom:
        return "" if op.kind in CUSTOM else "it has no such custom operator"
    if around.unpacks_float16(op):
        return ""
    rule = RULES.get(op.kind)
    if rule is None:
        return f"it has no {op.kind}"
    return _beyond(op, rule) or rule.check(around, op) or _types(around, op)


def _beyond(op: Op, rule: Rule) -> str:
    if rule.newest is None or op.version <= rule.newest:
        return ""
    per_channel = op.kind == "DEQUANTIZE" and op.version == 5
    what = ", which unpacks one scale per channel" * per_channel
    return f"it has {op.kind} up to version {rule.newest}, and this is {op.version}{what}"


def _types(around: Around, op: Op) -> str:
    """What is wrong with the types or the number of dimensions of its tensors."""
    read, written = _MORE_TYPES.get(op.kind, (frozenset(), frozenset()))
    given = [tensor for tensor in op.inputs if tensor is not None]
    for tensors, more in ((given, read), (op.outputs, written)):
        for tensor in tensors:
            if len(tensor.shape) > MOST_DIMENSIONS:
                return f"it takes at most {MOST_DIMENSIONS} dimensions, not {tensor.shape}"
            if not _fits(around, tensor, _TYPES | more):
                return f"it does not compute with {tensor.dtype.lower()}"
    return ""


def _fits(around: Around, tensor: Tensor, types: frozenset[str]) -> bool:
    return around.is_constant(tensor) or tensor.dtype in types
