"""Packets, streams and the sync parser: round trips, and no harm from garbage."""

import asyncio
import contextlib
import logging
import os
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from android_benchmark.emulator import EmulatedPhone, ProtocolError, StreamClosedError
from android_benchmark.emulator.adb.packets import (
    HEADER,
    MAX_PAYLOAD_BYTES,
    Command,
    Header,
    Packet,
    checksum_of,
)
from android_benchmark.emulator.adb.shell_service import PacketInput
from android_benchmark.emulator.adb.streams import MOST_WAITING_BYTES, Stream
from android_benchmark.emulator.adb.sync_service import serve_sync
from tests.android_benchmark.emulator.test_keys import Client

words = st.integers(0, 0xFFFFFFFF)
packets = st.builds(Packet, st.sampled_from(Command), words, words, st.binary(max_size=2000))


@given(packets, st.booleans())
def test_packet_survives_the_round_trip(packet, checksum):
    """What was encoded is decoded as it was, with and without a checksum."""
    data = packet.encode(checksum=checksum)
    header = Header.decode(data[: HEADER.size])
    assert header.with_payload(data[HEADER.size :], checksum=checksum) == packet


@given(packets, st.integers(0, 1999))
def test_checksum_notices_a_changed_byte(packet, place):
    """One changed byte of the payload fails the check, if checks are asked for."""
    if not packet.payload:
        return
    changed = bytearray(packet.payload)
    changed[place % len(changed)] ^= 1
    header = Header.decode(packet.encode(checksum=True)[: HEADER.size])
    with pytest.raises(ProtocolError, match="checksum"):
        header.with_payload(bytes(changed), checksum=True)
    assert header.with_payload(bytes(changed), checksum=False).payload == changed


@given(st.binary(min_size=24, max_size=24))
def test_garbage_is_a_header_or_a_protocol_error(data):
    """Any 24 bytes decode or raise `ProtocolError`; nothing else."""
    with contextlib.suppress(ProtocolError):
        header = Header.decode(data)
        assert header.payload_bytes <= MAX_PAYLOAD_BYTES


def test_oversized_payload_is_refused_before_it_is_read():
    """A header that promises more than the limit is an error by itself."""
    command = Command.WRTE
    data = HEADER.pack(command, 1, 1, MAX_PAYLOAD_BYTES + 1, 0, command ^ 0xFFFFFFFF)
    with pytest.raises(ProtocolError, match="at most"):
        Header.decode(data)


def test_checksum_is_the_sum_of_all_bytes():
    """The documents call it a CRC; it is a sum."""
    assert checksum_of(b"\xff\xff\x01") == 511


class Peer:
    """The host's end of one stream, without a connection."""

    max_payload_bytes = 4096

    def __init__(self):
        self.sent = []
        self.stream = Stream(self, 1, 7)
        self.answers = True

    async def send(self, packet):
        self.sent.append(packet)
        if packet.command is Command.WRTE and self.answers:
            self.stream.acknowledge()

    async def feed(self, data, step):
        """Write as a host does: one packet at a time, each after the OKAY to the last."""
        for start in range(0, len(data), step):
            okays = self.count(Command.OKAY)
            self.stream.receive(data[start : start + step])
            while self.count(Command.OKAY) == okays and not self.stream.is_closed:
                await asyncio.sleep(0)
        self.stream.shut()

    def count(self, command):
        return sum(packet.command is command for packet in self.sent)

    def payload(self):
        return b"".join(p.payload for p in self.sent if p.command is Command.WRTE)


def test_stream_writes_packets_of_the_hosts_size_one_at_a_time():
    """A write is split at the host's limit, and each piece waits for OKAY."""

    async def scenario():
        peer = Peer()
        peer.answers = False
        writing = asyncio.ensure_future(peer.stream.write(bytes(10_000)))
        for sent in (1, 2, 3):
            await asyncio.sleep(0.001)
            assert peer.count(Command.WRTE) == sent
            peer.stream.acknowledge()
        await writing
        assert [len(packet.payload) for packet in peer.sent] == [4096, 4096, 1808]

    asyncio.run(scenario())


def test_stream_acknowledges_what_was_read_only():
    """A slow reader holds its sender up: OKAY is sent when all bytes were taken."""

    async def scenario():
        peer = Peer()
        peer.stream.receive(b"abcdef")
        assert await peer.stream.read(4) == b"abcd"
        assert peer.count(Command.OKAY) == 0
        assert await peer.stream.read(4) == b"ef"
        assert peer.count(Command.OKAY) == 1

    asyncio.run(scenario())


def test_sender_that_does_not_wait_breaks_the_protocol():
    """A WRTE before OKAY is taken, as adb sends one at its end, but never without bound."""
    peer = Peer()
    peer.stream.receive(b"one")
    peer.stream.receive(b"two")
    peer.stream.shut()
    assert asyncio.run(peer.stream.read()) == b"onetwo"
    peer.stream.receive(b"three")
    with pytest.raises(ProtocolError):
        peer.stream.receive(bytes(MOST_WAITING_BYTES))


def test_closed_stream_wakes_its_writer():
    """A writer that waits for OKAY learns that the host has gone."""

    async def scenario():
        peer = Peer()
        peer.answers = False
        writing = asyncio.ensure_future(peer.stream.write(bytes(10_000)))
        await asyncio.sleep(0.001)
        peer.stream.shut()
        with pytest.raises(StreamClosedError):
            await writing

    asyncio.run(scenario())


shell_packets = st.tuples(st.sampled_from([0, 0, 0, 5, 9]), st.binary(max_size=300))


@given(st.lists(shell_packets, max_size=12), st.booleans(), st.integers(1, 500))
def test_standard_input_is_unpacked_however_it_is_cut(pieces, closed, step):
    """Input packets join to what was sent, others are passed over, packet 4 ends it."""
    data = b"".join(struct.pack("<BI", kind, len(body)) + body for kind, body in pieces)
    data += struct.pack("<BI", 4, 0) + struct.pack("<BI", 0, 3) + b"end" if closed else b""

    async def scenario():
        peer = Peer()
        source = PacketInput(peer.stream)
        feeding = asyncio.ensure_future(peer.feed(data, step))
        found = b""
        while part := await source.read(100):
            found += part
        feeding.cancel()
        assert found == b"".join(body for kind, body in pieces if kind == 0)

    asyncio.run(asyncio.wait_for(scenario(), 20))


@pytest.fixture(scope="module")
def device():
    """A device whose sync service is asked directly."""
    with EmulatedPhone(sdk=30) as phone:
        yield phone.device


def _converse(device, data, step=4000):
    """What the sync service answers to `data`."""

    async def scenario():
        peer = Peer()
        feeding = asyncio.ensure_future(peer.feed(data, step))
        with contextlib.suppress(StreamClosedError):
            await serve_sync(device, peer.stream, "sync:")
        feeding.cancel()
        return peer.payload()

    return asyncio.run(asyncio.wait_for(scenario(), 20))


requests = st.sampled_from(
    [b"STAT", b"LIST", b"SEND", b"RECV", b"STA2", b"LST2", b"LIS2", b"DATA", b"DONE", b"QUIT"]
)
paths = st.sampled_from(
    [b"/sdcard/f,33188", b"/sdcard/l,41471", b"/sdcard", b"/", b"/proc/version", b"/x\0y", b"..,1"]
)
frames = st.builds(
    lambda word, body, lie: word + struct.pack("<I", len(body) if lie is None else lie) + body,
    requests,
    st.one_of(paths, st.binary(max_size=40), st.just(b"/sdcard/" + b"n" * 900)),
    st.one_of(st.none(), st.none(), words),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.one_of(st.binary(max_size=200), st.lists(frames, max_size=6).map(b"".join)))
def test_sync_never_fails_on_garbage(device, caplog, data):
    """Any bytes are answered or refused: no exception, no wait without end."""
    caplog.clear()
    _converse(device, data)
    assert not caplog.records


@given(content=st.binary(max_size=5000), mtime=words, step=st.integers(1, 6000))
@settings(deadline=None)
def test_sync_returns_what_was_sent(device, content, mtime, step):
    """RECV gives back what SEND took, however it is cut; the owner's bits count for all."""
    send = b"/sdcard/round,33188"
    data = b"SEND" + struct.pack("<I", len(send)) + send
    data += b"DATA" + struct.pack("<I", len(content)) + content + b"DONE"
    data += struct.pack("<I", mtime)
    data += b"RECV" + struct.pack("<I", 13) + b"/sdcard/round"
    data += b"STAT" + struct.pack("<I", 13) + b"/sdcard/round"
    answer = _converse(device, data, step)
    expected = b"OKAY" + bytes(4)
    if content:
        expected += b"DATA" + struct.pack("<I", len(content)) + content
    expected += b"DONE" + bytes(4)
    expected += b"STAT" + struct.pack("<III", 0o100666, len(content), mtime)
    assert answer == expected


def test_sync_names_what_it_does_not_know(device):
    """An unknown request is answered with FAIL and ends the conversation."""
    answer = _converse(device, b"WHAT" + bytes(4) + b"STAT" + bytes(4))
    assert answer[:4] == b"FAIL"
    assert b"unknown command" in answer
    assert b"STAT" not in answer


def test_sync_link_stays_within_the_phone(device):
    """A pushed symbolic link is the phone's: reading it finds the phone's file or none."""
    target = os.fsencode(__file__)
    name = b"/sdcard/link,41471"
    data = b"SEND" + struct.pack("<I", len(name)) + name
    data += b"DATA" + struct.pack("<I", len(target)) + target + b"DONE" + bytes(4)
    data += b"RECV" + struct.pack("<I", 12) + b"/sdcard/link"
    answer = _converse(device, data)
    assert answer.startswith(b"OKAY")
    assert b"FAIL" in answer
    assert b"No such file or directory" in answer


@settings(max_examples=60, deadline=None)
@given(
    greeting=st.booleans(),
    data=st.one_of(
        st.binary(max_size=400),
        st.lists(packets.map(lambda p: p.encode(checksum=True)), max_size=8).map(b"".join),
        st.lists(
            st.builds(
                lambda name: Packet(Command.OPEN, 5, 0, name).encode(checksum=True),
                st.sampled_from([b"shell:", b"shell,v2:cat", b"sync:", b"exec:cat", b"\xff"]),
            ),
            max_size=4,
        ).map(b"".join),
    ),
)
def test_garbage_on_the_wire_harms_no_other_connection(quiet_phone, greeting, data):
    """Whatever one connection sends, the phone greets the next, and logs no exception."""
    with contextlib.closing(Client(quiet_phone)) as impostor:
        if greeting:
            impostor.send(Command.CNXN, 0x01000000, 4096, b"host::\0")
        impostor._socket.sendall(data)
    with contextlib.closing(Client(quiet_phone)) as client:
        client.send(Command.CNXN, 0x01000001, 1 << 20, b"host::\0")
        assert client.receive().command is Command.CNXN


@pytest.fixture(scope="module")
def quiet_phone():
    """A phone whose log must stay empty."""
    records = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = records.append
    loggers = [logging.getLogger(name) for name in ("android_benchmark", "asyncio")]
    for logger in loggers:
        logger.addHandler(handler)
    with EmulatedPhone() as phone:
        yield phone
    for logger in loggers:
        logger.removeHandler(handler)
    assert not [record.getMessage() for record in records]


def test_old_host_gets_checksums_and_small_packets(quiet_phone):
    """With the first protocol version, checksums stay and payloads keep to 4096 bytes."""
    with contextlib.closing(Client(quiet_phone)) as client:
        client.send(Command.CNXN, 0x01000000, 4096, b"host::\0")
        client.receive()
        client.send(
            Command.OPEN,
            3,
            0,
            b"exec:cat /proc/cpuinfo /proc/cpuinfo /proc/cpuinfo "
            b"/proc/cpuinfo /proc/cpuinfo /proc/cpuinfo /proc/cpuinfo\0",
        )
        opened = client.receive()
        sizes = []
        while (packet := client.receive()).command is Command.WRTE:
            sizes.append(len(packet.payload))
            client.send(Command.OKAY, 3, opened.arg0)
        assert packet.command is Command.CLSE
        assert max(sizes) <= 4096
