"""A camera of this computer, by its number."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from mmnet_deploy.errors import DataError, UsageError
from mmnet_deploy.prediction.video.colours import BT_601, BT_709, Colours
from mmnet_deploy.prediction.video.frames import Facts, Frame

_TIME_BASE = Fraction(1, 90_000)
_USUAL_RATE = Fraction(30)


def number_of(source: Path) -> int | None:
    """The number in `camera:NUMBER`; None for the name of anything else, and of what is there.

    Raises:
        UsageError: It begins as a camera and has no number.
    """
    if not source.name.startswith("camera:") or source.name != str(source) or source.exists():
        return None
    found = re.fullmatch(r"camera:(\d{1,3})", source.name)
    if found is None:
        raise UsageError(f"A camera is camera:NUMBER, such as camera:0. Received: {source}.")
    return int(found[1])


class CameraReader:
    """An open camera; see `opened`. Its frames have no end and no sound.

    OpenCV reads it, since it takes a number on every system; FFmpeg takes names, which differ.

    Attributes:
        facts: What is known of it.
        damage: What was found to be wrong with it so far; empty if nothing.
    """

    def __init__(self, number: int, capture: cv2.VideoCapture) -> None:
        self._number = number
        self._capture = capture
        there, first = capture.read()
        if not there or first is None:
            raise DataError(f"Camera {number} gives no frame: is another program using it?")
        height, width = first.shape[:2]
        rate = Fraction(capture.get(cv2.CAP_PROP_FPS) or 0).limit_denominator(1001)
        matrix = BT_709 if height > 576 else BT_601
        colours = Colours(matrix, matrix, matrix)
        self.facts = Facts(
            height, width, Fraction(1), rate if 1 <= rate <= 1000 else _USUAL_RATE, 0,
            _TIME_BASE, colours,
        )  # fmt: skip
        self.damage = ""

    def __iter__(self) -> Iterator[Frame]:
        """Frames as they come, with the times at which they came."""
        begin, last = time.monotonic(), -1
        while True:
            there, frame = self._capture.read()
            if (
                not there
                or frame is None
                or frame.shape[:2]
                != (
                    self.facts.height,
                    self.facts.width,
                )
            ):
                self.damage = "it gives no more frames: is it still plugged in?"
                return
            image = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
            last = max(round((time.monotonic() - begin) / _TIME_BASE), last + 1)
            yield Frame(image, last)


@contextlib.contextmanager
def opened(number: int) -> Iterator[CameraReader]:
    """Open a camera.

    Raises:
        DataError: There is none of this number, or it gives no frame.
    """
    if sys.platform == "linux" and not Path(f"/dev/video{number}").exists():
        raise DataError(f"There is no camera {number}: no /dev/video{number}. {_those_here()}")
    capture = cv2.VideoCapture(number)
    try:
        if not capture.isOpened():
            raise DataError(
                f"Camera {number} cannot be opened: is it there, not in use, and may this "
                "program see it?"
            )
        yield CameraReader(number, capture)
    finally:
        capture.release()


def _those_here() -> str:
    numbers = sorted(
        int(path.name[5:]) for path in Path("/dev").glob("video*") if path.name[5:].isdecimal()
    )
    if not numbers:
        return "No camera is connected."
    return f"Here: {', '.join(f'camera:{number}' for number in numbers)}."
