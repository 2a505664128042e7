"""How models are named: by a path, or by a name that stands for one."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmnet_deploy.errors import UsageError
from mmnet_deploy.progress import Progress, Tell, quiet, silent

if TYPE_CHECKING:
    from mmnet_deploy.portraits.output import Meaning
    from mmnet_deploy.portraits.problems import Problem

StrPath = str | os.PathLike[str]


def named_network(
    word: str, *, offline: bool = False, progress: Progress = silent, tell: Tell = quiet
) -> Path | None:
    """The path of `pretrained:NAME` or `mediapipe:NAME`; None for any other word.

    A published network that is not in the cache is downloaded.

    Raises:
        UsageError: There is no network of that name.
        DownloadError, OutputError: It cannot be downloaded, or not be kept.
    """
    from mmnet_deploy.downloads import published
    from mmnet_deploy.runs import pretrained

    if word.startswith(pretrained.PREFIX):
        return pretrained.run_folder(word.removeprefix(pretrained.PREFIX))
    if word.startswith(published.PREFIX):
        network = published.named(word.removeprefix(published.PREFIX))
        return published.have(network, offline=offline, progress=progress, tell=tell)
    return None


def network_name(path: Path) -> str:
    """What a path is called in messages: as the user names it, if it is a published network."""
    from mmnet_deploy.downloads import published

    return next((one.argument for one in published.NETWORKS if one.path == path), str(path))


def path_of(
    model: StrPath,
    *,
    runs: bool = True,
    offline: bool = False,
    progress: Progress = silent,
    tell: Tell = quiet,
) -> Path:
    """The path of a model that is given by its path or its name.

    Args:
        runs: Whether a run or another network will do, beside a `.tflite` file.

    Raises:
        UsageError: It is neither, or a name of a run where none will do.
        DownloadError, OutputError: See `named_network`.
    """
    from mmnet_deploy.runs import pretrained

    if not isinstance(model, (str, os.PathLike)) or not os.fspath(model):
        raise UsageError(
            "A model must be a path, or a name such as pretrained:mmnet-1.0-256 or "
            f"mediapipe:selfie. Received: {model!r:.80}."
        )
    if isinstance(model, str):
        if model.startswith(pretrained.PREFIX) and not runs:
            raise UsageError(
                f"This must be a .tflite file. Received: {model}, a run; convert it with "
                f"`mmnet-deploy convert {model} -o DIR`."
            )
        if path := named_network(model, offline=offline, progress=progress, tell=tell):
            return path
    return Path(model)


def paths_of(
    models: StrPath | Sequence[StrPath],
    *,
    runs: bool = True,
    offline: bool = False,
    progress: Progress = silent,
    tell: Tell = quiet,
) -> list[Path]:
    """The paths of one model or of several; see `path_of`."""
    several = [models] if isinstance(models, (str, os.PathLike)) else list(models)
    return [
        path_of(model, runs=runs, offline=offline, progress=progress, tell=tell)
        for model in several
    ]


def check_threads(models: Sequence[Path], threads: int | None) -> None:
    """Make sure that a number of threads is given for a `.tflite` file only.

    Raises:
        UsageError: There is none among the models.
    """
    from mmnet_deploy.tflite.card import is_tflite

    if threads is not None and not any(map(is_tflite, models)):
        raise UsageError(
            f"`--threads` is for .tflite files; Keras and TensorFlow use all cores. "
            f"Received: {threads}."
        )


def meaning_of(
    output: str | None,
    alpha_channel: int | None,
    output_size: str | tuple[int, int] | None,
    input_range: tuple[float, float] | None,
) -> Meaning:
    """What somebody says of a network's input and output.

    Args:
        output_size: Height and width in pixels, also as `HEIGHTxWIDTH`.

    Raises:
        UsageError: A value is impossible.
    """
    from mmnet_deploy.portraits.output import Meaning

    return Meaning(
        output,
        alpha_channel,
        None if output_size is None else _size(output_size),
        None if input_range is None else _range(input_range),
    )


def _range(values: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = map(float, values)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"`--input-range` must be two numbers, the lower first. Received: {values!r:.80}."
        ) from error
    return low, high


def _size(size: str | tuple[int, int]) -> tuple[int, int]:
    text = size if isinstance(size, str) else "x".join(map(str, size))
    height, _, width = text.lower().partition("x")
    if height.isdecimal() and width.isdecimal() and len(text) < 12:
        found = int(height), int(width)
        if min(found) >= 1:
            return found
    raise UsageError(f"`--output-size` must be HEIGHTxWIDTH in pixels. Received: {text}.")


def share_of(value: float | str, name: str) -> float:
    """`2%`, `0.02` or 0.02 as 0.02.

    Args:
        name: Of the parameter, for the message.

    Raises:
        UsageError: It is no share.
    """
    number, percent, rest = str(value).strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < math.inf or rest:
        raise UsageError(f"`{name}` must be a share such as 2% or 0.02. Received: {value}.")
    return share


MOST_LEFT_OUT = 20
"""Lines on pictures that are left out; the others are only counted."""


def tell_left_out(problems: Sequence[Problem], where: Path, tell: Tell) -> None:
    """Name the pictures of a folder that are left out, if there are any."""
    for problem in problems[:MOST_LEFT_OUT]:
        tell(str(problem))
    if len(problems) > MOST_LEFT_OUT:
        tell(f"{len(problems) - MOST_LEFT_OUT} more pictures in {where} are left out.")
