"""The trade-off chart: errors against latency, with the Pareto front.

Latencies of two devices never share an axis: each device has a panel of its own, and for each
metric one.
"""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mmnet_deploy.charts.dots import (
    Dot,
    by_device,
    by_metric,
    chart_dots,
    error_axis,
    heading,
    latency_title,
    looks,
    published_dots,
    shown,
)
from mmnet_deploy.charts.grid import Grid
from mmnet_deploy.charts.legends import add_legends, add_legends_below
from mmnet_deploy.charts.levels import levels
from mmnet_deploy.charts.panels import Panel, add_labels, draw_panel, size_pt
from mmnet_deploy.charts.scales import ScaleName
from mmnet_deploy.charts.style import (
    INK,
    MARGIN_PT,
    PT_PER_INCH,
    QUIET,
    SIZES,
    file_kind,
    inline_svg,
    save,
    style,
)
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.published import Reference
from mmnet_deploy.results.trade_offs import TradeOff

HINT_PT = 18.0  # kept free at the bottom where legends stand there
CHARACTER_PT = 4.7  # mean width in a panel's heading
AXIS_PT = 45.0  # of the numbers and the title of a vertical axis


@dataclasses.dataclass(frozen=True)
class Options:
    """How a chart is drawn.

    Attributes:
        size: A name in `style.SIZES`.
        x_scale, y_scale: `auto`, `linear` or `log`; the vertical one may be `broken`.
        published: Published points, drawn hollow in every panel beside the measured ones.
        references: Gradient errors without a latency, drawn as lines.
    """

    size: str = "page"
    x_scale: ScaleName = "auto"
    y_scale: ScaleName = "auto"
    published: Sequence[TradeOff] = ()
    references: Sequence[Reference] = ()


@dataclasses.dataclass(frozen=True)
class Chart:
    """A composed chart with a panel for each device and metric, device by device by their names."""

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


def _default_title(points: Sequence[TradeOff]) -> str:
    *first, last = [error_axis(metric).name for metric in by_metric(points)]
    errors = f"{', '.join(first)} and {last}" if first else last
    if all(point.source == "published" for point in points):
        return f"{errors} against latency, as published"
    if all(point.source == "estimated" for point in points):
        return f"{errors} against estimated latency"
    return f"{errors} against latency" + " under emulation" * all(p.emulated for p in points)


def compose(
    points: Sequence[TradeOff], title: str | None = None, options: Options | None = None
) -> Chart:
    """Lay out the chart of `points`; see `draw`."""
    options = options or Options()
    size = SIZES[options.size]
    _check([*points, *options.published])
    everything = [*points, *options.published]
    groups = [by_metric(group) for group in by_device(points)]
    metrics = list(by_metric(points))
    dots = [
        [_dots(group.get(metric, []), metric, everything, options) for metric in metrics]
        for group in groups
    ]
    alike = {m: [dot for row in dots for dot in row[n]] for n, m in enumerate(metrics)}
    lines = {
        metric: levels(metric, every, options.references, options.y_scale)
        for metric, every in alike.items()
    }
    every = [dot for of_metric in alike.values() for dot in of_metric]
    every_line = [line for of_metric in lines.values() for line in of_metric]
    arranged = Grid(len(groups), len(metrics), size)
    with style():
        figure, panels = arranged.empty(len(looks(everything)))
        corners, titles = [], []
        for number, axes in enumerate(panels):
            row, column = divmod(number, len(metrics))
            group = [point for of_metric in groups[row].values() for point in of_metric]
            if arranged.is_lowest(number):
                axes.set_xlabel(latency_title(group))
            if arranged.by_metric or arranged.is_left(number):
                axes.set_ylabel(error_axis(metrics[column]).title)
            corners.append(
                draw_panel(
                    axes,
                    dots[row][column],
                    [dot for panel in dots[row] for dot in panel],
                    alike[metrics[column]],
                    lines[metrics[column]],
                    options.x_scale,
                    options.y_scale,
                )
            )
            if len(groups) > 1 and column == 0:
                name = _wrapped(heading(group), arranged)
                # One that reaches over the next panels must not move them apart.
                room = "\n" * name.count("\n") if arranged.by_metric else name
                titles.append((axes.set_title(room or " ", loc="left"), name))
                titles[-1][0].set(fontsize=8.5, color=QUIET)
        height_pt = figure.get_figheight() * PT_PER_INCH
        below_pt = 0.0
        if arranged.legend_below:
            below_pt = add_legends_below(figure, every, every_line, HINT_PT)
        else:
            add_legends(panels[arranged.columns - 1], every, every_line)
        device = heading(points) if len(groups) == 1 and title != "" else ""
        title = _default_title(points) if title is None else title
        used_pt = _add_title(figure, shown(title, 400), device)
        figure.set_layout_engine(_layout(below_pt / height_pt, 1.0 - used_pt / height_pt))
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # or the axes would move under the labels
        for text, name in titles:
            text.set_text(name)
        labelled = tuple(
            add_labels(axes, its_dots, ends, lines[metrics[number % len(metrics)]])
            for number, (axes, its_dots, ends) in enumerate(
                zip(panels, [panel for row in dots for panel in row], corners, strict=True)
            )
        )
        _add_hint(figure, sum(panel.unlabelled for panel in labelled))
    return Chart(figure, labelled)


def _wrapped(name: str, arranged: Grid) -> str:
    """A device's heading in lines that are as long as what stands below it is wide."""
    size = arranged.size
    one_pt = size.panel_width_pt or size.width_pt
    line = int((size.width_pt - AXIS_PT if arranged.by_metric else one_pt) / CHARACTER_PT)
    return textwrap.fill(name, line, max_lines=3, placeholder=" …")


def _dots(
    points: Sequence[TradeOff], metric: str, everything: Sequence[TradeOff], options: Options
) -> tuple[Dot, ...]:
    """What a panel shows: the points of a device by one metric, and the published ones of it."""
    beside = [point for point in options.published if point.metric == metric]
    return (*chart_dots(points, everything), *published_dots(beside, everything))


def draw(
    points: Sequence[TradeOff],
    path: Path,
    *,
    title: str | None = None,
    options: Options | None = None,
) -> Path:
    """Draw errors against latency with the Pareto front, for a paper or a README.

    The area of a marker grows with the logarithm of the number of parameters. Points off
    the front are paler; invalid ones are hollow and never on the front. Each device has its
    own panel, axis of latency and front; points of several metrics have a panel for each, side
    by side. The score of a matte of one value, where the evaluations know it, is a line.
    Published points among measured ones are hollow,
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
