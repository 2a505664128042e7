"""Statistics of raw latency samples; derived when needed, never stored."""

from __future__ import annotations

import dataclasses
import math
import statistics

from android_benchmark import Measurement


@dataclasses.dataclass(frozen=True)
class Latency:
    """Summary of one measurement, in microseconds.

    Attributes:
        low_us, high_us: Ends of the 95 % confidence interval of the median.
    """

    median_us: float
    p90_us: float
    low_us: float
    high_us: float
    runs: int


def summarise(measurement: Measurement) -> Latency:
    """Median, 90th percentile and the median's confidence interval.

    The interval is that of order statistics: it assumes no distribution, only that
    runs are independent. With few runs it spans all samples.
    """
    ordered = sorted(measurement.samples_us)
    count = len(ordered)
    # Binomial(n, 1/2) in the normal approximation: ranks n/2 ∓ 1.96 √n / 2.
    margin = 0.98 * math.sqrt(count)
    low = max(0, math.floor(count / 2 - margin))
    high = min(count - 1, math.ceil(count / 2 + margin))
    p90 = statistics.quantiles(ordered, n=10, method="inclusive")[-1] if count > 1 else ordered[0]
    return Latency(statistics.median(ordered), p90, ordered[low], ordered[high], count)
