"""The trade-off chart: gradient error against latency, with the Pareto front.

Latencies of two devices never share an axis: each device has a panel of its own.
"""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mmnet_deploy.charts.dots import (
    Dot,
    by_device,
    chart_dots,
    error_axis,
    heading,
    latency_title,
    looks,
    published_dots,
    shown,
)
from mmnet_deploy.charts.legends import add_legends, add_legends_below
from mmnet_deploy.charts.panels import Panel, add_labels, draw_panel, size_pt
from mmnet_deploy.charts.scales import ScaleName
from mmnet_deploy.charts.style import (
    DPI,
    INK,
    MARGIN_PT,
    PT_PER_INCH,
    QUIET,
    SIZES,
    ShownFigure,
    Size,
    file_kind,
    inline_svg,
    save,
    style,
)
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.published import Reference
from mmnet_deploy.results.trade_offs import TradeOff

COLUMNS_OF = {1: 1, 2: 2, 4: 2}  # by the number of panels; else three
FAMILIES_THAT_FIT, ROW_PT = 7, 14.5  # with more families the figure grows
HINT_PT = 18.0  # kept free at the bottom where legends stand there
CHARACTER_PT = 4.7  # mean width in a panel's heading


@dataclasses.dataclass(frozen=True)
class Options:
    """How a chart is drawn.

    Attributes:
        size: A name in `style.SIZES`.
        x_scale, y_scale: `auto`, `linear` or `log`; the vertical one may be `broken`.
        published: Published points, drawn hollow in every panel beside the measured ones.
        references: Errors without a latency, drawn as lines.
    """

    size: str = "page"
    x_scale: ScaleName = "auto"
    y_scale: ScaleName = "auto"
    published: Sequence[TradeOff] = ()
    references: Sequence[Reference] = ()


@dataclasses.dataclass(frozen=True)
class Chart:
    """A composed chart with a panel for each device, in the order of their names."""

    figure: Figure
    panels: tuple[Panel, ...]

    @property
    def width_pt(self) -> float:
        """Width in points, which are the units of `svg`."""
        return self.figure.get_figwidth() * PT_PER_INCH

    def svg(self) -> str:
        """The chart as an element of an HTML page; see `style.inline_svg`."""
        return inline_svg(self.figure)


def _add_title(figure: Figure, title: str, device: str) -> float:
    """Write both at the top, wrapped to the width; return the height that they take in points."""
    width_pt, height_pt = (inches * PT_PER_INCH for inches in figure.get_size_inches())
    used = MARGIN_PT
    for content, size, colour in ((title, 10.5, INK), (device, 8.5, QUIET)):
        if not content:
            continue
        text = figure.text(MARGIN_PT / width_pt, 1.0 - used / height_pt, content, va="top")
        text.set(fontsize=size, color=colour, in_layout=False, linespacing=1.15)
        # Characters differ in width, so a line of average ones is kept a little short.
        share = 0.94 * (width_pt - 2 * MARGIN_PT) / max(size_pt(text)[0], 1.0)
        if share < 0.94:
            columns = max(int(len(content) * share), 1)
            text.set_text(textwrap.fill(content, columns, max_lines=3, placeholder=" …"))
        used += size_pt(text)[1] + 3.0
    return used


def _add_hint(figure: Figure, missing: int) -> None:
    """How to read the chart, small in the corner, and what it does not show."""
    width_pt, height_pt = (inches * PT_PER_INCH for inches in figure.get_size_inches())
    hint = "↙ lower left is better"
    if missing:
        hint = (
            f"{missing} {'label' if missing == 1 else 'labels'} left out for lack of room    {hint}"
        )
    text = figure.text(1.0 - MARGIN_PT / width_pt, MARGIN_PT / height_pt, hint)
    text.set(ha="right", va="bottom", fontsize=8.0, color=QUIET, style="italic", in_layout=False)


def _check(points: Sequence[TradeOff]) -> None:
    """Refuse what has no place in a chart."""
    if not points:
        raise ResultError("There is no result to draw.")
    for point in points:
        if not (math.isfinite(point.latency_ms) and math.isfinite(point.error)):
            raise ResultError(
                f"A result to draw must be of finite numbers. Received: {shown(point.label, 80)} "
                f"with {point.latency_ms} ms and {point.metric} {point.error}."
            )


def _layout(bottom: float, top: float) -> ConstrainedLayoutEngine:
    """Axes and legends fill the figure between two shares of its height."""
    pad = MARGIN_PT / PT_PER_INCH
    return ConstrainedLayoutEngine(rect=(0.0, bottom, 1.0, top - bottom), w_pad=pad, h_pad=pad)


def _columns(panels: int, size: Size) -> int:
    return min(COLUMNS_OF.get(panels, 3), size.most_columns)


def _empty(panels: int, families: int, size: Size) -> tuple[Figure, list[Axes]]:
    """A figure with axes for so many panels, which share the vertical axis."""
    columns = _columns(panels, size)
    rows = math.ceil(panels / columns)
    width_pt = size.width_pt + size.panel_width_pt * (columns - 1)
    height_pt = size.height_pt + size.panel_height_pt * (rows - 1)
    more_families = max(families - FAMILIES_THAT_FIT, 0)
    height_pt += ROW_PT * (more_families / 2 if size.legend_below else more_families)
    figure = ShownFigure(figsize=(width_pt / PT_PER_INCH, height_pt / PT_PER_INCH), dpi=DPI)
    FigureCanvasAgg(figure)
    every = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten().tolist()
    for axes in every[panels:]:
        axes.remove()
    return figure, every[:panels]


def _default_title(points: Sequence[TradeOff]) -> str:
    title = f"{error_axis(points[0].metric).name} against latency"
    if all(point.source == "published" for point in points):
        return f"{title}, as published"
    if all(point.source == "estimated" for point in points):
        return f"{error_axis(points[0].metric).name} against estimated latency"
    return title + " under emulation" * all(point.emulated for point in points)


def compose(
    points: Sequence[TradeOff], title: str | None = None, options: Options | None = None
) -> Chart:
    """Lay out the chart of `points`; see `draw`."""
    options = options or Options()
    size = SIZES[options.size]
    _check([*points, *options.published])
    everything = [*points, *options.published]
    groups = by_device(points)
    beside = published_dots(options.published, everything)
    dots = [(*chart_dots(group, everything), *beside) for group in groups]
    every: list[Dot] = [dot for group in dots for dot in group]
    with style():
        figure, panels = _empty(len(groups), len(looks(everything)), size)
        columns = _columns(len(groups), size)
        corners = []
        for number, (axes, group, its_dots) in enumerate(zip(panels, groups, dots, strict=True)):
            axes.set_xlabel(latency_title(group))
            if number % columns == 0:
                axes.set_ylabel(error_axis(points[0].metric).title)
            corners.append(
                draw_panel(
                    axes, its_dots, every, options.references, options.x_scale, options.y_scale
                )
            )
            if len(groups) > 1:
                line = int((size.panel_width_pt or size.width_pt) / CHARACTER_PT)
                name = textwrap.fill(heading(group), line, max_lines=3, placeholder=" …")
                axes.set_title(name, loc="left", fontsize=8.5, color=QUIET)
        height_pt = figure.get_figheight() * PT_PER_INCH
        below_pt = 0.0
        if size.legend_below:
            below_pt = add_legends_below(figure, every, options.references, HINT_PT)
        else:
            add_legends(panels[columns - 1], every, options.references)
        device = heading(groups[0]) if len(groups) == 1 and title != "" else ""
        title = _default_title(points) if title is None else title
        used_pt = _add_title(figure, shown(title, 400), device)
        figure.set_layout_engine(_layout(below_pt / height_pt, 1.0 - used_pt / height_pt))
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # or the axes would move under the labels
        labelled = tuple(
            add_labels(axes, its_dots, ends, options.references)
            for axes, its_dots, ends in zip(panels, dots, corners, strict=True)
        )
        _add_hint(figure, sum(panel.unlabelled for panel in labelled))
    return Chart(figure, labelled)


def draw(
    points: Sequence[TradeOff],
    path: Path,
    *,
    title: str | None = None,
    options: Options | None = None,
) -> Path:
    """Draw an error against latency with the Pareto front, for a paper or a README.

    The area of a marker grows with the logarithm of the number of parameters. Points off
    the front are paler; invalid ones are hollow and never on the front. Each device has its
    own panel, axis of latency and front. Published points among measured ones are hollow,
    dotted, and on no front. Equal points give equal bytes.

    Args:
        points: At least one.
        path: A `.svg`, `.png` or `.pdf` file.
        title: Stands above the name of the device, in place of the default; an empty one
            leaves both out, for a chart with a caption.
        options: Size, scales, and what else is drawn.

    Returns:
        `path`.

    Raises:
        UsageError: `path` has another suffix.
        ResultError: There is no point, or one that is no finite number.
        OutputError: The file cannot be written.
    """
    file_kind(path)
    options = options or Options()
    save(compose(points, title, options).figure, path, SIZES[options.size].dpi)
    return path
