"""What a metric is: how it is computed, named and shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Matte = NDArray[np.floating]
"""Alpha in [0, 1], (height, width)."""


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric and how it is shown; calling it computes it.

    Attributes:
        name: In results and options.
        title: In tables.
        unit: Of the shown figure, such as `×10⁻³`; empty for a plain number.
        factor: From the stored number to the shown one.
        digits: Decimal places of the shown figure.
        function: From a matte and its truth, and for one of a clip also both of the frame
            before, to the number that is stored.
        lower_is_better: Whether it is an error.
        default: Whether it is computed unless others are asked for.
        of_clip: Whether it compares frames of a clip; its function takes four mattes then.
        of_changes: Whether it sees only how alpha changes from pixel to pixel or from frame to
            frame, so that all mattes of one value have the same score.
    """

    name: str
    title: str
    unit: str
    factor: float
    digits: int
    function: Callable[..., float]
    lower_is_better: bool = True
    default: bool = False
    of_clip: bool = False
    of_changes: bool = False

    def __call__(self, *mattes: Matte) -> float:
        return self.function(*mattes)

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def shown(self, value: float) -> str:
        """The number that is stored as the figure that is shown."""
        return f"{self.factor * value:.{self.digits}f}"

    def better(self, value: float, other: float) -> float:
        """By how much `value` is better than `other`; negative where it is worse."""
        return other - value if self.lower_is_better else value - other
