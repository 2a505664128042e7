"""Kill trainings at random moments, resume them, and compare with one that nobody killed.

    python tools/kill_trainings.py [-n 20] [--seed 1] [--signal SIGKILL]

A tiny network is trained once as a whole. Then, `-n` times, a training is killed at a random
moment, often more than once, and resumed until it ends. Its weights, the optimizer's state,
the log and the best networks must equal those of the whole one bit by bit, and nothing
half-written may be left. Prints a row of docs/robustness.md; exits with 1 if one differs.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mmnet_deploy.files.lock import LOCK  # noqa: E402
from mmnet_deploy.portraits import synthetic  # noqa: E402

WORKER = ROOT / "tests" / "support" / "tiny_worker.py"
SETTINGS = ("epochs=8", "steps_per_epoch=3", "keep_checkpoints=2", "ema_decay=0.9", "dropout=0.1")
POLL_S = 0.002


def start(data: Path, folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """A training in a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(WORKER), str(data), str(folder), *SETTINGS, *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def whole(data: Path, folder: Path) -> float:
    """Train without an interruption; how long it had its folder, in seconds."""
    process = start(data, folder)
    wait_for(process, folder)
    begin = time.monotonic()
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(f"The training that nobody killed failed: {said.decode()}")
    return time.monotonic() - begin


def wait_for(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Until a process has locked its folder, or has ended."""
    mark = f'"pid": {process.pid},'.encode()
    while process.poll() is None:
        with contextlib.suppress(OSError):
            if mark in (folder / LOCK).read_bytes():
                return
        time.sleep(POLL_S)


def killed(
    data: Path, folder: Path, takes_s: float, draw: random.Random, number: int
) -> tuple[int, str]:
    """Train with interruptions; how many there were, and what went wrong, if anything."""
    kills = 0
    while True:
        process = start(data, folder, *["resume"] * bool(kills))
        if kills < 3:
            # Before that, nothing is written that could be lost.
            wait_for(process, folder)
            time.sleep(draw.uniform(0, 1.1) * takes_s)
            if process.poll() is None:
                process.send_signal(number)
        _, said = process.communicate()
        if process.returncode == 0:
            return kills, ""
        if kills == 3 or process.returncode != -number:
            return kills, said.decode(errors="replace").strip().splitlines()[-1]
        kills += 1


# --- Comparison --------------------------------------------------------------


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two run folders, and what should not be there."""
    found = [f"{path.name} is left" for path in other.rglob(".*")]
    names = [sorted(str(p.relative_to(f)) for p in f.rglob("*.*") if "tfevents" not in p.name)
             for f in (one, other)]  # fmt: skip
    if names[0] != names[1]:
        return [*found, f"other files: {sorted(set(names[0]) ^ set(names[1]))}"]
    for name in names[0]:
        compare = {".npz": _same_state, ".keras": _same_network}.get(Path(name).suffix, _same_bytes)
        if not compare(one / name, other / name):
            found.append(f"{name} differs")
    return found


def _same_bytes(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def _same_network(one: Path, other: Path) -> bool:
    """Equal weights; the archives hold their dates besides."""
    contents = []
    for path in (one, other):
        with zipfile.ZipFile(path) as parts:
            contents.append(parts.read("model.weights.h5"))
    return contents[0] == contents[1]


def _same_state(one: Path, other: Path) -> bool:
    with np.load(one) as ours, np.load(other) as theirs:
        if set(ours) != set(theirs):
            return False
        told = [json.loads(state["history"].tobytes()) for state in (ours, theirs)]
        same = all(
            np.array_equal(ours[name], theirs[name], equal_nan=True)
            for name in ours
            if name != "history"
        )
    # Not the hashes of the network files, which have their dates.
    return same and all(told[0][part] == told[1][part] for part in ("rows", "best"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-n", type=int, default=20, help="Trainings to kill.")
    parser.add_argument("--seed", type=int, default=1, help="Seed of the moments.")
    parser.add_argument("--signal", default="SIGKILL", help="Signal to kill them with.")
    options = parser.parse_args()
    number = signal.Signals[options.signal]
    begin = time.monotonic()
    failures = []
    counts: collections.Counter[int] = collections.Counter()
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        synthetic.write_dataset(data, count=20, size=48, seed=3)
        takes_s = whole(data, Path(name) / "whole")
        for trial in range(options.n):
            folder = Path(name) / f"run-{trial}"
            draw = random.Random(1000 * options.seed + trial)
            kills, said = killed(data, folder, takes_s, draw, number)
            counts[kills] += 1
            wrong = [said] if said else differences(Path(name) / "whole", folder)
            if wrong:
                failures.append(f"training {trial}, killed {kills} times: {'; '.join(wrong)}")
            print(f"{trial + 1} of {options.n}: killed {kills} times", file=sys.stderr)
    times = ", ".join(f"{count} killed {kills}×" for kills, count in sorted(counts.items()))
    print("| input | tried | held | how they ended | seconds |\n|---|---|---|---|---|")
    print(
        f"| Trainings killed at random moments ({options.signal}) and resumed | {options.n} "
        f"| {options.n - len(failures)} | equal bit by bit; {times} "
        f"| {time.monotonic() - begin:.0f} |"
    )
    for line in failures:
        print(line, file=sys.stderr)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
