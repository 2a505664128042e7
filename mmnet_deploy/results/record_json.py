"""The one JSON form of records; that of a model's description in them is `tflite.card`'s.

History of SCHEMA_VERSION:
    1  the first form
    2  a model's card tells height from width, and how its graph and its ends were made
    3  benchmarks on phones: engines that give statistics only, the delegate that was asked
       for, cores, memory, operators, outputs compared with the host's, what a flag wants
    4  costs: arm64 instructions, counted under emulation; evaluations hold the scores that were
       asked for; the first frame of a clip lacks those that compare it with the frame before
    5  benchmarks say whether the time of operators was asked for, evaluations what was said of
       the model and the masks
    6  the engine's release, origin and libraries, the backend of an accelerator, the delegate's
       precision and the engine's own flags; what a file computes in on a core; how far an output
       may be from the host's, and on which input; results of other tools; what is counted in
       files without a description
    7  evaluations say how the mattes were enlarged; before, that was bilinear throughout
    8  evaluations hold the scores of a matte of one value, picture by picture
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from android_benchmark import Measurement
from mmnet_deploy import typed
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.records import (
    CLIP_SCORES,
    Benchmark,
    Cost,
    Evaluation,
    Record,
)
from mmnet_deploy.tflite import card
from mmnet_deploy.tflite.card import ModelFile

SCHEMA_VERSION = 8

_KINDS: Mapping[str, type[Record]] = {kind.kind: kind for kind in (Evaluation, Benchmark, Cost)}


_HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Text that neither UTF-8 nor a table can hold, such as that of a file name with odd bytes."""

_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def to_json(record: Record) -> str:
    """The stored form; an evaluation's means stand at the top for other tools.

    In a file name that is no valid text, the odd bytes are written out, such as `\\udcff`.
    """
    head: dict[str, Any] = {"kind": record.kind, "schema_version": SCHEMA_VERSION}
    if isinstance(record, Evaluation):
        head |= record.scores
        head["constant_scores"] = record.constant_scores
        head["better_than_constant"] = record.better_than_constant
    content = head | dataclasses.asdict(record)
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    valid = _HALF_PAIR.sub(lambda half: f"\\\\u{ord(half[0]):04x}", text)
    return json.dumps(json.loads(valid), indent=1) + "\n"


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
    if _has_half_pair(text, record):
        raise ResultError("holds text that is no Unicode, or is damaged.")
    _check(record)
    return record


def _has_half_pair(text: str | bytes, record: Record) -> bool:
    """Whether some text of the record holds half of a surrogate pair; `text` is its JSON."""
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if not _ESCAPED_HALF.search(content):
        return False
    return bool(_HALF_PAIR.search(json.dumps(dataclasses.asdict(record), ensure_ascii=False)))


def _upgraded(content: Any) -> Any:
    """Today's form of a record of any version, as JSON values."""
    model = content["model"]
    return content | {"model": model | {"card": card.upgraded(model.get("card"))}}


# --- What no type can say ----------------------------------------------------

MOST_US = 1e13
"""Microseconds, 116 days: no inference takes longer, and sums of many remain exact enough."""

MOST_SCORE = 1e15

# Every kind of result has columns of these names, or fields at its top.
_OF_CONSTANT = {"constant_scores", "better_than_constant"}

_NO_SCORES = {"kind", "schema_version", "file", *_OF_CONSTANT} | {
    field.name
    for kind in (Evaluation, Benchmark, Cost, ModelFile)
    for field in dataclasses.fields(kind)
}


def _check(record: Record) -> None:
    """Make sure that it holds what no type can say."""
    costs = record.model.card or record.model
    if min(costs.parameters or 0, costs.macs or 0) < 0:
        raise ResultError("holds an impossible number of parameters or multiply-adds.")
    if isinstance(record, Evaluation):
        _check_scores([(picture.name, picture.scores) for picture in record.pictures])
        if any(picture.constant for picture in record.pictures):
            _check_scores([(picture.name, picture.constant) for picture in record.pictures])
    elif isinstance(record, Benchmark):
        _check_measurement(record.measurement)
    elif not record.runs or record.counts.total < 1:
        raise ResultError("holds no count.")
    elif (
        record.counts.total > typed.MOST
        or min(*dataclasses.astuple(record.counts), *record.runs) < 0
    ):
        raise ResultError("holds an impossible count.")


def _check_measurement(measurement: Measurement) -> None:
    """Make sure that there are samples, and that none is negative or beyond reason."""
    if measurement.runs < 1:
        raise ResultError("holds no sample.")
    times = [*measurement.warmup_us, *measurement.samples_us]
    if measurement.statistics:
        fields = dataclasses.asdict(measurement.statistics)
        times += [value for name, value in fields.items() if name != "count" and value is not None]
    for time_us in (min(times), max(times)):
        if not 0 <= time_us <= MOST_US:
            raise ResultError(f"holds an impossible time: {time_us:g} µs.")


def _check_scores(of_pictures: Sequence[tuple[str, Mapping[str, float]]]) -> None:
    """Make sure that every picture has the same scores, but for those of a clip.

    Args:
        of_pictures: Names of pictures with their scores.
    """
    names = {name for _, scores in of_pictures for name in scores}
    if not names:
        raise ResultError("holds no picture's score.")
    for name in names:
        # They become the names of columns.
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in _NO_SCORES:
            raise ResultError(f"holds a score without a usable name: {name!a}.")
    for picture, scores in of_pictures:
        if not names - CLIP_SCORES <= scores.keys():
            raise ResultError(f"lacks a score of the picture {picture}, or is damaged.")
        for name, value in scores.items():
            if not 0 <= value <= MOST_SCORE:
                raise ResultError(f"holds an impossible {name}: {value:g}.")
