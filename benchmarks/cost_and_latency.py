"""How far counts of arm64 instructions order networks as latency on this computer does.

    python benchmarks/cost_and_latency.py [--rounds 20] [--network …]

Every operating point, deployment graph, float32 and int8, one thread. Another processor, with
wider vectors and other kernels: what is compared is the order. Spearman's rank correlation,
over each precision and over all files, beside that of multiply-adds on paper.
"""

from __future__ import annotations

import argparse
import statistics

import counted
from common import latencies_ms
from scipy.stats import spearmanr

import models
from mmnet_deploy.counts import total_macs
from mmnet_deploy.graph import Graph


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [point.name for point in models.operating_points()]
    parser.add_argument("--network", nargs="+", default=names)
    parser.add_argument("--rounds", type=int, default=20)
    settings = parser.parse_args()
    rows: dict[str, list[tuple[float, float, float]]] = {"float32": [], "int8": []}
    print("| network | float32, M | ms here | int8, M | ms here |\n|---|---|---|---|---|")
    for name in settings.network:
        files = counted.converted(name, "deploy")
        contents = {precision: path.read_bytes() for precision, path in files.items()}
        times = latencies_ms(contents, settings.rounds)
        cells = [name]
        for precision, path in files.items():
            count = counted.count(path).counts.total / 1e6
            milliseconds = statistics.median(times[precision])
            macs = total_macs(Graph.from_bytes(contents[precision])) / 1e6
            rows[precision].append((count, milliseconds, macs))
            cells += [f"{count:.1f}", f"{milliseconds:.2f}"]
        print("| " + " | ".join(cells) + " |", flush=True)
    rows["both"] = rows["float32"] + rows["int8"]
    print("\n| files | counts | multiply-adds on paper |\n|---|---|---|")
    for precision, points in rows.items():
        counts, times_ms, macs_m = zip(*points, strict=True)
        print(
            f"| {precision} ({len(points)}) | {spearmanr(counts, times_ms)[0]:.3f} "
            f"| {spearmanr(macs_m, times_ms)[0]:.3f} |"
        )


if __name__ == "__main__":
    main()
