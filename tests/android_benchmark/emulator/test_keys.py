"""Authorization on the wire, as an impostor would try it, and Android's key format."""

import base64
import contextlib
import random
import socket
import struct

import pytest

from android_benchmark.emulator import EmulatedPhone
from android_benchmark.emulator.adb.keys import PublicKey
from android_benchmark.emulator.adb.packets import HEADER, AuthKind, Command, Header, Packet

DIGEST_INFO = bytes.fromhex("3021300906052b0e03021a05000414")


def _is_prime(number, rounds=24):
    if any(number % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    generator = random.Random(number)
    for _ in range(rounds):
        x = pow(generator.randrange(2, number - 1), odd, number)
        if x in (1, number - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True


class PrivateKey:
    """An RSA key of 2048 bits that only a test may trust."""

    def __init__(self, seed):
        generator = random.Random(seed)
        primes = []
        while len(primes) < 2:
            candidate = generator.getrandbits(1024) | 3 << 1022 | 1
            if (candidate - 1) % 65537 and _is_prime(candidate):
                primes.append(candidate)
        self.modulus = primes[0] * primes[1]
        self.exponent = pow(65537, -1, (primes[0] - 1) * (primes[1] - 1))

    def public(self, exponent=65537, words=64):
        """The text of an `adbkey.pub`."""
        n0inv = -pow(self.modulus, -1, 1 << 32) % (1 << 32)
        squared = pow(2, 4096, self.modulus)
        data = struct.pack("<II", words, n0inv) + self.modulus.to_bytes(256, "little")
        data += squared.to_bytes(256, "little") + struct.pack("<I", exponent)
        return base64.b64encode(data).decode() + " impostor@host"

    def sign(self, token, *, padding=b"\xff", info=DIGEST_INFO):
        """A PKCS #1 v1.5 signature of a token."""
        tail = b"\0" + info + token
        block = b"\0\1" + padding * (254 - len(tail)) + tail
        number = pow(int.from_bytes(block, "big"), self.exponent, self.modulus)
        return number.to_bytes(256, "big")


@pytest.fixture(scope="module")
def key():
    """The key of a computer."""
    return PrivateKey(1)


@pytest.fixture(scope="module")
def stranger():
    """Another computer's key."""
    return PrivateKey(2)


class Client:
    """A host that speaks the protocol packet by packet."""

    def __init__(self, phone):
        self._socket = socket.create_connection(("127.0.0.1", phone.port), timeout=20)

    def send(self, command, arg0, arg1, payload=b""):
        self._socket.sendall(Packet(command, arg0, arg1, payload).encode(checksum=True))

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        header = Header.decode(self._exactly(HEADER.size))
        return header.with_payload(self._exactly(header.payload_bytes), checksum=True)

    def greet(self):
        """Say hello and return the token to sign."""
        self.send(Command.CNXN, 0x01000001, 1 << 20, b"host::features=shell_v2\0")
        answer = self.receive()
        assert (answer.command, answer.arg0, len(answer.payload)) == (Command.AUTH, 1, 20)
        return answer.payload

    def close(self):
        self._socket.close()


@pytest.fixture
def client(key):
    """A host at the door of a phone that knows `key`."""
    with (
        EmulatedPhone(keys=(key.public(),)) as phone,
        contextlib.closing(Client(phone)) as client,
    ):
        client.phone = phone
        yield client


def test_right_signature_opens(client, key):
    """The owner of an accepted key is let in."""
    client.send(Command.AUTH, AuthKind.SIGNATURE, 0, key.sign(client.greet()))
    assert client.receive().command is Command.CNXN


@pytest.mark.parametrize(
    "forge",
    [
        lambda key, stranger, token: stranger.sign(token),
        lambda key, stranger, token: key.sign(bytes(20)),
        lambda key, stranger, token: key.sign(token, padding=b"\0"),
        lambda key, stranger, token: key.sign(token, info=DIGEST_INFO[::-1]),
        lambda key, stranger, token: key.sign(token)[:-1],
        lambda key, stranger, token: bytes(256),
        lambda key, stranger, token: b"\xff" * 256,
        lambda key, stranger, token: b"",
    ],
    ids=["stranger", "other token", "padding", "digest", "short", "zeros", "ones", "empty"],
)
def test_wrong_signature_gets_a_new_token(client, key, stranger, forge):
    """A forgery is answered with another token, and nothing is served."""
    token = client.greet()
    client.send(Command.AUTH, AuthKind.SIGNATURE, 0, forge(key, stranger, token))
    answer = client.receive()
    assert (answer.command, answer.arg0) == (Command.AUTH, AuthKind.TOKEN)
    assert answer.payload != token


def test_signature_of_an_old_token_is_worth_nothing(client, key, stranger):
    """A token serves for one try only."""
    token = client.greet()
    client.send(Command.AUTH, AuthKind.SIGNATURE, 0, stranger.sign(token))
    client.receive()
    client.send(Command.AUTH, AuthKind.SIGNATURE, 0, key.sign(token))
    assert client.receive().command is Command.AUTH


def test_public_key_alone_opens_nothing(client, key):
    """Who shows an accepted public key without a signature still waits for a person."""
    client.greet()
    client.send(Command.AUTH, AuthKind.PUBLIC_KEY, 0, key.public().encode() + b"\0")
    client.send(Command.OPEN, 1, 0, b"shell:id\0")
    client.send(Command.CNXN, 0x01000001, 1 << 20, b"host::\0")
    assert client.receive().command is Command.AUTH
    assert client.phone.opened == ()


def test_service_before_authorization_is_ignored(client):
    """OPEN before the signature is not even answered."""
    client.greet()
    client.send(Command.OPEN, 1, 0, b"shell:id\0")
    client.send(Command.AUTH, AuthKind.SIGNATURE, 0, b"")
    assert client.receive().command is Command.AUTH
    assert client.phone.opened == ()


def test_reads_androids_key_format(key):
    """Modulus, exponent and remark come out of the base64 structure."""
    found = PublicKey.parse(key.public())
    assert (found.modulus, found.exponent, found.name) == (key.modulus, 65537, "impostor@host")


@pytest.mark.parametrize("text", ["", "no base64 !", base64.b64encode(b"short").decode(), "é"])
def test_rejects_what_is_no_key(text):
    """Text that is not a key raises ValueError."""
    with pytest.raises(ValueError, match="format"):
        PublicKey.parse(text)


def test_rejects_keys_of_other_sizes_and_exponents(key):
    """Only 2048 bits and the two exponents of Android's tools are taken."""
    with pytest.raises(ValueError, match="2048 bits"):
        PublicKey.parse(key.public(words=32))
    with pytest.raises(ValueError, match="exponent"):
        PublicKey.parse(key.public(exponent=1))


def test_wrong_key_at_start_is_an_error():
    """A phone cannot be made with something that is no key."""
    with pytest.raises(ValueError):
        EmulatedPhone(keys=("nonsense",))
