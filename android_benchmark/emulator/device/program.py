"""A program file as the phone starts it, and what can run one."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from android_benchmark.emulator.device.files import PhoneFiles
from android_benchmark.emulator.device.pipes import Io
from android_benchmark.emulator.device.processes import Process


@dataclasses.dataclass(frozen=True)
class Program:
    """What is to be run.

    Attributes:
        path: Absolute path on the phone.
        arguments: All of them, the name as it was called first.
        environment: Its variables.
        folder: The working folder on the phone.
    """

    path: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: str


class Runner(Protocol):
    """Runs programs of one kind."""

    async def run(self, program: Program, files: PhoneFiles, io: Io, process: Process) -> int:
        """Run a program to its end and return its exit code.

        Args:
            program: The program.
            files: The phone's files.
            io: Its inputs and outputs.
            process: The phone's process that it runs in, whose signals it gets.

        Raises:
            DeathBySignalError: A signal ended it.
        """
