"""How fast models are."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmnet_deploy.api.faults import Faults, OnError, device_errors
from mmnet_deploy.api.models import StrPath, paths_of
from mmnet_deploy.api.numbers import with_plain_numbers
from mmnet_deploy.errors import DeviceError
from mmnet_deploy.progress import Progress, Tell, quiet, silent

if TYPE_CHECKING:
    from mmnet_deploy.results.records import Benchmark


@with_plain_numbers
def bench(
    models: StrPath | Sequence[StrPath] = (),
    *,
    device: str | Sequence[str] = (),
    all_devices: bool = False,
    out: StrPath | None = None,
    data: StrPath | None = None,
    split: str | None = None,
    threads: int | Sequence[int] = 1,
    delegate: str | Sequence[str] = "xnnpack",
    delegate_precision: str | None = None,
    engine_flag: str | Sequence[str] = (),
    cores: str = "big",
    profile: bool = False,
    repeats: int = 1,
    seed: int = 0,
    resume: bool = False,
    preset: str | None = None,
    min_runs: int | None = None,
    min_duration: float | None = None,
    max_duration: float | None = None,
    warmup_runs: int | None = None,
    warmup_duration: float | None = None,
    rest: float | None = None,
    rest_margin: float | None = None,
    percentile: int | None = None,
    find_culprit: bool = False,
    engine_binary: StrPath | None = None,
    engine_version: str | None = None,
    offline: bool = False,
    timeout: float | None = None,
    patience: float = 60.0,
    clean: bool = False,
    progress: Progress = silent,
    tell: Tell = quiet,
    on_error: OnError | None = None,
    on_result: Callable[[Benchmark], None] = lambda result: None,
) -> list[Benchmark]:
    """Measure the latency of `.tflite` files on phones, or on this computer.

    Every combination of models, threads, delegates and repeats is measured once on each device,
    in random order. Nothing else should use the device or this computer meanwhile.

    Args:
        models: One `.tflite` file or several, or names such as `mediapipe:selfie`.
        device: Serials of phones, `host` (this computer) or `emulated`; by default the only
            phone.
        all_devices: Measure on every phone that is ready.
        out: Folder to store each result in as soon as it is there; `resume` and `data` need it.
        data: Data set to evaluate the models on too, so that the chart can be drawn.
        split: Split of it; by default `test`.
        threads: Numbers of threads to try.
        delegate: Delegates to try: `xnnpack`, `none` (built-in kernels), `gpu`, `npu`.
        delegate_precision: `fp16` or `fp32`, what the delegate may compute in.
        engine_flag: Flags of the engine's own, as `NAME=VALUE`.
        cores: Cores of a phone to pin to: `big`, `little`, `all` or a mask.
        profile: Measure the time of every operator too.
        repeats: Repeat every setting this many times.
        seed: Of the random order.
        resume: Measure only what `out` has no result of.
        preset: Run rules: `quick`, `default` or `mlperf`, which the next ones change. None for
            `default`, and `quick` for the emulated phone.
        min_runs, min_duration, max_duration: Runs, and seconds, that a measurement takes.
        warmup_runs, warmup_duration: Least number of runs before it, and seconds.
        rest: Longest rest of a phone before a run, in seconds.
        rest_margin: A rest ends when the phone is this many °C above its temperature at first.
        percentile: Quote the median (50) or the 90th percentile (90) of the runs.
        find_culprit: Where the output differs from this computer's, look for the layer that is
            to blame; `tell` gets the answer.
        engine_binary: The benchmark_model binary for phones, or a folder with an engine. None
            for the official one, which is downloaded once.
        engine_version: Version of the official engine.
        offline: Download nothing.
        timeout: End a run of the engine that takes longer, in seconds.
        patience: Wait this long for a phone that was disconnected, in seconds.
        clean: Remove our files from the phones afterwards.
        progress: Told of runs and downloads; see `mmnet_deploy.progress`.
        tell: Takes a line of news, such as on a phone.
        on_error: Takes what gave no result, and why; the others go on.
        on_result: Takes each result as soon as it is there, from one thread at a time.

    Returns:
        The results, in the order in which they were measured. `measurement.samples_us` has
        the time of each run in µs; `broken_rules` says what makes a result invalid. `load_results`
        has medians in ms with their intervals.

    Raises:
        UsageError: An argument is wrong.
        ModelFileError: A model cannot be loaded.
        DataError: The data set cannot be used.
        DeviceError: No phone can be used; nothing was measured.
        DownloadError: The engine cannot be downloaded.
        IncompleteError: Without `on_error`, runs gave no result, or a model could not be
            evaluated; the error has the results that there are.
        OutputError: A result cannot be stored.

    Example:
        >>> (result,) = bench("model.tflite", device="host", preset="quick", out="results")
        >>> min(result.measurement.samples_us) > 0
        True
    """
    from mmnet_deploy.api.latency.measuring import measure

    paths = paths_of(models, runs=False, offline=offline, progress=progress, tell=tell)
    rules: dict[str, Any] = {
        "min_runs": min_runs,
        "min_duration": min_duration,
        "max_duration": max_duration,
        "warmup_runs": warmup_runs,
        "warmup_duration": warmup_duration,
        "rest": rest,
        "rest_margin": rest_margin,
    }
    with device_errors():
        work = measure(
            paths,
            device=[device] if isinstance(device, str) else list(device),
            all_devices=all_devices,
            out=_path(out),
            data=_path(data),
            split=split,
            threads=threads,
            delegate=delegate,
            delegate_precision=delegate_precision,
            engine_flag=engine_flag,
            cores=cores,
            profile=profile,
            repeats=repeats,
            seed=seed,
            resume=resume,
            preset=preset,
            percentile=percentile,
            find_culprit=find_culprit,
            engine_binary=_path(engine_binary),
            engine_version=engine_version,
            offline=offline,
            timeout=timeout,
            patience=patience,
            clean=clean,
            progress=progress,
            tell=tell,
            on_error=on_error,
            on_result=on_result,
            **rules,
        )
    if work.measured.interrupted:
        raise KeyboardInterrupt
    faults = Faults()
    note = on_error or faults.note
    for failure in work.measured.failures:
        about = failure.job.title if failure.job else f"{failure.left} runs not made"
        note(f"{about} on {failure.device}", DeviceError(failure.reason))
    for name, error in work.unscored:
        note(f"the mattes of {name}", error)
    if find_culprit:
        from mmnet_deploy.benchmarking.outputs.words import culprit_lines

        found = ((f"{it.job.title}, {it.device}", it.result) for it in work.measured.searches)
        for line in culprit_lines(found):
            tell(line)
    faults.raise_any(work.measured.results)
    return work.measured.results


def _path(path: StrPath | None) -> Path | None:
    return None if path is None else Path(os.fspath(path))
