"""Scripted engines: files that stand for a benchmark program and print what one printed.

A file is a scripted engine when its first line is `MARK` and the rest is JSON, or when its
SHA-256 was given to the phone together with an engine.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json

from android_benchmark.emulator.device.files import PhoneFiles
from android_benchmark.emulator.device.pipes import Io
from android_benchmark.emulator.device.processes import DeathBySignalError, Process
from android_benchmark.emulator.device.program import Program
from android_benchmark.emulator.errors import EngineError

MARK = "#!scripted-engine"


@dataclasses.dataclass(frozen=True)
class Reply:
    """What an engine does when it is run.

    Attributes:
        stdout: What it prints; end it in half a line to print half a line.
        stderr: What it prints to standard error, after `stdout`.
        exit_code: Its exit code, if nothing ends it before.
        when: The reply is for runs whose arguments contain this text; "" is for all.
        library: The reply is for runs that find this file by LD_LIBRARY_PATH; "" is for all.
        delay_s: Seconds that it works before it prints.
        hang: Whether it goes on for ever once it has printed.
        signal: Number of the signal that ends it once it has printed, or 0.
    """

    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0
    when: str = ""
    library: str = ""
    delay_s: float = 0.0
    hang: bool = False
    signal: int = 0


@dataclasses.dataclass(frozen=True)
class ScriptedEngine:
    """The first of `replies` that fits the arguments is what a run does."""

    replies: tuple[Reply, ...]

    def to_bytes(self) -> bytes:
        """The file that stands for the engine."""
        replies = [dataclasses.asdict(reply) for reply in self.replies]
        return f"{MARK}\n{json.dumps({'replies': replies}, indent=1)}\n".encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> ScriptedEngine:
        """Read such a file.

        Raises:
            EngineError: It has no mark, is not JSON, or has unknown or ill-typed fields.
        """
        mark, _, rest = data.partition(b"\n")
        if mark.decode("ascii", "replace").strip() != MARK:
            raise EngineError(f"A scripted engine starts with {MARK!r}.")
        types = {field.name: type(field.default) for field in dataclasses.fields(Reply)}
        try:
            replies = json.loads(rest)["replies"]
            for reply in replies:
                for name, value in reply.items():
                    wanted = (int, float) if types[name] is float else types[name]
                    if not isinstance(value, wanted):
                        raise TypeError(f"`{name}` must be a {types[name].__name__}")
            return cls(tuple(Reply(**reply) for reply in replies))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise EngineError(f"Not the description of a scripted engine: {error}.") from error

    async def run(self, program: Program, files: PhoneFiles, io: Io, process: Process) -> int:
        """Do what the fitting reply says; a `--graph` that is not there is an error first.

        As `Runner.run`.
        """
        arguments = program.arguments[1:]
        for argument in arguments:
            name, _, value = argument.partition("=")
            path = value if value.startswith("/") else f"{program.folder}/{value}"
            if name == "--graph" and not files.exists(path):
                await io.stderr.write(f"ERROR: Could not open '{value}'.\n".encode())
                await io.stderr.write(f"ERROR: Failed to mmap model {value}\n".encode())
                await io.stderr.write(b"ERROR: Benchmarking failed.\n")
                return 1
        line = " ".join(arguments)
        folders = program.environment.get("LD_LIBRARY_PATH", "").split(":")
        for reply in self.replies:
            found = any(files.exists(f"{folder}/{reply.library}") for folder in folders if folder)
            if reply.when in line and (found or not reply.library):
                return await _play(reply, io)
        await io.stderr.write(f"scripted engine: no reply to {line!r}\n".encode())
        return 1


async def _play(reply: Reply, io: Io) -> int:
    await asyncio.sleep(reply.delay_s)
    if reply.stdout:
        await io.stdout.write(reply.stdout.encode())
    if reply.stderr:
        await io.stderr.write(reply.stderr.encode())
    if reply.hang:
        await asyncio.get_running_loop().create_future()
    if reply.signal:
        raise DeathBySignalError(reply.signal)
    return reply.exit_code
