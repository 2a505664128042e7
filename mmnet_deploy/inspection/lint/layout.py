"""Shapes, the order of axes, and where a resize samples."""

from __future__ import annotations

from mmnet_deploy.inspection.lint.finding import Finding, Model, names, tally
from mmnet_deploy.inspection.lint.leftovers import CONVOLUTIONS
from mmnet_deploy.tflite.counts import of_unknown_size
from mmnet_deploy.tflite.parts import Op, Tensor


def dynamic_batch(model: Model) -> Finding | None:
    """A batch of any size, although a phone has one picture at a time."""
    found = [tensor for tensor in model.graph.inputs if (tensor.signature or (0,))[0] == -1]
    if not found or any(tensor.is_dynamic for tensor in found):
        return None
    shapes = ", ".join(str(tensor.signature) for tensor in found)
    return Finding(
        "dynamic_batch",
        f"the batch is not fixed: {shapes}",
        tuple(tensor.name for tensor in found),
        "Where the batch may vary, the converter folds neither dilation nor the batch norm after "
        "it, and delegates that plan ahead need every shape.",
        "Convert a function of fixed shape, with tf.TensorSpec((1, height, width, 3)).",
    )


def dynamic_shape(model: Model) -> Finding | None:
    """Sizes that are known only when the model runs."""
    found = of_unknown_size(model.graph)
    if not found:
        return None
    first = found[0]
    return Finding(
        "dynamic_shape",
        f"{len(found)} tensors have no fixed size, such as {first.signature}",
        tuple(tensor.name for tensor in found),
        "Memory is planned anew while the model runs, and XNNPACK and other delegates do not take "
        "such operators.",
        "Convert at a fixed input size, and without operators whose result has any number of "
        "elements, such as tf.where with one argument.",
    )


_PICTURE_OPS = (
    *CONVOLUTIONS, "AVERAGE_POOL_2D", "MAX_POOL_2D", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR",
    "SPACE_TO_DEPTH", "DEPTH_TO_SPACE",
)  # fmt: skip
_POINTWISE_OPS = (
    "ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "RELU", "RELU6", "LEAKY_RELU", "PRELU",
    "HARD_SWISH", "LOGISTIC", "TANH", "GELU", "ELU", "CONCATENATION", "PAD", "PADV2", "MIRROR_PAD",
    "QUANTIZE", "DEQUANTIZE",
)  # fmt: skip
_TO_CHANNELS_LAST, _TO_CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def _meets_picture_op(model: Model, start: Tensor, *, forward: bool) -> bool:
    """Whether the next operator that does not just keep the layout works on pictures."""
    pending, seen = [start], set()
    while pending:
        tensor = pending.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        before = model.producer(tensor)
        around = model.readers(tensor) if forward else [before] if before else []
        for op in around:
            if op.kind in _PICTURE_OPS:
                return True
            if op.kind in _POINTWISE_OPS:
                pending += op.outputs if forward else [t for t in op.inputs if t is not None]
    return False


def _changes_format(model: Model, op: Op) -> bool:
    """Whether a transposition is between channels first and channels last.

    Attention transposes by the same numbers, but on no picture.
    """
    order = op.input(1).data
    axes = None if order is None else tuple(int(axis) for axis in order.ravel())
    if axes == _TO_CHANNELS_LAST:
        at_end = any(op.input(0) is tensor for tensor in model.graph.inputs)
        return at_end or _meets_picture_op(model, op.output, forward=True)
    if axes == _TO_CHANNELS_FIRST:
        return model.graph.is_output(op.output) or _meets_picture_op(
            model, op.input(0), forward=False
        )
    return False


def transpose(model: Model) -> Finding | None:
    """Transpositions from channels first to channels last, or back."""
    ops = [op for op in model.of_kind("TRANSPOSE") if _changes_format(model, op)]
    if not ops:
        return None
    return Finding(
        "transpose",
        f"{tally(ops)} between channels first and channels last",
        names(ops),
        "TFLite computes with channels last; each transposition moves its whole tensor through "
        "memory.",
        "Build the network with channels last (Keras: image_data_format) and pictures (h, w, 3).",
    )


def resize_flags(model: Model) -> Finding | None:
    """Resizes with both flags set, which contradict each other.

    XNNPACK takes bilinear resizes with either flag or none, the legacy kind.
    """
    ops = [
        op
        for op in model.of_kind("RESIZE_BILINEAR")
        if op.option("alignCorners", False) and op.option("halfPixelCenters", False)
    ]
    if not ops:
        return None
    return Finding(
        "resize_flags",
        f"{tally(ops)} with both align_corners and half_pixel_centers",
        names(ops),
        "The GPU delegate refuses this, and so do the built-in kernels: where XNNPACK is not "
        "used, the file does not run at all.",
        "Resize with half-pixel centres alone (Keras: UpSampling2D, keras.ops.image.resize).",
    )
