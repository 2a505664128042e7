"""The arguments and options with which commands take networks and models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.errors import UsageError
from mmnet_deploy.runs import pretrained

if TYPE_CHECKING:
    from mmnet_deploy.portraits.output import Meaning


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
    """Options of the commands that load networks from elsewhere; see `meaning_of`."""
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
