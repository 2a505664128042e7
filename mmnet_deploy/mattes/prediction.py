"""Mattes of pictures and videos that have no truth: alone, cut out, on another background."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import DataError, OutputError, UsageError
from mmnet_deploy.files import locked, write_bytes, written_aside
from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.mattes.outputs import FORMS, at_size_of
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.portraits.decoding import EXTENSIONS
from mmnet_deploy.portraits.pictures import Picture
from mmnet_deploy.progress import Progress, silent

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")

CUT_OUT, ON_BACKGROUND = "cut-out", "background"
KINDS = (*FORMS, CUT_OUT, ON_BACKGROUND)


def colour(text: str) -> tuple[int, int, int] | None:
    """Red, green and blue of `#rrggbb`; None if it is no such thing."""
    if len(text) == 7 and text.startswith("#"):
        with contextlib.suppress(ValueError):
            red, green, blue = bytes.fromhex(text[1:])
            return red, green, blue
    return None


def check_kind(kind: str) -> None:
    """Make sure that there is such a kind.

    Raises:
        UsageError: There is none.
    """
    if kind not in KINDS:
        raise UsageError(f"`kind` must be one of {', '.join(KINDS)}. Received: {kind}.")


class Painter:
    """Makes what is saved of a picture and its matte.

    Args:
        kind: One of `KINDS`.
        background: For the kind `background`: `#rrggbb`, or a picture's file.

    Raises:
        UsageError: There is no such kind, or the background is missing or not for it.
        DataError: The background cannot be read.
    """

    def __init__(self, kind: str, background: str | None = None) -> None:
        check_kind(kind)
        if (kind == ON_BACKGROUND) != (background is not None):
            raise UsageError("`--kind background` and `--background` belong together.")
        self.kind = kind
        self._background: Picture | None = None
        if background is not None:
            rgb = colour(background)
            self._background = (
                np.array([[rgb]], np.uint8) if rgb else pictures.read_image(Path(background))
            )

    def paint(self, image: Picture, matte: NDArray[np.float32]) -> NDArray[np.uint8]:
        """From a picture, uint8 (h, w, 3), and its matte at any resolution, to
        (h, w), (h, w', 3), or (h, w, 4) for a cut-out, whose colours are the picture's own.
        """
        alpha = at_size_of(image, matte)
        if self.kind == CUT_OUT:
            return np.dstack([image, np.round(255 * alpha).astype(np.uint8)])
        if self._background is None:
            return FORMS[self.kind](image, alpha)
        share = alpha[..., np.newaxis]
        behind = _covering(self._background, *image.shape[:2])
        return np.round(share * image + (1 - share) * behind).astype(np.uint8)


def _covering(picture: Picture, height: int, width: int) -> Picture:
    """The middle of a picture, enlarged or reduced until it covers height × width."""
    scale = max(height / picture.shape[0], width / picture.shape[1])
    rows, columns = (
        max(round(side * scale), least)
        for side, least in zip(picture.shape[:2], (height, width), strict=True)
    )
    large = pictures.resized(picture, rows, columns)
    top, left = (rows - height) // 2, (columns - width) // 2
    return large[top : top + height, left : left + width]


# --- Pictures ----------------------------------------------------------------


def predict_picture(model: Matting, source: Path, target: Path, painter: Painter) -> Path:
    """Save what the painter makes of a picture as PNG.

    Raises:
        DataError: The picture cannot be read.
        OutputError: The file cannot be written.
    """
    image = pictures.read_image(source)
    return write_bytes(target, pictures.as_png(painter.paint(image, model.matte(image))))


def predict_folder(
    model: Matting, source: Path, target: Path, painter: Painter, progress: Progress = silent
) -> int:
    """Save what the painter makes of every picture in a folder as TARGET/NAME.png.

    Those that `pictures.left_out` names are left out.

    Returns:
        How many there were.

    Raises:
        DataError: The folder holds no picture, or one cannot be read.
        OutputError: The folder cannot be written, or another process writes there.
    """
    paths = pictures.pictures_in(source)
    if not paths:
        raise DataError(f"{source} holds no picture: {', '.join(EXTENSIONS)}.")
    stems = Counter(dataset.stem_of(path) for path in paths)
    twice = sorted(stem for stem, count in stems.items() if count > 1)
    if twice:
        raise DataError(f"{source} holds several pictures of the stem {twice[0]}.")
    # Two models' mattes of one picture have the same name.
    with locked(target), progress(f"Matting {source.name}", len(paths)) as advance:
        for path in paths:
            predict_picture(model, path, target / f"{path.stem}.png", painter)
            advance()
    return len(paths)


# --- Videos ------------------------------------------------------------------

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
