"""What is compared of two sets of results, and why some of it cannot be."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from mmnet_deploy.results import change, naming
from mmnet_deploy.results.compare import matching
from mmnet_deploy.results.compare.matching import Match
from mmnet_deploy.results.compare.rows import QUANTITIES, WORSE, Comparison, Row, exact_row, row
from mmnet_deploy.results.grouping import conditions, middle
from mmnet_deploy.results.latency import quoted
from mmnet_deploy.results.records import Benchmark, Cost, Evaluation, Record

BASELINE, NEW = "the baseline", "the new results"
_METRICS = ("gradient_error", "mad", "mean_iou")


def compare(
    baseline: Sequence[Record], new: Sequence[Record], limits: Mapping[str, float] | None = None
) -> Comparison:
    """Match results by the name and the operating point of the model, and compare them.

    A new build of a model has another hash, so hashes play no part; of several files of one
    name and operating point on one side the newest counts. Latencies are of equal devices,
    engines, threads, delegates, cores, rules and all other conditions, or they are not compared.

    Args:
        baseline, new: Stored results.
        limits: Greatest increase by limit, as a share: `latency`, `error`, `size`, `cost`.
    """
    limits = limits or {}
    notes: list[str] = []
    before, after = (
        matching.newest(side, name, notes) for side, name in ((baseline, BASELINE), (new, NEW))
    )
    rows = [one for of in (_latencies, _qualities, _sizes, _costs) for one in of(before, after)]
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


# --- Reasons -----------------------------------------------------------------

K = TypeVar("K", bound=Record)


def _of(kind: type[K], results: Sequence[Record]) -> list[K]:
    return [result for result in results if isinstance(result, kind)]


def _reason(match: Match[K]) -> str:
    """Why the sides of a match cannot be compared; empty if they can be."""
    if not match.new:
        return f"only in {BASELINE}"
    if not match.baseline:
        return f"only in {NEW}"
    names = {difference.name for difference in match.differences}
    return "; ".join(
        str(difference)
        for difference in match.differences
        # The name of the rules says it already.
        if not (difference.name == "rule details" and "rules" in names)
    )


def _arithmetic(
    baseline: Sequence[Benchmark] | Sequence[Cost], new: Sequence[Benchmark] | Sequence[Cost]
) -> str:
    """What a model computed in before and after, where that changed; empty where it did not.

    Converting it again may have changed that, and with it the number.
    """
    before, after = ({it.computes_in for it in side} for side in (baseline, new))
    told = len(before) == len(after) == 1 and before != after and "" not in before | after
    return f", in {before.pop()} → {after.pop()}" if told else ""


def _invalid(results: Sequence[Benchmark]) -> str:
    """Why the first of them is invalid; empty if one of them is valid."""
    broken = [result.broken_rules for result in results]
    if not all(broken):
        return ""
    flag = broken[0][0]
    return f"{flag.label}: {flag.reason}" if flag.reason else flag.label


def _not_evidence(match: Match[Benchmark]) -> str:
    """Why times that were measured alike must not be compared; empty if they may be."""
    for side, where in ((match.baseline, f"{BASELINE} is"), (match.new, f"{NEW} are")):
        if why := _invalid(side):
            return f"{where} invalid: {why}"
    if match.new[0].imported_from:
        return "measured elsewhere: whether the results are valid is unknown"
    if match.new[0].device.emulated:
        return "times under emulation are not a phone's"
    return ""


# --- Latency and memory ------------------------------------------------------


def _conditions(result: Benchmark) -> dict[str, object]:
    """What two latencies must share, by the names that messages use."""
    return {"rules": naming.rules_name(result.rules), **conditions(result)}


def _setting(result: Benchmark) -> str:
    device = result.device.model + " (emulated)" * result.device.emulated
    parts = [device, naming.threads_name(result.threads), naming.delegate_name(result.engine)]
    if result.cores_wanted:
        parts.append(f"{result.cores_wanted} cores")
    if result.profiled:
        parts.append("profiled")
    if result.imported_from:
        parts.append(naming.MEASURED_ELSEWHERE)
    return ", ".join(parts)


def _latencies(baseline: Sequence[Record], new: Sequence[Record]) -> Iterator[Row]:
    for model in matching.by_model(_of(Benchmark, baseline), _of(Benchmark, new)):
        for match in matching.by_facts(model, _conditions):
            yield from _latency(match)


def _latency(match: Match[Benchmark]) -> Iterator[Row]:
    """The rows of latency and of memory; valid results count, if a side has any."""
    first = (match.new or match.baseline)[0]
    reason = _reason(match) or _not_evidence(match)
    sides = [
        [result for result in side if not result.broken_rules] or side
        for side in (match.baseline, match.new)
    ]
    runs = [[result.measurement for result in side] for side in sides]
    percentile = first.rules.percentile if first.rules else 50
    lacks = (change.lacking(run, percentile) for run in runs[0] + runs[1])
    lacking = next(filter(None, lacks), "")
    found = None
    if not (reason or lacking):
        found = change.of_latency(runs[0], runs[1], percentile)
    values = [quoted(middle(side)).quoted_us / 1000 if side else None for side in sides]
    setting = _setting(first) + _arithmetic(*sides)
    yield row(first.model, "latency_ms", setting, values, found, reason or lacking)
    memory = [_memory(side) for side in sides]
    if None not in memory:
        # Repetitions of a count have no samples; their medians are compared.
        yield exact_row(first.model, "peak_memory_bytes", _setting(first), memory, reason)


def _memory(results: Sequence[Benchmark]) -> float | None:
    known = [result.peak_memory_bytes for result in results if result.peak_memory_bytes]
    return float(statistics.median_high(known)) if known else None


# --- Quality, size and cost --------------------------------------------------


def _way(result: Evaluation) -> dict[str, object]:
    """What two qualities must share, by the names that messages use."""
    return {
        "data": f"{result.data}/{result.split}",
        "masks": result.data_sha256,
        "size": f"{result.height_px}×{result.width_px}" if result.height_px else "native",
        "upsample": result.upsample,
        "definition": result.gradient_error_definition,
        "pictures": tuple(sorted(picture.name for picture in result.pictures)),
    }


def _latest(results: Sequence[K]) -> K | None:
    return max(results, key=lambda result: result.created_at, default=None)


def _qualities(baseline: Sequence[Record], new: Sequence[Record]) -> Iterator[Row]:
    for model in matching.by_model(_of(Evaluation, baseline), _of(Evaluation, new)):
        for match in matching.by_facts(model, _way):
            yield from _quality(match)


def _quality(match: Match[Evaluation]) -> Iterator[Row]:
    baseline, new = _latest(match.baseline), _latest(match.new)
    sides = [side.scores if side else None for side in (baseline, new)]
    first, reason = (match.new or match.baseline)[0], _reason(match)
    way = _way(first)
    guided = "" if first.upsample == "bilinear" else f", {first.upsample}"
    setting = f"{way['data']} at {way['size']}{guided}"
    for name in _METRICS:
        if not all(name in scores for scores in sides if scores is not None):
            continue
        values = [None if scores is None else scores[name] for scores in sides]
        found, why = None, reason
        if not reason and baseline and new:
            try:
                found = change.of_paired(_by_picture(baseline, name), _by_picture(new, name))
            except ValueError as error:
                why = f"{error}"
        yield row(first.model, name, setting, values, found, why)


def _by_picture(result: Evaluation, metric: str) -> list[float]:
    return [p.scores[metric] for p in sorted(result.pictures, key=lambda p: p.name)]


def _sizes(baseline: Sequence[Record], new: Sequence[Record]) -> Iterator[Row]:
    for match in matching.by_model(baseline, new):
        values = [
            float(side[0].model.size_bytes) if side else None
            for side in (match.baseline, match.new)
        ]
        model = (match.new or match.baseline)[0].model
        yield exact_row(model, "size_bytes", "", values, _reason(match))


def _costs(baseline: Sequence[Record], new: Sequence[Record]) -> Iterator[Row]:
    for model in matching.by_model(_of(Cost, baseline), _of(Cost, new)):
        for match in matching.by_facts(model, lambda result: result.conditions):
            sides = [_latest(match.baseline), _latest(match.new)]
            values = [float(side.counts.total) if side else None for side in sides]
            first = (match.new or match.baseline)[0]
            setting = f"{first.conditions['core']}, {first.conditions['delegate']}"
            setting += _arithmetic(match.baseline, match.new)
            yield exact_row(first.model, "instructions", setting, values, _reason(match))
