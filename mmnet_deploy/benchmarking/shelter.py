"""Work that a signal does not break off: setting devices up, and putting back what was changed.

Python raises what a signal brings, a `KeyboardInterrupt`, in the main thread only. So such work
is done in another thread, and the main one waits for its end before it lets the exception go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


def sheltered(act: Callable[[], T]) -> T:
    """Do something whole; an interruption that comes meanwhile is raised once it is done.

    Whoever calls this for something that has to be undone, undoes it on that exception too.

    Raises:
        KeyboardInterrupt: It came meanwhile.
        BaseException: What `act` raises, if nothing interrupted it.
    """
    work = _Work(act)
    try:
        # An interruption may come before the thread has started, or within the start.
        threading.Thread(target=work.run, name="sheltered", daemon=True).start()
        work.ended.wait()
    except BaseException:
        work.run()
        work.ended.wait()
        raise
    if work.error is not None:
        raise work.error
    return work.results[0]


def undone(act: Callable[[], object]) -> None:
    """Undo something whole, even where an interruption comes at the very beginning.

    Args:
        act: May be called again.

    Raises:
        KeyboardInterrupt: It came meanwhile; all is undone.
        BaseException: What `act` raises.
    """
    try:
        sheltered(act)
    except KeyboardInterrupt:
        sheltered(act)
        raise


class _Work(Generic[T]):
    """Something that is done once, in whichever thread comes first."""

    def __init__(self, act: Callable[[], T]) -> None:
        self._act = act
        self._lock = threading.Lock()
        self._begun = False
        # Not Thread.join: once interrupted, it takes a thread that runs for one that has ended.
        self.ended = threading.Event()
        self.results: list[T] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do it, unless another thread does."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
        try:
            self.results.append(self._act())
        except BaseException as error:
            self.error = error
        finally:
            self.ended.set()
