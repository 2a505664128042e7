"""By how much a measured quantity changed, and how sure that is.

Latency samples of one run are not independent: frequency and temperature drift, and other
work slows down several invocations in a row. An interval that takes them for independent is
too narrow and gives false alarms. Here each run is cut into batches of consecutive samples, and the
medians of the batches are the observations: the method of nonoverlapping batch means
(B. W. Schmeiser, "Batch size effects in the analysis of simulation output", Operations
Research 30(3), 1982, who advises 10 to 30 batches; A. M. Law, "Simulation Modeling and
Analysis", 5th ed., 9.5.3). If consecutive batches are still correlated, the batches are made
longer, as in G. S. Fishman, "Grouping observations in digital simulation", Management
Science 24(5), 1978. The two sides are compared by Welch's t interval of the logarithms, so
that a change is a ratio, and equally large in both directions.

What one run cannot tell is how much runs of the same program differ among each other. With
repeats, the medians of whole runs are the observations (T. Kalibera and R. Jones, "Rigorous
benchmarking in reasonable time", ISMM 2013); without, changes below `LEAST_LATENCY` are
never reported.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from android_benchmark import Measurement, Statistics
from mmnet_deploy.results.student import t_quantile

CONFIDENCE = 0.99
BATCHES = (10, 5)
CORRELATED = 0.15
"""Above this lag-1 correlation of the batches' medians, the batches are too short."""

LEAST_RUNS = {50: 8, 90: 90}
"""Samples, by percentile, without which nothing is compared: 8 bound a median with a confidence of
99 %; below 90, a tenth of the run has no 90th percentile."""

LEAST_COUNT = 5
"""The same for an engine's own statistics."""

LEAST_PICTURES = 2

LEAST_ERROR = 0.001
"""Errors of mattes that differ by less than this share count as equal."""

LEAST_LATENCY = 0.01
"""Runs of one program differ by this share for reasons that no single run shows, such as
where its memory lies and what the clock was at."""

_MEDIAN_VARIANCE = math.pi / 2  # of a normal distribution's median, in variances of its mean


@dataclasses.dataclass(frozen=True)
class Change:
    """A relative change, 0.05 for 5 % more, and the ends of its 99 % confidence interval.

    The ends are None where there is nothing to estimate them from, as with one count.
    """

    relative: float
    low: float | None
    high: float | None

    def verdict(self, least: float, lower_is_better: bool = True) -> str:
        """`better`, `worse`, or `same`: within the noise, or less than `least`."""
        if abs(self.relative) < least:
            return "same"
        low = self.relative if self.low is None else self.low
        high = self.relative if self.high is None else self.high
        if low <= 0 <= high:
            return "same"
        return "worse" if (self.relative > 0) == lower_is_better else "better"

    def exceeds(self, limit: float, lower_is_better: bool = True) -> bool:
        """Whether all of the interval is worse than `limit` allows."""
        low = self.relative if self.low is None else self.low
        high = self.relative if self.high is None else self.high
        return low > limit if lower_is_better else -high > limit


@dataclasses.dataclass(frozen=True)
class LogLatency:
    """Logarithm of a latency, with the variance of the estimate and its degrees of freedom.

    Numbers, or arrays of equal shape for many estimates at once.
    """

    log: NDArray[np.float64]
    variance: NDArray[np.float64]
    freedom: NDArray[np.float64]


# --- One side ----------------------------------------------------------------


def _batched(samples: NDArray[np.float64], batches: int, percentile: int) -> NDArray[np.float64]:
    """Logarithms of the batches' percentiles, (..., batches); what is left over at the end
    of the run is left out."""
    length = samples.shape[-1] // batches
    cut = samples[..., : length * batches].reshape(*samples.shape[:-1], batches, length)
    # Of few samples, this estimate of a percentile is not too low, as an interpolation between
    # the least and the greatest is.
    return np.log(np.percentile(cut, percentile, axis=-1, method="weibull"))


def _lag1(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of consecutive values, (...), without its bias of -1/n."""
    around = values - values.mean(-1, keepdims=True)
    total = (around**2).sum(-1)
    products = (around[..., 1:] * around[..., :-1]).sum(-1)
    found = np.divide(products, total, out=np.zeros_like(total), where=total > 0)
    return found + 1 / values.shape[-1]


def of_samples(samples_us: ArrayLike, percentile: int = 50) -> LogLatency:
    """The latency of one run, or of many equally long ones at once.

    Args:
        samples_us: Positive durations in order, (..., n), n at least what `LEAST_RUNS` says.
        percentile: 50 or 90.
    """
    samples = np.asarray(samples_us, float)
    most, fewest = (min(count, samples.shape[-1]) for count in BATCHES)
    short, long = (_batched(samples, count, percentile) for count in (most, fewest))
    variance = short.var(-1, ddof=1) / most
    of_long = np.maximum(long.var(-1, ddof=1) / fewest, variance)
    correlated = _lag1(short) > CORRELATED
    return LogLatency(
        short.mean(-1),
        np.where(correlated, of_long, variance),
        np.where(correlated, fewest - 1.0, most - 1.0),
    )


def of_statistics(given: Statistics) -> LogLatency:
    """The latency by an engine's mean or median; its samples are taken as independent.

    What the engine rounds its numbers to counts as an even spread.
    """
    middle = given.mean_us if given.median_us is None else given.median_us
    # The engine's deviation is that of a population.
    variance = (given.std_us / middle) ** 2 / (given.count - 1)
    if given.median_us is not None:
        variance *= _MEDIAN_VARIANCE
    variance += (given.step_us / middle) ** 2 / 12
    return LogLatency(np.log(middle), np.asarray(variance), np.asarray(given.count - 1.0))


def _of_run(measurement: Measurement, percentile: int) -> LogLatency:
    if measurement.statistics:
        return of_statistics(measurement.statistics)
    return of_samples(measurement.samples_us, percentile)


# --- Two sides ---------------------------------------------------------------


def interval(
    baseline: LogLatency, new: LogLatency
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Relative change with the ends of its interval; Welch's approximation of the freedom."""
    variance = baseline.variance + new.variance
    parts = baseline.variance**2 / baseline.freedom + new.variance**2 / new.freedom
    least = np.minimum(baseline.freedom, new.freedom)
    freedom = np.divide(variance**2, parts, out=np.array(least, float), where=parts > 0)
    return _around(new.log - baseline.log, variance, freedom)


def _around(
    difference: ArrayLike, variance: ArrayLike, freedom: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    margin = t_quantile(freedom, CONFIDENCE) * np.sqrt(variance)
    difference = np.asarray(difference)
    return np.expm1(difference), np.expm1(difference - margin), np.expm1(difference + margin)


def lacking(measurement: Measurement, percentile: int = 50) -> str:
    """Why nothing can be estimated from a measurement; empty if something can."""
    given = measurement.statistics
    least = LEAST_COUNT if given else LEAST_RUNS[percentile]
    if measurement.runs < least:
        runs = f"{measurement.runs} run{'s' * (measurement.runs != 1)}"
        return f"{runs}, at least {least} wanted" + " for a 90th percentile" * (least > 50)
    least_us = min(given.mean_us, given.median_us or given.mean_us) if given else 0.0
    least_us = least_us if given else min(measurement.samples_us)
    return "" if least_us > 0 else "its clock did not tick"


def of_latency(
    baseline: Sequence[Measurement], new: Sequence[Measurement], percentile: int = 50
) -> Change:
    """Change of the latency from repetitions of one setting to those of another.

    With one run on each side, the interval is that of what varies within runs. With more,
    it is that of what varies from run to run, taken as equal on both sides, and never less
    than what varies within.

    Args:
        baseline, new: At least one each, and none that is `lacking`.
        percentile: 50, or 90 where samples are given.
    """
    sides = [[_of_run(run, percentile) for run in side] for side in (baseline, new)]
    if len(baseline) == len(new) == 1:
        ends = interval(sides[0][0], sides[1][0])
    else:
        ends = _of_repeats(*sides)
    return Change(*map(float, ends))


def _of_repeats(
    baseline: Sequence[LogLatency], new: Sequence[LogLatency]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    logs = [np.array([float(run.log) for run in side]) for side in (baseline, new)]
    freedom = sum(map(len, logs)) - 2.0
    between = sum(float(((side - side.mean()) ** 2).sum()) for side in logs) / freedom
    runs = [*baseline, *new]
    within = sum(float(run.variance) for run in runs) / len(runs)
    if within > between:
        between, freedom = within, sum(float(run.freedom) for run in runs)
    variance = between * sum(1 / len(side) for side in logs)
    return _around(logs[1].mean() - logs[0].mean(), variance, freedom)


def of_paired(baseline: ArrayLike, new: ArrayLike) -> Change:
    """Change of a mean over the same pictures.

    The interval is that of the ratio of two means of pairs (W. G. Cochran, "Sampling
    Techniques", 3rd ed., 6.4): it says what other pictures of the kind would give.

    Args:
        baseline, new: Scores of n pictures each, in the same order.

    Raises:
        ValueError: The baseline's mean is 0, or there are too few pictures for an interval.
    """
    before, after = np.asarray(baseline, float), np.asarray(new, float)
    middle, count = before.mean(), before.size
    if count < LEAST_PICTURES:
        raise ValueError(f"{count} picture, at least {LEAST_PICTURES} wanted")
    if middle == 0:
        raise ValueError("the baseline's mean is 0")
    ratio = after.mean() / middle
    residuals = after - ratio * before
    error = math.sqrt(float((residuals**2).sum()) / (count * (count - 1))) / abs(middle)
    margin = float(t_quantile(count - 1, CONFIDENCE)) * error
    return Change(float(ratio - 1), float(ratio - 1 - margin), float(ratio - 1 + margin))


def of_exact(baseline: float, new: float) -> Change:
    """Change of what is counted and not measured, such as a size.

    Raises:
        ValueError: `baseline` is 0.
    """
    if baseline == 0:
        raise ValueError("the baseline is 0")
    return Change(new / baseline - 1, None, None)
