"""From models, settings and devices to results."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmnet_deploy.api.faults import OnError, each_usable
from mmnet_deploy.api.latency.engine_choice import engine_of
from mmnet_deploy.api.latency.run_rules import rules_of
from mmnet_deploy.api.latency.settings import delegates_of, settings_of
from mmnet_deploy.api.stored import each_result
from mmnet_deploy.errors import DelegateRefusedError, ResultError, UsageError
from mmnet_deploy.progress import Progress, Tell, quiet, silent

if TYPE_CHECKING:
    from android_benchmark import Settings
    from mmnet_deploy.benchmarking.fleet import Measured
    from mmnet_deploy.benchmarking.sweep import Job
    from mmnet_deploy.benchmarking.targets import Target
    from mmnet_deploy.results.records import Benchmark, Record


@dataclasses.dataclass(frozen=True)
class Work:
    """What came of models.

    Attributes:
        measured: Results, failures, and whether an interrupt ended it.
        usable: The models that could be loaded.
        unscored: The models whose errors could not be measured, each with the reason.
    """

    measured: Measured
    usable: tuple[Path, ...]
    unscored: tuple[tuple[str, Exception], ...] = ()


def measure(
    models: Sequence[Path],
    *,
    device: Sequence[str],
    all_devices: bool,
    out: Path | None,
    data: Path | None,
    split: str | None,
    threads: int | str | Sequence[int],
    delegate: str | Sequence[str],
    delegate_precision: str | None,
    engine_flag: str | Sequence[str],
    cores: str,
    profile: bool,
    repeats: int,
    seed: int,
    resume: bool,
    preset: str | None,
    percentile: int | str | None,
    find_culprit: bool,
    engine_binary: Path | None,
    engine_version: str | None,
    offline: bool,
    timeout: float | None,
    patience: float,
    clean: bool,
    progress: Progress = silent,
    tell: Tell = quiet,
    on_error: OnError | None = None,
    on_result: Callable[[Benchmark], None] = lambda result: None,
    **rules: Any,
) -> Work:
    """Measure models on devices, as `bench` says of its parameters.

    Args:
        rules: What changes the numbers of the preset; see `run_rules.RULES`.

    Raises:
        UsageError, ModelFileError, DataError, OutputError, DownloadError, HarnessError: See
            `bench`.
    """
    from mmnet_deploy.api.latency.evaluations import check_data, score_for_chart
    from mmnet_deploy.benchmarking import fleet
    from mmnet_deploy.benchmarking.targets import EMULATED, HOST, check_settings, open_targets
    from mmnet_deploy.downloads import published
    from mmnet_deploy.files import make_folder

    if not models and not clean:
        raise UsageError("`MODEL.tflite` must name at least one file. Received: none.")
    if find_culprit and set(device) == {HOST} and not all_devices:
        raise UsageError(
            "`--find-culprit` compares what a phone computes with what this computer does: name a "
            "phone with `--device`. Received: host."
        )
    if data is None and split is not None:
        raise UsageError(f"`--split` needs `--data`, whose split it is. Received: {split}.")
    for option, given in (("--data", data), ("--resume", resume)):
        if given and out is None:
            raise UsageError(f"`{option}` needs `--out`, a folder for the results. Received: none.")
    if data is not None:
        if not models:
            raise UsageError("`--data` needs models to evaluate on it. Received: none.")
        check_data(data, split or "test")
    usual = "quick" if tuple(device) == (EMULATED,) else "default"
    wanted_rules = rules_of(preset or usual, percentile, **rules)
    engine = engine_of(
        engine_binary,
        engine_version,
        offline=offline,
        devices=device,
        all_devices=all_devices,
        delegates=delegates_of(delegate) if models else [],
        outputs=find_culprit,
        by_name=any(published.is_one(model) for model in models),
        tell=tell,
    )
    if timeout is not None and not 0 < timeout <= 86400:
        raise UsageError(f"`--timeout` must be above 0, at most 86400 s. Received: {timeout}.")
    if not 0 <= patience <= 86400:
        raise UsageError(f"`--patience` must be 0 … 86400 s. Received: {patience}.")
    settings = settings_of(
        threads=threads,
        delegate=delegate,
        delegate_precision=delegate_precision,
        engine_flag=engine_flag,
        cores=cores,
        profile=profile,
    )
    jobs = _plan(models, settings, repeats, seed, on_error)
    measured = fleet.Measured()
    earlier: list[Record] = []
    stop = threading.Event()
    with open_targets(
        device,
        engine,
        stop=stop,
        tell=tell,
        progress=progress,
        runs_models=bool(models),
        all_devices=all_devices,
        timeout_s=timeout,
        patience_s=patience,
    ) as targets:
        if jobs:
            check_settings(targets, [job.settings for job in jobs])
            if out is not None:
                make_folder(out)
                earlier = _earlier(out, tell) if resume else []
            shares = fleet.share_out(targets, jobs, wanted_rules, earlier if resume else None)
            if resume:
                left = sum(len(share.jobs) for share in shares)
                total = len(jobs) * len(targets)
                tell(f"{total - left} of {total} results are in {out}; {left} to go.")
            measured = fleet.measure(
                shares,
                out,
                stop=stop,
                progress=progress,
                find_culprit=find_culprit,
                on_result=on_result,
            )
        if clean and not measured.interrupted:
            _clean(targets, tell)
    usable = tuple(dict.fromkeys(job.model for job in jobs))
    unscored: list[tuple[str, Exception]] = []
    if data is not None and out is not None and not measured.interrupted:
        # After the measurements, so that this work does not heat the computer before them.
        score_for_chart(
            usable,
            data,
            split or "test",
            out,
            earlier,
            progress=progress,
            tell=tell,
            on_error=lambda name, error: unscored.append((name, error)),
        )
    return Work(measured, usable, tuple(unscored))


def _plan(
    models: Sequence[Path],
    settings: Sequence[Settings],
    repeats: int,
    seed: int,
    on_error: OnError | None,
) -> tuple[Job, ...]:
    """The jobs that the parameters describe, of the models that can be loaded.

    Raises:
        UsageError: A number is wrong.
        ModelFileError: A model cannot be loaded, and `on_error` is not there to take it.
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
    usable = [path for path, _ in each_usable(models, look, on_error if len(models) > 1 else None)]
    return sweep.plan(usable, settings, repeats=repeats, seed=seed)


def _earlier(folder: Path, tell: Tell) -> list[Record]:
    """The results that are in a folder."""
    skipped: list[str] = []
    found: list[Record] = []
    if not any(folder.glob("*.json")):
        return found
    try:
        found += (record for _, record in each_result([folder], tell, skipped))
    except ResultError:
        if not skipped:  # There is something, and it could not even be looked at.
            raise
    return found


def _clean(targets: Sequence[Target], tell: Tell) -> None:
    """Remove our files from phones."""
    from mmnet_deploy.benchmarking.shelter import sheltered
    from mmnet_deploy.benchmarking.targets import phones_of

    phones = phones_of(targets)
    for phone in phones:
        tell(f"{phone.name}: {sheltered(phone.clean) / 1e6:.1f} MB removed.")
    if not phones:
        tell("`--clean` is for phones: nothing of ours is left on this computer.")
