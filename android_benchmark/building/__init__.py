"""The engine tflbench and the instruction counter, built or put together on this computer.

Sources, and arm64 programs that come compiled, lie in `native`; libraries of others are known by
their hashes. Downloads and the places of the results are the caller's.
"""

from android_benchmark.building.bundle import MANIFEST, assemble, build, bundle_name
from android_benchmark.building.compiler import BuildError
from android_benchmark.building.counter import build_counter, check_counter, counter_name
from android_benchmark.building.program import CLOCK, COUNTER, TFLBENCH

__all__ = [
    "CLOCK",
    "COUNTER",
    "MANIFEST",
    "TFLBENCH",
    "BuildError",
    "assemble",
    "build",
    "build_counter",
    "bundle_name",
    "check_counter",
    "counter_name",
]
