"""From a graph to a Keras network: operator by operator, and the logits at its end."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from mmnet_deploy.errors import ModelFileError

# The modules that make layers of operators register themselves.
from mmnet_deploy.networks.imported import elementwise, moves, spatial, weighted  # noqa: F401
from mmnet_deploy.networks.imported.ending import Ending
from mmnet_deploy.networks.imported.registry import BUILDERS, Names, RefusedError, Value
from mmnet_deploy.networks.imported.source import Source
from mmnet_deploy.tflite.parts import DTYPES, Op, Tensor


def require_known(source: Source) -> None:
    """Make sure that there are layers for every kind of operator, before any is made.

    Raises:
        ModelFileError: There are none for some, which are named.
    """
    unknown = sorted(
        {f"{op.kind} (custom)" * op.is_custom or op.kind for op in source.graph.ops}
        - {f"{kind} (custom)" for kind in BUILDERS}
        - BUILDERS.keys()
    )
    if unknown:
        raise ModelFileError(
            f"{source.path} cannot be imported: there is no layer for {', '.join(unknown)}."
        )


def training_form(
    source: Source, ending: Ending, input_range: tuple[float, float] = (0.0, 1.0)
) -> keras.Model:
    """The network that computes what a graph does, up to its logits.

    Args:
        input_range: Values of black and white that the file takes.

    Returns:
        A model from RGB pictures in [0, 1], (batch, height, width, 3), to a dictionary with
        `logits` as those of `models.build`.

    Raises:
        ModelFileError: An operator cannot be imported; the message names it.
    """
    names = Names("image", "matte", "logits")
    image = keras.Input((*source.size, 3), name="image")
    value: Value = image
    low, high = input_range
    if input_range != (0.0, 1.0):
        value = layers.Rescaling(high - low, low, name=names.new("input_range"))(value)
    if source.channels_first:
        value = layers.Permute((3, 1, 2), name=names.new("channels_first"))(value)
    values: dict[int, Value] = {id(source.graph.inputs[0]): value}
    for op in source.graph.ops:
        outputs = _outputs(source, op, values, names)
        values.update({id(tensor): made for tensor, made in zip(op.outputs, outputs, strict=False)})
    found = values.get(id(ending.logits))
    if found is None:
        raise ModelFileError(f"{source.path} is damaged: nothing computes {ending.logits.name}.")
    logits = _logits(found, ending, names)
    return keras.Model(image, {"logits": logits}, name=f"{_scope(source.name)}_training")


def _scope(name: str) -> str:
    """A file's name as one of Keras."""
    return name.replace("-", "_").replace(".", "_")


def _outputs(source: Source, op: Op, values: dict[int, Value], names: Names) -> list[Value]:
    """The outputs of one operator.

    Raises:
        ModelFileError: It cannot be imported.
    """
    try:
        made = BUILDERS[op.kind](op, [_input(it, values) for it in op.inputs], names)
        outputs = made if isinstance(made, list) else [elementwise.fused(op, made, names)]
        for tensor, output in zip(op.outputs, outputs, strict=True):
            if tuple(output.shape[1:]) != tensor.shape[1:]:
                raise RefusedError(
                    f"its output has the shape {tensor.shape[1:]} in the file, and would be "
                    f"{tuple(output.shape[1:])}"
                )
    except Exception as error:  # Whatever options that fit no layer lead to in Keras.
        text = " ".join(str(error).split()).rstrip(".")
        raise ModelFileError(
            f"{source.path} cannot be imported: {op.kind} ({op.name}) cannot become a layer: "
            f"{text[:200] or type(error).__name__}."
        ) from error
    return outputs


def _input(tensor: Tensor | None, values: dict[int, Value]) -> Value:
    """An input of an operator: computed, or a constant in its shape."""
    if tensor is None:
        return None
    if id(tensor) in values:
        return values[id(tensor)]
    if tensor.data is None or tensor.dtype not in DTYPES:
        raise RefusedError(f"nothing computes its input {tensor.name}")
    return np.asarray(tensor.data).reshape(tensor.shape)


def _logits(value: Any, ending: Ending, names: Names) -> Any:
    """The logits as `models.build` gives them: alpha is made of the last channel."""
    layout = ending.layout
    if layout.channels_first:
        shape = (layout.channels, layout.height, layout.width)
        value = layers.Reshape(shape, name=names.new("logits_shape"))(value)
        value = layers.Permute((2, 3, 1), name=names.new("logits_order"))(value)
    elif tuple(value.shape[1:]) != (layout.height, layout.width, layout.channels):
        shape = (layout.height, layout.width, layout.channels)
        value = layers.Reshape(shape, name=names.new("logits_shape"))(value)
    if ending.beta != 1:
        value = value * ending.beta
    chosen, count = ending.channel, layout.channels
    if not ending.softmax:
        return value if count == 1 else value[..., chosen : chosen + 1]
    if count == 2 and chosen == 1:
        return value
    # The logit of one class is its own less the logarithm of the other ones' sum of powers.
    others = [value[..., n : n + 1] for n in range(count) if n != chosen]
    rest = (
        others[0]
        if count == 2
        else ops.logsumexp(
            layers.Concatenate(name=names.new("other_classes"))(others), axis=-1, keepdims=True
        )
    )
    return layers.Subtract(name=names.new("difference"))([value[..., chosen : chosen + 1], rest])
