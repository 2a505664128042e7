"""Commands of several models: one that cannot be used does not take the others along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from mmnet_deploy.cli.console import say
from mmnet_deploy.errors import MissingDependencyError, ModelFileError

T = TypeVar("T")


def each_usable(
    models: Sequence[Path], use: Callable[[Path], T], *, all_needed: bool = False
) -> list[tuple[Path, T]]:
    """The models that can be used, each with what `use` made of it.

    Each other one is a line on standard error; the command goes on, and exits with 1 at its end.

    Args:
        use: Raises ModelFileError where a model cannot be used, or MissingDependencyError where
            it needs what is not installed.
        all_needed: Whether the command is pointless without any one of them.

    Raises:
        ModelFileError, MissingDependencyError: The only model, or one where all are needed,
            cannot be used.
        Exit: None of several models can be used.
    """
    done: list[tuple[Path, T]] = []
    for path in models:
        try:
            done.append((path, use(path)))
        except (ModelFileError, MissingDependencyError) as error:
            if all_needed or len(models) == 1:
                raise
            say(f"Error: {' '.join(str(error).split())}")
    if models and not done:
        raise click.exceptions.Exit(1)
    return done
