"""A traced network of other floating-point types, computed in float32.

Networks trained with mixed precision (Keras's policies mixed_float16, float16, bfloat16 …)
compute in types that TFLite has no operators for. Their weights are float32, or fit it
exactly, so the graph itself is given the type float32 throughout. Casts between the types
then do nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.python.eager import wrap_function

OTHER_TYPES = (tf.float16, tf.bfloat16, tf.float64)
"""Types that become float32."""

_OTHERS = {kind.as_datatype_enum: kind.name for kind in OTHER_TYPES}
_FLOAT32 = tf.float32.as_datatype_enum


def in_float32(function: Any) -> tuple[Any, tuple[str, ...]]:
    """A frozen concrete function with float32 in place of the other types.

    Args:
        function: Its inputs and outputs are float32.

    Returns:
        The function, which is the same one if it has no such types, and the types that it
        had, by name.
    """
    definition = function.graph.as_graph_def(add_shapes=False)
    found = _replaced(definition)
    if not found:
        return function, ()
    _drop_saturation(definition, found)
    inputs, outputs = (
        [tensor.name for tensor in tensors] for tensors in (function.inputs, function.outputs)
    )
    new = wrap_function.function_from_graph_def(definition, inputs, outputs)
    for ours, theirs in zip(
        [*new.inputs, *new.outputs], [*function.inputs, *function.outputs], strict=True
    ):
        ours.set_shape(theirs.shape)
    new.graph.structured_outputs = function.graph.structured_outputs
    new._function_type = function.function_type
    return new, tuple(sorted(found))


def _replaced(definition: graph_pb2.GraphDef) -> set[str]:
    """Replace the types in a graph and its functions; the names of those that were there."""
    found: set[str] = set()
    for attribute in _attributes(definition):
        if attribute.type in _OTHERS:
            found.add(_OTHERS[attribute.type])
            attribute.type = _FLOAT32
        for index, kind in enumerate(attribute.list.type):
            if kind in _OTHERS:
                found.add(_OTHERS[kind])
                attribute.list.type[index] = _FLOAT32
        if attribute.tensor.dtype in _OTHERS:
            found.add(_OTHERS[attribute.tensor.dtype])
            with np.errstate(over="ignore"):
                values = tf.make_ndarray(attribute.tensor).astype("float32")
            attribute.tensor.CopyFrom(tf.make_tensor_proto(values))
    for function in definition.library.function:
        for end in (*function.signature.input_arg, *function.signature.output_arg):
            if end.type in _OTHERS:
                end.type = _FLOAT32
    return found


def _drop_saturation(definition: graph_pb2.GraphDef, kinds: set[str]) -> None:
    """Drop the limits to the range of another type that casts to it were given.

    Keras's resizes have them; beside a resize they would keep it from being rewritten.
    """
    # Those of float64 are infinite in float32, whose own limits are those of casts from it.
    limits = {float(tf.as_dtype(kind).max) for kind in kinds} | {float(tf.float32.max), math.inf}
    constants = {
        node.name: tf.make_ndarray(node.attr["value"].tensor)
        for node in definition.node
        if node.op == "Const"
    }
    for node in definition.node:
        if node.op not in ("Minimum", "Maximum"):
            continue
        for index, name in enumerate(node.input[:2]):
            limit = constants.get(name.removesuffix(":0"))
            if limit is not None and limit.size == 1 and abs(float(limit.item())) in limits:
                kept = node.input[1 - index]
                node.op = "Identity"
                del node.input[:2]
                node.input.insert(0, kept)
                break


def _attributes(definition: graph_pb2.GraphDef) -> Iterator[Any]:
    """The attributes of all nodes, those of the functions that they call by name included."""
    bodies = [definition.node, *(body.node_def for body in definition.library.function)]
    waiting = [value for nodes in bodies for node in nodes for value in node.attr.values()]
    while waiting:
        value = waiting.pop()
        yield value
        for called in (value.func, *value.list.func):
            waiting += called.attr.values()
