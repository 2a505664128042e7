"""What a network that makes no mistake would score, by the size of its matte.

    python benchmarks/resolution_floor.py DATA [--split test] [--sizes 0 128 256 512]

The true masks are shrunk to the size of a network, enlarged again and scored as `evaluate` scores
mattes: what is lost is the resolution's alone. No network of that size should be expected below.
Size 0 is a matte of 0.5 everywhere: what a network scores that has learnt nothing.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import cv2
import numpy as np

from mmnet_deploy.mattes import metrics
from mmnet_deploy.portraits import dataset, pictures

NAMES = ("gradient_error", "mad", "mean_iou")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--sizes", nargs="+", type=int, default=[0, 128, 256, 512])
    options = parser.parse_args()
    height, width = metrics.PUBLISHED_SIZE
    for size in options.sizes:
        scores: dict[str, list[float]] = {name: [] for name in NAMES}
        for pair in dataset.find_pairs(options.data, options.split):
            mask = pictures.read_mask(pair.mask)
            truth, matte = (
                cv2.resize(picture.astype(np.float32) / 255, (width, height))
                for picture in (mask, pictures.resized(mask, size, size) if size else mask)
            )
            if not size:
                matte = np.full_like(truth, 0.5)
            for name, values in scores.items():
                values.append(metrics.METRICS[name].function(matte, truth))
        means = ", ".join(
            f"{name} {statistics.mean(values):.5f}" for name, values in scores.items()
        )
        print(f"{size}×{size}: {means}")


if __name__ == "__main__":
    main()
