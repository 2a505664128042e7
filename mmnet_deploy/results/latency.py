"""The latency of a measurement: statistics that are derived when needed, never stored."""

from __future__ import annotations

import dataclasses
import functools
import math
import statistics

import numpy as np

from android_benchmark import Measurement, Statistics
from mmnet_deploy.results.records import Benchmark
from mmnet_deploy.results.student import t_quantile

CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Latency:
    """Summary of one measurement, in microseconds.

    Attributes:
        quoted_us: The figure that stands for it: the median or the 90th percentile, as its
            rules say; of an engine that prints no such thing, what `statistic` names.
        low_us, high_us: Ends of its 95 % confidence interval; infinite where so few runs do not
            bound it on that side.
        p90_us: The 90th percentile; None where there are no samples.
        statistic: A name in `STATISTICS`.
    """

    quoted_us: float
    low_us: float
    high_us: float
    p90_us: float | None
    runs: int
    statistic: str = "median"

    @property
    def bounded(self) -> bool:
        """Whether both ends of the interval are known."""
        return math.isfinite(self.low_us) and math.isfinite(self.high_us)

    @property
    def remedy(self) -> str:
        """Why the interval is open, and how many runs close it; empty if it is closed."""
        if self.bounded:
            return ""
        runs = f"{self.runs} run{'s do' if self.runs != 1 else ' does'}"
        return f"{runs} not bound the {NAMES[self.statistic]}; {least_runs(self.statistic)} do."


NAMES = {"median": "median", "p90": "90th percentile", "mean": "mean", "min": "minimum"}
STATISTICS = tuple(NAMES)
"""What a measurement can be quoted as."""

_SHARES = {"median": 0.5, "p90": 0.9}
"""What share of all runs lies below a percentile."""


@functools.lru_cache(maxsize=4096)
def interval_ranks(count: int, share: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Ranks of the samples that a percentile lies between, by the binomial distribution.

    Of `count` independent samples, a Binomial(`count`, `share`) number lies below the percentile,
    whatever their distribution. On either side at most half of 1 - `confidence` is left out; with
    samples that are equal it is less (H. A. David and H. N. Nagaraja, "Order Statistics",
    3rd ed., 7.1).

    Returns:
        The lower and the upper rank, from 1 to `count`; 0 and `count` + 1 mean that no sample
        bounds it on that side.
    """
    # P(B = k + 1) / P(B = k), added up in logarithms since count may be a million.
    steps = np.arange(count)
    ratios = np.log((count - steps) / (steps + 1)) + math.log(share / (1 - share))
    logs = count * math.log1p(-share) + np.concatenate([[0.0], np.cumsum(ratios)])
    chances = np.exp(logs)
    left_out = (1 - confidence) / 2
    # The largest rank with P(B < rank) ≤ left_out, the least with P(B ≥ rank) ≤ left_out.
    low = int(np.searchsorted(np.cumsum(chances), left_out, "right"))
    high = count + 1 - int(np.searchsorted(np.cumsum(chances[::-1]), left_out, "right"))
    return low, high


def least_runs(statistic: str, confidence: float = CONFIDENCE) -> int:
    """How many runs bound a statistic on both sides: 6 for the median, 36 for p90, 2 for a mean."""
    share = _SHARES.get(statistic)
    if share is None:
        return 2
    # All samples are on one side of it with the chance share ** runs.
    return math.ceil(math.log((1 - confidence) / 2) / math.log(share))


def summarise(
    measurement: Measurement, percentile: int = 50, *, statistic: str | None = None
) -> Latency:
    """A statistic with its confidence interval, and the 90th percentile.

    The interval of a percentile is that of order statistics: it assumes no distribution, only
    that runs are independent. Where too few runs bound it, it is infinite. That of a mean is
    Student's; so are both where an engine gives statistics only. The minimum is that of the
    samples, and has none.

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
        margin_us = _margin(statistics.stdev(ordered), count) if count > 1 else math.inf
        return Latency(mean_us, mean_us - margin_us, mean_us + margin_us, p90_us, count, wanted)
    low, high = interval_ranks(count, _SHARES[wanted])
    low_us = ordered[low - 1] if low > 0 else -math.inf
    high_us = ordered[high - 1] if high <= count else math.inf
    quoted_us = p90_us if wanted == "p90" else statistics.median(ordered)
    # Interpolation rounds, by which it may leave the samples.
    quoted_us = min(max(quoted_us, low_us), high_us)
    return Latency(quoted_us, low_us, high_us, p90_us, count, wanted)


def _margin(deviation: float, count: int) -> float:
    """Half the width of the interval of a mean, by Student's t."""
    return float(t_quantile(count - 1, CONFIDENCE)) * deviation / math.sqrt(count)


def quoted(benchmark: Benchmark) -> Latency:
    """The latency that stands for a benchmark: the percentile that its run rules quote."""
    return summarise(benchmark.measurement, benchmark.rules.percentile if benchmark.rules else 50)


def milliseconds(us: float) -> str:
    """Milliseconds with three significant digits, which is what repeated runs agree on."""
    ms = us / 1000
    return f"{ms:.0f}" if ms >= 99.95 else f"{ms:.1f}" if ms >= 9.995 else f"{ms:.2f}"


def shown_interval(low_us: float, high_us: float) -> str:
    """An interval in milliseconds: `12.0…13.4`, `at least 12.0`, or `unbounded`."""
    if math.isfinite(low_us) and math.isfinite(high_us):
        return f"{milliseconds(low_us)}…{milliseconds(high_us)}"
    if math.isfinite(low_us):
        return f"at least {milliseconds(low_us)}"
    return f"at most {milliseconds(high_us)}" if math.isfinite(high_us) else "unbounded"


def _of_statistics(given: Statistics, wanted: str) -> Latency:
    """The same of what an engine derived from samples that it kept."""
    if wanted == "min":
        return Latency(given.min_us, given.min_us, given.min_us, None, given.count, wanted)
    margin_us = math.inf
    if given.count > 1:
        # The engine's deviation is that of a population, which divides by the number of samples.
        margin_us = _margin(given.std_us * math.sqrt(given.count / (given.count - 1)), given.count)
    median_us = given.median_us
    if median_us is None or wanted == "mean":
        middle_us, statistic = given.mean_us, "mean"
    else:
        # The median of a normal distribution is 1.25 times as uncertain as its mean.
        middle_us, statistic, margin_us = median_us, "median", 1.2533 * margin_us
    margin_us += given.step_us / 2
    low_us = -math.inf if math.isinf(margin_us) else max(middle_us - margin_us, 0.0)
    return Latency(middle_us, low_us, middle_us + margin_us, None, given.count, statistic)
