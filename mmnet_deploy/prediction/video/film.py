"""A video as the background of another one, or of a photograph."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.portraits.pictures import Picture
from mmnet_deploy.prediction.backgrounds import covering
from mmnet_deploy.prediction.video import reader
from mmnet_deploy.prediction.video.frames import Frame, with_square_pixels
from mmnet_deploy.progress import Tell

_KEPT = 8
"""Frames that are kept, since those who paint beside each other ask slightly out of order."""


class Film:
    """A video that runs behind the person, and begins again when it ends; see `opened`.

    At the time `t` it shows what it shows at `t` by itself, whatever the frame rates are.
    """

    def __init__(self, path: Path, tell: Tell = lambda line: None) -> None:
        self._path = path
        self._tell = tell
        self._told = False
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._shown: deque[tuple[Fraction, Picture]] = deque(maxlen=_KEPT)
        self._fitted: tuple[Fraction, int, int] | None = None
        self._covering: Picture
        self._ahead: tuple[Fraction, Picture]
        self._begin = Fraction(0)
        self._end = Fraction(0)
        self._open()

    def _open(self) -> None:
        self._stack.close()
        self._film = self._stack.enter_context(reader.opened(self._path))
        self._frames = (item for item in self._film if isinstance(item, Frame))
        self._step()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def behind(self, image: Picture, alpha: NDArray[np.float32], time_s: float) -> Picture:
        """See `backgrounds.Background`.

        Raises:
            DataError: The video can no longer be read.
        """
        with self._lock:
            time = Fraction(time_s)
            while self._ahead[0] <= time:
                self._shown.append(self._ahead)
                self._step()
            earlier = [shown for shown in self._shown if shown[0] <= time]
            begin, picture = earlier[-1] if earlier else (self._shown or [self._ahead])[0]
            fitted = begin, image.shape[0], image.shape[1]
            if self._fitted != fitted:
                square = with_square_pixels(picture, self._film.facts.aspect)
                self._fitted, self._covering = fitted, covering(square, *fitted[1:])
            return self._covering

    def _step(self) -> None:
        """Read one frame ahead; after the last, begin again."""
        frame = next(self._frames, None)
        facts = self._film.facts
        if frame is not None:
            time = self._begin + frame.time * facts.time_base
            self._end = time + (frame.duration * facts.time_base or 1 / facts.rate)
            self._ahead = time, frame.image
            return
        if self._film.damage and not self._told:
            self._told = True
            self._tell(
                f"{self._path} is damaged: {self._film.damage}. What can be read of it repeats."
            )
        self._begin = self._end
        self._open()


@contextlib.contextmanager
def opened(path: Path, tell: Tell = lambda line: None) -> Iterator[Film]:
    """Open a video as a background.

    Args:
        tell: Told once if the video is damaged, when its end is reached.

    Raises:
        DataError: It cannot be read as a video, or holds no frame that can be read.
        MissingDependencyError: PyAV is not installed.
    """
    film = Film(path, tell)
    try:
        yield film
    finally:
        film.close()
