"""Where the panels of the trade-off chart stand: devices side by side, or the metrics of each."""

from __future__ import annotations

import dataclasses
import math

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmnet_deploy.charts.style import DPI, PT_PER_INCH, ShownFigure, Size

COLUMNS_OF = {1: 1, 2: 2, 4: 2}
"""By the number of panels that belong together; else three."""

FAMILIES_THAT_FIT, ROW_PT = 7, 14.5
"""With more families the figure grows."""

LEAST_ROW_PT = 170.0
"""Height of another row of panels, on a size that has one row else."""


@dataclasses.dataclass(frozen=True)
class Grid:
    """How the panels are arranged.

    Attributes:
        devices, metrics: How many there are. With one metric, the devices stand side by side and
            share the vertical axis; else each device has rows of its own, with a panel for each
            metric, in a figure that is as wide as one with a single panel.
        size: Of the figure.
    """

    devices: int
    metrics: int
    size: Size

    @property
    def by_metric(self) -> bool:
        """Whether panels that stand side by side are of one device."""
        return self.metrics > 1

    @property
    def together(self) -> int:
        """Panels of which one row is filled before the next."""
        return self.metrics if self.by_metric else self.devices

    @property
    def columns(self) -> int:
        return min(COLUMNS_OF.get(self.together, 3), self.size.most_columns)

    @property
    def rows(self) -> int:
        groups = self.devices if self.by_metric else 1
        return groups * math.ceil(self.together / self.columns)

    @property
    def legend_below(self) -> bool:
        """Whether the legends stand below the panels, not on their right."""
        return self.size.legend_below or self.by_metric

    def is_left(self, panel: int) -> bool:
        """Whether a panel stands on the left, by its number: device by device."""
        return panel % self.together % self.columns == 0

    def is_lowest(self, panel: int) -> bool:
        """Whether no panel of the same device stands below."""
        return not self.by_metric or panel % self.together + self.columns >= self.together

    def empty(self, families: int) -> tuple[Figure, list[Axes]]:
        """A figure with the axes of all panels, device by device."""
        size = self.size
        width_pt, height_pt = size.width_pt, size.height_pt
        if self.by_metric:
            width_pt, height_pt = width_pt + size.metrics_pt[0], height_pt + size.metrics_pt[1]
        else:
            width_pt += size.panel_width_pt * (self.columns - 1)
        height_pt += (size.panel_height_pt or LEAST_ROW_PT) * (self.rows - 1)
        more_families = max(families - FAMILIES_THAT_FIT, 0)
        height_pt += ROW_PT * (more_families / 2 if self.legend_below else more_families)
        figure = ShownFigure(figsize=(width_pt / PT_PER_INCH, height_pt / PT_PER_INCH), dpi=DPI)
        FigureCanvasAgg(figure)
        shared = not self.by_metric
        every = figure.subplots(self.rows, self.columns, sharey=shared, squeeze=False).tolist()
        rows = math.ceil(self.together / self.columns)
        panels = []
        for first in range(0, self.rows, rows):
            axes = [one for row in every[first : first + rows] for one in row]
            panels += axes[: self.together]
            for one in axes[self.together :]:
                one.remove()
        return figure, panels
