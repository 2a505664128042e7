"""Work before and behind a loop, in threads of its own, in order and within bounds.

A queue between two threads holds a few items, so that the faster waits for the slower. What
one of them raises is raised in the loop.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_LOOK_S = 0.1
"""How soon a thread that waits sees that the other one has ended."""

_END = object()


@contextlib.contextmanager
def read_ahead(items: Iterable[T], depth: int) -> Iterator[Iterator[T]]:
    """The same items, fetched by another thread up to `depth` ahead of their use.

    On leaving, the thread stops after the item that it is at.
    """
    waiting: queue.Queue = queue.Queue(depth)
    leaving = threading.Event()
    failed: list[BaseException] = []

    def hand_over(item: object) -> bool:
        while not leaving.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put(item, timeout=_LOOK_S)
                return True
        return False

    def fetch() -> None:
        try:
            for item in items:
                if not hand_over(item):
                    return
        except BaseException as error:
            failed.append(error)
        hand_over(_END)

    def given() -> Iterator[T]:
        while (item := waiting.get()) is not _END:
            yield item
        if failed:
            raise failed[0]

    thread = threading.Thread(target=fetch, name="reading", daemon=True)
    thread.start()
    try:
        yield given()
    finally:
        leaving.set()
        thread.join()


class Behind(Generic[T]):
    """Calls a function with each item that is put, in order, in another thread.

    Used as a context. Where the loop is interrupted or fails, what was put before is still
    worked off; where the function fails, the rest is left.

    Args:
        function: Called in one thread only.
        depth: How many items may wait.
    """

    def __init__(self, function: Callable[[T], None], depth: int) -> None:
        self._function = function
        self._waiting: queue.Queue = queue.Queue(depth)
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._work, name="writing", daemon=True)

    def _work(self) -> None:
        while (item := self._waiting.get()) is not _END:
            if self._failed:
                continue
            try:
                self._function(item)
            except BaseException as error:
                self._failed.append(error)

    def put(self, item: T) -> None:
        """Hand an item over; waits while too many are waiting.

        Raises:
            BaseException: What the function raised for an earlier one.
        """
        if self._failed:
            raise self._failed[0]
        self._waiting.put(item)

    def __enter__(self) -> Behind[T]:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._waiting.put(_END)
        self._thread.join()
        if self._failed and self._failed[0] is not error:
            raise self._failed[0]
