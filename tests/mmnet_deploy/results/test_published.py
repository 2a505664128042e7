"""The published figure: its points, and the command that redraws it."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest

import models
from mmnet_deploy.results import published, trade_offs


def test_every_published_point_is_one_of_our_networks():
    """All twelve networks of the figure and LDN+FB can be built here; the table marks them."""
    names = {point.operating_point for point in published.points()}
    assert len(names) == 13
    assert names == {point.name for point in models.operating_points() if point.published}


def test_the_published_front_is_mmnets():
    """What the paper claims: no Mobile DeepLabv3 and no LDN+FB is on the front."""
    front = trade_offs.front(published.trade_offs())
    assert [point.label for point in front] == ["1.0*", "1.4*", "0.5", "0.75", "1.0"]
    assert {point.family for point in front} == {"MMNet"}


def test_sizes_are_those_of_our_networks_and_ldn_has_none():
    """Its authors do not report the number of parameters, so a cross is drawn."""
    sizes = {(p.family, p.label): p.parameters for p in published.trade_offs()}
    assert sizes["MMNet", "1.0"] == sizes["MMNet", "1.0*"] == 199_258
    assert sizes["LDN+FB", "LDN+FB*"] is None


def test_the_line_is_dapm():
    """Shen et al. 2016 have a gradient error and no latency on a phone."""
    (line,) = published.references()
    assert "DAPM" in line.label
    assert line.error == pytest.approx(3.03e-3)


def test_plot_redraws_the_figure(call, tmp_path):
    """With the numbers, and without any result of one's own."""
    result = call("plot", "--published", "-o", "figure.svg", "--csv", "figure.csv")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "figure.svg").read_text()
    for word in ("MMNet", "Mobile DeepLabv3 OS8", "LDN+FB", "DAPM", "as published"):
        assert word in text
    with (tmp_path / "figure.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 13
    assert {row["source"] for row in rows} == {"published"}


def test_plot_needs_something_to_draw(call, one_line):
    """Neither results nor the published points: one line."""
    one_line(call("plot", "-o", "a.svg"), 2, "`RESULTS`", "--published")
    words = ("plot", "--published", "--metric", "mad", "-o", "a.svg")
    one_line(call(*words), 2, "gradient errors only", "mad")


def test_the_figure_needs_neither_tensorflow_nor_keras_nor_pandas(tmp_path):
    """It is drawn on a computer that has the base installation only, and at once."""
    script = (
        "import sys; from mmnet_deploy.cli import cli; "
        "cli(['plot', '--published', '-o', 'a.svg'], standalone_mode=False); "
        "print({'tensorflow', 'keras', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("set()")
