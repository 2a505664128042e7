"""The summary of `benchmark_model_performance_options`: one line per way of running."""

from __future__ import annotations

import dataclasses

from android_benchmark.engines.benchmark_model.text import statistic
from android_benchmark.engines.benchmark_model.text.statistic import Statistics

HEADING = "Summary of All Runs w/ Different Performance Options"
ANNOUNCEMENT = "The list of TFLite runtime options to be benchmarked"


@dataclasses.dataclass(frozen=True)
class OptionRun:
    """One option, such as `cpu w/ 4 threads (xnnpack)`; `statistics` is None where it failed."""

    label: str
    statistics: Statistics | None


def read(text: str) -> OptionRun | None:
    """A line below the heading, or None if it is none or its numbers are malformed."""
    label, colon, rest = text.rpartition(": ")
    label, rest = label.strip(" "), rest.strip(" ")
    if not colon or not label:
        return None
    if rest == "failed!":
        return OptionRun(label, None)
    statistics = statistic.read(rest)
    return OptionRun(label, statistics) if statistics else None
