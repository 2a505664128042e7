"""Stored values read into records: every field is checked against its declared type."""

from __future__ import annotations

import functools
import json
import math
import typing
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

LEAST, MOST = -(2**63), 2**64 - 1
"""Whole numbers that are read; those beyond them are damage, and many tools cannot hold them."""

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


def from_json(
    text: str | bytes, kind: type[T], upgrade: Callable[[Any], Any] = lambda content: content
) -> T:
    """JSON as a record of the type `kind`; fields that the type does not have are left out.

    Of a field that is there twice the last one counts. Numbers are finite, and whole ones have
    64 bits at most. Bytes are UTF-8.

    Args:
        upgrade: Makes today's form of an earlier one; takes and returns what `json.loads` gives.

    Raises:
        ValueError: It is no JSON, or a field is missing or of another type.
    """
    try:
        record = _decoder(typing.cast("Any", kind)).decode(text)
        msgspec.msgpack.encode(record)  # Refuses whole numbers beyond 64 bits.
        return typing.cast("T", record)
    except (msgspec.MsgspecError, UnicodeError, OverflowError, RecursionError):
        pass  # An earlier form, a file name that is no valid text, or damage.
    try:
        content = json.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from error
    return from_values(content, kind, upgrade)


def from_values(
    content: Any, kind: type[T], upgrade: Callable[[Any], Any] = lambda content: content
) -> T:
    """Values of a parser of JSON or TOML as a record of the type `kind`; see `from_json`.

    Raises:
        ValueError: A field is missing or of another type.
    """
    try:
        _check_numbers(content, "$")
        return msgspec.convert(upgrade(content), kind)
    except _DAMAGE as error:
        raise ValueError(str(error)) from error


def _check_numbers(content: Any, place: str) -> None:
    """Refuse numbers that JSON does not have, wherever they are."""
    if isinstance(content, float) and not math.isfinite(content):
        raise ValueError(f"Expected a finite number, got `{content}` - at `{place}`")
    if isinstance(content, int) and not LEAST <= content <= MOST:
        raise ValueError(f"Expected a whole number of at most 64 bits - at `{place}`")
    if isinstance(content, dict):
        for name, value in content.items():
            _check_numbers(value, f"{place}.{name}")
    elif isinstance(content, list):
        for value in content:
            _check_numbers(value, f"{place}[...]")
