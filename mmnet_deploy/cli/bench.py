"""`mmnet-deploy bench`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mmnet_deploy.cli.console import FOLDER, print_table, progress, say
from mmnet_deploy.errors import ResultError, UsageError
from mmnet_deploy.records import Benchmark


@click.command()
@click.argument("models", metavar="MODEL.tflite...", nargs=-1, required=True, type=FOLDER)
@click.option("--device", default="host", show_default=True, help="host: this computer.")
@click.option(
    "-o", "--out", "folder", required=True, metavar="DIR", type=FOLDER, help="For the results."
)
@click.option("--threads", default=1, show_default=True, help="Of the runtime.")
@click.option("--min-runs", default=50, show_default=True, help="At least so many runs, and")
@click.option("--min-duration", default=1.0, show_default=True, help="at least so many seconds.")
def bench(
    models: tuple[Path, ...],
    device: str,
    folder: Path,
    threads: int,
    min_runs: int,
    min_duration: float,
) -> None:
    """Measure the latency of .tflite files; raw samples are kept.

    Every result is stored in DIR the moment it exists. If DIR also holds the models'
    evaluations, the trade-off chart is drawn there.

    Example: mmnet-deploy bench models/*.tflite --device host --threads 1 -o results
    """
    from mmnet_deploy import runtime
    from mmnet_deploy.files import make_folder

    if device != "host":
        raise UsageError(f"`device` must be host: this computer. Received: {device}.")
    if not 1 <= min_runs <= 1_000_000:
        raise UsageError(f"`min_runs` must be 1 … 1000000. Received: {min_runs}.")
    if not 0 <= min_duration <= 3600:
        raise UsageError(f"`min_duration` must be 0 … 3600 seconds. Received: {min_duration}.")
    for path in models:
        # All are loaded before the first is measured, so that the last one's fault costs nothing.
        runtime.TFLiteModel(path)
    make_folder(folder)
    results = run_benchmarks(
        models, folder, threads=threads, min_runs=min_runs, min_duration_s=min_duration
    )
    print_latencies(results)
    say(f"Results are in {folder}.")
    _draw_chart(folder)


def run_benchmarks(
    models: Sequence[Path],
    folder: Path,
    *,
    threads: int,
    min_runs: int = 50,
    min_duration_s: float = 1.0,
) -> list[Benchmark]:
    """Measure each model on this computer and store each result at once."""
    from android_benchmark import RunRules
    from mmnet_deploy import benchmark, store

    rules = RunRules(
        min_runs=min_runs,
        min_duration_s=min_duration_s,
        max_duration_s=max(RunRules.max_duration_s, 2 * min_duration_s),
    )
    host = benchmark.Host()
    results = []
    with progress(f"Measuring on {host.facts().model}", len(models)) as advance:
        for path in models:
            result = benchmark.benchmark(path, host, threads=threads, rules=rules)
            store.save(result, folder)
            results.append(result)
            advance(path.name)
    return results


def print_latencies(results: Sequence[Benchmark]) -> None:
    """One row per model, and a line for each rule that was broken."""
    from mmnet_deploy.latency import summarise
    from mmnet_deploy.store import device_name

    rows = []
    for result in results:
        latency = summarise(result.measurement)
        rows.append(
            (
                result.model.name,
                f"{latency.median_us / 1000:.2f}",
                f"{latency.low_us / 1000:.2f}…{latency.high_us / 1000:.2f}",
                f"{latency.p90_us / 1000:.2f}",
                str(latency.runs),
                result.engine.delegate,
                "no" if result.broken_rules else "yes",
            )
        )
    header = ("model", "median\n(ms)", "95 %\ninterval", "p90\n(ms)", "runs", "delegate", "valid")
    print_table(header, rows, title=device_name(results[0]).rpartition(" ")[0])
    for result in results:
        for flag in result.broken_rules:
            say(f"{result.model.name}: not {flag.name}: {flag.reason}.")


def _draw_chart(folder: Path) -> None:
    """Draw the trade-off chart of a result folder, or say what it lacks."""
    from mmnet_deploy import store

    try:
        joined = store.join(store.load([folder]))
    except ResultError as error:
        # The measurements are stored; only the picture of them is missing.
        say(f"No chart: {error}")
        return
    for note in joined.notes:
        say(note)
    if joined.points:
        from mmnet_deploy import chart

        for name in ("pareto.svg", "pareto.png"):
            chart.draw(joined.points, folder / name)
        say(f"The trade-off chart is {folder / 'pareto.svg'} and {folder / 'pareto.png'}.")
