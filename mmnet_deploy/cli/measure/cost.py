"""`mmnet-deploy cost`."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli import signals
from mmnet_deploy.cli.console import (
    FOLDER,
    print_table,
    progress,
    read_results,
    say,
    show,
    show_json,
)
from mmnet_deploy.cli.measure.usable import each_usable
from mmnet_deploy.errors import UsageError

if TYPE_CHECKING:
    from mmnet_deploy.results.estimate import LatencyProfile
    from mmnet_deploy.results.records import Cost

_CPUS = ("cortex-a57", "cortex-a53", "cortex-a76", "max")
_CLASSES = {
    "fma": "fp mul-add",
    "simd": "other SIMD/fp",
    "load_store": "load/store",
    "branch": "branch",
    "integer": "integer",
}


@click.command()
@click.argument("paths", metavar="MODEL.tflite...", nargs=-1, type=FOLDER)
@click.option(
    "--cpu",
    type=click.Choice(_CPUS),
    default=_CPUS[0],
    show_default=True,
    help="Core to emulate; the cortex-a57 identifies itself as a Snapdragon 820.",
)
@click.option(
    "--delegate",
    type=click.Choice(["xnnpack", "none"]),
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
    "timeout_s",
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
    cpu: str,
    delegate: str,
    jobs: int,
    timeout_s: float,
    operators: bool,
    profile_name: str,
    out: Path | None,
    fit: bool,
    name: str,
    as_json: bool,
) -> None:
    """Count the arm64 instructions of one inference, without a phone.

    The real arm64 kernels run under qemu with one thread. The count is exact: the same files
    give the same number on every computer. A count is not a latency; for float32 models, the
    latency on the phone of a profile is estimated from it, with an interval.

    With --fit, the arguments are results: folders or files with benchmarks of one phone and the
    counts of the same models.

    \b
    Examples:
      mmnet-deploy cost models/*.tflite -o results
      mmnet-deploy cost models/mmnet-1.0-256-int8.tflite --operators
      mmnet-deploy cost --fit results -o my-phone.toml
      mmnet-deploy cost models/*.tflite --profile my-phone.toml
    """
    if not paths:
        what = "DIR of results" if fit else "MODEL.tflite"
        raise UsageError(f"`{what}` must name at least one. Received: none.")
    if fit:
        _fit(paths, out, name)
    elif name:
        raise UsageError("`--name` needs `--fit`, whose profile it names.")
    elif not _count(paths, cpu, delegate, jobs, timeout_s, operators, profile_name, out, as_json):
        ctx.exit(1)


# --- Fitting -----------------------------------------------------------------


def _fit(paths: Sequence[Path], out: Path | None, name: str) -> None:
    from mmnet_deploy.files import check_folder
    from mmnet_deploy.results import estimate

    if out is None or out.suffix != ".toml":
        raise UsageError(f"`--fit` needs `-o FILE.toml`. Received: {out or 'none'}.")
    check_folder(out.parent)
    pairs = estimate.pair(read_results(paths).records)
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
    cpu: str,
    delegate: str,
    jobs: int,
    timeout_s: float,
    operators: bool,
    profile_name: str,
    out: Path | None,
    as_json: bool,
) -> bool:
    """Count, store and print; whether all could be counted."""
    from mmnet_deploy import parallel
    from mmnet_deploy.bench import cost as stage
    from mmnet_deploy.files import make_folder
    from mmnet_deploy.results import estimate, store
    from mmnet_deploy.results.records import Cost

    cores = parallel.usable_cores()
    if not 1 <= jobs <= cores:
        raise UsageError(f"`--jobs` must be 1 … {cores}, the cores here. Received: {jobs}.")
    if not 0 < timeout_s <= 86400:
        raise UsageError(f"`--timeout` must be above 0, at most 86400 s. Received: {timeout_s:g}.")
    # All are looked at before the first is counted, so that a fault is seen early.
    usable = [model for model, _ in each_usable(models, stage.read_graph)]
    profile = estimate.load_profile(profile_name)
    tools = stage.find_tools(progress=progress, tell=say)
    if out is not None:
        make_folder(out)
    found: dict[Path, Cost] = {}
    counting = stage.measure_all(
        usable,
        tools,
        cpu=cpu,
        delegate=delegate,
        timeout_s=timeout_s,
        jobs=jobs,
        progress=progress,
    )
    kept = signals.keeping(lambda: "What was counted is stored." if found and out else "")
    with kept, contextlib.closing(counting):
        for model, outcome in counting:
            if isinstance(outcome, Cost):
                found[model] = outcome
                if out is not None:
                    store.save(outcome, out)
            else:
                say(f"Error: {model.name}: {outcome}")
    costs = [found[model] for model in models if model in found]
    if as_json:
        show_json(json.dumps([_as_json(one, profile) for one in costs], indent=1))
    elif costs:
        _print(costs, profile)
        if operators:
            for one in costs:
                _print_operators(one)
    return len(found) == len(set(models))


def _estimate(one: Cost, profile: LatencyProfile) -> tuple[dict[str, Any] | None, str]:
    """The estimate's fields, or None, and the note or the reason."""
    from mmnet_deploy.results import estimate

    try:
        found = estimate.estimate(one, profile)
    except estimate.NoEstimateError as error:
        return None, str(error)
    return dataclasses.asdict(found), found.note


def _as_json(one: Cost, profile: LatencyProfile) -> dict[str, Any]:
    from mmnet_deploy.results.record_json import to_json

    latency, note = _estimate(one, profile)
    return json.loads(to_json(one)) | {"estimate": latency, "estimate_note": note}


def _millions(instructions: int) -> str:
    return f"{instructions / 1e6:.3f}"


def _print(costs: Sequence[Cost], profile: LatencyProfile) -> None:
    rows = []
    notes: dict[str, list[str]] = {}
    for one in costs:
        latency, note = _estimate(one, profile)
        cell = "–"
        if latency:
            cell = f"{latency['latency_ms']:.1f} ({latency['low_ms']:.1f}–{latency['high_ms']:.1f})"
        if note:
            notes.setdefault(note, []).append(one.model.name)
        classes = [_millions(getattr(one.counts, name)) for name in _CLASSES]
        rows.append((one.model.name, _millions(one.counts.total), *classes, cell))
    first = costs[0]
    delegate = first.engine.delegate
    print_table(
        ("", "instructions", *_CLASSES.values(), "estimated ms"),
        rows,
        title=(
            f"Million arm64 instructions per inference: {first.cpu} as {first.identity}, 1 thread, "
            f"{'built-in kernels' if delegate == 'none' else delegate}, {first.runtime}"
        ),
    )
    if any(row[-1] != "–" for row in rows):
        say(f"Estimated for {profile.name} from {profile.points} points, with the 95 % interval.")
    for note, names in notes.items():
        about = names[0] if len(names) == 1 else f"{len(names)} models"
        say(f"{about}: {note}.")
    for one in costs:
        if len(set(one.runs)) > 1:
            say(
                f"{one.model.name}: its runs differ ({', '.join(map(str, one.runs))} instructions)."
            )
    say("A count is not a latency: it knows no caches, bandwidth or issue width.")


def _print_operators(one: Cost) -> None:
    if one.operators_missing:
        say(f"{one.model.name}: no instructions by operator: {one.operators_missing}.")
        return
    total = one.counts.total
    rows = [
        (
            f"{number}",
            operator.name,
            "yes" if operator.inside_delegate else "no",
            _millions(operator.instructions),
            f"{operator.instructions / total:.1%}",
        )
        for number, operator in enumerate(one.operators)
    ]
    rest = total - sum(operator.instructions for operator in one.operators)
    if rest > 0:  # The traced run can be the longer one by a few instructions.
        rows.append(("", "between operators", "", _millions(rest), f"{rest / total:.1%}"))
    header = ("", "operator", "delegated", "million instructions", "share")
    print_table(header, rows, title=one.model.name, numbers=False)
