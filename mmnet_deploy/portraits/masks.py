"""Masks that hold class numbers in place of alpha: how they are told, and what they mean."""

from __future__ import annotations

import dataclasses
import re

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import UsageError

HIGHEST_CLASS = 199
"""Of a mask without higher levels: nobody is so transparent all over."""

HIGHEST_BELOW_255 = 127
"""The same where 255 stands for pixels of no class."""

MOST_CLASSES = 64
"""More levels than these in one mask are soft edges."""

UNSEEN_LEVEL = 4
"""Alpha of at most 4/255 cannot be seen: nobody draws a matte of it alone."""

FEW_CLASSES = 4

SHOWN = 8
"""Levels that a message lists."""

REST = "rest"


@dataclasses.dataclass(frozen=True)
class MaskValues:
    """What the values of masks mean that hold class numbers.

    Attributes:
        background, foreground: The values; None on one side for all others.
    """

    background: frozenset[int] | None
    foreground: frozenset[int] | None

    def __str__(self) -> str:
        """As the command line takes it."""
        sides = (self.background, self.foreground)
        return ",".join(REST if s is None else "+".join(map(str, sorted(s))) for s in sides)

    def alpha(self, numbers: NDArray) -> NDArray[np.uint8]:
        """255 for the foreground and 0 for the background, from class numbers, (h, w).

        Raises:
            ValueError: There are other values; the message says which.
        """
        back, front = (
            np.isin(numbers, sorted(side or ())) for side in (self.background, self.foreground)
        )
        if self.foreground is None:
            front = ~back
        elif self.background is not None and not (back | front).all():
            others = shown_levels(np.unique(numbers[~(back | front)]))
            raise ValueError(f"holds {others} too, which --mask-values {self} does not name.")
        return np.where(front, np.uint8(255), np.uint8(0))


def parse_mask_values(text: str) -> MaskValues | None:
    """`BACKGROUND,FOREGROUND` as on the command line; None for an empty text.

    Each side is a value, several joined by `+`, or `rest` for all that the other side does not
    name: `0,1`, `0+255,15`, `0,rest`.

    Raises:
        UsageError: It is nothing of that kind.
    """
    if not text:
        return None
    sides = [side.strip() for side in text.split(",")]
    value = r"\d{1,5}"
    if (
        len(sides) == 2
        and sides != [REST, REST]
        and all(re.fullmatch(rf"{REST}|{value}(\+{value})*", side, re.ASCII) for side in sides)
    ):
        found = [None if s == REST else frozenset(map(int, s.split("+"))) for s in sides]
        back, front = found
        if not (back and front and back & front):
            return MaskValues(back, front)
    raise UsageError(
        "`--mask-values` must be BACKGROUND,FOREGROUND, such as 0,1 or 0+255,15 or 0,rest; no "
        f"value on both sides. Received: {text}."
    )


def shown_levels(levels: NDArray) -> str:
    """Levels in words, the first of many."""
    words = [str(level) for level in levels[:SHOWN]]
    if len(levels) > SHOWN:
        return f"{', '.join(words)} …"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def class_numbers(mask: NDArray[np.uint8]) -> NDArray | None:
    """The levels of a mask, (h, w), that holds class numbers; None for one that holds alpha.

    Class numbers are few, low, and meet without anything between them. Alpha reaches high
    levels somewhere; and where it does not, as in the matte of a veil, it has soft edges, whose
    levels lie between those on either side.
    """
    counts = cv2.calcHist([mask], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    highest = HIGHEST_BELOW_255 if counts[255] else HIGHEST_CLASS
    low = counts[1 : highest + 1]
    numbers = np.flatnonzero(low) + 1
    if counts[highest + 1 : 255].any() or not 0 < len(numbers) <= MOST_CLASSES:
        return None
    if counts.max() == mask.size and numbers[0] > UNSEEN_LEVEL:
        return None  # One level everywhere says nothing.
    # 255 for pixels of no class lies along outlines; as alpha it covers the person.
    if counts[255] and (counts[255] >= low.sum() or not counts[0]):
        return None
    sure = not counts[255] and (len(numbers) == 1 or numbers[-1] <= UNSEEN_LEVEL)
    return np.flatnonzero(counts) if sure or not _is_soft(mask, len(numbers)) else None


def _is_soft(mask: NDArray[np.uint8], levels: int) -> bool:
    """Whether the levels of a dark mask are steps of soft edges, not of areas side by side."""
    block = np.ones((3, 3), np.uint8)
    inside = cv2.erode(mask, block) == cv2.dilate(mask, block)
    total = np.bincount(mask.ravel(), minlength=256)
    within = np.bincount(mask[inside], minlength=256)
    # Of an area most pixels have only their own kind around them, of an edge none has.
    is_area = within >= 0.25 * np.maximum(total, 1)
    is_area[255] = True  # An outline, where it is there at all.
    met = smooth = between_areas = 0
    for first, second in ((mask[:, :-1], mask[:, 1:]), (mask[:-1], mask[1:])):
        differs = first != second
        a, b = first[differs], second[differs]
        met += len(a)
        smooth += int(np.count_nonzero(cv2.absdiff(a, b) == 1))
        between_areas += int(np.count_nonzero(is_area[a] & is_area[b]))
    # A slow ramp has wide steps, but each is next to the one before.
    ramp = levels > FEW_CLASSES and smooth >= 0.9 * met
    return ramp or between_areas < 0.6 * met
