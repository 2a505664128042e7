"""The count line: `count=50 first=… curr=… min=… max=… avg=… std=… p5=… median=… p95=…`."""

from __future__ import annotations

import dataclasses
import re

from android_benchmark.engines.benchmark_model.text.number import INTEGER, UNSIGNED, integer, real
from android_benchmark.measurement import Statistics


@dataclasses.dataclass(frozen=True)
class LoggedStatistics:
    """Durations of `count` runs, in microseconds; each one was an integer.

    Attributes:
        count: Number of runs; 0 of a dry run, whose other fields are None.
        first_us, curr_us: The first and the last run.
        avg_us: Mean, printed with six significant digits.
        std_us: Standard deviation of the population, cut to an integer.
        p5_us, median_us, p95_us: The value at floor(n·p/100) of the sorted runs; from
            TensorFlow 2.20 on.
        all_same: Every run took `curr_us`. Then the tool prints no first, min, max, avg and std.
    """

    count: int
    first_us: int | None = None
    curr_us: int | None = None
    min_us: int | None = None
    max_us: int | None = None
    avg_us: float | None = None
    std_us: int | None = None
    p5_us: int | None = None
    median_us: int | None = None
    p95_us: int | None = None
    all_same: bool = False

    @property
    def statistics(self) -> Statistics | None:
        """The same as other engines give it; None of a dry run."""
        low_us = self.curr_us if self.all_same else self.min_us
        high_us = self.curr_us if self.all_same else self.max_us
        if low_us is None or high_us is None:
            return None
        return Statistics(
            count=self.count,
            first_us=float(low_us if self.first_us is None else self.first_us),
            min_us=float(low_us),
            max_us=float(high_us),
            mean_us=float(low_us) if self.avg_us is None else self.avg_us,
            std_us=float(self.std_us or 0),
            p5_us=_real(self.p5_us),
            median_us=float(low_us) if self.all_same else _real(self.median_us),
            p95_us=_real(self.p95_us),
        )


def _real(value: int | None) -> float | None:
    return None if value is None else float(value)


_PERCENTILES = rf"(?: p5=(?P<p5>{INTEGER}) median=(?P<median>{INTEGER}) p95=(?P<p95>{INTEGER}))?"
_FORMS = tuple(
    re.compile(form + _PERCENTILES)
    for form in (
        r"count=(?P<count>0{1,18})",
        rf"count=(?P<count>{INTEGER}) curr=(?P<curr>{INTEGER})(?P<same>\(all same\))?",
        rf"count=(?P<count>{INTEGER}) first=(?P<first>{INTEGER}) curr=(?P<curr>{INTEGER})"
        rf" min=(?P<min>{INTEGER}) max=(?P<max>{INTEGER})"
        rf" avg=(?P<avg>{UNSIGNED}) std=(?P<std>{INTEGER})",
    )
)
ROUNDING = 1e-5
"""Six digits are at most this far off, as a fraction."""


def read(text: str) -> LoggedStatistics | None:
    """A count line without prefix, or None where anything in it is malformed or impossible."""
    text = text.rstrip(" ")
    match = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    if match is None:
        return None
    found = match.groupdict()
    count = int(found["count"])
    if count == 0:
        return LoggedStatistics(0) if "curr" not in found else None
    names = ("first", "curr", "min", "max", "std", "p5", "median", "p95")
    numbers = {f"{name}_us": integer(found.get(name)) for name in names}
    short = "first" not in found
    if short and (count > 1) != bool(found["same"]):
        return None
    statistics = LoggedStatistics(count, avg_us=real(found.get("avg")), all_same=short, **numbers)
    return statistics if _possible(statistics) else None


def _possible(it: LoggedStatistics) -> bool:
    """Whether least, middle and greatest values are in order, so far as they are given.

    A standard deviation is at most half of the range (Popoviciu's inequality).
    """
    low, high = (it.curr_us, it.curr_us) if it.all_same else (it.min_us, it.max_us)
    if low is None or high is None or (not it.all_same and it.avg_us is None):
        return False
    within = (it.first_us, it.curr_us, it.p5_us, it.median_us, it.p95_us)
    slack = ROUNDING * high
    return (
        low <= high
        and all(low <= value <= high for value in within if value is not None)
        and (it.p5_us or 0) <= (it.median_us or 0) <= (it.p95_us or 0)
        and (it.avg_us is None or low - slack <= it.avg_us <= high + slack)
        and (it.std_us or 0) <= (high - low) / 2
    )
