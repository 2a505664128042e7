"""The one JSON form of records; that of a model's description in them is `tflite.card`'s.

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
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mmnet_deploy import typed
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.records import (
    CLIP_SCORES,
    Benchmark,
    Cost,
    Evaluation,
    PictureScore,
    Record,
)
from mmnet_deploy.tflite import card

SCHEMA_VERSION = 4

_KINDS: Mapping[str, type[Record]] = {kind.kind: kind for kind in (Evaluation, Benchmark, Cost)}


def to_json(record: Record) -> str:
    """The stored form; an evaluation's mean scores stand at the top for other tools."""
    head: dict[str, Any] = {"kind": record.kind, "schema_version": SCHEMA_VERSION}
    if isinstance(record, Evaluation):
        head |= record.scores
    return json.dumps(head | dataclasses.asdict(record), indent=1, allow_nan=False) + "\n"


@dataclasses.dataclass(frozen=True)
class _Head:
    kind: str
    schema_version: int


def from_json(text: str | bytes) -> Record:
    """Read a record back.

    Raises:
        ResultError: It is no record, damaged, or of a newer version.
    """
    try:
        head = typed.from_json(text, _Head)
        if head.schema_version > SCHEMA_VERSION:
            raise ResultError(
                f"was written by a newer mmnet-deploy (schema {head.schema_version}, "
                f"this one reads up to {SCHEMA_VERSION})."
            )
        if head.kind not in _KINDS:
            raise ResultError(f"holds an unknown kind of result: {head.kind}.")
        record: Record = typed.from_json(text, _KINDS[head.kind], _upgraded)
    except ValueError as error:
        raise ResultError("is not a result of mmnet-deploy, or is damaged.") from error
    _check(record)
    return record


def _upgraded(content: Any) -> Any:
    """Today's form of a record of any version, as JSON values."""
    model = content["model"]
    return content | {"model": model | {"card": card.upgraded(model.get("card"))}}


def _check(record: Record) -> None:
    """Make sure that it holds what no type can say."""
    if isinstance(record, Evaluation):
        _check_scores(record.pictures)
    elif isinstance(record, Benchmark):
        if not record.measurement.runs:
            raise ResultError("holds no sample.")
    elif not record.runs or record.counts.total < 1:
        raise ResultError("holds no count.")


def _check_scores(pictures: Sequence[PictureScore]) -> None:
    """Make sure that every picture has the same scores, but for those of a clip."""
    names = {name for picture in pictures for name in picture.scores}
    if not names:
        raise ResultError("holds no picture's score.")
    for picture in pictures:
        if not names - CLIP_SCORES <= picture.scores.keys():
            raise ResultError(f"lacks a score of the picture {picture.name}, or is damaged.")
