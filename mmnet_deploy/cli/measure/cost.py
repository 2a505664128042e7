"""`mmnet-deploy cost`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.api import counting
from mmnet_deploy.cli import signals
from mmnet_deploy.cli.console import (
    FOLDER,
    progress,
    read_results,
    say,
    show,
    show_json,
)
from mmnet_deploy.cli.measure.cost_text import cost_json, print_costs, print_operators
from mmnet_deploy.cli.model_options import TFLITE
from mmnet_deploy.errors import ModelFileError, UsageError

if TYPE_CHECKING:
    from mmnet_deploy.results.records import Cost


@click.command()
@click.argument("paths", metavar="MODEL.tflite...", nargs=-1, type=TFLITE)
@click.option(
    "--cpu",
    multiple=True,
    metavar="NAME,…",
    help="Cores to count for, from the list above; may be repeated. With --fit, the one whose "
    "counts are taken. Default: cortex-a57.",
)
@click.option(
    "--delegate",
    type=click.Choice(counting.DELEGATES),
    default="xnnpack",
    show_default=True,
    help="Kernels to run: XNNPACK's or the built-in ones.",
)
@click.option(
    "--jobs",
    default=1,
    show_default=True,
    help="Number of models to count at a time, at most that of the cores.",
)
@click.option(
    "--timeout",
    type=float,
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop a count that takes longer than this.",
)
@click.option("--operators", is_flag=True, help="Show the instructions of every operator too.")
@click.option(
    "--profile",
    "profile_name",
    default="snapdragon-820",
    show_default=True,
    metavar="NAME|FILE.toml",
    help="Phone to estimate the latency on: a bundled profile or a file.",
)
@click.option(
    "-o",
    "--out",
    type=FOLDER,
    metavar="DIR|FILE.toml",
    help="Folder for the results; with --fit, the file of the profile.",
)
@click.option("--fit", is_flag=True, help="Fit a profile to stored results instead of counting.")
@click.option(
    "--name", default="", help="Name of the profile that --fit makes. Default: the phone's."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def cost(
    ctx: click.Context,
    paths: tuple[Path, ...],
    cpu: tuple[str, ...],
    operators: bool,
    profile_name: str,
    out: Path | None,
    fit: bool,
    name: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Count the arm64 instructions of one inference, without a phone.

    The real arm64 kernels run under qemu with one thread. The count is exact: the same files
    give the same number on every computer. A count is not a latency; for float32 models, the
    latency on the phone of a profile is estimated from it, with an interval.

    A core decides which kernels run, and whether a file that allows half precision computes in
    float16. The cores, what they can do, and phones that have them:

    \b
      cortex-a57   ARMv8.0, the Snapdragon 820 of 2016
                   Xiaomi Mi 5
      cortex-a53   ARMv8.0
                   the small cores until 2017; all of a Snapdragon 625
      cortex-a72   ARMv8.0
                   Snapdragon 650 and 652, Kirin 950 (2016)
      cortex-a73   ARMv8.0
                   Snapdragon 835 (2017)
      cortex-a55   ARMv8.2 with fp16 and dot products
                   the small cores of a Snapdragon 855; all of an Exynos 850
      cortex-a76   ARMv8.2 with fp16 and dot products
                   the large cores of a Snapdragon 855 (2019)
      cortex-a710  ARMv9.0 with fp16, dot products and i8mm
                   Snapdragon 8 Gen 1 (2022)
      max          all that qemu has, with fp16, dot products, i8mm and SVE
                   no phone

    With --fit, the arguments are results: folders or files with benchmarks of one phone and the
    counts of the same models.

    \b
    Examples:
      mmnet-deploy cost models/*.tflite -o results
      mmnet-deploy cost models/*.tflite --cpu cortex-a57,cortex-a76
      mmnet-deploy cost models/mmnet-1.0-256-int8.tflite --operators
      mmnet-deploy cost --fit results -o my-phone.toml
      mmnet-deploy cost models/*.tflite --profile my-phone.toml
    """
    if not paths:
        what = "DIR of results" if fit else "MODEL.tflite"
        raise UsageError(f"`{what}` must name at least one. Received: none.")
    if fit:
        _fit(paths, out, name, counting.cpus_of(cpu))
    elif name:
        raise UsageError("`--name` needs `--fit`, whose profile it names.")
    elif not _count(paths, operators, profile_name, out, as_json, cpu=cpu, **options):
        ctx.exit(1)


# --- Fitting -----------------------------------------------------------------


def _fit(paths: Sequence[Path], out: Path | None, name: str, cpus: Sequence[str]) -> None:
    from mmnet_deploy.files import check_folder
    from mmnet_deploy.results import estimate

    if out is None or out.suffix != ".toml":
        raise UsageError(f"`--fit` needs `-o FILE.toml`. Received: {out or 'none'}.")
    if len(cpus) > 1:
        raise UsageError(f"A profile is of one core. Received: --cpu {','.join(cpus)}.")
    check_folder(out.parent)
    pairs = estimate.pair(read_results(paths).records, *cpus)
    for note in pairs.notes:
        say(note)
    source = f"{len(pairs.costs)} models, measured with `mmnet-deploy bench`"
    profile = estimate.fit(pairs.costs, pairs.latencies_ms, name or pairs.device, source)
    out.parent.mkdir(parents=True, exist_ok=True)
    estimate.save_profile(profile, out)
    show(
        f"{profile.name}: {profile.slope_ms_per_million:.4g} ms per million instructions, from "
        f"{profile.points} models in {profile.precision} with the delegate {profile.delegate}"
    )
    show(
        f"each predicted from the others: {profile.left_out_mean:.1%} off on average, "
        f"{profile.left_out_worst:.1%} at worst; 95 % interval: ×÷ {profile.interval_factor:.3g}"
    )
    say(f"Wrote {out}.")


# --- Counting ----------------------------------------------------------------


def _count(
    models: Sequence[Path],
    operators: bool,
    profile_name: str,
    out: Path | None,
    as_json: bool,
    **options: Any,
) -> bool:
    """Count, store and print; whether all could be counted."""
    from mmnet_deploy.results import estimate

    profile = estimate.load_profile(profile_name)
    faults: list[str] = []

    def failed(name: str, error: Exception) -> None:
        faults.append(name)
        line = " ".join(str(error).split())
        # What is wrong with a file names it.
        say(f"Error: {line}" if isinstance(error, ModelFileError) else f"Error: {name}: {line}")

    kept: list[Cost] = []
    with signals.keeping(lambda: "What was counted is stored." if kept and out else ""):
        costs = counting.cost(
            models,
            **options,
            out=out,
            progress=progress,
            tell=say,
            on_error=failed,
            on_result=kept.append,
        )
    if as_json:
        show_json(json.dumps([cost_json(one, profile) for one in costs], indent=1))
    elif costs:
        print_costs(costs, profile)
        if operators:
            for one in costs:
                print_operators(one)
    return bool(costs) and not faults
