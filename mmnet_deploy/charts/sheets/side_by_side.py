"""Pictures with their mattes, before and after, in rows that a person can judge at sight."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.charts import style
from mmnet_deploy.charts.sheets.sheet import Sheet, reduced

WIDTH_PT = 236.0
LEAST_HEIGHT_PT, MOST_HEIGHT_PT = 24.0, 316.0
GAP_PT, MARGIN_PT, ROW_GAP_PT = 5.0, 14.0, 16.0
CAPTION_PT, NAMES_PT = 30.0, 13.0
GREY: Mapping[str, Any] = MappingProxyType({"cmap": "gray", "vmin": 0, "vmax": 255})


@dataclasses.dataclass(frozen=True)
class Row:
    """A picture and what was made of it.

    Attributes:
        name: What the picture is.
        note: What made the rest of it.
        panels: uint8, (h, w) or (h, w, 3), all of one height and width, from left to right.
    """

    name: str
    note: str
    panels: Sequence[NDArray[np.uint8]]


def draw(rows: Sequence[Row], names: Sequence[str], path: Path) -> Path:
    """Draw the rows one below the other, as PNG, SVG or PDF.

    Args:
        rows: At least one.
        names: What the panels of every row are called.

    Raises:
        UsageError: The suffix is another.
        OutputError: The file cannot be written.
    """
    style.file_kind(path)
    heights = [_height(row) for row in rows]
    room = len(names) * WIDTH_PT + (len(names) - 1) * GAP_PT
    of_a_row = CAPTION_PT + NAMES_PT + ROW_GAP_PT
    with style.style():
        sheet = Sheet(
            2 * MARGIN_PT + room, 2 * MARGIN_PT - ROW_GAP_PT + sum(heights) + len(rows) * of_a_row
        )
        top = MARGIN_PT
        for row, height in zip(rows, heights, strict=True):
            _row(sheet, row, names, top, height)
            top += of_a_row + height
        style.save(sheet.figure, path)
    return path


def _height(row: Row) -> float:
    """Of the panels: that of the picture at their full width, within reason."""
    height, width = row.panels[0].shape[:2]
    return min(max(WIDTH_PT * height / width, LEAST_HEIGHT_PT), MOST_HEIGHT_PT)


def _row(sheet: Sheet, row: Row, names: Sequence[str], top: float, height: float) -> None:
    room = sheet.width - 2 * MARGIN_PT
    for words, below, size, style_of in (
        (row.name, 5.0, 10.5, {"weight": "bold", "color": style.INK}),
        (row.note, 19.0, 8.5, {"color": style.SOFT}),
    ):
        sheet.line(MARGIN_PT, top + below, words, room, fontsize=size, va="center", **style_of)
    top += CAPTION_PT
    for number, (name, panel) in enumerate(zip(names, row.panels, strict=True)):
        left = MARGIN_PT + number * (WIDTH_PT + GAP_PT)
        sheet.text(
            left + WIDTH_PT / 2, top + 5, name, fontsize=8.5, color=style.QUIET, ha="center",
            va="center",
        )  # fmt: skip
        panel = reduced(panel, WIDTH_PT, height)
        looks: Mapping[str, Any] = {} if panel.ndim == 3 else GREY
        sheet.picture(panel, left, top + NAMES_PT, WIDTH_PT, height, **looks)
