"""What `inference_diff` prints: two ways of running one model, and how far they are apart."""

from __future__ import annotations

import dataclasses
import re

from android_benchmark.engines.benchmark_model.text.number import INTEGER, REAL, integer, real


@dataclasses.dataclass(frozen=True)
class OutputDifference:
    """Mean absolute error of one output against the reference, and its standard deviation."""

    index: int
    avg_error: float
    std_error: float


@dataclasses.dataclass(frozen=True)
class Difference:
    """Latency of the reference and of what was tested, in microseconds, and their outputs."""

    runs: int | None = None
    reference_avg_us: float | None = None
    reference_std_us: float | None = None
    test_avg_us: float | None = None
    test_std_us: float | None = None
    outputs: tuple[OutputDifference, ...] = ()


_RUNS = re.compile(rf"Num evaluation runs: ({INTEGER})")
_LATENCY = re.compile(rf"(Reference|Test) run latency: avg=({REAL})\(us\), std_dev=({REAL})\(us\)")
_OUTPUT = re.compile(rf"OutputDiff\[({INTEGER})\]: avg_error=({REAL}), std_dev=({REAL})")


def read(text: str, so_far: Difference | None) -> Difference | None:
    """`so_far` with what the line adds, or None if it adds nothing."""
    difference = so_far or Difference()
    text = text.strip(" ")
    if match := _RUNS.fullmatch(text):
        return dataclasses.replace(difference, runs=integer(match[1]))
    if match := _LATENCY.fullmatch(text):
        avg_us, std_us = real(match[2]), real(match[3])
        if match[1] == "Reference":
            return dataclasses.replace(difference, reference_avg_us=avg_us, reference_std_us=std_us)
        return dataclasses.replace(difference, test_avg_us=avg_us, test_std_us=std_us)
    if match := _OUTPUT.fullmatch(text):
        index, avg, std = integer(match[1]), real(match[2]), real(match[3])
        if index is None or avg is None or std is None:
            return None
        output = OutputDifference(index, avg, std)
        return dataclasses.replace(difference, outputs=(*difference.outputs, output))
    return None
