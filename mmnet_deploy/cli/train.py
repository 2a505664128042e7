"""`mmnet-deploy train`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import models
from mmnet_deploy.cli.console import FOLDER, progress, require_extra, say
from mmnet_deploy.errors import UsageError
from mmnet_deploy.run import Run, RunConfig, auto_batch_norm_momentum, check_config

DEFAULT_INPUT_SIZE = 256


@click.command()
@click.argument("model")
@click.option("--data", required=True, metavar="DIR", type=FOLDER, help="Data set.")
@click.option("--out", "run_folder", required=True, metavar="RUN", type=FOLDER, help="Run folder.")
@click.option("--width-multiplier", type=float, help="Default: 1.0 if the family has any.")
@click.option("--input-size", type=int, help="Height and width in pixels. Default: 256.")
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
@click.option(
    "--initial-weights",
    metavar="FILE",
    type=FOLDER,
    help="Begin with the weights of a .keras, .h5 or .weights.h5 file, by layer name and shape.",
)
@click.option("--seed", default=0, show_default=True, help="The same seed, the same training.")
@click.option("--resume", is_flag=True, help="Go on after the last whole epoch of RUN.")
@click.pass_context
def train(ctx: click.Context, model: str, run_folder: Path, resume: bool, **options: Any) -> None:
    """Train MODEL on a data set into a run folder.

    MODEL is a family, such as mmnet, or an operating point, such as mmnet-1.0-256, which
    says width multiplier and input size as well; `mmnet-deploy models` lists them.

    RUN holds the best and the last network, a log, TensorBoard events and what is
    needed to resume. Ctrl-C leaves it as it was after the last whole epoch.

    \b
    Examples:
      mmnet-deploy train mmnet-1.0-256 --data portraits --out runs/a
      mmnet-deploy train md16 --width-multiplier 0.5 --input-size 256 \\
          --initial-weights mobilenet_v2.keras --data portraits --out runs/b
    """
    require_extra("train")
    run = Run(run_folder)
    model = _named(ctx, model, options)
    weights = options["initial_weights"]
    options["initial_weights"] = str(weights.resolve()) if weights else ""
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


def _named(ctx: click.Context, model: str, options: dict[str, Any]) -> str:
    """The family of MODEL; the numbers of an operating point go into the options.

    Raises:
        UsageError: There is none of that name, or an option says otherwise than the name.
    """
    try:
        member = models.member(model)
        facts = models.family(member.family)
    except models.ModelError as error:
        raise UsageError(str(error)) from error
    defaults = {
        "width_multiplier": 1.0 if facts.width_multipliers else None,
        "input_size": DEFAULT_INPUT_SIZE,
    }
    for name, default in defaults.items():
        said = getattr(member, name)
        if said is not None and options[name] not in (None, said):
            raise UsageError(
                f"`{name}` must be {said}, as {model} says, or left out. Received: {options[name]}."
            )
        if said is not None:
            ctx.set_parameter_source(name, ParameterSource.COMMANDLINE)
        if options[name] is None:
            options[name] = default if said is None else said
    return member.family


def _new(model: str, options: dict[str, Any]) -> RunConfig:
    """The configuration that the options describe, defaults filled in."""
    from mmnet_deploy import data

    # What does not depend on the data is checked before it is looked at.
    assumed = {"steps_per_epoch": 1, "batch_norm_momentum": 0.9}
    empty = {name: value for name, value in assumed.items() if options[name] is None}
    check_config(RunConfig(family=model, **(options | empty)))
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
