"""How long 200 synthetic pairs of 256×256 take on one core, files included.

    python benchmarks/synthetic_portraits.py [--count 200] [--size 256]

Prints seconds, and the ratio to encoding the same pictures as PNG, which is work of a
well-known library. The aim is under 20 s.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import cv2

from mmnet_deploy.portraits import synthetic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)

    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        synthetic.write_dataset(Path(folder), count=options.count, size=options.size, seed=0)
        drawing_s = time.perf_counter() - begin
        pictures = [cv2.imread(str(path)) for path in sorted(Path(folder).rglob("image/*.png"))]
    begin = time.perf_counter()
    for picture in pictures:
        cv2.imencode(".png", picture)
    encoding_s = time.perf_counter() - begin
    print(f"{options.count} pairs of {options.size}×{options.size}: {drawing_s:.1f} s on one core")
    print(f"{drawing_s / encoding_s:.1f} times what OpenCV takes to encode the pictures as PNG")
    print("aim: under 20 s for 200 pairs of 256×256")


if __name__ == "__main__":
    main()
