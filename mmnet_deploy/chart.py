"""The trade-off chart: gradient error against latency, with the Pareto front."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from mmnet_deploy.dots import (
    AREA_UNKNOWN_PT2,
    CIRCLE,
    Dot,
    Shape,
    area_pt2,
    chart_dots,
    count,
    devices,
    log_ticks,
    looks,
    references,
    shown,
)
from mmnet_deploy.errors import ResultError, UsageError
from mmnet_deploy.files import written_aside
from mmnet_deploy.labels import Box, Mark, Placement, Position, Segment, place
from mmnet_deploy.records import TradeOff

# Without a date, equal points give equal bytes.
METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "png": {},
    "pdf": {"CreationDate": None},
}

DPI, PT_PER_INCH = 200, 72.0
WIDTH_PT, HEIGHT_PT, MARGIN_PT = 460.0, 317.0, 6.0
FAMILIES_THAT_FIT, ROW_PT = 8, 14.5  # with more families the figure grows

STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#444444",
    "axes.formatter.limits": (-6, 9),
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": ["sans-serif"],
    # The first is what we measure; viewers of an SVG that lack it take one as wide.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica", "sans-serif"],
    "font.size": 8.5,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
    "svg.fonttype": "none",  # text stays text: small, searchable, selectable
    "svg.hashsalt": "mmnet-deploy",
    "text.hinting": "no_hinting",  # labels are as wide in every format
    "text.parse_math": False,  # a `$` in a name is a dollar sign
    "xtick.color": "#444444",
    "xtick.labelsize": 8.5,
    "xtick.major.width": 0.7,
    "ytick.color": "#444444",
    "ytick.labelsize": 8.5,
    "ytick.major.width": 0.7,
}
INK, SOFT, QUIET = "#1a1a1a", "#4a4a4a", "#6b6b6b"
ERROR_TITLE = "Gradient error (×10⁻³)"
DEFAULT_TITLE = "Gradient error against latency"
LOG_FROM_RATIO = {"x": 4.0, "y": 10.0}
LARGEST_LABEL, LARGEST_FAMILY = 28, 22  # characters
AREA_IN_LEGEND_PT2 = 55.0
GREY_FACE, GREY_EDGE = "#dddddd", "#999999"


@dataclasses.dataclass(frozen=True)
class Chart:
    """A composed chart; all lengths in points from the lower left corner of the figure.

    Attributes:
        dots: The points, those on the front first.
        marks, placements: The disc and the label of each dot; a placement is None if there
            was no room.
        inside: The area of the axes.
    """

    figure: Figure
    dots: tuple[Dot, ...]
    marks: tuple[Mark, ...]
    placements: tuple[Placement | None, ...]
    inside: Box


# --- Scales ------------------------------------------------------------------


def _scale(axes: Axes, name: Literal["x", "y"], values: Sequence[float]) -> None:
    """Limits and ticks for `values`; logarithmic where they span a large ratio."""
    low, high = min(values), max(values)
    axis = {"x": axes.xaxis, "y": axes.yaxis}[name]
    if low > 0 and high / low > LOG_FROM_RATIO[name]:
        margin = (high / low) ** 0.09
        low, high = low / margin, high * margin
        axes.set(**{f"{name}scale": "log", f"{name}lim": (low, high)})
        axis.set_major_locator(FixedLocator(log_ticks(low, high)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
        axis.set_minor_locator(NullLocator())
        return
    # A difference of a hundredth of the value is noise and should not fill the chart.
    margin = max(0.1 * (high - low), 0.02 * abs(high)) or 1.0
    axes.set(**{f"{name}lim": (low - margin, high + margin)})
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))


# --- Drawing -----------------------------------------------------------------


def _paler(colour: str, white: float) -> tuple[float, float, float]:
    """`colour` mixed with a share of white."""
    red, green, blue = (part + (1.0 - part) * white for part in to_rgb(colour))
    return red, green, blue


def _draw_dots(axes: Axes, dots: Sequence[Dot]) -> None:
    """Markers and error bars: full on the front, pale behind it, hollow if invalid."""
    # The largest first, so that none hides another; of equal ones the better on top.
    for dot in sorted(dots, key=lambda dot: (-dot.area, dot.best)):
        (x, y), (low, high) = dot.place, dot.interval
        face, edge = _paler(dot.colour, 0.68), _paler(dot.colour, 0.15)
        if not dot.point.valid:
            face, edge = (1.0, 1.0, 1.0), to_rgb(dot.colour)
        elif dot.best:
            face, edge = to_rgb(dot.colour), to_rgb(INK)
        size, marker = dot.shape.size(dot.area), dot.shape.marker
        axes.scatter(
            [x], [y], size, [face], marker=marker, edgecolors=[edge], linewidths=0.8, zorder=4
        )  # fmt: skip
        # Under the markers: an interval that is shorter than its marker says no more.
        bar = to_rgb(dot.colour) if dot.best else edge
        axes.plot([low, high], [y, y], color=bar, lw=1.1, solid_capstyle="butt", zorder=3)


def _draw_front(axes: Axes, dots: Sequence[Dot]) -> list[Position]:
    """The front as stairs: above and right of them, something on it is at least as good."""
    corners: list[Position] = []
    for x, y in (dot.place for dot in dots if dot.best):
        corners += [(x, corners[-1][1]), (x, y)] if corners else [(x, y)]
    axes.plot(*zip(*corners or [(math.nan, math.nan)], strict=True), color=QUIET, lw=1.0, zorder=2)
    return corners


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


def _add_legends(axes: Axes, dots: Sequence[Dot]) -> None:
    """What colours, shapes and fillings mean, above; what the sizes mean, below."""
    rows = [
        (shown(family, LARGEST_FAMILY), _marker(shape, AREA_IN_LEGEND_PT2, colour, INK))
        for family, (colour, shape) in looks([dot.point for dot in dots]).items()
    ]
    if sum(dot.best for dot in dots) > 1:
        rows.append(("Pareto front", Line2D([], [], color=QUIET, lw=1.0)))
    if any(dot.point.valid and not dot.best for dot in dots):
        rows.append(("paler: dominated", _marker(CIRCLE, AREA_IN_LEGEND_PT2, GREY_FACE, GREY_EDGE)))
    if not all(dot.point.valid for dot in dots):
        rows.append(("unstable or invalid", _marker(CIRCLE, AREA_IN_LEGEND_PT2, "white", QUIET)))
    _add_legend(axes, rows, top=True)
    known = [dot.point.parameters for dot in dots if dot.point.parameters]
    if known:
        sizes = [(count(number), area_pt2(number, known)) for number in references(known)]
        if len(known) < len(dots):
            sizes.insert(0, ("unknown", AREA_UNKNOWN_PT2))
        rows = [(name, _marker(CIRCLE, area, GREY_FACE, GREY_EDGE)) for name, area in sizes]
        _add_legend(axes, rows, top=False, title="Parameters")


def _size_pt(text: Text) -> tuple[float, float]:
    """Width and height of a text in points."""
    box = text.get_window_extent()
    return box.width * PT_PER_INCH / DPI, box.height * PT_PER_INCH / DPI


def _add_title(figure: Figure, title: str, device: str) -> float:
    """Write both at the top, wrapped to the width; return the height that they take in points."""
    height_pt, used = figure.get_figheight() * PT_PER_INCH, MARGIN_PT
    for content, size, colour in ((title, 10.5, INK), (device, 8.5, QUIET)):
        text = figure.text(MARGIN_PT / WIDTH_PT, 1.0 - used / height_pt, content, va="top")
        text.set(fontsize=size, color=colour, in_layout=False, linespacing=1.15)
        # Characters differ in width, so a line of average ones is kept a little short.
        share = 0.94 * (WIDTH_PT - 2 * MARGIN_PT) / max(_size_pt(text)[0], 1.0)
        if share < 0.94:
            columns = max(int(len(content) * share), 1)
            text.set_text(textwrap.fill(content, columns, max_lines=3, placeholder=" …"))
        used += _size_pt(text)[1] + 3.0
    return used


def _to_points(axes: Axes, positions: Sequence[Position]) -> list[Position]:
    """Places in the axes as points from the lower left corner of the figure."""
    pixels = axes.transData.transform(positions) * (PT_PER_INCH / DPI)
    return [(float(x), float(y)) for x, y in pixels]


def _write_labels(axes: Axes, dots: Sequence[Dot]) -> list[Text]:
    """The labels, not yet at their places; white behind them keeps the grid off."""
    return [
        axes.text(
            0.0, 0.0, shown(dot.point.label, LARGEST_LABEL), transform=axes.figure.transFigure,
            color=INK if dot.best else SOFT, fontsize=8.0, va="bottom", zorder=1.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.2},
        )
        for dot in dots
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


def _add_labels(
    figure: Figure, axes: Axes, dots: Sequence[Dot], corners: Sequence[Position], page: Position
) -> Chart:
    """Write each dot's label where it touches nothing; the layout must stand."""
    texts = _write_labels(axes, dots)
    marks = tuple(
        Mark(*centre, dot.radius_pt, *_size_pt(text))
        for centre, dot, text in zip(
            _to_points(axes, [dot.place for dot in dots]), dots, texts, strict=True
        )
    )
    lines: list[Segment] = list(itertools.pairwise(_to_points(axes, corners))) if corners else []
    for dot in dots:
        low, high = _to_points(axes, [(end, dot.place[1]) for end in dot.interval])
        lines.append((low, high))
    inside = Box(*(edge * PT_PER_INCH / DPI for edge in axes.get_window_extent().extents))
    placements = tuple(place(marks, inside, lines))
    for text, mark, found in zip(texts, marks, placements, strict=True):
        _set_label(axes, text, mark, found, page)
    return Chart(figure, tuple(dots), marks, placements, inside)


def _add_hint(figure: Figure, missing: int, height_pt: float) -> None:
    """How to read the chart, small in the corner, and what it does not show."""
    hint = "↙ lower left is better"
    if missing:
        hint = (
            f"{missing} {'label' if missing == 1 else 'labels'} left out for want of room    {hint}"
        )
    text = figure.text(1.0 - MARGIN_PT / WIDTH_PT, MARGIN_PT / height_pt, hint)
    text.set(ha="right", va="bottom", fontsize=8.0, color=QUIET, style="italic", in_layout=False)


@contextlib.contextmanager
def _style() -> Iterator[None]:
    """Our looks whatever the user's matplotlibrc says."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        # A name in a script that the font lacks shows as boxes; in an SVG it is right.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def _check(points: Sequence[TradeOff]) -> None:
    """Refuse what has no place in a chart."""
    if not points:
        raise ResultError("There is no result to draw.")
    for point in points:
        if not (math.isfinite(point.latency_ms) and math.isfinite(point.gradient_error)):
            raise ResultError(
                f"A result to draw must be of finite numbers. Received: {shown(point.label, 80)} "
                f"with {point.latency_ms} ms and gradient error {point.gradient_error}."
            )


def _layout(share: float) -> ConstrainedLayoutEngine:
    """Axes and legends fill the lower `share` of the figure."""
    pad = MARGIN_PT / PT_PER_INCH
    return ConstrainedLayoutEngine(rect=(0.0, 0.0, 1.0, share), w_pad=pad, h_pad=pad)


def compose(points: Sequence[TradeOff], title: str | None = None) -> Chart:
    """Lay out the chart of `points`; see `draw`."""
    _check(points)
    dots = chart_dots(points)
    more_rows = max(len(looks(points)) - FAMILIES_THAT_FIT, 0)
    page = WIDTH_PT, HEIGHT_PT + ROW_PT * more_rows
    with _style():
        inches = page[0] / PT_PER_INCH, page[1] / PT_PER_INCH
        figure = Figure(figsize=inches, dpi=DPI)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot(
            xlabel="Latency (ms), median with 95 % interval", ylabel=ERROR_TITLE
        )
        _scale(axes, "x", [x for dot in dots for x in (dot.place[0], *dot.interval)])
        _scale(axes, "y", [dot.place[1] for dot in dots])
        _draw_dots(axes, dots)
        corners = _draw_front(axes, dots)
        _add_legends(axes, dots)
        used_pt = _add_title(figure, shown(title or DEFAULT_TITLE, 400), devices(points))
        figure.set_layout_engine(_layout(1.0 - used_pt / page[1]))
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # or the axes would move under the labels
        chart = _add_labels(figure, axes, dots, corners, page)
        _add_hint(figure, sum(found is None for found in chart.placements), page[1])
    return chart


def file_kind(path: Path) -> str:
    """`svg`, `png` or `pdf`, by the suffix.

    Raises:
        UsageError: `path` has another suffix.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in METADATA:
        raise UsageError(f"The chart's file must end in .svg, .png or .pdf. Received: {path.name}.")
    return kind


def draw(points: Sequence[TradeOff], path: Path, *, title: str | None = None) -> Path:
    """Draw gradient error against latency with the Pareto front, for a paper or a README.

    The area of a marker grows with the logarithm of the number of parameters. Points off
    the front are paler; invalid ones are hollow and never on the front. Equal points give
    equal bytes.

    Args:
        points: At least one.
        path: A `.svg`, `.png` or `.pdf` file.
        title: Stands above the name of the device, in place of the default.

    Returns:
        `path`.

    Raises:
        UsageError: `path` has another suffix.
        ResultError: There is no point, or one that is no finite number.
        OutputError: The file cannot be written.
    """
    kind = file_kind(path)
    chart = compose(points, title)
    with _style(), written_aside(path) as aside:
        chart.figure.savefig(aside, format=kind, metadata=METADATA[kind])
    return path
