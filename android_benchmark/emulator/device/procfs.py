"""The folder of each process in the phone's /proc."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from android_benchmark.emulator.device.files import DynamicFile, PhoneFiles

if TYPE_CHECKING:
    from android_benchmark.emulator.device.processes import Process

_ENTRIES = ("cmdline", "comm", "status")
_SHELL_USER = "\t".join(["2000"] * 4)


def add(files: PhoneFiles, process: Process, cores: Callable[[], int]) -> None:
    """Make the folder of a process that starts; `cores` says where it may run, a bit each."""
    folder = f"/proc/{process.pid}"
    reads: tuple[DynamicFile, ...] = (
        lambda: "".join(f"{word}\0" for word in process.arguments),
        lambda: f"{process.name[:15]}\n",
        lambda: _status(process, cores()),
    )
    host = files.root / folder[1:]
    host.mkdir(parents=True, exist_ok=True)
    for name, read in zip(_ENTRIES, reads, strict=True):
        (host / name).touch()
        files.dynamic[f"{folder}/{name}"] = read


def remove(files: PhoneFiles, process: Process) -> None:
    """Remove it when the process has ended."""
    folder = f"/proc/{process.pid}"
    for name in _ENTRIES:
        files.dynamic.pop(f"{folder}/{name}", None)
    shutil.rmtree(files.root / folder[1:], ignore_errors=True)


def _status(process: Process, cores: int) -> str:
    indices = [index for index in range(cores.bit_length()) if cores >> index & 1]
    rows = {
        "Name": process.name[:15],
        "State": "S (sleeping)",
        "Tgid": process.pid,
        "Pid": process.pid,
        "PPid": process.parent.pid if process.parent else 1,
        "Uid": _SHELL_USER,
        "Gid": _SHELL_USER,
        "Threads": 1,
        "Cpus_allowed": f"{cores:x}",
        "Cpus_allowed_list": _ranges(indices),
    }
    return "".join(f"{name}:\t{value}\n" for name, value in rows.items())


def _ranges(indices: list[int]) -> str:
    """Numbers as the kernel lists them, such as `0-1,3`."""
    found: list[list[int]] = []
    for index in indices:
        if found and found[-1][1] == index - 1:
            found[-1][1] = index
        else:
            found.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in found)
