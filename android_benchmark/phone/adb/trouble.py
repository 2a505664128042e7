"""What adb's words mean: a state, or a complaint, as an error with advice."""

from __future__ import annotations

import re
from collections.abc import Sequence

from android_benchmark import errors

_ADVICE = {
    "offline": "plug it in again, or wait until it has started",
    "unauthorized": "unlock the phone and accept this computer's key",
    "authorizing": "unlock the phone and accept this computer's key",
    "no permissions": "let your user use USB devices (udev rules, group plugdev), then replug",
    "recovery": "start Android on it",
    "sideload": "start Android on it",
    "bootloader": "start Android on it",
}


def advice(state: str) -> str:
    """What to do about a state of `adb devices`; empty if nothing."""
    return _ADVICE.get(state, "" if state == "device" else "plug it in again")


def not_ready(state: str, serial: str) -> errors.HarnessError:
    """The error that a phone's state stands for."""
    kind: type[errors.HarnessError] = {
        "unauthorized": errors.UnauthorizedError,
        "authorizing": errors.UnauthorizedError,
        "no permissions": errors.NoPermissionsError,
        "offline": errors.OfflineError,
    }.get(state, errors.DeviceNotReadyError)
    return kind(f"The phone {serial} is {state}: {advice(state)}.")


_SAYINGS: Sequence[tuple[str, type[errors.HarnessError], str]] = (
    (r"unauthorized", errors.UnauthorizedError, _ADVICE["unauthorized"]),
    (
        r"no permissions|insufficient permissions",
        errors.NoPermissionsError,
        _ADVICE["no permissions"],
    ),
    (
        r"No space left",
        errors.NoSpaceError,
        "free some space on the phone; `bench --clean` removes what `bench` put there",
    ),
    (
        r"Permission denied|Read-only file system|Operation not permitted",
        errors.NotWritableError,
        "check the owner and the permissions of the folder",
    ),
    (r"more than one device", errors.DeviceChoiceError, "choose one with `--device`"),
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
        r"\bclosed\b|protocol fault|connection reset|broken pipe|\bEOF\b|failed to read|"
        r"failed to copy|connect failed|timed out",
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
            # What stands in quotes is a name, and may be anything.
            if re.search(pattern, re.sub(r"'[^']*'", "''", line), re.IGNORECASE):
                return kind(f"{_bare(line)}: {advice}.")
    return errors.RemoteError(f"`adb {arguments[0]}` failed: {_bare(kept[-1])}.")


def _bare(line: str) -> str:
    """The line without what helps nobody: who says it, and where the files lie."""
    line = re.sub(r"^adb [VDIWEF] [\d: -]{20,60} [\w./-]{1,200}:\d+\] ", "", line)
    line = re.sub(r"^(adb: )?error: ", "", line.removesuffix(": Success")).rstrip(".:")
    copying = r"failed to copy '(?:[^']*/)?([^'/]+)' to '/[^']*'"
    return re.sub(copying, r"cannot copy \1 to the phone", line)
