"""The worst pictures on one sheet: picture, truth, matte, and where the matte is wrong."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from mmnet_deploy.charts import style
from mmnet_deploy.charts.dots import shown
from mmnet_deploy.charts.sheets.sheet import Sheet, reduced
from mmnet_deploy.portraits.pictures import Picture

COLUMNS = ("picture", "truth", "matte", "matte − truth")
COLOURS = "RdBu_r"

PANEL_PT = 96.0
GAP_PT, GROUP_GAP_PT, MARGIN_PT = 3.0, 20.0, 16.0
HEAD_PT, CAPTION_PT, NAMES_PT, FOOT_PT = 34.0, 14.0, 12.0, 30.0
LEAST_WIDTH_PT = 320.0  # what the legend needs


@dataclasses.dataclass(frozen=True)
class Entry:
    """One picture of the sheet.

    Attributes:
        name: What it is called, and `score`, its figure with unit.
        image: uint8 (h, w, 3).
        mask: uint8 (h, w).
        matte: In 0 … 1, (h, w).
    """

    name: str
    score: str
    image: Picture
    mask: Picture
    matte: NDArray[np.float32]


def _panel_size(entries: Sequence[Entry]) -> tuple[float, float]:
    """Width and height of a panel: that of the middle aspect ratio, within reason."""
    ratios = sorted(entry.image.shape[1] / entry.image.shape[0] for entry in entries)
    ratio = min(max(ratios[len(ratios) // 2], 0.6), 1.6)
    return PANEL_PT * min(1.0, ratio), PANEL_PT / max(1.0, ratio)


def draw(entries: Sequence[Entry], path: Path, *, title: str, subtitle: str) -> Path:
    """Draw the sheet, in the order of the entries, as PNG, SVG or PDF.

    Raises:
        UsageError: The suffix is another.
        OutputError: The file cannot be written.
    """
    style.file_kind(path)
    width, height = _panel_size(entries)
    columns = 1 if len(entries) <= 3 else 2 if len(entries) <= 16 else 3
    rows = math.ceil(len(entries) / columns)
    group = len(COLUMNS) * width + (len(COLUMNS) - 1) * GAP_PT
    line = CAPTION_PT + height + GROUP_GAP_PT / 2
    with style.style():
        sheet = Sheet(
            max(2 * MARGIN_PT + columns * group + (columns - 1) * GROUP_GAP_PT, LEAST_WIDTH_PT),
            MARGIN_PT + HEAD_PT + NAMES_PT + rows * line + FOOT_PT + MARGIN_PT / 2,
        )
        room = sheet.width - 2 * MARGIN_PT
        sheet.text(
            MARGIN_PT, MARGIN_PT + 6, shown(title, int(room / 6.8)), fontsize=11, weight="bold",
            color=style.INK, va="center",
        )  # fmt: skip
        sheet.text(
            MARGIN_PT, MARGIN_PT + 22, shown(subtitle, int(room / 4.4)), fontsize=8,
            color=style.SOFT, va="center",
        )  # fmt: skip
        top = MARGIN_PT + HEAD_PT
        for number, entry in enumerate(entries):
            # Down the first column, then the next: the order is one of reading.
            column, row = divmod(number, rows)
            left = MARGIN_PT + column * (group + GROUP_GAP_PT)
            if not row:
                for place, name in enumerate(COLUMNS):
                    middle = left + place * (width + GAP_PT) + width / 2
                    sheet.text(
                        middle, top + 4, name, fontsize=7, color=style.QUIET, ha="center",
                        va="center",
                    )  # fmt: skip
            _entry(sheet, entry, number + 1, left, top + NAMES_PT + row * line, width, height)
        _legend(sheet)
        style.save(sheet.figure, path)
    return path


def _entry(
    sheet: Sheet, entry: Entry, rank: int, x: float, y: float, width: float, height: float
) -> None:
    """Name and score, and the four pictures below."""
    group = len(COLUMNS) * width + (len(COLUMNS) - 1) * GAP_PT
    name = shown(entry.name, max(8, int(group / 5.2) - len(entry.score) - 6))
    base = y + CAPTION_PT / 2
    sheet.text(x, base, f"{rank}", fontsize=8, weight="bold", color=style.INK, va="center")
    sheet.text(x + 8 + 6 * len(str(rank)), base, name, fontsize=8, color=style.INK, va="center")
    sheet.text(x + group, base, entry.score, fontsize=8, color=style.SOFT, va="center", ha="right")
    image = reduced(entry.image, width, height)
    mask = reduced(entry.mask, width, height)
    matte = reduced(np.round(255 * entry.matte).astype(np.uint8), width, height)
    difference = _small_difference(entry, width, height)
    grey = {"cmap": "gray", "vmin": 0, "vmax": 255}
    signed = {"cmap": COLOURS, "vmin": -1, "vmax": 1}
    looks: list[tuple[NDArray, dict]] = [
        (image, {}), (mask, grey), (matte, grey), (difference, signed)
    ]  # fmt: skip
    for place, (picture, look) in enumerate(looks):
        left = x + place * (width + GAP_PT)
        sheet.picture(picture, left, y + CAPTION_PT, width, height, **look)


def _small_difference(entry: Entry, width: float, height: float) -> NDArray[np.float64]:
    """Matte less truth in −1 … 1."""
    difference = entry.matte - entry.mask.astype(np.float32) / 255
    levels = np.round(127 + 127 * difference).astype(np.uint8)
    return reduced(levels, width, height) / 127 - 1


def _legend(sheet: Sheet) -> None:
    """What the colours of the difference mean."""
    y, length = sheet.height - FOOT_PT + 2, min(120.0, 0.3 * sheet.width)
    left = (sheet.width - length) / 2
    axes = sheet.axes(left, y, length, 7)
    scale = ScalarMappable(Normalize(-1, 1), COLOURS)
    bar = sheet.figure.colorbar(scale, cax=axes, orientation="horizontal", ticks=[-1, 0, 1])
    bar.ax.set_xticklabels(["−1", "0", "1"])
    bar.ax.tick_params(length=2, labelsize=7, colors=style.SOFT)
    bar.outline.set(linewidth=0.5, color="#b0b0b0")
    for x, words, side in (
        (left - 6, "foreground that is missing", "right"),
        (left + length + 6, "background that was kept", "left"),
    ):
        sheet.text(x, y + 3.5, words, fontsize=7, color=style.SOFT, ha=side, va="center")
