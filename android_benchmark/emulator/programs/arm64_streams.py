"""What goes in and comes out of an arm64 program: its input, its outputs, its end."""

from __future__ import annotations

import asyncio
import re
import socket

from android_benchmark.emulator.device.pipes import Io, Sink

_QEMU_WORDS = b"qemu: uncaught target signal "


class ProgramEnd:
    """How a program ended: `exit`, `signal` or `error`."""

    def __init__(self) -> None:
        self.kind = ""
        self.text = ""
        self.known = asyncio.Event()

    @property
    def number(self) -> int:
        """The exit code, or the signal's number."""
        return int(self.text)

    async def wait(self, control: socket.socket) -> None:
        """Wait for what `arm64_stage` says of the end."""
        loop, data = asyncio.get_running_loop(), b""
        try:
            while not data.endswith(b"\n") and (piece := await loop.sock_recv(control, 4096)):
                data += piece
        finally:
            self.kind, _, self.text = data.decode(errors="replace").strip().partition(" ")
            self.known.set()


async def feed(io: Io, stdin: asyncio.StreamWriter) -> None:
    """Give a program the phone's input, until either of them ends."""
    try:
        while data := await io.stdin.read():
            stdin.write(data)
            await stdin.drain()
    except OSError:
        pass  # the program reads no more
    finally:
        stdin.close()


async def pass_on(reader: asyncio.StreamReader, sink: Sink, end: ProgramEnd | None = None) -> None:
    """Pass output on as it comes, without what QEMU itself says of a death by a signal."""
    held = b""
    while data := await reader.read(1 << 16):
        held += data
        keep = _start_of_qemus(held) if end else len(held)
        await _write(sink, held[:keep])
        held = held[keep:]
    if end and held:
        await end.known.wait()
        said = re.fullmatch(re.escape(_QEMU_WORDS) + rb"\d+ \([^\n]*\n", held)
        if end.kind != "signal" or not said:
            await _write(sink, held)


def _start_of_qemus(data: bytes) -> int:
    """Where QEMU's line starts, or what may become one; the length if it does not."""
    found = data.rfind(_QEMU_WORDS)
    if found >= 0:
        return found
    line = data.rfind(b"\n") + 1
    return line if line < len(data) and _QEMU_WORDS.startswith(data[line:]) else len(data)


async def _write(sink: Sink, data: bytes) -> None:
    if not data:
        return
    try:
        await sink.write(data)
    except ConnectionError:
        raise
    except OSError:
        pass  # no space left: the rest is lost
