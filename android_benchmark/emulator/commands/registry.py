"""How a command is written: an asynchronous function of one `Call`, filed under its names."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from android_benchmark.emulator.device.device import EmulatedDevice
from android_benchmark.emulator.device.pipes import Io
from android_benchmark.emulator.device.processes import Process


class Shell(Protocol):
    """A shell, as the programs that it starts see it.

    Attributes:
        device: The phone.
        process: The process that it runs in.
        folder: Its working folder, which its programs start in.
    """

    device: EmulatedDevice
    process: Process
    folder: str

    def path(self, name: str, process: Process | None = None) -> str:
        """An absolute path of the phone; `/proc/self` is that of `process` or of the shell."""

    def another(
        self,
        process: Process,
        io: Io,
        environment: dict[str, str],
        name: str,
        arguments: Iterable[str] = (),
    ) -> Shell:
        """A new shell in a process, which starts in the folder of this one."""

    async def run(self, text: str) -> int:
        """Run a command line; return its exit code."""

    async def interact(self) -> int:
        """Run the lines of standard input, one by one; return the last exit code."""

    async def become(
        self, process: Process, words: list[str], environment: dict[str, str], io: Io, via: str = ""
    ) -> int:
        """Run a program in the place of `process`; return its exit code.

        Args:
            process: What runs the program from now on.
            words: Its name and arguments.
            environment: Its variables.
            io: Its inputs and outputs.
            via: The command that starts it, such as `taskset`, if not the shell does.

        Raises:
            DeathBySignalError: A signal ended it.
        """

    async def complain(self, text: str, io: Io | None = None) -> None:
        """Print a line to standard error, with the shell's name."""


@dataclasses.dataclass(frozen=True)
class Call:
    """One run of a command.

    Attributes:
        device: The phone.
        shell: The shell that started it, and whose folder it works in.
        process: The process that it runs in.
        arguments: All but the command's name.
        io: Where it reads and writes.
        environment: Its variables.
    """

    device: EmulatedDevice
    shell: Shell
    process: Process
    arguments: list[str]
    io: Io
    environment: dict[str, str]

    def path(self, name: str) -> str:
        """An absolute path of the phone."""
        return self.shell.path(name, self.process)

    def shell_of(self, name: str, arguments: Iterable[str] = ()) -> Shell:
        """A new shell in this process, called `name`, with arguments."""
        return self.shell.another(self.process, self.io, self.environment, name, arguments)

    async def out(self, text: str) -> None:
        """Print a line or lines; the last newline is added."""
        await self.io.stdout.write(os.fsencode(text + "\n"))

    async def err(self, text: str) -> None:
        """Print a line to standard error."""
        await self.io.stderr.write(os.fsencode(text + "\n"))

    def split_options(self, known: str = "") -> tuple[set[str], list[str]]:
        """Single-letter options, and the other arguments in order.

        Raises:
            UsageError: An option is not among the letters of `known`.
        """
        options: set[str] = set()
        others: list[str] = []
        for place, argument in enumerate(self.arguments):
            if argument == "--":
                others += self.arguments[place + 1 :]
                break
            if argument.startswith("-") and len(argument) > 1:
                unknown = set(argument[1:]) - set(known)
                if unknown:
                    raise UsageError(f"Unknown option {sorted(unknown)[0]}")
                options |= set(argument[1:])
            else:
                others.append(argument)
        return options, others


class UsageError(Exception):
    """A command was called with arguments that it does not know."""


CommandFunction = Callable[[Call], Awaitable[int]]
COMMANDS: dict[str, CommandFunction] = {}


def command(*names: str) -> Callable[[CommandFunction], CommandFunction]:
    """File a function under its names."""

    def file(function: CommandFunction) -> CommandFunction:
        for name in names:
            COMMANDS[name] = function
        return function

    return file
