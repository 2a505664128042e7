"""The trade-offs of a report: the chart, in lines and in words, and the Pareto fronts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from markupsafe import Markup

from mmnet_deploy.errors import ResultError
from mmnet_deploy.results import estimate, trade_offs
from mmnet_deploy.results.grouping import grouped
from mmnet_deploy.results.records import Record
from mmnet_deploy.results.trade_offs import TradeOff, constant_error, front

LEAST_SCALE, MOST_SCALE = 1.15, 1.75
"""Pixels to a point of the chart: below, its labels cannot be read; above, it shouts."""


@dataclasses.dataclass(frozen=True)
class FrontPart:
    """The best trade-offs on one device."""

    device: str
    points: tuple[TradeOff, ...]


@dataclasses.dataclass(frozen=True)
class TradeOffPart:
    """The trade-off chart and what stands beside it.

    Attributes:
        chart: None where there is none; `lacks` says why.
        label: The chart in words.
        size: How small and how large the chart may be shown, as CSS.
        constant: The gradient error of a matte of one value; None where it is not known.
    """

    chart: Markup | None = None
    label: str = ""
    size: str = ""
    lacks: str = ""
    fronts: tuple[FrontPart, ...] = ()
    notes: tuple[str, ...] = ()
    constant: float | None = None


def trade_off_part(records: Sequence[Record], emulated: bool) -> TradeOffPart:
    """Work out the trade-offs; what keeps them from being drawn is said in their place."""
    try:
        joined = trade_offs.join(records, emulated=emulated)
        profile = estimate.load_profile(estimate.DEFAULT)
        points = [*joined.points, *trade_offs.estimates(records, profile)[0]]
    except ResultError as error:
        return TradeOffPart(lacks=str(error))
    if not points:
        lacks = "No model file has both a latency and a gradient error."
        return TradeOffPart(lacks=lacks, notes=joined.notes)
    from mmnet_deploy.charts import chart  # which takes longer to import than most folders to read

    drawn = chart.compose(points)
    constant = next((c for c in map(constant_error, points) if c is not None), None)
    groups = grouped(points, lambda point: point.device)
    fronts = tuple(FrontPart(device, tuple(front(groups[device]))) for device in sorted(groups))
    least, most = (scale * drawn.width_pt for scale in (LEAST_SCALE, MOST_SCALE))
    return TradeOffPart(
        # The texts in it are escaped, as XML.
        chart=Markup(drawn.svg()),
        label=_label(fronts, constant),
        size=f"min-width: {least:.0f}px; max-width: {most:.0f}px",
        fronts=fronts,
        notes=joined.notes,
        constant=constant,
    )


def _label(fronts: Sequence[FrontPart], constant: float | None) -> str:
    """The chart in words."""
    parts = [
        f"on {part.device}: "
        + ("; ".join(
            f"{point.family} {point.label}, {point.latency_ms:.3g} ms, "
            f"{1000 * point.error:.3g}e-3"
            for point in part.points
        ) or "no valid result")
        for part in fronts
    ]  # fmt: skip
    line = "" if constant is None else f" A matte of one value has {1000 * constant:.3g}e-3."
    return "Gradient error against latency. On the Pareto front " + ". ".join(parts) + "." + line
