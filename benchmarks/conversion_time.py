"""Five precisions of MMNet 1.0/256 against one plain float32 conversion, in one process.

    python benchmarks/conversion_time.py [--rounds 3] [--samples 100]

The two take turns. `converter` is TFLiteConverter.from_keras_model(network).convert();
`ours` traces, freezes, rewrites, calibrates and makes all five files, without and with
the comparison of each file with the network on 16 pictures. Five files should take at
most twice as long as one.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import tensorflow as tf
from common import noise, random_network

from mmnet_deploy import conversion
from mmnet_deploy.conversion.quantization import PRECISIONS, Source
from mmnet_deploy.portraits import synthetic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=100)
    settings = parser.parse_args()
    network = random_network("mmnet-1.0-256")
    scratch = Path(tempfile.mkdtemp())
    synthetic.write_dataset(scratch / "portraits", count=settings.samples + 20, size=256, seed=0)
    times: dict[str, list[float]] = {}

    def lap(name: str, begin: float) -> float:
        now = time.perf_counter()
        times.setdefault(name, []).append(now - begin)
        return now

    for _ in range(settings.rounds):
        now = begin = time.perf_counter()
        tf.lite.TFLiteConverter.from_keras_model(network.model).convert()
        now = begin = lap("converter, float32", now)
        content, _ = conversion.float_graph(network, "deploy")
        now = lap("  ours: trace, freeze, convert, rewrite", now)
        source = Source(content, noise(256, settings.samples), phases=True)
        source.calibrated  # noqa: B018  # It is computed once, on first use.
        now = lap(f"  ours: calibrate on {settings.samples} pictures", now)
        for name, precision in PRECISIONS.items():
            precision.recipe(source)
            now = lap(f"  ours: {name}", now)
        lap("ours, five precisions", begin)
        begin = time.perf_counter()
        conversion.convert(network, tuple(PRECISIONS), scratch / "portraits", scratch / "models")
        lap("ours, five precisions, compared with the network", begin)
    base = statistics.median(times["converter, float32"])
    print("| | seconds | to one plain conversion |\n|---|---|---|")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"| {name} | {median:.2f} | {median / base:.2f} |")


if __name__ == "__main__":
    main()
