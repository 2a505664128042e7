"""Each thing that can go wrong, as the real adb program sees it."""

import contextlib
import socket
import subprocess

import pytest

from android_benchmark.emulator import (
    ChangeGovernor,
    DiskFull,
    DropConnection,
    DumpsysOf,
    KillProgram,
    NoExecution,
    Offline,
    RefuseConnections,
    RefuseService,
    Reply,
    ScriptedEngine,
    Stall,
    Throttle,
)
from tests.android_benchmark.emulator.conftest import wait_until

ENGINE = "/data/local/tmp/engine"
CPU = "/sys/devices/system/cpu"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


def install(host, folder, *replies):
    """Push a scripted engine that may be executed."""
    engine = ScriptedEngine(replies).to_bytes()
    assert host.push(engine, ENGINE, mode=0o755, folder=folder).returncode == 0


@pytest.mark.parametrize("after_bytes", [0, 10, 24, 1_000_003])
def test_connection_drops_in_the_middle_of_a_push(host, tmp_path, after_bytes):
    """The push fails, no part of the file stays, and the next try works."""
    host.phone.inject(DropConnection(after_bytes))
    done = host.push(b"x" * 3_000_000, "/sdcard/file", folder=tmp_path)
    assert done.returncode != 0
    wait_until(lambda: not host.phone.device.files.exists("/sdcard/file"))
    host.reconnect()
    assert host.push(b"x" * 3_000_000, "/sdcard/file", folder=tmp_path).returncode == 0


def test_connection_drops_in_the_middle_of_an_output(host):
    """adb ends with a part of the output; the exit code says nothing (adb 29 returns 0)."""
    host.phone.inject(DropConnection(200_000, direction="out"))
    (host.phone.root / "sdcard" / "big").write_bytes(b"x" * 1_000_000)
    done = host.adb("shell", "cat /sdcard/big")
    assert len(done.stdout) < 200_000
    host.reconnect()
    assert len(host.adb("shell", "cat /sdcard/big").stdout) == 1_000_000


def test_unplugged_in_the_middle_of_a_push(host, tmp_path):
    """A push that hangs when the phone is unplugged fails and leaves nothing."""
    # A packet has 1 MiB at most: the first, with the name, always comes before the stall.
    host.phone.inject(Stall(2_500_000))
    (tmp_path / "file").write_bytes(b"x" * 5_000_000)
    client = subprocess.Popen(
        [host.server.adb, "-s", host.phone.serial, "push", str(tmp_path / "file"), "/sdcard/f"],
        env=host.server.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: host.phone.device.files.exists("/sdcard/f"))
    host.phone.unplug()
    assert client.wait(20) != 0
    assert not host.phone.device.files.exists("/sdcard/f")


def test_stalled_phone_goes_on_when_cleared(host):
    """A stall holds a command up and loses nothing of it."""
    host.phone.inject(Stall())
    client = subprocess.Popen(
        [host.server.adb, "-s", host.phone.serial, "shell", "echo late"],
        env=host.server.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    with pytest.raises(subprocess.TimeoutExpired):
        client.wait(0.3)
    host.phone.clear(Stall)
    assert client.communicate(timeout=20)[0] == b"late\n"


def test_refused_connections(host):
    """Every new connection is closed at once, until the fault is cleared."""
    host.phone.inject(RefuseConnections())
    with (
        socket.create_connection(("127.0.0.1", host.phone.port), timeout=20) as connection,
        contextlib.suppress(ConnectionResetError),
    ):
        assert connection.recv(1) == b""
    host.phone.clear()
    host.reconnect()


def test_refused_service(host, tmp_path):
    """Without `sync:` no file can be pushed, and shells go on working."""
    host.phone.inject(RefuseService("sync:"))
    assert host.push(b"x", "/sdcard/file", folder=tmp_path).returncode != 0
    assert host.shell("echo on")[1] == "on\n"


def test_unknown_service_is_refused(host):
    """A service that the phone does not have fails at once."""
    assert host.adb("reboot").returncode != 0 or host.phone.opened[-1].startswith("reboot")
    assert host.shell("echo on")[1] == "on\n"


def test_offline_phone(host):
    """adb says `offline`, and the phone comes back when the fault is cleared."""
    host.phone.inject(Offline())
    host.wait_for_state("offline")
    assert host.adb("shell", "id").returncode != 0
    host.phone.clear(Offline)
    host.reconnect()
    assert host.shell("echo back")[1] == "back\n"


def test_full_disk(host, tmp_path):
    """A push and a shell both say that no space is left; `df` shows how little."""
    host.phone.inject(DiskFull(free_bytes=100_000))
    assert host.shell("df /data")[1].split()[-3] == str(100_000 // 1024)
    done = host.push(b"x" * 300_000, "/data/local/tmp/file", folder=tmp_path)
    assert done.returncode == 1
    assert b"write failed: No space left on device" in done.stdout + done.stderr
    assert host.shell("ls /data/local/tmp/file")[0] == 1
    code, _, err = host.shell("echo more > /data/local/tmp/small")
    assert code == 1
    assert "No space left on device" in err
    host.phone.clear(DiskFull)
    assert host.push(b"x" * 300_000, "/data/local/tmp/file", folder=tmp_path).returncode == 0


def test_noexec_volume(host, tmp_path):
    """A program on a noexec volume cannot be run, nor ever one on /sdcard."""
    install(host, tmp_path, Reply("ran\n"))
    assert host.shell(ENGINE)[:2] == (0, "ran\n")
    host.shell(f"cp {ENGINE} /sdcard/engine; chmod 777 /sdcard/engine")
    assert host.shell("/sdcard/engine")[0] == 126
    host.phone.inject(NoExecution())
    code, out, err = host.shell(ENGINE)
    assert (code, out) == (126, "")
    assert "can't execute: Permission denied" in err


def test_program_killed_by_low_memory(host, tmp_path):
    """A killed program ends with 137 and the shell's word for it."""
    install(host, tmp_path, Reply("STARTING!\n", hang=True))
    host.phone.inject(KillProgram("engine"))
    code, out, err = host.shell(ENGINE)
    assert (code, err) == (137, "Killed \n")
    assert out in ("", "STARTING!\n")


def test_running_program_killed_later(host, tmp_path):
    """The fault reaches a program that runs already; so do `kill` and `phone.kill`."""
    install(host, tmp_path, Reply("STARTING!\n", hang=True))
    killers = (
        lambda: host.phone.inject(KillProgram("engine", signal=9)),
        lambda: host.phone.kill("engine", 9),
        lambda: host.shell("kill -9 $(pidof engine)"),
    )
    for kill in killers:
        client = subprocess.Popen(
            [host.server.adb, "-s", host.phone.serial, "shell", f"taskset 0c {ENGINE}"],
            env=host.server.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert client.stdout.readline() == b"STARTING!\n"
        kill()
        assert client.communicate(timeout=20) == (b"", b"Killed \n")
        assert client.returncode == 137


def test_throttling_over_time(connect):
    """Temperatures rise and frequencies fall step by step, as far as the fault says."""
    clock = Clock()
    host = connect(clock=clock)
    top = f"cat {CPU}/cpu3/cpufreq/scaling_max_freq"
    hot = "cat /sys/class/thermal/thermal_zone4/temp"
    assert host.shell(f"{top}; {hot}")[1].split()[0] == "2150400"
    host.phone.inject(Throttle(72.7, frequency_share=0.5, over_s=100))
    seen = []
    for _ in range(4):
        seen.append([int(word) for word in host.shell(f"{top}; {hot}")[1].split()])
        clock.now_s += 50
    frequencies, temperatures = zip(*seen, strict=True)
    assert frequencies == (2150400, 1612800, 1075200, 1075200)
    assert temperatures[0] < temperatures[1] < temperatures[2] == temperatures[3] == 727


def test_work_warms_the_chip_and_rest_cools_it(connect, tmp_path):
    """An engine that runs raises frequency and temperature; both fall when it has ended."""
    clock = Clock()
    host = connect(clock=clock)
    install(host, tmp_path, Reply(hang=True))
    state = f"cat {CPU}/cpu2/cpufreq/scaling_cur_freq /sys/class/thermal/thermal_zone3/temp"

    def read():
        return [int(word) for word in host.shell(state)[1].split()]

    idle = read()
    client = subprocess.Popen(
        [host.server.adb, "-s", host.phone.serial, "shell", ENGINE],
        env=host.server.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: "engine" in host.phone.running() and read()[0] > idle[0])
    clock.now_s += 60
    busy = read()
    host.phone.kill("engine", 15)
    client.wait(20)
    clock.now_s += 3600
    assert idle[0] == 307200 and busy[0] == 2150400
    assert busy[1] > idle[1] + 100
    assert read() == idle


def test_governor_changes_by_itself(connect):
    """The governor is another one when its time has come."""
    clock = Clock()
    host = connect(clock=clock, faults=[ChangeGovernor("powersave", after_s=30)])
    ask = f"cat {CPU}/cpu0/cpufreq/scaling_governor"
    assert host.shell(ask)[1] == "interactive\n"
    clock.now_s += 30
    assert host.shell(ask)[1] == "powersave\n"


def test_dumpsys_of_another_android(host):
    """`thermalservice` and the words of `window` depend on the version."""
    assert "Can't find service" in host.shell("dumpsys thermalservice")[2]
    assert "mScreenOnEarly=true" in host.shell("dumpsys window")[1]
    host.phone.inject(DumpsysOf(30), Throttle(80, frequency_share=0.5))
    assert "Thermal Status: 3" in host.shell("dumpsys thermalservice")[1]
    assert "screenState=SCREEN_STATE_ON" in host.shell("dumpsys window")[1]
    assert host.shell("getprop ro.build.version.sdk")[1] == "26\n"
