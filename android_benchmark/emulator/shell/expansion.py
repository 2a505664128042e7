"""Words of the shell made into arguments: variables, substitutions, and file names."""

from __future__ import annotations

import fnmatch
import re
import stat
from collections.abc import Iterable

from android_benchmark.emulator.shell.state import ShellState
from android_benchmark.emulator.shell.tree import Part, Word
from android_benchmark.emulator.shell.words import ShellSyntaxError

_GLOB = re.compile(r"[*?\[]")
_BRACES = re.compile(r"\{[^{}]*,.*\}", re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_Field = list[tuple[str, bool]]
"""Pieces of text, each with whether it was quoted."""


async def fields(shell: ShellState, words: Iterable[Word]) -> list[str]:
    """All words, expanded, split where not quoted, and matched with file names."""
    found: list[str] = []
    for word in words:
        if found[:1] == ["export"] and _ASSIGNMENT.match("".join(part.text for part in word)):
            found.append(await text(shell, word))
            continue
        for pieces in await _split(shell, word):
            if _BRACES.search("".join(" " if quoted else piece for piece, quoted in pieces)):
                raise ShellSyntaxError("the emulated shell does not know {…,…}")
            whole = "".join(piece for piece, _ in pieces)
            if not whole and not any(quoted for _, quoted in pieces):
                continue
            matched: list[str] = []
            if any(_GLOB.search(piece) for piece, quoted in pieces if not quoted):
                matched = _match(shell, "".join(_pattern(*piece) for piece in pieces))
            found += matched or [whole]
    return found


async def text(shell: ShellState, word: Word) -> str:
    """A word as one text: neither split nor matched."""
    return "".join([await _value(shell, part) for part in word])


async def _split(shell: ShellState, word: Word) -> list[_Field]:
    found: list[_Field] = [[]]
    no_arguments = False
    for part in word:
        if part.kind == "variable" and part.text == "@" and part.quoted:
            no_arguments |= not shell.arguments
            found[-1] += [(shell.arguments[0], True)] if shell.arguments else []
            found += [[(argument, True)] for argument in shell.arguments[1:]]
            continue
        value = await _value(shell, part)
        if part.quoted or part.kind == "text":
            found[-1].append((value, part.quoted))
            continue
        first, *others = re.split(r"[ \t\n]+", value)
        found[-1].append((first, False))
        found += [[(piece, False)] for piece in others]
    if no_arguments and not any(piece for field in found for piece, _ in field):
        return []  # "$@" without arguments is no word, although it is quoted
    return found


def _pattern(piece: str, quoted: bool) -> str:
    return re.sub(r"([*?\[])", r"[\1]", piece) if quoted else piece


async def _value(shell: ShellState, part: Part) -> str:
    if part.kind == "text":
        return part.text
    if part.kind == "command":
        return await shell.substitute(part.text)
    return shell.lookup(part.text)


def _match(shell: ShellState, pattern: str) -> list[str]:
    """Names of files that fit, in the form of the pattern (absolute or not)."""
    files = shell.device.files
    found = ["/" if pattern.startswith("/") else ""]
    for name in [name for name in pattern.split("/") if name]:
        following: list[str] = []
        for base in found:
            if not _GLOB.search(name):
                following += [f"{base}{name}/"] if files.exists(shell.path(base + name)) else []
                continue
            try:
                entries = files.list(shell.path(base or "."))
            except OSError:
                continue
            hidden = name.startswith(".")
            following += [
                f"{base}{entry}/"
                for entry in entries
                if fnmatch.fnmatchcase(entry, name) and (hidden or not entry.startswith("."))
            ]
        found = following
    if not pattern.endswith("/"):
        return [path[:-1] for path in found]
    return [path for path in found if stat.S_ISDIR(files.status(shell.path(path)).st_mode)]
