"""`mmnet-deploy results import`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli.console import FOLDER, print_columns, say
from mmnet_deploy.cli.data_options import RESULTS_FOLDER
from mmnet_deploy.cli.model_options import named_network
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import ResultError, UsageError

if TYPE_CHECKING:
    from android_benchmark import DeviceFacts
    from mmnet_deploy.results.imported import Stored

HOST = "host"
LONGEST_NAME = 100
"""Characters of a device's name, so that tables and charts have room for their numbers."""


def _only(ctx: click.Context, parameter: click.Parameter, values: tuple[Any, ...]) -> Any:
    """The value of an option that may be given once; None without it.

    click takes the last one otherwise, so `a.json --device A b.json --device B` would call both B.
    """
    if len(values) > 1:
        raise UsageError(
            f"`{parameter.opts[0]}` is for all files of one command, and is given once. Received: "
            f"{', '.join(map(str, values))}; import each in a command of its own."
        )
    return values[0] if values else None


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FOLDER)
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="[NAME=]FILE.tflite",
    help="The .tflite file that was measured; repeatable. Files are matched by name: if the "
    "measured file was called otherwise, give that NAME too.",
)
@click.option(
    "--device",
    "device",
    required=True,
    multiple=True,
    callback=_only,
    metavar="NAME",
    help="What the model was measured on, as charts call it; host is this computer.",
)
@click.option(
    "--soc",
    multiple=True,
    callback=_only,
    metavar="NAME",
    help="Its processor, such as Tensor G3.",
)
@click.option(
    "--system",
    multiple=True,
    callback=_only,
    metavar="NAME",
    help="Its system, such as Android 15.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    multiple=True,
    callback=_only,
    metavar="N",
    help="Threads, if FILE does not say.",
)
@click.option(
    "--delegate",
    multiple=True,
    callback=_only,
    type=click.Choice(["xnnpack", "none", "gpu", "nnapi", "hexagon", "npu"]),
    help="Delegate that ran the model, if FILE does not say; none is the built-in kernels.",
)
@RESULTS_FOLDER
def import_results(
    files: tuple[Path, ...],
    models: tuple[str, ...],
    device: str,
    soc: str | None,
    system: str | None,
    threads: int | None,
    delegate: str | None,
    out: Path,
) -> None:
    """Store what other tools measured as results, marked as measured elsewhere.

    FILE is JSON of litert-benchmark (--result_json) or its saved output, a result proto of
    benchmark_model (--result_file_path, results.pb of device clouds; name runtime_info.pb too),
    its saved log, Android's log of the benchmark app, or saved output of tflbench. All files of
    one command are of one device. What a file does not say stays unknown.

    \b
    Examples:
      mmnet-deploy results import a.json --model a.tflite --device host
      mmnet-deploy results import *.log --model a.tflite --model b.tflite --device "Pixel 8"
      mmnet-deploy results import job/*.pb --model a.tflite --device "Pixel 8" --delegate gpu
    """
    from mmnet_deploy.results import imported

    refused: list[str] = []
    given = imported.Given(
        _facts(device, soc or "", system or ""),
        imported.given_models([_with_path(word) for word in models]),
        threads,
        delegate,
    )
    ready = []
    for found in imported.find(files, refused.append, say):
        try:
            ready.append((found, imported.benchmark(found, given)))
        except ResultError as error:
            refused.append(f"{found.title}: {error}.")
    stored = imported.save(ready, out) if ready else []
    refused += [str(it) for it in stored if isinstance(it, ResultError)]
    there = [it for it in stored if not isinstance(it, ResultError)]
    _show(there, out)
    if not refused:
        return
    if len(refused) == 1:
        raise ResultError(refused[0])
    for line in refused:
        say(line)
    raise ResultError(f"{len(refused)} files or runs were not imported; the lines above say why.")


def _with_path(word: str) -> str:
    """A word of `--model`, with the path of a published network in the place of its name."""
    name, equals, model = word.rpartition("=")
    if not model.startswith(published.PREFIX):
        return word
    return f"{name}{equals}{named_network(model)}"


def _facts(device: str, soc: str, system: str) -> DeviceFacts:
    """The device as results name it.

    Raises:
        UsageError: It has no name, or this computer was given another processor or system.
    """
    from android_benchmark import DeviceFacts

    if not device.strip():
        raise UsageError("`--device` must be a name. Received: none.")
    for option, text in (("--device", device), ("--soc", soc), ("--system", system)):
        if len(text) > LONGEST_NAME:
            raise UsageError(
                f"`{option}` must be a name of at most {LONGEST_NAME} characters. Received: "
                f"{len(text)} characters."
            )
    if device == HOST:
        from mmnet_deploy.benchmarking.host import Host

        if soc or system:
            raise UsageError("`--soc` and `--system` are not for `--device host`, which is known.")
        return Host().facts()
    return DeviceFacts("", device.strip(), soc.strip(), 0, system.strip())


def _show(stored: Sequence[Stored], folder: Path) -> None:
    """A line for each result, and what to do with them."""
    from mmnet_deploy.results import naming
    from mmnet_deploy.results.latency import milliseconds, quoted, shown_interval

    if not stored:
        return
    lines = []
    number = Counter(it.file_read for it in stored)
    # Clouds call every job's file the same, and a log may hold several runs.
    names = [it.found.title if number[it.file_read] > 1 else it.file_read for it in stored]
    for name, it in zip(names, stored, strict=True):
        result, latency = it.result, quoted(it.result)
        lines.append(
            (
                name,
                result.model.name,
                naming.delegate_name(result.engine),
                naming.threads_name(result.threads),
                f"{milliseconds(latency.quoted_us)} ms {latency.statistic}",
                shown_interval(latency.low_us, latency.high_us),
                "; ".join(flag.label for flag in result.broken_rules) or "unknown",
                "imported" if it.new else "was there already",
            )
        )
    header = ("file", "model", "delegate", "threads", "latency", "95 % interval", "valid", "")
    print_columns(header, lines)
    for name, it in zip(names, stored, strict=True):
        for flag in it.result.broken_rules:
            say(f"{name}: {flag.label}: {flag.reason}.")
    new = sum(it.new for it in stored)
    say(
        f"Imported {new} result{'s' * (new != 1)} into {folder}. They are marked as measured "
        "elsewhere: nothing is known of the device's state."
    )
    undated = sum(it.new and not it.dated for it in stored)
    if undated:
        say(f"The time of the import stands for that of {undated}, whose files have no date.")
