"""What models cost, without a phone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmnet_deploy.api.faults import Faults, OnError, device_errors, each_usable, of_package
from mmnet_deploy.api.models import StrPath, paths_of
from mmnet_deploy.api.numbers import with_plain_numbers
from mmnet_deploy.errors import UsageError
from mmnet_deploy.progress import Progress, Tell, quiet, silent

if TYPE_CHECKING:
    from mmnet_deploy.results.records import Cost

DELEGATES = ("xnnpack", "none")


@with_plain_numbers
def cost(
    models: StrPath | Sequence[StrPath],
    *,
    cpu: str | Sequence[str] = (),
    delegate: str = "xnnpack",
    jobs: int = 1,
    timeout: float = 600.0,
    offline: bool = False,
    out: StrPath | None = None,
    progress: Progress = silent,
    tell: Tell = quiet,
    on_error: OnError | None = None,
    on_result: Callable[[Cost], None] = lambda result: None,
) -> list[Cost]:
    """Count the arm64 instructions of one inference, without a phone.

    The real arm64 kernels run under qemu with one thread. The count is exact: the same files give
    the same number on every computer. It is no latency; `plot` estimates one from it.

    Args:
        models: One `.tflite` file or several, or names such as `mediapipe:selfie`.
        cpu: Cores to count for, such as `cortex-a76` (`mmnet-deploy cost --help` lists them); by
            default `cortex-a57`.
        delegate: `xnnpack`, or `none` for the built-in kernels.
        jobs: Number of models to count at a time, at most that of the cores here.
        timeout: End a count that takes longer, in seconds.
        offline: Download nothing.
        out: Folder to store each result in as soon as it is there.
        progress: Told of counts and downloads; see `mmnet_deploy.progress`.
        tell: Takes a line of news, such as on what is downloaded.
        on_error: Takes the name of each of several models that gives no result, and why; the
            others go on.
        on_result: Takes each result as soon as it is there.

    Returns:
        The counts: all models on the first core, then all on the next. `counts.total` is the
        number of instructions, `operators` has those of each operator.

    Raises:
        UsageError: An argument is wrong.
        ModelFileError: A model is missing, damaged, or no TFLite file.
        DeviceError: A program that counting needs is not there.
        IncompleteError: Without `on_error`, a model gave no result; the error has the others.
        DownloadError, OutputError: The engine cannot be put together, or a result not be stored.

    Example:
        >>> (result,) = cost("model.tflite", cpu="cortex-a76")
        >>> result.counts.total > 0
        True
    """
    from android_benchmark.cost import DEFAULT_CPU
    from mmnet_deploy import parallel
    from mmnet_deploy.benchmarking import cost as stage
    from mmnet_deploy.files import make_folder
    from mmnet_deploy.results import store
    from mmnet_deploy.results.records import Cost

    cpus = cpus_of(cpu) or [DEFAULT_CPU]
    cores = parallel.usable_cores()
    if delegate not in DELEGATES:
        raise UsageError(f"`delegate` must be {' or '.join(DELEGATES)}. Received: {delegate}.")
    if not 1 <= jobs <= cores:
        raise UsageError(f"`--jobs` must be 1 … {cores}, the cores here. Received: {jobs}.")
    if not 0 < timeout <= 86400:
        raise UsageError(f"`--timeout` must be above 0, at most 86400 s. Received: {timeout:g}.")
    given = paths_of(models, runs=False, offline=offline, progress=progress, tell=tell)
    if not given:
        raise UsageError("`models` must name at least one file. Received: none.")
    paths = list(dict.fromkeys(given))
    # All are looked at before the first is counted, so that a fault is seen early.
    looked_at = each_usable(paths, stage.read_graph, on_error if len(paths) > 1 else None)
    usable = [path for path, _ in looked_at]
    if not usable:
        return []
    with device_errors():
        tools = stage.find_tools(offline=offline, progress=progress, tell=tell)
    folder = None if out is None else make_folder(Path(out))
    found: dict[tuple[Path, str], Cost] = {}
    faults = Faults()
    counting = stage.measure_all(
        usable,
        tools,
        cpus=cpus,
        delegate=delegate,
        timeout_s=timeout,
        jobs=jobs,
        progress=progress,
    )
    with contextlib.closing(counting):
        for model, core, outcome in counting:
            if isinstance(outcome, Cost):
                found[model, core] = outcome
                if folder is not None:
                    store.save(outcome, folder)
                on_result(outcome)
            else:
                about = f"{model.name} on {core}" if len(cpus) > 1 else model.name
                (on_error or faults.note)(about, of_package(outcome))
    # The counts of a core stand together: those of two cores are never compared.
    pairs = [(model, core) for core in cpus for model in usable]
    results = [found[pair] for pair in pairs if pair in found]
    faults.raise_any(results)
    return results


def cpus_of(cpu: str | Sequence[str]) -> list[str]:
    """The cores that are named, also in comma-separated lists, each once.

    Raises:
        UsageError: There is no such core.
    """
    from android_benchmark.cost import CPUS

    lists = [cpu] if isinstance(cpu, str) else cpu
    words = [word.strip().lower() for text in lists for word in text.split(",")]
    for word in words:
        if word not in CPUS:
            raise UsageError(
                f"`--cpu` must be of {', '.join(CPUS)}. Received: {word or 'nothing'}."
            )
    return list(dict.fromkeys(words))
