"""Paths of the phone, resolved within one folder of the host.

Each name is looked at in turn, links included, whose targets are paths of the phone: the
host itself never follows one, so nothing leads out of the folder.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_MOST_LINKS = 40


def error(number: int, path: str) -> OSError:
    """An OSError about a path of the phone."""
    return OSError(number, os.strerror(number), path)


def within(path: str, folder: str) -> bool:
    """Whether a resolved path is a folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def resolve(root: Path, path: str, *, follow: bool = True) -> str:
    """The path without links, `.` and `..`; the last name need not exist.

    Args:
        root: The folder of the host that is the phone's `/`.
        path: Absolute, or taken from `/`.
        follow: Whether a link in the last place is followed.

    Raises:
        OSError: A folder on the way is missing or no folder, or links go in circles.
    """
    if "\0" in path:
        raise error(errno.ENOENT, path.replace("\0", "?"))
    names = _names(path)
    found: list[str] = []
    links = 0
    while names:
        name = names.pop()
        if name == "..":
            del found[-1:]
            continue
        here = "/".join((os.fspath(root), *found, name))
        mode = _mode(here)
        if stat.S_ISLNK(mode) and (follow or names):
            links += 1
            if links > _MOST_LINKS:
                raise error(errno.ELOOP, path)
            target = os.readlink(here)
            if target.startswith("/"):
                found.clear()
            names += _names(target)
            continue
        if names and not stat.S_ISDIR(mode):
            raise error(errno.ENOTDIR if mode else errno.ENOENT, path)
        found.append(name)
    return "/" + "/".join(found)


def _names(path: str) -> list[str]:
    """The names in a path, the last first."""
    return [name for name in path.split("/") if name not in ("", ".")][::-1]


def _mode(path: str) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0
