"""Keys of computers that may use the phone: Android's public key format and its check.

The format is that of mincrypt: number of 32-bit words, n0inv, modulus, R² (both little
endian), exponent; in base64, followed by a name for people. What is signed is a token of
20 random bytes that stands in the place of a SHA-1 digest.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hmac
import struct

TOKEN_BYTES = 20
MODULUS_BYTES = 256
_STRUCT = struct.Struct(f"<II{MODULUS_BYTES}s{MODULUS_BYTES}sI")
_SHA1_DIGEST_INFO = bytes.fromhex("3021300906052b0e03021a05000414")


@dataclasses.dataclass(frozen=True)
class PublicKey:
    """An RSA key of 2048 bits; `name` is a comment such as `user@host`."""

    modulus: int
    exponent: int
    name: str = dataclasses.field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read the content of an `adbkey.pub`.

        Raises:
            ValueError: It is not base64, or not the structure of a 2048-bit key.
        """
        encoded, _, name = text.strip().strip("\0").partition(" ")
        try:
            data = base64.b64decode(encoded.encode("ascii"), validate=True)
            words, _n0inv, modulus, _r2, exponent = _STRUCT.unpack(data)
        except (UnicodeEncodeError, binascii.Error, struct.error) as error:
            raise ValueError("Not a public key in Android's format.") from error
        number = int.from_bytes(modulus, "little")
        if words * 4 != MODULUS_BYTES or number.bit_length() != 8 * MODULUS_BYTES:
            raise ValueError("A public key must have 2048 bits.")
        if exponent not in (3, 65537):
            raise ValueError(f"A public key's exponent must be 3 or 65537. Received: {exponent}.")
        return cls(number, exponent, name)

    def verifies(self, signature: bytes, token: bytes) -> bool:
        """Whether `signature` is this key's PKCS #1 v1.5 signature of `token`."""
        if len(signature) != MODULUS_BYTES or len(token) != TOKEN_BYTES:
            return False
        number = int.from_bytes(signature, "big")
        if number >= self.modulus:
            return False
        found = pow(number, self.exponent, self.modulus).to_bytes(MODULUS_BYTES, "big")
        # The whole block is compared, never searched: a parser that skips the padding
        # can be fooled with a forged signature for exponent 3.
        tail = b"\0" + _SHA1_DIGEST_INFO + token
        wanted = b"\0\1" + b"\xff" * (MODULUS_BYTES - 2 - len(tail)) + tail
        return hmac.compare_digest(found, wanted)


class Keyring:
    """Which computers may use the phone, and which have asked.

    Attributes:
        required: Whether the phone asks for a signature at all.
        accepted: Keys whose owners may use the phone.
        offered: Keys that were shown and wait for a person's answer, oldest first.
    """

    def __init__(self, accepted: tuple[str, ...] | None) -> None:
        self.required = accepted is not None
        self.accepted = {PublicKey.parse(text) for text in accepted or ()}
        self.offered: list[PublicKey] = []

    def verifies(self, signature: bytes, token: bytes) -> bool:
        """Whether one of the accepted keys made `signature`."""
        return any(key.verifies(signature, token) for key in self.accepted)

    def offer(self, key: PublicKey) -> None:
        """Note that the owner of `key` asks to be accepted."""
        if key not in self.offered:
            self.offered.append(key)

    def accept_offered(self) -> int:
        """Accept all keys that wait; return how many those were."""
        count = len(self.offered)
        self.accepted.update(self.offered)
        self.offered.clear()
        return count
