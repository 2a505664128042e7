"""The bar chart of the quantization error: one bar per layer, the worst at the top."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmnet_deploy.charts.dots import COLOURS, shown
from mmnet_deploy.charts.style import (
    DPI,
    INK,
    MARGIN_PT,
    PT_PER_INCH,
    QUIET,
    SOFT,
    file_kind,
    save,
    style,
)
from mmnet_deploy.errors import ResultError
from mmnet_deploy.inspection.quantization_error import LayerNoise, QuantizationError
from mmnet_deploy.tflite.layer_names import short_names, shortened

MOST_BARS = 30
WIDTH_PT, BAR_PT = 460.0, 13.0
ABOVE_PT, BELOW_PT, LEFT_PT, RIGHT_PT = 42.0, 36.0, 185.0, 36.0
LONGEST_NAME = 26  # characters


def _value(layer: LayerNoise) -> str:
    """The number at the end of a bar; a layer without any error or any signal has none."""
    if math.isfinite(layer.decibels):
        return f"{layer.decibels:.1f}".replace("-", "−")
    return "exact" if layer.decibels > 0 else "no signal"


def _names(error: QuantizationError, layers: Sequence[LayerNoise]) -> list[str]:
    """What stands beside the bars; layers of one name are told apart by their operators."""
    short = short_names(layer.layer for layer in error.layers)
    uses = Counter(short[layer.layer] for layer in layers)
    names = []
    for layer in layers:
        name = shortened(short[layer.layer], LONGEST_NAME)
        kind = f"  {layer.kind.lower()}" if uses[short[layer.layer]] > 1 else ""
        names.append(shown(name + kind, 2 * LONGEST_NAME))
    return names


def _draw_bars(figure: Figure, layers: Sequence[LayerNoise], names: Sequence[str]) -> None:
    """Bars with the layers' names on the left and numbers at their ends."""
    height_pt = figure.get_figheight() * PT_PER_INCH
    axes = figure.add_axes(
        (
            LEFT_PT / WIDTH_PT,
            BELOW_PT / height_pt,
            1.0 - (LEFT_PT + RIGHT_PT) / WIDTH_PT,
            1.0 - (ABOVE_PT + BELOW_PT) / height_pt,
        )
    )
    finite = [layer.decibels for layer in layers if math.isfinite(layer.decibels)]
    low, high = min([0.0, *finite]), max([1.0, *finite])
    for row, layer in enumerate(layers):
        # A layer without any error fills the row; one without a signal has no bar.
        width = min(max(layer.decibels, low), high)
        axes.barh(row, width, height=0.72, color=COLOURS[0], linewidth=0.0)
        axes.annotate(
            _value(layer), (max(width, 0.0), row), xytext=(3.0, 0.0), textcoords="offset points",
            va="center", fontsize=7.5, color=SOFT,
        )  # fmt: skip
    axes.set(xlim=(low, high), ylim=(len(layers) - 0.4, -0.6))
    axes.set_xlabel("Signal-to-noise ratio (dB); shorter is worse, 6 dB are one bit")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.set_yticks(range(len(layers)), names)
    axes.tick_params(axis="y", length=0.0, labelsize=7.5, colors=INK)
    axes.grid(axis="y", visible=False)


def compose(error: QuantizationError, title: str) -> Figure:
    """Lay out the chart; see `draw`."""
    if not error.layers:
        raise ResultError("There is no layer to draw.")
    layers = error.layers[:MOST_BARS]
    height_pt = ABOVE_PT + BELOW_PT + BAR_PT * len(layers)
    figure = Figure(figsize=(WIDTH_PT / PT_PER_INCH, height_pt / PT_PER_INCH), dpi=DPI)
    FigureCanvasAgg(figure)
    pictures = f"{error.pictures} picture{'s' * (error.pictures > 1)}"
    which = f"the {len(layers)} worst of {len(error.layers)} layers"
    if len(layers) == len(error.layers):
        which = f"{len(layers)} layers" if len(layers) > 1 else "1 layer"
    lines = (
        (shown(title, 70), 10.5, INK, MARGIN_PT),
        (f"Quantization error against float32 on {pictures}: {which}", 8.5, QUIET, 21.0),
    )
    for text, size, colour, down in lines:
        figure.text(
            MARGIN_PT / WIDTH_PT, 1.0 - down / height_pt, text, va="top", fontsize=size,
            color=colour,
        )  # fmt: skip
    _draw_bars(figure, layers, _names(error, layers))
    return figure


def draw(error: QuantizationError, path: Path, *, title: str) -> Path:
    """Draw the worst layers, for a report. Equal errors give equal bytes.

    Args:
        path: A `.svg`, `.png` or `.pdf` file.
        title: Stands at the top; usually the name of the model.

    Returns:
        `path`.

    Raises:
        UsageError: `path` has another suffix.
        ResultError: There is no layer.
        OutputError: The file cannot be written.
    """
    file_kind(path)
    with style():
        figure = compose(error, title)
    save(figure, path)
    return path
