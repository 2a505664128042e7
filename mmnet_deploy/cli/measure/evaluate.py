"""`mmnet-deploy evaluate`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.api import evaluation
from mmnet_deploy.cli.console import (
    FOLDER,
    progress,
    raw_cells_option,
    say,
    say_error,
    show_json,
)
from mmnet_deploy.cli.data_options import MASK_VALUES, upsample_option
from mmnet_deploy.cli.measure.evaluation_text import print_comparison, print_scores
from mmnet_deploy.cli.measure.watching import watch_run
from mmnet_deploy.cli.model_options import MEANING, NETWORK, model_options
from mmnet_deploy.errors import UsageError
from mmnet_deploy.results.records import Evaluation

if TYPE_CHECKING:
    from mmnet_deploy.evaluation.significance import PairedComparison
    from mmnet_deploy.mattes.metric import Metric


@click.command()
@click.argument("models", metavar="RUN|MODEL...", nargs=-1, required=True, type=NETWORK)
@click.option("--data", required=True, metavar="DIR", type=FOLDER, help="Folder of the data set.")
@click.option("--split", default="test", show_default=True, help="Split to evaluate on.")
@click.option(
    "--metric",
    multiple=True,
    metavar="NAME[,NAME...]",
    help="Metric to compute; repeatable. Computed by default: gradient_error, mad, sad, mse, "
    "mean_iou. On request: rhemann_gradient, connectivity, and dtssd for the frames of clips.",
)
@click.option(
    "--eval-size",
    default="800x600",
    show_default=True,
    help="Resolution to compare at: HEIGHTxWIDTH in pixels, or native for each picture's own.",
)
@upsample_option("bilinear")
@MASK_VALUES
@model_options
@click.option("-o", "--out", metavar="DIR", type=FOLDER, help="Store the results in this folder.")
@click.option(
    "--compare", is_flag=True, help="Compare two models picture by picture, with p-values."
)
@click.option(
    "--per-image",
    metavar="FILE",
    type=FOLDER,
    help="Write every picture's scores to a .csv or .parquet file.",
)
@raw_cells_option
@click.option(
    "--worst",
    type=int,
    help="Number of pictures on the sheet, chosen by the first --metric.  [default: 8]",
)
@click.option(
    "--sheet",
    metavar="FILE",
    type=FOLDER,
    help="Draw the pictures with the worst scores to a .png file.",
)
@click.option("--save", metavar="DIR", type=FOLDER, help="Save every matte as DIR/NAME.png.")
@click.option(
    "--save-kind",
    help="What to --save: matte, mask (alpha at least 0.5), under-matte (the picture over black), "
    "side-by-side (picture and matte). Default: matte.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Follow a training: evaluate each checkpoint of RUN as it appears.",
)
@click.option(
    "--until-step",
    type=int,
    help="With --watch, stop after the checkpoint of this step. Default: at the end of the "
    "training.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every picture's scores.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    models: tuple[Path, ...],
    compare: bool,
    watch: bool,
    until_step: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Compare the mattes of runs, other networks or .tflite files with a split's masks.

    Networks are .keras files and SavedModel folders. Code in them does not run without
    --unsafe.

    \b
    Examples:
      mmnet-deploy evaluate models/*.tflite --data portraits -o results
      mmnet-deploy evaluate a.tflite b.tflite --data portraits --compare
      mmnet-deploy evaluate a.tflite --data portraits --worst 8 --sheet worst.png
      mmnet-deploy evaluate runs/a --data portraits --watch
      mmnet-deploy evaluate other.keras --alpha-channel 0 --input-range -1 1 --data portraits
    """
    if until_step is not None and not watch:
        raise UsageError("`--until-step` is for --watch.")
    if watch:
        if len(models) > 1 or compare or as_json or any(options[name] for name in _FILES):
            raise UsageError("`--watch` takes one run, and only --out beside it.")
        _watch(models[0], until_step, **options)
        return
    if compare and len(models) != 2:
        raise UsageError(f"`--compare` takes two models. Received: {len(models)}.")
    if as_json and len(models) > 1 and not compare:
        raise UsageError(
            "`--json` prints one model's result: give one model, or leave out --json, since "
            f"`-o DIR` stores each result as JSON. Received: {len(models)} models."
        )
    results = evaluation.evaluate(
        models, **options, progress=progress, tell=say, on_error=None if compare else say_error
    )
    if not results:
        ctx.exit(1)
    from mmnet_deploy.mattes import metrics

    wanted = metrics.named(options["metric"])
    found = _compared(results, wanted) if compare else {}
    if as_json:
        content = _comparison_json(results, found) if compare else _result_json(results[0])
        show_json(content)
    else:
        print_scores(results, wanted)
        if compare:
            print_comparison(results[0], results[1], found, wanted)
    for name, what in _FILES.items():
        if options[name]:
            say(f"{what} in {options[name]}.")
    if options["out"]:
        say(f"Results are in {options['out']}.")
    ctx.exit(int(len(results) < len(models)))


_FILES = {
    "per_image": "The scores of every picture are",
    "sheet": "The worst pictures are",
    "save": "The mattes are",
}
"""What else is written, by its option."""


def _watch(
    run: Path, until_step: int | None, *, unsafe: bool, threads: int | None, **options: Any
) -> None:
    """Follow a training, of whose networks input and output are known.

    Raises:
        UsageError: Something is said of them.
    """
    from mmnet_deploy.api.evaluation_task import task_of, told_words

    meaning = [options.pop(name) for name in MEANING]
    if threads is not None or any(value is not None for value in meaning):
        raise UsageError(
            "`--watch` follows a run, whose input and output are known: leave out --output, "
            "--alpha-channel, --output-size, --input-range and --threads."
        )
    told = told_words(mask_values=options["mask_values"], unsafe=unsafe)
    task = task_of(options.pop("data"), folder=options.pop("out"), **options, told=told)
    task.check(1)
    watch_run(run, task, until_step, unsafe=unsafe)


def _compared(
    results: Sequence[Evaluation], wanted: Sequence[Metric]
) -> dict[str, PairedComparison]:
    """The second model against the first, by metric."""
    from mmnet_deploy.evaluation.significance import compare

    first, second = results
    return {m.name: compare(first.values(m.name), second.values(m.name)) for m in wanted}


def _result_json(result: Evaluation) -> str:
    """The stored form, with the intervals of the means besides."""
    from mmnet_deploy.evaluation.significance import score_interval
    from mmnet_deploy.results.record_json import to_json

    ends = {name: score_interval(name, result.values(name)) for name in result.scores}
    intervals = {name: found and dataclasses.asdict(found) for name, found in ends.items()}
    content = json.loads(to_json(result)) | {"intervals": intervals}
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _comparison_json(results: Sequence[Evaluation], found: dict[str, PairedComparison]) -> str:
    """Two models and their difference, second less first, by metric; plain numbers."""
    first, second = results
    content = {
        "kind": "comparison",
        "first": first.model.name,
        "second": second.model.name,
        "data": first.data,
        "data_sha256": first.data_sha256,
        "split": first.split,
        "upsample": first.upsample,
        "better_than_constant": {
            "first": first.better_than_constant,
            "second": second.better_than_constant,
        },
        "metrics": {
            name: {
                "first": first.scores[name],
                "second": second.scores[name],
                "constant": first.constant_scores[name],
            }
            | dataclasses.asdict(comparison)
            for name, comparison in found.items()
        },
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"
