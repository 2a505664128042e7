"""What the report says, worked out from the records; the template only lays it out."""

from __future__ import annotations

import dataclasses
import math
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mmnet_deploy.errors import ResultError
from mmnet_deploy.report.devices import DevicePart, devices, evaluation_commands
from mmnet_deploy.results import estimate, naming, trade_offs
from mmnet_deploy.results.grouping import newest_by_model, same_device
from mmnet_deploy.results.latency import Latency, quoted
from mmnet_deploy.results.records import Benchmark, Cost, Evaluation
from mmnet_deploy.results.store import StoredResults
from mmnet_deploy.results.trade_offs import TradeOff, front
from mmnet_deploy.tflite.card import ModelCard
from mmnet_deploy.tflite.layer_names import short_names, shortened

MOST_ROWS = 2000
MOST_DETAILS = 60
MOST_OPERATORS = 12
MOST_LAYERS = 12
LEAST_SCALE, MOST_SCALE = 1.15, 1.75
"""Pixels to a point of the chart: below, its labels cannot be read; above, it shouts."""


def ms(us: float | None) -> str:
    """Milliseconds with three significant digits; a dash where there are none."""
    if us is None:
        return "–"
    value = us / 1000
    return (
        f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
    )


@dataclasses.dataclass(frozen=True)
class Measured:
    """A benchmark with the quality of the same file, if that is known."""

    result: Benchmark
    latency: Latency
    device: str
    quality: Evaluation | None

    @property
    def delegate(self) -> str:
        return naming.delegate_name(self.result.engine)

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
        return ", ".join([*parts, f"cores {self.cores}"] if self.cores else parts)


@dataclasses.dataclass(frozen=True)
class Share:
    """One row of a list with bars: `share` of the longest bar."""

    name: str
    kind: str
    value: float
    share: float
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Bars:
    """Bars of one model."""

    title: str
    note: str
    rows: tuple[Share, ...]


@dataclasses.dataclass(frozen=True)
class FrontPart:
    """The best trade-offs on one device."""

    device: str
    points: tuple[TradeOff, ...]


@dataclasses.dataclass(frozen=True)
class Report:
    """All that the page shows."""

    title: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    skipped: tuple[str, ...]
    chart: Markup | None
    chart_label: str
    chart_size: str
    chart_lacks: str
    fronts: tuple[FrontPart, ...]
    measured: tuple[Measured, ...]
    left_out: int
    detailed: tuple[Measured, ...]
    evaluations: tuple[Evaluation, ...]
    evaluation_commands: tuple[str, ...]
    profiles: tuple[Bars, ...]
    layers: tuple[Bars, ...]
    sizes: tuple[Share, ...]
    costs: tuple[Cost, ...]
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
    chart, fronts, notes, lacks = _chart(stored, emulated)
    return Report(
        title=title or "Portrait matting: quality and latency",
        facts=_facts(models.values(), benchmarks, evaluations, names),
        notes=notes,
        skipped=stored.skipped,
        chart=chart,
        chart_label=_chart_label(fronts),
        chart_size=_chart_size(chart),
        chart_lacks=lacks,
        fronts=fronts,
        measured=tuple(measured[:MOST_ROWS]),
        left_out=max(len(measured) - MOST_ROWS, 0),
        detailed=tuple(measured[:MOST_DETAILS]),
        evaluations=tuple(sorted(newest.values(), key=_by_quality))[:MOST_ROWS],
        evaluation_commands=evaluation_commands(evaluations),
        profiles=_profiles(measured),
        layers=_layers(models.values()),
        sizes=_sizes(models.values()),
        # Counts of instructions, which are no latencies.
        costs=tuple(r for r in stored.records if isinstance(r, Cost)),
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
    validity = "all valid" if not invalid else f"{invalid} invalid"
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


# --- The chart ---------------------------------------------------------------


def _chart(
    stored: StoredResults, emulated: bool
) -> tuple[Markup | None, tuple[FrontPart, ...], tuple[str, ...], str]:
    """The trade-off chart, what stands on its front, remarks, and why there is no chart."""
    from mmnet_deploy.charts import chart

    known = [r for r in stored.records if isinstance(r, (Benchmark, Evaluation))]
    try:
        joined = trade_offs.join(known, emulated=emulated)
        profile = estimate.load_profile(estimate.DEFAULT)
        points = [*joined.points, *trade_offs.estimates(stored.records, profile)[0]]
    except ResultError as error:
        return None, (), (), str(error)
    if not points:
        lacks = "No model file has both a latency and a gradient error."
        return None, (), joined.notes, lacks
    with tempfile.TemporaryDirectory() as folder:
        drawn = chart.draw(points, Path(folder) / "chart.svg").read_text(encoding="utf-8")
    groups: dict[str, list[TradeOff]] = {}
    for point in points:
        groups.setdefault(point.device, []).append(point)
    fronts = tuple(FrontPart(device, tuple(front(groups[device]))) for device in sorted(groups))
    return _inline(drawn), fronts, joined.notes, ""


def _inline(drawn: str) -> Markup:
    """An SVG file as a part of the page, whose styles stay its own.

    matplotlib escapes the texts in it.
    """
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = drawn.replace('<style type="text/css">*{', '<style type="text/css">.chart *{')
    return Markup(drawn.replace("<svg ", '<svg aria-hidden="true" ', 1))


def _chart_size(chart: Markup | None) -> str:
    """How small and how large the chart may be shown, which depends on its width."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ', chart or "")
    width = float(found[1]) if found else 460.0
    return f"min-width: {LEAST_SCALE * width:.0f}px; max-width: {MOST_SCALE * width:.0f}px"


def _chart_label(fronts: Sequence[FrontPart]) -> str:
    """The chart in words."""
    parts = [
        f"on {part.device}: "
        + ("; ".join(
            f"{point.family} {point.label}, {point.latency_ms:.3g} ms, "
            f"{1000 * point.error:.3g}e-3"
            for point in part.points
        ) or "no valid result")
        for part in fronts
    ]  # fmt: skip
    return "Gradient error against latency. On the Pareto front " + ". ".join(parts) + "."


# --- Models ------------------------------------------------------------------


def _bars(items: Sequence[tuple[str, str, float, str]]) -> tuple[Share, ...]:
    longest = max((abs(value) for _, _, value, _ in items), default=0.0) or 1.0
    return tuple(
        Share(name, kind, value, abs(value) / longest, note) for name, kind, value, note in items
    )


def _profiles(measured: Sequence[Measured]) -> tuple[Bars, ...]:
    """Operators of each profiled model, the slowest first."""
    parts = []
    for one in measured[:MOST_DETAILS]:
        profile = one.result.profile
        if not profile:
            continue
        total = sum(operator.time_us for operator in profile) or 1.0
        short = short_names(operator.name for operator in profile)
        slowest = sorted(profile, key=lambda operator: -operator.time_us)
        rows = [
            (
                shortened(short[operator.name] or operator.name, 60),
                operator.kind,
                operator.time_us,
                f"{100 * operator.time_us / total:.1f} %",
            )
            for operator in slowest[:MOST_OPERATORS]
        ]
        note = f"{len(profile)} operators, {ms(total)} ms together"
        rest = len(profile) - len(rows)
        if rest > 0:
            left = sum(operator.time_us for operator in slowest[MOST_OPERATORS:])
            note += f"; the {rest} that are not shown take {ms(left)} ms"
        parts.append(Bars(f"{one.result.model.name} on {one.setting}", note, _bars(rows)))
    return tuple(parts)


def _layers(models: Any) -> tuple[Bars, ...]:
    """What int8 costs each layer, where the file tells."""
    parts = []
    for model in sorted(models, key=lambda m: m.name):
        card: ModelCard | None = model.card
        if card is None or not card.layer_errors:
            continue
        short = short_names(layer.layer for layer in card.layer_errors)
        kept = set(card.float_layers)
        rows = [
            (
                shortened(short[layer.layer] or layer.layer, 60),
                layer.kind,
                layer.error,
                "kept in float" if layer.layer in kept else "",
            )
            for layer in card.layer_errors[:MOST_LAYERS]
        ]
        note = f"the {len(rows)} worst of {len(card.layer_errors)} layers"
        parts.append(Bars(model.name, note, _bars(rows)))
    return tuple(parts[:MOST_DETAILS])


def _sizes(models: Any) -> tuple[Share, ...]:
    """Files by size."""
    ordered = sorted(models, key=lambda m: (m.size_bytes, m.name))[:MOST_ROWS]
    return _bars(
        [(m.name, m.card.precision if m.card else "", float(m.size_bytes), "") for m in ordered]
    )
