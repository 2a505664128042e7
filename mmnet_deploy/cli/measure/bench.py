"""`mmnet-deploy bench`."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mmnet_deploy.cli.console import FOLDER, say
from mmnet_deploy.cli.measure.measuring import conclude, without_rests, work_off
from mmnet_deploy.errors import UsageError
from mmnet_deploy.results.records import Benchmark

if TYPE_CHECKING:
    from android_benchmark import RunRules, Settings
    from mmnet_deploy.bench.sweep import Failure, Job
    from mmnet_deploy.bench.targets import Target


class _Rule(NamedTuple):
    """An option that overrides a number of the preset."""

    field: str
    option: str
    type: type
    most: float
    text: str
    least: float = 0


_RULES = (
    _Rule("min_runs", "--min-runs", int, 1e6, "Measure at least so many runs, and", least=1),
    _Rule("min_duration_s", "--min-duration", float, 3600, "at least so many seconds."),
    _Rule(
        "max_duration_s",
        "--max-duration",
        float,
        7200,
        "Seconds after which a run ends anyway.",
        least=0.001,
    ),
    _Rule("warmup_min_runs", "--warmup-runs", int, 1e6, "Warm up with at least so many runs."),
    _Rule("warmup_min_s", "--warmup-duration", float, 3600, "Warm up at least so many seconds."),
    _Rule("rest_max_s", "--rest", float, 3600, "Rest at most so many seconds between runs."),
    _Rule("rest_margin_c", "--rest-margin", float, 100, "Rest until so few °C above the start."),
)


def _rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for rule in reversed(_RULES):
        command = click.option(rule.option, rule.field, type=rule.type, help=rule.text)(command)
    return command


@click.command()
@click.argument("models", metavar="MODEL.tflite...", nargs=-1, type=FOLDER)
@click.option(
    "--device",
    "names",
    multiple=True,
    metavar="SERIAL",
    help="A phone, host (this computer) or emulated; repeatable. Default: the only phone.",
)
@click.option("--all-devices", is_flag=True, help="Every phone that is ready.")
@click.option(
    "-o",
    "--out",
    "folder",
    default="results",
    show_default=True,
    metavar="DIR",
    type=FOLDER,
    help="For the results.",
)
@click.option("--threads", default="1", show_default=True, metavar="N,…", help="Of the engine.")
@click.option(
    "--delegate",
    "delegates",
    default="xnnpack",
    show_default=True,
    metavar="NAME,…",
    help="xnnpack, none (built-in kernels), gpu, nnapi, hexagon, npu.",
)
@click.option(
    "--cores",
    default="big",
    show_default=True,
    metavar="big|little|all|MASK",
    help="Pin to these, by their highest frequency.",
)
@click.option("--repeats", default=1, show_default=True, help="Of every setting.")
@click.option("--seed", default=0, show_default=True, help="Of the random order.")
@click.option("--resume", is_flag=True, help="Run only what DIR has no result of.")
@click.option(
    "--preset",
    type=click.Choice(["quick", "default", "mlperf"]),
    help="Run rules. Default: default; quick for the emulated phone.",
)
@_rule_options
@click.option("--profile", is_flag=True, help="Also the time of every operator.")
@click.option(
    "--engine-binary",
    "engine",
    type=FOLDER,
    metavar="PATH",
    help="benchmark_model for the phone, or a folder of tflbench. [MMNET_BENCHMARK_MODEL]",
)
@click.option("--timeout", type=float, metavar="SECONDS", help="Kill an engine that takes longer.")
@click.option(
    "--patience",
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait so long for a phone that went away.",
)
@click.option("--clean", is_flag=True, help="Remove our files from the phones afterwards.")
@click.pass_context
def bench(
    ctx: click.Context,
    models: tuple[Path, ...],
    names: tuple[str, ...],
    all_devices: bool,
    folder: Path,
    threads: str,
    delegates: str,
    cores: str,
    repeats: int,
    seed: int,
    resume: bool,
    preset: str | None,
    profile: bool,
    engine: Path | None,
    timeout: float | None,
    patience: float,
    clean: bool,
    **changes: float | None,
) -> None:
    """Measure the latency of .tflite files on phones, or on this computer.

    Every result is stored in DIR the moment it exists, with what the device looked like and
    whether the rules were kept. If DIR also holds the models' evaluations, the trade-off
    chart is drawn there.

    \b
    Example: mmnet-deploy bench models/*.tflite --device 1a2b3c4d -o results
             mmnet-deploy bench models/*.tflite --device host --threads 1,2 -o results
    """
    from android_benchmark import Settings
    from mmnet_deploy.bench import sweep
    from mmnet_deploy.bench.targets import EMULATED, open_targets, phones_of
    from mmnet_deploy.files import make_folder
    from mmnet_deploy.results import store
    from mmnet_deploy.tflite import interpreter

    if not models and not clean:
        raise UsageError("`MODEL.tflite` must name at least one file. Received: none.")
    preset = preset or ("quick" if names == (EMULATED,) else "default")
    rules = _rules(preset, changes)
    settings = [
        Settings(count, delegate, cores, profile)
        for count in _counts(threads)
        for delegate in _delegates(delegates)
    ]
    if not 1 <= repeats <= 1000:
        raise UsageError(f"`--repeats` must be 1 … 1000. Received: {repeats}.")
    if timeout is not None and not 0 < timeout <= 86400:
        raise UsageError(f"`--timeout` must be above 0, at most 86400 s. Received: {timeout}.")
    if not 0 <= patience <= 86400:
        raise UsageError(f"`--patience` must be 0 … 86400 s. Received: {patience}.")
    for path in models:
        # All are loaded before the first is measured, so that the last one's fault costs nothing.
        interpreter.TFLiteModel(path)
    jobs = sweep.plan(models, settings, repeats=repeats, seed=seed)
    stop = threading.Event()
    with open_targets(
        names,
        engine,
        all_devices=all_devices,
        stop=stop,
        tell=say,
        timeout_s=timeout,
        patience_s=patience,
    ) as targets:
        results: list[Benchmark] = []
        failures: list[Failure] = []
        interrupted = False
        if models:
            _check(targets, settings)
            make_folder(folder)
            earlier = store.load([folder]) if resume and any(folder.glob("*.json")) else []
            work = []
            for target in targets:
                own = _fitting(jobs, target)
                own_rules = rules if target.pins else without_rests(rules)
                if resume:
                    own = sweep.missing(own, earlier, target.name, target.engine_sha256, own_rules)
                work.append((target, own, own_rules))
            if resume:
                left = sum(len(own) for _, own, _ in work)
                total = len(jobs) * len(targets)
                say(f"{total - left} of {total} results are in {folder}; {left} to go.")
            interrupted = work_off(work, folder, results, failures, stop)
        if clean and not interrupted:
            phones = phones_of(targets)
            for phone in phones:
                say(f"{phone.name}: {phone.clean() / 1e6:.1f} MB removed.")
            if not phones:
                say("`--clean` is for phones: nothing of ours is left on this computer.")
    if models:
        conclude(results, failures, folder, resume)
    if interrupted:
        say("Stopped. What was measured is stored; `--resume` measures the rest.")
        ctx.exit(130)
    if failures:
        ctx.exit(1)


# --- Options -----------------------------------------------------------------


def _rules(preset: str, changes: dict[str, float | None]) -> RunRules:
    from android_benchmark import PRESETS

    given = {name: value for name, value in changes.items() if value is not None}
    for rule in _RULES:
        value = given.get(rule.field, rule.most)
        if not rule.least <= value <= rule.most:
            raise UsageError(
                f"`{rule.option}` must be {rule.least:g} … {rule.most:.12g}. Received: {value:g}."
            )
    rules = dataclasses.replace(PRESETS[preset], **given)  # type: ignore[arg-type]
    if "max_duration_s" not in given:
        longest = max(rules.max_duration_s, 2 * rules.min_duration_s)
        rules = dataclasses.replace(rules, max_duration_s=longest)
    return rules


def _check(targets: Sequence[Target], settings: Sequence[Settings]) -> None:
    """Make sure that every device has the threads and cores, before any is used.

    Raises:
        UsageError, CoresError: One has not.
        HarnessError: A phone does not answer.
    """
    from mmnet_deploy.bench.benchmark import check_threads
    from mmnet_deploy.bench.targets import phones_of

    for target in targets:
        for setting in settings:
            check_threads(setting.threads, target.device.facts())
    for phone in phones_of(targets):
        for setting in settings:
            phone.pinned(setting)


def _counts(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.strip().isdecimal() and 1 <= int(word) <= 64 for word in words):
        raise UsageError(
            f"`--threads` must be numbers from 1 to 64, as in 1,2,4. Received: {text}."
        )
    return list(dict.fromkeys(map(int, words)))


def _delegates(text: str) -> list[str]:
    from android_benchmark import DELEGATES

    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in DELEGATES:
            known = ", ".join(DELEGATES)
            raise UsageError(f"`--delegate` must be of {known}. Received: {word or 'nothing'}.")
    return list(dict.fromkeys(words))


def _fitting(jobs: Sequence[Job], target: Target) -> tuple[Job, ...]:
    """The jobs as this device can run them: where nothing is pinned, no cores are chosen."""
    if target.pins:
        return tuple(jobs)
    return tuple(
        dataclasses.replace(job, settings=dataclasses.replace(job.settings, cores=""))
        for job in jobs
    )
