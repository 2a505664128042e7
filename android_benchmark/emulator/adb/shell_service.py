"""The services `shell:`, `shell,v2:` and `exec:`."""

from __future__ import annotations

import asyncio
import struct
from typing import Protocol

from android_benchmark.emulator.adb.streams import Stream
from android_benchmark.emulator.device.device import EmulatedDevice
from android_benchmark.emulator.device.pipes import Io, Sink
from android_benchmark.emulator.errors import StreamClosedError
from android_benchmark.emulator.faults import KeepRunning
from android_benchmark.emulator.shell.interpreter import run_shell

# Kinds of packets of the shell protocol (adb's shell_protocol.h).
STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = 0, 1, 2, 3, 4
_HEADER = struct.Struct("<BI")
_PIECE_BYTES = 1 << 18


class Raw:
    """Both directions of a stream without packets, optionally with lines that end in CR LF."""

    def __init__(self, stream: Stream, *, carriage_return: bool = False) -> None:
        self._stream = stream
        self._carriage_return = carriage_return

    async def read(self, limit: int = 1 << 16) -> bytes:
        """At most `limit` bytes of standard input."""
        return await self._stream.read(limit)

    async def write(self, data: bytes) -> None:
        """Write output."""
        if self._carriage_return:
            data = data.replace(b"\n", b"\r\n")
        await self._stream.write(data)


class PacketInput:
    """Standard input, unpacked from shell packets as a program asks for it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._left = 0
        self._ended = False

    async def read(self, limit: int = 1 << 16) -> bytes:
        """At most `limit` bytes of standard input; none at its end."""
        while not self._left and not self._ended:
            try:
                kind, size = _HEADER.unpack(await self._stream.read_exactly(_HEADER.size))
                if kind == STDIN:
                    self._left = size
                    continue
                if kind == CLOSE_STDIN:
                    self._ended = True
                while size:  # the size of a terminal window, or what no one knows
                    size -= len(await self._stream.read_exactly(min(size, 1 << 16)))
            except StreamClosedError:
                self._ended = True
        if self._ended:
            return b""
        data = await self._stream.read(min(limit, self._left))
        self._left -= len(data)
        self._ended = not data
        return data


class PacketOutput:
    """Standard output or standard error, in shell packets."""

    def __init__(self, stream: Stream, kind: int) -> None:
        self._stream = stream
        self._kind = kind

    async def write(self, data: bytes) -> None:
        """Write output."""
        for start in range(0, len(data), _PIECE_BYTES):
            piece = data[start : start + _PIECE_BYTES]
            await self._stream.write(_HEADER.pack(self._kind, len(piece)) + piece)


class _Reader(Protocol):
    async def read(self, limit: int = 1 << 16) -> bytes: ...


async def serve_shell(device: EmulatedDevice, stream: Stream, name: str) -> None:
    """`shell:COMMAND` and `shell,OPTIONS:COMMAND`; without a command, lines of input."""
    options, _, command = name.partition(":")
    terminal = "pty" in options.split(",")
    if "v2" in options.split(",") and "shell_v2" in device.features():
        stdin: _Reader = PacketInput(stream)
        stdout: Sink = PacketOutput(stream, STDOUT)
        stderr = stdout if terminal else PacketOutput(stream, STDERR)
        code = await _until_hangup(device, stream, Io(stdin, stdout, stderr), command)
        await stream.write(_HEADER.pack(EXIT, 1) + bytes([code & 0xFF]))
    else:
        # Up to Android 6 every shell was a terminal that ended its lines with CR LF.
        both = Raw(stream, carriage_return=device.sdk < 24)
        await _until_hangup(device, stream, Io(both, both, both), command)


async def serve_exec(device: EmulatedDevice, stream: Stream, name: str) -> None:
    """`exec:COMMAND`: bytes as they are, both outputs in one, no exit code."""
    _, _, command = name.partition(":")
    both = Raw(stream)
    # The end of input comes as the end of the stream, so a hangup cannot be told from it;
    # the program goes on, as on a phone.
    await run_shell(device, Io(both, both, both), command)


async def _until_hangup(device: EmulatedDevice, stream: Stream, io: Io, command: str) -> int:
    """Run `command`; when the host closes the stream, it ends with all that it started.

    Raises:
        StreamClosedError: The host closed the stream first.
    """
    work = asyncio.ensure_future(run_shell(device, io, command or None))
    hangup = asyncio.ensure_future(stream.wait_closed())
    try:
        await asyncio.wait((work, hangup), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise StreamClosedError("The host hung up.")
    finally:
        hangup.cancel()
        if work.done():
            _ = work.cancelled() or work.exception()
        elif device.faults.get(KeepRunning):
            device.processes.leave(work)
        else:
            work.cancel()
            await asyncio.wait((work,))
