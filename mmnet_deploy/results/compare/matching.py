"""Matching of two sets of results: what belongs together, and in what the rest differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from mmnet_deploy.results.grouping import grouped
from mmnet_deploy.results.records import Record
from mmnet_deploy.tflite.card import ModelFile

T = TypeVar("T")
R = TypeVar("R", bound=Record)

Facts = Mapping[str, object]
"""What two results must share to be compared, by the names that messages use."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """A fact in which two results differ; lists are not written out."""

    name: str
    baseline: object
    new: object

    def __str__(self) -> str:
        if isinstance(self.baseline, tuple):
            return f"other {self.name}"
        return f"{self.name} {_short(self.baseline)} → {_short(self.new)}"


def _short(value: object) -> str:
    """A value as it stands in a message; hashes by their first digits."""
    text = str(value)
    if isinstance(value, str) and len(text) == 64:
        return text[:8]
    return text or "none"


@dataclasses.dataclass(frozen=True)
class Match(Generic[T]):
    """Results that belong together; one side may have none.

    Attributes:
        differences: Why they cannot be compared all the same; empty if they can be.
    """

    baseline: Sequence[T]
    new: Sequence[T]
    differences: tuple[Difference, ...] = ()


def _identity(model: ModelFile) -> tuple[object, ...]:
    """What a model keeps when it is built anew: its name and operating point."""
    card = model.card
    if card is None:
        return (model.name,)
    size = card.height_px, card.width_px
    return model.name, card.family, card.width_multiplier, size, card.precision, card.graph


def newest(results: Sequence[Record], side: str, notes: list[str]) -> list[Record]:
    """Results of the newest file of each model; a note tells of older files."""
    kept = []
    for group in grouped(results, lambda result: _identity(result.model)).values():
        model = max(group, key=lambda result: result.created_at).model
        kept += [result for result in group if result.model.sha256 == model.sha256]
        others = len({result.model.sha256 for result in group}) - 1
        if others:
            files = "file" if others == 1 else "files"
            notes.append(f"{model.name}: {others} older {files} of that name in {side} left out.")
    return kept


def by_model(baseline: Iterable[R], new: Iterable[R]) -> Iterator[Match[R]]:
    """Results of each model on both sides, whatever else they differ in."""
    before, after = (
        grouped(side, lambda result: _identity(result.model)) for side in (baseline, new)
    )
    for identity in dict.fromkeys([*before, *after]):
        yield Match(before.get(identity, []), after.get(identity, []))


def by_facts(match: Match[T], facts: Callable[[T], Facts]) -> Iterator[Match[T]]:
    """The parts of a match that have equal facts, then what has no equal on the other side.

    The latter is matched with what differs from it in the fewest facts, as long as the other
    side has anything left.
    """

    def values(item: T) -> tuple[object, ...]:
        return tuple(facts(item).values())

    before, after = grouped(match.baseline, values), grouped(match.new, values)
    for equal in [key for key in before if key in after]:
        yield Match(before.pop(equal), after.pop(equal))
    for group in before.values():
        mine = facts(group[0])
        apart = {key: _differences(mine, facts(others[0])) for key, others in after.items()}
        if apart:
            closest = min(apart, key=lambda key: len(apart[key]))
            yield Match(group, after.pop(closest), apart[closest])
        else:
            yield Match(group, [])
    for group in after.values():
        yield Match([], group)


def _differences(baseline: Facts, new: Facts) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, baseline[name], new[name])
        for name in baseline
        if baseline[name] != new[name]
    )
