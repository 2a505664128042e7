"""What the emulated phone can do on this computer, for a user who asks before a run."""

from __future__ import annotations

import dataclasses
import shutil

from android_benchmark.emulator.errors import Arm64MissingError
from android_benchmark.emulator.programs.arm64 import find_arm64


@dataclasses.dataclass(frozen=True)
class LevelReport:
    """Whether one level of the emulated phone works here.

    Attributes:
        level: 1 for the phone with scripted engines, 2 for real arm64 programs on it.
        available: Whether all that it needs is there.
        missing: What is missing and how to get it, one line each.
    """

    level: int
    available: bool
    missing: tuple[str, ...]


def levels() -> tuple[LevelReport, ...]:
    """Check both levels; level 2 takes a moment, as it runs a program."""
    missing: tuple[str, ...] = ()
    if shutil.which("adb") is None:
        missing = (
            "adb: Android's platform tools, or the package `adb` of Debian and Ubuntu "
            "(`apt-get install adb`).",
        )
    reports = [LevelReport(1, not missing, missing)]
    try:
        find_arm64()
    except Arm64MissingError as error:
        missing += error.missing
    reports.append(LevelReport(2, not missing, missing))
    return tuple(reports)
