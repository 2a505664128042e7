"""Sigmoid, softmax and hard-swish in float16, as XNNPACK's kernels for ARMv8.2 compute them.

Sigmoid and softmax have a polynomial of degree 2 and round after every step, so that a sigmoid is
off by 1e-3 where the rounding of its result would be off by 2.4e-4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from mmnet_deploy.conversion.emulation.rounding import Step, Values, rounded
from mmnet_deploy.tflite.parts import Op

_LOG2_E = np.float32(1.4423828125)
_LN_2 = np.float32(0.693359375), np.float32(-0.00021219253540039062)
"""The logarithm of 2 as two numbers of float16, whose sum has its first digits."""
_FACTORS = np.float32(0.498291015625), np.float32(1.013671875)
"""Of eᵗ ≈ 1 + t · (1.0137 + 0.4983 · t) for |t| below ln 2 / 2 (`f16-vsigmoid` and
`f16-raddstoreexpminusmax` of XNNPACK, variant rr2-p2)."""
_SIXTH = np.float32(0.1666259765625)
"""1/6 in float16, of hard-swish (`f16-vhswish` of XNNPACK)."""
_LANES = 8
"""Values of float16 in a register, which softmax adds up side by side."""
_LOWEST = np.float32(-9.6875)
"""Below it, the exponential is taken as 0."""


def step(op: Op) -> Step | None:
    """What computes a sigmoid, a softmax of the last axis or a hard-swish; None for another."""
    if op.kind not in _FUNCTIONS or op.input(0).dtype != "FLOAT32":
        return None
    if op.kind == "SOFTMAX" and op.option("beta", 1.0) != 1.0:
        return None
    function = _FUNCTIONS[op.kind]

    def run(inputs: Sequence[Any], executor: Executor) -> Values:
        with np.errstate(invalid="ignore"):
            return function(inputs[0])

    return run


def _exponential(values: Values) -> Values:
    """The exponential of values of at most 0: 2ⁿ · eᵗ with |t| below ln 2 / 2."""
    whole = np.rint(values * _LOG2_E)
    rest = rounded(rounded(values - whole * _LN_2[0]) - whole * _LN_2[1])
    factor = rounded(_FACTORS[0] * rest + _FACTORS[1])
    power = np.exp2(whole)
    result = rounded(factor * rounded(rest * power) + power)
    return np.where(values < _LOWEST, np.float32(0), result)


def _sigmoid(values: Values) -> Values:
    small = _exponential(-np.abs(values))
    share = rounded(small / rounded(small + 1))
    return np.where(values > 0, rounded(1 - share), share)


def _softmax(values: Values) -> Values:
    parts = _exponential(rounded(values - values.max(axis=-1, keepdims=True)))
    return rounded(parts * rounded(1 / _total(parts)))


def _total(parts: Values) -> Values:
    """The sum along the last axis: every eighth value to its own sum, and those in pairs."""
    rest = -parts.shape[-1] % _LANES
    parts = np.pad(parts, [(0, 0)] * (parts.ndim - 1) + [(0, rest)])
    sums = parts[..., :_LANES]
    for place in range(_LANES, parts.shape[-1], _LANES):
        sums = rounded(sums + parts[..., place : place + _LANES])
    while sums.shape[-1] > 1:
        half = sums.shape[-1] // 2
        sums = rounded(sums[..., :half] + sums[..., half:])
    return sums


def _hard_swish(values: Values) -> Values:
    """x / 6 · min(max(x + 3, 0), 6)."""
    return rounded(rounded(values * _SIXTH) * np.clip(rounded(values + 3), 0, 6))


_FUNCTIONS: Mapping[str, Callable[[Values], Values]] = {
    "HARD_SWISH": _hard_swish,
    "LOGISTIC": _sigmoid,
    "SOFTMAX": _softmax,
}
