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

from mmnet_deploy.dots import Dot, by_device, chart_dots, heading, latency_title, looks, shown
from mmnet_deploy.errors import ResultError
from mmnet_deploy.legends import add_legends
from mmnet_deploy.panels import Panel, add_labels, draw_panel, size_pt
from mmnet_deploy.records import TradeOff
from mmnet_deploy.style import DPI, INK, MARGIN_PT, PT_PER_INCH, QUIET, file_kind, save, style

WIDTH_PT, HEIGHT_PT = 460.0, 317.0  # of a chart with one panel
PANEL_WIDTH_PT, PANEL_HEIGHT_PT = 215.0, 235.0  # what another column or row adds
COLUMNS = {1: 1, 2: 2, 4: 2}  # by the number of panels
MOST_COLUMNS = 3
FAMILIES_THAT_FIT, ROW_PT = 7, 14.5  # with more families the figure grows
CHARACTER_PT = 4.7  # mean width in a panel's heading
ERROR_TITLE = "Gradient error (×10⁻³)"
DEFAULT_TITLE = "Gradient error against latency"


@dataclasses.dataclass(frozen=True)
class Chart:
    """A composed chart with a panel for each device, in the order of their names."""

    figure: Figure
    panels: tuple[Panel, ...]


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
            f"{missing} {'label' if missing == 1 else 'labels'} left out for want of room    {hint}"
        )
    text = figure.text(1.0 - MARGIN_PT / width_pt, MARGIN_PT / height_pt, hint)
    text.set(ha="right", va="bottom", fontsize=8.0, color=QUIET, style="italic", in_layout=False)


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


def _empty(panels: int, families: int) -> tuple[Figure, list[Axes]]:
    """A figure with axes for so many panels, which share the vertical axis."""
    columns = COLUMNS.get(panels, MOST_COLUMNS)
    rows = math.ceil(panels / columns)
    width_pt = WIDTH_PT + PANEL_WIDTH_PT * (columns - 1)
    height_pt = HEIGHT_PT + PANEL_HEIGHT_PT * (rows - 1)
    height_pt += ROW_PT * max(families - FAMILIES_THAT_FIT, 0)
    figure = Figure(figsize=(width_pt / PT_PER_INCH, height_pt / PT_PER_INCH), dpi=DPI)
    FigureCanvasAgg(figure)
    every = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten().tolist()
    for axes in every[panels:]:
        axes.remove()
    for axes in every[:panels:columns]:
        axes.set_ylabel(ERROR_TITLE)
    return figure, every[:panels]


def compose(points: Sequence[TradeOff], title: str | None = None) -> Chart:
    """Lay out the chart of `points`; see `draw`."""
    _check(points)
    groups = by_device(points)
    dots = [chart_dots(group, points) for group in groups]
    every: list[Dot] = [dot for group in dots for dot in group]
    if not title:
        emulated = all(point.emulated for point in points)
        title = DEFAULT_TITLE + (" under emulation" if emulated else "")
    with style():
        figure, panels = _empty(len(groups), len(looks(points)))
        columns = COLUMNS.get(len(groups), MOST_COLUMNS)
        corners = []
        for axes, group, its_dots in zip(panels, groups, dots, strict=True):
            axes.set_xlabel(latency_title(group))
            corners.append(draw_panel(axes, its_dots, every))
            if len(groups) > 1:
                line = int(PANEL_WIDTH_PT / CHARACTER_PT)
                name = textwrap.fill(heading(group), line, max_lines=3, placeholder=" …")
                axes.set_title(name, loc="left", fontsize=8.5, color=QUIET)
        add_legends(panels[columns - 1], every)
        device = heading(groups[0]) if len(groups) == 1 else ""
        used_pt = _add_title(figure, shown(title, 400), device)
        figure.set_layout_engine(_layout(1.0 - used_pt / (figure.get_figheight() * PT_PER_INCH)))
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # or the axes would move under the labels
        labelled = tuple(map(add_labels, panels, dots, corners))
        _add_hint(figure, sum(panel.unlabelled for panel in labelled))
    return Chart(figure, labelled)


def draw(points: Sequence[TradeOff], path: Path, *, title: str | None = None) -> Path:
    """Draw gradient error against latency with the Pareto front, for a paper or a README.

    The area of a marker grows with the logarithm of the number of parameters. Points off
    the front are paler; invalid ones are hollow and never on the front. Each device has its
    own panel, axis of latency and front. Equal points give equal bytes.

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
    file_kind(path)
    save(compose(points, title).figure, path)
    return path
