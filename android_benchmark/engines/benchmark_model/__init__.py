"""The official engine `benchmark_model`: which flags a binary has, and what its output says.

Every dialect from TensorFlow 1.13 to LiteRT 2 is read, with its operator profiles. A number that is
not in the text is None; a malformed one is not taken; an output that was cut short says so:

    flags = probe(help_text)
    command = arguments(flags, graph="/data/local/tmp/m.tflite", threads=4, delegate=Delegate.GPU)
    report = parse(stdout, stderr)
    if report.faults: …            # the numbers must not be used
    if not report.ran(Delegate.GPU): …  # they are not those of the GPU
"""

from android_benchmark.engines.benchmark_model.command import arguments
from android_benchmark.engines.benchmark_model.delegate import (
    Application,
    Delegate,
    Delegation,
    Extent,
    Fallback,
    FallbackKind,
)
from android_benchmark.engines.benchmark_model.errors import (
    ArgumentError,
    BenchmarkModelError,
    UnknownToolError,
    UnsupportedDelegateError,
    UnsupportedError,
    UnsupportedFlagError,
)
from android_benchmark.engines.benchmark_model.failure import Failure, FailureKind
from android_benchmark.engines.benchmark_model.flag import Flags, Tool, ToolFlag, probe
from android_benchmark.engines.benchmark_model.parser import parse
from android_benchmark.engines.benchmark_model.profile import (
    RUN_ORDER,
    OperatorProfile,
    Phase,
    Table,
)
from android_benchmark.engines.benchmark_model.report import BenchmarkModelReport, Dialect, Missing
from android_benchmark.engines.benchmark_model.summary import Memory, Summary
from android_benchmark.engines.benchmark_model.text.statistic import LoggedStatistics
from android_benchmark.engines.benchmark_model.text.table import ProfileRow

__all__ = [
    "RUN_ORDER",
    "Application",
    "ArgumentError",
    "BenchmarkModelError",
    "BenchmarkModelReport",
    "Delegate",
    "Delegation",
    "Dialect",
    "Extent",
    "Failure",
    "FailureKind",
    "Fallback",
    "FallbackKind",
    "Flags",
    "LoggedStatistics",
    "Memory",
    "Missing",
    "OperatorProfile",
    "Phase",
    "ProfileRow",
    "Summary",
    "Table",
    "Tool",
    "ToolFlag",
    "UnknownToolError",
    "UnsupportedDelegateError",
    "UnsupportedError",
    "UnsupportedFlagError",
    "arguments",
    "parse",
    "probe",
]
