"""Everything that can go wrong between `bench` and a phone, as scenarios.

Each has a real adb server, an emulated phone, and two models. The tests check what the user
sees and what was kept; `tools/fault_table.py` prints the same as the table in docs/guide/bench.md.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from unittest import mock

from click.testing import CliRunner, Result

from android_benchmark.emulator import (
    DiskFull,
    DropConnection,
    EmulatedPhone,
    Greeting,
    KeepSettings,
    LinkerWarning,
    NoExecution,
    Offline,
    Reply,
    ScriptedEngine,
    Throttle,
    private_adb_server,
)
from android_benchmark.engines import stand_in
from android_benchmark.phone import Adb
from android_benchmark.phone.adb import AdbDevice
from android_benchmark.phone.awake import Awake
from mmnet_deploy.cli import cli
from tests.support.emulated import AWAKE, awake_settings

PATIENCE_S = 20.0
GOOD = stand_in.run_output(stand_in.XNNPACK)
HELP = Reply(stand_in.HELP, exit_code=1, when="--help")
QUICK = ("--preset", "quick")


class Stage:
    """A phone, an adb server, an engine and two models; a scenario changes what it wants."""

    def __init__(self, server, phone, folder: Path, models: tuple[Path, Path]) -> None:
        self.server = server
        self.phone = phone
        self.folder = folder
        self.models = models
        self.environment = dict(server.environment)
        self.options: list[str] = ["--device", phone.serial]
        self.replies: list[Reply] = [HELP, Reply(GOOD)]
        self.engine: bytes | None = None
        self.until_the_end = contextlib.ExitStack()
        self._threads: list[threading.Thread] = []

    def reply_to_second(self, reply: Reply) -> None:
        """Let the engine answer like this when it runs the second model, which runs last."""
        import hashlib

        name = hashlib.sha256(self.models[1].read_bytes()).hexdigest()[:32]
        self.replies.insert(1, dataclasses.replace(reply, when=name))

    def while_running(self, act: Callable[[], object]) -> None:
        """Do something once the engine runs a model."""

        def wait() -> None:
            deadline_s = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline_s:
                with contextlib.suppress(Exception):
                    if any("--graph" in " ".join(p.arguments) for p in self._processes()):
                        break
                time.sleep(0.01)
            act()

        self._start(wait)

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something some time from now."""
        self._start(lambda: (time.sleep(seconds), act()))

    def _processes(self):
        return list(self.phone.device.processes)

    def _start(self, act: Callable[[], object]) -> None:
        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        self._threads.append(thread)

    def run(self, *more: str) -> Result:
        """`bench` with the two models, in their order."""
        engine = self.folder / "engine"
        engine.write_bytes(self.engine or ScriptedEngine(tuple(self.replies)).to_bytes())
        models = [str(path) for path in self.models]
        words = ["bench", *models, *self.options, *QUICK, "--engine-binary", str(engine)]
        words += ["-o", str(self.folder / "results"), "--seed", self._seed(), *more]
        # Nothing of this computer's own adb, nor of its environment.
        hidden = {"ANDROID_SERIAL": None, "MMNET_BENCHMARK_MODEL": None}
        result = CliRunner().invoke(cli, words, env={**hidden, **self.environment})
        for thread in self._threads:
            thread.join(PATIENCE_S)
        return result

    def _seed(self) -> str:
        """A seed that leaves the models in their order."""
        from android_benchmark import Settings
        from mmnet_deploy.bench import sweep

        return next(
            str(seed)
            for seed in range(100)
            if [j.model for j in sweep.plan(self.models, [Settings()], seed=seed)]
            == list(self.models)
        )

    @property
    def kept(self) -> int:
        """Number of results that were stored."""
        return len(list((self.folder / "results").glob("benchmark-*.json")))


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One fault.

    Attributes:
        title: What happens.
        says: What the user sees, as a regular expression.
        exit_code: Of `bench`.
        kept: How many of the two results are there afterwards.
        prepare: Brings the fault about.
        phone: Options of the emulated phone.
        changed: Whether the phone stays changed, as the user is told.
    """

    title: str
    says: str
    exit_code: int
    kept: int
    prepare: Callable[[Stage], None]
    phone: Mapping[str, object]
    changed: bool = False


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    title: str, says: str, *, exit_code: int, kept: int, changed: bool = False, **phone: object
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """File a function that brings a fault about."""

    def file(prepare: Callable[[Stage], None]) -> Callable[[Stage], None]:
        SCENARIOS[prepare.__name__] = Scenario(
            title, says, exit_code, kept, prepare, phone, changed
        )
        return prepare

    return file


@contextlib.contextmanager
def staged(name: str, folder: Path, models: tuple[Path, Path]) -> Iterator[Stage]:
    """The stage of a scenario, prepared."""
    with private_adb_server() as server:
        options = dict(SCENARIOS[name].phone)
        with EmulatedPhone(**options) as phone:  # type: ignore[arg-type]
            server.connect(phone.serial)
            stage = Stage(server, phone, folder, models)
            with stage.until_the_end:
                SCENARIOS[name].prepare(stage)
                yield stage


# --- Before the phone ----------------------------------------------------------


@scenario(
    "There is no adb", "no adb program. Install Android's platform tools", exit_code=1, kept=0
)
def no_adb(stage: Stage) -> None:
    stage.environment["PATH"] = str(stage.folder)


@scenario(
    "An adb server of another version that cannot be replaced",
    "stop other adb servers",
    exit_code=1,
    kept=0,
)
def other_server(stage: Stage) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stage.environment["ANDROID_ADB_SERVER_PORT"] = str(listener.getsockname()[1])

    def serve() -> None:
        for _ in range(40):
            connection, _ = listener.accept()
            with connection:
                request = connection.recv(64)
                if b"version" in request:
                    connection.sendall(b"OKAY00040001")

    threading.Thread(target=serve, daemon=True).start()


@scenario("No such serial", r"no phone R58M\. Connected: 127\.0\.0\.1", exit_code=2, kept=0)
def no_such_serial(stage: Stage) -> None:
    stage.options = ["--device", "R58M"]


@scenario(
    "Several phones, none chosen", "which phone, since there are several", exit_code=2, kept=0
)
def several(stage: Stage) -> None:
    second = stage.until_the_end.enter_context(EmulatedPhone())
    stage.server.connect(second.serial)
    stage.options = []


@scenario("No phone at all", "No phone is connected", exit_code=2, kept=0)
def none_connected(stage: Stage) -> None:
    stage.server.run("disconnect", stage.phone.serial)
    stage.options = []


@scenario("Not authorized", "unlock the phone and accept", exit_code=1, kept=0, keys=())
def unauthorized(stage: Stage) -> None:
    _wait(lambda: stage.server.states().get(stage.phone.serial) == "unauthorized")


@scenario("Offline", "offline: plug it in again", exit_code=1, kept=0)
def offline(stage: Stage) -> None:
    stage.phone.inject(Offline())
    _wait(lambda: stage.server.states().get(stage.phone.serial) == "offline")


def _wait(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)


# --- The cable -----------------------------------------------------------------


@scenario("Unplugged during a push, back again", "Trying again", exit_code=0, kept=2)
def unplugged_in_push(stage: Stage) -> None:
    stage.phone.inject(DropConnection(after_bytes=stage.models[0].stat().st_size // 2))


@scenario("Unplugged during a run, back again", "Trying again", exit_code=0, kept=2)
def unplugged_in_run(stage: Stage) -> None:
    stage.replies = [HELP, Reply(GOOD, delay_s=1.0)]

    def pull_the_cable() -> None:
        stage.phone.unplug()
        time.sleep(0.5)
        stage.phone.plug()

    stage.while_running(pull_the_cable)


@scenario(
    "Unplugged during the second run, for good",
    "Failed on 127",
    exit_code=1,
    kept=1,
    changed=True,
)
def unplugged_for_good(stage: Stage) -> None:
    stage.options += ["--patience", "1"]
    stage.reply_to_second(Reply(hang=True))
    results = stage.folder / "results"

    def wait_for_the_first() -> None:
        _wait(lambda: any(results.glob("benchmark-*.json")))
        time.sleep(0.3)
        stage.phone.unplug()

    stage.later(0, wait_for_the_first)


@scenario("The adb server is killed during a run", "Trying again", exit_code=0, kept=2)
def server_killed(stage: Stage) -> None:
    stage.replies = [HELP, Reply(GOOD, delay_s=1.0)]
    stage.while_running(lambda: stage.server.run("kill-server"))


# --- The phone says no -----------------------------------------------------------


@scenario("No space left", "No space is left|No space left", exit_code=1, kept=0)
def disk_full(stage: Stage) -> None:
    stage.phone.inject(DiskFull(free_bytes=stage.models[0].stat().st_size // 2))


@scenario("/data/local/tmp cannot be written", "may not write", exit_code=1, kept=0)
def not_writable(stage: Stage) -> None:
    folder = stage.phone.root / "data/local/tmp"
    shutil.rmtree(folder)
    folder.symlink_to("/system")  # which is read-only


@scenario("/data/local/tmp is mounted noexec", "runs no programs", exit_code=1, kept=0)
def no_execution(stage: Stage) -> None:
    stage.phone.inject(NoExecution())


@scenario("An engine for another processor", "built for x86_64, and the phone", exit_code=1, kept=0)
def wrong_abi(stage: Stage) -> None:
    stage.engine = b"\x7fELF\x02\x01\x01" + bytes(11) + (62).to_bytes(2, "little") + bytes(44)


# --- The engine ------------------------------------------------------------------


@scenario("The engine crashes", "crashed on .*SIGSEGV", exit_code=1, kept=1)
def crash(stage: Stage) -> None:
    stage.reply_to_second(Reply(signal=signal.SIGSEGV))


@scenario("The engine hangs", "did not end within 2 s and was killed", exit_code=1, kept=1)
def hang(stage: Stage) -> None:
    stage.options += ["--timeout", "2"]
    stage.reply_to_second(Reply(hang=True))


@scenario("Out of memory", "killed .* when memory runs out", exit_code=1, kept=1)
def out_of_memory(stage: Stage) -> None:
    stage.reply_to_second(Reply(signal=signal.SIGKILL))


@scenario("The delegate fails", "Failed to apply GPU delegate", exit_code=1, kept=1)
def delegate_missing(stage: Stage) -> None:
    stage.reply_to_second(
        Reply(
            "STARTING!\n", "ERROR: Failed to apply GPU delegate.\nERROR: Benchmarking failed.\n", 1
        )
    )


@scenario("The delegate is skipped silently", "fell back", exit_code=0, kept=2)
def silent_fallback(stage: Stage) -> None:
    stage.options += ["--delegate", "gpu"]
    stage.replies = [HELP, Reply(stand_in.run_output(stand_in.MISSING["use_gpu"]))]


@scenario("The model is refused", "unresolved custom op: Foo", exit_code=1, kept=1)
def model_refused(stage: Stage) -> None:
    stage.reply_to_second(
        Reply(
            "STARTING!\n",
            "ERROR: Encountered unresolved custom op: Foo.\nERROR: Benchmarking failed.\n",
            1,
        )
    )


@scenario("The output is cut short", "cut short: it lacks", exit_code=1, kept=1)
def cut_short(stage: Stage) -> None:
    stage.options += ["--patience", "1"]
    stage.reply_to_second(Reply(GOOD[: GOOD.index("INFO: count=50")]))


@scenario("The phone throttles", "throttled", exit_code=0, kept=2)
def throttles(stage: Stage) -> None:
    stage.phone.inject(Throttle(temperature_c=70.0, frequency_share=0.5))


# --- What a phone and its shell say -------------------------------------------------


@scenario(
    "The shell greets, and every program is warned of by the linker (Android 6)",
    "Results are in",
    exit_code=0,
    kept=2,
    sdk=23,
)
def chatty(stage: Stage) -> None:
    stage.phone.inject(Greeting("Welcome\n0-7\n", "Bye\n"), LinkerWarning())


@scenario("A serial with blanks, in ANDROID_SERIAL", "Results are in", exit_code=0, kept=2)
def serial_with_blanks(stage: Stage) -> None:
    # adb names phones so that it finds by mDNS a second time; here a script stands before it.
    alias = "adb-R5CT (2)._adb-tls-connect._tcp"
    script = stage.folder / "bin" / "adb"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/sh\nleft=$#\nwhile [ $left -gt 0 ]; do\n"
        f'word=$1; shift; [ "$word" = "{alias}" ] && word={stage.phone.serial}\n'
        'set -- "$@" "$word"; left=$((left - 1))\ndone\nunset ANDROID_SERIAL\n'
        f'[ "$1" = devices ] || exec {stage.server.adb} "$@"\n'
        f'{stage.server.adb} "$@" | sed "s/{stage.phone.serial}/{alias}/"\n'
    )
    script.chmod(0o755)
    stage.environment["PATH"] = f"{script.parent}:{stage.environment['PATH']}"
    stage.environment["ANDROID_SERIAL"] = alias
    stage.options = []


# --- Names and files on this computer -----------------------------------------------


@scenario("Models with names of 240 bytes", "Results are in", exit_code=0, kept=2)
def long_names(stage: Stage) -> None:
    names = (f"{kind * 233}.tflite" for kind in "ab")
    copies = [
        Path(shutil.copy(model, stage.folder / name))
        for model, name in zip(stage.models, names, strict=True)
    ]
    stage.models = (copies[0], copies[1])


@scenario(
    "`--resume` among JSON files of other programs",
    "Skipped .*package.json",
    exit_code=0,
    kept=2,
)
def foreign_json(stage: Stage) -> None:
    results = stage.folder / "results"
    results.mkdir()
    for name, text in {"package": '{"name": "x"}', "list": "[1]", "empty": "", "cut": "{"}.items():
        (results / f"{name}.json").write_text(text)
    stage.options += ["--resume"]


# --- Putting back ---------------------------------------------------------------------


def _when_put_back(stage: Stage, act: Callable[[], object]) -> None:
    """Do something the moment that `bench` begins to put the phone back."""
    restore, done = Awake.restore, threading.Event()

    def wrapped(awake: Awake) -> bool:
        if stage.kept == 2 and not done.is_set():
            done.set()
            act()
        return restore(awake)

    stage.until_the_end.enter_context(mock.patch.object(Awake, "restore", wrapped))


@scenario(
    "Unplugged while its settings are put back, back again", "Trying again", exit_code=0, kept=2
)
def unplugged_in_put_back(stage: Stage) -> None:
    def pull_the_cable() -> None:
        stage.phone.unplug()
        stage.later(0.5, stage.phone.plug)

    _when_put_back(stage, pull_the_cable)


@scenario(
    "Unplugged while its settings are put back, for good",
    "Failed on .*still changed.*bench --clean --device 127",
    exit_code=1,
    kept=2,
    changed=True,
)
def unplugged_in_put_back_for_good(stage: Stage) -> None:
    stage.options += ["--patience", "1"]
    _when_put_back(stage, stage.phone.unplug)


@scenario(
    "The phone does not take its settings back",
    "Failed on .*keeps settings.*adb -s 127.*shell",
    exit_code=1,
    kept=2,
    changed=True,
)
def settings_kept(stage: Stage) -> None:
    _when_put_back(stage, lambda: stage.phone.inject(KeepSettings()))


@scenario(
    "A session was killed before it put things back; `--resume` finds nothing left to measure",
    "put back what a lost session had changed",
    exit_code=0,
    kept=2,
)
def lost_session(stage: Stage) -> None:
    assert stage.run().exit_code == 0
    device = AdbDevice(Adb(environment=stage.environment), stage.phone.serial)
    Awake(device, "/data/local/tmp/mmnet-deploy/changed").keep()
    assert left_changed(stage)
    stage.options += ["--resume"]


# --- What is left behind ----------------------------------------------------------


def left_changed(stage: Stage) -> list[str]:
    """What is not as it was on the phone."""
    left = [
        f"{space} {key} = {value}"
        for (space, key), value in awake_settings(stage.phone).items()
        if value != AWAKE[space, key]
    ]
    return left + [
        f"running: {p.name}" for p in stage._processes() if "--graph" in str(p.arguments)
    ]


def seen(result: Result) -> str:
    """All that the user sees, in one line."""
    return re.sub(r"\s+", " ", result.output)
