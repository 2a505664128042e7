"""Commands killed at random moments.

Every command of the program is run on small real inputs and killed by a random signal, sent to
the process or to its group. What has its final name must then be whole; after SIGINT, SIGTERM
and SIGHUP the exit code must be the signal's, one line must say so, and no temporary file,
folder or process may be left. A signal that comes while Python itself starts, before our first
line runs, ends Python as any other program.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from mmnet_deploy.cli.supervisor import death
from mmnet_deploy.files.aside import owner_of
from mmnet_deploy.files.lock import LOCK
from mmnet_deploy.runs import pretrained
from mmnet_deploy.tflite.card import read_model
from tests.fuzz.outcome import Outcome
from tests.support import ROOT

CAMPAIGN = 200

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
MARK = "MMNET_KILLED_COMMAND"
_BEGUN_S = 0.5
_ENDS_S = 60.0

_QUICK = ("--min-duration", "0.2", "--min-runs", "5", "--rest", "0")

# `{in}` is the folder of inputs, `{out}` an empty one.
FAST = {
    "models": ("models", "--json"),
    "synth": ("dataset", "synth", "{out}/set", "--count", "40", "--size", "64"),
    "check": ("dataset", "check", "{in}/set"),
    "stats": ("dataset", "stats", "{in}/set"),
    "inspect": ("inspect", "{in}/a.tflite", "--layers"),
    "evaluate": ("evaluate", "{in}/a.tflite", "--data", "{in}/set", "-o", "{out}/results",
                 "--save", "{out}/mattes"),
    "predict": ("predict", "{in}/a.tflite", "{in}/set/test/image", "-o", "{out}/mattes"),
    "devices": ("devices",),
    "bench": ("bench", "{in}/a.tflite", "--device", "host", *_QUICK, "--repeats", "3",
              "-o", "{out}/results"),
    "plot": ("plot", "{in}/results", "-o", "{out}/chart.svg"),
    "report": ("report", "{in}/results", "-o", "{out}/report.html"),
    "compare": ("compare", "{in}/results", "{in}/results", "--json"),
    "list": ("results", "list", "{in}/results", "--json"),
    "export": ("results", "export", "{in}/results", "-o", "{out}/table.csv"),
    "doctor": ("doctor",),
}  # fmt: skip
SLOW = {
    "train": ("train", "mmnet-0.5-128", "--data", "{in}/set", "--out", "{out}/run", "--epochs",
              "2", "--steps-per-epoch", "2", "--batch-size", "2"),
    "convert": ("convert", "{in}/run", "--precision", "float32", "--precision", "int8",
                "--representative", "{in}/set", "-o", "{out}/models"),
    "emulated": ("bench", "{in}/a.tflite", "--device", "emulated", *_QUICK,
                 "-o", "{out}/results"),
    "demo": ("demo", "--pretrained", "--count", "12", "-o", "{out}/demo"),
}  # fmt: skip
"""Those that load TensorFlow or start an emulator."""


def campaign(cases: int, seed: int, names: Sequence[str] = (), made: Path | None = None) -> Outcome:
    """Kill commands in turn; when and how is drawn from the seed.

    Args:
        names: The commands; by default all.
        made: Folder of their inputs; by default they are made.
    """
    outcome = Outcome()
    commands = FAST | SLOW
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="killed-") as scratch:
        inputs = made or _make_inputs(Path(scratch, "in"))
        names = names or list(commands)
        whole: dict[str, float] = {}
        longest = 0.0, ""
        for number in range(cases):
            name = names[number % len(names)]
            if name not in whole:
                whole[name] = _Run(commands[name], inputs, Path(scratch, f"whole-{name}")).whole()
            run = _Run(commands[name], inputs, Path(scratch, f"{number}"))
            when, sent = rng.uniform(0.0, 1.05) * whole[name], rng.choice(SIGNALS)
            ending, faults = run.killed(when, sent, group=rng.random() < 0.5)
            about = f"seed {seed}, case {number}: {name}, {sent.name} after {when:.2f} s"
            if faults:
                outcome.failures.append(f"{about}: {'; '.join(faults)}")
            else:
                outcome.endings[ending] += 1
            longest = max(longest, (run.wound_up_s, name))
            shutil.rmtree(run.folder, ignore_errors=True)
    outcome.notes.append(f"at most {longest[0]:.1f} s from the signal to the end ({longest[1]})")
    return outcome


def _make_inputs(folder: Path) -> Path:
    """A data set, a model, a run and results, made by the program itself."""
    folder.mkdir()
    name = next(name for name in pretrained.names() if name.endswith("-128"))
    shutil.copytree(pretrained.run_folder(name), folder / "run")
    for words in (
        ("dataset", "synth", folder / "set", "--count", "12", "--size", "64"),
        (
            "convert",
            folder / "run",
            "--precision",
            "float32",
            "--representative",
            folder / "set",
            "-o",
            folder / "models",
        ),
    ):
        subprocess.run(_command(map(str, words)), env=_environment(folder), check=True,
                       capture_output=True)  # fmt: skip
    (model,) = (folder / "models").glob("*.tflite")
    model.rename(folder / "a.tflite")
    for words in (
        ("evaluate", folder / "a.tflite", "--data", folder / "set", "-o", folder / "results"),
        ("bench", folder / "a.tflite", "--device", "host", *_QUICK, "-o", folder / "results"),
    ):
        subprocess.run(_command(map(str, words)), env=_environment(folder), check=True,
                       capture_output=True)  # fmt: skip
    return folder


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "mmnet_deploy", *words]


def _environment(scratch: Path, mark: str = "") -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch), MARK: mark, "TF_CPP_MIN_LOG_LEVEL": "3",
        "XDG_CACHE_HOME": str(scratch / "cache"),
    }  # fmt: skip


class _Run:
    """One run of a command in folders of its own."""

    def __init__(self, words: tuple[str, ...], inputs: Path, folder: Path) -> None:
        self.folder = folder
        self.wound_up_s = 0.0
        self.out, self.scratch = folder / "out", folder / "tmp"
        for each in (self.out, self.scratch):
            each.mkdir(parents=True)
        self._mark = f"{os.getpid()}-{folder.name}"
        filled = [
            word.replace("{in}", str(inputs)).replace("{out}", str(self.out)) for word in words
        ]
        self.process = subprocess.Popen(
            _command(filled),
            env=_environment(self.scratch, self._mark),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(folder / "stderr").open("wb"),
            start_new_session=True,
        )

    def whole(self) -> float:
        """Let it end; the seconds that it took."""
        begin = time.monotonic()
        if self.process.wait(600):
            raise RuntimeError(f"{self.process.args} failed: {self._said()}")
        shutil.rmtree(self.folder)
        return time.monotonic() - begin

    def killed(self, when_s: float, sent: signal.Signals, *, group: bool) -> tuple[str, list[str]]:
        """Kill it; how it ended, and what is wrong with that."""
        begin = time.monotonic()
        try:
            self.process.wait(when_s)
        except subprocess.TimeoutExpired:
            (os.killpg if group else os.kill)(self.process.pid, sent)
        killed_s = time.monotonic() - begin
        try:
            code = self.process.wait(_ENDS_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return "hung", [f"did not end within {_ENDS_S:g} s"]
        self.wound_up_s = time.monotonic() - begin - killed_s
        faults = list(_broken(self.out))
        said = self._said()
        if code == 0:
            return "done before", faults + self._left()
        if sent == signal.SIGKILL:
            # Of the group both are killed, so nobody says anything.
            known = code == -sent or (code == 1 and death(sent, b"") in said)
            return "killed", faults + ([] if known else [f"exit code {code}: {said[-300:]}"])
        faults += self._left()
        # Python says so with a stack of its own imports.
        by_python = code == -sent or (code == 1 and said.rstrip().endswith("KeyboardInterrupt"))
        if by_python and killed_s < _BEGUN_S:
            return "before it began", faults
        if code != 128 + sent:
            faults.append(f"exit code {code}: {said[-300:]}")
        if said.count("Interrupted.") != 1 or "Traceback" in said:
            faults.append(f"said: {said[-600:]}")
        return "wound up", faults

    def _said(self) -> str:
        return (self.folder / "stderr").read_text("utf-8", "replace")

    def _left(self) -> list[str]:
        """Temporary files and processes that are left."""
        faults = [f"left {path}" for path in self.scratch.iterdir() if path.name != "cache"]
        faults += [
            f"left {path}"
            for path in (*self.out.rglob("*"), *self.scratch.rglob("cache/**/*"))
            if owner_of(path.name) or path.name == LOCK
        ]
        # What was killed together may need a moment to be gone.
        until = time.monotonic() + 5
        while (others := list(_processes(self._mark))) and time.monotonic() < until:
            time.sleep(0.05)
        for pid, name in others:
            faults.append(f"left the process {name}")
            os.kill(pid, signal.SIGKILL)
        return faults


def _processes(mark: str) -> Iterator[tuple[int, str]]:
    """Those that a run has started and that still live."""
    wanted = f"{MARK}={mark}\0".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if wanted in (entry / "environ").read_bytes() + b"\0":
                    yield int(entry.name), (entry / "cmdline").read_text("utf-8", "replace")
            except OSError:
                continue


def _broken(folder: Path) -> Iterator[str]:
    """Files with final names that are not whole."""
    for path in folder.rglob("*"):
        within = [part for part in path.relative_to(folder).parts if owner_of(part)]
        if within or not path.is_file() or path.name == LOCK:
            continue
        try:
            _read(path)
        except Exception as error:
            yield f"{path.name} is broken: {error!r}"


def _read(path: Path) -> None:
    match path.suffix:
        case ".json":
            json.loads(path.read_text("utf-8"))
        case ".csv":
            with path.open(newline="") as file:
                if len({len(row) for row in csv.reader(file)}) > 1:
                    raise ValueError("rows of several lengths")
        case ".tflite":
            read_model(path)
        case ".png" | ".jpg":
            if cv2.imread(str(path)) is None:
                raise ValueError("no picture")
        case ".keras" | ".npz":
            with zipfile.ZipFile(path) as archive:
                if archive.testzip():
                    raise ValueError("a damaged member")
        case ".svg" | ".html":
            if not path.read_text("utf-8").rstrip().endswith(f"</{path.suffix[1:]}>"):
                raise ValueError("no end")
