"""Saved output of `tflbench`, the project's own engine, run by hand."""

from __future__ import annotations

import re

from android_benchmark import RunRules, Settings
from android_benchmark.engines import tflbench
from android_benchmark.engines.own import result_of
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.imported.run import ForeignRun, file_name

FORM = "tflbench output"

_START = re.compile(r'\{\s*"event"\s*:\s*"start"')
_EVENT = re.compile(r'^\{\s*"event"\s*:', re.MULTILINE)


def is_output(text: str) -> bool:
    """Whether a text holds lines of tflbench."""
    return bool(_EVENT.search(text))


def read(text: str) -> list[ForeignRun | ResultError]:
    """The runs of a saved output in order; one that failed or is cut off is its error."""
    parts: list[list[str]] = [[]]
    for line in text.split("\n"):
        if _START.match(line) and any(_EVENT.match(earlier) for earlier in parts[-1]):
            parts.append([])
        parts[-1].append(line)
    found: list[ForeignRun | ResultError] = []
    for part in parts:
        try:
            found.append(_run("\n".join(part)))
        except ResultError as error:
            found.append(error)
    return found


def _run(text: str) -> ForeignRun:
    report = tflbench.parse(text, "", 0)
    start = report.start
    if report.damage or not report.complete or start is None or not report.samples_ns:
        problems = report.complaints or report.damage or report.problems
        why = problems[0] if problems else "it made no run"
        raise ResultError(f"the output of tflbench is no whole run: {why[:300].rstrip('.')}")
    asked = "xnnpack" if start.use_xnnpack else "none"
    settings = Settings(start.num_threads, asked, "", start.enable_op_profiling)
    result = result_of(report, start, settings, "")
    try:
        rules = RunRules(
            start.warmup_runs,
            max(float(start.warmup_min_secs), 0.0),
            start.num_runs,
            max(float(start.min_secs), 0.0),
            start.max_secs,
        )
    except ValueError:
        rules = None
    return ForeignRun(
        form=FORM,
        engine=result.engine,
        measurement=result.measurement,
        model_name=file_name(start.graph),
        threads=start.num_threads,
        rules=rules,
        flags=result.flags,
        init_us=result.init_us,
        peak_memory_bytes=result.peak_memory_bytes,
        profile=result.profile,
        profiling=start.enable_op_profiling,
        engine_flags=(f"run_delay={start.run_delay:g}",) if start.run_delay > 0 else (),
    )
