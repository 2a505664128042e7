"""Axes of the chart: linear, logarithmic and broken."""

from __future__ import annotations

import matplotlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet_deploy.charts import chart, labels, scales
from mmnet_deploy.charts.dots import area_pt2, count, log_ticks, references
from mmnet_deploy.charts.panels import Panel
from tests.support.chart_points import (
    panel,
    point,
    precisions,
    without_error,
)

# --- Scales ------------------------------------------------------------------


@pytest.mark.parametrize(("slowest", "scale"), [(39.0, "linear"), (41.0, "log")])
def test_latencies_that_span_much_have_a_logarithmic_axis(slowest: float, scale: str) -> None:
    """Above a ratio of four, fast networks would stick together on a linear axis."""
    ends = [point(x, latency_low_ms=x, latency_high_ms=x, label=f"{x}") for x in (10.0, slowest)]
    assert chart.compose(ends).figure.axes[0].get_xscale() == scale


def test_all_points_lie_inside_the_axes(drawn: Panel) -> None:
    """Whole markers, not only their middles."""
    assert all(
        drawn.inside.holds(labels.Box(m.x, m.y, m.x, m.y).grown(m.radius)) for m in drawn.marks
    )


@given(st.floats(1e-6, 1e6), st.floats(1.05, 1e9))
def test_logarithmic_axes_have_some_ticks_inside(low: float, ratio: float) -> None:
    """Never more than fit, and all within the limits."""
    ticks = log_ticks(low, low * ratio)
    assert len(ticks) <= 8
    assert all(low <= tick <= low * ratio for tick in ticks)
    assert ratio < 4 or len(ticks) >= 2


@given(st.lists(st.integers(1, 10**12), min_size=1))
def test_size_references_lie_among_the_sizes(known: list[int]) -> None:
    """The legend shows one to three sizes, from the range that is drawn."""
    numbers = references(known)
    assert 1 <= len(numbers) <= 3
    areas = [area_pt2(number, known) for number in numbers]
    assert areas == sorted(areas)
    assert min(area_pt2(n, known) for n in known) <= areas[0]
    assert areas[-1] <= max(area_pt2(n, known) for n in known)


def test_parameter_counts_read_as_people_say_them() -> None:
    """Thousands and millions, with no more digits than there are."""
    assert [count(n) for n in (7, 70_000, 123_456, 2_000_000)] == ["7", "70 k", "123.5 k", "2 M"]


def test_more_families_than_fit_make_the_figure_taller() -> None:
    """The two legends never meet."""
    few = chart.compose([point()])
    many = chart.compose([point(10 + n, family=f"family {n}") for n in range(16)])
    assert many.figure.get_figheight() > few.figure.get_figheight()
    upper, lower = (
        child.get_window_extent()
        for child in many.figure.axes[0].get_children()
        if isinstance(child, matplotlib.legend.Legend)
    )
    assert upper.y0 > lower.y1


# --- Broken axes -------------------------------------------------------------


def test_a_value_far_off_breaks_the_axis_of_error() -> None:
    """The crowd keeps most of the height, and the order stays."""
    points = [point(10.0 + n, 3.0 + 0.1 * n, f"{n}") for n in range(6)]
    crowd_, far = points, point(20.0, 7.4, "far")
    found = panel([*crowd_, far])
    heights = {dot.point.label: mark.y for dot, mark in zip(found.dots, found.marks, strict=True)}
    inside = found.inside
    share = (heights["5"] - heights["0"]) / (inside.top - inside.bottom)
    assert share > 0.5
    assert heights["far"] > heights["5"] > heights["0"]
    ticks = [tick for tick in found.axes.get_yticks() if 3.7 < tick < 6.8]
    assert not ticks  # nothing is written where the axis leaves something out


@pytest.mark.parametrize(
    ("wanted", "expected"), [("linear", "linear"), ("log", "log"), ("broken", "function")]
)
def test_the_scale_can_be_chosen(wanted: str, expected: str) -> None:
    """Whatever the values would have."""
    drawn = chart.compose(precisions(), options=chart.Options(y_scale=wanted))  # type: ignore[arg-type]
    assert drawn.figure.axes[0].get_yscale() == expected


def test_no_logarithm_of_nothing() -> None:
    """An axis that has a zero stays linear, also where a logarithm is asked for."""
    drawn = chart.compose(without_error(), options=chart.Options(x_scale="log", y_scale="log"))
    assert drawn.figure.axes[0].get_xscale() == drawn.figure.axes[0].get_yscale() == "linear"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1.0, 4.0), min_size=2, max_size=8, unique=True), st.floats(5.0, 1000.0))
def test_a_broken_axis_can_be_read_both_ways(values: list[float], far: float) -> None:
    """From a value to its place and back, in both parts and in the gap."""
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    scales.apply(axes, "y", "broken", [*values, far])
    transform = axes.transData
    for value in (*values, far, (max(values) + far) / 2):
        (_, back) = transform.inverted().transform(transform.transform((0.0, value)))
        assert back == pytest.approx(value, rel=1e-6)
