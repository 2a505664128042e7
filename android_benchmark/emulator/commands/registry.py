"""How a command is written: an asynchronous function of one `Call`, filed under its names."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from android_benchmark.emulator.device.device import Device
from android_benchmark.emulator.device.pipes import Io

if TYPE_CHECKING:
    from android_benchmark.emulator.device.processes import Process
    from android_benchmark.emulator.shell.interpreter import Shell


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

    device: Device
    shell: Shell
    process: Process
    arguments: list[str]
    io: Io
    environment: dict[str, str]

    def path(self, name: str) -> str:
        """An absolute path of the phone."""
        return self.shell.path(name, self.process)

    def shell_of(self, name: str, arguments: list[str]) -> Shell:
        """A new shell in this process, called `name`, with arguments."""
        shell = self.shell.child(self.io)
        shell.process, shell.owner = self.process, True
        shell.variables, shell.exported = dict(self.environment), set(self.environment)
        shell.name, shell.arguments, shell.status = name, list(arguments), 0
        return shell

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
