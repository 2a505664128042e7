"""`mmnet-deploy evaluate`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli.console import (
    FOLDER,
    NETWORK,
    network_options,
    parse_size,
    progress,
    require_extra,
    say,
)
from mmnet_deploy.cli.measure.evaluation_text import print_comparison, print_scores, where
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.results.records import Evaluation, ModelFile

if TYPE_CHECKING:
    from mmnet_deploy.evaluation import Matting
    from mmnet_deploy.evaluation.significance import Comparison
    from mmnet_deploy.mattes.metrics import Metric
    from mmnet_deploy.networks.network import Network


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


@dataclasses.dataclass(frozen=True)
class Task:
    """What is evaluated, how, and what becomes of it besides the table.

    Attributes:
        size: Height and width in pixels to compare at; None for each picture's own.
        wanted: The metrics to show.
        ranked_by: The one that says which pictures are worst.
    """

    data: Path
    split: str
    size: tuple[int, int] | None
    wanted: tuple[Metric, ...]
    ranked_by: Metric
    folder: Path | None = None
    per_image: Path | None = None
    worst: int | None = None
    sheet: Path | None = None
    save: Path | None = None
    save_kind: str = "matte"

    @property
    def computed(self) -> tuple[Metric, ...]:
        """What is stored has the default metrics too, since the charts need them."""
        from mmnet_deploy.mattes import metrics

        default = metrics.named() if self.folder else ()
        return metrics.named([metric.name for metric in (*self.wanted, *default)])

    def check(self, models: int) -> None:
        """Refuse what cannot be done, before anything is computed.

        Raises:
            UsageError, MissingDependencyError, OutputError: A file or a number is wrong.
        """
        from mmnet_deploy.files import check_folder
        from mmnet_deploy.mattes import outputs

        outputs.check_form(self.save_kind)
        if self.per_image:
            from mmnet_deploy.evaluation import score_table

            score_table.check_file(self.per_image)
        if self.sheet is None and self.worst is not None:
            raise UsageError("`--worst` needs --sheet FILE.png to draw them on.")
        if self.sheet:
            from mmnet_deploy.charts import style

            style.file_kind(self.sheet)
            if not self.worst or not 1 <= self.worst <= 60:
                raise UsageError(f"`worst` must be 1 … 60. Received: {self.worst}.")
            if models > 1:
                raise UsageError(f"`--sheet` shows one model's mattes. Received: {models} models.")
        for path in (self.per_image, self.sheet):
            if path:
                check_folder(path.parent)
        if self.save:
            check_folder(self.save)

    def sink(self, model: Matting, models: int) -> Any:
        """What saves the mattes; of several models each in a folder of its own."""
        if not self.save:
            return None
        from mmnet_deploy.files import make_folder
        from mmnet_deploy.mattes import outputs

        name = model.file.name.replace("/", "-").removesuffix(".tflite").removesuffix(".keras")
        folder = self.save / name if models > 1 else self.save
        return outputs.saver(make_folder(folder), self.save_kind)

    def draw_worst(self, model: Matting, result: Evaluation) -> None:
        """Compute the worst pictures once more, and draw them."""
        from mmnet_deploy.charts import contact_sheet
        from mmnet_deploy.evaluation import worst
        from mmnet_deploy.mattes import outputs
        from mmnet_deploy.portraits import dataset

        assert self.sheet and self.worst
        pairs = {pair.name: pair for pair in dataset.find_pairs(self.data, self.split)}
        entries = []
        for picture in worst(result, self.ranked_by, self.worst):
            image, mask = dataset.read_pair(pairs[picture.name])
            matte = outputs.at_size_of(image, model.matte(image))
            figure = self.ranked_by.shown(picture.scores[self.ranked_by.name])
            score = f"{self.ranked_by.title} {figure} {self.ranked_by.unit}".rstrip()
            entries.append(contact_sheet.Entry(picture.name, score, image, mask, matte))
        contact_sheet.draw(
            entries,
            self.sheet,
            title=f"Worst {len(entries)} of {len(result.pictures)} by {self.ranked_by.title}",
            subtitle=f"{result.model.name} on {where(result)}",
        )

    def finish(self, results: Sequence[Evaluation]) -> None:
        """Write the table, and say where everything is."""
        if self.per_image:
            from mmnet_deploy.evaluation import score_table

            score_table.write(results, self.per_image)
            say(f"The scores of every picture are in {self.per_image}.")
        if self.sheet:
            say(f"The worst pictures are in {self.sheet}.")
        if self.save:
            say(f"The mattes are in {self.save}.")
        if self.folder:
            say(f"Results are in {self.folder}.")


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


def _compared(results: Sequence[Evaluation], wanted: Sequence[Metric]) -> dict[str, Comparison]:
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


def _comparison_json(results: Sequence[Evaluation], found: dict[str, Comparison]) -> str:
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


def open_model(
    path: Path,
    threads: int | None = None,
    *,
    alpha_channel: int | None = None,
    input_range: tuple[float, float] = (0.0, 1.0),
    unsafe: bool = False,
) -> Matting:
    """A run, a network of `network.load` or a `.tflite` file, ready to be evaluated."""
    from mmnet_deploy.evaluation import Matting
    from mmnet_deploy.tflite import interpreter

    cores = interpreter.usable_cores()
    if path.suffix == ".tflite":
        if threads is not None and not 1 <= threads <= cores:
            raise UsageError(f"`threads` must be 1 … {cores}. Received: {threads}.")
        model = interpreter.TFLiteModel(path, threads or cores)
        model.require_matting()
        return Matting(
            interpreter.describe(path),
            interpreter.runtime_name(),
            model.prepare,
            model.infer,
            threads or cores,
        )
    require_extra("evaluate")
    from mmnet_deploy.networks.network import load

    network = load(path, alpha_channel=alpha_channel, input_range=input_range, unsafe=unsafe)
    return matting_of(network, interpreter.describe(network.path))


def matting_of(network: Network, file: ModelFile) -> Matting:
    """A loaded network, ready to be evaluated as `file`."""
    import numpy as np

    from mmnet_deploy.evaluation import Matting
    from mmnet_deploy.tflite import interpreter

    return Matting(
        file,
        network.engine,
        network.prepare,
        # As a .tflite file's matte, so that the two can be compared.
        lambda tensor: np.clip(network.infer(tensor), 0, 1),
        interpreter.usable_cores(),
    )


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
