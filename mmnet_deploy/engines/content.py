"""What a file is that is to be an engine, by its content: a program for Android, or something else.

A proxy or a login page answers with HTML in place of a file, and a browser saves the page under the
file's name. Only an ELF file for the ABI is taken, and for a program also a script.
"""

from __future__ import annotations

import re

from mmnet_deploy.engines.releases import PROGRAM, RUNNER, EngineFile

MOST_BYTES = 2**30
"""Size above which nothing is taken for an engine."""

HEAD_BYTES = 64
"""How much of a file `fault` needs at least, unless the file is shorter."""

_MACHINES = {"arm64-v8a": 183}
_ELF = b"\x7fELF"
_64_BITS_LITTLE_ENDIAN = b"\x02\x01"
_OTHERS = (
    (
        rb"\s*<(?:!doctype html|html|head|body|script)",
        "an HTML page, as a proxy or a login page gives",
    ),
    (rb"\s*<", "an XML or HTML text"),
    (rb"\s*[{\[]", "a JSON text"),
    (rb"version https://git-lfs", "a pointer of Git LFS"),
    (rb"PK\x03\x04", "a ZIP archive"),
    (rb"\x1f\x8b", "a gzip archive"),
    (rb"\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe", "a program for macOS"),
    (rb"MZ", "a program for Windows"),
)


def fault(head: bytes, file: EngineFile, size_bytes: int | None = None) -> str:
    """What is wrong with a file that begins like this; empty if nothing is.

    Args:
        head: Its first `HEAD_BYTES`, or more.
        file: What it should be.
        size_bytes: Size of the whole file, if it is known: then a file that was cut off is found.
    """
    if head.startswith(_ELF):
        return _elf_fault(head, file, size_bytes)
    # The emulated phone's scripted engines are such; a page of HTML never begins so.
    if head.startswith(b"#!") and file.name in (PROGRAM, RUNNER):
        return ""
    if not head:
        return "it is empty"
    for pattern, what in _OTHERS:
        if re.match(pattern, head, re.IGNORECASE):
            return f"it is {what}"
    # Other than C0 controls, a text has only the breaks of its lines.
    text = not re.search(rb"[\x00-\x08\x0e-\x1a]", head)
    return "it is a text" if text else "it is no program for Android"


def _elf_fault(head: bytes, file: EngineFile, size_bytes: int | None) -> str:
    """The same for an ELF file, as the System V ABI lays out its header."""
    if len(head) < HEAD_BYTES:
        return "it is cut off"
    machine = int.from_bytes(head[18:20], "little")
    if head[4:6] != _64_BITS_LITTLE_ENDIAN or machine != _MACHINES[file.abi]:
        return f"it is a program for another processor (ELF machine {machine})"
    # The table of sections is at the end of a file, unless it was stripped of it.
    begin = int.from_bytes(head[40:48], "little")
    entry, count = (int.from_bytes(head[at : at + 2], "little") for at in (58, 60))
    if size_bytes is not None and begin + entry * count > size_bytes:
        return f"it is cut off: {size_bytes} bytes of at least {begin + entry * count} are there"
    return ""
