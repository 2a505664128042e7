"""Which networks are worth choosing: the Pareto front of quality against latency."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mmnet_deploy.results.records import TradeOff


def _may_stand(point: TradeOff) -> bool:
    """Whether `point` may be on the front at all.

    A latency that broke the rules of its benchmark is no evidence, so it can neither be
    on the front nor push another point off it. NaN compares false with everything and
    would never be dominated, hence the test for numbers.
    """
    return point.valid and math.isfinite(point.latency_ms) and math.isfinite(point.error)


def dominates(one: TradeOff, other: TradeOff) -> bool:
    """Whether `one` is at least as good as `other` in both measures and better in one."""
    no_worse = one.latency_ms <= other.latency_ms and one.error <= other.error
    better = one.latency_ms < other.latency_ms or one.error < other.error
    return no_worse and better


def front(points: Sequence[TradeOff]) -> list[TradeOff]:
    """The valid points that no other valid point dominates, from fast to slow.

    Lower latency and lower error are better. Points that are equal in both
    measures do not dominate each other: they stay or go together.
    """
    candidates = sorted(
        filter(_may_stand, points),
        key=lambda point: (point.latency_ms, point.error, point.family, point.label),
    )
    kept: list[TradeOff] = []
    for point in candidates:
        # Sorted by latency, so the last point kept is the most exact one so far, and it
        # alone has to be asked.
        if not kept or not dominates(kept[-1], point):
            kept.append(point)
    return kept
