"""Send signals to `bench` and `devices` at random moments; nothing may be left behind.

    python tools/signal_bench.py [-n N] [--seed S]

Each trial runs the real command and the real adb, on an emulated phone of this process, or on
one that `bench --device emulated` starts. SIGINT, SIGTERM or SIGHUP come at a random moment of
the run, some twice or thrice, some on a terminal that is closed, and some phones are unplugged
while their settings are put back. Afterwards the phone's settings, the engine on it, temporary
folders and processes are looked at. Prints a row for docs/robustness.md.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from android_benchmark.emulator import (  # noqa: E402
    AdbServer,
    EmulatedPhone,
    Reply,
    ScriptedEngine,
    private_adb_server,
)
from android_benchmark.engines import stand_in  # noqa: E402
from tests.support import scripts  # noqa: E402
from tests.support.emulated import AWAKE, awake_settings  # noqa: E402

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
KINDS = ("phone", "phone", "phone", "emulated", "emulated", "devices", "unplugged")
PATIENCE_S = 60.0


@dataclasses.dataclass(frozen=True)
class Trial:
    """What is done.

    Attributes:
        kind: `phone`, `emulated` or `devices`; `unplugged`: the phone is away when its settings
            are put back, for good.
        after_s: When the first signal comes; None: once the first model runs.
        again_s: When others follow the first.
        terminal: Whether standard error is a terminal, which closes with SIGHUP.
    """

    kind: str
    number: signal.Signals
    after_s: float | None
    again_s: tuple[float, ...] = ()
    terminal: bool = False


def random_trial(seed: str) -> Trial:
    """The trial of a seed; moments are spread over the whole run."""
    random_ = random.Random(seed)
    kind = random_.choice(KINDS)
    again: tuple[float, ...] = ()
    if random_.random() < 0.5:
        again = tuple(random_.choice([0.05, 0.3, 1.2]) for _ in range(random_.choice([1, 1, 3])))
        # The third wish ends the command at once, and says so: that is tried elsewhere.
        again = again[:1] if sum(pause > 1 for pause in again) > 1 else again
    return Trial(
        kind,
        random_.choice(NUMBERS),
        None if kind == "unplugged" else random_.uniform(0.2, 3.0),
        again,
        random_.random() < 0.3,
    )


class Bench:
    """An adb server, a folder for everything, and two small models."""

    def __init__(self, server: AdbServer, folder: Path, models: Sequence[Path]) -> None:
        self.server = server
        self.folder = folder
        self.models = models
        self.engine = folder / "engine"
        replies = [
            Reply(stand_in.HELP, exit_code=1, when="--help"),
            Reply(stand_in.run_output(stand_in.XNNPACK), delay_s=0.6),
        ]
        self.engine.write_bytes(ScriptedEngine(tuple(replies)).to_bytes())

    def run(self, trial: Trial, name: str) -> tuple[str, list[str]]:
        """Do a trial; how the command ended, and what is wrong."""
        scratch = self.folder / name
        (scratch / "tmp").mkdir(parents=True)
        with contextlib.ExitStack() as stack:
            phone = None
            if trial.kind != "emulated":
                phone = stack.enter_context(EmulatedPhone())
                self.server.connect(phone.serial)
                stack.callback(self.server.run, "disconnect", phone.serial)
            ended = _ended(trial, self._command(trial, phone, scratch), scratch, phone, self.server)
            wrong = [*_words(trial, *ended), *_left(trial, scratch, phone)]
        shutil.rmtree(scratch, ignore_errors=True)
        code = ended[0]
        return {0: "finished before", 1: "failed"}.get(code, f"exit {code}"), wrong

    def _command(self, trial: Trial, phone: EmulatedPhone | None, scratch: Path) -> list[str]:
        words = [sys.executable, "-m", "mmnet_deploy"]
        if trial.kind == "devices":
            return [*words, "devices"]
        words += ["bench", *map(str, self.models), "--preset", "quick", "--patience", "1"]
        words += ["--engine-binary", str(self.engine), "-o", str(scratch / "results")]
        return [*words, "--device", phone.serial if phone else "emulated"]


def _ended(
    trial: Trial, command: list[str], scratch: Path, phone: EmulatedPhone | None, server: AdbServer
) -> tuple[int, str]:
    """Run the command and send the signals; exit code and what it said."""
    environment = server.environment | {
        **{"TMPDIR": str(scratch / "tmp"), "PYTHONPATH": str(ROOT), "HOME": str(scratch)},
        **{"TF_CPP_MIN_LOG_LEVEL": "3", "ANDROID_USER_HOME": server.environment["HOME"]},
    }
    ours, theirs = pty.openpty() if trial.terminal else os.pipe()
    said: list[bytes] = []

    def listen() -> None:
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 4096):
                said.append(piece)

    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    if trial.after_s is None:
        _until(lambda: phone is not None and "--graph" in str(phone_arguments(phone)), process)
    else:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(trial.after_s)
    if trial.kind == "unplugged" and phone:
        phone.unplug()
    hang_up = trial.terminal and trial.number == signal.SIGHUP
    for pause_s in (0.0, *trial.again_s):
        time.sleep(pause_s)
        with contextlib.suppress(ProcessLookupError):
            # A terminal and batch systems send to the whole group.
            os.killpg(process.pid, trial.number)
    if hang_up:
        listener.join(0.2)
    try:
        code = process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    listener.join(5.0)
    os.close(ours)
    if trial.kind == "unplugged" and phone:
        phone.plug()
    return code, b"".join(said).decode(errors="replace").replace("\r\n", "\n")


def phone_arguments(phone: EmulatedPhone) -> list[tuple[str, ...]]:
    """What runs on a phone."""
    return [process.arguments for process in list(phone.device.processes)]


def _until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition() and process.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.02)


def _words(trial: Trial, code: int, said: str) -> Iterator[str]:
    """What is wrong with the exit code and the words."""
    if code not in (0, 128 + trial.number) and not (trial.kind == "unplugged" and code == 1):
        yield f"exit code {code}: {said[-300:]}"
    if code >= 128 and "Interrupted." not in said:
        yield f"it does not say that it was interrupted: {said[-300:]}"
    if "Traceback" in said or "Exception ignored" in said:
        yield f"a traceback: {said[-1500:]}"
    if trial.kind == "unplugged" and "bench --clean --device" not in said:
        yield f"it does not say how to put back what is left: {said[-500:]}"


def _left(trial: Trial, scratch: Path, phone: EmulatedPhone | None) -> Iterator[str]:
    """What is left behind."""
    for path in (scratch / "tmp").iterdir():
        yield f"left in the folder for temporary files: {path.name}"
    for words in _processes(scratch / "tmp"):
        yield f"left running: {words}"
    if phone and trial.kind != "unplugged":
        if awake_settings(phone) != AWAKE:
            yield f"left changed on the phone: {awake_settings(phone)}"
        _settle(phone)
        if any("--graph" in str(words) for words in phone_arguments(phone)):
            yield "the engine still runs on the phone"
    for path in (scratch / "results").glob("*"):
        if path.name.startswith(".") or path.suffix not in (".json", ".svg", ".png"):
            yield f"half-written: {path.name}"


def _settle(phone: EmulatedPhone) -> None:
    """Let the phone notice that the host has hung up."""
    deadline_s = time.monotonic() + 2.0
    while time.monotonic() < deadline_s and phone_arguments(phone):
        time.sleep(0.02)


def _processes(folder: Path) -> list[str]:
    """Processes that were told to put temporary files into a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(words.strip())
    return [words for words in found if words]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-n", type=int, default=100, help="Number of trials.")
    parser.add_argument("--seed", type=int, default=1, help="Seed of the moments.")
    options = parser.parse_args()
    # A shell's background jobs and `nohup` ignore some, and what is started here would too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    endings: collections.Counter[str] = collections.Counter()
    failed, begin = 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder, private_adb_server() as server:
        bench = Bench(
            server, Path(folder), scripts.load("tools/fault_table.py").two_models(Path(folder))
        )
        for number in range(options.n):
            trial = random_trial(f"{options.seed}:{number}")
            ending, wrong = bench.run(trial, str(number))
            endings[ending] += 1
            failed += bool(wrong)
            for line in wrong:
                print(f"{options.seed}:{number} {trial}: {line}", file=sys.stderr, flush=True)
    told = ", ".join(f"{count} {ending}" for ending, count in endings.most_common())
    seconds = time.monotonic() - begin
    print("| tried | runs | held | how they ended | seconds |\n|---|---|---|---|---|")
    print(
        f"| SIGINT, SIGTERM and SIGHUP at random moments of `bench` and `devices` | {options.n} "
        f"| {options.n - failed} | {told} | {seconds:.0f} |"
    )
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
