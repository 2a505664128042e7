"""Milliseconds on a phone, estimated from a count of instructions: a proportional model.

    latency = slope · instructions

fitted on models whose latency on that phone and whose count are both known, by the mean of
log(latency / instructions). What it does not explain is taken as normal in the logarithm: the
interval holds 95 % of further models, from Student's t with n − 1 degrees of freedom. Affine
and power laws, and weights by class of instruction, predicted left-out points worse
(`benchmarks/latency_estimate.py`).
"""

from __future__ import annotations

import dataclasses
import math
import statistics
import sys
import typing
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mmnet_deploy.errors import ResultError, UsageError
from mmnet_deploy.files import reason, write_text
from mmnet_deploy.results.latency import summarise
from mmnet_deploy.results.records import Benchmark, Cost, Record

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROFILES = Path(__file__).parent / "profiles"
DEFAULT = "snapdragon-820"
FORMAT = 1
"""Version of profile files: 1, the first."""

LEAST_POINTS = 3
REACH = 2.0
"""How far beyond the fitted range an estimate is still given, with an interval twice as wide in
the logarithm: a factor on either end. A rule of caution, not a measured one."""

# Two-sided 95 % points of Student's t, for 1, 2, … degrees of freedom; beyond them 2.
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


class NoEstimateError(ResultError):
    """A profile says nothing of this model; the message says why."""


@dataclasses.dataclass(frozen=True)
class LatencyProfile:
    """A phone, as far as a count can tell its latency.

    Attributes:
        name: As it stands beside an estimate.
        source: Where the latencies are from.
        precision, delegate: Of the models that it was fitted on.
        cpu, identity, runtime, runtime_wheel_sha256: How their instructions were counted.
        slope_ms_per_million: Milliseconds per million instructions.
        interval_factor: An estimate's interval is from latency ÷ factor to latency · factor.
        least_instructions, most_instructions: The fitted range.
        points: Number of models.
        left_out_mean, left_out_worst: Relative errors of predicting each from the others.
    """

    name: str
    source: str
    precision: str
    delegate: str
    cpu: str
    identity: str
    runtime: str
    runtime_wheel_sha256: str
    slope_ms_per_million: float
    interval_factor: float
    least_instructions: int
    most_instructions: int
    points: int
    left_out_mean: float
    left_out_worst: float


@dataclasses.dataclass(frozen=True)
class LatencyEstimate:
    """An estimated latency; never to be shown as a measured one.

    Attributes:
        low_ms, high_ms: Ends of its 95 % interval.
        note: Why the interval is wider than usual; empty if it is not.
    """

    latency_ms: float
    low_ms: float
    high_ms: float
    profile: str
    note: str = ""


# --- Profile files -----------------------------------------------------------


def load_profile(name: str | Path) -> LatencyProfile:
    """A profile that comes with the package, by its name, or a file.

    Raises:
        UsageError: There is none.
        ResultError: A field is missing or makes no sense.
    """
    path = Path(name)
    if (PROFILES / f"{name}.toml").is_file():
        path = PROFILES / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(file.stem for file in PROFILES.glob("*.toml")))
        raise UsageError(
            f"`--profile` must be one of {known}, or a file. Received: {name} ({reason(error)})."
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ResultError(f"{path} is no TOML file: {error}.") from error
    return _profile(path, values)


def _profile(path: Path, values: dict[str, Any]) -> LatencyProfile:
    if values.get("format") != FORMAT:
        raise ResultError(
            f"{path}: `format` must be {FORMAT}. Received: {values.get('format', 'nothing')}."
        )
    fields: dict[str, Any] = {}
    for field, hint in typing.get_type_hints(LatencyProfile).items():
        if field not in values:
            raise ResultError(f"{path} lacks the field `{field}`.")
        value = values[field]
        if hint is float and type(value) is int:
            value = float(value)
        if type(value) is not hint:
            kind = {str: "text", int: "a whole number", float: "a number"}[hint]
            raise ResultError(f"{path}: `{field}` must be {kind}. Received: {value!r}.")
        fields[field] = value
    profile = LatencyProfile(**fields)
    _check(path, "slope_ms_per_million", profile.slope_ms_per_million, above=0)
    _check(path, "interval_factor", profile.interval_factor, above=1)
    _check(path, "least_instructions", profile.least_instructions, above=0)
    least = profile.least_instructions
    _check(path, "most_instructions", profile.most_instructions, above=least - 1)
    return profile


def _check(path: Path, field: str, value: float, above: float) -> None:
    if not above < value < math.inf:
        raise ResultError(f"{path}: `{field}` must be above {above:g}. Received: {value:g}.")


def save_profile(profile: LatencyProfile, path: Path) -> Path:
    """Write a profile as TOML.

    Raises:
        OutputError: The folder cannot be written.
    """
    lines = [f"format = {FORMAT}"]
    for field, value in dataclasses.asdict(profile).items():
        lines.append(f"{field} = {_toml(value)}")
    return write_text(path, "\n".join(lines) + "\n")


def _toml(value: str | float) -> str:
    if not isinstance(value, str):
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


# --- Estimating --------------------------------------------------------------


def estimate(cost: Cost, profile: LatencyProfile) -> LatencyEstimate:
    """Latency of a counted model.

    Raises:
        NoEstimateError: The profile says nothing of such a model, or of one that large.
    """
    _check_conditions(cost, profile)
    instructions = cost.counts.total
    low, high = profile.least_instructions, profile.most_instructions
    beyond = max(low / instructions, instructions / high)
    in_range = f"{low / 1e6:.0f} to {high / 1e6:.0f} million instructions"
    if beyond > REACH:
        raise NoEstimateError(f"beyond the fitted range of {in_range} by a factor of {beyond:.1f}")
    factor, note = profile.interval_factor, ""
    if beyond > 1:
        factor, note = factor**2, f"outside the fitted range of {in_range}: interval widened"
    latency_ms = profile.slope_ms_per_million * instructions / 1e6
    return LatencyEstimate(latency_ms, latency_ms / factor, latency_ms * factor, profile.name, note)


def _check_conditions(cost: Cost, profile: LatencyProfile) -> None:
    """Refuse a model whose instructions the profile does not know the price of."""
    pairs = (
        ("precision", cost.precision, profile.precision),
        ("delegate", cost.engine.delegate, profile.delegate),
        ("core", f"{cost.cpu} as {cost.identity}", f"{profile.cpu} as {profile.identity}"),
        ("runtime", cost.runtime, profile.runtime),
        ("runtime wheel", cost.runtime_wheel_sha256, profile.runtime_wheel_sha256),
    )
    for what, own, fitted in pairs:
        if own != fitted:
            raise NoEstimateError(f"the profile was fitted for the {what} {fitted}, not {own}")


# --- Fitting -----------------------------------------------------------------


def slope(instructions: Sequence[float], latencies_ms: Sequence[float]) -> float:
    """Milliseconds per million instructions: the geometric mean of the points' ratios."""
    return math.exp(
        statistics.fmean(
            math.log(ms / (count / 1e6))
            for count, ms in zip(instructions, latencies_ms, strict=True)
        )
    )


def left_out_errors(
    instructions: Sequence[float], latencies_ms: Sequence[float]
) -> tuple[float, ...]:
    """Relative error of each point as the others predict it; above 0 is predicted too slow."""
    errors = []
    for index, (count, ms) in enumerate(zip(instructions, latencies_ms, strict=True)):
        rest = [i for i in range(len(instructions)) if i != index]
        price = slope([instructions[i] for i in rest], [latencies_ms[i] for i in rest])
        errors.append(price * count / 1e6 / ms - 1)
    return tuple(errors)


def fit(
    costs: Sequence[Cost], latencies_ms: Sequence[float], name: str, source: str
) -> LatencyProfile:
    """A profile of the phone that `latencies_ms` were measured on.

    Args:
        costs: Counts of one precision and under one set of conditions.
        latencies_ms: The latency of each.

    Raises:
        ResultError: There are fewer than three models, their counts are not comparable, or a
            latency is not above 0.
    """
    if len(costs) < LEAST_POINTS:
        raise ResultError(
            f"A profile needs at least {LEAST_POINTS} models. Received: {len(costs)}."
        )
    if not all(0 < ms < math.inf for ms in latencies_ms):
        raise ResultError("A profile needs latencies above 0 ms.")
    first = costs[0]
    for cost in costs[1:]:
        for what, value in cost.conditions.items():
            if value != first.conditions[what]:
                raise ResultError(
                    f"The counts are not comparable: {first.model.name} and {cost.model.name} "
                    f"differ in {what} ({first.conditions[what]}; {value})."
                )
    counts = [cost.counts.total for cost in costs]
    logs = [math.log(ms / count) for count, ms in zip(counts, latencies_ms, strict=True)]
    n = len(counts)
    t = _T95[n - 2] if n - 2 < len(_T95) else 2.0
    errors = [abs(error) for error in left_out_errors(counts, latencies_ms)]
    # Points that fit perfectly are two decimals of the same number: nothing is that certain.
    factor = max(math.exp(t * statistics.stdev(logs) * math.sqrt(1 + 1 / n)), 1.001)
    return LatencyProfile(
        name=name,
        source=source,
        precision=first.precision,
        delegate=first.engine.delegate,
        cpu=first.cpu,
        identity=first.identity,
        runtime=first.runtime,
        runtime_wheel_sha256=first.runtime_wheel_sha256,
        slope_ms_per_million=float(f"{slope(counts, latencies_ms):.6g}"),
        interval_factor=float(f"{factor:.5g}"),
        least_instructions=min(counts),
        most_instructions=max(counts),
        points=n,
        left_out_mean=float(f"{statistics.fmean(errors):.4g}"),
        left_out_worst=float(f"{max(errors):.4g}"),
    )


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Models with a count and a latency, and what was left out."""

    costs: tuple[Cost, ...]
    latencies_ms: tuple[float, ...]
    device: str
    notes: tuple[str, ...]


def pair(records: Iterable[Record]) -> Pairs:
    """Match counts to benchmarks of one phone by the model file's hash.

    Only valid results at one thread count, of real devices. Of several benchmarks of a file the
    median is taken, of several counts the newest. Where precisions are mixed, float32 is taken.

    Raises:
        ResultError: The benchmarks are of several devices, or none has a count.
    """
    records = list(records)
    costs: dict[tuple[str, str], Cost] = {}
    for cost in sorted((r for r in records if isinstance(r, Cost)), key=lambda c: c.created_at):
        costs[cost.model.sha256, cost.engine.delegate] = cost
    latencies: dict[tuple[str, str], list[float]] = {}
    devices = set()
    unfit = uncounted = 0
    for benchmark in (record for record in records if isinstance(record, Benchmark)):
        key = benchmark.model.sha256, benchmark.engine.delegate
        if benchmark.broken_rules or benchmark.threads != 1 or benchmark.device.emulated:
            unfit += 1
        elif key not in costs:
            uncounted += 1
        else:
            devices.add((benchmark.device.serial, benchmark.device.model))
            quoted_us = summarise(benchmark.measurement, benchmark.rules.percentile).quoted_us
            latencies.setdefault(key, []).append(quoted_us / 1000)
    if len(devices) > 1:
        names = ", ".join(sorted(f"{model} ({serial})" for serial, model in devices))
        raise ResultError(f"A profile is of one device. Received results of {names}.")
    if not latencies:
        raise ResultError(
            "No valid benchmark of a real device at one thread has a count of the same file: "
            "store counts with `mmnet-deploy cost FILE -o RESULTS`."
        )
    kinds = {(costs[key].precision, costs[key].engine.delegate) for key in latencies}
    chosen = min(kinds, key=lambda kind: (kind != ("float32", "xnnpack"), kind))
    keys = [k for k in latencies if (costs[k].precision, costs[k].engine.delegate) == chosen]
    notes = []
    if unfit:
        notes.append(f"{unfit} benchmarks left out: invalid, emulated, or not at one thread.")
    if uncounted:
        notes.append(f"{uncounted} benchmarks left out: no count of that file with that delegate.")
    if len(keys) < len(latencies):
        others = len(latencies) - len(keys)
        notes.append(f"{others} models left out: not {chosen[0]} with the delegate {chosen[1]}.")
    ((_, device),) = devices
    return Pairs(
        tuple(costs[key] for key in keys),
        tuple(statistics.median(latencies[key]) for key in keys),
        device,
        tuple(notes),
    )
