"""The commands of the emulated phone, by name: what a benchmark harness asks for."""

from __future__ import annotations

from android_benchmark.emulator.commands import (
    android,
    dumpsys,
    files,
    launch,
    printing,
    status,
    system,
    text,
)
from android_benchmark.emulator.commands.registry import COMMANDS, Call

__all__ = [
    "COMMANDS",
    "Call",
    "android",
    "dumpsys",
    "files",
    "launch",
    "printing",
    "status",
    "system",
    "text",
]
