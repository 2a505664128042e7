"""Packets of the adb protocol: a header of 24 bytes and a payload.

Source of the format: `protocol.txt` in Android's adb.
"""

from __future__ import annotations

import dataclasses
import enum
import struct

from android_benchmark.emulator.errors import ProtocolError

VERSION = 0x01000001
"""The protocol version spoken here."""

VERSION_WITHOUT_CHECKSUM = 0x01000001
"""From this version of both sides on, checksums are neither written nor read."""

MAX_PAYLOAD_BYTES = 1 << 20
"""The largest payload taken; each side names its own limit in CNXN."""

MIN_PAYLOAD_BYTES = 4096
"""What every side must take: the limit of the first protocol version."""

HEADER = struct.Struct("<6I")


class Command(enum.IntEnum):
    """First word of a packet: four letters, read as a little-endian number."""

    CNXN = int.from_bytes(b"CNXN", "little")
    AUTH = int.from_bytes(b"AUTH", "little")
    OPEN = int.from_bytes(b"OPEN", "little")
    OKAY = int.from_bytes(b"OKAY", "little")
    CLSE = int.from_bytes(b"CLSE", "little")
    WRTE = int.from_bytes(b"WRTE", "little")


class AuthKind(enum.IntEnum):
    """What an AUTH packet carries, in its first argument."""

    TOKEN = 1
    SIGNATURE = 2
    PUBLIC_KEY = 3


@dataclasses.dataclass(frozen=True)
class Packet:
    """One packet; what the arguments mean depends on the command."""

    command: Command
    arg0: int
    arg1: int
    payload: bytes = b""

    def encode(self, *, checksum: bool) -> bytes:
        """The packet as it travels; without `checksum`, that field is 0."""
        total = checksum_of(self.payload) if checksum else 0
        magic = self.command ^ 0xFFFFFFFF
        words = (self.command, self.arg0, self.arg1, len(self.payload), total, magic)
        return HEADER.pack(*words) + self.payload


@dataclasses.dataclass(frozen=True)
class Header:
    """The first 24 bytes of a packet, validated."""

    command: Command
    arg0: int
    arg1: int
    payload_bytes: int
    checksum: int

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """Read a header of 24 bytes.

        Raises:
            ProtocolError: The command is unknown, the magic word does not match it, or
                the payload would be larger than `MAX_PAYLOAD_BYTES`.
        """
        command, arg0, arg1, size, checksum, magic = HEADER.unpack(data)
        if magic != command ^ 0xFFFFFFFF:
            raise ProtocolError(f"The magic word does not match command {command:#010x}.")
        if size > MAX_PAYLOAD_BYTES:
            raise ProtocolError(f"A payload has at most {MAX_PAYLOAD_BYTES} B. Received: {size}.")
        try:
            known = Command(command)
        except ValueError:
            raise ProtocolError(f"Unknown command {command:#010x}.") from None
        return cls(known, arg0, arg1, size, checksum)

    def with_payload(self, payload: bytes, *, checksum: bool) -> Packet:
        """The whole packet.

        Raises:
            ProtocolError: `checksum` asks for the check, and the payload fails it.
        """
        if checksum and checksum_of(payload) != self.checksum:
            raise ProtocolError(f"The payload of {self.command.name} fails its checksum.")
        return Packet(self.command, self.arg0, self.arg1, payload)


def checksum_of(payload: bytes) -> int:
    """Sum of all bytes, in 32 bits (called a CRC in the documentation, which it is not)."""
    return sum(payload) & 0xFFFFFFFF
