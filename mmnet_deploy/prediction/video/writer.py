"""Frames and sound into a file: H.264 in .mp4 and .mov, VP9 in .webm, with or without alpha."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from io import BufferedIOBase
from types import MappingProxyType
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import OutputError, UsageError
from mmnet_deploy.prediction.video.colours import Colours, describe, frame_of
from mmnet_deploy.prediction.video.frames import Facts, Frame, Sound, with_square_pixels
from mmnet_deploy.prediction.video.library import pyav, words
from mmnet_deploy.prediction.video.sound import Track
from mmnet_deploy.progress import Tell


class Writer(Protocol):
    """What takes the frames of a video, in order."""

    def write(self, picture: NDArray[np.uint8], frame: Frame) -> None:
        """Write a picture, (h, w), (h, w, 3) or (h, w, 4), at the time of a frame."""

    def write_sound(self, sound: Sound) -> None:
        """Write a piece of sound, or leave it."""

    def close(self) -> None:
        """Write what is still held."""


@dataclasses.dataclass(frozen=True)
class _Form:
    """How pictures are encoded.

    Attributes:
        name: The usual one.
        encoders: FFmpeg's names, the best first.
        options: Of the encoder.
        even: Whether the sides must be even.
        square: Whether pixels must be square: PyAV cannot say to the format what they are.
        most: The largest side, in pixels.
    """

    name: str
    encoders: tuple[str, ...]
    options: Mapping[str, str]
    even: bool
    square: bool
    most: int


# Without frames that refer to later ones: with them, and uneven times, players of .mp4 would
# end the video too early.
_H264 = _Form(
    "H.264", ("libx264", "h264"),
    MappingProxyType({"preset": "superfast", "crf": "20", "bf": "0"}), True, False, 16384,
)  # fmt: skip
_VP9 = _Form(
    "VP9", ("libvpx-vp9",),
    MappingProxyType(
        {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"}
    ),
    False, True, 16384,
)  # fmt: skip
_FORMS: Mapping[str, _Form] = MappingProxyType({".mp4": _H264, ".mov": _H264, ".webm": _VP9})

SUFFIXES = tuple(_FORMS)
TRANSPARENT = ".webm"
"""The one of them that takes alpha."""


def check_suffix(suffix: str, transparent: bool) -> None:
    """Make sure that a file of this suffix can hold what is to be written.

    Raises:
        UsageError: It cannot.
    """
    if suffix not in SUFFIXES:
        raise UsageError(
            f"A video's `--out` must end in {', '.join(SUFFIXES)}, or be a folder for PNG files. "
            f"Received: {suffix or 'no ending'}."
        )
    if transparent and suffix != TRANSPARENT:
        raise UsageError(
            f"A cut-out needs transparency, which {suffix} does not take: let `--out` end in "
            f"{TRANSPARENT}, or be a folder for PNG files; or take another `--kind`."
        )


class VideoWriter:
    """Writes a video.

    Args:
        file: Written to, and moved in.
        suffix: Which format, such as `.mp4`.
        facts: Of the video that the frames come from: their rate, times, pixels and colours.
        tell: Told what is not as in that video.
        plain: Whether the pictures are no photographs, so that the colours are not those of
            the video.
    """

    def __init__(
        self, file: BufferedIOBase, suffix: str, facts: Facts, tell: Tell, plain: bool
    ) -> None:
        self._av = pyav()
        self._file = file
        self._suffix = suffix
        self._form = _FORMS[suffix]
        self._facts = facts
        self._tell = tell
        self._colours = Colours(facts.colours.matrix) if plain else facts.colours
        self._container: Any = None
        self._video: Any = None
        self._shape: tuple[int, ...] = ()
        self._tracks: list[Track] = []
        self._early: list[Sound] = []

    def write(self, picture: NDArray[np.uint8], frame: Frame) -> None:
        """See `Writer`.

        Raises:
            OutputError: The frames cannot be encoded.
            OSError: The file cannot be written.
        """
        if self._form.square:
            picture = with_square_pixels(picture, self._facts.aspect)
        if picture.ndim == 3 and picture.shape[2] == 4:
            picture = _filled(picture)
        if self._container is None:
            self._begin(picture)
        if self._form.even:
            rows, columns = (side % 2 for side in picture.shape[:2])
            if rows or columns:
                picture = cv2.copyMakeBorder(
                    picture, 0, rows, 0, columns, cv2.BORDER_REPLICATE
                ).astype(np.uint8, copy=False)
        made = frame_of(picture, self._colours.matrix)
        made.pts, made.time_base = frame.time, self._facts.time_base
        if frame.duration and hasattr(made, "duration"):
            made.duration = frame.duration
        self._mux(made)

    def write_sound(self, sound: Sound) -> None:
        """See `Writer`."""
        if self._container is None:
            self._early.append(sound)
        elif sound.track < len(self._tracks):
            self._tracks[sound.track].write(sound.packet)

    def close(self) -> None:
        """See `Writer`."""
        if self._container is None:
            return
        container, self._container = self._container, None
        try:
            for track in self._tracks:
                track.close()
            for packet in self._video.encode(None):
                container.mux(packet)
        finally:
            container.close()

    def _mux(self, frame: Any) -> None:
        try:
            packets = self._video.encode(frame)
        except self._av.error.FFmpegError as error:
            raise OutputError(
                f"{self._form.name} cannot encode a frame: {words(error)}."
            ) from error
        for packet in packets:
            try:
                self._container.mux(packet)
            except self._av.error.FFmpegError as error:
                # A full disk, for example, is said by who opened the file.
                if isinstance(error, OSError) or isinstance(
                    error.__cause__ or error.__context__, OSError
                ):
                    raise
                raise OutputError(
                    f"A {self._suffix} file cannot hold this video: {words(error)}."
                ) from error

    def _begin(self, picture: NDArray[np.uint8]) -> None:
        height, width = picture.shape[:2]
        if max(height, width) > self._form.most:
            raise OutputError(
                f"{self._form.name} takes sides of at most {self._form.most} pixels. Received: "
                f"{width}×{height}. PNG files in a folder can be larger."
            )
        # Matroska's own times are milliseconds; others keep the video's.
        container = self._av.open(self._file, "w", format=self._suffix[1:])
        self._video = self._encoder(container, picture)
        self._tracks = [
            Track(container, track, self._suffix, self._tell) for track in self._facts.tracks
        ]
        self._container = container
        for sound in self._early:
            self.write_sound(sound)
        self._early = []

    def _encoder(self, container: Any, picture: NDArray[np.uint8]) -> Any:
        rate = self._facts.rate.limit_denominator(1001)
        for name in self._form.encoders:
            try:
                stream = container.add_stream(name, rate=rate, options=dict(self._form.options))
                break
            except (self._av.error.FFmpegError, ValueError):
                continue
        else:
            raise OutputError(
                f"PyAV has no encoder for {self._form.name} here; its wheels of PyPI have one."
            )
        context = stream.codec_context
        odd = 1 if self._form.even else 0
        context.height, context.width = (side + side % 2 * odd for side in picture.shape[:2])
        if odd and (context.height, context.width) != picture.shape[:2]:
            self._tell(
                f"{picture.shape[1]}×{picture.shape[0]} is written as {context.width}×"
                f"{context.height}, by repeating the last row or column: {self._form.name} needs "
                "even sides."
            )
        context.pix_fmt = "yuva420p" if picture.ndim == 3 and picture.shape[2] == 4 else "yuv420p"
        context.time_base = self._facts.time_base
        stream.time_base = self._facts.time_base
        if self._facts.aspect != 1 and not self._form.square:
            context.sample_aspect_ratio = self._facts.aspect
        describe(context, self._colours)
        if context.pix_fmt == "yuva420p":
            stream.metadata["alpha_mode"] = "1"
        return stream


_STEP_PX = 4
"""Every such row and column is enough to know the colours beside the person."""


def _filled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A cut-out, (h, w, 4), with the person's colours also where it is transparent.

    Lossy codecs mix neighbours' colours, and colour has half the resolution: black beside the
    person would stain its edge.
    """
    height, width = picture.shape[:2]
    sample = picture[::_STEP_PX, ::_STEP_PX].astype(np.float32)
    weight = (sample[..., 3:] > 0).astype(np.float32)
    seen = np.concatenate([sample[..., :3] * weight, weight], axis=2)
    rows, columns = -(-seen.shape[0] // _STEP_PX), -(-seen.shape[1] // _STEP_PX)
    blocks = cv2.resize(seen, (columns, rows), interpolation=cv2.INTER_AREA)
    # Blocks without the person take those around them, the far ones the mean of all.
    blocks = blocks + 1e-3 * cv2.blur(blocks, (3, 3)) + 1e-6 * seen.mean(axis=(0, 1))
    around = (blocks[..., :3] / np.maximum(blocks[..., 3:], 1e-9)).astype(np.float32)
    large = cv2.resize(np.clip(around, 0, 255).astype(np.uint8), (width, height))
    colours, alpha = cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB), picture[..., 3]
    made = cv2.copyTo(colours, (alpha > 0).astype(np.uint8), large)
    return np.concatenate([made, alpha[..., np.newaxis]], axis=2).astype(np.uint8, copy=False)
