"""What a teacher gives to a training: mattes of pictures, if it finds persons in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from mmnet_deploy.errors import DataError
from mmnet_deploy.progress import Progress
from mmnet_deploy.runs.run import RunConfig
from mmnet_deploy.training.teaching.mattes import FIRST, Mattes, spread
from mmnet_deploy.training.teaching.unlabelled import Unlabelled

FEW = 0.05
"""Share of the pictures in which a teacher finds persons below which it teaches none."""


@dataclasses.dataclass(frozen=True)
class Lesson:
    """A teacher's part in a training."""

    kept: Mattes
    config: RunConfig
    progress: Progress

    def of_unlabelled(self, found: Sequence[Unlabelled]) -> dict[Unlabelled, Path]:
        """The files of the mattes of pictures without masks, all of them there.

        Whether the teacher finds persons is looked at in some of them first, so that one that is
        fed wrongly is noticed before all are computed. The progress is told in how many it does.

        Raises:
            DataError: No pictures have masks, and it finds a person in nearly none of these.
            OutputError, ModelFileError, PictureError: See `Mattes.have`.
        """
        name, folder = self.kept.teacher.name, self.config.unlabelled
        if len(found) > 2 * FIRST:
            self._require_persons(self.kept.have(spread(found, FIRST), self.progress))
        persons = self.kept.have(found, self.progress)
        self._require_persons(persons)
        self.kept.clear()
        with self.progress(f"Learning from {name}", 1) as advance:
            advance(
                f"{name} finds a person in {sum(persons)} of {len(persons)} pictures of {folder}",
                steps=0,
            )
            if not self.config.data:
                advance(
                    "no picture has a mask (--data): validation compares with the mattes of "
                    f"{name} on held-out pictures, not with the truth",
                    steps=0,
                )
            advance()
        return {picture: self.kept.path(picture) for picture in found}

    def of_labelled(self, images: Sequence[Path]) -> list[Path]:
        """The files of the mattes of pictures that have masks; see `Mattes.have`."""
        asked = [Unlabelled.of(path) for path in images]
        self.kept.have(asked, self.progress)
        return [self.kept.path(picture) for picture in asked]

    def _require_persons(self, persons: Sequence[bool]) -> None:
        if self.config.data or sum(persons) >= FEW * len(persons):
            return
        raise DataError(
            f"The teacher {self.kept.teacher.name} finds a person in {sum(persons)} of "
            f"{len(persons)} pictures of {self.config.unlabelled}: there is nothing to learn. Give "
            "pictures of persons, or say with --teacher-input-range and --teacher-output what the "
            "teacher takes and gives."
        )
