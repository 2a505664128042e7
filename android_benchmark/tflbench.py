"""What `tflbench`, our own engine, prints and writes: read, checked, compared with the host's.

The engine prints one JSON object per line and `end` last; `native/tflbench.c` lists the events.
"""

from __future__ import annotations

import array
import dataclasses
import functools
import json
import math
import sys
import types
import typing

ENGINE = "tflbench"
FORMAT = 1
"""Version of the output that is understood: 1, the first."""

UNVERIFIED = "tflbench was tested under emulation only; it has not been verified on a real phone"
"""Goes with every result that the engine gives on a real phone."""

_COMPLAINT = "tflbench: error: "


# --- Records, one per event; fields are named as in the output ------------------------------------


@dataclasses.dataclass(frozen=True)
class Start:
    """What was asked for, and the library's own version (`runtime`)."""

    format: int
    version: str
    runtime: str
    library: str
    graph: str
    num_threads: int
    warmup_runs: int
    warmup_min_secs: float
    num_runs: int
    min_secs: float
    max_secs: float
    run_delay: float
    use_xnnpack: bool
    enable_op_profiling: bool


@dataclasses.dataclass(frozen=True)
class Init:
    """How long the model took to get ready; the delegate's share is in `interpreter_ns`."""

    model_ns: int
    interpreter_ns: int
    allocate_ns: int


@dataclasses.dataclass(frozen=True)
class Delegate:
    """Which delegate was made (None: none was asked for) and how much of the model it took.

    Attributes:
        name: The delegate's name.
        nodes: Nodes of the model, None where the library does not tell.
        delegated_nodes: Of them, run by the delegate; 0 is a silent fallback.
        partitions: Nodes that stand for them after delegation.
    """

    name: str | None
    nodes: int | None
    delegated_nodes: int | None
    partitions: int | None


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or an output; `fnv1a64` is a digest of its bytes.

    Attributes:
        scale: Size of a quantization step, 0 where there is none, None where it is not finite.
        source: Of an input, "noise" or "file"; of an output None.
    """

    index: int
    name: str | None
    dtype: str
    shape: tuple[int, ...]
    scale: float | None
    zero_point: int
    size_bytes: int
    fnv1a64: str
    source: str | None = None


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What the engine itself derived from the measured samples."""

    count: int
    mean_ns: float
    std_ns: float
    min_ns: int
    p5_ns: float
    median_ns: float
    p90_ns: float
    p95_ns: float
    p99_ns: float
    max_ns: int


@dataclasses.dataclass(frozen=True)
class Memory:
    """Greatest resident set before the library was loaded, once the model was ready, and after
    the measured runs; 0 where the system does not say. Under emulation it is the emulator's."""

    start_peak_bytes: int
    init_peak_bytes: int
    peak_bytes: int


@dataclasses.dataclass(frozen=True)
class Op:
    """Time of one operator, summed over `count` calls.

    `inside_delegate` operators were timed by the delegate, in whole microseconds.
    """

    position: int
    name: str
    inside_delegate: bool
    index: int
    subgraph: int
    count: int
    total_ns: int


@dataclasses.dataclass(frozen=True)
class OpProfile:
    """Operators in the order of their first run; `failure` is why there are none, or fewer."""

    runs: int
    failure: str | None
    ops: tuple[Op, ...] = ()


@dataclasses.dataclass(frozen=True)
class TracedOp:
    """An operator of the traced run; for one inside a delegate, `index` is the delegate's own."""

    name: str
    inside_delegate: bool
    index: int
    subgraph: int


@dataclasses.dataclass(frozen=True)
class Trace:
    """Operators in the order that they ran; `failure` is why there are none, or fewer."""

    failure: str | None
    ops: tuple[TracedOp, ...] = ()


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that an output tells; what it does not is None or empty.

    Attributes:
        warmup_ns: Raw durations of the warm-up runs, in order.
        samples_ns: Raw durations of the measured runs, in order.
        complete: The engine came to its end with exit code 0, and nothing of its output is
            missing. What an incomplete report holds was measured all the same.
        complaints: What the engine itself says of why it failed.
        damage: What of `problems` puts the whole output in doubt: another format, lines that are
            not as they should be, samples that are missing.
        problems: What is wrong, for people; empty where all is well.
    """

    start: Start | None = None
    init: Init | None = None
    delegate: Delegate | None = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    warmup_ns: tuple[int, ...] = ()
    samples_ns: tuple[int, ...] = ()
    statistics: Statistics | None = None
    memory: Memory | None = None
    op_profile: OpProfile | None = None
    trace: Trace | None = None
    complete: bool = False
    complaints: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


# --- Reading --------------------------------------------------------------------------------------


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
    "delegate": Delegate,
    "input": Tensor,
    "warmup": _Samples,
    "runs": _Samples,
    "statistics": Statistics,
    "memory": Memory,
    "output": Tensor,
    "op_profile": _Profile,
    "op": Op,
    "traced_op": TracedOp,
    "trace": _Trace,
    "end": _End,
}
_SEVERAL = {"input", "warmup", "runs", "output", "op_profile", "op", "traced_op", "trace"}


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
        elif field.default is dataclasses.MISSING:
            raise _Malformed(f"`{field.name}` is missing")
    return kind(**fields)


def _event(line: str) -> tuple[str, typing.Any]:
    try:
        values = json.loads(line)
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


def _check_end(ends: list[_End], report: Report, returncode: int) -> list[str]:
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


def parse(stdout: str, stderr: str, returncode: int) -> Report:
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
    report = Report(
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
        damage=tuple(problems),
    )
    missing = _check_end(events["end"], report, returncode)
    return dataclasses.replace(
        report, complete=not missing, problems=(*problems, *complaints, *lost, *missing)
    )


# --- Inputs and outputs ---------------------------------------------------------------------------

_CODES = {
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
_TOLERANCES = {"int8": 1.0, "uint8": 1.0, "int16": 1.0, "float32": 1e-4, "float64": 1e-4}


def noise(dtype: str, size_bytes: int) -> bytes:
    """The input that the engine makes where it is given no file.

    Args:
        dtype: "float32" (0 to below 1) or an integer type (its whole range).
        size_bytes: Size of the tensor.

    Raises:
        ValueError: The engine makes no noise of this type.
    """
    if dtype not in _CODES or dtype == "float64":
        raise ValueError(f"`dtype` must be float32 or an integer type. Received: {dtype}.")
    x = 12345
    draws = []
    for _ in range(size_bytes // 4 if dtype == "float32" else size_bytes):
        x = (1664525 * x + 1013904223) % 2**32
        draws.append(x)
    if dtype != "float32":
        return bytes(x >> 24 for x in draws)
    values = array.array("f", [(x >> 8) / 2**24 for x in draws])
    return _little_endian(values).tobytes()


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far two outputs of one network are apart.

    Attributes:
        dtype: Type of both.
        elements: How many values each has (pixels, for a matte).
        different: How many of them differ at all.
        largest: The largest difference, in quantization steps for integer types, absolute for
            floating point; infinite where a value is not a number.
    """

    dtype: str
    elements: int
    different: int
    largest: float

    @property
    def agrees(self) -> bool:
        """Within one step for 8 and 16 bits (kernels round differently by architecture), within
        1e-4 for floating point, equal for all other types."""
        return self.largest <= _TOLERANCES.get(self.dtype, 0.0)


def _little_endian(values: array.array[typing.Any]) -> array.array[typing.Any]:
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _apart(left: float, right: float) -> float:
    if left == right:
        return 0.0
    difference = abs(left - right)
    return math.inf if math.isnan(difference) else difference


def compare_outputs(host: bytes, device: bytes, dtype: str) -> Difference:
    """Compare the raw bytes of an output tensor with those that the host computed.

    Args:
        host: Little-endian values from the runtime on this computer.
        device: The same from the device.
        dtype: Their type, by numpy's name: integers of 8 to 64 bits, float32, float64.

    Raises:
        ValueError: The type is another one, or the sizes differ or do not fit it.
    """
    if dtype not in _CODES:
        raise ValueError(f"`dtype` must be one of {', '.join(_CODES)}. Received: {dtype}.")
    size = array.array(_CODES[dtype]).itemsize
    if len(host) != len(device) or len(host) % size:
        raise ValueError(
            f"Outputs must have one size, a multiple of {size} bytes for {dtype}. "
            f"Received: {len(host)} and {len(device)} bytes."
        )
    pairs = zip(
        _little_endian(array.array(_CODES[dtype], host)),
        _little_endian(array.array(_CODES[dtype], device)),
        strict=True,
    )
    apart = [_apart(left, right) for left, right in pairs]
    return Difference(dtype, len(apart), sum(value > 0 for value in apart), max(apart, default=0.0))
