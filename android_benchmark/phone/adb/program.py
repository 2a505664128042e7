"""Android's `adb` program, through one narrow class.

Exit codes are true, standard output and standard error stay apart, every call has a
bound, and what adb says of its own troubles becomes an error of `errors`. The usual
environment variables (ANDROID_ADB_SERVER_ADDRESS, ANDROID_ADB_SERVER_PORT, …) choose the
server, so phones on another computer are reached the same way.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from android_benchmark import errors
from android_benchmark.phone.adb.trouble import advice, not_ready, trouble

SHELL_TIMEOUT_S = 30.0
"""Bound of a command that only looks something up."""

_STEP_S = 0.2
_PROPERTY = re.compile(r"(\w+):(\S+)")


@dataclasses.dataclass(frozen=True)
class Listed:
    """A phone as `adb devices` lists it.

    Attributes:
        state: `device` if it can be used, else `offline`, `unauthorized`, `no permissions`, ….
        model: Its name, if adb knows it.
    """

    serial: str
    state: str
    model: str | None = None

    @property
    def advice(self) -> str:
        """What to do about the state; empty if nothing."""
        return advice(self.state)


@dataclasses.dataclass(frozen=True)
class Completed:
    """What a program did; for a shell command, the one on the phone."""

    stdout: str
    stderr: str
    returncode: int


class Adb:
    """The adb program.

    Args:
        program: Its path; by default that in PATH.
        environment: Variables for it in place of this process's own.
        stop: Once it is set, every call ends at once with `StoppedError`.

    Raises:
        AdbMissingError: There is none.
    """

    def __init__(
        self,
        program: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.stop = stop or threading.Event()
        self.environment = dict(os.environ if environment is None else environment)
        found = shutil.which(str(program or "adb"), path=self.environment.get("PATH"))
        if found is None:
            raise errors.AdbMissingError(
                "There is no adb program. Install Android's platform tools (Debian: apt install "
                f"adb). Looked for: {program or 'adb'}."
            )
        self.program = found

    def run(self, *arguments: str, timeout_s: float = SHELL_TIMEOUT_S) -> Completed:
        """Run adb with arguments; its own troubles become errors.

        Raises:
            HarnessError: See `errors`; which one depends on what adb says.
        """
        result = self.attempt(*arguments, timeout_s=timeout_s)
        if result.returncode:
            raise trouble(result.stderr + result.stdout, arguments)
        return result

    def attempt(self, *arguments: str, timeout_s: float = SHELL_TIMEOUT_S) -> Completed:
        """Run adb with arguments, whatever it returns.

        Raises:
            AdbMissingError: It cannot be started.
            TimedOutError: It did not end in time; it is killed.
            StoppedError: Somebody asked to stop.
        """
        if self.stop.is_set():
            raise errors.StoppedError("Stopped.")
        try:
            process = subprocess.Popen(
                [self.program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environment,
                # A Ctrl-C in the terminal is for this process: it decides what stops, and when.
                start_new_session=True,
            )
        except OSError as error:
            raise errors.AdbMissingError(
                f"Cannot start {self.program}: {error.strerror or error}."
            ) from error
        end_s = time.monotonic() + timeout_s
        try:
            while True:
                try:
                    output = process.communicate(timeout=min(_STEP_S, max(0.0, timeout_s)))
                    break
                except subprocess.TimeoutExpired:
                    if self.stop.is_set():
                        raise errors.StoppedError("Stopped.") from None
                    if time.monotonic() >= end_s:
                        raise errors.TimedOutError(
                            f"`adb {' '.join(arguments[:4])}` gave no answer in {timeout_s:g} s."
                        ) from None
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        stdout, stderr = (text.decode("utf-8", "replace") for text in output)
        return Completed(stdout, stderr, process.returncode)

    def unstoppable(self) -> Adb:
        """The same adb, for what has to be done even when somebody asked to stop."""
        return Adb(self.program, self.environment)

    def wait(self, seconds: float) -> None:
        """Do nothing for some time.

        Raises:
            StoppedError: Somebody asked to stop.
        """
        if self.stop.wait(seconds):
            raise errors.StoppedError("Stopped.")

    def wait_for(self, serial: str, patience_s: float, cause: errors.HarnessError) -> None:
        """Wait until a phone that went away is back.

        Args:
            serial: The phone; one on the network is connected to anew.
            patience_s: How long at most.
            cause: What to raise if it does not come back.

        Raises:
            DeviceNotReadyError: It is back, but a person has to do something first.
            HarnessError: `cause`.
        """
        end_s = time.monotonic() + patience_s
        while True:
            try:
                if re.search(r":[0-9]+$", serial):
                    self._connect(serial)
                self.choose(serial)
                return
            except (errors.TransientError, errors.DeviceChoiceError, errors.AdbServerError):
                if time.monotonic() >= end_s:
                    raise cause from None
            self.wait(_STEP_S)

    def _connect(self, serial: str) -> None:
        """Connect to a phone on the network, unless it is connected."""
        states = {listed.serial: listed.state for listed in self.devices()}
        if states.get(serial) != "device":
            # adb would wait for ten seconds before it tries a lost connection again.
            self.attempt("disconnect", serial)
            self.attempt("connect", serial)

    def devices(self) -> tuple[Listed, ...]:
        """All phones that the adb server knows, in its order.

        Raises:
            AdbServerError: The server does not start.
        """
        return _list(self.run("devices", "-l").stdout)

    def choose(self, serial: str | None = None) -> Listed:
        """The phone to use: that of the serial, of ANDROID_SERIAL, or the only one.

        Raises:
            DeviceChoiceError: There is none, or several and no serial.
            DeviceNotReadyError: A person has to do something first.
            OfflineError: It does not answer.
        """
        wanted = serial or self.environment.get("ANDROID_SERIAL")
        listed = self.devices()
        names = ", ".join(one.serial for one in listed) or "none"
        if wanted:
            matching = [one for one in listed if one.serial == wanted]
            if not matching:
                raise errors.DeviceChoiceError(f"There is no phone {wanted}. Connected: {names}.")
        else:
            matching = list(listed)
            if len(matching) > 1:
                raise errors.DeviceChoiceError(
                    f"`--device` must say which phone, since there are several: {names}."
                )
            if not matching:
                raise errors.DeviceChoiceError(
                    "No phone is connected. Plug one in, turn on USB debugging in its developer "
                    "options, and accept this computer's key."
                )
        (chosen,) = matching
        if chosen.state != "device":
            raise not_ready(chosen.state, chosen.serial)
        return chosen


_HEADING = "List of devices attached"
_NEWS = ("* ", "adb server")
_STATES = r"no permissions\b.*?|\S+"
_DESCRIBED = r"(?:usb|product|model|device|features|transport_id):\S*|[0-9]+-[0-9.]+;?"
_LINE = re.compile(
    # As short a serial as leaves a state and descriptions only: serials may hold blanks.
    rf"(?P<serial>\S.*?)[ \t]+(?P<state>{_STATES})(?P<described>(?:[ \t]+(?:{_DESCRIBED}))*)"
)


def _list(text: str) -> tuple[Listed, ...]:
    """What `adb devices -l` lists, below its heading; before it are news of the server."""
    before, heading, after = text.partition(_HEADING)
    lines = (after if heading else before).splitlines()
    return tuple(listed for line in lines if (listed := _listed(line)))


def _listed(line: str) -> Listed | None:
    """A line of `adb devices -l`; None for the heading and for news of the server.

    The serial is all that stands before the state: those that adb finds on the network may be
    `adb-1a2b3c (2)._adb-tls-connect._tcp`, and a phone without one is `(no serial number)`.
    """
    line = line.strip()
    match = None if line.startswith((_HEADING, *_NEWS)) else _LINE.fullmatch(line)
    if match is None:
        return Listed(line, "unknown") if re.fullmatch(r"[^\s*]\S*", line) else None
    state = "no permissions" if match["state"].startswith("no permissions") else match["state"]
    model = dict(_PROPERTY.findall(match["described"])).get("model")
    return Listed(match["serial"], state, model.replace("_", " ") if model else None)
