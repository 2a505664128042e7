"""The official engine `benchmark_model`: which flags a binary has, and what its output says.

Every dialect from TensorFlow 1.13 to LiteRT 2 is read, with its operator profiles. A number that is
not in the text is None; a malformed one is not taken; an output that was cut short says so:

    flags = probe(help_text)
    command = arguments(flags, graph="/data/local/tmp/m.tflite", threads=4, delegate=Delegate.GPU)
    report = parse(stdout, stderr)
    if report.faults: …            # the numbers must not be used
    if not report.ran(Delegate.GPU): …  # they are not those of the GPU
"""

from android_benchmark.engines.benchmark_model.backend import NNAPI_CPU
from android_benchmark.engines.benchmark_model.command import arguments, delegates
from android_benchmark.engines.benchmark_model.delegate import (
    Delegate,
    Delegation,
    Extent,
    FallbackKind,
)
from android_benchmark.engines.benchmark_model.errors import (
    BenchmarkModelError,
    UnsupportedDelegateError,
    UnsupportedFlagError,
)
from android_benchmark.engines.benchmark_model.failure import FailureKind
from android_benchmark.engines.benchmark_model.flag import Flags, Tool, probe
from android_benchmark.engines.benchmark_model.parser import parse
from android_benchmark.engines.benchmark_model.profile import RUN_ORDER, Phase
from android_benchmark.engines.benchmark_model.report import BenchmarkModelReport, Missing
from android_benchmark.engines.benchmark_model.text.statistic import LoggedStatistics

__all__ = [
    "NNAPI_CPU",
    "RUN_ORDER",
    "BenchmarkModelError",
    "BenchmarkModelReport",
    "Delegate",
    "Delegation",
    "Extent",
    "FailureKind",
    "FallbackKind",
    "Flags",
    "LoggedStatistics",
    "Missing",
    "Phase",
    "Tool",
    "UnsupportedDelegateError",
    "UnsupportedFlagError",
    "arguments",
    "delegates",
    "parse",
    "probe",
]
