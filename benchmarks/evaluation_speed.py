"""What evaluating a `.tflite` takes, as a multiple of the bare invokes with the same threads.

    python benchmarks/evaluation_speed.py --data eg1800 [--pictures 40] [--rounds 20]

MMNet 1.0 with random weights. In every round, for every number of threads, the network is
invoked as often as there are pictures on one tensor that is set once; then `evaluate` runs,
with everything that it does: reading, decoding, resizing, inference, the default metrics, the
hash of the masks. Start-up is what comes before, once: loading the file and the first invoke.
Without --data, synthetic portraits are drawn.

`work beside` is one core's processor time per picture for all but the inference. Where
it is more than the idle cores can take while the network computes, it shows in the ratio. So
two more figures tell what is the machine's and what the pipeline's. Before and after every
measurement all cores work at once: `free` holds the rounds in which they did at least 1.6 times
the work of one thread both times, since others may be at work. And the row `waits` is a model that
sleeps for as long as the slowest invoke takes and uses no core, as on an accelerator.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from common import noise, random_network

from mmnet_deploy import conversion, evaluation
from mmnet_deploy.conversion.quantization import PRECISIONS, Source
from mmnet_deploy.mattes import metrics
from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.parallel import usable_cores
from mmnet_deploy.portraits import dataset, pictures, synthetic
from mmnet_deploy.tflite.card import describe
from mmnet_deploy.tflite.interpreter import TFLiteModel
from mmnet_deploy.tflite.runtime import runtime_name

T = TypeVar("T")

FREE = 1.6
"""What two cores do together, as a multiple of one, when nobody else uses them."""


def model_files(folder: Path, input_size: int) -> list[Path]:
    """MMNet 1.0 in float32 and int8."""
    content, _ = conversion.float_graph(random_network(f"mmnet-1.0-{input_size}"), "deploy")
    source = Source(content, noise(input_size, 8), phases=True)
    files = []
    for precision in ("float32", "int8"):
        path = folder / f"mmnet-1.0-{input_size}-{precision}.tflite"
        path.write_bytes(PRECISIONS[precision].recipe(source))
        files.append(path)
    return files


def opened(path: Path, threads: int) -> tuple[TFLiteModel, Matting, float]:
    """A model that has run once, and how long that took."""
    begin = time.perf_counter()
    model = TFLiteModel(path, threads)
    model.fill_inputs()
    model.invoke()
    startup_s = time.perf_counter() - begin
    file = describe(path)
    return (
        model,
        Matting(file, runtime_name(), model.prepare, model.infer, threads),
        startup_s,
    )


def gradient_error_at_once(alpha: np.ndarray, truth: np.ndarray) -> float:
    """The gradient error in float64 and of the whole picture at once, as it was before."""
    along, across = (f.astype(np.float64) for f in metrics._gradient_filters())
    difference = alpha.astype(np.float64) - truth.astype(np.float64)
    gx = cv2.sepFilter2D(difference, cv2.CV_64F, along, across)[4:-4, 4:-4]
    gy = cv2.sepFilter2D(difference, cv2.CV_64F, across, along)[4:-4, 4:-4]
    return float(np.hypot(gx, gy).mean())


def work_beside_ms(matting: Matting, pairs: list[dataset.Pair]) -> dict[str, float]:
    """One core's processor time per picture for what is not inference, by stage: medians."""
    cv2.setNumThreads(1)
    matte = matting.matte(pictures.read_image(pairs[0].image))
    times: dict[str, list[float]] = {}

    def timed(stage: str, function: Callable[[], T]) -> T:
        begin = time.thread_time()
        result = function()
        times.setdefault(stage, []).append(1000 * (time.thread_time() - begin))
        return result

    def others(both: tuple[np.ndarray, np.ndarray]) -> None:
        for metric in metrics.named():
            if metric.name != "gradient_error":
                metric(*both)

    for pair in pairs * 3:
        image, mask = timed("decode picture and mask", lambda: dataset.read_pair(pair))  # noqa: B023
        timed("shrink and prepare", lambda: matting.prepare(image))  # noqa: B023
        both = timed(
            "matte and mask to one size",
            lambda: metrics.at_one_size(matte, mask, metrics.PUBLISHED_SIZE),  # noqa: B023
        )
        timed("gradient error", lambda: metrics.gradient_error(*both))  # noqa: B023
        timed("other metrics", lambda: others(both))  # noqa: B023
        timed("hash of the mask", lambda: hashlib.sha256(mask.tobytes()))  # noqa: B023
        timed("(gradient error as before)", lambda: gradient_error_at_once(*both))  # noqa: B023
    return {stage: statistics.median(column) for stage, column in times.items()}


def parallel_gain() -> float:
    """How many times the work of one thread all cores do at once; at best their number."""
    block, cores = bytes(10_000_000), usable_cores()

    def seconds(threads: int) -> float:
        begin = time.perf_counter()
        with ThreadPoolExecutor(threads) as executor:
            list(executor.map(lambda _: hashlib.sha256(block).digest(), range(threads)))
        return time.perf_counter() - begin

    return statistics.median(cores * seconds(1) / seconds(cores) for _ in range(7))


def subset(root: Path, split: str, count: int, target: Path) -> Path:
    """The first pairs of a split as a data set of their own."""
    for pair in dataset.find_pairs(root, split)[:count]:
        for side, path in (("image", pair.image), ("mask", pair.mask)):
            folder = target / split / side
            folder.mkdir(parents=True, exist_ok=True)
            (folder / path.name).symlink_to(path.resolve())
    return target


@dataclasses.dataclass
class Case:
    """A model and what was measured of it: seconds of the invokes and of `evaluate`."""

    name: str
    threads: str
    startup: str
    invoke: Callable[[], object]
    matting: Matting
    taken: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    gains: list[float] = dataclasses.field(default_factory=list)

    def measure(self, root: Path, split: str, pictures: int) -> None:
        """One round."""
        gain = parallel_gain()
        begin = time.perf_counter()
        for _ in range(pictures):
            self.invoke()
        middle = time.perf_counter()
        evaluation.evaluate(self.matting, root, split)
        self.taken.append((middle - begin, time.perf_counter() - middle))
        self.gains.append(min(gain, parallel_gain()))

    def forget(self) -> float:
        """Forget the last round; seconds of its invokes."""
        self.gains.pop()
        return self.taken.pop()[0]

    def row(self, pictures: int) -> str:
        """As a line of the table."""
        bare, whole = (
            1000 * statistics.median(column) / pictures for column in zip(*self.taken, strict=True)
        )
        ratios = [whole_s / bare_s for bare_s, whole_s in self.taken]
        free = [r for r, gain in zip(ratios, self.gains, strict=True) if gain >= FREE]
        return (
            f"| {self.name} | {self.threads} | {bare:.1f} | {whole:.1f} | "
            f"{statistics.median(ratios):.2f} | {min(ratios):.2f} … {max(ratios):.2f} | "
            + (f"{statistics.median(free):.2f} ({len(free)})" if free else "–")
            + f" | {self.startup} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--input-size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.data
        if root is None:
            root = Path(scratch) / "portraits"
            synthetic.write_dataset(root, count=5 * options.pictures, size=512, seed=0)
        root = subset(root, options.split, options.pictures, Path(scratch) / "subset")
        pairs = dataset.find_pairs(root, options.split)
        cases = []
        for path in model_files(Path(scratch), options.input_size):
            for threads in sorted({1, usable_cores()}):
                model, matting, startup_s = opened(path, threads)
                startup = f"{startup_s:.2f}"
                cases.append(Case(path.stem, str(threads), startup, model.invoke, matting))
        matte = cases[0].matting.matte(pictures.read_image(pairs[0].image))
        for case in cases:
            case.measure(root, options.split, len(pairs))  # A warm-up, which is not counted.
        slowest_s = max(case.forget() for case in cases) / len(pairs)

        def wait(tensor: object = None) -> np.ndarray:
            time.sleep(slowest_s)
            return matte

        cases.append(Case("waits", "", "", wait, dataclasses.replace(matting, infer=wait)))
        for _ in range(options.rounds):
            for case in cases:
                case.measure(root, options.split, len(pairs))
        print(f"{len(pairs)} pictures, {usable_cores()} cores, {options.rounds} rounds\n")
        print("| model | threads | invoke (ms) | evaluate (ms) | ratio | | free | start-up (s) |")
        print("|---|---|---|---|---|---|---|---|")
        for case in cases:
            print(case.row(len(pairs)))
        print("\n| work beside, one core | ms per picture |\n|---|---|")
        for stage, spent_ms in work_beside_ms(cases[0].matting, pairs).items():
            print(f"| {stage} | {spent_ms:.2f} |")


if __name__ == "__main__":
    main()
