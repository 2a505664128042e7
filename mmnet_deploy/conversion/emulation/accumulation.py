"""Convolutions and matrix products that add up in float16, as XNNPACK's kernels for ARMv8.2 do.

Those kernels add one product after the other to a sum in float16, with one rounding per fused
multiply-add. Here a sum in float32 is rounded to the 11 digits of float16 after every product, or
to zero where it is too small for them; the product itself is exact. Planes are (channels, height,
width), so that numpy works along pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from mmnet_deploy.conversion.emulation.rounding import LARGEST, SMALLEST, Step, Values, rounded
from mmnet_deploy.tflite.parts import Op
from mmnet_deploy.tflite.schema import name_of

_BLOCK = 1 << 14
"""Sums that are added up together: few enough to stay in the cache."""

_SPLITTER = np.float32(2**13 + 1)
"""Splits a float32 into its first 11 digits and the rest (Dekker 1971, doi:10.1007/BF01397083)."""

LIMITS: Mapping[str, tuple[float, float]] = {
    "NONE": (-np.inf, np.inf),
    "RELU": (0.0, np.inf),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU6": (0.0, 6.0),
}
"""Of the fused activations."""


def step(op: Op) -> Step | None:
    """What computes an operator with rounded sums; None for one that is not such a sum.

    These are convolutions and fully connected layers of one picture, with constant filters, and
    products of matrices.
    """
    given = [tensor for tensor in op.inputs if tensor is not None]
    if any(tensor.dtype not in ("FLOAT32", "INT32") for tensor in (*given, *op.outputs)):
        return None
    if op.kind == "BATCH_MATMUL":
        return lambda inputs, executor: _products(op, inputs, executor)
    if (
        op.kind not in _STEPS
        or any(tensor is None or tensor.data is None for tensor in op.inputs[1:2])
        or activation(op) not in LIMITS
        or (op.kind != "FULLY_CONNECTED" and op.output.shape[0] != 1)
    ):
        return None
    compute, limits = _STEPS[op.kind], LIMITS[activation(op)]

    def run(inputs: Sequence[Any], executor: Executor) -> Values:
        planes = compute(op, inputs, executor)
        return np.clip(planes.transpose(1, 2, 0), *limits).reshape(op.output.shape)

    return run


def activation(op: Op) -> str:
    """Name of the fused activation."""
    return name_of("ActivationFunctionType", op.option("fusedActivationFunction", 0))


# --- Sums --------------------------------------------------------------------


class _Sums:
    """The sums of products of one convolution, of numbers that float16 holds.

    Args:
        planes: The padded picture (c, h, w).
        filters: (n, kh, kw, c), or (kh, kw, n) with n = c for a depthwise convolution.
        bias: What each of the n sums begins with.
        strides, dilations: Along height and width.
        size: Height and width of the result.
    """

    def __init__(
        self,
        planes: Values,
        filters: Values,
        bias: Values,
        size: Sequence[int],
        strides: Sequence[int] = (1, 1),
        dilations: Sequence[int] = (1, 1),
    ) -> None:
        self._planes, self._filters, self._bias = planes, filters, bias
        self._size, self._strides, self._dilations = size, strides, dilations
        self._depthwise = filters.ndim == 3
        with np.errstate(invalid="ignore"):  # 0 · ∞
            terms = np.abs(self._filters) * np.abs(planes).max(axis=(1, 2))
        most = terms.sum(axis=(0, 1) if self._depthwise else (1, 2, 3)) + np.abs(self._bias)
        # Where a sum may become infinite, the rounding that is exact there, but slow.
        self._finite = bool(most.max() < LARGEST)

    def result(self, executor: Executor) -> Values:
        """The sums (n, height, width)."""
        height, width = self._size
        rows = max(1, _BLOCK // (width * len(self._bias)))
        firsts = range(0, height, rows)
        blocks = executor.map(lambda first: self._block(first, min(rows, height - first)), firsts)
        return np.concatenate(list(blocks), axis=1)

    def _block(self, first: int, rows: int) -> Values:
        """The sums of some rows of the result."""
        width = self._size[1]
        sums = np.repeat(self._bias[:, None], rows * width, axis=1)
        one, other = np.empty_like(sums), np.empty_like(sums)
        tiny = np.empty(sums.shape, bool)
        with np.errstate(over="ignore", invalid="ignore"):
            for values, factors in self._products(first, rows):
                np.multiply(values, factors, out=one)
                np.add(sums, one, out=sums)
                if not self._finite:
                    sums = rounded(sums)
                    continue
                np.less(np.abs(sums, out=one), SMALLEST, out=tiny)
                np.copyto(sums, 0, where=tiny)
                np.multiply(sums, _SPLITTER, out=one)
                np.subtract(one, sums, out=other)
                np.subtract(one, other, out=sums)
        return sums.reshape(len(self._bias), rows, width)

    def _products(self, first: int, rows: int) -> Iterator[tuple[Values, Values]]:
        """Values (1 or n, pixels) and factors (n, 1) whose products are added in turn."""
        spans = [(rows - 1) * self._strides[0] + 1, (self._size[1] - 1) * self._strides[1] + 1]
        kernel = self._filters.shape[:2] if self._depthwise else self._filters.shape[1:3]
        for i, j in itertools.product(*map(range, kernel)):
            top = first * self._strides[0] + i * self._dilations[0]
            left = j * self._dilations[1]
            seen = self._planes[
                :,
                top : top + spans[0] : self._strides[0],
                left : left + spans[1] : self._strides[1],
            ].reshape(len(self._planes), -1)
            if self._depthwise:
                yield seen, self._filters[i, j][:, None]
                continue
            for channel in range(len(seen)):
                yield seen[channel : channel + 1], self._filters[:, i, j, channel][:, None]


# --- Operators ---------------------------------------------------------------


def _bias(inputs: Sequence[Any], place: int, count: int) -> Values:
    given = inputs[place] if len(inputs) > place else None
    return np.zeros(count, np.float32) if given is None else np.ravel(given)


def _padded(picture: Values, before: Sequence[int], size: Sequence[int]) -> Values:
    """A picture (h, w, c) as planes of this size, zero around it; what is outside is cut off."""
    planes = np.zeros((picture.shape[2], *size), np.float32)
    inside = planes[:, before[0] :, before[1] :]
    inside = inside[:, : picture.shape[0], : picture.shape[1]]
    inside[:] = picture.transpose(2, 0, 1)[:, : inside.shape[1], : inside.shape[2]]
    return planes


def _convolution(op: Op, inputs: Sequence[Any], executor: Executor) -> Values:
    """CONV_2D, in groups if its filter has fewer channels than the picture; DEPTHWISE_CONV_2D."""
    picture, filters = inputs[0][0], inputs[1]
    depthwise = op.kind == "DEPTHWISE_CONV_2D"
    size, kernel = op.output.shape[1:3], filters.shape[1:3]
    strides = op.option("strideH", 1), op.option("strideW", 1)
    dilations = op.option("dilationHFactor", 1), op.option("dilationWFactor", 1)
    # What the windows of all outputs cover, from the first row and column on.
    covered = [
        (count - 1) * stride + (taps - 1) * dilation + 1
        for count, stride, taps, dilation in zip(size, strides, kernel, dilations, strict=True)
    ]
    before = [0, 0]
    if name_of("Padding", op.option("padding", 0)) == "SAME":
        before = [
            max(all_ - own, 0) // 2 for all_, own in zip(covered, picture.shape, strict=False)
        ]
    planes = _padded(picture, before, covered)
    bias = _bias(inputs, 2, op.output.shape[3])
    if depthwise:
        planes = np.repeat(planes, filters.shape[3] // len(planes), axis=0)
        return _Sums(planes, filters[0], bias, size, strides, dilations).result(executor)
    groups = len(planes) // filters.shape[3]
    parts = zip(*(np.split(item, groups) for item in (planes, filters, bias)), strict=True)
    sums = [_Sums(one, two, three, size, strides, dilations) for one, two, three in parts]
    return np.concatenate([part.result(executor) for part in sums])


def _transposed(op: Op, inputs: Sequence[Any], executor: Executor) -> Values:
    """TRANSPOSE_CONV: a convolution with the turned filter of the picture with zeros in between."""
    _, filters, batch = inputs[:3]
    size, kernel = op.output.shape[1:3], filters.shape[1:3]
    strides = op.option("strideH", 1), op.option("strideW", 1)
    height, width, channels = batch.shape[1:]
    spread = np.zeros(
        ((height - 1) * strides[0] + 1, (width - 1) * strides[1] + 1, channels), np.float32
    )
    spread[:: strides[0], :: strides[1]] = batch[0]
    cut = [0, 0]
    if name_of("Padding", op.option("padding", 0)) == "SAME":
        cut = [
            max(own + taps - 1 - wanted, 0) // 2
            for own, taps, wanted in zip(spread.shape, kernel, size, strict=False)
        ]
    before = [taps - 1 - lost for taps, lost in zip(kernel, cut, strict=True)]
    planes = _padded(spread, before, [n + taps - 1 for n, taps in zip(size, kernel, strict=True)])
    bias = _bias(inputs, 3, op.output.shape[3])
    return _Sums(planes, filters[:, ::-1, ::-1], bias, size).result(executor)


def _connected(op: Op, inputs: Sequence[Any], executor: Executor) -> Values:
    """FULLY_CONNECTED: a 1×1 convolution of a picture that is one row."""
    filters = inputs[1]
    planes = np.ascontiguousarray(inputs[0].reshape(-1, filters.shape[1]).T)[:, None]
    bias = _bias(inputs, 2, len(filters))
    return _Sums(planes, filters[:, None, None], bias, planes.shape[1:]).result(executor)


def _products(op: Op, inputs: Sequence[Any], executor: Executor) -> Values:
    """BATCH_MATMUL: one fully connected layer for each pair of matrices."""
    one, other = inputs[:2]
    one = one.swapaxes(-1, -2) if op.option("adjX", False) else one
    other = other if op.option("adjY", False) else other.swapaxes(-1, -2)
    batch = op.output.shape[:-2]
    ones = np.broadcast_to(one, (*batch, *one.shape[-2:])).reshape(-1, *one.shape[-2:])
    others = np.broadcast_to(other, (*batch, *other.shape[-2:])).reshape(-1, *other.shape[-2:])
    results = []
    for rows, columns in zip(ones, others, strict=True):
        planes = np.ascontiguousarray(rows.T)[:, :, None]
        bias = np.zeros(len(columns), np.float32)
        sums = _Sums(planes, columns[:, None, None], bias, planes.shape[1:])
        results.append(sums.result(executor)[:, :, 0].T)
    return np.stack(results).reshape(op.output.shape)


_STEPS: Mapping[str, Callable[[Op, Sequence[Any], Executor], Values]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _connected,
}
