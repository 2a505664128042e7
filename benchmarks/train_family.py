"""Train the family with one recipe and one budget: each network at rising input sizes.

    python benchmarks/train_family.py DATA RUNS [NETWORK…] [--stage 64:14:0.01 …] [--jobs 2]
        [--begin SYNTHETIC] [--after RUNS]

An epoch at 64×64 costs a sixteenth of one at 256×256, and the weights do not depend on the input
size: what a person looks like is learnt on small pictures, edges on large ones. A stage is
SIZE:EPOCHS:RATE[:BATCH]; a network passes through those up to its own size, each from the last
weights of the one before, in RUNS/FAMILY-WIDTH-SIZE. With --begin it passes through the first
stage on another data set before, in RUNS/begin/. With --after it begins with the last weights
that an earlier training of the family came to at the first stage's size. Jobs run beside each
other, one core each, on which two networks are trained faster than one after the other on both.
Run it again to go on with what was stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import queue
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import models
from mmnet_deploy.runs.run import Run

NETWORKS = (
    "mmnet-1.0-256",
    "mmnet-0.5-256",
    "mmnet-1.0-128",
    "mmnet-1.4-128",
    "md16-0.5-256",
    "mmnet-0.75-256",
    "md16-0.75-128",
    "md8-0.35-128",
    "ldn-fb-128",
)
STAGES = ("64:14:0.01", "128:7:0.005", "256:3:0.003")
RECIPE = Path(__file__).with_name("family.toml")


@dataclasses.dataclass(frozen=True, order=True)
class Stage:
    """One training of every network."""

    input_size: int
    epochs: int
    learning_rate: float
    batch_size: int = 16

    @classmethod
    def parse(cls, text: str) -> Stage:
        try:
            size, epochs, rate, *batch = text.split(":")
            return cls(int(size), int(epochs), float(rate), *map(int, batch))
        except (TypeError, ValueError) as error:
            raise argparse.ArgumentTypeError(
                f"must be SIZE:EPOCHS:RATE[:BATCH]. Received: {text}."
            ) from error


def train(folder: Path, stage: Stage, before: Path | None, data: Path, core: int) -> None:
    """Train the network that a folder is called after, on one core, or go on with it."""
    run = Run(folder)
    if run.exists and len(run.read_log()) >= stage.epochs:
        return
    command = [
        sys.executable,
        "-P",
        "-m",
        "mmnet_deploy",
        "train",
        folder.name,
        "--data",
        str(data),
    ]
    command += ["--out", str(folder), "--recipe", str(RECIPE), "--epochs", str(stage.epochs)]
    command += ["--learning-rate", str(stage.learning_rate), "--batch-size", str(stage.batch_size)]
    if run.exists and run.read_log():
        command += ["--resume"]
    elif before is not None:
        command += ["--init-from", str(Run(before).last)]
    folder.parent.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    with folder.with_name(f"{folder.name}.txt").open("ab") as log:
        done = subprocess.run(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
    if done.returncode:
        raise SystemExit(f"{folder} was not trained; {log.name} ends with why.")
    print(f"{folder}: {time.perf_counter() - begin:.0f} s on core {core}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK")
    parser.add_argument(
        "--stage", action="append", type=Stage.parse, metavar="SIZE:EPOCHS:RATE[:BATCH]"
    )
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    beginning = parser.add_mutually_exclusive_group()
    beginning.add_argument("--begin", type=Path, metavar="SYNTHETIC")
    beginning.add_argument("--after", type=Path, metavar="RUNS")
    options = parser.parse_args()
    stages = sorted(options.stage or map(Stage.parse, STAGES))

    cores: queue.Queue[int] = queue.Queue()
    for core in sorted(os.sched_getaffinity(0))[: options.jobs]:
        cores.put(core)
    done: dict[Path, Future[None]] = {}

    def job(folder: Path, stage: Stage, before: Path | None, data: Path) -> None:
        # The one before was submitted before, so that waiting for it ends.
        if before in done:
            done[before].result()
        core = cores.get()
        try:
            train(folder, stage, before, data, core)
        finally:
            cores.put(core)

    # Stage by stage, so that every network has the same when it is stopped.
    rounds = [(stage, options.runs, options.data) for stage in stages]
    if options.begin:
        rounds.insert(0, (stages[0], options.runs / "begin", options.begin))
    latest: dict[tuple[str, float | None], Path] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        for stage, parent, data in rounds:
            for point in map(models.member, options.networks):
                network = (point.family, point.width_multiplier)
                folder = parent / models.member_name(*network, stage.input_size)
                if point.input_size < stage.input_size or folder in done:
                    continue
                before = latest.get(network, options.after and options.after / folder.name)
                done[folder] = pool.submit(job, folder, stage, before, data)
                latest[network] = folder
        for future in done.values():
            future.result()


if __name__ == "__main__":
    main()
