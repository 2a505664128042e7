"""`mmnet-deploy train`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click

from mmnet_deploy.cli import signals
from mmnet_deploy.cli.console import FOLDER, progress, say
from mmnet_deploy.cli.data_options import MASK_VALUES, say_left_out
from mmnet_deploy.cli.model_options import NETWORK, meaning_options
from mmnet_deploy.cli.produce.teacher_options import taught, teacher_options
from mmnet_deploy.cli.produce.training_config import (
    FINE_TUNE,
    given_options,
    imported,
    is_file,
    named,
    new_config,
    recipe_options,
    resumed_config,
)
from mmnet_deploy.downloads import cache as downloads
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.networks.backend import require_extra
from mmnet_deploy.runs import recipe_file
from mmnet_deploy.runs.recipe import field_names
from mmnet_deploy.runs.run import BEST_BY, Run, RunConfig


@click.command()
@click.argument("model")
@click.option(
    "--data",
    metavar="DIR",
    type=FOLDER,
    help="Folder of the data set. Needed unless --teacher and --unlabelled are given.",
)
@click.option(
    "--out", "run_folder", required=True, metavar="RUN", type=FOLDER, help="Run folder to write."
)
@click.option(
    "--width-multiplier",
    type=float,
    help="Width multiplier of the network. Default: 1.0 if the family has any.",
)
@click.option(
    "--input-size",
    type=int,
    help="Height and width of the network's input in pixels. Default: 256.",
)
@click.option(
    "--split",
    default="train",
    show_default=True,
    help="Splits to train on, joined by commas. PART/train is the split train of the data set in "
    "the folder PART of DIR.",
)
@MASK_VALUES
@click.option(
    "--recipe",
    help=f"How to train: {', '.join(recipe_file.shipped())}, or a .toml file. Options override its "
    f"fields. Default: {FINE_TUNE} for a .tflite file, else {recipe_file.DEFAULT}.",
)
@recipe_options
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help=f"Set any field of the recipe; repeatable. The fields: {', '.join(field_names())}.",
)
@click.option(
    "--backgrounds",
    metavar="DIR",
    type=FOLDER,
    help="Folder of pictures to put behind the portraits whose masks are soft.",
)
@click.option(
    "--init-from",
    "--initial-weights",
    "initial_weights",
    metavar="FILE|RUN",
    type=NETWORK,
    help="Begin with the weights of a run or of a .keras, .h5 or .weights.h5 file, matched by "
    "layer name and shape.",
)
@click.option(
    "--init-include",
    default="",
    metavar="REGEX",
    help="Take these weights only for layers whose name matches.",
)
@click.option(
    "--init-exclude",
    default="",
    metavar="REGEX",
    help="Do not take these weights for layers whose name matches.",
)
@click.option(
    "--memory-limit",
    default="4GB",
    show_default=True,
    metavar="SIZE",
    help="Memory for decoded pictures. If they need more, they are kept in files in --cache.",
)
@click.option(
    "--cache",
    metavar="DIR",
    type=FOLDER,
    help="Folder for these files, and for a teacher's mattes. Default: mmnet-deploy in "
    "$XDG_CACHE_HOME or ~/.cache, or what $MMNET_CACHE says.",
)
@teacher_options
@meaning_options
@click.option("--resume", is_flag=True, help="Continue after the last whole epoch of RUN.")
@click.pass_context
def train(
    ctx: click.Context,
    model: str,
    run_folder: Path,
    resume: bool,
    recipe: str | None,
    settings: tuple[str, ...],
    memory_limit: str,
    cache: Path | None,
    **options: Any,
) -> None:
    """Train MODEL on a data set, or on a teacher's mattes, into a run folder.

    MODEL is a family, such as mmnet, or an operating point, such as mmnet-1.0-256, which
    includes the width multiplier and the input size; `mmnet-deploy models` lists them. Or it is
    a .tflite file of float32 or float16, or the name of a published one, such as
    mediapipe:selfie, whose network is trained further.

    RUN receives the best and the last network, a log, TensorBoard events, and the state to
    resume from. Ctrl-C, SIGTERM and SIGHUP leave it as it was after the last whole epoch.

    \b
    Examples:
      mmnet-deploy train mmnet-1.0-256 --data portraits --out runs/a
      mmnet-deploy train mmnet-1.0-256 --recipe modern --set ema_decay=0.999 \\
          --data portraits --split train,extra --backgrounds photos --out runs/b
      mmnet-deploy train md16 --width-multiplier 0.5 --input-size 256 \\
          --init-from mobilenet_v2.keras --data portraits --out runs/c
      mmnet-deploy train mediapipe:selfie --data portraits --out runs/d
      mmnet-deploy train mmnet-1.0-256 --teacher mediapipe:selfie --unlabelled photos \\
          --data portraits --out runs/e
    """
    require_extra("`mmnet-deploy train`")
    from mmnet_deploy.portraits.masks import parse_mask_values

    run = Run(run_folder)
    is_imported = is_file(model)
    model = (imported if is_imported else named)(ctx, model, options)
    # A resumed run has its own recipe; what is said again must agree with it, and nothing is said.
    begins_with_file = is_imported and not resume
    recipe = recipe or (FINE_TUNE if begins_with_file else recipe_file.DEFAULT)
    limit = _bytes(memory_limit)
    taught(options, resume=resume)
    for name in ("backgrounds", "initial_weights"):
        options[name] = str(options[name].resolve()) if options[name] else ""
    # As it was given, for messages, until it is stored.
    options["data"] = str(options["data"] or "")
    options["mask_values"] = str(parse_mask_values(options["mask_values"]) or "")
    given = given_options(ctx, recipe, settings, options)
    for name in ("split", "mask_values"):
        if name in given and not options["data"] and not resume:
            raise UsageError(f"`--{name.replace('_', '-')}` needs `--data`, a data set with masks.")
    config = resumed_config(run, model, given) if resume else new_config(model, given, options)
    from mmnet_deploy import training
    from mmnet_deploy.portraits import pictures
    from mmnet_deploy.training.pictures import decoded

    for folder in map(Path, filter(None, (config.backgrounds, config.unlabelled))):
        say_left_out(pictures.left_out(folder), folder)

    store = decoded.PictureStore(cache or downloads.folder(), limit)
    with signals.keeping(lambda: _kept(run, config)):
        training.train(config, run_folder, resume=resume, store=store, progress=progress)
    rows = run.read_log()
    if not rows:  # One of several workers, and the one that writes has not yet.
        return
    done = f"Trained {_epochs(len(rows))} into {run_folder}."
    best = run.best_row(BEST_BY.removeprefix("val_"))
    if best is None:
        say(f"{done} No epoch is the best: the validation MAD of none is a number.")
        return
    height, width = config.picture_size
    truth = "" if config.data else f", against the mattes of {run.read_config().teacher_name}"
    say(
        f"{done} Best: epoch {best['epoch']:.0f}, "
        f"validation MAD {best['val_mad']:.4f} at {height}×{width}{truth}, "
        f"gradient error {best['val_gradient_error'] * 1000:.2f} ×10⁻³, "
        f"mean IoU {best['val_mean_iou']:.3f}."
    )
    say(f"Next: mmnet-deploy convert {shlex.quote(str(run_folder))} --precision int8 -o models")


def _epochs(count: int, kind: str = "") -> str:
    return f"{count} {kind}epoch{'s' * (count != 1)}"


def _finished_epochs(run: Run) -> int:
    """Rows of the log; none if it is not there or damaged."""
    try:
        return len(run.read_log())
    except ModelFileError:
        return 0


def _kept(run: Run, config: RunConfig) -> str:
    """What an interrupted training leaves."""
    if not run.exists and config.teacher:
        return "No run was written; the mattes of the teacher so far are kept for the same command."
    if not run.exists:
        return "Nothing was written."
    finished = _epochs(_finished_epochs(run), "whole ")
    return f"{run.folder} holds {finished}. Continue with the same command and --resume."


def _bytes(text: str) -> int:
    """A size such as 500MB as a number of bytes.

    Raises:
        UsageError: It is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kMGT]?)B", text.strip())
    if not found:
        raise UsageError(f"`memory_limit` must be a size such as 500MB or 4GB. Received: {text}.")
    return int(float(found[1]) * 1000 ** " kMGT".index(found[2] or " "))
