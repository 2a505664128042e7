"""What each term of the loss is worth: equal beginnings, pictures and steps, other weights.

    python benchmarks/loss_terms.py DATA WORK [SETTING …] [--network mmnet-0.5-128] [--begin RUN]
        [--epochs 8] [--seeds 0 1] [--train WORDS] [--test]

A share of DATA's training pairs is held out and judges, at the size of `evaluate`; the others
train. The network of the last epoch counts, so that all have the same number of steps. Scores
are means over the pictures and the seeds; differences are those from the first setting, picture
by picture. --test judges on DATA's test split instead, for what was chosen already. Run it again
to go on with what was stopped; what was trained is not trained again.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import quality_tables

from mmnet_deploy import evaluation
from mmnet_deploy.evaluation import significance
from mmnet_deploy.mattes.matting import open_model
from mmnet_deploy.portraits import dataset
from mmnet_deploy.results import store
from mmnet_deploy.results.records import Evaluation
from mmnet_deploy.runs.run import Run

HELD_OUT = 0.15
ALL_ONE = dict.fromkeys(("alpha", "compositional", "gradient", "cross_entropy", "auxiliary"), "1")

LEAVING = {"cross_entropy": "[1, 0, 0]"}
SETTINGS: dict[str, dict[str, str]] = {
    "all 1": {},
    "no cross-entropy": {"cross_entropy": "0"},
    "cross-entropy to half": LEAVING,
    "cross-entropy to half, gradient 2": {**LEAVING, "gradient": "2"},
    "cross-entropy to half, no gradient": {**LEAVING, "gradient": "0"},
    "cross-entropy to half, no composition": {**LEAVING, "compositional": "0"},
    "cross-entropy to half, no auxiliary": {**LEAVING, "auxiliary": "0"},
    "both heads to half": {**LEAVING, "auxiliary": "[1, 0, 0]"},
    "cross-entropy to the end": {"cross_entropy": "[1, 0]"},
    "no cross-entropy, gradient 2": {"cross_entropy": "0", "gradient": "2"},
    "no cross-entropy, gradient 4": {"cross_entropy": "0", "gradient": "4"},
    "no cross-entropy, no gradient": {"cross_entropy": "0", "gradient": "0"},
    "no cross-entropy, no composition": {"cross_entropy": "0", "compositional": "0"},
}
"""By name the weights that differ from 1."""


def divided(data: Path, work: Path) -> Path:
    """A data set of links: `train`, and `held-out`, a seeded draw from DATA's train."""
    made = work / "divided"
    pairs = dataset.find_pairs(data, "train")
    order = np.random.default_rng(0).permutation(len(pairs))
    held_out = set(order[: round(HELD_OUT * len(pairs))].tolist())
    for number, pair in enumerate(pairs):
        split = made / ("held-out" if number in held_out else "train")
        for path, kind in ((pair.image, "image"), (pair.mask, "mask")):
            link = split / kind / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                os.symlink(path.resolve(), link)
    return made


def train(folder: Path, data: Path, weights: dict[str, str], options: argparse.Namespace) -> None:
    """Train, or go on with what was stopped."""
    run = Run(folder)
    if run.exists and len(run.read_log()) >= options.epochs:
        return
    words = ["train", options.network, "--data", str(data), "--out", str(folder)]
    if run.exists:
        words += ["--resume"]
    else:
        for name, value in {**ALL_ONE, **weights}.items():
            words += ["--set", f"loss_{name}={value}"]
        words += ["--epochs", str(options.epochs), "--seed", folder.name, "--set"]
        words += ["ema_decay=0.98", "--set", "warmup_share=0.05", "--validation-share", "0.02"]
        words += ["--init-from", options.begin] if options.begin else []
        words += shlex.split(options.train)
    begin = time.perf_counter()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.txt").open("ab") as log:
        subprocess.run(
            [sys.executable, "-P", "-m", "mmnet_deploy", *words],
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
        )
    print(f"{folder}: {time.perf_counter() - begin:.0f} s", flush=True)


def judged(folder: Path, data: Path, split: str) -> Evaluation:
    """The scores of a run's last network, which are kept beside it."""
    kept = folder / "quality" / data.name / split
    if not kept.is_dir():
        store.save(evaluation.evaluate(open_model(Run(folder).last), data, split), kept)
    (found,) = [record for record in store.load([kept]) if isinstance(record, Evaluation)]
    return found


def values(records: list[Evaluation], metric: str) -> list[float]:
    """The mean over the seeds of each picture, in order."""
    return np.mean([record.values(metric) for record in records], axis=0).tolist()


def row(name: str, records: list[Evaluation], base: list[Evaluation]) -> str:
    """A line of the table."""
    cells = []
    for metric, (_, write) in quality_tables.METRICS.items():
        before, after = values(base, metric), values(records, metric)
        mean, first = float(np.mean(after)), float(np.mean(before))
        cell = write(mean)
        if records is not base:
            p_value = significance.compare(before, after).p_value
            sure = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
            cell += f" ({100 * (mean / first - 1):+.1f} %, {sure})".replace("-", "−")
        cells.append(cell)
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("settings", nargs="*", metavar="SETTING", default=list(SETTINGS))
    parser.add_argument("--network", default="mmnet-0.5-128")
    parser.add_argument("--begin", metavar="RUN")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--train", default="", help="more words for `train`")
    parser.add_argument("--test", action="store_true")
    options = parser.parse_args()
    unknown = sorted(set(options.settings) - set(SETTINGS))
    if unknown:
        parser.error(f"SETTING must be one of {', '.join(SETTINGS)}. Received: {unknown[0]}.")
    data = divided(options.data, options.work)
    judge, split = (options.data, "test") if options.test else (data, "held-out")
    records: dict[str, list[Evaluation]] = {}
    # Seed by seed, so that there is something to compare when it is stopped.
    for seed in options.seeds:
        for name in options.settings:
            folder = options.work / name.replace(", ", ",").replace(" ", "-") / str(seed)
            train(folder, data, SETTINGS[name], options)
            records.setdefault(name, []).append(judged(folder, judge, split))
            print(row(name, records[name], records[options.settings[0]]), flush=True)
    print("\n| | gradient error ×10⁻³ | MAD | mean IoU |\n|---|---|---|---|")
    for name, found in records.items():
        print(row(name, found, records[options.settings[0]]))


if __name__ == "__main__":
    main()
