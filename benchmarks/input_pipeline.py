"""What the input pipeline costs a training: a step with real data against a constant batch.

    python benchmarks/input_pipeline.py [--network mmnet-1.0-128] [--recipe published]

Synthetic portraits are decoded, augmented and fed as training feeds them. Steps on what
the pipeline makes and steps on one and the same batch take turns in blocks, so that
whatever else the machine does meets both; a constant batch needs no pipeline, which stands
still meanwhile. The ratio of their medians is at most 1.1 where the pipeline keeps up. How
fast one thread alone makes batches is printed too.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import statistics
import tempfile
import time
from pathlib import Path

import keras

import models
from mmnet_deploy.portraits import dataset, synthetic
from mmnet_deploy.runs import recipe_file
from mmnet_deploy.runs.run import RunConfig
from mmnet_deploy.training import trainer
from mmnet_deploy.training.pictures import decoded
from mmnet_deploy.training.pictures.batches import Batches, Stream


def _config(name: str, recipe: str, batch_size: int | None) -> RunConfig:
    member = models.member(name)
    fields = recipe_file.read(recipe) | ({"batch_size": batch_size} if batch_size else {})
    return RunConfig(
        family=member.family,
        width_multiplier=member.width_multiplier,
        input_size=member.input_size or 256,
        data="",
        split="train",
        steps_per_epoch=1,
        **({"batch_norm_momentum": 0.9} | fields),
    )


def _batches(config: RunConfig, count: int) -> Batches:
    folder = Path(tempfile.mkdtemp())
    synthetic.write_dataset(folder, count=count, size=config.input_size, seed=0)
    pairs = dataset.find_pairs(folder, "train")
    size = math.ceil(config.input_size * config.max_scale)
    return Batches(decoded.decode(pairs, size), config, config.input_size)


def _alone(batches: Batches, rounds: int) -> float:
    """Seconds per batch of one thread that does nothing else."""
    times = []
    for number in range(rounds):
        begin = time.perf_counter()
        batches[number]
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="mmnet-1.0-128")
    parser.add_argument("--recipe", default="published")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=4, help="blocks of each kind")
    parser.add_argument("--steps", type=int, default=8, help="steps of a block")
    options = parser.parse_args()

    config = _config(options.network, options.recipe, options.batch_size)
    config = dataclasses.replace(config, steps_per_epoch=options.rounds * options.steps)
    batches = _batches(config, options.pictures)
    making_s = _alone(batches, 10)
    training = trainer.build(config)
    training.begin(models.Stage(), 1000)
    constant = batches[0]
    training.step(constant)
    training.step(constant)

    times: dict[str, list[float]] = {"real data": [], "a constant batch": []}
    with Stream(batches, 0, threads=os.cpu_count() or 1) as stream:
        next(stream)
        for _ in range(options.rounds):
            for kind, kept in times.items():
                for number in range(options.steps + 1):
                    begin = time.perf_counter()
                    training.step(next(stream) if kind == "real data" else constant)
                    # The first of a block meets what the other kind left behind.
                    if number:
                        kept.append(time.perf_counter() - begin)
    real, base = (statistics.median(kept) for kept in times.values())
    size = config.batch_size
    print(f"{options.network}, {options.recipe} recipe, batch {size}, {keras.backend.backend()}")
    for kind, kept in times.items():
        median = statistics.median(kept)
        print(f"a step on {kind}: {1000 * median:.0f} ms, {size / median:.0f} pictures per second")
    print(f"ratio: {real / base:.3f} (aim: at most 1.1)")
    print(f"one thread makes {size / making_s:.0f} pictures per second, of which a training takes")
    print(f"{size / base:.0f}: {100 * making_s / base:.1f} % of one core")


if __name__ == "__main__":
    main()
