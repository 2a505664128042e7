"""Commands that run another: on some cores, with other variables, for a limited time."""

from __future__ import annotations

import asyncio
import errno
import os
import re

from android_benchmark.emulator.commands.registry import Call, UsageError, command
from android_benchmark.emulator.device.processes import Process


async def _become(call: Call, words: list[str], values: dict[str, str] | None = None) -> int:
    """Run a program in the place of this command, in the same process."""
    environment = call.environment | (values or {})
    name = call.process.name
    return await call.shell.become(call.process, words, environment, call.io, name)


@command("taskset")
async def taskset(call: Call) -> int:
    """taskset MASK PROGRAM [ARGUMENTS…], taskset -p [MASK] PID: masks are hexadecimal."""
    words = list(call.arguments)
    asks_for_pid = words[:1] == ["-p"]
    del words[: int(asks_for_pid)]
    if len(words) < (1 if asks_for_pid else 2):
        raise UsageError(f"Needs {2 - asks_for_pid} arguments")
    if not asks_for_pid:
        return await _become(call, words[1:]) if await _pin(call, call.process, words[0]) else 1
    pid, shown = words[-1], call.device.processes
    process = shown.by_pid(int(pid)) if pid.isascii() and pid.isdecimal() else None
    if process is None:
        reason = os.strerror(errno.ESRCH)
        await call.err(f"taskset: failed to get pid {pid}'s affinity: {reason}")
        return 1
    await call.out(f"pid {pid}'s current affinity mask: {shown.cores(process):x}")
    if len(words) > 1:
        if not await _pin(call, process, words[0]):
            return 1
        await call.out(f"pid {pid}'s new affinity mask: {shown.cores(process):x}")
    return 0


async def _pin(call: Call, process: Process, mask: str) -> bool:
    """Give a process other cores; the kernel drops those that are not there or not allowed."""
    if not re.fullmatch("(0x)?[0-9a-fA-F]{1,16}", mask):
        raise UsageError(f"bad mask '{mask}'")
    if not int(mask, 16) & call.device.processes.allowed():
        reason = os.strerror(errno.EINVAL)
        await call.err(f"taskset: failed to set pid {process.pid}'s affinity: {reason}")
        return False
    process.affinity = int(mask, 16)
    return True


@command("env")
async def env(call: Call) -> int:
    """env [NAME=VALUE…] [PROGRAM [ARGUMENTS…]]"""
    words, values = list(call.arguments), {}
    while words and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        values[name] = value
    if words:
        return await _become(call, words, values)
    environment = call.environment | values
    await call.out("\n".join(f"{name}={value}" for name, value in sorted(environment.items())))
    return 0


@command("nohup", "nice", "time")
async def nohup(call: Call) -> int:
    """nohup PROGRAM [ARGUMENTS…]"""
    if not call.arguments:
        raise UsageError("Needs 1 argument")
    return await _become(call, call.arguments)


@command("timeout")
async def timeout(call: Call) -> int:
    """timeout SECONDS PROGRAM [ARGUMENTS…]: exit code 124 if it takes longer."""
    if len(call.arguments) < 2:
        raise UsageError("Needs 2 arguments")
    try:
        limit_s = float(call.arguments[0].rstrip("s"))
    except ValueError:
        raise UsageError(f"bad duration '{call.arguments[0]}'") from None

    async def work(process: Process) -> int:
        words = call.arguments[1:]
        return await call.shell.become(process, words, call.environment, call.io, "timeout")

    run = call.device.processes.run(call.arguments[1:], work, call.process)
    try:
        return (await asyncio.wait_for(run, limit_s))[0]
    except asyncio.TimeoutError:
        return 124


@command("sh")
async def sh(call: Call) -> int:
    """sh -c COMMAND [NAME [ARGUMENTS…]], or sh [FILE [ARGUMENTS…]]."""
    words = call.arguments
    if words[:1] == ["-c"] and len(words) > 1:
        name, *others = words[2:] or [call.process.arguments[0]]
        return await call.shell_of(name, others).run(words[1])
    if words and not words[0].startswith("-"):
        try:
            text = os.fsdecode(call.device.files.read(call.path(words[0])))
        except OSError as error:
            await call.err(f"sh: {words[0]}: {error.strerror}")
            return 127
        return await call.shell_of(words[0], words[1:]).run(text)
    return await call.shell_of("/system/bin/sh").interact()
