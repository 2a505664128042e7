"""Which operators compute in which type, and which ones a delegate takes."""

from __future__ import annotations

from collections.abc import Sequence

from mmnet_deploy.inspection.delegates import grouped, left_by_xnnpack
from mmnet_deploy.inspection.delegates.cpu import is_byte_conversion
from mmnet_deploy.inspection.lint.finding import Finding, Model, names, tally
from mmnet_deploy.tflite.counts import stores_weights
from mmnet_deploy.tflite.half_precision import ENTRY, HALF, allows
from mmnet_deploy.tflite.parts import Op
from mmnet_deploy.tflite.precision import CONVERSIONS, is_integer, precision_of

_NOTHING_TO_COMPUTE = (*CONVERSIONS, "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "SHAPE")


def float_islands(model: Model) -> Finding | None:
    """Float operators in an integer graph, and the conversions to them and back."""
    if not is_integer(model.graph):
        return None
    floats = [
        op
        for op in model.graph.ops
        if op.kind not in _NOTHING_TO_COMPUTE
        and not stores_weights(op)
        and any(tensor.dtype.startswith("FLOAT") for tensor in model.activations(op))
    ]
    if not floats:
        return None
    conversions = [op for op in model.of_kind(*CONVERSIONS) if _serves_floats(model, op, floats)]
    cost = f", with {tally(conversions)} around them" if conversions else ""
    return Finding(
        "float_islands",
        f"{tally(floats)} in float in a quantized graph{cost}",
        names(floats),
        "Float is slower than int8, and every change between them is a pass over the tensor.",
        "Quantize these layers too: replace an operator that has no int8 kernel. Leave them where "
        "they are in float for the sake of accuracy.",
    )


def _serves_floats(model: Model, op: Op, floats: Sequence[Op]) -> bool:
    """Whether a conversion is there only because of an operator in float."""
    if op.kind == "DEQUANTIZE":
        return not stores_weights(op) and any(
            reader is other for reader in model.readers(op.output) for other in floats
        )
    return any(model.producer(op.input(0)) is other for other in floats)


def half_precision(model: Model) -> Finding | None:
    """A float16 file without leave to compute in float16."""
    entry = model.reduced_precision
    if (
        precision_of(model.graph) != "float16"
        or allows(entry)
        or model.meant
        or not model.partitions
    ):
        return None
    ignored = f": XNNPACK ignores `{entry}` in its entry `{ENTRY}`" if entry else ""
    return Finding(
        "half_precision",
        f"a float16 file that computes in float32 on every core{ignored}",
        (),
        "float16 weights alone make the file smaller. Cores with fp16 arithmetic (ARMv8.2-A, in "
        f"phones since about 2018) compute in float16 only if the entry `{ENTRY}` says `{HALF}`.",
        "Convert the network again with `mmnet-deploy convert --precision float16`, which writes "
        "the entry if the mattes stay near in half precision.",
    )


def delegation(model: Model) -> Finding | None:
    """Operators that the default delegate leaves to the built-in kernels."""
    if model.partitions is None or not model.graph.ops:
        return None
    left, pieces = model.left_out(), len(model.partitions)
    # Conversions between uint8 outside and int8 inside are cheap: one each for picture and matte.
    if pieces == 1 and all(_is_byte_end(model, op) for op in left):
        return None
    total = len(model.graph.ops)
    taken = f"the default delegate takes {total - len(left)} of {total} operators"
    if pieces:
        taken += f", in {pieces} partition{'s' * (pieces > 1)}"
    why = (
        "What is left runs in the built-in kernels, most of which are slower, and every partition "
        "costs a change between the two."
    )
    fix = "Replace the operators that are left out; the other findings may say how."
    groups = list(grouped(left_by_xnnpack(model.graph, left)))
    reasons = {why: fix for _, _, why, fix in groups}
    if len(reasons) == 1:
        ((reason, what_to_do),) = reasons.items()
        taken += f": {reason}"
        fix = f"{what_to_do[0].upper()}{what_to_do[1:]}."
    elif reasons:
        fix = "Above, `left out` says what to do about each kind of operator."
    return Finding(
        "delegation", f"{taken}; left out: {tally(left) or 'none'}", names(left), why, fix
    )


def _is_byte_end(model: Model, op: Op) -> bool:
    """Whether it gives an int8 graph its input or output of uint8."""
    ends = {id(tensor) for tensor in (*model.graph.inputs, *model.graph.outputs)}
    return is_byte_conversion(op) and any(id(t) in ends for t in model.activations(op))
