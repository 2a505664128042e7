"""Redirections: where a command of the shell reads and writes instead."""

from __future__ import annotations

import errno
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from android_benchmark.emulator.device.files import WritableFile
from android_benchmark.emulator.device.pipes import Io, Memory, Nowhere
from android_benchmark.emulator.shell import expansion
from android_benchmark.emulator.shell.state import ShellState
from android_benchmark.emulator.shell.tree import Redirection


async def redirected(
    shell: ShellState,
    redirections: Iterable[Redirection],
    act: Callable[[Io], Awaitable[None]],
    *,
    keep: bool = False,
) -> None:
    """Do `act` with the inputs and outputs asked for, or report what cannot be opened.

    Args:
        shell: The shell, whose inputs and outputs these start from.
        redirections: In order.
        act: What is to be done.
        keep: Leave the files open, as `exec` without a program does.
    """
    opened: list[WritableFile] = []
    try:
        await act(await _ends(shell, redirections, opened))
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise
        verb = "open" if error.errno == 2 and "<" in str(redirections) else "create"
        await shell.complain(f"can't {verb} {error.filename}: {error.strerror}")
        shell.status = 1
    finally:
        if not keep:
            for file in opened:
                file.close()


async def _ends(
    shell: ShellState, redirections: Iterable[Redirection], opened: list[WritableFile]
) -> Io:
    files = shell.device.files
    ends: dict[int, Any] = {0: shell.io.stdin, 1: shell.io.stdout, 2: shell.io.stderr}
    for redirection in redirections:
        target = await expansion.text(shell, redirection.target)
        if redirection.operator in (">&", "<&"):
            if not re.fullmatch("[0-9]", target) or int(target) not in ends:
                raise OSError(errno.EBADF, "bad file descriptor", redirection.operator + target)
            ends[redirection.number] = ends[int(target)]
        elif target == "/dev/null":
            ends[redirection.number] = Nowhere()
        elif redirection.operator == "<":
            ends[redirection.number] = Memory(files.read(shell.path(target)))
        else:
            file = files.create(shell.path(target), append=redirection.operator == ">>")
            opened.append(file)
            ends[redirection.number] = file
    return Io(ends[0], ends[1], ends[2])
