"""Horizontal lines in the trade-off chart: errors that have no latency."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from mmnet_deploy.charts.dots import Dot, error_axis
from mmnet_deploy.charts.scales import ScaleName, choose
from mmnet_deploy.charts.style import DASH_DOTTED, DASHED
from mmnet_deploy.results.published import Reference
from mmnet_deploy.results.trade_offs import constant_error

CONSTANT = "a matte of one value"

REACH = 0.5
"""How far from the points, in shares of what they span, a matte of one value is drawn as a line."""

LEAST_REACH = 1.3
"""The same as a factor, for points that are close together."""


@dataclasses.dataclass(frozen=True)
class Level:
    """A horizontal line.

    Attributes:
        metric: Of the panels that it is for.
        label: In the legend.
        place: In the units of the axis.
        drawn: Whether there is a line: one that is far off would squeeze the points.
        is_above: Whether it lies above all points.
    """

    metric: str
    label: str
    place: float
    drawn: bool = True
    is_above: bool = False

    @property
    def told(self) -> bool:
        """Whether the legend has its number."""
        return self.label == CONSTANT

    @property
    def line(self) -> Any:
        """How it is dashed."""
        return DASH_DOTTED if self.told else DASHED


def levels(
    metric: str, dots: Sequence[Dot], references: Sequence[Reference], y_scale: ScaleName
) -> list[Level]:
    """The lines of one metric.

    Args:
        dots: All that share the axis.
        references: Published gradient errors without a latency.
        y_scale: As it was asked for. On a broken axis, any distance can be shown.
    """
    factor = error_axis(metric).factor
    found = []
    if metric == "gradient_error":
        found = [Level(metric, r.label, factor * r.error) for r in references]
    known = [
        (dot.point.evaluation.created_at, error)
        for dot in dots
        if dot.point.evaluation and (error := constant_error(dot.point)) is not None
    ]
    if known:
        # On the same pictures it is the same, but for the last digits of another computer.
        place = factor * max(known)[1]
        values = [*(dot.place[1] for dot in dots), *(level.place for level in found)]
        drawn = y_scale == "broken" or _is_near(place, values, choose("y", y_scale, values))
        found.append(Level(metric, CONSTANT, place, drawn, place > max(values)))
    return found


def _is_near(place: float, values: Sequence[float], scale: ScaleName) -> bool:
    """Whether an axis for `values` may grow to hold `place`."""
    low, high = min(values), max(values)
    if scale == "log":
        reach = max(REACH * math.log(high / low), math.log(LEAST_REACH))
        return place > 0 and math.log(low) - reach <= math.log(place) <= math.log(high) + reach
    reach = max(REACH * (high - low), (LEAST_REACH - 1) * high)
    return low - reach <= place <= high + reach
