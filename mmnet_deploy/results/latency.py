"""The latency of a measurement: statistics that are derived when needed, never stored."""

from __future__ import annotations

import dataclasses
import math
import statistics

from android_benchmark import Measurement, Statistics
from mmnet_deploy.results.records import Benchmark


@dataclasses.dataclass(frozen=True)
class Latency:
    """Summary of one measurement, in microseconds.

    Attributes:
        quoted_us: The figure that stands for it: the median or the 90th percentile, as its
            rules say; of an engine that prints no such thing, what `statistic` names.
        low_us, high_us: Ends of its 95 % confidence interval.
        p90_us: The 90th percentile; None where there are no samples.
        statistic: A name in `STATISTICS`.
    """

    quoted_us: float
    low_us: float
    high_us: float
    p90_us: float | None
    runs: int
    statistic: str = "median"


STATISTICS = ("median", "p90", "mean", "min")
"""What a measurement can be quoted as."""

_Z = 1.96
"""Half the width of a 95 % interval, in standard errors of a normal distribution."""


def summarise(
    measurement: Measurement, percentile: int = 50, *, statistic: str | None = None
) -> Latency:
    """A statistic with its confidence interval, and the 90th percentile.

    The interval of a percentile is that of order statistics: it assumes no distribution, only
    that runs are independent. With few runs it spans all samples. That of a mean is the normal
    approximation; so are both where an engine gives statistics only. The minimum has none.

    Args:
        measurement: Samples, or statistics.
        percentile: 50 or 90, what the run rules quote.
        statistic: A name in `STATISTICS`, in place of `percentile`. Where an engine does not
            give it, the answer is of another one, which it names.
    """
    wanted = statistic or ("p90" if percentile == 90 else "median")
    if measurement.statistics:
        return _of_statistics(measurement.statistics, wanted)
    ordered = sorted(measurement.samples_us)
    count = len(ordered)
    p90_us = ordered[0]
    if count > 1:
        p90_us = statistics.quantiles(ordered, n=10, method="inclusive")[-1]
    if wanted == "min":
        return Latency(ordered[0], ordered[0], ordered[0], p90_us, count, wanted)
    if wanted == "mean":
        mean_us = statistics.fmean(ordered)
        error_us = statistics.stdev(ordered) / math.sqrt(count) if count > 1 else 0.0
        return Latency(
            mean_us, mean_us - _Z * error_us, mean_us + _Z * error_us, p90_us, count, wanted
        )
    share = 0.9 if wanted == "p90" else 0.5
    # Binomial(n, p) in the normal approximation: ranks n p ∓ 1.96 √(n p (1 - p)).
    margin = _Z * math.sqrt(count * share * (1 - share))
    low = max(0, math.floor(count * share - margin))
    high = min(count - 1, math.ceil(count * share + margin))
    quoted_us = p90_us if wanted == "p90" else statistics.median(ordered)
    # Interpolation rounds, by which it may leave the samples.
    quoted_us = min(max(quoted_us, ordered[low]), ordered[high])
    return Latency(quoted_us, ordered[low], ordered[high], p90_us, count, wanted)


def quoted(benchmark: Benchmark) -> Latency:
    """The latency that stands for a benchmark: the percentile that its run rules quote."""
    return summarise(benchmark.measurement, benchmark.rules.percentile)


def milliseconds(us: float) -> str:
    """Milliseconds with three significant digits, which is what repeated runs agree on."""
    ms = us / 1000
    return f"{ms:.0f}" if ms >= 99.95 else f"{ms:.1f}" if ms >= 9.995 else f"{ms:.2f}"


def _of_statistics(given: Statistics, wanted: str) -> Latency:
    """The same of what an engine derived from samples that it kept."""
    if wanted == "min":
        return Latency(given.min_us, given.min_us, given.min_us, None, given.count, wanted)
    margin_us = _Z * given.std_us / math.sqrt(given.count)
    median_us = given.median_us
    if median_us is None or wanted == "mean":
        middle_us, statistic = given.mean_us, "mean"
    else:
        # The median of a normal distribution is 1.25 times as uncertain as its mean.
        middle_us, statistic, margin_us = median_us, "median", 1.2533 * margin_us
    # Engines round a mean to six digits, by which it may leave the samples.
    low_us = min(max(given.min_us, middle_us - margin_us), middle_us)
    high_us = max(min(given.max_us, middle_us + margin_us), middle_us)
    return Latency(middle_us, low_us, high_us, None, given.count, statistic)
