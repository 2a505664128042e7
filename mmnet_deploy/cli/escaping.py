"""Texts that did not come from us, made harmless for a terminal and visible to a reader.

File names, descriptions in files and what a phone says of itself can hold anything: sequences
that a terminal obeys, marks that turn the order of letters around, line feeds that forge lines,
and bytes that are no text. Each such character is shown as Python writes it in a string.
"""

from __future__ import annotations

import unicodedata

_NAMES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def escaped(text: str) -> str:
    r"""One line in which every character can be seen, such as `a\x1b[2J\u202eb`.

    Escaped is what Unicode has as control, format, surrogate, private, unassigned and as line or
    paragraph separator. A byte of a file name that is no UTF-8 is shown as `\xff`.
    """
    # By far the most: it is said of the whole in one look.
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char.isprintable() or unicodedata.category(char) == "Zs":
        return char
    if char in _NAMES:
        return _NAMES[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # How Python keeps a byte that it cannot decode.
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def escaped_lines(text: str) -> list[str]:
    """The lines of a text whose line feeds are ours, each escaped."""
    return [escaped(line) for line in text.split("\n")]


def one_line(text: str) -> str:
    """A message on one line: a library's line feeds and indents are spaces."""
    return escaped(" ".join(text.split()))


def escaped_json(text: str) -> str:
    """JSON with the characters that `escaped` escapes in JSON's own way: the same value.

    Line feeds stay, since in JSON none can be inside of a string.
    """
    if text.replace("\n", "").isprintable():
        return text
    return "".join(char if char == "\n" or _shown(char) == char else _json(char) for char in text)


def _json(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
