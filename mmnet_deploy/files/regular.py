"""Reading of files that somebody else may have put there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


class NotRegularError(OSError):
    """The path leads to a pipe, a device or a socket, which may never end."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "it is not a regular file", str(path))


def read_regular(path: Path, most_bytes: int | None = None) -> bytes:
    """Content of a regular file; a pipe or a device is refused and never waited for.

    Args:
        most_bytes: Size above which nothing is read.

    Raises:
        NotRegularError: It is a pipe, a device or a socket.
        OSError: It cannot be read, or it is larger than `most_bytes` (EFBIG).
    """
    # Opening a pipe would wait for a writer; without blocking it opens at once.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise NotRegularError(path)
        if most_bytes is not None and found.st_size > most_bytes:
            raise OSError(errno.EFBIG, f"it is larger than {most_bytes} bytes", str(path))
        return file.read()
