"""The one JSON form of records and of a model's card.

History of SCHEMA_VERSION:
    1  the first form
    2  a model's card tells height from width, and how its graph and its ends were made
    3  benchmarks on phones: engines that give statistics only, the delegate that was asked
       for, cores, memory, operators, outputs compared with the host's, what a flag wants
    4  costs: arm64 instructions, counted under emulation; evaluations hold the scores that were
       asked for; the first frame of a clip lacks those that compare it with the frame before
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.records import (
    CLIP_SCORES,
    Benchmark,
    Cost,
    Evaluation,
    ModelCard,
    PictureScore,
    Record,
)

SCHEMA_VERSION = 4


def to_json(record: Record) -> str:
    """The stored form; an evaluation's mean scores stand at the top for other tools."""
    head: dict[str, Any] = {"kind": record.kind, "schema_version": SCHEMA_VERSION}
    if isinstance(record, Evaluation):
        head |= record.scores
    return json.dumps(head | dataclasses.asdict(record), indent=1, allow_nan=False) + "\n"


def card_to_json(card: ModelCard) -> str:
    """The form in a model's metadata buffer: sorted, so that equal cards are equal bytes."""
    content = {"schema_version": SCHEMA_VERSION} | dataclasses.asdict(card)
    return json.dumps(content, sort_keys=True)


def _read(hint: Any, value: Any) -> Any:
    """A JSON value as what the type `hint` says: records, tuples, mappings, plain values.

    Fields that a newer version may have added are left out.

    Raises:
        ValueError, TypeError, KeyError, OverflowError: It is something else.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _read(arguments[0], value)
    if dataclasses.is_dataclass(hint):
        if hint is ModelCard and "input_size" in value:  # Version 1 knew squares only.
            value = value | {"height_px": value["input_size"], "width_px": value["input_size"]}
        hints = typing.get_type_hints(hint)
        names = [field.name for field in dataclasses.fields(hint) if field.name in value]
        return hint(**{name: _read(hints[name], value[name]) for name in names})  # type: ignore[operator]
    if origin is tuple and isinstance(value, list):
        return tuple(_read(arguments[0], item) for item in value)
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: _read(arguments[1], item) for key, item in value.items()}
    if hint is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    raise TypeError(f"{value!r} is no {hint}")


_DAMAGE = (ValueError, TypeError, KeyError, OverflowError, RecursionError)


def card_from_json(text: str | bytes) -> ModelCard:
    """Read a card back.

    Raises:
        ResultError: It is damaged.
    """
    try:
        return _read(ModelCard, json.loads(text))
    except _DAMAGE as error:
        raise ResultError("The model's description is damaged.") from error


def _check_scores(pictures: Sequence[PictureScore]) -> None:
    """Make sure that every picture has the same scores, but for those of a clip."""
    names = {name for picture in pictures for name in picture.scores}
    if not names:
        raise ResultError("holds no picture's score.")
    for picture in pictures:
        if not names - CLIP_SCORES <= picture.scores.keys():
            raise ResultError(f"lacks a score of the picture {picture.name}, or is damaged.")


class _Head(msgspec.Struct):
    kind: str
    schema_version: int


@functools.cache
def _decoder(kind: Any) -> msgspec.json.Decoder:
    """Reads JSON into what the type `kind` says; building it takes longer than reading."""
    return msgspec.json.Decoder(kind)


def _read_fast(text: str | bytes) -> Record | None:
    """A sound record; None where `_read` has to see to it, or to say what is wrong.

    msgspec checks types as strictly as `_read` does, in a fraction of the time
    (`benchmarks/many_results.py`). It knows neither the first form of a card nor names that
    are no valid text.
    """
    try:
        head = _decoder(_Head).decode(text)
        if head.schema_version > SCHEMA_VERSION or head.kind not in _KINDS:
            return None
        return _decoder(_KINDS[head.kind]).decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


_KINDS: Mapping[str, Any] = {kind.kind: kind for kind in (Evaluation, Benchmark, Cost)}


def from_json(text: str | bytes) -> Record:
    """Read a record back.

    Raises:
        ResultError: It is no record, damaged, or of a newer version.
    """
    record = _read_fast(text) or _read_with_reasons(text)
    if isinstance(record, Evaluation):
        _check_scores(record.pictures)
    elif isinstance(record, Benchmark):
        if not record.measurement.runs:
            raise ResultError("holds no sample.")
    elif not record.runs:
        raise ResultError("holds no count.")
    return record


def _read_with_reasons(text: str | bytes) -> Record:
    try:
        content = json.loads(text)
        version, name = content["schema_version"], content["kind"]
        if version > SCHEMA_VERSION:
            raise ResultError(
                f"was written by a newer mmnet-deploy (schema {version}, "
                f"this one reads up to {SCHEMA_VERSION})."
            )
        if name not in _KINDS:
            raise ResultError(f"holds an unknown kind of result: {name}.")
        return _read(_KINDS[name], content)
    except _DAMAGE as error:
        raise ResultError("is not a result of mmnet-deploy, or is damaged.") from error
