"""The adb program, against the emulated phone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark import errors
from android_benchmark.emulator import EmulatedPhone, Offline
from android_benchmark.phone.adb import Adb, AdbDevice, Listed, program
from tests.support.emulated import listed_state, needs_adb

MDNS = "adb-R5CT (2)._adb-tls-connect._tcp"


def _wait(adb, serial, state):
    deadline = time.monotonic() + 20
    while listed_state(adb, serial) != state and time.monotonic() < deadline:
        time.sleep(0.05)
    assert listed_state(adb, serial) == state


@needs_adb
def test_a_phone_is_listed_and_chosen(adb, phone):
    """Alone, it needs no serial; its state and model are told."""
    assert phone.serial in [one.serial for one in adb.devices()]
    assert adb.choose().serial == adb.choose(phone.serial).serial == phone.serial
    assert adb.choose().state == "device"


@needs_adb
def test_several_phones_need_a_serial(adb, phone, server):
    """Never the wrong phone: without a serial there is none."""
    with EmulatedPhone() as other:
        server.connect(other.serial)
        with pytest.raises(errors.DeviceChoiceError, match="which phone, since there are several"):
            adb.choose()
        assert adb.choose(other.serial).serial == other.serial
        chosen = Adb(environment=server.environment | {"ANDROID_SERIAL": other.serial})
        assert chosen.choose().serial == other.serial
        server.run("disconnect", other.serial)


@needs_adb
def test_an_unknown_serial_is_told_what_there_is(adb, phone):
    """The message lists the phones that are connected."""
    with pytest.raises(errors.DeviceChoiceError, match=f"no phone abc. Connected: .*{phone.port}"):
        adb.choose("abc")


@needs_adb
def test_a_phone_that_does_not_trust_this_computer_is_not_ready(adb, server):
    """It is unauthorized until somebody accepts the key; then it is ready."""
    with EmulatedPhone(keys=()) as phone:
        server.run("connect", phone.serial)
        _wait(adb, phone.serial, "unauthorized")
        with pytest.raises(errors.UnauthorizedError, match="accept this computer's key"):
            adb.choose(phone.serial)
        with pytest.raises(errors.UnauthorizedError):
            AdbDevice(adb, phone.serial).shell("true")
        server.run("disconnect", phone.serial)


@needs_adb
def test_an_offline_phone_is_transient(adb, phone):
    """It is listed and does not answer."""
    phone.inject(Offline())
    _wait(adb, phone.serial, "offline")
    with pytest.raises(errors.OfflineError, match="is offline"):
        adb.choose(phone.serial)


STATES = [
    *("device", "offline", "unauthorized", "authorizing", "connecting", "recovery", "sideload"),
    *("bootloader", "rescue", "host", "detached", "unknown", "no permissions"),
    "no permissions; verify udev rules; see [http://a/b.html]",
]
DESCRIBED = ["usb:1-4.2", "3-1", "product:gemini", "model:MI_5", "device:gemini", "transport_id:7"]


@given(
    st.lists(st.text("abz09:()._-#", min_size=1), min_size=1, max_size=4).map(" ".join),
    st.sampled_from(STATES),
    st.lists(st.sampled_from(DESCRIBED), unique=True),
    st.sampled_from(["\t", " ", "   "]),
)
def test_a_serial_is_everything_before_the_state(serial, state, described, gap):
    """Whatever it holds, whatever the state, and however adb goes on about the phone."""
    found = program._listed(gap.join([serial, " ".join([state, *described])]))
    assert found.serial == serial
    assert found.state == ("no permissions" if state.startswith("no perm") else state)
    assert found.model == ("MI 5" if "model:MI_5" in described else None)


def test_news_before_the_list_are_no_phones():
    """What a server says while it starts stands above the heading, in whatever words."""
    text = (
        "Some vendor's tool is old\n* daemon started\nList of devices attached\nab cd\tdevice\n\n"
    )
    assert program._list(text) == (Listed("ab cd", "device"),)


def test_without_adb_it_says_how_to_get_it(tmp_path):
    """A path that has no adb is one clear line."""
    with pytest.raises(errors.AdbMissingError, match="Install Android's platform tools"):
        Adb(environment={"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("List of devices attached", None),
        ("", None),
        ("* daemon started successfully", None),
        ("abc\tdevice", Listed("abc", "device")),
        (
            "01ab  device usb:1-4 product:gemini model:MI_5 device:gemini transport_id:2",
            Listed("01ab", "device", "MI 5"),
        ),
        ("01ab  unauthorized usb:1-4 transport_id:2", Listed("01ab", "unauthorized")),
        (
            "01ab  no permissions (missing udev rules?); see [http://…]; usb:1-4",
            Listed("01ab", "no permissions"),
        ),
        ("adb-R5CT (2)._adb-tls-connect._tcp\tdevice", Listed(MDNS, "device")),
        (f"{MDNS} offline transport_id:3", Listed(MDNS, "offline")),
        (
            f"{MDNS} device product:a model:SM_S918B device:dm3q transport_id:12",
            Listed(MDNS, "device", "SM S918B"),
        ),
        (
            "(no serial number)     no permissions (user a is not in plugdev); see [http]",
            Listed("(no serial number)", "no permissions"),
        ),
        ("????????????\tno permissions", Listed("????????????", "no permissions")),
        ("my device model:b device usb:1-4.2", Listed("my device model:b", "device")),
        ("01ab  device 3-1 product:a", Listed("01ab", "device")),
    ],
)
def test_lines_of_the_list_are_read(line, expected):
    """Every state that adb has, and the lines around them."""
    assert program._listed(line) == expected


@pytest.mark.parametrize("state", ["offline", "unauthorized", "no permissions", "recovery", "odd"])
def test_every_state_but_ready_has_advice(state):
    """A state without a remedy would leave the user alone."""
    assert Listed("abc", state).advice
    assert not Listed("abc", "device").advice
