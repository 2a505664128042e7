"""Runs command lines: their pipes, groups, conditions and programs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from android_benchmark.emulator.device.device import EmulatedDevice
from android_benchmark.emulator.device.pipes import Io, Memory, Source
from android_benchmark.emulator.device.processes import Process, words_for
from android_benchmark.emulator.faults import Greeting
from android_benchmark.emulator.programs import programs
from android_benchmark.emulator.shell import expansion
from android_benchmark.emulator.shell.builtin import BUILTINS
from android_benchmark.emulator.shell.redirections import redirected
from android_benchmark.emulator.shell.state import NAME, ShellState
from android_benchmark.emulator.shell.syntax import ShellSyntaxError, parse
from android_benchmark.emulator.shell.tree import (
    Command,
    Group,
    If,
    Pipeline,
    Redirected,
    Script,
    Simple,
)

_MOST_NESTED = 20


async def run_shell(device: EmulatedDevice, io: Io, command: str | None) -> int:
    """Run a shell as adb's daemon starts it; without a command, it reads its input.

    Returns:
        Its exit code, or 128 and the number of the signal that ended it.
    """

    async def work(process: Process) -> int:
        shell = Shell(device, io, process)
        for greeting in device.faults.all(Greeting):
            await io.stdout.write(greeting.before.encode())
        code = await (shell.interact() if command is None else shell.run(command))
        for greeting in device.faults.all(Greeting):
            await io.stdout.write(greeting.after.encode())
        return code

    words = [NAME] if command is None else [NAME, "-c", command]
    code, _ = await device.processes.run(words, work)
    return code


class Shell(ShellState):
    """One shell.

    Attributes:
        owner: Whether the process is its own, and not that of the shell it came from.
        depth: How many shells it is nested in.
    """

    owner = True
    depth = 0
    _substituted = 0
    """Exit code of the last `$(…)` of the command that is being run."""

    async def run(self, text: str) -> int:
        """Run a command line; return its exit code."""
        try:
            if self.depth > _MOST_NESTED:
                raise ShellSyntaxError("nested too deeply")
            script = parse(text)
        except ShellSyntaxError as error:
            await self.complain(str(error))
            self.status = 1
            return 1
        return await self._alone(script)

    async def interact(self) -> int:
        """Run the lines of standard input, one by one; return the last exit code."""
        while not self.exited:
            line = await _read_line(self.io.stdin)
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

    def another(
        self,
        process: Process,
        io: Io,
        environment: dict[str, str],
        name: str,
        arguments: Iterable[str] = (),
    ) -> Shell:
        """A new shell in a process, which starts in the folder of this one."""
        shell = Shell(self.device, io, process, name=name, arguments=arguments)
        shell.variables, shell.exported = dict(environment), set(environment)
        shell.folder, shell.depth = self.folder, self.depth + 1
        return shell

    async def become(
        self, process: Process, words: list[str], environment: dict[str, str], io: Io, via: str = ""
    ) -> int:
        """As `programs.become`, with this shell."""
        return await programs.become(self, process, words, environment, io, via)

    async def substitute(self, command: str) -> str:
        """What `$(command)` stands for."""
        if _only_redirects(command):
            if not command.strip().startswith("<"):
                raise ShellSyntaxError(f"funny $()-command: {command.strip()}")
            command = f"cat {command}"
        output = Memory()
        self._substituted = await self.child(Io(self.io.stdin, output, self.io.stderr)).run(command)
        return os.fsdecode(bytes(output.data).replace(b"\0", b"")).rstrip("\n")

    async def _alone(self, script: Script) -> int:
        """Run all that this shell is to run; return its exit code."""
        try:
            await self._script(script)
        except ShellSyntaxError as error:  # found in an expansion only
            await self.complain(str(error))
            self.status = 1
        return self.status

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
                await self.child(Io(stdin, passed, self.io.stderr))._alone(_script_of(command))
                stdin = passed
            shell = self.child(Io(stdin, self.io.stdout, self.io.stderr))
            self.status = await shell._alone(_script_of(last))
        if pipeline.negated and not self.exited:
            self.status = int(self.status == 0)

    async def _command(self, command: Command) -> None:
        if isinstance(command, Simple):
            await self._simple(command)
        elif isinstance(command, Redirected):
            inner = command.command
            await redirected(self, command.redirections, lambda io: self._within(inner, io))
        elif isinstance(command, Group):
            if command.subshell:
                self.status = await self.child(self.io)._alone(command.body)
            else:
                await self._script(command.body)
        elif isinstance(command, If):
            await self._script(command.condition)
            chosen = command.body if self.status == 0 else command.otherwise
            if chosen:
                await self._script(chosen)
            else:
                self.status = 0

    async def _within(self, command: Command, io: Io) -> None:
        own, self.io = self.io, io
        try:
            await self._command(command)
        finally:
            self.io = own

    async def _simple(self, command: Simple) -> None:
        self._substituted = 0
        words = await expansion.fields(self, command.words)
        values: dict[str, str] = {}

        async def act(io: Io) -> None:
            for name, word in command.assignments:
                values[name] = await expansion.text(self, word)
                if not words:
                    self.variables[name] = values[name]
            if words:
                await self._execute(words, values, io)
            else:
                self.status = self._substituted

        await redirected(self, command.redirections, act, keep=words == ["exec"])

    async def _execute(self, words: list[str], values: dict[str, str], io: Io) -> None:
        if words[0] == "exec":
            await self._exec(words[1:], values, io)
        elif words[0] in BUILTINS:
            if words[0] != "cd":  # which is no special one: a variable before it is its own
                self.variables.update(values)
            self.status = await BUILTINS[words[0]](self, words[1:], io)
        else:
            environment = self.environment(values)
            self.status, number = await programs.launch(self, words, environment, io)
            if words_for(number):
                await io.stderr.write(f"{words_for(number)} \n".encode())

    async def _exec(self, words: list[str], values: dict[str, str], io: Io) -> None:
        if not words:
            self.variables.update(values)
            self.io = io
            self.status = 0
            return
        self.exited = True
        environment = self.environment(values)
        if self.owner:
            self.status = await self.become(self.process, words, environment, io)
        else:
            # A subshell is a process on a phone, and none here: its program gets a number anew.
            self.status, _ = await programs.launch(self, words, environment, io)


def _script_of(command: Command) -> Script:
    return ((";", Pipeline((command,), False)),)


def _only_redirects(text: str) -> bool:
    """Whether a command line is redirections and nothing else, as in `$(<file)`."""
    with contextlib.suppress(ShellSyntaxError):
        commands = [command for _, pipeline in parse(text) for command in pipeline.commands]
        if len(commands) == 1 and isinstance(commands[0], Simple):
            return not (commands[0].words or commands[0].assignments)
    return False


async def _read_line(source: Source) -> bytes:
    """A line with its end, and not a byte more; nothing at the end of the input."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = await source.read(1)
        if not byte:
            break
        line += byte
    return bytes(line)
