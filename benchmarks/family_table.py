"""What `evaluate`, `bench` and `cost` stored of a set of files, as the tables of the results.

    python benchmarks/family_table.py RESULTS…

One table of quality, with 95 % bootstrap intervals over the pictures, and one of cost: size,
median latency on this computer at each number of threads, arm64 instructions, and what they
mean on a Snapdragon 820 in float32. A latency that broke a rule has a *.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import quality_tables as tables

from mmnet_deploy.results import estimate, naming, store
from mmnet_deploy.results.grouping import middle
from mmnet_deploy.results.latency import summarise
from mmnet_deploy.results.records import Benchmark, Cost, Evaluation, Record
from mmnet_deploy.tflite.card import ModelFile


def quality(evaluations: Iterable[Evaluation]) -> None:
    """Print a row for each file or network."""
    rows = [
        [naming.stem(result.model).removesuffix("/best.keras"), *tables.with_intervals(result)]
        for result in evaluations
    ]
    tables.show(["", *tables.TITLES], sorted(rows))


def _latency(results: list[Benchmark]) -> str:
    """The median of a run, of several the middle one."""
    if not results:
        return ""
    shown = middle(results)
    return f"{summarise(shown.measurement).quoted_us / 1000:.2f}{'*' * bool(shown.broken_rules)}"


def _estimate(cost: Cost, profile: estimate.LatencyProfile) -> str:
    try:
        found = estimate.estimate(cost, profile)
    except estimate.NoEstimateError:
        return ""
    return f"{found.latency_ms:.0f} ({found.low_ms:.0f}…{found.high_ms:.0f})"


def cost(records: list[Record]) -> None:
    """Print a row for each file that was measured or counted."""
    measured = [record for record in records if isinstance(record, Benchmark)]
    counted = {record.model.sha256: record for record in records if isinstance(record, Cost)}
    threads = sorted({record.threads for record in measured})
    profile = estimate.load_profile(estimate.DEFAULT)
    models: dict[str, ModelFile] = {
        record.model.sha256: record.model for record in (*measured, *counted.values())
    }
    rows = []
    for sha256, model in sorted(models.items(), key=lambda item: item[1].name):
        cells = [naming.stem(model), f"{model.size_bytes / 1024:.0f}"]
        for number in threads:
            mine = [r for r in measured if (r.model.sha256, r.threads) == (sha256, number)]
            cells.append(_latency(mine))
        count = counted.get(sha256)
        cells.append(f"{count.counts.total / 1e6:.1f}" if count else "")
        cells.append(_estimate(count, profile) if count else "")
        rows.append(cells)
    head = ["", "KiB", *(f"ms, {naming.threads_name(number)}" for number in threads)]
    tables.show([*head, "million instructions", f"{profile.name} (ms)"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="+", type=Path)
    options = parser.parse_args()
    records = list(store.load(options.results))
    quality(record for record in records if isinstance(record, Evaluation))
    cost(records)


if __name__ == "__main__":
    main()
