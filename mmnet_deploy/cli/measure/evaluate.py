"""`mmnet-deploy evaluate`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli.console import FOLDER, progress, raw_cells_option, say, show_json
from mmnet_deploy.cli.data_options import MASK_VALUES
from mmnet_deploy.cli.measure.evaluation_task import Task, task_of, told_words
from mmnet_deploy.cli.measure.evaluation_text import print_comparison, print_scores
from mmnet_deploy.cli.measure.usable import each_usable
from mmnet_deploy.cli.measure.watching import watch_run
from mmnet_deploy.cli.model_options import NETWORK, check_models, model_options, opening_of
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.files import locked
from mmnet_deploy.results.records import Evaluation

if TYPE_CHECKING:
    from mmnet_deploy.evaluation.significance import PairedComparison
    from mmnet_deploy.mattes.metric import Metric
    from mmnet_deploy.portraits.output import Meaning


@click.command()
@click.argument("models", metavar="RUN|MODEL...", nargs=-1, required=True, type=NETWORK)
@click.option("--data", required=True, metavar="DIR", type=FOLDER, help="Folder of the data set.")
@click.option("--split", default="test", show_default=True, help="Split to evaluate on.")
@click.option(
    "--metric",
    "names",
    multiple=True,
    metavar="NAME",
    help="Metric to compute; repeatable. Computed by default: gradient_error, mad, sad, mse, "
    "mean_iou. On request: rhemann_gradient, connectivity, and dtssd for the frames of clips.",
)
@click.option(
    "--eval-size",
    default="800x600",
    show_default=True,
    help="Resolution to compare at: HEIGHTxWIDTH in pixels, or native for each picture's own.",
)
@MASK_VALUES
@model_options
@click.option(
    "-o", "--out", "folder", metavar="DIR", type=FOLDER, help="Store the results in this folder."
)
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
    opening = opening_of(options)
    task = dataclasses.replace(task_of(**options), told=told_words(ctx))
    task.check(len(models))
    if until_step is not None and not watch:
        raise UsageError("`--until-step` is for --watch.")
    if watch:
        if len(models) > 1 or compare or as_json or task.leaves_files:
            raise UsageError("`--watch` takes one run, and only --out beside it.")
        _check_watched(opening)
        watch_run(models[0], task, until_step, unsafe=opening["unsafe"])
        return
    if compare and len(models) != 2:
        raise UsageError(f"`--compare` takes two models. Received: {len(models)}.")
    if as_json and len(models) > 1 and not compare:
        raise UsageError("`--json` prints one model's result; give one model, or -o DIR.")
    check_models(models, opening["threads"])
    usable = _look_at(models, opening["meaning"], all_needed=compare)
    if task.save:
        # Two models' mattes of one picture have the same name.
        click.get_current_context().with_resource(locked(task.save))
    results = _evaluate_all(usable, opening, task, len(models), all_needed=compare)
    found = _compared(results, task.wanted) if compare else {}
    if as_json:
        content = _comparison_json(results, found) if compare else _result_json(results[0])
        show_json(content)
    else:
        print_scores(results, task.wanted)
        if compare:
            print_comparison(results[0], results[1], found, task.wanted)
    task.finish(results)
    ctx.exit(int(len(results) < len(models)))


def _check_watched(opening: dict[str, Any]) -> None:
    """Make sure that nothing is said of a run, whose networks are known.

    Raises:
        UsageError: Something is.
    """
    from mmnet_deploy.portraits.output import Meaning

    if opening["meaning"] != Meaning() or opening["threads"] is not None:
        raise UsageError(
            "`--watch` follows a run, whose input and output are known: leave out --output, "
            "--alpha-channel, --output-size, --input-range and --threads."
        )


def _look_at(models: Sequence[Path], meaning: Meaning, *, all_needed: bool) -> list[Path]:
    """Look at all before the first is evaluated, so that a fault is seen early; the usable ones."""
    from mmnet_deploy.mattes.matting import open_tflite
    from mmnet_deploy.tflite.card import is_tflite

    def look(path: Path) -> None:
        if is_tflite(path):
            open_tflite(path, meaning=meaning)
        elif not path.exists():
            raise ModelFileError(f"There is no file or folder {path}.")

    return [path for path, _ in each_usable(models, look, all_needed=all_needed)]


def _evaluate_all(
    models: Sequence[Path], opening: dict[str, Any], task: Task, given: int, *, all_needed: bool
) -> list[Evaluation]:
    """Evaluate one model after the other; each result is stored at once.

    Args:
        given: How many models the command was given.
    """
    from mmnet_deploy import evaluation
    from mmnet_deploy.files import make_folder
    from mmnet_deploy.mattes.matting import open_model
    from mmnet_deploy.results import store

    if task.folder:
        make_folder(task.folder)
    taken: dict[str, str] | None = {} if given > 1 else None

    def evaluated(path: Path) -> Evaluation:
        model = open_model(path, **opening)
        if model.note:
            say(model.note)
        result = evaluation.evaluate(
            model,
            task.data,
            task.split,
            size=task.size,
            wanted=task.computed,
            mask_values=task.mask_values,
            sink=task.sink(model.file, taken),
            progress=progress,
        )
        if task.folder:
            store.save(dataclasses.replace(result, options=task.told), task.folder)
        task.draw_worst(model, result)
        return result

    return [result for _, result in each_usable(models, evaluated, all_needed=all_needed)]


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
        "metrics": {
            name: {"first": first.scores[name], "second": second.scores[name]}
            | dataclasses.asdict(comparison)
            for name, comparison in found.items()
        },
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"
