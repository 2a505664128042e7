"""Mattes of pictures that have no truth: one, or a folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mmnet_deploy.errors import DataError
from mmnet_deploy.files import locked, write_bytes
from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.portraits.decoding import EXTENSIONS
from mmnet_deploy.prediction.painting import Painter
from mmnet_deploy.progress import Progress, silent


def predict_picture(model: Matting, source: Path, target: Path, painter: Painter) -> Path:
    """Save what the painter makes of a picture as PNG.

    Raises:
        DataError: The picture cannot be read.
        OutputError: The file cannot be written.
    """
    image = pictures.read_image(source)
    return write_bytes(target, pictures.as_png(painter.paint(image, model.matte(image))))


def predict_folder(
    model: Matting, source: Path, target: Path, painter: Painter, progress: Progress = silent
) -> int:
    """Save what the painter makes of every picture in a folder as TARGET/NAME.png.

    Those that `pictures.left_out` names are left out.

    Returns:
        How many there were.

    Raises:
        DataError: The folder holds no picture, or one cannot be read.
        OutputError: The folder cannot be written, or another process writes there.
    """
    paths = pictures.pictures_in(source)
    if not paths:
        raise DataError(f"{source} holds no picture: {', '.join(EXTENSIONS)}.")
    stems = Counter(dataset.stem_of(path) for path in paths)
    twice = sorted(stem for stem, count in stems.items() if count > 1)
    if twice:
        raise DataError(f"{source} holds several pictures of the stem {twice[0]}.")
    # Two models' mattes of one picture have the same name.
    with locked(target), progress(f"Matting {source.name}", len(paths)) as advance:
        for path in paths:
            predict_picture(model, path, target / f"{path.stem}.png", painter)
            advance()
    return len(paths)
