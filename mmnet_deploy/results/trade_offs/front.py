"""The Pareto front of many points, in which differences within the noise are none."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.results.change import LEAST_ERROR, LEAST_LATENCY
from mmnet_deploy.results.grouping import grouped
from mmnet_deploy.results.student import t_quantile
from mmnet_deploy.results.trade_offs.point import TradeOff, errors_of

CONFIDENCE = 0.95

Pairs = NDArray[np.bool_]
"""Of points i and j, whether something holds of i against j: (n, n)."""


def dominates(one: TradeOff, other: TradeOff) -> bool:
    """Whether `one` beats `other`; see `front`."""
    return bool(_beats(*_clearly([one, other]))[0, 1])


def front(points: Sequence[TradeOff]) -> list[TradeOff]:
    """The valid points that are worth choosing, from fast to slow.

    One point is faster than another if their 95 % intervals of the latency are apart, and by 1 % or
    more. It is more exact if the errors were measured on the same pictures and the 95 % interval
    of their mean difference, picture by picture, leaves out zero, and by 0.1 % or more. Else the
    two are tied in that measure: an open interval, or a single picture, tells nothing apart.
    Numbers without such a basis count as they are: published ones, and estimated latencies, which
    are in the order of counts that are exact.

    A point beats another if it is better in one measure and better or tied in the other. Ties are
    not transitive: A may be tied with B and B with C, and C be better than A. So points are chosen
    one by one: of those that no remaining point beats, the one with the least latency (then the
    least error, then the first by name), which takes what it beats and what is tied with it in
    both measures out of the rest. If each of the remaining is beaten by another, in a circle, the
    one with the least latency of a circle is chosen, and takes also what beats it out.

    It follows that, of two points of the front, one is faster and the other more exact; that, for
    a point that is left out, the front has one that beats it or is tied with it in both measures
    (but for circles); and that the order of the points does not matter. Points whose two numbers
    are the same, to the last digit, stay together.
    """
    candidates = sorted(
        filter(_may_stand, points),
        key=lambda point: (point.latency_ms, point.error, point.family, point.label),
    )
    if not candidates:
        return []
    faster, more_exact = _clearly(candidates)
    beats = _beats(faster, more_exact)
    numbers = np.array([(point.latency_ms, point.error) for point in candidates])
    same = (numbers[:, None] == numbers[None]).all(-1)
    worse = faster.T | more_exact.T
    tied = ~(worse | worse.T | same)

    left = np.ones(len(candidates), bool)
    beaten_by = beats.sum(0)
    kept = []
    while left.any():
        free = left & (beaten_by == 0)
        unbeaten = bool(free.any())
        chosen = int(np.argmax(free if unbeaten else _in_circles(beats, left)))
        kept.append(chosen)
        gone = beats[chosen] | tied[chosen]
        if not unbeaten:
            gone = gone | beats[:, chosen]
        gone[chosen] = True
        gone &= left
        left &= ~gone
        beaten_by -= beats[gone].sum(0)
    return [candidates[index] for index in sorted(kept)]


def _may_stand(point: TradeOff) -> bool:
    """Whether `point` may be on the front at all.

    A latency that broke the rules of its benchmark is no evidence, so it can neither be
    on the front nor push another point off it. NaN compares false with everything and
    would never be beaten, hence the test for numbers.
    """
    return point.valid and math.isfinite(point.latency_ms) and math.isfinite(point.error)


def _beats(faster: Pairs, more_exact: Pairs) -> Pairs:
    return (faster | more_exact) & ~(faster.T | more_exact.T)


def _in_circles(beats: Pairs, left: Pairs) -> Pairs:
    """Those of the remaining points, each of which another one beats, that beat one of a circle."""
    inside = left.copy()
    while True:
        last = inside & ~beats[:, inside].any(1)
        if not last.any():
            return inside
        inside &= ~last


# --- Two points --------------------------------------------------------------


def _clearly(points: Sequence[TradeOff]) -> tuple[Pairs, Pairs]:
    """Which points are faster, and which are more exact, than which others."""
    return _faster(points), _more_exact(points)


def _faster(points: Sequence[TradeOff]) -> Pairs:
    value = np.array([point.latency_ms for point in points])
    low, high = np.array([_interval(point) for point in points]).T
    measured = np.array([point.source == "measured" for point in points])
    apart = high[:, None] < low[None]
    return np.where(measured[:, None] & measured[None], apart, value[:, None] < value[None])


def _interval(point: TradeOff) -> tuple[float, float]:
    """The interval of the latency, with half of what never counts as a difference on each side."""
    middle, half = point.latency_ms, math.sqrt(1 + LEAST_LATENCY)
    low, high = point.latency_low_ms, point.latency_high_ms
    return (
        min(middle / half, middle if math.isnan(low) else low),
        max(middle * half, middle if math.isnan(high) else high),
    )


def _more_exact(points: Sequence[TradeOff]) -> Pairs:
    error = np.array([point.error for point in points])
    found = error[:, None] < error[None]
    scores = [errors_of(point) for point in points]

    def pictures(index: int) -> Hashable:
        evaluation = points[index].evaluation
        if evaluation is None:
            return None
        names = tuple(scores[index])
        size = evaluation.height_px, evaluation.width_px
        definition = evaluation.gradient_error_definition, evaluation.upsample
        return points[index].metric, evaluation.data_sha256, size, definition, names

    for key, of_pictures in grouped(range(len(points)), pictures).items():
        if key is not None:
            own = np.ix_(of_pictures, of_pictures)
            found[own] &= _apart(np.array([list(scores[index].values()) for index in of_pictures]))
    return found


def _apart(scores: NDArray[np.float64]) -> Pairs:
    """Which means differ by more than the noise.

    The interval is Student's of the mean of the paired differences, whose variance follows from
    the covariances: Var(a - b) = Var(a) + Var(b) - 2 Cov(a, b).

    Args:
        scores: Errors of m models on the same n pictures: (m, n).
    """
    models, count = scores.shape
    if count < 2:
        return np.zeros((models, models), bool)
    mean = scores.mean(1)
    around = scores - mean[:, None]
    covariance = around @ around.T / (count - 1)
    own = covariance.diagonal()
    variance = np.maximum(own[:, None] + own[None] - 2 * covariance, 0)
    margin = float(t_quantile(count - 1, CONFIDENCE)) * np.sqrt(variance / count)
    difference = np.abs(mean[:, None] - mean[None])
    least = LEAST_ERROR * np.minimum(mean[:, None], mean[None])
    return (difference > margin) & (difference >= least)
