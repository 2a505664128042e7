"""Mattes of photographs that have no truth: one, or a folder."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

from mmnet_deploy.errors import DataError
from mmnet_deploy.files import locked, write_bytes
from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.portraits.formats import endings
from mmnet_deploy.portraits.photograph import read_photograph
from mmnet_deploy.portraits.problems import PictureError, Problem
from mmnet_deploy.prediction.painting import Painter
from mmnet_deploy.progress import Progress, silent


def predict_picture(model: Matting, source: Path, target: Path, painter: Painter) -> Path:
    """Save what the painter makes of a photograph as PNG, in sRGB and without metadata.

    Raises:
        DataError: The photograph cannot be read.
        ModelFileError: The model does not run, or gives no matte.
        OutputError: The file cannot be written.
    """
    photograph = read_photograph(source)
    image = photograph.image
    painted = painter.paint(image, model.matte(image), opacity=photograph.opacity)
    return write_bytes(target, pictures.as_png(painted))


@dataclasses.dataclass(frozen=True)
class Predicted:
    """What became of a folder.

    Attributes:
        written: How many pictures were saved.
        problems: The pictures that could not be read, and why.
    """

    written: int
    problems: tuple[Problem, ...] = ()


def predict_folder(
    model: Matting, source: Path, target: Path, painter: Painter, progress: Progress = silent
) -> Predicted:
    """Save what the painter makes of every picture in a folder as TARGET/NAME.png.

    Those that `pictures.left_out` names are left out. One that cannot be read does not keep the
    others from being done.

    Raises:
        DataError: The folder holds no picture, or several of one name.
        ModelFileError: The model does not run, or gives no matte.
        OutputError: The folder cannot be written, or another process writes there.
    """
    paths = pictures.pictures_in(source)
    if not paths:
        raise DataError(f"{source} holds no picture: {', '.join(endings())}.")
    stems = Counter(dataset.stem_of(path) for path in paths)
    twice = sorted(stem for stem, count in stems.items() if count > 1)
    if twice:
        raise DataError(f"{source} holds several pictures of the stem {twice[0]}.")
    problems = []
    # Two models' mattes of one picture have the same name.
    with locked(target), progress(f"Matting {source.name}", len(paths)) as advance:
        for path in paths:
            try:
                predict_picture(model, path, target / f"{path.stem}.png", painter)
            except PictureError as error:
                problems.append(error.problem)
            advance()
    return Predicted(len(paths) - len(problems), tuple(problems))
