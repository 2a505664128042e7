"""What the points of the trade-off chart look like: plain Python, nothing is drawn here."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from mmnet_deploy.results.grouping import grouped
from mmnet_deploy.results.trade_offs import OTHER_FAMILY, TradeOff, front

# Okabe and Ito's colours, told apart with any colour vision; the shapes tell the families
# apart too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
OTHER_COLOUR = "#777777"
FAMILIES = ("MMNet", "Mobile DeepLabv3 OS16", "Mobile DeepLabv3 OS8", "LDN+FB")

AREA_RANGE_PT2 = (30.0, 170.0)  # of the smallest and the largest network
AREA_UNKNOWN_PT2 = 20.0


@dataclasses.dataclass(frozen=True)
class Shape:
    """A marker with its area and its largest radius, both at scatter size 1."""

    marker: str
    area: float
    radius: float

    def size(self, area_pt2: float) -> float:
        """The scatter size at which the marker covers `area_pt2`."""
        return area_pt2 / self.area


CIRCLE = Shape("o", math.pi / 4, 0.5)
CROSS = Shape("X", 0.62, 0.56)
"""A published network whose number of parameters is not known, as in the published figure."""

SHAPES = (
    CIRCLE,
    Shape("s", 1.0, 0.65),
    Shape("D", 1.0, 0.71),
    Shape("^", 0.5, 0.55),
    Shape("p", 0.59, 0.5),
    Shape("v", 0.5, 0.55),
    Shape("h", 0.65, 0.5),
)


@dataclasses.dataclass(frozen=True)
class Dot:
    """A point as it is drawn.

    Attributes:
        best: Whether it is on the front.
        area: In square points.
        beside: Whether it was published, and stands beside measured ones.
    """

    point: TradeOff
    best: bool
    colour: str
    shape: Shape
    area: float
    beside: bool = False

    @property
    def estimated(self) -> bool:
        """Whether its latency comes from a count of instructions."""
        return self.point.source == "estimated"

    @property
    def place(self) -> tuple[float, float]:
        """In the units of the axes: ms, and what `error_axis` says."""
        return self.point.latency_ms, error_axis(self.point.metric).factor * self.point.error

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the error bar in ms; where one is no number, the bar ends at the point."""
        middle = self.point.latency_ms
        low, high = self.point.latency_low_ms, self.point.latency_high_ms
        return (
            min(low, middle) if math.isfinite(low) else middle,
            max(high, middle) if math.isfinite(high) else middle,
        )

    @property
    def opens(self) -> tuple[bool, bool]:
        """Whether the interval is open below and above: too few runs bound it there."""
        return self.point.latency_low_ms == -math.inf, self.point.latency_high_ms == math.inf

    @property
    def radius_pt(self) -> float:
        """Half the largest extent of the marker with its edge."""
        return self.shape.radius * math.sqrt(self.shape.size(self.area)) + 0.5


# --- Words -------------------------------------------------------------------


def shown(text: str, most: int) -> str:
    """`text` on one line without control characters, at most `most` characters long."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(clean) <= most:
        return clean
    head = most // 2
    return f"{clean[:head].rstrip()}…{clean[len(clean) - (most - head - 1) :].lstrip()}"


LONGEST = 60
"""Characters of a label that is long since others are much like it."""


def told_apart(texts: Sequence[str], most: int) -> list[str]:
    """Each as `shown` gives it, and all of them longer where two of them would look the same."""
    while True:
        cut = [shown(text, most) for text in texts]
        if len(set(cut)) == len({shown(text, LONGEST) for text in texts}) or most >= LONGEST:
            return cut
        most += most // 2


# How statistics stand on the axis.
STATISTICS = {
    "median": "Median latency",
    "p90": "90th percentile of latency",
    "mean": "Mean latency",
    "min": "Least latency",
}


class ErrorAxis(NamedTuple):
    """How a metric stands on its axis, where lower is better."""

    title: str
    factor: float
    name: str


_ERROR_AXES = {
    "gradient_error": ErrorAxis("Gradient error (×10⁻³)", 1e3, "Gradient error"),
    "mad": ErrorAxis("MAD (×10⁻³)", 1e3, "MAD"),
    "mse": ErrorAxis("MSE (×10⁻³)", 1e3, "MSE"),
    "sad": ErrorAxis("SAD (×10³)", 1.0, "SAD"),
    "rhemann_gradient": ErrorAxis("Rhemann gradient (×10³)", 1.0, "Rhemann gradient"),
    "connectivity": ErrorAxis("Connectivity error (×10³)", 1.0, "Connectivity error"),
    "dtssd": ErrorAxis("dtSSD (×10⁻²)", 1e2, "dtSSD"),
    "mean_iou": ErrorAxis("1 − mean IoU (×10⁻²)", 1e2, "1 − mean IoU"),
}


def error_axis(metric: str) -> ErrorAxis:
    """The axis of a metric; an unknown one has its name and plain numbers."""
    return _ERROR_AXES.get(metric) or ErrorAxis(metric, 1.0, metric)


def latency_title(points: Sequence[TradeOff]) -> str:
    """The axis of latency: its statistic if it is one, and whether it is a real phone's."""
    names = {point.statistic for point in points}
    name = STATISTICS.get(names.pop(), "Latency") if len(names) == 1 else "Latency"
    if all(point.source == "published" for point in points):
        return "Latency as published (ms)"
    if all(point.source == "estimated" for point in points):
        return "Estimated latency (ms)"
    emulated = any(point.emulated for point in points)
    return f"{name} under emulation (ms)" if emulated else f"{name} (ms)"


def heading(points: Sequence[TradeOff]) -> str:
    """What the points of one device have in common."""
    name = shown(points[0].device, 200)
    emulated = any(point.emulated for point in points)
    # First, where no lack of room cuts it off.
    return f"Not a phone's times: {name}" if emulated else name


def count(parameters: float) -> str:
    """A parameter count as people say it: 70 k, 2 M."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if parameters >= unit:
            return f"{parameters / unit:.4g}{name}"
    return f"{parameters:.4g}"


# --- Numbers -----------------------------------------------------------------


def _round_numbers(low: float, high: float, digits: Sequence[float]) -> list[float]:
    """All numbers `digit` times a power of ten from `low` to `high`, both positive."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [d * 10.0**p for p in powers for d in digits if low <= d * 10.0**p <= high]


def log_ticks(low: float, high: float) -> list[float]:
    """About four to eight ticks for a logarithmic axis."""
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        ticks = _round_numbers(low, high, digits)
        if len(ticks) >= 4:
            break
    return ticks[:: max(math.ceil(len(ticks) / 8), 1)]


def area_pt2(parameters: float | None, known: Sequence[int]) -> float:
    """Area of a marker: it grows with the logarithm of the number of parameters."""
    if not parameters:
        return AREA_UNKNOWN_PT2
    smallest, largest = AREA_RANGE_PT2
    low, high = math.log(min(known)), math.log(max(known))
    share = (math.log(parameters) - low) / (high - low) if high > low else 0.5
    return smallest + share * (largest - smallest)


def references(known: Sequence[int]) -> list[float]:
    """Two or three parameter counts for the legend; one if all networks are as large."""
    low, high = min(known), max(known)
    for digits in ((1,), (1, 3), (1, 2, 5)):
        numbers = _round_numbers(low, high, digits)
        if len(numbers) >= 3:
            return [numbers[0], numbers[len(numbers) // 2], numbers[-1]]
    return numbers if len(numbers) == 2 else sorted({float(low), float(high)})


# --- Points ------------------------------------------------------------------


def looks(points: Sequence[TradeOff]) -> dict[str, tuple[str, Shape]]:
    """A colour and a shape for each family, whatever the order of the points.

    The families of the published figure look the same in every chart.
    """
    there = {point.family for point in points}
    others = sorted(there - {*FAMILIES, OTHER_FAMILY}, key=lambda name: (name.casefold(), name))
    names = [*FAMILIES, *others, OTHER_FAMILY]
    return {
        name: (OTHER_COLOUR if name == OTHER_FAMILY else colour, shape)
        for name, colour, shape in zip(
            names, itertools.cycle(COLOURS), itertools.cycle(SHAPES), strict=False
        )
        if name in there
    }


def by_device(points: Sequence[TradeOff]) -> list[list[TradeOff]]:
    """The points of each device, real ones first, in the order of their names."""
    groups: dict[tuple[bool, str], list[TradeOff]] = {}
    for point in points:
        groups.setdefault((point.emulated, point.device), []).append(point)
    return [groups[key] for key in sorted(groups)]


def by_metric(points: Sequence[TradeOff]) -> dict[str, list[TradeOff]]:
    """The points of each metric, in the order of the first of each."""
    return grouped(points, lambda point: point.metric)


def chart_dots(points: Sequence[TradeOff], every: Sequence[TradeOff]) -> tuple[Dot, ...]:
    """Points of one device with their looks, those on the front first, from fast to slow.

    Args:
        points: Those of the device.
        every: Those of all devices, and the published ones, which share colours, shapes and
            sizes.
    """
    best = front(points)
    return _dots([*best, *(point for point in points if point not in best)], every, len(best))


def published_dots(points: Sequence[TradeOff], every: Sequence[TradeOff]) -> tuple[Dot, ...]:
    """Published points beside measured ones: none is on their front."""
    return _dots(points, every, 0, beside=True)


def _dots(
    points: Sequence[TradeOff], every: Sequence[TradeOff], best: int, beside: bool = False
) -> tuple[Dot, ...]:
    """Dots, of which the first so many are on the front."""
    look_of = looks(every)
    known = [point.parameters for point in every if point.parameters]
    sized = {point.family for point in every if point.parameters}
    found = []
    for number, point in enumerate(points):
        colour, shape = look_of[point.family]
        area = area_pt2(point.parameters, known)
        if point.source == "published" and point.family not in sized:
            # As in the published figure; beside measured ones, a family has one shape.
            shape, area = CROSS, AREA_UNKNOWN_PT2 * 2
        found.append(Dot(point, number < best, colour, shape, area, beside))
    return tuple(found)
