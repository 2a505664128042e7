"""The engine's output: one JSON object per line, `end` last."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import math
import statistics
import types
import typing
from collections.abc import Iterator

from android_benchmark.engines.tflbench.record import (
    AppliedDelegate,
    Init,
    Op,
    OpProfile,
    PeakMemory,
    RunStatistics,
    Start,
    Tensor,
    TflbenchReport,
    Trace,
    TracedOp,
)

FORMAT = 1
"""Version of the output that is understood: 1, the first."""

_COMPLAINT = "tflbench: error: "


@dataclasses.dataclass(frozen=True)
class _Samples:
    first: int
    samples_ns: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class _Profile:
    runs: int
    ops: int
    failure: str | None


@dataclasses.dataclass(frozen=True)
class _Trace:
    ops: int
    failure: str | None


@dataclasses.dataclass(frozen=True)
class _End:
    warmup_runs: int
    runs: int
    inputs: int
    outputs: int


_EVENTS: dict[str, type] = {
    "start": Start,
    "init": Init,
    "delegate": AppliedDelegate,
    "input": Tensor,
    "warmup": _Samples,
    "runs": _Samples,
    "statistics": RunStatistics,
    "memory": PeakMemory,
    "output": Tensor,
    "op_profile": _Profile,
    "op": Op,
    "traced_op": TracedOp,
    "trace": _Trace,
    "end": _End,
}
_SEVERAL = {"input", "warmup", "runs", "output", "op_profile", "op", "traced_op", "trace"}


_SIGNED = {"zero_point", "index", "subgraph"}
"""Numbers that may be below 0; every other is a duration, a size, or a number of something."""
_MEAN = 1e-8
"""Nine digits are at most this far off, as a fraction."""


class _Malformed(Exception):
    """A line is not what the engine prints; the text says why."""


def _value(value: object, hint: typing.Any) -> object:
    """`value` as the type that a record's field wants."""
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_value(item, typing.get_args(hint)[0]) for item in value)
    if hint is bool and isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str):
        return value
    if hint in (int, float) and isinstance(value, int) and not isinstance(value, bool):
        if -(2**63) <= value < 2**63:
            return hint(value)
    elif hint is float and isinstance(value, float) and math.isfinite(value):
        return value
    raise _Malformed("a value of the wrong type")


_hints = functools.cache(typing.get_type_hints)


def _record(kind: type, values: dict[str, object]) -> typing.Any:
    fields = {}
    for field in dataclasses.fields(kind):
        if field.name in values:
            try:
                fields[field.name] = _value(values[field.name], _hints(kind)[field.name])
            except _Malformed as error:
                raise _Malformed(f"`{field.name}` has {error}") from None
            if field.name not in _SIGNED and _is_below_0(fields[field.name]):
                raise _Malformed(f"`{field.name}` is below 0")
        elif field.default is dataclasses.MISSING:
            raise _Malformed(f"`{field.name}` is missing")
    return kind(**fields)


def _is_below_0(value: object) -> bool:
    numbers = value if isinstance(value, tuple) else (value,)
    return any(isinstance(number, (int, float)) and number < 0 for number in numbers)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys are all different: of two values, neither is known to be right."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError
    return values


def _event(line: str) -> tuple[str, typing.Any]:
    try:
        values = json.loads(line, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise _Malformed("cut off or damaged") from None
    name = values.get("event") if isinstance(values, dict) else None
    if not isinstance(name, str) or name not in _EVENTS:
        raise _Malformed("an unknown event")
    return name, _record(_EVENTS[name], values)


def _join(chunks: list[_Samples], phase: str, problems: list[str]) -> tuple[int, ...]:
    """Samples of a phase in order; a gap is told, not filled."""
    samples: list[int] = []
    for chunk in chunks:
        if chunk.first != len(samples):
            problems.append(f"samples of `{phase}` are missing before number {chunk.first}")
        samples += chunk.samples_ns
    return tuple(samples)


def _contradictions(report: TflbenchReport) -> Iterator[str]:
    """Sentences on numbers that cannot be true together."""
    samples, said = report.samples_ns, report.statistics
    if said and samples:
        # Sums of many samples need more digits than a float has; the engine has no more either.
        mean = statistics.fmean(samples)
        agree = (said.count, said.min_ns, said.max_ns) == (len(samples), min(samples), max(samples))
        if not agree or not math.isclose(said.mean_ns, mean, rel_tol=_MEAN):
            yield "the statistics are not those of the samples"
    if said:
        levels = (said.min_ns, said.p5_ns, said.median_ns, said.p90_ns, said.p95_ns, said.p99_ns)
        slack = 1 + _MEAN
        if any(low > high * slack for low, high in itertools.pairwise((*levels, said.max_ns))):
            yield "the percentiles are not in order"
    took = report.delegate
    if took and took.nodes is not None and (took.delegated_nodes or 0) > took.nodes:
        yield f"the delegate took {took.delegated_nodes} of {took.nodes} nodes"


def _op_profile(summaries: list[_Profile], ops: list[Op], problems: list[str]) -> OpProfile | None:
    if not summaries:
        return None
    # A profiler that crashes while it prints leaves two: its own, and the note of its death.
    last = summaries[-1]
    if last.failure:
        problems.append(f"no complete profile of the operators: {last.failure}")
    elif last.ops != len(ops):
        problems.append(f"{len(ops)} operators arrived, {last.ops} were announced")
    return OpProfile(last.runs, last.failure, tuple(ops))


def _trace(ends: list[_Trace], ops: list[TracedOp]) -> Trace | None:
    if not ends:
        return None
    failure = ends[-1].failure
    if failure is None and ends[-1].ops != len(ops):
        failure = f"{len(ops)} operators arrived, {ends[-1].ops} were announced"
    return Trace(failure, tuple(ops))


def _check_end(ends: list[_End], report: TflbenchReport, returncode: int) -> list[str]:
    """Why the report is not complete."""
    problems = [] if returncode == 0 else [f"the engine ended with exit code {returncode}"]
    if not ends:
        return [*problems, "the output is cut off: its last line, `end`, is missing"]
    arrived = _End(
        len(report.warmup_ns), len(report.samples_ns), len(report.inputs), len(report.outputs)
    )
    for name, count in dataclasses.asdict(ends[-1]).items():
        if getattr(arrived, name) != count:
            problems.append(f"{getattr(arrived, name)} {name} arrived, {count} were announced")
    absent = [
        name
        for name in ("start", "init", "delegate", "statistics", "memory")
        if getattr(report, name) is None
    ]
    return problems + [f"the event `{name}` is missing" for name in absent]


def parse(stdout: str, stderr: str, returncode: int) -> TflbenchReport:
    """Read what the engine printed. Raises nothing: what is wrong stands in `problems`.

    Lines that are not the engine's (a runtime's own messages) are passed over, also where a
    shell without a separate stderr mixes them into `stdout`.

    Args:
        stdout: Standard output, whole or cut off.
        stderr: Standard error.
        returncode: Exit code, negative or above 128 after a signal.
    """
    problems: list[str] = []
    events: dict[str, list[typing.Any]] = {name: [] for name in _EVENTS}
    for number, line in enumerate(stdout.split("\n"), start=1):
        if not line.startswith("{"):
            continue
        try:
            name, record = _event(line)
        except _Malformed as error:
            problems.append(f"line {number} of the output: {error}")
            continue
        if events[name] and name not in _SEVERAL:
            problems.append(f"line {number} of the output: a second `{name}`")
        events[name].append(record)
    complaints = [
        line.removeprefix(_COMPLAINT).strip()
        for line in f"{stderr}\n{stdout}".split("\n")
        if line.startswith(_COMPLAINT)
    ]
    single = {name: found[0] if found else None for name, found in events.items()}
    start = single["start"]
    if start and start.format != FORMAT:
        problems.append(f"the output has format {start.format}, {FORMAT} is understood")
    warmup_ns = _join(events["warmup"], "warmup", problems)
    samples_ns = _join(events["runs"], "runs", problems)
    lost: list[str] = []
    report = TflbenchReport(
        start=start,
        init=single["init"],
        delegate=single["delegate"],
        inputs=tuple(events["input"]),
        outputs=tuple(events["output"]),
        warmup_ns=warmup_ns,
        samples_ns=samples_ns,
        statistics=single["statistics"],
        memory=single["memory"],
        op_profile=_op_profile(events["op_profile"], events["op"], lost),
        trace=_trace(events["trace"], events["traced_op"]),
        complaints=tuple(complaints),
    )
    problems += _contradictions(report)
    report = dataclasses.replace(report, damage=tuple(problems))
    missing = _check_end(events["end"], report, returncode)
    return dataclasses.replace(
        report, complete=not missing, problems=(*problems, *complaints, *lost, *missing)
    )
