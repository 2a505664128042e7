"""Small flat TOML files that somebody wrote by hand: what is wrong, and in which line."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from typing import Any

# The standard library has it since Python 3.11; `tomli` is the same code for 3.10.
_toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

MOST_BYTES = 16 * 1024
"""Size of a file that is read. The time for a key of many dots grows with the square of them."""

MOST_SHOWN = 60
"""Characters of a wrong value in a message."""

_TOKEN = re.compile(
    r"""
    "{3} (?: \\. | [^\\] )*? "{3,5}    # strings of several lines, which may end in quotes
    | '{3} .*? '{3,5}
    | " (?: \\. | [^"\\\n] )* "
    | ' [^'\n]* '
    | \# [^\n]*
    | (?P<opening> [\[{] )
    | (?P<closing> [\]}] )
    | (?P<end> \n )
    """,
    re.VERBOSE | re.DOTALL,
)


class TomlError(ValueError):
    """A text is no TOML.

    Attributes:
        line: Where, from 1; None if it is everywhere.
    """

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


def from_toml(content: bytes | str) -> dict[str, Any]:
    """The values of a TOML file; a mark of Unicode at its beginning is skipped.

    Raises:
        TomlError: It is not UTF-8, no TOML, or nested too deeply.
    """
    try:
        text = as_text(content)
        return _toml.loads(text)
    except _toml.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise TomlError(str(error).partition(" (at ")[0], line) from error
    except RecursionError as error:
        raise TomlError("Nested too deeply") from error
    except UnicodeDecodeError as error:
        raise TomlError("Not UTF-8 text", error.object[: error.start].count(b"\n") + 1) from error
    except ValueError as error:  # Of a number of thousands of digits.
        raise TomlError("A number of too many digits") from error


def as_text(content: bytes | str) -> str:
    """The characters of a file's content.

    Raises:
        UnicodeDecodeError: It is not UTF-8.
    """
    text = content.decode("utf-8") if isinstance(content, bytes) else content
    return text.removeprefix("\ufeff")


def line_of(text: str, key: str) -> int | None:
    """The number of the line, from 1, where a top-level key or table begins.

    The parser gives no positions: the text, which it has accepted, is cut into statements and
    the key of each is read.
    """
    within_table = False
    for line, statement in _statements(text):
        is_table = statement.lstrip().startswith("[")
        if within_table and not is_table:
            continue
        within_table = within_table or is_table
        if key in _toml.loads(statement):
            return line
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each key with its value, and each head of a table, with the line where it begins."""
    text = text.replace("\r\n", "\n")
    begin = line = 1
    start = depth = 0
    for token in _TOKEN.finditer(text + "\n"):
        depth += bool(token["opening"]) - bool(token["closing"])
        line += token[0].count("\n")
        if token["end"] and not depth:
            statement = text[start : token.start()]
            if statement.strip() and not statement.lstrip().startswith("#"):
                yield begin, statement
            begin, start = line, token.end()


def shown(value: Any) -> str:
    """A value as a message has it: what is long is cut off."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # A number of thousands of digits; a deep list.
        return "a value too long to show"
    return cut_off(text)


def cut_off(text: str) -> str:
    """A text as a message has it: in one line, and not too long."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: MOST_SHOWN + 1])
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} …"
