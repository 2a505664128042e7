"""Work in threads: how many, in which order, and how far ahead of its use."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import cv2

from mmnet_deploy.progress import Progress


def in_parallel(function, items: Sequence, title: str, progress: Progress) -> Iterator:
    """Results of `function` in order; decoding releases the interpreter lock."""
    with (
        progress(title, len(items)) as advance,
        ThreadPoolExecutor(os.cpu_count() or 1) as executor,
    ):
        # Bounded, so that a large data set is never held in memory as a whole.
        for start in range(0, len(items), 64):
            for result in executor.map(function, items[start : start + 64]):
                advance()
                yield result


def usable_cores() -> int:
    """Number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


T = TypeVar("T")
R = TypeVar("R")

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def ahead(
    executor: ThreadPoolExecutor, function: Callable[[T], R], items: Sequence[T], depth: int
) -> Iterator[R]:
    """Results in order, computed at most `depth` items ahead of their use."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(executor.submit(function, item))
        if len(waiting) > depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@functools.cache
def _keep_freed_memory() -> None:
    """Let glibc keep what is freed for the next picture.

    By default it hands megabytes back to the system each time, which clears thousands of pages
    anew for every picture. Other C libraries go without.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)
        mallopt(_M_TRIM_THRESHOLD, 128 * 2**20)


@contextlib.contextmanager
def workers(busy: int) -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """Threads for the cores that other work leaves over, or half of them; and how many.

    OpenCV keeps to one thread meanwhile: several pictures are under way instead.
    """
    _keep_freed_memory()
    cores = usable_cores()
    count = max(cores - busy, cores // 2, 1)
    with _one_thread_of_opencv():
        executor = ThreadPoolExecutor(count)
        try:
            yield executor, count
        finally:
            # After a fault or Ctrl-C nobody wants what still waits.
            executor.shutdown(cancel_futures=True)


_opencv = threading.Lock()
_opencv_users: list[int] = []
"""How many threads OpenCV had when each of those began that want one only."""


@contextlib.contextmanager
def _one_thread_of_opencv() -> Iterator[None]:
    """OpenCV keeps to one thread until the last of those that want it has ended."""
    with _opencv:
        _opencv_users.append(cv2.getNumThreads() if not _opencv_users else _opencv_users[0])
        cv2.setNumThreads(1)
    try:
        yield
    finally:
        with _opencv:
            threads = _opencv_users.pop()
            if not _opencv_users:
                cv2.setNumThreads(threads)
