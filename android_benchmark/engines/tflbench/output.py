"""Inputs that the engine makes."""

from __future__ import annotations

import array
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
}


def noise(dtype: str, size_bytes: int) -> bytes:
    """The input that the engine makes where it is given no file.

    The upper bits of x ← 1664525 x + 1013904223 mod 2³² (Numerical Recipes), from 12345 on.

    Args:
        dtype: "float32" (0 to below 1) or an integer type (its whole range).
        size_bytes: Size of the tensor.

    Raises:
        ValueError: The engine makes no noise of this type.
    """
    if dtype not in _CODES:
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


def _little_endian(values: array.array[typing.Any]) -> array.array[typing.Any]:
    if sys.byteorder == "big":
        values.byteswap()
    return values
