"""All pictures of a training, decoded: in batches to train on, and those that validate."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.progress import Progress
from mmnet_deploy.runs.run import RunConfig
from mmnet_deploy.training.pairs import Chosen
from mmnet_deploy.training.pictures import decoded
from mmnet_deploy.training.pictures.batches import BACKGROUND, Batches
from mmnet_deploy.training.pictures.decoded import Decoded, PictureStore
from mmnet_deploy.training.teaching.lesson import Lesson
from mmnet_deploy.training.teaching.unlabelled import Unlabelled
from mmnet_deploy.training.validation import Validation


@dataclasses.dataclass(frozen=True)
class Reading:
    """How pictures are read.

    Attributes:
        store: Where they go that memory should not hold; None for memory.
        lesson: Gives the teacher's mattes; None without a teacher.
        part: This worker's number, and how many there are.
    """

    store: PictureStore | None
    progress: Progress
    lesson: Lesson | None = None
    part: tuple[int, int] = (0, 1)


def read(config: RunConfig, used: Chosen, how: Reading) -> tuple[Batches, Validation]:
    """What is trained on, and what validates.

    Those with masks are read before the teacher computes anything, so that what is wrong with
    them is said first.

    Raises:
        DataError: Pictures cannot be read, or there are none of a kind that is needed.
    """
    # Enlarged by what augmentation may zoom in, so that zooming loses no detail.
    size = _enlarged(config.picture_size, config.max_scale)
    shown, backgrounds = _labelled(config, used.train, size, how)
    validation = None
    if used.held_out:
        checked = decoded.decode(
            used.held_out, config.picture_size, how.store, progress=how.progress
        )
        validation = Validation(checked.images, checked.masks, config.batch_size)
    taught = None
    if how.lesson is not None:
        if shown is not None and config.teacher_on_labelled:
            files = how.lesson.of_labelled([pair.image for pair in used.train])
            mattes = decoded.decode_mattes(files, size, how.store, progress=how.progress)
            shown = dataclasses.replace(shown, mattes=mattes)
        # All at once: the teacher is to find persons in the folder, not in each part of it.
        every = [*used.unlabelled, *used.unlabelled_held_out]
        mattes_of = how.lesson.of_unlabelled(every) if every else {}
        if used.unlabelled:
            taught = _read_taught(used.unlabelled, mattes_of, size, how)
        if used.unlabelled_held_out:
            checked = _read_taught(used.unlabelled_held_out, mattes_of, config.picture_size, how)
            validation = Validation(
                checked.images, checked.masks, config.batch_size, truth="the teacher's matte"
            )
    first = shown or taught
    if first is None or validation is None:
        raise DataError("There are no pictures to train on.")
    batches = Batches(
        first,
        config,
        config.picture_size,
        unlabelled=taught if shown else None,
        backgrounds=backgrounds,
        part=how.part,
    )
    return batches, validation


def _labelled(
    config: RunConfig, pairs: Sequence[dataset.Pair], size: tuple[int, int], how: Reading
) -> tuple[Decoded | None, NDArray[np.uint8] | None]:
    """The pairs, and what may be put behind them."""
    if not pairs:
        return None, None
    behind = None
    if config.backgrounds:
        paths = pictures.pictures_in(Path(config.backgrounds))
        if not paths:
            raise DataError(f"{config.backgrounds} holds no pictures to use as backgrounds.")
        enlarged = _enlarged(config.picture_size, BACKGROUND.max_scale)
        behind = decoded.decode_pictures(paths, enlarged, how.store, progress=how.progress)
    shown = decoded.decode(
        pairs, size, how.store, with_foregrounds=behind is not None, progress=how.progress
    )
    if behind is not None and not shown.soft.any():
        raise DataError(
            f"No mask of {config.split} has soft edges, so no background can be replaced. "
            "Leave out --backgrounds."
        )
    return shown, behind


def _read_taught(
    found: Sequence[Unlabelled],
    mattes: dict[Unlabelled, Path],
    size: tuple[int, int],
    how: Reading,
) -> Decoded:
    return decoded.decode_taught(
        [picture.path for picture in found],
        [mattes[picture] for picture in found],
        size,
        how.store,
        progress=how.progress,
    )


def _enlarged(size: tuple[int, int], factor: float) -> tuple[int, int]:
    height, width = size
    return math.ceil(height * factor), math.ceil(width * factor)
