"""What evaluating a `.tflite` takes, as a multiple of the bare invokes with the same threads.

    python benchmarks/evaluation_speed.py --data eg1800 [--input-size 256] [--rounds 7]

MMNet 1.0 with random weights. In every round, for every number of threads, the network is
invoked as often as there are pictures on one tensor that is set once; then `evaluate` runs,
with everything that it does: reading, decoding, resizing, inference, the default metrics, the
hash of the masks. Start-up is what comes before, once: loading the file and the first invoke.
Without --data, synthetic portraits are drawn.

`work beside` is one core's time per picture for all but the inference, measured alone. Where
it is more than the idle cores can take while the network computes, it shows in the ratio. So
two more figures tell what is the machine's and what the pipeline's: how many times the work of
one thread the cores do together (two logical cores may be one physical core, and others may be
at work), and the row `waits`, a model that sleeps for as long as the slowest invoke takes and
uses no core, as on an accelerator.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from common import noise, random_network

from mmnet_deploy import conversion, data, evaluation, metrics, synthetic
from mmnet_deploy.quantization import PRECISIONS, Source
from mmnet_deploy.runtime import TFLiteModel, describe, runtime_name, usable_cores


def model_files(folder: Path, input_size: int) -> list[Path]:
    """MMNet 1.0 in float32 and int8."""
    content, _ = conversion.float_graph(random_network("mmnet", 1.0, input_size), "deploy")
    source = Source(content, noise(input_size, 8), phases=True)
    files = []
    for precision in ("float32", "int8"):
        path = folder / f"mmnet-1.0-{input_size}-{precision}.tflite"
        path.write_bytes(PRECISIONS[precision].recipe(source))
        files.append(path)
    return files


def opened(path: Path, threads: int) -> tuple[TFLiteModel, evaluation.Matting, float]:
    """A model that has run once, and how long that took."""
    begin = time.perf_counter()
    model = TFLiteModel(path, threads)
    model.fill_inputs()
    model.invoke()
    startup_s = time.perf_counter() - begin
    file = describe(path)
    return (
        model,
        evaluation.Matting(file, runtime_name(), model.prepare, model.infer, threads),
        startup_s,
    )


def work_beside_ms(matting: evaluation.Matting, pairs: list[data.Pair]) -> float:
    """One core's time per picture without the inference."""
    cv2.setNumThreads(1)
    matte = matting.matte(data.read_image(pairs[0].image))
    begin = time.perf_counter()
    for pair in pairs:
        image, mask = data.read_pair(pair)
        matting.prepare(image)
        evaluation.score((matte, mask), None, metrics.PUBLISHED_SIZE, metrics.named())
    return 1000 * (time.perf_counter() - begin) / len(pairs)


def parallel_gain() -> float:
    """How many times the work of one thread all cores do at once; at best their number."""
    block, cores = bytes(20_000_000), usable_cores()

    def seconds(threads: int) -> float:
        begin = time.perf_counter()
        with ThreadPoolExecutor(threads) as executor:
            list(executor.map(lambda _: hashlib.sha256(block).digest(), range(threads)))
        return time.perf_counter() - begin

    return statistics.median(cores * seconds(1) / seconds(cores) for _ in range(15))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--input-size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.data
        if root is None:
            root = Path(scratch) / "portraits"
            synthetic.write_dataset(root, count=300, size=512, seed=0)
        pairs = data.find_pairs(root, options.split)
        threads = sorted({1, usable_cores()})
        cases = [
            (path, count, *opened(path, count))
            for path in model_files(Path(scratch), options.input_size)
            for count in threads
        ]
        times: dict[tuple[Path, int], list[tuple[float, float]]] = {}
        waits: list[tuple[float, float]] = []
        gains = []
        for _ in range(options.rounds):
            gains.append(parallel_gain())
            for path, count, model, matting, _ in cases:
                begin = time.perf_counter()
                for _ in pairs:
                    model.invoke()
                middle = time.perf_counter()
                evaluation.evaluate(matting, root, options.split)
                took = middle - begin, time.perf_counter() - middle
                times.setdefault((path, count), []).append(took)
            slowest = max(
                statistics.median(bare for bare, _ in column) for column in times.values()
            )
            waits.append(_waiting(cases[0][3], slowest / len(pairs), root, options.split, pairs))
        beside_ms = work_beside_ms(cases[0][3], pairs)
        print(
            f"{len(pairs)} pictures, {usable_cores()} cores, {options.rounds} rounds; "
            f"work beside: {beside_ms:.1f} ms per picture and core; "
            f"all cores do {statistics.median(gains):.2f} times the work of one\n"
        )
        print("| model | threads | invoke (ms) | evaluate (ms) | ratio | | start-up (s) |")
        print("|---|---|---|---|---|---|---|")
        for path, count, _, _, startup_s in cases:
            _print_row(path.stem, count, times[path, count], len(pairs), f"{startup_s:.2f}")
        _print_row("waits", 0, waits, len(pairs), "")


def _waiting(
    matting: evaluation.Matting, seconds: float, root: Path, split: str, pairs: list[data.Pair]
) -> tuple[float, float]:
    """Seconds of the bare waits, and of evaluating a model that waits as long."""
    matte = matting.matte(data.read_image(pairs[0].image))

    def wait(tensor: np.ndarray) -> np.ndarray:
        time.sleep(seconds)
        return matte

    waiting = dataclasses.replace(matting, infer=wait)
    begin = time.perf_counter()
    for _ in pairs:
        wait(matte)
    middle = time.perf_counter()
    evaluation.evaluate(waiting, root, split)
    return middle - begin, time.perf_counter() - middle


def _print_row(
    name: str, threads: int, taken: list[tuple[float, float]], pictures: int, startup: str
) -> None:
    bare, whole = (
        1000 * statistics.median(column) / pictures for column in zip(*taken, strict=True)
    )
    ratios = sorted(whole_s / bare_s for bare_s, whole_s in taken)
    print(
        f"| {name} | {threads} | {bare:.1f} | {whole:.1f} | {statistics.median(ratios):.2f} "
        f"| {ratios[0]:.2f} … {ratios[-1]:.2f} | {startup} |"
    )


if __name__ == "__main__":
    main()
