"""Options of several commands on pictures and results; and what of a folder is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.api.models import tell_left_out
from mmnet_deploy.cli.console import FOLDER, say

if TYPE_CHECKING:
    from mmnet_deploy.portraits.problems import Problem

RESULTS_FOLDER = click.option(
    "-o",
    "--out",
    default="results",
    show_default=True,
    metavar="DIR",
    type=FOLDER,
    help="Folder for the results.",
)

MASK_VALUES = click.option(
    "--mask-values",
    default="",
    metavar="BACKGROUND,FOREGROUND",
    help="What the values mean in masks of class numbers, such as 0,1 or 0+255,15; rest stands "
    "for all other values. Default: masks hold alpha, 0 to 255.",
)


def upsample_option(default: str) -> Callable[..., Any]:
    """`--upsample`, which the stage that uses it checks."""
    return click.option(
        "--upsample",
        default=default,
        show_default=True,
        metavar="guided|bilinear",
        help="How a matte is enlarged to its picture: guided by the picture's colours, so that "
        "edges lie where the picture has them, or bilinear.",
    )


def say_left_out(problems: Sequence[Problem], where: Path) -> None:
    """Name the pictures of a folder that are left out, if there are any."""
    tell_left_out(problems, where, say)
