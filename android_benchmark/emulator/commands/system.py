"""Commands about the system: processes, time, the kernel."""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections.abc import Callable

from android_benchmark.emulator.commands.registry import COMMANDS, Call, UsageError, command
from android_benchmark.emulator.device.processes import Process


@command("true")
async def true(call: Call) -> int:
    """true"""
    return 0


@command("false")
async def false(call: Call) -> int:
    """false"""
    return 1


@command("sync")
async def sync(call: Call) -> int:
    """sync"""
    return 0


@command("pwd")
async def pwd(call: Call) -> int:
    """pwd"""
    await call.out(call.shell.folder)
    return 0


@command("sleep")
async def sleep(call: Call) -> int:
    """sleep SECONDS"""
    try:
        (seconds,) = (float(word.rstrip("s")) for word in call.arguments)
    except ValueError:
        raise UsageError("Needs 1 argument") from None
    if not math.isfinite(seconds):
        raise UsageError(f"bad duration '{call.arguments[0]}'")
    await asyncio.sleep(seconds)
    return 0


@command("uname")
async def uname(call: Call) -> int:
    """uname [-a] [-r] [-m] [-s]"""
    options, _ = call.split_options("armsnv")
    version = call.device.files.read("/proc/version").decode().split()
    facts = {"s": "Linux", "n": "localhost", "r": version[2], "m": "aarch64"}
    wanted = [facts[name] for name in "snrm" if name in options or "a" in options]
    await call.out(" ".join(wanted or ["Linux"]))
    return 0


@command("id")
async def identity(call: Call) -> int:
    """id [-u]"""
    options, _ = call.split_options("ugn")
    whole = "uid=2000(shell) gid=2000(shell) groups=2000(shell) context=u:r:shell:s0"
    await call.out("2000" if "u" in options or "g" in options else whole)
    return 0


@command("whoami")
async def whoami(call: Call) -> int:
    """whoami"""
    await call.out("shell")
    return 0


@command("nproc")
async def nproc(call: Call) -> int:
    """nproc"""
    await call.out(str(len(call.device.soc.cores)))
    return 0


@command("date")
async def date(call: Call) -> int:
    """date [+%s]"""
    now = time.strftime("%a %b %e %H:%M:%S UTC %Y", time.gmtime())
    await call.out(str(int(time.time())) if call.arguments == ["+%s"] else now)
    return 0


@command("uptime")
async def uptime(call: Call) -> int:
    """uptime"""
    load = call.device.files.read("/proc/loadavg").decode().split()[:3]
    await call.out(f" 00:00:00 up 1:00,  0 users,  load average: {', '.join(load)}")
    return 0


@command("command")
async def find(call: Call) -> int:
    """command -v NAME…"""
    if call.arguments[:1] != ["-v"]:
        raise UsageError("the emulated shell knows `command -v` only")
    return await which(call)


@command("which")
async def which(call: Call) -> int:
    """which NAME…"""
    _, names = call.split_options("av")
    code = 0
    for name in names:
        if name in COMMANDS and name not in call.device.missing:
            await call.out(f"/system/bin/{name}")
        else:
            code = 1
    return code


@command("pidof")
async def pidof(call: Call) -> int:
    """pidof NAME…"""
    pids = [str(p.pid) for name in call.arguments for p in call.device.processes.named(name)]
    if pids:
        await call.out(" ".join(pids))
    return int(not pids)


_COLUMNS: dict[str, Callable[[Process], str]] = {
    "USER": lambda process: "shell",
    "PID": lambda process: str(process.pid),
    "PPID": lambda process: str(process.parent.pid if process.parent else 1),
    "VSZ": lambda process: "0",
    "RSS": lambda process: "0",
    "WCHAN": lambda process: "0",
    "ADDR": lambda process: "0",
    "S": lambda process: "S",
    "NAME": lambda process: process.name,
    "ARGS": lambda process: " ".join(process.arguments),
}
_USUAL = ("USER", "PID", "PPID", "VSZ", "RSS", "WCHAN", "ADDR", "S", "NAME")
_LEFT = ("USER", "NAME", "ARGS")


@command("ps")
async def ps(call: Call) -> int:
    """ps [-A] [-o COLUMN,…]: all programs that the phone's shells run."""
    words = [word for word in call.arguments if word not in ("-A", "-e")]
    columns: tuple[str, ...] = _USUAL
    if words[:1] == ["-o"] and len(words) == 2:
        columns = tuple(name.upper() for name in words[1].split(","))
    unknown = [name for name in columns if name not in _COLUMNS]
    if unknown:
        raise UsageError(f"bad -o {unknown[0]}")
    rows = [list(columns)]
    rows += [[_COLUMNS[name](process) for name in columns] for process in call.device.processes]
    widths = [0 if name == "ARGS" else max(map(len, cells)) for name, *cells in _turned(rows)]
    for row in rows:
        cells = [
            cell.ljust(width) if name in _LEFT else cell.rjust(width)
            for cell, name, width in zip(row, columns, widths, strict=True)
        ]
        await call.out(" ".join(cells).rstrip())
    return 0


def _turned(rows: list[list[str]]) -> list[list[str]]:
    """Each column, its name twice: once as its name and once as a cell."""
    return [[column[0], *column] for column in map(list, zip(*rows, strict=True))]


def _signal_number(text: str) -> int:
    if text.isascii() and text.isdecimal():
        return int(text)
    name = "SIG" + text.upper().removeprefix("SIG")
    if name not in signal.Signals.__members__:
        raise UsageError(f"bad signal '{text}'")
    return int(signal.Signals[name])


@command("kill")
async def kill(call: Call) -> int:
    """kill [-SIGNAL | -s SIGNAL] PID…: signal 0 only asks whether there is such a process."""
    words, number = list(call.arguments), int(signal.SIGTERM)
    if words[:1] == ["-s"] and len(words) > 1:
        number = _signal_number(words[1])
        del words[:2]
    elif words and words[0].startswith("-") and len(words[0]) > 1 and words[0] != "--":
        number = _signal_number(words.pop(0)[1:])
    code = 0
    for word in words:
        pid = int(word) if word.isascii() and word.isdecimal() else 0
        process = call.device.processes.by_pid(pid)
        if process is None:
            await call.err(f"/system/bin/sh: kill: {word}: No such process")
            code = 1
        else:
            process.kill(number)
    return code


@command("pkill", "killall")
async def pkill(call: Call) -> int:
    """pkill [-SIGNAL] NAME"""
    words, number = list(call.arguments), int(signal.SIGTERM)
    if words and words[0].startswith("-") and words[0] != "-f":
        number = _signal_number(words.pop(0)[1:])
    found = [p for name in words for p in call.device.processes.named(name)]
    for process in found:
        process.kill(number)
    return int(not found)
