"""What the demo makes of its results: chart, report, tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmnet_deploy.cli.console import print_table

if TYPE_CHECKING:
    from mmnet_deploy.results.records import Record
    from mmnet_deploy.results.trade_offs import Joined, TradeOff

TITLE = "The demo: gradient error against latency on synthetic portraits"

ON_FRONT = "on the front"


def conclude(folder: Path, trained: Sequence[Path]) -> None:
    """Draw the chart, write the report and the table, and show the table.

    Args:
        folder: Of the demo.
        trained: The files of the network that the demo trained.
    """
    from mmnet_deploy import report
    from mmnet_deploy.charts import chart
    from mmnet_deploy.results import store, table, table_file, trade_offs

    reading = store.read([folder / "results"])
    joined = trade_offs.join(reading.records)
    points = _points(joined, trained)
    table_file.write(table.trade_offs(joined), folder / "results.csv")
    for name in ("pareto.svg", "pareto.png"):
        chart.draw(points, folder / name, title=TITLE)
    report.write(reading, folder / "report.html", title="The demo of mmnet-deploy")
    summarise(reading.records, joined, trade_offs.front(points))


def _points(joined: Joined, trained: Sequence[Path]) -> list[TradeOff]:
    """The points of the chart, in which the demo's own network is a family of its own."""
    own = {path.name for path in trained}
    return [
        dataclasses.replace(point, family=f"{point.family}, trained here")
        if benchmark.model.name in own
        else point
        for point, (benchmark, _) in zip(joined.points, joined.rows, strict=True)
    ]


def summarise(records: Sequence[Record], joined: Joined, front: Sequence[TradeOff] = ()) -> None:
    """One row per model, from fast to slow; a network that was not measured comes first.

    Args:
        joined: Of the records: of several measurements of a file, one.
        front: The points that nothing beats.
    """
    from mmnet_deploy.results.latency import quoted
    from mmnet_deploy.results.naming import device_name
    from mmnet_deploy.results.records import Evaluation

    benchmarks = {benchmark.model.sha256: benchmark for benchmark, _ in joined.rows}
    best = {point.evaluation.model.sha256 for point in front if point.evaluation}
    rows = []
    for record in (r for r in records if isinstance(r, Evaluation)):
        benchmark = benchmarks.get(record.model.sha256)
        latency_ms, notes = 0.0, []
        if benchmark:
            latency_ms = quoted(benchmark).quoted_us / 1000
            notes = [flag.label for flag in benchmark.broken_rules]
        if record.model.sha256 in best:
            notes.insert(0, ON_FRONT)
        row = (
            record.model.name,
            f"{1000 * record.scores['gradient_error']:.3f}",
            f"{record.scores['mad']:.4f}",
            f"{record.scores['mean_iou']:.4f}",
            f"{record.model.size_bytes / 1024:.0f}",
            f"{latency_ms:.2f}" if benchmark else "–",
            "; ".join(notes),
        )
        rows.append((latency_ms, row))
    device = device_name(next(iter(benchmarks.values())))
    print_table(
        (
            "model",
            ("gradient", "error (×10⁻³)"),
            "MAD",
            ("mean", "IoU"),
            ("size", "(KiB)"),
            ("latency", "(ms)"),
            "",
        ),
        [row for _, row in sorted(rows)],
        title=f"Synthetic portraits; {device}",
    )
