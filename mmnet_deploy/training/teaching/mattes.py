"""A teacher's mattes of pictures, computed once and kept.

    CACHE/mattes/TEACHER/PICTURE.png      grey, at the resolution that the teacher gives

TEACHER changes with the teacher's file and with how its input and output are read, PICTURE is
the SHA-256 of the picture's file. Each is written whole, so that neither a killed process nor
two at once leave half of one; what was not used for longest goes where they get too many.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import OutputError
from mmnet_deploy.files import make_folder, write_bytes
from mmnet_deploy.parallel import ahead, workers
from mmnet_deploy.portraits import decoding, pictures
from mmnet_deploy.portraits.problems import PictureError
from mmnet_deploy.progress import Progress
from mmnet_deploy.training.teaching.teacher import Teacher
from mmnet_deploy.training.teaching.unlabelled import Unlabelled

FOLDER = "mattes"

MOST_BYTES = 4 * 10**9
"""What the mattes of all teachers may take in a cache; one of 256×256 pixels has 5 to 8 kB."""

KEPT_S = 24 * 3600
"""What was used so lately stays, however many there are."""

PERSON = (0.01, 0.99)
"""Share of a picture on which alpha is at least one half where a teacher has found a person.
Less is noise, and more is no portrait but a network that takes everything for one."""

FIRST = 32
"""Number of pictures, from all of the folder, whose mattes are looked at before the others."""

Matte = NDArray[np.uint8]


def shows_person(matte: Matte) -> bool:
    """Whether a matte, (h, w), is that of somebody before something; see `PERSON`."""
    low, high = PERSON
    return low <= float(np.mean(matte >= 128)) <= high


def read(path: Path) -> Matte:
    """A kept matte, (h, w), 0 background … 255 foreground.

    Raises:
        PictureError: It is gone, or damaged.
    """
    matte = decoding.decode(path, colour=False)
    if matte.dtype != np.uint8 or matte.ndim != 2:
        raise PictureError(path, "is damaged: it is no matte of a teacher. Remove it.")
    return matte


class Mattes:
    """The mattes of one teacher in a cache.

    Args:
        cache: The folder that holds those of all teachers in its folder `FOLDER`.
    """

    def __init__(self, teacher: Teacher, cache: Path) -> None:
        self.teacher = teacher
        self.root = cache / FOLDER
        self.folder = self.root / teacher.folder

    def path(self, picture: Unlabelled) -> Path:
        """The file of a picture's matte."""
        return self.folder / f"{picture.sha256}.png"

    def have(self, wanted: Sequence[Unlabelled], progress: Progress) -> list[bool]:
        """Compute those that are not there yet, and say of each whether it shows a person.

        Raises:
            OutputError: They cannot be kept.
            ModelFileError: What the teacher gives is no alpha.
            PictureError: A picture has changed since it was looked at.
        """
        persons: dict[str, bool] = {}
        missing: dict[str, Unlabelled] = {}
        with workers(0) as (executor, count):
            for picture, found in zip(
                wanted, ahead(executor, self._kept, wanted, 2 * count), strict=True
            ):
                if found is None:
                    missing[picture.sha256] = picture
                else:
                    persons[picture.sha256] = found
        if missing:
            persons |= self._computed(list(missing.values()), progress)
        return [persons[picture.sha256] for picture in wanted]

    def _kept(self, picture: Unlabelled) -> bool | None:
        """Whether a matte that is there shows a person; None if there is none that is whole."""
        path = self.path(picture)
        try:
            found = shows_person(read(path))
        except PictureError:
            return None
        with contextlib.suppress(OSError):  # Where nothing may be written, nothing is removed.
            # The time of its last use; that of its content stays.
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        return found

    def _computed(self, missing: Sequence[Unlabelled], progress: Progress) -> dict[str, bool]:
        persons = {}
        teacher = self.teacher.matting
        try:
            make_folder(self.folder)
            with (
                progress(f"Mattes of the teacher {self.teacher.name}", len(missing)) as advance,
                workers(teacher.threads) as (executor, count),
            ):
                if teacher.note:
                    advance(teacher.note, steps=0)

                def prepare(picture: Unlabelled) -> Any:
                    return teacher.prepare(pictures.read_image(picture.path))

                inputs = ahead(executor, prepare, missing, 2 * count)
                for picture, tensor in zip(missing, inputs, strict=True):
                    matte = np.rint(255 * teacher.infer(tensor)).astype(np.uint8)
                    write_bytes(self.path(picture), pictures.as_png(matte))
                    persons[picture.sha256] = shows_person(matte)
                    advance()
        except OutputError as error:
            raise OutputError(
                f"{error} The teacher's mattes are kept there; --cache names another folder."
            ) from error
        return persons

    def clear(self) -> None:
        """Remove what was not used for longest until `MOST_BYTES` are kept.

        What was used within `KEPT_S` stays: another training may be about to read it.
        """
        found = []
        for path in self.root.glob("*/*.png"):
            with contextlib.suppress(OSError):
                facts = path.stat()
                found.append((facts.st_atime_ns, facts.st_size, path))
        excess = sum(size for _, size, _ in found) - MOST_BYTES
        latest = time.time_ns() - KEPT_S * 10**9
        for used, size, path in sorted(found):
            if excess <= 0 or used > latest:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            excess -= size


def spread(items: Sequence[Unlabelled], count: int) -> list[Unlabelled]:
    """At most `count` of the items, evenly from all of them."""
    step = max(1, math.ceil(len(items) / count))
    return list(items[::step])
