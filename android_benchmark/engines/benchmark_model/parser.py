"""From the text of a run to its report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from android_benchmark.engines.benchmark_model.reader import STARTS, RunReader
from android_benchmark.engines.benchmark_model.report import BenchmarkModelReport, Dialect, Missing
from android_benchmark.engines.benchmark_model.summary import Memory, Summary
from android_benchmark.engines.benchmark_model.text import line
from android_benchmark.engines.benchmark_model.text.line import Line
from android_benchmark.engines.benchmark_model.text.statistic import ROUNDING, LoggedStatistics

# LiteRT's block prints hundredths of a millisecond.
_BLOCK_STEP_US = 10.0
_TERMINATE = "but terminate if exceeding"


def parse(stdout: str, stderr: str = "") -> BenchmarkModelReport:
    """Read what a run printed; any text can be given, and none raises.

    Builds of TensorFlow 1 print everything to stderr, later ones errors only, and over an old adb
    both arrive in stdout. So numbers are looked for in either.
    """
    texts = [line.read(text) for text in (stdout, stderr) if text]
    lines, earlier = _last_run([it for text in texts for it in text.lines])
    run = RunReader()
    for it in lines:
        run.read(it)
    run.profile.close()
    warmup, measured = _series(run)
    summary = run.classic or (Summary(**run.block) if run.block else None)  # type: ignore[arg-type]
    inits = (summary.init_us if summary else None, run.single.get("session_us"))
    missing = list(_missing(run, warmup, measured))
    if any(text.cut for text in texts):
        missing.append(Missing.LINE_END)
    doubts = list(_doubts(run))
    doubts += _contradictions(summary, warmup, measured, exact=run.classic is not None)
    if earlier:
        doubts.append("the output holds more than one run; only the last is read")
    if any(text.overlong for text in texts):
        doubts.append("a line is longer than any tool prints and was not read for numbers")
    return BenchmarkModelReport(
        dialect=_dialect(run),
        # LiteRT's block rounds more than the line of the session does.
        init_us=_first(inits if run.classic else inits[::-1]),
        model_size_bytes=run.single.get("model_size_bytes"),
        warmup=warmup,
        measured=measured,
        summary=summary,
        memory=Memory(**run.memory),
        delegations=tuple(run.delegations),
        applications=tuple(run.applications),
        partitions=tuple(run.partitions),
        backends=tuple(run.backends),
        fallbacks=tuple(run.fallbacks),
        profiles=tuple(run.profile.profiles),
        unconsumed_flags=tuple(run.unconsumed),
        warnings=tuple(run.warnings),
        failures=tuple(run.failures),
        missing=tuple(missing),
        doubts=tuple(doubts),
    )


def _first(values: Iterable[float | None]) -> float | None:
    return next((value for value in values if value is not None), None)


def _doubts(run: RunReader) -> Iterator[str]:
    yield from run.doubts
    if run.profile.malformed:
        yield f"a row of the profile is malformed: {run.profile.malformed[:200]}"
    if len(run.counts) > 2:
        yield "there are more than two count lines; nothing tells which ones count"


def _last_run(lines: list[Line]) -> tuple[list[Line], bool]:
    """The lines from the last start that follows a count line, and whether there is one."""
    begin, counted = 0, False
    for number, it in enumerate(lines):
        if counted and it.text.startswith(STARTS):
            begin, counted = number, False
        counted = counted or it.text.startswith("count=")
    return lines[begin:], begin > 0


def _dialect(run: RunReader) -> Dialect:
    if run.litert:
        return Dialect.LITERT2
    announced_by_tf1 = run.running.endswith("seconds") and _TERMINATE not in run.running
    if run.tf1 or (run.classic is None and announced_by_tf1):
        return Dialect.TF1
    if run.classic is None:
        # LiteRT's own tool begins with the same lines, prefixed.
        unprefixed = run.running and not run.prefixed
        return Dialect.TF2 if unprefixed else Dialect.UNKNOWN
    if any(it is not None and it.median_us is not None for it in run.counts):
        return Dialect.TF2_20
    return Dialect.TF2_13 if run.prefixed else Dialect.TF2


def _series(run: RunReader) -> tuple[LoggedStatistics | None, LoggedStatistics | None]:
    """Warm-up and measured run, by the order of the count lines."""
    if len(run.counts) > 2:
        return None, None
    if len(run.counts) == 2:
        return run.counts[0], run.counts[1]
    return (run.counts[0] if run.counts and run.begun else None), None


def _missing(
    run: RunReader, warmup: LoggedStatistics | None, measured: LoggedStatistics | None
) -> Iterator[Missing]:
    if not run.begun:
        yield Missing.BEGINNING
    if warmup is None:
        yield Missing.WARMUP
    if measured is None:
        yield Missing.MEASURED
    if run.classic is None and "inference_avg_us" not in run.block:
        yield Missing.SUMMARY
    if run.profiling == "stdout" and not run.profile.profiles:
        yield Missing.PROFILE
    if not all(profile.ended for profile in run.profile.profiles):
        yield Missing.PROFILE_END


def _contradictions(
    summary: Summary | None,
    warmup: LoggedStatistics | None,
    measured: LoggedStatistics | None,
    exact: bool,
) -> Iterator[str]:
    """Sentences on what the summary says otherwise than the lines it sums up."""
    if summary is None:
        return
    step_us = 0 if exact else _BLOCK_STEP_US / 2
    for what, one, other in (
        ("first run", summary.first_us, _value(warmup, "first_us")),
        ("warm-up's mean", summary.warmup_avg_us, _value(warmup, "avg_us")),
        ("measured mean", summary.inference_avg_us, _value(measured, "avg_us")),
        ("least duration", summary.inference_min_us, _value(measured, "min_us")),
        ("greatest duration", summary.inference_max_us, _value(measured, "max_us")),
    ):
        if one is not None and other is not None and abs(one - other) > ROUNDING * other + step_us:
            yield f"the summary and the count lines disagree on the {what}"
    for series, count in ((warmup, summary.warmup_count), (measured, summary.inference_count)):
        if series is not None and count is not None and series.count != count:
            yield "the summary and the count lines disagree on the number of runs"


def _value(series: LoggedStatistics | None, field: str) -> float | None:
    """A field; of runs that all took the same time, that time."""
    if series is None:
        return None
    value: float | None = getattr(series, "curr_us" if series.all_same else field)
    return value
