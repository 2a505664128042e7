"""The options of `train` that name a teacher, and what a run says of the one it has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mmnet_deploy.cli.console import FOLDER
from mmnet_deploy.cli.model_options import NETWORK, meaning_of, named_network
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import UsageError
from mmnet_deploy.runs.run import RunConfig

_OF_ITS_ENDS = ("output", "alpha_channel", "output_size", "input_range")


def teacher_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for a teacher and the pictures without masks; see `taught`."""
    for option in (
        click.option(
            "--teacher-input-range",
            nargs=2,
            type=float,
            help="As --input-range, of the teacher.",
        ),
        click.option(
            "--teacher-output-size",
            metavar="HEIGHTxWIDTH",
            help="As --output-size, of the teacher.",
        ),
        click.option(
            "--teacher-alpha-channel", type=int, help="As --alpha-channel, of the teacher."
        ),
        click.option("--teacher-output", help="As --output, of the teacher."),
        click.option(
            "--unlabelled",
            metavar="DIR",
            type=FOLDER,
            help="Folder of pictures without masks, to learn the teacher's mattes of; beside "
            "--data or without it.",
        ),
        click.option(
            "--teacher",
            metavar="FILE.tflite|RUN",
            type=NETWORK,
            help="Network whose mattes are learned: a .tflite file, a run, or a name such as "
            "mediapipe:selfie.",
        ),
    ):
        command = option(command)
    return command


def taught(options: dict[str, Any], *, resume: bool) -> None:
    """Bring the values of `teacher_options` into the form that a run stores.

    Args:
        resume: Whether a run may have the teacher.

    Raises:
        UsageError: What is said of a teacher is impossible, or there is none.
    """
    said = {name: options.pop(f"teacher_{name}") for name in _OF_ITS_ENDS}
    try:
        meaning = meaning_of(dict(said))
    except UsageError as error:
        raise UsageError(str(error).replace("`--", "`--teacher-", 1)) from error
    given = next((name for name, value in said.items() if value is not None), None)
    if given and not options["teacher"] and not resume:
        raise UsageError(f"`--teacher-{given.replace('_', '-')}` needs `--teacher`.")
    for name in _OF_ITS_ENDS:
        options[f"teacher_{name}"] = getattr(meaning, name)
    for name in ("teacher", "unlabelled"):
        options[name] = str(options[name].resolve()) if options[name] else ""


def found_again(config: RunConfig) -> str:
    """The teacher of a resumed run; a published one is downloaded where it is no longer there."""
    if not config.teacher or Path(config.teacher).exists():
        return config.teacher
    if not config.teacher_name.startswith(published.PREFIX):
        return config.teacher
    return str(named_network(config.teacher_name))
