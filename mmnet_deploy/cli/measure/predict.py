"""`mmnet-deploy predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mmnet_deploy.cli.console import FOLDER, progress, say
from mmnet_deploy.cli.model_options import NETWORK, check_models, model_options, opening_of
from mmnet_deploy.errors import DataError, UsageError


@click.command()
@click.argument("model", metavar="RUN|MODEL", type=NETWORK)
@click.argument("source", metavar="IMAGE|FOLDER|VIDEO", type=FOLDER)
@click.option(
    "-o", "--out", "target", metavar="PATH", type=FOLDER,
    help="Where to write: a .png for a picture, a folder for a folder, a .mp4 for a video. "
    "Default: NAME-KIND here, such as portrait-matte.png, if there is nothing of that name.",
)  # fmt: skip
@click.option(
    "--kind",
    default="matte",
    show_default=True,
    help="What to write: matte, mask (alpha at least 0.5), under-matte (over black), side-by-side, "
    "cut-out (transparent), background (on another background).",
)
@click.option(
    "--background",
    metavar="IMAGE|#RRGGBB",
    help="Picture or colour behind the person, for --kind background.",
)
@model_options
def predict(
    model: Path,
    source: Path,
    target: Path | None,
    kind: str,
    background: str | None,
    **options: Any,
) -> None:
    """Compute mattes of pictures or a video: alone, cut out, or on another background.

    \b
    Examples:
      mmnet-deploy predict mediapipe:selfie portrait.jpg
      mmnet-deploy predict a.tflite portrait.jpg -o matte.png
      mmnet-deploy predict a.tflite photographs --kind cut-out -o cut
      mmnet-deploy predict a.tflite call.mp4 --kind background --background '#00b140' -o green.mp4
    """
    from mmnet_deploy.cli.data_options import say_left_out
    from mmnet_deploy.files import check_folder
    from mmnet_deploy.mattes.matting import open_model
    from mmnet_deploy.portraits import dataset, pictures
    from mmnet_deploy.prediction import painting, photographs
    from mmnet_deploy.prediction.video import video

    if not source.exists():
        raise DataError(f"There is no file or folder {source}.")
    is_video = source.suffix.lower() in video.VIDEOS and source.is_file()
    suffix = None if source.is_dir() else ".mp4" if is_video else ".png"
    if target is None:
        target = _free_target(source, kind, suffix or "")
    if suffix and target.suffix != suffix:
        raise UsageError(f"`--out` must end in {suffix} for {source.name}. Received: {target}.")
    check_folder(target.parent if suffix else target)
    _require_other(target, source, "source")
    if background is not None and painting.colour(background) is None:
        _require_other(target, Path(background), "background")
    if target.exists():
        dataset.require_apart("--out", target.parent if suffix else target)
    if suffix:
        target.parent.mkdir(parents=True, exist_ok=True)
    painter = painting.Painter(kind, background)
    opening = opening_of(options)
    check_models([model], opening["threads"])
    opened = open_model(model, **opening)
    if opened.note:
        say(opened.note)
    if source.is_dir():
        say_left_out(pictures.left_out(source), source)
        count = photographs.predict_folder(opened, source, target, painter, progress)
        say(f"{count} picture{'s' * (count > 1)} in {target}.")
    elif is_video:
        count = video.predict_video(opened, source, target, painter, progress)
        say(f"{count} frame{'s' * (count > 1)}, without sound, in {target}.")
    else:
        photographs.predict_picture(opened, source, target, painter)
        say(f"{target} is written.")


def _free_target(source: Path, kind: str, suffix: str) -> Path:
    """Where to write if the user does not say: in the current folder, over nothing.

    Raises:
        UsageError: There is no such kind, or something has that name.
    """
    from mmnet_deploy.prediction import painting

    painting.check_kind(kind)
    stem = source.stem if suffix else source.resolve().name
    target = Path(f"{stem}-{kind}{suffix}")
    if target.exists():
        raise UsageError(f"{target} is there already: say with `--out PATH` where to write.")
    return target


def _require_other(target: Path, read: Path, what: str) -> None:
    if target.exists() and target.resolve() == read.resolve():
        raise UsageError(f"`--out` must be another path than the {what}. Received: {target}.")
