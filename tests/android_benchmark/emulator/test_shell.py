"""The emulated shell and its commands, without a connection."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from android_benchmark.emulator import EmulatedPhone
from android_benchmark.emulator.commands import COMMANDS
from android_benchmark.emulator.device.pipes import Io, Memory
from android_benchmark.emulator.shell.interpreter import run_shell

TMP = "/data/local/tmp"


def run(phone, command, stdin=b""):
    """Exit code, standard output and standard error of a command."""
    out, err = Memory(), Memory()
    work = run_shell(phone.device, Io(Memory(stdin), out, err), command)
    code = asyncio.run(asyncio.wait_for(work, 20))
    return code, out.data.decode(), err.data.decode()


@pytest.fixture
def phone():
    """A phone that listens to no one."""
    with EmulatedPhone() as phone:
        yield phone


@pytest.fixture(scope="module")
def any_phone():
    """A phone that the commands do not change."""
    with EmulatedPhone() as phone:
        yield phone


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(sorted(set(COMMANDS) - {"sleep", "timeout"})),
    st.lists(st.sampled_from(["-", "-x", "-l", "--", "", "0", "a b", "/", "..", "/sdcard", "²"])),
)
def test_any_arguments_end_with_an_exit_code(any_phone, name, arguments):
    """No command raises, whatever its arguments are."""
    line = " ".join([name, *(f"'{argument}'" for argument in arguments)])
    assert 0 <= run(any_phone, line)[0] <= 255


def test_unknown_program_is_127(any_phone):
    """A program that is not there says so, by name or by path."""
    assert run(any_phone, "nothing")[::2] == (127, "/system/bin/sh: nothing: not found\n")
    assert run(any_phone, "/sdcard/nothing")[0] == 127


def test_missing_command_is_as_if_it_never_was():
    """A phone can lack `sha256sum`, as old ones do; `md5sum` is there."""
    with EmulatedPhone(missing=["sha256sum"]) as phone:
        assert run(phone, "sha256sum /proc/version")[0] == 127
        assert run(phone, "/system/bin/sha256sum /proc/version")[0] == 127
        assert run(phone, "which sha256sum")[0] == 1
        assert run(phone, "md5sum /proc/version")[0] == 0


@pytest.mark.parametrize(
    "mask, code", [("f0", 1), ("0", 1), ("0c", 0), ("c", 0), ("f", 0), ("0x3", 0), ("ff", 0)]
)
def test_taskset_wants_a_core_that_is_there(any_phone, mask, code):
    """The much-copied mask f0 names no core of a chip with four."""
    found, out, err = run(any_phone, f"taskset {mask} echo ran")
    assert found == code
    assert out == ("" if code else "ran\n")
    assert ("Invalid argument" in err) == bool(code)


def test_file_commands(phone):
    """mkdir, chmod, cp, mv, rm, touch, ls and stat do what they do on a phone."""
    assert run(phone, f"mkdir {TMP}/a/b")[0] == 1
    assert run(phone, f"mkdir -p {TMP}/a/b && mkdir -p {TMP}/a/b && echo hi > {TMP}/a/b/c")[0] == 0
    assert run(phone, f"mkdir {TMP}/a")[2] == f"mkdir: '{TMP}/a': File exists\n"
    assert run(phone, f"cd {TMP}/a && cp b/c d && echo more >> d && cat d; pwd")[1] == (
        f"hi\nmore\n{TMP}/a\n"
    )
    assert run(phone, f"cd {TMP}/a; mv d e; ls; stat -c %s e")[1] == "b\ne\n8\n"
    assert run(phone, f"chmod 750 {TMP}/a/e; ls -l {TMP}/a/e")[1].startswith("-rwxr-x---")
    assert run(phone, f"rm {TMP}/a")[2] == f"rm: {TMP}/a: Is a directory\n"
    assert run(phone, f"rm -rf {TMP}/a {TMP}/none; ls {TMP}") == (0, "", "")
    assert run(phone, f"rm {TMP}/none")[0] == 1
    assert run(phone, f"touch {TMP}/x; chmod 000 {TMP}/x; cat {TMP}/x")[0] == 1


@pytest.mark.parametrize(
    "command, reason",
    [
        ("touch /system/bin/x", "Read-only file system"),
        ("rm /proc/version", "Permission denied"),
        ("rm -rf /data/local/tmp /sdcard /system", "Permission denied"),
        ("echo performance > /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "Permission"),
        ("ls /data", "Permission denied"),
        ("chmod 777 /system/build.prop", "Operation not permitted"),
        ("mv /system/build.prop /sdcard/", "Read-only file system"),
        ("ln -s /x /system/link", "Read-only file system"),
        ("setprop ro.product.model x", "failed to set property"),
    ],
)
def test_the_rest_of_the_phone_is_read_only(phone, command, reason):
    """What a shell user may not do fails with Android's reason and changes nothing."""
    before = sorted(phone.root.rglob("*"))
    code, _, err = run(phone, command)
    assert code != 0
    assert reason in err
    phone_now = set(phone.root.rglob("*")) - {phone.root / "sdcard" / "build.prop"}
    assert sorted(phone_now) == before


def test_governors_frequencies_and_zones_are_readable(any_phone):
    """Every core and zone of an MSM8996 can be read with one pattern."""
    cpu = "/sys/devices/system/cpu/cpu*/cpufreq"
    assert run(any_phone, f"cat {cpu}/cpuinfo_max_freq")[1].split() == (
        ["1593600", "1593600", "2150400", "2150400"]
    )
    assert set(run(any_phone, f"cat {cpu}/scaling_governor")[1].split()) == {"interactive"}
    names = run(any_phone, "cat /sys/class/thermal/thermal_zone*/type")[1].split()
    values = run(any_phone, "cat /sys/class/thermal/thermal_zone*/temp")[1].split()
    assert dict(zip(names, values, strict=True))["tsens_tz_sensor11"] == "327"


def test_settings_and_stay_awake(phone):
    """Settings are kept; `svc power stayon` is one of them."""
    assert run(phone, "settings get global none")[1] == "null\n"
    run(phone, "settings put system screen_off_timeout 1800000")
    assert run(phone, "settings get system screen_off_timeout")[1] == "1800000\n"
    run(phone, "svc power stayon usb")
    assert run(phone, "settings get global stay_on_while_plugged_in")[1] == "2\n"
    run(phone, "svc power stayon false; settings delete system screen_off_timeout")
    assert run(phone, "settings get global stay_on_while_plugged_in")[1] == "0\n"


def test_keys_turn_the_screen_on_and_off(phone):
    """`input keyevent` moves what `dumpsys power` says."""
    run(phone, "input keyevent 223")
    assert "state=OFF" in run(phone, "dumpsys power")[1]
    run(phone, "input keyevent KEYCODE_WAKEUP")
    assert "mWakefulness=Awake" in run(phone, "dumpsys power")[1]


def test_fixed_performance_mode_needs_android_11():
    """The command fails on versions that lack it."""
    command = "cmd power set-fixed-performance-mode-enabled true"
    with EmulatedPhone(sdk=26) as old, EmulatedPhone(sdk=30) as new:
        assert run(old, command)[0] != 0
        assert run(new, command)[0] == 0


def test_printf_of_a_number_of_any_length(any_phone):
    """A number that no computer counts to is bad, and nothing raises."""
    assert run(any_phone, f"printf '%d' {'1' * 5000}")[:2] == (1, "0")
