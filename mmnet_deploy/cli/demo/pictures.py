"""The pictures that the demo ends with: a drawn portrait and the user's own, with their mattes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmnet_deploy.errors import UsageError

if TYPE_CHECKING:
    from mmnet_deploy.charts.sheets.side_by_side import Row
    from mmnet_deploy.portraits.photograph import Photograph
    from mmnet_deploy.results.records import Evaluation

PANELS = ("picture", "matte", "before a new background")
BACKGROUND = "#3a6ea5"

LONGEST_PX = 1280
"""Longer side of a photograph here: more than the sheet shows."""

DRAWN_PX = 768

LEAST_SHARE = 0.002
"""Of a photograph, that a person covers: less is nobody."""


def read(path: Path) -> Photograph:
    """The user's photograph, no larger than it is shown.

    Raises:
        UsageError: There is no such file.
        DataError: It is no picture that can be read.
    """
    from mmnet_deploy.portraits.photograph import read_photograph
    from mmnet_deploy.portraits.pictures import resized

    if path.is_dir() or not path.exists():
        what = f"the folder {path}" if path.is_dir() else f"{path}, which is not there"
        raise UsageError(
            f"`--picture` must be the file of a photograph, such as me.jpg. Received: {what}."
        )
    found = read_photograph(path)
    height, width = found.image.shape[:2]
    scale = min(1.0, LONGEST_PX / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    opacity = None if found.opacity is None else resized(found.opacity, *size)
    return dataclasses.replace(found, image=resized(found.image, *size), opacity=opacity)


def of_user(photograph: Photograph, model: Path, name: str, by: str) -> Row:
    """The user's photograph.

    Args:
        name: Of its file.
        by: Name of the bundled network that `model` is.

    Raises:
        ModelFileError: The model gives no matte of it.
    """
    note = f"Matte by pretrained:{by}, the bundled network for photographs."
    return _row(photograph, model, name, note)


def drawn(model: Path, evaluation: Evaluation, seed: int) -> Row:
    """A portrait of the series `seed`: that of the evaluation whose MAD is the middle one."""
    from mmnet_deploy.portraits import synthetic
    from mmnet_deploy.portraits.photograph import Photograph

    scored = sorted((picture.scores["mad"], picture.name) for picture in evaluation.pictures)
    number = int(Path(scored[len(scored) // 2][1]).stem)
    image, _ = synthetic.portrait(seed, number, DRAWN_PX)
    note = (
        f"Matte by {model.name}, which has the least MAD on the test portraits. Of these, the one "
        "with the middle MAD is shown."
    )
    return _row(Photograph(image), model, "A synthetic portrait", note)


def is_empty(row: Row) -> bool:
    """Whether a network has found nobody in a photograph."""
    return bool((row.panels[1] >= 128).mean() < LEAST_SHARE)


def most_exact(evaluations: Sequence[tuple[Path, Evaluation]]) -> tuple[Path, Evaluation]:
    """The model with the least MAD: what it takes for a person and what it misses weighs most."""
    return min(evaluations, key=lambda it: it[1].scores["mad"])


def _row(photograph: Photograph, path: Path, name: str, note: str) -> Row:
    """A photograph, its matte, and the person before another background."""
    from mmnet_deploy.charts.sheets.side_by_side import Row
    from mmnet_deploy.mattes.matting import open_model
    from mmnet_deploy.prediction.backgrounds import background
    from mmnet_deploy.prediction.painting import ON_BACKGROUND, Painter

    image = photograph.image
    matte = open_model(path).matte(image)
    painters = Painter("matte"), Painter(ON_BACKGROUND, background(BACKGROUND))
    made = [painter.paint(image, matte, opacity=photograph.opacity) for painter in painters]
    return Row(name, note, (image, *made))
