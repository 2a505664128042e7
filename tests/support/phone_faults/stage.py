"""The stage of the faults: a real adb server, an emulated phone, an engine and two models."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from android_benchmark import Settings
from android_benchmark.emulator import (
    EmulatedPhone,
    Reply,
    ScriptedEngine,
    private_adb_server,
)
from android_benchmark.engines import stand_in
from mmnet_deploy.benchmarking import sweep
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
        self.engine_folder: Path | None = None
        self.until_the_end = contextlib.ExitStack()
        self._threads: list[threading.Thread] = []

    def reply_to_second(self, reply: Reply) -> None:
        """Let the engine answer like this when it runs the second model, which runs last."""
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
        words = [
            "bench",
            *models,
            *self.options,
            *QUICK,
            "--engine-binary",
            str(self.engine_folder or engine),
        ]
        words += ["-o", str(self.folder / "results"), "--seed", self._seed(), *more]
        # Nothing of this computer's own adb, nor of its environment.
        hidden = {"ANDROID_SERIAL": None, "MMNET_BENCHMARK_MODEL": None}
        result = CliRunner().invoke(cli, words, env={**hidden, **self.environment})
        for thread in self._threads:
            thread.join(PATIENCE_S)
        return result

    def _seed(self) -> str:
        """A seed that leaves the models in their order."""
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


FILED: dict[str, Scenario] = {}


def scenario(
    title: str, says: str, *, exit_code: int, kept: int, changed: bool = False, **phone: object
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """File a function that brings a fault about."""

    def file(prepare: Callable[[Stage], None]) -> Callable[[Stage], None]:
        FILED[prepare.__name__] = Scenario(title, says, exit_code, kept, prepare, phone, changed)
        return prepare

    return file


@contextlib.contextmanager
def staged(name: str, folder: Path, models: tuple[Path, Path]) -> Iterator[Stage]:
    """The stage of a scenario, prepared."""
    with private_adb_server() as server:
        options = dict(FILED[name].phone)
        with EmulatedPhone(**options) as phone:  # type: ignore[arg-type]
            server.connect(phone.serial)
            stage = Stage(server, phone, folder, models)
            with stage.until_the_end:
                FILED[name].prepare(stage)
                yield stage


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)


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
