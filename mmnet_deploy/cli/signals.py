"""Ctrl-C, SIGTERM and SIGHUP: one way for all commands and all phases.

The first of them raises `Interrupted` in the main thread, so that every `finally` puts back
what it has to. A command that keeps something says so with `keeping`. One line is printed,
and the exit code is 128 + the signal's number: 130, 143 or 129. A second signal does not
break off the winding-up, and says so; a third ends the process at once. What was to be
ignored, as SIGHUP under `nohup`, stays ignored.

Python runs handlers between two of its own instructions: a library's call that takes long is
finished first.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

NUMBERS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

SAME_S = 1.0
"""A signal so soon after another is the same wish: a terminal, `timeout` and batch systems send
theirs to a process and to its group."""

WINDING_UP = (
    "Winding up: what was changed or half-written is put back. One more signal ends this at once."
)
AT_ONCE = (
    "Ended at once: temporary files are left, and phones keep what was changed on them until the "
    "next `mmnet-deploy bench`."
)

_LOST_AGAIN_S = 0.05


class Interrupted(KeyboardInterrupt):
    """A signal that ends the command came.

    Attributes:
        number: The signal.
        kept: What is left to go on with, as a sentence; empty if nothing.
    """

    def __init__(self, number: int, kept: str = "") -> None:
        super().__init__(number, kept)
        self.number = number
        self.kept = kept

    @property
    def exit_code(self) -> int:
        """As a shell gives it for a program that a signal ended."""
        return 128 + self.number

    @property
    def line(self) -> str:
        """What the user is told."""
        return f"Interrupted. {self.kept}".rstrip()


class _State:
    """What came so far."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.count = 0
        self.counted_s = 0.0

    def handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.count and now - self.counted_s < SAME_S:
            return
        self.count += 1
        self.counted_s = now
        if self.count == 1:
            self.first = number
            raise Interrupted(number)
        if self.count == 2:
            _tell(WINDING_UP)
        else:
            _tell(AT_ONCE)
            os._exit(128 + (self.first or number))

    def lost(self, number: int) -> None:
        """The exception was swallowed where Python can only print it: come again."""
        self.first, self.count = None, 0
        threading.Timer(_LOST_AGAIN_S, os.kill, (os.getpid(), number)).start()


_state = _State()


def _tell(line: str) -> None:
    """Print past Python's buffers, which may be in use where the signal came."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.write(sys.stderr.fileno(), f"\n{line}\n".encode())


def take() -> Callable[[], None]:
    """Let the signals do what this module says, from the main thread.

    Returns:
        What puts back how it was before.
    """
    global _state
    state = _state = _State()
    before = {}
    for number in NUMBERS:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            before[number] = signal.signal(number, state.handle)
    hook = sys.unraisablehook

    def unraisable(lost: sys.UnraisableHookArgs) -> None:
        # Raised in a finalizer or a library's callback, where no exception can leave.
        if isinstance(lost.exc_value, Interrupted):
            state.lost(lost.exc_value.number)
        else:
            hook(lost)

    def put_back() -> None:
        global _state
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
        _state = _State()

    sys.unraisablehook = unraisable
    return put_back


def close() -> None:
    """Let no signal break off what Python itself does at the end of the process.

    It takes handlers away, and a signal to any thread would then be the end that a parent sees.
    """
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)


def interrupted(kept: str = "") -> Interrupted:
    """What a command raises that has wound up its work itself.

    Args:
        kept: What is left to go on with, as a sentence.
    """
    return Interrupted(_state.first or signal.SIGINT, kept)


def interruption(error: BaseException) -> Interrupted | None:
    """The interruption that an error comes of; None if it is something else.

    Once a signal came every error is its consequence: libraries turn the exception into one of
    their own, and fail where their helpers ended.
    """
    if isinstance(error, Interrupted):
        return error
    if isinstance(error, KeyboardInterrupt) or (
        _state.first is not None and not isinstance(error, (SystemExit, GeneratorExit))
    ):
        return interrupted()
    return None


@contextlib.contextmanager
def keeping(kept: Callable[[], str]) -> Iterator[None]:
    """Where an interruption comes within, tell what is kept.

    Args:
        kept: Gives a sentence, once the work is wound up.
    """
    try:
        yield
    except BaseException as error:
        found = interruption(error)
        if found is None:
            raise
        raise Interrupted(found.number, found.kept or kept()) from error
