"""Size and latency of every operating point: the table of docs/models.md.

    python benchmarks/operating_points.py [--network mmnet-1.0-256 …] [--rounds 30]

The weights are random, since neither size nor latency depends on them; the graph is the
deployment graph, calibrated on noise. Sizes are those of the files without a description. All
files of all networks take turns; latency is the least processor time of one thread, which other
work on the machine disturbs least. int16x8 is not timed: no delegate takes it, so its time says
nothing about the network; x86 computes float16 files in float32.
"""

from __future__ import annotations

import argparse
import time

from common import latencies_ms, noise, random_network

import models
from mmnet_deploy import conversion
from mmnet_deploy.conversion.quantization import PRECISIONS, Source

CALIBRATION = 2
TIMED = ("float32", "dynamic", "int8")


def files_of(point: models.OperatingPoint) -> dict[str, bytes]:
    """The network in every precision."""
    content, _ = conversion.float_graph(random_network(point.name), "deploy")
    source = Source(content, noise(point.input_size, CALIBRATION), phases=True)
    return {name: precision.recipe(source) for name, precision in PRECISIONS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [point.name for point in models.operating_points()]
    parser.add_argument("--network", nargs="+", default=names)
    parser.add_argument("--rounds", type=int, default=30)
    settings = parser.parse_args()
    points = [point for point in models.operating_points() if point.name in settings.network]
    files = {point.name: files_of(point) for point in points}
    timed = {f"{name} {kind}": files[name][kind] for name in files for kind in TIMED}
    times = latencies_ms(timed, settings.rounds, clock=time.thread_time)
    header = ["network", "parameters", "million MACs", "in the paper"]
    header += [f"{kind} (KiB)" for kind in PRECISIONS] + [f"{kind} (ms)" for kind in TIMED]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for point in points:
        cells = [
            point.name,
            f"{point.parameters:,}",
            f"{point.macs / 1e6:.0f}",
            "yes" if point.published else "",
            *(f"{len(content) / 1024:.0f}" for content in files[point.name].values()),
            *(f"{min(times[f'{point.name} {kind}']):.2f}" for kind in TIMED),
        ]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
