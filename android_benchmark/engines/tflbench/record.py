"""What the engine reports: records, one per event, with fields named as in its output."""

from __future__ import annotations

import dataclasses


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
class AppliedDelegate:
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
class RunStatistics:
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
class PeakMemory:
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
class TflbenchReport:
    """Everything that an output says; what it does not say is None or empty.

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
    delegate: AppliedDelegate | None = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    warmup_ns: tuple[int, ...] = ()
    samples_ns: tuple[int, ...] = ()
    statistics: RunStatistics | None = None
    memory: PeakMemory | None = None
    op_profile: OpProfile | None = None
    trace: Trace | None = None
    complete: bool = False
    complaints: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
