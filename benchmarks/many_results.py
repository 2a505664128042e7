"""How long `results list`, `results export` and `plot` take on a folder of many results.

    python benchmarks/many_results.py [--results 10000] [--rounds 3] [--skip plot]

The results are of 50 models on 5 devices in 4 settings, repeated ten times, with as many
samples as the default preset makes at latencies from 1 to 20 ms, and one file in a thousand
is damaged. Prints the median wall and processor time and the largest memory of whole
commands, Python's start included, and what reading one file takes.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from android_benchmark import DeviceFacts, DeviceState, Engine, Flag, Measurement, RunRules
from mmnet_deploy.results import record_json
from mmnet_deploy.results.records import Benchmark, Evaluation, PictureScore
from mmnet_deploy.tflite.card import ModelCard, ModelFile

AIMS_S = {"results list": 2.0, "results list --json": 3.0, "results export": 5.0, "plot": 5.0}


def model(number: int) -> ModelFile:
    """One of 50 files: five widths, two sizes, five precisions."""
    width, size = (0.5, 0.75, 1.0, 1.4, 2.0)[number % 5], (128, 256)[number // 5 % 2]
    precision = ("float32", "float16", "dynamic", "int8", "int16x8")[number // 10 % 5]
    card = ModelCard(
        "mmnet", "MMNet", width, size, size, precision, int(1e5 * width), "rgb", "alpha", "c" * 64,
        calibration_files=tuple(f"portrait-{i}.jpg" for i in range(100)),
        versions={"keras": "3.12", "tensorflow": "2.21"},
    )  # fmt: skip
    sha = hashlib.sha256(bytes([number])).hexdigest()
    return ModelFile(f"mmnet-{width}-{size}-{precision}.tflite", sha, 800_000 + number, card)


def make(folder: Path, count: int) -> None:
    """Fill `folder` with benchmarks, and an evaluation of each model."""
    rng = random.Random(0)
    flags = tuple(Flag(name, True) for name in ("min_runs_met", "min_duration_met", "stable"))
    state = DeviceState(0.1, temperatures_c={f"zone{i}": 30.0 + i for i in range(8)})
    seen: dict[tuple, int] = {}
    for number in range(count):
        file, place = model(number % 50), number // 50 % 20
        phone = DeviceFacts(f"S{place % 5}", f"Phone {place % 5}", "SoC", 8, "Android 14")
        latency_us = 1000 * 20 ** rng.random()
        runs = max(50, round(1e6 / latency_us))
        result = Benchmark(
            file, phone, Engine("tflbench", "2", "xnnpack", "xnnpack", 60, 60, 1, "e" * 64),
            1 + place // 5, RunRules(),
            Measurement(
                tuple(rng.gauss(latency_us, 20.0) for _ in range(10)),
                tuple(rng.gauss(latency_us, 20.0) for _ in range(runs)),
            ),
            flags, state, state, {"mmnet-deploy": "0.1.0"}, f"2025-01-01T00:00:00.{number:06d}",
        )  # fmt: skip
        content = record_json.to_json(result)
        if number % 1000 == 999:
            content = content[: len(content) // 2]
        (folder / f"benchmark-{number:05d}.json").write_text(content)
        seen[file.sha256, place] = number
    for number in range(50):
        scores = {"gradient_error": 0.005 + number / 1e5, "mad": 0.02, "mean_iou": 0.9}
        pictures = tuple(PictureScore(f"p{i}", scores) for i in range(100))
        result = Evaluation(
            model(number), "portraits", "d" * 64, "test", 800, 600, "LiteRT", pictures, "2025-01-01"
        )
        (folder / f"evaluation-{number:05d}.json").write_text(record_json.to_json(result))


def used(folder: Path, *words: str) -> tuple[float, float, float]:
    """Wall and processor time of one command in seconds, and its largest memory in MB."""
    command = [sys.executable, "-m", "mmnet_deploy", *words]
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}.")
    processor = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - begin, processor, usage.ru_maxrss / 1000


def reading_us(text: str, read: Callable[[str], object]) -> float:
    """Processor time of reading one result, in microseconds."""
    begin = time.process_time()
    for _ in range(200):
        read(text)
    return (time.process_time() - begin) / 200 * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip", action="append", default=[], choices=AIMS_S)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folder = root / "results"
        folder.mkdir()
        make(folder, arguments.results)
        commands = {
            "results list": ("results", "list", "results"),
            "results list --json": ("results", "list", "results", "--json"),
            "results export": ("results", "export", "results", "-o", "table.csv"),
            "plot": ("plot", "results", "-o", "chart.svg"),
        }
        for title, words in commands.items():
            if title in arguments.skip:
                continue
            rounds = [used(root, *words) for _ in range(arguments.rounds)]
            wall, processor, memory = map(statistics.median, zip(*rounds, strict=True))
            aim = f"aim: under {AIMS_S[title] * arguments.results / 10_000:g}"
            print(
                f"{title:19} {wall:6.2f} s ({aim}), {processor:.2f} s of processor time, "
                f"{memory:.0f} MB"
            )
        text = (folder / "benchmark-00000.json").read_text()
    result = record_json.from_json(text)
    assert isinstance(result, Benchmark)
    for runs in (50, 1000):
        samples = tuple(random.Random(0).gauss(1000, 10) for _ in range(runs))
        longer = dataclasses.replace(result, measurement=Measurement((), samples))
        content = record_json.to_json(longer)
        checked, parsed = (
            reading_us(content, record_json.from_json),
            reading_us(content, json.loads),
        )
        print(f"{runs} samples: {checked:.0f} µs; json.loads alone takes {parsed:.0f}")


if __name__ == "__main__":
    main()
