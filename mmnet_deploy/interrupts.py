"""Interruptions that no library swallows or turns into an error of its own."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from mmnet_deploy.progress import Advance, Progress


@contextlib.contextmanager
def kept(progress: Progress) -> Iterator[Progress]:
    """Within, what a signal's handler raises ends the work, whatever becomes of it on its way.

    Compiled code that calls Python, as TensorFlow does while it traces a network, may swallow
    the exception, or fail with a TypeError in its place. Swallowed, it is raised again with
    the next step of the progress.

    Args:
        progress: Told of the work.

    Yields:
        The same, to be told in its place.
    """
    came: list[BaseException] = []
    with contextlib.ExitStack() as stack:
        # In other threads no handler runs.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                handler = signal.getsignal(number)
                if callable(handler):
                    signal.signal(number, _noting(handler, came))
                    stack.callback(signal.signal, number, handler)
        try:
            yield _checking(progress, came)
        except Exception as error:
            if came:
                raise came[0] from error
            raise
        if came:
            raise came[0]


def _noting(
    handler: Callable[[int, FrameType | None], Any], came: list[BaseException]
) -> Callable[[int, FrameType | None], Any]:
    """A signal's handler that notes what another one raises."""

    def handle(number: int, frame: FrameType | None) -> Any:
        try:
            return handler(number, frame)
        except BaseException as error:
            came.append(error)
            raise

    return handle


def _checking(progress: Progress, came: list[BaseException]) -> Progress:
    """Progress that raises what came and was swallowed."""

    @contextlib.contextmanager
    def checking(title: str, total: int) -> Iterator[Advance]:
        with progress(title, total) as advance:

            def checked(note: str = "", steps: int = 1) -> None:
                if came:
                    raise came[0]
                advance(note, steps)

            yield checked

    return checking
