"""`mmnet-deploy bench`."""

from __future__ import annotations

import contextlib
import shlex
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli import signals
from mmnet_deploy.cli.console import FOLDER, each_result, progress, read_results, say
from mmnet_deploy.cli.data_options import RESULTS_FOLDER
from mmnet_deploy.cli.latency.engine_options import engine_of, engine_options
from mmnet_deploy.cli.latency.evaluations import check_data, score_for_chart
from mmnet_deploy.cli.latency.run_rules import rule_options, rules_of
from mmnet_deploy.cli.latency.settings import delegates_of, setting_options, settings_of
from mmnet_deploy.cli.measure.usable import each_usable
from mmnet_deploy.cli.model_options import TFLITE
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import DelegateRefusedError, ResultError, UsageError

if TYPE_CHECKING:
    from android_benchmark import Settings
    from mmnet_deploy.benchmarking.fleet import Measured
    from mmnet_deploy.benchmarking.sweep import Job
    from mmnet_deploy.benchmarking.targets import Target
    from mmnet_deploy.results.records import Record

_KEPT = "What was measured is stored; `--resume` measures the rest."


@click.command()
@click.argument("models", metavar="MODEL.tflite...", nargs=-1, type=TFLITE)
@click.option(
    "--device",
    "names",
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
    names: tuple[str, ...],
    folder: Path,
    data: Path | None,
    split: str | None,
    resume: bool,
    preset: str | None,
    find_culprit: bool,
    clean: bool,
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
    from mmnet_deploy.benchmarking import fleet
    from mmnet_deploy.benchmarking.targets import EMULATED, HOST, check_settings, open_targets
    from mmnet_deploy.files import make_folder

    if not models and not clean:
        raise UsageError("`MODEL.tflite` must name at least one file. Received: none.")
    if find_culprit and set(names) == {HOST} and not options["all_devices"]:
        raise UsageError(
            "`--find-culprit` compares what a phone computes with what this computer does: name a "
            "phone with `--device`. Received: host."
        )
    if data is None and split is not None:
        raise UsageError(f"`--split` needs `--data`, whose split it is. Received: {split}.")
    if data is not None:
        if not models:
            raise UsageError("`--data` needs models to evaluate on it. Received: none.")
        check_data(data, split or "test")
    rules = rules_of(preset or ("quick" if names == (EMULATED,) else "default"), options)
    delegates = delegates_of(options["delegates"]) if models else []
    by_name = any(published.is_one(model) for model in models)
    engine = engine_of(options, names, delegates, outputs=find_culprit, by_name=by_name)
    opening = _opening_of(options)
    jobs = _plan(models, settings_of(options), **options)
    stop = threading.Event()
    measured = fleet.Measured()
    earlier: list[Record] = []
    with signals.keeping(lambda: _KEPT if measured.results else ""):
        with open_targets(
            names,
            engine,
            stop=stop,
            tell=say,
            progress=progress,
            runs_models=bool(models),
            **opening,
        ) as targets:
            if models:
                check_settings(targets, [job.settings for job in jobs])
                make_folder(folder)
                earlier = _earlier(folder) if resume else []
                shares = fleet.share_out(targets, jobs, rules, earlier if resume else None)
                if resume:
                    left = sum(len(share.jobs) for share in shares)
                    total = len(jobs) * len(targets)
                    say(f"{total - left} of {total} results are in {folder}; {left} to go.")
                measured = fleet.measure(
                    shares, folder, stop=stop, progress=progress, find_culprit=find_culprit
                )
            if clean and not measured.interrupted:
                _clean(targets)
        scored = True
        if data is not None and not measured.interrupted:
            # After the measurements, so that this work does not heat the computer before them.
            usable = list(dict.fromkeys(job.model for job in jobs))
            scored = score_for_chart(usable, data, split or "test", folder, earlier)
        if models:
            _conclude(measured, folder, resume)
    if measured.interrupted:
        raise signals.interrupted(_KEPT if measured.results else "")
    unsearched = any(isinstance(search.result, str) for search in measured.searches)
    if not scored or unsearched or measured.failures or {job.model for job in jobs} != set(models):
        ctx.exit(1)


def _earlier(folder: Path) -> list[Record]:
    """The results that are in a folder; what else is there is named on standard error."""
    skipped: list[str] = []
    found: list[Record] = []
    if not any(folder.glob("*.json")):
        return found
    try:
        found += (record for _, record in each_result([folder], skipped))
    except ResultError:
        if not skipped:  # There is something, and it could not even be looked at.
            raise
    return found


# --- Options -----------------------------------------------------------------


def _opening_of(options: dict[str, Any]) -> dict[str, Any]:
    """Take what says how phones are used out of the options: arguments of `open_targets`.

    Raises:
        UsageError: A number is out of its range.
    """
    timeout, patience = options.pop("timeout"), options.pop("patience")
    if timeout is not None and not 0 < timeout <= 86400:
        raise UsageError(f"`--timeout` must be above 0, at most 86400 s. Received: {timeout}.")
    if not 0 <= patience <= 86400:
        raise UsageError(f"`--patience` must be 0 … 86400 s. Received: {patience}.")
    return {
        "all_devices": options.pop("all_devices"),
        "timeout_s": timeout,
        "patience_s": patience,
    }


def _plan(
    models: Sequence[Path], settings: Sequence[Settings], *, repeats: int, seed: int
) -> tuple[Job, ...]:
    """The jobs that the options describe, of the models that can be loaded.

    Raises:
        UsageError: A number is wrong.
        ModelFileError: The only model cannot be loaded.
    """
    from mmnet_deploy.benchmarking import sweep
    from mmnet_deploy.benchmarking.host import HOST_DELEGATES
    from mmnet_deploy.tflite.interpreter import TFLiteModel

    if not 1 <= repeats <= 1000:
        raise UsageError(f"`--repeats` must be 1 … 1000. Received: {repeats}.")
    here = [setting.delegate for setting in settings if setting.delegate in HOST_DELEGATES]

    def look(path: Path) -> None:
        for delegate in here or HOST_DELEGATES[:1]:
            # A phone may run what this computer's delegate refuses; the host's own run says so.
            with contextlib.suppress(DelegateRefusedError):
                TFLiteModel(path, delegate=delegate)

    # All are loaded before the first is measured, so that a fault is seen early.
    usable = [path for path, _ in each_usable(models, look)]
    return sweep.plan(usable, settings, repeats=repeats, seed=seed)


# --- The end -----------------------------------------------------------------


def _clean(targets: Sequence[Target]) -> None:
    """Remove our files from phones."""
    from mmnet_deploy.benchmarking.shelter import sheltered
    from mmnet_deploy.benchmarking.targets import phones_of

    phones = phones_of(targets)
    for phone in phones:
        say(f"{phone.name}: {sheltered(phone.clean) / 1e6:.1f} MB removed.")
    if not phones:
        say("`--clean` is for phones: nothing of ours is left on this computer.")


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
