"""`mmnet-deploy evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmnet_deploy.cli.console import (
    FOLDER,
    network_options,
    parse_size,
    print_table,
    progress,
    require_extra,
    say,
)
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.records import Evaluation

if TYPE_CHECKING:
    from mmnet_deploy.evaluation import Matting


@click.command()
@click.argument("models", metavar="RUN|MODEL...", nargs=-1, required=True, type=FOLDER)
@click.option("--data", required=True, metavar="DIR", type=FOLDER, help="Data set.")
@click.option("--split", default="test", show_default=True)
@click.option(
    "--eval-size", default="800x600", show_default=True, help="HEIGHTxWIDTH in pixels, or native."
)
@click.option("--threads", type=int, help="For .tflite files. Default: all cores.")
@network_options
@click.option("-o", "--out", "folder", metavar="DIR", type=FOLDER, help="Store the results here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every picture's scores.")
def evaluate(
    models: tuple[Path, ...],
    data: Path,
    split: str,
    eval_size: str,
    threads: int | None,
    alpha_channel: int | None,
    input_range: tuple[float, float],
    unsafe: bool,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Compare the mattes of runs, other networks or .tflite files with a split's masks.

    Networks are .keras files and SavedModel folders. Code in them does not run without
    --unsafe.

    \b
    Example:
      mmnet-deploy evaluate models/*.tflite --data portraits -o results
      mmnet-deploy evaluate runs/a --data portraits --split test --json
      mmnet-deploy evaluate other.keras --alpha-channel 0 --input-range -1 1 --data portraits
    """
    from mmnet_deploy import evaluation, runtime, store
    from mmnet_deploy.files import make_folder
    from mmnet_deploy.records import to_json

    size = parse_size(eval_size)
    if as_json and len(models) > 1:
        raise UsageError("`--json` prints one model's result; give one model, or -o DIR.")
    for path in models:
        # All are looked at before the first is evaluated, so that a fault costs nothing.
        if path.suffix == ".tflite":
            runtime.TFLiteModel(path).require_matting()
        elif not path.exists():
            raise ModelFileError(f"There is no file or folder {path}.")
    if alpha_channel is not None and all(path.suffix == ".tflite" for path in models):
        raise UsageError(
            "`--alpha-channel` is for networks; a .tflite file has its channel chosen when it is "
            f"converted. Received: {alpha_channel}."
        )
    if folder:
        make_folder(folder)
    results = []
    for path in models:
        model = open_model(
            path, threads, alpha_channel=alpha_channel, input_range=input_range, unsafe=unsafe
        )
        result = evaluation.evaluate(model, data, split, size=size, progress=progress)
        results.append(result)
        if folder:
            store.save(result, folder)
    if as_json:
        click.echo(to_json(results[0]), nl=False)
    else:
        print_scores(results)
    if folder:
        say(f"Results are in {folder}.")


def open_model(
    path: Path,
    threads: int | None = None,
    *,
    alpha_channel: int | None = None,
    input_range: tuple[float, float] = (0.0, 1.0),
    unsafe: bool = False,
) -> Matting:
    """A run, a network of `network.load` or a `.tflite` file, ready to be evaluated."""
    from mmnet_deploy import runtime
    from mmnet_deploy.evaluation import Matting

    cores = runtime.usable_cores()
    if path.suffix == ".tflite":
        if threads is not None and not 1 <= threads <= cores:
            raise UsageError(f"`threads` must be 1 … {cores}. Received: {threads}.")
        model = runtime.TFLiteModel(path, threads or cores)
        model.require_matting()
        return Matting(
            runtime.describe(path),
            runtime.runtime_name(),
            model.prepare,
            model.infer,
            threads or cores,
        )
    require_extra("evaluate")
    import numpy as np

    from mmnet_deploy.network import load

    network = load(path, alpha_channel=alpha_channel, input_range=input_range, unsafe=unsafe)
    return Matting(
        runtime.describe(network.path),
        network.engine,
        network.prepare,
        # As a .tflite file's matte, so that the two can be compared.
        lambda tensor: np.clip(network.infer(tensor), 0, 1),
        cores,
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


def print_scores(results: Sequence[Evaluation]) -> None:
    """One row per model, gradient error in thousandths as papers quote it."""
    first = results[0]
    size = f"{first.height_px}×{first.width_px}" if first.height_px else "native size"
    print_table(
        ("model", "gradient\nerror (×10⁻³)", "MAD", "mean\nIoU", "SAD\n(×10³)", "MSE"),
        [
            (
                result.model.name,
                f"{1000 * result.scores['gradient_error']:.3f}",
                f"{result.scores['mad']:.4f}",
                f"{result.scores['mean_iou']:.4f}",
                f"{result.scores['sad']:.2f}",
                f"{result.scores['mse']:.4f}",
            )
            for result in results
        ],
        title=f"{first.data}/{first.split}, {len(first.pictures)} pictures at {size}",
    )
