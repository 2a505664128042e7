"""Small charts as SVG inside the page; colours come from the page's style sheet.

Every text that comes from a result goes through `Markup.format`, which escapes it.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from mmnet_deploy.charts.dots import shown

WIDTH, HEIGHT = 320.0, 64.0
BINS = 48
MOST_DOTS = 240
FENCE = 4.0
"""Samples that are further above the upper quartile than so many interquartile ranges are
counted at the end of the axis, where a single one would squeeze all others together."""


def _svg(width: float, height: float, label: str, parts: Iterable[Markup]) -> Markup:
    """A picture with what it shows in words, for those who do not see it."""
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" width="{}" height="{}" role="img" '
        'aria-label="{}">{}</svg>'
    ).format(
        f"{width:g}", f"{height:g}", f"{width:g}", f"{height:g}", shown(label, 400),
        Markup("").join(parts),
    )  # fmt: skip


def _text(x: float, y: float, words: str, anchor: str = "start") -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        f"{x:.1f}", f"{y:.1f}", anchor, words
    )


def _ms(us: float) -> str:
    return f"{us / 1000:.3g} ms"


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        kind, *(f"{value:.1f}" for value in (x1, y1, x2, y2))
    )


# --- Latency -----------------------------------------------------------------


def _ends(ordered: Sequence[float], middle: float) -> tuple[float, float]:
    """The ends of an axis for sorted samples."""
    count = len(ordered)
    lower, upper = ordered[count // 4], ordered[(3 * count) // 4]
    fence = upper + FENCE * (upper - lower)
    inside = bisect.bisect_right(ordered, fence)
    return ordered[0], max(ordered[max(inside - 1, 0)], middle)


def histogram(samples_us: Sequence[float], middle_us: float, statistic: str) -> Markup:
    """How the samples are spread; the line is what is quoted."""
    ordered = sorted(samples_us)
    low, high = _ends(ordered, middle_us)
    span = (high - low) or abs(low) or 1.0
    counts = [0] * BINS
    for value in ordered:
        if value <= high:
            counts[min(int((value - low) / span * BINS), BINS - 1)] += 1
    beyond = sum(value > high for value in ordered)
    floor, top = HEIGHT - 14.0, 4.0
    width = WIDTH / BINS
    bars = [
        Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}"/>').format(
            f"{index * width:.1f}",
            f"{floor - (floor - top) * count / max(counts):.1f}",
            f"{width - 0.6:.1f}",
            f"{(floor - top) * count / max(counts):.1f}",
        )
        for index, count in enumerate(counts)
        if count
    ]
    middle = (middle_us - low) / span * WIDTH
    end = _ms(high) + (f", {beyond} above" if beyond else "")
    label = (
        f"{len(ordered)} samples from {_ms(ordered[0])} to {_ms(ordered[-1])}, "
        f"{statistic} {_ms(middle_us)}"
    )
    return _svg(
        WIDTH, HEIGHT, label,
        [
            *bars,
            _line("axis", 0, floor, WIDTH, floor),
            _line("mark", middle, 0, middle, floor),
            _text(0, HEIGHT - 2, _ms(low)),
            _text(WIDTH, HEIGHT - 2, end, "end"),
        ],
    )  # fmt: skip


def sequence(samples_us: Sequence[float], middle_us: float) -> Markup:
    """The samples in the order of the run: whether it drifts, and when it was disturbed."""
    step = max(1, math.ceil(len(samples_us) / MOST_DOTS))
    taken = list(samples_us)[::step]
    low, high = _ends(sorted(samples_us), middle_us)
    span = (high - low) or 1.0
    floor, top = HEIGHT - 14.0, 4.0

    def down(value: float) -> float:
        return floor - (floor - top) * (min(value, high) - low) / span

    places = [
        (WIDTH * (index + 0.5) / len(taken), down(value)) for index, value in enumerate(taken)
    ]
    dots = [
        Markup('<circle class="dot" cx="{}" cy="{}" r="1.3"/>').format(f"{x:.1f}", f"{y:.1f}")
        for x, y in places
    ]
    label = f"The {len(samples_us)} samples in the order of the run"
    level = down(middle_us)
    return _svg(
        WIDTH, HEIGHT, label,
        [
            _line("axis", 0, floor, WIDTH, floor),
            _line("mark", 0, level, WIDTH, level),
            *dots,
            _text(0, HEIGHT - 2, "first run"),
            _text(WIDTH, HEIGHT - 2, f"run {len(samples_us)}", "end"),
        ],
    )  # fmt: skip


# --- The device --------------------------------------------------------------

Pair = tuple[float | None, float | None]


def states(pairs: Sequence[Pair], unit: str, what: str) -> Markup:
    """A reading before and after each run, over the sequence of runs.

    Args:
        pairs: One for each run; None where nothing could be read.
    """
    known = [value for pair in pairs for value in pair if value is not None]
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    label = f"{what} before and after {len(pairs)} runs: {low:.4g} to {high:.4g} {unit}"
    pairs = pairs[:: max(1, math.ceil(len(pairs) / MOST_DOTS))]
    floor, top, left = HEIGHT - 14.0, 8.0, 4.0
    width = (WIDTH - 2 * left) / max(len(pairs), 1)

    def down(value: float) -> float:
        return floor - 4 - (floor - 4 - top) * (value - low) / span

    parts = [_line("axis", 0, floor, WIDTH, floor)]
    for index, (before, after) in enumerate(pairs):
        x = left + width * index
        ends = [x + 0.15 * width, x + 0.85 * width]
        if before is not None and after is not None:
            parts.append(_line("trace", ends[0], down(before), ends[1], down(after)))
        for place, value, kind in ((ends[0], before, "open"), (ends[1], after, "dot")):
            if value is not None:
                dot = Markup('<circle class="{}" cx="{}" cy="{}" r="2.2"/>')
                parts.append(dot.format(kind, f"{place:.1f}", f"{down(value):.1f}"))
    parts += [
        _text(0, HEIGHT - 2, "first run"),
        _text(WIDTH, HEIGHT - 2, f"{low:.4g}…{high:.4g} {unit}", "end"),
    ]
    return _svg(WIDTH, HEIGHT, label, parts)


# --- Bars in tables ----------------------------------------------------------


def bar(share: float, kind: str = "") -> Markup:
    """A bar of `share` of the cell's width; the number stands in the cell beside it."""
    width = 100 * min(max(share, 0.0), 1.0)
    return Markup(
        '<svg class="meter {}" viewBox="0 0 100 10" preserveAspectRatio="none" '
        'aria-hidden="true"><rect class="bar" width="{}" height="10"/></svg>'
    ).format(kind, f"{width:.1f}")
