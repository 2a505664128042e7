"""The sound of a video, copied into another one, or encoded anew where it has to be."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mmnet_deploy.prediction.video.library import pyav, words
from mmnet_deploy.progress import Tell

_IN_MP4 = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"})
_IN_MOV = frozenset(
    {"aac", "ac3", "alac", "eac3", "mp3", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le"}
)
_COPIED: Mapping[str, frozenset[str]] = MappingProxyType(
    {".mp4": _IN_MP4, ".mov": _IN_MOV, ".webm": frozenset({"opus", "vorbis"})}
)
"""What players of each format play; the formats themselves can hold more."""

_ENCODER: Mapping[str, tuple[str, str]] = MappingProxyType(
    {".mp4": ("aac", "AAC"), ".mov": ("aac", "AAC"), ".webm": ("libopus", "Opus")}
)
"""FFmpeg's name, and the usual one."""

_RATE, _CD_RATE = 48_000, 44_100


class Track:
    """One track of sound on its way from one container into another.

    Args:
        container: PyAV's container that is written.
        source: PyAV's stream that is read.
        suffix: Of the file that is written, such as `.mp4`.
        tell: Told if the sound is not copied.
    """

    def __init__(self, container: Any, source: Any, suffix: str, tell: Tell) -> None:
        self._av = pyav()
        self._container = container
        self._source = source
        self._suffix = suffix
        self._tell = tell
        # A decoder may be called otherwise than what it decodes, such as mp3float.
        codec = source.codec_context.codec.canonical_name
        self._name = f"The sound ({codec})"
        self._stream: Any = None
        self._copies = codec in _COPIED[suffix]
        self._gaps = False
        try:
            context = source.codec_context
            if not context.sample_rate or not context.channels:
                # Of a file that was cut off before it; no format takes such a track.
                raise ValueError("no piece of it is there")
            if self._copies:
                self._stream = container.add_stream_from_template(source)
            else:
                self._stream = self._encoder()
        except (self._av.error.FFmpegError, ValueError) as error:
            self._drop(error)
        else:
            # Players choose the track by both.
            self._stream.disposition = source.disposition
            if language := source.metadata.get("language"):
                self._stream.metadata["language"] = language

    def _encoder(self) -> Any:
        encoder, name = _ENCODER[self._suffix]
        context = self._source.codec_context
        # What every encoder takes, since a track cannot be taken back.
        of_cd = encoder == "aac" and context.sample_rate == _CD_RATE
        rate, layout = _CD_RATE if of_cd else _RATE, "mono" if context.channels == 1 else "stereo"
        stream = self._container.add_stream(encoder, rate=rate, layout=layout)
        self._tell(
            f"{self._name} is encoded anew as {name}, since {self._suffix} does not take it."
        )
        return stream

    def write(self, packet: Any) -> None:
        """Write a packet of the source."""
        if self._stream is None:
            return
        if self._copies:
            packet.stream = self._stream
            self._mux(packet)
            return
        frames = []
        # A damaged piece is a gap, as it is to a player.
        with contextlib.suppress(self._av.error.FFmpegError):
            frames = self._source.codec_context.decode(packet)
        self._encode(frames)

    def close(self) -> None:
        """Write what the encoder still holds."""
        if self._stream is not None and not self._copies:
            self._encode([None])

    def _encode(self, frames: list[Any]) -> None:
        for frame in frames:
            try:
                packets = self._stream.encode(frame)
            except (self._av.error.FFmpegError, ValueError) as error:
                self._drop(error)
                return
            for packet in packets:
                self._mux(packet)

    def _mux(self, packet: Any) -> None:
        """Write a packet of the target. A damaged one is a gap, and is told once.

        Raises:
            OSError: The file cannot be written; PyAV's error has it as its context.
        """
        try:
            self._container.mux(packet)
        except (self._av.error.InvalidDataError, self._av.error.ArgumentError) as error:
            if isinstance(error.__cause__ or error.__context__, OSError):
                raise
            if not self._gaps:
                self._tell(f"{self._name} is damaged: pieces of it are left out ({words(error)}).")
            self._gaps = True

    def _drop(self, error: Exception) -> None:
        self._stream = None
        self._tell(f"{self._name} is left out: it can be neither copied nor encoded anew "
                   f"({words(error)}).")  # fmt: skip
