"""Inputs that the engine makes, and outputs compared with the host's."""

from __future__ import annotations

import array
import dataclasses
import math
import sys
import typing

_CODES = {
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
_TOLERANCES = {"int8": 1.0, "uint8": 1.0, "int16": 1.0, "float32": 1e-4, "float64": 1e-4}


def noise(dtype: str, size_bytes: int) -> bytes:
    """The input that the engine makes where it is given no file.

    The upper bits of x ← 1664525 x + 1013904223 mod 2³² (Numerical Recipes), from 12345 on.

    Args:
        dtype: "float32" (0 to below 1) or an integer type (its whole range).
        size_bytes: Size of the tensor.

    Raises:
        ValueError: The engine makes no noise of this type.
    """
    if dtype not in _CODES or dtype == "float64":
        raise ValueError(f"`dtype` must be float32 or an integer type. Received: {dtype}.")
    x = 12345
    draws = []
    for _ in range(size_bytes // 4 if dtype == "float32" else size_bytes):
        x = (1664525 * x + 1013904223) % 2**32
        draws.append(x)
    if dtype != "float32":
        return bytes(x >> 24 for x in draws)
    values = array.array("f", [(x >> 8) / 2**24 for x in draws])
    return _little_endian(values).tobytes()


@dataclasses.dataclass(frozen=True)
class TensorDifference:
    """How far two outputs of one network are apart.

    Attributes:
        dtype: Type of both.
        elements: How many values each has (pixels, for a matte).
        different: How many of them differ at all.
        largest: The largest difference, in quantization steps for integer types, absolute for
            floating point; infinite where a value is not a number.
    """

    dtype: str
    elements: int
    different: int
    largest: float

    @property
    def agrees(self) -> bool:
        """Within one step for 8 and 16 bits (kernels round differently by architecture), within
        1e-4 for floating point, equal for all other types."""
        return self.largest <= _TOLERANCES.get(self.dtype, 0.0)


def _little_endian(values: array.array[typing.Any]) -> array.array[typing.Any]:
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _apart(left: float, right: float) -> float:
    if left == right:
        return 0.0
    difference = abs(left - right)
    return math.inf if math.isnan(difference) else difference


def compare_outputs(host: bytes, device: bytes, dtype: str) -> TensorDifference:
    """Compare the raw bytes of an output tensor with those that the host computed.

    Args:
        host: Little-endian values from the runtime on this computer.
        device: The same from the device.
        dtype: Their type, by numpy's name: integers of 8 to 64 bits, float32, float64.

    Raises:
        ValueError: The type is another one, or the sizes differ or do not fit it.
    """
    if dtype not in _CODES:
        raise ValueError(f"`dtype` must be one of {', '.join(_CODES)}. Received: {dtype}.")
    size = array.array(_CODES[dtype]).itemsize
    if len(host) != len(device) or len(host) % size:
        raise ValueError(
            f"Outputs must have one size, a multiple of {size} bytes for {dtype}. "
            f"Received: {len(host)} and {len(device)} bytes."
        )
    pairs = zip(
        _little_endian(array.array(_CODES[dtype], host)),
        _little_endian(array.array(_CODES[dtype], device)),
        strict=True,
    )
    apart = [_apart(left, right) for left, right in pairs]
    return TensorDifference(
        dtype, len(apart), sum(value > 0 for value in apart), max(apart, default=0.0)
    )
