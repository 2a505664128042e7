"""The arguments and options with which commands take networks and models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.api import models
from mmnet_deploy.cli.console import progress, say
from mmnet_deploy.errors import UsageError

if TYPE_CHECKING:
    from mmnet_deploy.portraits.output import Meaning


def named_network(word: str, *, offline: bool = False) -> Path | None:
    """The path of `pretrained:NAME` or `mediapipe:NAME`; see `models.named_network`."""
    return models.named_network(word, offline=offline, progress=progress, tell=say)


MEANING = ("output", "alpha_channel", "output_size", "input_range")
"""The options that say what a network's input and output mean."""


class _Network(click.Path):
    """A path, or the name of a network that stands for its path; see `named_network`.

    Args:
        runs: Whether a run can be taken.
    """

    def __init__(self, *, runs: bool) -> None:
        super().__init__(path_type=Path)
        self._runs = runs

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and not (ctx and ctx.resilient_parsing):
            try:
                # An option that is eager has been read before any model.
                offline = bool(ctx and ctx.params.get("offline"))
                return models.path_of(
                    value, runs=self._runs, offline=offline, progress=progress, tell=say
                )
            except UsageError as error:
                self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx)


NETWORK = _Network(runs=True)
"""A run or a file with a network; as `FOLDER`."""

TFLITE = _Network(runs=False)
"""A `.tflite` file; as `FOLDER`."""


def network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of the commands that load networks from elsewhere; see `meaning_of`."""
    unsafe = click.option(
        "--unsafe",
        is_flag=True,
        help="Load a network file even if it contains code, which can do anything: only from "
        "a source that you trust.",
    )
    return meaning_options(unsafe(command))


def meaning_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a user says of a network's input and output; see `meaning_of`."""
    for option in (
        click.option(
            "--input-range",
            nargs=2,
            type=float,
            help="Values that a network expects for black and white, such as -1 1 or 0 255. "
            "Default: what the file says, else 0 1.",
        ),
        click.option(
            "--output-size",
            metavar="HEIGHTxWIDTH",
            help="Size of the matte in a flattened output. Default: that of the input.",
        ),
        click.option(
            "--alpha-channel",
            type=int,
            help="Output channel, or number of the class, that is alpha. Default: the last, of at "
            "most two.",
        ),
        click.option(
            "--output",
            help="What the network's output is: alpha, logit (a sigmoid is missing), softmax "
            "(logits of classes, one per channel), clipped (alpha to be cut off at 0 and 1), "
            "bytes (alpha of 0 to 255) or classes (their numbers). Default: what the file says, "
            "else alpha.",
        ),
    ):
        command = option(command)
    return command


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of the commands that open any model; see `opening_of`."""
    threads = click.option(
        "--threads",
        type=int,
        help="Threads for a .tflite file. Default: all cores; half of them for a video.",
    )
    return threads(network_options(command))


def meaning_of(options: dict[str, Any]) -> Meaning:
    """Take the values of `network_options` but `unsafe` out of a command's.

    Raises:
        UsageError: One is impossible.
    """
    return models.meaning_of(*(options.pop(name) for name in MEANING))


def opening_of(options: dict[str, Any]) -> dict[str, Any]:
    """Take the values of `model_options` out of a command's: arguments of `open_model`.

    Raises:
        UsageError: One is impossible.
    """
    kept = {name: options.pop(name) for name in ("threads", "unsafe")}
    return {"meaning": meaning_of(options), **kept}


def check_models(paths: Sequence[Path], threads: int | None) -> None:
    """Make sure that there are models for the options; see `models.check_threads`."""
    models.check_threads(paths, threads)
