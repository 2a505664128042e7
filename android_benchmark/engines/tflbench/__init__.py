"""What `tflbench`, our own engine, prints: read and checked.

The engine prints one JSON object per line and `end` last; `native/tflbench.c` lists the events.
"""

from android_benchmark.engines.tflbench.output import noise
from android_benchmark.engines.tflbench.parser import parse
from android_benchmark.engines.tflbench.record import OpProfile, Start, TflbenchReport, TracedOp

__all__ = [
    "ENGINE",
    "UNVERIFIED",
    "OpProfile",
    "Start",
    "TflbenchReport",
    "TracedOp",
    "noise",
    "parse",
]

ENGINE = "tflbench"

UNVERIFIED = "tflbench was tested under emulation only; it has not been verified on a real phone"
"""Goes with every result that the engine gives on a real phone."""
