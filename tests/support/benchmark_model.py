"""Recorded outputs of `benchmark_model`, and one that is made of lines.

The recordings follow public logs; excerpts among those were completed in their own grammar.
"""

from tests.support import FIXTURES

MIB = 2**20

WARMUP = "count=5 first=124020 curr=116061 min=115177 max=124020 avg=117225 std=3412"
MEASURED = "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066 std=1906"
SUMMARY = (
    "Inference timings in us: Init: 530, First inference: 124020, "
    "Warmup (avg): 117225, Inference (avg): 116066"
)
RUNNING = (
    "Running benchmark for at least 50 iterations and at least 1 seconds "
    "but terminate if exceeding 150 seconds."
)


def recorded(name):
    """A recorded output, by the name of its file."""
    return (FIXTURES / "benchmark_model" / f"{name}.txt").read_text(encoding="utf-8")


def run(*between, warmup=WARMUP, measured=MEASURED, summary=SUMMARY):
    """A run without prefixes, with lines of choice before its first count line."""
    head = ["STARTING!", *between, "Initialized session in 0.53ms.", RUNNING]
    lines = [*head, warmup, "", RUNNING, measured, "", summary]
    return "".join(f"{line}\n" for line in lines if line is not None)
