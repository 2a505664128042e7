"""What the demo makes of its results: chart, report, tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmnet_deploy.cli.console import print_table

if TYPE_CHECKING:
    from mmnet_deploy.results.records import Record
    from mmnet_deploy.results.trade_offs import Joined, TradeOff

TITLE = "The demo: errors against latency on synthetic portraits"

METRICS = {"gradient_error": "gradient error", "mad": "MAD"}
"""Of the chart, with their names: a gradient error proves little without the other."""

ON_FRONT = "front"
"""Stands beside what nothing beats in any metric; of one metric alone, its name follows."""


def conclude(folder: Path, trained: Sequence[Path]) -> None:
    """Draw the chart, write the report and the table, and show the table.

    Args:
        folder: Of the demo.
        trained: The files of the network that the demo trained.
    """
    from mmnet_deploy import report
    from mmnet_deploy.charts import chart, style
    from mmnet_deploy.results import store, table, table_file, trade_offs

    reading = store.read([folder / "results"])
    joined = trade_offs.join(reading.records)
    points = {metric: _points(joined, trained, metric) for metric in METRICS}
    both = [point for of_metric in points.values() for point in of_metric]
    table_file.write(table.trade_offs(joined), folder / "results.csv")
    figure = chart.compose(both, TITLE).figure
    for name in ("pareto.svg", "pareto.png"):
        style.save(figure, folder / name)
    report.write(reading, folder / "report.html", title="The demo of mmnet-deploy")
    fronts = {metric: trade_offs.front(found) for metric, found in points.items()}
    summarise(reading.records, joined, fronts)


def _points(joined: Joined, trained: Sequence[Path], metric: str) -> list[TradeOff]:
    """The points of the chart, in which the demo's own network is a family of its own."""
    own = {path.name for path in trained}
    return [
        dataclasses.replace(point, family=f"{point.family}, trained here")
        if benchmark.model.name in own
        else point
        for point, (benchmark, _) in zip(joined.trade_offs(metric), joined.rows, strict=True)
    ]


def summarise(
    records: Sequence[Record], joined: Joined, fronts: Mapping[str, Sequence[TradeOff]]
) -> None:
    """One row per model, from fast to slow; a network that was not measured comes first.

    Args:
        joined: Of the records: of several measurements of a file, one.
        fronts: By metric, the points that nothing beats.
    """
    from mmnet_deploy.results.latency import quoted
    from mmnet_deploy.results.naming import device_name
    from mmnet_deploy.results.records import Evaluation

    benchmarks = {benchmark.model.sha256: benchmark for benchmark, _ in joined.rows}
    best = {
        metric: {point.evaluation.model.sha256 for point in front if point.evaluation}
        for metric, front in fronts.items()
    }
    rows = []
    for record in (r for r in records if isinstance(r, Evaluation)):
        benchmark = benchmarks.get(record.model.sha256)
        latency_ms, notes = 0.0, []
        if benchmark:
            latency_ms = quoted(benchmark).quoted_us / 1000
            notes = [flag.label for flag in benchmark.broken_rules]
        on = [METRICS[metric] for metric, those in best.items() if record.model.sha256 in those]
        if on:
            notes.insert(0, ON_FRONT if len(on) == len(METRICS) else f"{ON_FRONT} of {on[0]}")
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
