"""Commands that read text and print some of it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from typing import Any

from android_benchmark.emulator.commands.registry import Call, UsageError, command

_PIECE_BYTES = 1 << 18


async def _all_input(call: Call) -> bytes:
    parts = []
    while data := await call.io.stdin.read():
        parts.append(data)
    return b"".join(parts)


async def _inputs(call: Call, name: str, paths: list[str]) -> list[tuple[str, bytes]]:
    """Contents of the files, or of standard input; what cannot be read is said and left out."""
    if not paths:
        return [("-", await _all_input(call))]
    found = []
    for path in paths:
        try:
            found.append((path, call.device.files.read(call.path(path))))
        except OSError as error:
            await call.err(f"{name}: {path}: {error.strerror}")
    return found


@command("cat")
async def cat(call: Call) -> int:
    """cat [FILE…]"""
    code = 0
    for path in call.arguments or ["-"]:
        if path == "-":
            while data := await call.io.stdin.read(_PIECE_BYTES):
                await call.io.stdout.write(data)
            continue
        try:
            with call.device.files.open(call.path(path)) as file:
                while data := file.read(_PIECE_BYTES):
                    await call.io.stdout.write(data)
        except ConnectionError:
            raise
        except OSError as error:
            await call.err(f"cat: {path}: {error.strerror}")
            code = 1
    return code


async def _digest(call: Call, name: str) -> int:
    found = await _inputs(call, f"{name}sum", call.arguments)
    for path, data in found:
        await call.out(f"{hashlib.new(name, data).hexdigest()}  {path}")
    return int(len(found) < len(call.arguments))


@command("md5sum")
async def md5sum(call: Call) -> int:
    """md5sum [FILE…]"""
    return await _digest(call, "md5")


@command("sha1sum")
async def sha1sum(call: Call) -> int:
    """sha1sum [FILE…]"""
    return await _digest(call, "sha1")


@command("sha256sum")
async def sha256sum(call: Call) -> int:
    """sha256sum [FILE…]"""
    return await _digest(call, "sha256")


@command("head")
async def head(call: Call) -> int:
    """head [-n COUNT | -c BYTES] [FILE]"""
    return await _some(call, "head", lambda parts, count: parts[:count])


@command("tail")
async def tail(call: Call) -> int:
    """tail [-n COUNT | -c BYTES] [FILE]"""
    return await _some(call, "tail", lambda parts, count: parts[max(0, len(parts) - count) :])


async def _some(call: Call, name: str, choose: Callable[[Any, int], Any]) -> int:
    words, count, counts_bytes = list(call.arguments), 10, False
    option = re.fullmatch(r"-([nc]?)(\d*)", words[0]) if words else None
    if option and words[0] != "-":
        words[:1] = [option[2]] if option[2] else []
        if not words or not words[0].isdecimal():
            raise UsageError("bad count")
        count, counts_bytes = int(words.pop(0)), option[1] == "c"
    found = await _inputs(call, name, words)
    for _, data in found:
        if counts_bytes:
            await call.io.stdout.write(choose(data, count))
        else:
            await call.io.stdout.write(b"".join(choose(data.splitlines(keepends=True), count)))
    return int(len(found) < len(words))


@command("wc")
async def wc(call: Call) -> int:
    """wc [-l] [-c] [-w] [FILE…]"""
    options, paths = call.split_options("lcw")
    found = await _inputs(call, "wc", paths)
    for path, data in found:
        counts = {"l": data.count(b"\n"), "w": len(data.split()), "c": len(data)}
        chosen = [str(value) for name, value in counts.items() if not options or name in options]
        await call.out(" ".join(chosen + ([path] if path != "-" else [])))
    return int(len(found) < len(paths))


@command("grep")
async def grep(call: Call) -> int:
    """grep [-E] [-F] [-i] [-v] [-c] [-q] [-H] [-h] [-r] PATTERN [FILE…]"""
    options, words = call.split_options("EFivcqHhr")
    if not words:
        raise UsageError("no REGEX")
    text = re.escape(words[0]) if "F" in options else words[0]
    try:
        pattern = re.compile(os.fsencode(text), re.IGNORECASE if "i" in options else 0)
    except re.error as error:
        raise UsageError(f"bad REGEX '{words[0]}': {error}") from None
    paths = _tree(call, words[1:]) if "r" in options else words[1:]
    named = "H" in options or (len(paths) > 1 and "h" not in options)
    any_found = False
    for path, data in await _inputs(call, "grep", paths):
        hits = [x for x in data.splitlines() if bool(pattern.search(x)) != ("v" in options)]
        any_found |= bool(hits)
        lines = [str(len(hits)).encode()] if "c" in options else hits
        prefix = os.fsencode(f"{path}:") if named else b""
        if lines and "q" not in options:
            await call.io.stdout.write(b"".join(prefix + line + b"\n" for line in lines))
    return int(not any_found)


def _tree(call: Call, paths: list[str]) -> list[str]:
    """All files below `paths`."""
    found: list[str] = []
    for path in paths:
        try:
            names = call.device.files.list(call.path(path))
        except NotADirectoryError:
            found.append(path)
        except OSError:
            continue
        else:
            found += _tree(call, [f"{path.rstrip('/')}/{name}" for name in names])
    return found
