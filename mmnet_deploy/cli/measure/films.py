"""What `mmnet-deploy predict` does with a video or a camera."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli import signals
from mmnet_deploy.cli.console import progress, say
from mmnet_deploy.cli.model_options import check_models
from mmnet_deploy.errors import UsageError

if TYPE_CHECKING:
    from mmnet_deploy.prediction.backgrounds import Background
    from mmnet_deploy.prediction.painting import Painter
    from mmnet_deploy.prediction.video.video import Reader


def is_camera(source: Path) -> bool:
    """Whether a source is `camera:NUMBER`.

    Raises:
        UsageError: It begins so and has no number.
    """
    from mmnet_deploy.prediction.video import camera

    return camera.number_of(source) is not None


def is_video(source: Path) -> bool:
    """Whether a source is taken for a video."""
    from mmnet_deploy.prediction.video.reader import VIDEOS

    return source.suffix.lower() in VIDEOS and source.is_file()


def background(text: str) -> Background:
    """The background that a user named, also a video, which is open until the command ends.

    Raises:
        UsageError: It looks like a colour and is none.
        DataError: It cannot be read.
        MissingDependencyError: It is a video, and PyAV is not installed.
    """
    from mmnet_deploy.prediction import backgrounds
    from mmnet_deploy.prediction.video import film

    if not is_video(Path(text)):
        return backgrounds.background(text)
    return click.get_current_context().with_resource(film.opened(Path(text), say))


def check(target: Path | None, kind: str, seconds: float | None) -> None:
    """Make sure that what was asked for can be made, before anything long begins.

    Raises:
        UsageError: It cannot.
        MissingDependencyError: PyAV is not installed.
    """
    from mmnet_deploy.prediction.painting import check_kind
    from mmnet_deploy.prediction.video import library, video

    library.pyav()
    check_kind(kind)
    if target is not None:
        video.check_target(target, kind)
    if seconds is not None and not (0 < seconds < math.inf):
        raise UsageError(f"`--seconds` must be above 0. Received: {seconds:g}.")


def suffix_of(target: Path | None, kind: str) -> str:
    """The suffix of what is written; empty for a folder."""
    from mmnet_deploy.prediction.video import video

    return video.suffix_for(kind) if target is None else target.suffix


def predict(
    model: Path,
    opening: dict[str, Any],
    source: Path,
    target: Path,
    painter: Painter,
    smooth: bool | None,
    seconds: float | None,
) -> None:
    """Write what the painter makes of every frame, and say what was written.

    Raises:
        DataError: The video or camera cannot be read, or is damaged.
        OutputError: The target cannot be written.
        ModelFileError: The model cannot be used.
    """
    from mmnet_deploy.mattes.matting import open_model
    from mmnet_deploy.parallel import usable_cores
    from mmnet_deploy.prediction.video import video

    # The video first: whether it can be read is known sooner.
    with _opened(source) as reader:
        # The other cores decode, paint and encode meanwhile.
        if opening["threads"] is None:
            opening["threads"] = max(1, usable_cores() // 2)
        check_models([model], opening["threads"])
        opened = open_model(model, **opening)
        if opened.note:
            say(opened.note)
        options = video.Options(smooth is None or smooth, seconds)
        done = video.Progressed()
        with signals.keeping(lambda: f"{_frames(done.frames)} in {target}." if done.frames else ""):
            video.predict_video(opened, reader, target, painter, options, progress, say, done)
    say(f"{_frames(done.frames)} in {target}, {done.rate:.1f} frames/s.")


def _frames(count: int) -> str:
    return f"{count} frame{'s' * (count > 1)}"


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[Reader]:
    """A video or a camera, open."""
    from mmnet_deploy.prediction.video import camera, reader

    number = camera.number_of(source)
    if number is not None:
        with camera.opened(number) as taken:
            say("The camera runs until Ctrl-C, or as long as `--seconds` says.")
            yield taken
    else:
        with reader.opened(source) as film:
            yield film
