"""`mmnet-deploy predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mmnet_deploy.cli.console import FOLDER, progress, say
from mmnet_deploy.cli.data_options import upsample_option
from mmnet_deploy.cli.model_options import NETWORK, check_models, model_options, opening_of
from mmnet_deploy.errors import DataError, UsageError


@click.command()
@click.argument("model", metavar="RUN|MODEL", type=NETWORK)
@click.argument("source", metavar="IMAGE|FOLDER|VIDEO|camera:N", type=FOLDER)
@click.option(
    "-o", "--out", "target", metavar="PATH", type=FOLDER,
    help="Where to write: a .png for a picture, a folder for a folder; for a video, a .mp4, .mov "
    "or .webm, or a new folder for PNG files. "
    "Default: NAME-KIND here, such as portrait-matte.png, if there is nothing of that name.",
)  # fmt: skip
@click.option(
    "--kind",
    help="What to write: matte, mask (alpha at least 0.5), under-matte (over black), side-by-side, "
    "cut-out (transparent), background (on another background). Default: background if "
    "--background is given, else matte.",
)
@click.option(
    "--background",
    metavar="blur|#RRGGBB|FILE",
    help="What stands behind the person: the picture's own background, blurred, a colour, a "
    "picture, or a video, which begins again when it ends.",
)
@upsample_option("guided")
@click.option(
    "--smooth/--no-smooth",
    default=None,
    help="For a video: draw the matte towards the one before where nothing moves, so that it "
    "flickers less. By default, it is.",
)
@click.option(
    "--seconds",
    metavar="S",
    type=float,
    help="For a video or a camera: how much of it to take, from its beginning. Without it, a "
    "camera runs until Ctrl-C.",
)
@model_options
def predict(
    model: Path,
    source: Path,
    target: Path | None,
    kind: str | None,
    background: str | None,
    upsample: str,
    smooth: bool | None,
    seconds: float | None,
    **options: Any,
) -> None:
    """Compute mattes of pictures, a video or a camera: alone, cut out, or on another background.

    \b
    Examples:
      mmnet-deploy predict mediapipe:selfie portrait.jpg
      mmnet-deploy predict a.tflite portrait.jpg -o matte.png
      mmnet-deploy predict a.tflite photographs --kind cut-out -o cut
      mmnet-deploy predict a.tflite portrait.jpg --background blur
      mmnet-deploy predict a.tflite call.mp4 --background '#00b140' -o green.mp4
      mmnet-deploy predict a.tflite call.mp4 --kind cut-out -o call.webm
      mmnet-deploy predict a.tflite camera:0 --seconds 10 -o me.mp4
    """
    from mmnet_deploy.cli.data_options import say_left_out
    from mmnet_deploy.cli.measure import films
    from mmnet_deploy.files import check_folder
    from mmnet_deploy.mattes.matting import open_model
    from mmnet_deploy.portraits import dataset, pictures
    from mmnet_deploy.prediction import photographs
    from mmnet_deploy.prediction.painting import ON_BACKGROUND, Painter

    kind = kind or (ON_BACKGROUND if background else "matte")
    camera = films.is_camera(source)
    if not camera and not source.exists():
        raise DataError(f"There is no file or folder {source}.")
    is_video = camera or films.is_video(source)
    if not is_video and (smooth is not None or seconds is not None):
        option = "--seconds" if seconds is not None else "--smooth"
        raise UsageError(f"`{option}` is for videos and cameras. Received: {source}.")
    if is_video:
        films.check(target, kind, seconds)
        suffix = films.suffix_of(target, kind)
    else:
        suffix = "" if source.is_dir() else ".png"
    if target is None:
        target = _free_target(source, kind, suffix)
    if suffix and target.suffix != suffix:
        raise UsageError(f"`--out` must end in {suffix} for {source.name}. Received: {target}.")
    check_folder(target.parent if suffix else target)
    _require_other(target, source, "source")
    _require_other(target, model, "model")
    if source.is_dir() and target.resolve().is_relative_to(source.resolve()):
        raise UsageError(
            f"`--out` must be outside of the folder {source}, which is read. Received: {target}. "
            "Say with `--out PATH` where to write."
        )
    if background:
        _require_other(target, Path(background), "background")
    behind = None if background is None else films.background(background)
    painter = Painter(kind, behind, upsample)
    if target.exists():
        dataset.require_apart("--out", target.parent if suffix else target)
    if suffix:
        target.parent.mkdir(parents=True, exist_ok=True)
    opening = opening_of(options)
    if is_video:
        films.predict(model, opening, source, target, painter, smooth, seconds)
        return
    check_models([model], opening["threads"])
    opened = open_model(model, **opening)
    if opened.note:
        say(opened.note)
    if source.is_dir():
        say_left_out(pictures.left_out(source), source)
        if videos := sum(
            path.suffix != ".gif" and films.is_video(path) for path in source.iterdir()
        ):
            say(f"Videos in {source} are left out ({videos}): give them one by one.")
        done = photographs.predict_folder(opened, source, target, painter, progress)
        for problem in done.problems:
            say(str(problem))
        say(f"{_pictures(done.written)} in {target}.")
        if done.problems:
            say(f"{_pictures(len(done.problems))} could not be read, as said above.")
            click.get_current_context().exit(1)
    else:
        photographs.predict_picture(opened, source, target, painter)
        say(f"{target} is written.")


def _pictures(count: int) -> str:
    return f"{count} picture{'s' * (count != 1)}"


def _free_target(source: Path, kind: str, suffix: str) -> Path:
    """Where to write if the user does not say: in the current folder, over nothing.

    Raises:
        UsageError: There is no such kind, or something has that name.
    """
    from mmnet_deploy.prediction import painting

    painting.check_kind(kind)
    stem = source.resolve().name if source.is_dir() else source.stem.replace(":", "-")
    target = Path(f"{stem}-{kind}{suffix}")
    if target.exists():
        raise UsageError(f"{target} is there already: say with `--out PATH` where to write.")
    return target


def _require_other(target: Path, read: Path, what: str) -> None:
    if target.exists() and target.resolve() == read.resolve():
        raise UsageError(f"`--out` must be another path than the {what}. Received: {target}.")
