"""The emulated phone: a thread of its own that listens on the loopback interface."""

from __future__ import annotations

import asyncio
import concurrent.futures
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from android_benchmark.emulator.adb.keys import Keyring
from android_benchmark.emulator.adb.session import Session
from android_benchmark.emulator.adb.wire import Wire
from android_benchmark.emulator.commands import COMMANDS
from android_benchmark.emulator.device.device import EmulatedDevice
from android_benchmark.emulator.device.profile import PhoneProfile
from android_benchmark.emulator.device.program import Runner
from android_benchmark.emulator.errors import EmulatorError
from android_benchmark.emulator.faults import Fault, Offline, RefuseConnections
from android_benchmark.emulator.programs.arm64 import Arm64Runner

HOST = "127.0.0.1"
_PATIENCE_S = 10.0
T = TypeVar("T")


class EmulatedPhone:
    """A phone that `adb connect` finds, from `start` (or `with`) to `close`.

    Its methods may be called from any thread. It listens on the loopback interface only,
    and its files lie in a temporary folder that goes with it.

    Args:
        profile: Name of a bundled profile, or a folder.
        port: TCP port; 0 lets the system choose.
        faults: What is wrong with it from the start.
        sdk: Android's API level, 21 (5.0) to 36 (16), if not the profile's.
        keys: Content of each `adbkey.pub` whose owner may use the phone; others are
            `unauthorized` until `accept_key`. None lets everybody in, as on an emulator.
        missing: Commands that it lacks, such as `sha256sum` on old versions.
        engines: What runs a file, by the file's SHA-256: a `ScriptedEngine`, or a `Runner` of
            one's own, which gets the arguments, the phone's files and the program's output.
        arm64: What runs arm64 programs (see `find_arm64`); without it they are refused.
        clock: Seconds, for temperatures and for faults that take time.

    Raises:
        ProfileError: The profile cannot be read.
        ValueError: One of `keys` is not a public key, or there is no such API level.
    """

    def __init__(
        self,
        profile: str | Path = "msm8996",
        *,
        port: int = 0,
        faults: Iterable[Fault] = (),
        sdk: int | None = None,
        keys: Iterable[str] | None = None,
        missing: Iterable[str] = (),
        engines: Mapping[str, Runner] | None = None,
        arm64: Arm64Runner | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        loaded = PhoneProfile.load(profile)
        self.keyring = Keyring(None if keys is None else tuple(keys))
        self._folder = tempfile.TemporaryDirectory(
            prefix="emulated-phone-", ignore_cleanup_errors=True
        )
        try:
            self.device = EmulatedDevice(
                Path(self._folder.name),
                loaded,
                clock=clock,
                faults=faults,
                sdk=sdk,
                missing=missing,
                engines=engines,
                arm64=arm64,
            )
        except BaseException:
            self._folder.cleanup()
            raise
        for name in COMMANDS.keys() - self.device.missing:
            (self.root / "system" / "bin" / name).touch(mode=0o755)
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: asyncio.Server | None = None
        self._sessions: dict[Session, asyncio.Task[None]] = {}

    def __enter__(self) -> EmulatedPhone:
        return self.start()

    def __exit__(self, *details: object) -> None:
        self.close()

    @property
    def serial(self) -> str:
        """What adb calls the phone, such as `127.0.0.1:40123`."""
        return f"{HOST}:{self.port}"

    @property
    def root(self) -> Path:
        """The folder of this computer that is the phone's `/`."""
        return self.device.files.root

    @property
    def opened(self) -> tuple[str, ...]:
        """Names of all services that were opened, such as `shell,v2,raw:ls`, in order."""
        return tuple(self.device.opened)

    def start(self) -> EmulatedPhone:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="emulated phone", daemon=True
        )
        self._thread.start()
        try:
            self.plug()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Cut all connections, end all programs, and remove the phone's files, for good."""
        if self._loop and self._thread:
            try:
                self.unplug()
                self._in_thread(self.device.processes.end_all)
            finally:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop.close()
                self._loop = self._thread = None
        self._folder.cleanup()

    def inject(self, *faults: Fault) -> None:
        """Turn faults on while the phone runs."""

        async def act() -> None:
            self.device.faults.inject(*faults)
            self.device.processes.obey_faults()
            if any(isinstance(fault, Offline) for fault in faults):
                self._cut()

        self._in_thread(act)

    def clear(self, what: Fault | type[Fault] = Fault) -> None:
        """Turn off one fault, all of a kind, or all."""

        async def act() -> None:
            was_offline = self.device.faults.get(Offline)
            self.device.faults.clear(what)
            if was_offline and not self.device.faults.get(Offline):
                self._cut()  # the silent connections; adb makes a new one

        self._in_thread(act)

    def accept_key(self) -> int:
        """Press 'allow' for all keys that were shown; return how many those were."""

        async def act() -> int:
            keys = tuple(self.keyring.offered)
            count = self.keyring.accept_offered()
            for session in list(self._sessions):
                for key in keys:
                    await session.let_in(key)
            return count

        return self._in_thread(act)

    def unplug(self) -> None:
        """Cut all connections and refuse new ones until `plug`."""

        async def act() -> None:
            if self._server:
                self._server.close()
                self._server = None
            self._cut()
            if self._sessions:
                await asyncio.wait(list(self._sessions.values()))

        self._in_thread(act)

    def plug(self) -> None:
        """Listen, on the same port as before.

        Raises:
            OSError: The port is taken.
        """

        async def act() -> None:
            if self._server is None:
                self._server = await asyncio.start_server(self._serve, HOST, self.port)
                self.port = self._server.sockets[0].getsockname()[1]

        self._in_thread(act)

    def kill(self, program: str, number: int) -> int:
        """Send a signal to all running programs of a name; return how many those were."""

        async def act() -> int:
            found = self.device.processes.named(program)
            for process in found:
                process.kill(number)
            return len(found)

        return self._in_thread(act)

    def running(self) -> tuple[str, ...]:
        """Names of the programs that run now."""

        async def act() -> tuple[str, ...]:
            return tuple(process.name for process in self.device.processes)

        return self._in_thread(act)

    def _cut(self) -> None:
        for session in self._sessions:
            session.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer, self.device.faults)
        if self.device.faults.get(RefuseConnections):
            wire.abort()
            return
        session = Session(self.device, self.keyring, wire)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Connections are served within a task.")
        self._sessions[session] = task
        try:
            await session.run()
        finally:
            del self._sessions[session]

    def _in_thread(self, act: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the phone's thread and return what it returns.

        Raises:
            EmulatorError: The phone is not running, or does not answer.
        """
        if self._loop is None:
            raise EmulatorError("The phone is not running: call `start`, or use `with`.")
        future = asyncio.run_coroutine_threadsafe(act(), self._loop)
        try:
            return future.result(_PATIENCE_S)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise EmulatorError("The phone does not answer.") from None
