"""Where a command reads and writes: the host, a file, another command, or nowhere."""

from __future__ import annotations

import dataclasses
from typing import Protocol


class Source(Protocol):
    """Something to read from."""

    async def read(self, limit: int = 1 << 16) -> bytes:
        """At most `limit` bytes, at least one; none at the end."""


class Sink(Protocol):
    """Something to write to."""

    async def write(self, data: bytes) -> None:
        """Write all of `data`."""


class Memory:
    """What one command wrote, for the next to read."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)

    async def read(self, limit: int = 1 << 16) -> bytes:
        """Take at most `limit` bytes from the front."""
        piece = bytes(self.data[:limit])
        del self.data[:limit]
        return piece

    async def write(self, data: bytes) -> None:
        """Append."""
        self.data += data


class Nowhere:
    """`/dev/null`."""

    async def read(self, limit: int = 1 << 16) -> bytes:
        """Nothing."""
        return b""

    async def write(self, data: bytes) -> None:
        """Forget."""


@dataclasses.dataclass(frozen=True)
class Io:
    """Standard input, output and error of a command."""

    stdin: Source
    stdout: Sink
    stderr: Sink
