"""Layers that work on each value: activations and arithmetic, and softmax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import layers, ops

from mmnet_deploy.networks.imported.registry import (
    Names,
    RefusedError,
    Value,
    applied,
    is_constant,
    operator,
    tensor,
)
from mmnet_deploy.tflite.operators import NO_ACTIVATION
from mmnet_deploy.tflite.parts import Op
from mmnet_deploy.tflite.schema import name_of

MOST_CONSTANTS = 100_000
"""Numbers of one constant that is stored in a network's configuration, which is text."""

# --- Activations -------------------------------------------------------------

_ACTIVATIONS: dict[str, Callable[[str], Any]] = {
    "RELU": lambda name: layers.ReLU(name=name),
    "RELU6": lambda name: layers.ReLU(max_value=6.0, name=name),
    "RELU_0_TO_1": lambda name: layers.ReLU(max_value=1.0, name=name),
    "HARD_SWISH": lambda name: layers.Activation("hard_silu", name=name),
    "LOGISTIC": lambda name: layers.Activation("sigmoid", name=name),
    "TANH": lambda name: layers.Activation("tanh", name=name),
    "ELU": lambda name: layers.Activation("elu", name=name),
    "EXP": lambda name: layers.Activation("exponential", name=name),
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "RELU_N1_TO_1": lambda value: ops.clip(value, -1.0, 1.0),
    "ABS": ops.abs,
    "NEG": ops.negative,
    "SQRT": ops.sqrt,
    "RSQRT": ops.rsqrt,
    "SQUARE": ops.square,
    "LOG": ops.log,
}


@operator(*_ACTIVATIONS, *_FUNCTIONS)
def activation(op: Op, inputs: list[Value], names: Names) -> Value:
    """An activation, or another function of one value."""
    return _activated(op.kind, tensor(inputs[0]), names.new(op.name))


def _activated(kind: str, value: Value, name: str) -> Value:
    return _ACTIVATIONS[kind](name)(value) if kind in _ACTIVATIONS else _FUNCTIONS[kind](value)


def fused(op: Op, value: Value, names: Names) -> Value:
    """An operator's output after the activation that is part of it."""
    number = getattr(op.options, "fusedActivationFunction", NO_ACTIVATION)
    if number == NO_ACTIVATION:
        return value
    kind = name_of("ActivationFunctionType", number)
    if kind not in ("RELU", "RELU6", "RELU_N1_TO_1"):
        raise RefusedError(f"its activation is {kind}, which the runtime leaves out")
    return _activated(kind, value, names.new(op.name, "_activation"))


@operator("LEAKY_RELU")
def leaky_relu(op: Op, inputs: list[Value], names: Names) -> Value:
    """A leaky ReLU of any slope."""
    layer = layers.LeakyReLU(negative_slope=float(op.options.alpha), name=names.new(op.name))
    return layer(tensor(inputs[0]))


@operator("GELU")
def gelu(op: Op, inputs: list[Value], names: Names) -> Value:
    """GELU, exact or approximated by tanh."""
    return ops.gelu(tensor(inputs[0]), approximate=bool(op.option("approximate", False)))


@operator("SOFTMAX")
def softmax(op: Op, inputs: list[Value], names: Names) -> Value:
    """Softmax over the last axis."""
    value, beta = tensor(inputs[0]), float(op.option("beta", 1.0))
    return layers.Softmax(name=names.new(op.name))(value if beta == 1 else value * beta)


# --- Arithmetic --------------------------------------------------------------

_MERGES = {
    "ADD": (layers.Add, ops.add),
    "MUL": (layers.Multiply, ops.multiply),
    "SUB": (layers.Subtract, ops.subtract),
    "DIV": (None, ops.divide),
    "MAXIMUM": (layers.Maximum, ops.maximum),
    "MINIMUM": (layers.Minimum, ops.minimum),
    "SQUARED_DIFFERENCE": (None, lambda one, other: ops.square(ops.subtract(one, other))),
}


@operator(*_MERGES)
def arithmetic(op: Op, inputs: list[Value], names: Names) -> Value:
    """Arithmetic of two values, one of which may be constant or be repeated along axes."""
    one, other = (_ranked(value, len(op.output.shape), op, names) for value in inputs)
    if is_constant(one) and is_constant(other):
        raise RefusedError("both of its inputs are constants")
    merge, function = _MERGES[op.kind]
    if not is_constant(one) and not is_constant(other) and merge is not None:
        return merge(name=names.new(op.name))([one, other])
    if op.kind in ("MUL", "DIV") and is_constant(other) and _per_channel(one, other):
        return _scaled(op, one, other if op.kind == "MUL" else 1 / other, names)
    if op.kind == "MUL" and is_constant(one) and _per_channel(other, one):
        return _scaled(op, other, one, names)
    if op.kind == "ADD":
        # Keras on TensorFlow takes a constant of one column, added to a square plane, for one value
        # per channel of channels that come first. It subtracts as it should.
        one, other = (other, one) if is_constant(one) else (one, other)
        return ops.subtract(one, _stored(-other))
    return function(_stored(one), _stored(other))


def _per_channel(value: Value, factors: Any) -> bool:
    """Whether a constant has one factor for each channel of a picture."""
    return len(value.shape) == 4 and factors.size == factors.shape[-1] == value.shape[-1] > 1


def _scaled(op: Op, value: Value, factors: Any, names: Names) -> Value:
    """Each channel times its factor, which can be trained."""
    layer = layers.DepthwiseConv2D(1, use_bias=False, name=names.new(op.name))
    return applied(layer, value, factors.reshape(1, 1, -1, 1))


def _stored(value: Value) -> Value:
    """A constant as it may be part of a network's configuration."""
    if not is_constant(value):
        return value
    if value.size > MOST_CONSTANTS:
        raise RefusedError(f"its constant has {value.size:,} numbers")
    return float(value.reshape(-1)[0]) if value.size == 1 else value.astype(np.float32)


def _ranked(value: Value, rank: int, op: Op, names: Names) -> Value:
    """A value with as many axes as the result: batches stay the first."""
    missing = rank - len(value.shape)
    if is_constant(value):
        value = value.reshape((1,) * missing + value.shape)
        if value.ndim and value.shape[0] != 1:
            raise RefusedError(f"its constant has a batch of {value.shape[0]}")
        return value
    if missing <= 0:
        return value
    shape = (*(1 for _ in range(missing)), *value.shape[1:])
    return layers.Reshape(shape, name=names.new(op.name, "_reshape"))(value)
