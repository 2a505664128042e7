"""What a shell does itself, as a program could not: change its folder, variables and loops."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from android_benchmark.emulator.device.pipes import Io, Source
from android_benchmark.emulator.programs import programs

if TYPE_CHECKING:
    from android_benchmark.emulator.shell.interpreter import Shell

Builtin = Callable[["Shell", list[str], Io, dict[str, str]], Awaitable[int]]
BUILTINS: dict[str, Builtin] = {}


class LoopJump(Exception):
    """`break` (`leaves`) or `continue`, out of `levels` loops."""

    def __init__(self, levels: int, leaves: bool) -> None:
        super().__init__(levels, leaves)
        self.levels = levels
        self.leaves = leaves


async def read_line(source: Source) -> bytes:
    """A line with its end, and not a byte more; nothing at the end of the input."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = await source.read(1)
        if not byte:
            break
        line += byte
    return bytes(line)


def _builtin(*names: str) -> Callable[[Builtin], Builtin]:
    def file(function: Builtin) -> Builtin:
        BUILTINS.update(dict.fromkeys(names, function))
        return function

    return file


@_builtin("cd")
async def _cd(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
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
async def _exit(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
    shell.exited = True
    return (
        int(words[0]) & 0xFF
        if words and words[0].isascii() and words[0].isdecimal()
        else (shell.status)
    )


@_builtin("exec")
async def _exec(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
    if not words:
        shell.variables.update(values)
        shell.io = io
        return 0
    shell.exited = True
    environment = shell.environment(values)
    if shell.owner:
        return await shell.become(shell.process, words, environment, io)
    # A subshell is a process on a phone, and none here: its program gets a number anew.
    return (await programs.launch(shell, words, environment, io))[0]


@_builtin("export")
async def _export(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            shell.variables[name] = value
        if name in shell.variables:
            shell.exported.add(name)
    return 0


@_builtin("unset")
async def _unset(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
    for name in words:
        shell.variables.pop(name, None)
        shell.exported.discard(name)
    return 0


@_builtin("read")
async def _read(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
    """read [-r] NAME…: a line of input, split at the characters of `IFS`."""
    raw = "-r" in words
    names = [word for word in words if word != "-r"] or ["REPLY"]
    line = os.fsdecode(await read_line(io.stdin))
    ended = line.endswith("\n")
    line = line.removesuffix("\n").replace("\0", "")
    if not raw:
        line = re.sub(r"\\(.?)", r"\1", line)
    marks = values.get("IFS", shell.variables.get("IFS", " \t\n"))
    parts = _split(line, marks, len(names))
    shell.variables.update(dict(zip(names, parts, strict=True)))
    return int(not ended)


def _split(line: str, marks: str, count: int) -> list[str]:
    """At most `count` fields, the last with all that is left; empty ones in the end."""
    blanks = "".join(mark for mark in marks if mark in " \t\n")
    rest = line.strip(blanks) if blanks else line
    parts: list[str] = []
    while len(parts) < count - 1 and rest:
        pattern = f"[{re.escape(blanks)}]*[{re.escape(marks)}][{re.escape(blanks)}]*"
        pattern = pattern if blanks else f"[{re.escape(marks)}]"
        first, *others = re.split(pattern, rest, maxsplit=1) if marks else [rest]
        parts.append(first)
        rest = others[0] if others else ""
    return [*parts, rest, *[""] * (count - len(parts) - 1)]


@_builtin("set")
async def _set(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
    if "--" in words:
        shell.arguments = words[words.index("--") + 1 :]
    return 0


@_builtin("shift")
async def _shift(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
    count = _count(words)
    if count > len(shell.arguments):
        await shell.complain("shift: nothing to shift", io)
        return 1
    del shell.arguments[:count]
    return 0


@_builtin("break")
async def _break(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
    return _jump(shell, words, leaves=True)


@_builtin("continue")
async def _continue(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
    return _jump(shell, words, leaves=False)


def _jump(shell: Shell, words: list[str], *, leaves: bool) -> int:
    if shell.loops:
        raise LoopJump(_count(words), leaves)
    return 0


def _count(words: list[str]) -> int:
    return int(words[0]) if words and words[0].isascii() and words[0].isdecimal() else 1


@_builtin("trap", ":")
async def _nothing(shell: Shell, words: list[str], io: Io, values: dict[str, str]) -> int:
    shell.variables.update(values)
    return 0
