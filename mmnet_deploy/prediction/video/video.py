"""Mattes of a video's frames, and what is made of them, as a video."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import DataError, MmnetDeployError, UsageError
from mmnet_deploy.files import locked, written_aside
from mmnet_deploy.interrupts import kept
from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.parallel import workers
from mmnet_deploy.prediction.painting import CUT_OUT, ON_BACKGROUND, Painter
from mmnet_deploy.prediction.video.folder import FolderWriter, check_empty
from mmnet_deploy.prediction.video.frames import Facts, Frame, Sound
from mmnet_deploy.prediction.video.smoothing import Smoother
from mmnet_deploy.prediction.video.threads import Behind, read_ahead
from mmnet_deploy.prediction.video.writer import (
    SUFFIXES,
    TRANSPARENT,
    VideoWriter,
    Writer,
    check_suffix,
)
from mmnet_deploy.progress import Progress, silent

_DEPTH = 3
"""How many frames may wait between two stages."""

_COLOURED = ("under-matte", "side-by-side", CUT_OUT, ON_BACKGROUND)


class Reader(Protocol):
    """A video or a camera, open.

    Attributes:
        facts: What is known of it.
        damage: What was found to be wrong with it so far; empty if nothing.
    """

    facts: Facts

    @property
    def damage(self) -> str: ...

    def __iter__(self) -> Iterator[Frame | Sound] | Iterator[Frame]: ...


@dataclasses.dataclass
class Progressed:
    """How far the work is, for whoever has to say it when it is interrupted.

    Attributes:
        frames: How many frames are written.
        seconds: How long that took.
    """

    frames: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Frames per second."""
        return self.frames / self.seconds if self.seconds else 0.0


@dataclasses.dataclass(frozen=True)
class Options:
    """How a video is matted.

    Attributes:
        smooth: Whether mattes are drawn towards those before; see `smoothing`.
        seconds: How much of the video is taken, from its begin; None for all.
    """

    smooth: bool = True
    seconds: float | None = None


def suffix_for(kind: str) -> str:
    """Of the file that is written where nobody says."""
    return TRANSPARENT if kind == CUT_OUT else ".mp4"


def check_target(target: Path, kind: str) -> None:
    """Make sure that what is to be written has a place there.

    Raises:
        UsageError: The suffix is of no known format, or of one without transparency for a
            cut-out; or a folder holds something already.
    """
    if target.name.lower() in SUFFIXES:
        raise UsageError(f"A video's `--out` needs a name before its ending. Received: {target}.")
    if _is_folder(target):
        check_empty(target)
    else:
        check_suffix(target.suffix.lower(), kind == CUT_OUT)
        if target.is_dir():
            raise UsageError(f"`--out` is a folder, and its name ends as a video's: {target}.")


def _is_folder(target: Path) -> bool:
    return not target.suffix


def predict_video(
    model: Matting,
    reader: Reader,
    target: Path,
    painter: Painter,
    options: Options = Options(),
    progress: Progress = silent,
    tell: Callable[[str], None] = lambda line: None,
    progressed: Progressed | None = None,
) -> Progressed:
    """Save what the painter makes of every frame: in a video, or in a folder of PNG files.

    Reading, inference, painting and writing run beside each other. Frames keep their times, and
    a video its sound.

    Args:
        model: Called from this thread, its `prepare` from another.
        reader: See `reader.opened` and `camera.opened`.
        target: A name of `writer.SUFFIXES`, or a folder where it has no suffix; see
            `check_target`. A video replaces an older one when it is complete.
        painter: Called from several threads.
        options: See there.
        progress: Told of every frame.
        tell: Told in a line what is not as in the source.
        progressed: Kept up to date, if given.

    Returns:
        What was written.

    Raises:
        DataError: The source is damaged; what could be read is written.
        OutputError: The output cannot be written; an older one stays.
        KeyboardInterrupt: Whoever watches wants to stop; what was written is complete.
    """
    done = progressed or Progressed()
    stopped: list[KeyboardInterrupt] = []
    if reader.facts.colours.high_dynamic_range:
        tell("The video has a high dynamic range: its mattes may be worse.")
    for line in reader.facts.left_out:
        tell(line)
    with _writer(target, reader.facts, painter, tell) as writer:
        try:
            with kept(progress) as kept_progress:
                _work(model, reader, writer, painter, options, kept_progress, done)
        except KeyboardInterrupt as interruption:
            stopped.append(interruption)
        if not done.frames:
            raise stopped[0] if stopped else DataError(_ends(reader, done, target))
    if stopped:
        raise stopped[0]
    if reader.damage:
        raise DataError(_ends(reader, done, target))
    return done


def _ends(reader: Reader, done: Progressed, target: Path) -> str:
    """What is said of a damaged source."""
    of = f" of about {reader.facts.frames}" if reader.facts.frames else ""
    held = f"{done.frames}{of} frames are in {target}" if done.frames else "no frame is left"
    return f"The source is damaged: {reader.damage or 'it ends at once'}. {held}."


def _work(
    model: Matting, reader: Reader, writer: Writer, painter: Painter, options: Options,
    progress: Progress, done: Progressed,
) -> None:  # fmt: skip
    begin = time.monotonic()

    def write(item: Sound | tuple[Frame, Future[NDArray[np.uint8]]]) -> None:
        if isinstance(item, Sound):
            writer.write_sound(item)
            return
        frame, painted = item
        writer.write(painted.result(), frame)
        done.frames += 1
        done.seconds = time.monotonic() - begin

    smoother = Smoother() if options.smooth else None
    total = _total(reader.facts, options)
    with (
        progress("Matting frames", total) as advance,
        workers(busy=1) as (executor, _),
        read_ahead(_prepared(model, _within(reader, options)), _DEPTH) as items,
        Behind(write, _DEPTH) as behind,
    ):
        for item, ready in items:
            if isinstance(item, Sound):
                behind.put(item)
                continue
            matte = model.infer(ready)
            if smoother is not None:
                matte = smoother.smooth(item.image, matte)
            time_s = float(item.time * reader.facts.time_base)
            painted = executor.submit(painter.paint, item.image, matte, time_s=time_s)
            behind.put((item, painted))
            advance(f"{done.rate:.1f} frames/s" if done.frames > 1 else "")


def _total(facts: Facts, options: Options) -> int:
    """How many frames there will be, about; 0 where nobody knows."""
    if options.seconds is None:
        return facts.frames
    wanted = max(round(options.seconds * facts.rate), 1)
    return min(wanted, facts.frames) if facts.frames else wanted


def _within(reader: Reader, options: Options) -> Iterator[Frame | Sound]:
    """What begins within the wanted length."""
    end = None if options.seconds is None else Fraction(str(options.seconds))
    for item in reader:
        if end is not None:
            if isinstance(item, Frame):
                if item.time * reader.facts.time_base >= end:
                    return
            elif item.packet.dts * item.packet.time_base >= end:
                continue
        yield item


def _prepared(
    model: Matting, items: Iterable[Frame | Sound]
) -> Iterator[tuple[Frame | Sound, Any]]:
    for item in items:
        yield item, model.prepare(item.image) if isinstance(item, Frame) else None


@contextlib.contextmanager
def _writer(
    target: Path, facts: Facts, painter: Painter, tell: Callable[[str], None]
) -> Iterator[Writer]:
    """What writes to the target; closed if all went well, else what was half-written goes."""
    if _is_folder(target):
        check_empty(target)
        with locked(target):
            if facts.tracks:
                tell("The sound is left out: PNG files have none.")
            folder = FolderWriter(target, facts)
            try:
                yield folder
            finally:
                folder.close()
        return
    plain = painter.kind not in _COLOURED
    with written_aside(target) as aside, aside.open("w+b") as file:
        video = VideoWriter(file, target.suffix.lower(), facts, tell, plain)
        try:
            try:
                yield video
            except BaseException:
                with contextlib.suppress(Exception):
                    video.close()
                raise
            video.close()
        except Exception as error:
            # PyAV wraps what the file raises.
            cause = error.__cause__ or error.__context__
            if isinstance(cause, OSError) and not isinstance(error, MmnetDeployError):
                raise cause from error
            raise
