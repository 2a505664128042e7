"""The legends of the trade-off chart: what colours, shapes, fillings and sizes mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from mmnet_deploy.dots import (
    AREA_UNKNOWN_PT2,
    CIRCLE,
    Dot,
    Shape,
    area_pt2,
    count,
    looks,
    references,
    shown,
)
from mmnet_deploy.style import INK, QUIET

LARGEST_FAMILY = 22  # characters
AREA_IN_LEGEND_PT2 = 55.0
GREY_FACE, GREY_EDGE = "#dddddd", "#999999"


def _marker(shape: Shape, area_pt2: float, face: str, edge: str) -> Line2D:
    """A marker for the legend."""
    return Line2D(
        [], [], linestyle="none", marker=shape.marker, markersize=math.sqrt(shape.size(area_pt2)),
        markerfacecolor=face, markeredgecolor=edge, markeredgewidth=0.8,
    )  # fmt: skip


def _add_legend(axes: Axes, rows: Sequence[tuple[str, Line2D]], top: bool, title: str = "") -> None:
    """A legend on the right of the axes, at their top or bottom."""
    legend = Legend(
        axes,
        [handle for _, handle in rows],
        ["x"] * len(rows),
        loc="upper left" if top else "lower left",
        bbox_to_anchor=(1.03, float(top)),
        title=title or None,
        title_fontsize=8.0,
        fontsize=8.0,
        frameon=False,
        alignment="left",
        borderaxespad=0.0,
        borderpad=0.0,
        handlelength=1.6,
        handletextpad=0.5,
        labelspacing=0.55 if top else 0.75,
    )
    # Afterwards, since a legend warns about names that begin with an underscore.
    for text, (name, _) in zip(legend.get_texts(), rows, strict=True):
        text.set_text(name)
    axes.add_artist(legend)
    legend.set_clip_on(False)


def add_legends(axes: Axes, dots: Sequence[Dot]) -> None:
    """What colours, shapes and fillings mean, above; what the sizes mean, below."""
    rows = [
        (shown(family, LARGEST_FAMILY), _marker(shape, AREA_IN_LEGEND_PT2, colour, INK))
        for family, (colour, shape) in looks([dot.point for dot in dots]).items()
    ]
    if sum(dot.best for dot in dots) > 1:
        rows.append(("Pareto front", Line2D([], [], color=QUIET, lw=1.0)))
    if any(low < high for low, high in (dot.interval for dot in dots)):
        rows.append(("95 % interval", Line2D([], [], color=GREY_EDGE, lw=1.6)))
    if any(dot.point.valid and not dot.best for dot in dots):
        rows.append(("paler: dominated", _marker(CIRCLE, AREA_IN_LEGEND_PT2, GREY_FACE, GREY_EDGE)))
    if not all(dot.point.valid for dot in dots):
        rows.append(
            ("invalid (see the table)", _marker(CIRCLE, AREA_IN_LEGEND_PT2, "white", QUIET))
        )
    _add_legend(axes, rows, top=True)
    known = [dot.point.parameters for dot in dots if dot.point.parameters]
    if known:
        sizes = [(count(number), area_pt2(number, known)) for number in references(known)]
        if len(known) < len(dots):
            sizes.insert(0, ("unknown", AREA_UNKNOWN_PT2))
        rows = [(name, _marker(CIRCLE, area, GREY_FACE, GREY_EDGE)) for name, area in sizes]
        _add_legend(axes, rows, top=False, title="Parameters")
