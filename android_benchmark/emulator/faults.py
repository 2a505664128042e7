"""What can go wrong with a phone: small frozen values, given at start or while it runs.

A fault is on from its injection until it is cleared or spent; times count from there.
"""

from __future__ import annotations

import asyncio
import dataclasses
import signal
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar


@dataclasses.dataclass(frozen=True)
class Fault:
    """Base of all faults."""


@dataclasses.dataclass(frozen=True)
class DropConnection(Fault):
    """Cut the connection in the middle of byte `after_bytes`, once.

    Attributes:
        after_bytes: Bytes that still pass, over all connections.
        direction: `in` counts what the phone receives, `out` what it sends.
    """

    after_bytes: int = 0
    direction: Literal["in", "out"] = "in"


@dataclasses.dataclass(frozen=True)
class Stall(Fault):
    """Neither read nor write from byte `after_bytes` received on, until cleared."""

    after_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class RefuseConnections(Fault):
    """Close every new connection at once."""


@dataclasses.dataclass(frozen=True)
class RefuseService(Fault):
    """Refuse to open services whose name starts with `prefix`, such as `sync:`."""

    prefix: str


@dataclasses.dataclass(frozen=True)
class Offline(Fault):
    """Cut the connections; take new ones but say nothing, which adb calls `offline`."""


@dataclasses.dataclass(frozen=True)
class DiskFull(Fault):
    """Room for `free_bytes` more, then 'No space left on device'."""

    free_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class NoExecution(Fault):
    """Programs under `path` may not be executed, as on a volume mounted noexec."""

    path: str = "/data/local/tmp"


@dataclasses.dataclass(frozen=True)
class KillProgram(Fault):
    """Kill one process named `program`, `after_s` seconds into its run, once."""

    program: str
    after_s: float = 0.0
    signal: int = signal.SIGKILL


@dataclasses.dataclass(frozen=True)
class KeepRunning(Fault):
    """What a shell runs goes on when the host has gone, until it writes to it.

    Real phones do so where adb was killed and the shell had no terminal; a program whose
    outputs are files then runs to its end.
    """


@dataclasses.dataclass(frozen=True)
class RestrictCores(Fault):
    """Programs run on the cores of `mask` only (a bit each), whatever they ask for.

    As a cpuset does it: what a program asks for beyond is dropped without a word, and
    an affinity that names none of them is an error.
    """

    mask: int


@dataclasses.dataclass(frozen=True)
class Throttle(Fault):
    """Heat up to `temperature_c` and slow down to a share of the clock, over `over_s`."""

    temperature_c: float
    frequency_share: float = 1.0
    over_s: float = 0.0


@dataclasses.dataclass(frozen=True)
class ChangeGovernor(Fault):
    """Another frequency governor, `after_s` seconds from now, on all cores."""

    governor: str
    after_s: float = 0.0


@dataclasses.dataclass(frozen=True)
class DumpsysOf(Fault):
    """`dumpsys` answers in the words of another Android version."""

    sdk: int


@dataclasses.dataclass(frozen=True)
class Greeting(Fault):
    """The shell that adb starts prints lines of its own, as profile scripts and `su` do.

    Attributes:
        before: On standard output, before the command.
        after: On standard output, behind it.
    """

    before: str = "Welcome to this phone\n"
    after: str = ""


@dataclasses.dataclass(frozen=True)
class LinkerWarning(Fault):
    """Every program that starts complains on standard error first.

    Without the second shell protocol (up to Android 6), that is standard output.
    """

    line: str = "WARNING: linker: libx.so: unused DT entry: type 0x6ffffffe arg 0x1f0"


@dataclasses.dataclass(frozen=True)
class KeepSettings(Fault):
    """`settings put` and `delete` are accepted and change nothing."""


F = TypeVar("F", bound=Fault)


class ActiveFault:
    """A fault that is on: since when, and how many bytes passed."""

    def __init__(self, fault: Any, since_s: float) -> None:
        self.fault = fault
        self.since_s = since_s
        self.passed_bytes = 0
        self.over = asyncio.Event()

    def room(self, wanted: int, allowed: int) -> int:
        """How many of `wanted` bytes may still pass where `allowed` may in all."""
        return max(0, min(wanted, allowed - self.passed_bytes))


class Faults:
    """The faults that are on. All calls belong to the phone's own thread."""

    def __init__(self, clock: Callable[[], float], faults: Iterable[Fault] = ()) -> None:
        self._clock = clock
        self._active: list[ActiveFault] = []
        self.inject(*faults)

    def inject(self, *faults: Fault) -> None:
        """Turn faults on; one that is on already starts anew."""
        for fault in faults:
            self.clear(fault)
            self._active.append(ActiveFault(fault, self._clock()))

    def clear(self, what: Fault | type[Fault] = Fault) -> None:
        """Turn off one fault, or all of a kind."""
        for active in list(self._active):
            fault = active.fault
            if isinstance(fault, what) if isinstance(what, type) else fault == what:
                self._active.remove(active)
                active.over.set()

    def active(self, kind: type[Fault]) -> ActiveFault | None:
        """The latest fault of a kind with its counters, or None."""
        found = [active for active in self._active if isinstance(active.fault, kind)]
        return found[-1] if found else None

    def all(self, kind: type[F]) -> list[F]:
        """All faults of a kind that are on, oldest first."""
        return [a.fault for a in self._active if isinstance(a.fault, kind)]

    def get(self, kind: type[F]) -> F | None:
        """The latest fault of a kind, or None."""
        found = self.all(kind)
        return found[-1] if found else None

    def age_s(self, kind: type[Fault]) -> float:
        """Seconds since the latest fault of a kind was turned on; 0 if none is."""
        active = self.active(kind)
        return self._clock() - active.since_s if active else 0.0
