"""The frames of a video as numbered PNG files, which keep every bit and transparency."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import UsageError
from mmnet_deploy.files import is_empty, write_bytes, write_text
from mmnet_deploy.portraits.pictures import as_png
from mmnet_deploy.prediction.video.frames import Facts, Frame, Sound, with_square_pixels

TIMES = "times.csv"
"""When each file is shown; the frames of a video may be unevenly spaced."""

_COMPRESSION = 1


def check_empty(folder: Path) -> None:
    """Make sure that no file of another video would stand between the new ones.

    Raises:
        UsageError: The folder holds something.
    """
    if folder.is_dir() and not is_empty(folder):
        raise UsageError(
            f"The folder for a video's PNG files must be new or empty. Received: {folder}."
        )


class FolderWriter:
    """Writes FOLDER/000001.png and so on, with square pixels, and `TIMES` at the end.

    Args:
        folder: There already.
        facts: Of the video that the frames come from.
    """

    def __init__(self, folder: Path, facts: Facts) -> None:
        self._folder = folder
        self._facts = facts
        self._times: list[Fraction] = []

    def write(self, picture: NDArray[np.uint8], frame: Frame) -> None:
        """See `writer.Writer`.

        Raises:
            OutputError: The file cannot be written.
        """
        picture = with_square_pixels(picture, self._facts.aspect)
        number = len(self._times) + 1
        write_bytes(self._folder / f"{number:06d}.png", as_png(picture, _COMPRESSION))
        self._times.append(frame.time * self._facts.time_base)

    def write_sound(self, sound: Sound) -> None:
        """Leave it: PNG files have no sound."""

    def close(self) -> None:
        """See `writer.Writer`."""
        lines = [
            f"{number:06d}.png,{float(time):.6f}" for number, time in enumerate(self._times, 1)
        ]
        if lines:
            write_text(self._folder / TIMES, "\n".join(["file,time_s", *lines]) + "\n")
