"""What the report says, worked out from the records; the template only lays it out."""

from __future__ import annotations

import dataclasses
import re
import shlex
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from android_benchmark import PRESETS, DeviceFacts, DeviceState, RunRules
from mmnet_deploy import estimate, naming, store
from mmnet_deploy.errors import ResultError
from mmnet_deploy.latency import Latency, summarise
from mmnet_deploy.layer_names import short_names, shortened
from mmnet_deploy.pareto import front
from mmnet_deploy.records import (
    Benchmark,
    Cost,
    Evaluation,
    ModelCard,
    ModelFile,
    TradeOff,
)
from mmnet_deploy.report.plots import Pair
from mmnet_deploy.store import Reading

MOST_ROWS = 2000
MOST_DETAILS = 60
MOST_OPERATORS = 12
MOST_LAYERS = 12
MOST_COMMAND_MODELS = 8
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
class Trace:
    """One reading of a device over its runs."""

    what: str
    unit: str
    pairs: tuple[Pair, ...]


@dataclasses.dataclass(frozen=True)
class DevicePart:
    """A device, what it looked like, and what it was measured with."""

    name: str
    facts: DeviceFacts
    runs: int
    traces: tuple[Trace, ...]
    notes: tuple[str, ...]
    ways: tuple[Way, ...]


@dataclasses.dataclass(frozen=True)
class Way:
    """One engine with rules, and the command that repeats it."""

    engine: str
    sha256: str
    delegate: str
    rules: RunRules
    rules_name: str
    versions: Mapping[str, str]
    command: str


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


def build(reading: Reading, title: str = "", emulated: bool = False) -> Report:
    """Work out all parts; what cannot be worked out is said in its place."""
    benchmarks = sorted(
        (r for r in reading.records if isinstance(r, Benchmark)), key=lambda r: r.created_at
    )
    evaluations = [r for r in reading.records if isinstance(r, Evaluation)]
    newest = {e.model.sha256: e for e in sorted(evaluations, key=lambda e: e.created_at)}
    names = naming.device_names(b.device for b in benchmarks)
    measured = [
        Measured(
            b,
            summarise(b.measurement, b.rules.percentile),
            names[naming.same_device(b.device)],
            newest.get(b.model.sha256),
        )
        for b in benchmarks
    ]
    measured.sort(key=lambda m: (m.result.device.emulated, m.device, m.latency.quoted_us))
    models = {r.model.sha256: r.model for r in reading.records}
    chart, fronts, notes, lacks = _chart(reading, emulated)
    return Report(
        title=title or "Portrait matting: quality and latency",
        facts=_facts(models.values(), benchmarks, evaluations, names),
        notes=notes,
        skipped=reading.skipped,
        chart=chart,
        chart_label=_chart_label(fronts),
        chart_size=_chart_size(chart),
        chart_lacks=lacks,
        fronts=fronts,
        measured=tuple(measured[:MOST_ROWS]),
        left_out=max(len(measured) - MOST_ROWS, 0),
        detailed=tuple(measured[:MOST_DETAILS]),
        evaluations=tuple(
            sorted(newest.values(), key=lambda e: (e.scores["gradient_error"], e.model.name))
        )[:MOST_ROWS],
        evaluation_commands=_evaluation_commands(evaluations),
        profiles=_profiles(measured),
        layers=_layers(models.values()),
        sizes=_sizes(models.values()),
        # Counts of instructions, which are no latencies.
        costs=tuple(r for r in reading.records if isinstance(r, Cost)),
        devices=_devices(benchmarks, names),
    )


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
    reading: Reading, emulated: bool
) -> tuple[Markup | None, tuple[FrontPart, ...], tuple[str, ...], str]:
    """The trade-off chart, what stands on its front, remarks, and why there is no chart."""
    from mmnet_deploy import chart

    known = [r for r in reading.records if isinstance(r, (Benchmark, Evaluation))]
    try:
        joined = store.join(known, emulated=emulated)
    except ResultError as error:
        return None, (), (), str(error)
    profile = estimate.load_profile(estimate.DEFAULT)
    points = [*joined.points, *store.estimates(reading.records, profile)[0]]
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


# --- Devices -----------------------------------------------------------------


def _devices(
    benchmarks: Sequence[Benchmark], names: Mapping[DeviceFacts, str]
) -> tuple[DevicePart, ...]:
    parts = []
    for facts, group in naming.by_device(benchmarks).items():
        traces, notes = _traces(group)
        parts.append(
            DevicePart(names[facts], group[0].device, len(group), traces, notes, _ways(group))
        )
    return tuple(sorted(parts, key=lambda part: (part.facts.emulated, part.name)))


def _hottest(state: DeviceState) -> float | None:
    return max(state.temperatures_c.values(), default=None)


def _fastest_ghz(state: DeviceState) -> float | None:
    return max(state.frequencies_khz) / 1e6 if any(state.frequencies_khz) else None


def _limit_ghz(state: DeviceState) -> float | None:
    return max(state.frequency_limits_khz) / 1e6 if any(state.frequency_limits_khz) else None


_READINGS = (
    ("Hottest sensor", "°C", _hottest),
    ("Battery temperature", "°C", lambda state: state.battery_c),
    ("Fastest core", "GHz", _fastest_ghz),
    ("Highest allowed frequency", "GHz", _limit_ghz),
    ("Load (1 min)", "", lambda state: state.load_1min),
    ("Free memory", "GB", lambda s: s.free_memory_bytes / 1e9 if s.free_memory_bytes else None),
)


def _traces(benchmarks: Sequence[Benchmark]) -> tuple[tuple[Trace, ...], tuple[str, ...]]:
    """Readings in the order of the runs, and what could not be read."""
    traces, missing, notes = [], [], []
    for what, unit, of in _READINGS:
        pairs = tuple((of(b.before), of(b.after)) for b in benchmarks)
        known = {value for pair in pairs for value in pair if value is not None}
        if not known:
            missing.append(what.split(" (")[0].lower())
        elif len(known) == 1:
            notes.append(f"{what}: {known.pop():.4g} {unit}".rstrip() + " whenever it was read.")
        else:
            traces.append(Trace(what, unit, pairs))
    if missing:
        notes.append(f"Not readable there: {', '.join(missing)}.")
    governors = sorted({g for b in benchmarks for g in (*b.before.governors, *b.after.governors)})
    if governors:
        notes.append(f"Frequency governor: {', '.join(governors)}.")
    for what, name in (("Plugged in", "charging"), ("Screen on", "screen_on")):
        seen = Counter(getattr(b.before, name) for b in benchmarks)
        if seen[True] or seen[False]:
            answer = "no" if not seen[True] else "yes" if not seen[False] else "in some runs"
            notes.append(f"{what}: {answer}.")
    throttled = sum((b.after.thermal_status or 0) > 0 for b in benchmarks)
    if throttled:
        notes.append(f"Android reported thermal throttling after {throttled} runs.")
    return tuple(traces), tuple(notes)


def _ways(benchmarks: Sequence[Benchmark]) -> tuple[Way, ...]:
    """Each engine, setting and rules that were used, with the command that repeats them."""
    groups: dict[tuple, list[Benchmark]] = {}
    for result in benchmarks:
        engine = result.engine
        key = (
            naming.engine_name(engine), engine.sha256, engine.requested or engine.delegate,
            result.threads, result.cores_wanted, result.rules, bool(result.profile),
        )  # fmt: skip
        groups.setdefault(key, []).append(result)
    return tuple(_way(group) for group in groups.values())


def _way(group: Sequence[Benchmark]) -> Way:
    first = group[0]
    delegates = sorted({naming.delegate_name(result.engine) for result in group})
    return Way(
        engine=naming.engine_name(first.engine),
        sha256=first.engine.sha256,
        delegate=", ".join(delegates),
        rules=first.rules,
        rules_name=preset_name(first.rules) or "own rules",
        versions=first.versions,
        command=_bench_command(group),
    )


def _model_names(models: Sequence[ModelFile]) -> list[str]:
    names = list(dict.fromkeys(model.name for model in models))
    if len(names) > MOST_COMMAND_MODELS:
        return ["*.tflite"]
    return [shlex.quote(name if not name.startswith("-") else f"./{name}") for name in names]


def preset_name(rules: RunRules) -> str:
    """The preset that the rules are of, but for the rests, which some devices need none of."""

    def plain(of: RunRules) -> RunRules:
        return dataclasses.replace(of, rest_margin_c=None, rest_max_s=0.0)

    return next((name for name, preset in PRESETS.items() if plain(preset) == plain(rules)), "")


def _bench_command(group: Sequence[Benchmark]) -> str:
    first = group[0]
    words = ["mmnet-deploy", "bench", *_model_names([result.model for result in group])]
    words += ["--device", shlex.quote(first.device.serial), "--threads", str(first.threads)]
    words += ["--delegate", shlex.quote(first.engine.requested or first.engine.delegate)]
    if first.cores_wanted:
        words += ["--cores", shlex.quote(first.cores_wanted)]
    rules = first.rules
    preset = preset_name(rules)
    if preset:
        words += ["--preset", preset]
    else:
        words += ["--min-runs", str(rules.min_runs), "--min-duration", f"{rules.min_duration_s:g}"]
        words += ["--max-duration", f"{rules.max_duration_s:g}"]
        words += ["--warmup-runs", str(rules.warmup_min_runs)]
        words += ["--warmup-duration", f"{rules.warmup_min_s:g}"]
    if first.profile:
        words.append("--profile")
    return " ".join([*words, "-o", "results"])


def _evaluation_commands(evaluations: Sequence[Evaluation]) -> tuple[str, ...]:
    groups: dict[tuple, list[ModelFile]] = {}
    for result in evaluations:
        key = result.data, result.split, result.height_px, result.width_px
        groups.setdefault(key, []).append(result.model)
    commands = []
    for (data, split, height, width), models in groups.items():
        size = f"{height}x{width}" if height else "native"
        words = ["mmnet-deploy", "evaluate", *_model_names(models), "--data", shlex.quote(data)]
        words += ["--split", shlex.quote(split), "--eval-size", size, "-o", "results"]
        commands.append(" ".join(words))
    return tuple(commands)
