"""Average pooling that adds up in float16, as XNNPACK's kernels for ARMv8.2 do.

They add nine values of a window in pairs, add that to the sum of those before, and multiply the
sum of all n by 1/n; so it may go beyond float16 where the mean would not (`f16-avgpool` of XNNPACK,
kernel 9p). MEAN and SUM add up in float32 instead.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from mmnet_deploy.conversion.emulation.accumulation import LIMITS, activation
from mmnet_deploy.conversion.emulation.rounding import Step, Values, rounded
from mmnet_deploy.tflite.parts import Op
from mmnet_deploy.tflite.schema import name_of

_PASS = 9
"""Values that are added before the sum is stored."""


def step(op: Op) -> Step | None:
    """What computes an average pooling; None for another operator."""
    if (
        op.kind != "AVERAGE_POOL_2D"
        or op.input(0).dtype != "FLOAT32"
        or activation(op) not in LIMITS
    ):
        return None

    def run(inputs: Sequence[Any], executor: Executor) -> Values:
        return np.clip(_pooled(op, inputs[0]), *LIMITS[activation(op)])

    return run


def _pooled(op: Op, pictures: Values) -> Values:
    size = op.output.shape[1:3]
    window = op.option("filterHeight", 1), op.option("filterWidth", 1)
    strides = op.option("strideH", 1), op.option("strideW", 1)
    covered = [
        (count - 1) * stride + taps
        for count, stride, taps in zip(size, strides, window, strict=True)
    ]
    own = pictures.shape[1:3]
    before = [0, 0]
    if name_of("Padding", op.option("padding", 0)) == "SAME":
        before = [max(all_ - real, 0) // 2 for all_, real in zip(covered, own, strict=True)]
    after = [
        max(all_ - real - first, 0) for all_, real, first in zip(covered, own, before, strict=True)
    ]
    margins = [(0, 0), *zip(before, after, strict=True), (0, 0)]
    counts = np.pad(np.ones((1, *own, 1), np.float32), margins)
    count = np.sum(list(_taps(counts, size, window, strides)), axis=0)
    taps = _taps(np.pad(pictures, margins), size, window, strides)
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.zeros(op.output.shape, np.float32)
        while some := list(itertools.islice(taps, _PASS)):
            total = rounded(total + _added(some))
        return total * rounded(1 / count)


def _taps(
    values: Values, size: Sequence[int], window: Sequence[int], strides: Sequence[int]
) -> Iterator[Values]:
    """The first value of every window, the second one, and so on."""
    for top, left in itertools.product(*map(range, window)):
        yield values[
            :,
            top : top + (size[0] - 1) * strides[0] + 1 : strides[0],
            left : left + (size[1] - 1) * strides[1] + 1 : strides[1],
        ]


def _added(parts: list[Values]) -> Values:
    """The sum in pairs, and in pairs of those."""
    while len(parts) > 1:
        pairs = itertools.zip_longest(parts[::2], parts[1::2])
        parts = [one if other is None else rounded(one + other) for one, other in pairs]
    return parts[0]
