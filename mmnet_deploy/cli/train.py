"""`mmnet-deploy train`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from mmnet_deploy.cli.console import FOLDER, progress, require_extra, say
from mmnet_deploy.errors import UsageError
from mmnet_deploy.run import Run, RunConfig, auto_batch_norm_momentum, check_config


@click.command()
@click.argument("model")
@click.option("--data", required=True, metavar="DIR", type=FOLDER, help="Data set.")
@click.option("--out", "run_folder", required=True, metavar="RUN", type=FOLDER, help="Run folder.")
@click.option("--width-multiplier", default=1.0, show_default=True, help="0.5, 0.75, 1.0, 1.4.")
@click.option("--input-size", default=256, show_default=True, help="Pixels; a multiple of 16.")
@click.option("--split", default="train", show_default=True, help="Split to train on.")
@click.option("--epochs", default=60, show_default=True, help="Validated and stored after each.")
@click.option("--steps-per-epoch", type=int, help="Default: every picture once.")
@click.option("--batch-size", default=16, show_default=True, help="Pictures per step.")
@click.option(
    "--learning-rate", default=1e-2, show_default=True, help="At the start; a cosine ends it at 0."
)
@click.option("--weight-decay", default=4e-7, show_default=True, help="L2 on convolutions.")
@click.option(
    "--batch-norm-momentum", type=float, help="Default: spans a hundredth of the training."
)
@click.option(
    "--validation-share",
    default=0.05,
    show_default=True,
    help="Part of the split that is held out to choose the best epoch.",
)
@click.option("--seed", default=0, show_default=True, help="The same seed, the same training.")
@click.option("--resume", is_flag=True, help="Go on after the last whole epoch of RUN.")
@click.pass_context
def train(ctx: click.Context, model: str, run_folder: Path, resume: bool, **options: Any) -> None:
    """Train MODEL (mmnet) on a data set into a run folder.

    RUN holds the best and the last network, a log, TensorBoard events and what is
    needed to resume. Ctrl-C leaves it as it was after the last whole epoch.

    \b
    Example:
      mmnet-deploy train mmnet --width-multiplier 1.0 --input-size 256 \\
          --data portraits --out runs/mmnet-1.0-256
    """
    require_extra("train")
    run = Run(run_folder)
    config = _resumed(ctx, run, model, options) if resume else _new(model, options)
    from mmnet_deploy import training

    try:
        training.train(config, run_folder, resume=resume, progress=progress)
    except KeyboardInterrupt:
        finished = len(run.read_log()) if run.exists else 0
        how = "Go on with the same command and --resume." if run.exists else "Nothing was written."
        say(f"\nStopped. {run_folder} holds {finished} whole epochs. {how}")
        ctx.exit(130)
    rows = run.read_log()
    best = min(rows, key=lambda row: row["val_gradient_error"])
    say(
        f"Trained {len(rows)} epochs into {run_folder}. Best: epoch {best['epoch']:.0f}, "
        f"validation gradient error {best['val_gradient_error'] * 1000:.2f} ×10⁻³ at "
        f"{config.input_size}×{config.input_size}, mean IoU {best['val_mean_iou']:.3f}."
    )
    say(f"Next: mmnet-deploy convert {run_folder} --precision int8 -o models")


def _new(model: str, options: dict[str, Any]) -> RunConfig:
    """The configuration that the options describe, defaults filled in."""
    from mmnet_deploy import data

    # What does not depend on the data is checked before it is looked at.
    assumed: dict[str, Any] = {"steps_per_epoch": 1, "batch_norm_momentum": 0.9, "data": ""}
    given = {name: value for name, value in options.items() if value is not None}
    check_config(RunConfig(family=model, **(assumed | given)))
    if options["steps_per_epoch"] is None:
        pairs = len(data.find_pairs(options["data"], options["split"]))
        trained = max(1, round(pairs * (1 - options["validation_share"])))
        options["steps_per_epoch"] = -(-trained // max(1, options["batch_size"]))
    if options["batch_norm_momentum"] is None:
        steps = max(1, options["steps_per_epoch"] * options["epochs"])
        options["batch_norm_momentum"] = auto_batch_norm_momentum(steps)
    options["data"] = str(options["data"].resolve())
    return RunConfig(family=model, **options)


def _resumed(ctx: click.Context, run: Run, model: str, options: dict[str, Any]) -> RunConfig:
    """The stored configuration; options given again must agree, but for more epochs.

    Raises:
        UsageError: An option says otherwise than the run.
    """
    stored = run.read_config()
    given = {
        name: value
        for name, value in options.items()
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    if "data" in given:
        given["data"] = str(given["data"].resolve())
    epochs = given.pop("epochs", stored.epochs)
    for name, value in {"family": model, **given}.items():
        if value != getattr(stored, name):
            raise UsageError(
                f"{run.folder} was begun with `{name}` {getattr(stored, name)}; "
                f"a resumed run cannot change it. Received: {value}."
            )
    if epochs < stored.epochs:
        raise UsageError(
            f"`epochs` must be at least {stored.epochs}, as {run.folder} was begun with. "
            f"Received: {epochs}."
        )
    return dataclasses.replace(stored, epochs=epochs)
