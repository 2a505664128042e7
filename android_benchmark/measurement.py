"""Raw samples, or what an engine says of them, and their validity."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable

from android_benchmark.rules import RunRules


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What an engine derived from samples that it did not hand out, in microseconds.

    Attributes:
        count: Number of samples.
        first_us: None where it is not known.
        mean_us: With the engine's digits; benchmark_model prints six.
        std_us: Standard deviation of the population.
        p5_us, median_us, p95_us: None from engines that print none.
        step_us: What the engine rounds its numbers to, beyond their digits; 0 if to nothing.
    """

    count: int
    first_us: float | None
    min_us: float
    max_us: float
    mean_us: float
    std_us: float
    p5_us: float | None = None
    median_us: float | None = None
    p95_us: float | None = None
    step_us: float = 0.0


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Raw duration of every invocation in microseconds, in order, warm-up apart.

    Attributes:
        statistics: The engine's own, where it hands out no samples; then there are none.
    """

    warmup_us: tuple[float, ...]
    samples_us: tuple[float, ...]
    statistics: Statistics | None = None

    @property
    def runs(self) -> int:
        """Number of measured invocations."""
        return self.statistics.count if self.statistics else len(self.samples_us)

    @property
    def duration_s(self) -> float:
        """Sum of the measured invocations."""
        if self.statistics:
            return self.statistics.count * self.statistics.mean_us / 1e6
        return sum(self.samples_us) / 1e6


@dataclasses.dataclass(frozen=True)
class Flag:
    """Whether a statement about a result holds, and whether it has to in a valid result.

    Attributes:
        name: Such as `stable`, or `throttled`.
        holds: Whether it is true.
        reason: What happened and what helps, where the result is not as it should be.
        wanted: What `holds` is in a valid result.
    """

    name: str
    holds: bool
    reason: str = ""
    wanted: bool = True

    @property
    def good(self) -> bool:
        """Whether the result is as it should be, in this respect."""
        return self.holds == self.wanted

    @property
    def label(self) -> str:
        """The name as it stands before its reason: `not stable`, `throttled`."""
        return self.name.replace("_", " ") if self.holds else "not " + self.name.replace("_", " ")


def _repeat(
    invoke: Callable[[], object], runs: int, least_s: float, most_s: float
) -> tuple[float, ...]:
    samples_us: list[float] = []
    begin = time.perf_counter_ns()
    elapsed_s = 0.0
    while (len(samples_us) < runs or elapsed_s < least_s) and elapsed_s < most_s:
        start = time.perf_counter_ns()
        invoke()
        end = time.perf_counter_ns()
        samples_us.append((end - start) / 1000)
        elapsed_s = (end - begin) / 1e9
    return tuple(samples_us)


def measure(invoke: Callable[[], object], rules: RunRules) -> Measurement:
    """Time `invoke` in this process, warm-up first."""
    most_s = rules.max_duration_s
    return Measurement(
        warmup_us=_repeat(invoke, rules.warmup_min_runs, rules.warmup_min_s, most_s),
        samples_us=_repeat(invoke, rules.min_runs, rules.min_duration_s, most_s),
    )


STABLE_SPREAD = 1.25
"""The 90th percentile of a stable measurement is at most this many medians."""


def _spread(measurement: Measurement) -> float | None:
    """90th percentile as a multiple of the median; None if that is not known.

    Of statistics, the 95th percentile, or an estimate from the standard deviation, stands in.
    """
    statistics_ = measurement.statistics
    if statistics_:
        middle_us = statistics_.median_us or statistics_.mean_us
        # 1.28 standard deviations: where the 90th percentile of a normal distribution lies.
        high_us = statistics_.p95_us or statistics_.mean_us + 1.28 * statistics_.std_us
        return high_us / middle_us if middle_us > 0 else None
    samples_us = sorted(measurement.samples_us)
    if len(samples_us) < 2 or samples_us[0] <= 0:
        return None
    p90_us = statistics.quantiles(samples_us, n=10, method="inclusive")[-1]
    return p90_us / statistics.median(samples_us)


def judge(measurement: Measurement, rules: RunRules) -> tuple[Flag, ...]:
    """Flags that say which rules a measurement kept."""
    enough = measurement.runs >= rules.min_runs
    duration_s = measurement.duration_s
    # Engines count the time between invocations too, which is not in the samples.
    long_enough = duration_s >= 0.95 * rules.min_duration_s
    spread = _spread(measurement)
    stable = spread is None or spread <= STABLE_SPREAD
    flags = []
    if rules.percentile == 90 and measurement.statistics:
        # Said only where it matters: every other result would carry a flag about nothing.
        flags.append(
            Flag(
                "percentile_known",
                False,
                "the rules quote the 90th percentile, which this engine does not give",
            )
        )
    return (
        *flags,
        Flag(
            "min_runs_met",
            enough,
            "" if enough else f"{measurement.runs} runs, {rules.min_runs} wanted; allow more time",
        ),
        Flag(
            "min_duration_met",
            long_enough,
            ""
            if long_enough
            else f"{duration_s:.2f} s, {rules.min_duration_s:g} s wanted; allow more time",
        ),
        Flag(
            "stable",
            stable,
            ""
            if stable
            else f"the 90th percentile is {spread:.2f} times the median; "
            "stop other work on the device and repeat",
        ),
    )
