"""The chart is readable, honest about invalid results, and the same every time."""

from __future__ import annotations

import dataclasses
import itertools
import math
import warnings
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest

from mmnet_deploy.charts import chart, style
from mmnet_deploy.charts.dots import SHAPES, shown, told_apart
from mmnet_deploy.charts.panels import Panel
from mmnet_deploy.errors import OutputError, ResultError, UsageError
from mmnet_deploy.results.published import Reference
from mmnet_deploy.results.trade_offs import TradeOff
from tests.support.chart_points import (
    MAGIC,
    few_runs,
    panel,
    point,
    precisions,
    words,
)

# --- Intervals ---------------------------------------------------------------


def arrows(found: Panel) -> dict[str, list[float]]:
    """How far the arrows of open intervals reach from their points, by the points' labels."""
    reach: dict[str, list[float]] = {}
    names = {dot.place: dot.point.label for dot in found.dots}
    for collection in found.axes.collections:
        paths = collection.get_paths()
        for path, place in zip(paths, collection.get_offsets(), strict=False):
            if tuple(path.vertices[0]) == (0, 0) and len(path.vertices) == 5:
                reach.setdefault(names[tuple(map(float, place))], []).append(path.vertices[1][0])
    return reach


def test_an_open_interval_is_an_arrow(tmp_path: Path) -> None:
    """To the side where too few runs bound it, beyond the marker; the legend says so."""
    found = panel(few_runs())
    reach = arrows(found)
    assert {name: sorted(x > 0 for x in ends) for name, ends in reach.items()} == {
        "right": [True],
        "both": [False, True],
        "invalid": [False],
    }
    radius = {dot.point.label: dot.radius_pt for dot in found.dots}
    assert all(abs(x) > radius[name] + 5 for name, ends in reach.items() for x in ends)
    closed = panel(precisions())
    assert not arrows(closed)
    for points, shows in ((few_runs(), True), (precisions(), False)):
        told = words(chart.draw(points, tmp_path / "a.svg"))
        assert ("open: too few runs" in told) == shows


def test_a_bar_reaches_to_the_end_that_is_known() -> None:
    """And no further than the point on the side that is open."""
    by_label = {dot.point.label: dot for dot in panel(few_runs()).dots}
    assert by_label["right"].interval == (0.97 * 3.1, 3.1)
    assert by_label["both"].interval == (2.8, 2.8)


# --- Files -------------------------------------------------------------------


@pytest.mark.parametrize("kind", MAGIC)
def test_the_suffix_chooses_the_format(kind: str, tmp_path: Path) -> None:
    """Each of the three formats is what its name says, and nothing else is left behind."""
    path = tmp_path / f"chart.{kind}"
    assert chart.draw(precisions(), path) == path
    assert path.read_bytes().startswith(MAGIC[kind])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["x.jpg", "chart", ".svg"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    """The message names the three formats and what was received."""
    with pytest.raises(UsageError) as caught:
        chart.draw([point()], tmp_path / name)
    assert str(caught.value) == (
        f"The chart's file must end in .svg, .png or .pdf. Received: {name}."
    )


def test_no_points_are_refused(tmp_path: Path) -> None:
    """An empty chart would look like a result."""
    with pytest.raises(ResultError, match="no result to draw"):
        chart.draw([], tmp_path / "x.svg")


@pytest.mark.parametrize("change", [{"latency_ms": math.nan}, {"error": math.inf}])
def test_a_point_that_is_no_number_is_refused(change: dict[str, float], tmp_path: Path) -> None:
    """The message names the point that has no place."""
    with pytest.raises(ResultError, match=r"Received: 1\.0\* with"):
        chart.draw([point(**change)], tmp_path / "x.svg")


def test_a_missing_folder_is_one_of_our_errors(tmp_path: Path) -> None:
    """A path that cannot be written is told in our words."""
    with pytest.raises(OutputError, match="No such file or directory"):
        chart.draw([point()], tmp_path / "absent" / "x.svg")


@pytest.mark.parametrize("kind", MAGIC)
def test_equal_points_give_equal_bytes(kind: str, tmp_path: Path) -> None:
    """A chart under version control changes only when the results do."""
    first = chart.draw(precisions(), tmp_path / f"a.{kind}").read_bytes()
    assert chart.draw(precisions(), tmp_path / f"b.{kind}").read_bytes() == first


def test_the_users_style_changes_nothing(tmp_path: Path) -> None:
    """Neither does a matplotlibrc change the chart, nor the chart matplotlib's settings."""
    expected = chart.draw([point()], tmp_path / "a.svg").read_bytes()
    with matplotlib.rc_context({"font.size": 20.0, "axes.facecolor": "pink", "lines.marker": "x"}):
        before = dict(matplotlib.rcParams)
        assert chart.draw([point()], tmp_path / "b.svg").read_bytes() == expected
        assert dict(matplotlib.rcParams) == before


# --- Words -------------------------------------------------------------------


HOSTILE = {
    "$x$": "$x$",
    r"$\frac{": r"$\frac{",
    "<script>&amp;": "<script>&amp;",
    "_under": "_under",
    "名前 🙂": "名前 🙂",
    "two\nlines\x00": "two lines",
    "a" * 40 + "b" * 40: "a" * 14 + "…" + "b" * 13,
}


@pytest.mark.parametrize("kind", MAGIC)
def test_hostile_names_are_shown_as_they_are(kind: str, tmp_path: Path) -> None:
    """Names are neither formulas nor markup, and no warning escapes."""
    hostile = [
        point(10.0 + n, label=name, family=name, device=name) for n, name in enumerate(HOSTILE)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = chart.draw(hostile, tmp_path / f"x.{kind}", title="$x$ <script> 名")
    if kind == "svg":
        assert {*HOSTILE.values(), "$x$ <script> 名"} <= set(words(path))


def test_a_chart_in_a_page_is_the_chart_alone(tmp_path: Path) -> None:
    """One element that says what the file says, with a style sheet for itself and no metadata."""
    hostile = [point(10.0 + n, label=name) for n, name in enumerate(HOSTILE)]
    composed = chart.compose(hostile)
    svg = composed.svg()
    assert svg.startswith("<svg ") and svg.endswith("</svg>")
    root = ElementTree.fromstring(svg)
    assert root.get("aria-hidden") == "true"
    assert float(root.get("viewBox", "").split()[2]) == composed.width_pt == 460
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert not {"metadata", "script"} & set(tags)
    (sheet,) = (element.text for element in root.iter() if element.tag.endswith("}style"))
    assert sheet and all(
        rule.startswith(f".{root.get('class')} ") for rule in sheet.split("}")[:-1]
    )
    (tmp_path / "inline.svg").write_text(svg)
    assert words(tmp_path / "inline.svg") == words(chart.draw(hostile, tmp_path / "file.svg"))


def test_equal_points_give_an_equal_chart_in_a_page() -> None:
    """A page under version control changes only when the results do."""
    assert chart.compose(precisions()).svg() == chart.compose(precisions()).svg()


def test_an_ellipsis_keeps_both_ends() -> None:
    """The end of a name is what tells precisions apart."""
    assert shown("mmnet-0.5-128-of-an-experiment-int8", 20) == "mmnet-0.5-…ment-int8"


def test_labels_that_differ_in_the_middle_are_not_cut_to_the_same() -> None:
    """All of them get as long as it takes to tell them apart; equal ones stay as short."""
    names = [f"a-segmenter-for-portraits-{number}-after-fine-tuning-int8" for number in (1, 2)]
    long = told_apart(names, 20)
    assert len(set(long)) == 2 and all(20 < len(name) < 60 for name in long)
    assert told_apart(names[:1] * 2, 20) == [shown(names[0], 20)] * 2


def test_the_title_names_the_device_and_wraps(tmp_path: Path) -> None:
    """The default title has the device below; a long one stays within the figure."""
    path = chart.draw([point()], tmp_path / "a.svg")
    assert "Gradient error against latency" in words(path)
    assert point().device in words(path)
    drawn = chart.compose([point(device="pixel " * 60)], "A long title " * 12)
    for text in drawn.figure.texts:
        extent = text.get_window_extent()
        assert extent.x0 >= 0 and extent.x1 <= drawn.figure.bbox.x1


# --- Devices -----------------------------------------------------------------


def two_phones() -> list[TradeOff]:
    """A fast phone on whose axis the slow one would look bad, and the other way round."""
    slow = [point(90.0, 3.0, "1.0", device="Mi 5"), point(30.0, 4.0, "0.5", device="Mi 5")]
    fast = [point(9.0, 3.0, "1.0", device="Pixel 6"), point(12.0, 2.0, "1.4", device="Pixel 6")]
    return [*fast, *slow]


def test_each_device_has_its_own_panel_and_front() -> None:
    """Latencies of two phones share neither an axis nor a front, only that of the error."""
    first, second = chart.compose(two_phones()).panels
    assert [first.axes.get_title("left"), second.axes.get_title("left")] == ["Mi 5", "Pixel 6"]
    assert first.axes.get_xlim() != second.axes.get_xlim()
    assert first.axes.get_ylim() == second.axes.get_ylim()
    for found in (first, second):
        assert len({dot.point.device for dot in found.dots}) == 1
        assert all(dot.best for dot in found.dots)


def test_a_family_looks_the_same_in_every_panel() -> None:
    """Colours, shapes and sizes have one legend."""
    points = two_phones()
    points.append(point(5.0, 5.0, "x", family="A family that is first", device="Pixel 6"))
    looks = {
        (dot.point.family, dot.colour, dot.shape)
        for found in chart.compose(points).panels
        for dot in found.dots
    }
    assert len(looks) == 2


@pytest.mark.parametrize("number", [2, 3, 4, 5])
def test_panels_keep_off_each_other(number: int) -> None:
    """However many devices: labels stay in their panels, panels and legends in the figure."""
    points = [
        dataclasses.replace(found, device=f"phone {n} with a rather long name, 4 threads, tflbench")
        for n in range(number)
        for found in precisions()
    ]
    drawn = chart.compose(points)
    insides = [found.inside for found in drawn.panels]
    assert len(insides) == number
    assert not any(a.overlaps(b) for a, b in itertools.combinations(insides, 2))
    for found in drawn.panels:
        boxes = [placed.box for placed in found.placements if placed]
        assert len(boxes) == 3
        assert all(found.inside.holds(box) for box in boxes)
    for child in drawn.panels[-1].axes.get_children():
        extent = child.get_window_extent()
        if isinstance(child, matplotlib.legend.Legend):
            assert extent.x1 <= drawn.figure.bbox.x1


def test_one_device_stands_below_the_title(tmp_path: Path) -> None:
    """It needs no heading of its own."""
    (found,) = chart.compose([point()]).panels
    assert found.axes.get_title("left") == ""
    assert words(chart.draw([point()], tmp_path / "x.svg")).count(point().device) == 1


def test_emulated_times_are_called_so(tmp_path: Path) -> None:
    """On the axis, in the title and beside the device, whatever the title is."""
    emulated = point(device="Mi 5 (emulated)", emulated=True)
    found = words(chart.draw([emulated], tmp_path / "a.svg"))
    assert "Median latency under emulation (ms)" in found
    assert "Gradient error against latency under emulation" in found
    assert "Not a phone's times: Mi 5 (emulated)" in found
    found = words(chart.draw([emulated], tmp_path / "b.svg", title="MMNet"))
    assert "Not a phone's times: Mi 5 (emulated)" in found


def test_emulated_points_have_a_panel_of_their_own(tmp_path: Path) -> None:
    """Behind those of real devices, even under the same name."""
    real, emulated = chart.compose([point(emulated=True), point()]).panels
    assert real.axes.get_xlabel() == "Median latency (ms)"
    assert emulated.axes.get_xlabel() == "Median latency under emulation (ms)"
    found = words(chart.draw([point(emulated=True), point()], tmp_path / "x.svg"))
    assert "Gradient error against latency" in found


@pytest.mark.parametrize(
    ("statistics", "expected"),
    [
        (["median", "median"], "Median latency (ms)"),
        (["p90"], "90th percentile of latency (ms)"),
        (["mean"], "Mean latency (ms)"),
        (["mean", "median"], "Latency (ms)"),
    ],
)
def test_the_axis_says_what_is_quoted(statistics: list[str], expected: str) -> None:
    """Where the points differ in it, their labels say it."""
    found = panel([point(statistic=statistic) for statistic in statistics])
    assert found.axes.get_xlabel() == expected


@pytest.mark.parametrize("valid", [True, False])
def test_the_legend_speaks_of_invalid_points_only_if_there_are_any(
    valid: bool, tmp_path: Path
) -> None:
    """A hollow marker is explained where it occurs."""
    path = chart.draw([point(), point(20, 3.0, valid=valid)], tmp_path / "x.svg")
    assert ("invalid (see the table)" in words(path)) is not valid


@pytest.mark.parametrize(
    ("label", "told"), [("1.0*", True), ("0.5* int8", True), ("1.0", False), ("a*b.tflite", False)]
)
def test_the_legend_explains_the_star_where_a_label_has_it(
    label: str, told: bool, tmp_path: Path
) -> None:
    """It stands for an input of 128×128; in a file's name it is no such sign."""
    path = chart.draw([point(label=label), point(20, 3.0, "0.75")], tmp_path / "x.svg")
    assert ("input of 128×128" in words(path)) is told


def test_an_invalid_point_is_not_on_the_drawn_front() -> None:
    """However good an invalid point is, it pushes no other off the front."""
    drawn = panel([point(), point(1, 0.1, "bad", valid=False), point(90, 2.9, "slow")])
    assert [dot.point.label for dot in drawn.dots if dot.best] == ["1.0*", "slow"]


# --- Published points --------------------------------------------------------


PUBLISHED = [
    point(61.0, 3.17, "0.5", source="published", device="Mi 5"),
    point(
        140.0, 7.4, "LDN+FB*", source="published", device="Mi 5", family="LDN+FB", parameters=None
    ),
]


def test_published_points_beside_measured_ones_are_a_series_of_their_own(tmp_path: Path) -> None:
    """Hollow, with a legend entry, and never on the front, however good they are."""
    better = dataclasses.replace(PUBLISHED[0], latency_ms=1.0, error=1e-4)
    options = chart.Options(published=[better, PUBLISHED[1]])
    (found,) = chart.compose([point()], options=options).panels
    beside = [dot for dot in found.dots if dot.beside]
    assert [dot.point for dot in beside] == [better, PUBLISHED[1]]
    assert [dot.point.label for dot in found.dots if dot.best] == ["1.0*"]
    path = chart.draw([point()], tmp_path / "x.svg", options=options)
    assert "published, Mi 5 (Seo et al.)" in words(path)
    assert "published, Mi 5 (Seo et al.)" not in words(chart.draw([point()], tmp_path / "y.svg"))


def test_the_published_figure_says_whose_it_is(tmp_path: Path) -> None:
    """Alone they are drawn in full, with the front; an unknown size is a cross."""
    found = words(chart.draw(PUBLISHED, tmp_path / "x.svg"))
    assert "Gradient error against latency, as published" in found
    assert "Latency as published (ms)" in found
    drawn = panel(PUBLISHED)
    assert {dot.point.label: dot.shape.marker for dot in drawn.dots} == {"0.5": "o", "LDN+FB*": "X"}
    assert [dot.point.label for dot in drawn.dots if dot.best] == ["0.5"]


def test_a_family_has_one_shape_beside_its_published_points() -> None:
    """A published point of unknown size is no cross where the legend shows the family measured."""
    mine = point(46, 6.5, "LDN+FB* float32", family="LDN+FB")
    (found,) = chart.compose([mine], options=chart.Options(published=PUBLISHED)).panels
    assert {dot.shape for dot in found.dots if dot.point.family == "LDN+FB"} == {SHAPES[3]}


def test_an_error_without_latency_is_a_line(tmp_path: Path) -> None:
    """It has its name in the legend, lies within the axes, and labels keep off it."""
    options = chart.Options(references=[Reference("DAPM, on a desktop", 3.03e-3)])
    (found,) = chart.compose(precisions(), options=options).panels
    low, high = found.axes.get_ylim()
    assert low < 3.03 < high
    level = found.axes.transData.transform((0.0, 3.03))[1] * 72 / style.DPI
    for placed in found.placements:
        assert placed is not None and not placed.box.bottom < level < placed.box.top
    path = chart.draw(precisions(), tmp_path / "x.svg", options=options)
    assert "DAPM, on a desktop" in words(path)


# --- Sizes and metrics -------------------------------------------------------


@pytest.mark.parametrize("size", style.SIZES)
def test_every_size_holds_all_that_it_shows(size: str) -> None:
    """Nothing leaves the figure or overlaps the axes; text stays at 7 points and above."""
    points = [*precisions(), point(40, 3, "1.0", family="Mobile DeepLabv3 OS16")]
    options = chart.Options(size=size, references=[Reference("DAPM, on a desktop", 3e-3)])
    drawn = chart.compose(points, options=options)
    (found,) = drawn.panels
    assert len(found.placements) == 4 and found.unlabelled == 0
    page = drawn.figure.bbox
    assert page.width * 72 / style.DPI == pytest.approx(style.SIZES[size].width_pt)
    legends = drawn.figure.findobj(matplotlib.legend.Legend)
    assert len(legends) == 2
    for legend in legends:
        extent = legend.get_window_extent()
        assert extent.x0 >= 0 and extent.x1 <= page.x1 and extent.y0 >= 0
        assert not extent.overlaps(found.axes.get_window_extent())
    for text in drawn.figure.findobj(matplotlib.text.Text):
        assert not text.get_text() or text.get_fontsize() >= 7


def test_an_empty_title_leaves_all_words_to_the_caption() -> None:
    """Neither title nor device stand above the axes then."""
    assert [t.get_text() for t in chart.compose([point()], "").figure.texts] == [
        "↙ lower left is better"
    ]


@pytest.mark.parametrize(
    ("metric", "error", "axis", "place"),
    [
        ("mad", 0.0438, "MAD (×10⁻³)", 43.8),
        ("mean_iou", 0.075, "1 − mean IoU (×10⁻²)", 7.5),
        ("sad", 21.0, "SAD (×10³)", 21.0),
        ("sharpness", 2.0, "sharpness", 2.0),
    ],
)
def test_any_metric_has_its_axis(metric: str, error: float, axis: str, place: float) -> None:
    """In the units that papers quote it in."""
    found = panel([point(error=error, metric=metric)])
    assert found.axes.get_ylabel() == axis
    assert found.dots[0].place[1] == pytest.approx(place)


def test_families_of_the_paper_look_the_same_in_every_chart() -> None:
    """Whatever else is drawn."""
    mobile = point(40, 3, family="Mobile DeepLabv3 OS16")
    alone, among = panel([mobile]), panel([mobile, point(), point(30, 2, family="A first")])
    look = {
        (d.colour, d.shape) for d in (*alone.dots, *among.dots) if d.point.family == mobile.family
    }
    assert len(look) == 1
