"""Commands that print their arguments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from android_benchmark.emulator.commands.registry import Call, UsageError, command

_ESCAPE = re.compile(r"\\(0[0-7]{0,3}|[1-7][0-7]{0,2}|x[0-9A-Fa-f]{1,2}|[abcefnrtv\\])", re.ASCII)
_PLAIN = {"a": 7, "b": 8, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92}
_FIELD = re.compile(r"%([-0 +#]*)(\d*)(?:\.(\d*))?([a-zA-Z%])", re.ASCII)


@command("echo")
async def echo(call: Call) -> int:
    r"""echo [-n] [-e | -E] TEXT…: understands `\n` and its like, as the shell of a phone does."""
    words, newline, escapes = list(call.arguments), "\n", True
    while words and re.fullmatch("-[neE]+", words[0]):
        for letter in words.pop(0)[1:]:
            newline = "" if letter == "n" else newline
            escapes = letter == "e" if letter != "n" else escapes
    text = " ".join(words)
    if escapes:
        text, stops = _unescaped(text)
        newline = "" if stops else newline
    await call.io.stdout.write(os.fsencode(text + newline))
    return 0


@command("printf")
async def printf(call: Call) -> int:
    """printf FORMAT [TEXT…]: the format serves again until no text is left."""
    if not call.arguments:
        raise UsageError("Needs 1 argument")
    pattern, *values = call.arguments
    left = iter(values)
    pieces, used = [], len(values)
    while True:
        text, taken, stops = _formatted(pattern, left)
        pieces.append(text)
        used -= taken
        if stops or not taken or used <= 0:
            break
    await call.io.stdout.write(os.fsencode("".join(pieces)))
    return 0


def _formatted(pattern: str, left: Iterator[str]) -> tuple[str, int, bool]:
    """The format once: its text, how many values it asked for, and whether `\\c` ended all."""
    found, at, taken = [], 0, 0
    for match in _FIELD.finditer(pattern):
        text, stops = _unescaped(pattern[at : match.start()])
        found.append(text)
        at = match.end()
        if not stops and match[4] != "%":
            taken += 1
            value, stops = _field(match, next(left, None))
            found.append(value)
        elif not stops:
            found.append("%")
        if stops:
            return "".join(found), taken, True
    text, stops = _unescaped(pattern[at:])
    return "".join([*found, text]), taken, stops


def _field(match: re.Match[str], value: str | None) -> tuple[str, bool]:
    flags, width, precision, kind = match.groups()
    if max(len(width), len(precision or "")) > 4:
        raise UsageError(f"bad width in '{match[0]}'")
    shape = f"%{flags}{width}" + ("" if precision is None else f".{precision or 0}")
    if kind == "b":
        text, stops = _unescaped(value or "")
        return f"{shape}s" % text, stops
    if kind in "sc":
        text = (value or "")[: 1 if kind == "c" else None]
        return f"{shape}s" % text, False
    if kind in "diuoxX":
        return f"{shape}{'d' if kind == 'u' else kind}" % _number(value, match[0]), False
    if kind in "feEgG":
        try:
            return f"{shape}{kind}" % float(value or 0), False
        except ValueError:
            raise UsageError(f"bad number '{value}'") from None
    raise UsageError(f"bad '{match[0]}'")


def _number(value: str | None, field: str) -> int:
    text = value or "0"
    try:
        octal = re.fullmatch("[-+]?0[0-7]+", text)
        return int(text, 8) if octal else int(text, 0)
    except ValueError:
        raise UsageError(f"bad number '{value}' for '{field}'") from None


def _unescaped(text: str) -> tuple[str, bool]:
    r"""A text with its escapes made into characters, up to `\c`, and whether there was one."""
    found, at = [], 0
    for match in _ESCAPE.finditer(text):
        found.append(text[at : match.start()])
        at = match.end()
        code = match[1]
        if code == "c":
            return "".join(found), True
        if code[0] in "01234567":
            number = int(code, 8) & 0xFF
        else:
            number = int(code[1:], 16) if code[0] == "x" else _PLAIN[code]
        found.append(os.fsdecode(bytes([number])))
    return "".join([*found, text[at:]]), False
