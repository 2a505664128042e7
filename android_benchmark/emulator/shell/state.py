"""What a shell knows: where it works, its variables, and how its last command ended."""

from __future__ import annotations

import abc
import os
import posixpath
from collections.abc import Iterable

from android_benchmark.emulator.device.device import EmulatedDevice
from android_benchmark.emulator.device.pipes import Io
from android_benchmark.emulator.device.processes import Process

NAME = "/system/bin/sh"
_ENVIRONMENT = {
    "HOME": "/",
    "PATH": "/sbin:/system/sbin:/system/bin:/system/xbin",
    "TMPDIR": "/data/local/tmp",
    "USER": "shell",
}


class ShellState(abc.ABC):
    """The state of one shell; what interprets commands builds on it.

    Attributes:
        device: The phone.
        io: Inputs and outputs of the commands that redirect none.
        process: The process that it runs in.
        folder: Its working folder.
        status: Exit code of the last command.
        exited: Whether it has been told to end.
        variables: Values by name.
        exported: Names of the variables that programs are given.
        name: `$0`.
        arguments: `$1` and those that follow.
    """

    def __init__(
        self,
        device: EmulatedDevice,
        io: Io,
        process: Process,
        *,
        name: str = NAME,
        arguments: Iterable[str] = (),
    ) -> None:
        self.device = device
        self.io = io
        self.process = process
        self.folder = "/"
        self.status = 0
        self.exited = False
        self.variables = dict(_ENVIRONMENT)
        self.exported = set(self.variables)
        self.name = name
        self.arguments = list(arguments)

    @abc.abstractmethod
    async def substitute(self, command: str) -> str:
        """What `$(command)` stands for."""

    def environment(self, values: dict[str, str]) -> dict[str, str]:
        """What a program is given: exported variables, and `values` of its own."""
        return {name: self.variables[name] for name in sorted(self.exported)} | values

    def lookup(self, name: str) -> str:
        """The value of a variable or of a special one such as `$?` and `$1`; "" if unset."""
        if name.isdecimal() and name != "0":
            return dict(enumerate(self.arguments, 1)).get(int(name), "")
        special = {
            "?": str(self.status),
            "$": str(self.process.pid),
            "#": str(len(self.arguments)),
            "0": self.name,
            "PWD": self.folder,
            "@": " ".join(self.arguments),
            "*": " ".join(self.arguments),
        }
        return special.get(name, self.variables.get(name, ""))

    def path(self, name: str, process: Process | None = None) -> str:
        """An absolute path of the phone; `/proc/self` is that of `process` or of the shell."""
        path = posixpath.join(self.folder, name)
        if path == "/proc/self" or path.startswith("/proc/self/"):
            return f"/proc/{(process or self.process).pid}{path[len('/proc/self') :]}"
        return path

    async def complain(self, text: str, io: Io | None = None) -> None:
        """Print a line to standard error, with the shell's name."""
        await (io or self.io).stderr.write(os.fsencode(f"{NAME}: {text}\n"))
