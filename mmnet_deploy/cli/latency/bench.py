"""`mmnet-deploy bench`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.api.latency import measuring
from mmnet_deploy.cli import signals
from mmnet_deploy.cli.console import FOLDER, progress, read_results, say, say_error
from mmnet_deploy.cli.data_options import RESULTS_FOLDER
from mmnet_deploy.cli.latency.engine_options import engine_options
from mmnet_deploy.cli.latency.rule_options import rule_options
from mmnet_deploy.cli.latency.setting_options import setting_options
from mmnet_deploy.cli.model_options import TFLITE
from mmnet_deploy.errors import ResultError

if TYPE_CHECKING:
    from mmnet_deploy.benchmarking.fleet import Measured
    from mmnet_deploy.results.records import Benchmark

_KEPT = "What was measured is stored; `--resume` measures the rest."


@click.command()
@click.argument("models", metavar="MODEL.tflite...", nargs=-1, type=TFLITE)
@click.option(
    "--device",
    multiple=True,
    metavar="SERIAL",
    help="Device to measure on: a phone's serial, host (this computer) or emulated; repeatable. "
    "Default: the only phone.",
)
@click.option("--all-devices", is_flag=True, help="Measure on every phone that is ready.")
@RESULTS_FOLDER
@click.option(
    "--data",
    metavar="DIR",
    type=FOLDER,
    help="Data set to evaluate the models on too, so that the chart can be drawn.",
)
@click.option("--split", help="Split of --data to evaluate on.  [default: test]")
@setting_options
@click.option(
    "--repeats", default=1, show_default=True, help="Repeat every setting this many times."
)
@click.option("--seed", default=0, show_default=True, help="Seed of the random order.")
@click.option("--resume", is_flag=True, help="Measure only what DIR has no result of.")
@rule_options
@click.option(
    "--find-culprit",
    is_flag=True,
    help="Where the output differs from this computer's, or the engine fails, find the first layer "
    "that is to blame.",
)
@engine_options
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    help="End a run of the engine that takes longer than this.",
)
@click.option(
    "--patience",
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait this long for a phone that was disconnected.",
)
@click.option("--clean", is_flag=True, help="Remove our files from the phones afterwards.")
@click.pass_context
def bench(
    ctx: click.Context,
    models: tuple[Path, ...],
    device: tuple[str, ...],
    out: Path,
    resume: bool,
    **options: Any,
) -> None:
    """Measure the latency of .tflite files on phones, or on this computer.

    Every result is stored in DIR as soon as it is measured, with the state of the device and
    whether the run rules were kept. The chart of the trade-off is drawn there if DIR holds
    evaluations of the models too: --data makes them, as `mmnet-deploy evaluate` does.

    \b
    Examples:
      mmnet-deploy bench models/*.tflite --device 1a2b3c4d --data portraits -o results
      mmnet-deploy bench models/*.tflite --device host --threads 1,2 -o results
      mmnet-deploy bench models/*.tflite --engine-binary litert/ --delegate gpu -o results
      mmnet-deploy bench models/*.tflite --delegate gpu --find-culprit -o results
    """
    kept: list[Benchmark] = []
    with signals.keeping(lambda: _KEPT if kept else ""):
        work = measuring.measure(
            models,
            device=device,
            out=out,
            resume=resume,
            progress=progress,
            tell=say,
            on_error=say_error,
            on_result=kept.append,
            **options,
        )
        for name, error in work.unscored:
            say(f"No errors of the mattes of {name}: {' '.join(str(error).split())}")
        if models:
            if not work.usable:
                ctx.exit(1)
            _conclude(work.measured, out, resume)
    if work.measured.interrupted:
        raise signals.interrupted(_KEPT if kept else "")
    unsearched = any(isinstance(search.result, str) for search in work.measured.searches)
    failed = work.unscored or work.measured.failures or unsearched
    if failed or set(work.usable) != set(models):
        ctx.exit(1)


def _conclude(measured: Measured, folder: Path, resume: bool) -> None:
    """The table, what failed, and the chart."""
    from mmnet_deploy.benchmarking.outputs.words import culprit_lines
    from mmnet_deploy.cli.latency.bench_text import print_results

    if measured.results:
        print_results(measured.results)
    for failure in measured.failures:
        left = f"{failure.left} run{'s' * (failure.left != 1)} not made" if failure.left else ""
        about = failure.job.title if failure.job else left
        say(": ".join(filter(None, [f"Failed on {failure.device}", about, failure.reason])))
    devices = {search.device for search in measured.searches}
    for line in culprit_lines(
        (f"{it.job.title}, {it.device}" if len(devices) > 1 else it.job.title, it.result)
        for it in measured.searches
    ):
        say(line)
    if measured.results or resume:
        say(f"Results are in {folder}.")
        _draw_chart(folder, told=resume)
        page = shlex.join(
            ["mmnet-deploy", "report", f"{folder}", "-o", f"{folder / 'report.html'}"]
        )
        say(f"As one page: {page}")


def _draw_chart(folder: Path, *, told: bool) -> None:
    """Draw the trade-off chart of a result folder, or say what it lacks.

    Args:
        told: Whether the files that are no results have been named already.
    """
    from mmnet_deploy.results import store, trade_offs

    try:
        reading = store.read([folder]) if told else read_results([folder])
        joined = trade_offs.join(reading.records)
    except ResultError as error:
        # The measurements are stored; only the picture of them is missing.
        say(f"No chart: {error}")
        return
    for note in joined.notes:
        say(note)
    if joined.points:
        from mmnet_deploy.charts import chart

        for name in ("pareto.svg", "pareto.png"):
            chart.draw(joined.points, folder / name)
        say(f"The trade-off chart is {folder / 'pareto.svg'} and {folder / 'pareto.png'}.")
