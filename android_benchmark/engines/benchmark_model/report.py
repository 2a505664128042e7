"""What an output says, as records. A number that the text does not hold is None."""

from __future__ import annotations

import dataclasses
import enum

from android_benchmark.engines.benchmark_model import backend
from android_benchmark.engines.benchmark_model.backend import Backend
from android_benchmark.engines.benchmark_model.delegate import (
    Application,
    Delegate,
    Delegation,
    Extent,
    Fallback,
    Partition,
    is_foreign,
    is_of,
    ran,
)
from android_benchmark.engines.benchmark_model.failure import Failure
from android_benchmark.engines.benchmark_model.profile import OperatorProfile
from android_benchmark.engines.benchmark_model.summary import Memory, Summary
from android_benchmark.engines.benchmark_model.text.statistic import LoggedStatistics


class Dialect(enum.Enum):
    """Which tool of which time wrote the output."""

    TF1 = "tf1"
    """`Average inference timings in us: Warmup: …`, TensorFlow 1."""
    TF2 = "tf2"
    """`Inference timings in us: Init: …`."""
    TF2_13 = "tf2.13"
    """The same, each line after `INFO: `."""
    TF2_20 = "tf2.20"
    """The same, with percentiles; also the classic tool of LiteRT."""
    LITERT2 = "litert2"
    """LiteRT's own tool, `BENCHMARK RESULTS`."""
    UNKNOWN = "unknown"
    """The text does not tell, or was cut before it could."""


class Missing(enum.Enum):
    """A part that a whole output has."""

    BEGINNING = "the beginning"
    WARMUP = "the warm-up's count line"
    MEASURED = "the measured run's count line"
    SUMMARY = "the summary"
    PROFILE = "the operator profile that was asked for"
    PROFILE_END = "the end of the operator profile"
    LINE_END = "the end of the last line, which was not read for numbers"


@dataclasses.dataclass(frozen=True)
class BenchmarkModelReport:
    """What one run of the engine printed.

    Attributes:
        dialect: Which tool of which time.
        init_us: Loading and preparing the model. From the summary, else from the line
            `Initialized session in`, both with six digits; LiteRT's block has 10 µs steps.
        model_size_bytes: Six digits.
        warmup: The first count line.
        measured: The second count line. Never the first: where only one is left of a text
            without its beginning, nothing tells which, and both are None.
        summary: The tool's own summary of both.
        memory: Growth of the process; None in all fields where nothing was printed.
        delegations: What each delegate took, in order.
        applications: What the tool said of each delegate that was asked for.
        partitions: What the compiler of an NPU took, in order.
        backends: Lines that name what an accelerator computes with, in order.
        fallbacks: Every notice that something asked for was not, or not wholly, done.
        profiles: Time by operator.
        unconsumed_flags: Flags that the binary does not know, without dashes and values. The
            tool only warns; the run was not the one asked for.
        warnings: Other warnings.
        failures: Errors, classified. A finished run may have some.
        missing: What a whole output would also have.
        doubts: Sentences on lines that are malformed or contradict each other.
    """

    dialect: Dialect = Dialect.UNKNOWN
    init_us: float | None = None
    model_size_bytes: float | None = None
    warmup: LoggedStatistics | None = None
    measured: LoggedStatistics | None = None
    summary: Summary | None = None
    memory: Memory = dataclasses.field(default_factory=Memory)
    delegations: tuple[Delegation, ...] = ()
    applications: tuple[Application, ...] = ()
    partitions: tuple[Partition, ...] = ()
    backends: tuple[Backend, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()
    profiles: tuple[OperatorProfile, ...] = ()
    unconsumed_flags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    missing: tuple[Missing, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the numbers must not be used, as sentences; empty for a whole, clean output.

        A fallback is none: the numbers are right, only not those of the delegate. See `ran`.
        """
        unknown = ", ".join(self.unconsumed_flags)
        return (
            *(f"the output lacks {part.value}" for part in self.missing),
            *self.doubts,
            *([f"the binary does not know the flags {unknown}"] if unknown else []),
        )

    def delegations_of(self, delegate: Delegate) -> tuple[Delegation, ...]:
        """What `delegate` took, in order."""
        return tuple(it for it in self.delegations if is_of(delegate, it.delegate))

    def applications_of(self, delegate: Delegate) -> tuple[Application, ...]:
        """What the tool said of `delegate`."""
        return tuple(it for it in self.applications if is_of(delegate, it.delegate))

    def ran(self, delegate: Delegate) -> bool | None:
        """Whether `delegate` ran any of the model; None where the output does not say.

        True does not mean all of it: `delegations` have the numbers of nodes.
        """
        return ran(delegate, self.delegations, self.applications, self.fallbacks)

    @property
    def foreign(self) -> dict[str, tuple[Delegation, ...]]:
        """What delegates took that are none of `Delegate`, by their names.

        Where only the tool's own word tells of one, such as `EXTERNAL`, nothing says how much.
        """
        took = [it for it in self.delegations if it.nodes and is_foreign(it.delegate)]
        if took:
            names = dict.fromkeys(it.delegate for it in took)
            return {name: tuple(it for it in took if it.delegate == name) for name in names}
        applied = [it for it in self.applications if it.extent is not Extent.NOTHING]
        return {it.delegate: () for it in applied if is_foreign(it.delegate)}

    @property
    def software_gpu(self) -> str:
        """The name of what plays a GPU on the CPU; empty if nothing does."""
        return backend.software(self.backends)

    def backend(self, delegate: Delegate) -> str:
        """What `delegate` computed with, such as `OpenCL`; empty where the output does not say."""
        return backend.of(delegate, self.backends, self.delegations_of(delegate))
