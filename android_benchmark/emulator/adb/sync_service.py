"""The service `sync:`: push, pull and list.

Requests are four letters, a length and a path; the format is that of `SYNC.TXT` in
Android's adb, with STA2, LST2 and LIS2 for the features stat_v2 and ls_v2.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import stat
import struct

from android_benchmark.emulator.adb.streams import Stream
from android_benchmark.emulator.device.device import EmulatedDevice
from android_benchmark.emulator.device.files import WritableFile

MAX_PATH_BYTES = 1024
MAX_DATA_BYTES = 64 * 1024
_HEADER = struct.Struct("<4sI")
_STATUS = struct.Struct("<III")
_STATUS_V2 = struct.Struct("<IQQIIIIQqqq")
_SHELL_USER = 2000


class _EndError(Exception):
    """The conversation cannot go on: the host broke the protocol."""


async def serve_sync(device: EmulatedDevice, stream: Stream, name: str) -> None:
    """Serve requests until QUIT, the end of the stream, or one that breaks the protocol.

    Raises:
        StreamClosedError: The host closed the stream.
    """
    conversation = _Conversation(device, stream)
    try:
        while await conversation.serve_one():
            pass
    except _EndError as error:
        await conversation.fail(str(error))


class _Conversation:
    def __init__(self, device: EmulatedDevice, stream: Stream) -> None:
        self._device = device
        self._stream = stream

    async def serve_one(self) -> bool:
        """Serve one request; false when it was the last."""
        request, size = _HEADER.unpack(await self._stream.read_exactly(_HEADER.size))
        if request == b"QUIT":
            return False
        serve = self._requests().get(request)
        if serve is None:
            raise _EndError(f"unknown command {int.from_bytes(request, 'little'):08x}")
        if size > MAX_PATH_BYTES:
            raise _EndError("path too long")
        await serve(os.fsdecode((await self._stream.read_exactly(size)).split(b"\0", 1)[0]))
        return True

    def _requests(self):
        features = self._device.features()
        known = {
            b"STAT": self._stat,
            b"LIST": self._list,
            b"SEND": self._send,
            b"RECV": self._receive,
        }
        if "stat_v2" in features:
            known |= {b"STA2": self._stat_v2, b"LST2": self._lstat_v2}
        if "ls_v2" in features:
            known |= {b"LIS2": self._list_v2}
        return known

    async def fail(self, text: str) -> None:
        """Answer FAIL with a reason."""
        data = os.fsencode(text)
        await self._stream.write(_HEADER.pack(b"FAIL", len(data)) + data)

    async def _stat(self, path: str) -> None:
        await self._stream.write(b"STAT" + self._status(path))

    async def _stat_v2(self, path: str) -> None:
        await self._stream.write(b"STA2" + self._status_v2(path, follow=True))

    async def _lstat_v2(self, path: str) -> None:
        await self._stream.write(b"LST2" + self._status_v2(path, follow=False))

    def _status(self, path: str) -> bytes:
        try:
            found = self._device.files.status(_absolute(path), follow=False)
        except OSError:
            return bytes(_STATUS.size)
        return _STATUS.pack(found.st_mode, found.st_size & 0xFFFFFFFF, _seconds(found))

    def _status_v2(self, path: str, *, follow: bool) -> bytes:
        try:
            found = self._device.files.status(_absolute(path), follow=follow)
        except OSError as error:
            return _STATUS_V2.pack(error.errno or 0, *[0] * 10)
        when = int(found.st_mtime)
        owner = (found.st_nlink, _SHELL_USER, _SHELL_USER)
        words = (0, 1, found.st_ino, found.st_mode, *owner, found.st_size, when, when, when)
        return _STATUS_V2.pack(*words)

    async def _list(self, path: str) -> None:
        await self._entries(path, b"DENT", self._status, _STATUS.size)

    async def _list_v2(self, path: str) -> None:
        def describe(entry: str) -> bytes:
            return self._status_v2(entry, follow=False)

        await self._entries(path, b"DNT2", describe, _STATUS_V2.size)

    async def _entries(self, path: str, word: bytes, describe, size: int) -> None:
        parts = []
        try:
            names = self._device.files.list(_absolute(path))
        except OSError:
            names = []  # the protocol has no way to say that a folder cannot be listed
        for name in names:
            encoded = os.fsencode(name)
            facts = describe(posixpath.join(_absolute(path), name))
            parts.append(word + facts + struct.pack("<I", len(encoded)) + encoded)
        await self._stream.write(b"".join(parts) + b"DONE" + bytes(size + 4))

    async def _receive(self, path: str) -> None:
        try:
            file = self._device.files.open(_absolute(path))
        except OSError as error:
            await self.fail(f"open failed: {error.strerror}")
            return
        with file:
            # Several chunks to a packet: each packet waits for its OKAY.
            while data := file.read(8 * MAX_DATA_BYTES):
                chunks = (
                    data[start : start + MAX_DATA_BYTES]
                    for start in range(0, len(data), MAX_DATA_BYTES)
                )
                await self._stream.write(
                    b"".join(_HEADER.pack(b"DATA", len(chunk)) + chunk for chunk in chunks)
                )
        await self._stream.write(_HEADER.pack(b"DONE", 0))

    async def _send(self, request: str) -> None:
        path, comma, text = request.rpartition(",")
        if not comma or not text.isdecimal() or len(text) > 10:
            raise _EndError("missing , in ID_SEND" if not comma else "bad mode")
        path, mode = _absolute(path), int(text) & 0xFFFF
        files = self._device.files
        if stat.S_ISLNK(mode):
            await self._send_link(path)
            return
        file: WritableFile | None = None
        whole = False
        try:
            try:
                files.make_folder(posixpath.dirname(path), parents=True)
                if os.path.lexists(files.on_host(path, follow=False)):
                    files.remove(path)  # as adbd does: a link is replaced, not written through
                file = files.create(path)
            except OSError as error:
                await self._refuse(f"couldn't create file: {error.strerror}")
                return
            try:
                seconds = await self._content(file)
            except OSError as error:
                await self._refuse(f"write failed: {error.strerror}")
                return
            whole = True
        finally:
            if file:
                file.close()
                if not whole:
                    with contextlib.suppress(OSError):  # removed by a shell meanwhile
                        files.remove(path)
        host = files.on_host(path)
        os.utime(host, (seconds, seconds))
        # The owner's bits count for all, or programs could not be run by others.
        owner = mode >> 6 & 7
        files.change_mode(path, owner << 6 | owner << 3 | owner)
        await self._stream.write(_HEADER.pack(b"OKAY", 0))

    async def _send_link(self, path: str) -> None:
        target = b""
        async for data in self._data():
            target += data
            if len(target) > MAX_PATH_BYTES:
                raise _EndError("path too long")
        try:
            files = self._device.files
            files.make_folder(posixpath.dirname(path), parents=True)
            files.link(os.fsdecode(target.rstrip(b"\0")), path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "Invalid argument"
            await self.fail(f"couldn't create symlink: {reason}")
        else:
            await self._stream.write(_HEADER.pack(b"OKAY", 0))

    async def _content(self, file: WritableFile) -> int:
        """Write DATA chunks to `file` up to DONE; return the time that comes with it."""
        async for data in self._data():
            file.write_now(data)
        return self._done_s

    async def _refuse(self, reason: str) -> None:
        """Say why a file cannot be taken, and pass over the rest of it."""
        await self.fail(reason)
        async for _ in self._data():
            pass

    async def _data(self):
        """The payload of each DATA chunk, up to DONE."""
        while True:
            word, size = _HEADER.unpack(await self._stream.read_exactly(_HEADER.size))
            if word == b"DONE":
                self._done_s = size
                return
            if word != b"DATA":
                raise _EndError("invalid data message")
            if size > MAX_DATA_BYTES:
                raise _EndError("oversize data message")
            yield await self._stream.read_exactly(size)


def _absolute(path: str) -> str:
    return posixpath.join("/", path)


def _seconds(found: os.stat_result) -> int:
    return int(found.st_mtime) & 0xFFFFFFFF
