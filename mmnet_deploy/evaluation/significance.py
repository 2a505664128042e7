"""How sure a mean over pictures is, and whether two models differ on the same pictures.

Both by resampling the pictures: nothing is assumed of how the scores are distributed. All
draws are seeded, so the same scores give the same figures.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.results.student import t_quantile

CONFIDENCE = 0.95
RESAMPLES = 10_000

FEW = 50
"""With fewer pictures the bootstrap's intervals are too short: with 5 they hold the mean in 8 of 10
cases. Student's interval, where it reaches further, makes up for that."""

_CHUNK = 2_000_000
"""Numbers drawn at a time, which bounds the memory."""

Draw = Callable[[int], NDArray[np.float64]]


@dataclasses.dataclass(frozen=True)
class Interval:
    """Ends of a confidence interval, in the unit of the scores."""

    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class PairedComparison:
    """Two models on the same pictures.

    Attributes:
        difference: Mean of the second model's scores less the first's.
        interval: Of that mean; None with a single picture.
        p_value: How often a difference at least as large, of either sign, would come up if
            the models were exchangeable.
        pictures: How many both have a score of.
    """

    difference: float
    interval: Interval | None
    p_value: float
    pictures: int


def _means(count: int, resamples: int, draw: Draw) -> Iterator[NDArray[np.float64]]:
    """What `draw` gives for `resamples` rows of `count` numbers, a bounded part at a time."""
    rows = max(1, _CHUNK // count)
    for start in range(0, resamples, rows):
        yield draw(min(rows, resamples - start))


def score_interval(name: str, values: Sequence[float]) -> Interval | None:
    """`mean_interval` of a metric's scores, within what the metric can be.

    No score is negative, and a mean IoU is at most 1. The mean lies there too, so cutting the
    interval off costs no coverage.

    Args:
        name: Of the metric.
    """
    found = mean_interval(values)
    if found is None:
        return None
    most = 1.0 if name == "mean_iou" else math.inf
    return Interval(max(0.0, found.low), min(most, found.high))


def mean_interval(
    values: Sequence[float],
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """Bootstrap confidence interval of the mean of `values`; None for fewer than two.

    Bias-corrected and accelerated (BCa; Efron 1987, Better bootstrap confidence intervals):
    scores of pictures are skewed, since a few go wrong, and the plain percentiles then lie
    too low. With fewer than `FEW` values, it reaches at least as far as Student's interval.
    """
    if len(values) < 2:
        return None
    sample = np.asarray(values, np.float64)
    count, mean = len(sample), sample.mean()
    if np.ptp(sample) == 0:
        return Interval(float(mean), float(mean))
    rng = np.random.default_rng(seed)
    means = np.sort(
        np.concatenate(
            list(
                _means(
                    count,
                    resamples,
                    lambda rows: sample[rng.integers(count, size=(rows, count))].mean(axis=1),
                )
            )
        )
    )
    normal = NormalDist()
    # Half of those that are equal count as below; an empty side would have no quantile.
    below = (np.searchsorted(means, mean, "left") + np.searchsorted(means, mean, "right")) / 2
    bias = normal.inv_cdf(min(max(below / resamples, 1 / resamples), 1 - 1 / resamples))
    # The jackknife's means are linear in the values, so their deviations are the values'.
    apart = sample - mean
    acceleration = float((apart**3).sum() / (6 * (apart**2).sum() ** 1.5))
    ends = []
    for share in ((1 - confidence) / 2, (1 + confidence) / 2):
        shifted = bias + normal.inv_cdf(share)
        # Far out the correction has a pole, and the end is the outermost mean.
        scale = 1 - acceleration * shifted
        level = normal.cdf(bias + shifted / scale) if scale > 0 else float(shifted > 0)
        ends.append(float(np.quantile(means, level)))
    if count < FEW:
        margin = float(t_quantile(count - 1, confidence)) * sample.std(ddof=1) / math.sqrt(count)
        ends = [min(ends[0], float(mean - margin)), max(ends[1], float(mean + margin))]
    return Interval(*ends)


def _sign_flips(differences: NDArray[np.float64], seed: int) -> tuple[int, int]:
    """How many of how many sign flips give a sum at least as far from zero."""
    count = len(differences)
    # Sums that are equal but for rounding are equal.
    limit = abs(differences.sum()) - 1e-9 * np.abs(differences).sum()
    if 2**count <= RESAMPLES:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=count)))
        return int((np.abs(signs @ differences) >= limit).sum()), 2**count
    rng = np.random.default_rng(seed)

    def draw(rows: int) -> NDArray[np.float64]:
        return np.abs((2.0 * rng.integers(2, size=(rows, count)) - 1) @ differences)

    far = sum(int((sums >= limit).sum()) for sums in _means(count, RESAMPLES, draw))
    # The sign flip that was observed is one of them, so that no p-value is 0.
    return far + 1, RESAMPLES + 1


def compare(ours: Sequence[float], theirs: Sequence[float], *, seed: int = 0) -> PairedComparison:
    """Compare the scores of two models, picture by picture.

    The p-value is that of a paired permutation test (Fisher 1935, The design of experiments):
    if the models were exchangeable, each picture's difference could as well have the other
    sign. All sign flips are counted if there are at most 10 000, else 10 000 are drawn and
    the observed one is added (Phipson and Smyth 2010, Permutation p-values should never be
    zero). The interval is `mean_interval` of the differences.

    Args:
        ours, theirs: Scores of the same pictures, in the same order.

    Raises:
        ValueError: The numbers of scores differ, or there are none.
    """
    if len(ours) != len(theirs) or not len(ours):
        raise ValueError(f"Scores of the same pictures are needed: {len(ours)}, {len(theirs)}.")
    differences = np.asarray(theirs, np.float64) - np.asarray(ours, np.float64)
    far, all_flips = _sign_flips(differences, seed)
    return PairedComparison(
        difference=float(differences.mean()),
        interval=mean_interval(differences.tolist(), seed=seed),
        p_value=far / all_flips,
        pictures=len(differences),
    )
