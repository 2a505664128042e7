"""Words of the shell made into arguments: variables, substitutions, and file names."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from android_benchmark.emulator.device.pipes import Io, Memory
from android_benchmark.emulator.shell.tree import Part, Word
from android_benchmark.emulator.shell.words import ShellSyntaxError

if TYPE_CHECKING:
    from android_benchmark.emulator.shell.interpreter import Shell

_GLOB = re.compile(r"[*?\[]")
_Field = list[tuple[str, bool]]
"""Pieces of text, each with whether it was quoted."""


async def fields(shell: Shell, words: Iterable[Word]) -> list[str]:
    """All words, expanded, split where not quoted, and matched with file names."""
    found: list[str] = []
    for word in words:
        for pieces in await _split(shell, word):
            whole = "".join(piece for piece, _ in pieces)
            if not whole and not any(quoted for _, quoted in pieces):
                continue
            matched: list[str] = []
            if any(_GLOB.search(piece) for piece, quoted in pieces if not quoted):
                matched = _match(shell, "".join(_pattern(*piece) for piece in pieces))
            found += matched or [whole]
    return found


async def text(shell: Shell, word: Word) -> str:
    """A word as one text: neither split nor matched."""
    return "".join([await _value(shell, part) for part in word])


async def _split(shell: Shell, word: Word, *, split_text: bool = False) -> list[_Field]:
    """A word's fields; `split_text` also splits what is text as it stands."""
    found: list[_Field] = [[]]
    no_arguments = False
    for part in word:
        if part.kind == "variable" and part.text == "@" and not part.operator:
            no_arguments |= not shell.arguments
            found[-1] += [(shell.arguments[0], part.quoted)] if shell.arguments else []
            found += [[(argument, part.quoted)] for argument in shell.arguments[1:]]
            continue
        spliced = not part.quoted and part.operator[-1:] in ("-", "+")
        if spliced and _stands_for_operand(part, shell.lookup(part.text)):
            inner = await _split(shell, part.operand, split_text=True)
            found[-1] += inner[0] if inner else []
            found += inner[1:]
            continue
        value = await _value(shell, part)
        if part.quoted or (part.kind == "text" and not split_text):
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


async def _value(shell: Shell, part: Part) -> str:
    if part.kind == "text":
        return part.text
    if part.kind == "command":
        output = Memory()
        child = shell.child(Io(shell.io.stdin, output, shell.io.stderr))
        shell.status = await child.run(part.text)
        return os.fsdecode(bytes(output.data).replace(b"\0", b"")).rstrip("\n")
    value = shell.lookup(part.text)
    if not part.operator:
        return value or ""
    if part.operator == "length":
        return str(len(value or ""))
    if part.operator[0] in "#%":
        pattern = "".join([_pattern(await _value(shell, p), p.quoted) for p in part.operand])
        return _without(value or "", pattern, part.operator)
    return await _or_default(shell, part, value)


def _without(value: str, pattern: str, operator: str) -> str:
    """The value without the shortest (`#`, `%`) or longest prefix or suffix that fits."""
    cuts = range(len(value) + 1)
    if operator[0] == "#":
        for cut in reversed(cuts) if operator == "##" else cuts:
            if fnmatch.fnmatchcase(value[:cut], pattern):
                return value[cut:]
    else:
        for cut in cuts if operator == "%%" else reversed(cuts):
            if fnmatch.fnmatchcase(value[cut:], pattern):
                return value[:cut]
    return value


def _stands_for_operand(part: Part, value: str | None) -> bool:
    """Whether `${NAME-…}` or its kin is what stands in the braces, and not the variable."""
    # With the colon, an empty value is as none.
    missing = not value if part.operator[0] == ":" else value is None
    return missing != (part.operator[-1] == "+")


async def _or_default(shell: Shell, part: Part, value: str | None) -> str:
    verb = part.operator[-1]
    if not _stands_for_operand(part, value):
        return "" if verb == "+" else value or ""
    default = await text(shell, part.operand)
    if verb == "=":
        shell.variables[part.text] = default
    elif verb == "?":
        raise ShellSyntaxError(f"{part.text}: {default or 'parameter null or not set'}")
    return default


def _match(shell: Shell, pattern: str) -> list[str]:
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
    return [path[:-1] for path in found]
