"""An emulated Android phone for tests and dry runs: the real adb protocol, scripted engines.

    with EmulatedPhone() as phone, private_adb_server() as adb:
        adb.connect(phone.serial)
        adb.run("-s", phone.serial, "shell", "getprop ro.board.platform").stdout

It listens on the loopback interface only. There are two levels: scripted engines everywhere,
and real arm64 programs where Linux and QEMU allow it:

    with EmulatedPhone(arm64=find_arm64()) as phone: ...

Nothing on it is measured: what a scripted engine prints was recorded or invented, an arm64
program is slowed down by QEMU, and neither must ever be reported as a latency.
"""

from __future__ import annotations

from android_benchmark.emulator.adb.adb_server import AdbServer, private_adb_server
from android_benchmark.emulator.device.program import Program, Runner
from android_benchmark.emulator.errors import (
    AdbError,
    AdbNotFoundError,
    Arm64MissingError,
    EmulatorError,
    EngineError,
    ProfileError,
    ProtocolError,
    StreamClosedError,
)
from android_benchmark.emulator.faults import (
    ChangeGovernor,
    DiskFull,
    DropConnection,
    DumpsysOf,
    Fault,
    Greeting,
    KeepRunning,
    KeepSettings,
    KillProgram,
    LinkerWarning,
    NoExecution,
    Offline,
    RefuseConnections,
    RefuseService,
    RestrictCores,
    Stall,
    Throttle,
)
from android_benchmark.emulator.phone import EmulatedPhone
from android_benchmark.emulator.programs.arm64 import Arm64Runner, find_arm64
from android_benchmark.emulator.programs.availability import LevelReport, levels
from android_benchmark.emulator.programs.engines import Reply, ScriptedEngine

__all__ = [
    "AdbError",
    "AdbNotFoundError",
    "AdbServer",
    "Arm64MissingError",
    "Arm64Runner",
    "ChangeGovernor",
    "DiskFull",
    "DropConnection",
    "DumpsysOf",
    "EmulatedPhone",
    "EmulatorError",
    "EngineError",
    "Fault",
    "Greeting",
    "KeepRunning",
    "KeepSettings",
    "KillProgram",
    "LevelReport",
    "LinkerWarning",
    "NoExecution",
    "Offline",
    "ProfileError",
    "Program",
    "ProtocolError",
    "RefuseConnections",
    "RefuseService",
    "Reply",
    "RestrictCores",
    "Runner",
    "ScriptedEngine",
    "Stall",
    "StreamClosedError",
    "Throttle",
    "find_arm64",
    "levels",
    "private_adb_server",
]
