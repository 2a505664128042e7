"""What 8-bit weights save and cost: size, |Δα|, gradient error and latency of each way to store.

    python benchmarks/stored_weights.py NETWORK… [--data DIR] [--runs 60]

NETWORK is whatever `convert` takes, such as pretrained:mmnet-1.0-256 or mediapipe:selfie. Without
--data, 40 synthetic portraits are drawn. Latency is the processor time of one thread, with the
files taking turns; the least of all runs is given besides the median.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from common import latencies_ms

from mmnet_deploy import conversion
from mmnet_deploy.api.models import path_of
from mmnet_deploy.networks.network import Network, load
from mmnet_deploy.portraits import synthetic
from mmnet_deploy.tflite.card import is_tflite
from mmnet_deploy.tflite.interpreter import TFLiteModel

PRECISIONS = ("float32", "float16", "int8-weights", "dynamic")


def network_of(word: str) -> Network:
    """A network by its path or name."""
    path = path_of(word)
    return conversion.open_file(path) if is_tflite(path) else load(path)


def rows(word: str, data: Path, scratch: Path, runs: int) -> None:
    """Convert to every precision and print a row for each."""
    results = conversion.convert(network_of(word), PRECISIONS, data, scratch)
    files = {result.card.precision: result.path.read_bytes() for result in results}
    latencies = latencies_ms(files, runs, clock=time.thread_time)
    for result in results:
        card, times = result.card, latencies[result.card.precision]
        partitions = len(TFLiteModel(result.path).partitions)
        print(
            f"| {word} | {card.precision} | {result.path.stat().st_size / 1024:.0f} "
            f"| {card.mean_difference:.2g} | {card.largest_difference:.2g} "
            f"| {100 * (card.gradient_error_change or 0):+.2f} % "
            f"| {statistics.median(times):.2f} | {min(times):.2f} | {partitions} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or Path(folder) / "portraits"
        if arguments.data is None:
            synthetic.write_dataset(data, count=40, size=320, seed=1)
        print(
            "| network | precision | KiB | mean | largest | gradient error | ms | least | parts |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        for number, word in enumerate(arguments.networks):
            rows(word, data, Path(folder) / str(number), arguments.runs)


if __name__ == "__main__":
    main()
