"""What the tests of the emulated phone share: an adb server of their own, and phones."""

from __future__ import annotations

import contextlib
import time

import pytest

from android_benchmark.emulator import AdbNotFoundError, EmulatedPhone, private_adb_server

PATIENCE_S = 20.0


class Host:
    """The adb server, as seen with one phone in mind."""

    def __init__(self, server, phone):
        self.server = server
        self.phone = phone

    def adb(self, *arguments, **options):
        """Run adb for the phone."""
        return self.server.run("-s", self.phone.serial, *arguments, **options)

    def shell(self, command, **options):
        """Run a command; return exit code, standard output and standard error as text."""
        done = self.adb("shell", command, **options)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def push(self, content, path, *, mode=0o644, folder):
        """Push bytes to a path of the phone."""
        local = folder / "pushed"
        local.write_bytes(content)
        local.chmod(mode)
        return self.adb("push", str(local), path)

    def wait_for_state(self, wanted):
        """Wait until adb reports the state `wanted` (None: it does not list the phone)."""
        wait_until(lambda: self.server.states().get(self.phone.serial) == wanted)

    def reconnect(self):
        """Connect anew, whatever adb believes of the old connection."""
        self.server.run("disconnect", self.phone.serial)
        self.server.connect(self.phone.serial)
        self.wait_for_state("device")


def wait_until(condition):
    """Wait for something that another program or thread brings about."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def server():
    """A private adb server."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(private_adb_server())
        except AdbNotFoundError as error:
            pytest.skip(str(error))
        yield found


@pytest.fixture
def connect(server):
    """Start a phone with some options and connect to it; `connected=False` only starts it."""
    with contextlib.ExitStack() as stack:

        def make(*, connected=True, **options):
            phone = stack.enter_context(EmulatedPhone(**options))
            stack.callback(server.run, "disconnect", phone.serial)
            host = Host(server, phone)
            if connected:
                server.connect(phone.serial)
                host.wait_for_state("device")
            return host

        yield make


@pytest.fixture
def host(connect):
    """A healthy phone, connected."""
    return connect()
