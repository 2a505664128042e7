"""One phone over adb: commands, files, and what a broken connection is."""

from __future__ import annotations

import re
import time

import pytest

from android_benchmark import errors
from android_benchmark.emulator import DiskFull, DropConnection, Greeting
from android_benchmark.phone.adb import AdbDevice, Completed
from tests.support.emulated import listed_state, needs_adb


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
@pytest.mark.parametrize("before", ["Hello\n", "no line end", "\r\n\r\n", "mmnet-end:0\n"])
@pytest.mark.parametrize("after", ["", "logout\n", "mmnet-end:0\n", "\n\n7"])
def test_lines_around_an_answer_are_not_part_of_it(adb, phone, before, after):
    """Profile scripts, `su` and others print what they like before and after a command."""
    phone.inject(Greeting(before, after))
    done = AdbDevice(adb, phone.serial).shell("echo out; exit 3")
    phone.clear(Greeting)
    assert (done.stdout, done.returncode) == ("out\n", 3)


def test_a_shell_that_traces_its_commands_does_not_confuse_the_answer(monkeypatch, adb):
    """Over the first shell protocol the trace, and every stream, arrive in one."""
    device = AdbDevice(adb, "any")

    def attempt(*words, timeout_s):
        begin, end = re.findall(r"echo (mmnet-\S+?)(?:;|:)", words[-1])
        text = f"+ echo {begin}\n{begin}\n+ true\nout\n+ echo\n\n+ echo {end}:12\n{end}:12\n"
        return Completed(text.replace("\n", "\r\r\n"), "", 0)

    monkeypatch.setattr(adb, "attempt", attempt)
    assert device.shell("true").returncode == 12


@pytest.mark.parametrize("kept", range(1, 8))
def test_an_answer_that_is_cut_anywhere_is_no_answer(monkeypatch, adb, kept):
    """Not even where only the last digit of the exit code is missing."""
    device = AdbDevice(adb, "any")

    def attempt(*words, timeout_s):
        begin, end = re.findall(r"echo (mmnet-\S+?)(?:;|:)", words[-1])
        return Completed(f"{begin}\nout\n\n{end}:137\n"[:-kept], "", 0)

    monkeypatch.setattr(adb, "attempt", attempt)
    with pytest.raises(errors.TransportLostError):
        device.shell("true")


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
    with pytest.raises(errors.NotWritableError, match="Read-only file system: check the owner"):
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
    while listed_state(adb, serial) == "device" and time.monotonic() < deadline:
        time.sleep(0.05)


@needs_adb
def test_a_command_has_a_bound(adb, phone):
    """One that does not end is given up."""
    with pytest.raises(errors.TimedOutError, match=r"no answer in 0\.5 s"):
        AdbDevice(adb, phone.serial).shell("sleep 30", timeout_s=0.5)
