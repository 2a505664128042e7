"""A stand-in for benchmark_model on the emulated phone, where no real engine can run.

It shows how the harness works, from the push to the chart. What it prints was written by
hand in the words of TensorFlow 2.20, and is the same for every model.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from android_benchmark.device import Settings
from android_benchmark.emulator import Reply, ScriptedEngine
from android_benchmark.engines import BenchmarkModel
from android_benchmark.measurement import Flag
from android_benchmark.phone.adb import Completed
from android_benchmark.phone.engine import EngineResult

NAME = "stand-in"

_FLAGS = {
    "graph": ("", "string", "graph file name"),
    "num_threads": ("-1", "int32", "number of threads"),
    "num_runs": ("50", "int32", "expected number of runs"),
    "min_secs": ("1", "float", "minimum number of seconds"),
    "max_secs": ("150", "float", "maximum number of seconds"),
    "warmup_runs": ("1", "int32", "minimum number of warm-up runs"),
    "warmup_min_secs": ("0.5", "float", "minimum number of seconds to warm up"),
    "enable_op_profiling": ("false", "bool", "enable op profiling"),
    "use_xnnpack": ("false", "bool", "explicitly apply the XNNPACK delegate"),
    "use_gpu": ("false", "bool", "use gpu"),
    "use_nnapi": ("false", "bool", "use nnapi delegate api"),
}
HELP = "Flags:\n" + "".join(
    f"\t--{name}={default:30}\t{kind}\toptional\t{usage}\n"
    for name, (default, kind, usage) in _FLAGS.items()
)
"""What it prints for `--help`."""
_SECONDS = "but terminate if exceeding 150 seconds."
XNNPACK = (
    "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    "INFO: Explicitly applied XNNPACK delegate, and the model graph will be completely executed "
    "by the delegate.\n"
)
"""What a run says of XNNPACK, which runs all of the model."""
MISSING = {
    "use_gpu": "WARN: Though GPU delegate is explicitly applied, the model graph will not be "
    "executed by the delegate.\n",
    "use_nnapi": "WARN: Though NNAPI delegate is explicitly applied, the model graph will not be "
    "executed by the delegate.\n",
}
"""What a run says of the delegates that the phone lacks, by the flag that asks for each."""


def run_output(applied: str) -> str:
    """What a run prints; `applied` is what it says of its delegate."""
    return (
        "INFO: STARTING!\n"
        "INFO: Log parameter values verbosely: [0]\n"
        f"{applied}"
        "INFO: Initialized session in 20.125ms.\n"
        f"INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds {_SECONDS}\n"
        "INFO: count=9 first=62250 curr=56125 min=55875 max=62250 avg=56861.1 std=1908 p5=55875 "
        "median=56125 p95=62250\n\n"
        f"INFO: Running benchmark for at least 50 iterations and at least 1 seconds {_SECONDS}\n"
        "INFO: count=50 first=56250 curr=56125 min=55750 max=58000 avg=56260 std=430 p5=55875 "
        "median=56125 p95=57250\n\n"
        "INFO: Inference timings in us: Init: 20125, First inference: 62250, Warmup (avg): "
        "56861.1, Inference (avg): 56260\n"
        "INFO: Memory footprint delta from the start of the tool (MB): init=6.5 overall=18.25\n"
    )


RUN_S = 0.05
"""How long it works before it answers."""


def write_stand_in(path: Path) -> BenchmarkModel:
    """Write the stand-in to a file and return it as an engine."""
    replies = [Reply(HELP, exit_code=1, when="--help")]
    replies += [
        Reply(run_output(words), when=f"--{flag}=true", delay_s=RUN_S)
        for flag, words in MISSING.items()
    ]
    replies.append(Reply(run_output(XNNPACK), when="--use_xnnpack=true", delay_s=RUN_S))
    replies.append(Reply(run_output(""), delay_s=RUN_S))
    path.write_bytes(ScriptedEngine(tuple(replies)).to_bytes())
    engine = _StandIn(path)
    engine.name = NAME
    return engine


class _StandIn(BenchmarkModel):
    """Its results say that they are of no model."""

    def read(self, completed: Completed, settings: Settings) -> EngineResult:
        result = super().read(completed, settings)
        reason = "a stand-in answered in place of an engine, and its figures are of no model"
        return dataclasses.replace(result, flags=(*result.flags, Flag("measured", False, reason)))
