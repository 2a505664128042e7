"""The arguments and options with which commands take networks and models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli.console import progress, say
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import UsageError
from mmnet_deploy.runs import pretrained

if TYPE_CHECKING:
    from mmnet_deploy.portraits.output import Meaning


def named_network(word: str, *, offline: bool = False) -> Path | None:
    """The path of `pretrained:NAME` or `mediapipe:NAME`; None for any other word.

    A published network that is not in the cache is downloaded.

    Raises:
        UsageError: There is no network of that name.
        DownloadError, OutputError: It cannot be downloaded, or not be kept.
    """
    if word.startswith(pretrained.PREFIX):
        return pretrained.run_folder(word.removeprefix(pretrained.PREFIX))
    if word.startswith(published.PREFIX):
        network = published.named(word.removeprefix(published.PREFIX))
        return published.have(network, offline=offline, progress=progress, tell=say)
    return None


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
                if value.startswith(pretrained.PREFIX) and not self._runs:
                    raise UsageError(
                        f"This must be a .tflite file. Received: {value}, a run; convert it with "
                        f"`mmnet-deploy convert {value} -o DIR`."
                    )
                # An option that is eager has been read before any model.
                offline = bool(ctx and ctx.params.get("offline"))
                path = named_network(value, offline=offline)
            except UsageError as error:
                self.fail(str(error), param, ctx)
            if path is not None:
                return path
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
        "--threads", type=int, help="Number of threads for a .tflite file. Default: all cores."
    )
    return threads(network_options(command))


def meaning_of(options: dict[str, Any]) -> Meaning:
    """Take the values of `network_options` but `unsafe` out of a command's.

    Raises:
        UsageError: One is impossible.
    """
    from mmnet_deploy.portraits.output import Meaning

    size = options.pop("output_size")
    return Meaning(
        output=options.pop("output"),
        alpha_channel=options.pop("alpha_channel"),
        output_size=None if size is None else _size(size),
        input_range=options.pop("input_range"),
    )


def opening_of(options: dict[str, Any]) -> dict[str, Any]:
    """Take the values of `model_options` out of a command's: arguments of `open_model`.

    Raises:
        UsageError: One is impossible.
    """
    kept = {name: options.pop(name) for name in ("threads", "unsafe")}
    return {"meaning": meaning_of(options), **kept}


def check_models(models: Sequence[Path], threads: int | None) -> None:
    """Make sure that there are models for the options.

    Raises:
        UsageError: There are none.
    """
    from mmnet_deploy.tflite.card import is_tflite

    if threads is not None and not any(map(is_tflite, models)):
        raise UsageError(
            f"`--threads` is for .tflite files; Keras and TensorFlow use all cores. "
            f"Received: {threads}."
        )


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.lower().partition("x")
    if height.isdecimal() and width.isdecimal() and len(text) < 12:
        size = int(height), int(width)
        if min(size) >= 1:
            return size
    raise UsageError(f"`--output-size` must be HEIGHTxWIDTH in pixels. Received: {text}.")
