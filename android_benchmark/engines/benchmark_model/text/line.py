"""Output as lines without what loggers, terminals and transports put around them.

Beyond the tool's own `INFO: ` there are LiteRT's `[file.cc:12] `, `ERROR: ` a second time where it
hands an error on, `└ ` before what that error came of, abseil's `I0000 … file.cc:12] `, the
carriage returns of old adb and colour codes.
"""

from __future__ import annotations

import dataclasses
import re

_ESCAPES = re.compile(r"(?:\x1b\[[0-?]*[ -/]*[@-~])+")
_IN_NUMBER = frozenset("0123456789.eE+-")
_SEVERITY = re.compile(r"(VERBOSE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL): ?")
_SOURCE = re.compile(r"\[([^\]\s]{1,300}\.(?:cc|cpp|c|h):[0-9]{1,6})\] ?")
_ABSEIL = re.compile(
    r"([IWEF])[0-9]{4} (?:[0-9:.]{1,40} +[0-9]{1,9} +)?([\w./-]{1,300}:[0-9]{1,6})\] ?"
)
_LETTERS = {"I": "INFO", "W": "WARN", "E": "ERROR", "F": "FATAL"}


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of output.

    Attributes:
        text: What was said; leading blanks and tabs kept.
        severity: VERBOSE, DEBUG, INFO, WARN, ERROR, FATAL; empty where the line has none.
        prefixed: Whether the severity stood in the line itself, as from TensorFlow 2.13 on.
        source: `file:line` in LiteRT's brackets; empty elsewhere.
        whole: Whether all of it is here. The last line may be cut, in the middle of a number.
    """

    text: str
    severity: str = ""
    prefixed: bool = False
    source: str = ""
    whole: bool = True


@dataclasses.dataclass(frozen=True)
class Lines:
    """A whole text.

    Attributes:
        lines: In order.
        cut: Whether the last line has no end.
        overlong: Whether a line is longer than any tool prints; its beginning is kept.
    """

    lines: tuple[Line, ...]
    cut: bool
    overlong: bool


LONGEST = 1 << 18
"""Characters; a name in a profile may list hundreds of tensors."""


def _without_escapes(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        # Two numbers must not become one.
        return match[0] if before in _IN_NUMBER and after in _IN_NUMBER else ""

    return _ESCAPES.sub(plain, text) if "\x1b" in text else text


_EMPTY = Line("")


def _line(text: str, whole: bool) -> Line:
    if not text:
        return _EMPTY
    severity, prefixed, source = "", False, ""
    text = text.removeprefix("└ ")
    while True:
        if match := _SEVERITY.match(text):
            prefixed = True
            severity = severity or ("WARN" if match[1] == "WARNING" else match[1])
        elif match := _SOURCE.match(text):
            source = source or match[1]
        else:
            break
        text = text[match.end() :]
    if not source and (match := _ABSEIL.match(text)):
        severity, text = _LETTERS[match[1]], text[match.end() :]
    return Line(text, severity, prefixed, source, whole)


def read(text: str) -> Lines:
    """Split and clean `text`.

    Lines end at line feeds only: names of nodes may hold whatever else Unicode calls a line end.
    """
    *parts, rest = _without_escapes(text).split("\n")
    # Old adb ends lines in CR LF, and again what had such an end before.
    parts = [part.rstrip("\r") for part in parts]
    whole = [len(part) <= LONGEST for part in parts]
    if rest:
        parts.append(rest)
        whole.append(False)
    parts = [part[:LONGEST] for part in parts]
    return Lines(
        tuple(_line(part, is_whole) for part, is_whole in zip(parts, whole, strict=True)),
        cut=bool(rest),
        overlong=any(len(part) == LONGEST for part in parts),
    )
