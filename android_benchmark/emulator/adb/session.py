"""One connection of an adb server: greeting, authorization, and its streams."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os

from android_benchmark.emulator.adb import packets
from android_benchmark.emulator.adb.keys import TOKEN_BYTES, Keyring, PublicKey
from android_benchmark.emulator.adb.packets import AuthKind, Command, Header, Packet
from android_benchmark.emulator.adb.services import find_service
from android_benchmark.emulator.adb.streams import Stream
from android_benchmark.emulator.adb.wire import Wire
from android_benchmark.emulator.device.device import EmulatedDevice
from android_benchmark.emulator.errors import ProtocolError, StreamClosedError
from android_benchmark.emulator.faults import Offline, RefuseService

_LOG = logging.getLogger(__name__)


class Session:
    """Serves one connection from its first byte to its end."""

    def __init__(self, device: EmulatedDevice, keyring: Keyring, wire: Wire) -> None:
        self.device = device
        self.max_payload_bytes = packets.MIN_PAYLOAD_BYTES
        self._keyring = keyring
        self._wire = wire
        self._streams: dict[int, Stream] = {}
        self._tasks: dict[Stream, asyncio.Task[None]] = {}
        self._ids = itertools.count(1)
        self._host_version = 0
        self._online = False
        self._token = b""
        self._offered: PublicKey | None = None

    async def run(self) -> None:
        """Serve until the connection ends; never raises for what the host sends."""
        try:
            while True:
                header = Header.decode(await self._wire.read_exactly(packets.HEADER.size))
                payload = await self._wire.read_exactly(header.payload_bytes)
                await self._handle(header.with_payload(payload, checksum=self._checks(header)))
        except ConnectionError:
            pass
        except ProtocolError as error:
            _LOG.debug("closing a connection: %s", error)
        finally:
            self._wire.abort()
            await self._end_streams()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._wire.abort()

    async def send(self, packet: Packet) -> None:
        """Send one packet to the host."""
        await self._wire.write(packet.encode(checksum=self._checksum))

    async def let_in(self, key: PublicKey) -> None:
        """Go online if the owner of `key` waits here for a person's answer."""
        if self._offered == key and not self._online:
            await self._go_online()

    def _checks(self, header: Header) -> bool:
        """Whether the host gives checksums; a greeting says it of itself.

        A host that comes back after a lost connection leaves them out from its first packet
        on, as it still knows the phone's version.
        """
        version = header.arg0 if header.command is Command.CNXN else self._host_version
        return version < packets.VERSION_WITHOUT_CHECKSUM

    @property
    def _checksum(self) -> bool:
        # The host knows the phone's version only when the phone has greeted it.
        return not self._online or self._host_version < packets.VERSION_WITHOUT_CHECKSUM

    async def _handle(self, packet: Packet) -> None:
        if self.device.faults.get(Offline):
            return
        if packet.command is Command.CNXN:
            await self._greet(packet)
        elif packet.command is Command.AUTH:
            await self._authorize(packet)
        elif not self._online:
            pass  # as the real daemon does: nothing is served to strangers, nor answered
        elif packet.command is Command.OPEN:
            await self._open(packet)
        else:
            await self._pass_on(packet)

    async def _greet(self, packet: Packet) -> None:
        await self._end_streams()
        self._online = False
        self._host_version = packet.arg0
        limit = min(packet.arg1, packets.MAX_PAYLOAD_BYTES)
        self.max_payload_bytes = max(limit, packets.MIN_PAYLOAD_BYTES)
        if self._keyring.required:
            await self._ask()
        else:
            await self._go_online()

    async def _ask(self) -> None:
        self._token = os.urandom(TOKEN_BYTES)
        await self.send(Packet(Command.AUTH, AuthKind.TOKEN, 0, self._token))

    async def _authorize(self, packet: Packet) -> None:
        if self._online or not self._token:
            return
        if packet.arg0 == AuthKind.SIGNATURE:
            # A token serves once, or a signature could be tried again.
            token, self._token = self._token, b""
            if self._keyring.verifies(packet.payload, token):
                await self._go_online()
            else:
                await self._ask()
        elif packet.arg0 == AuthKind.PUBLIC_KEY:
            try:
                self._offered = PublicKey.parse(packet.payload.decode("ascii", "replace"))
            except ValueError as error:
                raise ProtocolError(str(error)) from error
            # Holding a public key proves nothing: even an accepted one waits for a person.
            self._keyring.offer(self._offered)

    async def _go_online(self) -> None:
        banner = self.device.banner().encode()
        greeting = Packet(Command.CNXN, packets.VERSION, packets.MAX_PAYLOAD_BYTES, banner)
        await self.send(greeting)
        self._online = True

    async def _open(self, packet: Packet) -> None:
        name = os.fsdecode(packet.payload.split(b"\0", 1)[0])
        self.device.opened.append(name)
        service = find_service(name)
        refused = any(name.startswith(f.prefix) for f in self.device.faults.all(RefuseService))
        if packet.arg0 == 0:
            raise ProtocolError("A stream's id must not be 0.")
        if service is None or refused:
            await self.send(Packet(Command.CLSE, 0, packet.arg0))
            return
        stream = Stream(self, next(self._ids), packet.arg0)
        self._streams[stream.local_id] = stream
        await self.send(Packet(Command.OKAY, stream.local_id, stream.remote_id))
        self._tasks[stream] = asyncio.create_task(self._serve(service, stream, name))

    async def _serve(self, service, stream: Stream, name: str) -> None:
        try:
            await service(self.device, stream, name)
        except (StreamClosedError, ConnectionError):
            pass
        except Exception:
            # A phone does not go away because one of its services failed.
            _LOG.exception("service %r failed", name)
        finally:
            self._tasks.pop(stream, None)
            try:
                await stream.close()
            except ConnectionError:
                pass
            finally:
                self._streams.pop(stream.local_id, None)

    async def _pass_on(self, packet: Packet) -> None:
        stream = self._streams.get(packet.arg1)
        if stream is None or (packet.arg0 and packet.arg0 != stream.remote_id):
            if packet.command is not Command.CLSE:
                await self.send(Packet(Command.CLSE, 0, packet.arg0))
        elif packet.command is Command.WRTE:
            stream.receive(packet.payload)
        elif packet.command is Command.OKAY:
            stream.acknowledge()
        else:
            stream.shut()

    async def _end_streams(self) -> None:
        for stream in list(self._streams.values()):
            stream.shut()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._streams.clear()
