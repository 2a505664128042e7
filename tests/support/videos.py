"""Tiny videos, written and read by PyAV itself, of which everything is known."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

MILLISECOND = Fraction(1, 1000)
SOUND_RATE = 48_000


def growing(count: int = 10, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Frames that are bright on the left, the later the further."""
    frames = []
    for number in range(count):
        frame = np.full((height, width, 3), 30, np.uint8)
        frame[:, : width // 4 + 2 * number] = 220
        frames.append(frame)
    return frames


def noise(count: int = 50, height: int = 64, width: int = 96) -> list[np.ndarray]:
    """Frames that need many bytes."""
    return list(np.random.default_rng(0).integers(0, 255, (count, height, width, 3), np.uint8))


def write_video(
    path: Path, frames: list[np.ndarray], codec: str = "libx264", *, rate: int = 25,
    times: list[int] | None = None, sound: str | None = None, pixels: str = "yuv420p",
    aspect: Fraction | None = None, matrix: int | None = None, full: bool = False,
    turn: tuple[int, ...] | None = None, options: dict[str, str] | None = None,
    alpha: int = 255,
) -> Path:  # fmt: skip
    """Write frames, uint8 (h, w, 3), or planes of `yuv420p`, uint8 (1.5·h, w).

    Args:
        times: Of each frame, in milliseconds.
        sound: Codec of a tone of the same length.
        matrix: What the colours are said to be; and `full`, whether of full range.
        turn: The first two numbers of the first two rows of a display matrix, for .mp4.
        options: Of the container.
        alpha: Of every pixel, where `pixels` has alpha.
    """
    with av.open(str(path), "w", container_options=options or {}) as container:
        video = container.add_stream(codec, rate=rate)
        first = frames[0]
        height = first.shape[0] if first.ndim == 3 else first.shape[0] * 2 // 3
        video.height, video.width, video.pix_fmt = height, first.shape[1], pixels
        context = video.codec_context
        context.time_base = MILLISECOND
        context.options = {"qp": "0", "bf": "0"} if codec == "libx264" else {}
        if alpha < 255:
            video.metadata["alpha_mode"] = "1"
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if matrix is not None:
            context.colorspace, context.color_range = matrix, 2 if full else 1
        track = container.add_stream(sound, rate=SOUND_RATE, layout="mono") if sound else None
        for number, pixels_of in enumerate(frames):
            form = "rgb24" if pixels_of.ndim == 3 else "yuv420p"
            if alpha < 255:
                form = "rgba"
                pixels_of = np.dstack([pixels_of, np.full(pixels_of.shape[:2], alpha, np.uint8)])
            frame = av.VideoFrame.from_ndarray(pixels_of, form)
            if matrix is not None:
                frame.colorspace, frame.color_range = matrix, 2 if full else 1
            frame.pts = times[number] if times else number * 1000 // rate
            frame.time_base = MILLISECOND
            container.mux(video.encode(frame))
            if track is not None:
                container.mux(track.encode(tone(number, SOUND_RATE // rate)))
        for stream in (video, track):
            if stream is not None:
                container.mux(stream.encode(None))
    if turn is not None:
        _set_turn(path, turn)
    return path


def tone(number: int, samples: int) -> av.AudioFrame:
    """The `number`th piece of a tone."""
    wave = 8000 * np.sin(np.arange(samples) / 10)
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], "s16", "mono")
    frame.sample_rate, frame.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
    frame.pts = number * samples
    return frame


def _set_turn(path: Path, turn: tuple[int, ...]) -> None:
    """Overwrite the display matrix in the header of the first track (ISO/IEC 14496-12, 8.3.2)."""
    content = bytearray(path.read_bytes())
    begin = content.index(b"tkhd") + 4 + 40
    for place, value in zip((0, 1, 3, 4), turn, strict=True):
        content[begin + 4 * place : begin + 4 * place + 4] = (value * 65536).to_bytes(
            4, "big", signed=True
        )
    path.write_bytes(content)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a player finds in a file."""

    frames: list[np.ndarray]
    times: list[float]
    aspect: Fraction
    codec: str
    matrix: int
    range: int
    alpha: list[np.ndarray]
    sounds: list[tuple[str, float]]


def read_video(path: Path, form: str = "rgb24") -> Seen:
    """Decode a whole file: frames in `form`, their times in s, each sound's codec and length."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        # FFmpeg's own decoder of VP9 leaves out alpha.
        transparent = "1" in (video.metadata.get(key) for key in ("alpha_mode", "ALPHA_MODE"))
        decoder: Any = av.CodecContext.create("libvpx-vp9", "r") if transparent else video
        frames, times, alpha = [], [], []
        for packet in container.demux(video):
            if transparent and not packet.size:
                continue
            for frame in decoder.decode(packet):
                frames.append(frame.to_ndarray(format=form))
                times.append(float(frame.pts * (frame.time_base or video.time_base)))
                if transparent:
                    rows = np.frombuffer(frame.planes[3], np.uint8)
                    rows = rows[: frame.height * frame.planes[3].line_size]
                    alpha.append(rows.reshape(frame.height, -1)[:, : frame.width].copy())
        context = video.codec_context
        seen = (
            frames, times, video.sample_aspect_ratio or Fraction(1), context.name,
            context.colorspace, context.color_range, alpha,
        )  # fmt: skip
    sounds = []
    with av.open(str(path)) as container:
        for track in container.streams.audio:
            ends = [
                float((packet.pts + packet.duration) * packet.time_base)
                for packet in container.demux(track)
                if packet.size
            ]
            container.seek(0)
            sounds.append((track.codec_context.name, max(ends)))
    return Seen(*seen, sounds)
