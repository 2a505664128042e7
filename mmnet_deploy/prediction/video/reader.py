"""A video in a file, frame by frame, with its sound."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits.decoders import MOST_PIXELS
from mmnet_deploy.portraits.formats import kind_of
from mmnet_deploy.portraits.pictures import resized
from mmnet_deploy.prediction.video.colours import colours_of, left_out, to_rgb
from mmnet_deploy.prediction.video.frames import Facts, Frame, Sound, Upright
from mmnet_deploy.prediction.video.library import pyav, words

VIDEOS = (
    ".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg",
    ".mts", ".ogv", ".ts", ".webm", ".wmv",
)  # fmt: skip
"""Suffixes of files that are taken for videos."""

_CONTAINERS = "asf,avi,flv,gif,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpeg,mpegts,mpegvideo,nut,ogg"
"""FFmpeg knows formats besides that name other files and servers, such as playlists."""

_MISSING_SHARE = 0.02
_MISSING_S = 0.5
"""What may be missing of the length that a file states: some state another track's, or round."""

_BACK_S = Fraction(1, 2)
"""By how much times go back where files were put together, and not by an encoder's order."""

_OWN_LENGTHS = ("mov,", "avi")
"""How FFmpeg calls the formats that state the length of each track."""

_USUAL_RATE = Fraction(25)


class VideoReader:
    """An open video; see `opened`.

    Attributes:
        facts: What is known of it.
        damage: What was found to be wrong with it so far, as words for a sentence; empty if
            nothing.
    """

    def __init__(self, source: Path, container: Any, video: Any, tracks: list[Any]) -> None:
        self._source = source
        self._container = container
        self._video = video
        self._tracks = tracks
        self._undecoded = 0
        self._damaged = 0
        self._broken = ""
        self._joins = _Joins()
        self._end = Fraction(0)
        self._ends: dict[int, Fraction] = {}
        self._start = Fraction(container.start_time or 0, 1_000_000)
        # AVI has no times of showing, and those that FFmpeg guesses go back and forth.
        self._by_decoding = container.format.name == "avi"
        self._rate = video.average_rate or video.guessed_rate or _USUAL_RATE
        self._before: deque[Any] = deque()
        self._decoded = self._read()
        first = self._first()
        matrix = first.side_data.get("DISPLAYMATRIX") if first.side_data else None
        self._upright = Upright(bytes(matrix) if matrix else None)
        self.facts = self._facts(first)

    def _first(self) -> Any:
        for item in self._decoded:
            self._before.append(item)
            if not isinstance(item, Sound):
                return item
        reason = self.damage or "it is empty"
        raise DataError(f"{self._source}: holds no frame that can be read: {reason}.")

    def _facts(self, first: Any) -> Facts:
        height, width = first.height, first.width
        aspect = self._video.sample_aspect_ratio or Fraction(1)
        if self._upright.swaps:
            height, width, aspect = width, height, 1 / aspect
        said = self._video.metadata
        transparent = "1" in (said.get("alpha_mode"), said.get("ALPHA_MODE"))
        length, rate = self._stated(), self._rate
        if length is None and self._video.duration:
            length = self._video.duration * self._video.time_base
        frames = self._video.frames or (round(length * rate) if length else 0)
        return Facts(
            height, width, aspect, rate, frames, self._video.time_base, colours_of(first),
            tuple(self._tracks), tuple(left_out(first, transparent)),
        )  # fmt: skip

    def _stated(self) -> Fraction | None:
        """How long the video's track is by the file's own statement, in seconds."""
        if said := _seconds(self._video.metadata.get("DURATION", "")):
            return said
        # Elsewhere FFmpeg may give a track the length of the file, whose sound may be longer.
        if self._video.duration and self._container.format.name.startswith(_OWN_LENGTHS):
            return self._video.duration * self._video.time_base
        return None

    @property
    def damage(self) -> str:
        found = []
        if self._undecoded:
            found.append(f"{_pieces(self._undecoded)} of it cannot be decoded")
        if self._damaged:
            found.append(f"{_pieces(self._damaged)} of it can be decoded in part only")
        if (back := self._joins.first_s) is not None:
            place = f"{float(back - self._start):.1f} s"
            found.append(f"its times go back at {place} (they are counted on from there)")
        found += [self._broken] if self._broken else []
        return " and ".join(found)

    def __iter__(self) -> Iterator[Frame | Sound]:
        """Its frames and pieces of sound, in the file's order, as long as they can be read."""
        last = -1
        while True:
            item = self._before.popleft() if self._before else next(self._decoded, None)
            if item is None:
                return
            if isinstance(item, Sound):
                yield item
                continue
            frame = self._frame(item, last)
            last = frame.time
            yield frame

    def _frame(self, decoded: Any, last: int) -> Frame:
        base = self.facts.time_base
        length = int(getattr(decoded, "duration", 0) or 0)
        stamp = decoded.dts if self._by_decoding else decoded.pts
        if stamp is None:
            step = max(round(1 / self._rate / base), 1)
            time = last + step if last >= 0 else 0
        else:
            # A decoder that had to begin anew may not say the unit.
            time = round((stamp * (decoded.time_base or base) - self._start) / base)
        # No encoder takes two frames of one time.
        time = max(time, last + 1)
        image = self._upright.turn(to_rgb(decoded))
        return Frame(resized(image, self.facts.height, self.facts.width), time, length)

    def _read(self) -> Iterator[Any]:
        """Decoded frames of PyAV and pieces of sound."""
        errors = pyav().error.FFmpegError
        packets = self._container.demux([self._video, *self._tracks])
        while True:
            try:
                packet = next(packets, None)
            except errors as error:
                self._broken = f"it breaks off ({words(error)})"
                packet = None
            if packet is None:
                break
            self._joins.settle(packet)
            if packet.stream is not self._video:
                if packet.dts is not None:
                    self._note_end(packet)
                    yield self._sound(packet)
                continue
            if packet.size:
                self._note_end(packet)
                self._undecoded += bool(packet.is_corrupt)
            yield from self._decode(packet, errors)
        with contextlib.suppress(errors, EOFError):
            yield from self._video.codec_context.decode(None)
        self._judge_length()

    def _decode(self, packet: Any, errors: type[Exception]) -> Iterator[Any]:
        try:
            frames = packet.decode()
        except EOFError:
            return
        except errors:
            self._undecoded += 1
            return
        self._damaged += sum(frame.is_corrupt for frame in frames)
        yield from frames

    def _sound(self, packet: Any) -> Sound:
        offset = round(self._start / packet.time_base)
        packet.dts -= offset
        if packet.pts is not None:
            packet.pts -= offset
        return Sound(self._tracks.index(packet.stream), packet)

    def _note_end(self, packet: Any) -> None:
        """Remember how far the packets of each track go."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None:
            index = packet.stream.index
            end = (stamp + (packet.duration or 0)) * packet.time_base - self._start
            self._ends[index] = max(self._ends.get(index, Fraction(0)), end)

    def _judge_length(self) -> None:
        """Compare how far the packets go with how long the file says that it is."""
        stated, reached = self._stated(), self._ends.get(self._video.index, Fraction(0))
        if stated is None and self._container.duration:
            # The file's length is that of its longest track.
            stated = Fraction(self._container.duration, 1_000_000)
            reached = max(self._ends.values(), default=Fraction(0))
        if stated is None or self._broken:
            return
        if self._container.format.name.startswith("matroska"):
            # FFmpeg writes there when the last packet ends, not how long all is.
            reached += max(self._start, Fraction(0))
        missing = stated - reached
        if missing > max(2 / self._rate, _MISSING_S, _MISSING_SHARE * stated):
            self._broken = f"it breaks off after {float(reached):.1f} of {float(stated):.1f} s"


class _Joins:
    """Puts what follows a join behind what stands before it, picture and sound alike.

    Attributes:
        first_s: Where times go back first, in seconds by the file's own count; None if nowhere.
    """

    def __init__(self) -> None:
        self.first_s: Fraction | None = None
        self._shifts = [Fraction(0)]
        self._parts: dict[int, int] = {}
        self._latest: dict[int, Fraction] = {}
        self._end = Fraction(0)

    def settle(self, packet: Any) -> None:
        """Let a packet of PyAV's count from the begin of the first part.

        A track whose times go back has come to the next part; the others follow.
        """
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None:
            return
        track, time = packet.stream.index, stamp * packet.time_base
        part = self._parts.get(track, 0)
        if time < self._latest.get(track, time) - _BACK_S:
            part += 1
            if part == len(self._shifts):
                self._shifts.append(self._end - time)
            if self.first_s is None:
                self.first_s = self._end
        length = packet.duration * packet.time_base if packet.duration else Fraction(0)
        length = length or max(time - self._latest.get(track, time), Fraction(0))
        self._parts[track], self._latest[track] = part, time
        shift = self._shifts[part]
        self._end = max(self._end, time + shift + length)
        if shift:
            offset = round(shift / packet.time_base)
            packet.dts = None if packet.dts is None else packet.dts + offset
            packet.pts = None if packet.pts is None else packet.pts + offset


def _pieces(count: int) -> str:
    return f"{count} piece{'s' * (count > 1)}"


@contextlib.contextmanager
def opened(source: Path) -> Iterator[VideoReader]:
    """Open a video.

    Raises:
        DataError: It cannot be read as a video, or holds no frame that can be read.
        MissingDependencyError: PyAV is not installed.
    """
    av = pyav()
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    try:
        # What stands before a colon would be a protocol, unless the path is absolute.
        container = av.open(
            str(source.absolute()), container_options=options, metadata_errors="replace"
        )
    except (av.error.FFmpegError, OSError) as error:
        raise DataError(f"{source}: cannot be read as a video: {_why(source, error)}.") from error
    with container:
        yield VideoReader(source, container, _video_of(source, container), _tracks_of(container))


def _why(source: Path, error: Exception) -> str:
    """Why a file cannot be opened, for a sentence."""
    if not source.stat().st_size:
        return "it is empty"
    with source.open("rb") as file:
        begin = file.read(64)
    if kind_of(begin) not in (None, "GIF"):
        return f"it is a picture ({kind_of(begin)}), whatever its name says"
    if begin[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "its index is missing, so it was cut off or never finished"
    return f"it is none, or its beginning is damaged ({words(error)})"


def _video_of(source: Path, container: Any) -> Any:
    """The track of pictures, ready to be decoded."""
    from av.stream import Disposition

    videos = [
        stream
        for stream in container.streams.video
        if not Disposition(stream.disposition) & Disposition.attached_pic
    ]
    if not videos:
        what = "holds sound only" if container.streams.audio else "holds neither video nor sound"
        raise DataError(f"{source}: {what}: there is no frame to compute a matte of.")
    video = next((one for one in videos if one.disposition & Disposition.default), videos[0])
    context = video.codec_context
    if context is None:
        raise DataError(f"{source}: FFmpeg has no decoder for its video.")
    if context.width * context.height > MOST_PIXELS:
        raise DataError(
            f"{source}: a frame has {context.width}×{context.height} pixels; at most "
            f"{MOST_PIXELS / 1e6:.0f} million are read."
        )
    context.options = {"max_pixels": str(MOST_PIXELS)}
    context.thread_type = "AUTO"
    return video


def _tracks_of(container: Any) -> list[Any]:
    """The tracks of sound that FFmpeg knows the codec of."""
    return [one for one in container.streams.audio if one.codec_context is not None]


def _seconds(text: str) -> Fraction | None:
    """`00:01:02.5`, as Matroska has it; None for anything else, and for nothing."""
    parts = text.strip("\0 ").split(":")
    with contextlib.suppress(ValueError, ZeroDivisionError):
        hours, minutes, seconds = (Fraction(part) for part in parts)
        return (hours * 60 + minutes) * 60 + seconds or None
    return None
