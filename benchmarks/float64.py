"""A float graph computed in float64 by the definitions of its operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor

Values = NDArray[np.float64]

ACTIVATIONS: Mapping[int, Callable[[Values], Values]] = {
    0: lambda x: x,
    1: lambda x: np.maximum(x, 0),
    3: lambda x: np.clip(x, 0, 6),
}
"""By their number in the file format."""


def computed(graph: Graph, picture: NDArray[np.float32]) -> Values:
    """The graph's only output; `picture` is its input as the file takes it.

    Raises:
        KeyError: An operator is not among `OPERATORS`.
    """
    known: dict[int, Values] = {id(graph.inputs[0]): picture.astype(np.float64)}

    def value(tensor: Tensor | None) -> Values:
        if tensor is None or (tensor.data is None and id(tensor) not in known):
            return np.zeros(1)  # A left-out bias.
        return known[id(tensor)] if tensor.data is None else tensor.data.astype(np.float64)

    for op in graph.ops:
        found = OPERATORS[op.kind](op, *map(value, op.inputs))
        fused = getattr(op.options, "fusedActivationFunction", 0)
        known[id(op.output)] = ACTIVATIONS[fused](found.reshape(op.output.shape))
    return known[id(graph.outputs[0])]


def _windows(op: Op, x: Values, high: int, wide: int) -> Values:
    """The (batch, h, w, channels, high, wide) parts of the input that a kernel sees."""
    rows, columns = op.output.shape[1:3]
    options, sides = op.options, [(0, 0)]
    for size, count, stride, kernel in (
        (x.shape[1], rows, options.strideH, high),
        (x.shape[2], columns, options.strideW, wide),
    ):
        whole = max((count - 1) * stride + kernel - size, 0) if options.padding == 0 else 0
        sides.append((whole // 2, whole - whole // 2))
    padded = np.pad(x, [*sides, (0, 0)])
    parts = sliding_window_view(padded, (high, wide), (1, 2))
    return parts[:, :: options.strideH, :: options.strideW][:, :rows, :columns]


def _convolution(op: Op, x: Values, weights: Values, bias: Values) -> Values:
    parts = _windows(op, x, *weights.shape[1:3])
    return np.tensordot(parts, weights.transpose(3, 1, 2, 0), 3) + bias


def _depthwise(op: Op, x: Values, weights: Values, bias: Values) -> Values:
    parts = _windows(op, x, *weights.shape[1:3])
    return np.einsum("bhwcij,ijc->bhwc", parts, weights[0], optimize=True) + bias


def _transposed(op: Op, x: Values, weights: Values, bias: Values) -> Values:
    """Squares that do not overlap, as MediaPipe's operator has them."""
    return np.einsum("bhwc,oijc->bhiwjo", x, weights, optimize=True) + bias


def _mean(op: Op, x: Values, *_: Values) -> Values:
    if op.output.shape[1:3] != (1, 1):
        raise KeyError(f"{op.kind} of a part")
    return x.mean((1, 2))


def _resize(op: Op, x: Values, _: Values) -> Values:
    for axis in (1, 2):
        source, target = x.shape[axis], op.output.shape[axis]
        positions = np.arange(target, dtype=np.float64)
        if op.options.alignCorners:
            positions *= (source - 1) / (target - 1)
        elif op.options.halfPixelCenters:
            positions = (positions + 0.5) * source / target - 0.5
        else:
            positions *= source / target
        low = np.floor(positions)
        share = np.expand_dims(positions - low, [i for i in range(4) if i != axis])
        first, second = (
            np.take(x, np.clip(low + step, 0, source - 1).astype(int), axis) for step in (0, 1)
        )
        x = first * (1 - share) + second * share
    return x


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "ADD": lambda op, x, y: x + y,
    "AVERAGE_POOL_2D": _mean,
    "CONV_2D": _convolution,
    "Convolution2DTransposeBias": _transposed,
    "DEPTHWISE_CONV_2D": _depthwise,
    "HARD_SWISH": lambda op, x: x * np.clip(x + 3, 0, 6) / 6,
    "LOGISTIC": lambda op, x: 0.5 * (1 + np.tanh(x / 2)),
    "MEAN": _mean,
    "MUL": lambda op, x, y: x * y,
    "RELU": lambda op, x: np.maximum(x, 0),
    "RESIZE_BILINEAR": _resize,
}
