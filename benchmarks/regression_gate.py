"""How often `compare` reports a change where there is none, and finds one of 5 %.

    python benchmarks/regression_gate.py [--pairs 10000]
    python benchmarks/regression_gate.py --reruns DIR

The first simulates pairs of runs with the sample sizes of the default preset: 50 runs of a
model of 20 ms, 1000 of one of 1 ms. Noise is by share of the latency; the time that
disturbances last is the same in milliseconds for both, so that neighbouring samples of the
fast model are correlated more. The second takes stored benchmarks and compares repetitions of
one setting pairwise: any change that `compare` reports there is a false alarm.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.results import change

SLOWER = 1.05
SIZES = {50: 20.0, 1000: 1.0}  # samples: ms of each

Noise = Callable[[np.random.Generator, int, int], NDArray[np.float64]]
NOISES: dict[str, Noise] = {}


def noise(name: str) -> Callable[[Noise], Noise]:
    """Register a distribution: logarithms of latencies, (pairs, samples)."""

    def register(function: Noise) -> Noise:
        NOISES[name] = function
        return function

    return register


@noise("lognormal, 3 %")
def lognormal(rng: np.random.Generator, pairs: int, count: int) -> NDArray[np.float64]:
    return rng.normal(0, 0.03, (pairs, count))


@noise("skewed: never faster, often slower")
def skewed(rng: np.random.Generator, pairs: int, count: int) -> NDArray[np.float64]:
    return rng.exponential(0.03, (pairs, count))


@noise("2 % with outliers: 3 in 100 take 1.3 to 4 times as long")
def outliers(rng: np.random.Generator, pairs: int, count: int) -> NDArray[np.float64]:
    far = rng.uniform(np.log(1.3), np.log(4), (pairs, count))
    return rng.normal(0, 0.02, (pairs, count)) + far * (rng.random((pairs, count)) < 0.03)


@noise("bimodal: 3 in 10 are 4 % slower")
def bimodal(rng: np.random.Generator, pairs: int, count: int) -> NDArray[np.float64]:
    return rng.normal(0, 0.01, (pairs, count)) + 0.04 * (rng.random((pairs, count)) < 0.3)


@noise("bimodal: every other is 4 % slower")
def halves(rng: np.random.Generator, pairs: int, count: int) -> NDArray[np.float64]:
    return rng.normal(0, 0.01, (pairs, count)) + 0.04 * (rng.random((pairs, count)) < 0.5)


@noise("clock of 0.5 % steps")
def coarse(rng: np.random.Generator, pairs: int, count: int) -> NDArray[np.float64]:
    return np.log(np.round(np.exp(rng.normal(0, 0.005, (pairs, count))) * 200) / 200)


def autoregressive(
    rng: np.random.Generator, pairs: int, count: int, correlation: float, spread: float
) -> NDArray[np.float64]:
    """AR(1) noise of a standard deviation, in its steady state from the first sample on."""
    steps = rng.normal(0, spread, (pairs, count))
    steps[:, 1:] *= np.sqrt(1 - correlation**2)
    for index in range(1, count):
        steps[:, index] += correlation * steps[:, index - 1]
    return steps


@noise("AR(1) of 2 %, neighbours correlated by 0.5")
def neighbours(rng: np.random.Generator, pairs: int, count: int) -> NDArray[np.float64]:
    return autoregressive(rng, pairs, count, 0.5, 0.02)


@noise("AR(1) of 2 %, disturbances of 20 ms")
def disturbances(rng: np.random.Generator, pairs: int, count: int) -> NDArray[np.float64]:
    return autoregressive(rng, pairs, count, np.exp(-SIZES[count] / 20), 0.02)


@noise("AR(1) of 1 %, disturbances of 50 ms")
def long_disturbances(rng: np.random.Generator, pairs: int, count: int) -> NDArray[np.float64]:
    return autoregressive(rng, pairs, count, np.exp(-SIZES[count] / 50), 0.01)


def rates(name: str, count: int, pairs: int, seed: int = 0) -> tuple[float, float, float]:
    """Shares of pairs of equal runs called worse, or changed; of slower ones called worse."""
    rng = np.random.default_rng(seed)
    base, again, other = (
        change.of_samples(np.exp(NOISES[name](rng, pairs, count))) for _ in range(3)
    )
    slower = change.LogLatency(other.log + np.log(SLOWER), other.variance, other.freedom)

    def called(new: change.LogLatency) -> tuple[float, float]:
        changes = zip(*map(np.ravel, change.interval(base, new)), strict=True)
        verdicts = [change.Change(*c).verdict(change.LEAST_LATENCY) for c in changes]
        return verdicts.count("worse") / pairs, 1 - verdicts.count("same") / pairs

    return *called(again), called(slower)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--reruns", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    if arguments.reruns:
        print_reruns(arguments.reruns)
        return
    print(f"{'':60} runs   called worse   called any   5 % found")
    for name, count in itertools.product(NOISES, SIZES):
        worse, any_, found = rates(name, count, arguments.pairs)
        print(f"{name:60} {count:4} {worse:12.2%} {any_:12.2%} {found:12.2%}")


def print_reruns(folder: Path) -> None:
    """What `compare` makes of real repetitions."""
    from mmnet_deploy.results import grouping, store
    from mmnet_deploy.results.records import Benchmark

    results = [r for r in store.load([folder]) if isinstance(r, Benchmark)]
    for group in grouping.repeats(results):
        runs = [result.measurement for result in group]
        if len(runs) < 2:
            continue
        percentile = group[0].rules.percentile
        pairs = [
            change.of_latency([one], [other], percentile)
            for one, other in itertools.permutations(runs, 2)
        ]
        worse = sum(pair.verdict(change.LEAST_LATENCY) == "worse" for pair in pairs)
        spread = max(abs(pair.relative) for pair in pairs)
        line = f"{group[0].model.name:32} {len(runs)} runs, {len(pairs)} pairs: "
        line += f"{worse / len(pairs):.1%} called worse; medians within {spread:.1%}"
        half = len(runs) // 2
        if half >= 3:
            halves = change.of_latency(runs[:half], runs[half : 2 * half], percentile)
            line += f"; first {half} against next {half}: {halves.verdict(change.LEAST_LATENCY)}"
        print(line)


if __name__ == "__main__":
    main()
