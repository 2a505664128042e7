"""Runs command lines: variables, file names, redirections, pipes, and programs."""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import Iterable

from android_benchmark.emulator.device.device import Device
from android_benchmark.emulator.device.pipes import Io, Memory
from android_benchmark.emulator.device.processes import Process, words_for
from android_benchmark.emulator.programs import programs
from android_benchmark.emulator.shell import builtin, expansion
from android_benchmark.emulator.shell.redirections import redirected
from android_benchmark.emulator.shell.syntax import ShellSyntaxError, parse
from android_benchmark.emulator.shell.tree import (
    Command,
    For,
    Group,
    If,
    Pipeline,
    Redirected,
    Script,
    Simple,
    While,
)

NAME = "/system/bin/sh"
_MOST_NESTED = 20
_ENVIRONMENT = {
    "HOME": "/",
    "PATH": "/sbin:/system/sbin:/system/bin:/system/xbin",
    "TMPDIR": "/data/local/tmp",
    "USER": "shell",
}


async def run_shell(device: Device, io: Io, command: str | None) -> int:
    """Run a shell as adb's daemon starts it; without a command, it reads its input.

    Returns:
        Its exit code, or 128 and the number of the signal that ended it.
    """

    async def work(process: Process) -> int:
        shell = Shell(device, io, process)
        return await (shell.interact() if command is None else shell.run(command))

    words = [NAME] if command is None else [NAME, "-c", command]
    code, _ = await device.processes.run(words, work)
    return code


class Shell:
    """One shell: its process, variables and folder, its inputs and outputs.

    Attributes:
        exported: Names of the variables that programs are given.
        arguments: `$1` and those that follow.
        owner: Whether the process is its own, and not that of the shell it came from.
        loops: How many loops are being run.
    """

    def __init__(
        self,
        device: Device,
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
        self.owner = True
        self.loops = 0
        self.depth = 0

    async def run(self, text: str) -> int:
        """Run a command line; return its exit code."""
        try:
            if self.depth > _MOST_NESTED:
                raise ShellSyntaxError("nested too deeply")
            await self._script(parse(text))
        except ShellSyntaxError as error:
            await self.complain(str(error))
            self.status = 1
        return self.status

    async def interact(self) -> int:
        """Run the lines of standard input, one by one; return the last exit code."""
        while not self.exited:
            line = await builtin.read_line(self.io.stdin)
            if not line:
                break
            await self.run(os.fsdecode(line))
        return self.status

    def child(self, io: Io) -> Shell:
        """A subshell: it starts where this one is, and changes nothing here."""
        shell = Shell(self.device, io, self.process, name=self.name, arguments=self.arguments)
        shell.variables, shell.exported = dict(self.variables), set(self.exported)
        shell.folder, shell.status, shell.depth = self.folder, self.status, self.depth + 1
        shell.owner = False
        return shell

    async def _script(self, script: Script) -> None:
        for joint, pipeline in script:
            skipped = {"&&": self.status != 0, "||": self.status == 0}.get(joint, False)
            if self.exited:
                return
            if not skipped:
                await self._pipeline(pipeline)

    async def _pipeline(self, pipeline: Pipeline) -> None:
        *feeders, last = pipeline.commands
        if not feeders:
            await self._command(last)
        else:
            stdin = self.io.stdin
            # One after the other, each into memory: enough for what a harness asks.
            for command in feeders:
                passed = Memory()
                await self.child(Io(stdin, passed, self.io.stderr))._command(command)
                stdin = passed
            shell = self.child(Io(stdin, self.io.stdout, self.io.stderr))
            await shell._command(last)
            self.status = shell.status
        if pipeline.negated:
            self.status = int(self.status == 0)

    async def _command(self, command: Command) -> None:
        if isinstance(command, Simple):
            await self._simple(command)
        elif isinstance(command, Redirected):
            inner = command.command
            await redirected(self, command.redirections, lambda io: self._within(inner, io))
        elif isinstance(command, Group):
            shell = self.child(self.io) if command.subshell else self
            await shell._script(command.body)
            self.status = shell.status
        elif isinstance(command, If):
            await self._script(command.condition)
            chosen = command.body if self.status == 0 else command.otherwise
            self.status = 0
            await self._script(chosen)
        else:
            await self._loop(command)

    async def _within(self, command: Command, io: Io) -> None:
        own, self.io = self.io, io
        try:
            await self._command(command)
        finally:
            self.io = own

    async def _loop(self, command: For | While) -> None:
        self.loops += 1
        try:
            await (self._for(command) if isinstance(command, For) else self._while(command))
        finally:
            self.loops -= 1

    async def _for(self, command: For) -> None:
        values = await expansion.fields(self, command.words)
        self.status = 0
        for value in values:
            self.variables[command.name] = value
            if self.exited or not await self._round(command.body):
                break

    async def _while(self, command: While) -> None:
        result = 0
        while not self.exited:
            await asyncio.sleep(0)  # lets a signal reach a loop that never waits
            await self._script(command.condition)
            if self.exited or (self.status == 0) == command.until:
                break
            going_on = await self._round(command.body)
            result = self.status
            if not going_on:
                break
        if not self.exited:
            self.status = result

    async def _round(self, body: Script) -> bool:
        """Run a loop's body once; false if the loop ends with it."""
        try:
            await self._script(body)
        except builtin.LoopJump as jump:
            self.status = 0
            if jump.levels > 1 and self.loops > 1:
                raise builtin.LoopJump(jump.levels - 1, jump.leaves) from None
            return not jump.leaves
        return True

    async def _simple(self, command: Simple) -> None:
        words = await expansion.fields(self, command.words)
        values = {name: await expansion.text(self, word) for name, word in command.assignments}

        async def act(io: Io) -> None:
            if words:
                await self._execute(words, values, io)
            else:
                self.variables.update(values)
                self.status = 0

        await redirected(self, command.redirections, act, keep=words == ["exec"])

    async def _execute(self, words: list[str], values: dict[str, str], io: Io) -> None:
        special = builtin.BUILTINS.get(words[0])
        if special:
            self.status = await special(self, words[1:], io, values)
            return
        self.status, number = await programs.launch(self, words, self.environment(values), io)
        if words_for(number):
            await io.stderr.write(f"{words_for(number)} \n".encode())

    async def become(
        self,
        process: Process,
        words: list[str],
        environment: dict[str, str],
        io: Io,
        via: str = "",
    ) -> int:
        """As `programs.become`, with this shell."""
        return await programs.become(self, process, words, environment, io, via)

    def environment(self, values: dict[str, str]) -> dict[str, str]:
        """What a program is given: exported variables, and `values` of its own."""
        return {name: self.variables[name] for name in sorted(self.exported)} | values

    def lookup(self, name: str) -> str | None:
        """The value of a variable or of a special one such as `$?` and `$1`; None if unset."""
        if name.isdecimal() and name != "0":
            place = int(name) - 1
            return self.arguments[place] if place < len(self.arguments) else None
        special = {
            "?": str(self.status),
            "$": str(self.process.pid),
            "#": str(len(self.arguments)),
            "0": self.name,
            "@": " ".join(self.arguments),
            "*": " ".join(self.arguments),
        }
        return special.get(name, self.variables.get(name))

    def path(self, name: str, process: Process | None = None) -> str:
        """An absolute path of the phone; `/proc/self` is that of `process` or of the shell."""
        path = posixpath.join(self.folder, name)
        if path == "/proc/self" or path.startswith("/proc/self/"):
            return f"/proc/{(process or self.process).pid}{path[len('/proc/self') :]}"
        return path

    async def complain(self, text: str, io: Io | None = None) -> None:
        """Print a line to standard error, with the shell's name."""
        await (io or self.io).stderr.write(os.fsencode(f"{NAME}: {text}\n"))
