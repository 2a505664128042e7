"""The configuration of a training that the command line of `train` describes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import models
from mmnet_deploy.cli.model_options import meaning_of, named_network
from mmnet_deploy.cli.produce.teacher_options import found_again
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import UsageError
from mmnet_deploy.runs import recipe_file
from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.runs.rules import check_config
from mmnet_deploy.runs.run import Run, RunConfig, auto_batch_norm_momentum
from mmnet_deploy.tflite.card import is_tflite

DEFAULT_INPUT_SIZE = 256

FINE_TUNE = "fine-tune"
"""The recipe for what begins with a network that is already trained."""

OFTEN_SET = {
    "epochs": "Number of epochs; the network is validated and stored after each.",
    "steps_per_epoch": "Steps of an epoch. Default: as many as show every picture once.",
    "batch_size": "Number of pictures per step.",
    "learning_rate": "Highest learning rate of the schedule.",
    "schedule": "Course of the learning rate: cosine, piecewise or fixed.",
    "weight_decay": "Factor of the L2 penalty on convolution kernels.",
    "batch_norm_momentum": "Decay of the batch-norm statistics. Default: they span a hundredth of "
    "the training, or as many steps as the average of the weights (ema_decay).",
    "validation_share": "Share of the pictures that is held out to choose the best epoch.",
    "seed": "Seed of everything random: the same seed gives the same training.",
}
"""The fields of a recipe that have options of their own; `--set` takes them all."""


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each field in `OFTEN_SET`, None where it is not given."""
    defaults = Recipe()
    for name, text in reversed(OFTEN_SET.items()):
        default = getattr(defaults, name)
        kind = {int: int, str: str}.get(type(default), float)
        kind = int if name == "steps_per_epoch" else kind
        shown = "" if default is None else f"  [default: {default}]"
        option = click.option(f"--{name.replace('_', '-')}", type=kind, help=text + shown)
        command = option(command)
    return command


_OF_A_FILE = ("output", "alpha_channel", "output_size", "input_range")
"""The options that say what the output and the input of a `.tflite` file are."""


def is_file(model: str) -> bool:
    """Whether MODEL is a `.tflite` file to begin with, or the name of a published one."""
    return model.startswith(published.PREFIX) or is_tflite(Path(model))


def imported(ctx: click.Context, model: str, options: dict[str, Any]) -> str:
    """The name of the network that a file holds; what is known of it goes into the options.

    Raises:
        ModelFileError: It cannot be imported.
        UsageError: An option contradicts it.
    """
    from mmnet_deploy.networks.imported import network

    meaning = meaning_of(options)
    options |= dataclasses.asdict(meaning)
    path = named_network(model) or Path(model)
    source = network.describe(path)
    height, width = source.size
    if options["width_multiplier"] is not None:
        raise UsageError(
            f"`width_multiplier` must be left out: {path} has its own width. "
            f"Received: {options['width_multiplier']}."
        )
    if options["input_size"] not in (None, height) or (options["input_size"] and height != width):
        raise UsageError(
            f"`input_size` must be left out: {path} takes {height}×{width}. "
            f"Received: {options['input_size']}."
        )
    options |= {
        "input_size": height,
        "input_width": None if height == width else width,
        "imported_from": str(path.resolve()),
        "imported_sha256": source.sha256,
    }
    ctx.set_parameter_source("imported_sha256", ParameterSource.COMMANDLINE)
    return source.name


def named(ctx: click.Context, model: str, options: dict[str, Any]) -> str:
    """The family of MODEL; the numbers of an operating point go into the options.

    Raises:
        UsageError: There is none of that name, or an option contradicts the name.
    """
    for name in _OF_A_FILE:
        if options.pop(name) is not None:
            raise UsageError(
                f"`--{name.replace('_', '-')}` is for a .tflite file, and {model} is the name of a "
                "network: leave the option out."
            )
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


def given_options(
    ctx: click.Context, recipe: str, settings: tuple[str, ...], options: dict[str, Any]
) -> dict[str, Any]:
    """What the command line says of the training; options override --set, and that the recipe.

    The recipe's fields are taken out of `options`.
    """
    own = {name: options.pop(name) for name in OFTEN_SET}
    return {
        **recipe_file.read(recipe),
        **dict(map(recipe_file.override, settings)),
        **{name: value for name, value in own.items() if value is not None},
        **{
            name: value
            for name, value in options.items()
            if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        },
    }


def new_config(model: str, given: dict[str, Any], options: dict[str, Any]) -> RunConfig:
    """The configuration that the command line describes, defaults filled in."""
    settings = {"family": model, **options, **given}
    # What does not depend on the data is checked before it is looked at.
    assumed = {"steps_per_epoch": 1, "batch_norm_momentum": 0.9}
    config = RunConfig(**(assumed | settings))
    check_config(config)
    if "steps_per_epoch" not in settings:
        from mmnet_deploy import training

        settings["steps_per_epoch"] = -(-training.pictures_per_pass(config) // config.batch_size)
    if "batch_norm_momentum" not in settings:
        steps = settings["steps_per_epoch"] * config.epochs
        settings["batch_norm_momentum"] = auto_batch_norm_momentum(
            steps, settings.get("ema_decay", 0.0)
        )
    return RunConfig(**(settings | {"data": _absolute(config.data)}))


def _absolute(folder: str) -> str:
    return str(Path(folder).resolve()) if folder else ""


def _as_in_a_recipe(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def resumed_config(run: Run, model: str, given: dict[str, Any]) -> RunConfig:
    """The stored configuration; options given again must agree, but for more epochs.

    Raises:
        UsageError: An option contradicts the run.
    """
    if not run.exists:
        raise UsageError(
            f"`--resume` goes on with a run, and {run.folder} holds none. Leave it out to begin "
            "one there."
        )
    stored = run.read_config()
    epochs = given.pop("epochs", stored.epochs)
    if "data" in given:
        given["data"] = _absolute(given["data"])
    teacher = given.pop("teacher", "")
    if teacher and not stored.teacher:
        raise UsageError(
            f"{run.folder} was begun without a teacher; a resumed run cannot change that. "
            f"Received: {teacher}."
        )
    for name, value in {"family": model, **given}.items():
        before = getattr(stored, name)
        if value != before:
            value, before = map(_as_in_a_recipe, (value, before))
            told = f"`{name}` {before}" if before != "" else f"no `{name}`"
            raise UsageError(
                f"{run.folder} was begun with {told}; a resumed run cannot change it. "
                f"Received: {value}."
            )
    if epochs < stored.epochs:
        raise UsageError(
            f"`epochs` must be at least {stored.epochs}, as {run.folder} was begun with. "
            f"Received: {epochs}."
        )
    # The same teacher may lie elsewhere by now; its hash decides.
    return dataclasses.replace(stored, epochs=epochs, teacher=teacher or found_again(stored))
