"""Saved logs of benchmark_model: a terminal's, adb's, or Android's own of the benchmark app."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from android_benchmark import Engine, Flag, Measurement, RunRules, Settings
from android_benchmark.engines import verdict
from android_benchmark.engines.benchmark_model import (
    BenchmarkModelReport,
    Delegate,
    FailureKind,
    Missing,
    parse,
)
from android_benchmark.engines.benchmark_model.report import Dialect
from android_benchmark.engines.benchmark_model.text import line
from android_benchmark.engines.benchmark_model.text.number import REAL
from android_benchmark.engines.official import operators
from android_benchmark.engines.verdict import Verdict
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.imported import android_log
from mmnet_deploy.results.imported.run import (
    NO_LIMIT_S,
    UNKNOWN,
    ForeignRun,
    around,
    checked,
    file_name,
)

FORM, ANDROID_FORM = "benchmark_model log", "benchmark_model in Android's log"
TOOL = "benchmark_model"

# A run prints some of these, in this order, once each.
_STARTS = ("Running TensorFlow Lite benchmark with args", "STARTING!", "Log parameter values")
_OPTIONS = "Summary of All Runs w/ Different Performance Options"
_SIGNS = (*_STARTS, "count=", "Inference timings in us", "Average inference timings in us")
_RUNNING = re.compile(
    rf"Running benchmark for at least ([0-9]{{1,9}}) iterations and at least ({REAL}) seconds"
    rf"(?: but terminate if exceeding ({REAL}) seconds)?\.?"
)
_PARAMETER = re.compile(r"([#\w][^\[\]:]{0,80}?) ?: \[(.*)\]")
_LOADED = re.compile(r"(?:Loaded model|Loading model from:) (\S.*)")
_ARGUMENT = re.compile(r"--([\w.-]{1,100})=(\S*)")
_XNNPACK = "Created TensorFlow Lite XNNPACK delegate for CPU."

# Said elsewhere in the result, or of no consequence for the latency.
_NEEDLESS = frozenset({
    "log parameter values verbosely", "min num runs", "min runs duration (seconds)",
    "max runs duration (seconds)", "min warmup runs", "min warmup runs duration (seconds)",
    "num threads", "#threads used for cpu inference", "graph", "benchmark name", "output prefix",
    "nnapi accelerators available", "use xnnpack", "use gpu", "use nnapi", "use hexagon",
    "enable op profiling", "xnnpack_force_fp16", "allow lower precision in gpu",
    "op profiling output mode.", "op profiling output file.", "list signatures",
    "csv file to export profiling data to", "max initial profiling buffer entries",
    "allow dynamic increase on profiling buffer entries", "memory footprint check interval (ms)",
    "print pre-invoke interpreter state", "print post-invoke interpreter state",
})  # fmt: skip
_ASKED = ("gpu", "nnapi", "hexagon", "xnnpack")


def is_log(text: str) -> bool:
    """Whether a text holds anything that benchmark_model prints."""
    return any(sign in text for sign in _SIGNS)


def read(text: str) -> list[ForeignRun | ResultError]:
    """The runs of a log in order; one that failed or is cut off is its error."""
    if not text.endswith("\n") and "count=" not in text.rsplit("\n", 1)[-1]:
        # Editors leave the last end of line out. A count line without it may be cut.
        text += "\n"
    logs = android_log.processes(text)
    form = ANDROID_FORM if logs else FORM
    found: list[ForeignRun | ResultError] = []
    for log in logs or [android_log.ProcessLog(text, "")]:
        for part in _parts(log.text):
            try:
                found.append(_run(part, form, log.measured_at))
            except ResultError as error:
                found.append(error)
    return found


def _parts(text: str) -> list[str]:
    """The text of each run."""
    raw = text.split("\n")
    begins, last = [0], -1
    for number, it in enumerate(line.read(text).lines):
        rank = next((n for n, sign in enumerate(_STARTS) if it.text.startswith(sign)), None)
        if rank is not None:
            if rank <= last:
                begins.append(number)
            last = rank
    ends = [*begins[1:], len(raw)]
    parts = []
    for begin, end in zip(begins, ends, strict=True):
        part = "\n".join(raw[begin:end])
        parts.append(part if end == len(raw) else part + "\n")
    return parts


@dataclasses.dataclass
class _Said:
    """What the lines say that the report does not have.

    Attributes:
        values: Parameters by their labels in lower case; `labels` has them as they stand.
        rules: What each series was asked to keep: runs, seconds, greatest number of seconds.
    """

    values: dict[str, str]
    labels: dict[str, str]
    rules: list[tuple[int, float, float]]
    model: str = ""
    xnnpack: bool = False


def _said(text: str) -> _Said:
    said = _Said({}, {}, [])
    for it in line.read(text).lines:
        words = it.text.strip(" ")
        if match := _RUNNING.fullmatch(words):
            limit_s = float(match[3]) if match[3] else NO_LIMIT_S
            said.rules.append((int(match[1]), float(match[2]), limit_s))
        elif match := _PARAMETER.fullmatch(words):
            said.values.setdefault(match[1].lower(), match[2])
            said.labels.setdefault(match[1].lower(), match[1])
        elif match := _LOADED.fullmatch(words):
            said.model = said.model or match[1].strip()
        elif words.startswith(_STARTS[0]):
            for name, value in _ARGUMENT.findall(words):
                said.values.setdefault(_LABELS.get(name, name), _TRUTH.get(value, value))
        said.xnnpack = said.xnnpack or words == _XNNPACK
    return said


# The flags of the app's start by the labels of the log.
_LABELS = {
    "num_threads": "num threads",
    "use_gpu": "use gpu",
    "use_nnapi": "use nnapi",
    "use_xnnpack": "use xnnpack",
    "use_hexagon": "use hexagon",
}
_TRUTH = {"true": "1", "false": "0"}


def _run(text: str, form: str, measured_at: str) -> ForeignRun:
    report, said = parse(text), _said(text)
    _require_whole(report, text)
    measured = report.measured.statistics if report.measured else None
    if measured is None:
        raise ResultError("it has no measured run")
    values = said.values
    asked = next((name for name in _ASKED if values.get(f"use {name}") == "1"), "")
    external = values.get("external delegate path")
    if not asked and not external and values.get("use xnnpack") == "0":
        asked = "none"
    ran = _verdict(report, said, asked)
    size = report.model_size_bytes
    return ForeignRun(
        form=form,
        engine=Engine(
            TOOL,
            report.dialect.value,
            ran.delegate,
            asked,
            ran.nodes,
            ran.delegated_nodes,
            ran.partitions,
            backend=ran.backend,
        ),
        measurement=Measurement(
            (), (), checked(measured, [] if report.init_us is None else [report.init_us])
        ),
        model_name=file_name(values.get("graph") or said.model),
        # Six digits, of which the last is rounded.
        model_bytes=around(size, 1e-5 * size) if size else None,
        threads=_threads(values),
        rules=_rules(said),
        flags=(*ran.flags, *_unknown_flags(report)),
        init_us=report.init_us,
        peak_memory_bytes=_peak(report),
        profile=operators(report),
        profiling=values.get("enable op profiling") == "1" or bool(report.profiles),
        delegate_precision=_precision(values),
        engine_flags=tuple(
            f"{said.labels[name]}={value}"
            for name, value in values.items()
            if name in said.labels and name not in _NEEDLESS and value not in ("", "-1")
        ),
        measured_at=measured_at,
    )


def _require_whole(report: BenchmarkModelReport, text: str) -> None:
    """Refuse a run that failed, was cut off or contradicts itself.

    Raises:
        ResultError: And why.
    """
    if _OPTIONS in text:
        raise ResultError(
            "it is of benchmark_model_performance_options, which measures several settings in one "
            "run: measure one setting with benchmark_model"
        )
    gave_up = any("Benchmarking failed" in it.text for it in report.failures)
    if gave_up or (report.measured is None and report.failures):
        causes = [
            it for it in report.failures if it.kind not in (FailureKind.RUN, FailureKind.OTHER)
        ]
        said = (causes or report.failures)[0].text
        raise ResultError(f"benchmark_model failed: {said[:200].rstrip('.')}")
    if report.doubts:
        raise ResultError(f"it makes no sense: {report.doubts[0][:300]}")
    needed = (Missing.MEASURED, Missing.SUMMARY)
    lacking = [part.value for part in needed if part in report.missing]
    if lacking:
        raise ResultError(f"it is cut off: it lacks {' and '.join(lacking)}")


def _verdict(report: BenchmarkModelReport, said: _Said, asked: str) -> Verdict:
    """What ran the model, and what is wrong with that."""
    if asked:
        return verdict.judge(report, Settings(delegate=asked))
    ran = [it for it in Delegate if report.ran(it)]
    # What XNNPACK runs beside an accelerator is what that one left.
    ran.sort(key=lambda it: it is Delegate.XNNPACK)
    foreign = verdict.foreign(report)
    if foreign and ran in ([], [Delegate.XNNPACK]):
        return foreign
    if ran:
        found = verdict.judge(report, Settings(delegate=ran[0].value))
        # LiteRT's log does not tell what was asked for, so nothing shows that it was this one.
        told = tuple(flag for flag in found.flags if flag.name != "fell_back" or not flag.good)
        return dataclasses.replace(found, flags=told)
    known = Delegate.XNNPACK.value if said.xnnpack else ""
    if report.dialect is Dialect.TF1:
        known = Delegate.NONE.value
    return Verdict(known or UNKNOWN, None, None, None, "", ())


def _unknown_flags(report: BenchmarkModelReport) -> tuple[Flag, ...]:
    if not report.unconsumed_flags:
        return ()
    names = ", ".join(report.unconsumed_flags)[:200]
    return (Flag("flags_known", False, f"benchmark_model did not know the flags {names}"),)


def _threads(values: Mapping[str, str]) -> int:
    """0 where nothing tells; -1 leaves it to the runtime, which is no number either.

    Raises:
        ResultError: Two lines differ.
    """
    labels = ("num threads", "#threads used for cpu inference")
    told = {values[name] for name in labels if re.fullmatch("[0-9]{1,6}", values.get(name, ""))}
    if len(told) > 1:
        raise ResultError(f"it contradicts itself: {' and '.join(sorted(told))} threads")
    return int(told.pop()) if told else 0


def _rules(said: _Said) -> RunRules | None:
    """What both series were asked to keep."""
    if len(said.rules) != 2:
        return None
    (warmup_runs, warmup_s, _), (runs, least_s, most_s) = said.rules
    try:
        return RunRules(warmup_runs, max(warmup_s, 0.0), runs, max(least_s, 0.0), most_s)
    except ValueError:
        return None


def _peak(report: BenchmarkModelReport) -> int | None:
    peak = report.memory.peak_bytes
    return None if peak is None or not 0 < peak < 2**50 else round(peak)


def _precision(values: Mapping[str, str]) -> str:
    """What the delegate was told to compute in."""
    if values.get("use xnnpack") == "1" and values.get("xnnpack_force_fp16") == "1":
        return "fp16"
    if values.get("use gpu") == "1":
        return {"0": "fp32", "1": "fp16"}.get(values.get("allow lower precision in gpu", ""), "")
    return ""
