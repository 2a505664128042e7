"""The committed counts: no network becomes dearer without its baseline being changed."""

import importlib
import json

import pytest

from tests.support import counting
from tests.support.int8 import quick_int8

QUICK = "mmnet-0.5-128"
"""A network with branches and a decoder; `benchmarks/cost_baseline.py` takes all."""


@pytest.fixture
def script(monkeypatch):
    """The script with the engine and the counter that the tests built."""
    counting.require_programs()
    counting.bundle()
    counting.counter()
    monkeypatch.syspath_prepend(counting.ROOT / "benchmarks")
    return importlib.import_module("cost_baseline")


def test_counts_have_not_risen(script, monkeypatch):
    """The counts of a small network are at most 0.5 % above the baseline; a rise is told."""
    quick_int8(monkeypatch)
    name, baseline = QUICK, json.loads(script.BASELINE.read_text())
    found = script.counts(name)
    assert script.risen(name, found, baseline) == []
    lower = {precision: one.counts.total / 1.006 for precision, one in found.items()}
    lines = script.risen(name, found, baseline | {"instructions": {name: lower}})
    assert len(lines) == 2 and "+0.60%" in lines[0]
    assert "not in the baseline" in script.risen("other", found, baseline)[0]
    other = baseline | {"conditions": baseline["conditions"] | {"runtime": "another"}}
    assert "write it anew" in script.risen(name, found, other)[0]


def test_every_operating_point_has_a_baseline(script):
    """The baseline holds both precisions of every named operating point, and nothing else."""
    import models

    known = json.loads(script.BASELINE.read_text())["instructions"]
    assert set(known) == {point.name for point in models.operating_points()}
    assert all(set(counts) == {"float32", "int8"} for counts in known.values())
