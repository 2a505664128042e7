"""What a teacher is worth: few masks, its mattes alone, and both, on equal steps.

    python benchmarks/distillation.py WORK [--data DATA] [--judge DATA …] [--network NAME]
        [--begin RUN] [--teacher NAME] [--labelled 100] [--epochs 4] [--steps 60]

Some of DATA's training pairs keep their masks; of the others only the pictures are used, which
are no pairs in WORK. Three trainings begin with the same weights and take the same number of
steps: on the pairs, on the teacher's mattes alone, and on both. The network of every epoch, and
the teacher, is compared with the true masks of DATA's test split, which none has seen, and that
of the last epoch also with those of the other data sets. DATA is drawn where none is given.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from mmnet_deploy import evaluation
from mmnet_deploy.downloads import published
from mmnet_deploy.mattes.matting import open_model
from mmnet_deploy.portraits import dataset, synthetic
from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run

METRICS = ("gradient_error", "mad", "mean_iou")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--judge", type=Path, nargs="*", default=[])
    parser.add_argument("--network", default="mmnet-0.5-128")
    parser.add_argument("--begin")
    parser.add_argument("--teacher", default="mediapipe:selfie")
    parser.add_argument("--labelled", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rate", default="0.003")
    options = parser.parse_args()
    data = options.data or drawn(options.work / "drawn")
    labelled, unlabelled = divided(data, options.work, options.labelled)
    taught = ["--teacher", options.teacher, "--unlabelled", str(unlabelled)]
    masks = ["--data", str(labelled)]
    trainings = {"masks": masks, "teacher": taught, "both": [*masks, *taught]}
    for name, words in trainings.items():
        train(options.work / name, words, options)
    teacher = options.teacher
    if teacher.startswith(published.PREFIX):
        teacher = str(published.named(teacher.removeprefix(published.PREFIX)).path)
    print(f"{data}/test: gradient error ×10⁻³ · MAD · mean IoU")
    if begin := pretrained_or_run(options.begin):
        print(f"  student as it begins: {scores(begin, data)}", flush=True)
    print(f"  teacher as it is: {scores(Path(teacher), data)}", flush=True)
    for name in trainings:
        for path in sorted((options.work / name / "checkpoints").glob("epoch-*.keras")):
            print(f"  {name}, {path.stem}: {scores(path, data)}", flush=True)
    for other in options.judge:
        print(f"{other}/test")
        print(f"  teacher as it is: {scores(Path(teacher), other)}", flush=True)
        for name in trainings:
            print(
                f"  {name}, last epoch: {scores(Run(options.work / name).last, other)}", flush=True
            )


def pretrained_or_run(name: str | None) -> Path | None:
    """The run that the trainings begin with."""
    if name is None or not name.startswith(pretrained.PREFIX):
        return Path(name) if name else None
    return pretrained.run_folder(name.removeprefix(pretrained.PREFIX))


def drawn(root: Path) -> Path:
    """Synthetic portraits; those of an earlier call are taken again."""
    if not (root / "test").is_dir():
        synthetic.write_dataset(
            root, count=460, size=160, seed=21, splits={"train": 0.87, "test": 0.13}
        )
    return root


def divided(data: Path, work: Path, count: int) -> tuple[Path, Path]:
    """A data set of the first pairs, evenly from all, and a folder with the pictures of others."""
    pairs = dataset.find_pairs(data, "train")
    step = max(1, len(pairs) // count)
    kept = pairs[::step][:count]
    labelled, unlabelled = work / "labelled", work / "unlabelled"
    for pair in pairs:
        if pair in kept:
            link(pair.image, labelled / "train" / "image")
            link(pair.mask, labelled / "train" / "mask")
        else:
            link(pair.image, unlabelled)
    return labelled, unlabelled


def link(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    if not target.exists():
        os.symlink(path.resolve(), target)


def train(run: Path, words: list[str], options: argparse.Namespace) -> None:
    """Train, or go on with what was stopped; nothing is printed but the last lines."""
    command = [sys.executable, "-m", "mmnet_deploy", "train", options.network, "--out", str(run)]
    command += [*words, "--epochs", str(options.epochs), "--steps-per-epoch", str(options.steps)]
    command += ["--learning-rate", options.rate, "--set", "ema_decay=0.95"]
    command += [
        "--set",
        f"keep_checkpoints={options.epochs}",
        "--cache",
        str(options.work / "cache"),
    ]
    command += ["--init-from", options.begin] if options.begin else []
    command += ["--resume"] if Run(run).exists else []
    done = subprocess.run(command, capture_output=True, text=True)
    print("\n".join(done.stderr.strip().splitlines()[-3:]), flush=True)
    done.check_returncode()


def scores(path: Path, data: Path) -> str:
    """Of a network on the test split of a data set."""
    found = evaluation.evaluate(open_model(path), data, "test").scores
    error, mad, iou = (found[name] for name in METRICS)
    return f"{1000 * error:.3f} · {mad:.4f} · {iou:.4f}"


if __name__ == "__main__":
    main()
