"""What a video is made of, as the stages of the work hand it on."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.portraits.pictures import Picture, resized
from mmnet_deploy.prediction.video.colours import Colours


@dataclasses.dataclass(frozen=True)
class Frame:
    """One upright frame.

    Attributes:
        image: uint8 (h, w, 3), RGB.
        time: When it is shown, in units of the video's `time_base` after its begin.
        duration: For how long, likewise; 0 where unknown.
    """

    image: Picture
    time: int
    duration: int = 0


@dataclasses.dataclass(frozen=True)
class Sound:
    """A piece of sound as it was encoded.

    Attributes:
        track: Place in the video's `tracks`.
        packet: PyAV's packet, counted from the video's begin.
    """

    track: int
    packet: Any


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a video before its frames are read.

    Attributes:
        height: Of an upright frame, in pixels.
        width: Likewise.
        aspect: How much wider than high an upright frame's pixel is shown.
        rate: Frames per second; a mean where they vary.
        frames: How many frames there are, about; 0 where unknown.
        time_base: Unit of times, in seconds.
        colours: What its numbers mean.
        tracks: PyAV's streams of sound.
        left_out: What of it is not read, a sentence each.
    """

    height: int
    width: int
    aspect: Fraction
    rate: Fraction
    frames: int
    time_base: Fraction
    colours: Colours
    tracks: tuple[Any, ...] = ()
    left_out: tuple[str, ...] = ()


def with_square_pixels(picture: NDArray[np.uint8], aspect: Fraction) -> NDArray[np.uint8]:
    """A picture whose pixels are `aspect` times as wide as high, as wide as it is shown."""
    return resized(picture, picture.shape[0], max(round(picture.shape[1] * aspect), 1))


class Upright:
    """Turns frames as their display matrix says.

    The matrix maps a pixel's column and row to where they are shown (ISO/IEC 14496-12, track
    header): nine numbers, of which the first two of the first two rows turn and mirror. Cameras
    turn by quarters only.
    """

    def __init__(self, matrix: bytes | None) -> None:
        numbers = np.frombuffer(matrix, np.int32)[:9] if matrix else np.zeros(0, np.int32)
        across, down, along, up = 1, 0, 0, 1
        if numbers.size == 9:
            across, down, along, up = (int(np.sign(numbers[i])) for i in (0, 1, 3, 4))
            if abs(int(numbers[1])) > abs(int(numbers[0])):
                across = up = 0
            else:
                down = along = 0
        self.swaps = across == 0
        """Whether height and width change places."""
        self._mirrored = (along if self.swaps else across) < 0
        self._upside_down = (down if self.swaps else up) < 0

    def turn(self, image: Picture) -> Picture:
        """A frame as it is shown."""
        if self.swaps:
            image = image.transpose(1, 0, 2)
        if self._mirrored:
            image = image[:, ::-1]
        if self._upside_down:
            image = image[::-1]
        return np.ascontiguousarray(image)
