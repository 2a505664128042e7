"""Running a program on the emulated phone: pinned, bounded, and killed if it has to be."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from android_benchmark import errors
from android_benchmark.emulator import EmulatedPhone, Reply, ScriptedEngine
from android_benchmark.phone.adb import Adb, AdbDevice
from android_benchmark.phone.launcher import Launcher
from android_benchmark.phone.workspace import Workspace
from tests.support.emulated import needs_adb

pytestmark = needs_adb


@pytest.fixture
def launch(server, tmp_path):
    """Push an engine with the given replies; returns the phone, a launcher and its folder."""
    started = []

    def make(*replies, stop=None, **options):
        emulated = EmulatedPhone(**options).start()
        started.append(emulated)
        server.connect(emulated.serial)
        adb = Adb(environment=server.environment, stop=stop)
        device = AdbDevice(adb, emulated.serial)
        closing = AdbDevice(adb.unstoppable(), emulated.serial)
        workspace = Workspace(device)
        (tmp_path / "engine").write_bytes(ScriptedEngine(replies).to_bytes())
        folder = workspace.program({"engine": tmp_path / "engine"}, ("engine",))
        return emulated, Launcher(device, closing, workspace, "engine"), folder

    yield make
    for emulated in started:
        server.run("disconnect", emulated.serial)
        emulated.close()


def _runs(emulated):
    return any("engine" in str(process.arguments) for process in list(emulated.device.processes))


def _wait_until_it_runs(emulated):
    deadline_s = time.monotonic() + 20
    while not _runs(emulated):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_program_runs_on_the_cores_that_were_named(launch):
    """Its output, its exit code and its cores come back; the line on its cores is not in it."""
    _, launcher, folder = launch(Reply("out\n", "err\n", 3))
    launcher.prepare()
    completed, cores = launcher.run(["./engine"], folder, (1, 3), 20.0)
    assert (completed.stdout, completed.stderr, completed.returncode) == ("out\n", "err\n", 3)
    assert cores == (1, 3)


def test_a_program_has_its_variables_and_the_phone_has_not(launch):
    """Android's own programs must not load the libraries of an engine."""
    _, launcher, folder = launch(Reply())
    launcher.prepare()
    words = ["sh", "-c", 'echo "$LD_LIBRARY_PATH"']
    variables = {"LD_LIBRARY_PATH": f"{folder}/it's b"}
    completed, cores = launcher.run(words, folder, (1,), 20.0, variables)
    assert (completed.stdout, cores) == (f"{folder}/it's b\n", (1,))
    assert launcher.run(words, folder, (), 20.0)[0].stdout == "\n"


def test_without_taskset_a_program_runs_on_any_core(launch):
    """The cores that come back are those that the kernel let it use."""
    _, launcher, folder = launch(Reply("out\n"), missing=("taskset",))
    launcher.prepare()
    assert launcher.run(["./engine"], folder, (3,), 20.0)[1] == (0, 1, 2, 3)


def test_a_program_that_hangs_is_killed(launch):
    """The message says how to give it more time."""
    emulated, launcher, folder = launch(Reply(hang=True))
    launcher.prepare()
    with pytest.raises(errors.EngineHungError, match=r"within 1 s and was killed.*`--timeout`"):
        launcher.run(["./engine"], folder, (), 1.0)
    assert not _runs(emulated)


def test_a_program_is_killed_when_somebody_asks_to_stop(launch):
    """By an adb that is not stopped itself."""
    stop = threading.Event()
    emulated, launcher, folder = launch(Reply(hang=True), stop=stop)
    launcher.prepare()

    def when_running():
        _wait_until_it_runs(emulated)
        stop.set()

    threading.Thread(target=when_running, daemon=True).start()
    with pytest.raises(errors.StoppedError):
        launcher.run(["./engine"], folder, (), 60.0)
    assert not _runs(emulated)


def test_what_an_earlier_run_left_behind_is_killed(launch):
    """Preparing ends it, by the number that it noted on the phone."""
    emulated, launcher, folder = launch(Reply(hang=True))

    def run_and_be_killed():
        with contextlib.suppress(errors.HarnessError):
            launcher.run(["./engine"], folder, (), 60.0)

    earlier = threading.Thread(target=run_and_be_killed, daemon=True)
    earlier.start()
    _wait_until_it_runs(emulated)
    launcher.prepare()
    earlier.join(20)
    assert not earlier.is_alive() and not _runs(emulated)


@pytest.mark.parametrize(
    ("program", "kind", "words"),
    [
        ("./absent", errors.EngineFileError, "built for another processor"),
        ("./engine", errors.EngineCrashedError, "crashed on .*: SIGSEGV"),
    ],
)
def test_a_program_that_does_not_start_or_crashes_is_an_error(launch, program, kind, words):
    """Each says what to do."""
    _, launcher, folder = launch(Reply(signal=11))
    launcher.prepare()
    with pytest.raises(kind, match=words):
        launcher.run([program], folder, (), 20.0)
