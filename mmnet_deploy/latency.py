"""Statistics of raw latency samples; derived when needed, never stored."""

from __future__ import annotations

import dataclasses
import math
import statistics

from android_benchmark import Measurement, Statistics


@dataclasses.dataclass(frozen=True)
class Latency:
    """Summary of one measurement, in microseconds.

    Attributes:
        quoted_us: The figure that stands for it: the median or the 90th percentile, as its
            rules say; of an engine that prints no such thing, what `statistic` names.
        low_us, high_us: Ends of its 95 % confidence interval.
        p90_us: The 90th percentile; None where there are no samples.
        statistic: `median`, `p90` or `mean`.
    """

    quoted_us: float
    low_us: float
    high_us: float
    p90_us: float | None
    runs: int
    statistic: str = "median"


def summarise(measurement: Measurement, percentile: int = 50) -> Latency:
    """The percentile with its confidence interval, and the 90th.

    The interval is that of order statistics: it assumes no distribution, only that
    runs are independent. With few runs it spans all samples. Where an engine hands out
    statistics only, it is the normal approximation about what the engine gives.

    Args:
        measurement: Samples, or statistics.
        percentile: 50 or 90.
    """
    if measurement.statistics:
        return _of_statistics(measurement.statistics)
    ordered = sorted(measurement.samples_us)
    count, share = len(ordered), percentile / 100
    # Binomial(n, p) in the normal approximation: ranks n p ∓ 1.96 √(n p (1 - p)).
    margin = 1.96 * math.sqrt(count * share * (1 - share))
    low = max(0, math.floor(count * share - margin))
    high = min(count - 1, math.ceil(count * share + margin))
    p90_us = ordered[0]
    if count > 1:
        p90_us = statistics.quantiles(ordered, n=10, method="inclusive")[-1]
    quoted_us = p90_us if percentile == 90 else statistics.median(ordered)
    # Interpolation rounds, by which it may leave the samples.
    quoted_us = min(max(quoted_us, ordered[low]), ordered[high])
    name = "p90" if percentile == 90 else "median"
    return Latency(quoted_us, ordered[low], ordered[high], p90_us, count, name)


def _of_statistics(given: Statistics) -> Latency:
    """The same of what an engine derived from samples that it kept."""
    margin_us = 1.96 * given.std_us / math.sqrt(given.count)
    median_us = given.median_us
    if median_us is None:
        middle_us, statistic = given.mean_us, "mean"
    else:
        # The median of a normal distribution is 1.25 times as uncertain as its mean.
        middle_us, statistic, margin_us = median_us, "median", 1.2533 * margin_us
    # Engines round a mean to six digits, by which it may leave the samples.
    low_us = min(max(given.min_us, middle_us - margin_us), middle_us)
    high_us = max(min(given.max_us, middle_us + margin_us), middle_us)
    return Latency(middle_us, low_us, high_us, None, given.count, statistic)
