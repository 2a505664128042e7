"""What a training cannot be, whatever says so: the command line, a stored run or a program."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

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
    # The auxiliary head trains no matte.
    check_terms(config, (name for name in config.loss_weights if name != "auxiliary"))
    _check_sources(config)
    _check_shares(config)
    for name in ("init_include", "init_exclude"):
        try:
            re.compile(getattr(config, name))
        except re.error as error:
            raise UsageError(
                f"`{name}` must be a regular expression ({error}). "
                f"Received: {getattr(config, name)}."
            ) from error


def check_terms(config: RunConfig, terms: Iterable[str], about: str = "") -> None:
    """Refuse a training, or a stage of one, that has nothing to minimise.

    Args:
        terms: What it minimises. A single one has the same weight throughout; see `losses.Weights`.
        about: What they train, for the message.

    Raises:
        UsageError: All of these terms have the weight 0, be it at one moment only.
    """
    terms = list(terms)
    names = [f"`loss_{name}`" for name in terms]
    weights = [weight for name in terms for weight in config.loss_weights[name]]
    if not any(weights):
        subject = names[0] if len(names) == 1 else f"One of {', '.join(names)}"
        raise UsageError(f"{subject} must be above 0{about}. Received: 0.")
    share = config.weightless_at(terms)
    if share is not None and len(names) > 1:
        when = f"after {100 * share:.3g} % of the training" if share else "at the first step"
        raise UsageError(
            f"One of {', '.join(names)} must be above 0 at every moment{about}. "
            f"Received: all are 0 {when}."
        )


_SHARED_BY = {
    "unlabelled_share": ("teacher", "unlabelled", "data"),
    "teacher_weight": ("teacher", "unlabelled", "data"),
    "teacher_on_labelled": ("teacher", "data"),
}
"""The fields that share a training out between two sources, and the options that give these."""


def _check_shares(config: RunConfig) -> None:
    """Refuse a share of what is not there.

    Raises:
        UsageError: A recipe shares a training out, and there is one source of truth only.
    """
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        options = _SHARED_BY.get(field.name, ())
        missing = [f"`--{name}`" for name in options if not getattr(config, name)]
        if missing and value != field.default:
            raise UsageError(
                f"`{field.name}` needs {' and '.join(missing)}: it is for a training on masks and "
                f"on a teacher's mattes. Received: {value:g}, without."
            )


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
