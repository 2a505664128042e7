"""MediaPipe's Selfie Segmentation, fine-tuned and converted: the tables of docs/results.md.

    python benchmarks/fine_tune.py DATA WORK [--unseen OTHER …] [--step train …]

DATA is a data set whose train split is trained on and whose test split is measured; of OTHER, only
the test split is measured. The steps are commands of mmnet-deploy, which are printed as they run;
what they make lies in WORK, so that each step can be run again alone. Latencies are those of
one thread, all files taking turns in every round. The float16 files allow half precision, which
x86 does not compute in: `evaluate` scores them in float32, and `half` scores the same networks in
emulated half precision.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import quality_tables as tables
from common import latencies_ms

from mmnet_deploy import evaluation
from mmnet_deploy.conversion.emulation import HalfPrecision
from mmnet_deploy.downloads import published
from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.networks.imported import source
from mmnet_deploy.results import store
from mmnet_deploy.results.records import Cost, Evaluation
from mmnet_deploy.tflite import card
from mmnet_deploy.tflite.interpreter import TFLiteModel

GIVEN = "mediapipe:selfie"
NAMES = ("mediapipe-selfie", "fine-tuned")
PRECISIONS = ("float32", "float16", "int8")
CORES = ("cortex-a57", "cortex-a76")
HALF = ", half precision"


@dataclasses.dataclass(frozen=True)
class Work:
    """What is measured, and where it lies."""

    data: Path
    unseen: tuple[Path, ...]
    folder: Path
    train_words: tuple[str, ...]
    convert_words: tuple[str, ...]
    rounds: int

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def sets(self) -> tuple[Path, ...]:
        return (self.data, *self.unseen)

    @property
    def given(self) -> Path:
        return published.have(published.named(GIVEN.partition(":")[2]))

    def files(self) -> dict[str, Path]:
        """The given file and those that were made, by the names of the tables."""
        found = {"MediaPipe's file": self.given}
        for name in NAMES:
            for precision in PRECISIONS:
                for path in sorted((self.folder / "models").glob(f"{name}-*{precision}.tflite")):
                    found[f"{name} {precision}"] = path
        return found

    def quality(self, data: Path) -> Path:
        """Where the evaluations of a data set lie."""
        return self.folder / "quality" / data.resolve().name

    def half(self, data: Path) -> Path:
        """Where those in half precision lie: `plot` would take them for the others."""
        return self.folder / "half" / data.resolve().name


def mmnet_deploy(*words: object, check: bool = True) -> None:
    """Run a command, and print it before."""
    line = [str(word) for word in words]
    print(f"$ mmnet-deploy {shlex.join(line)}", flush=True)
    subprocess.run([sys.executable, "-P", "-m", "mmnet_deploy", *line], check=check)


# --- Steps -------------------------------------------------------------------


def train(work: Work) -> None:
    """Fine-tune the network; a run that was stopped goes on."""
    begin = time.perf_counter()
    words = ("--resume",) if (work.run / "state.npz").exists() else work.train_words
    mmnet_deploy("train", GIVEN, "--data", work.data, "--out", work.run, *words)
    print(f"{(time.perf_counter() - begin) / 60:.1f} minutes", flush=True)


def convert(work: Work) -> None:
    """Both networks in every precision; a file that `convert` does not keep is left out."""
    precisions = [word for name in PRECISIONS for word in ("--precision", name)]
    for name, model in zip(NAMES, (GIVEN, work.run), strict=True):
        mmnet_deploy(
            "convert", model, *precisions, "--representative", work.data, "--name", name,
            *work.convert_words, "-o", work.folder / "models", check=False,
        )  # fmt: skip


def evaluate(work: Work) -> None:
    """Every file on the test split of every data set."""
    files = [GIVEN, *list(work.files().values())[1:]]
    for data in work.sets:
        mmnet_deploy("evaluate", *files, "--data", data, "-o", work.quality(data))


def half(work: Work) -> None:
    """The float16 files in emulated half precision."""
    for name in NAMES:
        path = work.files()[f"{name} float16"]
        graph, _, _ = source.read_graph(path)
        emulated = HalfPrecision(graph.to_bytes())
        picture, matte = TFLiteModel(path).require_matting()
        model = Matting(
            card.describe(path),
            "emulated half precision",
            picture.tensor,
            lambda tensor, emulated=emulated, matte=matte: matte.matte(emulated.run(tensor)),
        )
        for data in work.sets:
            store.save(evaluation.evaluate(model, data, "test"), work.half(data))


def latency(work: Work) -> None:
    """Latencies of all files, taking turns: the processor time of one thread."""
    contents = {name: path.read_bytes() for name, path in work.files().items()}
    times = latencies_ms(contents, work.rounds, clock=time.thread_time)
    (work.folder / "latency.json").write_text(json.dumps(times))


def count(work: Work) -> None:
    """Arm64 instructions of all files on both cores."""
    files = [GIVEN, *list(work.files().values())[1:]]
    mmnet_deploy("cost", *files, "--cpu", ",".join(CORES), "-o", work.folder / "cost")


# --- Tables ------------------------------------------------------------------


def _scores(known: Mapping[str, float]) -> str:
    return " · ".join(tables.scores(known))


def quality_tables(work: Work) -> None:
    """Scores of every file on every set, and what each gains over the given file."""
    by_set = {}
    for data in work.sets:
        records = store.load([work.quality(data), work.half(data)])
        by_set[data.resolve().name] = {
            r.model.sha256 + r.engine.partition(" ")[0]: r
            for r in records
            if isinstance(r, Evaluation)
        }
    names = {}
    for name, path in work.files().items():
        names[name] = card.describe(path).sha256 + "ai-edge-litert"
        if name.endswith("float16"):
            names[name + HALF] = card.describe(path).sha256 + "emulated"
    titles = [f"{name}, {len(next(iter(r.values())).pictures)}" for name, r in by_set.items()]
    rows = [
        [name, *(_scores(of[key].scores) if key in of else "" for of in by_set.values())]
        for name, key in names.items()
    ]
    firsts = [next(iter(of.values())) for of in by_set.values()]
    rows.append([tables.CONSTANT, *(_scores(first.constant_scores) for first in firsts)])
    print("gradient error ×10⁻³ · MAD · mean IoU\n")
    tables.show(["", *titles], rows)
    given, *others = names.items()
    rows = []
    for title, of in by_set.items():
        rows += [
            [title, name, *tables.changes(of[given[1]], of[key])]
            for name, key in others
            if key in of
        ]
    print("against MediaPipe's file, picture by picture\n")
    tables.show(["", "", "gradient error", "MAD", "mean IoU"], rows)


def cost_table(work: Work) -> None:
    """Size, latency with its ratio to the given file's, and instructions on both cores."""
    times = json.loads((work.folder / "latency.json").read_text())
    counted = {
        (r.model.sha256, r.cpu): r
        for r in store.load([work.folder / "cost"])
        if isinstance(r, Cost)
    }
    first = statistics.median(next(iter(times.values())))
    rows = []
    for name, path in work.files().items():
        model = card.describe(path)
        median = statistics.median(times[name])
        cells = [name, f"{model.size_bytes / 1024:.0f}", f"{median:.2f}", f"{first / median:.2f}"]
        for cpu in CORES:
            found = counted.get((model.sha256, cpu))
            cells.append(f"{found.counts.total / 1e6:.1f}" if found else "")
        rows.append(cells)
    tables.show(["", "KiB", "ms", "times as fast", *(f"{cpu}, million" for cpu in CORES)], rows)


STEPS: dict[str, Callable[[Work], None]] = {
    "train": train,
    "convert": convert,
    "evaluate": evaluate,
    "half": half,
    "latency": latency,
    "count": count,
    "quality-tables": quality_tables,
    "cost-table": cost_table,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--unseen", nargs="*", type=Path, default=[], metavar="OTHER")
    parser.add_argument("--step", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--rounds", type=int, default=130)
    parser.add_argument("--train", default="", help="more words for `train`")
    parser.add_argument("--convert", default="", help="more words for `convert`")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    work = Work(
        options.data,
        tuple(options.unseen),
        options.work,
        tuple(shlex.split(options.train)),
        tuple(shlex.split(options.convert)),
        options.rounds,
    )
    for name, step in STEPS.items():
        if name in options.step:
            step(work)


if __name__ == "__main__":
    main()
