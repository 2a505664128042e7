"""Real arm64 programs on the emulated phone: QEMU in namespaces of their own, on Linux.

The phone's shell stays the emulated one, and so do its commands: only an ELF file for arm64
becomes a process of the computer. Its `/` is the phone's folder, where nothing lies but what
was pushed, so no other arm64 program (such as busybox) is needed. It sees the profile's
/proc/cpuinfo and /sys, a /dev with four devices, no network, and no file of the computer; it
may write where Android's shell user may. Neither root nor binfmt_misc is asked for.

What is not as on a phone: the time that it takes, which must never be reported as a latency;
the number of cores, which is the computer's (`taskset` is noted by the phone and shown in its
/proc, while the kernel below schedules as it likes); process numbers as the program itself
sees them; and programs that it starts in its turn, which fail. A program takes all of the
input that its shell has. The fault `DiskFull` stops what the shell writes for it, not what it
writes itself. QEMU 8.2 and later answer reads of /proc/cpuinfo themselves, with their own chip.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from android_benchmark.emulator.device.files import WRITABLE, PhoneFiles
from android_benchmark.emulator.device.pipes import Io
from android_benchmark.emulator.device.processes import DeathBySignalError, Process
from android_benchmark.emulator.device.program import Program
from android_benchmark.emulator.errors import Arm64MissingError
from android_benchmark.emulator.programs import elf
from android_benchmark.emulator.programs.arm64_streams import ProgramEnd, feed, pass_on

CPU = "cortex-a57"
"""What QEMU plays: ARMv8.0, as the cores of an MSM8996 are."""

_NAMES = ("qemu-aarch64-static", "qemu-aarch64")
_STAGE = Path(__file__).with_name("arm64_stage.py")
_STREAMS = ("stdin", "stdout", "stderr")
_PROBE_S = 30.0
_PROBE_EXIT = 42


@dataclasses.dataclass(frozen=True)
class Arm64Runner:
    """Runs arm64 programs; `find_arm64` makes one that is known to work.

    Attributes:
        qemu: A static QEMU for arm64 programs.
    """

    qemu: Path

    async def run(self, program: Program, files: PhoneFiles, io: Io, process: Process) -> int:
        """Run an arm64 program; its outputs are passed on as they come.

        As `Runner.run`.
        """
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            child = await asyncio.create_subprocess_exec(
                *_command(theirs),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
            theirs.close()
            stdin, stdout, stderr = child.stdin, child.stdout, child.stderr
            if stdin is None or stdout is None or stderr is None:
                raise RuntimeError("The program was started without pipes.")
            feeder = asyncio.ensure_future(feed(io, stdin))
            end = ProgramEnd()
            try:
                await loop.sock_sendall(ours, _packed(self.order(program, files.root)))
                process.deliver = lambda number: _signal(ours, number)
                await asyncio.gather(
                    pass_on(stdout, io.stdout),
                    pass_on(stderr, io.stderr, end),
                    end.wait(ours),
                )
            finally:
                process.deliver = None
                feeder.cancel()
                ours.close()  # ends the program, should it still run
                await _gone(child, feeder)
        if end.kind == "signal":
            raise DeathBySignalError(end.number)
        if end.kind == "exit":
            return end.number
        await io.stderr.write(f"emulator: {end.text or 'the program was lost'}\n".encode())
        return 126

    def order(self, program: Program, root: Path) -> dict[str, Any]:
        """What `arm64_stage` is told; variables named QEMU_… would be QEMU's and are left out."""
        name, *others = program.arguments
        variables = program.environment.items()
        return {
            "qemu": str(self.qemu),
            "root": str(root.resolve()),
            "writable": list(WRITABLE),
            "folder": program.folder,
            "arguments": [str(self.qemu), "-cpu", CPU, "-0", name, program.path, *others],
            "environment": {k: v for k, v in variables if not k.startswith("QEMU_")},
        }


def _packed(order: dict[str, Any]) -> bytes:
    """An order behind its length, as signals follow it on the same socket."""
    data = json.dumps(order).encode()
    return struct.pack(">I", len(data)) + data


def _command(control: socket.socket) -> list[str]:
    return [sys.executable, "-I", "-S", str(_STAGE), str(control.fileno())]


def _signal(control: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):
        control.send(bytes([number]))


async def _gone(child: asyncio.subprocess.Process, feeder: asyncio.Future[None]) -> None:
    if child.returncode is None:
        await child.wait()
    await asyncio.wait((feeder,))


def find_arm64() -> Arm64Runner:
    """Find what runs arm64 programs on this computer, and try it with a small one.

    Raises:
        Arm64MissingError: Something is missing; the message says what, and how to get it.
    """
    if sys.platform != "linux":
        raise Arm64MissingError((f"Linux, such as in a virtual machine (this is {sys.platform}).",))
    missing = []
    qemu, note = _qemu()
    if qemu is None:
        missing.append(
            f"qemu-aarch64-static{note}: `apt-get install qemu-user-static` on Debian and Ubuntu, "
            "`dnf install qemu-user-static` on Fedora."
        )
    problem = _try(Arm64Runner(qemu) if qemu else None)
    if problem:
        missing.append(
            f"unprivileged user namespaces ({problem}). Allow them: `sysctl -w "
            "kernel.apparmor_restrict_unprivileged_userns=0` on Ubuntu, `sysctl -w "
            "kernel.unprivileged_userns_clone=1` on older Debian; in a container, start it "
            "with `--privileged`."
        )
    if missing or qemu is None:
        raise Arm64MissingError(tuple(missing))
    return Arm64Runner(qemu)


def _qemu() -> tuple[Path | None, str]:
    """A static QEMU; without one, a note on what was found in its place."""
    note = ""
    for name in _NAMES:
        found = shutil.which(name)
        if not found:
            continue
        path = Path(found).resolve()
        with path.open("rb") as file:
            if not elf.Header.read(file.read(4096)).interpreter:
                return path, ""
        note = f" ({found} is not static, as it must be)"
    return None, note


def _try(runner: Arm64Runner | None) -> str:
    """Run a program of three instructions, or none; return what went wrong, or ""."""
    with tempfile.TemporaryDirectory(prefix="arm64-probe-") as folder:
        root = Path(folder)
        for path in ("proc", "dev", *(path[1:] for path in WRITABLE)):
            (root / path).mkdir(parents=True)
        (root / "probe").write_bytes(_probe())
        (root / "probe").chmod(0o755)
        program = Program("/probe", ("probe",), {}, "/")
        order = (runner or Arm64Runner(Path())).order(program, root)
        said = _ask(order if runner else order | {"qemu": ""})
    wanted = f"exit {_PROBE_EXIT if runner else 0}"
    return "" if said == wanted else said.removeprefix("error ")


def _ask(order: dict[str, Any]) -> str:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        options: dict[str, Any] = dict.fromkeys(_STREAMS, subprocess.DEVNULL)
        fds = (theirs.fileno(),)
        with subprocess.Popen(_command(theirs), pass_fds=fds, **options) as child:
            theirs.close()
            ours.settimeout(_PROBE_S)
            try:
                ours.sendall(_packed(order))
                return ours.recv(4096).decode(errors="replace").strip() or "no answer"
            except OSError as error:
                child.kill()
                return f"no answer: {error}"
            finally:
                ours.close()


def _probe() -> bytes:
    """A static arm64 program: `exit(42)`, that is mov x0, mov x8, svc."""
    code = struct.pack("<3I", 0xD2800000 | _PROBE_EXIT << 5, 0xD2800BA8, 0xD4000001)
    base, size = 0x400000, 120 + len(code)
    ident = elf.MAGIC + bytes([2, 1, 1]) + bytes(9)
    head = struct.pack(
        "<HHIQQQIHHHHHH", 2, elf.AARCH64, 1, base + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    return ident + head + load + code
