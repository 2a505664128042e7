"""The emulated phone and the real adb program: connecting, shells, files, keys."""

import concurrent.futures
import hashlib
import os
import signal
import socket
import subprocess

import pytest

from android_benchmark.emulator import EmulatedPhone, EmulatorError, private_adb_server
from tests.android_benchmark.emulator.conftest import wait_until


def test_adb_lists_the_phone_as_a_device(host):
    """A connected phone is in the state `device`."""
    assert host.server.states()[host.phone.serial] == "device"


def test_listens_on_loopback_only(host):
    """The phone cannot be reached by another computer."""
    for listening in host.phone._server.sockets:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_shell_keeps_exit_code_and_both_outputs_apart(host):
    """The exit code and standard error arrive as they are, not merged."""
    code, out, err = host.shell("echo words; ls /nowhere; exit 42")
    assert (code, out, err) == (42, "words\n", "ls: /nowhere: No such file or directory\n")


def test_old_android_merges_outputs_and_loses_the_exit_code(connect):
    """Up to Android 6 the shell was a terminal: CR LF, one output, exit code 0."""
    code, out, err = connect(sdk=23).shell("echo words; ls /nowhere; exit 42")
    assert (code, err) == (0, "")
    assert out == "words\r\nls: /nowhere: No such file or directory\r\n"


def test_shell_reads_standard_input_to_its_end(host):
    """Closing standard input ends `cat`, and every byte came through."""
    data = os.urandom(3_000_000)
    done = host.adb("shell", "cat > /sdcard/x; md5sum /sdcard/x", stdin=data)
    assert done.stdout.decode().split()[0] == hashlib.md5(data).hexdigest()


def test_exec_passes_bytes_as_they_are(host):
    """`exec-out` and `exec-in` change nothing, line ends included."""
    data = bytes(range(256)) * 20_000
    host.adb("exec-in", "cat > /sdcard/x", stdin=data)
    # adb does not wait for the command to end: `exec` has no exit code.
    wait_until(lambda: host.phone.device.files.status("/sdcard/x").st_size == len(data))
    assert host.adb("exec-out", "cat /sdcard/x").stdout == data


def test_large_output_of_a_shell_arrives_whole(host):
    """Flow control loses nothing of 20 MB to standard output."""
    data = os.urandom(1 << 20) * 20
    (host.phone.root / "sdcard" / "big").write_bytes(data)
    assert host.adb("shell", "cat /sdcard/big").stdout == data


def test_shell_without_a_command_runs_lines_of_input(host):
    """`adb shell < script` runs the script."""
    done = host.adb("shell", stdin=b"cd /sdcard\npwd\nexit 3\necho never\n")
    assert (done.returncode, done.stdout) == (3, b"/sdcard\n")


def test_push_and_pull_20_megabytes(host, tmp_path):
    """A large file makes the round trip unchanged, into folders that did not exist."""
    data = os.urandom(20_000_000)
    pushed = host.push(data, "/data/local/tmp/deep/er/model.tflite", folder=tmp_path)
    assert pushed.returncode == 0
    digest = host.shell("sha256sum /data/local/tmp/deep/er/model.tflite")[1].split()[0]
    assert digest == hashlib.sha256(data).hexdigest()
    back = tmp_path / "back"
    assert host.adb("pull", "/data/local/tmp/deep/er/model.tflite", str(back)).returncode == 0
    assert back.read_bytes() == data


def test_push_of_a_folder_keeps_its_tree(host, tmp_path):
    """Folders are pushed and pulled with what is in them."""
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "leaf é").write_text("leaf")
    assert host.adb("push", str(tmp_path / "tree"), "/sdcard/").returncode == 0
    assert host.adb("pull", "/sdcard/tree", str(tmp_path / "back")).returncode == 0
    assert (tmp_path / "back" / "sub" / "leaf é").read_text() == "leaf"


def test_push_over_a_file_replaces_it(host, tmp_path):
    """A second push leaves nothing of a longer first one."""
    host.push(b"long " * 100, "/sdcard/file", folder=tmp_path)
    host.push(b"short", "/sdcard/file", folder=tmp_path)
    assert host.adb("exec-out", "cat /sdcard/file").stdout == b"short"


def test_pull_of_a_missing_file_fails(host, tmp_path):
    """adb says what is missing and leaves no file."""
    done = host.adb("pull", "/sdcard/none", str(tmp_path / "none"))
    assert done.returncode == 1
    assert b"No such file or directory" in done.stdout + done.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("sdk", [23, 26, 30])
def test_adb_ls_lists_a_folder(connect, sdk):
    """`adb ls` works with every version of the protocol's list."""
    host = connect(sdk=sdk)
    (host.phone.root / "sdcard" / "one").write_text("1")
    lines = host.adb("ls", "/sdcard").stdout.decode().splitlines()
    assert [line.split(" ", 3)[3] for line in lines] == ["one"]


def test_refuses_pushes_outside_the_writable_folders(host, tmp_path):
    """The reasons are Android's."""
    for path, reason in {
        "/system/bin/x": b"Read-only file system",
        "/x": b"Read-only file system",
        "/data/x": b"Permission denied",
        "/proc/x": b"Permission denied",
        "/sdcard/../data/x": b"Permission denied",
    }.items():
        done = host.push(b"x" * 300_000, path, folder=tmp_path)
        assert done.returncode == 1
        assert b"remote couldn't create file: " + reason in done.stdout + done.stderr


@pytest.mark.parametrize(
    "way",
    ["/sdcard/../../../../../../../..", "/sdcard/up", "/sdcard/absolute", "/sdcard/circle"],
)
def test_nothing_leads_out_of_the_phone(host, tmp_path, way):
    """Neither `..` nor links, of the phone or of the host, show the host's files."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    sdcard = host.phone.root / "sdcard"
    (sdcard / "up").symlink_to("../../../../../../../..")
    (sdcard / "absolute").symlink_to("/")
    (sdcard / "circle").symlink_to("circle")
    target = f"{way}{secret}"
    assert "secret" not in host.shell(f"cat {target}")[1]
    assert host.adb("pull", target, str(tmp_path / "pulled")).returncode == 1
    assert host.push(b"overwritten", target, folder=tmp_path).returncode == 1
    host.shell(f"rm -rf {way}{tmp_path}; echo x > {target}; chmod 000 {target}")
    assert secret.read_text() == "secret"


def test_a_link_to_a_file_of_the_host_is_a_link_of_the_phone(host, tmp_path):
    """A link's target is looked for on the phone, where it is not."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (host.phone.root / "sdcard" / "link").symlink_to(secret)
    code, out, _ = host.shell("cat /sdcard/link; echo x > /sdcard/link")
    assert (code, out) == (1, "")
    host.shell("rm /sdcard/link")
    assert secret.read_text() == "secret"


def test_unknown_key_is_unauthorized_until_accepted(connect):
    """A new computer waits for a person to press 'allow'."""
    host = connect(keys=(), connected=False)
    host.server.connect(host.phone.serial)
    host.wait_for_state("unauthorized")
    assert b"unauthorized" in host.adb("shell", "id").stderr
    assert host.phone.opened == ()
    assert host.phone.accept_key() == 1
    host.wait_for_state("device")
    assert host.shell("echo in")[1] == "in\n"


def test_accepted_key_is_let_in_at_once(connect, server):
    """The signature of a known computer is verified, and no one is asked."""
    host = connect(keys=(server.public_key,))
    assert host.shell("echo in")[1] == "in\n"
    assert host.phone.keyring.offered == []


def test_another_computers_key_does_not_help(connect, server):
    """Accepting one computer's key lets no other in."""
    with private_adb_server() as other:
        theirs = other.public_key
    host = connect(keys=(theirs,), connected=False)
    server.connect(host.phone.serial)
    host.wait_for_state("unauthorized")
    assert theirs != server.public_key
    assert host.phone.opened == ()


def test_two_phones_at_once_are_kept_apart(connect):
    """Each phone has its own files and properties."""
    one, two = connect(), connect(sdk=30)
    one.shell("echo one > /sdcard/name")
    two.shell("echo two > /sdcard/name")
    assert one.shell("cat /sdcard/name; getprop ro.build.version.sdk")[1] == "one\n26\n"
    assert two.shell("cat /sdcard/name; getprop ro.build.version.sdk")[1] == "two\n30\n"


def test_many_shells_at_once(host):
    """Shells that run at the same time do not mix their outputs."""

    def ask(number):
        return host.shell(f"cat /proc/cpuinfo > /dev/null; sleep 0.01; echo {number}")[1]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == [f"{number}\n" for number in range(40)]


def test_killed_server_can_come_back(tmp_path):
    """The phone outlives adb's server, and the programs of its shells do not."""
    with EmulatedPhone() as phone, private_adb_server() as server:
        server.connect(phone.serial)
        client = subprocess.Popen(
            [server.adb, "-s", phone.serial, "shell", "sleep 1000"],
            env=server.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: "sleep" in phone.running())
        server.run("kill-server")
        client.wait(20)
        wait_until(lambda: phone.running() == ())
        assert "connected" in server.connect(phone.serial)
        assert server.run("-s", phone.serial, "shell", "echo back").stdout == b"back\n"


def test_ended_client_hangs_up_its_program(host):
    """A program ends with the adb that started it, as on a phone."""
    client = subprocess.Popen(
        [host.server.adb, "-s", host.phone.serial, "shell", "sleep 1000"],
        env=host.server.environment,
        stdin=subprocess.DEVNULL,
    )
    wait_until(lambda: "sleep" in host.phone.running())
    client.send_signal(signal.SIGKILL)
    client.wait()
    wait_until(lambda: host.phone.running() == ())


def test_disconnect_takes_the_phone_off_the_list(host):
    """After `adb disconnect` the phone is gone, and a new `connect` finds it."""
    host.server.run("disconnect", host.phone.serial)
    host.wait_for_state(None)
    host.reconnect()
    assert host.shell("echo back")[1] == "back\n"


def test_unplugged_phone_refuses_and_comes_back_on_its_port(host):
    """An unplugged phone takes no connection; plugged in again, it has the same serial."""
    serial = host.phone.serial
    host.phone.unplug()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", host.phone.port), timeout=5)
    host.phone.plug()
    assert host.phone.serial == serial
    host.reconnect()
    assert host.shell("echo back")[1] == "back\n"


def test_closed_phone_says_so():
    """Controls of a phone that is not running raise and say what to do."""
    phone = EmulatedPhone()
    with pytest.raises(EmulatorError, match="`start`"):
        phone.unplug()
    with phone:
        root = phone.root
    phone.close()
    assert not root.exists()


def test_server_keys_and_port_are_private(server):
    """The server's keys are its own, and its port is not the one that everybody uses."""
    assert server.port != 5037
    assert str(server.home) not in os.environ.get("HOME", "")
    assert (server.home / ".android" / "adbkey").exists()


# Of https://apilevels.com and Android's own release notes.
RELEASES = {
    **{21: "5.0", 22: "5.1", 23: "6.0", 24: "7.0", 25: "7.1", 26: "8.0", 27: "8.1", 28: "9"},
    **{29: "10", 30: "11", 31: "12", 32: "12", 33: "13", 34: "14", 35: "15", 36: "16"},
}


@pytest.mark.parametrize("sdk", RELEASES)
def test_every_api_level_is_that_version_of_android(sdk):
    """As Google numbers them: 31 and 32 are both 12, and one level a version from then on."""
    with EmulatedPhone(sdk=sdk) as phone:
        said = phone.device.properties
    assert said["ro.build.version.sdk"] == str(sdk)
    assert said["ro.build.version.release"].startswith(RELEASES[sdk])
    assert said["ro.build.version.release"].partition(".")[0] == RELEASES[sdk].partition(".")[0]


@pytest.mark.parametrize("sdk", [0, -1, 20, 37])
def test_an_api_level_without_a_known_version_is_refused(sdk):
    """No version is made up."""
    with pytest.raises(ValueError, match="`sdk` must be 21 … 36"):
        EmulatedPhone(sdk=sdk)
