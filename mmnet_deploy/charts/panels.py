"""A panel of the trade-off chart: the points of one device, their front and their labels."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import IdentityTransform

from mmnet_deploy.charts import scales
from mmnet_deploy.charts.dots import Dot, told_apart
from mmnet_deploy.charts.labels import Box, Mark, Placement, Position, Segment, place
from mmnet_deploy.charts.levels import Level
from mmnet_deploy.charts.style import (
    DOTTED,
    DPI,
    INK,
    PT_PER_INCH,
    QUIET,
    SHORT_DASHED,
    SOFT,
)

LARGEST_LABEL = 28  # characters
CHARACTER_PT = 6.0  # of a panel's width, for each character that a label may have
ARROW_PT, HEAD_PT = 9.0, 2.6  # beyond the marker, and of its head
MOST_LABELS = 80
"""With more points in a panel, only those on the front have labels."""


@dataclasses.dataclass(frozen=True)
class Panel:
    """A composed panel; all lengths in points from the lower left corner of the figure.

    Attributes:
        dots: The points, those on the front first.
        marks, placements: The disc and the label of each dot that has one; a placement is
            None if there was no room. Among very many dots, only those on the front have labels.
        inside: The area of the axes.
    """

    axes: Axes
    dots: tuple[Dot, ...]
    marks: tuple[Mark, ...]
    placements: tuple[Placement | None, ...]
    inside: Box

    @property
    def unlabelled(self) -> int:
        """Number of dots without a label for lack of room."""
        return len(self.dots) - sum(found is not None for found in self.placements)


# --- Drawing -----------------------------------------------------------------


_Colour = tuple[float, float, float]


def _paler(colour: str, white: float) -> _Colour:
    """`colour` mixed with a share of white."""
    red, green, blue = (part + (1.0 - part) * white for part in to_rgb(colour))
    return red, green, blue


def _colours(dot: Dot) -> tuple[_Colour, _Colour]:
    """Face and edge: full on the front, pale behind it, hollow if invalid or published."""
    if dot.beside or not dot.point.valid:
        return (1.0, 1.0, 1.0), to_rgb(dot.colour)
    if dot.estimated:
        return _paler(dot.colour, 0.55 if dot.best else 0.85), to_rgb(dot.colour)
    if dot.best:
        return to_rgb(dot.colour), to_rgb(INK)
    return _paler(dot.colour, 0.68), _paler(dot.colour, 0.15)


def _line(dot: Dot) -> Any:
    """The edge of a marker: dotted if published, dashed if estimated."""
    return DOTTED if dot.beside else SHORT_DASHED if dot.estimated else "solid"


def _draw_dots(axes: Axes, dots: Sequence[Dot]) -> None:
    """Markers and error bars."""
    # The largest first, so that none hides another; of equal ones the better on top.
    ordered = sorted(dots, key=lambda dot: (-dot.area, dot.best))
    colours = [_colours(dot) for dot in ordered]
    markers = [MarkerStyle(dot.shape.marker) for dot in ordered]
    # One collection of all shapes: a thousand of their own would take seconds.
    collection = PathCollection(
        [marker.get_path().transformed(marker.get_transform()) for marker in markers],
        [dot.shape.size(dot.area) for dot in ordered],
        offsets=[dot.place for dot in ordered],
        offset_transform=axes.transData,
        facecolors=[face for face, _ in colours],
        edgecolors=[edge for _, edge in colours],
        linewidths=0.8,
        linestyles=[_line(dot) for dot in ordered],
        zorder=4,
    )
    collection.set_transform(IdentityTransform())
    axes.add_collection(collection, autolim=False)
    # Under the markers: an interval that is shorter than its marker says no more.
    bars = LineCollection(
        [[(dot.interval[0], dot.place[1]), (dot.interval[1], dot.place[1])] for dot in ordered],
        colors=[
            to_rgb(dot.colour) if dot.best else edge
            for dot, (_, edge) in zip(ordered, colours, strict=True)
        ],
        linewidths=1.1,
        capstyle="butt",
        zorder=3,
    )
    axes.add_collection(bars, autolim=False)
    _draw_open_ends(axes, ordered, bars.get_colors())


def _draw_open_ends(axes: Axes, dots: Sequence[Dot], colours: Any) -> None:
    """An arrow of one length to each side where the interval has no end."""
    for side, direction in ((0, -1.0), (1, 1.0)):
        there = [number for number, dot in enumerate(dots) if dot.opens[side]]
        arrows = PathCollection(
            [_arrow(direction * _reach_pt(dots[number])) for number in there],
            [1.0] * len(there),
            offsets=[dots[number].place for number in there],
            offset_transform=axes.transData,
            facecolors="none",
            edgecolors=[colours[number] for number in there],
            linewidths=1.1,
            zorder=3,
        )
        arrows.set_transform(IdentityTransform())
        if there:
            axes.add_collection(arrows, autolim=False)
            arrows.set_clip_on(False)


def _reach_pt(dot: Dot) -> float:
    """How far the arrow of an open interval reaches from the middle of its marker."""
    return dot.radius_pt + ARROW_PT


def _arrow(reach_pt: float) -> Path:
    """From the origin to the side, with a head of two strokes."""
    back = reach_pt - math.copysign(HEAD_PT, reach_pt)
    corners = [(0, 0), (reach_pt, 0), (back, HEAD_PT), (reach_pt, 0), (back, -HEAD_PT)]
    return Path(corners, [Path.MOVETO, Path.LINETO, Path.MOVETO, Path.LINETO, Path.LINETO])


def _draw_front(axes: Axes, dots: Sequence[Dot]) -> list[Position]:
    """The front as stairs: above and right of them, something on it is at least as good."""
    corners: list[Position] = []
    for x, y in (dot.place for dot in dots if dot.best):
        corners += [(x, corners[-1][1]), (x, y)] if corners else [(x, y)]
    axes.plot(*zip(*corners or [(math.nan, math.nan)], strict=True), color=QUIET, lw=1.0, zorder=2)
    return corners


def size_pt(text: Text) -> tuple[float, float]:
    """Width and height of a text in points."""
    box = text.get_window_extent()
    return box.width * PT_PER_INCH / DPI, box.height * PT_PER_INCH / DPI


def _to_points(axes: Axes, positions: Sequence[Position]) -> list[Position]:
    """Places in the axes as points from the lower left corner of the figure."""
    pixels = axes.transData.transform(positions) * (PT_PER_INCH / DPI)
    return [(float(x), float(y)) for x, y in pixels]


def _write_labels(axes: Axes, dots: Sequence[Dot], above: bool) -> list[Text]:
    """The labels, not yet at their places; white behind them keeps the grid off.

    Args:
        above: Whether they stand above the markers, where they cannot keep off all.
    """
    width_pt = axes.get_window_extent().width * PT_PER_INCH / DPI
    most = min(LARGEST_LABEL, max(int(width_pt / CHARACTER_PT), 1))
    labels = told_apart([dot.point.label for dot in dots], most)
    return [
        axes.text(
            0.0, 0.0, label, transform=axes.figure.transFigure,
            color=INK if dot.best else SOFT, fontsize=8.0, va="bottom",
            zorder=4.5 if above else 1.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.2},
        )
        for dot, label in zip(dots, labels, strict=True)
    ]  # fmt: skip


def _set_label(axes: Axes, text: Text, mark: Mark, found: Placement | None, page: Position) -> None:
    """Move `text` to its place on the page and tie it to its mark if it stands far away."""
    if found is None:
        text.remove()
        return
    # A viewer may lack the font: the side that faces the mark is the one to hold.
    box, side = found.box, "center"
    x = (box.left + box.right) / 2
    if box.left >= mark.x:
        side, x = "left", box.left
    elif box.right <= mark.x:
        side, x = "right", box.right
    text.set(x=x / page[0], y=box.bottom / page[1], ha=side)
    if found.leader is not None:
        ends = [(x / page[0], y / page[1]) for x, y in found.leader]
        line = Line2D(*zip(*ends, strict=True), color=QUIET, lw=0.5, zorder=1.4)
        line.set_transform(axes.figure.transFigure)
        axes.add_artist(line)


def draw_panel(
    axes: Axes,
    dots: Sequence[Dot],
    in_row: Sequence[Dot],
    every: Sequence[Dot],
    levels: Sequence[Level] = (),
    x_scale: scales.ScaleName = "auto",
    y_scale: scales.ScaleName = "auto",
) -> list[Position]:
    """Scale the axes, draw all but the labels, and return the corners of the front.

    Args:
        axes: The panel's.
        dots: The panel's.
        in_row: Those of the panels that share the axis of latency.
        every: Those of the panels that share the vertical axis.
        levels: Errors without a latency.
        x_scale, y_scale: `auto` chooses by the values.
    """
    scales.apply(axes, "x", x_scale, [x for dot in in_row for x in (dot.place[0], *dot.interval)])
    lines = [level for level in levels if level.drawn]
    places = [level.place for level in lines]
    scales.apply(axes, "y", y_scale, [*places, *(dot.place[1] for dot in every)])
    for level in lines:
        axes.axhline(level.place, color=QUIET, lw=1.0, ls=level.line, zorder=1.8)
    _draw_dots(axes, dots)
    return _draw_front(axes, dots)


def add_labels(
    axes: Axes,
    dots: Sequence[Dot],
    corners: Sequence[Position],
    levels: Sequence[Level] = (),
) -> Panel:
    """Write each dot's label where it touches nothing; the layout must stand."""
    page = axes.figure.bbox.width * PT_PER_INCH / DPI, axes.figure.bbox.height * PT_PER_INCH / DPI
    crowded = len(dots) > MOST_LABELS
    named = [dot for dot in dots if dot.best][:MOST_LABELS] if crowded else dots
    texts = _write_labels(axes, named, crowded)
    centres = _to_points(axes, [dot.place for dot in named]) if named else []
    marks = tuple(
        Mark(*centre, dot.radius_pt, *size_pt(text))
        for centre, dot, text in zip(centres, named, texts, strict=True)
    )
    lines: list[Segment] = list(itertools.pairwise(_to_points(axes, corners))) if corners else []
    for dot in named:
        low, high = _to_points(axes, [(end, dot.place[1]) for end in dot.interval])
        lines.append((low, high))
        (middle,) = _to_points(axes, [dot.place])
        for is_open, direction in zip(dot.opens, (-1, 1), strict=True):
            if is_open:
                lines.append((middle, (middle[0] + direction * _reach_pt(dot), middle[1])))
    left, right = axes.get_xlim()
    for level in levels:
        if level.drawn:
            start, end = _to_points(axes, [(left, level.place), (right, level.place)])
            lines.append((start, end))
    inside = Box(*(edge * PT_PER_INCH / DPI for edge in axes.get_window_extent().extents))
    placements = tuple(place(marks, inside, lines))
    for text, mark, found in zip(texts, marks, placements, strict=True):
        _set_label(axes, text, mark, found, page)
    return Panel(axes, tuple(dots), marks, placements, inside)
