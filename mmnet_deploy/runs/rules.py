"""What a training cannot be, whatever says so: the command line, a stored run or a program."""

from __future__ import annotations

import dataclasses
import re

from mmnet_deploy.errors import UsageError
from mmnet_deploy.runs.recipe import problem
from mmnet_deploy.runs.run import RunConfig


def check_config(config: RunConfig) -> None:
    """Refuse settings that no training can have.

    Raises:
        UsageError: A number is out of its range.
    """
    for field in dataclasses.fields(config):
        said = problem(field, getattr(config, field.name))
        if said:
            raise UsageError(f"{said}.")
    if not any(config.loss_weights.values()):
        raise UsageError("One of the loss weights must be above 0. Received: 0 for all.")
    _check_sources(config)
    for name in ("init_include", "init_exclude"):
        try:
            re.compile(getattr(config, name))
        except re.error as error:
            raise UsageError(
                f"`{name}` must be a regular expression ({error}). "
                f"Received: {getattr(config, name)}."
            ) from error


def _check_sources(config: RunConfig) -> None:
    """Refuse a training without truth, and what the truth that there is has no use for.

    Raises:
        UsageError: Something is missing, or is for another kind of training.
    """
    if not config.teacher:
        if config.unlabelled:
            raise UsageError(
                "`--unlabelled` needs `--teacher`, a network whose mattes the pictures without "
                f"masks get. Received: {config.unlabelled} alone."
            )
        if config.teacher_on_labelled:
            raise UsageError(
                "`teacher_on_labelled` needs `--teacher`. "
                f"Received: {config.teacher_on_labelled:g} and no teacher."
            )
        if not config.data:
            raise UsageError(
                "`--data` must name a data set; without one, a training needs `--teacher` and "
                "`--unlabelled`, a folder of pictures without masks."
            )
        return
    if not config.data and not config.unlabelled:
        raise UsageError(
            "`--teacher` needs pictures to teach with: `--unlabelled`, a folder of pictures "
            "without masks, alone or beside `--data`."
        )
    if not config.unlabelled and not config.teacher_on_labelled:
        raise UsageError(
            "`--teacher` has nothing to teach where every picture has a mask: give "
            "`--unlabelled`, a folder of pictures without masks, or `--set "
            "teacher_on_labelled=SHARE` to learn its mattes beside the masks."
        )
    if config.data:
        return
    if config.backgrounds:
        raise UsageError(
            "`--backgrounds` needs `--data`: only portraits with masks are put before other "
            "backgrounds."
        )
    if config.imported_sha256 and config.teacher_sha256 == config.imported_sha256:
        raise UsageError(
            f"`--teacher` must be another network than the one that is trained: {config.family} "
            "has nothing to learn from its own mattes alone. Give `--data` too, or another teacher."
        )
