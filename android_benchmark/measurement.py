"""Run rules, raw samples and their validity."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class RunRules:
    """When a measurement may stop; the defaults are those of TFLite's benchmark_model.

    Both minima must be met, unless the maximum is reached first; one run is always made.

    Raises:
        ValueError: `min_runs` is below 1, or `max_duration_s` is not above 0.
    """

    warmup_min_runs: int = 1
    warmup_min_s: float = 0.5
    min_runs: int = 50
    min_duration_s: float = 1.0
    max_duration_s: float = 150.0

    def __post_init__(self) -> None:
        if self.min_runs < 1 or not self.max_duration_s > 0:
            raise ValueError(
                "`min_runs` must be at least 1 and `max_duration_s` above 0. "
                f"Received: {self.min_runs}, {self.max_duration_s}."
            )


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Raw duration of every invocation in microseconds, in order, warm-up apart."""

    warmup_us: tuple[float, ...]
    samples_us: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Flag:
    """One rule that a valid result keeps; `reason` says what happened and what helps."""

    name: str
    holds: bool
    reason: str = ""


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


def judge(measurement: Measurement, rules: RunRules) -> tuple[Flag, ...]:
    """Which rules a measurement kept."""
    samples_us = sorted(measurement.samples_us)
    duration_s = sum(samples_us) / 1e6
    enough = len(samples_us) >= rules.min_runs
    long_enough = duration_s >= 0.95 * rules.min_duration_s
    spread = 1.0
    if len(samples_us) > 1 and samples_us[0] > 0:
        p90_us = statistics.quantiles(samples_us, n=10, method="inclusive")[-1]
        spread = p90_us / statistics.median(samples_us)
    return (
        Flag(
            "min_runs_met",
            enough,
            "" if enough else f"{len(samples_us)} runs, {rules.min_runs} wanted; allow more time",
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
            spread <= STABLE_SPREAD,
            ""
            if spread <= STABLE_SPREAD
            else f"the 90th percentile is {spread:.2f} times the median; "
            "stop other work on the device and repeat",
        ),
    )
