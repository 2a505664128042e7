"""Files as text, whatever wrote them: PowerShell's `>` writes UTF-16, editors write CR LF."""

from __future__ import annotations

import codecs
import re
import textwrap

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Tabs, ends of lines and pages, and what colours a terminal.
# Build servers put it before every line.
_STAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})(?: |$)"
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def decoded(content: bytes) -> str | None:
    """The text of a file with line feeds only; None where it is no text.

    A log may hold any bytes in the names of files, so what is no UTF-8 is replaced as long as
    there are no control characters.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            text = content[len(mark) :].decode(encoding, "replace")
            break
    else:
        if b"\0" in content:
            return None
        text = content.decode("utf-8", "replace")
    if _CONTROL.search(text):
        return None
    # Old adb ends lines in CR CR LF.
    return _unmarked(re.sub(r"\r+\n", "\n", text))


def _unmarked(text: str) -> str:
    """The text without the time or the indent that all of its lines begin with."""
    lines = text.split("\n")
    if all(_STAMP.match(line) for line in lines if line.strip()):
        text = "\n".join(_STAMP.sub("", line) for line in lines)
    return textwrap.dedent(text) if text.startswith((" ", "\t")) else text
