"""How far counts of arm64 instructions order networks as latency on this computer does.

    python benchmarks/cost_baseline.py --files build/networks
    python benchmarks/cost_and_latency.py build/networks [--rounds 20]

Every operating point, deployment graph, float32 and int8, one thread; the counts are those of
cost_baseline.json. Another processor, with wider vectors and other kernels: what is compared is
the order. Spearman's rank correlation, over each precision and over all files, beside that of
multiply-adds on paper.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from common import latencies_ms
from cost_baseline import BASELINE
from scipy.stats import spearmanr

from mmnet_deploy.tflite.counts import total_macs
from mmnet_deploy.tflite.graph import Graph


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, help="folder with the converted networks")
    parser.add_argument("--rounds", type=int, default=20)
    settings = parser.parse_args()
    rows: dict[str, list[tuple[float, float, float]]] = {"float32": [], "int8": []}
    print("| network | float32, M | ms here | int8, M | ms here |\n|---|---|---|---|---|")
    for name, instructions in json.loads(BASELINE.read_text())["instructions"].items():
        contents = {
            precision: (settings.files / f"{name}-deploy-{precision}.tflite").read_bytes()
            for precision in rows
        }
        times = latencies_ms(contents, settings.rounds)
        cells = [name]
        for precision, content in contents.items():
            count = instructions[precision] / 1e6
            milliseconds = statistics.median(times[precision])
            macs = total_macs(Graph.from_bytes(content)) / 1e6
            rows[precision].append((count, milliseconds, macs))
            cells += [f"{count:.1f}", f"{milliseconds:.2f}"]
        print("| " + " | ".join(cells) + " |", flush=True)
    rows = {**rows, "both": rows["float32"] + rows["int8"]}
    print("\n| files | counts | multiply-adds on paper |\n|---|---|---|")
    for precision, points in rows.items():
        counts, times_ms, macs_m = zip(*points, strict=True)
        print(
            f"| {precision} ({len(points)}) | {spearmanr(counts, times_ms)[0]:.3f} "
            f"| {spearmanr(macs_m, times_ms)[0]:.3f} |"
        )


if __name__ == "__main__":
    main()
