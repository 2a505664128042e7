"""What a shell does itself, as a program could not: change its folder and variables, or end."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from android_benchmark.emulator.device.pipes import Io
from android_benchmark.emulator.shell.state import ShellState

Builtin = Callable[[ShellState, list[str], Io], Awaitable[int]]
BUILTINS: dict[str, Builtin] = {}


def _builtin(name: str) -> Callable[[Builtin], Builtin]:
    def file(function: Builtin) -> Builtin:
        BUILTINS[name] = function
        return function

    return file


@_builtin("cd")
async def _cd(shell: ShellState, words: list[str], io: Io) -> int:
    target = words[0] if words else shell.variables.get("HOME", "/")
    try:
        folder = shell.device.files.resolve(shell.path(target))
        if not shell.device.files.on_host(folder).is_dir():
            reason = "Not a directory" if shell.device.files.exists(folder) else ""
            raise OSError(0, reason or "No such file or directory")
    except OSError as error:
        await shell.complain(f"cd: {target}: {error.strerror}", io)
        return 2
    shell.folder = folder
    return 0


@_builtin("exit")
async def _exit(shell: ShellState, words: list[str], io: Io) -> int:
    shell.exited = True
    if not words:
        return shell.status
    if not re.fullmatch("-?[0-9]{1,9}", words[0]):
        await shell.complain(f"exit: bad number: {words[0]}", io)
        return 1
    return int(words[0]) & 0xFF


@_builtin("export")
async def _export(shell: ShellState, words: list[str], io: Io) -> int:
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            shell.variables[name] = value
        if name in shell.variables:
            shell.exported.add(name)
    return 0


@_builtin("unset")
async def _unset(shell: ShellState, words: list[str], io: Io) -> int:
    for name in words:
        shell.variables.pop(name, None)
        shell.exported.discard(name)
    return 0


@_builtin(":")
async def _nothing(shell: ShellState, words: list[str], io: Io) -> int:
    return 0
