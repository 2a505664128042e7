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


async def _inputs(call: Call, name: str, paths: list[str]) -> tuple[list[tuple[str, bytes]], int]:
    """Contents of the files, or of standard input, and 1 if one could not be read, else 0.

    Each failure is reported. What cannot be read is left out, except a folder, which counts as
    an empty file.
    """
    if not paths:
        return [("-", await _all_input(call))], 0
    found, code = [], 0
    for path in paths:
        try:
            found.append((path, call.device.files.read(call.path(path))))
        except OSError as error:
            await call.err(f"{name}: {path}: {error.strerror}")
            code = 1
            if isinstance(error, IsADirectoryError):
                found.append((path, b""))
    return found, code


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
    found, _ = await _inputs(call, f"{name}sum", call.arguments)
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
    found, code = await _inputs(call, name, words)
    for place, (path, data) in enumerate(found):
        if len(words) > 1:
            await call.out(f"\n==> {path} <==" if place else f"==> {path} <==")
        if counts_bytes:
            await call.io.stdout.write(choose(data, count))
        else:
            await call.io.stdout.write(b"".join(choose(data.splitlines(keepends=True), count)))
    return code


@command("wc")
async def wc(call: Call) -> int:
    """wc [-l] [-c] [-w] [FILE…]"""
    options, paths = call.split_options("lcw")
    found, code = await _inputs(call, "wc", paths)
    columns = [place for place, name in enumerate("lwc") if not options or name in options]
    width = 7 if len(paths) > 1 or (not paths and len(columns) > 1) else 0
    rows = [(path, [data.count(b"\n"), len(data.split()), len(data)]) for path, data in found]
    if len(paths) > 1:
        rows.append(("total", [sum(counts[place] for _, counts in rows) for place in range(3)]))
    for path, counts in rows:
        cells = [f"{counts[column]:{width}d}" for column in columns]
        await call.out(" ".join(cells + ([path] if path != "-" else [])))
    return code


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
    found, _ = await _inputs(call, "grep", paths)
    for path, data in found:
        hits = [x for x in data.splitlines() if bool(pattern.search(x)) != ("v" in options)]
        any_found |= bool(hits)
        lines = [str(len(hits)).encode()] if "c" in options else hits
        prefix = os.fsencode(f"{path}:") if named else b""
        if lines and "q" not in options:
            await call.io.stdout.write(b"".join(prefix + line + b"\n" for line in lines))
    if len(found) < len(paths) and not ("q" in options and any_found):
        return 2
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
