"""Which function makes layers of which operator, and what these functions share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.tflite.parts import Op

Value = Any
"""A tensor of Keras, (batch, …), or a constant, an array with the batch of 1 that the file has."""


class RefusedError(Exception):
    """An operator cannot be imported; the message says why, without its name."""


class Names:
    """Names of layers, each given once."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)

    def new(self, name: str, end: str = "") -> str:
        """A name made of an operator's, in letters, digits, `.`, `_` and `-`."""
        # The converter names what was fused after all its parts.
        head = re.sub(r"[^A-Za-z0-9._-]+", "_", name.split(";")[0]).strip("._-") or "layer"
        found = wanted = head[:80] + end
        number = 1
        while found in self._taken:
            number += 1
            found = f"{wanted}_{number}"
        self._taken.add(found)
        return found


Builder = Callable[[Op, list[Value], Names], Value]
"""From an operator, its inputs and the names to its output, or a list of its outputs."""

BUILDERS: dict[str, Builder] = {}


def operator(*kinds: str) -> Callable[[Builder], Builder]:
    """Decorate the function that makes layers of operators of these kinds."""

    def decorate(builder: Builder) -> Builder:
        BUILDERS.update(dict.fromkeys(kinds, builder))
        return builder

    return decorate


def is_constant(value: Value) -> bool:
    """Whether a value is an array, not a tensor."""
    return isinstance(value, np.ndarray)


def tensor(value: Value) -> Value:
    """A value that must be computed.

    Raises:
        RefusedError: It is a constant.
    """
    if value is None or is_constant(value):
        raise RefusedError("its input is a constant")
    return value


def constant(op: Op, index: int) -> NDArray[Any]:
    """The values of an input that must be constant, in the tensor's shape.

    Raises:
        RefusedError: It is computed.
    """
    held = op.input(index)
    if held.data is None or held.dtype not in ("FLOAT32", "INT32", "INT64"):
        raise RefusedError(f"its input {index} must be a constant")
    return np.asarray(held.data).reshape(held.shape)


def applied(layer: Any, value: Value, *weights: NDArray[Any]) -> Value:
    """What a layer makes of a value, once it has its weights."""
    output = layer(value)
    if weights:
        layer.set_weights([np.asarray(values, np.float32) for values in weights])
    return output
