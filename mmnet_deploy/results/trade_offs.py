"""Latencies joined with errors: the points of the trade-off chart, and their Pareto front."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from mmnet_deploy.errors import ResultError
from mmnet_deploy.results import naming
from mmnet_deploy.results.estimate import LatencyProfile, NoEstimateError, estimate
from mmnet_deploy.results.latency import Latency, summarise
from mmnet_deploy.results.records import Benchmark, Cost, Evaluation, Record

if TYPE_CHECKING:
    import pandas as pd

OTHER_FAMILY = "other models"
NAMES = 3
"""How many models a note names; of more, it says how many."""


@dataclasses.dataclass(frozen=True)
class TradeOff:
    """One point of the trade-off chart.

    Attributes:
        family: Title of the network family, or "other models".
        label: What stands beside the point.
        latency_ms: What `statistic` names, and the ends of its 95 % confidence interval.
        error: What `metric` says: a plain number, not ×10⁻³; lower is better.
        parameters: Number of weights, if known.
        device: What the latency was measured on, with the settings that all points of that
            device share; no other device has that name.
        valid: Whether the benchmark kept its rules, and the model beats a constant matte.
        statistic: A name in `latency.STATISTICS`.
        emulated: Whether the device is no real phone, so that its times mean nothing.
        metric: Name of what `error` is.
        source: `measured` here, `estimated` from a count of instructions, or `published` by
            others on their data, engine and phone.
    """

    family: str
    label: str
    latency_ms: float
    latency_low_ms: float
    latency_high_ms: float
    error: float
    parameters: int | None
    device: str
    valid: bool = True
    statistic: str = "median"
    emulated: bool = False
    metric: str = "gradient_error"
    source: str = "measured"


@dataclasses.dataclass(frozen=True)
class Joined:
    """Benchmarks with the quality of the same model file, and what was left out."""

    rows: tuple[tuple[Benchmark, Evaluation], ...]
    notes: tuple[str, ...]

    @property
    def points(self) -> list[TradeOff]:
        """The rows as points of the trade-off chart."""
        return self.trade_offs()

    def trade_offs(
        self, metric: str = "gradient_error", statistic: str | None = None
    ) -> list[TradeOff]:
        """The rows as points of a metric against a statistic of the latency.

        Args:
            metric: Name of one of the evaluations' scores.
            statistic: A name in `latency.STATISTICS`; by default what the run rules quote.

        Raises:
            ResultError: An evaluation lacks the metric, or an engine does not give the statistic.
        """
        shown = [benchmark for benchmark, _ in self.rows]
        groups = naming.by_device(shown)
        names = naming.device_names(groups)
        headings = {device: naming.heading(names[device], groups[device]) for device in groups}
        # Each gives the labels of its device in the order of the rows.
        labels = {device: naming.labels(groups[device], shown) for device in groups}
        points = []
        for benchmark, evaluation in self.rows:
            device = naming.same_device(benchmark.device)
            label = next(labels[device])
            heading = headings[device]
            points.append(_point(benchmark, evaluation, heading, label, metric, statistic))
        return points


def join(records: Sequence[Record], emulated: bool = False) -> Joined:
    """Match benchmarks to evaluations by the model file's hash.

    Of several benchmarks with the same settings the middle one is taken, of several
    evaluations of a model the newest; a note says so.

    Args:
        records: Benchmarks and evaluations.
        emulated: Whether results of emulated phones stand beside real ones; without real
            ones they are taken in any case.

    Raises:
        ResultError: The evaluations used different data, sizes or definitions.
    """
    benchmarks = [record for record in records if isinstance(record, Benchmark)]
    groups = naming.repeats(sorted(benchmarks, key=lambda b: b.created_at))
    notes = _repeats_note(groups)
    scored = [record for record in records if isinstance(record, Evaluation)]
    evaluations = {e.model.sha256: e for e in sorted(scored, key=lambda e: e.created_at)}
    if len(evaluations) < len(scored):
        notes.append(f"{len(scored) - len(evaluations)} older evaluation(s) of a model left out.")
    rows = []
    unknown: dict[str, str] = {}
    for benchmark in map(middle, groups):
        evaluation = evaluations.get(benchmark.model.sha256)
        if evaluation:
            rows.append((benchmark, evaluation))
        else:
            unknown[benchmark.model.sha256] = benchmark.model.name
    if unknown:
        which = "that very file" if len(unknown) == 1 else "those very files"
        notes.append(
            f"No gradient error is known of {_some(unknown.values())}: evaluate {which} with "
            "`mmnet-deploy evaluate FILE --data DIR -o RESULTS`."
        )
    notes += [e.note for e in evaluations.values() if e.note]
    _one_definition(scored)
    if not emulated:
        rows = _without_emulated(rows, notes)
    return Joined(tuple(rows), tuple(notes))


def _one_definition(evaluations: Sequence[Evaluation]) -> None:
    """Refuse to compare qualities that were measured in different ways."""
    ways = {
        f"{e.data}/{e.split} ({len(e.pictures)} pictures) at "
        + (f"{e.height_px}×{e.width_px}" if e.height_px else "native size")
        + f", masks {e.data_sha256[:8]}, {e.gradient_error_definition}"
        for e in evaluations
    }
    if len(ways) > 1:
        raise ResultError(
            "The evaluations are not comparable: " + "; ".join(sorted(ways)) + ". "
            "Give results of one data set, split and size."
        )


def middle(repeated: Sequence[Benchmark]) -> Benchmark:
    """The one in the middle by its latency, of two the slower; valid ones are preferred."""
    candidates = [b for b in repeated if not b.broken_rules] or repeated
    ordered = sorted(candidates, key=lambda b: (_latency(b).quoted_us, b.created_at))
    return ordered[len(ordered) // 2]


def _repeats_note(groups: Sequence[Sequence[Benchmark]]) -> list[str]:
    """What became of benchmarks with equal settings, in one line if there are any."""
    groups = [group for group in groups if len(group) > 1]
    if not groups:
        return []
    names = {group[0].model.name for group in groups}
    total = sum(map(len, groups))
    if len(groups) == 1:
        line = f"{total} benchmarks with the same settings of {names.pop()}: the middle one"
    else:
        of = f" of {names.pop()}" if len(names) == 1 else f" of {len(names)} models"
        line = f"{total} benchmarks{of} share {len(groups)} settings: the middle one of each"
    invalid = any({bool(b.broken_rules) for b in group} == {True, False} for group in groups)
    return [line + (" that is valid" if invalid else "") + " is shown."]


def _some(names: Collection[str]) -> str:
    """The first few names, and how many more there are."""
    shown = [*names]
    if len(shown) > NAMES:
        shown[NAMES:] = [f"{len(shown) - NAMES} more"]
    *first, last = shown
    return f"{', '.join(first)} and {last}" if first else last


def _without_emulated(
    rows: list[tuple[Benchmark, Evaluation]], notes: list[str]
) -> list[tuple[Benchmark, Evaluation]]:
    """Only the real ones, if there are any."""
    real = [row for row in rows if not row[0].device.emulated]
    left_out = len(rows) - len(real)
    if not real or not left_out:
        return rows
    one = left_out == 1
    notes.append(
        f"{left_out} emulated {'result' if one else 'results'} left out: "
        f"{'its time is' if one else 'their times are'} not a phone's; --emulated shows "
        f"{'it' if one else 'them'}."
    )
    return real


def _latency(benchmark: Benchmark, statistic: str | None = None) -> Latency:
    """What the run rules quote, or another statistic.

    Raises:
        ResultError: The engine does not give it.
    """
    quoted = "p90" if benchmark.rules.percentile == 90 else "median"
    found = summarise(benchmark.measurement, statistic=statistic or quoted)
    if statistic and found.statistic != statistic:
        raise ResultError(
            f"The engine gave no {statistic} of {benchmark.model.name}, only its {found.statistic}."
        )
    return found


def _error(evaluation: Evaluation, metric: str) -> float:
    """A score as an error: lower is better."""
    scores = evaluation.scores
    if metric not in scores:
        raise ResultError(
            f"The evaluation of {evaluation.model.name} has no {metric}, only {', '.join(scores)}."
        )
    return 1 - scores[metric] if metric == "mean_iou" else scores[metric]


def _point(
    benchmark: Benchmark,
    evaluation: Evaluation,
    device: str,
    label: str,
    metric: str,
    statistic: str | None,
) -> TradeOff:
    latency = _latency(benchmark, statistic)
    card = benchmark.model.card
    return TradeOff(
        family=card.title if card else OTHER_FAMILY,
        label=label,
        latency_ms=latency.quoted_us / 1000,
        latency_low_ms=latency.low_us / 1000,
        latency_high_ms=latency.high_us / 1000,
        error=_error(evaluation, metric),
        parameters=(card.parameters or None) if card else None,
        device=device,
        valid=not (benchmark.broken_rules or evaluation.beaten_by_constant),
        statistic=latency.statistic,
        emulated=benchmark.device.emulated,
        metric=metric,
    )


def estimates(
    records: Sequence[Record], profile: LatencyProfile, metric: str = "gradient_error"
) -> tuple[list[TradeOff], list[str]]:
    """Latencies that counts of instructions stand for, as points of a device of their own.

    Args:
        records: Counts and evaluations, matched by the model file's hash; of several the
            newest.
        profile: What a count means.
        metric: See `Joined.trade_offs`.

    Returns:
        The points, and why counted models have none, one line each.

    Raises:
        ResultError: An evaluation lacks the metric.
    """
    ordered = sorted(records, key=lambda record: record.created_at)
    costs = {r.model.sha256: r for r in ordered if isinstance(r, Cost)}
    qualities = {r.model.sha256: r for r in ordered if isinstance(r, Evaluation)}
    shown = []
    unknown: dict[str, list[str]] = {}
    for sha256, cost in costs.items():
        try:
            found = estimate(cost, profile)
        except NoEstimateError as error:
            unknown.setdefault(str(error), []).append(cost.model.name)
            continue
        if sha256 in qualities:
            shown.append((cost, found, qualities[sha256]))
    labels = naming.model_labels([cost.model for cost, _, _ in shown])
    share = 100 * (profile.interval_factor - 1)
    device = f"estimated from arm64 instructions: {profile.name}, ±{share:.0f} %"
    points = [
        TradeOff(
            family=cost.model.card.title if cost.model.card else OTHER_FAMILY,
            label=label,
            latency_ms=found.latency_ms,
            latency_low_ms=found.low_ms,
            latency_high_ms=found.high_ms,
            error=_error(evaluation, metric),
            parameters=(cost.model.card.parameters or None) if cost.model.card else None,
            device=device,
            valid=not evaluation.beaten_by_constant,
            metric=metric,
            source="estimated",
        )
        for (cost, found, evaluation), label in zip(shown, labels, strict=True)
    ]
    return points, [
        f"No estimated latency of {_some(names)}: {why}." for why, names in unknown.items()
    ]


def table(joined: Joined) -> pd.DataFrame:
    """One row per benchmark with its quality; units stand in the column names."""
    import pandas as pd  # which takes longer to import than most folders to read

    rows = []
    for benchmark, evaluation in joined.rows:
        latency = _latency(benchmark)
        card, engine = benchmark.model.card, benchmark.engine
        rows.append(
            {
                "model": benchmark.model.name,
                "precision": card.precision if card else None,
                **evaluation.scores,
                "size_bytes": benchmark.model.size_bytes,
                "latency_ms": latency.quoted_us / 1000,
                "statistic": latency.statistic,
                "latency_low_ms": latency.low_us / 1000,
                "latency_high_ms": latency.high_us / 1000,
                "latency_p90_ms": None if latency.p90_us is None else latency.p90_us / 1000,
                "runs": latency.runs,
                "init_ms": None if benchmark.init_us is None else benchmark.init_us / 1000,
                "peak_memory_bytes": benchmark.peak_memory_bytes,
                "threads": benchmark.threads,
                "cores": ",".join(map(str, benchmark.cores)),
                "engine": naming.engine_name(engine),
                "engine_sha256": engine.sha256[:12],
                "requested_delegate": engine.requested or engine.delegate,
                "delegate": engine.delegate,
                "nodes": engine.nodes,
                "delegated_nodes": engine.delegated_nodes,
                "device": benchmark.device.model,
                "serial": benchmark.device.serial,
                "emulated": benchmark.device.emulated,
                "invalid": "; ".join(f"{f.label}: {f.reason}" for f in benchmark.broken_rules),
            }
        )
    # Whole numbers that may be unknown: pandas would make floats of them.
    whole = ("peak_memory_bytes", "nodes", "delegated_nodes")
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64") if rows else {})


# --- The Pareto front ---------------------------------------------------------


def _may_stand(point: TradeOff) -> bool:
    """Whether `point` may be on the front at all.

    A latency that broke the rules of its benchmark is no evidence, so it can neither be
    on the front nor push another point off it. NaN compares false with everything and
    would never be dominated, hence the test for numbers.
    """
    return point.valid and math.isfinite(point.latency_ms) and math.isfinite(point.error)


def dominates(one: TradeOff, other: TradeOff) -> bool:
    """Whether `one` is at least as good as `other` in both measures and better in one."""
    no_worse = one.latency_ms <= other.latency_ms and one.error <= other.error
    better = one.latency_ms < other.latency_ms or one.error < other.error
    return no_worse and better


def front(points: Sequence[TradeOff]) -> list[TradeOff]:
    """The valid points that no other valid point dominates, from fast to slow.

    Lower latency and lower error are better. Points that are equal in both
    measures do not dominate each other: they stay or go together.
    """
    candidates = sorted(
        filter(_may_stand, points),
        key=lambda point: (point.latency_ms, point.error, point.family, point.label),
    )
    kept: list[TradeOff] = []
    for point in candidates:
        # Sorted by latency, so the last point kept is the most exact one so far, and it
        # alone has to be asked.
        if not kept or not dominates(kept[-1], point):
            kept.append(point)
    return kept
