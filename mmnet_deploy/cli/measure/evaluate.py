"""`mmnet-deploy evaluate`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmnet_deploy.cli.console import FOLDER, NETWORK, network_options, parse_size, progress
from mmnet_deploy.cli.measure.evaluation_task import Task
from mmnet_deploy.cli.measure.evaluation_text import print_comparison, print_scores
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.mattes.matting import open_model
from mmnet_deploy.results.records import Evaluation

if TYPE_CHECKING:
    from mmnet_deploy.evaluation.significance import PairedComparison
    from mmnet_deploy.mattes.metrics import Metric


@click.command()
@click.argument("models", metavar="RUN|MODEL...", nargs=-1, required=True, type=NETWORK)
@click.option("--data", required=True, metavar="DIR", type=FOLDER, help="Data set.")
@click.option("--split", default="test", show_default=True)
@click.option(
    "--metric",
    "names",
    multiple=True,
    metavar="NAME",
    help="May be repeated: gradient_error, mad, sad, mse, mean_iou (the default ones), "
    "rhemann_gradient, connectivity; dtssd for the frames of clips.",
)
@click.option(
    "--eval-size", default="800x600", show_default=True, help="HEIGHTxWIDTH in pixels, or native."
)
@click.option("--threads", type=int, help="For .tflite files. Default: all cores.")
@network_options
@click.option("-o", "--out", "folder", metavar="DIR", type=FOLDER, help="Store the results here.")
@click.option("--compare", is_flag=True, help="Two models on the same pictures, with p-values.")
@click.option("--per-image", metavar="FILE", type=FOLDER, help="Every score, .csv or .parquet.")
@click.option("--worst", type=int, help="Pictures on the sheet, by the first --metric.  [8]")
@click.option("--sheet", metavar="FILE", type=FOLDER, help="Draw the worst pictures, as .png.")
@click.option("--save", metavar="DIR", type=FOLDER, help="Save every matte as DIR/NAME.png.")
@click.option(
    "--save-kind",
    default="matte",
    show_default=True,
    help="matte, mask (at 0.5), under-matte (the picture under it), side-by-side.",
)
@click.option("--watch", is_flag=True, help="Follow a RUN: evaluate each checkpoint as it appears.")
@click.option("--until-step", type=int, help="End --watch after this step. Default: training.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every picture's scores.")
def evaluate(
    models: tuple[Path, ...],
    data: Path,
    split: str,
    names: tuple[str, ...],
    eval_size: str,
    threads: int | None,
    alpha_channel: int | None,
    input_range: tuple[float, float],
    unsafe: bool,
    folder: Path | None,
    compare: bool,
    per_image: Path | None,
    worst: int | None,
    sheet: Path | None,
    save: Path | None,
    save_kind: str,
    watch: bool,
    until_step: int | None,
    as_json: bool,
) -> None:
    """Compare the mattes of runs, other networks or .tflite files with a split's masks.

    Networks are .keras files and SavedModel folders. Code in them does not run without
    --unsafe.

    \b
    Example:
      mmnet-deploy evaluate models/*.tflite --data portraits -o results
      mmnet-deploy evaluate a.tflite b.tflite --data portraits --compare
      mmnet-deploy evaluate a.tflite --data portraits --worst 8 --sheet worst.png
      mmnet-deploy evaluate runs/a --data portraits --watch
      mmnet-deploy evaluate other.keras --alpha-channel 0 --input-range -1 1 --data portraits
    """
    from mmnet_deploy import evaluation
    from mmnet_deploy.files import make_folder
    from mmnet_deploy.mattes import metrics
    from mmnet_deploy.results import store

    wanted = metrics.named(names)
    task = Task(
        data=data,
        split=split,
        size=parse_size(eval_size),
        wanted=wanted,
        ranked_by=next(metric for metric in wanted if not names or metric.name == names[0]),
        folder=folder,
        per_image=per_image,
        worst=worst if worst is not None or sheet is None else 8,
        sheet=sheet,
        save=save,
        save_kind=save_kind,
    )
    task.check(len(models))
    if until_step is not None and not watch:
        raise UsageError("`--until-step` is for --watch.")
    if watch:
        from mmnet_deploy.cli.measure.watching import watch_run

        if len(models) > 1 or compare or as_json or per_image or sheet or save:
            raise UsageError("`--watch` takes one run, and only --out beside it.")
        watch_run(models[0], task, until_step, input_range=input_range)
        return
    if compare and len(models) != 2:
        raise UsageError(f"`--compare` takes two models. Received: {len(models)}.")
    if as_json and len(models) > 1 and not compare:
        raise UsageError("`--json` prints one model's result; give one model, or -o DIR.")
    _check_models(models, alpha_channel)
    if folder:
        make_folder(folder)
    results = []
    for path in models:
        model = open_model(
            path, threads, alpha_channel=alpha_channel, input_range=input_range, unsafe=unsafe
        )
        result = evaluation.evaluate(
            model,
            data,
            split,
            size=task.size,
            wanted=task.computed,
            sink=task.sink(model, len(models)),
            progress=progress,
        )
        results.append(result)
        if folder:
            store.save(result, folder)
        if sheet:
            task.draw_worst(model, result)
    found = _compared(results, wanted) if compare else {}
    if as_json and compare:
        click.echo(_comparison_json(results, found), nl=False)
    elif as_json:
        click.echo(_result_json(results[0]), nl=False)
    else:
        print_scores(results, wanted)
        if compare:
            print_comparison(results[0], results[1], found, wanted)
    task.finish(results)


def _check_models(models: Sequence[Path], alpha_channel: int | None) -> None:
    """Look at all before the first is evaluated, so that a fault costs nothing."""
    from mmnet_deploy.tflite import interpreter

    for path in models:
        if path.suffix == ".tflite":
            interpreter.TFLiteModel(path).require_matting()
        elif not path.exists():
            raise ModelFileError(f"There is no file or folder {path}.")
    if alpha_channel is not None and all(path.suffix == ".tflite" for path in models):
        raise UsageError(
            "`--alpha-channel` is for networks; a .tflite file has its channel chosen when it is "
            f"converted. Received: {alpha_channel}."
        )


def _compared(
    results: Sequence[Evaluation], wanted: Sequence[Metric]
) -> dict[str, PairedComparison]:
    """The second model against the first, by metric."""
    from mmnet_deploy.evaluation.significance import compare

    first, second = results
    return {m.name: compare(first.values(m.name), second.values(m.name)) for m in wanted}


def _result_json(result: Evaluation) -> str:
    """The stored form, with the intervals of the means besides."""
    from mmnet_deploy.evaluation.significance import mean_interval
    from mmnet_deploy.results.record_json import to_json

    ends = {name: mean_interval(result.values(name)) for name in result.scores}
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


def evaluate_one(
    path: Path,
    data: Path,
    split: str,
    *,
    size: tuple[int, int] | None,
    threads: int | None,
) -> Evaluation:
    """Evaluate a run, a network or a `.tflite` file by the default metrics, with progress."""
    from mmnet_deploy import evaluation

    return evaluation.evaluate(open_model(path, threads), data, split, size=size, progress=progress)
