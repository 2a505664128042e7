"""Labels of points: all readable, none on another, in the same place every time."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet_deploy.charts import chart, labels, style
from mmnet_deploy.charts.panels import Panel
from tests.support.chart_points import (
    panel,
    point,
    precisions,
    words,
)

# --- Labels ------------------------------------------------------------------


def test_labels_touch_nothing_and_stay_inside(drawn: Panel) -> None:
    """No label overlaps a label or a marker or leaves the axes, and none is missing."""
    boxes = [found.box for found in drawn.placements if found is not None]
    assert len(boxes) == len(drawn.dots)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(drawn.inside.holds(box) for box in boxes)
    assert all(box.distance(m.centre) >= m.radius for box in boxes for m in drawn.marks)


def test_the_words_stand_where_they_were_placed() -> None:
    """What the renderer draws fills the boxes that were found free."""
    drawn = panel(precisions())
    height = drawn.axes.figure.bbox.height * 72 / style.DPI
    texts = {text.get_text(): text for text in drawn.axes.texts}
    for dot, found in zip(drawn.dots, drawn.placements, strict=True):
        assert found is not None
        extent = texts[dot.point.label].get_window_extent().extents * 72 / style.DPI
        box = found.box
        assert extent.tolist() == pytest.approx([box.left, box.bottom, box.right, box.top], abs=0.5)
        assert 0 < extent[3] < height


def test_a_label_that_moved_away_has_a_leader() -> None:
    """The labels of nine points at one place do not all fit around it."""
    drawn = panel([point(label=f"a rather long name {n}") for n in range(9)])
    far = [
        found
        for found, mark in zip(drawn.placements, drawn.marks, strict=True)
        if found and found.box.distance(mark.centre) - mark.radius >= labels.LEADER_FROM
    ]
    assert far
    assert all(found.leader is not None for found in far)


def test_labels_without_room_are_counted(tmp_path: Path) -> None:
    """A chart that cannot hold all labels says how many it left out."""
    name = "a name of 28 characters, yes"
    path = chart.draw([point(label=name)] * 50, tmp_path / "x.svg")
    (hint,) = (text for text in words(path) if "lower left is better" in text)
    left_out = int(hint.split()[0])
    assert words(path).count(name) == 50 - left_out


def test_among_thousands_the_front_has_the_labels() -> None:
    """It is drawn at once, and says how many labels are left out."""
    dice = random.Random(1)
    points = [
        point(10 ** dice.uniform(0.5, 2.0), dice.uniform(2.5, 5.0), f"network {n}")
        for n in range(2000)
    ]
    drawn = panel(points)
    best = [dot for dot in drawn.dots if dot.best]
    assert len(drawn.placements) == len(best) < 80
    assert drawn.unlabelled == 2000 - sum(found is not None for found in drawn.placements)
    boxes = [found.box for found in drawn.placements if found is not None]
    assert len(boxes) > 1
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


marks = st.builds(
    labels.Mark,
    x=st.floats(20, 280),
    y=st.floats(20, 180),
    radius=st.floats(1, 12),
    width=st.floats(5, 120),
    height=st.floats(6, 12),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(marks, max_size=7))
def test_placed_labels_never_collide(given_marks: list[labels.Mark]) -> None:
    """Whatever the marks: labels keep off each other, off all marks and inside."""
    inside = labels.Box(0, 0, 300, 200)
    boxes = [found.box for found in labels.place(given_marks, inside) if found is not None]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(inside.holds(box) for box in boxes)
    assert all(box.distance(m.centre) >= m.radius for box in boxes for m in given_marks)


def test_a_lone_label_stands_beside_its_mark() -> None:
    """With room all around, the label stands on the right, without a leader."""
    mark = labels.Mark(100, 100, 5, 30, 8)
    (found,) = labels.place([mark], labels.Box(0, 0, 200, 200))
    assert found is not None and found.leader is None
    assert 105 < found.box.left < 110
    assert found.box.bottom < 100 < found.box.top


def test_a_label_that_is_wider_than_the_axes_has_no_place() -> None:
    """Nothing is squeezed in."""
    assert labels.place([labels.Mark(5, 5, 1, 30, 8)], labels.Box(0, 0, 20, 20)) == [None]
