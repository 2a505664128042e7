"""What the report says, worked out from the records; the template only lays it out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from mmnet_deploy.report import bars
from mmnet_deploy.report.bars import Bars, Share
from mmnet_deploy.report.devices import DevicePart, devices
from mmnet_deploy.report.repeating import evaluation_commands
from mmnet_deploy.report.trade_offs import TradeOffPart, trade_off_part
from mmnet_deploy.results import arithmetic, naming
from mmnet_deploy.results.grouping import newest_by_model, same_device
from mmnet_deploy.results.latency import Latency, quoted
from mmnet_deploy.results.records import Benchmark, Cost, Evaluation
from mmnet_deploy.results.store import StoredResults

MOST_ROWS = 2000
MOST_DETAILS = 60


@dataclasses.dataclass(frozen=True)
class Measured:
    """A benchmark with the quality of the same file, if that is known."""

    result: Benchmark
    latency: Latency
    device: str
    quality: Evaluation | None

    @property
    def delegate(self) -> str:
        return naming.accelerated_by(self.result)

    @property
    def engine(self) -> str:
        return naming.engine_name(self.result.engine)

    @property
    def cores(self) -> str:
        return naming.cores_name(self.result)

    @property
    def setting(self) -> str:
        """What tells two rows of one model apart."""
        parts = [self.device, naming.threads_name(self.result.threads), self.delegate]
        if self.cores:
            parts.append(f"cores {self.cores}")
        if self.result.profiled:
            parts.append("profiled")
        return ", ".join(parts)


@dataclasses.dataclass(frozen=True)
class Report:
    """All that the page shows.

    Attributes:
        arithmetic_told: Whether the table of latencies says what files computed in.
        half_counted: What counts in float16 do not tell; empty where there are none.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    skipped: tuple[str, ...]
    trade_offs: TradeOffPart
    measured: tuple[Measured, ...]
    arithmetic_told: bool
    left_out: int
    detailed: tuple[Measured, ...]
    evaluations: tuple[Evaluation, ...]
    evaluation_commands: tuple[str, ...]
    profiles: tuple[Bars, ...]
    layers: tuple[Bars, ...]
    sizes: tuple[Share, ...]
    costs: tuple[Cost, ...]
    half_counted: str
    devices: tuple[DevicePart, ...]


def build(stored: StoredResults, title: str = "", emulated: bool = False) -> Report:
    """Work out all parts; what cannot be worked out is said in its place."""
    benchmarks = sorted(
        (r for r in stored.records if isinstance(r, Benchmark)), key=lambda r: r.created_at
    )
    evaluations = [r for r in stored.records if isinstance(r, Evaluation)]
    newest = newest_by_model(evaluations)
    names = naming.device_names(b.device for b in benchmarks)
    measured = [
        Measured(
            b,
            quoted(b),
            names[same_device(b.device)],
            newest.get(b.model.sha256),
        )
        for b in benchmarks
    ]
    measured.sort(key=lambda m: (m.result.device.emulated, m.device, m.latency.quoted_us))
    models = {r.model.sha256: r.model for r in stored.records}
    costs = tuple(r for r in stored.records if isinstance(r, Cost))
    return Report(
        title=title or "Portrait matting: quality and latency",
        facts=_facts(models.values(), benchmarks, evaluations, names),
        skipped=stored.skipped,
        trade_offs=trade_off_part(stored.records, emulated),
        measured=tuple(measured[:MOST_ROWS]),
        arithmetic_told=any(map(arithmetic.is_told, benchmarks)),
        left_out=max(len(measured) - MOST_ROWS, 0),
        detailed=tuple(measured[:MOST_DETAILS]),
        evaluations=tuple(sorted(newest.values(), key=_by_quality))[:MOST_ROWS],
        evaluation_commands=evaluation_commands(evaluations),
        profiles=bars.profiles(
            [(f"{m.result.model.name} on {m.setting}", m.result) for m in measured[:MOST_DETAILS]]
        ),
        layers=bars.layers(models.values()),
        sizes=bars.sizes(models.values()),
        costs=costs,
        half_counted=arithmetic.PRICE
        if any(arithmetic.HALF in cost.computes_in for cost in costs)
        else "",
        devices=devices(benchmarks, names),
    )


def _by_quality(result: Evaluation) -> tuple[float, str]:
    """The order of evaluations: the best first, those without a gradient error last."""
    return result.scores.get("gradient_error", math.inf), result.model.name


def _facts(
    models: Any, benchmarks: Sequence[Benchmark], evaluations: Sequence[Evaluation], names: Any
) -> tuple[tuple[str, str], ...]:
    """The figures at the top."""
    invalid = sum(bool(b.broken_rules) for b in benchmarks)
    emulated = sum(b.device.emulated for b in benchmarks)
    elsewhere = sum(b.imported_from is not None for b in benchmarks)
    kinds = [f"{invalid} invalid"] * bool(invalid)
    kinds += [f"{elsewhere} {naming.MEASURED_ELSEWHERE}"] * bool(elsewhere)
    validity = ", ".join(kinds) or "all valid"
    facts = [
        ("Model files", str(len(models))),
        ("Devices", str(len(names))),
        ("Benchmarks", f"{len(benchmarks)}, {validity}" if benchmarks else "0"),
        ("Evaluations", str(len(evaluations))),
    ]
    if emulated:
        facts.append(("Emulated", f"{emulated} of {len(benchmarks)}"))
    results: list[Benchmark | Evaluation] = [*benchmarks, *evaluations]
    dates = sorted(result.created_at[:10] for result in results)
    if dates:
        span = dates[0] if dates[0] == dates[-1] else f"{dates[0]} … {dates[-1]}"
        facts.append(("Measured", span))
    return tuple(facts)
