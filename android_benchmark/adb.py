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
from collections.abc import Mapping, Sequence
from pathlib import Path

from android_benchmark import errors

SHELL_TIMEOUT_S = 30.0
"""Bound of a command that only looks something up."""

BYTES_PER_S = 1_000_000
"""A transfer slower than this has stalled: USB 2 and WLAN are faster."""

_MARK = "mmnet-exit:"
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
        return _ADVICE.get(self.state, "" if self.state == "device" else "plug it in again")


_ADVICE = {
    "offline": "plug it in again, or wait until it has started",
    "unauthorized": "unlock the phone and accept this computer's key",
    "authorizing": "unlock the phone and accept this computer's key",
    "no permissions": "let your user at USB devices (udev rules, group plugdev), then replug",
    "recovery": "start Android on it",
    "sideload": "start Android on it",
    "bootloader": "start Android on it",
}


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

    Raises:
        AdbMissingError: There is none.
    """

    def __init__(
        self, program: str | Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
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
        """
        try:
            result = subprocess.run(
                [self.program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                env=self.environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise errors.TimedOutError(
                f"`adb {' '.join(arguments[:4])}` gave no answer in {timeout_s:g} s."
            ) from error
        except OSError as error:
            raise errors.AdbMissingError(
                f"Cannot start {self.program}: {error.strerror or error}."
            ) from error
        stdout, stderr = (
            text.decode("utf-8", "replace") for text in (result.stdout, result.stderr)
        )
        return Completed(stdout, stderr, result.returncode)

    def devices(self) -> tuple[Listed, ...]:
        """All phones that the adb server knows, in its order.

        Raises:
            AdbServerError: The server does not start.
        """
        found = []
        for line in self.run("devices", "-l").stdout.splitlines():
            listed = _listed(line)
            if listed:
                found.append(listed)
        return tuple(found)

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
            raise _not_ready(chosen.state, chosen.serial)
        return chosen


def _listed(line: str) -> Listed | None:
    """A line of `adb devices -l`; None for the heading and for news of the server."""
    if line.startswith(("List of devices", "* ", "adb server")) or not line.strip():
        return None
    serial, _, rest = line.strip().partition("\t" if "\t" in line else " ")
    rest = rest.strip()
    if rest.startswith("no permissions"):
        return Listed(serial, "no permissions")
    model = dict(_PROPERTY.findall(rest)).get("model")
    state = rest.split()[0] if rest else "unknown"
    return Listed(serial, state, model.replace("_", " ") if model else None)


# --- One phone ---------------------------------------------------------------


class AdbDevice:
    """One phone, by its serial."""

    def __init__(self, adb: Adb, serial: str) -> None:
        self.adb = adb
        self.serial = serial

    def shell(self, command: str, *, timeout_s: float = SHELL_TIMEOUT_S) -> Completed:
        """Run a shell command on the phone; the exit code is the command's own.

        The phone prints the exit code behind the output. Old versions of Android report
        no other, and output without it was cut short, whatever adb returns.

        Raises:
            TransportLostError: The output was cut short.
            TransientError, DeviceNotReadyError: The phone is not there.
        """
        wrapped = f"({command}\n); code=$?; echo; echo {_MARK}$code"
        result = self.adb.attempt("-s", self.serial, "shell", wrapped, timeout_s=timeout_s)
        text, mark, code = result.stdout.replace("\r\n", "\n").rpartition(f"\n{_MARK}")
        if mark and code.strip().isdecimal():
            return Completed(text, result.stderr, int(code))
        if result.stderr.strip():
            raise trouble(result.stderr, ("shell",))
        raise errors.TransportLostError(
            f"The connection to {self.serial} broke: the output of a command has no end."
        )

    def push(self, local: Path, remote: str) -> None:
        """Copy a file to the phone.

        Raises:
            NoSpaceError, NotWritableError: The phone does not take it.
            TransientError: The connection broke, or stalled.
        """
        timeout_s = SHELL_TIMEOUT_S + local.stat().st_size / BYTES_PER_S
        self._transfer("push", str(local), remote, timeout_s=timeout_s)

    def pull(self, remote: str, local: Path, *, timeout_s: float = 300.0) -> None:
        """Copy a file from the phone.

        Raises:
            RemoteError: There is no such file, or it may not be read.
            TransientError: The connection broke, or stalled.
        """
        self._transfer("pull", remote, str(local), timeout_s=timeout_s)

    def _transfer(self, verb: str, source: str, target: str, *, timeout_s: float) -> None:
        result = self.adb.attempt("-s", self.serial, verb, source, target, timeout_s=timeout_s)
        if result.returncode:
            raise trouble(result.stderr + result.stdout, (verb, source, target))

    def properties(self) -> Mapping[str, str]:
        """Android's system properties."""
        lines = self.shell("getprop").stdout.splitlines()
        pairs = (re.fullmatch(r"\[(.+?)\]: \[(.*)\]", line.strip()) for line in lines)
        return {match[1]: match[2] for match in pairs if match}


# --- What adb says -----------------------------------------------------------


def _not_ready(state: str, serial: str) -> errors.HarnessError:
    advice = Listed(serial, state).advice
    kind: type[errors.HarnessError] = {
        "unauthorized": errors.UnauthorizedError,
        "authorizing": errors.UnauthorizedError,
        "no permissions": errors.NoPermissionsError,
        "offline": errors.OfflineError,
    }.get(state, errors.DeviceNotReadyError)
    return kind(f"The phone {serial} is {state}: {advice}.")


_SAYINGS: Sequence[tuple[str, type[errors.HarnessError], str]] = (
    (r"unauthorized", errors.UnauthorizedError, _ADVICE["unauthorized"]),
    (
        r"no permissions|insufficient permissions",
        errors.NoPermissionsError,
        _ADVICE["no permissions"],
    ),
    (r"No space left", errors.NoSpaceError, "free some on the phone; `bench --clean` removes ours"),
    (
        r"Permission denied|Read-only file system|Operation not permitted",
        errors.NotWritableError,
        "choose a folder that a shell may write to, such as /data/local/tmp",
    ),
    (r"more than one device", errors.DeviceChoiceError, "say which one"),
    (r"device offline", errors.OfflineError, _ADVICE["offline"]),
    (
        r"device '.*' not found|no devices|device not found",
        errors.TransportLostError,
        "plug it in again",
    ),
    (
        r"cannot connect to daemon|doesn't match this client|failed to start daemon|"
        r"could not read ok from ADB Server|server killed|failed to check server version",
        errors.AdbServerError,
        "stop other adb servers (`adb kill-server`) and use one version of adb",
    ),
    (
        r"closed|protocol fault|connection reset|broken pipe|EOF|failed to read|failed to copy|"
        r"connect failed|timed out",
        errors.TransportLostError,
        "check the cable",
    ),
)
"""What adb's words mean, the first that is found; what to do about it."""


def trouble(said: str, arguments: Sequence[str]) -> errors.HarnessError:
    """The error that adb's own words stand for."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith("* daemon")] or ["no reason was given"]
    for pattern, kind, advice in _SAYINGS:
        for line in kept:
            if re.search(pattern, line, re.IGNORECASE):
                return kind(f"{_bare(line)}: {advice}.")
    return errors.RemoteError(f"`adb {arguments[0]}` failed: {_bare(kept[-1])}.")


def _bare(line: str) -> str:
    return re.sub(r"^(adb: )?error: ", "", line).rstrip(".:")
