"""The scales of a chart's axes: linear, logarithmic, or broken where a few values lie far off."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from mmnet_deploy.charts.dots import log_ticks

ScaleName = Literal["auto", "linear", "log", "broken"]
SCALES: tuple[ScaleName, ...] = ("auto", "linear", "log", "broken")

LOG_FROM_RATIO = {"x": 4.0, "y": 10.0}
BROKEN_FROM_GAP = 1.5
"""An axis is broken where the values apart from one gap span less than the gap over this."""

LOWER_SHARE, GAP_SHARE = 0.78, 0.06
"""What the part below the gap, and the gap, take of a broken axis."""

BREAK_SLANT = 0.012  # of the height of the axes
_STEPS = [1, 2, 2.5, 5, 10]


def choose(name: Literal["x", "y"], wanted: ScaleName, values: Sequence[float]) -> ScaleName:
    """The scale that `auto` stands for, and what is possible of another one.

    A logarithm needs values above 0, a break a gap between two values.
    """
    low, high = min(values), max(values)
    if wanted == "auto":
        if low > 0 and high / low > LOG_FROM_RATIO[name]:
            return "log"
        return "broken" if name == "y" and _few_are_far(values) else "linear"
    possible = {"log": low > 0, "broken": low < high}.get(wanted, True)
    return wanted if possible else "linear"


def _widest_gap(values: Sequence[float]) -> tuple[float, float]:
    """The two neighbours that are farthest apart."""
    return max(
        itertools.pairwise(sorted(values)), key=lambda pair: pair[1] - pair[0], default=(0.0, 0.0)
    )


def _few_are_far(values: Sequence[float]) -> bool:
    """Whether a few large values would squeeze all others into a corner."""
    below, above = _widest_gap(values)
    gap = above - below
    few = sum(value >= above for value in values)
    return gap > BROKEN_FROM_GAP * (max(values) - min(values) - gap) and 4 * few <= len(values)


def apply(
    axes: Axes, name: Literal["x", "y"], wanted: ScaleName, values: Sequence[float]
) -> ScaleName:
    """Set scale, limits and ticks of an axis for `values`; returns the scale that it has."""
    scale = choose(name, wanted, values)
    low, high = min(values), max(values)
    axis = {"x": axes.xaxis, "y": axes.yaxis}[name]
    if scale == "log":
        margin = max((high / low) ** 0.09, 1.02)
        low, high = low / margin, high * margin
        axes.set(**{f"{name}scale": "log", f"{name}lim": (low, high)})
        _fix_ticks(axis, log_ticks(low, high))
    elif scale == "broken":
        _break(axes, values)
    else:
        # A difference of a hundredth of the value is noise and should not fill the chart.
        margin = max(0.1 * (high - low), 0.02 * abs(high)) or 1.0
        axes.set(**{f"{name}lim": (low - margin, high + margin)})
        axis.set_major_locator(MaxNLocator(6, steps=_STEPS))
    return scale


def _fix_ticks(axis: Axis, ticks: Sequence[float]) -> None:
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.set_minor_locator(NullLocator())


# --- Broken axes -------------------------------------------------------------


def _break(axes: Axes, values: Sequence[float]) -> None:
    """Leave out the widest gap between values: a piecewise linear scale with a mark at the gap."""
    below, above = _widest_gap(values)
    parts = [[v for v in values if v <= below], [v for v in values if v >= above]]
    ends = [_with_margin(part, (above - below) / 4) for part in parts]
    (a, b), (c, d) = ends
    known = np.array([a, b, c, d])
    shares = np.array([0.0, LOWER_SHARE, LOWER_SHARE + GAP_SHARE, 1.0])

    def forward(places: ArrayLike) -> NDArray[np.float64]:
        return _piecewise(np.asarray(places, float), known, shares)

    def inverse(places: ArrayLike) -> NDArray[np.float64]:
        return _piecewise(np.asarray(places, float), shares, known)

    axes.set_yscale("function", functions=(forward, inverse))
    axes.set_ylim(a, d)
    _fix_ticks(axes.yaxis, [*_ticks(a, b, 5), *_ticks(c, d, 1)])
    _mark_gap(axes)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """At most so many steps of round numbers within the limits; one number at least."""
    for count in range(most, most + 5):
        ticks = MaxNLocator(count, steps=_STEPS).tick_values(low, high)
        inside = [float(tick) for tick in ticks if low <= tick <= high]
        if inside:
            return inside
    return [(low + high) / 2]


def _with_margin(part: Sequence[float], most: float) -> tuple[float, float]:
    low, high = min(part), max(part)
    margin = min(max(0.12 * (high - low), 0.03 * abs(high)), most)
    return low - margin, high + margin


def _piecewise(
    x: NDArray[np.float64], known: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Linear interpolation that goes on beyond its ends."""
    first, last = (np.diff(values) / np.diff(known))[[0, -1]]
    inside = np.interp(x, known, values)
    below, above = np.minimum(x - known[0], 0.0), np.maximum(x - known[-1], 0.0)
    return inside + first * below + last * above


def _mark_gap(axes: Axes) -> None:
    """White over the axis line where it is broken, and a slanted stroke at either end."""
    gap = (LOWER_SHARE, LOWER_SHARE + GAP_SHARE)
    strokes = [((0.0, 0.0), gap, "white", 1.6)]
    for end in gap:
        ends = (end - BREAK_SLANT, end + BREAK_SLANT)
        strokes.append(((-BREAK_SLANT, BREAK_SLANT), ends, "#444444", 0.7))
    for number, (x, y, colour, width) in enumerate(strokes):
        stroke = Line2D(x, y, color=colour, lw=width, zorder=5 + number, clip_on=False)
        stroke.set_transform(axes.transAxes)
        axes.add_artist(stroke)
