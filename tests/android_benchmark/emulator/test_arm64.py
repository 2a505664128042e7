"""Real arm64 programs on the emulated phone."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from android_benchmark import emulator
from android_benchmark.emulator import (
    Arm64MissingError,
    EmulatedPhone,
    KeepRunning,
    KillProgram,
    find_arm64,
)
from tests.android_benchmark.emulator.conftest import wait_until
from tests.android_benchmark.emulator.test_shell import TMP, run
from tests.support import counting

COMPILER = "aarch64-linux-gnu-gcc"
SOURCE = r"""
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
extern char **environ;
static void say(int number) { dprintf(1, "signal %d\n", number); _exit(5); }
int main(int count, char **words) {
  const char *what = words[1];
  if (!strcmp(what, "exit")) return atoi(words[2]);
  if (!strcmp(what, "words")) {
    for (int i = 0; i < count; i++) printf("<%s>", words[i]);
    return 0;
  }
  if (!strcmp(what, "both")) {
    fputs("out\n", stdout); fflush(stdout); fputs("err\n", stderr); return 0;
  }
  if (!strcmp(what, "raise")) {
    fputs("half a line", stderr); raise(atoi(words[2])); return 0;
  }
  if (!strcmp(what, "abort")) abort();
  if (!strcmp(what, "segv")) return *(volatile int *)8;
  if (!strcmp(what, "environ")) { for (char **e = environ; *e; e++) puts(*e); return 0; }
  if (!strcmp(what, "cat")) {
    char data[4096]; size_t size; FILE *file = count > 2 ? fopen(words[2], "r") : stdin;
    if (!file) { printf("%s", strerror(errno)); return 1; }
    while ((size = fread(data, 1, sizeof data, file))) fwrite(data, 1, size, stdout);
    return 0;
  }
  if (!strcmp(what, "write")) {
    FILE *file = fopen(words[2], "w");
    if (!file) { printf("%s", strerror(errno)); return 1; }
    fputs("written", file); fclose(file); return 0;
  }
  if (!strcmp(what, "who")) { printf("%d %d", getuid(), getgid()); return 0; }
  if (!strcmp(what, "escape")) {
    int up = open("..", O_RDONLY), chrooted = chroot("."); (void)up;
    for (int i = 0; i < 20; i++) if (chdir("..")) break;
    struct stat found;
    printf("%d %d", chrooted, stat("etc/passwd", &found));
    return 0;
  }
  if (!strcmp(what, "connect")) {
    struct sockaddr address = {AF_INET, {atoi(words[2]) >> 8, atoi(words[2]) & 255, 127, 0, 0, 1}};
    int end = socket(AF_INET, SOCK_STREAM, 0);
    return end >= 0 && !connect(end, &address, sizeof address);
  }
  if (!strcmp(what, "wait") || !strcmp(what, "listen")) {
    if (*what == 'l') signal(SIGTERM, say);
    puts("ready"); fflush(stdout);
    for (;;) pause();
  }
  if (!strcmp(what, "spin")) for (volatile int i = 0;; i++) {}
  return 99;
}
"""


@pytest.fixture(scope="module")
def runner():
    """What runs arm64 programs, if this computer has all that it needs."""
    if shutil.which(COMPILER) is None:
        pytest.skip(f"needs {COMPILER}")
    try:
        return find_arm64()
    except Arm64MissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def program(runner, tmp_path_factory):
    """An arm64 program that does what its first argument says."""
    folder = tmp_path_factory.mktemp("arm64")
    (folder / "program.c").write_text(SOURCE)
    command = [COMPILER, "-static", "-O1", "-o", folder / "program", folder / "program.c"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "program"


@pytest.fixture
def phone(runner, program):
    """A phone with the program in its folder of temporary files."""
    with EmulatedPhone(arm64=runner) as phone:
        install(phone, program)
        yield phone


def install(phone, program, name="program"):
    shutil.copy(program, phone.root / TMP[1:] / name)


def at_home(command):
    return f"cd {TMP}; {command}"


def host_processes(program):
    """Processes of this computer that run the program."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(program) in words:
            found.append(entry.parent.name)
    return found


@pytest.mark.parametrize("code", [0, 1, 7, 126, 255])
def test_exit_code(phone, code):
    """The exit code is the program's."""
    assert run(phone, at_home(f"./program exit {code}")) == (code, "", "")


@pytest.mark.parametrize(
    "words, number, said",
    [("abort", 6, "Aborted"), ("segv", 11, "Segmentation fault"), ("raise 9", 9, "Killed"),
     ("raise 4", 4, "Illegal instruction")],
)  # fmt: skip
def test_death_by_a_signal(phone, words, number, said):
    """A signal is 128 and its number, with the shell's words and none of QEMU's."""
    code, out, err = run(phone, at_home(f"./program {words}"))
    assert (code, out) == (128 + number, "")
    assert err == f"{'half a line' if 'raise' in words else ''}{said} \n"
    code, _, err = run(phone, at_home(f"exec ./program {words}"))
    assert (code, said in err) == (128 + number, False)


def test_arguments_are_untouched(phone):
    """Odd characters in arguments and in the program's own name arrive as they are."""
    words = ["a b", "", "'", '"', "$HOME", "é\n", "*", "-cpu", "--", "\\"]
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    code, out, _ = run(phone, at_home(f"./program words {quoted}"))
    assert (code, out) == (0, "".join(f"<{word}>" for word in ["./program", "words", *words]))


def test_outputs_stay_apart(phone):
    """Both outputs and files that they go to are the program's."""
    assert run(phone, at_home("./program both")) == (0, "out\n", "err\n")
    command = "./program both > o 2>&1; ./program write 'a b'; cat o 'a b'"
    assert run(phone, at_home(command)) == (0, "out\nerr\nwritten", "")


def test_standard_input(phone):
    """A program reads what its shell reads, more than a pipe holds, to its end."""
    text = b"0123456789abcdef" * 20_000
    assert run(phone, at_home("./program cat"), stdin=text)[1].encode() == text
    assert run(phone, at_home("echo from a pipe | ./program cat"))[1] == "from a pipe\n"
    assert run(phone, at_home("./program exit 3"), stdin=text)[0] == 3


def test_environment_is_that_of_the_phone(phone, monkeypatch):
    """Exported variables are passed on; those of this computer are not."""
    monkeypatch.setenv("OF_THE_COMPUTER", "1")
    out = run(phone, at_home("export A='b c'; D=e; F=g QEMU_CPU=none ./program environ"))[1]
    found = dict(line.split("=", 1) for line in out.splitlines())
    assert (found["A"], found["F"], found["TMPDIR"]) == ("b c", "g", TMP)
    assert not found.keys() & {"OF_THE_COMPUTER", "D", "QEMU_CPU"}


@pytest.mark.parametrize("path", ["/etc/hostname", "/etc/passwd", "/usr/bin/env", "/tmp", __file__])
def test_no_file_of_the_computer(phone, path):
    """The program's `/` is the phone's folder."""
    assert run(phone, at_home(f"./program cat {path}")) == (1, "No such file or directory", "")


def test_no_way_out(phone):
    """It has the shell user's number and no right to change its root."""
    assert run(phone, at_home("./program who"))[1] == "2000 2000"
    assert run(phone, at_home("./program escape"))[1] == "-1 -1"


def test_no_network(phone):
    """Not even the phone's own port on the loopback interface can be reached."""
    assert run(phone, at_home(f"./program connect {phone.port}"))[0] == 0


@pytest.mark.parametrize("path", ["/system/x", "/proc/cpuinfo", "/data/x", "/dev/x", "/x"])
def test_writes_only_where_the_shell_may(phone, path):
    """The rest of the phone is read-only to it."""
    assert run(phone, at_home(f"./program write {path}"))[0] == 1
    assert run(phone, at_home("./program write /sdcard/x; cat /sdcard/x"))[:2] == (0, "written")


def test_identity_of_the_chip(phone, runner):
    """It reads the profile's cores, also those values that change."""
    said = subprocess.run([runner.qemu, "--version"], capture_output=True, text=True, check=True)
    major, minor = map(int, re.search(r"(\d+)\.(\d+)", said.stdout).groups())
    out = run(phone, at_home("./program cat /proc/cpuinfo"))[1]
    # Newer ones answer with their own chip.
    assert "Qualcomm Technologies, Inc MSM8996" in out or (major, minor) >= (8, 2)
    cpu = "/sys/devices/system/cpu"
    assert run(phone, at_home(f"./program cat {cpu}/present"))[1] == "0-3\n"
    path = f"{cpu}/cpu3/cpufreq/scaling_cur_freq"
    assert run(phone, at_home(f"cat {path}; ./program cat {path}"))[1] == "307200\n2150400\n"
    assert "3.18" in run(phone, at_home("./program cat /proc/version"))[1]


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x3e" + bytes(80), "not executable: 64-bit ELF"),
        (b"\x7fELF\x01\x01\x01" + bytes(11) + b"\x28" + bytes(80), "not executable: 32-bit ELF"),
        (b"\x7fELF\x02\x01\x01", "not executable: 64-bit ELF file"),
    ],
)
def test_program_for_another_processor(phone, content, reason):
    """Machine code that is not arm64 is refused in the words of mksh."""
    path = phone.root / TMP[1:] / "other"
    path.write_bytes(content)
    path.chmod(0o755)
    code, out, err = run(phone, at_home("./other"))
    assert (code, out) == (1, "")
    assert reason in err


def test_phone_without_arm64(phone):
    """A 32-bit Android refuses arm64 programs."""
    phone.device.properties["ro.product.cpu.abilist"] = "armeabi-v7a,armeabi"
    code, _, err = run(phone, at_home("./program exit 0"))
    assert (code, err) == (
        1, "/system/bin/sh: ./program: not executable: 64-bit ELF file\n"
    )  # fmt: skip


def test_loader_that_is_not_there(phone, tmp_path):
    """A program linked for another system's loader cannot be found, as the kernel says it."""
    (tmp_path / "main.c").write_text("int main(void) { return 0; }")
    target = phone.root / TMP[1:] / "dynamic"
    subprocess.run([COMPILER, "-o", target, tmp_path / "main.c"], check=True)
    assert run(phone, at_home("./dynamic"))[::2] == (
        1, "/system/bin/sh: ./dynamic: No such file or directory\n"
    )  # fmt: skip


def test_killed_by_low_memory(phone, program):
    """`KillProgram` ends a program that computes for ever."""
    install(phone, program, "spinner")
    phone.inject(KillProgram("spinner", after_s=0.3))
    assert run(phone, at_home("./spinner spin")) == (137, "", "Killed \n")
    wait_until(lambda: not host_processes(f"{TMP}/./spinner"))


def test_killed_by_a_time_limit(phone):
    """`timeout` ends it."""
    assert run(phone, at_home("timeout 0.3 ./program spin"))[0] == 124
    assert not host_processes(f"{TMP}/./program")


@pytest.fixture
def host(connect, runner, program):
    """A phone with the program, connected to adb."""
    host = connect(arm64=runner)
    install(host.phone, program)
    return host


def start(host, command):
    """Start a command by adb; return the client when it has printed a line."""
    client = subprocess.Popen(
        [host.server.adb, "-s", host.phone.serial, "shell", command],
        env=host.server.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert client.stdout.readline() == b"ready\n"
    return client


def test_signals_from_another_shell(host):
    """`kill` finds the program by the number that its shell had."""
    begin = at_home("echo $$ > run.pid; exec taskset c ./program")
    client = start(host, f"{begin} listen")
    assert host.shell(f"grep Cpus_allowed: /proc/$(cat {TMP}/run.pid)/status")[1] == (
        "Cpus_allowed:\tc\n"
    )
    assert host.shell(f"kill $(cat {TMP}/run.pid)")[0] == 0
    assert client.communicate(timeout=20) == (b"signal 15\n", b"")
    assert client.returncode == 5
    client = start(host, f"{begin} listen")
    assert host.shell(f"kill -9 $(cat {TMP}/run.pid)")[0] == 0
    assert client.communicate(timeout=20) == (b"", b"")
    assert client.returncode == 137
    assert host.shell(f"kill -0 $(cat {TMP}/run.pid)")[0] == 1


def test_ends_with_the_host(host):
    """A killed adb client takes the program with it, unless the fault says otherwise."""
    name = f"{TMP}/program"
    client = start(host, f"{name} wait")
    assert host_processes(name)
    client.kill()
    client.communicate()
    wait_until(lambda: not host_processes(name))
    host.phone.inject(KeepRunning())
    client = start(host, f"{name} wait")
    client.kill()
    client.communicate()
    time.sleep(0.3)
    assert host_processes(name)
    host.phone.close()
    assert not host_processes(name)


def test_benchmark_engine(runner):
    """The engine loads its library and reads its model with its own loader and libc."""
    with EmulatedPhone(arm64=runner) as phone:
        shutil.copytree(counting.bundle(), phone.root / TMP[1:] / "engine")
        begin = f"cd {TMP}/engine; ./ld-linux-aarch64.so.1 --library-path . ./tflbench"
        code, out, _ = run(phone, f"{begin} --help")
        assert (code, "--graph" in out) == (0, True)
        (phone.root / TMP[1:] / "engine" / "none.tflite").write_bytes(b"no model")
        code, _, err = run(phone, f"{begin} --graph=none.tflite")
        assert code == 1
        assert "tflbench: error" in err


def test_levels_say_what_is_missing(monkeypatch):
    """Without programs, both levels name what to install."""
    monkeypatch.setenv("PATH", "/nowhere")
    one, two = emulator.levels()
    assert (one.level, one.available, two.level, two.available) == (1, False, 2, False)
    assert "apt-get install adb" in one.missing[0]
    with pytest.raises(Arm64MissingError, match="apt-get install qemu-user-static") as caught:
        find_arm64()
    assert set(caught.value.missing) <= set(two.missing)
