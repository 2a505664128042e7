"""Programs of the phone: its commands, scripted engines, shell scripts, and arm64 programs."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Awaitable

from android_benchmark.emulator.commands.registry import COMMANDS, Call, Shell, UsageError
from android_benchmark.emulator.device.pipes import Io
from android_benchmark.emulator.device.processes import Process
from android_benchmark.emulator.device.program import Program, Runner
from android_benchmark.emulator.errors import EngineError
from android_benchmark.emulator.faults import LinkerWarning
from android_benchmark.emulator.programs import elf
from android_benchmark.emulator.programs.engines import MARK, ScriptedEngine

_IN_SHELL = frozenset({"[", "echo", "false", "kill", "printf", "pwd", "test", "true"})
"""Commands that need no process of their own."""


class _CannotRunError(Exception):
    """Says why a file is not run, and what the shell returns; `number` is the kernel's errno."""

    def __init__(self, reason: str, code: int, number: int) -> None:
        super().__init__(reason)
        self.code = code
        self.number = number


async def launch(
    shell: Shell, words: list[str], environment: dict[str, str], io: Io
) -> tuple[int, int]:
    """Run a program in a new process; return its exit code and the signal that ended it, or 0."""

    async def work(process: Process) -> int:
        return await become(shell, process, words, environment, io)

    if words[0] in _IN_SHELL and words[0] not in shell.device.missing:
        return await work(shell.process), 0
    return await shell.device.processes.run(words, work, shell.process)


async def become(
    shell: Shell,
    process: Process,
    words: list[str],
    environment: dict[str, str],
    io: Io,
    via: str = "",
) -> int:
    """Run a program in the place of `process`: `Shell.become`, for the shell that started it."""
    device, name = shell.device, words[0]
    call = Call(device, shell, process, words[1:], io, environment)
    known = name.removeprefix("/system/bin/")
    command = None if known in device.missing else COMMANDS.get(known)
    if command and name in _IN_SHELL:
        return await _guarded(known, command(call), io)
    device.processes.become(process, words)
    for warning in device.faults.all(LinkerWarning):
        await call.err(warning.line)
    if command:
        return await _guarded(known, command(call), io)
    try:
        if name and "/" not in name:
            raise _CannotRunError("not found", 127, errno.ENOENT)
        return await _run_file(call, name)
    except _CannotRunError as problem:
        if not via:
            await shell.complain(f"{name}: {problem}", io)
            return problem.code
        return await _fail_as_toybox(call, name, via, problem.number)


async def _fail_as_toybox(call: Call, name: str, via: str, number: int) -> int:
    if number == errno.ENOEXEC:
        # Android's `execvp` gives what is no program to a shell, which reads it as a script.
        await call.err(f"{name}[1]: syntax error: '(' unexpected")
        return 1
    await call.err(f"{via}: exec {name}: {os.strerror(number)}")
    return 127 if number == errno.ENOENT else 126


async def _guarded(name: str, work: Awaitable[int], io: Io) -> int:
    """Run a command; report its error in the words of a phone."""
    try:
        return await work
    except UsageError as error:
        await io.stderr.write(f"{name}: {error}\n".encode(errors="replace"))
        return 1
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise
        about = f"'{error.filename}': " if error.filename else ""
        await io.stderr.write(f"{name}: {about}{error.strerror}\n".encode(errors="replace"))
        return 1


async def _run_file(call: Call, name: str) -> int:
    device = call.device
    path = call.path(name)
    try:
        mode = device.files.status(path).st_mode
    except OSError as error:
        reason = "not found" if error.errno == 2 else error.strerror
        raise _CannotRunError(reason or "", 127, error.errno or errno.ENOENT) from error
    if stat.S_ISDIR(mode) or not device.files.may_execute(path):
        raise _CannotRunError("can't execute: Permission denied", 126, errno.EACCES)
    try:
        content = device.files.read(path)
    except OSError as error:
        raise _CannotRunError(f"can't execute: {error.strerror}", 126, errno.EACCES) from error
    engine: Runner | None = device.engines.get(hashlib.sha256(content).hexdigest())
    if engine is None and content.startswith(MARK.encode()):
        try:
            engine = ScriptedEngine.from_bytes(content)
        except EngineError as error:
            raise _CannotRunError(str(error), 126, errno.ENOEXEC) from error
    program = Program(path, (name, *call.arguments), call.environment, call.shell.folder)
    if engine:
        return await _busy(call, engine, program)
    if content.startswith(elf.MAGIC):
        return await _busy(call, _runner_of(call, content), program)
    return await call.shell_of(name, call.arguments).run(os.fsdecode(content))


def _runner_of(call: Call, content: bytes) -> Runner:
    """What runs machine code on this phone.

    Raises:
        _CannotRunError: Nothing does; it is refused as a phone refuses it.
    """
    device = call.device
    header = elf.Header.read(content)
    # What a phone says to a program for another processor: mksh looks at the class only.
    refusal = _CannotRunError(f"not executable: {header.bits}-bit ELF file", 1, errno.ENOEXEC)
    abis = device.properties.get("ro.product.cpu.abilist", "").split(",")
    if header.machine != elf.AARCH64 or header.bits != 64 or "arm64-v8a" not in abis:
        raise refusal
    if device.arm64 is None:
        raise refusal
    if header.interpreter and not device.files.exists(call.path(header.interpreter)):
        raise _CannotRunError("No such file or directory", 1, errno.ENOENT)
    return device.arm64


async def _busy(call: Call, runner: Runner, program: Program) -> int:
    """Run a program while the chip is at work."""
    device = call.device
    device.soc.start_work()
    try:
        device.write_dynamic_files()  # here, as they change when work starts
        return await runner.run(program, device.files, call.io, call.process)
    finally:
        device.soc.end_work()
