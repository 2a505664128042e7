"""Options of several commands: what masks mean, where results go; and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmnet_deploy.api.stored import MOST_SKIPPED
from mmnet_deploy.cli.console import FOLDER, say

if TYPE_CHECKING:
    from mmnet_deploy.portraits.problems import Problem

RESULTS_FOLDER = click.option(
    "-o",
    "--out",
    "folder",
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


def say_left_out(problems: Sequence[Problem], where: Path) -> None:
    """Name the pictures of a folder that are left out, if there are any."""
    for problem in problems[:MOST_SKIPPED]:
        say(str(problem))
    if len(problems) > MOST_SKIPPED:
        say(f"{len(problems) - MOST_SKIPPED} more pictures in {where} are left out.")
