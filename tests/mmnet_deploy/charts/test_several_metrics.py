"""Charts of several metrics: a panel for each, side by side, over one axis of latency."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import matplotlib
import pytest

from mmnet_deploy.charts import chart, style
from mmnet_deploy.results.trade_offs import TradeOff
from tests.support.chart_points import point, words
from tests.support.results import evaluation, model, with_constant


def by_all(*points: TradeOff, worst: str = "mad") -> list[TradeOff]:
    """The points by each metric, where a matte of one value is near by the first only.

    By one of the metrics, the order of the errors is reversed. Nothing is known of the pictures
    of two points, so that their errors count as they are.
    """
    most = max(one.error for one in points) + min(one.error for one in points)
    found = []
    for metric, factor in (("gradient_error", 1), ("mad", 8), ("mean_iou", 20)):
        for one in points:
            result = evaluation(model(), data_sha256=one.label)
            known = with_constant(result, gradient_error=0.0031, mad=0.4, mean_iou=0.3)
            error = factor * (most - one.error if metric == worst else one.error)
            found.append(dataclasses.replace(one, metric=metric, error=error, evaluation=known))
    return found


TWO = by_all(point(10.0, 5.0, "fast"), point(60.0, 3.0, "slow"))


def test_each_metric_has_a_panel_over_the_same_latencies() -> None:
    """With its own axis, front and labels, in the order of the metrics."""
    found = chart.compose(TWO).panels
    labels = ["Gradient error (×10⁻³)", "MAD (×10⁻³)", "1 − mean IoU (×10⁻²)"]
    assert [one.axes.get_ylabel() for one in found] == labels
    assert len({one.axes.get_xlim() for one in found}) == 1
    assert len({one.axes.get_ylim() for one in found}) == 3
    fronts = [[dot.point.label for dot in one.dots if dot.best] for one in found]
    assert fronts == [["fast", "slow"], ["fast"], ["fast", "slow"]]
    tops = {round(one.inside.top) for one in found}
    assert len(tops) == 1 and sorted(found, key=lambda one: one.inside.left) == list(found)


@pytest.mark.parametrize(("size", "devices"), [("column", 2), ("page", 2), ("slide", 1)])
def test_all_of_it_stays_in_the_figure(size: str, devices: int) -> None:
    """No panel touches another, no label leaves its panel; a page stays as wide as a page."""
    points = [
        dataclasses.replace(
            one, device=f"phone {n} with a name that is longer than a panel is wide"
        )
        for n in range(devices)
        for one in TWO
    ]
    drawn = chart.compose(points, options=chart.Options(size=size))
    insides = [found.inside for found in drawn.panels]
    assert len(insides) == 3 * devices
    assert not any(a.overlaps(b) for a, b in itertools.combinations(insides, 2))
    for found in drawn.panels:
        assert found.unlabelled == 0
        assert all(placed and found.inside.holds(placed.box) for placed in found.placements)
    page = drawn.figure.bbox
    widths = [inside.right - inside.left for inside in insides]
    assert max(widths) - min(widths) < 3  # however long the device's name
    if size == "column":
        labelled = [bool(found.axes.get_xlabel()) for found in drawn.panels]
        assert labelled == [False, False, True] * devices
        assert len({round(inside.left) for inside in insides}) == 1
    if size != "slide":
        assert drawn.width_pt == style.SIZES[size].width_pt
    elif devices == 1:
        assert page.width / page.height == pytest.approx(16 / 9)
    shown = " ".join(one.get_text() for one in drawn.figure.findobj(matplotlib.text.Text))
    assert shown.count("↑") == 2 and "Gradient error 3.1\nMAD 400 ↑" in shown
    for part in (matplotlib.legend.Legend, matplotlib.text.Text):
        for one in drawn.figure.findobj(part):
            extent = one.get_window_extent()
            assert extent.x0 >= 0 and extent.x1 <= page.x1 + 1 and extent.y0 >= -1


def test_legend_title_and_hint_stand_once(tmp_path: Path) -> None:
    """The title names all metrics; equal points give equal bytes."""
    first = chart.draw(TWO, tmp_path / "x.svg")
    assert chart.draw(TWO, tmp_path / "y.svg").read_bytes() == first.read_bytes()
    found = words(first)
    assert "Gradient error, MAD and 1 − mean IoU against latency" in found
    for text in ("MMNet", "Pareto front", "Parameters", "↙ lower left is better"):
        assert found.count(text) == 1
    assert found.count("Median latency (ms)") == 3


def test_long_labels_are_cut_to_fit_a_narrow_panel() -> None:
    """A file's name keeps what tells it apart, and has its place in each panel."""
    names = [f"a-network-for-selfies-256-{precision}" for precision in ("float32", "int8")]
    points = by_all(point(10.0, 5.0, names[0]), point(12.0, 4.9, names[1]))
    drawn = chart.compose(points)
    assert [found.unlabelled for found in drawn.panels] == [0, 0, 0]
    texts = [one.get_text() for one in drawn.panels[0].axes.texts]
    assert len(set(texts)) == 2 and all("…" in text and len(text) < 24 for text in texts)


def test_published_points_are_in_the_panel_of_their_metric() -> None:
    """The axis of latency, which all share, holds them."""
    beside = [point(400.0, 4.0, "theirs", source="published")]
    found = chart.compose(TWO, options=chart.Options(published=beside)).panels
    assert [sum(dot.beside for dot in one.dots) for one in found] == [1, 0, 0]
    assert len({one.axes.get_xlim() for one in found}) == 1
    assert found[1].axes.get_xlim()[1] > 400
