"""A process that waits for the command, and puts its death into words.

A native library that crashes takes its whole process along, with an exit code such as 134 and
nothing that a user could read. So the program splits in two before any library is loaded: the
child does the work; the parent passes signals on, keeps the last words that native libraries
write to file descriptor 2, and ends with the child's exit code, or with one line and 1.

Both are in one process group, so a terminal stops, continues and interrupts them as one; what
comes to the child twice that way counts once (`signals.SAME_S`). If the parent is killed, the
child is too.

The child's temporary files and folders are in one folder, which the parent removes however the
child ended. If both were killed, the next command does.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from mmnet_deploy.cli import signals
from mmnet_deploy.cli.escaping import one_line
from mmnet_deploy.files.aside import aside_of, clear

_KEPT_BYTES = 8192
_WORDS = 200
_PATIENCE_S = 2.0
"""After the third signal, for a child that is in a library and does not hear it."""
_AGAIN_S = 0.3
"""After a signal that was passed on. One that comes just before the child falls asleep in a system
call does not wake it, and Python tells its handler after that call only."""
_PR_SET_PDEATHSIG = 1
_SHOW_CURSOR = "\x1b[?25h"

# Frames of a stack, and the line above them.
_NO_WORDS = re.compile(r"\*\*\*|\s*@ +0x|\s*#\d+ ")


def split(*, keep_words: bool) -> int | None:
    """Go on as the child; the parent waits for its end and never returns.

    A process with threads cannot be split, so it goes on alone.

    Args:
        keep_words: Whether native libraries' words go to the parent, which shows the last ones
            if they are the last ones, instead of to standard error.

    Returns:
        File descriptor for what libraries write; None if nobody reads it.
    """
    if not hasattr(os, "fork") or _has_threads():
        return None
    words, theirs = os.pipe() if keep_words else (None, None)
    parent = os.getpid()
    scratch = _scratch()
    # What comes meanwhile waits until somebody is there to take it.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals.NUMBERS)
    child = os.fork()
    if child:
        if theirs is not None:
            os.close(theirs)
        _Parent(child, words, scratch).wait()
    if words is not None:
        os.close(words)
    _die_with(parent)
    if scratch is not None:
        tempfile.tempdir = str(scratch)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals.NUMBERS)
    return theirs


def _scratch() -> Path | None:
    """A new folder for temporary files, named after this process; None if there can be none."""
    try:
        folder = aside_of(Path(tempfile.gettempdir()) / "mm")
        folder.mkdir(mode=0o700)
    except OSError:
        return None
    return folder


def _has_threads() -> bool:
    """Whether there are more threads than this one, native ones too."""
    try:
        return len(os.listdir("/proc/self/task")) > 1
    except OSError:
        return threading.active_count() > 1


def _die_with(parent: int) -> None:
    """Be killed when the parent dies; Linux alone can do it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class _Parent:
    """What waits for the child."""

    def __init__(self, child: int, words: int | None, scratch: Path | None) -> None:
        self._child = child
        self._scratch = scratch
        self._words = words
        self._said = None if words is None else b""
        self._wishes: list[int] = []
        self._counted_s = 0.0
        self._again: tuple[int, float] | None = None

    def wait(self) -> NoReturn:
        """Wait for the child's end, and end as it did."""
        wake, waker = os.pipe()
        for end in (wake, waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGALRM, self._kill)
        for number in signals.NUMBERS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                signal.signal(number, self._pass_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals.NUMBERS)
        if self._words is not None:
            os.set_blocking(self._words, False)
        while not (ended := os.waitpid(self._child, os.WNOHANG))[0]:
            heard = [wake, *([] if self._words is None else [self._words])]
            select.select(heard, [], [], self._pass_on_again())
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 4096)
            self._listen()
        self._listen()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            clear(self._scratch.parent)
        os._exit(self._conclude(os.waitstatus_to_exitcode(ended[1])))

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)
        now = time.monotonic()
        self._again = number, now + _AGAIN_S
        if not self._wishes or now - self._counted_s >= signals.SAME_S:
            self._wishes.append(number)
            self._counted_s = now
            if len(self._wishes) == 3:
                signal.setitimer(signal.ITIMER_REAL, _PATIENCE_S)

    def _pass_on_again(self) -> float | None:
        """Pass the last signal on once more when it is time: the same wish, so it counts once.

        Returns:
            Seconds until then; None if there is nothing to pass on.
        """
        if self._again is None:
            return None
        number, due = self._again
        left = due - time.monotonic()
        if left > 0:
            return left
        self._again = None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)
        return None

    def _kill(self, number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)

    def _listen(self) -> None:
        """Read what there is of the libraries' words, and keep the end of them."""
        with contextlib.suppress(BlockingIOError):
            while self._words is not None:
                heard = os.read(self._words, 65536)
                self._said = ((self._said or b"") + heard)[-_KEPT_BYTES:]
                if not heard:
                    os.close(self._words)
                    self._words = None

    def _conclude(self, code: int) -> int:
        """Say what ended the child, if a signal did; the exit code."""
        if code >= 0:
            return code
        number = -code
        if len(self._wishes) >= 3 and number == signal.SIGKILL:
            _tell(signals.AT_ONCE)
            return 128 + self._wishes[0]
        if number in signals.NUMBERS:
            _tell(signals.Interrupted(number).line)
            return 128 + number
        _tell(f"Error: {death(number, self._said)}")
        return 1


def death(number: int, said: bytes | None) -> str:
    """What a user is told of a process that a signal ended.

    Args:
        said: The end of what native libraries said; None if the user has seen it.
    """
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGKILL:
        return (
            "The command was killed (SIGKILL), most likely by the system because memory ran out. "
            "Smaller sizes or batches need less."
        )
    told = f"A native library crashed and ended the command ({name})."
    if said is not None:
        words = last_words(said)
        told += f" Its last words: {words.rstrip('.')}." if words else " It said nothing."
        told += " --debug shows where it was."
    return f"{told} What was finished before is stored."


def last_words(said: bytes) -> str:
    """The last line that tells something, without frames of a stack."""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if not _NO_WORDS.match(line)]
    found = one_line((telling or lines or [""])[-1])
    return found if len(found) <= _WORDS else found[: _WORDS - 2] + " …"


def _tell(line: str) -> None:
    # A bar that was drawn hides the cursor, and leaves it in its line.
    before = f"{_SHOW_CURSOR}\n" if sys.stderr is not None and sys.stderr.isatty() else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{before}{line}\n".encode())
