"""The process's three standard streams: always there, and each for what it is meant for.

Standard output is for results, standard error for our own news. What libraries say, as warnings
of Python or past it to file descriptor 2, is for nobody unless `--debug` is given.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import warnings
from typing import Any


class _News(io.FileIO):
    """Standard error; news that cannot be written is no reason to stop the work.

    The terminal may be closed, or the reader of a pipe gone.
    """

    def write(self, data: Any) -> int:
        with contextlib.suppress(OSError):
            return super().write(data) or 0
        return len(data)


def settle(libraries: int | None, *, quiet: bool) -> None:
    """Give every stream its descriptor; see the module.

    Args:
        libraries: File descriptor for what native libraries say; None for nobody. It is closed.
        quiet: Whether they are kept off standard error.
    """
    ours = os.dup(2)
    if quiet:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        libraries = os.open(os.devnull, os.O_WRONLY) if libraries is None else libraries
        os.dup2(libraries, 2)
        os.close(libraries)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_News(ours, "w")),
        encoding="utf-8" if sys.stderr is None else sys.stderr.encoding,
        errors="replace",
        line_buffering=True,
    )
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that lacks a sign, such as ×, shows another one in its place.
        sys.stdout.reconfigure(errors="replace")


def fill() -> None:
    """Open what the caller has closed, for nobody.

    The next file that is opened would get the number, and libraries write into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def flushed(code: Any) -> Any:
    """Write out what is buffered; the exit code, which becomes 1 if that fails."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python would try once more at its end, and complain past us.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not code and error.errno != errno.EPIPE:
            sys.stderr.write(f"Error: {error.strerror}.\n")
        return code or 1
    return code
