"""Mattes of a video's frames."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import DataError, OutputError, UsageError
from mmnet_deploy.files import written_aside
from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.prediction.painting import CUT_OUT, Painter
from mmnet_deploy.progress import Progress, silent

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")

MISSING_SHARE = 0.02
"""Of the frames that a video says it has: some containers give their length in time only."""


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[cv2.VideoCapture]:
    # FFmpeg takes what stands before a colon for a protocol, unless the path is absolute.
    video = cv2.VideoCapture(str(source.absolute()))
    try:
        if not video.isOpened():
            raise DataError(f"{source}: cannot be read as a video.")
        yield video
    finally:
        video.release()


def predict_video(
    model: Matting, source: Path, target: Path, painter: Painter, progress: Progress = silent
) -> int:
    """Save what the painter makes of every frame as an MPEG-4 video without sound.

    Returns:
        How many frames there were.

    Raises:
        UsageError: The target is no .mp4, or a cut-out, which has no place in one.
        DataError: The video cannot be read, or breaks off.
        OutputError: The file cannot be written, or does not hold what was written.
    """
    if target.suffix != ".mp4":
        raise UsageError(f"A video's `--out` must end in .mp4. Received: {target.name}.")
    if painter.kind == CUT_OUT:
        raise UsageError("A video has no transparency: take --kind background or matte.")
    count = 0
    with _opened(source) as video, written_aside(target) as aside:
        rate = video.get(cv2.CAP_PROP_FPS) or 25.0
        total = max(int(video.get(cv2.CAP_PROP_FRAME_COUNT)), 1)
        writer = None
        try:
            with progress(f"Matting {source.name}", total) as advance:
                while True:
                    there, frame = video.read()
                    if not there:
                        break
                    image = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
                    painted = painter.paint(image, model.matte(image))
                    if painted.ndim == 2:
                        painted = np.repeat(painted[..., np.newaxis], 3, axis=2)
                    if writer is None:
                        writer = _writer(aside, target, rate, painted)
                    writer.write(cv2.cvtColor(painted, cv2.COLOR_RGB2BGR))
                    count += 1
                    advance()
        finally:
            if writer is not None:
                writer.release()
        if not count:
            raise DataError(f"{source}: holds no frame that can be read.")
        if count < total - max(2, MISSING_SHARE * total):
            raise DataError(f"{source}: breaks off after {count} of {total} frames; it is damaged.")
        written = _frames_in(aside)
        if written != count:
            raise OutputError(
                f"Cannot write {target}: of {count} frames, {written} can be read back. Is the "
                "disk full?"
            )
    return count


def _writer(aside: Path, target: Path, rate: float, frame: NDArray[np.uint8]) -> cv2.VideoWriter:
    height, width = frame.shape[:2]
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(aside.absolute()), code, rate, (width, height))
    if not writer.isOpened():
        raise OutputError(f"Cannot write {target}: OpenCV has no encoder, or the folder is closed.")
    return writer


def _frames_in(path: Path) -> int:
    """How many frames of a video can be decoded; OpenCV's writer says nothing of a full disk."""
    try:
        with _opened(path) as video:
            count = 0
            while video.grab():
                count += 1
            return count
    except DataError:
        return 0
