"""Two sets of results side by side: what changed, beyond noise, and what cannot be compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from android_benchmark import Measurement
from mmnet_deploy.results import change, naming
from mmnet_deploy.results.change import Change
from mmnet_deploy.results.latency import summarise
from mmnet_deploy.results.records import Benchmark, Cost, Evaluation
from mmnet_deploy.tflite.card import ModelFile

BETTER, SAME, WORSE, NOT_COMPARABLE = "better", "same", "worse", "not comparable"
BASELINE, NEW = "the baseline", "the new results"


@dataclasses.dataclass(frozen=True)
class Quantity:
    """Something that is compared.

    Attributes:
        title: What stands in a table, with its unit.
        limit: The name of its threshold; empty if there is none.
        least: Changes below this share are none.
    """

    name: str
    title: str
    limit: str = ""
    least: float = 0.0
    lower_is_better: bool = True


QUANTITIES = {
    quantity.name: quantity
    for quantity in (
        Quantity("latency_ms", "latency (ms)", "latency", change.LEAST_LATENCY),
        Quantity("gradient_error", "gradient error", "error", 0.001),
        Quantity("mad", "MAD", "", 0.001),
        Quantity("mean_iou", "mean IoU", "", 0.001, lower_is_better=False),
        Quantity("size_bytes", "size (bytes)", "size", 0.0001),
        # Pages, thread stacks and the allocator move it from run to run.
        Quantity("peak_memory_bytes", "peak memory (bytes)", "", 0.05),
        Quantity("instructions", "instructions", "cost", 0.0001),
    )
}
LIMITS = tuple(quantity.limit for quantity in QUANTITIES.values() if quantity.limit)
_METRICS = ("gradient_error", "mad", "mean_iou")


@dataclasses.dataclass(frozen=True)
class Row:
    """One quantity of one model, before and after.

    Attributes:
        setting: Device, engine and threads, or data and size; empty for what needs none.
        baseline, new: None where that side has none.
        verdict: `better`, `same`, `worse` or `not comparable`.
        reason: Why it is not comparable.
        exceeded: The limit that it breaks, as a share; None if it breaks none.
    """

    model: str
    quantity: str
    setting: str
    baseline: float | None
    new: float | None
    change: Change | None
    verdict: str
    reason: str = ""
    exceeded: float | None = None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """All rows, sorted by quantity and model."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    limits: Mapping[str, float]

    @property
    def exceeded(self) -> tuple[Row, ...]:
        """The rows that break a limit."""
        return tuple(row for row in self.rows if row.exceeded is not None)

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Limits that not a single row could be held to."""
        checked = {QUANTITIES[r.quantity].limit for r in self.rows if r.verdict != NOT_COMPARABLE}
        return tuple(limit for limit in self.limits if limit not in checked)


def compare(
    baseline: Sequence[Any], new: Sequence[Any], limits: Mapping[str, float] | None = None
) -> Comparison:
    """Match results by the name and the operating point of the model, and compare them.

    A new build of a model has another hash, so hashes play no part; of several files of one
    name and operating point on one side the newest counts. Latencies are of equal devices,
    engines, threads, delegates, cores and rules, or they are not compared.

    Args:
        baseline, new: Stored results.
        limits: Greatest increase by limit, as a share: `latency`, `error`, `size`, `cost`.
    """
    limits = limits or {}
    notes: list[str] = []
    sides = [_newest(side, where, notes) for side, where in ((baseline, BASELINE), (new, NEW))]
    rows = [row for of in (_latencies, _qualities, _sizes, _costs) for row in of(*sides)]
    order = list(QUANTITIES)
    rows.sort(key=lambda row: (order.index(row.quantity), row.model, row.setting))
    return Comparison(tuple(_held(row, limits) for row in rows), tuple(notes), dict(limits))


def _held(row: Row, limits: Mapping[str, float]) -> Row:
    """The row with the limit that it breaks."""
    quantity = QUANTITIES[row.quantity]
    limit = limits.get(quantity.limit)
    if limit is None or row.change is None or row.verdict != WORSE:
        return row
    broken = row.change.exceeds(limit, quantity.lower_is_better)
    return dataclasses.replace(row, exceeded=limit) if broken else row


# --- Matching ----------------------------------------------------------------

Identity = tuple[object, ...]
T = TypeVar("T")


def _identity(model: ModelFile) -> Identity:
    """What a model keeps when it is built anew: its name and operating point."""
    card = model.card
    if card is None:
        return (model.name,)
    size = card.height_px, card.width_px
    return model.name, card.family, card.width_multiplier, size, card.precision, card.graph


def _by(of: Callable[[T], Any], items: Iterable[T]) -> dict[Any, list[T]]:
    groups: dict[Any, list[T]] = {}
    for item in items:
        groups.setdefault(of(item), []).append(item)
    return groups


def _newest(results: Sequence[Any], side: str, notes: list[str]) -> list[Any]:
    """Results of the newest file of each model; a note tells of older ones."""
    kept = []
    for group in _by(lambda r: _identity(r.model), results).values():
        newest = max(group, key=lambda r: r.created_at).model
        kept += [result for result in group if result.model.sha256 == newest.sha256]
        others = len({result.model.sha256 for result in group}) - 1
        if others:
            files = "file" if others == 1 else "files"
            notes.append(f"{newest.name}: {others} older {files} of that name in {side} left out.")
    return kept


def _short(value: object) -> str:
    """A value in a reason; hashes by their first digits."""
    text = str(value)
    if isinstance(value, str) and len(text) == 64:
        return text[:8]
    return text or "none"


def _unlike(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return [
        f"{name} {_short(before[name])} → {_short(after[name])}"
        for name in before
        if before[name] != after[name]
    ]


def _matched(
    baseline: Iterable[T], new: Iterable[T], facts: Callable[[T], Mapping[str, object]]
) -> Iterator[tuple[list[T], list[T], str]]:
    """Groups of equal facts with their partners, and why those without an equal have none.

    What has no equal is shown with what is most like it, if the other side has anything.
    """

    def key(item: T) -> tuple:
        return tuple(facts(item).values())

    before, after = _by(key, baseline), _by(key, new)
    for equal in [k for k in before if k in after]:
        yield before.pop(equal), after.pop(equal), ""
    for group in before.values():
        mine = facts(group[0])
        unlike = {k: _unlike(mine, facts(others[0])) for k, others in after.items()}
        if unlike:
            closest = min(unlike, key=lambda k: len(unlike[k]))
            yield group, after.pop(closest), "; ".join(unlike[closest])
        else:
            yield group, [], f"only in {BASELINE}"
    for group in after.values():
        yield [], group, f"only in {NEW}"


def _models(baseline: list[Any], new: list[Any]) -> Iterator[tuple[list[Any], list[Any]]]:
    """Results of each model on both sides."""
    sides = [_by(lambda r: _identity(r.model), side) for side in (baseline, new)]
    for identity in dict.fromkeys([*sides[0], *sides[1]]):
        yield sides[0].get(identity, []), sides[1].get(identity, [])


def _of(kind: type[T], results: Sequence[Any]) -> list[T]:
    return [result for result in results if isinstance(result, kind)]


# --- Latency and memory ------------------------------------------------------


def _conditions(result: Benchmark) -> dict[str, object]:
    """What two latencies must share, by the words of a message."""
    device, engine = result.device, result.engine
    return {
        "device": device.model,
        "serial": device.serial,
        "processor": device.processor,
        "system": device.system,
        "ABI": device.abi,
        "API level": device.sdk,
        "device build": device.build,
        "kernel": device.kernel,
        "engine": naming.engine_name(engine),
        "engine hash": engine.sha256,
        "requested delegate": engine.requested or engine.delegate,
        "delegate": engine.delegate,
        "threads": result.threads,
        "requested cores": result.cores_wanted,
        "cores": ",".join(map(str, result.cores)),
        "rules": naming.rules_name(result.rules),
        "rule details": result.rules,
        "statistic": summarise(result.measurement, result.rules.percentile).statistic,
        "emulated": device.emulated,
    }


def _reason(differences: str) -> str:
    """Without what only repeats what another difference says."""
    parts = differences.split("; ")
    if any(part.startswith("rules ") for part in parts):
        parts = [part for part in parts if not part.startswith("rule details ")]
    return "; ".join(part for part in parts if part)


def _setting(result: Benchmark) -> str:
    device = result.device.model + " (emulated)" * result.device.emulated
    parts = [device, naming.threads_name(result.threads), naming.delegate_name(result.engine)]
    if result.cores_wanted:
        parts.append(f"{result.cores_wanted} cores")
    return ", ".join(parts)


def _valid(results: Sequence[Benchmark]) -> tuple[list[Benchmark], str]:
    """The valid ones; with none, why the first is not."""
    valid = [result for result in results if not result.broken_rules]
    if valid or not results:
        return valid, ""
    flag = results[0].broken_rules[0]
    return list(results), f"{flag.label}: {flag.reason}" if flag.reason else flag.label


def _latencies(baseline: list[Any], new: list[Any]) -> Iterator[Row]:
    for before, after in _models(_of(Benchmark, baseline), _of(Benchmark, new)):
        for mine, others, differences in _matched(before, after, _conditions):
            yield from _latency(mine, others, _reason(differences))


def _middle_ms(results: Sequence[Benchmark]) -> float | None:
    """What is quoted; of repetitions, the one in the middle, of two the slower."""
    quoted = sorted(summarise(r.measurement, r.rules.percentile).quoted_us for r in results)
    return quoted[len(quoted) // 2] / 1000 if quoted else None


def _latency(baseline: Sequence[Benchmark], new: Sequence[Benchmark], reason: str) -> Iterator[Row]:
    first = (new or baseline)[0]
    sides, invalid = zip(*map(_valid, (baseline, new)), strict=True)
    for why, where in zip(invalid, (BASELINE, NEW), strict=True):
        if why and not reason:
            reason = f"{where} {'is' if where == BASELINE else 'are'} invalid: {why}"
    if first.device.emulated and not reason:
        reason = "times under emulation are not a phone's"
    runs: list[list[Measurement]] = [[result.measurement for result in side] for side in sides]
    lacking = next(filter(None, map(change.lacking, runs[0] + runs[1])), "")
    reason = reason or lacking
    found = None if reason else change.of_latency(runs[0], runs[1], first.rules.percentile)
    values = [_middle_ms(side) for side in sides]
    yield _row(first.model, "latency_ms", _setting(first), values, found, reason)
    memory = [_memory(side) for side in sides]
    if None not in memory and not reason.startswith("only"):
        # Repetitions of a count have no samples; their medians are compared.
        apart = reason if reason != lacking else ""
        yield _counted(first.model, "peak_memory_bytes", _setting(first), memory, apart)


def _memory(results: Sequence[Benchmark]) -> float | None:
    known = sorted(r.peak_memory_bytes for r in results if r.peak_memory_bytes)
    return float(known[len(known) // 2]) if known else None


# --- Quality, size and cost --------------------------------------------------


def _way(result: Evaluation) -> dict[str, object]:
    """What two qualities must share, by the words of a message."""
    return {
        "data": f"{result.data}/{result.split}",
        "masks": result.data_sha256,
        "size": f"{result.height_px}×{result.width_px}" if result.height_px else "native",
        "definition": result.gradient_error_definition,
        "pictures": tuple(sorted(picture.name for picture in result.pictures)),
    }


def _latest(results: Sequence[T]) -> list[T]:
    return [max(results, key=lambda r: r.created_at)] if results else []  # type: ignore[attr-defined]


def _qualities(baseline: list[Any], new: list[Any]) -> Iterator[Row]:
    for before, after in _models(_of(Evaluation, baseline), _of(Evaluation, new)):
        for mine, others, differences in _matched(before, after, _way):
            if "pictures (" in differences:
                differences = differences.partition("pictures (")[0] + "other pictures"
            yield from _quality(_latest(mine), _latest(others), differences)


def _quality(
    baseline: Sequence[Evaluation], new: Sequence[Evaluation], reason: str
) -> Iterator[Row]:
    first = (new or baseline)[0]
    way = _way(first)
    setting = f"{way['data']} at {way['size']}"
    for name in _METRICS:
        if not all(name in result.scores for result in (*baseline, *new)):
            continue
        values = [side[0].scores[name] if side else None for side in (baseline, new)]
        found, why = None, reason
        if not reason:
            scores = [
                [p.scores[name] for p in sorted(side[0].pictures, key=lambda p: p.name)]
                for side in (baseline, new)
            ]
            try:
                found = change.of_paired(*scores)
            except ValueError as error:
                why = f"{error}"
        yield _row(first.model, name, setting, values, found, why)


def _sizes(baseline: list[Any], new: list[Any]) -> Iterator[Row]:
    for before, after in _models(baseline, new):
        values = [float(side[0].model.size_bytes) if side else None for side in (before, after)]
        reason = ""
        if None in values:
            reason = f"only in {BASELINE if before else NEW}"
        yield _counted((after or before)[0].model, "size_bytes", "", values, reason)


def _costs(baseline: list[Any], new: list[Any]) -> Iterator[Row]:
    sides = [_of(Cost, side) for side in (baseline, new)]
    for before, after in _models(*sides):
        for mine, others, reason in _matched(before, after, lambda r: r.conditions):
            both = [_latest(mine), _latest(others)]
            values = [float(side[0].counts.total) if side else None for side in both]
            first = (both[1] or both[0])[0]
            setting = ", ".join(
                first.conditions[name] for name in ("core", "delegate") if name in first.conditions
            )
            yield _counted(first.model, "instructions", setting, values, reason)


# --- Rows --------------------------------------------------------------------


def _counted(
    model: ModelFile, quantity: str, setting: str, values: list[float | None], reason: str
) -> Row:
    """A row of numbers that are exact, or of which one each is known."""
    before, after = values
    found = None
    if not reason and before is not None and after is not None:
        try:
            found = change.of_exact(before, after)
        except ValueError as error:
            reason = f"{error}"
    return _row(model, quantity, setting, values, found, reason)


def _row(
    model: ModelFile,
    quantity: str,
    setting: str,
    values: list[float | None],
    found: Change | None,
    reason: str,
) -> Row:
    kind = QUANTITIES[quantity]
    verdict = NOT_COMPARABLE
    if found is not None:
        verdict = found.verdict(kind.least, kind.lower_is_better)
    before, after = values
    return Row(model.name, quantity, setting, before, after, found, verdict, reason)
