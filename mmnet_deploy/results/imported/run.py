"""One run that another tool measured, with what its file says of it and nothing else."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from pathlib import PureWindowsPath

from android_benchmark import Engine, Flag, Measurement, OperatorTime, RunRules, Statistics
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.record_json import MOST_US

UNKNOWN = "unknown"
"""The delegate of a file that does not say what ran the model."""

NO_LIMIT_S = MOST_US / 1e6
"""The greatest duration of a tool that knows no bound: longer than any result may take."""

LARGEST_MODEL = 2**31
"""Bytes. No `.tflite` file is larger."""


@dataclasses.dataclass(frozen=True)
class ForeignRun:
    """What a file says of one run.

    Attributes:
        form: Kind of the file, for people.
        engine: Its delegate is `UNKNOWN` where the file does not tell.
        model_name: Name of the model's file, without folders; empty if the file does not tell.
        model_bytes: The least and the greatest size of the model that the file's figure may stand
            for.
        threads: 0 where the file does not tell.
        rules: What the tool was asked to keep; None where the file does not tell.
        engine_flags: What else the tool says that it was given, each as `NAME=VALUE`.
        measured_at: ISO date and time, as the file has it; empty if it has none.
    """

    form: str
    engine: Engine
    measurement: Measurement
    model_name: str = ""
    model_bytes: tuple[float, float] | None = None
    threads: int = 0
    rules: RunRules | None = None
    flags: tuple[Flag, ...] = ()
    init_us: float | None = None
    peak_memory_bytes: int | None = None
    profile: tuple[OperatorTime, ...] = ()
    profiling: bool = False
    delegate_precision: str = ""
    engine_flags: tuple[str, ...] = ()
    measured_at: str = ""


def file_name(path: str) -> str:
    """The last part of a path of any system."""
    return PureWindowsPath(path).name


def around(size_bytes: float, step_bytes: float) -> tuple[float, float]:
    """The sizes that a figure stands for that was rounded to steps.

    Raises:
        ResultError: No model has such a size.
    """
    if not 0 <= size_bytes <= LARGEST_MODEL:
        raise ResultError(f"it has an impossible size of the model: {size_bytes:g} bytes")
    return size_bytes - step_bytes / 2 - 1, size_bytes + step_bytes / 2 + 1


def checked(given: Statistics, others_us: Sequence[float] = ()) -> Statistics:
    """Statistics that can be true together.

    Args:
        others_us: Further times of the run, such as that of its preparation.

    Raises:
        ResultError: They cannot, or a time is negative, endless or no number.
    """
    named = (given.min_us, given.mean_us, given.max_us, given.std_us)
    optional = (given.first_us, given.p5_us, given.median_us, given.p95_us)
    times = [*named, *others_us, *(value for value in optional if value is not None)]
    for time_us in times:
        if not 0 <= time_us <= MOST_US:
            raise ResultError(f"it has an impossible time: {time_us / 1000:g} ms")
    if given.mean_us == 0 or given.median_us == 0:
        raise ResultError("it has a time of 0 ms: the model is faster than the tool can measure")
    if not 1 <= given.count <= 10**12:
        raise ResultError(f"it has an impossible number of runs: {given.count}")
    levels = [given.min_us, given.p5_us, given.median_us, given.p95_us, given.max_us]
    known = [level for level in levels if level is not None]
    slack = 1e-6 * given.max_us
    rounding = slack + given.step_us
    if (
        any(low > high + slack for low, high in itertools.pairwise(known))
        or not given.min_us - rounding <= given.mean_us <= given.max_us + rounding
        # Popoviciu's inequality; the rounded ends may be half a step too near.
        or given.std_us > (given.max_us - given.min_us) / 2 + rounding
    ):
        raise ResultError("it contradicts itself: least, mean and greatest time do not go together")
    return given


def population(sample_std: float, count: int) -> float:
    """The standard deviation of a population from that of a sample."""
    return sample_std * math.sqrt((count - 1) / count) if count > 0 else sample_std
