"""Commands that describe files."""

from __future__ import annotations

import posixpath
import re
import stat
import time
from collections.abc import Mapping

from android_benchmark.emulator.commands.registry import Call, UsageError, command

_TOTAL_KB = 56_000_000
_USED_KB = 21_000_000
_COMPARISONS: Mapping[str, tuple[int, ...]] = {
    "-eq": (0,),
    "-ne": (-1, 1),
    "-lt": (-1,),
    "-gt": (1,),
    "-le": (-1, 0),
    "-ge": (0, 1),
}
"""Signs of a difference that each operator is true of."""


@command("ls")
async def ls(call: Call) -> int:
    """ls [-l] [-a] [-d] [FILE…]: always one name to a line, as into a pipe."""
    options, paths = call.split_options("la1dLh")
    files, code = call.device.files, 0
    listed: list[tuple[bool, str, list[str]]] = []
    for path in paths or ["."]:
        try:
            status = files.status(call.path(path))
            folder = stat.S_ISDIR(status.st_mode) and "d" not in options
            names = [".", "..", *files.list(call.path(path))] if folder else [""]
        except OSError as error:
            await call.err(f"ls: {path}: {error.strerror}")
            code = 1
        else:
            shown = [name for name in names if "a" in options or not name.startswith(".")]
            listed.append((folder, path, shown))
    lines: list[str] = []
    for folder, path, names in sorted(listed):  # files first
        if folder and len(paths) > 1:
            lines.append(f"\n{path}:" if lines else f"{path}:")
        for name in names:
            full = posixpath.join(call.path(path), name) if name else call.path(path)
            shown_name = name or path
            lines.append(_long(call, full, shown_name) if "l" in options else shown_name)
    if lines:
        await call.out("\n".join(lines))
    return code


def _long(call: Call, path: str, shown: str) -> str:
    status = call.device.files.status(path, follow=False)
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(status.st_mtime))
    mode = stat.filemode(status.st_mode)
    return f"{mode} {status.st_nlink} shell shell {status.st_size:8d} {when} {shown}"


@command("stat")
async def stat_(call: Call) -> int:
    """stat -c FORMAT FILE…: %s size, %a mode, %n name, %Y time of change."""
    if len(call.arguments) < 3 or call.arguments[0] != "-c":
        raise UsageError("the emulated stat needs -c FORMAT")
    for path in call.arguments[2:]:
        status = call.device.files.status(call.path(path))
        values = {
            "%s": str(status.st_size),
            "%a": f"{stat.S_IMODE(status.st_mode):o}",
            "%n": path,
            "%Y": str(int(status.st_mtime)),
        }
        words = re.split("(%[a-zA-Z])", call.arguments[1])
        await call.out("".join(values.get(word, word) for word in words))
    return 0


@command("test")
async def test(call: Call) -> int:
    """test -e FILE and its like; also = and != and the comparisons of numbers."""
    return await _test(call, call.arguments)


@command("[")
async def bracket(call: Call) -> int:
    """[ CONDITION ]: as `test`."""
    if call.arguments[-1:] != ["]"]:
        await call.err("/system/bin/sh: [: missing ]")
        return 2
    return await _test(call, call.arguments[:-1])


async def _test(call: Call, words: list[str]) -> int:
    try:
        return int(not _holds(call, words))
    except UsageError as error:
        await call.err(f"/system/bin/sh: [: {error}")
        return 2


def _holds(call: Call, words: list[str]) -> bool:
    """Whether a condition of `test` holds; its number of words decides how it is read."""
    if len(words) == 3 and (words[1] in _COMPARISONS or words[1] in ("=", "==", "!=")):
        return _compare(*words)
    if len(words) > 1 and words[0] == "!":
        return not _holds(call, words[1:])
    if len(words) == 2 and words[0] in ("-n", "-z"):
        return bool(words[1]) == (words[0] == "-n")
    if len(words) == 2:
        return _file_is(call, words[0], call.path(words[1]))
    if len(words) > 2:
        raise UsageError(f"{words[1]}: unexpected operator/operand")
    return bool(words and words[0])


def _compare(left: str, operator: str, right: str) -> bool:
    if operator not in _COMPARISONS:
        return (left == right) == (operator != "!=")
    try:
        difference = int(left) - int(right)
    except ValueError:
        raise UsageError("bad number") from None
    return (difference > 0) - (difference < 0) in _COMPARISONS[operator]


def _file_is(call: Call, operator: str, path: str) -> bool:
    files = call.device.files
    if operator not in ("-e", "-f", "-d", "-x", "-r", "-w", "-s", "-L", "-h"):
        raise UsageError(f"{operator}: unexpected operator/operand")
    try:
        status = files.status(path, follow=operator not in ("-L", "-h"))
        if operator == "-x":
            return stat.S_ISDIR(status.st_mode) or files.may_execute(path)
        if operator == "-w":
            return bool(files.check_writable(path))
    except OSError:
        return False
    return {
        "-e": True,
        "-f": stat.S_ISREG(status.st_mode),
        "-d": stat.S_ISDIR(status.st_mode),
        "-r": bool(status.st_mode & 0o400),
        "-s": status.st_size > 0,
    }.get(operator, stat.S_ISLNK(status.st_mode))


@command("df")
async def df(call: Call) -> int:
    """df [-k] [FILE]: the data partition, in KiB."""
    free_bytes = call.device.files.free_bytes()
    free_kb = _TOTAL_KB - _USED_KB if free_bytes is None else free_bytes // 1024
    used = _TOTAL_KB - free_kb
    share = f"{100 * used // _TOTAL_KB}%"
    await call.out(
        "Filesystem      1K-blocks     Used Available Use% Mounted on\n"
        f"/dev/block/dm-0 {_TOTAL_KB:9d} {used:8d} {free_kb:9d} {share:>4} /data"
    )
    return 0
