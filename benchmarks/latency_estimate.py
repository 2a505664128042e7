"""The latencies published for the Xiaomi Mi 5, predicted from counts of arm64 instructions.

    python benchmarks/latency_estimate.py [--plot docs/latency_estimate.svg] [--write]
                                          [--graph deploy]

Every point is predicted by a fit of the eleven others. The networks are converted plainly
(`--graph stock`), with seeded weights, in float32. Then richer models follow: weights by class
of instruction (non-negative least squares of relative errors), with and without a constant,
and a power law. `--write` stores the proportional fit as the bundled profile. It takes about
four minutes on one core.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import counted
import numpy as np
from scipy.optimize import nnls
from scipy.stats import pearsonr, spearmanr

from mmnet_deploy import conversion
from mmnet_deploy.conversion import passes
from mmnet_deploy.results import estimate
from mmnet_deploy.results import published as figure
from mmnet_deploy.results.records import Cost
from mmnet_deploy.tflite.counts import total_macs
from mmnet_deploy.tflite.graph import Graph

NAME = "Xiaomi Mi 5 (Snapdragon 820)"
SOURCE = (
    "twelve latencies read off the figure of Seo et al. 2019 "
    "(mmnet_deploy/results/published_points.csv), networks converted plainly "
    "(benchmarks/latency_estimate.py)"
)


def published() -> dict[str, float]:
    """Milliseconds by operating point."""
    # LDN+FB's is of another paper and another engine.
    return {
        point.operating_point: point.latency_ms
        for point in figure.points()
        if not point.operating_point.startswith("ldn-fb")
    }


def counted_float(name: str, graph: str) -> tuple[Cost, int]:
    """The count of a network in float32, and its multiply-adds."""
    network = counted.random_network(name)
    content, _ = conversion.float_graph(network, graph)
    if graph == "deploy":
        rewritten = Graph.from_bytes(content)
        passes.resize_by_phases(rewritten)
        content = rewritten.to_bytes()
    path = counted.write(content, f"{name}-{graph}-float32")
    return counted.count(path), total_macs(Graph.from_bytes(content))


Predict = Callable[[int], float]


def left_out(fit: Callable[[np.ndarray], Predict], latencies: np.ndarray) -> np.ndarray:
    """Relative error of each point as `fit` on the indices of the others predicts it."""
    everyone = np.arange(len(latencies))
    return np.array([fit(everyone[everyone != i])(i) / latencies[i] - 1 for i in everyone])


def proportional(values: np.ndarray, latencies: np.ndarray) -> Callable[[np.ndarray], Predict]:
    def fit(points: np.ndarray) -> Predict:
        price = estimate.slope(values[points], latencies[points]) / 1e6
        return lambda i: price * values[i]

    return fit


def linear(columns: Sequence[np.ndarray], latencies: np.ndarray) -> Callable[[np.ndarray], Predict]:
    table = np.stack(columns, axis=1)

    def fit(points: np.ndarray) -> Predict:
        weights, _ = nnls(table[points] / latencies[points, None], np.ones(len(points)))
        return lambda i: float(table[i] @ weights)

    return fit


def power(values: np.ndarray, latencies: np.ndarray) -> Callable[[np.ndarray], Predict]:
    def fit(points: np.ndarray) -> Predict:
        slope, offset = np.polyfit(np.log(values[points]), np.log(latencies[points]), 1)
        return lambda i: math.exp(offset + slope * math.log(values[i]))

    return fit


def compare(costs: Sequence[Cost], macs: Sequence[int], latencies: np.ndarray) -> None:
    """How well each kind of model predicts left-out points."""
    by_class = {
        name: np.array([getattr(cost.counts, name) for cost in costs], float)
        for name in ("fma", "simd", "load_store", "branch", "integer")
    }
    total = np.array([cost.counts.total for cost in costs], float)
    fma, loads = by_class["fma"], by_class["load_store"]
    one = np.full(len(costs), 1e6)
    fits = {
        "multiply-adds on paper": proportional(np.array(macs, float), latencies),
        "**all instructions**": proportional(total, latencies),
        "multiply-add instructions": proportional(fma, latencies),
        "loads and stores": proportional(loads, latencies),
        "all instructions, constant": linear([total, one], latencies),
        "all instructions, power law": power(total, latencies),
        "multiply-adds, rest": linear([fma, total - fma], latencies),
        "multiply-adds, loads and stores, rest": linear(
            [fma, loads, total - fma - loads], latencies
        ),
        "multiply-adds, rest, constant": linear([fma, total - fma, one], latencies),
        "all five classes": linear(list(by_class.values()), latencies),
    }
    print("\n| model of latency | mean error | worst |\n|---|---|---|")
    for name, fit in fits.items():
        errors = abs(left_out(fit, latencies))
        print(f"| {name} | {errors.mean():.1%} | {errors.max():.1%} |")


def draw(
    names: Sequence[str], costs: Sequence[Cost], profile: estimate.LatencyProfile, path: Path
) -> None:
    """Published latency against the one that the other points predict."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "mmnet-deploy", "svg.fonttype": "none"}
    from matplotlib import pyplot as plt

    points = published()
    latencies = [points[name] for name in names]
    counts = [cost.counts.total for cost in costs]
    errors = estimate.left_out_errors(counts, latencies)
    figure, axes = plt.subplots(figsize=(5.2, 4.4), layout="constrained")
    ends = np.array([25.0, 170.0])
    axes.plot(ends, ends, color="0.6", linewidth=1)
    factor = profile.interval_factor
    axes.fill_between(ends, ends / factor, ends * factor, color="0.92", label="95 % interval")
    titles = {"mmnet": "MMNet", "md16": "Mobile DeepLabv3 OS16", "md8": "Mobile DeepLabv3 OS8"}
    for (family, title), marker in zip(titles.items(), "osD", strict=True):
        own = [i for i, name in enumerate(names) if name.startswith(f"{family}-")]
        predicted = [latencies[i] * (1 + errors[i]) for i in own]
        axes.scatter([latencies[i] for i in own], predicted, marker=marker, label=title, zorder=3)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    ticks = [30, 40, 60, 80, 100, 150]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [str(tick) for tick in ticks])
        axis.set_ticks([], minor=True)
    axes.set_xlabel("published latency, Xiaomi Mi 5 (ms)")
    axes.set_ylabel("predicted from the other points (ms)")
    axes.legend(frameon=False, loc="upper left")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--graph", choices=("stock", "deploy"), default="stock")
    parser.add_argument("--write", action="store_true")
    settings = parser.parse_args()
    points = published()
    found = {}
    for name in points:
        found[name] = counted_float(name, settings.graph)
    costs, macs = [cost for cost, _ in found.values()], [number for _, number in found.values()]
    latencies = np.array(list(points.values()))
    counts = np.array([cost.counts.total for cost in costs], float)
    errors = estimate.left_out_errors(counts, latencies)
    profile = estimate.fit(costs, latencies, NAME, SOURCE)
    print("| network | million instructions | published ms | predicted ms | error |")
    print("|---|---|---|---|---|")
    for name, count, ms, error in zip(points, counts, latencies, errors, strict=True):
        print(f"| {name} | {count / 1e6:.2f} | {ms:.0f} | {ms * (1 + error):.1f} | {error:+.1%} |")
    print(
        f"\nslope {profile.slope_ms_per_million:.4g} ms per million instructions, "
        f"interval ×÷ {profile.interval_factor:.3f}; left out: mean "
        f"{statistics.fmean(map(abs, errors)):.1%}, worst {max(map(abs, errors)):.1%}; "
        f"Pearson {pearsonr(counts, latencies)[0]:.3f}, "
        f"Spearman {spearmanr(counts, latencies)[0]:.3f}"
    )
    compare(costs, macs, latencies)
    if settings.plot:
        draw(list(points), costs, profile, settings.plot)
    if settings.write:
        estimate.save_profile(profile, estimate.PROFILES / f"{estimate.DEFAULT}.toml")


if __name__ == "__main__":
    main()
