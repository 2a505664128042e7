"""Names of what is being written: beside its target, hidden, with the process that writes it.

    .PID-STARTED-PLACE.NAME

What a process leaves that is killed is told by the name, and removed by the next that writes
to the same folder.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from mmnet_deploy.files.process import Owner, this_process

UNTOUCHED_S = 24 * 3600
"""What a process of another computer left untouched for so long is not being written."""

_LONGEST = 255
"""Bytes of a file's name, in the usual file systems."""

_NAME = re.compile(r"\.([1-9]\d{0,8})-([0-9a-f]{1,15})-([0-9a-f]{6})\..+", re.DOTALL)


def aside_of(path: Path) -> Path:
    """The path beside `path` under which this process writes what will be `path`.

    It keeps the suffixes, since some writers choose the format by them.
    """
    owner = this_process()
    begin = f".{owner.pid}-{owner.started:x}-{owner.place}."
    name = path.name
    if len(os.fsencode(name)) <= _LONGEST < len(os.fsencode(begin + name)):
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        name = digest + "".join(path.suffixes[-2:])[-40:]
    return path.with_name(begin + name)


def owner_of(name: str) -> Owner | None:
    """The process that writes the file of this name; None if it is no name of `aside_of`."""
    found = _NAME.fullmatch(name)
    return Owner(int(found[1]), int(found[2], 16), found[3]) if found else None


def clear_once(folder: Path) -> None:
    """Remove what killed processes left in a folder when it is first written to; see `clear`."""
    _clear_once(os.path.abspath(folder))


@functools.cache
def _clear_once(folder: str) -> None:
    clear(Path(folder))


def clear(folder: Path) -> None:
    """Remove the files and folders in `folder` whose writer has ended without removing them.

    Of another computer's process, or one before the last reboot, nothing tells whether it
    runs: what it left goes when it has not been touched for `UNTOUCHED_S`.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            owner = owner_of(entry.name)
            if owner and _is_left(owner, entry):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    # Another process may be clearing too.
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)


def _is_left(owner: Owner, entry: os.DirEntry[str]) -> bool:
    gone = owner.is_gone()
    if gone is not None:
        return gone
    newest = max(_touched(entry), default=0.0)
    return 0 < newest < time.time() - UNTOUCHED_S


def _touched(entry: os.DirEntry[str]) -> Iterator[float]:
    """When a file, or a folder and what is directly in it, was last written."""
    with contextlib.suppress(OSError):
        yield entry.stat(follow_symlinks=False).st_mtime
        if entry.is_dir(follow_symlinks=False):
            with os.scandir(entry.path) as within:
                for one in within:
                    yield one.stat(follow_symlinks=False).st_mtime
