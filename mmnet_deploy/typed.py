"""Stored values read into records: every field is checked against its declared type."""

from __future__ import annotations

import functools
import json
import math
import re
import typing
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

LEAST, MOST = -(2**63), 2**63 - 1
"""Whole numbers that are read; those beyond them are damage, and tables cannot hold them."""

_WHOLE = re.compile(rb"[\s:,\[]-?[0-9]{19}")
"""What may be a whole number beyond `MOST`."""

_DIGITS_AS_0 = bytes.maketrans(b"123456789", b"000000000")

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


def _may_be_large(text: bytes) -> bool:
    """Whether a whole number in JSON may be beyond `MOST`."""
    # Looking for a long run of zeros first takes less time than the expression.
    return b"0" * 19 in text.translate(_DIGITS_AS_0) and bool(_WHOLE.search(text))


def from_json(
    text: str | bytes, kind: type[T], upgrade: Callable[[Any], Any] = lambda content: content
) -> T:
    """JSON as a record of the type `kind`; fields that the type does not have are left out.

    Of a field that is there twice the last one counts. Numbers are finite, and whole ones have
    64 bits with their sign. Bytes are UTF-8.

    Args:
        upgrade: Makes today's form of an earlier one; takes and returns what `json.loads` gives.

    Raises:
        ValueError: It is no JSON, or a field is missing or of another type.
    """
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if not _may_be_large(content):
        try:
            return typing.cast("T", _decoder(typing.cast("Any", kind)).decode(content))
        except (msgspec.MsgspecError, UnicodeError, OverflowError, RecursionError):
            pass  # An earlier form, or damage.
    try:
        values = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from error
    return from_values(values, kind, upgrade)


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
    """Refuse numbers that JSON or a table does not have, wherever they are."""
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
