"""The devices of a report: their state, and what they were measured with."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from android_benchmark import DeviceFacts, DeviceState, RunRules
from mmnet_deploy.report.plots import Pair
from mmnet_deploy.report.repeating import bench_command, preset_name, rests
from mmnet_deploy.results import naming
from mmnet_deploy.results.grouping import by_device
from mmnet_deploy.results.record_json import MOST_US
from mmnet_deploy.results.records import Benchmark


@dataclasses.dataclass(frozen=True)
class Trace:
    """One reading of a device over its runs."""

    what: str
    unit: str
    pairs: tuple[Pair, ...]


@dataclasses.dataclass(frozen=True)
class DevicePart:
    """A device, its state over the runs, and what it was measured with."""

    name: str
    facts: DeviceFacts
    runs: int
    traces: tuple[Trace, ...]
    notes: tuple[str, ...]
    ways: tuple[Way, ...]


@dataclasses.dataclass(frozen=True)
class Way:
    """One engine with rules, and the command that repeats it.

    Attributes:
        rules: None where another tool's file does not tell.
        command: Empty for results of other tools.
        imported_from: The files of other tools.
    """

    engine: str
    sha256: str
    delegate: str
    rules: RunRules | None
    rules_name: str
    versions: Mapping[str, str]
    command: str
    imported_from: tuple[str, ...]

    @property
    def limit_s(self) -> float | None:
        """How long a measurement may take; None for other tools that know no limit."""
        limit_s = self.rules.max_duration_s if self.rules else MOST_US / 1e6
        return limit_s if limit_s < MOST_US / 1e6 else None


def devices(
    benchmarks: Sequence[Benchmark], names: Mapping[DeviceFacts, str]
) -> tuple[DevicePart, ...]:
    """The devices, real ones first, by name."""
    parts = []
    for facts, group in by_device(benchmarks).items():
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


def _free_gb(state: DeviceState) -> float | None:
    return state.free_memory_bytes / 1e9 if state.free_memory_bytes else None


@dataclasses.dataclass(frozen=True)
class _Reading:
    """Something that a device may tell of its state; `detail` stands behind the name."""

    name: str
    unit: str
    of: Callable[[DeviceState], float | None]
    detail: str = ""


_READINGS = (
    _Reading("Hottest sensor", "°C", _hottest),
    _Reading("Battery temperature", "°C", lambda state: state.battery_c),
    _Reading("Fastest core", "GHz", _fastest_ghz),
    _Reading("Highest allowed frequency", "GHz", _limit_ghz),
    _Reading("Load", "", lambda state: state.load_1min, " (1 min)"),
    _Reading("Free memory", "GB", _free_gb),
)


def _traces(benchmarks: Sequence[Benchmark]) -> tuple[tuple[Trace, ...], tuple[str, ...]]:
    """Readings in the order of the runs, and what could not be read."""
    traces, missing, notes = [], [], []
    for reading in _READINGS:
        what, unit = reading.name + reading.detail, reading.unit
        pairs = tuple((reading.of(b.before), reading.of(b.after)) for b in benchmarks)
        known = {value for pair in pairs for value in pair if value is not None}
        if not known:
            missing.append(reading.name.lower())
        elif len(known) == 1:
            notes.append(f"{what}: {known.pop():.4g} {unit}".rstrip() + " at every reading.")
        else:
            traces.append(Trace(what, unit, pairs))
    if all(benchmark.imported_from for benchmark in benchmarks):
        notes.append("Measured elsewhere: nothing is known of the device's state.")
    elif missing:
        notes.append(f"Not readable on this device: {', '.join(missing)}.")
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
            result.threads, result.cores_wanted, result.rules, result.profiled,
            bool(result.imported_from),
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
        rules_name=(first.rules and preset_name(first.rules, rests(first))) or "own rules",
        versions=first.versions,
        command="" if first.imported_from else bench_command(group),
        imported_from=tuple(
            sorted(f"{i.file} ({i.form})" for b in group if (i := b.imported_from))
        ),
    )
