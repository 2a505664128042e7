"""One phone over adb: its shell, its files and its properties."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from android_benchmark import errors
from android_benchmark.phone.adb.program import SHELL_TIMEOUT_S, Adb, Completed
from android_benchmark.phone.adb.trouble import trouble

BYTES_PER_S = 1_000_000
"""A transfer slower than this has stalled: USB 2 and WLAN are faster."""


class AdbDevice:
    """One phone, by its serial."""

    def __init__(self, adb: Adb, serial: str) -> None:
        self.adb = adb
        self.serial = serial

    def shell(self, command: str, *, timeout_s: float = SHELL_TIMEOUT_S) -> Completed:
        """Run a shell command on the phone; the exit code is the command's own.

        The phone prints a mark before the output, and another with the exit code behind it.
        What stands outside is not the command's: greetings of the shell and of `su`, warnings
        of the linker, news of adb. Old versions of Android report no other exit code, and
        output without the second mark was cut short, whatever adb returns.

        Raises:
            TransportLostError: The output was cut short.
            TransientError, DeviceNotReadyError: The phone is not there.
        """
        # Chosen anew each time: no output that was stored somewhere holds them.
        begin, end = (f"mmnet-{word}-{secrets.token_hex(4)}" for word in ("begin", "end"))
        wrapped = f"echo {begin}; ({command}\n); code=$?; echo; echo {end}:$code"
        result = self.adb.attempt("-s", self.serial, "shell", wrapped, timeout_s=timeout_s)
        text = re.sub(r"\r+\n", "\n", result.stdout)
        ended = re.search(rf"^{end}:([0-9]+)\n", text, re.MULTILINE)
        # The last: a shell that traces its commands shows them too.
        _, begun, answer = text[: ended.start() if ended else 0].rpartition(f"{begin}\n")
        if ended and begun:
            return Completed(answer.removesuffix("\n"), result.stderr, int(ended[1]))
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
        return properties(self.shell("getprop").stdout)


def properties(text: str) -> dict[str, str]:
    """What `getprop` lists."""
    pairs = (re.fullmatch(r"\[(.+?)\]: \[(.*)\]", line.strip()) for line in text.splitlines())
    return {match[1]: match[2] for match in pairs if match}
