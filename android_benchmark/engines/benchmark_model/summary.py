"""The tool's summary of a run, its memory lines, and the single facts before them."""

from __future__ import annotations

import dataclasses
import re

from android_benchmark.engines.benchmark_model.text.number import (
    INTEGER,
    MEGABYTES,
    MIB,
    MILLISECONDS,
    UNSIGNED,
    integer,
    real,
)


@dataclasses.dataclass(frozen=True)
class Summary:
    """`Inference timings in us: …` or LiteRT's block, in microseconds.

    The averages have six significant digits; everything in LiteRT's block has steps of 10 µs, and
    only the block fills the fields from `warmup_count` on.
    """

    init_us: float | None = None
    first_us: float | None = None
    warmup_avg_us: float | None = None
    inference_avg_us: float | None = None
    warmup_count: int | None = None
    inference_count: int | None = None
    inference_min_us: float | None = None
    inference_max_us: float | None = None
    inference_std_us: float | None = None
    throughput_bytes_per_s: float | None = None


@dataclasses.dataclass(frozen=True)
class Memory:
    """Memory of the whole process in bytes, six digits at most.

    Attributes:
        init_bytes, overall_bytes: Growth of the largest resident set since the tool began, until
            after loading and until the end. A growth of 0 only says that start-up needed more.
        peak_bytes: Largest footprint seen, with `--report_peak_memory_footprint=true`.
        resident_bytes, anonymous_bytes, file_and_shared_bytes: Resident set at the end; whole MB.
    """

    init_bytes: float | None = None
    overall_bytes: float | None = None
    peak_bytes: float | None = None
    resident_bytes: float | None = None
    anonymous_bytes: float | None = None
    file_and_shared_bytes: float | None = None


LITERT_HEADING = "========== BENCHMARK RESULTS =========="

_NUMBER = rf"({UNSIGNED}|-?nan)"
_TF2 = re.compile(
    rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}, "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): {_NUMBER}"
)
_TF1 = re.compile(
    rf"Average inference timings in us: Warmup: {_NUMBER}, Init: {_NUMBER}, "
    rf"(?:no stats|Inference): {_NUMBER}"
)
_FOOTPRINT = re.compile(
    r"(?:Peak memory footprint|Memory footprint delta from the start of the tool) \(MB\): "
    rf"init=({UNSIGNED}) overall=({UNSIGNED})"
)
_PEAK = re.compile(rf"Overall peak memory footprint \(MB\) via periodic monitoring: ({UNSIGNED})")
_STATUS = re.compile(rf"(- VmRSS|\+ RssAnnon|\+ RssFile \+ RssShmem) {{0,20}}: ({INTEGER}) MB")
_SIZE = re.compile(rf"The input model file size \(MB\): ({UNSIGNED})")
_SESSION = re.compile(rf"Initialized session in ({UNSIGNED})ms\.?")
_LITERT = re.compile(
    r"(Model initialization|Warmup \((?:first|avg)\)|Inference \((?:avg|min|max|std)\)|Throughput"
    rf"|(?:Init|Overall) footprint|Peak memory): {{1,30}}({UNSIGNED})( ms| MB/s| MB|)"
    rf"(?: \(({INTEGER}) runs\))?"
)
_STATUS_FIELDS = {
    "- VmRSS": "resident_bytes",
    "+ RssAnnon": "anonymous_bytes",
    "+ RssFile + RssShmem": "file_and_shared_bytes",
}
# Name in LiteRT's block: unit, factor, field, field of the number of runs.
_LITERT_TIMES = {
    "Model initialization": (" ms", "init_us", ""),
    "Warmup (first)": (" ms", "first_us", ""),
    "Warmup (avg)": (" ms", "warmup_avg_us", "warmup_count"),
    "Inference (avg)": (" ms", "inference_avg_us", "inference_count"),
    "Inference (min)": (" ms", "inference_min_us", ""),
    "Inference (max)": (" ms", "inference_max_us", ""),
    "Inference (std)": ("", "inference_std_us", ""),
}
_LITERT_SIZES = {
    "Init footprint": "init_bytes",
    "Overall footprint": "overall_bytes",
    "Peak memory": "peak_bytes",
}


def classic(text: str) -> tuple[Summary, bool] | None:
    """The one-line summary, and whether it is that of TensorFlow 1."""
    if match := _TF2.fullmatch(text):
        init, first, warmup, inference = map(real, match.groups())
        return Summary(init, first, warmup, inference), False
    if match := _TF1.fullmatch(text):
        warmup, init, inference = map(real, match.groups())
        return Summary(init_us=init, warmup_avg_us=warmup, inference_avg_us=inference), True
    return None


def litert(text: str) -> tuple[dict[str, float | None], dict[str, float | None]] | None:
    """Fields of `Summary` and of `Memory` that a line of LiteRT's block gives."""
    match = _LITERT.fullmatch(text)
    if match is None:
        return None
    name, value, unit, runs = match.groups()
    if name in _LITERT_TIMES:
        wanted, field, count = _LITERT_TIMES[name]
        if unit != wanted or bool(runs) != bool(count):
            return None
        found = {field: real(value, MILLISECONDS)}
        return found | ({count: integer(runs)} if count else {}), {}
    if runs is not None:
        return None
    if name == "Throughput":
        return ({"throughput_bytes_per_s": real(value, MIB)}, {}) if unit == " MB/s" else None
    return ({}, {_LITERT_SIZES[name]: real(value, MIB)}) if unit == " MB" else None


def memory(text: str) -> dict[str, float | None] | None:
    """Fields of `Memory` that a line of the classic tool gives."""
    if match := _FOOTPRINT.fullmatch(text):
        return {"init_bytes": real(match[1], MIB), "overall_bytes": real(match[2], MIB)}
    if match := _PEAK.fullmatch(text):
        return {"peak_bytes": real(match[1], MIB)}
    if match := _STATUS.fullmatch(text):
        return {_STATUS_FIELDS[match[1]]: real(match[2], MIB)}
    return None


def model_size_bytes(text: str) -> float | None:
    """Of the line `The input model file size (MB): …`."""
    match = _SIZE.fullmatch(text)
    return real(match[1], MEGABYTES) if match else None


def session_us(text: str) -> float | None:
    """Of the line `Initialized session in …ms`."""
    match = _SESSION.fullmatch(text)
    return real(match[1], MILLISECONDS) if match else None
