"""How many augmented pairs per second one core makes from a warm cache.

    python benchmarks/input_pipeline.py [--size 256] [--seconds 5]

Synthetic pairs are held in memory as training holds them, then warped and turned into
float batches on one core. A constant amount of plain numpy work takes turns with it,
so that the ratio can be compared between machines. The aim is 300 pairs per second.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time

import cv2
import numpy as np

from mmnet_deploy import augmentation, data, synthetic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)

    source_size = math.ceil(options.size * augmentation.MAX_SCALE)
    pairs = [synthetic.portrait(0, index, options.size) for index in range(32)]
    images, masks = (
        np.stack([data.resized(pair[side], source_size, source_size) for pair in pairs])
        for side in (0, 1)
    )
    batches = augmentation.Batches(images, masks, batch_size=32, size=options.size, seed=0)
    noise = np.random.default_rng(0).random((32, options.size, options.size, 3), np.float32)

    rates, reference = [], []
    begin = time.perf_counter()
    number = 0
    while time.perf_counter() - begin < options.seconds:
        start = time.perf_counter()
        batches[number]
        middle = time.perf_counter()
        np.sqrt(noise * np.float32(0.5) + np.float32(0.25))
        reference.append(32 / (time.perf_counter() - middle))
        rates.append(32 / (middle - start))
        number += 1
    rate, base = statistics.median(rates), statistics.median(reference)
    print(f"{rate:.0f} augmented {options.size}×{options.size} pairs per second on one core")
    print(f"{rate / base:.3f} of the rate of a multiply, an add and a root on the same pixels")
    print("aim: at least 300 pairs per second and core at 256×256")


if __name__ == "__main__":
    main()
