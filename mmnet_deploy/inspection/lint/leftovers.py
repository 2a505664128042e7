"""What the converter left behind."""

from __future__ import annotations

from mmnet_deploy.inspection.lint.finding import Finding, Model, names, tally
from mmnet_deploy.tflite.parts import Op, Tensor


def space_to_batch(model: Model) -> Finding | None:
    """Dilated convolutions that are still written as TensorFlow emulates them."""
    ops = model.of_kind("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")
    if not ops:
        return None
    return Finding(
        "space_to_batch",
        f"{tally(ops)} left over",
        names(ops),
        "Each copies its whole tensor, and XNNPACK takes none of them, so every pair cuts the "
        "graph.",
        "Convert from frozen weights at a fixed batch, as `mmnet-deploy convert` does: the "
        "converter then turns them into a dilated convolution.",
    )


CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
_SCALES = ("MUL", "DIV")


def _scaled(model: Model, op: Op) -> Tensor | None:
    """The tensor that `op` scales or shifts by a constant per channel; None if it does not."""
    if op.kind not in (*_SCALES, "ADD", "SUB") or len(op.inputs) != 2:
        return None
    for data, other in ((op.input(0), op.input(1)), (op.input(1), op.input(0))):
        channels = data.shape[-1] if data.shape else 1
        if (
            channels > 1
            and model.is_constant(other)
            and not model.is_constant(data)
            and other.shape[-1:] == (channels,)
            and set(other.shape[:-1]) <= {1}
        ):
            return data
    return None


def _is_linear(op: Op) -> bool:
    """Whether no activation is fused into it."""
    return not getattr(op.options, "fusedActivationFunction", 0)


def _follows_convolution(model: Model, op: Op) -> bool:
    """Whether only linear steps per channel lie between a convolution and `op`."""
    tensor = _scaled(model, op)
    while tensor is not None and model.only_reader(tensor) is not None:
        before = model.producer(tensor)
        if before is None or not _is_linear(before):
            return False
        if before.kind in (*CONVOLUTIONS, "FULLY_CONNECTED"):
            return True
        tensor = before.input(0) if before.kind == "BATCH_TO_SPACE_ND" else _scaled(model, before)
    return False


def _precedes_convolution(model: Model, op: Op) -> bool:
    """Whether `op` belongs to a scale and shift that only a convolution reads.

    Right after the model's input it normalises the picture, and is not a batch norm.
    """
    first = last = op
    while True:
        data = _scaled(model, first)
        before = None if data is None else model.producer(data)
        if before is None:
            return False
        if _scaled(model, before) is None or model.only_reader(before.output) is not first:
            break
        first = before
    scales = False
    after: Op | None = first
    while after is not None and _scaled(model, after) is not None and _is_linear(after):
        scales |= after.kind in _SCALES
        last, after = after, model.only_reader(after.output)
    return (
        scales
        and after is not None
        and after.kind in CONVOLUTIONS
        and after.input(2 if after.kind == "TRANSPOSE_CONV" else 0) is last.output
    )


def batch_norm(model: Model) -> Finding | None:
    """Batch norms that are computed at every inference instead of once."""
    ops = [
        op
        for op in model.graph.ops
        if _follows_convolution(model, op) or _precedes_convolution(model, op)
    ]
    if not ops:
        return None
    return Finding(
        "batch_norm",
        f"{tally(ops)} by a constant per channel beside a convolution: a batch norm that is not "
        "folded",
        names(ops),
        "Each reads and writes its whole tensor to do what the convolution's own weights could "
        "do at no cost.",
        "Put batch norm between the convolution and its activation, and convert from frozen "
        "weights at a fixed batch; the converter then folds it.",
    )


def variables(model: Model) -> Finding | None:
    """Weights that are variables; a model that also assigns them has a state on purpose."""
    ops = model.of_kind("READ_VARIABLE", "VAR_HANDLE")
    if not ops or model.of_kind("ASSIGN_VARIABLE"):
        return None
    return Finding(
        "variables",
        f"{tally(ops)}: the weights are variables",
        names(ops),
        "Nothing can be folded into a weight that might change, and reading it cuts the graph.",
        "Freeze the network before converting it (convert_variables_to_constants_v2), as "
        "`mmnet-deploy convert` does.",
    )


def flex(model: Model) -> Finding | None:
    """Operators that only TensorFlow itself has."""
    ops = [op for op in model.graph.ops if op.is_custom and op.kind.startswith("Flex")]
    if not ops:
        return None
    return Finding(
        "flex",
        f"{tally(ops)}: TensorFlow's own operators",
        names(ops),
        "A runtime without the Flex library cannot load the file, and no delegate takes them.",
        "Write the layer with operators that TFLite has; told to use TFLITE_BUILTINS alone, the "
        "converter names those that it lacks.",
    )
