"""Streams: the conversations of one connection, each with its own flow control.

Either side may have one WRTE under way per stream and must then wait for OKAY. The OKAY for
a WRTE from the host is sent when its bytes were taken, so a slow reader slows its own
sender and never fills memory. adb itself breaks the rule when its client has gone: it sends
what is left at once. As on a phone, that is taken, up to a limit.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from android_benchmark.emulator.adb.packets import MAX_PAYLOAD_BYTES, Command, Packet
from android_benchmark.emulator.errors import ProtocolError, StreamClosedError

MOST_WAITING_BYTES = 8 * MAX_PAYLOAD_BYTES
"""What a stream holds at most for a host that does not wait for an OKAY."""


class PacketSender(Protocol):
    """The connection, as a stream sees it."""

    max_payload_bytes: int

    async def send(self, packet: Packet) -> None:
        """Send one packet."""


class Stream:
    """One opened service, seen from the phone."""

    def __init__(self, sender: PacketSender, local_id: int, remote_id: int) -> None:
        self.local_id = local_id
        self.remote_id = remote_id
        self._sender = sender
        self._buffer = bytearray()
        self._unacknowledged = False
        self._arrival = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._write_lock = asyncio.Lock()
        self._closed = asyncio.Event()

    @property
    def is_closed(self) -> bool:
        """Whether either side has closed the stream."""
        return self._closed.is_set()

    async def wait_closed(self) -> None:
        """Return when either side has closed the stream."""
        await self._closed.wait()

    def receive(self, payload: bytes) -> None:
        """Take a WRTE of the host.

        Raises:
            ProtocolError: The host has sent too much without waiting for an OKAY.
        """
        waiting = len(self._buffer) + len(payload)
        if self._unacknowledged and waiting > MOST_WAITING_BYTES:
            raise ProtocolError(f"{waiting} B came without waiting for an OKAY.")
        self._unacknowledged = True
        self._buffer += payload
        self._arrival.set()

    def acknowledge(self) -> None:
        """Take an OKAY of the host: its reader took the last WRTE."""
        self._may_write.set()

    def shut(self) -> None:
        """Note that the host has closed the stream; wake all who wait for it."""
        self._closed.set()
        self._arrival.set()
        self._may_write.set()

    async def read(self, limit: int = 1 << 16) -> bytes:
        """At most `limit` bytes, at least one; none at the end of the stream."""
        while not self._buffer:
            if self._unacknowledged:
                self._unacknowledged = False
                await self._sender.send(Packet(Command.OKAY, self.local_id, self.remote_id))
                continue
            if self.is_closed:
                return b""
            self._arrival.clear()
            await self._arrival.wait()
        data = bytes(self._buffer[:limit])
        del self._buffer[:limit]
        if not self._buffer and self._unacknowledged and not self.is_closed:
            self._unacknowledged = False
            await self._sender.send(Packet(Command.OKAY, self.local_id, self.remote_id))
        return data

    async def read_exactly(self, count: int) -> bytes:
        """Exactly `count` bytes.

        Raises:
            StreamClosedError: The stream ended before.
        """
        parts = []
        while count:
            part = await self.read(count)
            if not part:
                raise StreamClosedError("The stream ended early.")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    async def write(self, data: bytes) -> None:
        """Send `data`, in as many packets as the host's limit asks for.

        Raises:
            StreamClosedError: The stream is closed.
        """
        async with self._write_lock:
            step = self._sender.max_payload_bytes
            for start in range(0, len(data), step):
                await self._may_write.wait()
                if self.is_closed:
                    raise StreamClosedError("The host has closed the stream.")
                self._may_write.clear()
                part = data[start : start + step]
                await self._sender.send(Packet(Command.WRTE, self.local_id, self.remote_id, part))

    async def close(self) -> None:
        """Close the stream from the phone's side, when the host has taken all data."""
        # The host drops what is still under way when it reads CLSE, so wait for its OKAY.
        await self._may_write.wait()
        if not self.is_closed:
            self.shut()
            await self._sender.send(Packet(Command.CLSE, self.local_id, self.remote_id))
