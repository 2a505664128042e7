"""Where the pixels of a matte are in an output."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the pixels of an output are.

    Attributes:
        height, width, channels: Of the matte or mattes.
        channels_first: Whether a whole channel follows the other; else each pixel has its
            channels side by side.
    """

    height: int
    width: int
    channels: int
    channels_first: bool = False

    def arranged(self, values: NDArray[Any]) -> NDArray[Any]:
        """An output in any of the shapes that `layout_of` knows, as (height, width, channels)."""
        if self.channels_first:
            return values.reshape(self.channels, self.height, self.width).transpose(1, 2, 0)
        return values.reshape(self.height, self.width, self.channels)


def layout_of(
    shape: Sequence[int], input_size: tuple[int, int], size: tuple[int, int] | None = None
) -> Layout | None:
    """How the matte of one picture lies in an output; None if it cannot be told.

    Known are, with or without a batch of 1: (h, w, channels), (h, w), (h·w, channels),
    (h·w) and (h·w·channels). Channels come first only where nothing else fits.

    Args:
        shape: Of the output.
        input_size: Height and width of the network's input.
        size: Height and width of the matte, if somebody says them; a flattened one has those
            of the input otherwise.
    """
    height, width = wanted = size or input_size
    found = [int(side) for side in shape]
    if not found or min(found) < 1:
        return None
    if len(found) > 1 and found[0] == 1:
        found = found[1:]
    elif len(found) > 3 or (len(found) == 3 and tuple(found[:2]) != wanted):
        return None  # Mattes of several pictures.
    while len(found) > 3 and found[0] == 1:
        found = found[1:]
    pixels = height * width
    layout = None
    if len(found) == 1 and found[0] % pixels == 0:
        layout = Layout(height, width, found[0] // pixels)
    elif len(found) == 2:
        layout = _of_two(found, wanted, size is not None)
    elif len(found) == 3:
        layout = _of_three(found, wanted, size is not None)
    return None if layout is None or layout.height * layout.width == 1 else layout


def _of_two(found: Sequence[int], wanted: tuple[int, int], is_said: bool) -> Layout | None:
    (first, second), (height, width) = found, wanted
    if (first, second) == wanted:
        return Layout(first, second, 1)
    if first == height * width:
        return Layout(height, width, second)
    if second == height * width:
        return Layout(height, width, first, channels_first=True)
    if not is_said and first > 1 and first * width == second * height:
        return Layout(first, second, 1)
    return None


def _of_three(found: Sequence[int], wanted: tuple[int, int], is_said: bool) -> Layout | None:
    (first, second, third), (height, width) = found, wanted
    if (first, second) == wanted:
        return Layout(first, second, third)
    if (second, third) == wanted:
        return Layout(second, third, first, channels_first=True)
    if 1 in (first, second) and first * second == height * width:
        return Layout(height, width, third)
    if is_said:
        return None
    fits = first * width == second * height
    if not fits and second * width == third * height and first < min(second, third):
        return Layout(second, third, first, channels_first=True)
    return Layout(first, second, third)
