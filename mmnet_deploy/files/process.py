"""Which process something belongs to, and whether that process still runs."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import platform
from pathlib import Path

_PROC = Path("/proc")


@dataclasses.dataclass(frozen=True)
class Owner:
    """A process that no other can be mistaken for, on any computer and after any reboot.

    Attributes:
        pid: Its number.
        started: When it began, in clock ticks since the system's start; 0 where nothing tells.
            It tells apart two processes that got the same number.
        place: Where the number is valid: `this_place` of that process.
    """

    pid: int
    started: int
    place: str

    def is_gone(self) -> bool | None:
        """Whether it has ended; None where that cannot be known from here."""
        if self.place != this_place():
            return None
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:
            pass  # It is another user's.
        began = _started(self.pid)
        return 0 not in (began, self.started) and began != self.started


def this_process() -> Owner:
    """The process that asks."""
    pid = os.getpid()
    return Owner(pid, _started(pid), this_place())


@functools.cache
def this_place() -> str:
    """Six hexadecimal digits for this computer, its start and this container.

    Processes are numbered anew by each of these.
    """
    parts = [platform.node()]
    try:
        parts.append((_PROC / "sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink(_PROC / "self/ns/pid"))
    except OSError:
        pass  # Not Linux: the name of the computer has to do.
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:6]


def _started(pid: int) -> int:
    """Clock ticks from the system's start to the process's; 0 if unknown, -1 if it has ended."""
    try:
        content = (_PROC / str(pid) / "stat").read_bytes()
        # The program's name, in parentheses, may hold anything; the state is behind it.
        fields = content[content.rindex(b")") + 1 :].split()
        # Killed, and its parent has not asked for the exit status yet.
        return -1 if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, ValueError, IndexError):
        return 0
