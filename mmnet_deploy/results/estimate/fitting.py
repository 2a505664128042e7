"""Profiles fitted to models whose count of instructions and latency are both known.

The slope is the mean of log(latency / instructions). What it does not explain is taken as normal
in the logarithm: the interval holds 95 % of further models, from Student's t with n − 1 degrees
of freedom.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterable, Sequence

from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.arithmetic import named
from mmnet_deploy.results.estimate.profile import LatencyProfile
from mmnet_deploy.results.grouping import conditions, middle
from mmnet_deploy.results.latency import quoted
from mmnet_deploy.results.records import Benchmark, Cost, Record
from mmnet_deploy.results.student import t_quantile

CONFIDENCE = 0.95
LEAST_POINTS = 3


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
        costs: Counts of one precision, computed in one type, and under one set of conditions.
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
    for cost, count in zip(costs, counts, strict=True):
        if count < 1:
            raise ResultError(
                f"A profile needs counts above 0. Received: {count} of {cost.model.name}."
            )
    logs = [math.log(ms / count) for count, ms in zip(counts, latencies_ms, strict=True)]
    n = len(counts)
    t = float(t_quantile(n - 1, CONFIDENCE))
    errors = [abs(error) for error in left_out_errors(counts, latencies_ms)]
    # Points that fit perfectly are two decimals of the same number: nothing is that certain.
    factor = max(math.exp(t * statistics.stdev(logs) * math.sqrt(1 + 1 / n)), 1.001)
    return LatencyProfile(
        name=name,
        source=source,
        precision=_kind(first)[0],
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


def _kind(cost: Cost) -> tuple[str, str]:
    """What one price per instruction is for: what files compute in, and what runs them."""
    return named(cost.precision, cost.computes_in), cost.engine.delegate


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Models with a count and a latency, and what was left out."""

    costs: tuple[Cost, ...]
    latencies_ms: tuple[float, ...]
    device: str
    notes: tuple[str, ...]


def pair(records: Iterable[Record], cpu: str | None = None) -> Pairs:
    """Match counts to benchmarks of one phone by the model file's hash.

    Only valid results of real devices on one thread count. Of several benchmarks of a file the
    middle one is taken, of several counts the newest. Where precisions are mixed, float32 is taken.

    Args:
        cpu: The core whose counts are taken; without it, there may be counts of one only.

    Raises:
        ResultError: The benchmarks are of several devices or settings, none has a count, or the
            counts are of several cores.
    """
    records = list(records)
    costs: dict[tuple[str, str], Cost] = {}
    for cost in sorted(_of_core(records, cpu), key=lambda c: c.created_at):
        costs[cost.model.sha256, cost.engine.delegate] = cost
    measured: dict[tuple[str, str], list[Benchmark]] = {}
    devices = set()
    unfit = uncounted = otherwise = 0
    for benchmark in (record for record in records if isinstance(record, Benchmark)):
        key = benchmark.model.sha256, benchmark.engine.delegate
        unlike = benchmark.threads != 1 or benchmark.device.emulated or benchmark.profiled
        if benchmark.broken_rules or benchmark.imported_from or unlike:
            unfit += 1
        elif key not in costs:
            uncounted += 1
        elif len({benchmark.computes_in, costs[key].computes_in} - {""}) > 1:
            otherwise += 1
        else:
            devices.add((benchmark.device.serial, benchmark.device.model))
            measured.setdefault(key, []).append(benchmark)
    if len(devices) > 1:
        names = ", ".join(sorted(f"{model} ({serial})" for serial, model in devices))
        raise ResultError(f"A profile is of one device. Received results of {names}.")
    elsewhere = (
        f"{otherwise} benchmarks left out: the phone computed in another type than the core that "
        "their files were counted for."
    )
    if not measured and otherwise:
        raise ResultError(f"{elsewhere} Count them for its core, with `cost --cpu`.")
    left_out = "invalid, emulated, profiled, measured elsewhere, or not on one thread"
    if not measured and unfit and not uncounted:
        raise ResultError(
            f"No valid benchmark of a real device on one thread is there. Left out: {unfit}, as "
            f"{left_out}."
        )
    if not measured:
        raise ResultError(
            "No valid benchmark of a real device on one thread has a count of the same file: "
            "store counts with `mmnet-deploy cost FILE -o RESULTS`."
        )
    kinds = {_kind(costs[key]) for key in measured}
    chosen = min(kinds, key=lambda kind: (kind != ("float32", "xnnpack"), kind))
    keys = [key for key in measured if _kind(costs[key]) == chosen]
    notes = []
    if unfit:
        notes.append(f"{unfit} benchmarks left out: {left_out}.")
    if uncounted:
        notes.append(f"{uncounted} benchmarks left out: no count of that file with that delegate.")
    if otherwise:
        notes.append(elsewhere)
    if len(keys) < len(measured):
        others = len(measured) - len(keys)
        notes.append(f"{others} models left out: not {chosen[0]} with the delegate {chosen[1]}.")
    _check_one_setting([benchmark for key in keys for benchmark in measured[key]])
    ((_, device),) = devices
    return Pairs(
        tuple(costs[key] for key in keys),
        tuple(quoted(middle(measured[key])).quoted_us / 1000 for key in keys),
        device,
        tuple(notes),
    )


def _of_core(records: Sequence[Record], cpu: str | None) -> list[Cost]:
    """The counts of one core.

    Raises:
        ResultError: They are of several, and which is not said; or of that one there are none.
    """
    costs = [record for record in records if isinstance(record, Cost)]
    cores = sorted({cost.cpu for cost in costs})
    if cpu is None and len(cores) > 1:
        raise ResultError(
            "A profile is of the counts of one core. Received counts of "
            f"{', '.join(cores)}: choose with `--cpu`."
        )
    chosen = [cost for cost in costs if cpu in (None, cost.cpu)]
    if costs and not chosen:
        raise ResultError(f"There are counts of {', '.join(cores)}. Received: --cpu {cpu}.")
    return chosen


def _check_one_setting(benchmarks: Sequence[Benchmark]) -> None:
    """Refuse latencies that were not measured alike.

    Operators inside the delegate differ from model to model.
    """
    first = conditions(benchmarks[0])
    for benchmark in benchmarks[1:]:
        for what, value in conditions(benchmark).items():
            if value != first[what] and what != "operators in the delegate":
                names = f"{benchmarks[0].model.name} and {benchmark.model.name}"
                raise ResultError(
                    f"A profile is of one setting. {names} differ in {what}: "
                    f"{first[what] or 'none'}; {value or 'none'}."
                )
