"""The options of `bench` that choose the engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mmnet_deploy.errors import UsageError


class _Engine(click.Path):
    """A path; an empty one, as of a variable that is not set, is not the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            raise UsageError(
                "`--engine-binary` must be a path: leave the option out for the official engine. "
                "Received: an empty one."
            )
        return super().convert(value, param, ctx)


_OPTIONS = (
    click.option(
        "--engine-binary",
        type=_Engine(path_type=Path),
        metavar="PATH",
        help="Path of the benchmark_model binary for the phone, of a folder with one and its "
        "libraries, or of a tflbench folder. [MMNET_BENCHMARK_MODEL] Default: the official "
        "engine, which is downloaded once.",
    ),
    click.option(
        "--engine-version",
        metavar="VERSION",
        help="Version of the official engine, such as 2.3.0, or nightly. Default: that of the "
        "installed runtime.",
    ),
    click.option(
        # Eager: models that are named by what they are called are read after it.
        "--offline",
        is_flag=True,
        is_eager=True,
        help="Download nothing; take engines and published networks from the cache.",
    ),
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which engine; see `api.latency.engine_choice`."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command
