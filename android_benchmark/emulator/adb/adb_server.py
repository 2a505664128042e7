"""An adb server of one's own: private port, private keys, ended when done."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from android_benchmark.emulator.errors import AdbError, AdbNotFoundError

_START_S = 20.0
_ATTEMPTS = 3


@dataclasses.dataclass(frozen=True)
class AdbServer:
    """An adb server that nobody else uses.

    Attributes:
        adb: Path of the program.
        port: TCP port of the server.
        home: Folder that stands for the user's home, with the keys in `.android`.
        environment: Variables that make any adb program use this server and these keys.
    """

    adb: str
    port: int
    home: Path
    environment: dict[str, str]

    @property
    def public_key(self) -> str:
        """What a phone is shown when this server asks to be let in."""
        return (self.home / ".android" / "adbkey.pub").read_text()

    def run(
        self, *arguments: str, stdin: bytes | None = None, timeout_s: float = 60.0
    ) -> subprocess.CompletedProcess[bytes]:
        """Run adb with `arguments` and wait for its end.

        Raises:
            AdbError: It did not end in `timeout_s` seconds.
        """
        try:
            return subprocess.run(
                [self.adb, *arguments],
                env=self.environment,
                input=b"" if stdin is None else stdin,
                capture_output=True,
                timeout=timeout_s,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            words = " ".join(arguments[:4])
            raise AdbError(f"`adb {words}` took more than {timeout_s:g} s.") from error

    def connect(self, serial: str) -> str:
        """Connect to a phone at `HOST:PORT`; return what adb says."""
        return self.run("connect", serial).stdout.decode(errors="replace").strip()

    def states(self) -> dict[str, str]:
        """State of each phone that the server knows: device, offline, unauthorized, …"""
        lines = self.run("devices").stdout.decode(errors="replace").splitlines()
        rows = (line.split("\t") for line in lines)
        return {row[0]: row[1].strip() for row in rows if len(row) == 2}


@contextlib.contextmanager
def private_adb_server() -> Iterator[AdbServer]:
    """Start an adb server on a free port with new keys; end it on the way out.

    A server of the user, its phones and its keys are not touched. (A phone on USB is seen
    by every adb server of the computer: name the phone with `-s` always.)

    Raises:
        AdbNotFoundError: There is no adb program.
        AdbError: The server does not start.
    """
    adb = shutil.which("adb")
    if adb is None:
        raise AdbNotFoundError(
            "There is no `adb` program on this computer. Install Android's platform tools, "
            "or the package `adb` of Debian and Ubuntu."
        )
    with tempfile.TemporaryDirectory(prefix="adb-home-", ignore_cleanup_errors=True) as home:
        _make_key(adb, Path(home))
        server, process = _start(adb, Path(home))
        try:
            yield server
        finally:
            # Both: a client may have started another server on the port after a kill.
            with contextlib.suppress(AdbError):
                server.run("kill-server", timeout_s=10.0)
            _end(process)


def _make_key(adb: str, home: Path) -> None:
    """Make the keys first: the server would do it, but later than a test may look for them."""
    (home / ".android").mkdir()
    key = str(home / ".android" / "adbkey")
    done = subprocess.run(
        [adb, "keygen", key],
        env=_environment(home, _free_port()),
        capture_output=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode or not Path(f"{key}.pub").exists():
        words = done.stderr.decode(errors="replace").strip()
        raise AdbError(f"`adb keygen` made no key. It says: {words or 'nothing'}")


def _start(adb: str, home: Path) -> tuple[AdbServer, subprocess.Popen[bytes]]:
    for _ in range(_ATTEMPTS):
        port = _free_port()
        server = AdbServer(adb, port, home, _environment(home, port))
        with (home / "adb.log").open("wb") as log:
            process = subprocess.Popen(
                # As a child, not as a daemon, so that it can be ended by its own handle.
                [adb, "-L", f"tcp:localhost:{port}", "nodaemon", "server"],
                env=server.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A signal to our group is for us: the phone is put back by way of the server.
                start_new_session=True,
            )
        if _answers(process, port):
            return server, process
        _end(process)
    words = (home / "adb.log").read_text(errors="replace").strip().splitlines()[-1:]
    raise AdbError(f"The adb server does not start. It says: {' '.join(words) or 'nothing'}")


def _environment(home: Path, port: int) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ADB_", "ANDROID_"))
    }
    return kept | {
        "HOME": str(home),
        "ANDROID_USER_HOME": str(home / ".android"),
        "TMPDIR": str(home),  # for the log of a server that a client starts
        "ANDROID_ADB_SERVER_PORT": str(port),
        "ADB_LOCAL_TRANSPORT_MAX_PORT": "5554",  # look for no emulators of the user
        "ADB_MDNS_AUTO_CONNECT": "0",
        "ADB_MDNS": "0",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline_s = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
