"""Commands that print their arguments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from android_benchmark.emulator.commands.registry import Call, UsageError, command

_ESCAPE = re.compile(r"\\(0[0-7]{0,3}|[1-7][0-7]{0,2}|x[0-9A-Fa-f]{1,2}|[abcefnrtv\\])", re.ASCII)
_ECHO_ESCAPE = re.compile(r"\\(0[0-7]{0,3}|x[0-9A-Fa-f]{1,2}|[abcefnrtv\\])", re.ASCII)
_PLAIN = {"a": 7, "b": 8, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92}
_WHOLE = re.compile(r"\s*[-+]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
_REAL = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", re.ASCII)
_MOST_DIGITS = 100
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
        text, stops = _unescaped(text, _ECHO_ESCAPE)
        newline = "" if stops else newline
    await call.io.stdout.write(os.fsencode(text + newline))
    return 0


@command("printf")
async def printf(call: Call) -> int:
    """printf FORMAT [TEXT…]: the format serves again until no text is left."""
    if not call.arguments:
        raise UsageError("Needs 1 argument")
    pattern, *values = call.arguments[call.arguments[0] == "--" :] or [""]
    left = iter(values)
    pieces, used, problems = [], len(values), list[str]()
    while True:
        text, taken, stops = _formatted(pattern, left, problems)
        pieces.append(text)
        used -= taken
        if stops or not taken or used <= 0:
            break
    await call.io.stdout.write(os.fsencode("".join(pieces)))
    for problem in problems:
        await call.err(f"printf: {problem}")
    return int(bool(problems))


def _formatted(pattern: str, left: Iterator[str], problems: list[str]) -> tuple[str, int, bool]:
    """The format once: its text, how many values it asked for, and whether `\\c` ended all."""
    found, at, taken = [], 0, 0
    for match in _FIELD.finditer(pattern):
        text, stops = _unescaped(pattern[at : match.start()], _ESCAPE)
        found.append(text)
        at = match.end()
        if not stops and match[4] != "%":
            taken += 1
            value, stops = _field(match, next(left, None), problems)
            found.append(value)
        elif not stops:
            found.append("%")
        if stops:
            return "".join(found), taken, True
    text, stops = _unescaped(pattern[at:], _ESCAPE)
    return "".join([*found, text]), taken, stops


def _field(match: re.Match[str], value: str | None, problems: list[str]) -> tuple[str, bool]:
    flags, width, precision, kind = match.groups()
    if max(len(width), len(precision or "")) > 4:
        raise UsageError(f"bad width in '{match[0]}'")
    shape = f"%{flags}{width}" + ("" if precision is None else f".{precision or 0}")
    if kind == "b":
        text, stops = _unescaped(value or "", _ESCAPE)
        return f"{shape}s" % text, stops
    if kind in "sc":
        text = (value or "")[: 1 if kind == "c" else None]
        return f"{shape}s" % text, False
    if kind not in "diuoxXfeEgG":
        raise UsageError(f"bad '{match[0]}'")
    number, whole = _number(value or "0", kind)
    if not whole:
        problems.append(f"bad {match[0]} {value}")
    return f"{shape}{'d' if kind == 'u' else kind}" % number, False


def _number(text: str, kind: str) -> tuple[float, bool]:
    """The number that a text begins with, else 0, and whether that is all of the text."""
    if text[0] in "'\"":
        return ord(text[1:2] or "\0"), True
    match = (_REAL if kind in "feEgG" else _WHOLE).match(text)
    if not match or len(match[0]) > _MOST_DIGITS:
        return 0, False
    if kind in "feEgG":
        return float(match[0]), match.end() == len(text)
    digits = match[0].strip()
    octal = re.fullmatch("[-+]?0[0-7]+", digits)
    number = int(digits, 8 if octal else 0)
    return number if kind in "di" else number % (1 << 64), match.end() == len(text)


def _unescaped(text: str, escape: re.Pattern[str]) -> tuple[str, bool]:
    r"""A text with its escapes made into characters, and whether `\c` is among them.

    `printf` stops there; `echo` prints the rest, and only leaves out the newline.
    """
    found, at, stops = [], 0, False
    for match in escape.finditer(text):
        found.append(text[at : match.start()])
        at = match.end()
        code = match[1]
        if code == "c":
            stops = True
            if escape is _ESCAPE:
                return "".join(found), True
            continue
        if code[0] in "01234567":
            number = int(code, 8) & 0xFF
        else:
            number = int(code[1:], 16) if code[0] == "x" else _PLAIN[code]
        found.append(os.fsdecode(bytes([number])))
    return "".join([*found, text[at:]]), stops
