"""Filters and biases in integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.integers.rules import OUTPUT_AXIS, bias_of
from mmnet_deploy.tflite.parts import Op, Quantization, Tensor

_LARGEST_BIAS = 2**30
"""Half of what int32 holds, which sums of products are added to."""


def stored(
    op: Op,
    input_scale: float,
    divisor: float = 1.0,
    shift: NDArray[np.float64] | float = 0.0,
) -> tuple[Tensor, Tensor | None]:
    """Filter and bias of an operator, with one symmetric scale for each of its outputs.

    Fully connected layers have one scale for all: older runtimes know no others.

    Args:
        divisor: Of all weights.
        shift: What is added to the bias, before it is divided.
    """
    axis, filters, (_, bias) = OUTPUT_AXIS[op.kind], op.input(1), bias_of(op)
    values = np.asarray(filters.data, np.float64) / divisor
    added = None if bias is None else (np.asarray(bias.data, np.float64) + shift) / divisor
    largest = np.abs(np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)).max(axis=1)
    if op.kind == "FULLY_CONNECTED":
        largest = np.full_like(largest, largest.max())
    largest[largest == 0] = largest.max() or 1.0
    scales = largest / 127
    if added is not None:
        scales = np.maximum(scales, np.abs(added) / (input_scale * _LARGEST_BIAS))
    if op.kind == "FULLY_CONNECTED":
        scales[:] = scales.max()
    scales = scales.astype(np.float32).astype(np.float64)
    shape = [1] * values.ndim
    shape[axis] = -1
    rounded = np.clip(np.round(values / scales.reshape(shape)), -127, 127).astype(np.int8)
    parameters = _parameters(op, scales, axis)
    weights = Tensor(filters.name, filters.shape, "INT8", rounded, parameters)
    if bias is None or added is None:
        return weights, None
    units = scales * input_scale
    whole = np.round(added / units).astype(np.int32)
    return weights, Tensor(bias.name, bias.shape, "INT32", whole, _parameters(op, units, 0))


def _parameters(op: Op, scales: np.ndarray, axis: int) -> Quantization:
    if op.kind == "FULLY_CONNECTED":
        return Quantization((float(scales[0]),), (0,))
    return Quantization(tuple(map(float, scales)), (0,) * len(scales), axis)
