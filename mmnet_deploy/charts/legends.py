"""The legends of the trade-off chart: what colours, shapes, fillings and sizes mean."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from mmnet_deploy.charts.dots import (
    AREA_UNKNOWN_PT2,
    CIRCLE,
    CROSS,
    Dot,
    Shape,
    area_pt2,
    count,
    error_axis,
    looks,
    references,
    shown,
)
from mmnet_deploy.charts.levels import Level
from mmnet_deploy.charts.style import (
    DOTTED,
    DPI,
    INK,
    MARGIN_PT,
    PT_PER_INCH,
    QUIET,
    SHORT_DASHED,
)
from mmnet_deploy.results.grouping import grouped
from mmnet_deploy.results.naming import SMALL
from mmnet_deploy.results.published import SERIES

ESTIMATED = "estimated, not measured"
OPEN = "open: too few runs"
LARGEST_FAMILY = 24  # characters
AREA_IN_LEGEND_PT2 = 55.0
LEGEND_COLUMN_PT = 115.0
"""Width of a column of a legend that stands below the panels."""

GREY_FACE, GREY_EDGE = "#dddddd", "#999999"

Row = tuple[str, Line2D]


def _marker(shape: Shape, area_pt2: float, face: str, edge: str) -> Line2D:
    """A marker for the legend."""
    return Line2D(
        [], [], linestyle="none", marker=shape.marker, markersize=math.sqrt(shape.size(area_pt2)),
        markerfacecolor=face, markeredgecolor=edge, markeredgewidth=0.8,
    )  # fmt: skip


def _star() -> Line2D:
    """The sign of small inputs in labels: an asterisk of five strokes, as in the font."""
    return Line2D([], [], linestyle="none", marker=(5, 2, 0), markersize=5.0, color=INK)


def _published() -> Line2D:
    """The marker of published points for the legend: hollow and dotted.

    The edge of a line's marker cannot be dotted, so a short dotted line stands for it.
    """
    return Line2D([], [], color=QUIET, lw=1.4, ls=DOTTED)


def _legend(parent: Axes | Figure, rows: Sequence[Row], title: str = "", **layout: Any) -> Legend:
    """Add a legend to its parent; its place is in `layout`."""
    legend = Legend(
        parent,
        [handle for _, handle in rows],
        ["x"] * len(rows),
        title=title or None,
        title_fontsize=8.0,
        fontsize=8.0,
        frameon=False,
        alignment="left",
        borderaxespad=0.0,
        borderpad=0.0,
        handlelength=1.6,
        handletextpad=0.5,
        **layout,
    )
    # Afterwards, since a legend warns about names that begin with an underscore.
    for text, (name, _) in zip(legend.get_texts(), rows, strict=True):
        text.set_text(name)
    parent.add_artist(legend)
    legend.set_clip_on(False)
    return legend


def _meanings(dots: Sequence[Dot], levels: Sequence[Level]) -> list[Row]:
    """What colours, shapes, fillings and lines mean."""
    rows = [
        (shown(family, LARGEST_FAMILY), _marker(shape, AREA_IN_LEGEND_PT2, colour, INK))
        for family, (colour, shape) in _looks(dots).items()
    ]
    if any(re.search(rf"{re.escape(SMALL)}(?: |$)", dot.point.label) for dot in dots):
        rows.append(("input of 128×128", _star()))
    best = Counter((dot.point.device, dot.point.metric) for dot in dots if dot.best)
    if any(count > 1 for count in best.values()):
        rows.append(("Pareto front", Line2D([], [], color=QUIET, lw=1.0)))
    if any(low < high for low, high in (dot.interval for dot in dots)):
        rows.append(("95 % interval", Line2D([], [], color=GREY_EDGE, lw=1.6)))
    if any(any(dot.opens) for dot in dots):
        rows.append((OPEN, Line2D([], [], color=GREY_EDGE, lw=1.1, marker=">", markersize=4.0)))
    main = [dot for dot in dots if not dot.beside]
    if any(dot.point.valid and not dot.best for dot in main):
        rows.append(("paler: dominated", _marker(CIRCLE, AREA_IN_LEGEND_PT2, GREY_FACE, GREY_EDGE)))
    if not all(dot.point.valid for dot in main):
        rows.append(
            ("invalid (see the table)", _marker(CIRCLE, AREA_IN_LEGEND_PT2, "white", QUIET))
        )
    if any(dot.estimated for dot in main):
        rows.append((ESTIMATED, Line2D([], [], color=QUIET, lw=1.4, ls=SHORT_DASHED)))
    if len(main) < len(dots):
        rows.append((SERIES, _published()))
    several = len({dot.point.metric for dot in dots}) > 1
    for label, same in grouped(levels, lambda level: level.label).items():
        line = Line2D([], [], color=QUIET, lw=1.0, ls=same[0].line)
        values = [_value(level, several) for level in same if level.told]
        name = shown(label, LARGEST_FAMILY)
        rows.append(("\n".join([f"{name}:", *values]) if values else name, line))
    return rows


def _value(level: Level, named: bool) -> str:
    """Where a line is, in the units of its axis, and where it would be if it is not drawn."""
    name = f"{error_axis(level.metric).name} " if named else ""
    side = "above" if level.is_above else "below"
    far = f", {side} the axis" if not named else " ↑" if level.is_above else " ↓"
    return f"{name}{level.place:.3g}{'' if level.drawn else far}"


def _looks(dots: Sequence[Dot]) -> dict[str, tuple[str, Shape]]:
    """Colour and shape of each family, as they are drawn."""
    found = {dot.point.family: (dot.colour, dot.shape) for dot in dots}
    return {family: found[family] for family in looks([dot.point for dot in dots])}


def _sizes(dots: Sequence[Dot]) -> list[Row]:
    """What the sizes of markers mean; nothing where no number of parameters is known."""
    known = [dot.point.parameters for dot in dots if dot.point.parameters]
    if not known:
        return []
    sizes = [(count(number), area_pt2(number, known)) for number in references(known)]
    if any(not dot.point.parameters and dot.shape is not CROSS for dot in dots):
        sizes.insert(0, ("unknown", AREA_UNKNOWN_PT2))
    return [(name, _marker(CIRCLE, area, GREY_FACE, GREY_EDGE)) for name, area in sizes]


def add_legends(axes: Axes, dots: Sequence[Dot], lines: Sequence[Level] = ()) -> None:
    """What colours, shapes and fillings mean, on the right above; what sizes mean, below."""
    right, top = 1.03, 1.0
    _legend(
        axes,
        _meanings(dots, lines),
        labelspacing=0.55,
        bbox_to_anchor=(right, top),
        loc="upper left",
    )
    if sizes := _sizes(dots):
        _legend(
            axes,
            sizes,
            "Parameters",
            labelspacing=0.75,
            bbox_to_anchor=(right, 0.0),
            loc="lower left",
        )


def add_legends_below(
    figure: Figure, dots: Sequence[Dot], lines: Sequence[Level], bottom_pt: float
) -> float:
    """The same at the bottom of a figure; returns the height that is used there, in points."""
    width_pt, height_pt = (inches * PT_PER_INCH for inches in figure.get_size_inches())
    sizes = _sizes(dots)
    used_pt = bottom_pt
    blocks = [(_meanings(dots, lines), "", int(width_pt / LEGEND_COLUMN_PT))]
    if sizes:
        blocks.insert(0, (sizes, "Parameters", len(sizes)))
    for rows, title, columns in blocks:
        legend = _legend(
            figure,
            rows,
            title,
            loc="lower left",
            bbox_to_anchor=(MARGIN_PT / width_pt, used_pt / height_pt),
            bbox_transform=figure.transFigure,
            ncols=columns,
            columnspacing=1.2,
            labelspacing=0.45,
        )
        legend.set_in_layout(False)
        used_pt += legend.get_window_extent().height * PT_PER_INCH / DPI + 4.0
    return used_pt
