"""A page of pictures and words, placed in points from its upper left corner."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from mmnet_deploy.charts import style
from mmnet_deploy.charts.dots import shown
from mmnet_deploy.portraits import pictures

LEAST_PT = 3.0
"""Width and height of a picture, at least: of a long one, the other side is thinner than a line."""


def reduced(picture: NDArray, width_pt: float, height_pt: float) -> NDArray:
    """At most as many pixels as a sheet shows in width × height."""
    width, height = (
        math.ceil(side / style.PT_PER_INCH * style.DPI) for side in (width_pt, height_pt)
    )
    if picture.shape[0] <= height or picture.shape[1] <= width:
        return picture
    return pictures.resized(picture, height, width)


class Sheet:
    """A figure of a width and a height in points; make and save it under `style.style`."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        inches = (width / style.PT_PER_INCH, height / style.PT_PER_INCH)
        self.figure = Figure(figsize=inches, facecolor="white")
        FigureCanvasAgg(self.figure)

    def text(self, x: float, y: float, words: str, **looks: Any) -> Text:
        """Words at a place, looking as Matplotlib's `text` is told."""
        return self.figure.text(x / self.width, 1 - y / self.height, words, **looks)

    def line(self, x: float, y: float, words: str, room: float, **looks: Any) -> None:
        """Words on one line that is no longer than `room`: of longer ones, the middle is left out.

        Args:
            words: Any text, also what somebody called a file.
        """
        text = self.text(x, y, "", **looks)
        most = len(words)
        while True:
            text.set_text(shown(words, most))
            width = text.get_window_extent().width * style.PT_PER_INCH / self.figure.dpi
            if width <= room or most <= 2:
                break
            most = max(2, min(most - 1, int(most * room / width)))

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes that fill a rectangle."""
        box = (x / self.width, 1 - (y + height) / self.height)
        return self.figure.add_axes((*box, width / self.width, height / self.height))

    def picture(
        self, picture: NDArray, x: float, y: float, width: float, height: float, **looks: Any
    ) -> None:
        """A picture in the middle of a panel, with a hairline around it."""
        wide, high = _fit(picture.shape, width, height)
        axes = self.axes(x + (width - wide) / 2, y + (height - high) / 2, wide, high)
        axes.imshow(picture, aspect="auto", interpolation="antialiased", **looks)
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set(visible=True, color="#b0b0b0", linewidth=0.5)


def _fit(shape: tuple[int, ...], width: float, height: float) -> tuple[float, float]:
    """The largest size of a picture of that shape within width and height, if it can be seen."""
    scale = min(width / shape[1], height / shape[0])
    return max(shape[1] * scale, LEAST_PT), max(shape[0] * scale, LEAST_PT)
