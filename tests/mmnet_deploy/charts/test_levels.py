"""The score of a matte of one value in charts: a line where it is near, a number elsewhere."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mmnet_deploy.charts import chart, style
from mmnet_deploy.charts.dots import chart_dots
from mmnet_deploy.charts.levels import CONSTANT, levels
from mmnet_deploy.charts.scales import ScaleName
from mmnet_deploy.results.published import Reference
from mmnet_deploy.results.trade_offs import TradeOff
from tests.support.chart_points import point, words
from tests.support.results import evaluation, model, with_constant

DAPM = Reference("DAPM, on a desktop", 3.1e-3)


def beside(constant_e3: float, *errors_e3: float, metric: str = "gradient_error") -> list[TradeOff]:
    """Points whose evaluations know that error of a matte of one value."""
    score = 1 - constant_e3 / 1e3 if metric == "mean_iou" else constant_e3 / 1e3
    known = with_constant(evaluation(model()), **{metric: score})
    return [
        point(10.0 * number, error, f"p{number}", metric=metric, evaluation=known)
        for number, error in enumerate(errors_e3, start=1)
    ]


def _lines(points: list[TradeOff], y_scale: ScaleName = "auto") -> list[float]:
    """Places of the horizontal lines across the panel."""
    (found,) = chart.compose(points, options=chart.Options(y_scale=y_scale)).panels
    return [
        float(line.get_ydata()[0])
        for line in found.axes.get_lines()
        if len(line.get_ydata()) == 2 and line.get_linestyle() == "--"
    ]


def test_it_is_a_line_within_the_axes_that_labels_keep_off(tmp_path: Path) -> None:
    """With its number in the legend, and told apart from a published line."""
    points = beside(3.0, 2.9, 3.02, 5.0)
    options = chart.Options(references=[DAPM])
    (found,) = chart.compose(points, options=options).panels
    low, high = found.axes.get_ylim()
    assert low < 3.0 < high
    level = found.axes.transData.transform((0.0, 3.0))[1] * 72 / style.DPI
    for placed in found.placements:
        assert placed is not None and not placed.box.bottom < level < placed.box.top
    styles = {
        level.label: level.line for level in levels("gradient_error", found.dots, [DAPM], "auto")
    }
    assert len(styles) == 2 and styles[CONSTANT] != styles[DAPM.label]
    texts = words(chart.draw(points, tmp_path / "x.svg", options=options))
    assert texts[texts.index(f"{CONSTANT}:") + 1] == "3"


@pytest.mark.parametrize(
    ("constant", "errors", "drawn"),
    [
        (3.0, (4.0, 8.0), True),
        (1.5, (4.0, 8.0), False),
        (9.9, (4.0, 8.0), True),
        (10.5, (4.0, 8.0), False),
        (2.97, (2.42,), True),
        (3.2, (2.42,), False),
        (0.2, (1.0, 50.0), True),
        (470.0, (11.0, 500.0), True),
        (4000.0, (11.0, 500.0), False),
    ],
)
def test_a_line_that_is_far_off_does_not_squeeze_the_points(
    constant: float, errors: tuple[float, ...], drawn: bool
) -> None:
    """The axis grows by half of what the points span at most, in the measure of its scale."""
    points = beside(constant, *errors)
    (level,) = levels("gradient_error", chart_dots(points, points), [], "auto")
    assert (level.drawn, level.is_above) == (drawn, constant > max(errors))


def test_a_number_stands_for_a_line_that_is_not_drawn(tmp_path: Path) -> None:
    """In the legend, with the side; a broken axis that is asked for has the line."""
    points = beside(470.0, 11.0, 80.0, metric="mad")
    assert "a matte of one value: 470, above the axis" in " ".join(
        words(chart.draw(points, tmp_path / "x.svg"))
    )
    assert _lines(points) == []
    assert chart.compose(points).panels[0].axes.get_ylim()[1] < 100
    assert _lines(points, "broken") == [pytest.approx(470)]


def test_evaluations_without_it_have_no_line() -> None:
    """As earlier versions stored them; one that knows it is enough, and the newest counts."""
    old, new = beside(3.0, 2.9, 5.0)
    assert (
        _lines([dataclasses.replace(one, evaluation=evaluation(model())) for one in (old, new)])
        == []
    )
    assert _lines([dataclasses.replace(old, evaluation=None), new]) == [pytest.approx(3.0)]
    last_digit = beside(3.0000001, 5.0)[0]
    assert len(_lines([old, last_digit])) == 1


def test_a_mean_iou_has_its_complement() -> None:
    """As its points have."""
    assert _lines(beside(735.0, 500.0, 900.0, metric="mean_iou")) == [pytest.approx(73.5)]
