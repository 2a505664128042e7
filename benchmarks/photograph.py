"""What `mmnet-deploy predict` takes for one 12-megapixel portrait, all in all.

    python benchmarks/photograph.py [--model mediapipe:selfie] [--rounds 3]

A synthetic portrait of 4000×3000 is stored as JPEG. For each kind of output, the command runs as a
user runs it: start of Python, decoding, inference, enlargement, colours, encoding, writing. Prints
the best time on the clock, the CPU time of that run, the peak memory, and the size of the file;
then how busy the machine was: beside other work, the clock says little. The aims are 2 s and 1 GB.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from mmnet_deploy.portraits import synthetic

KINDS = (
    ("matte",),
    ("matte", "--upsample", "bilinear"),
    ("mask",),
    ("under-matte",),
    ("side-by-side",),
    ("cut-out",),
    ("background", "--background", "#00b140"),
    ("background", "--background", "blur"),
)


def run(words: list[str]) -> tuple[float, float, int]:
    """Seconds on the clock and of CPU, and KiB at the peak, of a command and its children."""
    begin = time.perf_counter()
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} failed.")
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def draw(path: str) -> None:
    """A portrait of 4000×3000 as JPEG."""
    image, _ = synthetic.portrait(0, 3, 1000)
    large = cv2.resize(image[:, 125:875], (3000, 4000), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 4, large.shape)
    large = np.clip(large + noise, 0, 255).astype(np.uint8)
    cv2.imwrite(path, large[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="mediapipe:selfie")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "portrait.jpg", Path(folder) / "made.png"
        # In a process of its own: a child's peak is never below its parent's memory.
        drawing = multiprocessing.get_context("spawn").Process(target=draw, args=(str(source),))
        drawing.start()
        drawing.join()
        print("| kind | s | CPU s | peak MB | PNG MB |\n|---|---|---|---|---|")
        for kind in KINDS:
            words = [sys.executable, "-m", "mmnet_deploy", "predict", options.model, str(source)]
            words += ["--kind", *kind, "-o", str(target)]
            runs = [run(words) for _ in range(options.rounds)]
            seconds, cpu, memory = min(runs)
            memory = max(memory for _, _, memory in runs)
            size = target.stat().st_size / 1e6
            name = " ".join(kind)
            row = f"| {name} | {seconds:.2f} | {cpu:.2f} | {memory / 1024:.0f} | {size:.1f} |"
            print(row, flush=True)
    busy, cores = os.getloadavg()[0], os.cpu_count()
    print(f"{options.rounds} rounds; load {busy:.1f} on {cores} cores, this command's included.")


if __name__ == "__main__":
    main()
