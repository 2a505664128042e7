"""The beginning of an ELF file: for which processor it is, and which loader it wants."""

from __future__ import annotations

import dataclasses
import struct

MAGIC = b"\x7fELF"
AARCH64 = 183
_LOADER = 3  # PT_INTERP


@dataclasses.dataclass(frozen=True)
class Header:
    """What a kernel looks at first.

    Attributes:
        bits: 32 or 64; 0 if the file says neither.
        machine: Number of the processor's kind; 0 if the file is cut off or not little-endian.
        interpreter: Path of the loader; "" if it needs none, or is not for 64 bits.
    """

    bits: int
    machine: int
    interpreter: str = ""

    @classmethod
    def read(cls, content: bytes) -> Header:
        """Read it from a file's content, which starts with `MAGIC`; never fails."""
        bits = {1: 32, 2: 64}.get(content[4] if len(content) > 4 else 0, 0)
        if content[5:6] != b"\x01" or len(content) < 64:
            return cls(bits, 0)
        machine = struct.unpack_from("<H", content, 18)[0]
        return cls(bits, machine, _interpreter(content) if bits == 64 else "")


def _interpreter(content: bytes) -> str:
    (table,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    for start in range(table, table + size * count, size or 1):
        if size < 56 or start + 56 > len(content):
            break
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", content, start)
        if kind == _LOADER:
            return content[offset : offset + length].split(b"\0")[0].decode(errors="replace")
    return ""
