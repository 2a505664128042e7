"""The arguments and options with which commands take networks and models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mmnet_deploy.errors import UsageError
from mmnet_deploy.runs import pretrained


class _Network(click.Path):
    """A path, or `pretrained:NAME` for the folder of a bundled network."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and value.startswith(pretrained.PREFIX):
            try:
                return pretrained.run_folder(value.removeprefix(pretrained.PREFIX))
            except UsageError as error:
                self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx)


NETWORK = _Network(path_type=Path)
"""A run or a file with a network; as `FOLDER`."""


def network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of the commands that load networks from elsewhere; see `network.load`."""
    for option in (
        click.option(
            "--unsafe",
            is_flag=True,
            help="Load a network file even if it contains code, which can do anything: only from "
            "a source that you trust.",
        ),
        click.option(
            "--input-range",
            nargs=2,
            type=float,
            default=(0.0, 1.0),
            show_default=True,
            help="Values that a network expects for black and white; not needed for a .tflite "
            "file.",
        ),
        click.option(
            "--alpha-channel",
            type=int,
            help="Output channel of a network that holds alpha. Default: the last, of at most two.",
        ),
    ):
        command = option(command)
    return command


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of the commands that open any model; see `opening_of`."""
    threads = click.option(
        "--threads", type=int, help="Number of threads for a .tflite file. Default: all cores."
    )
    return threads(network_options(command))


def opening_of(options: dict[str, Any]) -> dict[str, Any]:
    """Take the values of `model_options` out of a command's: arguments of `open_model`."""
    names = ("threads", "alpha_channel", "input_range", "unsafe")
    return {name: options.pop(name) for name in names}
