"""Run commands on disks that become full, and look at every file that is there afterwards.

    python tools/full_disk.py [-n 5] [--seed 1]

Each command first runs with room enough. Then, `-n` times, it runs again on a small disk (a
tmpfs) that holds its earlier files and has too little free space for the new ones. A command
must end with 1 and a line that says so, or with 0 where the space was enough; every file under
its final name must be whole, and nothing half-written may be left. Prints a row of
docs/robustness.md; exits with 1 if something did not hold. Needs Linux and `unshare`.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402

import models  # noqa: E402
from mmnet_deploy.files.aside import owner_of  # noqa: E402
from mmnet_deploy.files.lock import LOCK  # noqa: E402
from mmnet_deploy.portraits import synthetic  # noqa: E402
from mmnet_deploy.tflite.interpreter import TFLiteModel  # noqa: E402

INSIDE = "MMNET_FULL_DISK"
"""Set in the process that may mount."""

PAGE = 4096

COMMANDS = {
    "dataset synth": ("dataset", "synth", "OUT/portraits", "--count", "12", "--size", "96"),
    "convert": (
        "convert", "net.keras", "--representative", "data", "--precision", "int8", "-o", "OUT",
    ),
    "predict": ("predict", "net.tflite", "data/test/image", "-o", "OUT"),
    "evaluate": (
        "evaluate", "net.tflite", "--data", "data", "--eval-size", "native", "-o", "OUT", "--save",
        "OUT/mattes", "--per-image", "OUT/scores.csv", "--worst", "2", "--sheet", "OUT/worst.png",
    ),
    "bench": ("bench", "net.tflite", "--device", "host", "--preset", "quick", "-o", "OUT"),
    "plot": ("plot", "results", "-o", "OUT/chart.png", "--csv", "OUT/chart.csv"),
    "report": ("report", "results", "-o", "OUT/report.html"),
    "results export": ("results", "export", "results", "-o", "OUT/results.csv"),
}  # fmt: skip

WHOLE: dict[str, Callable[[Path], object]] = {
    ".json": lambda path: json.loads(path.read_bytes()),
    ".tflite": TFLiteModel,
    ".png": lambda path: cv2.imread(str(path)).shape,
    ".jpg": lambda path: cv2.imread(str(path)).shape,
    ".html": lambda path: path.read_text().rindex("</html>"),
    ".csv": lambda path: path.read_text()[-1:].index("\n"),
}
"""By suffix, what fails on a file that is not whole."""


def run(words: tuple[str, ...], scratch: Path, out: Path) -> tuple[int, str]:
    """Exit code and last line of a command."""
    done = subprocess.run(
        [sys.executable, "-m", "mmnet_deploy", *(w.replace("OUT", str(out)) for w in words)],
        cwd=scratch,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    lines = done.stderr.strip().splitlines()
    return done.returncode, lines[-1] if lines else ""


def not_whole(folder: Path) -> list[str]:
    """What is wrong with the files in a folder."""
    wrong = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "ballast"):
        if owner_of(path.name) or path.name == LOCK:
            wrong.append(f"{path.name} is left")
            continue
        try:
            WHOLE.get(path.suffix, Path.read_bytes)(path)
        except Exception as error:
            wrong.append(f"{path.name} is not whole ({type(error).__name__})")
    return wrong


def used_pages(folder: Path) -> int:
    """Pages that the files and folders in it take on a tmpfs."""
    return sum(1 + -(-path.stat().st_size // PAGE) for path in folder.rglob("*"))


def trial(name: str, scratch: Path, sound: Path, rng: random.Random) -> tuple[str, list[str]]:
    """Run a command once on a disk with too little room: how it ended, and what was wrong."""
    disk = scratch / "disk"
    disk.mkdir(exist_ok=True)
    pages = used_pages(sound)
    earlier = rng.random() < 0.5 and name != "dataset synth"
    free = rng.randrange(pages)
    size = (4 + free + pages * earlier) * PAGE
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)], check=True)
    try:
        out = disk / "out"
        if earlier:
            shutil.copytree(sound, out)
        code, said = run(COMMANDS[name], scratch, out)
        wrong = not_whole(disk)
        if code == 1 and "No space left" not in said and "disk" not in said.lower():
            wrong.append(f"said: {said}")
        if code not in (0, 1):
            wrong.append(f"exit code {code}: {said}")
        return "room enough" if code == 0 else "said that there was no space", wrong
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def prepare(scratch: Path) -> None:
    """A network, its file, portraits and results."""
    training = models.build("mmnet", width_multiplier=0.5, input_size=64)
    models.inference_network(training).save(scratch / "net.keras")
    synthetic.write_dataset(scratch / "data", count=20, size=96, seed=1)
    code, said = run(COMMANDS["convert"], scratch, scratch / "made")
    if code:
        raise SystemExit(f"convert failed: {said}")
    (file,) = (scratch / "made").glob("*.tflite")
    file.rename(scratch / "net.tflite")
    for words in (COMMANDS["bench"], ("evaluate", "net.tflite", "--data", "data", "-o", "OUT")):
        code, said = run(words, scratch, scratch / "results")
        if code:
            raise SystemExit(f"{words[0]} failed: {said}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-n", type=int, default=5, help="Disks for each command.")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not os.environ.get(INSIDE):
        unshare = ["unshare", "--mount", *(["--map-root-user"] if os.getuid() else [])]
        os.environ[INSIDE] = "1"
        os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
    rng = random.Random(options.seed)
    endings: collections.Counter[str] = collections.Counter()
    failures = []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        prepare(scratch)
        for command, words in COMMANDS.items():
            sound = scratch / "sound"
            code, said = run(words, scratch, sound)
            if code or not_whole(sound):
                raise SystemExit(f"{command} failed with room enough: {said}")
            for number in range(options.n):
                ending, wrong = trial(command, scratch, sound, rng)
                endings[ending] += 1
                failures += [f"{command}, disk {number}: {line}" for line in wrong]
            shutil.rmtree(sound)
    ended = ", ".join(f"{count} {what}" for what, count in endings.most_common())
    held = endings.total() - len({line.partition(": ")[0] for line in failures})
    print(f"| Commands on a disk that becomes full | {endings.total()} | {held} | {ended} |")
    for line in failures:
        print(line, file=sys.stderr)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
