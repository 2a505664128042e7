"""Programs that run on the phone: their numbers, cores and folders in /proc, and their end.

A number (pid) belongs to a process from its start to its end, whatever program it becomes by
`exec`. A shell has one of its own; a subshell `( … )` shares it, as `$$` does.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import shutil
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from android_benchmark.emulator.device.files import DynamicFile, PhoneFiles
from android_benchmark.emulator.faults import Faults, KillProgram, RestrictCores

# What mksh prints when a signal ended a program; nothing for the others.
_WORDS = {
    signal.SIGABRT: "Aborted",
    signal.SIGBUS: "Bus error",
    signal.SIGFPE: "Floating point exception",
    signal.SIGILL: "Illegal instruction",
    signal.SIGKILL: "Killed",
    signal.SIGSEGV: "Segmentation fault",
    signal.SIGTERM: "Terminated",
}
_NUMBERS = frozenset(int(number) for number in signal.Signals)
_HARMLESS = frozenset({0, signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH})
_FIRST_PID = 4711
_FOLDER_ENTRIES = ("cmdline", "comm", "status")
_SHELL_USER = "\t".join(["2000"] * 4)


class DeathBySignalError(Exception):
    """Raised by a program's own code to end it with a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def words_for(number: int) -> str:
    """What the shell prints of a program that a signal ended."""
    return _WORDS.get(signal.Signals(number), "") if number in _NUMBERS else ""


@dataclasses.dataclass(eq=False)
class Process:
    """One running program.

    Attributes:
        arguments: Its name as it was called, and its arguments.
        affinity: The cores that it asked for, a bit each; `Processes.cores` says which it gets.
        signal: The signal that the emulator ended it with.
        deliver: Passes a signal to a program that runs outside of the emulator.
    """

    pid: int
    arguments: tuple[str, ...]
    affinity: int
    parent: Process | None
    signal: int | None = None
    deliver: Callable[[int], None] | None = None
    _task: asyncio.Task[int] | None = None

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.arguments[0].rpartition("/")[2]

    def kill(self, number: int) -> None:
        """Send it a signal, from the phone's own thread; the common ones end it."""
        if self._task is None or self._task.done() or number in _HARMLESS:
            return
        if self.deliver and number != signal.SIGKILL:
            self.deliver(number)
            return
        self.signal = number
        self._task.cancel()


Work = Callable[[Process], Coroutine[Any, Any, int]]


class Processes:
    """All running programs.

    Attributes:
        present: The cores of the chip, a bit each.
    """

    def __init__(self, faults: Faults, files: PhoneFiles, present: int) -> None:
        self.present = present
        self._faults = faults
        self._files = files
        self._pids = itertools.count(_FIRST_PID)
        self._running: dict[int, Process] = {}
        self._left: set[asyncio.Task[int]] = set()

    def __iter__(self) -> Iterator[Process]:
        return iter(list(self._running.values()))

    def named(self, name: str) -> list[Process]:
        """Running programs of that name."""
        return [process for process in self if process.name == name]

    def by_pid(self, pid: int) -> Process | None:
        """The program with that number, if it runs."""
        return self._running.get(pid)

    def allowed(self) -> int:
        """The cores that the phone lets programs use, a bit each."""
        restriction = self._faults.get(RestrictCores)
        return self.present & restriction.mask if restriction else self.present

    def cores(self, process: Process) -> int:
        """The cores that a program may run on, a bit each."""
        return process.affinity & self.allowed() or self.allowed()

    async def run(
        self, arguments: Sequence[str], work: Work, parent: Process | None = None
    ) -> tuple[int, int]:
        """Run a program to its end.

        When the caller is cancelled, the program ends as well; but a program whose parent
        was killed goes on, as on every Unix.

        Returns:
            Its exit code, and the number of the signal that ended it or 0.
        """
        affinity = parent.affinity if parent else self.present
        process = Process(next(self._pids), tuple(arguments), affinity, parent)
        self._running[process.pid] = process
        _add_folder(self._files, process, lambda: self.cores(process))
        process._task = task = asyncio.ensure_future(work(process))
        task.add_done_callback(lambda _: self._forget(process))
        self.obey_faults()
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            if parent is None or parent.signal is None:
                task.cancel()
                await asyncio.wait((task,))
            raise
        number = process.signal or 0
        if not task.cancelled():
            problem = task.exception()
            if problem is None:
                return task.result(), 0
            if not isinstance(problem, DeathBySignalError):
                raise problem
            number = problem.number
        return 128 + number, number

    def become(self, process: Process, arguments: Sequence[str]) -> None:
        """Note that a process runs another program from now on."""
        process.arguments = tuple(arguments)
        self.obey_faults()

    def obey_faults(self) -> None:
        """Arrange the death of the programs that a `KillProgram` names."""
        for fault in self._faults.all(KillProgram):
            for process in self.named(fault.program)[:1]:
                self._faults.clear(fault)
                asyncio.get_running_loop().call_later(fault.after_s, process.kill, fault.signal)

    def leave(self, work: asyncio.Task[int]) -> None:
        """Let the work of a shell go on although nobody waits for it any more."""
        self._left.add(work)
        work.add_done_callback(self._left.discard)
        work.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def end_all(self) -> None:
        """End all programs that still run, and wait until they have."""
        tasks = [*self._left, *(process._task for process in self if process._task)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _forget(self, process: Process) -> None:
        del self._running[process.pid]
        _remove_folder(self._files, process)
        task = process._task
        if task and not task.cancelled():
            task.exception()  # seen here, as nobody waits for the child of a killed shell


def _add_folder(files: PhoneFiles, process: Process, cores: Callable[[], int]) -> None:
    """Make the folder of a process in /proc; `cores` says where it may run, a bit each."""
    folder = f"/proc/{process.pid}"
    reads: tuple[DynamicFile, ...] = (
        lambda: "".join(f"{word}\0" for word in process.arguments),
        lambda: f"{process.name[:15]}\n",
        lambda: _status(process, cores()),
    )
    host = files.root / folder[1:]
    host.mkdir(parents=True, exist_ok=True)
    for name, read in zip(_FOLDER_ENTRIES, reads, strict=True):
        (host / name).touch()
        files.dynamic[f"{folder}/{name}"] = read


def _remove_folder(files: PhoneFiles, process: Process) -> None:
    """Remove it when the process has ended."""
    folder = f"/proc/{process.pid}"
    for name in _FOLDER_ENTRIES:
        files.dynamic.pop(f"{folder}/{name}", None)
    shutil.rmtree(files.root / folder[1:], ignore_errors=True)


def _status(process: Process, cores: int) -> str:
    indices = [index for index in range(cores.bit_length()) if cores >> index & 1]
    rows = {
        "Name": process.name[:15],
        "State": "S (sleeping)",
        "Tgid": process.pid,
        "Pid": process.pid,
        "PPid": process.parent.pid if process.parent else 1,
        "Uid": _SHELL_USER,
        "Gid": _SHELL_USER,
        "Threads": 1,
        "Cpus_allowed": f"{cores:x}",
        "Cpus_allowed_list": _ranges(indices),
    }
    return "".join(f"{name}:\t{value}\n" for name, value in rows.items())


def _ranges(indices: list[int]) -> str:
    """Numbers as the kernel lists them, such as `0-1,3`."""
    found: list[list[int]] = []
    for index in indices:
        if found and found[-1][1] == index - 1:
            found[-1][1] = index
        else:
            found.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in found)
