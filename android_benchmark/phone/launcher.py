"""Running a program on a phone: pinned to cores, bounded in time, and killed if it has to be."""

from __future__ import annotations

import contextlib
import re
import shlex
import signal
from collections.abc import Mapping, Sequence

from android_benchmark import errors
from android_benchmark.phone.adb import AdbDevice, Completed
from android_benchmark.phone.cores import mask
from android_benchmark.phone.workspace import Workspace

_PID = "run.pid"
_MARK = "@mmnet:program"


class Launcher:
    """Runs one program at a time on a phone.

    Args:
        device: The phone.
        closing: The same phone by an adb that nothing stops, which kills programs.
        workspace: Where the number of the running process is noted.
        name: The program's name, for messages.
    """

    def __init__(
        self, device: AdbDevice, closing: AdbDevice, workspace: Workspace, name: str
    ) -> None:
        self._device = device
        self._closing = closing
        self._workspace = workspace
        self._name = name
        self._pins = False

    def prepare(self) -> None:
        """Kill what an earlier run left behind, and find out whether the phone can pin programs.

        Raises:
            TransientError, DeviceNotReadyError: The phone is not there.
        """
        self._kill(self._device)
        self._pins = self._device.shell("taskset 1 true 2>&1").returncode == 0

    def run(
        self,
        command: Sequence[str],
        folder: str,
        pinned: tuple[int, ...],
        timeout_s: float,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[Completed, tuple[int, ...] | None]:
        """Run a program; returns what it did, and the cores that the kernel let it use.

        The program replaces a shell that has noted its number, so that it can be killed, and
        has printed the cores that it may use, so that a mask which the system cut is seen.

        Args:
            command: The program and its arguments.
            folder: The working directory on the phone.
            pinned: Cores to pin it to; none pins it to no core, nor does a phone that cannot.
            timeout_s: It is killed after so long.
            environment: Variables for the program alone: Android's own programs, such as the
                shell and `taskset`, must not load its libraries.

        Returns:
            The cores are None where the phone does not tell.

        Raises:
            EngineHungError: It did not end in time.
            EngineError, RemoteError: It did not start, or a signal ended it.
            TransientError: The connection broke.
            StoppedError: Somebody asked to stop; it is killed.
        """
        exports = "".join(
            f"export {name}={shlex.quote(value)}; " for name, value in (environment or {}).items()
        )
        note = (
            'echo $$ > "$0"; grep Cpus_allowed: /proc/self/status; '
            f'{exports}echo {_MARK}; exec "$@"'
        )
        words = ["sh", "-c", note, f"{self._workspace.folder}/{_PID}", *command]
        if pinned and self._pins:
            words = ["taskset", mask(pinned), *words]
        line = " ".join(map(shlex.quote, words))
        try:
            done = self._device.shell(f"cd {shlex.quote(folder)} && {line}", timeout_s=timeout_s)
        except errors.TimedOutError:
            self.kill()
            raise errors.EngineHungError(
                f"{self._name} did not end within {timeout_s:.0f} s and was killed: it hangs, or "
                "needs more time, which `--timeout` gives."
            ) from None
        except errors.StoppedError:
            with contextlib.suppress(errors.HarnessError):
                self.kill()
            raise
        # Whatever the phone prints while it starts the shell stands before the mark too.
        head, mark, rest = done.stdout.partition(f"{_MARK}\n")
        match = re.search(r"^Cpus_allowed:\s*([0-9a-fA-F,]+)\s*$", head, re.MULTILINE)
        completed = Completed(rest if mark else done.stdout, done.stderr, done.returncode)
        _require_start(completed, self._name, self._device.serial, self._workspace.folder)
        if not mark or not match:
            return completed, None
        allowed = int(match[1].replace(",", ""), 16)
        return completed, tuple(core for core in range(allowed.bit_length()) if allowed >> core & 1)

    def kill(self) -> None:
        """Kill a program that a lost connection or an impatient person left running.

        Raises:
            TransientError, DeviceNotReadyError: The phone is not there.
        """
        self._kill(self._closing)

    def _kill(self, device: AdbDevice) -> None:
        pid = self._workspace.quoted(_PID)
        device.shell(
            f"if [ -r {pid} ]; then kill -9 $(cat {pid}) 2>/dev/null; rm -f {pid}; fi; true"
        )


def _require_start(completed: Completed, name: str, serial: str, folder: str) -> None:
    """Make sure that the program started, and that no signal ended it.

    Raises:
        RemoteError, EngineError: It did not, or one did.
    """
    code = completed.returncode
    said = (completed.stderr or completed.stdout).strip().splitlines()
    last = said[-1].strip()[:200].rstrip(".") if said else "it says nothing"
    if code in (126, 127):
        if re.search(r"not executable|Exec format|no such file|not found", last, re.IGNORECASE):
            raise errors.EngineFileError(
                f"{name} does not start on {serial}: it may be built for another processor, or its "
                f"loader may be missing ({last})."
            )
        raise errors.NotExecutableError(
            f"The phone {serial} runs no programs from {folder}, which may be mounted noexec: "
            f"{last}."
        )
    if code in (128 + signal.SIGKILL, -signal.SIGKILL):
        raise errors.OutOfMemoryError(
            f"The phone {serial} killed {name}, as it does when memory runs out: close other "
            "apps, or take a smaller model."
        )
    if code > 128 and code - 128 in set(signal.Signals):
        raise errors.EngineCrashedError(
            f"{name} crashed on {serial}: {signal.Signals(code - 128).name}, {last}. Try another "
            "delegate, or another build of the engine."
        )
