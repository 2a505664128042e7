"""The adb class, over the real adb program, against the emulated phone."""

from __future__ import annotations

import shutil
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark import errors
from android_benchmark.emulator import (
    DiskFull,
    DropConnection,
    EmulatedPhone,
    Offline,
    private_adb_server,
)
from android_benchmark.phone.adb import Adb, AdbDevice, Listed, program
from android_benchmark.phone.adb.trouble import trouble

needs_adb = pytest.mark.skipif(
    shutil.which("adb") is None, reason="needs the adb program (Debian: apt install adb)"
)


@pytest.fixture(scope="module")
def server():
    """An adb server of our own."""
    with private_adb_server() as server:
        yield server


@pytest.fixture
def phone(server):
    """A phone that the server knows."""
    with EmulatedPhone() as phone:
        server.connect(phone.serial)
        yield phone
        server.run("disconnect", phone.serial)


@pytest.fixture
def adb(server):
    """The class under test, on that server."""
    return Adb(environment=server.environment)


def _state(adb, serial):
    return next((one.state for one in adb.devices() if one.serial == serial), None)


def _wait(adb, serial, state):
    deadline = time.monotonic() + 20
    while _state(adb, serial) != state and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _state(adb, serial) == state


# --- With a phone ------------------------------------------------------------


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
@pytest.mark.parametrize("code", [0, 1, 3, 127])
def test_exit_codes_are_the_commands_own(adb, phone, code):
    """Output, error output and exit code arrive apart and unchanged."""
    device = AdbDevice(adb, phone.serial)
    done = device.shell(f"echo out; echo err >&2; exit {code}")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", code)


@needs_adb
def test_output_without_an_end_of_line_is_kept_as_it_is(adb, phone):
    """Nothing is added or taken away, not even in an empty output."""
    device = AdbDevice(adb, phone.serial)
    assert device.shell("true").stdout == ""
    assert device.shell("echo -n abc").stdout == "abc"


@needs_adb
def test_files_go_there_and_back(adb, phone, tmp_path):
    """A name with blanks, quotes and a dollar is just a name."""
    device, name = AdbDevice(adb, phone.serial), "/data/local/tmp/a 'b';$(reboot).bin"
    (tmp_path / "sent").write_bytes(bytes(range(256)) * 4000)
    device.push(tmp_path / "sent", name)
    device.pull(name, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "sent").read_bytes()


@needs_adb
def test_properties_are_read(adb, phone):
    """`getprop` as a mapping."""
    assert AdbDevice(adb, phone.serial).properties()["ro.board.platform"] == "msm8996"


@needs_adb
def test_a_phone_that_refuses_is_a_stable_error(adb, phone, tmp_path):
    """No space, nowhere to write and no such file are not worth another try."""
    device = AdbDevice(adb, phone.serial)
    (tmp_path / "big").write_bytes(bytes(200_000))
    with pytest.raises(errors.NotWritableError, match="Read-only file system: choose a folder"):
        device.push(tmp_path / "big", "/system/big")
    with pytest.raises(errors.RemoteError, match="No such file or directory"):
        device.pull("/data/local/tmp/none", tmp_path / "none")
    phone.inject(DiskFull())
    with pytest.raises(errors.NoSpaceError, match="No space left on device: free some"):
        device.push(tmp_path / "big", "/data/local/tmp/big")


@needs_adb
def test_a_phone_that_is_unplugged_is_a_transient_error(adb, phone, tmp_path):
    """In the middle of a push, and for the commands after it."""
    device = AdbDevice(adb, phone.serial)
    (tmp_path / "big").write_bytes(bytes(3_000_000))
    phone.inject(DropConnection(after_bytes=500_000))
    with pytest.raises(errors.TransientError):
        device.push(tmp_path / "big", "/data/local/tmp/big")
    phone.unplug()
    _wait_until_gone(adb, phone.serial)
    with pytest.raises(errors.TransientError):
        device.shell("true")


def _wait_until_gone(adb, serial):
    deadline = time.monotonic() + 20
    while _state(adb, serial) == "device" and time.monotonic() < deadline:
        time.sleep(0.05)


@needs_adb
def test_a_command_has_a_bound(adb, phone):
    """One that does not end is given up."""
    with pytest.raises(errors.TimedOutError, match=r"no answer in 0\.5 s"):
        AdbDevice(adb, phone.serial).shell("sleep 30", timeout_s=0.5)


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


# --- Without a phone ---------------------------------------------------------


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


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("error: device offline", errors.OfflineError),
        ("error: device 'abc' not found", errors.TransportLostError),
        ("error: closed", errors.TransportLostError),
        ("error: more than one device/emulator", errors.DeviceChoiceError),
        ("error: insufficient permissions for device", errors.NoPermissionsError),
        (
            "* daemon not running; starting now at tcp:5037\nerror: cannot connect to daemon",
            errors.AdbServerError,
        ),
        (
            "adb server version (41) doesn't match this client (39); killing...",
            errors.AdbServerError,
        ),
        (
            "adb: error: failed to copy 'a' to 'b': remote No space left on device",
            errors.NoSpaceError,
        ),
        (
            "adb: error: failed to copy 'a' to 'b': couldn't read from device",
            errors.TransportLostError,
        ),
        ("adb: usage: unknown command", errors.RemoteError),
        ("", errors.RemoteError),
    ],
)
def test_what_adb_says_has_a_meaning(said, kind):
    """Each of adb's messages is the error that tells what to do."""
    found = trouble(said, ("push",))
    assert type(found) is kind
    assert "\n" not in str(found) and str(found).endswith(".")


def test_a_failed_push_names_the_file_and_nothing_else():
    """Folders here and hashes there help nobody, and a file's name is not adb's complaint."""
    copy = "failed to copy '/some/where/device offline.tflite' to '/data/local/tmp/x/1f.part'"
    found = trouble(f"adb: error: {copy}: remote No space left on device", ("push",))
    assert type(found) is errors.NoSpaceError
    assert str(found).startswith(
        "cannot copy device offline.tflite to the phone: remote No space left on device: free some"
    )


@given(st.text())
def test_whatever_adb_says_is_one_line(said):
    """No text makes the translation fail."""
    assert isinstance(trouble(said, ("shell",)), errors.HarnessError)
