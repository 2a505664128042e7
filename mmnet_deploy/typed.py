"""Stored text read into records: every field is checked against its declared type."""

from __future__ import annotations

import functools
import json
import math
import typing
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import msgspec

T = TypeVar("T")

_DAMAGE = (
    msgspec.MsgspecError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)


@functools.cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Reads JSON into `kind`; building it takes longer than reading."""
    return msgspec.json.Decoder(kind)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits} is out of range")
    return value


def from_json(
    text: str | bytes, kind: type[T], upgrade: Callable[[Any], Any] = lambda content: content
) -> T:
    """JSON as a record of the type `kind`; fields that the type does not have are left out.

    Args:
        upgrade: Makes today's form of an earlier one; takes and returns what `json.loads` gives.

    Raises:
        ValueError: It is no JSON, or a field is missing or of another type.
    """
    try:
        decoder = _decoder(typing.cast("Any", kind))
        return typing.cast("T", decoder.decode(text))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass  # An earlier form, a file name that is no valid text, or damage.
    try:
        content = json.loads(text, parse_float=_finite, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from error
    return from_values(content, kind, upgrade)


def from_values(
    content: Any, kind: type[T], upgrade: Callable[[Any], Any] = lambda content: content
) -> T:
    """Values of a parser as a record of the type `kind`; see `from_json`.

    Raises:
        ValueError: A field is missing or of another type.
    """
    try:
        return msgspec.convert(upgrade(content), kind)
    except _DAMAGE as error:
        raise ValueError(str(error)) from error
