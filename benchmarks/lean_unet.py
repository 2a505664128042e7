"""How Lean U-Net came about: what each step away from MediaPipe's Selfie costs and buys.

    python benchmarks/lean_unet.py DATA WORK [--unseen OTHER …] [--design NAME …] [--step NAME …]
        [--precision NAME …] [--train WORDS]
    python benchmarks/lean_unet.py --command WORDS of mmnet-deploy …

DATA is a data set whose train split is trained on and whose test split is measured; of OTHER, only
the test split is measured. MediaPipe's network is fine-tuned first; every design begins with its
weights, as far as they fit, and takes the same number of steps with it as the teacher. What is
made lies in WORK, and a step leaves out what is there already. `--command` runs a command of
mmnet-deploy that knows the designs as families.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import common
import counted
import keras
import numpy as np
import quality_tables
from lean_designs import DESIGNS, built, register_designs
from selfie_weights import SIZE, Fit, shown_pictures, values_of

import models
from mmnet_deploy import cli, conversion
from mmnet_deploy.benchmarking import cost
from mmnet_deploy.mattes import metrics
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.results import store
from mmnet_deploy.results.records import Evaluation
from mmnet_deploy.tflite import card

GIVEN = "mediapipe:selfie"
PEER, TEACHER = "mediapipe", "teacher"
"""Names of the files of MediaPipe's network, as it comes and fine-tuned."""

PRECISIONS = ("float32", "float16", "int8")
CORE = "cortex-a76"
COUNTED = ("float16", "int8")


@dataclasses.dataclass(frozen=True)
class Work:
    """What is measured, and where it lies."""

    data: Path
    unseen: tuple[Path, ...]
    folder: Path
    designs: tuple[str, ...]
    train_words: tuple[str, ...]
    precisions: tuple[str, ...]

    @property
    def selfie(self) -> Path:
        """MediaPipe's network after fine-tuning: the beginning, and the teacher."""
        return self.folder / "selfie"

    @property
    def names(self) -> tuple[str, ...]:
        return (PEER, *self.designs)

    def beginning(self, name: str) -> Path:
        return self.folder / "begin" / f"{name}.keras"

    def run(self, name: str) -> Path:
        return self.folder / "runs" / name

    def file(self, name: str, precision: str) -> Path:
        return self.folder / "models" / f"{name}-{SIZE}-{precision}.tflite"

    @property
    def counts(self) -> Path:
        return self.folder / "counts.json"

    @property
    def begun(self) -> Path:
        """Scores before the first step."""
        return self.folder / "begun.json"

    def quality(self, data: Path) -> Path:
        return self.folder / "quality" / data.resolve().name


def command(*words: object) -> None:
    """Run a command of mmnet-deploy in a process that knows the designs; print it before."""
    line = [str(word) for word in words]
    print(f"$ mmnet-deploy {shlex.join(line)}", flush=True)
    subprocess.run([sys.executable, __file__, "--command", *line], check=True)


def begin(work: Work) -> None:
    """Fine-tune MediaPipe's network, and give every design its weights."""
    if not (work.selfie / "best.keras").exists():
        command("train", GIVEN, "--data", work.data, "--out", work.selfie)
    if not work.file(TEACHER, "float32").exists():
        command(
            "convert", work.selfie, "--precision", "float32", "--representative", work.data,
            "--name", TEACHER, "-o", work.folder / "models",
        )  # fmt: skip
    work.beginning("").parent.mkdir(parents=True, exist_ok=True)
    lacking = [name for name in work.designs if not work.beginning(name).exists()]
    if lacking:
        selfie = keras.models.load_model(work.selfie / "best.keras")
        images = shown_pictures(work.data)
        given = values_of(selfie, images)
    for name in lacking:
        network = built(name, (SIZE, SIZE))
        Fit(DESIGNS[name], selfie, given).fill(network, images)
        network.save(work.beginning(name))


def train(work: Work) -> None:
    """Train every design for the same number of steps, on the masks and the teacher's mattes."""
    for name in work.designs:
        if not (work.run(name) / "best.keras").exists():
            command(
                "train", f"lean-unet-{name}-{SIZE}", "--recipe", "fine-tune",
                "--init-from", work.beginning(name), "--data", work.data,
                "--teacher", work.file(TEACHER, "float32"), "--out", work.run(name),
                "--set", "initial_share=0", "--set", "teacher_on_labelled=0.5",
                *work.train_words,
            )  # fmt: skip


def convert(work: Work) -> None:
    """MediaPipe's network and every design in every precision."""
    for name in work.names:
        precisions = [
            word
            for precision in work.precisions
            if not work.file(name, precision).exists()
            for word in ("--precision", precision)
        ]
        if precisions:
            model = GIVEN if name == PEER else work.run(name)
            command(
                "convert", model, *precisions, "--representative", work.data, "--name", name,
                "-o", work.folder / "models",
            )  # fmt: skip


def count(work: Work) -> None:
    """Instructions of MediaPipe's files, and of every design, which do not depend on weights."""
    tools = cost.find_tools()
    known = json.loads(work.counts.read_text()) if work.counts.exists() else {}
    for name in work.names:
        lacking = [one for one in COUNTED if one not in known.get(name, {})]
        if not lacking:
            continue
        if name == PEER:
            paths = {one: work.file(name, one) for one in lacking}
        else:
            network = common.saved(models.inference_network(built(name, (SIZE, SIZE))), name)
            content, _ = conversion.float_graph(network, "deploy")
            made = counted.precisions(network, content, lacking, phases=True)
            paths = {one: counted.write(of_file, f"{name}-{one}") for one, of_file in made.items()}
        for precision, path in paths.items():
            found = cost.measure(path, tools, cpu=CORE, operators=False)
            known.setdefault(name, {})[precision] = found.counts.total
            work.counts.write_text(json.dumps(known, indent=1) + "\n")
            print(name, precision, found.counts.total, flush=True)


def evaluate(work: Work) -> None:
    """Every file on the test split of every data set."""
    files = [work.file(name, precision) for name in work.names for precision in work.precisions]
    for data in (work.data, *work.unseen):
        command("evaluate", *filter(Path.exists, files), "--data", data, "-o", work.quality(data))


def beginnings(work: Work) -> None:
    """The networks before the first step, on the test split of every data set."""
    known = json.loads(work.begun.read_text()) if work.begun.exists() else {}
    for data in (work.data, *work.unseen):
        of_set = known.setdefault(data.resolve().name, {})
        names = [name for name in work.designs if name not in of_set]
        pairs = dataset.find_pairs(data, "test") if names else []
        tensors = [
            pictures.preprocess(pictures.read_image(pair.image), SIZE, SIZE, (0.0, 1.0))
            for pair in pairs
        ]
        masks = [pictures.read_mask(pair.mask) for pair in pairs]
        for name in names:
            network = keras.models.load_model(work.beginning(name))
            scores = []
            for tensor, mask in zip(tensors, masks, strict=True):
                logits = network(tensor, training=False)["logits"]
                alpha = keras.ops.convert_to_numpy(keras.ops.sigmoid(logits))[0, ..., 0]
                mattes = metrics.at_one_size(alpha, mask, metrics.PUBLISHED_SIZE)
                scores.append(
                    [metrics.METRICS[metric](*mattes) for metric in quality_tables.METRICS]
                )
            of_set[name] = dict(
                zip(quality_tables.METRICS, np.mean(scores, axis=0).tolist(), strict=True)
            )
            work.begun.write_text(json.dumps(known, indent=1) + "\n")
            print(data.name, name, _scores(of_set[name]), flush=True)


def tables(work: Work) -> None:
    """The ablation, and the scores of every file with their differences from MediaPipe's."""
    counts = json.loads(work.counts.read_text())
    begun = json.loads(work.begun.read_text()) if work.begun.exists() else {}
    rows = []
    for name in filter(counts.__contains__, work.names):
        cells = [
            f"{counts[name][one] / 1e6:.2f} ({counts[name][one] / counts[PEER][one]:.3f})"
            for one in COUNTED
        ]
        rows.append([name, *cells, *(_scores(of.get(name, {})) for of in begun.values())])
    head = ["", "half precision", "int8", *(f"{name}, before training" for name in begun)]
    quality_tables.show(head, rows)
    scored: dict[str, dict[str, Evaluation]] = {
        data.resolve().name: {
            record.model.sha256: record
            for record in store.load([work.quality(data)])
            if isinstance(record, Evaluation)
        }
        for data in (work.data, *work.unseen)
        if work.quality(data).is_dir()
    }
    print("after training, and against MediaPipe's file in float32, picture by picture\n")
    base = card.describe(work.file(PEER, "float32")).sha256
    rows = []
    for name in work.names:
        for precision in work.precisions:
            if (path := work.file(name, precision)).exists():
                own = card.describe(path).sha256
                cells = [_scores(of[own].scores) if own in of else "" for of in scored.values()]
                changes = [
                    " · ".join(quality_tables.changes(of[base], of[own])) if own in of else ""
                    for of in scored.values()
                ]
                rows.append([name, precision, *cells, *changes])
    head = ["", "precision", *scored, *(f"{name}, change" for name in scored)]
    quality_tables.show(head, rows)


def _scores(known: Mapping[str, float]) -> str:
    """Gradient error (×10⁻³), MAD and mean IoU in one cell; empty where they are not known."""
    return " · ".join(quality_tables.scores(known)) if known else ""


STEPS: dict[str, Callable[[Work], None]] = {
    "begin": begin,
    "beginnings": beginnings,
    "train": train,
    "convert": convert,
    "count": count,
    "evaluate": evaluate,
    "tables": tables,
}


def main() -> None:
    if sys.argv[1:2] == ["--command"]:
        sys.argv = ["mmnet-deploy", *sys.argv[2:]]
        register_designs()
        cli.main()
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--unseen", nargs="*", type=Path, default=[], metavar="OTHER")
    parser.add_argument("--design", nargs="+", choices=DESIGNS, default=list(DESIGNS))
    parser.add_argument("--step", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--train", default="", help="more words for `train`")
    options = parser.parse_args()
    work = Work(
        options.data,
        tuple(options.unseen),
        options.work,
        tuple(options.design),
        tuple(shlex.split(options.train)),
        tuple(options.precision),
    )
    for name, step in STEPS.items():
        if name in options.step:
            step(work)


if __name__ == "__main__":
    main()
