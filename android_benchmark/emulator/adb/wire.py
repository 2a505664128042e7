"""The bytes of one connection, where they can be cut or held up."""

from __future__ import annotations

import asyncio

from android_benchmark.emulator.faults import ActiveFault, DropConnection, Faults, Stall


class Wire:
    """A TCP connection that obeys the faults `DropConnection` and `Stall`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, faults: Faults
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._faults = faults
        self._lock = asyncio.Lock()
        self._gone = asyncio.Event()

    async def read_exactly(self, count: int) -> bytes:
        """Exactly `count` bytes from the host.

        Raises:
            ConnectionError: The connection ended, or a fault cut it.
        """
        parts = []
        while count:
            part = await self._reader.read(await self._readable(count))
            if not part:
                raise ConnectionResetError("The host has gone.")
            self._note(len(part))
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    async def write(self, data: bytes) -> None:
        """Send `data` whole, after all that was sent before.

        Raises:
            ConnectionError: The connection ended, or a fault cut it.
        """
        async with self._lock:
            stall = self._faults.active(Stall)
            if stall and stall.passed_bytes >= stall.fault.after_bytes:
                await self._hold(stall)
            drop = self._faults.active(DropConnection)
            if drop and drop.fault.direction == "out":
                room = drop.room(len(data), drop.fault.after_bytes)
                drop.passed_bytes += room
                if room < len(data):
                    self._writer.write(data[:room])
                    await self._writer.drain()
                    self._cut(drop.fault)
            if self._writer.is_closing():
                raise ConnectionResetError("The host has gone.")
            self._writer.write(data)
            await self._writer.drain()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._gone.set()
        self._writer.transport.abort()

    async def _readable(self, count: int) -> int:
        """How many of `count` bytes may be read before a fault takes its turn."""
        stall = self._faults.active(Stall)
        if stall:
            room = stall.room(count, stall.fault.after_bytes)
            if not room:
                await self._hold(stall)
            else:
                count = room
        drop = self._faults.active(DropConnection)
        if drop and drop.fault.direction == "in":
            count = drop.room(count, drop.fault.after_bytes)
            if not count:
                self._cut(drop.fault)
        return count

    async def _hold(self, stall: ActiveFault) -> None:
        """Wait for the end of a stall or of the connection."""
        waits = [asyncio.ensure_future(event.wait()) for event in (stall.over, self._gone)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._gone.is_set():
            raise ConnectionAbortedError("The connection was cut.")

    def _note(self, count: int) -> None:
        stall = self._faults.active(Stall)
        if stall:
            stall.passed_bytes += count
        drop = self._faults.active(DropConnection)
        if drop and drop.fault.direction == "in":
            drop.passed_bytes += count

    def _cut(self, fault: DropConnection) -> None:
        self._faults.clear(fault)
        self.abort()
        raise ConnectionAbortedError("A fault has cut the connection.")
