"""Services that a host may open, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from android_benchmark.emulator.adb.shell_service import serve_exec, serve_shell
from android_benchmark.emulator.adb.streams import Stream
from android_benchmark.emulator.adb.sync_service import serve_sync
from android_benchmark.emulator.device.device import EmulatedDevice

Service = Callable[[EmulatedDevice, Stream, str], Awaitable[None]]

_SERVICES: dict[str, Service] = {"shell": serve_shell, "exec": serve_exec, "sync": serve_sync}


def find_service(name: str) -> Service | None:
    """The service for `name`, such as `shell,v2,raw:ls`; None if there is none."""
    kind, colon, _ = name.partition(":")
    return _SERVICES.get(kind.split(",")[0]) if colon else None
