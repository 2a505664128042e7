"""The committed counts of two cores: complete, and the same as the baseline where both count."""

import json

import models
from tests.support import ROOT

COUNTS = json.loads((ROOT / "benchmarks" / "counts_by_core.json").read_text())["instructions"]
BASELINE = json.loads((ROOT / "benchmarks" / "cost_baseline.json").read_text())["instructions"]


def test_every_operating_point_is_counted_in_three_precisions_on_two_cores():
    """Of the networks that there are, and of no others; a changed baseline needs new counts."""
    assert set(COUNTS) == {point.name for point in models.operating_points()}
    for name, of_cores in COUNTS.items():
        old, new = of_cores["cortex-a57"], of_cores["cortex-a76"]
        assert {precision: old[precision] for precision in BASELINE[name]} == BASELINE[name]
        assert old["float16"] == old["float32"] > new["float32"] > new["float16"] > 0
        assert 0 < new["int8"] < old["int8"]


def test_the_table_of_the_results_has_the_counts():
    """Each number stands in the page, with two decimals."""
    page = (ROOT / "docs" / "results-2026.md").read_text(encoding="utf-8")
    for name, of_cores in COUNTS.items():
        cells = [
            f"{count / 1e6:.2f}" for of_core in of_cores.values() for count in of_core.values()
        ]
        rows = [
            line for line in page.splitlines() if line.startswith((f"| {name} |", f"| {name} *"))
        ]
        assert any(" | ".join(cells) in row for row in rows), name
