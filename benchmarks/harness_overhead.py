"""What the phone harness adds to the engine's own runs, on the emulated phone at level 2.

    python benchmarks/harness_overhead.py [--rounds 5]

One model, MMNet 1.0/128 in int8, under the preset `quick`. Everything goes through the real adb
to real arm64 kernels; `adds` is the wall time less what the engine says of its own loading,
warm-up and runs. So it holds the pushes with their check, the state of the phone before and
after, the engine's start under emulation, and fetching the output. Screen and clean-up are in
`prepare` and `close`. Emulated runs are slow; what the harness adds depends on them little.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

from common import noise, random_network

from android_benchmark import PRESETS, Settings
from mmnet_deploy import conversion
from mmnet_deploy.benchmarking.benchmark import benchmark
from mmnet_deploy.benchmarking.engines import EngineChoice
from mmnet_deploy.benchmarking.targets import open_targets, phones_of
from mmnet_deploy.conversion.quantization import PRECISIONS, Source
from mmnet_deploy.results.records import Benchmark


def model_file(folder: Path) -> Path:
    """MMNet 1.0/128 in int8."""
    content, _ = conversion.float_graph(random_network("mmnet-1.0-128"), "deploy")
    path = folder / "mmnet-1.0-128-int8.tflite"
    path.write_bytes(PRECISIONS["int8"].recipe(Source(content, noise(128, 8), phases=True)))
    return path


def engine_s(result: Benchmark) -> float:
    """Seconds that the engine itself accounts for."""
    measured = result.measurement
    return (sum(measured.warmup_us) + sum(measured.samples_us) + (result.init_us or 0)) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        times.setdefault(name, []).append(seconds)

    with tempfile.TemporaryDirectory() as scratch:
        model = model_file(Path(scratch))
        for _ in range(rounds):
            begin = time.perf_counter()
            stop = threading.Event()
            with open_targets(["emulated"], EngineChoice(), stop=stop, tell=print) as targets:
                (phone,) = phones_of(targets)
                facts = phone.facts()
                note("start: adb server, emulated phone, its facts", time.perf_counter() - begin)
                for what in ("first run: push engine and model, adds", "second run, adds"):
                    begin = time.perf_counter()
                    result = benchmark(model, phone, settings=Settings(), rules=PRESETS["quick"])
                    took_s = time.perf_counter() - begin
                    note(what, took_s - engine_s(result))
                note("(the engine's own loading, warm-up and runs)", engine_s(result))
                begin = time.perf_counter()
                phone.close()
                note("close: put the screen back", time.perf_counter() - begin)
            assert result.engine.name == "tflbench", "level 2 is not reached"
    print(f"{facts.model}, emulated; medians of {rounds}; least … most\n")
    print("| | seconds | |\n|---|---|---|")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"| {name} | {median:.2f} | {min(values):.2f} … {max(values):.2f} |")


if __name__ == "__main__":
    main()
