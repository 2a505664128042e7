"""Exact arm64 instruction counts of a model, from an emulator, without a phone.

    tools = find_tools(bundle, plugin)
    cost = count(Path("model.tflite"), tools, cpu="cortex-a57", delegate="xnnpack")
    cost.per_inference.total

A count is not a latency: it knows nothing of caches, bandwidth and issue width.
"""

from __future__ import annotations

from android_benchmark.cost.counting import TIMEOUT_S, WARMUP_RUNS, CountedRuns, count
from android_benchmark.cost.identity import CPUS, DEFAULT_CPU, Core
from android_benchmark.cost.tools import CostTools, CostToolsError, find_counter, find_tools

__all__ = [
    "CPUS",
    "DEFAULT_CPU",
    "TIMEOUT_S",
    "WARMUP_RUNS",
    "Core",
    "CostTools",
    "CostToolsError",
    "CountedRuns",
    "count",
    "find_counter",
    "find_tools",
]
