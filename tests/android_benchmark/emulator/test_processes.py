"""Processes of the emulated phone: their numbers, their cores, and how they end."""

import subprocess

import pytest

from android_benchmark.emulator import (
    EmulatedPhone,
    KeepRunning,
    KillProgram,
    Reply,
    RestrictCores,
    ScriptedEngine,
)
from tests.android_benchmark.emulator.conftest import wait_until
from tests.android_benchmark.emulator.test_shell import TMP, run

MASK = "grep Cpus_allowed: /proc/self/status"


def install(phone, *replies, name="engine"):
    """Put a scripted engine into the folder of temporary files."""
    path = phone.root / TMP[1:] / name
    path.write_bytes(ScriptedEngine(replies).to_bytes())
    path.chmod(0o755)


@pytest.fixture
def phone():
    """A phone that listens to no one, with an engine that says `ran`."""
    with EmulatedPhone() as phone:
        install(phone, Reply("ran\n", exit_code=3))
        yield phone


@pytest.fixture
def hanging(host):
    """A connected phone with an engine that never ends; start it with a command."""
    install(host.phone, Reply("STARTING!\n", hang=True))
    clients = []

    def start(command):
        client = subprocess.Popen(
            [host.server.adb, "-s", host.phone.serial, "shell", f"cd {TMP}; {command}"],
            env=host.server.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        clients.append(client)
        wait_until(lambda: "engine" in host.phone.running())
        return client

    yield start
    for client in clients:
        client.kill()
        client.communicate()


def test_every_shell_has_a_number(phone):
    """`$$` is a process that is there; a subshell shares it, `sh -c` has its own."""
    out = run(phone, "echo $$; (echo $$); echo $(echo $$); sh -c 'echo $$'; exec sh -c 'echo $$'")
    own, subshell, substituted, other, same = out[1].split()
    assert own == subshell == substituted == same != other
    assert run(phone, "[ -d /proc/$$ ] && kill -0 $$ && cat /proc/$$/comm")[1] == "sh\n"
    assert run(phone, f"kill -0 {own}")[0] == 1
    assert run(phone, f"[ -d /proc/{own} ]")[0] == 1
    assert sorted(path.name for path in (phone.root / "proc").iterdir() if path.is_dir()) == []


def test_exec_keeps_the_number(phone):
    """After `exec`, also through `taskset` and `env`, the number is the program's."""
    install(phone, Reply(hang=True), name="sleeper")
    phone.inject(KillProgram("sleeper", after_s=0.0))
    begin = f"cd {TMP}; echo $$ > run.pid; exec"
    assert run(phone, f"{begin} taskset c env A=1 ./sleeper; echo never") == (137, "", "")
    assert run(phone, f"{begin} ./engine; echo never") == (3, "ran\n", "")
    assert run(phone, f"{begin} ./none; echo never")[:2] == (127, "")


def test_number_in_a_file_kills_the_program(host, hanging):
    """What `echo $$ > run.pid; exec …` wrote serves `kill`, `ps`, `pidof` and /proc."""
    client = hanging("echo $$ > run.pid; exec taskset c ./engine --graph=/proc/version")
    pid = host.shell(f"cat {TMP}/run.pid")[1].strip()
    assert host.shell("pidof engine")[1].strip() == pid
    rows = host.shell("ps -A -o PID,NAME")[1].splitlines()
    assert rows[0].split() == ["PID", "NAME"]
    assert [pid, "engine"] in [row.split() for row in rows]
    assert host.shell(f"kill -0 {pid} && [ -d /proc/{pid} ]; echo $?")[1] == "0\n"
    assert host.shell(f"grep Cpus_allowed: /proc/{pid}/status")[1] == "Cpus_allowed:\tc\n"
    assert "--graph=/proc/version" in host.shell(f"cat /proc/{pid}/cmdline")[1]
    assert host.shell(f"kill -9 {pid}")[0] == 0
    assert client.wait(20) == 137
    assert host.shell(f"kill -0 {pid}")[::2] == (
        1, f"/system/bin/sh: kill: {pid}: No such process\n"
    )  # fmt: skip


def test_killed_shell_leaves_its_program(host, hanging):
    """Without `exec`, `$$` is the shell: to kill it does not end the program."""
    client = hanging("echo $$ > run.pid; ./engine > out")
    assert host.shell(f"kill -9 $(cat {TMP}/run.pid)")[0] == 0
    assert client.wait(20) == 137
    assert "engine" in host.phone.running()
    assert host.shell("kill $(pidof engine)")[0] == 0
    wait_until(lambda: "engine" not in host.phone.running())


def test_killed_host_ends_the_program_or_not(host, hanging):
    """With `KeepRunning`, a program whose outputs are files outlives adb."""
    hanging("./engine").kill()
    wait_until(lambda: "engine" not in host.phone.running())
    host.phone.inject(KeepRunning())
    hanging("./engine > out 2>&1").kill()
    host.phone.unplug()
    assert "engine" in host.phone.running()
    host.phone.plug()
    host.reconnect()
    assert host.shell(f"cat {TMP}/out; pkill engine") == (0, "STARTING!\n", "")
    wait_until(lambda: host.phone.running() == ())


def test_harmless_signals_end_nothing(host, hanging):
    """Signals that a program ignores by default do not end it."""
    hanging("./engine")
    assert host.shell("kill -0 $(pidof engine) && kill -CONT $(pidof engine)")[0] == 0
    assert "engine" in host.phone.running()
    assert host.shell("kill -s KILL $(pidof engine)")[0] == 0
    wait_until(lambda: "engine" not in host.phone.running())


@pytest.mark.parametrize(
    "mask, shown", [("f", "f"), ("c", "c"), ("0x3", "3"), ("1c", "c"), ("f8", "8")]
)
def test_taskset_drops_cores_that_are_not_there(phone, mask, shown):
    """The mask that a program gets is that of the cores that exist."""
    assert run(phone, f"taskset {mask} {MASK}")[1] == f"Cpus_allowed:\t{shown}\n"
    assert run(phone, f"taskset {mask} sh -c '{MASK}'")[1] == f"Cpus_allowed:\t{shown}\n"
    assert run(phone, f"{MASK}; taskset {mask} true; {MASK}")[1] == "Cpus_allowed:\tf\n" * 2


def test_taskset_of_a_running_process(phone):
    """`taskset -p` shows and changes the mask of a process."""
    out = run(phone, f"taskset -p $$; taskset -p 3 $$; {MASK}")[1]
    assert [line.split()[-1] for line in out.splitlines()] == ["f", "f", "3", "3"]
    code, _, err = run(phone, "taskset -p 99999")
    assert (code, err) == (
        1, "taskset: failed to get pid 99999's affinity: No such process\n"
    )  # fmt: skip


def test_restricted_cores(phone):
    """A cpuset drops what it does not hold without a word, and refuses what it holds none of."""
    phone.inject(RestrictCores(0b0111))
    assert run(phone, f"{MASK}; taskset c {MASK}")[1] == "Cpus_allowed:\t7\nCpus_allowed:\t4\n"
    code, out, err = run(phone, "taskset 8 echo ran")
    assert (code, out) == (1, "")
    assert err.startswith("taskset: failed to set pid ") and "Invalid argument" in err
    phone.clear(RestrictCores)
    assert run(phone, "grep Cpus_allowed_list /proc/self/status")[1].split()[1] == "0-3"


def test_what_a_harness_asks_first(phone):
    """The phone says that it is emulated, and is a Mi 5 otherwise."""
    asked = {
        "getprop ro.kernel.qemu": "1",
        "getprop ro.boot.qemu": "1",
        "getprop ro.product.model": "MI 5",
        "getprop ro.build.version.sdk": "26",
        "getprop ro.product.cpu.abi": "arm64-v8a",
        "uname -r": "3.18.31-emulated",
        "cat /sys/devices/system/cpu/online": "0-3",
        "settings get system none": "null",
        "dumpsys power | grep mWakefulness=": "  mWakefulness=Awake",
        "input keyevent KEYCODE_SLEEP; dumpsys power | grep mWakefulness=": "  mWakefulness=Asleep",
        "dumpsys thermalservice 2>&1": "Can't find service: thermalservice",
    }
    for command, wanted in asked.items():
        assert run(phone, command)[:2] == (0, f"{wanted}\n"), command
    assert run(phone, "getprop ro.build.fingerprint")[1].startswith("Xiaomi/gemini/gemini:8.0.0/")
    assert run(phone, "df -k /data/local/tmp")[1].splitlines()[1].endswith("/data")
    with EmulatedPhone(sdk=29) as new:
        assert "Thermal Status: 0" in run(new, "dumpsys thermalservice")[1]


def test_file_replaced_on_a_full_disk(phone):
    """`mv` within a volume needs no room, replaces, and moves folders too."""
    line = f"cd {TMP}; mkdir a; echo new > a/x; echo old > y; mv -f a/x y; mv a b; cat y; ls -1 b"
    assert run(phone, line) == (0, "new\n", "")
