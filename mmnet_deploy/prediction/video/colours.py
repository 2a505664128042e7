"""Between the colours of videos and RGB.

A video's pixels are brightness and two colour differences. Which matrix makes them of red,
green and blue, and whether 0 … 255 or 16 … 235 is black to white, is said by the video, or
guessed as players do: BT.709 for high definition, BT.601 below (ITU-R BT.601-7, BT.709-6,
BT.2020-2, section on signal format of each).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.portraits.pictures import Picture

BT_709, BT_601, BT_2020 = 1, 6, 9
"""Matrices, by the numbers of ISO/IEC 23091-2."""

UNKNOWN = 2
_PQ, _HLG = 16, 18

_NAMES: Mapping[int, str] = MappingProxyType(
    {BT_709: "BT.709", BT_601: "BT.601", BT_2020: "BT.2020"}
)

_SHARES: Mapping[int, tuple[float, float]] = MappingProxyType(
    {BT_709: (0.2126, 0.0722), BT_601: (0.299, 0.114), BT_2020: (0.2627, 0.0593)}
)
"""The shares of red and blue in the brightness."""

_SAME: Mapping[int, int] = MappingProxyType({1: BT_709, 5: BT_601, 6: BT_601, 9: BT_2020, 10: 9})

_OF_RGB = 0
_FULL_RANGE = 2
_LIMITED_RANGE = 1


@dataclasses.dataclass(frozen=True)
class Colours:
    """What the numbers of a video mean.

    Attributes:
        matrix: `BT_601`, `BT_709` or `BT_2020`.
        primaries: Which red, green and blue, by the numbers of ISO/IEC 23091-2.
        transfer: How light becomes numbers, likewise.
    """

    matrix: int = BT_709
    primaries: int = BT_709
    transfer: int = BT_709

    @property
    def high_dynamic_range(self) -> bool:
        """Whether the numbers are those of PQ or HLG (ITU-R BT.2100)."""
        return self.transfer in (_PQ, _HLG)


def colours_of(frame: Any) -> Colours:
    """What the numbers of a decoded frame mean."""
    large = frame.width >= 1280 or frame.height > 576
    matrix = _SAME.get(int(frame.colorspace), BT_709 if large else BT_601)
    primaries, transfer = (
        int(getattr(frame, name, UNKNOWN)) for name in ("color_primaries", "color_trc")
    )
    return Colours(
        matrix,
        matrix if primaries in (0, UNKNOWN) else primaries,
        # BT.2020 has the curve of BT.709, and 9 means something else.
        {BT_2020: BT_709}.get(matrix, matrix) if transfer in (0, UNKNOWN) else transfer,
    )


def left_out(frame: Any, transparent: bool) -> list[str]:
    """What of a decoded frame's colours is not read, a sentence each.

    Args:
        transparent: Whether the file says that it has alpha, which decoders of VP9 leave out.
    """
    lines = []
    said = int(frame.colorspace)
    if said not in (_OF_RGB, UNKNOWN, *_SAME):
        lines.append(
            f"The video's colours are by matrix {said} of ISO/IEC 23091-2, which is not read: "
            f"they are taken for those of {_NAMES[colours_of(frame).matrix]}, and may be wrong."
        )
    if any(component.is_alpha for component in frame.format.components):
        transparent = frame.to_ndarray(format="rgba")[..., 3].min() < 255
    if transparent:
        lines.append("The video's own transparency is left out.")
    return lines


def to_rgb(frame: Any) -> Picture:
    """A decoded frame, of any pixel format, as uint8 (h, w, 3)."""
    matrix = colours_of(frame).matrix
    full = int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj")
    # Everything is said, since versions of PyAV differ in what they take from the frame. The
    # matrix of the result means nothing in RGB, but where it is the same PyAV skips the rest.
    converted = frame.reformat(
        format="rgb24",
        src_colorspace=5 if matrix == BT_601 else matrix,
        dst_colorspace=BT_709 if matrix != BT_709 else 5,
        src_color_range=_FULL_RANGE if full else _LIMITED_RANGE,
        dst_color_range=_FULL_RANGE,
    )
    return np.ascontiguousarray(converted.to_ndarray())


@functools.cache
def _to_limited(matrix: int) -> NDArray[np.float64]:
    """From RGB in 0 … 255 and 1 to limited-range brightness and differences, (3, 4)."""
    red, blue = _SHARES[matrix]
    shares = np.array([red, 1 - red - blue, blue])
    rows = [
        219 / 255 * shares,
        224 / 255 * (np.array([0, 0, 1]) - shares) / (2 * (1 - blue)),
        224 / 255 * (np.array([1, 0, 0]) - shares) / (2 * (1 - red)),
    ]
    return np.hstack([np.stack(rows), [[16], [128], [128]]])


_LIMITED = np.round(16 + 219 / 255 * np.arange(256)).astype(np.uint8)


def planes_of(picture: NDArray[np.uint8], matrix: int) -> list[NDArray[np.uint8]]:
    """Limited-range planes with colour at half the resolution.

    Args:
        picture: uint8 (h, w) grey, (h, w, 3) RGB, or (h, w, 4) with alpha.
        matrix: `BT_601`, `BT_709` or `BT_2020`.

    Returns:
        Brightness (h, w), two differences (⌈h/2⌉, ⌈w/2⌉), and alpha (h, w) if there is one.
    """
    height, width = picture.shape[:2]
    half = (width + 1) // 2, (height + 1) // 2
    if picture.ndim == 2:
        none = np.full(half[::-1], 128, np.uint8)
        return [cv2.LUT(picture, _LIMITED).astype(np.uint8, copy=False), none, none]
    rgb = picture if picture.shape[2] == 3 else cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB)
    # OpenCV computes three rows faster than the one for the brightness.
    whole = cv2.transform(rgb, _to_limited(matrix))
    small = cv2.resize(whole, half, interpolation=cv2.INTER_AREA)
    planes = [cv2.extractChannel(whole, 0), *cv2.split(small)[1:]]
    if picture.shape[2] == 4:
        planes.append(cv2.extractChannel(picture, 3))
    return [plane.astype(np.uint8, copy=False) for plane in planes]


def frame_of(picture: NDArray[np.uint8], matrix: int) -> Any:
    """A picture as PyAV's frame in `yuv420p`, or `yuva420p` where it has alpha; see `planes_of`."""
    from av import VideoFrame

    planes = planes_of(picture, matrix)
    height, width = picture.shape[:2]
    frame = VideoFrame(width, height, "yuv420p" if len(planes) == 3 else "yuva420p")
    for plane, content in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8)[: content.shape[0] * plane.line_size]
        rows.reshape(content.shape[0], plane.line_size)[:, : content.shape[1]] = content
    frame.colorspace = matrix
    frame.color_range = _LIMITED_RANGE
    return frame


def describe(context: Any, colours: Colours) -> None:
    """Say to an encoder what `frame_of` gives it."""
    context.color_range = _LIMITED_RANGE
    context.colorspace = colours.matrix
    context.color_primaries = colours.primaries
    context.color_trc = colours.transfer
