"""Commands that change files."""

from __future__ import annotations

import posixpath
import re
import stat
from collections.abc import Callable

from android_benchmark.emulator.commands.registry import Call, UsageError, command


async def _each(call: Call, name: str, paths: list[str], act: Callable[[str], None]) -> int:
    """Do `act` to each path; report each failure and go on."""
    code = 0
    for path in paths:
        try:
            act(call.path(path))
        except OSError as error:
            await call.err(f"{name}: {path}: {error.strerror}")
            code = 1
    return code


@command("mkdir")
async def mkdir(call: Call) -> int:
    """mkdir [-p] FOLDER…"""
    options, paths = call.split_options("p")
    if not paths:
        raise UsageError("Needs 1 argument")
    code = 0
    for path in paths:
        try:
            call.device.files.make_folder(call.path(path), parents="p" in options)
        except OSError as error:
            await call.err(f"mkdir: '{path}': {error.strerror}")
            code = 1
    return code


@command("rm")
async def rm(call: Call) -> int:
    """rm [-r] [-f] FILE…"""
    options, paths = call.split_options("rRf")
    if not paths and "f" not in options:
        raise UsageError("Needs 1 argument")

    def remove(path: str) -> None:
        try:
            call.device.files.remove(path, recursive=bool(options & {"r", "R"}))
        except FileNotFoundError:
            if "f" not in options:
                raise

    return await _each(call, "rm", paths, remove)


@command("rmdir")
async def rmdir(call: Call) -> int:
    """rmdir FOLDER…"""
    _, paths = call.split_options()

    def remove(path: str) -> None:
        if call.device.files.list(path):
            raise OSError(0, "Directory not empty")
        call.device.files.remove(path, recursive=True)

    return await _each(call, "rmdir", paths, remove)


@command("chmod")
async def chmod(call: Call) -> int:
    """chmod [-R] MODE FILE…: the mode is octal, or symbolic such as +x or u+rwx."""
    if len(call.arguments) < 2:
        raise UsageError("Needs 2 arguments")
    words = [word for word in call.arguments if word != "-R"]
    mode, paths = words[0], words[1:]

    def change(path: str) -> None:
        old = stat.S_IMODE(call.device.files.status(path).st_mode)
        call.device.files.change_mode(path, _new_mode(mode, old))

    return await _each(call, "chmod", paths, change)


def _new_mode(text: str, old: int) -> int:
    if re.fullmatch("[0-7]{1,4}", text):
        return int(text, 8)
    match = re.fullmatch(r"([ugoa]*)([+=-])([rwx]*)", text)
    if not match:
        raise UsageError(f"bad mode '{text}'")
    shifts = {"u": 6, "g": 3, "o": 0}
    who = set("ugo") if not match[1] or "a" in match[1] else set(match[1])
    bits = sum({"r": 4, "w": 2, "x": 1}[letter] for letter in set(match[3]))
    for letter in who:
        wanted = bits << shifts[letter]
        if match[2] == "=":
            old &= ~(7 << shifts[letter])
        old = old & ~wanted if match[2] == "-" else old | wanted
    return old


@command("touch")
async def touch(call: Call) -> int:
    """touch FILE…"""
    files = call.device.files
    if not call.arguments:
        raise UsageError("Needs 1 argument")
    return await _each(
        call, "touch", call.arguments, lambda path: files.create(path, append=True).close()
    )


@command("ln")
async def ln(call: Call) -> int:
    """ln -s TARGET LINK"""
    options, paths = call.split_options("sf")
    if "s" not in options or len(paths) != 2:
        raise UsageError("Needs -s and 2 arguments")
    return await _each(call, "ln", paths[1:], lambda path: call.device.files.link(paths[0], path))


@command("cp")
async def cp(call: Call) -> int:
    """cp [-f] [-p] SOURCE TARGET: one file."""
    return await _copy(call, remove=False)


@command("mv")
async def mv(call: Call) -> int:
    """mv [-f] SOURCE TARGET: a file; within one volume, also a folder."""
    return await _copy(call, remove=True)


async def _copy(call: Call, *, remove: bool) -> int:
    _, paths = call.split_options("fp")
    if len(paths) != 2:
        raise UsageError("Needs 2 arguments")
    files = call.device.files
    source, target = call.path(paths[0]), call.path(paths[1])
    if files.exists(target) and stat.S_ISDIR(files.status(target).st_mode):
        target = posixpath.join(target, posixpath.basename(source.rstrip("/")))
    mode = stat.S_IMODE(files.status(source).st_mode)
    if remove and files.move(source, target):
        return 0
    with files.open(source) as reader:
        writer = files.create(target)
        try:
            while data := reader.read(1 << 20):
                writer.write_now(data)
        finally:
            writer.close()
    files.change_mode(target, mode)
    if remove:
        files.remove(source)
    return 0
