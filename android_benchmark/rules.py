"""Run rules: when a measurement may stop, and how long a device rests before the next."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType


@dataclasses.dataclass(frozen=True)
class RunRules:
    """When a measurement may stop; the defaults are those of TFLite's benchmark_model.

    Both minima must be met, unless the maximum is reached first; one run is always made.

    Attributes:
        percentile: What the result is quoted as: 50, the median, or 90.
        rest_margin_c: A device rests until it is at most this much warmer than it was before
            its first run, in kelvin.
        rest_max_s: The longest rest, and the whole rest where no sensor can be read or no margin
            is given.

    Raises:
        ValueError: `min_runs` is below 1, `max_duration_s` is not above 0, another number is
            negative, or one is not finite.
    """

    warmup_min_runs: int = 1
    warmup_min_s: float = 0.5
    min_runs: int = 50
    min_duration_s: float = 1.0
    max_duration_s: float = 150.0
    percentile: int = 50
    rest_margin_c: float | None = None
    rest_max_s: float = 0.0

    def __post_init__(self) -> None:
        if self.min_runs < 1 or not 0 < self.max_duration_s < math.inf:
            raise ValueError(
                "`min_runs` must be at least 1 and `max_duration_s` above 0, and finite. "
                f"Received: {self.min_runs}, {self.max_duration_s}."
            )
        names = ("warmup_min_runs", "warmup_min_s", "min_duration_s", "rest_margin_c", "rest_max_s")
        for name in names:
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"`{name}` must be at least 0, and finite. Received: {value}.")
        if self.percentile not in (50, 90):
            raise ValueError(f"`percentile` must be 50 or 90. Received: {self.percentile}.")


PRESETS: Mapping[str, RunRules] = MappingProxyType(
    {
        "quick": RunRules(min_runs=10, min_duration_s=0.2, warmup_min_s=0.1, max_duration_s=30.0),
        "default": RunRules(rest_margin_c=2.0, rest_max_s=60.0),
        # Single stream, MLPerf Mobile's rules v4.0.
        "mlperf": RunRules(
            min_runs=1024,
            min_duration_s=60.0,
            max_duration_s=600.0,
            percentile=90,
            rest_max_s=300.0,
        ),
    }
)
"""Rules by name: a quick look, benchmark_model's own with rests between models, and MLPerf's."""
